//! PLX Spot-check Measurement, characteristic 2A5E.
//!
//! Source: Bluetooth Pulse Oximeter Service 1.0.1, section 3.1: flags u8; saturation and pulse rate as SFLOAT; then,
//! each where its flag is set: time (7 bytes), measurement status u16, device and sensor status (3 bytes), pulse
//! amplitude index SFLOAT. Flag bit 4 says that the device's clock is not set; bits 5 to 7 are reserved and ignored.

use super::{
    bits,
    oximetry::{self, DeviceStatus, MeasurementStatus, PatientSpo2, Spo2Pulse},
};
use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{NoValue, float11073::DeviceNumber};

const FLAG_TIME: u8 = 0b0000_0001;
const FLAG_MEASUREMENT_STATUS: u8 = 0b0000_0010;
const FLAG_DEVICE_STATUS: u8 = 0b0000_0100;
const FLAG_AMPLITUDE: u8 = 0b0000_1000;
const FLAG_CLOCK_NOT_SET: u8 = 0b0001_0000;

/// One spot check as the oximeter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpotOximetry {
    /// Saturation and pulse rate.
    pub pair: Spo2Pulse,
    /// When the oximeter says it was taken.
    pub taken_at: DeviceTimeField,
    /// What it says of the measurement, where the frame has it.
    pub measurement_status: Option<MeasurementStatus>,
    /// What it says of itself, where the frame has it.
    pub device_status: Option<DeviceStatus>,
    /// Pulse amplitude index in per cent, where the frame has it.
    pub pulse_amplitude: Option<DeviceNumber>,
    /// Whether the oximeter says that its clock is not set: `taken_at` is then no time of day.
    pub is_clock_not_set: bool,
}

impl SpotOximetry {
    /// Saturation, pulse rate and perfusion, as a person's values.
    ///
    /// # Errors
    /// Why there is none: what the two statuses say, then the saturation itself.
    pub fn patient_value(&self) -> Result<PatientSpo2, NoValue> {
        oximetry::patient_value(self.pair, self.pulse_amplitude, self.measurement_status, self.device_status)
    }

    /// Whether it comes from the device's memory: without a usable time it may then be of any day.
    #[must_use]
    pub fn is_from_memory(&self) -> bool {
        oximetry::is_from_memory(self.measurement_status)
    }

    /// Whether the device doubts its value; a doubtful value is kept.
    #[must_use]
    pub fn is_questionable(&self) -> bool {
        oximetry::is_questionable(self.measurement_status, self.device_status)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let fields =
            Fields::new().with("spo2", self.pair.spo2).with("pulse", self.pair.pulse).with("time", self.taken_at);
        oximetry::shown_statuses(fields, self.measurement_status, self.device_status)
            .with("pai", self.pulse_amplitude)
            .with("device_clock_not_set", self.is_clock_not_set)
    }
}

/// The spot check a 2A5E frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::spot_oximetry;
/// use vitals::NoValue;
/// let frame = vitals::hex::decode("0facf3bef5e8070b1d170839204022000066e3").unwrap();
/// let spot = spot_oximetry::decode(&frame).unwrap();
/// assert_eq!((spot.pair.spo2.to_string(), spot.pair.pulse.to_string()), ("94.0".into(), "147.0".into()));
/// assert_eq!(spot.patient_value(), Err(NoValue::SensorProblem), "it says that it is broken");
/// ```
pub fn decode(bytes: &[u8]) -> Result<SpotOximetry, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let spot = SpotOximetry {
        pair: Spo2Pulse::take(&mut cursor)?,
        taken_at: cursor.time_if(is_set(FLAG_TIME))?,
        measurement_status: is_set(FLAG_MEASUREMENT_STATUS)
            .then(|| cursor.word("the measurement status"))
            .transpose()?
            .map(MeasurementStatus),
        device_status: is_set(FLAG_DEVICE_STATUS)
            .then(|| cursor.three_bytes("the device status"))
            .transpose()?
            .map(DeviceStatus),
        pulse_amplitude: is_set(FLAG_AMPLITUDE).then(|| cursor.number("the pulse amplitude index")).transpose()?,
        is_clock_not_set: is_set(FLAG_CLOCK_NOT_SET),
    };
    cursor.finish()?;
    Ok(spot)
}

/// The 2A5E frame of a spot check.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(spot: &SpotOximetry) -> Result<Vec<u8>, EncodeError> {
    let time = spot.taken_at.to_bytes();
    let mut bytes = vec![
        bits::flag(FLAG_TIME, time.is_some())
            | bits::flag(FLAG_MEASUREMENT_STATUS, spot.measurement_status.is_some())
            | bits::flag(FLAG_DEVICE_STATUS, spot.device_status.is_some())
            | bits::flag(FLAG_AMPLITUDE, spot.pulse_amplitude.is_some())
            | bits::flag(FLAG_CLOCK_NOT_SET, spot.is_clock_not_set),
    ];
    bytes.extend(oximetry::encode_pair(spot.pair)?);
    bytes.extend(time.into_iter().flatten());
    bytes.extend(oximetry::encode_statuses(spot.measurement_status, spot.device_status));
    if let Some(amplitude) = spot.pulse_amplitude {
        bytes.extend(bits::number(amplitude, "the pulse amplitude index")?);
    }
    Ok(bytes)
}
