//! Heart Rate Measurement, characteristic 2A37.
//!
//! Source: Bluetooth Heart Rate Service 1.0, section 3.1, and GATT Specification Supplement, "Heart Rate Measurement":
//! flags u8; rate u8, or u16 where flag bit 0 is set; then, each where its flag is set: energy u16 in kJ since it was
//! reset; one or more intervals between beats u16 in 1/1024 s, oldest first, to the end of the frame. Flag bit 1 says
//! that the skin is touched, where bit 2 says that the device can tell. Bits 5 to 7 are reserved and ignored.

use super::bits;
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::{Decimal, NoValue, Quantity, Unit};

const FLAG_RATE_16_BITS: u8 = 0b0000_0001;
const FLAG_CONTACT: u8 = 0b0000_0010;
const FLAG_CONTACT_KNOWN: u8 = 0b0000_0100;
const FLAG_ENERGY: u8 = 0b0000_1000;
const FLAG_INTERVALS: u8 = 0b0001_0000;

/// Most intervals that one frame holds: the longest attribute value is 512 bytes.
const INTERVALS_MAX: usize = 250;

/// One moment as the device said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartRateMeasurement {
    /// Beats a minute.
    pub beats_per_minute: u16,
    /// Whether the skin is touched, where the device can tell.
    pub has_contact: Option<bool>,
    /// Energy spent since it was reset, in kilojoules, where the frame has it.
    pub energy_kj: Option<u16>,
    /// Intervals between beats in 1/1024 s, oldest first; empty where the frame has none.
    pub intervals_1024: Vec<u16>,
}

impl HeartRateMeasurement {
    /// Beats a minute, as a person's value.
    ///
    /// # Errors
    /// [`NoValue::SensorProblem`] where the device says that it does not touch the skin;
    /// [`NoValue::MeasurementInvalid`] for a rate of nought, which straps send while they find no beat: it must never
    /// read as a heart that stands still.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.has_contact == Some(false) {
            return Err(NoValue::SensorProblem);
        }
        if self.beats_per_minute == 0 {
            return Err(NoValue::MeasurementInvalid);
        }
        Ok(Quantity::new(Decimal::from(self.beats_per_minute), Unit::PerMinute))
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("bpm", self.beats_per_minute)
            .with("contact", self.has_contact)
            .with("energy_kj", self.energy_kj)
            .with("rr_1024", self.intervals_1024.clone())
    }
}

/// The moment a 2A37 frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, also where it promises intervals and has none
/// or half a one; [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::heart_rate;
/// let moment = heart_rate::decode(&vitals::hex::decode("1f0101320101000201ffff").unwrap()).unwrap();
/// assert_eq!((moment.beats_per_minute, moment.energy_kj), (257, Some(306)));
/// assert_eq!(moment.intervals_1024, [1, 258, 65535]);
/// ```
pub fn decode(bytes: &[u8]) -> Result<HeartRateMeasurement, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let beats_per_minute = if is_set(FLAG_RATE_16_BITS) {
        cursor.word("the heart rate")?
    } else {
        cursor.byte("the heart rate").map(u16::from)?
    };
    let has_contact = is_set(FLAG_CONTACT_KNOWN).then(|| is_set(FLAG_CONTACT));
    let energy_kj = is_set(FLAG_ENERGY).then(|| cursor.word("the energy")).transpose()?;
    let mut intervals_1024 = Vec::new();
    if is_set(FLAG_INTERVALS) {
        intervals_1024.push(cursor.word("the intervals")?);
        while cursor.left() > 0 {
            intervals_1024.push(cursor.word("the intervals")?);
        }
    }
    cursor.finish()?;
    Ok(HeartRateMeasurement { beats_per_minute, has_contact, energy_kj, intervals_1024 })
}

/// The 2A37 frame of a moment; the rate takes one byte where it fits.
///
/// # Errors
/// [`EncodeError::TooMany`] for more intervals than a frame holds.
pub fn encode(moment: &HeartRateMeasurement) -> Result<Vec<u8>, EncodeError> {
    if moment.intervals_1024.len() > INTERVALS_MAX {
        return Err(EncodeError::TooMany { field: "the intervals" });
    }
    let [low, high] = moment.beats_per_minute.to_le_bytes();
    let mut bytes = vec![
        bits::flag(FLAG_RATE_16_BITS, high != 0)
            | bits::flag(FLAG_CONTACT, moment.has_contact == Some(true))
            | bits::flag(FLAG_CONTACT_KNOWN, moment.has_contact.is_some())
            | bits::flag(FLAG_ENERGY, moment.energy_kj.is_some())
            | bits::flag(FLAG_INTERVALS, !moment.intervals_1024.is_empty()),
        low,
    ];
    bytes.extend((high != 0).then_some(high));
    bytes.extend(moment.energy_kj.into_iter().flat_map(u16::to_le_bytes));
    bytes.extend(moment.intervals_1024.iter().copied().flat_map(u16::to_le_bytes));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows 65 to 68 of tests/vectors/devices.jsonl, then ours.
    #[test]
    fn every_row_says_what_its_source_says() {
        for (hex, bpm, contact, energy, intervals) in [
            ("04ff", 255, Some(false), None, vec![]),
            ("1f0101320101000201ffff", 257, Some(true), Some(306), vec![1, 258, 65535]),
            ("0050", 80, None, None, vec![]),
            ("0e4b8000", 75, Some(true), Some(128), vec![]),
            // Ours: the contact bit without "can tell" says nothing; reserved flags set.
            ("e250", 80, None, None, vec![]),
            // Ours: 16 bits for a rate that needs eight.
            ("015000", 80, None, None, vec![]),
        ] {
            let moment = decode(&vitals::hex::decode(hex).unwrap()).unwrap();
            assert_eq!(
                (moment.beats_per_minute, moment.has_contact, moment.energy_kj),
                (bpm, contact, energy),
                "{hex}"
            );
            assert_eq!(moment.intervals_1024, intervals, "{hex}");
            assert_eq!(moment.patient_value().is_ok(), contact != Some(false), "{hex}");
        }
    }

    #[test]
    fn a_rate_of_nought_is_no_value() {
        assert_eq!(decode(&[0x06, 0x00]).unwrap().patient_value(), Err(NoValue::MeasurementInvalid));
        assert_eq!(decode(&[0x04, 0x00]).unwrap().patient_value(), Err(NoValue::SensorProblem));
    }

    #[test]
    fn promised_intervals_must_be_there_and_whole() {
        for hex in ["1050", "105001", "1050010002"] {
            let error = DecodeError::Truncated { field: "the intervals" };
            assert_eq!(decode(&vitals::hex::decode(hex).unwrap()), Err(error), "{hex}");
        }
        assert_eq!(decode(&[0x00, 0x50, 0x01, 0x00]), Err(DecodeError::TooLong { left_bytes: 2 }));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_the_same(
            beats_per_minute: u16, has_contact: Option<bool>, energy_kj: Option<u16>,
            intervals_1024 in proptest::collection::vec(any::<u16>(), 0..20),
        ) {
            let moment = HeartRateMeasurement { beats_per_minute, has_contact, energy_kj, intervals_1024 };
            prop_assert_eq!(decode(&encode(&moment).unwrap()), Ok(moment));
        }
    }
}
