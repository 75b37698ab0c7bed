//! The embedded store: SQLite, compiled in, on the service's own disk. Nothing to install.
//!
//! Invariants: one writer thread, everything else reads; an answer follows a synced commit; every row that safety rests
//! on is checked when it is read; what a caller may not see is not read for them.

mod apply;
mod arrivals;
mod chain;
mod commit;
mod digest;
mod fault;
mod inbox;
mod jobs;
mod open;
mod pool;
mod readings;
mod records;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

pub use digest::StoreKeys;
pub use open::OpenError;

use super::{
    ApplyError, Change, Committed, Cursor, Decide, Outcome, ReadError, Slice, Store, StoredReading, StoredRefusal,
};
use crate::{
    access::{Access, Denied, Purpose, Scope},
    disk::Disk,
};
use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, Utc};
use digest::{Keys, micros};
use pool::{Pool, READERS};
use rules::{Alert, Job, Person, Timer};
use std::sync::Arc;
use vitals::{Admitted, AlertId, HubId, PatientId, wire::signing::ReplayWindow};
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
        let writer = open::writer(disk.as_ref(), &keys)?;
        let readers = (0..READERS).map(|_| open::reader(disk.as_ref())).collect::<Result<Vec<_>, _>>()?;
        let writer = Writer::start(writer, Arc::clone(&keys)).map_err(OpenError::Thread)?;
        Ok(Self { writer, pool: Pool::new(readers, keys) })
    }

    /// Whether the store has halted: it writes no more, and the service must end and say so.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.writer.has_failed()
    }
}

/// A caller's scope as a question carries it: everybody, or a list in JSON.
fn list<T: serde::Serialize>(scope: &Scope<'_, T>) -> Result<Option<String>, ReadError> {
    match scope {
        Scope::All => Ok(None),
        Scope::Only(these) => {
            serde_json::to_string(these).map(Some).map_err(|error| ReadError::Unavailable(error.to_string()))
        }
        Scope::None => Err(Denied.into()),
    }
}

/// A limit as SQLite takes it.
fn rows(limit: usize) -> i64 {
    i64::try_from(limit.min(ROWS_MAX)).unwrap_or(i64::MAX)
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
        let allowed: Vec<bool> = slices.iter().map(|slice| who.may_apply(slice).is_ok()).collect();
        let asked: Vec<Slice> =
            slices.into_iter().zip(&allowed).filter_map(|(slice, is_allowed)| is_allowed.then_some(slice)).collect();
        let places = asked.len();
        let answers =
            if asked.is_empty() { Ok(Vec::new()) } else { self.writer.apply(asked, decide, at.trunc_subsecs(6)).await };
        let mut answers = match answers {
            Ok(answers) => answers.into_iter(),
            Err(not) => (0..places).map(|_| Err(ApplyError::from(not))).collect::<Vec<_>>().into_iter(),
        };
        let next = |is_allowed: bool| {
            if !is_allowed {
                return Err(Denied.into());
            }
            answers.next().unwrap_or_else(|| Err(ApplyError::Unavailable("a slice was not answered".to_owned())))
        };
        allowed.into_iter().map(next).collect()
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        who.must_be(Purpose::Follow)?;
        self.pool.read(move |conn, keys| chain::changes(conn, keys, after, rows(limit))).await
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
        self.pool.read(move |conn, keys| records::due_timers(conn, keys, limit.min(ROWS_MAX), micros(at))).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        who.must_be(Purpose::Sweep)?;
        self.pool.read(move |conn, keys| readings::unevaluated(conn, keys, limit.min(ROWS_MAX))).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        let people = list(&who.patients())?;
        self.pool.read(move |conn, keys| records::alerts(conn, keys, people.as_deref(), rows(limit))).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        if matches!(who.patients(), Scope::None) {
            return Err(Denied.into());
        }
        let alert = self.pool.read(move |conn, keys| records::alert(conn, keys, id)).await?;
        Ok(alert.filter(|alert| who.patients().has(&alert.patient)))
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        let people = list(&who.patients())?;
        let limit = i64::try_from(PEOPLE_MAX).unwrap_or(i64::MAX);
        let people =
            self.pool.read(move |conn, keys| records::people(conn, keys, people.as_deref(), limit + 1)).await?;
        if people.len() > PEOPLE_MAX {
            Err(ReadError::Unavailable(format!("there are more than {PEOPLE_MAX} people")))
        } else {
            Ok(people)
        }
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let people = list(&who.patients())?;
        self.pool.read(move |conn, keys| readings::of_people(conn, keys, people.as_deref(), rows(limit))).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        let hubs = list(&who.hubs())?;
        self.pool.read(move |conn, keys| readings::of_nobody(conn, keys, hubs.as_deref(), rows(limit))).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        let hubs = list(&who.hubs())?;
        self.pool.read(move |conn, keys| inbox::refusals(conn, keys, hubs.as_deref(), rows(limit))).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        who.must_be(Purpose::Receive)?;
        let hub = hub.clone();
        self.pool.read(move |conn, _keys| inbox::replay_window(conn, &hub)).await
    }

    async fn halted(&self) {
        self.writer.halted().await;
    }

    async fn close(&self) {
        self.pool.close();
        self.writer.close().await;
    }
}
