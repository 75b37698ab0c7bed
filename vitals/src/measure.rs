//! Measures: what was measured, as a value or as the reason there is none.
//!
//! Invariant: a blood pressure has both its pressures; a reason is never a number.

use crate::quantity::{Celsius, Glucose, Kilograms, MmHg, PerMinute, Percent};
use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Systolic and diastolic blood pressure, with what came with them.
    BloodPressure,
    /// Pulse rate on its own.
    Pulse,
    /// Oxygen saturation by pulse oximetry.
    Spo2,
    /// Body weight.
    Weight,
    /// Body temperature.
    Temperature,
    /// Blood glucose.
    Glucose,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::BloodPressure, Self::Pulse, Self::Spo2, Self::Weight, Self::Temperature, Self::Glucose];

    /// The stable name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood_pressure",
            Self::Pulse => "pulse",
            Self::Spo2 => "spo2",
            Self::Weight => "weight",
            Self::Temperature => "temperature",
            Self::Glucose => "glucose",
        }
    }

    /// The kind of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How the person sat, where the device or a person said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Posture {
    /// Sitting.
    Sitting,
    /// Standing.
    Standing,
    /// Lying.
    Lying,
}

/// Which arm the cuff was on, where the device or a person said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The left arm.
    Left,
    /// The right arm.
    Right,
}

/// One cuff measurement. Systolic and diastolic stand or fall together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloodPressure {
    /// The higher pressure.
    pub systolic: MmHg,
    /// The lower pressure.
    pub diastolic: MmHg,
    /// Mean arterial pressure, where the cuff gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<MmHg>,
    /// Pulse rate from the cuff, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<PerMinute>,
    /// How the person sat, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
    /// Which arm, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
}

/// A measure with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Blood pressure.
    BloodPressure(BloodPressure),
    /// Pulse rate.
    Pulse(PerMinute),
    /// Oxygen saturation.
    Spo2(Percent),
    /// Body weight.
    Weight(Kilograms),
    /// Body temperature.
    Temperature(Celsius),
    /// Blood glucose.
    Glucose(Glucose),
}

impl Measure {
    /// What kind of measure this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::BloodPressure(_) => Kind::BloodPressure,
            Self::Pulse(_) => Kind::Pulse,
            Self::Spo2(_) => Kind::Spo2,
            Self::Weight(_) => Kind::Weight,
            Self::Temperature(_) => Kind::Temperature,
            Self::Glucose(_) => Kind::Glucose,
        }
    }
}

/// A value, or the reason there is none.
///
/// ```
/// use vitals::{NoValue, Value};
/// let failed: Value<u8> = Value::NotMeasured(NoValue::NotANumber);
/// assert_eq!(failed.measured(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value<T> {
    /// The device measured this.
    Measured(T),
    /// The device sent no value, and why.
    NotMeasured(NoValue),
}

impl<T> Value<T> {
    /// The value, where there is one.
    pub fn measured(&self) -> Option<&T> {
        match self {
            Self::Measured(value) => Some(value),
            Self::NotMeasured(_) => None,
        }
    }
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoValue {
    /// The device said "not a number": most cuffs mean that the measurement was broken off.
    NotANumber,
    /// The device could not tell the value at this resolution.
    NotAtThisResolution,
    /// Above what the device can tell.
    PositiveInfinity,
    /// Below what the device can tell.
    NegativeInfinity,
    /// A value that the standard keeps for the future.
    Reserved,
    /// A number beyond any quantity we keep.
    OutOfRange,
    /// The frame ended early.
    FrameTruncated,
    /// The frame held bytes that its layout does not explain.
    FrameTooLong,
    /// A kind of frame that we do not read yet; its bytes are kept.
    NotReadYet,
}

impl NoValue {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::NotANumber,
        Self::NotAtThisResolution,
        Self::PositiveInfinity,
        Self::NegativeInfinity,
        Self::Reserved,
        Self::OutOfRange,
        Self::FrameTruncated,
        Self::FrameTooLong,
        Self::NotReadYet,
    ];

    /// The stable code, as on the wire; the registry of error codes explains it.
    #[must_use]
    pub fn code(self) -> crate::ErrorCode {
        use crate::ErrorCode;
        match self {
            Self::NotANumber => ErrorCode::ValueNotANumber,
            Self::NotAtThisResolution => ErrorCode::ValueNotAtThisResolution,
            Self::PositiveInfinity => ErrorCode::ValueTooHighToTell,
            Self::NegativeInfinity => ErrorCode::ValueTooLowToTell,
            Self::Reserved => ErrorCode::ValueReserved,
            Self::OutOfRange => ErrorCode::ValueOutOfRange,
            Self::FrameTruncated => ErrorCode::FrameTruncated,
            Self::FrameTooLong => ErrorCode::FrameTooLong,
            Self::NotReadYet => ErrorCode::CharacteristicNotSupported,
        }
    }

    /// The reason whose code this is.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code().code() == code)
    }

    /// The FHIR data-absent-reason for it. Source: HL7 PHD guide, "FLOATs" (NRes and reserved are `error`).
    #[must_use]
    pub fn fhir_data_absent_reason(self) -> &'static str {
        match self {
            Self::NotANumber => "not-a-number",
            Self::PositiveInfinity => "positive-infinity",
            Self::NegativeInfinity => "negative-infinity",
            Self::NotAtThisResolution
            | Self::Reserved
            | Self::OutOfRange
            | Self::FrameTruncated
            | Self::FrameTooLong => "error",
            Self::NotReadYet => "unsupported",
        }
    }
}
