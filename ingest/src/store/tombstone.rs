//! What stands in place of a record that was taken out: who wanted it, on what ground, when and how much; signed.
//!
//! Invariants: nothing here tells of the person; what it covers is named by a hash over the places and the keyed hashes of
//! the entries, so that whoever takes out one more, or puts one back, is found.

use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use register::Ground;
use serde::{Deserialize, Serialize};
use vitals::{hex, id::StaffId, wire::sealed::SealedFor};

vitals::named! {
    /// How a record ended.
    Ended {
        /// Before its time: two people agreed.
        Erased = "erased",
        /// At the end of the time for which it must be kept.
        Disposed = "disposed",
    }
}

/// What was taken out of the record. The words of its JSON never change their meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// How: the word of [`Ended`].
    pub how: Ended,
    /// When.
    pub at: DateTime<Utc>,
    /// On what ground it was erased; none where its time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<StaffId>,
    /// Who agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<StaffId>,
    /// How many entries of the record were emptied.
    pub entries: u64,
    /// How many entries of others named the person, or held something of theirs.
    pub others: u64,
    /// The head of the record's chain before this, in hexadecimal.
    pub head: String,
    /// The hash over the places and contents of those entries, in hexadecimal.
    pub covered: String,
    /// Alerts, notifications and things of the register that were emptied.
    pub alerts: u64,
    /// See [`Self::alerts`].
    pub notifications: u64,
    /// See [`Self::alerts`].
    pub items: u64,
    /// How many refused readings of each hub, by its number in the store, were emptied.
    pub refusals: Vec<(u32, u64)>,
    /// Numbers by which its readings were known, so that none is taken in again: how many, and their keyed sum.
    pub records: (u64, u64),
}

/// A statement with the service's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tombstone {
    /// What it states.
    pub statement: Statement,
    /// The public half of the key that signed it, in hexadecimal.
    pub key: String,
    /// The signature over the statement's JSON, in hexadecimal, with [`SealedFor::Tombstone`] before it.
    pub signature: String,
}

impl Tombstone {
    /// Whether the signature fits the key that is named. Whether that key is the service's, the reader must know.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        let Ok(document) = serde_json::to_vec(&self.statement) else { return false };
        let (Ok(key), Ok(signature)) = (hex::decode_array(&self.key), hex::decode_array(&self.signature)) else {
            return false;
        };
        let bytes = SealedFor::Tombstone.to_sign(&document);
        VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify_strict(&bytes, &Signature::from_bytes(&signature)).is_ok())
    }
}
