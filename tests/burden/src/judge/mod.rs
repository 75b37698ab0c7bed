//! The judge: what a stream of alerts is worth over a world of people, readings and labels. It knows no rule and runs none.
//!
//! Invariants: one alert detects at most one episode; evidence must exist, be that person's and have arrived; days on which
//! nothing came are no denominator; what was settled, withheld or merged detects nothing.

mod chance;
pub mod compare;
mod detect;
mod figures;
pub mod limits;

pub use detect::{Detected, Outcome};
pub use figures::{Figures, PROMPTS_A_DAY_MAX, harm_by_chance, red_floor};

use crate::{
    calendar::Calendar,
    cohort::{Cohort, Due, Kind, Label, Stratum},
    lines::{Alert, Stream, Touch},
    thresholds::{Judged, Listed},
};
use std::collections::BTreeMap;

/// A group within a stratum in whom detection must be no worse either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subgroup {
    /// A target saturation of 88 to 92%.
    Scale2,
    /// On oxygen.
    OnOxygen,
    /// 80 and over.
    EightyAndOver,
    /// The lowest third of adherence.
    LeastAdherent,
    /// A hub shared with others.
    SharedHub,
    /// A device whose clock is wrong.
    WrongClock,
    /// An oximeter that reads 2 high.
    ReadsHigh,
}

impl Subgroup {
    /// Every subgroup.
    pub const ALL: [Self; 7] = [
        Self::Scale2,
        Self::OnOxygen,
        Self::EightyAndOver,
        Self::LeastAdherent,
        Self::SharedHub,
        Self::WrongClock,
        Self::ReadsHigh,
    ];
}

/// Somebody, as far as the judge must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Someone {
    /// Care level and condition.
    pub stratum: Stratum,
    /// The subgroups they are in.
    pub subgroups: Vec<Subgroup>,
}

/// A reading, as far as the judge must know. Times are seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Under whom it is filed.
    pub person: u32,
    /// What told it.
    pub kind: Kind,
    /// When it was taken.
    pub taken: i64,
    /// When the service received it.
    pub arrived: i64,
    /// Whether it is red by the published bounds.
    pub is_red: bool,
}

/// What is true, and what the service could know of it.
#[derive(Debug, Clone)]
pub struct World {
    /// The people.
    pub people: Vec<Someone>,
    /// The readings.
    pub readings: Vec<Known>,
    /// The episodes.
    pub labels: Vec<Label>,
    /// What was due on days that were not paused.
    pub due: Vec<Due>,
    /// Days in London.
    pub calendar: Calendar,
    /// How many days there are.
    pub days: i64,
    /// What each rule may detect, and its lane.
    pub listed: BTreeMap<String, Listed>,
    /// Thousandths of a minute of staff for each touch.
    pub minutes: BTreeMap<Touch, i64>,
    /// The clause that is left out: none, but in a test that shows what it is for.
    pub without: Option<Clause>,
}

impl World {
    /// The world of a cohort.
    #[must_use]
    pub fn of(cohort: &Cohort, judged: &Judged) -> Self {
        let someone = |person: &crate::cohort::Person| {
            let is_in = |group: &Subgroup| match group {
                Subgroup::Scale2 => person.scale_2,
                Subgroup::OnOxygen => person.on_oxygen,
                Subgroup::EightyAndOver => person.age >= 80,
                Subgroup::LeastAdherent => person.is_least_adherent,
                Subgroup::SharedHub => person.shares_hub,
                Subgroup::WrongClock => person.wrong_clock,
                Subgroup::ReadsHigh => person.reads_high,
            };
            Someone { stratum: person.stratum, subgroups: Subgroup::ALL.into_iter().filter(is_in).collect() }
        };
        let people: Vec<Someone> = cohort.people.iter().map(someone).collect();
        let known = |reading: &crate::cohort::Reading| Known {
            person: reading.person,
            kind: reading.kind,
            taken: reading.taken,
            arrived: reading.arrived,
            is_red: cohort.person(reading.person).is_some_and(|person| judged.is_red(person, reading)),
        };
        Self {
            people,
            readings: cohort.readings.iter().map(known).collect(),
            labels: cohort.labels.clone(),
            due: cohort.due.clone(),
            calendar: cohort.calendar.clone(),
            days: cohort.days,
            listed: judged.listed.clone(),
            minutes: judged.minutes.iter().map(|(touch, minutes)| (*touch, minutes.milli)).collect(),
            without: None,
        }
    }

    /// Whether a clause is in force.
    fn asks(&self, clause: Clause) -> bool {
        self.without != Some(clause)
    }

    fn stratum(&self, person: u32) -> Option<Stratum> {
        usize::try_from(person).ok().and_then(|place| self.people.get(place)).map(|someone| someone.stratum)
    }

    /// A reading of the cohort, or a repeat that the stream's own question brought.
    fn known(&self, stream: &Stream, place: u32) -> Option<Known> {
        let from = crate::cohort::REPEATS_FROM;
        if place < from {
            return self.readings.get(usize::try_from(place).ok()?).copied();
        }
        let repeat = stream.repeats.get(&(place & !from))?;
        let (person, kind, taken, arrived) = (repeat.person, repeat.kind, repeat.taken, repeat.arrived);
        Some(Known { person, kind, taken, arrived, is_red: false })
    }
}

/// A clause of the definition. The judge can be asked to leave one out: how a test shows that it would be missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clause {
    /// A day on which nothing came is no denominator.
    SilentDays,
    /// A reading that came later than its day leaves that day silent.
    ThatDay,
    /// Each further showing is a touch.
    FurtherShowings,
    /// An open alert that nobody touched for 24 hours counts again each day.
    Untouched,
    /// What is no alert, and put before staff all the same, is a touch.
    OtherTouches,
    /// Evidence exists.
    EvidenceExists,
    /// Evidence is that person's.
    EvidenceIsTheirs,
    /// Evidence had arrived.
    EvidenceHadArrived,
    /// The rule is listed for the cause.
    Listed,
    /// The priority is at or above the class's.
    Priority,
    /// Some evidence is from after onset.
    AfterOnset,
    /// The alert is opened at or after the first visible reading.
    NotBeforeVisible,
    /// The alert is opened by the latest useful time.
    NotAfterUseful,
    /// In class E, the person or carer is told as well.
    PersonTold,
    /// What was settled, withheld or merged detects nothing.
    Shown,
    /// One alert detects at most one episode.
    OneEach,
    /// Luck is what another person's alerts would have detected.
    AnotherPersons,
    /// A red reading is seen within the hour.
    RedWithinTheHour,
    /// Harm is what follows within 72 hours, not later.
    HarmWithin72Hours,
    /// An instruction to call 999 is right only during an E episode.
    Right999,
    /// A welfare call counts only while it is in time.
    CallInTime,
}

/// Why an alert detects nothing and voids a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Foresight {
    /// Evidence that is no reading.
    NoSuchReading,
    /// Evidence of somebody else.
    OfSomebodyElse,
    /// Evidence that arrived after the alert.
    NotArrived,
    /// A rule that is not listed: nobody knows what it may detect.
    NotListed,
}

/// What is wrong with an alert, if anything.
fn foresight(world: &World, stream: &Stream, alert: &Alert) -> Option<Foresight> {
    if !world.listed.contains_key(&alert.rule) {
        return Some(Foresight::NotListed);
    }
    for place in &alert.evidence {
        let Some(known) = place.and_then(|place| world.known(stream, place)) else {
            if world.asks(Clause::EvidenceExists) {
                return Some(Foresight::NoSuchReading);
            }
            continue;
        };
        if known.person != alert.person && world.asks(Clause::EvidenceIsTheirs) {
            return Some(Foresight::OfSomebodyElse);
        }
        if known.arrived > alert.raised_at && world.asks(Clause::EvidenceHadArrived) {
            return Some(Foresight::NotArrived);
        }
    }
    None
}

/// What the judge found.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The figures of each stratum.
    pub figures: BTreeMap<Stratum, Figures>,
    /// What became of each episode, in the order of the labels.
    pub outcomes: Vec<Outcome>,
    /// Alerts that are void, by why.
    pub void: BTreeMap<Foresight, u64>,
}

/// Judges a stream over a world. `seed` draws the ten exchanges by which luck is removed.
#[must_use]
pub fn judge(world: &World, stream: &Stream, seed: u64) -> Verdict {
    let mut void = BTreeMap::new();
    let mut good = Vec::new();
    for (place, alert) in stream.alerts.iter().enumerate() {
        match foresight(world, stream, alert) {
            Some(why) => *void.entry(why).or_default() += 1,
            None => good.push(place),
        }
    }
    let mut outcomes = detect::detect(world, stream, &good);
    chance::exchange(world, stream, &good, &mut outcomes, seed);
    let figures = figures::figures(world, stream, &outcomes);
    Verdict { figures, outcomes, void }
}
