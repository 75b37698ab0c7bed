//! Everything that can happen to a person's record. Every write is a list of these.

use crate::{
    alert::{Actor, Alert, Note},
    finding::{Because, Mistake},
    job::Delivery,
};
use chrono::{DateTime, Utc};
use register::{Item, Role, Written};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use vitals::{
    Admitted, AlertId, ErrorCode, HubId, JobId, Kind, PatientId, ReadingId,
    bounded::Text,
    id::{OrganisationId, StaffId},
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
    /// A reading is not this person's, or was entered in error. A store works out beside which readings this is, and the
    /// rules hear [`Event::Corrected`] in its place.
    Withdrawn {
        /// The reading.
        reading: ReadingId,
        /// Why.
        because: Because,
        /// What went wrong, where it was entered in error and somebody said.
        mistake: Option<Mistake>,
        /// Who says so.
        by: Actor,
        /// What they wrote, if anything.
        note: Option<Note>,
    },
    /// A reading that counts for this person is another's; or, where it was entered in error and the person is the same, it
    /// counts after all. A store works out which reading this is, and the rules hear [`Event::Assigned`] and
    /// [`Event::Corrected`] in its place.
    Moved {
        /// The reading.
        reading: ReadingId,
        /// Whose it is.
        to: PatientId,
        /// Who says so.
        by: Actor,
        /// What they wrote, if anything.
        note: Option<Note>,
    },
    /// A reading that was stored before counts for this person from now on. Made by a store alone.
    Assigned(Box<Admitted>),
    /// What came of a person's readings is worked out again, from those that still count. Made by a store alone.
    Corrected(Box<Correction>),
    /// What is expected of the person, or in force for them, has changed: whatever waits for a reading is set anew.
    Expecting,
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
    /// Something in the register was written: a person, a place, a device, a care plan.
    Written(Box<Written>),
    /// The account somebody signs in with was made or changed.
    AccountSet(Account),
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

impl Event {
    /// What the service itself writes into the register: the next version of a thing, whichever that is.
    #[must_use]
    pub fn written(item: impl Into<Item>) -> Self {
        Self::Written(Box::new(Written::by_service(item)))
    }

    /// The reading that the rules are to judge, and how they come to hear of it.
    #[must_use]
    pub fn to_judge(&self) -> Option<(&Admitted, Heard)> {
        match self {
            Self::Reading(admitted) => Some((admitted, Heard::First)),
            Self::Reconsider(admitted) => Some((admitted, Heard::Again)),
            Self::Assigned(admitted) => Some((admitted, Heard::Assigned)),
            Self::Refused(_)
            | Self::Withdrawn { .. }
            | Self::Moved { .. }
            | Self::Corrected(_)
            | Self::Expecting
            | Self::Due(_)
            | Self::Acknowledged { .. }
            | Self::Delivered { .. }
            | Self::Written(_)
            | Self::AccountSet(_)
            | Self::Audited(_)
            | Self::Received { .. } => None,
        }
    }
}

/// How the rules come to hear of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It arrived.
    First,
    /// They failed on it before.
    Again,
    /// It was stored before, and counts for this person from now on: it is acted on now.
    Assigned,
}

/// Most readings of one measure that one correction is worked out from, the newest of them.
///
/// Two weeks of a sensor that speaks every five minutes, and forty a day of anything else for as long as any operator looks back. No list of values holds more of
/// one measure than [`READINGS_MAX`](crate::state::READINGS_MAX). Each measure has its own, so that a sensor does not take the
/// room of a cuff.
pub const CORRECTED_OF_KIND_MAX: usize = 4_000;

/// What a store knows of a person where readings no longer count: everything that the rules need to work it out again.
#[derive(Clone, PartialEq, Eq)]
pub struct Correction {
    /// What no longer counts.
    pub withdrawn: Vec<Withdrawal>,
    /// The readings that still count and were judged, but for those of the same slice: of each measure the newest
    /// [`CORRECTED_OF_KIND_MAX`].
    pub rest: Vec<Admitted>,
    /// From when on these are all there are: what rests on older ones alone stays as it is.
    pub since: DateTime<Utc>,
    /// The same of measures of which there are more within the horizon.
    pub cut: BTreeMap<Kind, DateTime<Utc>>,
    /// The measures whose lists are to be made of [`rest`](Self::rest), where nothing is corrected and rules that are in force
    /// now look back on what nobody kept ([`Plan::not_kept_of`](crate::Plan::not_kept_of)).
    pub anew: BTreeSet<Kind>,
    /// Alerts that are finished and show what no longer counts: they are amended, and nobody is told again.
    pub finished: Vec<Alert>,
}

impl Correction {
    /// From when on all readings of a measure are here.
    #[must_use]
    pub fn since_of(&self, kind: Kind) -> DateTime<Utc> {
        self.cut.get(&kind).map_or(self.since, |cut| self.since.max(*cut))
    }
}

/// Debug shows how many, and of what no longer counts, which.
impl fmt::Debug for Correction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Correction({:?}, from {} readings)", self.withdrawn, self.rest.len())
    }
}

/// A reading that no longer counts.
#[derive(Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// The reading.
    pub admitted: Admitted,
    /// Why.
    pub because: Because,
    /// Whether the rules had judged it.
    pub was_judged: bool,
}

/// Debug shows which reading and why.
impl fmt::Debug for Withdrawal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Withdrawal({}, {:?})", self.admitted.reading.id, self.because)
    }
}

/// What stands in the record beside what happened to a person: who did or found what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// What was done or found.
    pub what: AuditKind,
    /// About what: ids and numbers only, never a name or a value.
    pub about: Text<200>,
    /// Who did it, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
}

/// Who did something, in which capacity, and why they may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Who.
    pub staff: StaffId,
    /// As what.
    pub role: Role,
    /// Of which organisation; none for a post in the whole footprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Why they may: a stable word.
    pub basis: Text<40>,
}

/// The account a member of staff signs in with. What is kept of the password is opaque here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub staff: StaffId,
    /// What is kept of the password, as text; none while nobody can sign in with it.
    pub secret: Option<Text<400>>,
    /// Who set it; none where the service's own command did.
    pub by: Option<StaffId>,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it must be changed at the next sign-in, because somebody else chose it.
    pub is_first: bool,
}

/// Debug shows whose.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.staff)
    }
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
    /// Somebody looked at a person's record.
    Read,
    /// Something was written into a person's record. Only a log says so: what was written stands as an entry of its own.
    Written,
    /// Somebody signed in.
    SignedIn,
    /// Somebody tried to sign in and could not.
    SignInRefused,
    /// A hub was enrolled with a code.
    HubEnrolled,
    /// Somebody was given a first password, or their account was taken away: whose, and by whom.
    AccountChanged,
    /// Everything held about a person was given out.
    Exported,
    /// A person's record was erased: two people agreed.
    Erased,
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

/// A time at which something must be looked at again, kept as a row so that a restart loses none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// The alert whose repeat measurement is awaited; or what a rule that waits for readings of this person goes by.
    pub alert: AlertId,
    /// When.
    pub due_at: DateTime<Utc>,
}
