//! A hub's signature, verified: RFC 9421 with Ed25519, over what `vitals::wire::signing` names.
//!
//! Invariants: exactly the agreed components, in their order; exactly the agreed parameters and no other; one header of
//! each kind, in the one spelling that RFC 9421 writes; the digest is that of the bytes as they came.
//!
//! There is one form and no other, so it is matched rather than parsed. The tests hold it to the `httpsig` crate, which
//! reads every form there is.

use crate::access::{HubRegistry, VerifiedHub};
use actix_web::{dev::RequestHead, http::header::HeaderMap};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use vitals::{
    ErrorCode, HubId,
    wire::signing::{COMPONENTS, EMPTY_QUERY, LABEL, RequestNumber, TAG},
};

/// Longest signature header we read.
const HEADER_BYTES_MAX: usize = 1024;

/// Room for a usual signature base; a longer one grows.
const BASE_BYTES: usize = 640;

/// Most digits of `created`: an Integer of RFC 9651 has no more.
const CREATED_DIGITS_MAX: usize = 15;

/// How Signature-Input begins after the label: the components, then the first parameter.
static COVERED: LazyLock<String> = LazyLock::new(|| format!("(\"{}\");created=", COMPONENTS.join("\" \"")));

/// A request whose signature was verified; its body is not yet, see [`Signed::covers`].
#[derive(Debug)]
pub struct Signed {
    pub(super) hub: VerifiedHub,
    pub(super) number: RequestNumber,
    pub(super) digest: String,
}

impl Signed {
    /// The hub whose signature it is.
    #[must_use]
    pub fn hub(&self) -> &VerifiedHub {
        &self.hub
    }

    /// Whether a body is the one that was signed.
    ///
    /// # Errors
    /// [`ErrorCode::DigestMismatch`] where it is another.
    pub fn covers(&self, body: &[u8]) -> Result<(), ErrorCode> {
        if self.digest == digest_of(body) { Ok(()) } else { Err(ErrorCode::DigestMismatch) }
    }
}

/// Verifies a request's signature, which covers its head and the digest of its body, with the hub's keys that count at a
/// moment.
///
/// # Errors
/// The code of the first thing that is wrong.
pub fn verify(head: &RequestHead, hubs: &HubRegistry, at: DateTime<Utc>) -> Result<Signed, ErrorCode> {
    let signature = one(&head.headers, "signature", ErrorCode::SignatureMissing)?;
    let input = one(&head.headers, "signature-input", ErrorCode::SignatureMissing)?;
    let digest = one(&head.headers, "content-digest", ErrorCode::DigestMissing)?;
    // By another algorithm we cannot tell whether a body was damaged: sending it again would not help.
    if !digest.starts_with("sha-256=:") {
        return Err(ErrorCode::DigestMissing);
    }
    let malformed = ErrorCode::SignatureMalformed;
    let Input { number, hub, params } = Input::read(input).ok_or(malformed)?;
    let signature = bytes_of(signature).ok_or(malformed)?;
    let base = base(head, params)?;
    let known = hubs.known(&hub).ok_or(ErrorCode::HubUnknown)?;
    let hub = known.verify(base.as_bytes(), &signature, at)?;
    Ok(Signed { hub, number, digest: digest.to_owned() })
}

/// What Signature-Input says.
struct Input<'a> {
    number: RequestNumber,
    hub: HubId,
    /// All of it after the label, as it was signed.
    params: &'a str,
}

impl<'a> Input<'a> {
    /// Reads the one form: the agreed components, `created`, `nonce`, `keyid` and `tag`, in this order.
    fn read(input: &'a str) -> Option<Self> {
        let params = after_label(input)?;
        let (created, rest) = params.strip_prefix(COVERED.as_str())?.split_once(";nonce=\"")?;
        let (nonce, rest) = rest.split_once("\";keyid=\"")?;
        let (keyid, rest) = rest.split_once("\";tag=\"")?;
        let is_whole = created.len() <= CREATED_DIGITS_MAX && is_number(created) && rest.strip_suffix('"') == Some(TAG);
        let (number, hub) = (RequestNumber::parse(nonce).ok()?, HubId::parse(keyid).ok()?);
        is_whole.then_some(Self { number, hub, params })
    }
}

/// The rest of a header's value that begins with our label.
fn after_label(value: &str) -> Option<&str> {
    value.strip_prefix(LABEL)?.strip_prefix('=')
}

/// Whether a text is a whole number in its one spelling.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

/// The bytes of the Signature header.
fn bytes_of(signature: &str) -> Option<Vec<u8>> {
    let text = after_label(signature)?.strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(text).ok()
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

/// The signature base (RFC 9421, section 2.5), from the request as it came.
fn base(head: &RequestHead, params: &str) -> Result<String, ErrorCode> {
    let mut base = String::with_capacity(BASE_BYTES);
    for component in COMPONENTS {
        let value = match component {
            "@method" => head.method.as_str(),
            "@path" => head.uri.path(),
            // A query that is not there counts as empty, and the mark before it belongs to the component.
            "@query" => head.uri.query().unwrap_or_default(),
            field => one(&head.headers, field, ErrorCode::SignatureMalformed)?,
        };
        let before = if component == "@query" { EMPTY_QUERY } else { "" };
        base.extend(["\"", component, "\": ", before, value, "\n"]);
    }
    base.extend(["\"@signature-params\": ", params]);
    Ok(base)
}

#[cfg(test)]
mod tests;
