//! Record Access Control Point, characteristic 2A52: asking a device for what it has stored, and its answers.
//!
//! Source: Bluetooth Glucose Service 1.0.1, section 3.4 (also CGM and Pulse Oximeter Service) and GATT Specification
//! Supplement, "Record Access Control Point": op code u8; operator u8; operand. A filter operand is a filter type u8
//! (1 is the sequence number of a meter's record and the time offset of a sensor's; 2 is a time) with one value, or two
//! for a range. The answers are op code 5, a count whose size each service chooses, and 6, the code for a request.

use crate::{Fields, cursor::Cursor, error::DecodeError};
use vitals::DeviceTime;

/// Filter type 1: sequence number (Glucose Service), time offset (CGM Service).
const FILTER_NUMBER: u8 = 1;
/// Filter type 2: user facing time, seven bytes (Glucose Service).
const FILTER_TIME: u8 = 2;

const OP_REPORT: u8 = 1;
const OP_DELETE: u8 = 2;
const OP_ABORT: u8 = 3;
const OP_COUNT: u8 = 4;
const OP_COUNT_ANSWER: u8 = 5;
const OP_ANSWER: u8 = 6;

/// What a record is chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A meter's sequence number; for a continuous sensor, minutes since its session began.
    Number(u16),
    /// The time people see, as seven bytes of a Date Time.
    Time([u8; 7]),
}

impl Filter {
    /// By the time people see.
    #[must_use]
    pub fn at(time: DeviceTime) -> Self {
        Self::Time(time.to_bytes())
    }

    fn kind(self) -> u8 {
        match self {
            Self::Number(_) => FILTER_NUMBER,
            Self::Time(_) => FILTER_TIME,
        }
    }

    fn value(self) -> Vec<u8> {
        match self {
            Self::Number(number) => number.to_le_bytes().to_vec(),
            Self::Time(bytes) => bytes.to_vec(),
        }
    }
}

/// Which records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// All.
    All,
    /// Up to and including this one.
    UpTo(Filter),
    /// From this one on.
    From(Filter),
    /// From the first number to the second, both included.
    Between(u16, u16),
    /// From the first time to the second, both included.
    BetweenTimes([u8; 7], [u8; 7]),
    /// The oldest.
    First,
    /// The newest.
    Last,
}

/// What the hub asks. There is no command here to delete records: the hub never does, and a device's memory is the last
/// copy when ours is lost. One that another program sent is still read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Send these records.
    Report(Records),
    /// Say how many of these there are.
    Count(Records),
    /// Stop what was asked.
    Abort,
    /// Delete these records. Read, never written.
    Delete(Records),
}

impl Command {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        let (op, records) = match self {
            Self::Report(records) => ("report", Some(records)),
            Self::Count(records) => ("count", Some(records)),
            Self::Abort => ("abort", None),
            Self::Delete(records) => ("delete", Some(records)),
        };
        let (operator, from, to) = match records {
            None => (None, None, None),
            Some(Records::All) => (Some("all"), None, None),
            Some(Records::UpTo(to)) => (Some("up_to"), None, Some(to)),
            Some(Records::From(from)) => (Some("from"), Some(from), None),
            Some(Records::Between(from, to)) => (Some("range"), Some(Filter::Number(from)), Some(Filter::Number(to))),
            Some(Records::BetweenTimes(from, to)) => (Some("range"), Some(Filter::Time(from)), Some(Filter::Time(to))),
            Some(Records::First) => (Some("first"), None, None),
            Some(Records::Last) => (Some("last"), None, None),
        };
        let text = |filter: Filter| match filter {
            Filter::Number(number) => number.to_string(),
            Filter::Time(bytes) => {
                crate::DeviceTimeField::from_bytes(bytes).stated().map_or("impossible".into(), |time| time.to_string())
            }
        };
        Fields::new().with("op", op).with("records", operator).with("from", from.map(text)).with("to", to.map(text))
    }
}

/// What a device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// There are this many of the records that were asked about.
    Count(u32),
    /// How a request went.
    Done {
        /// The op code of the request.
        request: u8,
        /// How it went: 1 is success, 6 is "no records found"; see [`code_name`].
        code: u8,
    },
}

/// What the code of an answer means, where it is not reserved.
#[must_use]
pub fn code_name(code: u8) -> Option<&'static str> {
    match code {
        1 => Some("success"),
        2 => Some("opcode_not_supported"),
        3 => Some("invalid_operator"),
        4 => Some("operator_not_supported"),
        5 => Some("invalid_operand"),
        6 => Some("no_records_found"),
        7 => Some("abort_unsuccessful"),
        8 => Some("procedure_not_completed"),
        9 => Some("operand_not_supported"),
        _ => None,
    }
}

impl Answer {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(self) -> Fields {
        match self {
            Self::Count(count) => Fields::new().with("number_of_records", count),
            Self::Done { request, code } => {
                Fields::new().with("response_to", request).with("code", code).with("meaning", code_name(code))
            }
        }
    }
}

/// The bytes of a command.
///
/// ```
/// use device_codecs::gatt::record_access::{Command, Filter, Records, encode};
/// assert_eq!(encode(Command::Report(Records::All)), [1, 1]);
/// assert_eq!(encode(Command::Report(Records::From(Filter::Number(0x0102)))), [1, 3, 1, 2, 1]);
/// assert_eq!(encode(Command::Abort), [3, 0]);
/// ```
#[must_use]
pub fn encode(command: Command) -> Vec<u8> {
    let (op, records) = match command {
        Command::Report(records) => (OP_REPORT, records),
        Command::Count(records) => (OP_COUNT, records),
        Command::Delete(records) => (OP_DELETE, records),
        Command::Abort => return vec![OP_ABORT, 0],
    };
    let (operator, filters) = match records {
        Records::All => (1, vec![]),
        Records::UpTo(to) => (2, vec![to]),
        Records::From(from) => (3, vec![from]),
        Records::Between(from, to) => (4, vec![Filter::Number(from), Filter::Number(to)]),
        Records::BetweenTimes(from, to) => (4, vec![Filter::Time(from), Filter::Time(to)]),
        Records::First => (5, vec![]),
        Records::Last => (6, vec![]),
    };
    // One filter type stands before both ends of a range.
    let kind = filters.first().map(|filter| filter.kind());
    [op, operator].into_iter().chain(kind).chain(filters.into_iter().flat_map(Filter::value)).collect()
}

/// The answer a device gave.
///
/// # Errors
/// [`DecodeError::Truncated`] where it ends early, [`DecodeError::Malformed`] where it is no answer, for example a
/// command, or its operator is not nought.
pub fn decode(bytes: &[u8]) -> Result<Answer, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let op = cursor.byte("the op code")?;
    let operator = cursor.byte("the operator")?;
    // Every answer has an operand; what ends here is too short to be one, whatever its op code.
    let first = cursor.byte("the operand")?;
    let answer = match op {
        OP_COUNT_ANSWER => Answer::Count(match cursor.left() {
            0 => u32::from(first),
            1 => u32::from(u16::from_le_bytes([first, cursor.byte("the count")?])),
            _ => {
                let [second, third, fourth] = cursor.take("the count")?;
                u32::from_le_bytes([first, second, third, fourth])
            }
        }),
        OP_ANSWER => Answer::Done { request: first, code: cursor.byte("the response code")? },
        _ => return Err(DecodeError::Malformed { field: "the op code" }),
    };
    if operator != 0 {
        return Err(DecodeError::Malformed { field: "the operator" });
    }
    cursor.finish()?;
    Ok(answer)
}

/// The bytes of an answer, as a simulated device gives it; a count takes two bytes, or four where it must.
#[must_use]
pub fn encode_answer(answer: Answer) -> Vec<u8> {
    match answer {
        Answer::Count(count) => {
            let size = u16::try_from(count).map_or_else(|_| count.to_le_bytes().to_vec(), |c| c.to_le_bytes().to_vec());
            [vec![OP_COUNT_ANSWER, 0], size].concat()
        }
        Answer::Done { request, code } => vec![OP_ANSWER, 0, request, code],
    }
}

/// The command that bytes hold, as a simulated device reads it.
///
/// # Errors
/// [`DecodeError`] where an op code, operator or filter type is not known, or the length is wrong.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let op = cursor.byte("the op code")?;
    let operator = cursor.byte("the operator")?;
    let command = match (op, operator) {
        (OP_ABORT, 0) => Command::Abort,
        (OP_REPORT, _) => Command::Report(records(&mut cursor, operator)?),
        (OP_DELETE, _) => Command::Delete(records(&mut cursor, operator)?),
        (OP_COUNT, _) => Command::Count(records(&mut cursor, operator)?),
        (OP_ABORT, _) => return Err(DecodeError::Malformed { field: "the operator" }),
        _ => return Err(DecodeError::Malformed { field: "the op code" }),
    };
    cursor.finish()?;
    Ok(command)
}

fn records(cursor: &mut Cursor<'_>, operator: u8) -> Result<Records, DecodeError> {
    match operator {
        1 => Ok(Records::All),
        2 => filter(cursor).map(Records::UpTo),
        3 => filter(cursor).map(Records::From),
        4 => match filter_kind(cursor)? {
            FILTER_NUMBER => Ok(Records::Between(cursor.word("the filter")?, cursor.word("the filter")?)),
            FILTER_TIME => Ok(Records::BetweenTimes(cursor.take("the filter")?, cursor.take("the filter")?)),
            _ => Err(DecodeError::Malformed { field: "the filter type" }),
        },
        5 => Ok(Records::First),
        6 => Ok(Records::Last),
        _ => Err(DecodeError::Malformed { field: "the operator" }),
    }
}

fn filter_kind(cursor: &mut Cursor<'_>) -> Result<u8, DecodeError> {
    cursor.byte("the filter type")
}

fn filter(cursor: &mut Cursor<'_>) -> Result<Filter, DecodeError> {
    match filter_kind(cursor)? {
        FILTER_NUMBER => cursor.word("the filter").map(Filter::Number),
        FILTER_TIME => cursor.take("the filter").map(Filter::Time),
        _ => Err(DecodeError::Malformed { field: "the filter type" }),
    }
}

#[cfg(test)]
#[path = "record_access_tests.rs"]
mod tests;
