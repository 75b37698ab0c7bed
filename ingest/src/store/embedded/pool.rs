//! The readers: a few read-only connections, each lent to one question at a time.
//!
//! Invariants: a question runs off the async threads; it sees one snapshot; it ends within
//! [`READ_MAX`], because an old snapshot keeps the log from being folded back; a connection always comes home.

use super::{
    digest::Keys,
    fault::Fault,
    names::Names,
    rows::{View, run},
    scrub::Met,
    tally::Tally,
};
use crate::store::ReadError;
use rusqlite::Connection;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many questions are answered at once: a small machine has two to four cores, and the writer needs one.
pub(super) const READERS: usize = 4;

/// Longest a question may take, and longest it may wait for a connection.
const READ_MAX: Duration = Duration::from_secs(2);

/// The read-only connections.
pub(super) struct Pool {
    idle: Idle,
    room: Arc<Semaphore>,
    keys: Arc<Keys>,
    names: Arc<Names>,
    met: Arc<Met>,
}

type Idle = Arc<Mutex<Vec<Connection>>>;

/// A connection on loan. Fields drop in order, so the connection is home before its room is free.
struct Lent {
    conn: Option<Connection>,
    home: Idle,
    room: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take().filter(|_| !self.room.is_closed()) {
            self.home.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
        }
    }
}

impl Pool {
    pub(super) fn new(readers: Vec<Connection>, keys: Arc<Keys>, names: Arc<Names>, met: Arc<Met>) -> Self {
        let room = Arc::new(Semaphore::new(readers.len()));
        Self { idle: Arc::new(Mutex::new(readers)), room, keys, names, met }
    }

    /// Asks a question. Damage that it meets is told to the scrubber.
    pub(super) async fn read<T, F>(&self, question: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let met = Arc::clone(&self.met);
        self.read_quietly(move |view| question(view).inspect_err(|fault| met.note(fault))).await
    }

    /// Asks a question of the scrubber's own.
    pub(super) async fn read_quietly<T, F>(&self, question: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&View<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let unavailable = |why: &str| ReadError::Unavailable(why.to_owned());
        let permit = tokio::time::timeout(READ_MAX, Arc::clone(&self.room).acquire_owned()).await;
        let permit = permit
            .map_err(|_late| unavailable("every reader is busy"))?
            .map_err(|_closed| unavailable("the store is closed"))?;
        let conn = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let interrupt = conn.as_ref().map(Connection::get_interrupt_handle);
        let lent = Lent { conn, home: Arc::clone(&self.idle), room: Arc::clone(&self.room), _permit: permit };
        let (keys, names) = (Arc::clone(&self.keys), Arc::clone(&self.names));
        let is_late = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&is_late);
        // The loan comes back with the answer, so that an interrupt can only ever meet its own question.
        let mut task = tokio::task::spawn_blocking(move || {
            let answer = lent.conn.as_ref().map(|conn| in_snapshot(conn, &keys, &names, &watched, question));
            (answer, lent)
        });
        let answered = match tokio::time::timeout(READ_MAX, &mut task).await {
            Ok(answered) => answered,
            Err(_late) => {
                is_late.store(true, Ordering::Relaxed);
                if let Some(interrupt) = interrupt {
                    interrupt.interrupt();
                }
                task.await
            }
        };
        let (answer, lent) = answered.map_err(|_panicked| unavailable("a reader failed"))?;
        drop(lent);
        answer.ok_or_else(|| unavailable("the store is closed"))?.map_err(ReadError::from)
    }

    /// Answers no more questions.
    pub(super) fn close(&self) {
        self.room.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Asks within one snapshot, which ends whatever comes of it.
fn in_snapshot<T>(
    conn: &Connection,
    keys: &Keys,
    names: &Names,
    is_late: &AtomicBool,
    question: impl FnOnce(&View<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    run(conn, "BEGIN", [])?;
    let answer =
        Tally::read(conn, keys).and_then(|tally| question(&View::new(conn, keys, names, tally).until(is_late)));
    let ended = run(conn, "ROLLBACK", []);
    let answer = answer?;
    ended?;
    Ok(answer)
}
