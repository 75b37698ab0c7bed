//! Contec CMS50 oximeters, both generations: live, and what they recorded.

mod command;
mod v4;
mod v4_recorded;
mod v7;
mod v7_dialogue;

pub use command::{Command, shown_command as shown_v7_command};
pub use v4::{
    Cms50Live, Cms50Point, LIVE_BYTES as V4_LIVE_BYTES, POINT_BYTES as V4_POINT_BYTES, decode_live as decode_v4_live,
    decode_point as decode_v4_point, decode_points as decode_v4_points, shown_points as shown_v4_points,
};
pub use v7::{
    Cms50LivePacket, Cms50StoredPoint, PACKET_BYTES_MAX as V7_PACKET_BYTES_MAX, Packet, decode_live as decode_v7_live,
    decode_packet as decode_v7_packet, decode_stored as decode_v7_stored, shown_stored as shown_v7_stored,
};

use super::{
    Framer,
    dialogue::{Do, Hint},
    framer::{Scanner, marked_front},
    listen::{Ear, Listener},
};
use crate::FrameKind;
pub(super) use v4_recorded::RecordedV4;
pub(super) use v7_dialogue::{LiveV7, RecordedV7};

const MAKER: &str = "Contec";

/// Points or packets are handed over in pieces of at most this many bytes, always whole ones: what a frame may have,
/// rounded down to three.
const PIECE_BYTES_MAX: usize = 510;

/// Cuts a stream into live records of the older generation.
#[must_use]
pub fn v4_live_framer() -> impl Framer {
    Scanner::new(|bytes: &[u8]| marked_front(bytes, V4_LIVE_BYTES))
}

/// Cuts a stream into points of a recording of the older generation; the header before them is a record too.
#[must_use]
pub fn v4_recorded_framer() -> impl Framer {
    Scanner::new(v4::recorded_front)
}

/// Cuts a stream into packets of the newer generation.
#[must_use]
pub fn v7_framer() -> impl Framer {
    Scanner::new(v7::front)
}

/// Listens to an oximeter of the older generation.
pub(super) fn v4_live_dialogue() -> Listener<impl Framer> {
    let ear = Ear {
        kind: FrameKind::ContecV4Live,
        maker: MAKER,
        serial: |_| None,
        clock: |_| None,
        tell: |heard| is_newer(heard).then_some(Hint::Cms50IsNewer),
        ask: None,
    };
    Listener::new(v4_live_framer(), ear)
}

/// Whether what was heard are live packets of the newer generation: a low byte, then eight with their highest bit set.
fn is_newer(heard: &[u8]) -> bool {
    const PACKETS_ENOUGH: usize = 3;
    heard.windows(V7_PACKET_BYTES_MAX).filter(|window| decode_v7_live(window).is_ok()).count() >= PACKETS_ENOUGH
}

/// Whether what was heard are live records of the older generation: a byte with its highest bit set, then four without.
fn is_older(heard: &[u8]) -> bool {
    const RECORDS_ENOUGH: usize = 6;
    heard.windows(V4_LIVE_BYTES).filter(|window| decode_v4_live(window).is_ok()).count() >= RECORDS_ENOUGH
}

/// Gathers points or packets into pieces that a frame can hold.
#[derive(Debug, Default)]
struct Pieces {
    piece: Vec<u8>,
    /// How many points or packets were taken.
    taken: usize,
}

impl Pieces {
    /// Takes a point or a packet; gives the piece that it no longer fitted into.
    fn take(&mut self, bytes: &[u8], kind: FrameKind) -> Option<Do> {
        let full = if self.piece.len() + bytes.len() > PIECE_BYTES_MAX { self.last(kind) } else { None };
        self.piece.extend_from_slice(bytes);
        self.taken += 1;
        full
    }

    /// What is left.
    fn last(&mut self, kind: FrameKind) -> Option<Do> {
        let bytes = std::mem::take(&mut self.piece);
        (!bytes.is_empty()).then_some(Do::Record { kind, bytes })
    }
}
