//! Current Time, characteristic 2A2B: a device's clock, read and set.
//!
//! Source: Bluetooth Current Time Service 1.1, section 3.1, and GATT Specification Supplement, "Current Time": Date
//! Time (7 bytes); day of the week u8 (1 Monday to 7 Sunday, 0 not known); fractions of a second in 1/256 u8; why the
//! clock was adjusted u8 (bit 0 by hand, 1 by an external reference, 2 time zone, 3 summer time). A day of the week
//! that is not that of the date is kept and not believed (a public test vector has one).

use super::bits::named_bits;
use crate::{Fields, cursor::Cursor, date_time::DeviceTimeField, error::DecodeError};
use chrono::{Datelike, NaiveDateTime};
use vitals::{DeviceTime, time::ImpossibleTime};

named_bits! {
    /// Why a clock was adjusted.
    pub struct AdjustReason(u8) {
        /// By hand.
        MANUAL = 0, "manual";
        /// By an external reference.
        EXTERNAL_REFERENCE = 1, "external_reference";
        /// The time zone changed.
        TIME_ZONE = 2, "time_zone";
        /// Summer time began or ended.
        SUMMER_TIME = 3, "summer_time";
    }
}

/// A device's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentTime {
    /// Local time.
    pub local: DeviceTimeField,
    /// 1 Monday to 7 Sunday, nought where not known, as sent.
    pub day_of_week: u8,
    /// Fractions of a second in 1/256.
    pub fractions_256: u8,
    /// Why the clock was adjusted.
    pub adjust_reason: AdjustReason,
}

impl CurrentTime {
    /// What the hub writes to set a device's clock: local time with its day of the week, adjusted by an external
    /// reference.
    ///
    /// # Errors
    /// [`ImpossibleTime`] for a year that a device cannot have (before 1582, after 9999).
    ///
    /// ```
    /// use device_codecs::gatt::current_time::{CurrentTime, encode};
    /// let local = chrono::NaiveDate::from_ymd_opt(2026, 6, 1).unwrap().and_hms_opt(8, 2, 10).unwrap();
    /// let set = encode(&CurrentTime::to_set(local).unwrap());
    /// assert_eq!(set, [0xea, 0x07, 6, 1, 8, 2, 10, 1, 0, 2], "a Monday");
    /// ```
    pub fn to_set(local: NaiveDateTime) -> Result<Self, ImpossibleTime> {
        let text = local.format("%Y-%m-%dT%H:%M:%S").to_string();
        let day_of_week = u8::try_from(local.weekday().number_from_monday()).unwrap_or(0);
        Ok(Self {
            local: DeviceTimeField::Stated(DeviceTime::parse(&text)?),
            day_of_week,
            fractions_256: 0,
            adjust_reason: AdjustReason(AdjustReason::EXTERNAL_REFERENCE),
        })
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("time", self.local)
            .with("day_of_week", self.day_of_week)
            .with("fractions256", self.fractions_256)
            .with("adjust_reason", self.adjust_reason.0)
            .with("adjust_reason_names", self.adjust_reason.names())
    }
}

/// A device's clock as read from 2A2B.
///
/// # Errors
/// [`DecodeError`] unless there are exactly ten bytes. An impossible date is not an error: the device said so.
pub fn decode(bytes: &[u8]) -> Result<CurrentTime, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let time = CurrentTime {
        local: cursor.time_if(true)?,
        day_of_week: cursor.byte("the day of the week")?,
        fractions_256: cursor.byte("the fractions of a second")?,
        adjust_reason: cursor.byte("the adjust reason").map(AdjustReason)?,
    };
    cursor.finish()?;
    Ok(time)
}

/// The 2A2B value of a clock; without a time, its seven bytes are nought.
#[must_use]
pub fn encode(time: &CurrentTime) -> Vec<u8> {
    let local = time.local.to_bytes().unwrap_or_default();
    local.into_iter().chain([time.day_of_week, time.fractions_256, time.adjust_reason.0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows 84 and 85 of tests/vectors/devices.jsonl; the second has a day that is not that of its date.
    #[test]
    fn every_row_says_what_its_source_says() {
        for (hex, local, day, fractions, reason, names) in [
            ("e907010f0e1e2d032101", "2025-01-15T14:30:45", 3, 33, 1, vec!["manual"]),
            ("e9070c1f173b3b07ff06", "2025-12-31T23:59:59", 7, 255, 6, vec!["external_reference", "time_zone"]),
        ] {
            let time = decode(&vitals::hex::decode(hex).unwrap()).unwrap();
            assert_eq!(time.local.stated().unwrap().to_string(), local);
            assert_eq!((time.day_of_week, time.fractions_256, time.adjust_reason.0), (day, fractions, reason));
            assert_eq!(time.adjust_reason.names(), names);
        }
    }

    #[test]
    fn a_year_no_device_can_have_is_not_set() {
        let year_1 = chrono::NaiveDate::from_ymd_opt(1, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        assert_eq!(CurrentTime::to_set(year_1), Err(ImpossibleTime));
        let far = chrono::NaiveDate::from_ymd_opt(12_026, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap();
        assert_eq!(CurrentTime::to_set(far), Err(ImpossibleTime));
    }

    proptest! {
        #[test]
        fn any_ten_bytes_come_back(bytes: [u8; 10]) {
            prop_assert_eq!(encode(&decode(&bytes).unwrap()), bytes);
        }
    }
}
