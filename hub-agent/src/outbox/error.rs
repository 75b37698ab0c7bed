//! What can go wrong with the outbox, and whether that is the disk's fault or a lack of room.

use super::WAITING_MAX;
use crate::disk::DiskError;
use thiserror::Error;
use vitals::ErrorCode;

/// What went wrong with the outbox.
#[derive(Debug, Error)]
pub enum OutboxError {
    /// [`WAITING_MAX`] readings wait already.
    #[error("keep a reading: {WAITING_MAX} wait already")]
    Full,
    /// The disk failed.
    #[error("reach the outbox")]
    Disk(#[from] DiskError),
    /// SQLite failed.
    #[error("{doing}")]
    Sqlite {
        /// What we were doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: rusqlite::Error,
    },
    /// The disk would not promise what a kept reading needs.
    #[error("open the outbox: {pragma} is {got} and must be {want}, or a kept reading could be lost with the power")]
    NotDurable {
        /// The SQLite setting.
        pragma: &'static str,
        /// What it is.
        got: String,
        /// What it must be.
        want: &'static str,
    },
    /// A newer program made it.
    #[error("open the outbox: its schema is {found} and this program knows {known}; install the newer program again")]
    NewerSchema {
        /// The schema found.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The file is a database, but not an outbox.
    #[error("open the outbox: the file holds another database")]
    NotAnOutbox,
    /// SQLite's own check found damage.
    #[error(
        "open the outbox: the file is damaged ({found}); put it aside with its -wal file and start again, the epoch is then raised"
    )]
    Damaged {
        /// What the check said first.
        found: String,
    },
    /// The epoch note is not a number.
    #[error(
        "open the outbox: the note `epoch` is not a number; where outbox.db is whole, delete the note and it is written anew"
    )]
    EpochUnreadable,
    /// A number has outgrown its type: after 2^63 requests or 2^32 epochs.
    #[error("number a request: the numbers are used up")]
    NumbersUsedUp,
    /// A reading or a receipt has no JSON form; cannot happen with our types.
    #[error("write a reading as JSON")]
    Json(#[source] serde_json::Error),
    /// The thread that owns the outbox has ended.
    #[error("reach the outbox: it is closed")]
    Closed,
    /// The thread that owns the outbox could not be started.
    #[error("start the outbox's thread")]
    Thread(#[source] std::io::Error),
}

impl OutboxError {
    /// Its code in the registry.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        if matches!(self, Self::Full) { ErrorCode::OutboxFull } else { ErrorCode::OutboxUnavailable }
    }
}

pub(crate) fn doing(doing: &'static str) -> impl Fn(rusqlite::Error) -> OutboxError {
    move |source| OutboxError::Sqlite { doing, source }
}
