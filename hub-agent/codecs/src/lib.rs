//! Bytes to measurements and back: what a device's frame means, exactly.
//!
//! Invariants: pure; no byte string makes a decoder panic; a frame that ends early is an error by construction,
//! because every field is taken with `split_first_chunk`; a special number, an unknown user and an impossible date
//! stay what the device said, and nothing is filled in.
#![forbid(unsafe_code)]

pub mod blood_pressure;
mod cursor;
pub mod date_time;
pub mod error;
pub mod frame;

pub use blood_pressure::{BloodPressureMeasurement, PressureUnit};
pub use date_time::DeviceTimeField;
pub use error::{DecodeError, EncodeError};
pub use frame::{Characteristic, Frame, FrameBytes};

/// What a frame says, in the device's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// A cuff's measurement, characteristic 2A35.
    BloodPressure(BloodPressureMeasurement),
}

/// What a frame says.
///
/// # Errors
/// [`DecodeError`] where the frame ends early, is too long, or is of a kind not read yet. The caller keeps the bytes.
pub fn decode(frame: &Frame) -> Result<Decoded, DecodeError> {
    decode_bytes(frame.characteristic, frame.bytes.as_slice())
}

/// What the bytes of one characteristic say.
///
/// # Errors
/// [`DecodeError`] where the bytes end early, are too many, or are of a kind not read yet.
///
/// ```
/// use device_codecs::{Characteristic, Decoded, decode_bytes};
/// let bytes = vitals::hex::decode("00bdf00b009ff0").unwrap();
/// let Decoded::BloodPressure(measurement) = decode_bytes(Characteristic::BLOOD_PRESSURE_MEASUREMENT, &bytes).unwrap();
/// assert_eq!(measurement.systolic.to_string(), "18.9");
/// ```
pub fn decode_bytes(characteristic: Characteristic, bytes: &[u8]) -> Result<Decoded, DecodeError> {
    match characteristic {
        Characteristic::BLOOD_PRESSURE_MEASUREMENT => blood_pressure::decode(bytes).map(Decoded::BloodPressure),
        characteristic => Err(DecodeError::NotSupported { characteristic }),
    }
}
