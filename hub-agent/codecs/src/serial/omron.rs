//! One 14-byte record of an Omron cuff's memory, in its two layouts.
//!
//! Low byte first (HEM-7142T2): systolic less 25, diastolic, pulse, year less 2000 (6 bits), a word with hour (5 bits
//! from the lowest), day (5), month (4), irregular heartbeat, movement; a word with second (6), minute (6), cuff,
//! battery, position (2); four bytes without known meaning; the record's number. A systolic above E1 or noughts
//! throughout mark an empty place. Bit-packed, high bit first (HEM-7600T): diastolic, systolic less 25, year less
//! 2000, pulse, movement, irregular heartbeat, month (4), day (5), hour (5), position (2), battery, cuff, minute (6),
//! second (6).
//!
//! Source: eigger/hass-omron `omron_ble/record_parsers.py` and `tests/test_record_parsers.py` (captures). Some cuffs
//! send seconds of 60 to 63, which are read as 59, as there. The memory is read over Bluetooth, not over a serial
//! line; how it is unlocked is not part of this crate.

use crate::{Fields, cursor::Cursor, date_time::DeviceTimeField, error::DecodeError, serial::text};
use vitals::NoValue;

/// Bytes of a record.
pub const RECORD_BYTES: usize = 14;

/// A systolic byte above this marks an empty place.
const SYSTOLIC_MAX: u8 = 0xe1;
const SYSTOLIC_OFFSET: u16 = 25;

/// The two layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Low byte first, as the HEM-7142T2 has it.
    LittleEndian,
    /// Bit-packed, high bit first, as the HEM-7600T has it.
    BigEndian,
}

/// One record as the cuff stored it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OmronRecord {
    /// The higher pressure, in mmHg.
    pub systolic: u16,
    /// The lower pressure, in mmHg.
    pub diastolic: u8,
    /// Pulse rate.
    pub pulse: u8,
    /// The cuff's own date and time.
    pub taken_at: DeviceTimeField,
    /// The heartbeat was irregular.
    pub is_irregular: bool,
    /// The person moved.
    pub is_movement: bool,
    /// The cuff flag, as stored. Which value is the good one has no public proof.
    pub cuff: bool,
    /// The battery flag, as stored. Which value is the good one has no public proof.
    pub battery: bool,
    /// The position bits, as stored.
    pub position: u8,
    /// The record's number, in the layout that has one.
    pub number: Option<u16>,
}

impl OmronRecord {
    /// Both pressures of a person, in mmHg.
    ///
    /// # Errors
    /// [`NoValue::MeasurementFailed`] where the lower pressure is nought.
    pub fn patient_value(&self) -> Result<(u16, u16), NoValue> {
        let diastolic = u16::from(self.diastolic);
        if diastolic == 0 {
            return Err(NoValue::MeasurementFailed);
        }
        Ok((self.systolic, diastolic))
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("sys", self.systolic)
            .with("dia", self.diastolic)
            .with("bpm", self.pulse)
            .with("local", self.taken_at)
            .with("irregular", self.is_irregular)
            .with("movement", self.is_movement)
            .with("cuff", self.cuff)
            .with("battery", self.battery)
            .with("position", self.position)
            .with("number", self.number)
    }
}

/// The record that 14 bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::EmptySlot`] for a place
/// without a record.
///
/// ```
/// use device_codecs::serial::omron::{Layout, decode};
/// let record = decode(&vitals::hex::decode("6558541a331ade1800004c00ba00").unwrap(), Layout::LittleEndian).unwrap();
/// assert_eq!((record.systolic, record.diastolic, record.pulse), (126, 88, 84));
/// assert_eq!(record.taken_at.stated().unwrap().to_string(), "2026-06-17T19:35:30");
/// ```
pub fn decode(bytes: &[u8], layout: Layout) -> Result<OmronRecord, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let record: [u8; RECORD_BYTES] = cursor.take("the record")?;
    cursor.finish()?;
    match layout {
        Layout::LittleEndian => little_endian(record),
        Layout::BigEndian => big_endian(record),
    }
}

fn little_endian(record: [u8; RECORD_BYTES]) -> Result<OmronRecord, DecodeError> {
    let [systolic, diastolic, pulse, year, day_low, day_high, time_low, time_high, _, _, _, _, number_low, number_high] =
        record;
    let day_word = u16::from_le_bytes([day_low, day_high]);
    let time_word = u16::from_le_bytes([time_low, time_high]);
    let is_blank = diastolic == 0 && pulse == 0 && year & 0x3f == 0 && day_word == 0 && time_word == 0;
    if systolic > SYSTOLIC_MAX || is_blank {
        return Err(DecodeError::EmptySlot);
    }
    let number = Some(u16::from_le_bytes([number_low, number_high]));
    Ok(OmronRecord { number, ..of_words([systolic, diastolic, pulse, year & 0x3f], day_word, time_word) })
}

fn big_endian(record: [u8; RECORD_BYTES]) -> Result<OmronRecord, DecodeError> {
    let [diastolic, systolic, year, pulse, day_high, day_low, time_high, time_low, ..] = record;
    let is_blank = record.iter().all(|byte| *byte == 0) || record.iter().all(|byte| *byte == 0xff);
    if systolic > SYSTOLIC_MAX || is_blank {
        return Err(DecodeError::EmptySlot);
    }
    let day_word = u16::from_be_bytes([day_high, day_low]);
    let time_word = u16::from_be_bytes([time_high, time_low]);
    Ok(of_words([systolic, diastolic, pulse, year], day_word, time_word))
}

/// What both orders of bytes say once they are put in order.
fn of_words([systolic, diastolic, pulse, year]: [u8; 4], day_word: u16, time_word: u16) -> OmronRecord {
    OmronRecord {
        systolic: u16::from(systolic) + SYSTOLIC_OFFSET,
        diastolic,
        pulse,
        taken_at: text::date_time(
            2000 + u16::from(year),
            bits(day_word, 10, 4),
            bits(day_word, 5, 5),
            bits(day_word, 0, 5),
            bits(time_word, 6, 6),
            bits(time_word, 0, 6).min(59),
        ),
        is_irregular: bits(day_word, 14, 1) == 1,
        is_movement: bits(day_word, 15, 1) == 1,
        cuff: bits(time_word, 12, 1) == 1,
        battery: bits(time_word, 13, 1) == 1,
        position: bits(time_word, 14, 2),
        number: None,
    }
}

/// So many bits of a word, from one upwards.
fn bits(word: u16, from: u32, count: u32) -> u8 {
    u8::try_from(word >> from & ((1 << count) - 1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
#[path = "omron_tests.rs"]
mod tests;
