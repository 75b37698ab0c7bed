//! Signs a hub's requests by RFC 9421; the one module that touches the `httpsig` crate.
//!
//! Invariants: exactly [`COMPONENTS`] are signed, in order; `created` comes from the injected clock; signing takes no
//! randomness (Ed25519 needs none, RFC 8032), so equal requests have equal signatures.

use chrono::{DateTime, Utc};
use httpsig::prelude::{
    AlgorithmName, HttpSigError, HttpSigResult, HttpSignatureBase, HttpSignatureParams, PublicKey, SecretKey,
    SigningKey, VerifyingKey,
    message_component::{HttpMessageComponent, HttpMessageComponentId},
};
use std::fmt;
use thiserror::Error;
use vitals::{
    HubId,
    wire::signing::{COMPONENTS, EMPTY_QUERY, LABEL, RequestNumber, TAG},
};

/// A request could not be signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The key is not an Ed25519 key.
    #[error("take the hub's key")]
    Key(#[source] HttpSigError),
    /// The request has a part that cannot be signed.
    #[error("sign a request")]
    Sign(#[source] HttpSigError),
}

/// The key a hub signs with.
#[derive(Clone)]
pub struct HubKey(SecretKey);

impl fmt::Debug for HubKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubKey(secret)")
    }
}

impl HubKey {
    /// The Ed25519 key of a 32-byte seed (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`SignError::Key`] where no key comes of it; cannot happen with Ed25519.
    pub fn from_seed(seed: [u8; 32]) -> Result<Self, SignError> {
        SecretKey::from_bytes(&AlgorithmName::Ed25519, &seed).map(Self).map_err(SignError::Key)
    }

    /// The public key: what the service must know of this hub.
    ///
    /// # Errors
    /// [`SignError::Key`] where the key is not an Ed25519 key; cannot happen.
    pub fn public_key(&self) -> Result<[u8; 32], SignError> {
        match self.0.public_key() {
            PublicKey::Ed25519(key) => Ok(*key),
            PublicKey::EcdsaP256Sha256(_) | PublicKey::EcdsaP384Sha384(_) => {
                Err(SignError::Key(HttpSigError::InvalidAlgorithmName("want ed25519".to_owned())))
            }
        }
    }
}

/// The crate's own signer adds noise from the operating system; ours is plain RFC 8032.
impl SigningKey for HubKey {
    fn sign(&self, data: &[u8]) -> HttpSigResult<Vec<u8>> {
        match &self.0 {
            SecretKey::Ed25519(key) => Ok(key.sign(data, None).to_vec()),
            SecretKey::EcdsaP256Sha256(_) | SecretKey::EcdsaP384Sha384(_) => {
                Err(HttpSigError::InvalidAlgorithmName("want ed25519".to_owned()))
            }
        }
    }

    fn key_id(&self) -> String {
        VerifyingKey::key_id(&self.0)
    }

    fn alg(&self) -> AlgorithmName {
        AlgorithmName::Ed25519
    }
}

/// What of a request is signed, as it is sent.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The method, for example `POST`.
    pub method: &'a str,
    /// The path without a query; requests with one are not made.
    pub path: &'a str,
    /// The Content-Type header.
    pub content_type: &'a str,
    /// The Content-Encoding header.
    pub content_encoding: &'a str,
    /// The Content-Digest header, over the bytes as sent.
    pub content_digest: &'a str,
}

/// The two headers that carry a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// The Signature-Input header.
    pub signature_input: String,
    /// The Signature header.
    pub signature: String,
}

/// The signature headers of a request.
///
/// # Errors
/// [`SignError::Sign`] where a part cannot be signed.
pub fn sign(
    request: Signed<'_>,
    hub: &HubId,
    number: RequestNumber,
    key: &HubKey,
    at: DateTime<Utc>,
) -> Result<SignatureHeaders, SignError> {
    let headers = base(request, hub, number, at)?.build_signature_headers(key, Some(LABEL)).map_err(SignError::Sign)?;
    Ok(SignatureHeaders {
        signature_input: headers.signature_input_header_value(),
        signature: headers.signature_header_value(),
    })
}

fn base(
    request: Signed<'_>,
    hub: &HubId,
    number: RequestNumber,
    at: DateTime<Utc>,
) -> Result<HttpSignatureBase, SignError> {
    let Signed { method, path, content_type, content_encoding, content_digest } = request;
    let values = [method, path, EMPTY_QUERY, content_type, content_encoding, content_digest];
    let lines: Vec<HttpMessageComponent> = COMPONENTS
        .iter()
        .zip(values)
        .map(|(component, value)| HttpMessageComponent::try_from(format!("\"{component}\": {value}").as_str()))
        .collect::<HttpSigResult<_>>()
        .map_err(SignError::Sign)?;
    let covered_components: Vec<HttpMessageComponentId> = lines.iter().map(|line| line.id.clone()).collect();
    // Not `HttpSignatureParams::try_new`, which reads the machine's clock. No `alg`: the key decides (RFC 9421, 7.3.6).
    let params = HttpSignatureParams {
        created: Some(u64::try_from(at.timestamp()).unwrap_or(0)),
        nonce: Some(number.to_string()),
        keyid: Some(hub.to_string()),
        tag: Some(TAG.to_owned()),
        covered_components,
        ..HttpSignatureParams::default()
    };
    HttpSignatureBase::try_new(&lines, &params).map_err(SignError::Sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use httpsig::prelude::HttpSignatureHeaders;

    const REQUEST: Signed<'_> = Signed {
        method: "POST",
        path: "/v1/batches",
        content_type: "application/json",
        content_encoding: "identity",
        content_digest: "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    };

    const BASE: &str = r#""@method": POST
"@path": /v1/batches
"@query": ?
"content-type": application/json
"content-encoding": identity
"content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
"@signature-params": ("@method" "@path" "@query" "content-type" "content-encoding" "content-digest");created=1780300800;nonce="3.42";keyid="hub-a";tag="derwent-hub-v1""#;

    fn parts() -> (HubId, RequestNumber, DateTime<Utc>) {
        (
            HubId::parse("hub-a").unwrap(),
            RequestNumber { epoch: 3, sequence: 42 },
            "2026-06-01T08:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn the_signature_base_is_rfc_9421_byte_for_byte() {
        let (hub, number, at) = parts();
        assert_eq!(base(REQUEST, &hub, number, at).unwrap().to_string(), BASE);
    }

    /// The key and public key of RFC 9421 appendix B.1.4; the receiver rebuilds the base from the headers alone.
    #[test]
    fn the_signature_verifies_with_the_public_key_and_with_no_other_request() {
        let (hub, number, at) = parts();
        let seed =
            vitals::hex::decode_array("9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5").unwrap();
        let public =
            vitals::hex::decode_array("26b40b8f93fff3d897112f7ebc582b232dbd72517d082fe83cfb30ddce43d1bb").unwrap();
        let key = HubKey::from_seed(seed).unwrap();
        assert_eq!(key.public_key().unwrap(), public);
        let headers = sign(REQUEST, &hub, number, &key, at).unwrap();
        assert_eq!(sign(REQUEST, &hub, number, &key, at).unwrap(), headers, "no randomness");
        assert!(headers.signature_input.starts_with("hub=(\"@method\""), "{headers:?}");

        let received = HttpSignatureHeaders::try_parse(&headers.signature, &headers.signature_input).unwrap();
        let received = received.get(LABEL).unwrap();
        let verifier = PublicKey::from_bytes(&AlgorithmName::Ed25519, &public).unwrap();
        let check = |request: Signed<'_>| {
            base(request, &hub, number, at).unwrap().verify_signature_headers(&verifier, received)
        };
        assert!(check(REQUEST).is_ok());
        assert!(check(Signed { path: "/v1/hello", ..REQUEST }).is_err());
        assert!(check(Signed { content_digest: "sha-256=:AAAA:", ..REQUEST }).is_err());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", HubKey::from_seed([7; 32]).unwrap()), "HubKey(secret)");
    }
}
