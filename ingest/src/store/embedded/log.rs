//! Folding the log back into the database, beside the writer.
//!
//! SQLite appends every commit to a log, and the log is to be folded back from time to time. Done by the writer this would
//! hold up everybody for as long as some thousand pages take. So a thread of its own folds while the writer writes; only
//! what came meanwhile is left to the writer, who then begins the log anew in the room that it has already.
//!
//! Invariants: the log's length is known after every commit; a fold that fails is told to the writer, who halts: nobody
//! knows what the disk holds.

use super::{fault::is_full, queue::Queue};
use rusqlite::Connection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, SyncSender},
    },
    thread::JoinHandle,
};

/// Pages in the log from which it is folded back: 64 MiB. Often enough that a start after a crash reads it in about a
/// second, seldom enough that hot pages are written back once for many commits.
pub(super) const FOLD_FROM_PAGES: u64 = 16_384;

/// Pages that the writer folds by itself to begin the log anew: some ten milliseconds.
const LEFT_TO_WRITER_PAGES: u64 = 1024;

/// Folds in a row before the rest is left to the writer, however much it is.
const FOLDS_MAX: usize = 4;

/// Bytes of a page in the log: the page and its frame's head.
pub(super) const PAGE_BYTES: u64 = 4096 + 24;

/// How long the log is.
#[derive(Debug, Default)]
pub(super) struct Log {
    pages: AtomicU64,
    /// What of it is in the database by now.
    folded: AtomicU64,
}

impl Log {
    pub(super) fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    pub(super) fn set_pages(&self, pages: u64) {
        self.pages.store(pages, Ordering::Relaxed);
    }

    /// Whether what is left to fold is little enough for the writer, and the log long enough to begin anew.
    pub(super) fn is_for_writer(&self) -> bool {
        let (pages, folded) = (self.pages(), self.folded.load(Ordering::Relaxed));
        pages >= FOLD_FROM_PAGES && folded > 0 && pages.saturating_sub(folded) <= LEFT_TO_WRITER_PAGES
    }

    pub(super) fn begun_anew(&self) {
        self.folded.store(0, Ordering::Relaxed);
    }
}

/// The thread that folds.
pub(super) struct Folder {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Folder {
    pub(super) fn start(conn: Connection, log: Arc<Log>, queue: Arc<Queue>) -> std::io::Result<Self> {
        let (ask, asked) = mpsc::sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("store-log".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                for _ in 0..FOLDS_MAX {
                    match fold(&conn) {
                        Ok(folded) => log.folded.store(folded.pages_folded, Ordering::Relaxed),
                        Err(why) => return queue.halt(why),
                    }
                    if log.is_for_writer() {
                        break;
                    }
                }
            }
        })?;
        Ok(Self { ask: Some(ask), thread: Some(thread) })
    }

    /// Asks for a fold; one that is under way is enough.
    pub(super) fn ask(&self) {
        if let Some(ask) = &self.ask {
            // Full means that it was asked already; gone means that it has told the writer why.
            match ask.try_send(()) {
                Ok(()) | Err(mpsc::TrySendError::Full(()) | mpsc::TrySendError::Disconnected(())) => {}
            }
        }
    }

    /// Waits until a fold under way has ended.
    pub(super) fn end(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The thread that folds the log had failed.");
        }
    }
}

/// What came of a fold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folded {
    pages_folded: u64,
}

/// Folds what can be folded without waiting for anybody.
pub(super) fn fold(conn: &Connection) -> Result<Folded, String> {
    let folded = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let pages: i64 = row.get(2)?;
        Ok(Folded { pages_folded: u64::try_from(pages).unwrap_or(0) })
    });
    match folded {
        // Nothing is lost: all of it is still in the log, and is folded once there is room.
        Err(error) if is_full(&error) => Ok(Folded { pages_folded: 0 }),
        folded => folded.map_err(|error| format!("fold the log into the database: {error}")),
    }
}
