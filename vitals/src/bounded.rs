//! Text with a limit: every string that comes from outside is one of these or is parsed into a type.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use thiserror::Error;

/// Text of 1 to `MAX` bytes without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text<const MAX: usize>(String);

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextRefused {
    /// Nothing in it but white space.
    #[error("read a text: it is empty")]
    Empty,
    /// Longer than the limit.
    #[error("read a text: it has more than {max} bytes")]
    TooLong {
        /// The limit, in bytes of UTF-8.
        max: usize,
    },
    /// A control character, such as a line break.
    #[error("read a text: it has a control character")]
    ControlCharacter,
}

impl<const MAX: usize> Text<MAX> {
    /// Takes a text, trimmed at both ends.
    ///
    /// # Errors
    /// [`TextRefused`] if it is empty, longer than `MAX` bytes, or holds a control character.
    ///
    /// ```
    /// use vitals::bounded::Text;
    /// assert_eq!(Text::<8>::new(" A&D ").unwrap().as_str(), "A&D");
    /// assert!(Text::<8>::new("nine bytes").is_err());
    /// ```
    pub fn new(text: &str) -> Result<Self, TextRefused> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextRefused::Empty);
        }
        if text.len() > MAX {
            return Err(TextRefused::TooLong { max: MAX });
        }
        if text.chars().any(char::is_control) {
            return Err(TextRefused::ControlCharacter);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Debug shows the length only: a text may be a name.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
