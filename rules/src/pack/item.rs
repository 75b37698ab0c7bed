//! What a condition may read: a number of the measure catalogue, or a word that people say.

use super::Numbers;
use crate::state::NANO;
use std::fmt;
use vitals::{
    Admitted, Decimal, Kind, Measure,
    catalogue::Component,
    measure::{Acvpu, Answer, Posture, Question, SuppliedOxygen},
};

/// Something a reading may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A number, by its entry in the measure catalogue.
    Number(&'static Component),
    /// A number of a cuff, where the person is known to have stood, or to have lain or sat.
    Postured(&'static Component, Stance),
    /// The level of consciousness: one of [`Acvpu`]'s words.
    Consciousness,
    /// Whether the person breathes `air` or supplied `oxygen`.
    Oxygen,
    /// The answer to one question: `yes` or `no`. Not asked is no answer.
    Answer(Question),
}

/// How somebody held themselves while a cuff measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stance {
    /// Lying or sitting.
    Resting,
    /// Standing.
    Standing,
}

impl Stance {
    fn is_of(self, posture: Posture) -> bool {
        match posture {
            Posture::Standing => self == Self::Standing,
            Posture::Sitting | Posture::Lying => self == Self::Resting,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::Standing => "standing",
        }
    }
}

/// The words for what is breathed, by their numbers.
const OXYGEN: [&str; 2] = ["air", "oxygen"];

/// The words for an answer, by their numbers.
const ANSWERS: [&str; 2] = ["no", "yes"];

impl Item {
    /// The measure it is part of.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Number(component) | Self::Postured(component, _) => component.kind,
            Self::Consciousness => Kind::Consciousness,
            Self::Oxygen => Kind::SuppliedOxygen,
            Self::Answer(_) => Kind::Symptom,
        }
    }

    /// The words it may be, each at its number; none for a number.
    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        match self {
            Self::Number(_) | Self::Postured(..) => Vec::new(),
            Self::Consciousness => Acvpu::ALL.iter().map(|level| level.name()).collect(),
            Self::Oxygen => OXYGEN.to_vec(),
            Self::Answer(_) => ANSWERS.to_vec(),
        }
    }

    /// The number of a word, in the form a list of values holds it.
    #[must_use]
    pub fn word(&self, word: &str) -> Option<i64> {
        let place = self.words().iter().position(|known| *known == word)?;
        i64::try_from(place).ok()?.checked_mul(NANO)
    }

    /// What a reading says of it, in thousand-millionths of its unit, or as the number of its word.
    #[must_use]
    pub fn of(&self, admitted: &Admitted, numbers: &Numbers) -> Option<i64> {
        if admitted.reading.kind != self.kind() {
            return None;
        }
        let word = |word: &str| self.word(word);
        let number = |component: &Component| {
            let number = numbers.iter().find(|(known, _)| std::ptr::eq(*known, component));
            number.and_then(|(_, number)| nano(number.value()))
        };
        match (self, admitted.reading.value.measured()?) {
            (Self::Number(component), _) => number(component),
            (Self::Postured(component, stance), Measure::BloodPressure(pressure)) => {
                pressure.posture.filter(|posture| stance.is_of(*posture)).and_then(|_| number(component))
            }
            (Self::Consciousness, Measure::Consciousness(level)) => word(level.name()),
            (Self::Oxygen, Measure::SuppliedOxygen(SuppliedOxygen::Air)) => word("air"),
            (Self::Oxygen, Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { .. })) => word("oxygen"),
            (Self::Answer(question), Measure::Symptom(symptom)) if symptom.question == *question => {
                match symptom.answer {
                    Answer::Yes => word("yes"),
                    Answer::No => word("no"),
                    Answer::NotAsked => None,
                }
            }
            (Self::Postured(..) | Self::Consciousness | Self::Oxygen | Self::Answer(_), _) => None,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(component) => f.write_str(&component.name),
            Self::Postured(component, stance) => write!(f, "{}:{}", component.name, stance.name()),
            Self::Consciousness => f.write_str("consciousness"),
            Self::Oxygen => f.write_str("oxygen"),
            Self::Answer(question) => write!(f, "answer:{question}"),
        }
    }
}

/// A decimal in thousand-millionths, exactly; none where it is beyond 64 bits.
#[must_use]
pub(super) fn nano(value: Decimal) -> Option<i64> {
    let (mantissa, scale) = value.to_parts();
    let factor = 10_i64.checked_pow(9_u32.checked_sub(scale)?)?;
    // What is too large for 64 bits comes as the largest there is.
    mantissa.checked_mul(factor).filter(|nano| nano.unsigned_abs() < u64::MAX / 4)
}

/// Thousand-millionths as a decimal with no more digits than it needs.
#[must_use]
pub(super) fn decimal(nano: i64) -> Decimal {
    let (mut digits, mut exponent) = (nano, -9_i8);
    while exponent < 0 && digits % 10 == 0 {
        digits /= 10;
        exponent += 1;
    }
    Decimal::from_parts(digits, exponent).unwrap_or(Decimal::from(0))
}
