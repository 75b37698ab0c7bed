//! The embedded store: SQLite, compiled in, on the service's own disk. Nothing to install.
//!
//! Invariants: one writer thread, everything else reads; an answer follows a synced commit; every row that safety rests
//! on is checked when it is read; what a caller may not see is not read for them.

mod account;
mod alert_form;
mod alerts;
mod apply;
mod arrivals;
mod bytes;
mod care;
mod commit;
mod corrected;
mod damage;
mod digest;
mod erase;
mod fates;
mod fault;
mod given;
mod inbox;
mod inspect;
mod items;
mod jobs;
mod journal;
mod keep;
mod kept;
mod known;
mod log;
mod looked;
mod names;
mod open;
mod people;
mod pool;
mod queue;
mod readings;
mod record;
mod reserve;
mod root;
mod rows;
mod schema;
mod scrub;
mod shape;
mod tally;
#[cfg(test)]
mod tests;
mod timers;
mod verify;
mod writer;

pub use digest::StoreKeys;
pub use erase::{NotEnded, Step, Why, end_record, finish};
pub use open::OpenError;
pub use verify::verify;

use super::{
    ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RecordEntry, RecordPlace,
    RegisterPlace, Scrubbed, SignedRoot, Slice, Store, StoreGauges, StoredDamage, StoredReading, StoredRefusal,
    Subject, Tombstone, Version, WholeRecord, Witness,
    evidence::{NotVerified, Progress, Verified},
};
use crate::{
    access::{Access, Denied, Permission, Purpose, Scope, to_see},
    disk::Disk,
    server_key::ServerKey,
};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use digest::{Keys, micros};
use names::Class;
use pool::{Pool, READERS};
use readings::Whom;
use register::{Emergency, Erasure, Item, ItemKind, ItemRef};
use root::Gathering;
use rows::View;
use rules::{Alert, Event, Job, Person, Timer, event::Account};
use scrub::{Met, Scrub};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use vitals::{Admitted, AlertId, HubId, PatientId, ReadingId, id::StaffId, wire::signing::ReplayWindow};
use writer::Writer;

/// Most rows in one answer, whatever was asked for: about 10 MB of readings.
pub const ROWS_MAX: usize = 10_000;

/// Most people a store may list in one answer: a county of 210,000 with room to grow. Beyond it the list is refused
/// rather than cut short.
pub const PEOPLE_MAX: usize = 250_000;

/// The store on the service's own disk.
///
/// Everything decided is decided at a whole microsecond, because that is what the store keeps: `at` is cut to it.
pub struct EmbeddedStore {
    writer: Writer,
    pool: Pool,
    met: Arc<Met>,
    scrub: tokio::sync::Mutex<Scrub>,
    wants: Wants,
}

/// Whether any reading is wanted again, so that a hello need not look: how often entries were marked, and as of which time
/// nothing was wanted.
struct Wants {
    marked: AtomicU64,
    nothing_as_of: AtomicU64,
}

impl EmbeddedStore {
    /// Opens the store on a disk, or makes one there.
    ///
    /// ```
    /// use ingest::{disk::Folder, store::embedded::{EmbeddedStore, StoreKeys}};
    /// use std::sync::Arc;
    /// let folder = tempfile::tempdir()?;
    /// let disk = Arc::new(Folder::new(folder.path()));
    /// let store = EmbeddedStore::open(disk, StoreKeys { chain: [1; 32] })?;
    /// assert!(!store.failed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OpenError`] where the disk cannot keep the store's promises, or the file is another program's, a newer one's
    /// or was written with other keys.
    pub fn open(disk: Arc<dyn Disk>, keys: StoreKeys) -> Result<Self, OpenError> {
        let keys = Arc::new(Keys::new(&keys));
        let desk = open::writer(&disk, &keys)?;
        let (names, met) = (Arc::clone(&desk.names), Arc::clone(&desk.met));
        let readers = (0..READERS).map(|_| open::reader(disk.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let writer = Writer::start(desk, open::folding(disk.as_ref())?).map_err(OpenError::Thread)?;
        let pool = Pool::new(readers, keys, names, Arc::clone(&met));
        let wants = Wants { marked: AtomicU64::new(1), nothing_as_of: AtomicU64::new(0) };
        Ok(Self { writer, pool, met, scrub: tokio::sync::Mutex::default(), wants })
    }

    /// Whether the store has halted: it writes no more, and the service must end and say so.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.writer.has_failed()
    }
}

impl EmbeddedStore {
    /// Whether a member of staff may replace what they write new versions of: the thing as it is must be one that they may
    /// change, or they could take over somebody else's team by writing it into their own organisation.
    async fn may_replace(&self, who: &Access, slice: &Slice) -> Result<(), ApplyError> {
        if who.actor().is_none() {
            return Ok(());
        }
        for event in &slice.events {
            let Event::Written(written) = event else { continue };
            let Some(version) = written.version.filter(|version| *version > 1) else { continue };
            let which = written.item.reference();
            let found = self.pool.read(move |view| items::find(view, &which)).await.map_err(|error| match error {
                ReadError::Denied(denied) => ApplyError::Denied(denied),
                ReadError::Busy => ApplyError::Busy,
                ReadError::Unavailable(_) | ReadError::Damaged { .. } => ApplyError::Unavailable(error.to_string()),
            })?;
            let KeptItem { item, version: current } =
                found.map(items::Kept::into_item).ok_or(ApplyError::Stale { version: 0 })?;
            // What is judged is the very version that this one replaces.
            if current.checked_add(1) != Some(version) {
                return Err(ApplyError::Stale { version: current });
            }
            if let (Item::Emergency(new), Item::Emergency(old)) = (&written.item, &item) {
                // That somebody has looked into it is all that changes, and once.
                let reviewed = Emergency { reviewed_by: new.reviewed_by.clone(), ..(**old).clone() };
                if old.reviewed_by.is_some() || reviewed != **new {
                    return Err(Denied.into());
                }
                continue;
            }
            if let (Item::Erasure(new), Item::Erasure(old)) = (&written.item, &item) {
                // That somebody agrees is all that changes.
                let agreed = Erasure { agreed_by: new.agreed_by.clone(), ..(**old).clone() };
                if agreed != **new {
                    return Err(Denied.into());
                }
            }
            if !who.may_change(&item) {
                return Err(Denied.into());
            }
        }
        Ok(())
    }
}

/// Whether somebody may ask for things of the register at all: staff, who are told what they may see, and the service where
/// it puts people in place or works out who may what.
fn may_ask_for_items(who: &Access) -> Result<(), Denied> {
    let is_own = who.must_be(Purpose::SetUp).or_else(|Denied| who.must_be(Purpose::Directory));
    if who.actor().is_some() { Ok(()) } else { is_own }
}

/// Whether somebody may give out everything held of a person.
fn may_give_out(who: &Access, patient: &PatientId) -> Result<(), Denied> {
    if who.may(Permission::Export, patient) { Ok(()) } else { who.must_be(Purpose::Export) }
}

/// Whose rows a caller may read, or why they may not.
fn whom<T: Ord + Clone>(scope: &Scope<'_, T>) -> Result<Whom<T>, ReadError> {
    Whom::of(scope).ok_or_else(|| Denied.into())
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        let (mut allowed, mut asked) = (Vec::with_capacity(slices.len()), Vec::with_capacity(slices.len()));
        for slice in slices {
            let may = match who.may_apply(&slice) {
                Ok(()) => self.may_replace(who, &slice).await,
                Err(denied) => Err(denied.into()),
            };
            if may.is_ok() {
                asked.push(slice);
            }
            allowed.push(may);
        }
        let places = asked.len();
        let answers = if asked.is_empty() {
            Ok(Vec::new())
        } else {
            self.writer.apply(asked, decide, who, at.trunc_subsecs(6)).await
        };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(not) => (0..places).map(|_| Err(ApplyError::from(not))).collect::<Vec<_>>().into_iter(),
        };
        let next = |may: Result<(), ApplyError>| {
            may?;
            answers.next().unwrap_or_else(|| Err(ApplyError::Unavailable("a slice was not answered".to_owned())))
        };
        allowed.into_iter().map(next).collect()
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        who.must_be(Purpose::Directory)?;
        self.pool.read(move |view| items::in_order(view, after, limit.min(ROWS_MAX))).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        may_ask_for_items(who)?;
        let which = which.clone();
        let kept = self.pool.read(move |view| items::find(view, &which)).await?;
        Ok(kept.map(items::Kept::into_item).filter(|kept| who.may_see(&kept.item)))
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        may_ask_for_items(who)?;
        let may_see_some = ItemKind::ALL.iter().any(|kind| who.may(to_see(*kind), patient));
        if who.actor().is_some() && !may_see_some {
            return Ok(Vec::new());
        }
        let patient = patient.clone();
        let of_person = move |view: &View<'_>| match record::find(view, Class::Person, patient.as_str())? {
            Some((no, record)) => items::of_record(view, no, &record),
            None => Ok(Vec::new()),
        };
        let mut kept = self.pool.read(of_person).await?;
        kept.retain(|kept| who.may_see(&kept.item));
        Ok(kept)
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        // Whoever may see a thing as it now is may see how it came to be so.
        if self.item(who, which).await?.is_none() {
            return Ok(Vec::new());
        }
        let which = which.clone();
        let versions = move |view: &View<'_>| match items::find(view, &which)? {
            Some(kept) => items::versions(view, &which, &kept, limit.min(ROWS_MAX)),
            None => Ok(Vec::new()),
        };
        self.pool.read(versions).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        if !who.may(Permission::SeeLog, patient) {
            return Err(Denied.into());
        }
        let patient = patient.clone();
        self.pool.read(move |view| looked::list(view, &patient, limit.min(ROWS_MAX))).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        who.must_be(Purpose::SignIn)?;
        let staff = staff.clone();
        let found = self.pool.read(move |view| account::find(view, &staff)).await?;
        Ok(found.map(|(_, account)| account))
    }

    async fn ended(&self, who: &Access, patient: &PatientId) -> Result<Option<Tombstone>, ReadError> {
        if who.held(Permission::Erase).is_none() {
            who.must_be(Purpose::Export)?;
        }
        let patient = patient.clone();
        self.pool.read(move |view| erase::of_ended(view, &patient)).await
    }

    async fn whole_record(&self, who: &Access, patient: &PatientId) -> Result<Option<WholeRecord>, ReadError> {
        may_give_out(who, patient)?;
        let patient = patient.clone();
        self.pool.read(move |view| given::whole(view, &patient)).await
    }

    async fn entries_of(
        &self,
        who: &Access,
        patient: &PatientId,
        before: Option<RecordPlace>,
        limit: usize,
    ) -> Result<(Vec<RecordEntry>, Option<RecordPlace>), ReadError> {
        may_give_out(who, patient)?;
        let patient = patient.clone();
        self.pool.read(move |view| given::entries(view, &patient, before, limit.min(ROWS_MAX))).await
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        who.must_be(Purpose::Follow)?;
        self.pool.read(move |view| journal::changes(view, after, limit.min(ROWS_MAX))).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        who.must_be(Purpose::Notify)?;
        self.writer.lease(until, limit.min(ROWS_MAX), at.trunc_subsecs(6)).await
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        who.must_be(Purpose::Sweep)?;
        self.pool.read(move |view| timers::due(view, limit.min(ROWS_MAX), micros(at))).await
    }

    async fn unevaluated(&self, who: &Access, skip: usize, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        who.must_be(Purpose::Sweep)?;
        self.pool.read(move |view| readings::unevaluated(view, skip, limit.min(ROWS_MAX))).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let people = whom(&who.patients())?;
        self.pool.read(move |view| alerts::list(view, &people, limit.min(ROWS_MAX))).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        if matches!(who.patients(), Scope::None) {
            return Err(Denied.into());
        }
        let alert = self.pool.read(move |view| alerts::find(view, id)).await?;
        Ok(alert.filter(|alert| who.patients().has(&alert.patient)))
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        let people = whom(&who.patients_for(Permission::SeeDetails))?;
        let people = self.pool.read(move |view| people::list(view, &people, PEOPLE_MAX + 1)).await?;
        if people.len() > PEOPLE_MAX {
            Err(ReadError::Unavailable(format!("there are more than {PEOPLE_MAX} people")))
        } else {
            Ok(people)
        }
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let people = whom(&who.patients())?;
        self.pool.read(move |view| readings::of_people(view, &people, limit.min(ROWS_MAX))).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let hubs = whom(&who.hubs())?;
        self.pool.read(move |view| readings::of_nobody(view, &hubs, limit.min(ROWS_MAX))).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        let hubs = whom(&who.hubs())?;
        self.pool.read(move |view| inbox::refusals(view, &hubs, limit.min(ROWS_MAX))).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        who.must_be(Purpose::Receive)?;
        let hub = hub.clone();
        self.pool.read(move |view| inbox::replay_window(view, &hub)).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        who.must_be(Purpose::Receive)?;
        self.pool.read(move |view| journal::witnessed(view, &heads)).await
    }

    async fn wanted(&self, who: &Access, _hub: &HubId, limit: usize) -> Result<Vec<ReadingId>, ReadError> {
        who.must_be(Purpose::Receive)?;
        let marked = self.wants.marked.load(Ordering::Acquire);
        if self.wants.nothing_as_of.load(Ordering::Acquire) == marked {
            return Ok(Vec::new());
        }
        // Which hub has them nobody knows: the entries that said so are those that cannot be read.
        let wanted = self.pool.read(move |view| damage::wanted(view, limit.min(ROWS_MAX))).await?;
        if wanted.is_empty() && limit > 0 {
            self.wants.nothing_as_of.store(marked, Ordering::Release);
        }
        Ok(wanted)
    }

    async fn damaged(&self, who: &Access, limit: usize) -> Result<Vec<StoredDamage>, ReadError> {
        let (people, hubs) = (Whom::of(&who.patients()), Whom::of(&who.hubs()));
        if people.is_none() && hubs.is_none() {
            return Err(Denied.into());
        }
        let may_see = move |whose: &Subject| match whose {
            Subject::Patient(patient) => people.as_ref().is_some_and(|people| people.has(patient)),
            Subject::Unassigned(hub) => hubs.as_ref().is_some_and(|hubs| hubs.has(hub)),
            Subject::Service => matches!((&people, &hubs), (Some(Whom::All), Some(Whom::All))),
        };
        self.pool.read(move |view| damage::list(view, may_see, limit.min(ROWS_MAX))).await
    }

    async fn scrub(&self, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        who.must_be(Purpose::Verify)?;
        let mut scrub = self.scrub.lock().await;
        let scrubbed = scrub.step(&self.pool, &self.writer, &self.met, rows, at.trunc_subsecs(6)).await;
        if !matches!(&scrubbed, Ok(Scrubbed { is_asking: false, .. })) {
            self.wants.marked.fetch_add(1, Ordering::AcqRel);
        }
        scrubbed
    }

    async fn met_damage(&self) {
        self.met.something().await;
    }

    async fn verify(
        &self,
        who: &Access,
        on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Verified, NotVerified> {
        who.must_be(Purpose::Verify)?;
        verify::verify_open(&self.pool, on_progress).await
    }

    async fn sign_root(
        &self,
        who: &Access,
        key: &ServerKey,
        at: DateTime<Utc>,
    ) -> Result<Option<Committed<SignedRoot>>, ReadError> {
        who.must_be(Purpose::Verify)?;
        let at = at.trunc_subsecs(6);
        if !self.pool.read(move |view| root::is_due(view, at)).await? {
            return Ok(None);
        }
        let gathering = Arc::new(Mutex::new(Gathering::default()));
        let gathered = loop {
            let here = Arc::clone(&gathering);
            let step =
                move |view: &View<'_>| here.lock().unwrap_or_else(PoisonError::into_inner).step(view, root::STEP_ROWS);
            if let Some(gathered) = self.pool.read(step).await? {
                break gathered;
            }
        };
        let key = key.clone();
        self.writer.note(at, move |tx| root::put(tx, &key, gathered)).await.map(|root| Some(Committed::new(root)))
    }

    async fn newest_root(&self, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        who.must_be(Purpose::Verify)?;
        self.pool.read(root::newest).await
    }

    fn gauges(&self) -> StoreGauges {
        StoreGauges {
            wal_bytes: Some(self.writer.log_bytes()),
            free_reserve_bytes: Some(self.writer.reserve_bytes()),
            queued_events: u64::try_from(self.writer.depth()).ok(),
            ..StoreGauges::default()
        }
    }

    async fn halted(&self) {
        self.writer.halted().await;
    }

    async fn close(&self) {
        self.pool.close();
        self.writer.close().await;
    }
}
