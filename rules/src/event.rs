//! Everything that can happen to a person's record. Every write is a list of these.

use crate::{
    alert::{Actor, Note},
    job::Delivery,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use vitals::{
    Admitted, AlertId, ErrorCode, HubId, JobId, NhsNumber, PatientId, ReadingId, bounded::Text,
    wire::signing::RequestNumber,
};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A reading arrived.
    Reading(Box<Admitted>),
    /// A reading that could not be judged is judged again.
    Reconsider(Box<Admitted>),
    /// A reading was refused; it is kept with its reason.
    Refused(Box<RefusedReading>),
    /// A timer's time has come.
    Due(Timer),
    /// A person took an alert.
    Acknowledged {
        /// The alert.
        alert: AlertId,
        /// Who took it.
        by: Actor,
        /// What they wrote, if anything.
        note: Option<Note>,
    },
    /// A channel tried to deliver a notification.
    Delivered {
        /// The notification.
        job: JobId,
        /// The alert it is about.
        alert: AlertId,
        /// What came of it.
        delivery: Delivery,
    },
    /// A person was registered or their details changed.
    Registered(Person),
    /// Something the service did or found that must stand in the record: an `audit` entry, judged by no rule.
    Audited(Audit),
    /// A hub's request was received under this number.
    Received {
        /// The hub.
        hub: HubId,
        /// The number, used once.
        number: RequestNumber,
    },
}

/// What stands in the record beside what happened to a person: who did or found what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// What was done or found.
    pub what: AuditKind,
    /// About what: ids and numbers only, never a name or a value.
    pub about: Text<200>,
}

/// What an audit entry tells of. The names never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditKind {
    /// A hub returned a chain head that is not in the store: the store was rolled back or changed.
    WitnessDisagrees,
    /// A row was found damaged.
    RowDamaged,
    /// A damaged reading was asked for again from its hub.
    ReadingAskedAgain,
    /// The root over all chains was signed.
    RootSigned,
}

/// A reading that was refused, as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct RefusedReading {
    /// The hub that sent it.
    pub hub: HubId,
    /// Its id as sent, where it had one that reads as an id.
    pub id: Option<ReadingId>,
    /// Why it was refused.
    pub code: ErrorCode,
    /// Its JSON as sent, within the body limit.
    pub body: String,
}

/// Debug shows why, not what.
impl fmt::Debug for RefusedReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefusedReading({}, {} bytes)", self.code.code(), self.body.len())
    }
}

/// A person we watch over, as far as this version knows people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Our id for them.
    pub id: PatientId,
    /// What staff call them.
    pub name: Text<120>,
    /// Their NHS number.
    pub nhs_number: NhsNumber,
}

/// A time at which something must be looked at again, kept as a row so that a restart loses none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// The alert whose repeat measurement is awaited.
    pub alert: AlertId,
    /// When.
    pub due_at: DateTime<Utc>,
}
