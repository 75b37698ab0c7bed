//! Nonin oximeters: live packets (data formats 2 and 7), one record a second (8), and spot checks (13).

mod packet;
mod second;
mod spot_check;
mod spot_check_dialogue;

pub use packet::{NoninPacket, PACKET_BYTES, PacketFormat, Perfusion, decode as decode_packet, shown_frames};
pub use second::{NoninSecond, SECOND_BYTES, decode as decode_second};
pub use spot_check::{ACKNOWLEDGED, NOT_SUPPORTED, NoninSpotCheck, decode as decode_spot_check};

use super::{
    Framer,
    framer::{Scanner, marked_front},
    listen::{Ear, Listener},
};
use crate::FrameKind;
pub(crate) use spot_check::bcd_time;
pub(super) use spot_check_dialogue::SpotCheckDialogue;

pub(super) const MAKER: &str = "Nonin";

/// The command that chooses a data format, which the oximeter then keeps.
///
/// Source: Nonin 6470-000-01, "Selecting the Data Format".
#[must_use]
pub fn choose_format(format: u8) -> [u8; 6] {
    [0x02, 0x70, 0x02, 0x02, format, 0x03]
}

/// The question for the oximeter's clock.
///
/// Source: Nonin 6470-000-01, "Retrieving Time from the 9560".
pub const ASK_CLOCK: [u8; 4] = [0x02, 0x72, 0x00, 0x03];

/// Cuts a stream into packets of format 2 or 7.
#[must_use]
pub fn packet_framer(format: PacketFormat) -> impl Framer {
    Scanner::new(packet::PacketMarks(format))
}

/// Cuts a stream into seconds of format 8.
#[must_use]
pub fn second_framer() -> impl Framer {
    Scanner::new(|bytes: &[u8]| marked_front(bytes, SECOND_BYTES))
}

/// Cuts a stream into spot checks of format 13; what the oximeter answers about its clock is a record too.
#[must_use]
pub fn spot_check_framer() -> impl Framer {
    Scanner::new(spot_check::front)
}

/// Listens to packets. A 9560 that is silent may be in another format, so it is asked for this one.
pub(super) fn packet_dialogue(format: PacketFormat) -> Listener<impl Framer> {
    let (kind, number) = match format {
        PacketFormat::Df2 => (FrameKind::NoninDf2, 2),
        PacketFormat::Df7 => (FrameKind::NoninDf7, 7),
    };
    Listener::new(packet_framer(format), ear(kind, number))
}

/// Listens to seconds.
pub(super) fn second_dialogue() -> Listener<impl Framer> {
    Listener::new(second_framer(), ear(FrameKind::NoninDf8, 8))
}

fn ear(kind: FrameKind, format: u8) -> Ear {
    let ask = choose_format(format).to_vec();
    Ear { kind, maker: MAKER, serial: |_| None, clock: |_| None, tell: |_| None, ask: Some(ask) }
}
