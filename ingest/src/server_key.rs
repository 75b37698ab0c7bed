//! The key the service signs with: heartbeats that hubs check, and the daily root over all chains.
//!
//! Invariants: the secret is never shown and never leaves this module; a signature says what it is for
//! ([`SealedFor`]), so one made for one use is worth nothing for another; a key follows another only by that one's word
//! ([`Line`]).

mod line;

pub use line::{Line, NotALine};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signer as _, SigningKey};
use std::fmt;
use vitals::wire::{
    announced::{Certificates, Fingerprint, NextKey},
    sealed::{Sealed, SealedFor, key_id},
    v1,
};

/// The service's Ed25519 key, with the line of keys it stands in. Wiped from memory when it is dropped.
#[derive(Clone)]
pub struct ServerKey {
    key: SigningKey,
    id: String,
    line: Line,
}

impl ServerKey {
    /// The key of a 32-byte seed (RFC 8032, section 5.1.5).
    ///
    /// ```
    /// use ingest::server_key::ServerKey;
    /// let key = ServerKey::from_seed(&[7; 32]);
    /// assert_eq!(key.public(), ServerKey::from_seed(&[7; 32]).public());
    /// assert_eq!(format!("{key:?}"), format!("ServerKey({})", key.id()));
    /// ```
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = key_id(key.verifying_key().as_bytes());
        Self { key, id, line: Line::default() }
    }

    /// The same key in a line of keys.
    ///
    /// # Errors
    /// [`NotALine`] where it has no place in it.
    pub fn in_line(self, line: Line) -> Result<Self, NotALine> {
        if line.has_in_use(&self.public()) { Ok(Self { line, ..self }) } else { Err(NotALine) }
    }

    /// The line of keys it stands in: what hubs are told.
    #[must_use]
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The statement that another key follows this one.
    #[must_use]
    pub fn hand_over(&self, next: &Self, at: DateTime<Utc>) -> Sealed {
        let (key, next) = (STANDARD.encode(self.public()), STANDARD.encode(next.public()));
        self.seal_json(SealedFor::NextKey, &NextKey { made_at: v1::moment(at), key, next })
    }

    /// The statement which certificates the service shows.
    #[must_use]
    pub fn certificates(&self, in_use: &Fingerprint, next: Option<&Fingerprint>) -> Sealed {
        let document = Certificates { in_use: in_use.to_string(), next: next.map(ToString::to_string) };
        self.seal_json(SealedFor::Certificates, &document)
    }

    /// Texts of ours always have a JSON form.
    fn seal_json(&self, what: SealedFor, document: &impl serde::Serialize) -> Sealed {
        self.seal(what, &serde_json::to_vec(document).unwrap_or_default())
    }

    /// The public half: what hubs pin.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The key's name, as it stands beside its signatures.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A key for one other use, of which nobody can tell this one.
    #[must_use]
    pub fn derived(&self, context: &'static str) -> [u8; 32] {
        blake3::derive_key(context, self.key.as_bytes())
    }

    /// Signs a document for one use.
    #[must_use]
    pub fn sign(&self, what: SealedFor, document: &[u8]) -> [u8; 64] {
        self.key.sign(&what.to_sign(document)).to_bytes()
    }

    /// Signs a document and puts both into the form they travel in.
    #[must_use]
    pub fn seal(&self, what: SealedFor, document: &[u8]) -> Sealed {
        Sealed {
            key: self.id.clone(),
            document: STANDARD.encode(document),
            signature: STANDARD.encode(self.sign(what, document)),
        }
    }
}

/// Debug shows which key, and nothing of it.
impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signature, VerifyingKey};

    #[test]
    fn a_signature_fits_its_key_its_document_and_its_use_and_no_other() {
        let (key, other) = (ServerKey::from_seed(&[7; 32]), ServerKey::from_seed(&[8; 32]));
        let signature = Signature::from_bytes(&key.sign(SealedFor::Heartbeat, b"a document"));
        let fits = |key: &ServerKey, what: SealedFor, document: &[u8]| {
            let public = VerifyingKey::from_bytes(&key.public()).unwrap();
            public.verify_strict(&what.to_sign(document), &signature).is_ok()
        };
        assert!(fits(&key, SealedFor::Heartbeat, b"a document"));
        assert!(!fits(&key, SealedFor::Root, b"a document"));
        assert!(!fits(&key, SealedFor::Heartbeat, b"another document"));
        assert!(!fits(&other, SealedFor::Heartbeat, b"a document"));
    }
}
