//! What a pulse oximeter says of its measurements and of itself: the status bits, what they make of a value, and
//! PLX Features 2A60.
//!
//! Source: Bluetooth Pulse Oximeter Service 1.0.1, section 3.1.1.4 (Measurement Status) and 3.1.1.5 (Device and Sensor
//! Status); the bits are those of IEEE 11073-10404. Reserved bits are kept and ignored. What a bit makes of a value is
//! ours: a value nobody was measured for, or that the device itself calls invalid, or that a sensor off or broken gave,
//! is no value; a doubtful one is a value, and says so.

use super::bits::{self, named_bits};
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::{Decimal, NoValue, Quantity, Unit, float11073::DeviceNumber};

named_bits! {
    /// What the oximeter says of a measurement. Bits 0 to 4 are reserved.
    pub struct MeasurementStatus(u16) {
        /// Still measuring: of a running measurement this is always so.
        ONGOING = 5, "measurement_ongoing";
        /// An early estimate: a better value follows.
        EARLY_ESTIMATE = 6, "early_estimate";
        /// The device has validated the value.
        VALIDATED = 7, "validated";
        /// The value meets all the device's conditions.
        FULLY_QUALIFIED = 8, "fully_qualified";
        /// From the device's memory.
        FROM_STORAGE = 9, "from_storage";
        /// A demonstration: nobody was measured.
        DEMONSTRATION = 10, "demonstration";
        /// A test of the device: nobody was measured.
        TEST = 11, "test";
        /// The device is calibrating itself.
        CALIBRATION = 12, "calibration_ongoing";
        /// There is no measurement.
        UNAVAILABLE = 13, "measurement_unavailable";
        /// The value is doubtful.
        QUESTIONABLE = 14, "questionable";
        /// The value is wrong.
        INVALID = 15, "invalid";
    }
}

named_bits! {
    /// What the oximeter says of itself and its sensor, three bytes. Bits 16 to 23 are reserved.
    pub struct DeviceStatus(u32) {
        /// The display takes longer than usual to follow the measurement.
        EXTENDED_DISPLAY_UPDATE = 0, "extended_display_update";
        /// The device is broken.
        MALFUNCTION = 1, "equipment_malfunction";
        /// Something is odd in the processing of the signal.
        PROCESSING_IRREGULARITY = 2, "signal_processing_irregularity";
        /// The signal is not enough to measure by.
        INADEQUATE_SIGNAL = 3, "inadequate_signal";
        /// The signal is poor.
        POOR_SIGNAL = 4, "poor_signal";
        /// Little blood passes the sensor.
        LOW_PERFUSION = 5, "low_perfusion";
        /// The signal is erratic.
        ERRATIC_SIGNAL = 6, "erratic_signal";
        /// The signal has no pulse in it.
        NONPULSATILE_SIGNAL = 7, "nonpulsatile_signal";
        /// The pulse is doubtful.
        QUESTIONABLE_PULSE = 8, "questionable_pulse";
        /// The device is still looking for a signal.
        SIGNAL_ANALYSIS = 9, "signal_analysis_ongoing";
        /// Something disturbs the sensor, for example light.
        INTERFERENCE = 10, "sensor_interference";
        /// The sensor is not on a person.
        UNCONNECTED = 11, "sensor_unconnected_to_user";
        /// The device does not know the sensor.
        UNKNOWN_SENSOR = 12, "unknown_sensor_connected";
        /// The sensor has slipped.
        DISPLACED = 13, "sensor_displaced";
        /// The sensor is broken.
        SENSOR_MALFUNCTION = 14, "sensor_malfunctioning";
        /// No sensor is plugged in.
        DISCONNECTED = 15, "sensor_disconnected";
    }
}

impl MeasurementStatus {
    /// Why there is no person's value, where the status says so.
    #[must_use]
    pub fn no_value(self) -> Option<NoValue> {
        [
            (Self::DEMONSTRATION, NoValue::DeviceDemonstration),
            (Self::TEST, NoValue::DeviceTest),
            (Self::CALIBRATION, NoValue::DeviceCalibration),
            (Self::UNAVAILABLE | Self::INVALID, NoValue::MeasurementInvalid),
        ]
        .into_iter()
        .find_map(|(bits, reason)| self.has(bits).then_some(reason))
    }
}

impl DeviceStatus {
    /// The bits of a device or sensor that is broken, off or not known.
    const FAULTS: u32 = Self::MALFUNCTION
        | Self::UNCONNECTED
        | Self::UNKNOWN_SENSOR
        | Self::DISPLACED
        | Self::SENSOR_MALFUNCTION
        | Self::DISCONNECTED;
    /// The bits of a signal in which there is nothing to measure.
    const NO_SIGNAL: u32 = Self::INADEQUATE_SIGNAL | Self::NONPULSATILE_SIGNAL;
    /// The bits of a signal that was measured with doubt.
    const DOUBTS: u32 = Self::PROCESSING_IRREGULARITY
        | Self::POOR_SIGNAL
        | Self::LOW_PERFUSION
        | Self::ERRATIC_SIGNAL
        | Self::QUESTIONABLE_PULSE
        | Self::INTERFERENCE;

    /// Why there is no person's value, where the status says so.
    #[must_use]
    pub fn no_value(self) -> Option<NoValue> {
        if self.has(Self::FAULTS) {
            Some(NoValue::SensorProblem)
        } else if self.has(Self::NO_SIGNAL) {
            Some(NoValue::MeasurementInvalid)
        } else if self.has(Self::SIGNAL_ANALYSIS) {
            Some(NoValue::NotSettled)
        } else {
            None
        }
    }
}

/// Saturation and pulse rate that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spo2Pulse {
    /// Oxygen saturation in per cent.
    pub spo2: DeviceNumber,
    /// Pulse rate in beats a minute.
    pub pulse: DeviceNumber,
}

impl Spo2Pulse {
    pub(super) fn take(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        Ok(Self { spo2: cursor.number("the saturation")?, pulse: cursor.number("the pulse rate")? })
    }
}

/// The bytes of a pair.
pub(super) fn encode_pair(pair: Spo2Pulse) -> Result<[u8; 4], EncodeError> {
    let [spo2_low, spo2_high] = bits::number(pair.spo2, "the saturation")?;
    let [pulse_low, pulse_high] = bits::number(pair.pulse, "the pulse rate")?;
    Ok([spo2_low, spo2_high, pulse_low, pulse_high])
}

/// The bytes of the statuses that are there: two, and the low three of the device's.
pub(super) fn encode_statuses(
    measurement: Option<MeasurementStatus>,
    device: Option<DeviceStatus>,
) -> impl Iterator<Item = u8> {
    let measurement = measurement.into_iter().flat_map(|status| status.0.to_le_bytes());
    measurement.chain(device.into_iter().flat_map(|status| status.0.to_le_bytes().into_iter().take(3)))
}

/// A saturation that may be put in a person's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatientSpo2 {
    /// Oxygen saturation in per cent.
    pub spo2: Quantity,
    /// Pulse rate in beats a minute, or why there is none.
    pub pulse: Result<Quantity, NoValue>,
    /// Pulse amplitude index in per cent, where the device gave one.
    pub perfusion: Option<Quantity>,
}

/// The pair as a person's value, after what both statuses say. Nobody measured comes before a broken sensor, so that a
/// demonstration is never asked to be repeated. A saturation of nought is how devices say "none", and so are a pulse rate
/// and a pulse amplitude of nought: nobody has them.
///
/// An early estimate is a value: it may be all that an oximeter gets from cold fingers, and one that is low must be heard.
/// It is doubtful ([`is_questionable`]), so it can never put an alert to rest.
pub(super) fn patient_value(
    pair: Spo2Pulse,
    amplitude: Option<DeviceNumber>,
    measurement: Option<MeasurementStatus>,
    device: Option<DeviceStatus>,
) -> Result<PatientSpo2, NoValue> {
    let measurement = measurement.and_then(MeasurementStatus::no_value);
    let device = device.and_then(DeviceStatus::no_value);
    if let Some(reason) = measurement.filter(|reason| !reason.is_about_a_person()).or(device).or(measurement) {
        return Err(reason);
    }
    let some = |number: DeviceNumber, unit: Unit| {
        number
            .quantity(unit)
            .and_then(|sent| if sent.value() == Decimal::from(0) { Err(NoValue::MeasurementInvalid) } else { Ok(sent) })
    };
    Ok(PatientSpo2 {
        spo2: some(pair.spo2, Unit::Percent)?,
        pulse: some(pair.pulse, Unit::PerMinute),
        perfusion: amplitude.and_then(|index| some(index, Unit::Percent).ok()),
    })
}

/// Whether the device doubts the value: it says "questionable" or "early estimate", or its signal was poor.
pub(super) fn is_questionable(measurement: Option<MeasurementStatus>, device: Option<DeviceStatus>) -> bool {
    measurement.is_some_and(|status| status.has(MeasurementStatus::QUESTIONABLE | MeasurementStatus::EARLY_ESTIMATE))
        || device.is_some_and(|status| status.has(DeviceStatus::DOUBTS))
}

/// Whether the value comes from the device's memory, by its own word.
pub(super) fn is_from_memory(measurement: Option<MeasurementStatus>) -> bool {
    measurement.is_some_and(|status| status.has(MeasurementStatus::FROM_STORAGE))
}

/// Both statuses as named values.
pub(super) fn shown_statuses(
    fields: Fields,
    measurement: Option<MeasurementStatus>,
    device: Option<DeviceStatus>,
) -> Fields {
    fields
        .with("measurement_status", measurement.map(|status| status.0))
        .with("measurement_status_names", measurement.map(MeasurementStatus::names))
        .with("device_status", device.map(|status| status.0))
        .with("device_status_names", device.map(DeviceStatus::names))
        .with("is_questionable", is_questionable(measurement, device))
}

named_bits! {
    /// What an oximeter can do, the first word of 2A60.
    pub struct PlxFeatureBits(u16) {
        /// It says which measurement status bits it knows.
        MEASUREMENT_STATUS = 0, "measurement_status";
        /// It says which device status bits it knows.
        DEVICE_STATUS = 1, "device_and_sensor_status";
        /// It stores spot checks.
        STORAGE = 2, "measurement_storage";
        /// It dates spot checks.
        TIME = 3, "timestamp";
        /// It has a fast average.
        FAST = 4, "spo2pr_fast";
        /// It has a slow average.
        SLOW = 5, "spo2pr_slow";
        /// It has the pulse amplitude index.
        AMPLITUDE = 6, "pulse_amplitude_index";
        /// It keeps bonds with several hubs.
        MULTIPLE_BOND = 7, "multiple_bond";
    }
}

/// What an oximeter can do, 2A60.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlxFeatures {
    /// Its abilities.
    pub features: PlxFeatureBits,
    /// The measurement status bits it knows, where it says.
    pub measurement_status: Option<MeasurementStatus>,
    /// The device status bits it knows, where it says.
    pub device_status: Option<DeviceStatus>,
}

impl PlxFeatures {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("features", self.features.0)
            .with("feature_names", self.features.names())
            .with("measurement_status_support", self.measurement_status.map(|status| status.0))
            .with("device_status_support", self.device_status.map(|status| status.0))
    }
}

/// What an oximeter says it can do, 2A60: features u16, then the supported measurement status bits u16 and device
/// status bits (3 bytes), each where its feature bit is set.
///
/// A device that sets both bits and sends the first word alone is taken at that word: a public test vector has it so
/// (row 64), and nothing is lost by it.
///
/// # Errors
/// [`DecodeError`] for any other length than the features say.
pub fn decode_features(bytes: &[u8]) -> Result<PlxFeatures, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let features = PlxFeatureBits(cursor.word("the features")?);
    let is_bare = cursor.left() == 0;
    let measurement_status = (features.has(PlxFeatureBits::MEASUREMENT_STATUS) && !is_bare)
        .then(|| cursor.word("the supported measurement status"))
        .transpose()?
        .map(MeasurementStatus);
    let device_status = (features.has(PlxFeatureBits::DEVICE_STATUS) && !is_bare)
        .then(|| cursor.three_bytes("the supported device status"))
        .transpose()?
        .map(DeviceStatus);
    cursor.finish()?;
    Ok(PlxFeatures { features, measurement_status, device_status })
}

#[cfg(test)]
#[path = "oximetry_tests.rs"]
mod tests;
