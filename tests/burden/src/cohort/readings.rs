//! What reaches the service: who sits down to measure, what the devices make of it, and when the line lets it through.

use super::{Body, Due, Kind, Person, Reading, Signal, Stratum};
use crate::{
    calendar::{Calendar, DAY},
    parameters::{NotParameters, Parameters},
    rng::Rng,
};
use std::collections::BTreeMap;

/// When people sit down to measure, by how often a day, in seconds of the day.
const SITTINGS: [&[i64]; 5] =
    [&[], &[28_800], &[28_800, 68_400], &[28_800, 46_800, 68_400], &[27_000, 43_200, 63_000, 79_200]];

/// People do not sit down on the minute: so many seconds around.
const SITTING_SPREAD: i64 = 40 * 60;

/// Seconds between two measurements of one sitting.
const BETWEEN: i64 = 75;

/// How wrong a measurement of a kind goes where it is taken wrongly.
#[derive(Debug, Default)]
struct Technique {
    rate: i64,
    effects: Vec<(Signal, i64, i64)>,
}

/// What the devices and the line do, by parameters.
#[derive(Debug)]
pub(super) struct Devices {
    technique: BTreeMap<Kind, Technique>,
    technique_stays: i64,
    flagged: i64,
    awake_wrong: i64,
    breathless_yes: i64,
    breathless_said: i64,
    reads_high_by: i64,
    delay_secs_max: i64,
    repeat_done: i64,
    repeat_after: i64,
    repeat_within: i64,
}

impl Devices {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, NotParameters> {
        let mut technique = BTreeMap::new();
        for kind in Kind::ALL {
            let Some(rate) = parameters.maybe(&format!("technique.{}.rate", kind.name())) else { continue };
            let mut effects = Vec::new();
            for signal in kind.signals() {
                let of = |what: &str| format!("technique.{}.{}.{what}", kind.name(), signal.name());
                if let Some(mean) = parameters.maybe(&of("mean")) {
                    effects.push((*signal, mean, parameters.milli(&of("sd"))?));
                }
            }
            technique.insert(kind, Technique { rate, effects });
        }
        Ok(Self {
            technique,
            technique_stays: parameters.milli("technique.stays")?,
            flagged: parameters.milli("technique.oximetry.flagged")?,
            awake_wrong: parameters.milli("noise.awake.wrong")?,
            breathless_yes: parameters.milli("noise.breathless.yes")?,
            breathless_said: parameters.milli("noise.breathless.said")?,
            reads_high_by: parameters.milli("oximeter_high.by")?,
            delay_secs_max: parameters.whole("delay.secs_max")?,
            repeat_done: parameters.milli("repeat.done")?,
            repeat_after: parameters.whole("repeat.after_min")? * 60,
            repeat_within: parameters.whole("repeat.within_min")? * 60,
        })
    }

    /// What a measurement says. `is_wrong` decides about technique where it is known already.
    fn measure(
        &self,
        kind: Kind,
        body: &Body,
        person: &Person,
        (day, at): (i64, i64),
        is_wrong: Option<bool>,
        rng: &mut Rng,
    ) -> Option<Reading> {
        let technique = self.technique.get(&kind);
        let is_wrongly_taken =
            is_wrong.unwrap_or_else(|| technique.is_some_and(|technique| rng.chance(technique.rate)));
        let mut values = [0; 3];
        for (value, signal) in values.iter_mut().zip(kind.signals()) {
            let mut shown = if *signal == Signal::Breathless {
                self.said(body, at, rng)
            } else if *signal == Signal::Confusion {
                self.seen(body, at, rng)
            } else {
                body.at(*signal, day, at, rng)?
            };
            if *signal == Signal::Saturation && person.reads_high {
                shown += self.reads_high_by;
            }
            for (of, mean, sd) in technique.into_iter().filter(|_| is_wrongly_taken).flat_map(|one| &one.effects) {
                if of == signal {
                    shown += mean + rng.normal(*sd);
                }
            }
            *value = displayed(kind, *signal, shown);
        }
        if kind == Kind::Supply {
            values = [if person.on_oxygen { 1000 } else { 0 }, 0, 0];
        }
        let is_doubted = kind == Kind::Oximetry && is_wrongly_taken && rng.chance(self.flagged);
        Some(Reading {
            person: person.number,
            of: person.number,
            kind,
            values,
            taken: at,
            said: at,
            is_compared: true,
            arrived: at,
            is_doubted,
            is_wrongly_taken,
        })
    }

    /// What somebody answers who is asked whether they are more breathless.
    fn said(&self, body: &Body, at: i64, rng: &mut Rng) -> i64 {
        let is_ill =
            body.episode(at).is_some_and(|(episode, share)| share > 500 && episode.peak(Signal::Breathless).is_some());
        let chance = if is_ill { self.breathless_said } else { self.breathless_yes };
        if rng.chance(chance) { 1000 } else { 0 }
    }

    /// Whether a carer finds somebody newly confused.
    fn seen(&self, body: &Body, at: i64, rng: &mut Rng) -> i64 {
        let is_ill =
            body.episode(at).is_some_and(|(episode, share)| share > 500 && episode.peak(Signal::Confusion).is_some());
        if is_ill != rng.chance(self.awake_wrong) { 1000 } else { 0 }
    }

    /// What the person would measure when asked to repeat a reading; none where they would not.
    pub(super) fn repeat(
        &self,
        first: &Reading,
        body: &Body,
        of: &Person,
        day: i64,
        asked_at: i64,
        rng: &mut Rng,
    ) -> Option<Reading> {
        if !first.kind.can_be_repeated() || !rng.chance(self.repeat_done) {
            return None;
        }
        let is_wrong = first.is_wrongly_taken && rng.chance(self.technique_stays);
        let taken = asked_at + self.repeat_after + rng.below(self.repeat_within - self.repeat_after);
        let measured = self.measure(first.kind, body, of, (day, taken), Some(is_wrong), rng)?;
        let arrived = taken + 2 + rng.below(self.delay_secs_max);
        // The clock of the device has not changed since.
        let said = taken + (first.said - first.taken);
        Some(Reading { person: first.person, said, is_compared: first.is_compared, arrived, ..measured })
    }
}

/// A number as its device displays it, in thousandths, never below nought; a saturation never above 100.
fn displayed(kind: Kind, signal: Signal, value: i64) -> i32 {
    let step = kind.step();
    let highest = if signal == Signal::Saturation { 100_000 } else { 1_000_000 };
    let shown = (value.clamp(0, highest) + step / 2) / step * step;
    i32::try_from(shown).unwrap_or(i32::MAX)
}

/// How often a day a kind is due in a stratum, and how many are taken in one sitting.
fn times(parameters: &Parameters, stratum: Stratum, kind: Kind) -> (i64, i64) {
    let of = |id: String| parameters.maybe(&id).map(|milli| milli / 1000);
    let name = stratum.name();
    let times = of(format!("plan.{name}.{}", kind.name())).unwrap_or(0);
    (times, of(format!("plan.{}_in_a_sitting.{name}", kind.name())).unwrap_or(1))
}

/// What is due, on days that are not paused.
pub(super) fn due(parameters: &Parameters, people: &[Person], days: i64) -> Vec<Due> {
    let mut due = Vec::new();
    for person in people {
        let plan = Kind::ALL.map(|kind| (kind, times(parameters, person.stratum, kind).0));
        for day in (0..days).filter(|day| !person.is_paused(*day)) {
            let today = plan.iter().filter(|(_, times)| *times > 0);
            due.extend(today.map(|(kind, times)| Due { person: person.number, kind: *kind, day, times: *times }));
        }
    }
    due
}

/// When a hub's line is down: from and to, in order.
struct Line(Vec<(i64, i64)>);

impl Line {
    fn new(
        parameters: &Parameters,
        seed: u64,
        hub: u32,
        calendar: &Calendar,
        days: i64,
    ) -> Result<Self, NotParameters> {
        let mut rng = Rng::of(seed, &[4, hub.into()]);
        let (rate, hours_max) = (parameters.milli("outage.rate")?, parameters.whole("outage.hours_max")?);
        let mut down: Vec<(i64, i64)> = Vec::new();
        for day in 0..days {
            if rng.chance(rate) {
                let from = calendar.start(day) + rng.below(DAY);
                let to = from + 3600 + rng.below(hours_max * 3600);
                if down.last().is_none_or(|(_, before)| *before < from) {
                    down.push((from, to));
                }
            }
        }
        Ok(Self(down))
    }

    /// When what is ready to be sent at a moment goes out.
    fn lets_out(&self, at: i64) -> i64 {
        self.0.iter().find(|(from, to)| (*from..*to).contains(&at)).map_or(at, |(_, to)| *to)
    }
}

/// Every reading of the cohort, in no order.
pub(super) fn all(
    parameters: &Parameters,
    devices: &Devices,
    seed: u64,
    people: &[Person],
    bodies: &[Body],
    calendar: &Calendar,
    days: i64,
) -> Result<Vec<Reading>, NotParameters> {
    let wrong_person = parameters.milli("wrong_person.rate")?;
    let mut at_hub: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for person in people {
        at_hub.entry(person.hub).or_default().push(person.number);
    }
    let mut all = Vec::new();
    for (person, body) in people.iter().zip(bodies) {
        let mut rng = Rng::of(seed, &[3, person.number.into()]);
        let line = Line::new(parameters, seed, person.hub, calendar, days)?;
        let (clock_ahead, is_compared) = clock(parameters, person, &mut rng)?;
        let mut taken = sittings(parameters, devices, person, body, calendar, days, &mut rng)?;
        unplanned(devices, person, body, calendar, days, &mut taken, &mut rng);
        if person.stratum == Stratum::Sensor {
            taken.extend(sensor(parameters, person, body, calendar, days, &mut rng)?);
        }
        let others: Vec<u32> =
            at_hub.get(&person.hub).into_iter().flatten().copied().filter(|one| *one != person.number).collect();
        for mut reading in taken {
            reading.arrived = line.lets_out(reading.taken) + 2 + rng.below(devices.delay_secs_max);
            reading.is_compared = is_compared;
            if !is_compared {
                reading.said = reading.taken + clock_ahead;
            }
            if !others.is_empty() && rng.chance(wrong_person) {
                let place = rng.below(i64::try_from(others.len()).unwrap_or(1));
                let other = usize::try_from(place).ok().and_then(|place| others.get(place)).copied();
                reading.person = other.unwrap_or(reading.person);
            }
            all.push(reading);
        }
    }
    Ok(all)
}

/// How far a person's devices are ahead, and whether the hub compares their clocks.
fn clock(parameters: &Parameters, person: &Person, rng: &mut Rng) -> Result<(i64, bool), NotParameters> {
    let ahead = rng.normal(parameters.milli("wrong_clock.hours")?) * 3600 / 1000;
    let is_compared = rng.chance(parameters.milli("wrong_clock.compared")?);
    Ok(if person.wrong_clock { (ahead, is_compared) } else { (0, true) })
}

fn sittings(
    parameters: &Parameters,
    devices: &Devices,
    person: &Person,
    body: &Body,
    calendar: &Calendar,
    days: i64,
    rng: &mut Rng,
) -> Result<Vec<Reading>, NotParameters> {
    let plan: Vec<(Kind, i64, i64)> = Kind::ALL
        .into_iter()
        .map(|kind| (kind, times(parameters, person.stratum, kind)))
        .filter(|(kind, (times, _))| *times > 0 && *kind != Kind::Sensor)
        .map(|(kind, (times, each))| (kind, times, each))
        .collect();
    let most = plan.iter().map(|(_, times, _)| *times).max().unwrap_or(0);
    let slots = usize::try_from(most).ok().and_then(|most| SITTINGS.get(most)).copied().unwrap_or_default();
    let (lapse, back) = (parameters.milli("adherence.lapse")?, parameters.milli("adherence.return")?);
    let (mut taken, mut has_lapsed) = (Vec::new(), false);
    for day in 0..days {
        has_lapsed = if has_lapsed { !rng.chance(back) } else { rng.chance(lapse) };
        for (number, slot) in (0..).zip(slots) {
            let mut at = calendar.at(day, *slot + rng.below(SITTING_SPREAD));
            let is_done = rng.chance(person.adherence);
            if has_lapsed || !is_done || person.is_paused(day) {
                continue;
            }
            for (kind, times, each) in &plan {
                for _ in 0..if number < *times { *each } else { 0 } {
                    taken.extend(devices.measure(*kind, body, person, (day, at), None, rng));
                    at += BETWEEN;
                }
            }
        }
    }
    Ok(taken)
}

/// Readings that people take because they feel ill: every device they have that an episode can show in.
fn unplanned(
    devices: &Devices,
    person: &Person,
    body: &Body,
    calendar: &Calendar,
    days: i64,
    taken: &mut Vec<Reading>,
    rng: &mut Rng,
) {
    if person.stratum == Stratum::Sensor {
        return;
    }
    for episode in body.episodes() {
        let Some(mut at) = episode.unplanned_reading else { continue };
        let day = calendar.day_of(at);
        if day >= days || person.is_paused(day) {
            continue;
        }
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Sensor) {
            let has_it = !kind.signals().is_empty() && kind.signals().iter().all(|signal| body.base(*signal).is_some());
            // An oximeter shows pulse and saturation, a cuff pulse and pressures: the first number says which device it is.
            if has_it && kind.signals().iter().any(|signal| episode.peak(*signal).is_some()) {
                taken.extend(devices.measure(kind, body, person, (day, at), None, rng));
                at += BETWEEN;
            }
        }
    }
}

/// Glucose by a sensor, every few minutes of a day on which it is worn.
fn sensor(
    parameters: &Parameters,
    person: &Person,
    body: &Body,
    calendar: &Calendar,
    days: i64,
    rng: &mut Rng,
) -> Result<Vec<Reading>, NotParameters> {
    let every = DAY / times(parameters, person.stratum, Kind::Sensor).0.max(1);
    let (kept, step_sd) = (parameters.milli("sensor.kept")?, parameters.milli("sensor.step_sd")?);
    let (meal, meal_secs) = (parameters.milli("sensor.meal")?, parameters.milli("sensor.meal_hours")? * 3600 / 1000);
    let (pressed, pressed_for) =
        (parameters.milli("sensor.pressed.rate")?, parameters.whole("sensor.pressed.minutes")? * 60);
    let pressed_by = parameters.milli("sensor.pressed.by")?;
    let Some(base) = body.base(Signal::Glucose) else { return Ok(Vec::new()) };
    let (mut deviation, mut taken) = (0, Vec::new());
    for day in (0..days).filter(|day| !person.is_paused(*day)) {
        let is_worn = rng.chance(person.adherence);
        let lies_on_it = rng.chance(pressed).then(|| calendar.start(day) + 3600 + rng.below(4 * 3600));
        let meals = [27_000, 45_000, 66_000].map(|slot| calendar.at(day, slot + rng.below(3600)));
        let mut at = calendar.start(day) + rng.below(every);
        while is_worn && at < calendar.start(day + 1) {
            deviation = deviation * kept / 100_000 + rng.normal(step_sd);
            let eaten: i64 = meals.iter().map(|eaten_at| risen(at - eaten_at, meal_secs, meal)).sum();
            let well = body.kept_in_bounds(Signal::Glucose, base + deviation + eaten - meal / 3);
            let mut shown = body.with_episode(Signal::Glucose, well, at);
            let is_wrongly_taken = lies_on_it.is_some_and(|from| (from..from + pressed_for).contains(&at));
            if is_wrongly_taken {
                shown = (shown + pressed_by).max(2200);
            }
            let values = [displayed(Kind::Sensor, Signal::Glucose, shown), 0, 0];
            let number = person.number;
            taken.push(Reading {
                person: number,
                of: number,
                kind: Kind::Sensor,
                values,
                taken: at,
                said: at,
                is_compared: true,
                arrived: at,
                is_doubted: false,
                is_wrongly_taken,
            });
            at += every;
        }
    }
    Ok(taken)
}

/// What a meal adds: up to its height in the middle, and nothing before and after.
fn risen(since: i64, lasts: i64, height: i64) -> i64 {
    if (0..lasts).contains(&since) { height * (lasts / 2 - (since - lasts / 2).abs()) / (lasts / 2).max(1) } else { 0 }
}
