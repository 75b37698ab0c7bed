//! A value, or the reason there is none.
//!
//! Invariant: a reason is never a number.

use serde::{Deserialize, Serialize};

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

impl<T> From<Result<T, NoValue>> for Value<T> {
    fn from(result: Result<T, NoValue>) -> Self {
        match result {
            Ok(value) => Self::Measured(value),
            Err(reason) => Self::NotMeasured(reason),
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
    /// A number outside what a living person can have.
    Implausible,
    /// The frame ended early.
    FrameTruncated,
    /// The frame held bytes that its layout does not explain.
    FrameTooLong,
    /// A kind of frame that we do not read yet; its bytes are kept.
    NotReadYet,
    /// The frame's checksum is not that of its bytes.
    FrameChecksumWrong,
    /// The frame is not of the form its layout has.
    FrameMalformed,
    /// The device says that the measurement failed.
    MeasurementFailed,
    /// The device says that its own value is invalid, doubtful or not available.
    MeasurementInvalid,
    /// The device says that its sensor is off, loose or broken.
    SensorProblem,
    /// The value was still changing: a scale settling, a thermometer rising, a cuff filling.
    NotSettled,
    /// From a recording that says nothing of when it was made; its bytes are kept.
    RecordedWithoutTime,
    /// A control solution was measured, not a person.
    ControlSolution,
    /// The device was showing what it can do; nobody was measured.
    DeviceDemonstration,
    /// The device was testing itself; nobody was measured.
    DeviceTest,
    /// The device was calibrating itself; nobody was measured.
    DeviceCalibration,
}

impl NoValue {
    /// Every reason.
    pub const ALL: [Self; 21] = [
        Self::NotANumber,
        Self::NotAtThisResolution,
        Self::PositiveInfinity,
        Self::NegativeInfinity,
        Self::Reserved,
        Self::OutOfRange,
        Self::Implausible,
        Self::FrameTruncated,
        Self::FrameTooLong,
        Self::NotReadYet,
        Self::FrameChecksumWrong,
        Self::FrameMalformed,
        Self::MeasurementFailed,
        Self::MeasurementInvalid,
        Self::SensorProblem,
        Self::NotSettled,
        Self::RecordedWithoutTime,
        Self::ControlSolution,
        Self::DeviceDemonstration,
        Self::DeviceTest,
        Self::DeviceCalibration,
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
            Self::Implausible => ErrorCode::ValueImplausible,
            Self::FrameTruncated => ErrorCode::FrameTruncated,
            Self::FrameTooLong => ErrorCode::FrameTooLong,
            Self::NotReadYet => ErrorCode::CharacteristicNotSupported,
            Self::FrameChecksumWrong => ErrorCode::FrameChecksumWrong,
            Self::FrameMalformed => ErrorCode::FrameMalformed,
            Self::MeasurementFailed => ErrorCode::MeasurementFailed,
            Self::MeasurementInvalid => ErrorCode::MeasurementInvalid,
            Self::SensorProblem => ErrorCode::SensorProblem,
            Self::NotSettled => ErrorCode::NotSettled,
            Self::RecordedWithoutTime => ErrorCode::RecordedWithoutTime,
            Self::ControlSolution => ErrorCode::ControlSolution,
            Self::DeviceDemonstration => ErrorCode::DeviceDemonstration,
            Self::DeviceTest => ErrorCode::DeviceTest,
            Self::DeviceCalibration => ErrorCode::DeviceCalibration,
        }
    }

    /// The reason whose code this is.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code().code() == code)
    }

    /// Whether a person was measured at all: not so for a control solution, a demonstration, a test or a calibration,
    /// which are kept but never belong to a person's record.
    #[must_use]
    pub fn is_about_a_person(self) -> bool {
        !matches!(self, Self::ControlSolution | Self::DeviceDemonstration | Self::DeviceTest | Self::DeviceCalibration)
    }

    /// Whether a person is to be asked to take the measurement again. Not where that would change nothing, nor where the
    /// sensor is off: an oximeter left switched on says so every hour, to nobody, and shows it to whoever wears it.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "a reason that nobody thought about is one to try again for")]
    pub fn is_worth_another_try(self) -> bool {
        match self {
            Self::NotReadYet | Self::RecordedWithoutTime | Self::NotSettled | Self::SensorProblem => false,
            _ => self.is_about_a_person(),
        }
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
            | Self::Implausible
            | Self::FrameTruncated
            | Self::FrameTooLong
            | Self::FrameChecksumWrong
            | Self::FrameMalformed
            | Self::MeasurementFailed
            | Self::MeasurementInvalid
            | Self::SensorProblem => "error",
            Self::NotSettled => "temp-unknown",
            Self::NotReadYet | Self::RecordedWithoutTime => "unsupported",
            Self::ControlSolution | Self::DeviceDemonstration | Self::DeviceTest | Self::DeviceCalibration => {
                "not-applicable"
            }
        }
    }
}
