//! The store: one entrance to the truth. Every write is a slice of events, decided and committed as one.
//!
//! Invariants: only a store makes a [`Committed`]; a slice is stored whole or not at all, whatever happens to the
//! slices beside it; a reading is stored once and its verdict, alerts, jobs and chain entry are in the same commit.

mod audited;
mod care;
mod committed;
pub mod embedded;
pub mod evidence;
mod tombstone;
mod whole_record;

pub use audited::Audited;
pub use care::{Care, PlanRefused};
pub use committed::Committed;
pub use evidence::{Scrubbed, SignedRoot, StoredDamage};
pub use tombstone::{Ended, Statement, Tombstone};
pub use whole_record::{EntryReading, EntryThing, NoLonger, Notification, RecordEntry, RecordPlace, WholeRecord};

use crate::{
    access::{Access, Denied},
    server_key::ServerKey,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use evidence::{NotVerified, Progress, Verified};
use register::{Item, ItemRef, NotInOrder, Written};
use rules::{
    Alert, Because, Decisions, Event, Job, PatientState, Person, Refused, Timer, Verdict,
    event::{Account, Audit},
};
use std::{collections::BTreeSet, fmt, sync::Arc};
use thiserror::Error;
use vitals::{
    Admitted, AlertId, ErrorCode, HubId, Kind, PatientId, Reading, ReadingId, id::StaffId, wire::signing::ReplayWindow,
};

/// Whose record a slice belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A person's. The rules judge it.
    Patient(PatientId),
    /// What a hub sent for nobody yet, and what was refused. No rules.
    Unassigned(HubId),
    /// The service's own. No rules.
    Service,
}

/// Events of one subject, stored whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Whose record.
    pub subject: Subject,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// The store's seam over the rules: pure, called after duplicates are taken out, inside the write.
pub trait Decide: Send + Sync {
    /// What the events make of the record of a person of whom the register says this.
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions;

    /// What to store where `decide` panicked: the readings unjudged, with a technical alert. Uses no pack.
    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions;

    /// The measures that whatever judges a person now looks back on, where nobody kept what was measured.
    fn not_kept_of(&self, _care: &Care, _before: &PatientState, _at: DateTime<Utc>) -> BTreeSet<Kind> {
        BTreeSet::new()
    }

    /// Whether a plan of a person or a place may be written, by the protocols that are here.
    ///
    /// # Errors
    /// [`PlanRefused`] says which protocol or parameter, and why.
    fn may_stand(&self, _item: &Item) -> Result<(), PlanRefused> {
        Ok(())
    }
}

/// What a committed slice came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What became of each reading, in the order of the slice's reading events.
    pub readings: Vec<ReadingOutcome>,
    /// Alerts that are new or changed.
    pub alerts: Vec<Alert>,
    /// How many notifications were made.
    pub jobs: usize,
    /// How many rules judged the slice's readings.
    pub evaluated: u32,
    /// The head of the person's chain after the slice; none for slices without a person.
    pub chain_head: Option<Witness>,
    /// From when on readings were worked out again, where older ones within the horizon of the rules were too many.
    pub folded_since: Option<DateTime<Utc>>,
}

/// A place in a person's chain and the head there. A receipt gives it, the hub keeps it and returns it later: so every
/// hub is a witness, and a store that was rolled back or changed is found.
///
/// ```
/// use ingest::store::Witness;
/// let witness = Witness { place: 42, head: [7; 16] };
/// assert_eq!(Witness::parse(&witness.to_string()), Some(witness));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// Which entry of the journal.
    pub place: u64,
    /// The head of the person's chain after it.
    pub head: [u8; 16],
}

impl Witness {
    /// Reads the text form; none for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (place, head) = text.split_once('.')?;
        let place = place.parse().ok()?;
        let witness = Self { place, head: vitals::hex::decode_array(head).ok()? };
        (witness.to_string() == text).then_some(witness)
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place, vitals::hex::encode(&self.head))
    }
}

/// What became of one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadingOutcome {
    /// Stored for its person, with its verdict.
    Stored {
        /// The reading.
        id: ReadingId,
        /// What the rules made of it.
        verdict: Verdict,
    },
    /// Stored for nobody yet.
    Unassigned {
        /// The reading.
        id: ReadingId,
    },
    /// Stored before: the first verdict again (none where it is still unassigned).
    Duplicate {
        /// The reading.
        id: ReadingId,
        /// What the rules made of it the first time.
        verdict: Option<Verdict>,
    },
    /// Stored before, and erased since or disposed of: it is not taken in again.
    Erased {
        /// The reading.
        id: ReadingId,
    },
    /// Stored before with other contents; this one is kept beside it.
    Conflict {
        /// The reading.
        id: ReadingId,
    },
}

/// Why a slice was not stored.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// This access does not allow it.
    #[error("apply a slice")]
    Denied(#[from] Denied),
    /// The rules refused it, for example because somebody else has taken the alert.
    #[error("apply a slice")]
    Refused(#[from] Refused),
    /// The request's number was taken before, or its epoch has ended.
    #[error("apply a request: its number was taken before")]
    Replayed,
    /// The thing was changed since it was read, or is there already: `version` is the one it has.
    #[error("write into the register: the thing has version {version}")]
    Stale {
        /// The version it has; nought where there is none.
        version: u32,
    },
    /// The thing is not in order.
    #[error("write into the register: {0}")]
    NotInOrder(#[from] NotInOrder),
    /// The protocols do not allow the plan.
    #[error("write a plan: {0}")]
    Plan(#[from] PlanRefused),
    /// The person's record was erased or disposed of: nothing is written of them any more.
    #[error("apply a slice: the person's record has ended")]
    Ended,
    /// The queue is full: try again later.
    #[error("queue a slice: the queue is full")]
    Busy,
    /// The store cannot write. Nothing of the slice is stored.
    #[error("write to the store: {0}")]
    Unavailable(String),
}

/// Why something could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// This access does not allow it.
    #[error("read from the store")]
    Denied(#[from] Denied),
    /// What was read must be written down first, and the queue is full: try again later.
    #[error("read from the store: the queue is full")]
    Busy,
    /// The store cannot be read.
    #[error("read from the store: {0}")]
    Unavailable(String),
    /// A row is not what was written.
    #[error("read from the store: {table} row {row} is damaged")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The row.
        row: i64,
    },
}

/// A place in the order of commits. Opaque: only the store that gave it can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cursor(pub(crate) i64);

/// One committed change, in the order of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose record changed; none for the service's own.
    pub patient: Option<PatientId>,
    /// The hub, where the change came from one.
    pub hub: Option<HubId>,
    /// What kind of entry, such as `reading-stored`.
    pub kind: &'static str,
    /// The id of what changed, as text.
    pub what: String,
    /// When it was committed, by the service's clock.
    pub at: DateTime<Utc>,
}

/// A reading as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReading {
    /// The reading.
    pub reading: Reading,
    /// The hub that sent it first.
    pub hub: HubId,
    /// When the service received it.
    pub server_received: DateTime<Utc>,
    /// What the rules made of it; none while it belongs to nobody.
    pub verdict: Option<Verdict>,
    /// Why it no longer counts for the person, where it does not: then it is no value of theirs.
    pub withdrawn: Option<Because>,
}

/// A reading that was refused, or is in conflict with a stored one, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRefusal {
    /// The hub that sent it.
    pub hub: HubId,
    /// When.
    pub at: DateTime<Utc>,
    /// Why: a code of the registry.
    pub code: ErrorCode,
}

/// A thing of the register as it now is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptItem {
    /// The thing.
    pub item: Item,
    /// Its version, from 1.
    pub version: u32,
}

/// A place in the order in which things were first written into the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RegisterPlace(pub(crate) i64);

/// A thing of the register as it was from some time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// What was written, by whom and why; its version is there.
    pub written: Written,
    /// When.
    pub at: DateTime<Utc>,
}

/// One line of the log of a person's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// What was done.
    pub audit: Audit,
    /// When.
    pub at: DateTime<Utc>,
}

/// How the store stands, as far as it can tell: what it has no number for is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreGauges {
    /// Bytes in the write-ahead log.
    pub wal_bytes: Option<u64>,
    /// Events that wait to be written.
    pub queued_events: Option<u64>,
    /// For how long the oldest reader has held its snapshot, in seconds.
    pub oldest_reader_secs: Option<u64>,
    /// Bytes of disk kept free for alerts.
    pub free_reserve_bytes: Option<u64>,
    /// Alerts that wait for somebody.
    pub alerts_open: Option<u64>,
}

/// Where the truth is kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Applies slices, each whole or not at all; answers only when all are committed and synced, in the same order.
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>>;

    /// Committed changes after a place, oldest first, and the place after them.
    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError>;

    /// Takes notifications that are to be sent now, so that no one else takes them before `until`.
    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError>;

    /// Timers that are due, the oldest first.
    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError>;

    /// Readings that could not be judged, the oldest first, without so many of the oldest.
    async fn unevaluated(&self, who: &Access, skip: usize, limit: usize) -> Result<Vec<Admitted>, ReadError>;

    /// Alerts the caller may see: those that wait for a person before all others, each the newest first.
    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError>;

    /// One alert, if the caller may see it.
    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError>;

    /// People the caller may see.
    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError>;

    /// Readings the caller may see, the newest first; those of nobody yet are not among them.
    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError>;

    /// Readings of nobody yet, from hubs the caller may see, the newest first.
    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError>;

    /// Refused readings, and readings in conflict with a stored one, from hubs the caller may see, the newest first.
    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError>;

    /// The request numbers already received from a hub: its epoch and window.
    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError>;

    /// Compares chain heads that hubs return with the store's: for each, whether it is one that this store gave for this
    /// person.
    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError>;

    /// Readings of this hub that the store had and can no longer read: the hub is asked for them again.
    async fn wanted(&self, who: &Access, hub: &HubId, limit: usize) -> Result<Vec<ReadingId>, ReadError>;

    /// Entries that cannot be read any more, of people and hubs the caller may see, the newest first.
    async fn damaged(&self, who: &Access, limit: usize) -> Result<Vec<StoredDamage>, ReadError>;

    /// Looks at so many more rows, round and round, for damage that nobody has met yet, and does what can be done about it:
    /// marks what cannot be read, so that the rest is shown, and wants its readings again.
    async fn scrub(&self, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError>;

    /// Returns once somebody has met damage that the scrubber should see to; waits until then.
    async fn met_damage(&self);

    /// Checks the whole store against itself, and tells how far it has come.
    async fn verify(
        &self,
        who: &Access,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Verified, NotVerified>;

    /// Signs the root over all chains, if a day (UTC) has begun since the newest; a store without a root waits for the first
    /// day after its first entry. None where it is not due, or the store keeps no roots.
    async fn sign_root(
        &self,
        who: &Access,
        key: &ServerKey,
        at: DateTime<Utc>,
    ) -> Result<Option<Committed<SignedRoot>>, ReadError>;

    /// The newest signed root, if there is one.
    async fn newest_root(&self, who: &Access) -> Result<Option<SignedRoot>, ReadError>;

    /// The statement that stands in the place of a person's record, where it was erased or disposed of. For whoever may agree
    /// to an erasure: whose the person was, nothing tells any more.
    async fn ended(&self, who: &Access, patient: &PatientId) -> Result<Option<Tombstone>, ReadError>;

    /// Everything held of a person as it now is; none where the store has nobody of this id. For whoever may give it out.
    async fn whole_record(&self, who: &Access, patient: &PatientId) -> Result<Option<WholeRecord>, ReadError>;

    /// The entries of a person's record before a place, or the newest; and the place where they go on, if they do. For
    /// whoever may give them out.
    async fn entries_of(
        &self,
        who: &Access,
        patient: &PatientId,
        before: Option<RecordPlace>,
        limit: usize,
    ) -> Result<(Vec<RecordEntry>, Option<RecordPlace>), ReadError>;

    /// Things of the register, each as it now is, in the order they were first written, after a place; and the place after
    /// them. For [`Directory`](crate::access::Purpose::Directory) only: everybody else asks for one person's or one thing.
    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError>;

    /// One thing of the register as it now is, if there is one that the caller may see.
    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError>;

    /// What the register holds of one person, as far as the caller may see it.
    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError>;

    /// Every version of a thing that the caller may see, the newest first.
    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError>;

    /// Who looked at a person's record or changed it, the newest first: for whoever may see that log.
    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError>;

    /// The account of a member of staff, for signing in.
    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError>;

    /// How the store stands. Answers at once and never touches the disk.
    fn gauges(&self) -> StoreGauges;

    /// Returns once the store can no longer be believed and has halted, so that the process can end and say so; waits
    /// for ever where it never does.
    async fn halted(&self);

    /// Finishes what is queued and closes the files.
    async fn close(&self);
}
