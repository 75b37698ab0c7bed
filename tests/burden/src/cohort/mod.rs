//! Invented people, their readings in order of arrival, and labels made before any rule runs.
//!
//! Invariants: nothing here knows a rule or a threshold; a label follows from the true course of the body and from which
//! readings were taken (a condition that is defined by a value is seen in the first reading, rightly taken, that has it);
//! all numbers are whole thousandths, so that a seed gives the same cohort on every machine.

mod body;
mod course;
mod person;
mod readings;
mod second;
mod wire;

pub(crate) use wire::REPEATS as REPEATS_FROM;
pub use wire::{Line, moment, reading_id};

use crate::{
    calendar::Calendar,
    parameters::{Class, NotParameters, Parameters},
    rng::Rng,
};
use body::Body;
use course::Episode;
pub use person::Person;
use serde::{Deserialize, Serialize};

/// A care level and condition, whose figures are never mixed with another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stratum {
    /// Stable long-term conditions.
    Stable,
    /// Heart failure.
    HeartFailure,
    /// Chronic obstructive pulmonary disease.
    Copd,
    /// Hypertension.
    Hypertension,
    /// Diabetes, with finger-prick meters.
    Diabetes,
    /// Diabetes, with a sensor that measures glucose all the time.
    Sensor,
    /// A care home.
    CareHome,
}

/// How closely somebody is looked after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CareLevel {
    /// Intensive case management at home.
    Intensive,
    /// Condition management at home.
    Management,
    /// A care home.
    CareHome,
}

impl Stratum {
    /// Every stratum.
    pub const ALL: [Self; 7] = [
        Self::Stable,
        Self::HeartFailure,
        Self::Copd,
        Self::Hypertension,
        Self::Diabetes,
        Self::Sensor,
        Self::CareHome,
    ];

    /// The name in parameters and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::HeartFailure => "heart_failure",
            Self::Copd => "copd",
            Self::Hypertension => "hypertension",
            Self::Diabetes => "diabetes",
            Self::Sensor => "sensor",
            Self::CareHome => "care_home",
        }
    }

    /// Its care level.
    #[must_use]
    pub fn care_level(self) -> CareLevel {
        match self {
            Self::HeartFailure | Self::Copd | Self::Diabetes | Self::Sensor => CareLevel::Intensive,
            Self::Stable | Self::Hypertension => CareLevel::Management,
            Self::CareHome => CareLevel::CareHome,
        }
    }
}

/// A number of the body, in thousandths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// mmHg.
    Systolic,
    /// mmHg.
    Diastolic,
    /// Beats a minute.
    Pulse,
    /// Per cent.
    Saturation,
    /// Kilograms.
    Weight,
    /// Degrees Celsius.
    Temperature,
    /// mmol/L.
    Glucose,
    /// mmol/L.
    Ketone,
    /// Breaths a minute.
    Breaths,
    /// Newly confused: 0 or 1.
    Confusion,
    /// More breathless than usual: 0 or 1.
    Breathless,
}

impl Signal {
    /// Every signal, in the order of the arrays that hold one number of each.
    pub const ALL: [Self; 11] = [
        Self::Systolic,
        Self::Diastolic,
        Self::Pulse,
        Self::Saturation,
        Self::Weight,
        Self::Temperature,
        Self::Glucose,
        Self::Ketone,
        Self::Breaths,
        Self::Confusion,
        Self::Breathless,
    ];

    /// The name in parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Systolic => "systolic",
            Self::Diastolic => "diastolic",
            Self::Pulse => "pulse",
            Self::Saturation => "saturation",
            Self::Weight => "weight",
            Self::Temperature => "temperature",
            Self::Glucose => "glucose",
            Self::Ketone => "ketone",
            Self::Breaths => "breaths",
            Self::Confusion => "confusion",
            Self::Breathless => "breathless",
        }
    }
}

/// What a device or a question tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Systolic, diastolic, pulse.
    Pressure,
    /// Saturation, pulse.
    Oximetry,
    /// Weight.
    Weight,
    /// Temperature.
    Temperature,
    /// Glucose of a drop of blood.
    Glucose,
    /// Glucose by a sensor under the skin.
    Sensor,
    /// Ketone of a drop of blood.
    Ketone,
    /// Breaths counted.
    Breaths,
    /// Alert, or newly confused.
    Awake,
    /// On air, or on oxygen.
    Supply,
    /// More breathless than usual?
    Breathless,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Pressure,
        Self::Oximetry,
        Self::Weight,
        Self::Temperature,
        Self::Glucose,
        Self::Sensor,
        Self::Ketone,
        Self::Breaths,
        Self::Awake,
        Self::Supply,
        Self::Breathless,
    ];

    /// The name in parameters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pressure => "pressure",
            Self::Oximetry => "oximetry",
            Self::Weight => "weight",
            Self::Temperature => "temperature",
            Self::Glucose => "glucose",
            Self::Sensor => "sensor",
            Self::Ketone => "ketone",
            Self::Breaths => "breaths",
            Self::Awake => "awake",
            Self::Supply => "supply",
            Self::Breathless => "breathless",
        }
    }

    /// What its numbers are, in the order of [`Reading::values`].
    #[must_use]
    pub fn signals(self) -> &'static [Signal] {
        match self {
            Self::Pressure => &[Signal::Systolic, Signal::Diastolic, Signal::Pulse],
            Self::Oximetry => &[Signal::Saturation, Signal::Pulse],
            Self::Weight => &[Signal::Weight],
            Self::Temperature => &[Signal::Temperature],
            Self::Glucose | Self::Sensor => &[Signal::Glucose],
            Self::Ketone => &[Signal::Ketone],
            Self::Breaths => &[Signal::Breaths],
            Self::Awake => &[Signal::Confusion],
            Self::Supply => &[],
            Self::Breathless => &[Signal::Breathless],
        }
    }

    /// The step of its numbers, in thousandths: what its display shows.
    fn step(self) -> i64 {
        match self {
            Self::Pressure | Self::Oximetry | Self::Breaths | Self::Awake | Self::Supply | Self::Breathless => 1000,
            Self::Weight | Self::Temperature | Self::Glucose | Self::Sensor | Self::Ketone => 100,
        }
    }

    /// Whether a person can take it again when asked: a sensor and a judgement are what they are.
    #[must_use]
    pub fn can_be_repeated(self) -> bool {
        !matches!(self, Self::Sensor | Self::Awake | Self::Supply | Self::Breathless)
    }
}

/// One reading as it reached the service, with what is true of it and nobody there knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Under whom it is filed: a place in [`Cohort::people`].
    pub person: u32,
    /// Whose it is.
    pub of: u32,
    /// What told it.
    pub kind: Kind,
    /// Its numbers in thousandths, as displayed.
    pub values: [i32; 3],
    /// When it was taken, in seconds since 1970.
    pub taken: i64,
    /// When the device says it was taken; the same where its clock is right or was compared.
    pub said: i64,
    /// Whether the hub compared the device's clock with its own.
    pub is_compared: bool,
    /// When the service received it.
    pub arrived: i64,
    /// Whether the device doubts its value.
    pub is_doubted: bool,
    /// Whether it was taken wrongly.
    pub is_wrongly_taken: bool,
}

impl Reading {
    /// A number of it, in thousandths.
    #[must_use]
    pub fn value(&self, signal: Signal) -> Option<i64> {
        let place = self.kind.signals().iter().position(|known| *known == signal)?;
        self.values.get(place).copied().map(i64::from)
    }
}

/// One deterioration, labelled before any rule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Who.
    pub person: u32,
    /// Of what.
    pub cause: String,
    /// How soon it must be acted on.
    pub class: Class,
    /// When it begins, in seconds since 1970.
    pub onset: i64,
    /// When it is over, untreated.
    pub ends: i64,
    /// The first reading in which it can be seen, of those that reached the service under the right name before it was
    /// over; none where nobody measured.
    pub first_visible: Option<Visible>,
}

/// The first reading in which an episode can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Visible {
    /// Its place in [`Cohort::readings`].
    pub reading: u32,
    /// When it was taken.
    pub taken: i64,
    /// When the service received it.
    pub arrived: i64,
    /// When an alert can be of use at the latest.
    pub latest_useful: i64,
}

/// Something that a plan asks for on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Due {
    /// Of whom.
    pub person: u32,
    /// What.
    #[serde(skip)]
    pub kind: Kind,
    /// The day, counted from the cohort's first.
    pub day: i64,
    /// How often that day.
    pub times: i64,
}

/// A cohort.
#[derive(Debug)]
pub struct Cohort {
    /// The seed it follows from.
    pub seed: u64,
    /// How many days it lasts.
    pub days: i64,
    /// Its days in London.
    pub calendar: Calendar,
    /// The people.
    pub people: Vec<Person>,
    /// All readings: person by person, and of each in order of arrival.
    pub readings: Vec<Reading>,
    /// Where each person's readings begin; one more than there are people.
    starts: Vec<usize>,
    /// The deteriorations, person by person, in order of onset.
    pub labels: Vec<Label>,
    /// What was due, on days that were not paused.
    pub due: Vec<Due>,
    /// Days on which somebody could have fallen ill, by stratum in the order of [`Stratum::ALL`].
    pub days_at_risk: [i64; 7],
    bodies: Vec<Body>,
    devices: readings::Devices,
}

impl Cohort {
    /// The cohort of a seed.
    ///
    /// # Errors
    /// [`NotParameters`] where a parameter is missing.
    pub fn generate(parameters: &Parameters, seed: u64) -> Result<Self, NotParameters> {
        Self::made(parameters, seed, false)
    }

    /// The cohort of a seed by the second generator: bodies of another make, for the same people and devices.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn generate_second(parameters: &Parameters, seed: u64) -> Result<Self, NotParameters> {
        Self::made(parameters, seed, true)
    }

    fn made(parameters: &Parameters, seed: u64, by_second: bool) -> Result<Self, NotParameters> {
        let days = parameters.whole("days")?;
        let calendar = Calendar::new(days);
        let mut people = person::everybody(parameters, seed)?;
        let devices = readings::Devices::read(parameters)?;
        let causes = course::Causes::read(parameters)?;
        let mut days_at_risk = [0; 7];
        let mut bodies = Vec::new();
        for person in &mut people {
            let mut rng = Rng::of(seed, &[2, person.number.into()]);
            let course = if by_second { second::course } else { course::course };
            let (episodes, at_risk) = course(&causes, parameters, person, &calendar, days, &mut rng)?;
            if let Some(sum) =
                Stratum::ALL.iter().position(|one| *one == person.stratum).and_then(|at| days_at_risk.get_mut(at))
            {
                *sum += at_risk;
            }
            let body = if by_second { second::body } else { Body::new };
            bodies.push(body(parameters, person, episodes, days, &mut rng)?);
        }
        let taken = readings::all(parameters, &devices, seed, &people, &bodies, &calendar, days)?;
        let (readings, starts) = by_person(taken, people.len());
        let due = readings::due(parameters, &people, days);
        let mut cohort = Self {
            seed,
            days,
            calendar,
            people,
            readings,
            starts,
            labels: Vec::new(),
            due,
            days_at_risk,
            bodies,
            devices,
        };
        cohort.labels = course::labels(parameters, &causes, &cohort)?;
        Ok(cohort)
    }

    /// One person's readings in order of arrival, each with its place in [`Cohort::readings`].
    pub fn readings_of(&self, person: u32) -> impl Iterator<Item = (u32, &Reading)> {
        let at = |place: usize| self.starts.get(place).copied().unwrap_or(self.readings.len());
        let place = usize::try_from(person).unwrap_or(usize::MAX);
        let (from, to) = (at(place), at(place.saturating_add(1)));
        let all = self.readings.get(from..to).unwrap_or_default();
        (from..).zip(all).filter_map(|(place, reading)| Some((u32::try_from(place).ok()?, reading)))
    }

    /// When the reading at a place arrived, or the repeat that a stream's question brought.
    #[must_use]
    pub fn arrived(&self, stream: &crate::lines::Stream, place: u32) -> Option<i64> {
        if place < REPEATS_FROM {
            return Some(self.readings.get(usize::try_from(place).ok()?)?.arrived);
        }
        stream.repeats.get(&(place & !REPEATS_FROM)).map(|repeat| repeat.arrived)
    }

    /// A person.
    #[must_use]
    pub fn person(&self, person: u32) -> Option<&Person> {
        self.people.get(usize::try_from(person).ok()?)
    }

    /// What this person would measure if asked to repeat this reading then; none where they would not. The same answer
    /// whoever asks.
    #[must_use]
    pub fn repeat(&self, place: u32, asked_at: i64) -> Option<Reading> {
        let first = self.readings.get(usize::try_from(place).ok()?)?;
        let body = self.bodies.get(usize::try_from(first.of).ok()?)?;
        let of = self.person(first.of)?;
        let day = self.calendar.day_of(asked_at);
        self.devices.repeat(first, body, of, day, asked_at, &mut Rng::of(self.seed, &[5, place.into()]))
    }

    /// The episodes that are not yet labels: for tests of the body alone.
    pub(crate) fn episodes_of(&self, person: u32) -> &[Episode] {
        usize::try_from(person).ok().and_then(|place| self.bodies.get(place)).map_or(&[], Body::episodes)
    }
}

/// Puts readings in the order of people and arrival.
fn by_person(mut readings: Vec<Reading>, people: usize) -> (Vec<Reading>, Vec<usize>) {
    // Stable: of two that arrived in one second, the one taken first stays first.
    readings.sort_by_key(|reading| (reading.person, reading.arrived, reading.taken, reading.kind));
    let starts = (0..=people)
        .map(|person| readings.partition_point(|reading| usize::try_from(reading.person).is_ok_and(|of| of < person)))
        .collect();
    (readings, starts)
}
