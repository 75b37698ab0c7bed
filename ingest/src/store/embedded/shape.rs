//! The shape of a reading: all that it has alike with many others. What was measured, in which components, units and
//! scales and with which words, what was noticed, by which kind of frame, and where in the frame the device's time
//! stands. A shape is a name: kept once, and a number stands for it in entries and alerts.
//!
//! A shape is lines of text. The first is the kind; each other begins with a mark that says what it is. Where a line
//! leaves something open (a mantissa, the intervals between beats), the numbers follow the shape's number, in the order
//! of the lines.
//!
//! Invariants: no line is lost or guessed, so one with a mark that is not known is [`Unsound`]; no shape holds anything
//! of one person or one device.

use super::{
    bytes::{Put, Take},
    fault::Fault,
    names::{Class, Names, No},
    rows::{Tx, Unsound},
};
use std::{borrow::Cow, fmt::Write};
use vitals::{
    Decimal, Flag, Kind, Measure, NoValue, Quality, Quantity, Reading, Unit, Value, Who, WhyUnassigned, catalogue,
    measure::{Parts, Word},
};

/// What a line is.
mod mark {
    /// A number from nought up: scale, unit and component. Its mantissa is left open.
    pub(super) const NUMBER: char = '+';
    /// A number below nought; what is left open is its amount.
    pub(super) const NEGATIVE: char = '-';
    /// What a word is about, and the word.
    pub(super) const WORD: char = '=';
    /// There is no value: why.
    pub(super) const NO_VALUE: char = '!';
    /// Intervals between beats: how many, and each, are left open.
    pub(super) const INTERVALS: char = 'i';
    /// The sequence number of the measurement that a context belongs to: left open.
    pub(super) const SEQUENCE: char = 's';
    /// A flag.
    pub(super) const FLAG: char = '~';
    /// Whose it is: nobody's, and why.
    pub(super) const NOBODY: char = '?';
    /// The service and the characteristic of the frame.
    pub(super) const SERVICE: char = '@';
    pub(super) const CHARACTERISTIC: char = '#';
    /// Where in the frame the seven bytes of the device's time stand.
    pub(super) const TIME_AT: char = 't';
    /// The device's time does not stand in the frame.
    pub(super) const TIME_BESIDE: char = 'T';
}

/// A shape while it is put together, and the numbers that it leaves open.
pub(super) struct Shape {
    text: String,
    open: Put,
    pub(super) time_stands: TimeStands,
}

impl Shape {
    /// The shape of a value, as an alert's evidence has it.
    pub(super) fn of_value(kind: Kind, value: &Value<Measure>) -> Self {
        let mut shape =
            Self { text: String::with_capacity(256), open: Put::with_room(32), time_stands: TimeStands::Nowhere };
        shape.text.push_str(kind.name());
        match value {
            Value::Measured(measure) => shape.measure(&Parts::of(measure)),
            Value::NotMeasured(why) => shape.line(mark::NO_VALUE, why.code().code()),
        }
        shape
    }

    /// The shape of a whole reading.
    pub(super) fn of(reading: &Reading) -> Self {
        let mut shape = Self::of_value(reading.kind, &reading.value);
        for flag in reading.quality.flags() {
            shape.line(mark::FLAG, flag.name());
        }
        if let Who::Unassigned(why) = &reading.who {
            shape.line(mark::NOBODY, why.name());
        }
        shape.line(mark::SERVICE, &reading.raw.service);
        shape.line(mark::CHARACTERISTIC, &reading.raw.characteristic);
        if let Some(time) = reading.times.device {
            let time = time.to_bytes();
            match reading.raw.bytes.windows(time.len()).position(|bytes| bytes == time) {
                Some(place) => {
                    shape.time_stands = TimeStands::InFrame(place);
                    shape.mark(mark::TIME_AT);
                    shape.count(place);
                }
                None => {
                    shape.time_stands = TimeStands::Beside;
                    shape.mark(mark::TIME_BESIDE);
                }
            }
        }
        shape
    }

    fn measure(&mut self, parts: &Parts) {
        for (component, quantity) in &parts.numbers {
            let (mantissa, scale) = quantity.value().to_parts();
            self.mark(if mantissa < 0 { mark::NEGATIVE } else { mark::NUMBER });
            self.count(usize::try_from(scale).unwrap_or(usize::MAX));
            self.text.push(' ');
            self.text.push_str(quantity.unit().ucum());
            self.text.push(' ');
            self.text.push_str(component);
            self.open.number(mantissa.unsigned_abs());
        }
        for (about, word) in &parts.said {
            self.mark(mark::WORD);
            self.text.push_str(about.name());
            self.text.push(' ');
            self.text.push_str(&in_one_line(word));
        }
        if !parts.rr_intervals.is_empty() {
            self.mark(mark::INTERVALS);
            self.open.count(parts.rr_intervals.len());
            parts.rr_intervals.iter().for_each(|interval| self.open.number((*interval).into()));
        }
        if let Some(sequence) = parts.sequence {
            self.mark(mark::SEQUENCE);
            self.open.number(sequence.into());
        }
    }

    fn mark(&mut self, mark: char) {
        self.text.push('\n');
        self.text.push(mark);
    }

    fn line(&mut self, mark: char, words: &str) {
        self.mark(mark);
        self.text.push_str(&in_one_line(words));
    }

    fn count(&mut self, count: usize) {
        match u32::try_from(count).ok().and_then(|count| char::from_digit(count, 10)) {
            Some(digit) => self.text.push(digit),
            // A text takes whatever is written to it.
            None => drop(write!(self.text, "{count}")),
        }
    }

    /// Puts the shape's number, or the shape itself where no more get one, and what it leaves open.
    pub(super) fn put(self, put: &mut Put, tx: &Tx<'_>) -> Result<(), Fault> {
        match tx.names.shape(tx, &self.text)? {
            Some(no) => put.number(no.into()),
            None => {
                put.number(0);
                put.bytes(self.text.as_bytes());
            }
        }
        put.raw(self.open.as_slice());
        Ok(())
    }
}

/// A line break within a word must not end its line.
fn in_one_line(word: &str) -> Cow<'_, str> {
    if word.contains(['\n', '\\']) { word.replace('\\', "\\\\").replace('\n', "\\n").into() } else { word.into() }
}

fn from_one_line(line: &str) -> Result<String, Unsound> {
    let mut word = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\\') => word.push('\\'),
                Some('n') => word.push('\n'),
                Some(_) | None => return Err(Unsound),
            },
            other => word.push(other),
        }
    }
    Ok(word)
}

/// Where a device's time stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeStands {
    Nowhere,
    InFrame(usize),
    Beside,
}

/// What a shape says, with the numbers it had left open.
pub(super) struct Shaped {
    pub(super) kind: Kind,
    pub(super) value: Value<Measure>,
    pub(super) quality: Quality,
    pub(super) nobody: Option<WhyUnassigned>,
    pub(super) service: String,
    pub(super) characteristic: String,
    pub(super) device_time: TimeStands,
}

impl Shaped {
    /// Takes a shape's number, or the shape itself, and what it leaves open.
    pub(super) fn take(take: &mut Take<'_>, names: &Names) -> Result<Self, Unsound> {
        let no = No::try_from(take.number()?)?;
        if no == 0 {
            let text = take.text()?;
            return Self::read(text, take);
        }
        match names.name(no) {
            Some((Class::Shape, text)) => Self::read(&text, take),
            Some(_) | None => Err(Unsound),
        }
    }

    fn read(text: &str, take: &mut Take<'_>) -> Result<Self, Unsound> {
        let mut lines = text.split('\n');
        let kind = lines.next().and_then(Kind::from_name).ok_or(Unsound)?;
        let (mut parts, mut no_value, mut flags) = (Parts::default(), None, Vec::new());
        let (mut nobody, mut device_time) = (None, TimeStands::Nowhere);
        let (mut service, mut characteristic) = (String::new(), String::new());
        for line in lines {
            let mut letters = line.chars();
            let mark = letters.next().ok_or(Unsound)?;
            let words = letters.as_str();
            match mark {
                mark::NUMBER | mark::NEGATIVE => parts.numbers.push(number(mark, words, take)?),
                mark::WORD => {
                    let (about, word) = words.split_once(' ').ok_or(Unsound)?;
                    parts.said.push((Word::from_name(about).ok_or(Unsound)?, from_one_line(word)?));
                }
                mark::NO_VALUE => no_value = Some(NoValue::from_code(words).ok_or(Unsound)?),
                mark::INTERVALS => {
                    for _ in 0..take.count()? {
                        parts.rr_intervals.push(u16::try_from(take.number()?)?);
                    }
                }
                mark::SEQUENCE => parts.sequence = Some(u16::try_from(take.number()?)?),
                mark::FLAG => flags.push(Flag::from_name(words).ok_or(Unsound)?),
                mark::NOBODY => nobody = Some(WhyUnassigned::from_name(words).ok_or(Unsound)?),
                mark::SERVICE => service = from_one_line(words)?,
                mark::CHARACTERISTIC => characteristic = from_one_line(words)?,
                mark::TIME_AT => device_time = TimeStands::InFrame(words.parse()?),
                mark::TIME_BESIDE => device_time = TimeStands::Beside,
                _ => return Err(Unsound),
            }
        }
        let value = match no_value {
            Some(why) => Value::NotMeasured(why),
            None => Value::Measured(parts.measure(kind)?),
        };
        let quality = Quality::from_iter(flags);
        Ok(Self { kind, value, quality, nobody, service, characteristic, device_time })
    }
}

fn number(mark: char, words: &str, take: &mut Take<'_>) -> Result<(&'static str, Quantity), Unsound> {
    let mut words = words.split(' ');
    let (Some(scale), Some(unit), Some(component), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Unsound);
    };
    let scale: i8 = scale.parse()?;
    let unit = Unit::from_ucum(unit).ok_or(Unsound)?;
    let component = catalogue::component(component).ok_or(Unsound)?;
    let amount = take.number()?;
    let mantissa = if mark == mark::NEGATIVE { 0_i64.checked_sub_unsigned(amount) } else { i64::try_from(amount).ok() };
    let value = Decimal::from_parts(mantissa.ok_or(Unsound)?, scale.checked_neg().ok_or(Unsound)?).ok_or(Unsound)?;
    Ok((component.name.as_str(), Quantity::new(value, unit)))
}
