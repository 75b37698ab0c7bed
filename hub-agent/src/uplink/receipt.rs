//! Reads a receipt: one line for each reading, in the order sent, or it is not used at all.

use crate::outbox::{Row, Waiting};
use thiserror::Error;
use vitals::wire::v1::{Receipt, ReceiptLine};

/// Why a receipt cannot be used. The readings wait; the service repeats its verdicts when they come again.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// Not a receipt.
    #[error("read a receipt")]
    Json(#[source] serde_json::Error),
    /// Lines are missing or too many.
    #[error("read a receipt: {lines} lines for {readings} readings")]
    Count {
        /// How many lines it has.
        lines: usize,
        /// How many readings were sent.
        readings: usize,
    },
    /// A line is out of place or about another reading.
    #[error("read a receipt: line {position} is not about the reading sent there")]
    OtherReading {
        /// The place, from 0.
        position: usize,
    },
}

/// The line for each row.
pub(super) fn read(body: &[u8], sent: &[Waiting]) -> Result<Vec<(Row, ReceiptLine)>, ReceiptError> {
    let receipt: Receipt = serde_json::from_slice(body).map_err(ReceiptError::Json)?;
    if receipt.readings.len() != sent.len() {
        return Err(ReceiptError::Count { lines: receipt.readings.len(), readings: sent.len() });
    }
    let pair = |(position, (line, waiting)): (usize, (ReceiptLine, &Waiting))| {
        if line.position == position && line.id == waiting.reading.id {
            Ok((waiting.row, line))
        } else {
            Err(ReceiptError::OtherReading { position })
        }
    };
    receipt.readings.into_iter().zip(sent).enumerate().map(pair).collect()
}
