//! CGM Specific Ops Control Point, characteristic 2AAC: setting up a continuous glucose sensor, and its answers.
//!
//! Source: Bluetooth Continuous Glucose Monitoring Service 1.0.2, section 3.7, and GATT Specification Supplement, "CGM
//! Specific Ops Control Point": op code u8; operand; CRC where the sensor supports it. For each level there are three
//! op codes in a row: set, get, and the answer with the level as SFLOAT in mg/dL (in mg/dL a minute for the rates).

use super::{
    bits::{self, named_bits},
    e2e_crc::{self, E2eCrc},
};
use crate::{
    Fields,
    cursor::Cursor,
    error::{DecodeError, EncodeError},
};
use vitals::float11073::DeviceNumber;

const OP_SET_INTERVAL: u8 = 1;
const OP_GET_INTERVAL: u8 = 2;
const OP_INTERVAL: u8 = 3;
const OP_SET_CALIBRATION: u8 = 4;
const OP_GET_CALIBRATION: u8 = 5;
const OP_CALIBRATION: u8 = 6;
const OP_RESET_ALERT: u8 = 25;
const OP_START_SESSION: u8 = 26;
const OP_STOP_SESSION: u8 = 27;
const OP_ANSWER: u8 = 28;

/// The newest calibration, in place of the number of one.
pub const NEWEST_CALIBRATION: u16 = 0xffff;

/// A level at which the sensor gives an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// The high level set for the person.
    PatientHigh,
    /// The low level set for the person.
    PatientLow,
    /// The hypo level.
    Hypo,
    /// The hyper level.
    Hyper,
    /// Falling faster than this.
    RateOfDecrease,
    /// Rising faster than this.
    RateOfIncrease,
}

/// Every level: the op code that sets it (the next gets it, the one after is the answer), and the three names.
const LEVELS: [(Level, u8, [&str; 3]); 6] = [
    (Level::PatientHigh, 7, ["set_patient_high_alert", "get_patient_high_alert", "patient_high_alert"]),
    (Level::PatientLow, 10, ["set_patient_low_alert", "get_patient_low_alert", "patient_low_alert"]),
    (Level::Hypo, 13, ["set_hypo_alert", "get_hypo_alert", "hypo_alert"]),
    (Level::Hyper, 16, ["set_hyper_alert", "get_hyper_alert", "hyper_alert"]),
    (Level::RateOfDecrease, 19, ["set_rate_decrease_alert", "get_rate_decrease_alert", "rate_decrease_alert"]),
    (Level::RateOfIncrease, 22, ["set_rate_increase_alert", "get_rate_increase_alert", "rate_increase_alert"]),
];

impl Level {
    /// The op code that sets it, and its three names.
    fn row(self) -> (u8, [&'static str; 3]) {
        match LEVELS.iter().find(|(level, ..)| *level == self) {
            Some((_, op, names)) => (*op, *names),
            // Never: a test holds that every level has its row.
            None => (0, [""; 3]),
        }
    }
}

named_bits! {
    /// What became of a calibration.
    pub struct CalibrationStatus(u8) {
        /// It was rejected.
        REJECTED = 0, "rejected";
        /// It was out of range.
        OUT_OF_RANGE = 1, "out_of_range";
        /// It is still being worked on.
        PENDING = 2, "pending";
    }
}

/// A calibration of a sensor by a drop of blood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// Glucose of the blood in mg/dL.
    pub glucose: DeviceNumber,
    /// Minutes since the session began.
    pub time_offset_min: u16,
    /// What was measured, four bits as in 2A18.
    pub specimen: u8,
    /// Where the drop was taken, four bits as in 2A18.
    pub location: u8,
    /// When the next is due, in minutes since the session began; nought says at once, 65535 not known.
    pub next_offset_min: u16,
    /// The sensor's number of the calibration; of no meaning when it is set.
    pub record: u16,
    /// What became of it; of no meaning when it is set.
    pub status: CalibrationStatus,
}

/// What the hub asks, or the sensor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Send records so often: every so many minutes, nought for never, 255 for as often as it can.
    SetInterval(u8),
    /// Say how often records are sent.
    GetInterval,
    /// Records are sent so often.
    Interval(u8),
    /// Take this calibration.
    SetCalibration(Calibration),
    /// Say what this calibration was; [`NEWEST_CALIBRATION`] for the newest.
    GetCalibration(u16),
    /// The calibration was this.
    Calibration(Calibration),
    /// Give an alert at this level.
    SetLevel(Level, DeviceNumber),
    /// Say what a level is.
    GetLevel(Level),
    /// The level is this.
    Level(Level, DeviceNumber),
    /// Reset the alert of the device's own.
    ResetDeviceAlert,
    /// Begin a session.
    StartSession,
    /// End the session.
    StopSession,
    /// How a request went.
    Answer {
        /// The op code of the request.
        request: u8,
        /// How it went: 1 is success; see [`code_name`].
        code: u8,
    },
}

/// What the code of an answer means, where it is not reserved.
#[must_use]
pub fn code_name(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("success"),
        2 => Some("opcode_not_supported"),
        3 => Some("invalid_operand"),
        4 => Some("procedure_not_completed"),
        5 => Some("parameter_out_of_range"),
        _ => None,
    }
}

/// An operation, and whether it came (or is to go) with its CRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlPoint {
    /// The operation.
    pub operation: Operation,
    /// Whether it has its CRC.
    pub e2e_crc: E2eCrc,
}

impl ControlPoint {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let named = |op: &'static str| Fields::new().with("op", op);
        let of_level = |level: Level, which: fn([&'static str; 3]) -> &'static str| named(which(level.row().1));
        let fields = match self.operation {
            Operation::SetInterval(minutes) => named("set_communication_interval").with("minutes", minutes),
            Operation::GetInterval => named("get_communication_interval"),
            Operation::Interval(minutes) => named("communication_interval").with("minutes", minutes),
            Operation::SetCalibration(calibration) => calibration.shown(named("set_calibration")),
            Operation::GetCalibration(record) => named("get_calibration").with("record", record),
            Operation::Calibration(calibration) => calibration.shown(named("calibration")),
            Operation::SetLevel(level, amount) => of_level(level, |[set, _, _]| set).with("level", amount),
            Operation::GetLevel(level) => of_level(level, |[_, get, _]| get),
            Operation::Level(level, amount) => of_level(level, |[_, _, answer]| answer).with("level", amount),
            Operation::ResetDeviceAlert => named("reset_device_specific_alert"),
            Operation::StartSession => named("start_session"),
            Operation::StopSession => named("stop_session"),
            Operation::Answer { request, code } => {
                named("response").with("request", request).with("code", code).with("meaning", code_name(code))
            }
        };
        fields.with("e2e_crc", self.e2e_crc.shown())
    }
}

impl Calibration {
    fn shown(&self, fields: Fields) -> Fields {
        fields
            .with("glucose", self.glucose)
            .with("time_min", self.time_offset_min)
            .with("type", self.specimen)
            .with("location", self.location)
            .with("next_min", self.next_offset_min)
            .with("record", self.record)
            .with("status", self.status.0)
            .with("status_names", self.status.names())
    }

    fn take(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let glucose = cursor.number("the calibration's glucose")?;
        let time_offset_min = cursor.word("the calibration's time")?;
        let (specimen, location) = bits::nibbles(cursor.byte("the calibration's type and location")?);
        Ok(Self {
            glucose,
            time_offset_min,
            specimen,
            location,
            next_offset_min: cursor.word("the next calibration's time")?,
            record: cursor.word("the calibration's number")?,
            status: cursor.byte("the calibration's status").map(CalibrationStatus)?,
        })
    }

    fn bytes(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = bits::number(self.glucose, "the calibration's glucose")?.to_vec();
        bytes.extend(self.time_offset_min.to_le_bytes());
        bytes.push(bits::from_nibbles(self.specimen, self.location));
        bytes.extend(self.next_offset_min.to_le_bytes());
        bytes.extend(self.record.to_le_bytes());
        bytes.push(self.status.0);
        Ok(bytes)
    }
}

/// What a 2AAC value asks or answers.
///
/// # Errors
/// [`DecodeError::Truncated`] where it ends early, [`DecodeError::Malformed`] for an op code that is reserved,
/// [`DecodeError::TooLong`] and [`DecodeError::ChecksumWrong`] where what follows is not its CRC.
///
/// ```
/// use device_codecs::gatt::cgm_control::{self, Operation};
/// let value = vitals::hex::decode("1c02013c3b").unwrap();
/// let answer = cgm_control::decode(&value).unwrap();
/// assert_eq!(answer.operation, Operation::Answer { request: 2, code: 1 });
/// assert_eq!(cgm_control::encode(&answer).unwrap(), value);
/// ```
pub fn decode(bytes: &[u8]) -> Result<ControlPoint, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let op = cursor.byte("the op code")?;
    let operation = match op {
        OP_SET_INTERVAL => Operation::SetInterval(cursor.byte("the interval")?),
        OP_GET_INTERVAL => Operation::GetInterval,
        OP_INTERVAL => Operation::Interval(cursor.byte("the interval")?),
        OP_SET_CALIBRATION => Operation::SetCalibration(Calibration::take(&mut cursor)?),
        OP_GET_CALIBRATION => Operation::GetCalibration(cursor.word("the calibration's number")?),
        OP_CALIBRATION => Operation::Calibration(Calibration::take(&mut cursor)?),
        OP_RESET_ALERT => Operation::ResetDeviceAlert,
        OP_START_SESSION => Operation::StartSession,
        OP_STOP_SESSION => Operation::StopSession,
        OP_ANSWER => Operation::Answer {
            request: cursor.byte("the op code of the request")?,
            code: cursor.byte("the response code")?,
        },
        _ => level_operation(op, &mut cursor)?,
    };
    Ok(ControlPoint { operation, e2e_crc: e2e_crc::finish(bytes, cursor)? })
}

fn level_operation(op: u8, cursor: &mut Cursor<'_>) -> Result<Operation, DecodeError> {
    let found = LEVELS.iter().find_map(|(level, first, _)| Some((*level, op.checked_sub(*first).filter(|d| *d < 3)?)));
    match found {
        Some((level, 0)) => Ok(Operation::SetLevel(level, cursor.number("the level")?)),
        Some((level, 1)) => Ok(Operation::GetLevel(level)),
        Some((level, _)) => Ok(Operation::Level(level, cursor.number("the level")?)),
        None => Err(DecodeError::Malformed { field: "the op code" }),
    }
}

/// The 2AAC value that asks or answers this.
///
/// # Errors
/// [`EncodeError::NumberDoesNotFit`] where a number has more digits than an SFLOAT holds.
pub fn encode(control: &ControlPoint) -> Result<Vec<u8>, EncodeError> {
    let bytes = match control.operation {
        Operation::SetInterval(minutes) => vec![OP_SET_INTERVAL, minutes],
        Operation::GetInterval => vec![OP_GET_INTERVAL],
        Operation::Interval(minutes) => vec![OP_INTERVAL, minutes],
        Operation::SetCalibration(calibration) => with_op(OP_SET_CALIBRATION, &calibration.bytes()?),
        Operation::GetCalibration(record) => with_op(OP_GET_CALIBRATION, &record.to_le_bytes()),
        Operation::Calibration(calibration) => with_op(OP_CALIBRATION, &calibration.bytes()?),
        Operation::SetLevel(level, amount) => with_op(level.row().0, &bits::number(amount, "the level")?),
        Operation::GetLevel(level) => vec![level.row().0 + 1],
        Operation::Level(level, amount) => with_op(level.row().0 + 2, &bits::number(amount, "the level")?),
        Operation::ResetDeviceAlert => vec![OP_RESET_ALERT],
        Operation::StartSession => vec![OP_START_SESSION],
        Operation::StopSession => vec![OP_STOP_SESSION],
        Operation::Answer { request, code } => vec![OP_ANSWER, request, code],
    };
    Ok(control.e2e_crc.protect(bytes))
}

fn with_op(op: u8, operand: &[u8]) -> Vec<u8> {
    [&[op], operand].concat()
}

#[cfg(test)]
#[path = "cgm_control_tests.rs"]
mod tests;
