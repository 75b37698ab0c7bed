//! The lines of an Abbott FreeStyle Optium (Precision Xtra): results and clocks.
//!
//! A result has fixed places: value (three digits, `HI ` or `LO `), two spaces, month (three letters and a space, June
//! and July in full), day, year, `HH:MM`, G for glucose or K for ketone, and a status `0xNN` (bit 0: control solution;
//! bit 1: the meter had lost its time). Glucose is in mg/dL whatever the meter displays; ketone is 18 times mmol/L.
//!
//! Sources: glucometer-protocols `abbott/freestyle-optium.md`; glucometers-tech/glucometerutils `drivers/fsoptium.py`
//! and `tests/test_fsoptium.py`; tidepool-org/uploader `drivers/abbott/abbottPrecisionXtra.js` (LO, the status bits,
//! the ketone's factor). Line: 19200 8N1, all three.

use crate::{Fields, date_time::DeviceTimeField, error::DecodeError, serial::text};
use vitals::{Decimal, NoValue, Quantity, Unit};

/// Characters of a result without its line end.
const RESULT_BYTES: usize = 30;
/// Characters of a clock line without its line end.
const CLOCK_BYTES: usize = 28;

const STATUS_CONTROL: u8 = 0b01;
const STATUS_TIME_LOST: u8 = 0b10;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptiumTest {
    /// Glucose, in mg/dL.
    Glucose,
    /// Ketone (beta-hydroxybutyrate), in eighteenths of mmol/L.
    Ketone,
}

/// What the meter has for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptiumValue {
    /// A number.
    Number(u16),
    /// Above what it can tell.
    High,
    /// Below what it can tell.
    Low,
}

/// One result as the meter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptiumResult {
    /// What was measured.
    pub test: OptiumTest,
    /// Its value, in the unit of `test`.
    pub value: OptiumValue,
    /// The meter's own date and time, to the minute.
    pub taken_at: DeviceTimeField,
    /// The status, as sent.
    pub status: u8,
}

impl OptiumResult {
    /// Whether a control solution was measured.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.status & STATUS_CONTROL != 0
    }

    /// Whether the meter's clock was not set when it measured: its time then means nothing.
    #[must_use]
    pub fn is_time_lost(&self) -> bool {
        self.status & STATUS_TIME_LOST != 0
    }

    /// The glucose of a person.
    ///
    /// # Errors
    /// [`NoValue::ControlSolution`], the infinities for HI and LO, and [`NoValue::NotReadYet`] for a ketone, which is
    /// another measure.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.is_control() {
            return Err(NoValue::ControlSolution);
        }
        match (self.test, self.value) {
            (OptiumTest::Ketone, _) => Err(NoValue::NotReadYet),
            (OptiumTest::Glucose, OptiumValue::High) => Err(NoValue::PositiveInfinity),
            (OptiumTest::Glucose, OptiumValue::Low) => Err(NoValue::NegativeInfinity),
            (OptiumTest::Glucose, OptiumValue::Number(mg_per_dl)) => {
                Ok(Quantity::new(Decimal::from(mg_per_dl), Unit::MilligramsPerDecilitre))
            }
        }
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let fields = Fields::new().with(
            "test",
            match self.test {
                OptiumTest::Glucose => "glucose",
                OptiumTest::Ketone => "ketone",
            },
        );
        let fields = match self.value {
            OptiumValue::Number(number) => fields.with("value", number),
            OptiumValue::High => fields.with("value", "HI"),
            OptiumValue::Low => fields.with("value", "LO"),
        };
        fields.with("local", self.taken_at).with("control", self.is_control()).with("time_lost", self.is_time_lost())
    }
}

/// The number of a month's first three letters.
fn month(letters: &str, field: &'static str) -> Result<u8, DecodeError> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let place = letters.get(..3).and_then(|letters| MONTHS.iter().position(|month| *month == letters));
    let is_padded = matches!(letters.get(3..), Some(" " | "e" | "y"));
    place.filter(|_| is_padded).and_then(|place| u8::try_from(place + 1).ok()).ok_or(DecodeError::Malformed { field })
}

/// The text of a line of fixed length, its line end there or not.
fn fixed<'a>(bytes: &'a [u8], length: usize, field: &'static str) -> Result<&'a str, DecodeError> {
    let (line, end) = bytes.split_at_checked(length).ok_or(DecodeError::Truncated { field })?;
    match end {
        [] | [b'\r', b'\n'] => text::printable(line, field),
        [b'\r'] => Err(DecodeError::Truncated { field: "the line end" }),
        _ => Err(DecodeError::TooLong { left_bytes: end.len() }),
    }
}

/// `HH:MM` or `HH:MM:SS`.
fn time(text: &str, field: &'static str) -> Result<[u8; 3], DecodeError> {
    let mut parts = text.split(':');
    let mut next = |absent: Result<u8, DecodeError>| parts.next().map_or(absent, |part| text::whole(part, field));
    let malformed = Err(DecodeError::Malformed { field });
    let time = [next(malformed)?, next(malformed)?, next(Ok(0))?];
    if parts.next().is_some() { Err(DecodeError::Malformed { field }) } else { Ok(time) }
}

/// The result that a line holds.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::Malformed`] where a place
/// does not hold what it must.
///
/// ```
/// use device_codecs::serial::freestyle;
/// let result = freestyle::decode(b"093  Apr  22 2014 02:14 G 0x00\r\n").unwrap();
/// assert_eq!(result.patient_value().unwrap().to_string(), "93 mg/dL");
/// ```
pub fn decode(bytes: &[u8]) -> Result<OptiumResult, DecodeError> {
    let line = fixed(bytes, RESULT_BYTES, "the result")?;
    let place =
        |from: usize, to: usize, field: &'static str| line.get(from..to).ok_or(DecodeError::Malformed { field });
    let gaps = [place(3, 5, "a gap")?, place(9, 10, "a gap")?, place(12, 13, "a gap")?, place(17, 18, "a gap")?];
    if gaps != ["  ", " ", " ", " "] || place(23, 24, "a gap")? != " " || place(25, 26, "a gap")? != " " {
        return Err(DecodeError::Malformed { field: "a gap" });
    }
    let [hour, minute, second] = time(place(18, 23, "the time")?, "the time")?;
    let status =
        place(26, 30, "the status")?.strip_prefix("0x").ok_or(DecodeError::Malformed { field: "the status" })?;
    Ok(OptiumResult {
        test: match place(24, 25, "the test")? {
            "G" => OptiumTest::Glucose,
            "K" => OptiumTest::Ketone,
            _ => return Err(DecodeError::Malformed { field: "the test" }),
        },
        value: match place(0, 3, "the value")? {
            "HI " => OptiumValue::High,
            "LO " => OptiumValue::Low,
            digits => OptiumValue::Number(text::whole(digits, "the value")?),
        },
        taken_at: text::date_time(
            text::whole(place(13, 17, "the year")?, "the year")?,
            month(place(5, 9, "the month")?, "the month")?,
            text::whole(place(10, 12, "the day")?, "the day")?,
            hour,
            minute,
            second,
        ),
        status: u8::try_from(text::hexadecimal(status, "the status")?).unwrap_or(u8::MAX),
    })
}

/// The clock that a line `Clock:`, tab, `Apr  22 2014`, tab, `02:14:37` tells.
///
/// # Errors
/// As [`decode`].
pub fn decode_clock(bytes: &[u8]) -> Result<DeviceTimeField, DecodeError> {
    const FIELD: &str = "the clock";
    let line = fixed(bytes, CLOCK_BYTES, FIELD)?;
    let mut parts = line.split('\t');
    let (name, date, at) = (parts.next(), parts.next(), parts.next());
    let date = date.filter(|_| name == Some("Clock:")).ok_or(DecodeError::Malformed { field: FIELD })?;
    let [hour, minute, second] = time(at.ok_or(DecodeError::Malformed { field: FIELD })?, FIELD)?;
    date_line(date, hour, minute, second)
}

/// `Apr  22 2014`.
fn date_line(date: &str, hour: u8, minute: u8, second: u8) -> Result<DeviceTimeField, DecodeError> {
    const FIELD: &str = "the date";
    let place = |from: usize, to: usize| date.get(from..to).ok_or(DecodeError::Malformed { field: FIELD });
    if date.len() != 12 || place(4, 5)? != " " || place(7, 8)? != " " {
        return Err(DecodeError::Malformed { field: FIELD });
    }
    let (day, year) = (text::whole(place(5, 7)?, FIELD)?, text::whole(place(8, 12)?, FIELD)?);
    Ok(text::date_time(year, month(place(0, 4)?, FIELD)?, day, hour, minute, second))
}

/// The clock in the answer to `$xmem`: `Apr  22 2014 02:14:37`.
pub(super) fn memory_clock(line: &str) -> Option<DeviceTimeField> {
    let (date, at) = line.rsplit_once(' ').filter(|_| line.len() == 21)?;
    let [hour, minute, second] = time(at, "the clock").ok()?;
    date_line(date, hour, minute, second).ok()
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
