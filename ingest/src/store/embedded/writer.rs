//! The one writer: a thread that owns the write connection, and the bounded queue to it.
//!
//! Invariants: nothing else writes; what is queued is bounded in requests and in events, and a full queue says so at
//! once; after the store has halted nothing is written any more, and everybody waiting hears so.

use super::{commit::commit, digest::Keys};
use crate::store::{ApplyError, Committed, Decide, Outcome, ReadError, Slice};
use chrono::{DateTime, Utc};
use rules::Job;
use rusqlite::{Connection, config::DbConfig};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

/// Most requests that wait: at a commit of a few milliseconds this is about a second of work, and longer than a hub
/// should wait for its receipt.
const QUEUE_REQUESTS_MAX: usize = 1024;

/// Most events that wait, in all requests together: about 64 MiB, a reading with its frame taking about 1 KiB.
const QUEUE_EVENTS_MAX: u32 = 65_536;

/// Most requests in one commit: beyond this, sharing the sync gains nothing.
const GROUP_REQUESTS_MAX: usize = 256;

/// No request joins a group that already has this many events: a commit then lasts about a tenth of a second, which
/// is what the last to join waits.
const GROUP_EVENTS_MAX: usize = 4096;

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
        at: DateTime<Utc>,
        answer: oneshot::Sender<Answers>,
    },
    Lease {
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
        answer: oneshot::Sender<Result<Vec<Committed<Job>>, ReadError>>,
    },
}

pub(super) type Answers = Vec<Result<Committed<Outcome>, ApplyError>>;

/// Work with its room in the queue, given back when it is answered.
pub(super) struct Queued {
    pub(super) work: Work,
    pub(super) room: OwnedSemaphorePermit,
}

impl Queued {
    fn events(&self) -> usize {
        match &self.work {
            Work::Apply { slices, .. } => slices.iter().map(|slice| slice.events.len()).sum(),
            Work::Lease { limit, .. } => *limit,
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
    queue: Mutex<Option<mpsc::Sender<Queued>>>,
    room: Arc<Semaphore>,
    standing: watch::Receiver<Standing>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(conn: Connection, keys: Arc<Keys>) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_REQUESTS_MAX);
        let (told, standing) = watch::channel(Standing::Writing);
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let mut told = Told(told);
            told.end(write(&conn, &keys, waiting));
        })?;
        let room = Arc::new(Semaphore::new(usize::try_from(QUEUE_EVENTS_MAX).unwrap_or(usize::MAX)));
        Ok(Self { queue: Mutex::new(Some(queue)), room, standing })
    }

    pub(super) async fn apply(
        &self,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Result<Answers, NotDone> {
        let (answer, answered) = oneshot::channel();
        let events = slices.iter().map(|slice| slice.events.len()).sum();
        self.submit(Work::Apply { slices, decide, at, answer }, events)?;
        answered.await.map_err(|_gone| NotDone::Gone)
    }

    pub(super) async fn lease(
        &self,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        let (answer, answered) = oneshot::channel();
        self.submit(Work::Lease { until, limit, at, answer }, 1)?;
        answered.await.unwrap_or_else(|_gone| Err(NotDone::Gone.into()))
    }

    fn submit(&self, work: Work, events: usize) -> Result<(), NotDone> {
        // A request larger than the whole queue takes all of it.
        let events = u32::try_from(events).unwrap_or(u32::MAX).clamp(1, QUEUE_EVENTS_MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(events).map_err(|_full| NotDone::Busy)?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or(NotDone::Gone)?;
        queue.try_send(Queued { work, room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotDone::Busy,
            mpsc::error::TrySendError::Closed(_) => NotDone::Gone,
        })
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
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let mut standing = self.standing.clone();
        let ended = standing.wait_for(|standing| *standing != Standing::Writing);
        if tokio::time::timeout(CLOSE_MAX, ended).await.is_err() {
            tracing::warn!("The store's writer did not end in time; what it had not answered is not acknowledged.");
        }
    }
}

/// Tells how the thread ended, also where it ends by a panic.
struct Told(watch::Sender<Standing>);

impl Told {
    fn end(&mut self, standing: Standing) {
        self.0.send_replace(standing);
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.0.send_if_modified(|standing| {
            let is_unsaid = *standing == Standing::Writing;
            if is_unsaid {
                *standing = Standing::Failed;
            }
            is_unsaid
        });
    }
}

/// The life of the thread. What is still queued when it halts is dropped, and its callers hear that the store is gone.
fn write(conn: &Connection, keys: &Keys, mut waiting: mpsc::Receiver<Queued>) -> Standing {
    while let Some(first) = waiting.blocking_recv() {
        let group = group(first, &mut waiting);
        if let Err(why) = commit(conn, keys, group) {
            tracing::error!(
                why,
                "The store has halted: {why}. Nothing is written any more. Check the disk, then start the service again."
            );
            // A checkpoint on the way out would write to a disk that has just failed.
            drop(conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true));
            return Standing::Failed;
        }
    }
    let folded = conn
        .busy_timeout(LAST_CHECKPOINT_MAX)
        .and_then(|()| conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_row| Ok(())));
    if let Err(error) = folded {
        tracing::warn!(%error, "Could not fold the log into the database at the end; the next start does.");
    }
    Standing::Ended
}

/// What is queued now, within the bounds. Never waits: one request on an idle store is committed at once.
fn group(first: Queued, waiting: &mut mpsc::Receiver<Queued>) -> Vec<Queued> {
    let mut events = first.events();
    let mut group = vec![first];
    while group.len() < GROUP_REQUESTS_MAX
        && events < GROUP_EVENTS_MAX
        && let Ok(next) = waiting.try_recv()
    {
        events += next.events();
        group.push(next);
    }
    group
}
