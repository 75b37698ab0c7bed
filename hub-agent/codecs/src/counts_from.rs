//! From which of the device's times a frame counts its own.

use crate::date_time;
use chrono::FixedOffset;
use std::{fmt, str::FromStr};
use thiserror::Error;
use vitals::DeviceTime;

/// The length of a device time as text.
const TIME_BYTES: usize = "2026-06-01T12:00:00".len();

/// A moment by the device's clock, and how far that clock was from UTC then, where the device says so itself.
///
/// Minutes that are counted from it go on while clocks change, so they are added to the moment and never to its local
/// time: a day after noon on the eve of summer time it is one o'clock.
///
/// ```
/// use device_codecs::CountsFrom;
/// let start: CountsFrom = "2026-06-01T12:00:00+01:00".parse().unwrap();
/// assert_eq!(start.zone.unwrap().local_minus_utc(), 3600);
/// assert_eq!("2026-06-01T12:00:00".parse::<CountsFrom>().unwrap().zone, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountsFrom {
    /// When it was, by the device's clock.
    pub local: DeviceTime,
    /// Local time less UTC, summer time included; `None` where the device does not say.
    pub zone: Option<FixedOffset>,
}

/// A text is no time to count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a time to count from: want 2026-06-01T12:00:00, and +01:00 after it where the device says its zone")]
pub struct NothingToCountFrom;

impl CountsFrom {
    /// A moment by the device's clock, of whose zone nothing is said.
    #[must_use]
    pub fn of(local: DeviceTime) -> Self {
        Self { local, zone: None }
    }

    /// What the device's clock shows so many minutes later, if nobody sets it meanwhile: the device's own time of a
    /// record. `None` where the begin is not wholly known or the sum leaves the calendar.
    #[must_use]
    pub fn minutes_after(self, minutes: u16) -> Option<DeviceTime> {
        date_time::minutes_after(self.local, minutes.into())
    }
}

impl fmt::Display for CountsFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.local, f)?;
        self.zone.map_or(Ok(()), |zone| fmt::Display::fmt(&zone, f))
    }
}

impl FromStr for CountsFrom {
    type Err = NothingToCountFrom;

    fn from_str(text: &str) -> Result<Self, NothingToCountFrom> {
        let (local, zone) = text.split_at_checked(TIME_BYTES).ok_or(NothingToCountFrom)?;
        let local = DeviceTime::parse(local).map_err(|_impossible| NothingToCountFrom)?;
        let zone = Some(zone).filter(|zone| !zone.is_empty()).map(FixedOffset::from_str).transpose();
        Ok(Self { local, zone: zone.map_err(|_no_offset| NothingToCountFrom)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_reads_back() {
        for text in ["2026-06-01T12:00:00", "2026-06-01T12:00:00+01:00", "????-04-24T13:08:24-09:30"] {
            assert_eq!(text.parse::<CountsFrom>().unwrap().to_string(), text);
        }
        for text in ["", "2026-06-01", "2026-06-01T12:00:00Z", "2026-06-01T12:00:00+1", "2026-06-31T12:00:00", "é"] {
            assert_eq!(text.parse::<CountsFrom>(), Err(NothingToCountFrom), "{text}");
        }
    }
}
