//! What is given out of a person's record, and when its time is over.

pub mod export;
pub mod incident;
pub mod retention;
#[cfg(test)]
mod tests;
mod text;

use crate::store::{ApplyError, ReadError};
use std::io;
use thiserror::Error;

/// Entries read at once: each holds up to a batch of readings.
const PAGE: usize = 200;

/// Why a record was not given out.
#[derive(Debug, Error)]
pub enum NotGiven {
    /// There is nobody of this id, or they may not be shown to whoever asks.
    #[error("give a record out: there is nobody of this id")]
    Nobody,
    /// It could not be read.
    #[error("give a record out")]
    Read(#[from] ReadError),
    /// That it is given out could not be written into it: then it is not.
    #[error("write into the record that it is given out")]
    NotNoted(#[from] ApplyError),
    /// It could not be written.
    #[error("write what is given out")]
    Write(#[from] io::Error),
    /// It is more than one answer may hold.
    #[error("give a record out: it is more than {max} entries; ask for less")]
    TooMuch {
        /// Most entries.
        max: usize,
    },
    /// Not JSON; cannot happen.
    #[error("write what is given out as JSON")]
    Json(#[from] serde_json::Error),
}
