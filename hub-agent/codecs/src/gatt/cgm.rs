//! CGM Measurement, characteristic 2AA7: the records of a continuous glucose sensor.
//!
//! Source: Bluetooth Continuous Glucose Monitoring Service 1.0.2, section 3.1, and GATT Specification Supplement, "CGM
//! Measurement". A notification holds one or more records, each: size u8 (of the whole record), flags u8, glucose
//! SFLOAT in mg/dL, minutes u16 since the session began; then, each where its flag is set, the octets of the
//! annunciation (status, calibration and temperature, warning: in this order, though their flags are bits 7, 6 and 5),
//! trend SFLOAT in mg/dL a minute, quality SFLOAT in per cent; then the CRC, where the size has room for exactly that.
//! Flag bits 2 to 4 are reserved and ignored.

use super::{
    bits::{self, named_bits},
    e2e_crc::{self, CRC_BYTES, E2eCrc},
};
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::{NoValue, Quantity, Unit, float11073::DeviceNumber};

const FLAG_TREND: u8 = 0b0000_0001;
const FLAG_QUALITY: u8 = 0b0000_0010;
const FLAG_WARNING: u8 = 0b0010_0000;
const FLAG_CALIBRATION_TEMPERATURE: u8 = 0b0100_0000;
const FLAG_STATUS: u8 = 0b1000_0000;

/// Size, flags, glucose and minutes: what every record has.
const RECORD_BYTES_MIN: u8 = 6;

named_bits! {
    /// What the sensor says of itself: status octet (bits 0 to 7), calibration and temperature octet (8 to 15), warning
    /// octet (16 to 23).
    pub struct Annunciation(u32) {
        /// The session has ended.
        SESSION_STOPPED = 0, "session_stopped";
        /// The battery is low.
        BATTERY_LOW = 1, "battery_low";
        /// The sensor is not of this device.
        SENSOR_TYPE = 2, "sensor_type_incorrect";
        /// The sensor is faulty.
        SENSOR_MALFUNCTION = 3, "sensor_malfunction";
        /// An alert of the device's own.
        DEVICE_ALERT = 4, "device_specific_alert";
        /// A general fault of the device.
        DEVICE_FAULT = 5, "general_device_fault";
        /// The sensor wants its time set.
        TIME_SYNC_REQUIRED = 8, "time_sync_required";
        /// It may not be calibrated now.
        CALIBRATION_NOT_ALLOWED = 9, "calibration_not_allowed";
        /// It should be calibrated.
        CALIBRATION_RECOMMENDED = 10, "calibration_recommended";
        /// It must be calibrated.
        CALIBRATION_REQUIRED = 11, "calibration_required";
        /// Too warm for a valid result.
        TOO_WARM = 12, "temperature_too_high";
        /// Too cold for a valid result.
        TOO_COLD = 13, "temperature_too_low";
        /// Below the low level set for the person.
        BELOW_PATIENT_LOW = 16, "below_patient_low";
        /// Above the high level set for the person.
        ABOVE_PATIENT_HIGH = 17, "above_patient_high";
        /// Below the hypo level.
        BELOW_HYPO = 18, "below_hypo";
        /// Above the hyper level.
        ABOVE_HYPER = 19, "above_hyper";
        /// Falling faster than its alert level.
        FALLING_FAST = 20, "rate_of_decrease_exceeded";
        /// Rising faster than its alert level.
        RISING_FAST = 21, "rate_of_increase_exceeded";
        /// Below what the device can process.
        TOO_LOW = 22, "result_too_low";
        /// Above what the device can process.
        TOO_HIGH = 23, "result_too_high";
    }
}

impl Annunciation {
    /// A sensor that says so has measured nothing at all.
    const FAULTS: u32 = Self::SENSOR_TYPE | Self::SENSOR_MALFUNCTION | Self::DEVICE_FAULT;
    /// What the sensor measured then has no number to go by.
    const SPOILS: u32 = Self::SESSION_STOPPED | Self::CALIBRATION_REQUIRED | Self::TOO_WARM | Self::TOO_COLD;

    /// What it makes of a number. A result too low or too high to process is the news, not the lack of any, and a sensor
    /// that is cold or wants calibrating does not take it away: only one that is faulty does.
    fn judged(self, number: Result<Quantity, NoValue>) -> Result<Quantity, NoValue> {
        if self.has(Self::FAULTS) {
            Err(NoValue::SensorProblem)
        } else if self.has(Self::TOO_LOW) {
            Err(NoValue::NegativeInfinity)
        } else if self.has(Self::TOO_HIGH) {
            Err(NoValue::PositiveInfinity)
        } else if self.has(Self::SPOILS) && !bits::is_beyond_device(&number) {
            Err(NoValue::MeasurementInvalid)
        } else {
            number
        }
    }
}

/// One record as the sensor said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CgmRecord {
    /// Glucose in mg/dL.
    pub glucose: DeviceNumber,
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// The status octet, where the record has it.
    pub status: Option<u8>,
    /// The calibration and temperature octet, where the record has it.
    pub calibration_temperature: Option<u8>,
    /// The warning octet, where the record has it.
    pub warning: Option<u8>,
    /// Trend in mg/dL a minute, where the record has it.
    pub trend: Option<DeviceNumber>,
    /// Quality in per cent, where the record has it.
    pub quality_percent: Option<DeviceNumber>,
    /// Whether it came with its CRC.
    pub e2e_crc: E2eCrc,
}

impl CgmRecord {
    /// The three octets together; one that is not there has no bit set.
    #[must_use]
    pub fn annunciation(&self) -> Annunciation {
        let octet = |octet: Option<u8>| octet.unwrap_or_default();
        let octets = [octet(self.status), octet(self.calibration_temperature), octet(self.warning), 0];
        Annunciation(u32::from_le_bytes(octets))
    }

    /// Glucose in mg/dL, as a person's value.
    ///
    /// # Errors
    /// Why there is none: a faulty sensor, then a result that it cannot process, then what else it says of itself.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        self.annunciation().judged(self.glucose.quantity(Unit::MilligramsPerDecilitre))
    }

    /// Whether the sensor doubts what it says all the same: too low or too high, but cold, warm, not calibrated or stopped.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.annunciation().has(Annunciation::SPOILS) && bits::is_beyond_device(&self.patient_value())
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("glucose_mg_dl", self.glucose)
            .with("time_offset_min", self.time_offset_min)
            .with("status", self.status)
            .with("cal_temp", self.calibration_temperature)
            .with("warning", self.warning)
            .with("annunciation_names", self.annunciation().names())
            .with("trend", self.trend)
            .with("quality", self.quality_percent)
            .with("e2e_crc", self.e2e_crc.shown())
    }
}

/// The single records of a notification, in order, each with its size in front. The first that cannot be told apart is
/// an error and the last: where it ends, and so where the next begins, is not known.
///
/// ```
/// use device_codecs::{error::DecodeError, gatt::cgm};
/// let two = vitals::hex::decode("06000c10060007808d000a0003").unwrap();
/// let records: Vec<_> = cgm::records(&two).collect();
/// assert_eq!(records, [Ok(&two[..6]), Ok(&two[6..])]);
/// assert_eq!(cgm::records(&two[..12]).last(), Some(Err(DecodeError::Truncated { field: "the record" })));
/// ```
pub fn records(notification: &[u8]) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    let mut rest = Some(notification);
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        let size = *bytes.first()?;
        if size < RECORD_BYTES_MIN {
            return Some(Err(DecodeError::Malformed { field: "the record's size" }));
        }
        match bytes.split_at_checked(usize::from(size)) {
            Some((record, after)) => {
                rest = Some(after);
                Some(Ok(record))
            }
            None => Some(Err(DecodeError::Truncated { field: "the record" })),
        }
    })
}

/// Every record of a notification as named values, under "records".
///
/// # Errors
/// The first record's that cannot be read; an empty notification is truncated.
pub fn shown_notification(notification: &[u8]) -> Result<Fields, DecodeError> {
    if notification.is_empty() {
        return Err(DecodeError::Truncated { field: "the record" });
    }
    let records = records(notification)
        .map(|record| record.and_then(decode).map(|record| record.shown()))
        .collect::<Result<Vec<Fields>, DecodeError>>()?;
    Ok(Fields::new().with("records", records))
}

/// The record that the bytes of one record hold.
///
/// # Errors
/// [`DecodeError::Truncated`] where they end before their size says, [`DecodeError::TooLong`] where they go on;
/// [`DecodeError::Malformed`] where the size is not that of the flags, with or without a CRC;
/// [`DecodeError::ChecksumWrong`] where the CRC is not that of the bytes.
pub fn decode(bytes: &[u8]) -> Result<CgmRecord, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let size = usize::from(cursor.byte("the record's size")?);
    if bytes.len() < size {
        return Err(DecodeError::Truncated { field: "the record" });
    }
    if bytes.len() > size {
        return Err(DecodeError::TooLong { left_bytes: bytes.len() - size });
    }
    // From here on, what does not fit is not cut off: the size itself is wrong.
    read(bytes, cursor).map_err(|error| match error {
        DecodeError::Truncated { .. } | DecodeError::TooLong { .. } => {
            DecodeError::Malformed { field: "the record's size" }
        }
        DecodeError::ChecksumWrong { .. }
        | DecodeError::OutOfStep { .. }
        | DecodeError::Malformed { .. }
        | DecodeError::EmptySlot
        | DecodeError::MakersOwnLayout
        | DecodeError::NotSupported { .. } => error,
    })
}

fn read(whole: &[u8], mut cursor: Cursor<'_>) -> Result<CgmRecord, DecodeError> {
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let record = CgmRecord {
        glucose: cursor.number("the glucose")?,
        time_offset_min: cursor.word("the time offset")?,
        status: is_set(FLAG_STATUS).then(|| cursor.byte("the status")).transpose()?,
        calibration_temperature: is_set(FLAG_CALIBRATION_TEMPERATURE)
            .then(|| cursor.byte("the calibration and temperature"))
            .transpose()?,
        warning: is_set(FLAG_WARNING).then(|| cursor.byte("the warning")).transpose()?,
        trend: is_set(FLAG_TREND).then(|| cursor.number("the trend")).transpose()?,
        quality_percent: is_set(FLAG_QUALITY).then(|| cursor.number("the quality")).transpose()?,
        e2e_crc: E2eCrc::Absent,
    };
    Ok(CgmRecord { e2e_crc: e2e_crc::finish(whole, cursor)?, ..record })
}

/// The bytes of one record, its size in front and, where it has one, its CRC behind.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(record: &CgmRecord) -> Result<Vec<u8>, EncodeError> {
    let octets = [record.status, record.calibration_temperature, record.warning];
    let mut fields = vec![
        bits::flag(FLAG_TREND, record.trend.is_some())
            | bits::flag(FLAG_QUALITY, record.quality_percent.is_some())
            | bits::flag(FLAG_WARNING, record.warning.is_some())
            | bits::flag(FLAG_CALIBRATION_TEMPERATURE, record.calibration_temperature.is_some())
            | bits::flag(FLAG_STATUS, record.status.is_some()),
    ];
    fields.extend(bits::number(record.glucose, "the glucose")?);
    fields.extend(record.time_offset_min.to_le_bytes());
    fields.extend(octets.into_iter().flatten());
    if let Some(trend) = record.trend {
        fields.extend(bits::number(trend, "the trend")?);
    }
    if let Some(quality) = record.quality_percent {
        fields.extend(bits::number(quality, "the quality")?);
    }
    let crc_bytes = match record.e2e_crc {
        E2eCrc::Absent => 0,
        E2eCrc::Verified => CRC_BYTES,
    };
    let size =
        u8::try_from(1 + fields.len() + crc_bytes).map_err(|_too_long| EncodeError::TooMany { field: "the record" })?;
    fields.insert(0, size);
    Ok(record.e2e_crc.protect(fields))
}

#[cfg(test)]
#[path = "cgm_tests.rs"]
mod tests;
