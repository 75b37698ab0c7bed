//! A frame: raw bytes and the hub's time, nothing interpreted. Stage 1 of a reading's day.

use chrono::{DateTime, Utc};
use std::fmt;
use thiserror::Error;
use vitals::{ClockOffset, Kind, SourceId, reading::FRAME_BYTES_MAX};

/// What one device sent once, and when the hub saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The device that sent it.
    pub device: SourceId,
    /// What kind of frame it is.
    pub characteristic: Characteristic,
    /// The bytes, as they came.
    pub bytes: FrameBytes,
    /// When the hub received it, by the hub's clock.
    pub seen_at: DateTime<Utc>,
    /// How far the device's clock was from the hub's, where it was read at this connection.
    pub clock: ClockOffset,
}

/// A 16-bit GATT characteristic that carries readings.
///
/// Only characteristics that measure something exist as values, so every frame has a service and a kind to be filed
/// under, also where its bytes cannot be read yet. Source: Bluetooth Assigned Numbers and the services' own pages.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Characteristic(u16);

/// A UUID names no characteristic that carries readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a characteristic: want four hexadecimal digits of one that carries readings, such as 2a35")]
pub struct NotAMeasurement;

/// Every characteristic that carries readings, with its service and what it measures.
const MEASUREMENTS: [(Characteristic, &str, Kind); 9] = [
    (Characteristic(0x2a18), "1808", Kind::Glucose),
    (Characteristic(0x2a1c), "1809", Kind::Temperature),
    (Characteristic(0x2a1e), "1809", Kind::Temperature),
    (Characteristic::BLOOD_PRESSURE_MEASUREMENT, "1810", Kind::BloodPressure),
    (Characteristic(0x2a36), "1810", Kind::BloodPressure),
    (Characteristic(0x2a37), "180d", Kind::Pulse),
    (Characteristic(0x2a5e), "1822", Kind::Spo2),
    (Characteristic(0x2a5f), "1822", Kind::Spo2),
    (Characteristic(0x2a9d), "181d", Kind::Weight),
];

impl Characteristic {
    /// Blood Pressure Measurement, 2A35.
    pub const BLOOD_PRESSURE_MEASUREMENT: Self = Self(0x2a35);

    /// The characteristic of a 16-bit UUID.
    ///
    /// # Errors
    /// [`NotAMeasurement`] for one that carries no readings, such as battery level.
    ///
    /// ```
    /// use device_codecs::Characteristic;
    /// assert_eq!(Characteristic::new(0x2a35).unwrap().service(), "1810");
    /// assert!(Characteristic::new(0x2a19).is_err(), "a battery level is not a reading");
    /// ```
    pub fn new(uuid: u16) -> Result<Self, NotAMeasurement> {
        MEASUREMENTS.iter().map(|(known, _, _)| *known).find(|known| known.0 == uuid).ok_or(NotAMeasurement)
    }

    /// The characteristic of four hexadecimal digits, upper or lower case.
    ///
    /// # Errors
    /// [`NotAMeasurement`] for any other text.
    pub fn parse(text: &str) -> Result<Self, NotAMeasurement> {
        vitals::hex::decode_array(text)
            .map_err(|_not_hex| NotAMeasurement)
            .and_then(|uuid| Self::new(u16::from_be_bytes(uuid)))
    }

    /// The GATT service it belongs to, as four hexadecimal digits.
    #[must_use]
    pub fn service(self) -> &'static str {
        // Never the fallback: `new` is the only maker besides the constant, and both are in the table (tested).
        MEASUREMENTS.iter().find(|(known, _, _)| *known == self).map_or("1810", |(_, service, _)| service)
    }

    /// What it measures.
    #[must_use]
    pub fn kind(self) -> Kind {
        MEASUREMENTS.iter().find(|(known, _, _)| *known == self).map_or(Kind::BloodPressure, |(_, _, kind)| *kind)
    }
}

impl fmt::Display for Characteristic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

impl fmt::Debug for Characteristic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The bytes of one frame, at most [`FRAME_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FrameBytes(Vec<u8>);

/// More bytes than any attribute value may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("take a frame of {bytes} bytes: want at most {FRAME_BYTES_MAX}")]
pub struct FrameTooLarge {
    /// How many bytes came.
    pub bytes: usize,
}

impl FrameBytes {
    /// Takes the bytes of a frame.
    ///
    /// # Errors
    /// [`FrameTooLarge`] above [`FRAME_BYTES_MAX`] bytes.
    pub fn new(bytes: Vec<u8>) -> Result<Self, FrameTooLarge> {
        if bytes.len() <= FRAME_BYTES_MAX { Ok(Self(bytes)) } else { Err(FrameTooLarge { bytes: bytes.len() }) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// Debug shows the length only: the bytes hold a person's values.
impl fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FrameBytes({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_characteristic_has_its_own_row_and_reads_back() {
        for (characteristic, service, kind) in MEASUREMENTS {
            assert_eq!(Characteristic::parse(&characteristic.to_string()), Ok(characteristic));
            assert_eq!((characteristic.service(), characteristic.kind()), (service, kind));
        }
        for text in ["", "2a3", "2a355", "2A19", "zzzz", "é"] {
            assert_eq!(Characteristic::parse(text), Err(NotAMeasurement), "{text}");
        }
        assert_eq!(Characteristic::parse("2A35"), Ok(Characteristic::BLOOD_PRESSURE_MEASUREMENT));
    }

    #[test]
    fn a_frame_larger_than_an_attribute_is_refused() {
        assert!(FrameBytes::new(vec![0; FRAME_BYTES_MAX]).is_ok());
        assert_eq!(FrameBytes::new(vec![0; FRAME_BYTES_MAX + 1]), Err(FrameTooLarge { bytes: FRAME_BYTES_MAX + 1 }));
    }
}
