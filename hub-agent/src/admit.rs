//! Makes a reading of a frame: one unit, codes by table, the device's and the hub's times, flags, and whose it is.
//!
//! Invariants: pure, and there is a reading for every frame, because nothing a device sent is dropped; no value is
//! filled in and no time invented, and where the hub's clock stands in, [`TakenAt::HubClock`] and a flag say so; the
//! record number never depends on corrected time.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use device_codecs::{BloodPressureMeasurement, DecodeError, Decoded, DeviceTimeField, Frame};
use vitals::{
    BloodPressure, ClockOffset, DeviceTime, Flag, HubId, Measure, NoValue, Quality, RawFrame, Reading, RecordNumber,
    TakenAt, Times, Value, Who,
    float11073::DeviceNumber,
    quantity::{MmHg, PerMinute},
    record::{RecordKey, reading_id},
};

/// A device's time this much later than the hub's receipt is still believed: cuffs drift and people set them by hand.
pub const DEVICE_TIME_AHEAD_MAX: TimeDelta = TimeDelta::minutes(10);

/// How far back to look for the offset in force before clocks went forward; no zone moves twice within it.
const BEFORE_A_GAP: TimeDelta = TimeDelta::hours(3);

/// What a hub knows about itself when it makes a reading.
#[derive(Debug, Clone)]
pub struct HubContext {
    /// The hub.
    pub hub: HubId,
    /// This boot of it: random, so that two receipts of two boots never share a record number.
    pub boot: [u8; 8],
    /// The zone in which its devices' clocks are set.
    pub zone: Tz,
}

/// The reading that a frame is.
#[must_use]
pub fn admit(frame: &Frame, decoded: Result<Decoded, DecodeError>, who: Who, hub: &HubContext) -> Reading {
    let (value, stated, user_index, mut flags) = match decoded {
        Ok(Decoded::BloodPressure(cuff)) => {
            (blood_pressure(&cuff), Some(cuff.taken_at), cuff.user_index, status_flags(cuff.status))
        }
        Err(error) => (Value::NotMeasured(error.reason()), None, None, Vec::new()),
    };
    let (times, time_flag) = times(frame, stated, hub.zone);
    flags.extend(time_flag);
    let key = match times.device.filter(|time| time.set_local().is_some()) {
        Some(time) => RecordKey::Time(time),
        None => RecordKey::Receipt { hub: &hub.hub, boot: hub.boot, at: frame.seen_at },
    };
    let record = RecordNumber::of(frame.characteristic.service(), key, user_index, frame.bytes.as_slice());
    Reading {
        id: reading_id(&frame.device, record),
        source: frame.device.clone(),
        record,
        user_index,
        who,
        kind: frame.characteristic.kind(),
        value,
        times,
        quality: Quality::from_iter(flags),
        raw: RawFrame {
            service: frame.characteristic.service().to_owned(),
            characteristic: frame.characteristic.to_string(),
            bytes: frame.bytes.as_slice().to_vec(),
        },
    }
}

/// Both pressures, or the reason there is no measurement. A mean or pulse that the cuff could not tell is left out.
fn blood_pressure(cuff: &BloodPressureMeasurement) -> Value<Measure> {
    let pressure = |number: DeviceNumber| -> Result<MmHg, NoValue> {
        MmHg::from_pressure(number.quantity(cuff.unit.unit())?).map_err(|_too_large_to_convert| NoValue::OutOfRange)
    };
    let pulse =
        |number: DeviceNumber| number.quantity(PerMinute::UNIT).ok().map(|quantity| PerMinute::new(quantity.value()));
    match (pressure(cuff.systolic), pressure(cuff.diastolic)) {
        (Ok(systolic), Ok(diastolic)) => Value::Measured(Measure::BloodPressure(BloodPressure {
            systolic,
            diastolic,
            mean: pressure(cuff.mean).ok(),
            pulse: cuff.pulse.and_then(pulse),
            posture: None,
            arm: None,
        })),
        (Err(reason), _) | (Ok(_), Err(reason)) => Value::NotMeasured(reason),
    }
}

/// The flags of a 2A35 status; reserved bits are ignored (real cuffs set them) and stay in the raw bytes.
fn status_flags(status: Option<u16>) -> Vec<Flag> {
    let status = status.unwrap_or(0);
    let bit = |bit: u16, flag: Flag| (status >> bit & 1 == 1).then_some(flag);
    let pulse_range = match status >> 3 & 0b11 {
        1 => Some(Flag::PulseAboveRange),
        2 => Some(Flag::PulseBelowRange),
        _ => None,
    };
    [
        bit(0, Flag::BodyMovement),
        bit(1, Flag::CuffTooLoose),
        bit(2, Flag::IrregularPulse),
        pulse_range,
        bit(5, Flag::ImproperPosition),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The times of a frame, and what was noticed about the device's. `stated` is `None` for a frame that did not decode.
fn times(frame: &Frame, stated: Option<DeviceTimeField>, zone: Tz) -> (Times, Option<Flag>) {
    let taken = match stated {
        None => Err(None),
        Some(DeviceTimeField::Absent) => Err(Some(Flag::DeviceTimeMissing)),
        Some(DeviceTimeField::Impossible(_)) => Err(Some(Flag::DeviceTimeImpossible)),
        Some(DeviceTimeField::Stated(time)) => by_device_clock(time, frame, zone).map_err(Some),
    };
    let (taken, flag) = match taken {
        Ok((at, flag)) => (TakenAt::DeviceClock(at), flag),
        Err(flag) => (TakenAt::HubClock(frame.seen_at), flag),
    };
    let device = stated.and_then(DeviceTimeField::stated);
    (Times { device, hub_received: frame.seen_at, taken, offset: frame.clock }, flag)
}

/// When the device says it was, corrected by its clock's offset, or why its clock cannot be used.
fn by_device_clock(time: DeviceTime, frame: &Frame, zone: Tz) -> Result<(DateTime<Utc>, Option<Flag>), Flag> {
    let local = time.set_local().ok_or(Flag::DeviceClockNotSet)?;
    let (moments, flag) = in_utc(local, zone).ok_or(Flag::DeviceClockNotSet)?;
    let device_ahead_secs = match frame.clock {
        ClockOffset::ReadAtConnection { device_ahead_secs } => device_ahead_secs,
        ClockOffset::NotRead => 0,
    };
    // An offset that leaves the calendar is no clock that anybody set.
    let ahead = TimeDelta::try_seconds(device_ahead_secs).ok_or(Flag::DeviceClockNotSet)?;
    let corrected = moments.iter().filter_map(|moment| moment.checked_sub_signed(ahead));
    let possible = corrected.filter(|moment| *moment <= frame.seen_at + DEVICE_TIME_AHEAD_MAX);
    possible.max().map(|moment| (moment, flag)).ok_or(Flag::DeviceTimeInFuture)
}

/// The moments a local time may be. One that occurs twice is either, and the caller takes the latest that is possible: a
/// reading just taken must not look an hour old. One that clocks skipped is moved on by the gap.
fn in_utc(local: NaiveDateTime, zone: Tz) -> Option<(Vec<DateTime<Utc>>, Option<Flag>)> {
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

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;
