//! Care plans: which protocols watch over a person, with which parameters, and when readings are expected; and what a place
//! says of protocols for all its people.

use crate::{NotInOrder, Place, contact::check_count, want};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use vitals::{
    Decimal, Kind, PatientId,
    bounded::Text,
    id::{RecordId, StaffId},
};

/// Most protocols one person has.
const PACKS_MAX: usize = 20;

/// Most parameters of a person's or a place's own.
const PARAMETERS_MAX: usize = 100;

/// Most protocols a place says something of, the withdrawn ones among them.
const STAGES_MAX: usize = 200;

/// Most times a day one kind of reading is asked for.
const TIMES_MAX: usize = 12;

/// Most absences that a plan holds, those that are over among them.
const ABSENCES_MAX: usize = 20;

/// Most days between two readings that are asked for: rules look back 100 days, and call after the third that did not come.
const EVERY_DAYS_MAX: u8 = 28;

/// From when until when a parameter is set otherwise, and what applies after: only what says so ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temporary {
    /// From when.
    pub from: DateTime<Utc>,
    /// From when no longer.
    pub until: DateTime<Utc>,
    /// The value after; where there is none, what applies without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Decimal>,
}

/// A parameter set for one person or place: who, why, and when it is to be looked at again. Passing that date never changes
/// the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The protocol.
    pub pack: Text<80>,
    /// The parameter's name in it.
    pub name: Text<80>,
    /// The value, in the parameter's own unit.
    pub value: Decimal,
    /// Who set it.
    pub author: StaffId,
    /// Why.
    pub reason: Text<400>,
    /// When.
    pub at: DateTime<Utc>,
    /// When its owner is to be asked whether it still holds.
    pub review_at: DateTime<Utc>,
    /// Whether it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<Temporary>,
}

/// When readings of a kind are expected, by the clock on the person's wall (Europe/London).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The kind of reading.
    pub kind: Kind,
    /// The times of the day.
    pub at: Vec<NaiveTime>,
    /// Every how many days, 1 to 28: 1 is daily. Of several days one reading is expected, on whichever of them it comes.
    pub every_days: u8,
}

/// Days on which nothing is expected of a person: a holiday, a stay with family. Not for hospital: that is their
/// [`Status`](crate::Status), and ends when somebody says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// The first day they are away.
    pub from: NaiveDate,
    /// The day they are back.
    pub until: NaiveDate,
}

/// A person's care plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarePlan {
    /// Its id.
    pub id: RecordId,
    /// Whose.
    pub patient: PatientId,
    /// The protocols, by name.
    pub packs: Vec<Text<80>>,
    /// Parameters of the person's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// When readings are expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Expected>,
    /// When nothing is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absences: Vec<Absence>,
    /// When the team looks, as a sentence for the person; the team's own where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_hours: Option<Text<200>>,
}

impl CarePlan {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.packs.len(), PACKS_MAX, "packs")?;
        check_count(self.schedule.len(), Kind::ALL.len(), "schedule")?;
        check_parameters(&self.parameters)?;
        want(is_each_once(&self.packs), "packs", "one is there twice")?;
        let is_asked = |expected: &Expected| {
            (1..=EVERY_DAYS_MAX).contains(&expected.every_days)
                && !expected.at.is_empty()
                && expected.at.len() <= TIMES_MAX
        };
        want(self.schedule.iter().all(is_asked), "schedule", "want 1 to 12 times of the day, every 1 to 28 days")?;
        let kinds: Vec<Kind> = self.schedule.iter().map(|expected| expected.kind).collect();
        want(is_each_once(&kinds), "schedule", "one kind is there twice")?;
        check_count(self.absences.len(), ABSENCES_MAX, "absences")?;
        let ends = |absence: &Absence| absence.from < absence.until;
        want(self.absences.iter().all(ends), "absences", "one ends before it begins")
    }
}

fn check_parameters(parameters: &[Parameter]) -> Result<(), NotInOrder> {
    check_count(parameters.len(), PARAMETERS_MAX, "parameters")?;
    let in_order = parameters.iter().all(|parameter| parameter.review_at > parameter.at);
    want(in_order, "parameters", "a review is not after the day the parameter was set")?;
    let ends = |parameter: &Parameter| parameter.temporary.as_ref().is_none_or(|span| span.from < span.until);
    want(parameters.iter().all(ends), "parameters", "one ends before it begins")?;
    let names: Vec<_> = parameters.iter().map(|parameter| (&parameter.pack, &parameter.name)).collect();
    want(is_each_once(&names), "parameters", "one is there twice")
}

fn is_each_once<T: PartialEq>(all: &[T]) -> bool {
    all.iter().enumerate().all(|(place, one)| !all.iter().take(place).any(|other| other == one))
}

vitals::named! {
    /// How far a place has come with a protocol that three people approved.
    Stage {
        /// On trial: it judges every reading, and nobody is told.
        Shadow = "shadow",
        /// In force.
        Active = "active",
        /// Withdrawn.
        Retired = "retired",
    }
}

/// A protocol at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtPlace {
    /// The protocol, by name.
    pub pack: Text<80>,
    /// The hash of the very content that was approved: another content is another protocol.
    pub content_hash: Text<64>,
    /// How far it is there.
    pub stage: Stage,
}

/// What a place says of protocols for all its people: which are in force there, and with which parameters. The places are the
/// whole footprint, a team and a care home.
///
/// ```
/// use register::{Place, PlacePlan};
/// use vitals::id::TeamId;
/// let team = Place::Team(TeamId::parse("tm-a").unwrap());
/// assert_eq!(PlacePlan::id_of(&team).unwrap().as_str(), "rc-tm-a");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacePlan {
    /// Its id, made from the place: a place has one.
    pub id: RecordId,
    /// Where.
    pub place: Place,
    /// The protocols there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<AtPlace>,
    /// Parameters of the place's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
}

impl PlacePlan {
    /// The id of the plan of a place; none for an organisation, which has none.
    #[must_use]
    pub fn id_of(place: &Place) -> Option<RecordId> {
        let name = match place {
            Place::Footprint => "footprint",
            Place::Team(team) => team.as_str(),
            Place::Home(home) => home.as_str(),
            Place::Organisation(_) => return None,
        };
        RecordId::parse(&format!("rc-{name}")).ok()
    }

    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        let is_of_place = Self::id_of(&self.place).is_some_and(|id| id == self.id);
        want(is_of_place, "id", "want rc-footprint, or rc- and the id of the team or home")?;
        check_count(self.packs.len(), STAGES_MAX, "packs")?;
        let contents: Vec<_> = self.packs.iter().map(|at| (&at.pack, &at.content_hash)).collect();
        want(is_each_once(&contents), "packs", "one is there twice")?;
        let is_hash = |at: &AtPlace| {
            at.content_hash.as_str().len() == 64
                && at.content_hash.as_str().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        want(self.packs.iter().all(is_hash), "packs", "want the content hash of the approvals: 64 digits")?;
        let in_force =
            |stage| -> Vec<_> { self.packs.iter().filter(|at| at.stage == stage).map(|at| &at.pack).collect() };
        let is_one = [Stage::Active, Stage::Shadow].into_iter().all(|stage| is_each_once(&in_force(stage)));
        want(is_one, "packs", "two versions of one are in force, or on trial")?;
        check_parameters(&self.parameters)
    }
}
