//! LifeScan OneTouch Ultra 2: lines of text, each closed with a space, four hexadecimal digits and CR LF.
//!
//! The digits are the 16-bit sum of all before them. A record: `P`, weekday, `MM/DD/YY`, `HH:MM:SS` and three spaces,
//! result (C for a control solution, a space, three digits always in mg/dL, `?` where the meter's memory is damaged),
//! meal (N none, B before, A after), comment 00 to 11, `00`. Before the records comes `P nnn,"serial","MG/DL "` with
//! their number and the unit that the meter displays.
//!
//! Sources: glucometers-tech/glucometerutils `drivers/otultra2.py` and `tests/test_otultra2.py`; tidepool-org/uploader
//! `drivers/onetouch/oneTouchUltra2.js` (below 20 and above 600 mg/dL the meter shows LO and HI). Whether it ever
//! sends a word in place of the digits has no public proof; one would be malformed. Line: 9600 8N1, both.

use crate::{
    Fields,
    date_time::DeviceTimeField,
    error::DecodeError,
    serial::{
        checksum::sum16,
        framer::{Dropped, Front},
        text,
    },
};
use vitals::{Decimal, NoValue, Quantity, Unit};

/// Below this the meter shows LO, in mg/dL; so does the UltraEasy.
pub(super) const MG_PER_DL_MIN: u16 = 20;
/// Above this the meter shows HI, in mg/dL; so does the UltraEasy.
pub(super) const MG_PER_DL_MAX: u16 = 600;
/// Longest line; the longest known has 66 bytes.
const LINE_BYTES_MAX: usize = 200;
/// A space and four digits.
const CHECKSUM_BYTES: usize = 5;

/// When the measurement was taken, by the person's mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meal {
    /// Not marked.
    None,
    /// Before a meal.
    Before,
    /// After a meal.
    After,
}

impl Meal {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// One record as the meter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ultra2Record {
    /// The meter's own date and time.
    pub taken_at: DeviceTimeField,
    /// The value in mg/dL, whatever the meter displays.
    pub mg_per_dl: u16,
    /// A control solution was measured.
    pub is_control: bool,
    /// The meter says that its memory of this value is damaged.
    pub is_damaged: bool,
    /// The person's mark.
    pub meal: Meal,
    /// The person's comment, 0 to 11; 0 is none.
    pub comment: u8,
}

impl Ultra2Record {
    /// The glucose of a person.
    ///
    /// # Errors
    /// [`NoValue::ControlSolution`], [`NoValue::MeasurementInvalid`] where the memory is damaged, and the infinities
    /// where the meter showed LO or HI.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.is_control {
            Err(NoValue::ControlSolution)
        } else if self.is_damaged {
            Err(NoValue::MeasurementInvalid)
        } else {
            glucose(self.mg_per_dl)
        }
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("local", self.taken_at)
            .with("value", self.mg_per_dl)
            .with("unit", Unit::MilligramsPerDecilitre.plain())
            .with("control", self.is_control)
            .with("damaged", self.is_damaged)
            .with("meal", self.meal.name())
            .with("comment", self.comment)
    }
}

/// A value between LO and HI.
pub(super) fn glucose(mg_per_dl: u16) -> Result<Quantity, NoValue> {
    match mg_per_dl {
        ..MG_PER_DL_MIN => Err(NoValue::NegativeInfinity),
        MG_PER_DL_MIN..=MG_PER_DL_MAX => Ok(Quantity::new(Decimal::from(mg_per_dl), Unit::MilligramsPerDecilitre)),
        _ => Err(NoValue::PositiveInfinity),
    }
}

/// What stands in a line before its checksum.
///
/// # Errors
/// [`DecodeError::Truncated`] before the line's end, [`DecodeError::Malformed`] where it has no checksum,
/// [`DecodeError::ChecksumWrong`].
///
/// ```
/// use device_codecs::{DecodeError, serial::onetouch};
/// assert_eq!(onetouch::decode_line(b"A 0041\r\n"), Ok("A"));
/// assert_eq!(onetouch::decode_line(b"% 13AZ\r"), Err(DecodeError::Malformed { field: "the checksum" }));
/// ```
pub fn decode_line(bytes: &[u8]) -> Result<&str, DecodeError> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let end = end.ok_or(DecodeError::Truncated { field: "the line" })?;
    let (line, after) = bytes.split_at_checked(end).ok_or(DecodeError::Truncated { field: "the line" })?;
    let left_bytes = match after {
        [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest.len(),
        [] => 0,
    };
    if left_bytes > 0 {
        return Err(DecodeError::TooLong { left_bytes });
    }
    let line = text::printable(line, "the line")?;
    let split = line.len().checked_sub(CHECKSUM_BYTES).and_then(|at| line.split_at_checked(at));
    let (told, checksum) = split.ok_or(DecodeError::Malformed { field: "the checksum" })?;
    let digits = checksum.strip_prefix(' ').ok_or(DecodeError::Malformed { field: "the checksum" })?;
    let sent = text::hexadecimal(digits, "the checksum")?;
    let computed = sum16(told.as_bytes());
    if u32::from(computed) != sent {
        return Err(DecodeError::ChecksumWrong { computed, sent: u16::try_from(sent).unwrap_or(u16::MAX) });
    }
    Ok(told)
}

/// The record that a line holds.
///
/// # Errors
/// Those of [`decode_line`]; [`DecodeError::OutOfStep`] for a line that is no record, [`DecodeError::Malformed`] where
/// a field is not of its form.
pub fn decode(bytes: &[u8]) -> Result<Ultra2Record, DecodeError> {
    let line = decode_line(bytes)?;
    let not_a_record = DecodeError::OutOfStep { field: "a record" };
    let mut fields = line.strip_prefix("P ").filter(|line| line.starts_with('"')).ok_or(not_a_record)?.split(',');
    let mut quoted = |field: &'static str| {
        let text = fields.next().ok_or(DecodeError::Malformed { field })?;
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or(DecodeError::Malformed { field })
    };
    let _weekday = quoted("the weekday")?;
    let (date, time) = (quoted("the date")?, quoted("the time")?);
    let (result, meal, comment) = (quoted("the result")?, quoted("the meal")?, quoted("the comment")?);
    let [control, b' ', digits @ .., damaged] = result.as_bytes() else {
        return Err(DecodeError::Malformed { field: "the result" });
    };
    let comment = text::whole::<u8>(comment, "the comment")?;
    Ok(Ultra2Record {
        taken_at: text::american_date_time(date, time.trim_end(), "the date")?,
        mg_per_dl: text::whole(text::printable(digits, "the result")?, "the result")?,
        is_control: match control {
            b'C' => true,
            b' ' => false,
            _ => return Err(DecodeError::Malformed { field: "the result" }),
        },
        is_damaged: match damaged {
            b'?' => true,
            b' ' => false,
            _ => return Err(DecodeError::Malformed { field: "the result" }),
        },
        meal: match meal {
            "N" => Meal::None,
            "B" => Meal::Before,
            "A" => Meal::After,
            _ => return Err(DecodeError::Malformed { field: "the meal" }),
        },
        comment: Some(comment)
            .filter(|comment| *comment <= 11)
            .ok_or(DecodeError::Malformed { field: "the comment" })?,
    })
}

/// What stands before the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ultra2Header {
    /// How many records follow.
    pub records: usize,
    /// The meter's serial number.
    pub serial: String,
}

/// The header of the records.
///
/// # Errors
/// Those of [`decode_line`]; [`DecodeError::OutOfStep`] for another line.
pub fn decode_header(bytes: &[u8]) -> Result<Ultra2Header, DecodeError> {
    let line = decode_line(bytes)?;
    let not_a_header = DecodeError::OutOfStep { field: "the header of the records" };
    let mut fields = line.strip_prefix("P ").ok_or(not_a_header)?.split(',');
    let records = fields.next().and_then(|count| text::whole(count, "how many records").ok()).ok_or(not_a_header)?;
    let serial = fields.next().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')).ok_or(not_a_header)?;
    Ok(Ultra2Header { records, serial: serial.to_owned() })
}

/// The meter's clock, from the answer `F "SAT","08/03/13","22:12:00   "`.
///
/// # Errors
/// Those of [`decode_line`]; [`DecodeError::OutOfStep`] for another line.
pub fn decode_clock(bytes: &[u8]) -> Result<DeviceTimeField, DecodeError> {
    let line = decode_line(bytes)?;
    let not_a_clock = DecodeError::OutOfStep { field: "the clock" };
    let mut fields = line.strip_prefix("F ").ok_or(not_a_clock)?.split(',').map(|text| text.trim_matches('"'));
    let (_weekday, date, time) = (fields.next(), fields.next(), fields.next());
    let (date, time) = date.zip(time).ok_or(not_a_clock)?;
    text::american_date_time(date, time.trim_end(), "the clock")
}

/// Lines with a checksum that holds. The meter greets each command with DC1 and CR.
pub(super) fn front(bytes: &[u8]) -> Front {
    const GREETING: u8 = 0x11;
    let blank = bytes.iter().take_while(|byte| matches!(**byte, b'\r' | b'\n' | GREETING | 0)).count();
    if blank > 0 {
        return Front::Drop(blank, Dropped::Between);
    }
    let Some(end) = bytes.iter().take(LINE_BYTES_MAX).position(|byte| *byte == b'\n') else {
        return if bytes.len() < LINE_BYTES_MAX {
            Front::NotYet
        } else {
            Front::Drop(LINE_BYTES_MAX, Dropped::TooLong)
        };
    };
    match decode_line(bytes.get(..=end).unwrap_or_default()) {
        Ok(_) => Front::Record(end + 1),
        Err(DecodeError::ChecksumWrong { .. }) => Front::Drop(end + 1, Dropped::ChecksumWrong),
        Err(_) => Front::Drop(end + 1, Dropped::OutOfStep),
    }
}

#[cfg(test)]
#[path = "ultra2_tests.rs"]
mod tests;
