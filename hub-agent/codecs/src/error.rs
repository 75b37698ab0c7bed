//! Why bytes are not a measurement, or a measurement not bytes.

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
    /// The checksum or CRC is not that of the bytes.
    #[error("decode a frame: its checksum is {sent:#06x}, its bytes give {computed:#06x}")]
    ChecksumWrong {
        /// What the bytes give.
        computed: u16,
        /// What the frame says.
        sent: u16,
    },
    /// A byte that marks a place in the frame is not where it must be.
    #[error("decode {field}: not where the layout has it")]
    OutOfStep {
        /// What should have been there.
        field: &'static str,
    },
    /// A field holds something its layout does not allow: a letter in a number, a month 13, a size of nought.
    #[error("decode {field}: not of the form its layout has")]
    Malformed {
        /// The field.
        field: &'static str,
    },
    /// The device's memory has no record in this place.
    #[error("decode a record: the place is empty")]
    EmptySlot,
    /// The bytes are in a maker's own layout under a standard's number: read as the standard, they would lie.
    #[error("decode a frame: it is in its maker's own layout, not the standard's")]
    MakersOwnLayout,
    /// A kind of frame that is not read.
    #[error("decode a frame of kind {kind}: not read yet")]
    NotSupported {
        /// The kind of frame.
        kind: &'static str,
    },
}

impl DecodeError {
    /// The reason a reading made of this frame has no value.
    #[must_use]
    pub fn reason(self) -> NoValue {
        match self {
            Self::Truncated { .. } => NoValue::FrameTruncated,
            Self::TooLong { .. } => NoValue::FrameTooLong,
            Self::ChecksumWrong { .. } => NoValue::FrameChecksumWrong,
            Self::OutOfStep { .. } | Self::Malformed { .. } | Self::EmptySlot => NoValue::FrameMalformed,
            Self::MakersOwnLayout | Self::NotSupported { .. } => NoValue::NotReadYet,
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
    /// The number does not fit the field: an SFLOAT has mantissa -2048 to 2047 and exponent -8 to 7, and other fields
    /// have their own range and step.
    #[error("encode {field}: the number does not fit its field")]
    NumberDoesNotFit {
        /// The field.
        field: &'static str,
    },
    /// More than one frame holds.
    #[error("encode {field}: more than one frame holds")]
    TooMany {
        /// The field.
        field: &'static str,
    },
}
