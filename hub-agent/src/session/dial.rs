//! A device's clock against the hub's: what it said before it was set, and what to set it to.
//!
//! Invariants: the difference is taken before anything is written, in the hub's local time, because devices' clocks show
//! local time without a zone; a clock that was never set has no difference.

use super::listed::{self, Attribute, Listing};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use device_codecs::{DeviceTimeField, FrameKind, Shown, date_time, decoders};
use vitals::{ClockOffset, DeviceTime};

/// A clock this close is right: the characteristic counts whole seconds and the call takes its part of one.
pub const CLOCK_TOLERANCE_SECS: i64 = 2;

/// Half a second: a clock is set to the nearest second.
const NEAREST: TimeDelta = TimeDelta::milliseconds(500);

/// Date Time is seven bytes; Current Time begins with the same seven.
const DATE_TIME_BYTES: usize = 7;

/// Where a device's clock is read and where it is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) read: Option<Attribute>,
    pub(super) write: Option<Attribute>,
}

impl Places {
    /// The clock of the measuring service before the one of the Current Time service; best one that does both.
    pub(super) fn of(listing: &Listing) -> Self {
        let both = [listed::DATE_TIME, listed::CURRENT_TIME];
        let read = both.into_iter().find_map(|uuid| listing.readable(uuid));
        let same = read.and_then(|read| listing.writable(read.uuid));
        Self { read, write: same.or_else(|| both.into_iter().find_map(|uuid| listing.writable(uuid))) }
    }
}

/// What a device's clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// This many seconds ahead of the hub's; negative: behind.
    Ahead(i64),
    /// It shows a time that nobody set, or none.
    NotSet,
    /// The bytes are no clock.
    NotAClock,
}

impl Reads {
    /// What the bytes of either characteristic say.
    pub(super) fn of(bytes: &[u8], at: DateTime<Utc>, zone: Tz) -> Self {
        let Some(first) = bytes.first_chunk::<DATE_TIME_BYTES>() else { return Self::NotAClock };
        match DeviceTimeField::from_bytes(*first).stated().and_then(DeviceTime::set_local) {
            // Whole seconds against whole seconds: both clocks cut off the rest.
            Some(local) => Self::Ahead(local.and_utc().timestamp() - local_time(at, zone).and_utc().timestamp()),
            None => Self::NotSet,
        }
    }

    /// Whether the clock should be set.
    pub(super) fn is_off(self) -> bool {
        match self {
            Self::Ahead(secs) => secs.unsigned_abs() > CLOCK_TOLERANCE_SECS.unsigned_abs(),
            Self::NotSet | Self::NotAClock => true,
        }
    }

    /// What a frame says of it.
    pub(super) fn offset(self) -> ClockOffset {
        match self {
            Self::Ahead(device_ahead_secs) => ClockOffset::ReadAtConnection { device_ahead_secs },
            Self::NotSet | Self::NotAClock => ClockOffset::NotRead,
        }
    }
}

/// The hub's local time: what a right device clock shows.
pub(super) fn local_time(at: DateTime<Utc>, zone: Tz) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}

/// The bytes that set the clock; `None` beyond the calendar.
pub(super) fn to_write(uuid: u16, at: DateTime<Utc>, zone: Tz) -> Option<Vec<u8>> {
    let local = local_time(at + NEAREST, zone);
    let small = |part: u32| u8::try_from(part).ok();
    let time = DeviceTime::new(
        u16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
    )
    .ok()?;
    let mut bytes = date_time::encode(time).to_vec();
    if uuid == listed::CURRENT_TIME {
        // Day of week 1 (Monday) to 7, fractions of 256ths, and no reason for the adjustment: a device that keeps
        // reasons apart may refuse one that it does not know (Current Time Service 1.1, 3.1.1).
        bytes.extend([small(local.weekday().number_from_monday())?, 0, 0]);
    }
    Some(bytes)
}

/// The clock of one frame, where the device's was set at this connection.
///
/// What the device stamped since then carries the new time: such a stamp lies between the setting and now, or would lie in
/// the future by the old clock. All else carries the old. A write that was acknowledged but did not hold (some cuffs)
/// leaves the old time in the frame, so this looks at the frame and not at the acknowledgement.
pub(super) fn of_frame(
    kind: FrameKind,
    bytes: &[u8],
    before: ClockOffset,
    set_at: Option<NaiveDateTime>,
    now: NaiveDateTime,
) -> ClockOffset {
    let Some((set_at, stamp)) = set_at.zip(stamped(kind, bytes)) else { return before };
    let tolerance = TimeDelta::seconds(CLOCK_TOLERANCE_SECS);
    let is_future_by_old = match before {
        ClockOffset::ReadAtConnection { device_ahead_secs } => {
            let ahead = TimeDelta::try_seconds(device_ahead_secs);
            ahead.and_then(|ahead| stamp.checked_sub_signed(ahead)).is_some_and(|corrected| corrected > now + tolerance)
        }
        ClockOffset::NotRead => false,
    };
    let is_new = stamp <= now + tolerance && (stamp >= set_at - tolerance || is_future_by_old);
    if is_new { ClockOffset::ReadAtConnection { device_ahead_secs: 0 } } else { before }
}

/// The device's own time of a frame, where it has one.
fn stamped(kind: FrameKind, bytes: &[u8]) -> Option<NaiveDateTime> {
    let Shown::Fields(fields) = (decoders::named(kind.name())?.read)(bytes).ok()? else { return None };
    let Shown::Text(text) = fields.get("time")? else { return None };
    DeviceTime::parse(text).ok()?.set_local()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_parts::{CAPTURE_UA651, at};

    const LONDON: Tz = chrono_tz::Europe::London;

    /// Local time is an hour ahead of UTC in June and equal to it in January.
    #[test]
    fn a_clock_is_compared_in_local_time() {
        for (bytes, now, reads) in [
            ("ea0706010d0000", "2026-06-01T12:00:00Z", Reads::Ahead(0)),
            ("ea0706010c3c00", "2026-06-01T12:00:00Z", Reads::NotSet),
            ("ea0706010c3b00", "2026-06-01T12:00:00Z", Reads::Ahead(-60)),
            ("ea0701010c0005", "2026-01-01T12:00:00Z", Reads::Ahead(5)),
            ("ea0701010c0005040080", "2026-01-01T12:00:00Z", Reads::Ahead(5)),
            ("00000000000000", "2026-01-01T12:00:00Z", Reads::NotSet),
            ("da0701010c0005", "2026-01-01T12:00:00Z", Reads::NotSet),
            ("ea0701010c00", "2026-01-01T12:00:00Z", Reads::NotAClock),
        ] {
            assert_eq!(Reads::of(&vitals::hex::decode(bytes).unwrap(), at(now), LONDON), reads, "{bytes}");
        }
        assert!(!Reads::Ahead(2).is_off() && Reads::Ahead(-3).is_off() && Reads::NotSet.is_off());
    }

    #[test]
    fn what_is_written_reads_back_as_right() {
        let now = at("2026-06-01T12:00:00Z");
        for (uuid, length) in [(listed::DATE_TIME, 7), (listed::CURRENT_TIME, 10)] {
            let bytes = to_write(uuid, now, LONDON).unwrap();
            assert_eq!((bytes.len(), Reads::of(&bytes, now, LONDON)), (length, Reads::Ahead(0)));
        }
        assert_eq!(to_write(listed::CURRENT_TIME, now, LONDON).unwrap()[7], 1, "1 June 2026 is a Monday");
    }

    /// A cuff that was 16 minutes slow: its stored record keeps the old clock, one taken after the setting has the new.
    #[test]
    fn a_frame_stamped_after_the_setting_has_the_new_clock() {
        let old = ClockOffset::ReadAtConnection { device_ahead_secs: -960 };
        let bytes = vitals::hex::decode(CAPTURE_UA651).unwrap();
        let stamp = stamped(FrameKind::BloodPressure, &bytes).unwrap();
        let minutes = TimeDelta::minutes;
        for (set_at, now, is_new) in [
            (None, stamp, false),
            (Some(stamp + minutes(16)), stamp + minutes(17), false),
            // Stamped before the setting, but by the old clock that would be in six minutes.
            (Some(stamp + minutes(10)), stamp + minutes(10), true),
            (Some(stamp - minutes(1)), stamp + minutes(1), true),
            // Later than now by either clock.
            (Some(stamp - minutes(20)), stamp - minutes(10), false),
        ] {
            let clock = of_frame(FrameKind::BloodPressure, &bytes, old, set_at, now);
            assert_eq!(clock != old, is_new, "set at {set_at:?}, heard at {now}");
        }
    }
}
