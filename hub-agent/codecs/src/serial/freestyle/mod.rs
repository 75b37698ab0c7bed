//! Abbott FreeStyle Optium (Precision Xtra) meters: lines of text.

mod dialogue;
mod record;

pub use record::{OptiumResult, OptiumTest, OptiumValue, decode, decode_clock};

use super::{
    Framer,
    framer::{Dropped, Front, Scanner},
};
pub(super) use dialogue::OptiumDialogue;

/// Longest line; the longest known has 40 bytes.
const LINE_BYTES_MAX: usize = 120;

/// Cuts a stream into lines of readable text, empty ones among them: they count in the sum of an answer.
#[must_use]
pub fn framer() -> impl Framer {
    Scanner::new(front)
}

fn front(bytes: &[u8]) -> Front {
    let is_lawful = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    // STX and ETX may stand around an answer.
    let around = bytes.iter().take_while(|byte| matches!(byte, 0x02 | 0x03)).count();
    if around > 0 {
        return Front::Drop(around, Dropped::Between);
    }
    if let Some(place) = bytes.iter().take(LINE_BYTES_MAX).position(|byte| !is_lawful(byte) || *byte == b'\n') {
        let is_end = bytes.get(place) == Some(&b'\n');
        return if is_end { Front::Record(place + 1) } else { Front::Drop(place + 1, Dropped::OutOfStep) };
    }
    if bytes.len() < LINE_BYTES_MAX { Front::NotYet } else { Front::Drop(LINE_BYTES_MAX, Dropped::TooLong) }
}
