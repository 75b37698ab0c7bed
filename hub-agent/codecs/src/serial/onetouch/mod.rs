//! LifeScan OneTouch meters: the Ultra 2, which speaks in lines, and the UltraEasy, which speaks in packets.

mod ultra2;
mod ultra2_dialogue;
mod ultraeasy;
mod ultraeasy_dialogue;

pub use ultra2::{
    Meal, Ultra2Header, Ultra2Record, decode as decode_ultra2, decode_clock as decode_ultra2_clock,
    decode_header as decode_ultra2_header, decode_line,
};
pub use ultraeasy::{Link, LinkPacket, UltraEasyRecord, decode as decode_ultraeasy, decode_packet, encode_packet};

use super::{Framer, framer::Scanner};
pub(super) use ultra2_dialogue::Ultra2Dialogue;
pub(super) use ultraeasy_dialogue::UltraEasyDialogue;

const MAKER: &str = "LifeScan";

/// Cuts a stream into the lines of an Ultra 2.
#[must_use]
pub fn ultra2_framer() -> impl Framer {
    Scanner::new(ultra2::front)
}

/// Cuts a stream into the packets of an UltraEasy.
#[must_use]
pub fn ultraeasy_framer() -> impl Framer {
    Scanner::new(ultraeasy::front)
}
