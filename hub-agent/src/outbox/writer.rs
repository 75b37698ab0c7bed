//! One thread owns the outbox's connection; everyone else hands it work and waits for the answer.
//!
//! Invariant: no async thread ever waits for the disk.

use super::OutboxError;
use rusqlite::Connection;
use std::fmt;
use tokio::sync::{mpsc, oneshot};

/// Most pieces of work in line: more readings at once than any device bursts; beyond it callers wait their turn.
const IN_LINE_MAX: usize = 64;

enum Job {
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
    Close(oneshot::Sender<()>),
}

/// A handle to the thread. The thread ends when the last handle is dropped, or at `close`.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    /// Starts the thread; `open` runs on it, and its answer comes back beside the handle.
    pub(super) async fn start<T: Send + 'static>(
        open: impl FnOnce() -> Result<(Connection, T), OutboxError> + Send + 'static,
    ) -> Result<(Self, T), OutboxError> {
        let (jobs, in_line) = mpsc::channel(IN_LINE_MAX);
        let (opened, is_open) = oneshot::channel();
        let work = move || match open() {
            Ok((connection, found)) => {
                if opened.send(Ok(found)).is_ok() {
                    work_on(connection, in_line);
                }
            }
            // Where nobody waits for the outbox any more, nobody needs to hear why it did not open.
            Err(error) => drop(opened.send(Err(error))),
        };
        std::thread::Builder::new().name("outbox".to_owned()).spawn(work).map_err(OutboxError::Thread)?;
        let found = is_open.await.map_err(|_thread_ended| OutboxError::Closed)??;
        Ok((Self { jobs }, found))
    }

    /// Runs work on the thread.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Work(Box::new(move |connection| {
            // A caller that went away wants no answer; the work is done all the same.
            drop(answer.send(work(connection)));
        }));
        self.jobs.send(job).await.map_err(|_thread_ended| OutboxError::Closed)?;
        answered.await.map_err(|_thread_ended| OutboxError::Closed)?
    }

    /// Closes the connection after the work in line, and returns when that is done.
    pub(super) async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        if self.jobs.send(Job::Close(closed)).await.is_ok() {
            // An error means that the thread ended without us: closed as well.
            drop(is_closed.await);
        }
    }
}

fn work_on(mut connection: Connection, mut in_line: mpsc::Receiver<Job>) {
    while let Some(job) = in_line.blocking_recv() {
        match job {
            Job::Work(work) => work(&mut connection),
            Job::Close(closed) => {
                drop(connection);
                // A caller that went away does not need to hear it.
                let (Ok(()) | Err(())) = closed.send(());
                return;
            }
        }
    }
}
