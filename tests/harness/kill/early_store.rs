//! A planted bug: a store that acknowledges before it commits. Never a feature of a product crate; only the harness
//! builds it, through the store's seam, to show that the kill test would notice.
//!
//! Every slice is applied to a genuine store in a scratch folder, which is made anew from the real one at each start, and
//! is acknowledged at once. The real store gets the same slices up to [`LATE_BY`] later, in the background. An ordered
//! stop waits for them, so all is well until the process is killed: then what was acknowledged last is in no store.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    disk::{DATABASE_FILE, Folder},
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RegisterPlace, Slice,
        Store, StoredReading, StoredRefusal, Version, Witness,
        embedded::{EmbeddedStore, OpenError, StoreKeys},
    },
};
use register::ItemRef;
use rules::{Alert, Job, Person, Timer, event::Account};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};
use vitals::{Admitted, AlertId, HubId, PatientId, id::StaffId, wire::signing::ReplayWindow};

/// How late the real store gets what was acknowledged: as a write-behind cache that means well.
pub const LATE_BY: Duration = Duration::from_millis(75);

/// The folder, inside the store's, in which slices are acknowledged.
const SCRATCH: &str = "acknowledged-early";

/// Most calls that wait for the real store.
const WAITING_MAX: usize = 4096;

struct Call {
    who: Access,
    slices: Vec<Slice>,
    decide: Arc<dyn Decide>,
    at: DateTime<Utc>,
}

struct AcknowledgesEarly {
    scratch: EmbeddedStore,
    real: Arc<EmbeddedStore>,
    later: Mutex<Option<mpsc::Sender<Call>>>,
    forwarding: Mutex<Option<JoinHandle<()>>>,
}

/// Makes the planted store; for [`ingest::cli::run_with`], within its runtime.
///
/// # Errors
/// [`OpenError`] where either store does not open.
pub fn acknowledges_early(folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    let scratch = folder.join(SCRATCH);
    make_scratch(folder, &scratch).map_err(OpenError::Thread)?;
    let scratch = EmbeddedStore::open(Arc::new(Folder::new(&scratch)), keys.clone())?;
    let real = Arc::new(EmbeddedStore::open(Arc::new(Folder::new(folder)), keys)?);
    let (later, waiting) = mpsc::channel(WAITING_MAX);
    let forwarding = tokio::spawn(forward(waiting, Arc::clone(&real)));
    Ok(Arc::new(AcknowledgesEarly {
        scratch,
        real,
        later: Mutex::new(Some(later)),
        forwarding: Mutex::new(Some(forwarding)),
    }))
}

/// An empty folder, or one with the real store's files as the last process left them.
fn make_scratch(folder: &Path, scratch: &Path) -> io::Result<()> {
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    fs::create_dir_all(scratch)?;
    for name in [DATABASE_FILE.to_owned(), format!("{DATABASE_FILE}-wal")] {
        if folder.join(&name).exists() {
            fs::copy(folder.join(&name), scratch.join(&name))?;
        }
    }
    Ok(())
}

async fn forward(mut waiting: mpsc::Receiver<Call>, real: Arc<EmbeddedStore>) {
    while let Some(first) = waiting.recv().await {
        tokio::time::sleep(LATE_BY).await;
        let mut calls = vec![first];
        while let Ok(next) = waiting.try_recv() {
            calls.push(next);
        }
        for Call { who, slices, decide, at } in calls {
            // Acknowledged long ago: nobody is left to hear of a failure.
            drop(real.apply(&who, slices, decide, at).await);
        }
    }
}

#[async_trait]
impl Store for AcknowledgesEarly {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        let call = Call { who: who.clone(), slices: slices.clone(), decide: Arc::clone(&decide), at };
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(later) = later {
            // Gone only while closing; then it is dropped, as such a cache would.
            drop(later.send(call).await);
        }
        self.scratch.apply(who, slices, decide, at).await
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        self.scratch.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        self.scratch.lease_jobs(who, until, limit, at).await
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        self.scratch.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        self.scratch.unevaluated(who, limit).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        self.scratch.alerts(who, limit).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        self.scratch.alert(who, id).await
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        self.scratch.people(who).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.scratch.readings(who, limit).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.scratch.unassigned(who, limit).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        self.scratch.refusals(who, limit).await
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        self.scratch.register(who, after, limit).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        self.scratch.item(who, which).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        self.scratch.items_of(who, patient).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        self.scratch.versions(who, which, limit).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        self.scratch.log_of(who, patient, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.scratch.account(who, staff).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.scratch.replay_window(who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.scratch.witnessed(who, heads).await
    }

    async fn halted(&self) {
        tokio::select! {
            () = self.scratch.halted() => {}
            () = self.real.halted() => {}
        }
    }

    async fn close(&self) {
        drop(self.later.lock().unwrap_or_else(PoisonError::into_inner).take());
        let forwarding = self.forwarding.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(forwarding) = forwarding {
            // A panic in it would show as lost readings, which is what this store is for.
            drop(forwarding.await);
        }
        self.scratch.close().await;
        self.real.close().await;
    }
}
