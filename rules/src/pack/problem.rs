//! A mistake in a pack: where it stands, what is wrong, and what to do.
//!
//! Invariant: every mistake has all three; a clinical lead reads them, so none is in the words of a parser alone.

use std::ops::Range;
use thiserror::Error;

/// What stands between what is wrong and what to do, where a mistake is put into words.
const ADVICE: &str = " | ";

/// One mistake in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {message}: {advice}")]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// Where in the file: the byte at which what is wrong begins.
    pub offset: usize,
    /// The byte after its last.
    pub end: usize,
    /// What is wrong: a sentence without its full stop.
    pub message: String,
    /// What to do about it, such as `begin at 9`.
    pub advice: String,
}

/// A pack that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("read a pack: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct PackError {
    /// Every mistake that was found, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Where in a file a mistake stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    start: usize,
    end: Option<usize>,
}

/// From a byte to the end of its line.
impl From<usize> for At {
    fn from(start: usize) -> Self {
        Self { start, end: None }
    }
}

impl From<Range<usize>> for At {
    fn from(span: Range<usize>) -> Self {
        Self { start: span.start, end: Some(span.end) }
    }
}

impl Problem {
    /// A mistake put into words as `what is wrong | what to do`.
    pub(super) fn new(text: &str, at: impl Into<At>, words: &str) -> Self {
        let At { start, end } = at.into();
        let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
        // Of what goes over several lines, such as a whole rule, its first is shown.
        let rest = text.get(start..).unwrap_or_default();
        let line_end = start + rest.find('\n').unwrap_or(rest.len());
        let end = end.map_or(line_end, |end| end.min(line_end));
        let (message, advice) = words.rsplit_once(ADVICE).unwrap_or((words, "see the reference of the format"));
        Self { line, offset: start, end, message: message.to_owned(), advice: advice.to_owned() }
    }

    /// A file that is not TOML, or not of our form.
    pub(super) fn of_toml(text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let found = error.message();
        let known = [
            ("unknown field", "a name is wrong, or stands in the wrong place: write one that the format has"),
            ("unknown variant", "write one of the words that the format has"),
            ("missing field", "add it: nothing is taken for granted"),
            ("read a unit", "write it in UCUM, such as mm[Hg], /min, kg, Cel, % or mmol/L"),
            ("read a span of time", "write a whole number and s, m, h or d, such as 15m"),
            ("decimal in quotes", "write a decimal in quotes, so that no digit is lost"),
            ("duplicate key", "it stands there twice: leave one out"),
        ];
        let advice = known.into_iter().find(|(says, _)| found.contains(says));
        let advice = advice.map_or("mend the TOML at this place: toml.io has the form", |(_, advice)| advice);
        Self::new(text, span, &format!("{found}{ADVICE}{advice}"))
    }

    /// Where it stands: the bytes of the file to underline, all on one line.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.offset..self.end
    }
}
