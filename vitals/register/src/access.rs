//! What opens and what narrows access to a person's record, beside the relationship of their team: consents, objections,
//! family carers.
//!
//! For direct care the relationship opens access and an objection or restriction narrows it. Consent is for family carers,
//! sharing beyond care, and messages; where a person cannot decide, a recorded decision stands in for it.

use crate::{NotInOrder, Span, Telephone, contact::ContactChoices, want};
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use vitals::{
    PatientId,
    bounded::Text,
    id::{CarerId, HomeId, OrganisationId, RecordId, StaffId, TeamId},
};

/// A family carer, or another who is not staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carer {
    /// Their id.
    pub id: CarerId,
    /// Whose carer.
    pub patient: PatientId,
    /// Their name.
    pub name: Text<120>,
    /// Who they are to the person.
    pub relation: Text<60>,
    /// Their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<Telephone>,
}

impl Carer {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        Ok(())
    }
}

/// What was agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentFor {
    /// That this carer sees readings and alerts.
    Carer(CarerId),
    /// That this organisation, which does not care for the person, sees them.
    Sharing(OrganisationId),
    /// Messages in these ways.
    Messages(ContactChoices),
}

/// A paper that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// What it is and where it is kept.
    pub what: Text<200>,
    /// Its date.
    pub on: NaiveDate,
}

/// Who gave a consent.
///
/// Source: Mental Capacity Act 2005: capacity is presumed (section 1); an attorney or deputy decides within their authority
/// (sections 9 and 16); otherwise a best-interests decision (section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GivenBy {
    /// The person.
    Person,
    /// An attorney under a registered lasting power of attorney for health and welfare.
    Attorney {
        /// Their name.
        name: Text<120>,
        /// The registered power.
        document: Document,
    },
    /// A deputy of the Court of Protection.
    Deputy {
        /// Their name.
        name: Text<120>,
        /// The order.
        document: Document,
    },
    /// Nobody may decide for the person: a best-interests decision after an assessment of their capacity.
    BestInterests {
        /// Who decided.
        decided_by: StaffId,
        /// The assessment of capacity and the decision.
        document: Document,
    },
}

/// What a person, or somebody who may speak for them, agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Its id.
    pub id: RecordId,
    /// Whose record.
    pub patient: PatientId,
    /// What was agreed to.
    pub to: ConsentFor,
    /// Who agreed.
    pub given_by: GivenBy,
    /// From when until when; withdrawn ends it.
    pub span: Span,
}

impl Consent {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        self.span.check("span")
    }
}

/// Who may not look.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// One member of staff, such as a neighbour.
    Staff(StaffId),
    /// One team.
    Team(TeamId),
    /// One care home's staff.
    Home(HomeId),
    /// One organisation: its teams and homes.
    Organisation(OrganisationId),
}

/// What a person does not want, or a restriction on who may look. It narrows what a relationship opens; emergency access
/// passes it, with a reason and a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// Its id.
    pub id: RecordId,
    /// Whose record.
    pub patient: PatientId,
    /// Who may not look.
    pub against: Against,
    /// Why, in the person's words or of whoever restricted it.
    pub reason: Text<400>,
    /// From when until when.
    pub span: Span,
}

impl Objection {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        self.span.check("span")
    }
}

/// Longest an emergency access lasts: long enough for one person's trouble, too short to be somebody's way to work.
pub const EMERGENCY_LASTS_AT_MOST: TimeDelta = TimeDelta::hours(4);

/// Emergency access: somebody outside the relationship looked because a person was in danger. The privacy officer is told
/// at once, and says afterwards that they have looked into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Its id.
    pub id: RecordId,
    /// Whose record.
    pub patient: PatientId,
    /// Who looked.
    pub staff: StaffId,
    /// Why, in their words.
    pub reason: Text<400>,
    /// From when until when, at most [`EMERGENCY_LASTS_AT_MOST`].
    pub span: Span,
    /// Who has looked into it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<StaffId>,
}

impl Emergency {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        self.span.check("span")?;
        let ends = self.span.until.is_some_and(|until| until - self.span.from <= EMERGENCY_LASTS_AT_MOST);
        want(ends, "span", "emergency access ends within 4 hours")?;
        want(self.reviewed_by.as_ref() != Some(&self.staff), "reviewed_by", "somebody else must look into it")
    }
}
