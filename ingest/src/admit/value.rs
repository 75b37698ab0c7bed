//! The value of a reading: its numbers, words and intervals from the wire, or the reason there is none.
//!
//! Invariants: strict in form. A number that is unknown, in another unit, missing or left over, and a word that is unknown,
//! missing or at odds with the rest, each refuse the reading with its code; nothing is passed over. Never strict with a
//! person: a number that nobody can have is no reason to refuse what came with it, nor to be silent about it.

use vitals::{
    Decimal, ErrorCode, Flag, Kind, Measure, NoValue, Quantity, Value,
    catalogue::{self, Component},
    measure::{NotWhole, Parts, Word},
    wire::v1::lent::{ByName, Number, Reading},
};

/// The value, or why there is none, and what was noticed about it. A reading that is all words has `measured`, with nothing
/// in it.
pub(super) fn read(reading: &Reading<'_>, kind: Kind) -> Result<(Value<Measure>, Option<Flag>), ErrorCode> {
    match (&reading.measured, &reading.not_measured) {
        (Some(numbers), None) => measured(reading, kind, numbers),
        (None, Some(code)) if has_nothing_beside(reading) => {
            let reason = NoValue::from_code(code).ok_or(ErrorCode::ReadingMalformed)?;
            Ok((Value::NotMeasured(reason), None))
        }
        (None, Some(_)) | (Some(_), Some(_)) | (None, None) => Err(ErrorCode::ReadingMalformed),
    }
}

/// Whether nothing is said of a value, so that there may be none.
fn has_nothing_beside(reading: &Reading<'_>) -> bool {
    reading.said.is_empty() && reading.rr_intervals_1024ths.is_empty() && reading.sequence.is_none()
}

fn measured(
    reading: &Reading<'_>,
    kind: Kind,
    sent: &ByName<'_, Number<'_>>,
) -> Result<(Value<Measure>, Option<Flag>), ErrorCode> {
    let known = |name: &str| catalogue::component(name).filter(|known| known.kind == kind);
    let own = sent.iter().filter_map(|(name, sent)| Some((known(name)?, sent)));
    let numbers: Vec<_> = own.map(|(known, sent)| number(known, sent)).collect::<Result<_, _>>()?;
    let is_all_own = numbers.len() == sent.len();
    let parts = Parts {
        numbers,
        said: words(reading)?,
        rr_intervals: reading.rr_intervals_1024ths.clone(),
        sequence: reading.sequence,
    };
    let read = match parts.measure(kind) {
        Ok(measure) => plausible(&measure),
        // A lower pressure above the upper: nobody has that.
        Err(NotWhole::NumberAtOdds(_)) => (Value::NotMeasured(NoValue::Implausible), None),
        Err(refused) => return Err(code(refused)),
    };
    // What is missing is named before what is too much: numbers of another kind alone are no value of this one.
    if is_all_own { Ok(read) } else { Err(ErrorCode::KindNotSupported) }
}

/// What of a measure a living person can have. The bytes keep the rest.
fn plausible(measure: &Measure) -> (Value<Measure>, Option<Flag>) {
    let (measure, is_less) = catalogue::without_implausible_parts(measure);
    if catalogue::is_plausible(&measure) {
        (Value::Measured(measure), is_less.then_some(Flag::PartImplausible))
    } else {
        (Value::NotMeasured(NoValue::Implausible), None)
    }
}

fn number(known: &'static Component, sent: &Number<'_>) -> Result<(&'static str, Quantity), ErrorCode> {
    let value = Decimal::parse(&sent.value).map_err(|_not_a_decimal| ErrorCode::ValueMalformed)?;
    if *sent.unit != *known.ucum.ucum() {
        return Err(ErrorCode::UnitNotSupported);
    }
    Ok((known.name.as_str(), Quantity::new(value, known.ucum)))
}

/// The words, with posture and arm, which have fields of their own and must not stand twice.
fn words(reading: &Reading<'_>) -> Result<Vec<(Word, String)>, ErrorCode> {
    let mut said = Vec::with_capacity(reading.said.len());
    for (about, word) in reading.said.iter() {
        let about = Word::from_name(about).ok_or(ErrorCode::KindNotSupported)?;
        if matches!(about, Word::Posture | Word::Arm) {
            return Err(ErrorCode::ReadingMalformed);
        }
        said.push((about, (**word).to_owned()));
    }
    let fields = [(Word::Posture, &reading.posture), (Word::Arm, &reading.arm)];
    said.extend(fields.into_iter().filter_map(|(about, word)| Some((about, (**word.as_ref()?).to_owned()))));
    Ok(said)
}

fn code(refused: NotWhole) -> ErrorCode {
    match refused {
        NotWhole::WordUnknown(Word::Posture | Word::Arm)
        | NotWhole::NumberMissing(_)
        | NotWhole::WordMissing(_)
        | NotWhole::SequenceMissing
        | NotWhole::TooManyIntervals(_) => ErrorCode::ReadingMalformed,
        NotWhole::WordUnknown(_) | NotWhole::WordAtOdds(_) => ErrorCode::WordNotSupported,
        NotWhole::NumberAtOdds(_) => NoValue::Implausible.code(),
        NotWhole::WrongUnit(_) => ErrorCode::UnitNotSupported,
        NotWhole::NotACount(_) => ErrorCode::ValueMalformed,
        NotWhole::LeftOver => ErrorCode::KindNotSupported,
        NotWhole::ControlSolution => NoValue::ControlSolution.code(),
    }
}
