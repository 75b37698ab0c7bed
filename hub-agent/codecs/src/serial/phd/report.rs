//! Scan reports: the observations of one or several persons.
//!
//! In a fixed report the values stand bare, so that only their length tells what they are: 2 bytes an SFLOAT ("basic
//! nu"), 4 a FLOAT ("simple nu"), each perhaps with 8 bytes of date and time after it; count and length before several
//! of one width ("compound"). In a variable report each value carries the number of its attribute.

use super::{listed, sized, word};
use crate::{Fields, Shown, cursor::Cursor, date_time::DeviceTimeField, error::DecodeError, serial::nonin::bcd_time};
use vitals::float11073::{DeviceNumber, float, sfloat};

const NU_VAL_OBS: u16 = 0x0950;
const TIME_STAMP_ABS: u16 = 0x0990;
const UNIT_CODE: u16 = 0x0996;
const NU_VAL_OBS_BASIC: u16 = 0x0a4c;
const NU_VAL_OBS_SIMPLE: u16 = 0x0a56;
const NU_COMPOUND_SIMPLE: u16 = 0x0a74;
const NU_COMPOUND_BASIC: u16 = 0x0a75;

/// Bytes of an absolute time.
const TIME_BYTES: usize = 8;

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    is_variable: bool,
    is_of_several_persons: bool,
}

impl Form {
    /// The form of an event that is a report: 0D1D fixed, 0D1E variable, 0D1F and 0D20 the same for several persons;
    /// and those of scanners, buffered or not.
    pub(super) fn of_event(kind: u16) -> Option<Self> {
        let (is_variable, is_of_several_persons) = match kind {
            0x0d1d | 0x0d23 | 0x0d29 => (false, false),
            0x0d1e | 0x0d22 | 0x0d28 => (true, false),
            0x0d1f | 0x0d26 | 0x0d2c => (false, true),
            0x0d20 | 0x0d25 | 0x0d2b => (true, true),
            _ => return None,
        };
        Some(Self { is_variable, is_of_several_persons })
    }
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number.
    pub number: u16,
    /// What was observed, in the device's order.
    pub observations: Vec<Observation>,
}

/// One observation of one object of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// Whose, where the report is of several persons.
    pub person: Option<u16>,
    /// Which object of the device.
    pub handle: u16,
    /// What was observed.
    pub value: PhdValue,
    /// The unit's number in the nomenclature, where it is told.
    pub unit: Option<u16>,
    /// The device's own date and time.
    pub taken_at: DeviceTimeField,
}

/// What was observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhdValue {
    /// One number of 16 bits.
    Basic(DeviceNumber),
    /// One number of 32 bits.
    Simple(DeviceNumber),
    /// Several numbers of 16 bits.
    CompoundBasic(Vec<DeviceNumber>),
    /// Several numbers of 32 bits.
    CompoundSimple(Vec<DeviceNumber>),
    /// Something else, as it came.
    Other(Vec<u8>),
}

impl Report {
    pub(super) fn shown(&self, fields: Fields) -> Fields {
        let observations = self.observations.iter().map(|observation| observation.shown().into()).collect();
        fields.with("report", self.number).with("observations", Shown::List(observations))
    }
}

impl Observation {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        let fields = Fields::new().with("person", self.person).with("handle", self.handle);
        let list = |numbers: &[DeviceNumber]| Shown::List(numbers.iter().map(|number| Shown::from(*number)).collect());
        let fields = match &self.value {
            PhdValue::Basic(number) => fields.with("basic_nu", *number),
            PhdValue::Simple(number) => fields.with("simple_nu", *number),
            PhdValue::CompoundBasic(numbers) => fields.with("compound_basic_nu", list(numbers)),
            PhdValue::CompoundSimple(numbers) => fields.with("compound_simple_nu", list(numbers)),
            PhdValue::Other(bytes) => fields.with("other", vitals::hex::encode(bytes)),
        };
        fields.with("unit", self.unit).with("time", self.taken_at)
    }
}

/// The report that the bytes of an event hold.
pub(super) fn decode(bytes: &[u8], form: Form) -> Result<Report, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let _request = word(&mut cursor, "the request")?;
    let number = word(&mut cursor, "the report's number")?;
    let (mut rest, left) = listed(bytes.get(4..).unwrap_or_default(), "the observations")?;
    super::all_used(left)?;
    let mut observations = Vec::new();
    if !form.is_of_several_persons {
        observe(rest, form, None, &mut observations)?;
        return Ok(Report { number, observations });
    }
    while !rest.is_empty() {
        let person = word(&mut Cursor::new(rest), "the person")?;
        let (of_person, after) = listed(rest.get(2..).unwrap_or_default(), "the person's observations")?;
        observe(of_person, form, Some(person), &mut observations)?;
        rest = after;
    }
    Ok(Report { number, observations })
}

/// Takes the observations of one person.
fn observe(
    mut rest: &[u8],
    form: Form,
    person: Option<u16>,
    observations: &mut Vec<Observation>,
) -> Result<(), DecodeError> {
    while !rest.is_empty() {
        let handle = word(&mut Cursor::new(rest), "the handle")?;
        let after_handle = rest.get(2..).unwrap_or_default();
        let (observation, after) = if form.is_variable {
            let (attributes, after) = listed(after_handle, "the attributes")?;
            (variable(attributes)?, after)
        } else {
            let (bytes, after) = sized(after_handle, "the value")?;
            (fixed(bytes), after)
        };
        observations.push(Observation { person, handle, ..observation });
        rest = after;
    }
    Ok(())
}

fn nothing() -> Observation {
    Observation {
        person: None,
        handle: 0,
        value: PhdValue::Other(Vec::new()),
        unit: None,
        taken_at: DeviceTimeField::Absent,
    }
}

/// What bare bytes are, by their length.
fn fixed(bytes: &[u8]) -> Observation {
    let value = one_number(bytes).or_else(|| compound(bytes));
    if let Some(value) = value {
        return Observation { value, ..nothing() };
    }
    let timed = bytes.len().checked_sub(TIME_BYTES).and_then(|at| bytes.split_at_checked(at));
    let timed = timed.and_then(|(bytes, time)| {
        let value = one_number(bytes).or_else(|| compound(bytes))?;
        Some(Observation { value, taken_at: absolute_time(time), ..nothing() })
    });
    timed.unwrap_or_else(|| Observation { value: PhdValue::Other(bytes.to_vec()), ..nothing() })
}

fn one_number(bytes: &[u8]) -> Option<PhdValue> {
    match *bytes {
        [high, low] => Some(PhdValue::Basic(sfloat(u16::from_be_bytes([high, low])))),
        [a, b, c, d] => Some(PhdValue::Simple(float(u32::from_be_bytes([a, b, c, d])))),
        _ => None,
    }
}

/// Several numbers, where count and length before them agree with each other and with the bytes.
fn compound(bytes: &[u8]) -> Option<PhdValue> {
    let (count, rest) = bytes.split_first_chunk::<2>()?;
    let (length, numbers) = rest.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_be_bytes(*count));
    if count == 0 || usize::from(u16::from_be_bytes(*length)) != numbers.len() {
        return None;
    }
    match numbers.len().checked_div(count) {
        Some(2) if numbers.len() == 2 * count => {
            let numbers = numbers.as_chunks::<2>().0.iter();
            Some(PhdValue::CompoundBasic(numbers.map(|word| sfloat(u16::from_be_bytes(*word))).collect()))
        }
        Some(4) if numbers.len() == 4 * count => {
            let numbers = numbers.as_chunks::<4>().0.iter();
            Some(PhdValue::CompoundSimple(numbers.map(|word| float(u32::from_be_bytes(*word))).collect()))
        }
        _ => None,
    }
}

/// Century, year, month, day, hour, minute, second, fractions, each as two decimal digits.
fn absolute_time(bytes: &[u8]) -> DeviceTimeField {
    bytes.first_chunk::<7>().map_or(DeviceTimeField::Absent, |time| bcd_time(*time))
}

/// What attributes say: number, length and bytes of each.
fn variable(mut rest: &[u8]) -> Result<Observation, DecodeError> {
    let mut observation = nothing();
    while !rest.is_empty() {
        let attribute = word(&mut Cursor::new(rest), "the attribute")?;
        let (bytes, after) = sized(rest.get(2..).unwrap_or_default(), "the attribute")?;
        rest = after;
        match attribute {
            NU_VAL_OBS_BASIC | NU_VAL_OBS_SIMPLE => {
                observation.value = one_number(bytes).unwrap_or_else(|| PhdValue::Other(bytes.to_vec()));
            }
            NU_COMPOUND_BASIC | NU_COMPOUND_SIMPLE => {
                observation.value = compound(bytes).unwrap_or_else(|| PhdValue::Other(bytes.to_vec()));
            }
            // Which quantity, status, unit, then the number.
            NU_VAL_OBS => {
                let mut cursor = Cursor::new(bytes);
                let _quantity_and_status: [u8; 4] = cursor.take("the value")?;
                observation.unit = Some(word(&mut cursor, "the unit")?);
                observation.value = PhdValue::Simple(cursor.take("the value").map(u32::from_be_bytes).map(float)?);
                cursor.finish()?;
            }
            TIME_STAMP_ABS => observation.taken_at = absolute_time(bytes),
            UNIT_CODE => observation.unit = Some(word(&mut Cursor::new(bytes), "the unit")?),
            _ => {}
        }
    }
    Ok(observation)
}
