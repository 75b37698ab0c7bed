//! The records of a Contour meter: H says who sends, R is a result, L closes the transfer.
//!
//! Fields are parted by `|`, parts of a field by `^`, repeats by `\`. A result: `R`, number, `^^^Glucose`, value, unit
//! `^` reference method (B whole blood, P plasma, C capillary, D deproteinised), then in two forms:
//!
//! - meters on a serial line: reference range, abnormal flags (`<` below and `>` above what the meter can tell, T
//!   marginal temperature), user marks (B before food, A after food, D logbook), status (E control, D deleted), two
//!   empty fields, date and time as `YYYYMMDDhhmm` in field 12;
//! - later meters (the same records over USB): empty, marks parted by `/` (`<`, `>`, B, A, C control and others),
//!   empty, date and time in field 9.
//!
//! Sources: "Bayer Corporation Blood Glucose Meter Computer Interface Specification" 99993952 Rev. C, 6.1.4, tables 9
//! to 13 (in KlabautermannSW/glucotux `doc/MeterInterface.pdf`); glucometers-tech/glucometerutils
//! `support/contourusb.py` and `tests/test_contourusb.py`; tidepool-org/uploader `drivers/bayer/` (C in the later form
//! is a control, and some meters add seconds). `^^^GlucoseA` is the meter's 14-day average: never a result.

use crate::{Fields, Shown, date_time::DeviceTimeField, error::DecodeError, serial::text};
use vitals::{Decimal, NoValue, Quantity, Unit};

/// Most characters of a mark that we keep.
const DATE_DIGITS: usize = 12;
const DATE_DIGITS_WITH_SECONDS: usize = 14;

/// What the value is referred to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReferenceMethod {
    /// Whole blood.
    WholeBlood,
    /// Plasma.
    Plasma,
    /// Capillary blood.
    Capillary,
    /// Deproteinised whole blood.
    Deproteinized,
}

impl ReferenceMethod {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WholeBlood => "whole blood",
            Self::Plasma => "plasma",
            Self::Capillary => "capillary",
            Self::Deproteinized => "deproteinized",
        }
    }
}

/// One result as the meter said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContourResult {
    /// Its number in this transfer.
    pub sequence: u32,
    /// What was tested: `Glucose`, or `GlucoseA` and the like for averages.
    pub test: String,
    /// The value, in `unit`.
    pub value: Decimal,
    /// Its unit.
    pub unit: Unit,
    /// What the value is referred to, where a known letter says.
    pub reference: Option<ReferenceMethod>,
    /// Flags, marks and status, as sent, one a text.
    pub markers: Vec<String>,
    /// Whether the meter or the person says it was a control solution: status E, or mark C in the later form.
    pub is_control: bool,
    /// Whether the person deleted it.
    pub is_deleted: bool,
    /// The meter's own date and time, to the minute; averages have none.
    pub taken_at: DeviceTimeField,
}

impl ContourResult {
    /// Whether it is one measurement, and not an average the meter worked out.
    #[must_use]
    pub fn is_measurement(&self) -> bool {
        self.test == "Glucose"
    }

    fn is_marked(&self, mark: &str) -> bool {
        self.markers.iter().any(|marker| marker == mark)
    }

    /// The glucose of a person.
    ///
    /// # Errors
    /// [`NoValue::ControlSolution`] where no person was measured, [`NoValue::MeasurementInvalid`] for an average or a
    /// result that was deleted, [`NoValue::NegativeInfinity`] and [`NoValue::PositiveInfinity`] where the meter showed
    /// LO or HI: the number it sends then is not a measurement.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.is_control {
            Err(NoValue::ControlSolution)
        } else if !self.is_measurement() || self.is_deleted {
            Err(NoValue::MeasurementInvalid)
        } else if self.is_marked("<") {
            Err(NoValue::NegativeInfinity)
        } else if self.is_marked(">") {
            Err(NoValue::PositiveInfinity)
        } else {
            Ok(Quantity::new(self.value, self.unit))
        }
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("record", "R")
            .with("sequence", self.sequence)
            .with("test", self.test.as_str())
            .with("value", self.value)
            .with("unit", self.unit.plain())
            .with("reference", self.reference.map(ReferenceMethod::name))
            .with("markers", Shown::from(self.markers.clone()))
            .with("control", self.is_control)
            .with("deleted", self.is_deleted)
            // To the minute: the meter tells no seconds.
            .with("local", self.taken_at.stated().map(|time| time.to_string()).map(minutes))
    }
}

/// A time as text without its seconds.
fn minutes(time: String) -> String {
    time.rsplit_once(':').map_or(time.clone(), |(minutes, _seconds)| minutes.to_owned())
}

/// The result that a record holds; its closing CR may be there or not.
///
/// # Errors
/// [`DecodeError::Truncated`] where fields are missing, [`DecodeError::OutOfStep`] for another record,
/// [`DecodeError::Malformed`] where a field is not of its form.
///
/// ```
/// use device_codecs::serial::contour;
/// use vitals::NoValue;
/// let result = contour::decode(b"R|8|^^^Glucose|133|mg/dL^P||B/X||201202052034").unwrap();
/// assert_eq!(result.patient_value().unwrap().to_string(), "133 mg/dL");
/// let control = contour::decode(b"R|1|^^^Glucose|609|mg/dL^P||||E|||200611081212").unwrap();
/// assert_eq!(control.patient_value(), Err(NoValue::ControlSolution));
/// ```
pub fn decode(bytes: &[u8]) -> Result<ContourResult, DecodeError> {
    let record = text::printable(bytes.strip_suffix(b"\r").unwrap_or(bytes), "the record")?;
    let fields: Vec<&str> = record.split('|').collect();
    let mut parts = fields.iter().copied();
    let mut next = |field: &'static str| parts.next().ok_or(DecodeError::Truncated { field });
    match next("the record type")? {
        "R" => {}
        "" => return Err(DecodeError::Truncated { field: "the record type" }),
        _ => return Err(DecodeError::OutOfStep { field: "the record type" }),
    }
    let sequence = next("the sequence number")?;
    let test = next("the test")?;
    let value = next("the value")?;
    let (unit, method) = next("the unit")?.split_once('^').ok_or(DecodeError::Truncated { field: "the unit" })?;
    // An average may end here: fields that are not used are not sent at the end of a record.
    let is_average = test.starts_with("^^^Glucose") && test != "^^^Glucose";
    let _range = if is_average { "" } else { next("the reference range")? };
    let flags = if is_average { fields.get(6).copied().unwrap_or_default() } else { next("the flags")? };
    let eighth = fields.get(7).copied();
    let ninth = fields.get(8).copied();
    let test = test.strip_prefix("^^^").ok_or(DecodeError::Malformed { field: "the test" })?;
    let is_later_form = fields.len() <= 9 && ninth.is_some_and(|date| date.starts_with(|c: char| c.is_ascii_digit()));
    let (date, statuses) =
        if is_later_form { (ninth, "") } else { (fields.get(11).copied(), ninth.unwrap_or_default()) };
    let date = if test == "Glucose" { Some(date.ok_or(DecodeError::Truncated { field: "the date" })?) } else { date };
    let marks = |text: &str, between: char| -> Vec<String> {
        text.split(between).filter(|mark| !mark.is_empty()).map(str::to_owned).collect()
    };
    let mut markers = marks(flags, if is_later_form { '/' } else { '\\' });
    let is_control = if is_later_form { markers.iter().any(|mark| mark == "C") } else { statuses.contains('E') };
    if !is_later_form {
        markers.extend(marks(eighth.unwrap_or_default(), '\\'));
        markers.extend(marks(statuses, '\\'));
    }
    Ok(ContourResult {
        sequence: text::whole(sequence, "the sequence number")?,
        test: test.to_owned(),
        value: text::decimal(value, "the value")?,
        unit: match unit {
            "mg/dL" => Unit::MilligramsPerDecilitre,
            "mmol/L" => Unit::MillimolesPerLitre,
            _ => return Err(DecodeError::Malformed { field: "the unit" }),
        },
        reference: match method {
            "B" => Some(ReferenceMethod::WholeBlood),
            "P" => Some(ReferenceMethod::Plasma),
            "C" => Some(ReferenceMethod::Capillary),
            "D" => Some(ReferenceMethod::Deproteinized),
            _ => None,
        },
        markers,
        is_control,
        is_deleted: !is_later_form && statuses.contains('D'),
        taken_at: date.map_or(Ok(DeviceTimeField::Absent), date_time)?,
    })
}

/// `YYYYMMDDhhmm`, from some meters with seconds.
fn date_time(text: &str) -> Result<DeviceTimeField, DecodeError> {
    const FIELD: &str = "the date";
    if text.is_empty() || text.len() < DATE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DecodeError::Truncated { field: FIELD });
    }
    if text.len() != DATE_DIGITS && text.len() != DATE_DIGITS_WITH_SECONDS {
        return Err(DecodeError::Malformed { field: FIELD });
    }
    let part = |from: usize| text.get(from..from + 2).map_or(Ok(0), |digits| text::whole::<u8>(digits, FIELD));
    let year = u16::from(part(0)?) * 100 + u16::from(part(2)?);
    Ok(text::date_time(year, part(4)?, part(6)?, part(8)?, part(10)?, part(12)?))
}

/// Who sends, from a header record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContourHeader {
    /// The meter's product code, for example `Bayer7150`.
    pub product: String,
    /// Its serial number.
    pub serial: String,
    /// Its clock when it began to send.
    pub clock: DeviceTimeField,
}

/// The header that a record holds. Its password field is passed over on purpose.
///
/// # Errors
/// [`DecodeError`] where the record is not a header with a sender.
pub fn decode_header(record: &str) -> Result<ContourHeader, DecodeError> {
    if !record.starts_with("H|") {
        return Err(DecodeError::OutOfStep { field: "the record type" });
    }
    let fields: Vec<&str> = record.split('|').collect();
    let sender = fields.get(4).copied().ok_or(DecodeError::Truncated { field: "the sender" })?;
    let mut parts = sender.split('^');
    let product = parts.next().unwrap_or_default().to_owned();
    let serial = parts.nth(1).ok_or(DecodeError::Truncated { field: "the serial number" })?.to_owned();
    let clock = fields.get(13).copied().map_or(DeviceTimeField::Absent, |date| {
        // A clock that cannot be read is no reason to refuse the meter's results.
        date_time(date).unwrap_or(DeviceTimeField::Absent)
    });
    Ok(ContourHeader { product, serial, clock })
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
