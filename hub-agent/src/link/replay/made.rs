//! Frames that are made: numbers in, our own encoder's bytes out.

use super::{ZONE, line::Made};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use device_codecs::{
    DeviceTimeField, FrameKind,
    gatt::{BloodPressureMeasurement, PressureUnit, blood_pressure},
};
use vitals::{
    ClockOffset, Decimal, DeviceTime,
    float11073::{DeviceNumber, Special},
};

impl Made {
    /// The bytes our own encoder gives, as the device would have sent them by its own clock.
    pub(super) fn bytes(&self, start: DateTime<Utc>, clock: ClockOffset) -> Result<Vec<u8>, String> {
        if FrameKind::parse(&self.characteristic) != Ok(FrameKind::BloodPressure) {
            return Err("characteristic: only 2a35 frames are made".to_owned());
        }
        let taken_at = match self.taken_secs {
            Some(secs) => {
                DeviceTimeField::Stated(device_time(start, secs, clock).ok_or("taken_secs: beyond the calendar")?)
            }
            None => DeviceTimeField::Absent,
        };
        let measurement = BloodPressureMeasurement {
            systolic: number(self.systolic)?,
            diastolic: number(self.diastolic)?,
            mean: self.mean.map(number).transpose()?.unwrap_or(DeviceNumber::Special(Special::NotANumber)),
            unit: PressureUnit::MmHg,
            taken_at,
            pulse: self.pulse.map(number).transpose()?,
            user_index: self.user_index,
            status: self.status,
        };
        blood_pressure::encode(&measurement).map_err(|error| error.to_string())
    }
}

fn number(decimal: Decimal) -> Result<DeviceNumber, String> {
    let (mantissa, scale) = decimal.to_parts();
    let does_not_fit = format!("{decimal} does not fit a device number");
    let mantissa = i32::try_from(mantissa).map_err(|_too_large| does_not_fit.clone())?;
    let exponent = i8::try_from(scale).map_err(|_too_large| does_not_fit)?.saturating_neg();
    Ok(DeviceNumber::Number { mantissa, exponent })
}

/// What a device's own clock, set to local time and out by its offset, showed `secs` after the start.
pub(super) fn device_time(start: DateTime<Utc>, secs: i32, clock: ClockOffset) -> Option<DeviceTime> {
    let ahead = match clock {
        ClockOffset::ReadAtConnection { device_ahead_secs } => TimeDelta::try_seconds(device_ahead_secs)?,
        ClockOffset::NotRead => TimeDelta::zero(),
    };
    let local = start
        .checked_add_signed(TimeDelta::seconds(secs.into()))?
        .with_timezone(&ZONE)
        .naive_local()
        .checked_add_signed(ahead)?;
    let small = |part: u32| u8::try_from(part).ok();
    DeviceTime::new(
        u16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
    )
    .ok()
}
