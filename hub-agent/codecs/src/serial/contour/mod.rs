//! Ascensia (Bayer) Contour meters on a serial line: ASTM frames, records and the transfer.

mod dialogue;
mod frame;
mod record;

pub use frame::{ACK, ContourFrame, ENQ, EOT, NAK, decode as decode_frame};
pub use record::{ContourHeader, ContourResult, ReferenceMethod, decode, decode_header};

use super::{Framer, framer::Scanner};
pub(super) use dialogue::ContourDialogue;

/// Cuts a stream into frames; the single characters between them are records too.
#[must_use]
pub fn framer() -> impl Framer {
    Scanner::new(frame::front)
}
