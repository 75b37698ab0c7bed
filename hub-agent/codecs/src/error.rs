//! Why bytes are not a measurement, or a measurement not bytes.

use crate::frame::Characteristic;
use thiserror::Error;
use vitals::{ErrorCode, NoValue};

/// Why a frame gave no measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The frame ended early.
    #[error("decode {field}: the frame ended early")]
    Truncated {
        /// The field that was not all there.
        field: &'static str,
    },
    /// Bytes were left over that the layout does not explain.
    #[error("decode a frame: {left_bytes} bytes left over")]
    TooLong {
        /// How many bytes were left.
        left_bytes: usize,
    },
    /// A kind of frame that is not read yet.
    #[error("decode characteristic {characteristic}: not read yet")]
    NotSupported {
        /// The kind of frame.
        characteristic: Characteristic,
    },
}

impl DecodeError {
    /// The reason a reading made of this frame has no value.
    #[must_use]
    pub fn reason(self) -> NoValue {
        match self {
            Self::Truncated { .. } => NoValue::FrameTruncated,
            Self::TooLong { .. } => NoValue::FrameTooLong,
            Self::NotSupported { .. } => NoValue::NotReadYet,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        self.reason().code()
    }
}

impl From<DecodeError> for NoValue {
    fn from(error: DecodeError) -> Self {
        error.reason()
    }
}

/// Why a measurement has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The number does not fit an SFLOAT: mantissa -2048 to 2047, exponent -8 to 7.
    #[error("encode {field}: the number does not fit an SFLOAT")]
    NumberDoesNotFit {
        /// The field.
        field: &'static str,
    },
}
