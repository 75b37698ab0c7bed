//! Cuts a stream of bytes into whole records, and says what it could not use.
//!
//! Invariants: bytes in = bytes in records + bytes dropped + bytes still held; nothing is dropped in silence; no more
//! than one frame's worth of bytes is ever held; a flood of garbage costs time in proportion to its length.

use vitals::reading::FRAME_BYTES_MAX;

/// Finds whole records in what a line brings, however it was split.
pub trait Framer: Send {
    /// Takes the next bytes of the line and gives the records they complete, and what was dropped between.
    fn push(&mut self, bytes: &[u8]) -> Vec<Framed>;

    /// How many bytes are held because they may become a record: never more than a frame may have.
    fn held_bytes(&self) -> usize;

    /// Gives up on the bytes held: nothing more of them will come.
    fn give_up(&mut self) -> Option<Framed>;
}

/// What a framer found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framed {
    /// One whole record, as it came.
    Record(Vec<u8>),
    /// Bytes that are no record.
    Dropped {
        /// How many.
        bytes: usize,
        /// Why.
        why: Dropped,
    },
}

/// Why bytes of a line were not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dropped {
    /// White space or padding that the protocol allows between records.
    Between,
    /// The protocol's own talk that carries no reading, for example an echo or a header.
    Talk,
    /// Bytes from which no record of the protocol begins: noise, another protocol, or the rest of a record whose
    /// beginning was lost.
    OutOfStep,
    /// A record that broke off: the next began before it was whole, or nothing more came.
    CutShort,
    /// A record whose checksum is not that of its bytes.
    ChecksumWrong,
    /// A record that had no end within the size a frame may have.
    TooLong,
}

impl Dropped {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Between, Self::Talk, Self::OutOfStep, Self::CutShort, Self::ChecksumWrong, Self::TooLong];

    /// The stable name, as in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Between => "between",
            Self::Talk => "talk",
            Self::OutOfStep => "out_of_step",
            Self::CutShort => "cut_short",
            Self::ChecksumWrong => "checksum_wrong",
            Self::TooLong => "too_long",
        }
    }

    /// Whether something was lost that may have been a reading; filler and talk never are.
    #[must_use]
    pub fn is_loss(self) -> bool {
        match self {
            Self::Between | Self::Talk => false,
            Self::OutOfStep | Self::CutShort | Self::ChecksumWrong | Self::TooLong => true,
        }
    }
}

/// What the bytes at the front of a line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// A whole record of this many bytes.
    Record(usize),
    /// The beginning of a record, perhaps: more bytes will tell.
    NotYet,
    /// No record begins before this many bytes, at least one.
    Drop(usize, Dropped),
}

/// How one protocol tells where its records begin and end. A pure look at bytes: it keeps nothing.
pub(crate) trait Marks: Send {
    /// What is at the front of bytes that are not empty.
    fn front(&self, bytes: &[u8]) -> Front;
}

impl<F: Fn(&[u8]) -> Front + Send> Marks for F {
    fn front(&self, bytes: &[u8]) -> Front {
        self(bytes)
    }
}

/// Records of a fixed length of which only the first byte has its highest bit set.
pub(crate) fn marked_front(bytes: &[u8], length: usize) -> Front {
    let is_mark = |byte: &u8| byte & 0x80 != 0;
    let lost = bytes.iter().take_while(|byte| !is_mark(byte)).count();
    if lost > 0 {
        return Front::Drop(lost, Dropped::OutOfStep);
    }
    match bytes.iter().skip(1).take(length - 1).position(is_mark) {
        Some(whole) => Front::Drop(whole + 1, Dropped::CutShort),
        None if bytes.len() >= length => Front::Record(length),
        None => Front::NotYet,
    }
}

/// The one framer: it holds bytes until its protocol's marks say what they are.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<M> {
    marks: M,
    held: Vec<u8>,
}

impl<M: Marks> Scanner<M> {
    pub(crate) fn new(marks: M) -> Self {
        Self { marks, held: Vec::new() }
    }

    /// Says what the held bytes are, as far as they tell.
    fn scan(&mut self, found: &mut Vec<Framed>) {
        let mut rest = self.held.as_slice();
        while !rest.is_empty() {
            match self.marks.front(rest) {
                Front::Record(length) => {
                    // A record longer than what is held cannot be: the marks only see what is held.
                    let (record, after) = rest.split_at_checked(length.max(1)).unwrap_or((rest, &[]));
                    found.push(Framed::Record(record.to_vec()));
                    rest = after;
                }
                Front::NotYet if rest.len() < FRAME_BYTES_MAX => break,
                Front::NotYet => {
                    drop_bytes(found, 1, Dropped::TooLong);
                    rest = rest.get(1..).unwrap_or_default();
                }
                Front::Drop(length, why) => {
                    let length = length.clamp(1, rest.len());
                    drop_bytes(found, length, why);
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        let used = self.held.len() - rest.len();
        self.held.drain(..used);
    }
}

/// Notes dropped bytes, joined to those just before where the reason is the same.
pub(crate) fn drop_bytes(found: &mut Vec<Framed>, length: usize, reason: Dropped) {
    match found.last_mut() {
        Some(Framed::Dropped { bytes, why }) if *why == reason => *bytes += length,
        _ => found.push(Framed::Dropped { bytes: length, why: reason }),
    }
}

impl<M: Marks> Framer for Scanner<M> {
    fn push(&mut self, bytes: &[u8]) -> Vec<Framed> {
        let mut found = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            // After each scan fewer than FRAME_BYTES_MAX bytes are held, so that there is always room.
            let room = FRAME_BYTES_MAX.saturating_sub(self.held.len()).max(1);
            let (piece, after) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            self.held.extend_from_slice(piece);
            self.scan(&mut found);
            rest = after;
        }
        found
    }

    fn held_bytes(&self) -> usize {
        self.held.len()
    }

    fn give_up(&mut self) -> Option<Framed> {
        let bytes = self.held.len();
        self.held.clear();
        (bytes > 0).then_some(Framed::Dropped { bytes, why: Dropped::CutShort })
    }
}
