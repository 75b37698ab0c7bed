//! The three times of a reading: the device's own, the hub's receipt, the service's receipt.
//!
//! Invariants: the device's time is kept as it came, absent or wrong; no time is invented, and where a clock stands
//! in for another, [`TakenAt`] says so; ids and order never depend on corrected time.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// A device that says an earlier year has never had its clock set (no cuff we read is older).
pub const DEVICE_YEAR_MIN: u16 = 2015;

/// A reading that reaches the service this long after it was taken is marked late, whatever each rule then makes of it.
pub const LATE_AFTER: TimeDelta = TimeDelta::minutes(30);

/// A device's own date and time: local, without a zone, any of year, month and day unknown (nought).
///
/// Source: Bluetooth Date Time characteristic 2A08: year u16, month, day, hours, minutes, seconds; nought in year,
/// month or day means not known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeviceTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// The seven fields name no moment in any calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a device time: the date or time is impossible")]
pub struct ImpossibleTime;

impl DeviceTime {
    /// A device time from its fields: year 1582 to 9999 or 0, month 1 to 12 or 0, day 1 to 31 or 0, a real time of day.
    ///
    /// # Errors
    /// [`ImpossibleTime`] where a field is out of range or the date is not in the calendar (30 February).
    ///
    /// ```
    /// use vitals::DeviceTime;
    /// let time = DeviceTime::new(0, 4, 17, 20, 41, 59).unwrap();
    /// assert_eq!(time.to_string(), "????-04-17T20:41:59");
    /// assert_eq!(time.local(), None, "a time without a year is not a moment");
    /// assert!(DeviceTime::new(2026, 2, 30, 8, 0, 0).is_err());
    /// ```
    pub fn new(year: u16, month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Result<Self, ImpossibleTime> {
        let is_year = year == 0 || (1582..=9999).contains(&year);
        // Where parts are unknown, 2000 stands in: a leap year, so that 29 February is possible.
        let stand_in = |part: u8| if part == 0 { 1 } else { u32::from(part) };
        let year_to_check = if year == 0 { 2000 } else { i32::from(year) };
        let date = NaiveDate::from_ymd_opt(year_to_check, stand_in(month), stand_in(day));
        let is_moment =
            date.and_then(|date| date.and_hms_opt(u32::from(hour), u32::from(minute), u32::from(second))).is_some();
        if is_year && is_moment { Ok(Self { year, month, day, hour, minute, second }) } else { Err(ImpossibleTime) }
    }

    /// The local moment, where year, month and day are all known.
    #[must_use]
    pub fn local(self) -> Option<NaiveDateTime> {
        if self.year == 0 || self.month == 0 || self.day == 0 {
            return None;
        }
        NaiveDate::from_ymd_opt(i32::from(self.year), u32::from(self.month), u32::from(self.day))?.and_hms_opt(
            u32::from(self.hour),
            u32::from(self.minute),
            u32::from(self.second),
        )
    }

    /// The local moment, where the clock has plainly been set: all parts known and the year at least 2015.
    #[must_use]
    pub fn set_local(self) -> Option<NaiveDateTime> {
        self.local().filter(|_| self.year >= DEVICE_YEAR_MIN)
    }

    /// A device time from its text form, with `?` for unknown parts.
    ///
    /// # Errors
    /// [`ImpossibleTime`] where the text has another form or names no moment.
    pub fn parse(text: &str) -> Result<Self, ImpossibleTime> {
        let form: [u8; 19] = text.as_bytes().try_into().map_err(|_other_length| ImpossibleTime)?;
        let [y1, y2, y3, y4, b'-', mo1, mo2, b'-', d1, d2, b'T', h1, h2, b':', mi1, mi2, b':', s1, s2] = form else {
            return Err(ImpossibleTime);
        };
        let small = |digits| part(digits).and_then(|number| u8::try_from(number).ok());
        let parts = || {
            let (year, month, day) = (part([y1, y2, y3, y4])?, small([mo1, mo2])?, small([d1, d2])?);
            Some((year, month, day, small([h1, h2])?, small([mi1, mi2])?, small([s1, s2])?))
        };
        let (year, month, day, hour, minute, second) = parts().ok_or(ImpossibleTime)?;
        Self::new(year, month, day, hour, minute, second)
    }

    /// The seven bytes of the Date Time characteristic.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 7] {
        let [low, high] = self.year.to_le_bytes();
        [low, high, self.month, self.day, self.hour, self.minute, self.second]
    }
}

/// The number of some digits; nought where each of them is not known.
fn part<const N: usize>(digits: [u8; N]) -> Option<u16> {
    if digits == [b'?'; N] {
        return Some(0);
    }
    digits.iter().try_fold(0_u16, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u16::from(digit - b'0')),
        _ => None,
    })
}

impl fmt::Display for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = if self.year == 0 { "????".to_owned() } else { format!("{:04}", self.year) };
        let part = |part: u8| if part == 0 { "??".to_owned() } else { format!("{part:02}") };
        write!(
            f,
            "{year}-{}-{}T{:02}:{:02}:{:02}",
            part(self.month),
            part(self.day),
            self.hour,
            self.minute,
            self.second
        )
    }
}

impl fmt::Debug for DeviceTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How far the device's clock was from the hub's when they met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockOffset {
    /// The hub read the device's clock at this connection: device minus hub, in seconds.
    ReadAtConnection {
        /// Device clock minus hub clock.
        device_ahead_secs: i64,
    },
    /// The device's clock was not read: how old its readings are is not known.
    NotRead,
}

/// When the reading was taken, and by whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakenAt {
    /// By the device's clock, corrected by the offset where one was read.
    DeviceClock(DateTime<Utc>),
    /// By the hub's clock at receipt, because the device gave no usable time.
    HubClock(DateTime<Utc>),
}

impl TakenAt {
    /// The moment.
    #[must_use]
    pub fn moment(self) -> DateTime<Utc> {
        match self {
            Self::DeviceClock(at) | Self::HubClock(at) => at,
        }
    }
}

/// The times of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// What the device said, as it said it.
    pub device: Option<DeviceTime>,
    /// When the hub received the frame, by the hub's clock.
    pub hub_received: DateTime<Utc>,
    /// When the reading was taken, as well as we can tell.
    pub taken: TakenAt,
    /// How far the device's clock was out.
    pub offset: ClockOffset,
}

/// How old a reading is when the service receives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// As old as this, by clocks that were compared.
    Known(TimeDelta),
    /// At least as old as this; how much older is not known.
    AtLeast(TimeDelta),
}

impl Times {
    /// How old the reading was at a moment. Known only where the device's clock was read at the connection; otherwise
    /// all that is certain is how long ago the hub received it.
    #[must_use]
    pub fn age(&self, at: DateTime<Utc>) -> Age {
        match (self.taken, self.offset) {
            (TakenAt::DeviceClock(taken), ClockOffset::ReadAtConnection { .. }) => Age::Known(at - taken),
            (TakenAt::DeviceClock(_), ClockOffset::NotRead) | (TakenAt::HubClock(_), _) => {
                Age::AtLeast(at - self.hub_received)
            }
        }
    }

    /// The moment that places the reading among the others: when it was taken, where its age is known; otherwise when
    /// the hub received it, so that a device whose clock fell back cannot hide a new reading behind an old one.
    #[must_use]
    pub fn event_time(&self) -> DateTime<Utc> {
        match (self.taken, self.offset) {
            (TakenAt::DeviceClock(taken), ClockOffset::ReadAtConnection { .. }) => taken,
            (TakenAt::DeviceClock(_), ClockOffset::NotRead) | (TakenAt::HubClock(_), _) => self.hub_received,
        }
    }

    /// Whether the reading may settle what another opened. One that a device dates long before the hub heard it, by a
    /// clock nobody compared, may be from any day: it may raise an alert, for safety, but not end one.
    #[must_use]
    pub fn may_settle(&self) -> bool {
        match (self.taken, self.offset) {
            (TakenAt::DeviceClock(taken), ClockOffset::NotRead) => self.hub_received - taken <= LATE_AFTER,
            (TakenAt::DeviceClock(_), ClockOffset::ReadAtConnection { .. }) | (TakenAt::HubClock(_), _) => true,
        }
    }

    /// Whether the reading is certainly older than `limit`. A reading whose age is not known that closely counts as
    /// fresh, for safety (design, section 4).
    #[must_use]
    pub fn is_older_than(&self, limit: TimeDelta, at: DateTime<Utc>) -> bool {
        match self.age(at) {
            Age::Known(age) | Age::AtLeast(age) => age > limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn text_form_reads_back() {
        for text in ["2017-01-16T13:00:24", "????-04-17T20:41:59", "2026-??-??T00:00:00"] {
            assert_eq!(DeviceTime::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "2017-01-16",
            "2017-01-16T13:00",
            "2017-01-16T13:00:24Z",
            "2017-13-16T13:00:24",
            "2017-01-16T24:00:00",
            "20-1-1T1:1:1",
        ] {
            assert!(DeviceTime::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_reading_of_unknown_age_counts_as_fresh() {
        let noon = Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap();
        let long_ago = noon - TimeDelta::days(3000);
        let times = |offset| Times { device: None, hub_received: noon, taken: TakenAt::DeviceClock(long_ago), offset };
        assert!(times(ClockOffset::ReadAtConnection { device_ahead_secs: 0 }).is_older_than(LATE_AFTER, noon));
        assert!(!times(ClockOffset::NotRead).is_older_than(LATE_AFTER, noon));
        let weeks_offline = noon + TimeDelta::weeks(3);
        assert!(
            times(ClockOffset::NotRead).is_older_than(LATE_AFTER, weeks_offline),
            "the hub has held it for three weeks"
        );
    }
}
