//! The signature of a request, written from RFC 9421 by hand: neither the hub's signer nor the service's verifier has a
//! part in it, so that a mistake they share is seen.

use super::Call;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use httpsig::prelude::{HttpSigError, SigningKey};
use hub_agent::uplink::sign::{HubKey, SignError};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use vitals::wire::{
    signing::{COMPONENTS, LABEL, RequestNumber, TAG},
    v1,
};

/// What is signed and how it is said; every part may be changed before [`Seal::put_on`].
#[derive(Debug, Clone)]
pub struct Seal {
    /// The label.
    pub label: String,
    /// The components, each with its quotes.
    pub components: Vec<String>,
    /// The parameters in order, each as it stands in the header: `nonce` and `"1.1"`.
    pub params: Vec<(String, String)>,
}

impl Seal {
    /// The agreed form.
    #[must_use]
    pub fn new(keyid: &str, nonce: &str, created: DateTime<Utc>) -> Self {
        let text = |text: &str| format!("\"{text}\"");
        let params = [
            ("created", created.timestamp().to_string()),
            ("nonce", text(nonce)),
            ("keyid", text(keyid)),
            ("tag", text(TAG)),
        ];
        Self {
            label: LABEL.to_owned(),
            components: COMPONENTS.iter().map(|component| text(component)).collect(),
            params: params.map(|(name, value)| (name.to_owned(), value)).into(),
        }
    }

    /// With another value for a parameter; one that is not there comes after `nonce`, where RFC 9421's own examples and
    /// the crate we use have `alg`.
    #[must_use]
    pub fn param(mut self, name: &str, value: &str) -> Self {
        match self.params.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.params.insert(self.params.len().min(2), (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Without a parameter.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.params.retain(|(known, _)| known != name);
        self
    }

    /// The value of Signature-Input, without the label.
    #[must_use]
    pub fn input(&self) -> String {
        let params: String = self.params.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("({}){params}", self.components.join(" "))
    }

    /// The signature base of a call (RFC 9421, section 2.5).
    #[must_use]
    pub fn base(&self, call: &Call) -> String {
        let (path, query) = call.target.split_once('?').unwrap_or((&call.target, ""));
        let line = |component: &String| {
            let name = component.split('"').nth(1).unwrap_or_default();
            let value = match name {
                "@method" => call.method.clone(),
                "@path" => path.to_owned(),
                "@query" => format!("?{query}"),
                field => call.header(field).unwrap_or_default().to_owned(),
            };
            format!("{component}: {value}\n")
        };
        let lines: String = self.components.iter().map(line).collect();
        format!("{lines}\"@signature-params\": {}", self.input())
    }

    /// Signs a call and adds the two headers.
    ///
    /// # Errors
    /// Where the key cannot sign; cannot happen with Ed25519.
    pub fn put_on(&self, call: Call, key: &HubKey) -> Result<Call, HttpSigError> {
        let signature = STANDARD.encode(key.sign(self.base(&call).as_bytes())?);
        let input = format!("{}={}", self.label, self.input());
        Ok(call.with("signature-input", &input).with("signature", &format!("{}=:{signature}:", self.label)))
    }
}

/// A hub with its key, that numbers its requests.
#[derive(Debug)]
pub struct TestHub {
    name: String,
    key: HubKey,
    epoch: AtomicU32,
    sequence: AtomicU64,
}

impl TestHub {
    /// A hub whose key comes from a seed.
    ///
    /// # Errors
    /// Where no key comes of the seed; cannot happen with Ed25519.
    pub fn new(name: &str, seed: [u8; 32]) -> Result<Self, SignError> {
        Ok(Self {
            name: name.to_owned(),
            key: HubKey::from_seed(seed)?,
            epoch: AtomicU32::new(1),
            sequence: AtomicU64::new(0),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> &HubKey {
        &self.key
    }

    /// The next request's number.
    pub fn next_number(&self) -> RequestNumber {
        RequestNumber {
            epoch: self.epoch.load(Ordering::Relaxed),
            sequence: 1 + self.sequence.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// The agreed seal with the next number.
    #[must_use]
    pub fn seal(&self, at: DateTime<Utc>) -> Seal {
        Seal::new(&self.name, &self.next_number().to_string(), at)
    }

    /// A request with a body and all its headers but the signature.
    #[must_use]
    pub fn unsigned(body: impl Into<Vec<u8>>) -> Call {
        Self::unsigned_to(v1::BATCHES_PATH, "identity", body)
    }

    /// As [`TestHub::unsigned`], to another path and in another encoding; the body is sent as it is given.
    #[must_use]
    pub fn unsigned_to(path: &str, encoding: &str, body: impl Into<Vec<u8>>) -> Call {
        let body = body.into();
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
        Call::new("POST", path)
            .with("content-type", "application/json")
            .with("content-encoding", encoding)
            .with("content-digest", &digest)
            .body(body)
    }

    /// A signed request to a path, in an encoding, under the next number.
    ///
    /// # Errors
    /// Where the key cannot sign; cannot happen with Ed25519.
    pub fn signed_to(
        &self,
        path: &str,
        encoding: &str,
        body: impl Into<Vec<u8>>,
        at: DateTime<Utc>,
    ) -> Result<Call, HttpSigError> {
        self.seal(at).put_on(Self::unsigned_to(path, encoding, body), &self.key)
    }

    /// A signed request with a body, under the next number.
    ///
    /// # Errors
    /// Where the key cannot sign; cannot happen with Ed25519.
    pub fn signed(&self, body: impl Into<Vec<u8>>, at: DateTime<Utc>) -> Result<Call, HttpSigError> {
        self.seal(at).put_on(Self::unsigned(body), &self.key)
    }
}

/// The body of a batch in the live lane, of readings in whatever form.
#[must_use]
pub fn batch(readings: &[serde_json::Value], at: DateTime<Utc>) -> String {
    serde_json::json!({ "made_at": v1::moment(at), "lane": "live", "readings": readings }).to_string()
}
