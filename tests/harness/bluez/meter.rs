//! A meter that truly answers the Record Access Control Point from its memory.
//!
//! As far as glucose meters and continuous glucose sensors do: report, delete, count and abort, of all, of the first, of
//! the last, or by number.
//! Source: Glucose Service 1.0.1 and Continuous Glucose Monitoring Service 1.0.2, section 3.4 ("Record Access Control
//! Point"). Pure: what is asked and what is stored decide the answer.

use serde::Deserialize;

/// What a meter keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterKind {
    /// Blood glucose: 2A18, with 2A34 beside it, by sequence number.
    Glucose,
    /// Continuous glucose: 2AA7, by minutes since the session began.
    Cgm,
}

impl MeterKind {
    /// The characteristic of a measurement.
    #[must_use]
    pub fn measurement(self) -> &'static str {
        match self {
            Self::Glucose => "2a18",
            Self::Cgm => "2aa7",
        }
    }
}

/// What the meter does when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Sends these records, by place, and then says that it did.
    Report(Vec<usize>),
    /// Forgets these records, by place, and says that it did.
    Delete(Vec<usize>),
    /// Says this.
    Says(Vec<u8>),
    /// Stops what it is sending and says so.
    Abort,
}

const REPORT: u8 = 0x01;
const DELETE: u8 = 0x02;
const ABORT: u8 = 0x03;
const COUNT: u8 = 0x04;
const COUNT_IS: u8 = 0x05;
const RESPONSE: u8 = 0x06;

const SUCCESS: u8 = 0x01;
const OPCODE_NOT_SUPPORTED: u8 = 0x02;
const INVALID_OPERATOR: u8 = 0x03;
const INVALID_OPERAND: u8 = 0x05;
const NO_RECORDS: u8 = 0x06;
const OPERAND_NOT_SUPPORTED: u8 = 0x09;

/// By sequence number, or by minutes since the session began.
const BY_NUMBER: u8 = 0x01;

/// The answer that a procedure ended so.
#[must_use]
pub fn response(to: u8, code: u8) -> Vec<u8> {
    vec![RESPONSE, 0, to, code]
}

/// The answer that all went well.
#[must_use]
pub fn success(to: u8) -> Vec<u8> {
    response(to, SUCCESS)
}

/// What the meter does about a request, with records of these numbers in its memory.
#[must_use]
pub fn answer(request: &[u8], numbers: &[u16]) -> Answer {
    let Some((opcode, rest)) = request.split_first() else {
        return Answer::Says(response(0, OPCODE_NOT_SUPPORTED));
    };
    if *opcode == ABORT {
        return Answer::Abort;
    }
    if ![REPORT, DELETE, COUNT].contains(opcode) {
        return Answer::Says(response(*opcode, OPCODE_NOT_SUPPORTED));
    }
    match (chosen(rest, numbers), *opcode) {
        (Err(code), _) => Answer::Says(response(*opcode, code)),
        (Ok(places), COUNT) => {
            let [low, high] = u16::try_from(places.len()).unwrap_or(u16::MAX).to_le_bytes();
            Answer::Says(vec![COUNT_IS, 0, low, high])
        }
        (Ok(places), opcode) if places.is_empty() => Answer::Says(response(opcode, NO_RECORDS)),
        (Ok(places), DELETE) => Answer::Delete(places),
        (Ok(places), _report) => Answer::Report(places),
    }
}

/// The places that an operator and its operand choose, or why they choose none.
fn chosen(operator: &[u8], numbers: &[u16]) -> Result<Vec<usize>, u8> {
    let all = || 0..numbers.len();
    let among = |low: u16, high: u16| {
        numbers.iter().enumerate().filter(|(_, number)| (low..=high).contains(number)).map(|(place, _)| place).collect()
    };
    match *operator {
        [0x01] => Ok(all().collect()),
        [0x05] => Ok(all().take(1).collect()),
        [0x06] => Ok(all().next_back().into_iter().collect()),
        [0x02, BY_NUMBER, low, high] => Ok(among(0, u16::from_le_bytes([low, high]))),
        [0x03, BY_NUMBER, low, high] => Ok(among(u16::from_le_bytes([low, high]), u16::MAX)),
        [0x04, BY_NUMBER, low, high, to_low, to_high] => {
            let (low, high) = (u16::from_le_bytes([low, high]), u16::from_le_bytes([to_low, to_high]));
            if low > high { Err(INVALID_OPERAND) } else { Ok(among(low, high)) }
        }
        [0x02..=0x04, filter, ..] if filter != BY_NUMBER => Err(OPERAND_NOT_SUPPORTED),
        [0x01..=0x06, ..] => Err(INVALID_OPERAND),
        _ => Err(INVALID_OPERATOR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_answers_what_it_is_asked_from_what_it_has() {
        let numbers = [3, 4, 7];
        for (request, expected) in [
            ("0101", Answer::Report(vec![0, 1, 2])),
            ("0105", Answer::Report(vec![0])),
            ("0106", Answer::Report(vec![2])),
            ("0103010400", Answer::Report(vec![1, 2])),
            ("0102010400", Answer::Report(vec![0, 1])),
            ("01040104000600", Answer::Report(vec![1])),
            ("0103010800", Answer::Says(vec![6, 0, 1, 6])),
            ("0401", Answer::Says(vec![5, 0, 3, 0])),
            ("0403010700", Answer::Says(vec![5, 0, 1, 0])),
            ("0403010a00", Answer::Says(vec![5, 0, 0, 0])),
            ("0201", Answer::Delete(vec![0, 1, 2])),
            ("0300", Answer::Abort),
            ("01040106000400", Answer::Says(vec![6, 0, 1, 5])),
            ("010302e807", Answer::Says(vec![6, 0, 1, 9])),
            ("0100", Answer::Says(vec![6, 0, 1, 3])),
            ("0c01", Answer::Says(vec![6, 0, 12, 2])),
        ] {
            assert_eq!(answer(&vitals::hex::decode(request).unwrap(), &numbers), expected, "{request}");
        }
        assert_eq!(answer(&[1, 1], &[]), Answer::Says(vec![6, 0, 1, 6]));
    }
}
