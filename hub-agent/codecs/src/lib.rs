//! Bytes to measurements and back: what a device's frame means, exactly.
//!
//! Invariants: pure; no byte string makes a decoder panic, loop or take more memory than a frame may have; a frame that
//! ends early is an error by construction, because every field is taken with `split_first_chunk`; a special number, an
//! unknown user and an impossible date stay what the device said, and nothing is filled in.
#![forbid(unsafe_code)]

mod counts_from;
mod cursor;
pub mod date_time;
pub mod decoders;
pub mod error;
pub mod frame;
pub mod gatt;
pub mod serial;
pub mod shown;

pub use counts_from::{CountsFrom, NothingToCountFrom};
pub use date_time::DeviceTimeField;
pub use error::{DecodeError, EncodeError};
pub use frame::{Frame, FrameBytes, FrameKind};
pub use shown::{Fields, Shown};

/// What a frame says, in the device's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// From a characteristic or an advertisement.
    Gatt(gatt::Measurement),
    /// From a serial line.
    Serial(serial::Measurement),
}

/// What a frame says.
///
/// # Errors
/// [`DecodeError`] where the bytes are not of their layout. The caller keeps them.
pub fn decode(frame: &Frame) -> Result<Decoded, DecodeError> {
    decode_bytes(frame.kind, frame.bytes.as_slice())
}

/// What the bytes of one kind of frame say.
///
/// # Errors
/// [`DecodeError`] where the bytes are not of their layout.
///
/// ```
/// use device_codecs::{Decoded, FrameKind, decode_bytes, gatt};
/// let bytes = vitals::hex::decode("00bdf00b009ff0").unwrap();
/// let Decoded::Gatt(gatt::Measurement::BloodPressure(measurement)) =
///     decode_bytes(FrameKind::BloodPressure, &bytes).unwrap() else { panic!() };
/// assert_eq!(measurement.systolic.to_string(), "18.9");
/// ```
pub fn decode_bytes(kind: FrameKind, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    match gatt::decode(kind, bytes) {
        Some(decoded) => decoded.map(Decoded::Gatt),
        None => match serial::decode(kind, bytes) {
            Some(decoded) => decoded.map(Decoded::Serial),
            None => Err(DecodeError::NotSupported { kind: kind.name() }),
        },
    }
}
