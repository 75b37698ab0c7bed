//! Burden and guard rails of one stream over one world, by stratum.

use super::{Clause, Outcome, World};
use crate::{
    calendar::DAY,
    cohort::{Kind, Label, Stratum},
    lines::{Alert, Fate, Priority, Stream, Touch},
    parameters::Class,
    thresholds::Lane,
};
use std::collections::{BTreeMap, BTreeSet};

/// More instructions than this to one person in a day breach a guard rail.
pub const PROMPTS_A_DAY_MAX: u64 = 2;

/// How long a human may take to see a red reading.
const RED_SEEN_WITHIN: i64 = 3600;

/// How long after a finding that nobody saw an episode counts as harm.
const HARM_WITHIN: i64 = 3 * DAY;

/// The figures of one stratum: counts, to be added over seeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Person-days with something due and at least one due reading received that day.
    pub monitored_days: u64,
    /// Person-days with something due and nothing received that day.
    pub silent_days: u64,
    /// Silent days followed by a welfare call by the end of the next day.
    pub silent_days_called: u64,
    /// Touches by kind.
    pub touches: BTreeMap<Touch, u64>,
    /// Touches of clinicians.
    pub clinical: u64,
    /// Welfare and equipment touches.
    pub welfare: u64,
    /// Thousandths of a minute of staff.
    pub minutes_milli: i64,
    /// Instructions to people.
    pub prompts: u64,
    /// Person-days with more than [`PROMPTS_A_DAY_MAX`] instructions.
    pub days_over_prompted: u64,
    /// Instructions to call 999.
    pub says_999: u64,
    /// Of these, during an E episode.
    pub right_999: u64,
    /// Findings settled, withheld or merged.
    pub silenced: u64,
    /// Of these, followed within 72 hours by an E or U episode, or made during one.
    pub silenced_harm: u64,
    /// Red readings.
    pub reds: u64,
    /// Of these, not seen by a human within the hour.
    pub reds_unseen: u64,
    /// Episodes that some reading could show in time, and all.
    pub visible_episodes: u64,
    /// All episodes.
    pub episodes: u64,
}

impl Figures {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        for (touch, count) in &other.touches {
            *self.touches.entry(*touch).or_default() += count;
        }
        self.minutes_milli += other.minutes_milli;
        for (sum, count) in [
            (&mut self.monitored_days, other.monitored_days),
            (&mut self.silent_days, other.silent_days),
            (&mut self.silent_days_called, other.silent_days_called),
            (&mut self.clinical, other.clinical),
            (&mut self.welfare, other.welfare),
            (&mut self.prompts, other.prompts),
            (&mut self.days_over_prompted, other.days_over_prompted),
            (&mut self.says_999, other.says_999),
            (&mut self.right_999, other.right_999),
            (&mut self.silenced, other.silenced),
            (&mut self.silenced_harm, other.silenced_harm),
            (&mut self.reds, other.reds),
            (&mut self.reds_unseen, other.reds_unseen),
            (&mut self.visible_episodes, other.visible_episodes),
            (&mut self.episodes, other.episodes),
        ] {
            *sum += count;
        }
    }

    /// One more touch at a moment.
    fn touch(&mut self, touch: Touch, lane: Lane, world: &World) {
        *self.touches.entry(touch).or_default() += 1;
        match lane {
            Lane::Clinical => self.clinical += 1,
            Lane::Welfare | Lane::Equipment => self.welfare += 1,
        }
        self.minutes_milli += world.minutes.get(&touch).copied().unwrap_or_default();
    }
}

/// Whose minutes a touch takes that is no alert's.
fn lane_of(touch: Touch) -> Lane {
    match touch {
        Touch::WelfareCall | Touch::Unassigned | Touch::IsThisYou => Lane::Welfare,
        Touch::Equipment => Lane::Equipment,
        Touch::FirstShowing
        | Touch::Repeat
        | Touch::Rung
        | Touch::Reopened
        | Touch::Returned
        | Touch::Untouched
        | Touch::CarerPrompt
        | Touch::GpLetter => Lane::Clinical,
    }
}

fn lane(world: &World, alert: &Alert) -> Lane {
    world.listed.get(&alert.rule).map_or(Lane::Clinical, |listed| listed.lane)
}

pub(super) fn figures(world: &World, stream: &Stream, outcomes: &[Outcome]) -> BTreeMap<Stratum, Figures> {
    let mut all: BTreeMap<Stratum, Figures> = BTreeMap::new();
    for someone in &world.people {
        all.entry(someone.stratum).or_default();
    }
    for outcome in outcomes {
        let figures = all.entry(outcome.stratum).or_default();
        figures.episodes += 1;
        figures.visible_episodes += u64::from(outcome.is_visible);
    }
    days(world, stream, &mut all);
    touches(world, stream, &mut all);
    prompts(world, stream, &mut all);
    silenced(world, stream, &mut all);
    reds(world, stream, &mut all);
    all
}

/// The figures of somebody's stratum.
fn of<'a>(all: &'a mut BTreeMap<Stratum, Figures>, world: &World, person: u32) -> Option<&'a mut Figures> {
    all.get_mut(&world.stratum(person)?)
}

/// Monitored and silent days, and whether somebody called.
fn days(world: &World, stream: &Stream, all: &mut BTreeMap<Stratum, Figures>) {
    let mut due: BTreeMap<(u32, i64), BTreeSet<Kind>> = BTreeMap::new();
    for one in &world.due {
        due.entry((one.person, one.day)).or_default().insert(one.kind);
    }
    let mut received: BTreeSet<(u32, i64)> = BTreeSet::new();
    for reading in &world.readings {
        let day = world.calendar.day_of(reading.arrived);
        // What came later than the day it was due leaves that day silent: nobody could see it then.
        let is_of_the_day = reading.taken >= world.calendar.start(day);
        let day = if world.asks(Clause::ThatDay) { day } else { world.calendar.day_of(reading.taken) };
        let is_of_the_day = is_of_the_day || !world.asks(Clause::ThatDay);
        let key = (reading.person, day);
        if is_of_the_day && !received.contains(&key) && due.get(&key).is_some_and(|kinds| kinds.contains(&reading.kind))
        {
            received.insert(key);
        }
    }
    let mut calls: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for alert in stream.alerts.iter().filter(|alert| alert.fate == Fate::Shown && lane(world, alert) == Lane::Welfare) {
        calls.entry(alert.person).or_default().push(alert.raised_at);
    }
    for (person, _, at) in stream.touches.iter().filter(|(_, touch, _)| *touch == Touch::WelfareCall) {
        calls.entry(*person).or_default().push(*at);
    }
    let mut silent_since: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    for key in due.keys() {
        let (person, day) = *key;
        let Some(figures) = of(all, world, person) else { continue };
        if received.contains(key) {
            figures.monitored_days += 1;
            silent_since.remove(&person);
            continue;
        }
        figures.silent_days += 1;
        figures.monitored_days += u64::from(!world.asks(Clause::SilentDays));
        // A call in the same run of silent days stands for the days after it.
        let first = silent_since.get(&person).filter(|(_, last)| *last + 1 == day).map_or(day, |(first, _)| *first);
        silent_since.insert(person, (first, day));
        let in_time = world.calendar.start(first)..if world.asks(Clause::CallInTime) {
            world.calendar.start(day + 2)
        } else {
            i64::MAX
        };
        let is_called = calls.get(&person).into_iter().flatten().any(|at| in_time.contains(at));
        figures.silent_days_called += u64::from(is_called);
    }
}

/// Everything put before staff. An alert that is void was put before them all the same.
fn touches(world: &World, stream: &Stream, all: &mut BTreeMap<Stratum, Figures>) {
    let last = world.calendar.start(world.days);
    for alert in stream.alerts.iter().filter(|alert| alert.fate == Fate::Shown) {
        let lane = lane(world, alert);
        let Some(figures) = of(all, world, alert.person) else { continue };
        let first = match lane {
            Lane::Clinical => Touch::FirstShowing,
            Lane::Welfare => Touch::WelfareCall,
            Lane::Equipment => Touch::Equipment,
        };
        figures.touch(first, lane, world);
        for (touch, _) in alert.again.iter().filter(|_| world.asks(Clause::FurtherShowings)) {
            figures.touch(*touch, lane, world);
        }
        let ends = [alert.taken_at, alert.cleared_at].into_iter().flatten().fold(last, i64::min);
        let days = if world.asks(Clause::Untouched) { (ends - alert.raised_at).max(0) / DAY } else { 0 };
        for _ in 0..days {
            figures.touch(Touch::Untouched, lane, world);
        }
    }
    for (person, touch, _) in stream.touches.iter().filter(|_| world.asks(Clause::OtherTouches)) {
        if let Some(figures) = of(all, world, *person) {
            figures.touch(*touch, lane_of(*touch), world);
        }
    }
}

fn prompts(world: &World, stream: &Stream, all: &mut BTreeMap<Stratum, Figures>) {
    let mut a_day: BTreeMap<(u32, i64), u64> = BTreeMap::new();
    for prompt in &stream.prompts {
        *a_day.entry((prompt.person, world.calendar.day_of(prompt.at))).or_default() += 1;
        let Some(figures) = of(all, world, prompt.person) else { continue };
        figures.prompts += 1;
        if prompt.says_999 {
            figures.says_999 += 1;
            let is_right = |label: &Label| {
                label.person == prompt.person
                    && label.class == Class::E
                    && (label.onset..=label.ends).contains(&prompt.at)
            };
            let is_right = world.labels.iter().any(is_right) || !world.asks(Clause::Right999);
            figures.right_999 += u64::from(is_right);
        }
    }
    for ((person, _), _) in a_day.iter().filter(|(_, count)| **count > PROMPTS_A_DAY_MAX) {
        if let Some(figures) = of(all, world, *person) {
            figures.days_over_prompted += 1;
        }
    }
}

fn silenced(world: &World, stream: &Stream, all: &mut BTreeMap<Stratum, Figures>) {
    for alert in stream.alerts.iter().filter(|alert| alert.fate != Fate::Shown) {
        let within = if world.asks(Clause::HarmWithin72Hours) { HARM_WITHIN } else { i64::from(i32::MAX) };
        let is_harm = |label: &Label| {
            label.person == alert.person
                && label.class != Class::R
                && label.onset <= alert.raised_at + within
                && label.ends >= alert.raised_at
        };
        let Some(figures) = of(all, world, alert.person) else { continue };
        figures.silenced += 1;
        figures.silenced_harm += u64::from(world.labels.iter().any(is_harm));
    }
}

/// Red readings, and whether a human looked within the hour: at an alert raised, told again or taken then, or with one of
/// high priority in hand for less than a day.
fn reds(world: &World, stream: &Stream, all: &mut BTreeMap<Stratum, Figures>) {
    let mut looks: BTreeMap<u32, Vec<(i64, i64)>> = BTreeMap::new();
    for alert in stream.alerts.iter().filter(|alert| alert.fate == Fate::Shown && lane(world, alert) == Lane::Clinical)
    {
        let looks = looks.entry(alert.person).or_default();
        let times = [Some(alert.raised_at), alert.taken_at].into_iter().flatten();
        looks.extend(times.chain(alert.again.iter().map(|(_, at)| *at)).map(|at| (at, at)));
        if alert.priority == Priority::High {
            let in_hand_until = alert.cleared_at.map_or(alert.raised_at + DAY, |at| at.min(alert.raised_at + DAY));
            looks.push((alert.raised_at, in_hand_until));
        }
    }
    for reading in world.readings.iter().filter(|reading| reading.is_red) {
        let within = if world.asks(Clause::RedWithinTheHour) { RED_SEEN_WITHIN } else { i64::from(i32::MAX) };
        let is_seen = |(from, to): &(i64, i64)| *from <= reading.arrived + within && *to >= reading.arrived;
        let Some(figures) = of(all, world, reading.person) else { continue };
        figures.reds += 1;
        figures.reds_unseen += u64::from(!looks.get(&reading.person).is_some_and(|looks| looks.iter().any(is_seen)));
    }
}

/// The fewest clinical touches with which every red reading can be seen.
///
/// An alert of high priority in hand covers a day, so the first red reading of a person asks for one, and the next that comes a day or more after it for another. No service
/// that keeps the guard rail on red readings can have fewer.
#[must_use]
pub fn red_floor(world: &World) -> BTreeMap<Stratum, u64> {
    let mut reds: BTreeMap<u32, Vec<i64>> = BTreeMap::new();
    for reading in world.readings.iter().filter(|reading| reading.is_red) {
        reds.entry(reading.person).or_default().push(reading.arrived);
    }
    let mut floor: BTreeMap<Stratum, u64> = BTreeMap::new();
    for (person, mut arrived) in reds {
        arrived.sort_unstable();
        let mut in_hand_until = i64::MIN;
        for at in arrived {
            if at > in_hand_until {
                // Shown within the hour at the latest, and in hand for a day from then on.
                in_hand_until = at.saturating_add(RED_SEEN_WITHIN + DAY);
                if let Some(stratum) = world.stratum(person) {
                    *floor.entry(stratum).or_default() += 1;
                }
            }
        }
    }
    floor
}

/// On how many days an E or U episode runs at noon or begins within 72 hours, and how many days there are.
///
/// That is the share of findings silenced at random that would count as harm.
#[must_use]
pub fn harm_by_chance(world: &World) -> BTreeMap<Stratum, (u64, u64)> {
    let mut labels: BTreeMap<u32, Vec<&Label>> = BTreeMap::new();
    for label in world.labels.iter().filter(|label| label.class != Class::R) {
        labels.entry(label.person).or_default().push(label);
    }
    let days: BTreeSet<(u32, i64)> = world.due.iter().map(|due| (due.person, due.day)).collect();
    let mut all: BTreeMap<Stratum, (u64, u64)> = BTreeMap::new();
    for (person, day) in days {
        let noon = world.calendar.start(day) + DAY / 2;
        let is_harm = |label: &&Label| label.onset <= noon + HARM_WITHIN && label.ends >= noon;
        let Some(stratum) = world.stratum(person) else { continue };
        let (harm, of) = all.entry(stratum).or_default();
        *of += 1;
        *harm += u64::from(labels.get(&person).is_some_and(|labels| labels.iter().any(is_harm)));
    }
    all
}
