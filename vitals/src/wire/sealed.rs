//! What the service signs with its own key: a document as the bytes that were signed, so that nobody has to write it anew to
//! check it.
//!
//! Invariant: what is signed says what it is for, so that a signature made for one use is worth nothing for another.

use crate::hex;
use serde::{Deserialize, Serialize};

/// What the service signs. The names are part of what is signed and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedFor {
    /// The heartbeat in every answer to a hello.
    Heartbeat,
    /// The daily root over the heads of all chains.
    Root,
    /// The statement of what was taken out of the record, and why nothing of it can be read any more.
    Tombstone,
    /// What the service knew and did for one person between two times.
    Incident,
    /// Which key follows the one that signs: [`super::announced::NextKey`].
    NextKey,
    /// Which certificates the service shows: [`super::announced::Certificates`].
    Certificates,
}

impl SealedFor {
    fn prefix(self) -> &'static [u8] {
        match self {
            Self::Heartbeat => b"derwent-server-v1 heartbeat\n",
            Self::Root => b"derwent-server-v1 root\n",
            Self::Tombstone => b"derwent-server-v1 tombstone\n",
            Self::Incident => b"derwent-server-v1 incident\n",
            Self::NextKey => b"derwent-server-v1 next-key\n",
            Self::Certificates => b"derwent-server-v1 certificates\n",
        }
    }

    /// The bytes that are signed.
    ///
    /// ```
    /// use vitals::wire::sealed::SealedFor;
    /// assert_ne!(SealedFor::Heartbeat.to_sign(b"{}"), SealedFor::Root.to_sign(b"{}"));
    /// ```
    #[must_use]
    pub fn to_sign(self, document: &[u8]) -> Vec<u8> {
        [self.prefix(), document].concat()
    }
}

/// A document with the service's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which key signed it ([`key_id`]).
    pub key: String,
    /// The document's bytes in base64.
    pub document: String,
    /// The Ed25519 signature over [`SealedFor::to_sign`], in base64.
    pub signature: String,
}

/// The name of a server's key: `sk-` and eight bytes of BLAKE3 over the public key. It says which key to check with and
/// proves nothing.
///
/// ```
/// let id = vitals::wire::sealed::key_id(&[7; 32]);
/// assert_eq!((id.starts_with("sk-"), id.len()), (true, 19));
/// ```
#[must_use]
pub fn key_id(public: &[u8; 32]) -> String {
    let mut id = [0; 8];
    let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 server key id");
    hasher.update(public);
    hasher.finalize_xof().fill(&mut id);
    format!("sk-{}", hex::encode(&id))
}
