//! When a frame was measured, by the device's clock where it can be used and by the hub's where not.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use device_codecs::{CountsFrom, DeviceTimeField, Frame};
use vitals::{ClockOffset, DeviceTime, Flag, TakenAt, Times};

/// A device's time this much later than the hub's receipt is still believed: cuffs drift and people set them by hand.
pub const DEVICE_TIME_AHEAD_MAX: TimeDelta = TimeDelta::minutes(10);

/// How far back to look for the offset in force before clocks went forward; no zone moves twice within it.
const BEFORE_A_GAP: TimeDelta = TimeDelta::hours(3);

/// What a device says about when a frame was measured.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stated {
    /// Nothing is known of it: the frame did not decode.
    Nothing,
    /// A date and time of its own, or none.
    Field(DeviceTimeField),
    /// So many minutes after a moment.
    Counted {
        /// The moment.
        from: CountsFrom,
        /// How much later.
        minutes: u16,
    },
}

impl Stated {
    /// The device's time, as it would show it. Of a count, nothing else tells two sessions' records apart.
    fn device(self) -> Option<DeviceTime> {
        match self {
            Self::Nothing => None,
            Self::Field(field) => field.stated(),
            Self::Counted { from, minutes } => from.minutes_after(minutes),
        }
    }
}

/// The times of a frame, and what was noticed about the device's.
pub(super) fn times(frame: &Frame, stated: Stated, zone: Tz) -> (Times, Option<Flag>) {
    let taken = match stated {
        Stated::Nothing => Err(None),
        Stated::Field(DeviceTimeField::Absent) => Err(Some(Flag::DeviceTimeMissing)),
        Stated::Field(DeviceTimeField::Impossible(_)) => Err(Some(Flag::DeviceTimeImpossible)),
        Stated::Field(DeviceTimeField::Stated(time)) => by_device_clock(time, frame, zone).map_err(Some),
        Stated::Counted { from, minutes } => by_count(from, minutes, frame, zone).map_err(Some),
    };
    let (taken, flag) = match taken {
        Ok((at, flag)) => (TakenAt::DeviceClock(at), flag),
        Err(flag) => (TakenAt::HubClock(frame.seen_at), flag),
    };
    (Times { device: stated.device(), hub_received: frame.seen_at, taken, offset: frame.clock }, flag)
}

/// When the device says it was, corrected by its clock's offset, or why its clock cannot be used.
fn by_device_clock(time: DeviceTime, frame: &Frame, zone: Tz) -> Result<(DateTime<Utc>, Option<Flag>), Flag> {
    let local = time.set_local().ok_or(Flag::DeviceClockNotSet)?;
    let (moments, flag) = in_utc(local, zone).ok_or(Flag::DeviceClockNotSet)?;
    // An offset that leaves the calendar is no clock that anybody set.
    let ahead = TimeDelta::try_seconds(ahead_secs(frame)).ok_or(Flag::DeviceClockNotSet)?;
    let corrected = moments.iter().filter_map(|moment| moment.checked_sub_signed(ahead));
    latest_possible(corrected, frame).map(|moment| (moment, flag))
}

/// When it was, so many minutes after another moment. They are added in UTC: a count goes on while clocks change.
///
/// The begin is in the device's own zone, or where it does not say, in the hub's as it was then.
fn by_count(from: CountsFrom, minutes: u16, frame: &Frame, zone: Tz) -> Result<(DateTime<Utc>, Option<Flag>), Flag> {
    let local = from.local.set_local().ok_or(Flag::DeviceClockNotSet)?;
    let starts = match from.zone {
        Some(own) => own.from_local_datetime(&local).single().map(|start| (vec![start.to_utc()], None)),
        None => in_utc(local, zone),
    };
    let (starts, flag) = starts.ok_or(Flag::DeviceClockNotSet)?;
    let counted = starts.iter().filter_map(|start| {
        let zone_then_secs = (local - start.naive_utc()).num_seconds();
        let ahead = TimeDelta::try_seconds(drift_secs(frame, zone_then_secs, zone))?;
        start.checked_add_signed(TimeDelta::minutes(minutes.into()))?.checked_sub_signed(ahead)
    });
    latest_possible(counted, frame).map(|moment| (moment, flag))
}

/// How far the clock that a count began by is out, in seconds.
///
/// The offset was read against the hub's local time of now, and the begin was in the local time of then. Where clocks
/// changed in between, a device may have followed (it is set at each connection) or not (it is an hour out, and its count
/// is right all the same): of the two, what makes its clock less wrong.
fn drift_secs(frame: &Frame, zone_then_secs: i64, zone: Tz) -> i64 {
    let zone_now_secs = zone.offset_from_utc_datetime(&frame.seen_at.naive_utc()).fix().local_minus_utc();
    let ahead_secs = ahead_secs(frame);
    let not_followed = ahead_secs.saturating_add(i64::from(zone_now_secs) - zone_then_secs);
    if not_followed.unsigned_abs() < ahead_secs.unsigned_abs() { not_followed } else { ahead_secs }
}

fn ahead_secs(frame: &Frame) -> i64 {
    match frame.clock {
        ClockOffset::ReadAtConnection { device_ahead_secs } => device_ahead_secs,
        ClockOffset::NotRead => 0,
    }
}

/// The latest that is not in the future: a reading just taken must not look an hour old.
fn latest_possible(moments: impl Iterator<Item = DateTime<Utc>>, frame: &Frame) -> Result<DateTime<Utc>, Flag> {
    let possible = moments.filter(|moment| *moment <= frame.seen_at + DEVICE_TIME_AHEAD_MAX);
    possible.max().ok_or(Flag::DeviceTimeInFuture)
}

/// The moments a local time may be.
///
/// One that occurs twice is either, and the caller takes the latest that is possible: a
/// reading just taken must not look an hour old. One that clocks skipped is moved on by the gap.
#[must_use]
pub fn in_utc(local: NaiveDateTime, zone: Tz) -> Option<(Vec<DateTime<Utc>>, Option<Flag>)> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) => Some((vec![at.to_utc()], None)),
        MappedLocalTime::Ambiguous(earlier, later) => {
            Some((vec![earlier.to_utc(), later.to_utc()], Some(Flag::DeviceTimeAmbiguous)))
        }
        MappedLocalTime::None => {
            let before = zone.from_local_datetime(&local.checked_sub_signed(BEFORE_A_GAP)?).earliest()?;
            Some((vec![before.to_utc() + BEFORE_A_GAP], Some(Flag::DeviceTimeAmbiguous)))
        }
    }
}
