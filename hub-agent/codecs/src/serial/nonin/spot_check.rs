//! Nonin data format 13: one spot check, fresh or from the oximeter's memory, with its date and time.
//!
//! 00 02, type 00 0D, length of the data (high byte first, at least 14), data, 8-bit sum of the data, 03. The data:
//! century, year, month, day, hour, minute, second and hundredths, each as two decimal digits (BCD); status u16; pulse
//! rate u16 (9 bits); one reserved byte; saturation (7 bits); more in later models.
//!
//! Source: Nonin, "Onyx II Model 9560 OEM Specification and Technical Information" 6470-000-01, "Data Format 13" (in
//! mattjlewis/NoninPulseOx), with the commands that choose a format and read the clock. No public vector was found.
//! The same specification says that stored measurements leave the memory once sent; that the oximeter waits for an
//! acknowledgement (06) is from devices.md and has no public proof.

use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::DecodeError,
    serial::{
        checksum::sum8,
        framer::{Dropped, Front},
        oximetry::{Oximetry, no_number},
        text,
    },
};
use vitals::{Decimal, NoValue};

/// What tells the oximeter that a spot check is kept, so that it may forget it.
pub const ACKNOWLEDGED: u8 = 0x06;
/// What the oximeter answers to a command it does not know.
pub const NOT_SUPPORTED: u8 = 0x15;

const START: [u8; 4] = [0x00, 0x02, 0x00, 0x0d];
const END: u8 = 0x03;
/// The date and time, status, rate, reserved byte and saturation that every version has.
const DATA_BYTES_MIN: u16 = 14;
/// The length is told in two bytes; one that no model sends is a sign of noise.
const DATA_BYTES_MAX: u16 = 128;
/// Start, length, checksum and end.
const AROUND_BYTES: usize = 8;
/// The answer to the question for the clock.
const CLOCK_START: [u8; 3] = [0x02, 0xf2, 0x06];
const CLOCK_BYTES: usize = 10;

const SMART_POINT: u16 = 0x0200;
const NO_MEASUREMENT: u16 = 0x0100;
const FROM_MEMORY: u16 = 0x0010;
const LOW_BATTERY: u16 = 0x0001;

/// One spot check as the oximeter said it. A number it marks as missing (rate 511, saturation 127) is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoninSpotCheck {
    /// The oximeter's own date and time.
    pub taken_at: DeviceTimeField,
    /// Pulse rate.
    pub rate: Option<u16>,
    /// Saturation.
    pub saturation: Option<u8>,
    /// The status, as sent.
    pub status: u16,
}

impl NoninSpotCheck {
    /// Whether the measurement reached the oximeter's own mark of quality. One that did not within 40 s is sent all
    /// the same, and is kept with its value.
    #[must_use]
    pub fn is_smart_point(&self) -> bool {
        self.status & SMART_POINT != 0
    }

    /// Whether the oximeter doubts its value: it did not reach its own mark of quality.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        !self.is_smart_point() && self.status & NO_MEASUREMENT == 0
    }

    /// Whether it comes from the oximeter's memory.
    #[must_use]
    pub fn is_from_memory(&self) -> bool {
        self.status & FROM_MEMORY != 0
    }

    /// What it says of a person.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let failed = (self.status & NO_MEASUREMENT != 0).then_some(NoValue::MeasurementFailed);
        let saturation = self.saturation.map(|percent| Decimal::from(u16::from(percent)));
        Oximetry::new(saturation, self.rate.map(Decimal::from), failed)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("local", self.taken_at)
            .with("hr", no_number(self.rate))
            .with("spo2", no_number(self.saturation))
            .with("smart_point", self.is_smart_point())
            .with("no_measurement", self.status & NO_MEASUREMENT != 0)
            .with("from_memory", self.is_from_memory())
            .with("low_battery", self.status & LOW_BATTERY != 0)
    }
}

/// The date and time of seven BCD bytes, the century first. What is not BCD names no moment and stays as it came.
pub(crate) fn bcd_time(bytes: [u8; 7]) -> DeviceTimeField {
    let digits = |byte: u8| (byte >> 4 <= 9 && byte & 0x0f <= 9).then(|| (byte >> 4) * 10 + (byte & 0x0f));
    let [Some(century), Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)] = bytes.map(digits)
    else {
        return DeviceTimeField::Impossible(bytes);
    };
    text::date_time(u16::from(century) * 100 + u16::from(year), month, day, hour, minute, second)
}

/// The spot check that bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] where the length is not what the record says,
/// [`DecodeError::OutOfStep`] where start or end are missing, [`DecodeError::ChecksumWrong`].
///
/// ```
/// use device_codecs::serial::nonin::decode_spot_check;
/// let record = vitals::hex::decode("0002000d000e20150412103059000200004800618f03").unwrap();
/// let check = decode_spot_check(&record).unwrap();
/// assert_eq!((check.rate, check.saturation), (Some(72), Some(97)));
/// assert_eq!(check.taken_at.stated().unwrap().to_string(), "2015-04-12T10:30:59");
/// ```
pub fn decode(bytes: &[u8]) -> Result<NoninSpotCheck, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    for want in START {
        if cursor.byte("the start")? != want {
            return Err(DecodeError::OutOfStep { field: "the start" });
        }
    }
    let length = u16::from_be_bytes(cursor.take("the length")?);
    if !(DATA_BYTES_MIN..=DATA_BYTES_MAX).contains(&length) {
        return Err(DecodeError::Malformed { field: "the length" });
    }
    let data: [u8; 14] = cursor.take("the spot check")?;
    let mut computed = sum8(&data);
    for _ in DATA_BYTES_MIN..length {
        computed = computed.wrapping_add(cursor.byte("what later models add")?);
    }
    let sent = cursor.byte("the checksum")?;
    if cursor.byte("the end")? != END {
        return Err(DecodeError::OutOfStep { field: "the end" });
    }
    if computed != sent {
        return Err(DecodeError::ChecksumWrong { computed: computed.into(), sent: sent.into() });
    }
    cursor.finish()?;
    let [time @ .., _hundredths, status_high, status_low, rate_high, rate_low, _reserved, saturation] = data;
    Ok(NoninSpotCheck {
        taken_at: bcd_time(time),
        rate: Some(u16::from_be_bytes([rate_high & 1, rate_low])).filter(|rate| *rate != 511),
        saturation: Some(saturation & 0x7f).filter(|percent| *percent != 127),
        status: u16::from_be_bytes([status_high, status_low]),
    })
}

/// The oximeter's clock, where the bytes are its answer to the question for it: six binary bytes, year of two digits.
pub(super) fn clock(bytes: &[u8]) -> Option<DeviceTimeField> {
    let (start, rest) = bytes.split_first_chunk::<3>()?;
    let (fields, end) = rest.split_first_chunk::<6>()?;
    let [year, month, day, hour, minute, second] = *fields;
    (*start == CLOCK_START && *end == [END])
        .then(|| text::date_time(text::year_of_two_digits(year), month, day, hour, minute, second))
}

/// Spot checks, and the answer about the clock.
pub(super) fn front(bytes: &[u8]) -> Front {
    let begins = |start: &[u8]| bytes.iter().zip(start).all(|(byte, want)| byte == want);
    if matches!(bytes, [ACKNOWLEDGED | NOT_SUPPORTED, ..]) {
        return Front::Drop(1, Dropped::Talk);
    }
    if begins(&CLOCK_START) {
        return match bytes.get(..CLOCK_BYTES) {
            Some(answer) if clock(answer).is_some() => Front::Record(CLOCK_BYTES),
            Some(_) => Front::Drop(1, Dropped::OutOfStep),
            None => Front::NotYet,
        };
    }
    if !begins(&START) {
        return Front::Drop(1, Dropped::OutOfStep);
    }
    let Some((header, _)) = bytes.split_first_chunk::<6>() else { return Front::NotYet };
    let [.., high, low] = *header;
    let length = u16::from_be_bytes([high, low]);
    if !(DATA_BYTES_MIN..=DATA_BYTES_MAX).contains(&length) {
        return Front::Drop(1, Dropped::OutOfStep);
    }
    match bytes.get(..usize::from(length) + AROUND_BYTES) {
        None => Front::NotYet,
        Some(record) => match decode(record) {
            Ok(_) => Front::Record(record.len()),
            Err(DecodeError::ChecksumWrong { .. }) => Front::Drop(record.len(), Dropped::ChecksumWrong),
            Err(_) => Front::Drop(1, Dropped::CutShort),
        },
    }
}

#[cfg(test)]
#[path = "spot_check_tests.rs"]
mod tests;
