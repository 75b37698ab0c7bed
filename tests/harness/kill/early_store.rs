//! A planted bug: a store that acknowledges before it commits. Never a feature of a product crate; only the harness
//! builds it, through the store's seam, to show that the kill test would notice.
//!
//! Every slice is applied to a genuine store in a scratch folder, which is made anew from the real one at each start, and
//! is acknowledged at once. The real store gets the same slices up to [`LATE_BY`] later, in the background. An ordered
//! stop waits for them, so all is well until the process is killed: then what was acknowledged last is in no store.

use crate::fault::{Answers, Call, Fault, behind};
use async_trait::async_trait;
use ingest::{
    disk::{DATABASE_FILE, Folder},
    store::{
        Store,
        embedded::{EmbeddedStore, OpenError, StoreKeys},
    },
};
use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// How late the real store gets what was acknowledged: as a write-behind cache that means well.
pub const LATE_BY: Duration = Duration::from_millis(75);

/// The folder, inside the store's, in which slices are acknowledged.
const SCRATCH: &str = "acknowledged-early";

/// Most calls that wait for the real store.
const WAITING_MAX: usize = 4096;

/// Stands before the scratch store; has the real one behind its back.
struct AcknowledgesEarly {
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
    let (later, forwarding) = (Mutex::new(Some(later)), Mutex::new(Some(forwarding)));
    Ok(behind(Arc::new(scratch), Arc::new(AcknowledgesEarly { real, later, forwarding })))
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
        for call in calls {
            // Acknowledged long ago: nobody is left to hear of a failure.
            drop(call.on(real.as_ref()).await);
        }
    }
}

#[async_trait]
impl Fault for AcknowledgesEarly {
    async fn apply(&self, scratch: &dyn Store, call: Call) -> Answers {
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(later) = later {
            // Gone only while closing; then it is dropped, as such a cache would.
            drop(later.send(call.clone()).await);
        }
        call.on(scratch).await
    }

    async fn halted(&self, scratch: &dyn Store) {
        tokio::select! {
            () = scratch.halted() => {}
            () = self.real.halted() => {}
        }
    }

    async fn close(&self, scratch: &dyn Store) {
        drop(self.later.lock().unwrap_or_else(PoisonError::into_inner).take());
        let forwarding = self.forwarding.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(forwarding) = forwarding {
            // A panic in it would show as lost readings, which is what this store is for.
            drop(forwarding.await);
        }
        scratch.close().await;
        self.real.close().await;
    }
}
