//! A person we watch over.

use crate::{ContactChoices, KeyContact, Need, NotInOrder, OdsCode, Telephone, contact::check_count, want};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;
use vitals::{
    NhsNumber, PatientId,
    bounded::Text,
    id::{HomeId, TeamId},
};

/// Most of anything a person has several of: a list longer than this is a mistake of an import.
const LIST_MAX: usize = 40;

/// Most telephone numbers.
const TELEPHONES_MAX: usize = 4;

/// Most people to call.
const CONTACTS_MAX: usize = 8;

vitals::named! {
    /// The care level.
    Stratum {
        /// Intensive case management.
        Intensive = "intensive_case_management",
        /// Condition management.
        Condition = "condition_management",
    }
}

vitals::named! {
    /// Which SpO2 scale of NEWS2 is used for a person.
    ///
    /// Source: Royal College of Physicians, NEWS2 (2017): scale 2 only for people with hypercapnic respiratory failure, as
    /// prescribed by a competent clinical decision maker.
    Spo2Scale {
        /// Scale 1: everybody else.
        One = "scale_1",
        /// Scale 2: target 88 to 92%.
        Two = "scale_2",
    }
}

/// Which scale, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaleChoice {
    /// The scale.
    pub scale: Spo2Scale,
    /// Who prescribed it.
    pub prescriber: Text<120>,
    /// When.
    pub on: NaiveDate,
}

/// Something known about a person's health, as somebody else's record or a member of staff said it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// What: a diagnosis, or a medicine with its dose.
    pub what: Text<200>,
    /// Its SNOMED CT concept, where the source gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed: Option<Text<18>>,
    /// Where it comes from, such as "GP record" or "typed from the discharge letter".
    pub source: Text<120>,
    /// The day the source said so.
    pub on: NaiveDate,
}

/// What is to happen when a person becomes very unwell, where that was agreed with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationPlan {
    /// What the person or whoever is with them is told to do instead of calling 999. One sentence in plain English.
    pub instruction: Text<300>,
    /// Who agreed it.
    pub agreed_by: Text<120>,
    /// When.
    pub on: NaiveDate,
    /// When it is to be looked at again.
    pub review_on: NaiveDate,
}

/// Whether a person is with us now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At home, or in their care home.
    #[default]
    Active,
    /// In hospital since this day: nothing is asked of them, and what they missed is no reason to worry.
    Admitted(NaiveDate),
    /// Moved away on this day: another service looks after them.
    Moved(NaiveDate),
    /// Died on this day: every message stops at once.
    Deceased(NaiveDate),
}

impl Status {
    /// Whether anything may be sent to the person, or asked of them.
    #[must_use]
    pub fn may_be_told(self) -> bool {
        match self {
            Self::Active => true,
            Self::Admitted(_) | Self::Moved(_) | Self::Deceased(_) => false,
        }
    }
}

/// A person we watch over.
///
/// ```
/// use register::Patient;
/// use vitals::{NhsNumber, PatientId, bounded::Text};
/// let ada = Patient::new(PatientId::parse("pt-1").unwrap(), Text::new("Ada Test").unwrap(), NhsNumber::parse("9990000018").unwrap());
/// assert_eq!(format!("{ada:?}"), "Patient(pt-1)");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patient {
    /// Our id for them.
    pub id: PatientId,
    /// What staff call them.
    pub name: Text<120>,
    /// Their NHS number.
    pub nhs_number: NhsNumber,
    /// Their date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<NaiveDate>,
    /// The team that looks after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
    /// The care home they live in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<HomeId>,
    /// Whether they are with us now.
    #[serde(default, skip_serializing_if = "is_active")]
    pub status: Status,
    /// The care level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratum: Option<Stratum>,
    /// What they are looked after for, in the service's words, such as "heart failure".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pathway: Option<Text<80>>,
    /// Their general practice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practice: Option<OdsCode>,
    /// Their telephone numbers, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telephones: Vec<Telephone>,
    /// Whom to call about them, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<KeyContact>,
    /// How they want to be told.
    #[serde(default)]
    pub choices: ContactChoices,
    /// What they need to be able to read, hear or understand it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// How to get to them: key safe, dogs, stairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_notes: Option<Text<500>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_active(status: &Status) -> bool {
    *status == Status::Active
}

/// Debug shows the id only.
impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patient({})", self.id)
    }
}

impl Patient {
    /// A person of whom nothing else is known yet.
    #[must_use]
    pub fn new(id: PatientId, name: Text<120>, nhs_number: NhsNumber) -> Self {
        Self {
            id,
            name,
            nhs_number,
            born: None,
            team: None,
            home: None,
            status: Status::Active,
            stratum: None,
            pathway: None,
            practice: None,
            telephones: Vec::new(),
            contacts: Vec::new(),
            choices: ContactChoices::default(),
            needs: Vec::new(),
            access_notes: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.telephones.len(), TELEPHONES_MAX, "telephones")?;
        check_count(self.contacts.len(), CONTACTS_MAX, "contacts")?;
        check_count(self.needs.len(), Need::ALL.len(), "needs")?;
        Ok(())
    }
}

/// What is known of a person's health, beside their readings: for those who look after them, not for those who only bring
/// a device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Whose.
    pub id: PatientId,
    /// Diagnoses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<Summary>,
    /// Current medicines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub medicines: Vec<Summary>,
    /// Which `SpO2` scale NEWS2 uses for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spo2_scale: Option<ScaleChoice>,
    /// What is to happen when they become very unwell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationPlan>,
}

/// Debug shows the id only.
impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Health({})", self.id)
    }
}

impl Health {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.diagnoses.len(), LIST_MAX, "diagnoses")?;
        check_count(self.medicines.len(), LIST_MAX, "medicines")?;
        let mut coded = self.diagnoses.iter().chain(&self.medicines).filter_map(|summary| summary.snomed.as_ref());
        let is_code =
            |code: &Text<18>| code.as_str().len() >= 6 && code.as_str().bytes().all(|byte| byte.is_ascii_digit());
        want(coded.all(is_code), "snomed", "want 6 to 18 digits")?;
        let in_order = self.escalation.as_ref().is_none_or(|plan| plan.review_on >= plan.on);
        want(in_order, "escalation", "its review is before it was agreed")
    }
}
