//! A measure taken apart into named numbers and words, and put together again: the form it has on the wire.
//!
//! Invariants: putting together what was taken apart gives the same measure; a part that is missing, left over, unknown
//! or at odds with another is refused with its reason, and nothing is filled in.

mod apart;
mod together;

pub(crate) use apart::numbers as named_numbers;

use super::TooManyIntervals;
use crate::{
    named::named,
    quantity::{Quantity, WrongUnit},
};
use thiserror::Error;

named! {
    /// What a word of a measure is about.
    Word {
        /// How the person sat: a [`Posture`](super::Posture).
        Posture = "posture",
        /// Which arm: an [`Arm`](super::Arm).
        Arm = "arm",
        /// Whether a heart rate sensor touched the skin: `yes` or `no`.
        Contact = "contact",
        /// Where a temperature was taken, a [`Site`](super::Site), or a sample, a [`SampleSite`](super::SampleSite).
        Site = "site",
        /// What glucose was measured in: a [`Specimen`](super::Specimen).
        Specimen = "specimen",
        /// When, by meals: a [`Meal`](super::Meal).
        Meal = "meal",
        /// What was eaten: a [`Food`](super::Food).
        Food = "food",
        /// Which medication: a [`MedicationKind`](super::MedicationKind).
        Medication = "medication",
        /// How the person was: a [`Health`](super::Health).
        Health = "health",
        /// Who measured: a [`Tester`](super::Tester).
        Tester = "tester",
        /// Level of consciousness: an [`Acvpu`](super::Acvpu).
        Consciousness = "consciousness",
        /// What the person breathed: `air` or `oxygen`.
        Oxygen = "oxygen",
        /// The code of a [`Question`](super::Question).
        Question = "question",
        /// An [`Answer`](super::Answer).
        Answer = "answer",
    }
}

/// A measure taken apart.
///
/// ```
/// use vitals::{Decimal, Kind, Measure, measure::{Parts, Word}, measure::Acvpu};
/// let parts = Parts::of(&Measure::Consciousness(Acvpu::Confusion));
/// assert_eq!(parts.said, [(Word::Consciousness, "confusion".to_owned())]);
/// assert_eq!(parts.measure(Kind::Consciousness), Ok(Measure::Consciousness(Acvpu::Confusion)));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The numbers, by the catalogue's name of their component.
    pub numbers: Vec<(&'static str, Quantity)>,
    /// The words.
    pub said: Vec<(Word, String)>,
    /// Intervals between beats in 1/1024 s.
    pub rr_intervals: Vec<u16>,
    /// The sequence number of the measurement that a context belongs to.
    pub sequence: Option<u16>,
}

impl Parts {
    /// Leaves out a number, and with it what says something of nothing else: what was eaten without how much of it, how
    /// long an exercise without how hard, which medication without its dose.
    pub(crate) fn leave_out(&mut self, number: &str) {
        let (goes_too, word) = match number {
            "carbohydrate" => (None, Some(Word::Food)),
            "exercise_intensity" => (Some("exercise_duration"), None),
            "medication_mg" | "medication_ml" => (None, Some(Word::Medication)),
            _ => (None, None),
        };
        self.numbers.retain(|(name, _)| *name != number && Some(*name) != goes_too);
        self.said.retain(|(about, _)| Some(*about) != word);
    }
}

/// Why parts are not a measure of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotWhole {
    /// A number that every measure of the kind has.
    #[error("put a measure together: {0} is missing")]
    NumberMissing(&'static str),
    /// A word that every measure of the kind has, or that another part needs.
    #[error("put a measure together: the word for {} is missing", .0.name())]
    WordMissing(Word),
    /// The sequence number is missing.
    #[error("put a measure together: the sequence number is missing")]
    SequenceMissing,
    /// A word that is not in its list.
    #[error("put a measure together: the word for {} is not in its list", .0.name())]
    WordUnknown(Word),
    /// A number in a unit that is not its own.
    #[error("put a measure together: a number is in another unit")]
    WrongUnit(#[from] WrongUnit),
    /// A count with places after the point, or too large.
    #[error("put a measure together: {0} is not a count")]
    NotACount(&'static str),
    /// More intervals than a frame holds.
    #[error("put a measure together: there are too many intervals")]
    TooManyIntervals(#[from] TooManyIntervals),
    /// A part that this kind does not have.
    #[error("put a measure together: a part is left over")]
    LeftOver,
    /// A number that cannot be of one measurement with another: a lower pressure that is not below the upper.
    #[error("put a measure together: {0} is at odds with another number")]
    NumberAtOdds(&'static str),
    /// A word that does not fit the numbers: blood for a number of interstitial fluid, air that flows.
    #[error("put a measure together: the word for {} is at odds with a number", .0.name())]
    WordAtOdds(Word),
    /// Glucose of a control solution: nobody was measured.
    #[error("put a measure together: a control solution is nobody's")]
    ControlSolution,
}
