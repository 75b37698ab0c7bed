//! The readers: a few read-only connections, each lent to one question at a time.
//!
//! Invariants: a question runs off the async threads; it is one statement, so one snapshot; it ends within
//! [`READ_MAX`], because an old snapshot keeps the log from being folded back; a connection always comes home.

use super::{digest::Keys, fault::Fault};
use crate::store::ReadError;
use rusqlite::Connection;
use std::{
    sync::{Arc, Mutex, PoisonError},
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
    pub(super) fn new(readers: Vec<Connection>, keys: Arc<Keys>) -> Self {
        let room = Arc::new(Semaphore::new(readers.len()));
        Self { idle: Arc::new(Mutex::new(readers)), room, keys }
    }

    /// Asks a question.
    pub(super) async fn read<T, F>(&self, question: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Keys) -> Result<T, Fault> + Send + 'static,
    {
        let unavailable = |why: &str| ReadError::Unavailable(why.to_owned());
        let permit = tokio::time::timeout(READ_MAX, Arc::clone(&self.room).acquire_owned()).await;
        let permit = permit
            .map_err(|_late| unavailable("every reader is busy"))?
            .map_err(|_closed| unavailable("the store is closed"))?;
        let conn = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let interrupt = conn.as_ref().map(Connection::get_interrupt_handle);
        let lent = Lent { conn, home: Arc::clone(&self.idle), room: Arc::clone(&self.room), _permit: permit };
        let keys = Arc::clone(&self.keys);
        // The loan comes back with the answer, so that an interrupt can only ever meet its own question.
        let mut task = tokio::task::spawn_blocking(move || {
            let answer = lent.conn.as_ref().map(|conn| question(conn, &keys));
            (answer, lent)
        });
        let answered = match tokio::time::timeout(READ_MAX, &mut task).await {
            Ok(answered) => answered,
            Err(_late) => {
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
