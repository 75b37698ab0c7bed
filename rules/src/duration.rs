//! Spans of time as packs write them: `90s`, `15m`, `2h`, `7d`.

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer};
use std::fmt;
use thiserror::Error;

/// Longest span a pack may name: no operator looks further back (design, section 3).
pub const SPAN_DAYS_MAX: i64 = 100;

/// A text is not a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a span of time: want a whole number and s, m, h or d, from 1s to 100d, such as 15m")]
pub struct NotASpan;

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(TimeDelta);

impl Span {
    /// Reads a span.
    ///
    /// # Errors
    /// [`NotASpan`] for any other form, nought, or more than [`SPAN_DAYS_MAX`] days.
    ///
    /// ```
    /// use rules::duration::Span;
    /// assert_eq!(Span::parse("15m").unwrap().delta().num_seconds(), 900);
    /// for text in ["", "m", "0m", "-5m", "1.5h", "15 m", "101d"] {
    ///     assert!(Span::parse(text).is_err(), "{text}");
    /// }
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotASpan> {
        let secs_per_unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(NotASpan),
        };
        let digits = text
            .get(..text.len() - 1)
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or(NotASpan)?;
        let secs = number
            .checked_mul(secs_per_unit)
            .filter(|secs| (1..=SPAN_DAYS_MAX * 86_400).contains(secs))
            .ok_or(NotASpan)?;
        Ok(Self(TimeDelta::seconds(secs)))
    }

    /// The span.
    #[must_use]
    pub fn delta(self) -> TimeDelta {
        self.0
    }
}

/// As packs write it, in the largest unit that it is a whole number of.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.num_seconds();
        let whole = [(86_400, 'd'), (3600, 'h'), (60, 'm')].into_iter().find(|(unit, _)| secs % unit == 0);
        let (unit, letter) = whole.unwrap_or((1, 's'));
        write!(f, "{}{letter}", secs / unit)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
