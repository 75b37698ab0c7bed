//! What makes a reading the same reading: its source and its record number.
//!
//! Source is the device itself, or the hub's port where the device has no identity. Record is 8 bytes of BLAKE3 over
//! service, the device's own record number or time, user index and raw frame: no patient, no hub and no corrected
//! time in it, so two hubs that hear one cuff make one reading, and a reassigned reading is still known. A frame with
//! neither number nor usable time takes (hub, boot, hub receipt) into its record instead, unless its device tells its
//! memory again each time it is asked: then its bytes alone.

use crate::{
    hex,
    id::{HubId, ReadingId},
    time::DeviceTime,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use thiserror::Error;

/// Longest source: a maker and a serial number, each as long as a Bluetooth string may be read.
const SOURCE_BYTES_MAX: usize = 160;

/// Where readings come from: a device by maker and serial number, or a hub's port.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SourceId(String);

/// Why a text is not a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a source: want device/MAKER/SERIAL or port/HUB/PORT, printable, at most 160 bytes")]
pub struct NotASource;

impl SourceId {
    /// A device by its own identity.
    ///
    /// # Errors
    /// [`NotASource`] where maker or serial number is empty, too long, or not printable.
    ///
    /// ```
    /// use vitals::SourceId;
    /// assert_eq!(SourceId::device("A&D Medical", "5161 00042").unwrap().as_str(), "device/A&D Medical/5161 00042");
    /// ```
    pub fn device(maker: &str, serial: &str) -> Result<Self, NotASource> {
        // A slash inside either part would let two devices share one name.
        Self::parse(&format!("device/{}/{}", maker.replace('/', "%2F"), serial.replace('/', "%2F")))
    }

    /// A device without identity, by the hub and port it is plugged into.
    ///
    /// # Errors
    /// [`NotASource`] where the port is empty, too long, or not printable.
    pub fn port(hub: &HubId, port: &str) -> Result<Self, NotASource> {
        Self::parse(&format!("port/{hub}/{}", port.replace('/', "%2F")))
    }

    /// Reads a source from its text form.
    ///
    /// # Errors
    /// [`NotASource`] for any other form.
    pub fn parse(text: &str) -> Result<Self, NotASource> {
        let mut parts = text.split('/');
        let is_good = match [parts.next(), parts.next(), parts.next(), parts.next()] {
            [Some("device"), Some(maker), Some(serial), None] => !maker.trim().is_empty() && !serial.trim().is_empty(),
            [Some("port"), Some(hub), Some(port), None] => HubId::parse(hub).is_ok() && !port.trim().is_empty(),
            _ => false,
        };
        let has_control = if text.is_ascii() {
            text.bytes().any(|byte| byte.is_ascii_control())
        } else {
            text.chars().any(char::is_control)
        };
        let is_printable = text.len() <= SOURCE_BYTES_MAX && !has_control;
        if is_good && is_printable { Ok(Self(text.to_owned())) } else { Err(NotASource) }
    }

    /// The source as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SourceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The part of a frame that is the same whenever the device tells the record again, by the name of the frame's kind.
///
/// A Contour numbers its results anew in each transfer, and the link byte and CRC of an UltraEasy's packet depend on what was
/// said before. Any other kind is its own identity until somebody finds that it is not.
///
/// ```
/// use vitals::record::identity;
/// let [first, later] = [&b"R|1|^^^Glucose|133"[..], &b"R|9|^^^Glucose|133"[..]];
/// assert_eq!(identity("contour_astm", first), identity("contour_astm", later));
/// assert_ne!(identity("masimo_ascii1", first), identity("masimo_ascii1", later));
/// ```
#[must_use]
pub fn identity<'a>(characteristic: &str, frame: &'a [u8]) -> &'a [u8] {
    let part = match characteristic {
        "contour_astm" => frame.splitn(3, |byte| *byte == b'|').nth(2),
        // Start, length and link before the message; end and CRC after it.
        "onetouch_ultraeasy" => frame.get(3..frame.len().saturating_sub(3)),
        _ => None,
    };
    part.unwrap_or(frame)
}

/// What tells two frames of one source apart.
#[derive(Debug, Clone, Copy)]
pub enum RecordKey<'a> {
    /// The device numbers its records.
    Number(u32),
    /// The device's clock was set and dated the record.
    Time(DeviceTime),
    /// Neither, but the device tells its memory again each time it is asked: the frame alone.
    Content,
    /// Neither: the hub, its boot and its moment of receipt stand in.
    Receipt {
        /// The hub that heard the frame.
        hub: &'a HubId,
        /// This boot of the hub.
        boot: [u8; 8],
        /// When the hub received it, by its own clock.
        at: DateTime<Utc>,
    },
}

/// The number of a record within its source: 8 bytes, as text 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordNumber([u8; 8]);

/// A text is not a record number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a record number: want 16 hexadecimal digits")]
pub struct NotARecord;

impl RecordNumber {
    /// The record number of a frame. `service` is the GATT service or serial protocol that carried it.
    #[must_use]
    pub fn of(service: &str, key: RecordKey<'_>, user_index: Option<u8>, frame: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 record number");
        let mut part = |tag: u8, bytes: &[u8]| {
            hasher.update(&[tag]);
            hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(bytes);
        };
        part(1, service.as_bytes());
        match key {
            RecordKey::Number(number) => part(2, &number.to_le_bytes()),
            RecordKey::Time(time) => part(3, &time.to_bytes()),
            RecordKey::Content => part(9, &[]),
            RecordKey::Receipt { hub, boot, at } => {
                part(4, hub.as_str().as_bytes());
                part(5, &boot);
                part(6, &at.timestamp_micros().to_le_bytes());
            }
        }
        part(7, user_index.as_slice());
        part(8, frame);
        let mut number = [0; 8];
        hasher.finalize_xof().fill(&mut number);
        Self(number)
    }

    /// Reads a record number.
    ///
    /// # Errors
    /// [`NotARecord`] unless the text is 16 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, NotARecord> {
        hex::decode_array(text).map(Self).map_err(|_not_hex| NotARecord)
    }

    /// The eight bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }

    /// A record number from its eight bytes, as a store keeps them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

/// The id of the reading that is this record of this source.
#[must_use]
pub fn reading_id(source: &SourceId, record: RecordNumber) -> ReadingId {
    ReadingId::derive(&[source.as_str().as_bytes(), record.as_bytes()])
}

impl fmt::Display for RecordNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::Digits(&self.0).fmt(f)
    }
}

impl fmt::Debug for RecordNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RecordNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hubs_hearing_one_cuff_make_one_reading() {
        let time = DeviceTime::new(2026, 6, 1, 8, 2, 10).unwrap();
        let heard = |_hub: &str| RecordNumber::of("1810", RecordKey::Time(time), Some(1), b"frame");
        assert_eq!(heard("hub-a"), heard("hub-b"));
    }

    #[test]
    fn anything_the_device_changed_makes_another_reading() {
        let time = |second| RecordKey::Time(DeviceTime::new(2026, 6, 1, 8, 2, second).unwrap());
        let all = [
            RecordNumber::of("1810", time(10), Some(1), b"frame"),
            RecordNumber::of("1810", time(11), Some(1), b"frame"),
            RecordNumber::of("1810", time(10), Some(2), b"frame"),
            RecordNumber::of("1810", time(10), None, b"frame"),
            RecordNumber::of("1810", time(10), Some(1), b"other"),
            RecordNumber::of("1809", time(10), Some(1), b"frame"),
            RecordNumber::of("1810", RecordKey::Number(1), Some(1), b"frame"),
            RecordNumber::of("1810", RecordKey::Content, Some(1), b"frame"),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_slash_in_a_serial_number_cannot_make_another_device() {
        assert_ne!(SourceId::device("a/b", "c").unwrap(), SourceId::device("a", "b/c").unwrap());
        assert!(SourceId::device("", "1").is_err());
    }
}
