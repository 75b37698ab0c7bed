//! The end of a person's record before its time, and what stands against it.
//!
//! Invariants: whoever agrees to an erasure is not who asked for it; what was agreed to is not changed afterwards; an
//! agreement that nobody acts on lapses.

use crate::{NotInOrder, Span, want};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use vitals::{
    PatientId,
    bounded::Text,
    id::{RecordId, StaffId},
};

/// Longest the second may take to agree, and an agreement may wait to be carried out.
///
/// Long enough for leave and a bank holiday, short enough that both still know what they were asked. UK GDPR article 12(3)
/// gives a month in all.
pub const ERASURE_LASTS_AT_MOST: TimeDelta = TimeDelta::days(14);

vitals::named! {
    /// On what ground a record is erased.
    ///
    /// Source: UK GDPR article 17(1). Records of care are kept under 17(3)(b) and (c) as a rule: these are the cases in which
    /// they are not.
    Ground {
        /// They were collected without need, such as of somebody enrolled by mistake: 17(1)(a).
        NotNeeded = "not-needed",
        /// They are somebody else's readings, or the wrong person's: 17(1)(d).
        Unlawful = "unlawful",
        /// A court or a law says so: 17(1)(e).
        LegalDuty = "legal-duty",
        /// Consent was what they rested on, and it was withdrawn: 17(1)(b).
        ConsentWithdrawn = "consent-withdrawn",
        /// The person objects, and nothing outweighs it: 17(1)(c).
        Objection = "objection",
    }
}

/// That a person's record is to be erased: one member of staff asks, another agrees, and then it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Its id.
    pub id: RecordId,
    /// Whose record.
    pub patient: PatientId,
    /// On what ground.
    pub ground: Ground,
    /// Why, in the words of whoever asks. It goes with the record.
    pub reason: Text<400>,
    /// Who asks.
    pub asked_by: StaffId,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Who agrees, once somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<StaffId>,
}

impl Erasure {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        want(self.agreed_by.as_ref() != Some(&self.asked_by), "agreed_by", "somebody else must agree")
    }

    /// The two who want it, where two do and it has not lapsed.
    #[must_use]
    pub fn agreed(&self, at: DateTime<Utc>) -> Option<(&StaffId, &StaffId)> {
        let has_lapsed = at - self.asked_at > ERASURE_LASTS_AT_MOST || at < self.asked_at;
        let agreed_by = self.agreed_by.as_ref().filter(|other| **other != self.asked_by && !has_lapsed)?;
        Some((&self.asked_by, agreed_by))
    }
}

/// That a person's record must be kept for a time, such as for a court or an inquiry: neither erasure nor the end of its
/// keeping time touches it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its id.
    pub id: RecordId,
    /// Whose record.
    pub patient: PatientId,
    /// Why.
    pub reason: Text<400>,
    /// From when until when.
    pub span: Span,
}

impl Hold {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        self.span.check("span")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
    }

    fn asked(agreed_by: Option<&str>) -> Erasure {
        let staff = |name| StaffId::parse(name).unwrap();
        Erasure {
            id: RecordId::parse("rc-1").unwrap(),
            patient: PatientId::parse("pt-1").unwrap(),
            ground: Ground::NotNeeded,
            reason: Text::new("Enrolled by mistake.").unwrap(),
            asked_by: staff("st-one"),
            asked_at: at(0),
            agreed_by: agreed_by.map(staff),
        }
    }

    #[test]
    fn it_takes_two_people_and_lapses() {
        assert_eq!(asked(None).agreed(at(1)), None);
        assert_eq!(asked(Some("st-one")).agreed(at(1)), None);
        assert!(asked(Some("st-one")).check().is_err());
        let agreed = asked(Some("st-two"));
        assert!(agreed.check().is_ok());
        assert!(agreed.agreed(at(0)).is_some() && agreed.agreed(at(14)).is_some());
        assert_eq!(agreed.agreed(at(15)), None);
        assert_eq!(agreed.agreed(at(-1)), None);
    }
}
