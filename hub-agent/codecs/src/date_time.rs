//! The Date Time characteristic 2A08: seven bytes of local time without a zone.
//!
//! Source: Bluetooth GATT Specification Supplement, "Date Time": year u16 (1582 to 9999), month, day, hours, minutes,
//! seconds; nought in year, month or day means not known.

use crate::{Fields, error::DecodeError};
use chrono::{Datelike, TimeDelta, Timelike};
use vitals::DeviceTime;

/// What a frame says about when its measurement was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceTimeField {
    /// The frame has no time.
    Absent,
    /// The device's own date and time, any of year, month and day perhaps unknown.
    Stated(DeviceTime),
    /// Seven bytes that name no moment in any calendar, as they came.
    Impossible([u8; 7]),
}

impl DeviceTimeField {
    /// The time that seven bytes state.
    ///
    /// ```
    /// use device_codecs::DeviceTimeField;
    /// let field = DeviceTimeField::from_bytes([0xe1, 0x07, 1, 16, 13, 0, 24]);
    /// assert_eq!(field.stated().unwrap().to_string(), "2017-01-16T13:00:24");
    /// assert_eq!(DeviceTimeField::from_bytes([0xe1, 0x07, 2, 30, 13, 0, 24]).stated(), None);
    /// ```
    #[must_use]
    pub fn from_bytes(bytes: [u8; 7]) -> Self {
        let [low, high, month, day, hour, minute, second] = bytes;
        DeviceTime::new(u16::from_le_bytes([low, high]), month, day, hour, minute, second)
            .map_or(Self::Impossible(bytes), Self::Stated)
    }

    /// The seven bytes, where there is a time.
    #[must_use]
    pub fn to_bytes(self) -> Option<[u8; 7]> {
        match self {
            Self::Absent => None,
            Self::Stated(time) => Some(time.to_bytes()),
            Self::Impossible(bytes) => Some(bytes),
        }
    }

    /// The time, where the device stated a possible one.
    #[must_use]
    pub fn stated(self) -> Option<DeviceTime> {
        match self {
            Self::Stated(time) => Some(time),
            Self::Absent | Self::Impossible(_) => None,
        }
    }
}

/// The device's time some minutes after (or before) another, or `None` where the other is not wholly known or the sum
/// leaves the calendar: nothing is filled in.
///
/// ```
/// use device_codecs::date_time::minutes_after;
/// use vitals::DeviceTime;
/// let base = DeviceTime::parse("2019-02-27T11:10:30").unwrap();
/// assert_eq!(minutes_after(base, -5).unwrap().to_string(), "2019-02-27T11:05:30");
/// assert_eq!(minutes_after(DeviceTime::parse("????-02-27T11:10:30").unwrap(), -5), None);
/// ```
#[must_use]
pub fn minutes_after(time: DeviceTime, minutes: i32) -> Option<DeviceTime> {
    let sum = time.local()?.checked_add_signed(TimeDelta::minutes(i64::from(minutes)))?;
    let small = |part: u32| u8::try_from(part).ok();
    DeviceTime::new(
        u16::try_from(sum.year()).ok()?,
        small(sum.month())?,
        small(sum.day())?,
        small(sum.hour())?,
        small(sum.minute())?,
        small(sum.second())?,
    )
    .ok()
    .filter(|sum| sum.local().is_some())
}

/// What a device's clock says, as named values.
#[must_use]
pub fn shown(time: DeviceTimeField) -> Fields {
    Fields::new().with("time", time)
}

/// A device's clock as read from characteristic 2A08.
///
/// # Errors
/// [`DecodeError`] unless there are exactly seven bytes. An impossible date is not an error: the device said so.
pub fn decode(bytes: &[u8]) -> Result<DeviceTimeField, DecodeError> {
    let mut cursor = crate::cursor::Cursor::new(bytes);
    let field = DeviceTimeField::from_bytes(cursor.take("the date and time")?);
    cursor.finish()?;
    Ok(field)
}

/// The bytes that set a device's clock through characteristic 2A08.
#[must_use]
pub fn encode(time: DeviceTime) -> [u8; 7] {
    time.to_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_clock_is_seven_bytes_no_more_no_less() {
        let bytes = [0xea, 0x07, 6, 1, 8, 2, 10];
        for length in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..length]), Err(DecodeError::Truncated { .. })));
        }
        assert_eq!(decode(&[bytes.as_slice(), &[0]].concat()), Err(DecodeError::TooLong { left_bytes: 1 }));
        assert_eq!(encode(decode(&bytes).unwrap().stated().unwrap()), bytes);
    }

    /// The two public 2A08 rows: an unknown date is not a moment, and nothing is added to it.
    #[test]
    fn an_unknown_date_stays_unknown() {
        let unknown = decode(&[0, 0, 0, 0, 18, 26, 32]).unwrap().stated().unwrap();
        assert_eq!(unknown.to_string(), "????-??-??T18:26:32");
        assert_eq!(minutes_after(unknown, 0), None);
        let known = decode(&[0xe3, 0x07, 12, 25, 10, 30, 45]).unwrap();
        assert_eq!(shown(known).get("time"), Some(&crate::Shown::Text("2019-12-25T10:30:45".into())));
    }

    #[test]
    fn minutes_cross_midnight_and_never_leave_the_calendar() {
        for (from, minutes, to) in [
            ("2024-02-28T23:59:30", 1, Some("2024-02-29T00:00:30")),
            ("2024-01-01T00:05:00", -6, Some("2023-12-31T23:59:00")),
            ("9999-12-31T23:59:00", 1, None),
            ("1582-01-01T00:00:00", -1, None),
        ] {
            let sum = minutes_after(DeviceTime::parse(from).unwrap(), minutes);
            assert_eq!(sum.map(|time| time.to_string()).as_deref(), to, "{from} {minutes:+}");
        }
    }

    proptest! {
        /// Whatever the bytes, they come back: stated or impossible, nothing is mended.
        #[test]
        fn any_seven_bytes_come_back(bytes: [u8; 7]) {
            prop_assert_eq!(DeviceTimeField::from_bytes(bytes).to_bytes(), Some(bytes));
        }
    }
}
