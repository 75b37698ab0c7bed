//! What a person sees or is asked rather than a device measures: consciousness, symptoms; and steps.

use crate::{named::named, quantity::Minutes};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use thiserror::Error;

named! {
    /// Level of consciousness (ACVPU). NEWS2 scores every level but alert with 3 (RCP 2017, Chart 1).
    Acvpu {
        /// Alert.
        Alert = "alert",
        /// New confusion.
        Confusion = "confusion",
        /// Responds to voice.
        Voice = "voice",
        /// Responds to pain.
        Pain = "pain",
        /// Unresponsive.
        Unresponsive = "unresponsive",
    }
}

impl Acvpu {
    /// The level of its letter, as on a chart.
    ///
    /// ```
    /// use vitals::measure::Acvpu;
    /// assert_eq!(Acvpu::from_letter("C"), Some(Acvpu::Confusion));
    /// assert_eq!(Acvpu::from_letter("c"), None);
    /// ```
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.letter() == letter)
    }

    /// Its letter, as on a chart.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Alert => "A",
            Self::Confusion => "C",
            Self::Voice => "V",
            Self::Pain => "P",
            Self::Unresponsive => "U",
        }
    }

    /// The SNOMED CT concept. Source: `ValueSet-UKCore-ACVPU`.
    #[must_use]
    pub fn snomed(self) -> &'static str {
        match self {
            Self::Alert => "248234008",
            Self::Confusion => "130987000",
            Self::Voice => "300202002",
            Self::Pain => "450847001",
            Self::Unresponsive => "422768004",
        }
    }
}

named! {
    /// The answer to a question. Not asked is not no.
    Answer {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
        /// Nobody asked, or nobody answered.
        NotAsked = "not_asked",
    }
}

/// The stable code of a question: lower-case letters, digits, `-` and `_`, at most [`QUESTION_BYTES_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Question(String);

/// Longest code of a question: room for a few words, and a row of a page.
pub const QUESTION_BYTES_MAX: usize = 48;

/// A text is not the code of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a question's code: want 1 to {QUESTION_BYTES_MAX} lower-case letters, digits, - and _, a letter first")]
pub struct NotAQuestion;

impl Question {
    /// Reads the code of a question.
    ///
    /// # Errors
    /// [`NotAQuestion`] for any other text.
    ///
    /// ```
    /// use vitals::measure::Question;
    /// assert_eq!(Question::parse("more_breathless").unwrap().as_str(), "more_breathless");
    /// assert!(Question::parse("More breathless?").is_err());
    /// ```
    pub fn parse(code: &str) -> Result<Self, NotAQuestion> {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        let starts_well = code.starts_with(|first: char| first.is_ascii_lowercase());
        if starts_well && code.len() <= QUESTION_BYTES_MAX && code.bytes().all(is_code) {
            Ok(Self(code.to_owned()))
        } else {
            Err(NotAQuestion)
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One question about a symptom, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// The question.
    pub question: Question,
    /// The answer.
    pub answer: Answer,
}

/// Steps walked in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// How many.
    pub count: u32,
    /// In how long, where the device said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Minutes>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_a_code_and_not_words() {
        let longest = "q".repeat(QUESTION_BYTES_MAX);
        for good in ["breathless", "more-breathless_2", "q", longest.as_str()] {
            assert_eq!(Question::parse(good).unwrap().to_string(), good);
        }
        let too_long = "q".repeat(QUESTION_BYTES_MAX + 1);
        for bad in ["", "2nd", "_a", "Breathless", "more breathless", "atem\u{e9}", "a\nb", too_long.as_str()] {
            assert_eq!(Question::parse(bad), Err(NotAQuestion), "{bad:?}");
            assert!(serde_json::from_str::<Question>(&serde_json::to_string(bad).unwrap()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn levels_are_read_by_their_letter() {
        let letters: String = Acvpu::ALL.iter().map(|level| level.letter()).collect();
        assert_eq!(letters, "ACVPU");
        for level in Acvpu::ALL {
            assert_eq!(Acvpu::from_letter(level.letter()), Some(*level));
        }
        for bad in ["", "a", "AC", "D", " A"] {
            assert_eq!(Acvpu::from_letter(bad), None, "{bad:?}");
        }
    }
}
