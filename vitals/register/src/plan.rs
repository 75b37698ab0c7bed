//! Care plans: which protocols watch over a person, with which parameters, and when readings are expected.

use crate::{NotInOrder, contact::check_count, want};
use chrono::{DateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use vitals::{
    Decimal, Kind, PatientId,
    bounded::Text,
    id::{RecordId, StaffId},
};

/// Most protocols one person has.
const PACKS_MAX: usize = 20;

/// Most parameters of their own.
const PARAMETERS_MAX: usize = 100;

/// Most times a day one kind of reading is asked for.
const TIMES_MAX: usize = 12;

/// A parameter set for one person: who, why, and when it is to be looked at again. Passing that date never changes the value.
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
}

/// When readings of a kind are expected, by the clock on the person's wall (Europe/London).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The kind of reading.
    pub kind: Kind,
    /// The times of the day.
    pub at: Vec<NaiveTime>,
    /// Every how many days: 1 is daily.
    pub every_days: u8,
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
    /// When the team looks, as a sentence for the person; the team's own where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_hours: Option<Text<200>>,
}

impl CarePlan {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.packs.len(), PACKS_MAX, "packs")?;
        check_count(self.parameters.len(), PARAMETERS_MAX, "parameters")?;
        check_count(self.schedule.len(), Kind::ALL.len(), "schedule")?;
        let in_order = self.parameters.iter().all(|parameter| parameter.review_at > parameter.at);
        want(in_order, "parameters", "a review is not after the day the parameter was set")?;
        let is_once = |(place, one): (usize, &Parameter)| {
            !self.parameters.iter().take(place).any(|other| (&other.pack, &other.name) == (&one.pack, &one.name))
        };
        want(self.parameters.iter().enumerate().all(is_once), "parameters", "one is there twice")?;
        let is_asked =
            |expected: &Expected| expected.every_days > 0 && !expected.at.is_empty() && expected.at.len() <= TIMES_MAX;
        want(self.schedule.iter().all(is_asked), "schedule", "want 1 to 12 times of the day, every 1 to 255 days")
    }
}
