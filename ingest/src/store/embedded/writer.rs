//! The one writer: a thread that owns the write connection, and the bounded queue to it.
//!
//! Invariants: nothing else writes; after the store has halted nothing is written any more, and everybody waiting hears so.

use super::{
    commit::{Desk, commit},
    fault::Fault,
    log::{self, Folder, Log},
    queue::{Next, Queue},
    reserve,
    rows::Tx,
};
use crate::{
    access::{Access, Lane},
    store::{ApplyError, Committed, Decide, Outcome, ReadError, Slice},
};
use chrono::{DateTime, Utc};
use rules::Job;
use rusqlite::{Connection, config::DbConfig};
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

/// Longest closing is waited for: within what the service has to stop. What the writer still has then goes on without
/// anybody waiting, and what is cut off was not acknowledged.
const CLOSE_MAX: Duration = Duration::from_secs(3);

/// Longest the last checkpoint waits for a reader that has not come home.
const LAST_CHECKPOINT_MAX: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
pub(super) enum Work {
    Apply {
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        /// Whether the caller keeps it until it is stored, so that it can wait while the disk is full.
        is_kept_elsewhere: bool,
        at: DateTime<Utc>,
        answer: oneshot::Sender<Answers>,
    },
    Lease {
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
        answer: oneshot::Sender<Result<Vec<Committed<Job>>, ReadError>>,
    },
    /// The store's own: roots, marks of damage.
    Note { note: Note, at: DateTime<Utc>, answer: oneshot::Sender<Result<(), ReadError>> },
}

/// Something small that the store writes of itself.
pub(super) type Note = Box<dyn FnOnce(&Tx<'_>) -> Result<(), Fault> + Send>;

pub(super) type Answers = Vec<Result<Committed<Outcome>, ApplyError>>;

/// Work with its room in the queue, given back when it is answered.
pub(super) struct Queued {
    pub(super) work: Work,
    pub(super) room: OwnedSemaphorePermit,
}

impl Queued {
    pub(super) fn events(&self) -> usize {
        match &self.work {
            Work::Apply { slices, .. } => slices.iter().map(|slice| slice.events.len()).sum(),
            Work::Lease { limit, .. } => *limit,
            Work::Note { .. } => 1,
        }
    }
}

/// How the writer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Writing,
    /// Halted: the disk or the file can no longer be believed.
    Failed,
    /// Closed in order.
    Ended,
}

/// Why work was not taken on.
#[derive(Clone, Copy)]
pub(super) enum NotDone {
    Busy,
    Gone,
}

/// What callers hear once the writer is gone.
pub(super) const GONE: &str = "the store is closed or has halted; nothing is written any more";

impl From<NotDone> for ApplyError {
    fn from(not: NotDone) -> Self {
        match not {
            NotDone::Busy => Self::Busy,
            NotDone::Gone => Self::Unavailable(GONE.to_owned()),
        }
    }
}

impl From<NotDone> for ReadError {
    fn from(not: NotDone) -> Self {
        match not {
            NotDone::Busy => Self::Unavailable("the queue is full".to_owned()),
            NotDone::Gone => Self::Unavailable(GONE.to_owned()),
        }
    }
}

/// The way to the writer.
pub(super) struct Writer {
    queue: Arc<Queue>,
    log: Arc<Log>,
    reserve: Arc<AtomicBool>,
    standing: watch::Receiver<Standing>,
}

impl Writer {
    /// Starts the thread, and the one that folds the log.
    pub(super) fn start(desk: Desk, folding: Connection) -> std::io::Result<Self> {
        let (told, standing) = watch::channel(Standing::Writing);
        let (queue, log, reserve) = (Arc::new(Queue::new()), Arc::clone(&desk.log), desk.reserve.watch());
        let folder = Folder::start(folding, Arc::clone(&log), Arc::clone(&queue))?;
        let waiting = Arc::clone(&queue);
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let mut told = Told { queue: Arc::clone(&waiting), standing: told };
            told.end(write(desk, folder, &waiting));
        })?;
        Ok(Self { queue, log, reserve, standing })
    }

    pub(super) async fn apply(
        &self,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        who: &Access,
        at: DateTime<Utc>,
    ) -> Result<Answers, NotDone> {
        let (answer, answered) = oneshot::channel();
        let events = slices.iter().map(|slice| slice.events.len()).sum();
        let is_kept_elsewhere = who.is_hub();
        self.queue.submit(Work::Apply { slices, decide, is_kept_elsewhere, at, answer }, events, who.lane())?;
        answered.await.map_err(|_gone| NotDone::Gone)
    }

    pub(super) async fn lease(
        &self,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        let (answer, answered) = oneshot::channel();
        self.queue.submit(Work::Lease { until, limit, at, answer }, 1, Lane::Live)?;
        answered.await.unwrap_or_else(|_gone| Err(NotDone::Gone.into()))
    }

    /// Writes something of the store's own, and says what came of it once that is committed.
    pub(super) async fn note<T: Send + 'static>(
        &self,
        at: DateTime<Utc>,
        write: impl FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, ReadError> {
        let (answer, answered) = oneshot::channel();
        let written = Arc::new(Mutex::new(None));
        let here = Arc::clone(&written);
        let note: Note = Box::new(move |tx| {
            let done = write(tx)?;
            here.lock().unwrap_or_else(PoisonError::into_inner).replace(done);
            Ok(())
        });
        self.queue.submit(Work::Note { note, at, answer }, 1, Lane::Live)?;
        answered.await.unwrap_or_else(|_gone| Err(NotDone::Gone.into()))?;
        let written = written.lock().unwrap_or_else(PoisonError::into_inner).take();
        written.ok_or_else(|| NotDone::Gone.into())
    }

    /// How many events wait or are being committed.
    pub(super) fn depth(&self) -> usize {
        self.queue.depth()
    }

    /// How many bytes are kept for a full disk.
    pub(super) fn reserve_bytes(&self) -> u64 {
        reserve::bytes(&self.reserve)
    }

    /// How many bytes of the log are in use.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log.pages() * log::PAGE_BYTES
    }

    pub(super) fn has_failed(&self) -> bool {
        *self.standing.borrow() == Standing::Failed
    }

    /// Returns once the writer has halted; never where it is closed in order.
    pub(super) async fn halted(&self) {
        let mut standing = self.standing.clone();
        if standing.wait_for(|standing| *standing == Standing::Failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Takes no more work, finishes what is queued and ends the thread.
    pub(super) async fn close(&self) {
        self.queue.close();
        let mut standing = self.standing.clone();
        let ended = standing.wait_for(|standing| *standing != Standing::Writing);
        if tokio::time::timeout(CLOSE_MAX, ended).await.is_err() {
            tracing::warn!("The store's writer did not end in time; what it had not answered is not acknowledged.");
        }
    }
}

/// A store that is dropped without having been closed ends its thread too.
impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Tells how the thread ended, also where it ends by a panic.
struct Told {
    queue: Arc<Queue>,
    standing: watch::Sender<Standing>,
}

impl Told {
    fn end(&mut self, standing: Standing) {
        self.queue.abandon();
        self.standing.send_replace(standing);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.queue.abandon();
        self.standing.send_if_modified(|standing| {
            let is_unsaid = *standing == Standing::Writing;
            if is_unsaid {
                *standing = Standing::Failed;
            }
            is_unsaid
        });
    }
}

/// The life of the thread. What is still queued when it halts is dropped, and its callers hear that the store is gone.
fn write(mut desk: Desk, mut folder: Folder, waiting: &Queue) -> Standing {
    let halted = loop {
        let done = match waiting.next() {
            Next::Group(group) => commit(&mut desk, group).and_then(|()| keep_log_short(&desk, &folder)),
            Next::Halt(why) => Err(why),
            Next::End => break None,
        };
        if let Err(why) = done {
            break Some(why);
        }
    };
    if let Some(why) = halted {
        tracing::error!(
            why,
            "The store has halted: {why}. Nothing is written any more. Check the disk, then start the service again."
        );
        // A checkpoint on the way out would write to a disk that has just failed.
        drop(desk.conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
        return Standing::Failed;
    }
    folder.end();
    let folded = desk
        .conn
        .busy_timeout(LAST_CHECKPOINT_MAX)
        .and_then(|()| desk.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())));
    if let Err(error) = folded {
        tracing::warn!(%error, "Could not fold the log into the database at the end; the next start does.");
    }
    Standing::Ended
}

/// Has the log folded where it is long. What little came while that was done the writer folds by itself: only when nothing
/// is left does the next commit begin the log anew.
fn keep_log_short(desk: &Desk, folder: &Folder) -> Result<(), String> {
    if desk.log.is_for_writer() {
        log::fold(&desk.conn)?;
        desk.log.begun_anew();
    } else if desk.log.pages() >= log::FOLD_FROM_PAGES {
        folder.ask();
    }
    Ok(())
}
