//! Deteriorations: when they begin, what they do, and the labels made of them.

use super::{Cohort, Label, Person, Signal, Stratum, Visible, body::hours};
use crate::{
    calendar::{Calendar, DAY},
    parameters::{Class, NotParameters, Parameters},
    rng::Rng,
};

/// What an episode does to a number at its peak, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peak {
    /// Moves it by so much.
    By(i64),
    /// Takes it to so much.
    To(i64),
}

/// One way to get worse, with its numbers.
#[derive(Debug)]
pub(super) struct Course {
    name: String,
    class: Class,
    is_admitted: bool,
    rates: [i64; 7],
    rises: i64,
    stays: i64,
    falls: i64,
    unplanned_reading: i64,
    peaks: Vec<(Signal, Peak)>,
    /// The value at which a condition begins that is defined by one, where it is: at or below, or at or above.
    shows: Option<(Signal, Shows)>,
}

/// The published definition of a condition by a value, in thousandths.
#[derive(Debug, Clone, Copy)]
enum Shows {
    AtOrBelow(i64),
    AtOrAbove(i64),
}

/// All ways to get worse.
#[derive(Debug)]
pub(super) struct Causes(Vec<Course>);

impl Causes {
    pub(super) fn all(&self) -> &[Course] {
        &self.0
    }

    pub(super) fn read(parameters: &Parameters) -> Result<Self, NotParameters> {
        let mut all = Vec::new();
        for cause in parameters.causes() {
            let of = |what: &str| parameters.milli(&format!("cause.{}.{what}", cause.name));
            let mut rates = [0; 7];
            for (rate, stratum) in rates.iter_mut().zip(Stratum::ALL) {
                *rate = parameters.maybe(&format!("cause.{}.rate.{}", cause.name, stratum.name())).unwrap_or(0);
            }
            let (mut peaks, mut shows) = (Vec::new(), None);
            for signal in Signal::ALL {
                let peak = |how: &str| parameters.maybe(&format!("cause.{}.{how}.{}", cause.name, signal.name()));
                peaks.extend(peak("by").map(|by| (signal, Peak::By(by))));
                peaks.extend(peak("to").map(|to| (signal, Peak::To(to))));
                shows = shows
                    .or(peak("shows_at_or_below").map(|value| (signal, Shows::AtOrBelow(value))))
                    .or(peak("shows_at_or_above").map(|value| (signal, Shows::AtOrAbove(value))));
            }
            all.push(Course {
                name: cause.name.clone(),
                class: cause.class,
                is_admitted: cause.is_admitted,
                rates,
                rises: hours(of("rises")?),
                stays: hours(of("stays")?),
                falls: hours(of("falls")?),
                unplanned_reading: of("unplanned_reading")?,
                peaks,
                shows,
            });
        }
        Ok(Self(all))
    }
}

/// One deterioration of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Episode {
    pub(super) cause: usize,
    pub(super) onset: i64,
    rises: i64,
    stays: i64,
    falls: i64,
    peaks: Vec<(Signal, Peak)>,
    /// When the person, who feels it, measures without being asked.
    pub(super) unplanned_reading: Option<i64>,
    /// Where it comes in steps, when each begins and how far it then is; empty where it is a curve.
    steps: Vec<(i64, i64)>,
}

impl Course {
    /// Chances in 100,000 that it begins on a day of somebody of a stratum, by its place in [`Stratum::ALL`].
    pub(super) fn rate(&self, stratum: usize) -> i64 {
        self.rates.get(stratum).copied().unwrap_or_default()
    }

    /// Seconds in which it rises, stays and falls.
    pub(super) fn lengths(&self) -> (i64, i64, i64) {
        (self.rises, self.stays, self.falls)
    }

    /// Chances in 100,000 that the person measures without being asked.
    pub(super) fn unplanned(&self) -> i64 {
        self.unplanned_reading
    }

    /// Whether it ends in hospital.
    pub(super) fn ends_in_hospital(&self) -> bool {
        self.is_admitted
    }
}

impl Episode {
    /// One that comes in steps, as ill as `worst` thousandths of its cause's peak. To a value it goes as far as that value.
    pub(super) fn of_steps(
        cause: usize,
        course: &Course,
        onset: i64,
        peak_ends: i64,
        steps: Vec<(i64, i64)>,
        worst: i64,
        unplanned_reading: Option<i64>,
    ) -> Self {
        let worse = |(signal, peak): &(Signal, Peak)| match peak {
            Peak::By(by) if !matches!(signal, Signal::Breathless | Signal::Confusion) => {
                (*signal, Peak::By(by * worst / 1000))
            }
            Peak::By(_) | Peak::To(_) => (*signal, *peak),
        };
        Self {
            cause,
            onset,
            rises: 0,
            stays: peak_ends - onset,
            falls: course.falls,
            peaks: course.peaks.iter().map(worse).collect(),
            unplanned_reading,
            steps,
        }
    }

    /// How far it has come, in thousandths of its peak.
    pub(super) fn share(&self, at: i64) -> i64 {
        if !self.steps.is_empty() {
            let begun = self.steps.partition_point(|(from, _)| *from <= at);
            return begun.checked_sub(1).and_then(|place| self.steps.get(place)).map_or(0, |(_, share)| *share);
        }
        let since = at - self.onset;
        let falling = since - self.rises - self.stays;
        match since {
            ..0 => 0,
            since if since < self.rises => 1000 * since / self.rises.max(1),
            _ if falling < 0 => 1000,
            _ => (1000 - 1000 * falling / self.falls.max(1)).max(0),
        }
    }

    /// When its peak is over.
    pub(super) fn peak_ends(&self) -> i64 {
        self.onset + self.rises + self.stays
    }

    /// What it does to a number.
    pub(super) fn peak(&self, signal: Signal) -> Option<Peak> {
        self.peaks.iter().find(|(one, _)| *one == signal).map(|(_, peak)| *peak)
    }
}

/// One person's episodes, in order, and on how many days they could have fallen ill. Marks the days their plan is paused.
pub(super) fn course(
    causes: &Causes,
    parameters: &Parameters,
    person: &mut Person,
    calendar: &Calendar,
    days: i64,
    rng: &mut Rng,
) -> Result<(Vec<Episode>, i64), NotParameters> {
    holidays(parameters, person, days, rng)?;
    let stratum = Stratum::ALL.iter().position(|one| *one == person.stratum).unwrap_or_default();
    let gap = parameters.whole("gap.days")? * DAY;
    let short_gap = parameters.whole("gap.hypoglycaemia_days")? * DAY;
    let admission = parameters.whole("admission.days")?;
    let (mut episodes, mut well_from, mut at_risk) = (Vec::<Episode>::new(), calendar.start(0), 0);
    for day in 0..days {
        let start = calendar.start(day);
        if start < well_from || person.is_paused(day) {
            continue;
        }
        at_risk += 1;
        let onset = start + rng.below(DAY);
        for (number, cause) in causes.0.iter().enumerate() {
            if !rng.chance(cause.rates.get(stratum).copied().unwrap_or_default()) {
                continue;
            }
            let peak_ends = onset + cause.rises + cause.stays;
            let felt = onset + cause.rises * 3 / 4 + rng.below((cause.stays / 2).max(1));
            episodes.push(Episode {
                cause: number,
                onset,
                rises: cause.rises,
                stays: cause.stays,
                falls: cause.falls,
                peaks: cause.peaks.clone(),
                unplanned_reading: rng.chance(cause.unplanned_reading).then_some(felt),
                steps: Vec::new(),
            });
            // What is over within hours needs days of rest only where it was long.
            well_from = peak_ends + cause.falls + if cause.stays <= DAY / 12 { short_gap } else { gap };
            if cause.is_admitted {
                let first = calendar.day_of(peak_ends) + 1;
                pause(person, first, admission);
            }
            break;
        }
    }
    Ok((episodes, at_risk))
}

pub(super) fn holidays(
    parameters: &Parameters,
    person: &mut Person,
    days: i64,
    rng: &mut Rng,
) -> Result<(), NotParameters> {
    let (rate, lasts) = (parameters.milli("pause.rate")?, parameters.whole("pause.days")?);
    for day in 0..days {
        if rng.chance(rate) {
            pause(person, day, lasts);
        }
    }
    Ok(())
}

pub(super) fn pause(person: &mut Person, first: i64, lasts: i64) {
    for day in first..first + lasts {
        if let Some(is_paused) = usize::try_from(day).ok().and_then(|day| person.paused.get_mut(day)) {
            *is_paused = true;
        }
    }
}

/// How long after its arrival the first visible reading can be acted on in time, by class.
fn latest_useful(class: Class, calendar: &Calendar, arrived: i64) -> i64 {
    match class {
        Class::E => arrived + 15 * 60,
        Class::U => calendar.service_day_ends(arrived),
        Class::R => arrived + 7 * DAY,
    }
}

/// The labels of a cohort: from the true course and from which readings there are, never from what they say.
pub(super) fn labels(parameters: &Parameters, causes: &Causes, cohort: &Cohort) -> Result<Vec<Label>, NotParameters> {
    let mut shares = Vec::new();
    for class in [Class::E, Class::U, Class::R] {
        shares.push((class, parameters.milli(&format!("visible.{class:?}"))? / 100));
    }
    let mut labels = Vec::new();
    for person in &cohort.people {
        for episode in cohort.episodes_of(person.number) {
            let Some(cause) = causes.0.get(episode.cause) else { continue };
            let share = shares.iter().find(|(class, _)| *class == cause.class).map_or(1000, |(_, share)| *share);
            labels.push(Label {
                person: person.number,
                cause: cause.name.clone(),
                class: cause.class,
                onset: episode.onset,
                ends: episode.peak_ends() + cause.falls,
                first_visible: first_visible(cohort, person.number, episode, cause, share),
            });
        }
    }
    Ok(labels)
}

fn first_visible(cohort: &Cohort, person: u32, episode: &Episode, cause: &Course, share: i64) -> Option<Visible> {
    let peak_ends = episode.peak_ends();
    let shows = |reading: &super::Reading| {
        let is_of_it = reading.of == person && (episode.onset..=peak_ends).contains(&reading.taken);
        is_of_it
            && match cause.shows {
                // A condition defined by a value is seen in the first reading, rightly taken, that has it.
                Some((signal, shows)) => {
                    let value = reading.value(signal).filter(|_| !reading.is_wrongly_taken);
                    value.is_some_and(|value| match shows {
                        Shows::AtOrBelow(bound) => value <= bound,
                        Shows::AtOrAbove(bound) => value >= bound,
                    })
                }
                None => {
                    episode.share(reading.taken) >= share
                        && reading.kind.signals().iter().any(|signal| episode.peak(*signal).is_some())
                }
            }
    };
    // In order of arrival: what still waits in a hub cannot be seen.
    let (place, reading) = cohort.readings_of(person).find(|(_, reading)| shows(reading))?;
    let ends = peak_ends + cause.falls;
    let latest_useful = latest_useful(cause.class, &cohort.calendar, reading.arrived).min(ends);
    (latest_useful >= reading.arrived).then_some(Visible {
        reading: place,
        taken: reading.taken,
        arrived: reading.arrived,
        latest_useful,
    })
}
