//! A hub's signature, verified: RFC 9421 with Ed25519, over what `vitals::wire::signing` names. The one module that
//! touches the `httpsig` crate on the service's side.
//!
//! Invariants: exactly the agreed components, in their order; exactly the agreed parameters and no other; one header of
//! each kind; the digest is that of the bytes as they came.

use crate::access::{HubRegistry, VerifiedHub};
use actix_web::{dev::RequestHead, http::header::HeaderMap};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, PublicKey,
    message_component::{HttpMessageComponent, HttpMessageComponentId},
};
use sha2::{Digest, Sha256};
use vitals::{
    ErrorCode, HubId,
    wire::signing::{COMPONENTS, EMPTY_QUERY, LABEL, RequestNumber, TAG},
};

/// Longest signature header we parse.
const HEADER_BYTES_MAX: usize = 1024;

/// A request whose signature was verified; its body is not yet, see [`Signed::covers`].
pub(super) struct Signed {
    pub(super) hub: VerifiedHub,
    pub(super) number: RequestNumber,
    pub(super) digest: String,
}

impl Signed {
    /// Whether a body is the one that was signed.
    ///
    /// # Errors
    /// [`ErrorCode::DigestMismatch`] where it is another.
    pub(super) fn covers(&self, body: &[u8]) -> Result<(), ErrorCode> {
        if self.digest == digest_of(body) { Ok(()) } else { Err(ErrorCode::DigestMismatch) }
    }
}

/// Verifies a request's signature, which covers its head and the digest of its body.
///
/// # Errors
/// The code of the first thing that is wrong.
pub(super) fn verify(head: &RequestHead, hubs: &HubRegistry) -> Result<Signed, ErrorCode> {
    let signature = one(&head.headers, "signature", ErrorCode::SignatureMissing)?;
    let input = one(&head.headers, "signature-input", ErrorCode::SignatureMissing)?;
    let digest = one(&head.headers, "content-digest", ErrorCode::DigestMissing)?;
    // By another algorithm we cannot tell whether a body was damaged: sending it again would not help.
    if !digest.starts_with("sha-256=:") {
        return Err(ErrorCode::DigestMissing);
    }
    let malformed = ErrorCode::SignatureMalformed;
    let mut labelled = HttpSignatureHeaders::try_parse(signature, input).map_err(|_cause| malformed)?;
    let signed = labelled.swap_remove(LABEL).filter(|_| labelled.is_empty()).ok_or(malformed)?;
    let params = signed.signature_params();
    // What was signed is rebuilt from what was parsed; anything that parsing left out or reordered was not agreed.
    if input != signed.signature_input_header_value() {
        return Err(malformed);
    }
    let is_agreed = params.tag.as_deref() == Some(TAG)
        && params.created.is_some()
        && params.expires.is_none()
        && params.alg.is_none();
    if !is_agreed {
        return Err(malformed);
    }
    let lines = lines(head)?;
    if !params.covered_components.iter().eq(lines.iter().map(|line| &line.id)) {
        return Err(malformed);
    }
    let number = params.nonce.as_deref().and_then(|nonce| RequestNumber::parse(nonce).ok()).ok_or(malformed)?;
    let hub = params.keyid.as_deref().and_then(|keyid| HubId::parse(keyid).ok()).ok_or(malformed)?;
    let key = hubs.public_key(&hub).ok_or(ErrorCode::HubUnknown)?;
    let key = PublicKey::from_bytes(&AlgorithmName::Ed25519, key).map_err(|_cause| ErrorCode::HubUnknown)?;
    let base = HttpSignatureBase::try_new(&lines, params).map_err(|_cause| malformed)?;
    base.verify_signature_headers(&key, &signed).map_err(|_cause| ErrorCode::SignatureInvalid)?;
    let hub = hubs.verified(&hub).ok_or(ErrorCode::HubUnknown)?;
    Ok(Signed { hub, number, digest: digest.to_owned() })
}

/// The Content-Digest of some bytes (RFC 9530).
fn digest_of(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

/// The value of a header that must be there once.
fn one<'a>(headers: &'a HeaderMap, name: &str, missing: ErrorCode) -> Result<&'a str, ErrorCode> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (Some(value), None) if value.len() <= HEADER_BYTES_MAX => {
            value.to_str().map_err(|_not_text| ErrorCode::SignatureMalformed)
        }
        (None, _) => Err(missing),
        (Some(_), _) => Err(ErrorCode::SignatureMalformed),
    }
}

/// The lines of the signature base, from the request as it came.
fn lines(head: &RequestHead) -> Result<Vec<HttpMessageComponent>, ErrorCode> {
    COMPONENTS
        .iter()
        .map(|component| {
            let value = match *component {
                "@method" => head.method.as_str().to_owned(),
                "@path" => head.uri.path().to_owned(),
                "@query" => head.uri.query().map_or_else(|| EMPTY_QUERY.to_owned(), |query| format!("?{query}")),
                field => one(&head.headers, field, ErrorCode::SignatureMalformed)?.to_owned(),
            };
            let id = HttpMessageComponentId::try_from(format!("\"{component}\"").as_str())
                .map_err(|_cause| ErrorCode::Internal)?;
            HttpMessageComponent::try_from((&id, [value].as_slice())).map_err(|_cause| ErrorCode::SignatureMalformed)
        })
        .collect()
}
