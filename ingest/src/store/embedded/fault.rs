//! What can go wrong inside the store, and what the caller is told of it.

use crate::{
    access::Denied,
    store::{ApplyError, PlanRefused, ReadError},
};
use register::NotInOrder;
use rules::Refused;
use rusqlite::ErrorCode;
use thiserror::Error;

/// Why a slice or a read failed.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("this access does not allow it")]
    Denied(#[from] Denied),
    #[error("the rules refused it")]
    Refused(#[from] Refused),
    #[error("the request number was received before")]
    Replayed,
    #[error("the thing has version {version}")]
    Stale { version: u32 },
    #[error("the thing is not in order: {0}")]
    NotInOrder(#[from] NotInOrder),
    #[error("the protocols do not allow the plan: {0}")]
    Plan(#[from] PlanRefused),
    #[error("{table} row {row} is damaged")]
    Damaged { table: &'static str, row: i64 },
    #[error("{0} is not in the store")]
    Missing(String),
    #[error("the rules failed on something other than a reading")]
    Rules,
    #[error("the record has ended")]
    Ended,
    #[error("the question took too long")]
    Late,
    #[error("put a row into words: {0}")]
    Words(#[from] serde_json::Error),
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
}

impl Fault {
    /// Whether SQLite found a page that it cannot read.
    pub(super) fn is_corrupt(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt))
    }

    /// Whether the disk or the file can no longer be believed: the store halts.
    pub(super) fn is_fatal(&self) -> bool {
        match self {
            Self::Sql(error) => is_fatal(error),
            Self::Denied(_)
            | Self::Refused(_)
            | Self::Replayed
            | Self::Stale { .. }
            | Self::NotInOrder(_)
            | Self::Plan(_)
            | Self::Damaged { .. }
            | Self::Missing(_)
            | Self::Rules
            | Self::Ended
            | Self::Late
            | Self::Words(_) => false,
        }
    }
}

/// Whether the disk or the file can no longer be believed.
fn is_fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether only room is missing: the transaction is gone, the file is sound, and a later write may succeed.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

impl From<Fault> for ApplyError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied(denied) => Self::Denied(denied),
            Fault::Refused(refused) => Self::Refused(refused),
            Fault::Replayed => Self::Replayed,
            Fault::Stale { version } => Self::Stale { version },
            Fault::NotInOrder(why) => Self::NotInOrder(why),
            Fault::Plan(why) => Self::Plan(why),
            Fault::Ended => Self::Ended,
            Fault::Damaged { .. }
            | Fault::Missing(_)
            | Fault::Rules
            | Fault::Late
            | Fault::Words(_)
            | Fault::Sql(_) => Self::Unavailable(fault.to_string()),
        }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Denied(denied) => Self::Denied(denied),
            Fault::Damaged { table, row } => Self::Damaged { table, row },
            Fault::Refused(_)
            | Fault::Replayed
            | Fault::Stale { .. }
            | Fault::NotInOrder(_)
            | Fault::Plan(_)
            | Fault::Missing(_)
            | Fault::Rules
            | Fault::Ended
            | Fault::Late
            | Fault::Words(_)
            | Fault::Sql(_) => Self::Unavailable(fault.to_string()),
        }
    }
}
