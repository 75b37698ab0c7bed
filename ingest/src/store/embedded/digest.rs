//! Keyed digests: the checksum on every safety-bearing row, and the links of the chains.
//!
//! Invariants: every part is hashed with its length, so no two lists of parts run together; the two uses have keys of
//! their own; without the key nobody can make a row or a chain that passes.

use chrono::{DateTime, Utc};
use std::fmt;
use vitals::PatientId;

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

/// What one chain entry says, as far as its link covers it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) kind: &'a str,
    pub(super) what: &'a str,
    pub(super) hub: Option<&'a str>,
    pub(super) digest: &'a Digest,
    pub(super) at: i64,
}

/// The keys in use.
pub(super) struct Keys {
    chain: [u8; 32],
    rows: [u8; 32],
}

impl Keys {
    pub(super) fn new(keys: &StoreKeys) -> Self {
        Self { chain: keys.chain, rows: blake3::derive_key("derwent 2026 store row checksum", &keys.chain) }
    }

    /// The checksum of a row's content; `table` keeps a row of one table from standing in another.
    pub(super) fn row(&self, table: &str, parts: &[Part<'_>]) -> Digest {
        keyed(&self.rows, table, parts)
    }

    /// Where a chain starts: each person's at a place of their own, so that no one's chain can stand for another's.
    pub(super) fn chain_start(&self, patient: Option<&PatientId>) -> Digest {
        keyed(&self.chain, "start", &[patient.map(PatientId::as_str).into()])
    }

    /// The head after one more entry.
    pub(super) fn link(&self, previous: &Digest, link: &Link<'_>) -> Digest {
        let parts =
            [previous.into(), link.kind.into(), link.what.into(), link.digest.into(), link.at.into(), link.hub.into()];
        keyed(&self.chain, "entry", &parts)
    }

    /// A mark kept in the store, to know at the next start that the keys are the same.
    pub(super) fn mark(&self) -> Digest {
        keyed(&self.rows, "these keys", &[])
    }
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
