//! PLX Continuous Measurement, characteristic 2A5F.
//!
//! Source: Bluetooth Pulse Oximeter Service 1.0.1, section 3.2: flags u8; saturation and pulse rate as SFLOAT; then,
//! each where its flag is set: the same pair averaged fast, the same pair averaged slowly, measurement status u16,
//! device and sensor status (3 bytes), pulse amplitude index SFLOAT. Flag bits 5 to 7 are reserved and ignored. There
//! is no time.

use super::{
    bits,
    oximetry::{self, DeviceStatus, MeasurementStatus, PatientSpo2, Spo2Pulse},
};
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::{NoValue, float11073::DeviceNumber};

const FLAG_FAST: u8 = 0b0000_0001;
const FLAG_SLOW: u8 = 0b0000_0010;
const FLAG_MEASUREMENT_STATUS: u8 = 0b0000_0100;
const FLAG_DEVICE_STATUS: u8 = 0b0000_1000;
const FLAG_AMPLITUDE: u8 = 0b0001_0000;

/// One moment of a running measurement as the oximeter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContinuousOximetry {
    /// Saturation and pulse rate, averaged as the device usually does.
    pub pair: Spo2Pulse,
    /// The same averaged fast, where the frame has it.
    pub fast: Option<Spo2Pulse>,
    /// The same averaged slowly, where the frame has it.
    pub slow: Option<Spo2Pulse>,
    /// What it says of the measurement, where the frame has it.
    pub measurement_status: Option<MeasurementStatus>,
    /// What it says of itself, where the frame has it.
    pub device_status: Option<DeviceStatus>,
    /// Pulse amplitude index in per cent, where the frame has it.
    pub pulse_amplitude: Option<DeviceNumber>,
}

impl ContinuousOximetry {
    /// Saturation, pulse rate and perfusion, as a person's values.
    ///
    /// # Errors
    /// Why there is none: what the two statuses say, then the saturation itself.
    pub fn patient_value(&self) -> Result<PatientSpo2, NoValue> {
        oximetry::patient_value(self.pair, self.pulse_amplitude, self.measurement_status, self.device_status)
    }

    /// Whether it comes from the device's memory: this frame has no time, so it may then be of any day.
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
        let fields = Fields::new()
            .with("spo2", self.pair.spo2)
            .with("pulse", self.pair.pulse)
            .with("spo2_fast", self.fast.map(|pair| pair.spo2))
            .with("pulse_fast", self.fast.map(|pair| pair.pulse))
            .with("spo2_slow", self.slow.map(|pair| pair.spo2))
            .with("pulse_slow", self.slow.map(|pair| pair.pulse));
        oximetry::shown_statuses(fields, self.measurement_status, self.device_status).with("pai", self.pulse_amplitude)
    }
}

/// The moment a 2A5F frame holds.
///
/// # Errors
/// [`DecodeError::Truncated`] where the frame ends before its flags say, [`DecodeError::TooLong`] where it goes on.
///
/// ```
/// use device_codecs::gatt::continuous_oximetry;
/// let moment = continuous_oximetry::decode(&[0x00, 0x64, 0x00, 0x5a, 0x00]).unwrap();
/// assert_eq!(moment.patient_value().unwrap().spo2.to_string(), "100 %");
/// ```
pub fn decode(bytes: &[u8]) -> Result<ContinuousOximetry, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let flags = cursor.byte("the flags")?;
    let is_set = |flag: u8| flags & flag != 0;
    let moment = ContinuousOximetry {
        pair: Spo2Pulse::take(&mut cursor)?,
        fast: is_set(FLAG_FAST).then(|| Spo2Pulse::take(&mut cursor)).transpose()?,
        slow: is_set(FLAG_SLOW).then(|| Spo2Pulse::take(&mut cursor)).transpose()?,
        measurement_status: is_set(FLAG_MEASUREMENT_STATUS)
            .then(|| cursor.word("the measurement status"))
            .transpose()?
            .map(MeasurementStatus),
        device_status: is_set(FLAG_DEVICE_STATUS)
            .then(|| cursor.three_bytes("the device status"))
            .transpose()?
            .map(DeviceStatus),
        pulse_amplitude: is_set(FLAG_AMPLITUDE).then(|| cursor.number("the pulse amplitude index")).transpose()?,
    };
    cursor.finish()?;
    Ok(moment)
}

/// The 2A5F frame of a moment.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(moment: &ContinuousOximetry) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![
        bits::flag(FLAG_FAST, moment.fast.is_some())
            | bits::flag(FLAG_SLOW, moment.slow.is_some())
            | bits::flag(FLAG_MEASUREMENT_STATUS, moment.measurement_status.is_some())
            | bits::flag(FLAG_DEVICE_STATUS, moment.device_status.is_some())
            | bits::flag(FLAG_AMPLITUDE, moment.pulse_amplitude.is_some()),
    ];
    for pair in [Some(moment.pair), moment.fast, moment.slow].into_iter().flatten() {
        bytes.extend(oximetry::encode_pair(pair)?);
    }
    bytes.extend(oximetry::encode_statuses(moment.measurement_status, moment.device_status));
    if let Some(amplitude) = moment.pulse_amplitude {
        bytes.extend(bits::number(amplitude, "the pulse amplitude index")?);
    }
    Ok(bytes)
}
