//! What a continuous glucose sensor says beside its records: features 2AA8, status 2AA9, the begin of its session 2AAA
//! and how long it runs 2AAB.
//!
//! Source: Bluetooth Continuous Glucose Monitoring Service 1.0.2, sections 3.2 to 3.5. Each ends with a CRC where the
//! sensor supports it (feature bit 12); only in 2AA8 there is always one, 0xFFFF where it does not.

use super::{
    bits::{self, named_bits},
    cgm::Annunciation,
    e2e_crc::{self, E2eCrc},
    glucose::{location_name, specimen_name},
};
use crate::{CountsFrom, Fields, cursor::Cursor, date_time::DeviceTimeField, error::DecodeError};
use chrono::FixedOffset;

/// What stands in place of the CRC of 2AA8 where the sensor has none.
const NO_CRC: u16 = 0xffff;

named_bits! {
    /// What a continuous sensor can do, three bytes.
    pub struct CgmFeatureBits(u32) {
        /// It can be calibrated.
        CALIBRATION = 0, "calibration";
        /// It has alerts for levels set for the person.
        PATIENT_ALERTS = 1, "patient_high_low_alerts";
        /// It has a hypo alert.
        HYPO_ALERTS = 2, "hypo_alerts";
        /// It has a hyper alert.
        HYPER_ALERTS = 3, "hyper_alerts";
        /// It has alerts for falling and rising fast.
        RATE_ALERTS = 4, "rate_alerts";
        /// It has alerts of its own.
        DEVICE_ALERT = 5, "device_specific_alert";
        /// It notices a faulty sensor.
        SENSOR_MALFUNCTION = 6, "sensor_malfunction_detection";
        /// It notices a temperature too high or too low.
        TEMPERATURE = 7, "temperature_high_low_detection";
        /// It notices results it cannot process.
        RESULT_RANGE = 8, "result_high_low_detection";
        /// It notices a low battery.
        LOW_BATTERY = 9, "low_battery_detection";
        /// It notices a sensor of another device.
        SENSOR_TYPE = 10, "sensor_type_error_detection";
        /// It notices general faults.
        DEVICE_FAULT = 11, "general_device_fault";
        /// It puts a CRC at the end of every value.
        E2E_CRC = 12, "e2e_crc";
        /// It keeps bonds with several hubs.
        MULTIPLE_BOND = 13, "multiple_bond";
        /// It keeps the records of several sessions.
        MULTIPLE_SESSIONS = 14, "multiple_sessions";
        /// It has the trend.
        TREND = 15, "trend_information";
        /// It has the quality.
        QUALITY = 16, "quality";
    }
}

/// What a continuous sensor can do, 2AA8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmFeature {
    /// Its abilities.
    pub features: CgmFeatureBits,
    /// In what it measures, four bits as sent: see [`specimen_name`].
    pub specimen: u8,
    /// Where it measures, four bits as sent: see [`location_name`].
    pub location: u8,
    /// Whether the value came with its CRC.
    pub e2e_crc: E2eCrc,
}

impl CgmFeature {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("features", self.features.0)
            .with("feature_names", self.features.names())
            .with("type", self.specimen)
            .with("type_name", specimen_name(self.specimen))
            .with("location", self.location)
            .with("location_name", location_name(self.location))
            .with("e2e_crc", self.e2e_crc.shown().unwrap_or("absent"))
    }
}

/// What a continuous sensor says it can do, 2AA8. A sensor without CRC support has no CRC to be wrong: what stands in
/// its place is not looked at.
///
/// # Errors
/// [`DecodeError`] unless there are exactly six bytes; [`DecodeError::ChecksumWrong`] where the sensor says that it
/// supports the CRC and this is not it.
pub fn decode_feature(bytes: &[u8]) -> Result<CgmFeature, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let features = CgmFeatureBits(cursor.three_bytes("the features")?);
    let (specimen, location) = bits::nibbles(cursor.byte("the type and location")?);
    let sent = cursor.word("the CRC")?;
    cursor.finish()?;
    let has_crc = features.has(CgmFeatureBits::E2E_CRC);
    let e2e_crc = if has_crc { e2e_crc::verify(bytes, sent)? } else { E2eCrc::Absent };
    Ok(CgmFeature { features, specimen, location, e2e_crc })
}

/// The 2AA8 value of what a simulated sensor can do.
#[must_use]
pub fn encode_feature(feature: &CgmFeature) -> Vec<u8> {
    let mut bytes: Vec<u8> = feature.features.0.to_le_bytes().into_iter().take(3).collect();
    bytes.push(bits::from_nibbles(feature.specimen, feature.location));
    match feature.e2e_crc {
        E2eCrc::Verified => feature.e2e_crc.protect(bytes),
        E2eCrc::Absent => [bytes.as_slice(), &NO_CRC.to_le_bytes()].concat(),
    }
}

/// How a continuous sensor is now, 2AA9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmStatus {
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// What the sensor says of itself.
    pub annunciation: Annunciation,
    /// Whether the value came with its CRC.
    pub e2e_crc: E2eCrc,
}

impl CgmStatus {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let [status, calibration_temperature, warning, _] = self.annunciation.0.to_le_bytes();
        Fields::new()
            .with("time_offset_min", self.time_offset_min)
            .with("status", status)
            .with("cal_temp", calibration_temperature)
            .with("warning", warning)
            .with("annunciation_names", self.annunciation.names())
            .with("e2e_crc", self.e2e_crc.shown())
    }
}

/// How a continuous sensor says it is, 2AA9: minutes u16, the three octets of the annunciation, CRC.
///
/// # Errors
/// [`DecodeError`] unless there are five bytes, or seven of which the last two are the CRC.
pub fn decode_status(bytes: &[u8]) -> Result<CgmStatus, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let time_offset_min = cursor.word("the time offset")?;
    let annunciation = cursor.three_bytes("the status").map(Annunciation)?;
    Ok(CgmStatus { time_offset_min, annunciation, e2e_crc: e2e_crc::finish(bytes, cursor)? })
}

/// The 2AA9 value of how a simulated sensor is.
#[must_use]
pub fn encode_status(status: &CgmStatus) -> Vec<u8> {
    let octets = status.annunciation.0.to_le_bytes().into_iter().take(3);
    status.e2e_crc.protect(status.time_offset_min.to_le_bytes().into_iter().chain(octets).collect())
}

/// When a session began, 2AAA. Written by the hub when the sensor's own time is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionStart {
    /// Local time.
    pub local: DeviceTimeField,
    /// Quarters of an hour from UTC to local standard time; -128 says not known.
    pub time_zone_quarter_hours: i8,
    /// Summer time: 0 none, 2 half an hour, 4 one hour, 8 two hours, 255 not known.
    pub dst_offset: u8,
    /// Whether the value came with its CRC.
    pub e2e_crc: E2eCrc,
}

impl SessionStart {
    /// What the session's records count from, where the begin is wholly known.
    #[must_use]
    pub fn counts_from(&self) -> Option<CountsFrom> {
        let local = self.local.stated().filter(|time| time.local().is_some())?;
        Some(CountsFrom { local, zone: self.zone() })
    }

    /// Local time less UTC, summer time included. Not known unless both parts are: half of it would be an hour wrong.
    ///
    /// Source: GATT Specification Supplement, "Time Zone" (quarters of an hour, -48 to 56, -128 not known) and "DST
    /// Offset" (0 none, 2 half an hour, 4 one hour, 8 two hours, 255 not known); all else is reserved.
    fn zone(&self) -> Option<FixedOffset> {
        let quarters = Some(self.time_zone_quarter_hours).filter(|quarters| (-48..=56).contains(quarters))?;
        let summer_minutes = match self.dst_offset {
            0 => 0,
            2 => 30,
            4 => 60,
            8 => 120,
            _ => return None,
        };
        FixedOffset::east_opt((i32::from(quarters) * 15 + summer_minutes) * 60)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("time", self.local)
            .with("time_zone_15min", self.time_zone_quarter_hours)
            .with("dst_code", self.dst_offset)
            .with("e2e_crc", self.e2e_crc.shown())
    }
}

/// When a session says it began, 2AAA: time (7 bytes), time zone i8, summer time u8, CRC.
///
/// # Errors
/// [`DecodeError`] unless there are nine bytes, or eleven of which the last two are the CRC.
pub fn decode_session_start(bytes: &[u8]) -> Result<SessionStart, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let local = cursor.time_if(true)?;
    let time_zone_quarter_hours = cursor.take("the time zone").map(i8::from_le_bytes)?;
    let dst_offset = cursor.byte("the summer time")?;
    Ok(SessionStart { local, time_zone_quarter_hours, dst_offset, e2e_crc: e2e_crc::finish(bytes, cursor)? })
}

/// The 2AAA value that tells a sensor when its session began; without a time, its seven bytes are nought.
#[must_use]
pub fn encode_session_start(start: &SessionStart) -> Vec<u8> {
    let [zone] = start.time_zone_quarter_hours.to_le_bytes();
    let time = start.local.to_bytes().unwrap_or_default();
    start.e2e_crc.protect(time.into_iter().chain([zone, start.dst_offset]).collect())
}

/// How long a session runs, 2AAB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRunTime {
    /// Hours from its begin.
    pub hours: u16,
    /// Whether the value came with its CRC.
    pub e2e_crc: E2eCrc,
}

impl SessionRunTime {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new().with("hours", self.hours).with("e2e_crc", self.e2e_crc.shown())
    }
}

/// How long a session says it runs, 2AAB: hours u16, CRC.
///
/// # Errors
/// [`DecodeError`] unless there are two bytes, or four of which the last two are the CRC.
pub fn decode_run_time(bytes: &[u8]) -> Result<SessionRunTime, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let hours = cursor.word("the run time")?;
    Ok(SessionRunTime { hours, e2e_crc: e2e_crc::finish(bytes, cursor)? })
}

/// The 2AAB value of how long a simulated session runs.
#[must_use]
pub fn encode_run_time(run_time: &SessionRunTime) -> Vec<u8> {
    run_time.e2e_crc.protect(run_time.hours.to_le_bytes().to_vec())
}

#[cfg(test)]
#[path = "cgm_session_tests.rs"]
mod tests;
