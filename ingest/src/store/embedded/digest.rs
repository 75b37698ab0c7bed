//! Keyed digests: the checksum on every safety-bearing row, and the links of the chains.
//!
//! Invariants: every part is hashed with its length, so no two lists of parts run together; the two uses have keys of
//! their own; without the key nobody can make a row or a chain that passes.

use chrono::{DateTime, Utc};
use std::fmt;

/// The secret keys of one store. Lose them and nothing in it can be believed; back them up too, but not beside the store's own backups.
#[derive(Clone)]
pub struct StoreKeys {
    /// Keys the chains of entries; the key of the row checksums is derived from it.
    pub chain: [u8; 32],
}

/// Debug shows no key.
impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKeys(..)")
    }
}

/// Sixteen bytes of keyed BLAKE3: 2^64 tries for a forgery by chance, and a quarter of a small row.
pub(super) type Digest = [u8; 16];

/// One part of what is hashed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Nothing,
    Number(i64),
    Bytes(&'a [u8]),
}

impl From<i64> for Part<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a [u8]> for Part<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Part<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T: Into<Part<'a>>> From<Option<T>> for Part<'a> {
    fn from(part: Option<T>) -> Self {
        part.map_or(Part::Nothing, Into::into)
    }
}

/// An entry's body, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Content(pub(super) [u8; 32]);

/// The keys in use.
pub(super) struct Keys {
    chain: [u8; 32],
    rows: [u8; 32],
    entries: [u8; 32],
    records: [u8; 32],
    sums: [u8; 32],
}

impl Keys {
    pub(super) fn new(keys: &StoreKeys) -> Self {
        let derived = |context| blake3::derive_key(context, &keys.chain);
        Self {
            chain: derived("derwent 2026 store chain"),
            rows: derived("derwent 2026 store row checksum"),
            entries: derived("derwent 2026 store entry checksum"),
            records: derived("derwent 2026 store record checksum"),
            sums: derived("derwent 2026 store inspection sums"),
        }
    }

    /// The checksum of a row's content; `table` keeps a row of one table from standing in another.
    pub(super) fn row(&self, table: &str, parts: &[Part<'_>]) -> Digest {
        keyed(&self.rows, table, parts)
    }

    /// The checksum of a row of `record`.
    pub(super) fn record(&self, no: u32, body: &[u8]) -> Digest {
        let content = blake3::keyed_hash(&self.records, body);
        short(&self.records, &[&no.to_le_bytes(), content.as_bytes()])
    }

    /// Where a chain starts: each subject's at a place of its own, so that no one's chain can stand for another's. The name of
    /// somebody who was erased holds where theirs started.
    pub(super) fn chain_start(&self, class: i64, name: &str) -> Digest {
        if let Some(start) = erased_start(name) {
            return start;
        }
        keyed(&self.chain, "start", &[class.into(), name.into()])
    }

    /// What stands in place of a name that was erased: whoever has the key can tell whether it was this one, and nobody can
    /// read from it which.
    pub(super) fn erased_name(&self, class: i64, name: &str) -> String {
        let start = self.chain_start(class, name);
        let letters = start.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(|half| char::from(b'a' + half));
        ERASED.chars().chain(letters).collect()
    }

    /// What head and checksum of an entry cover of its body.
    pub(super) fn content(&self, body: &[u8]) -> Content {
        Content(*blake3::keyed_hash(&self.chain, body).as_bytes())
    }

    /// The head of a chain after one more entry.
    pub(super) fn head(&self, before: &Digest, content: &Content) -> Digest {
        short(&self.chain, &[before, &content.0])
    }

    /// The checksum of an entry. Eight bytes: its head holds sixteen more, and nobody can try without the key.
    pub(super) fn entry(&self, seq: u64, subject: u32, head: &Digest, content: &Content) -> [u8; 8] {
        let sum = short(&self.entries, &[&seq.to_le_bytes(), &subject.to_le_bytes(), head, &content.0]);
        sum.first_chunk().copied().unwrap_or_default()
    }

    /// A part of a sum over a set: whoever has not the key cannot make another set of the same sum.
    pub(super) fn part(&self, parts: [u64; 3]) -> u64 {
        let [one, two, three] = parts.map(u64::to_le_bytes);
        let hash = blake3::keyed_hash(&self.sums, [one, two, three].as_flattened());
        hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// A mark kept in the store, to know at the next start that the keys are the same.
    pub(super) fn mark(&self) -> Digest {
        keyed(&self.rows, "these keys", &[])
    }
}

/// How the name of somebody who was erased begins. It is an id of its kind, so that it is read like one.
const ERASED: &str = "pt-erased-";

/// Where the chain of a name that was erased started; none for any other name.
pub(super) fn erased_start(name: &str) -> Option<Digest> {
    let letters = name.strip_prefix(ERASED)?.as_bytes();
    let mut start = Digest::default();
    if letters.len() != 2 * start.len() {
        return None;
    }
    let half = |letter: u8| letter.checked_sub(b'a').filter(|half| *half < 16);
    for (byte, pair) in start.iter_mut().zip(letters.chunks_exact(2)) {
        let (Some(high), Some(low)) = (half(*pair.first()?), half(*pair.last()?)) else { return None };
        *byte = high << 4 | low;
    }
    Some(start)
}

/// The keyed hash of parts of fixed lengths, less than a block of BLAKE3 where they are short.
fn short(key: &[u8; 32], parts: &[&[u8]]) -> Digest {
    let mut bytes = [0; 128];
    let mut length = 0;
    for part in parts {
        if let Some(room) = bytes.get_mut(length..length + part.len()) {
            room.copy_from_slice(part);
        }
        length += part.len();
    }
    let hash = blake3::keyed_hash(key, bytes.get(..length).unwrap_or(&bytes));
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn keyed(key: &[u8; 32], what: &str, parts: &[Part<'_>]) -> Digest {
    let mut hasher = blake3::Hasher::new_keyed(key);
    let mut part = |tag: u8, bytes: &[u8]| {
        hasher.update(&[tag]);
        hasher.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(bytes);
    };
    part(0, what.as_bytes());
    for one in parts {
        match one {
            Part::Nothing => part(1, &[]),
            Part::Number(number) => part(2, &number.to_le_bytes()),
            Part::Bytes(bytes) => part(3, bytes),
        }
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// A moment as the store keeps it: microseconds since 1970, UTC.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}
