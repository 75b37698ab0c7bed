//! Staff at the pages and the interface: whether a request is really theirs.

use super::Shared;
use crate::access::Access;
use actix_web::{dev::RequestHead, http::header};
use vitals::ErrorCode;

/// Whether a change was asked for from our own pages, or from no page at all.
///
/// # Errors
/// [`ErrorCode::FormExpired`] where a browser says that another site asked for it.
pub(crate) fn comes_from_our_pages(head: &RequestHead) -> Result<(), ErrorCode> {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_same_site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let host = text("host");
    let is_same_origin = text("origin")
        .is_none_or(|origin| host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, rest)| rest == host)));
    if is_same_site && is_same_origin { Ok(()) } else { Err(ErrorCode::FormExpired) }
}

/// The token of a signed-in person's forms: another site cannot know it.
pub(crate) fn form_token(shared: &Shared, access: &Access) -> String {
    let who = access.actor().map_or("", |actor| actor.id.as_str());
    blake3::keyed_hash(&shared.form_key, who.as_bytes()).to_hex().to_string()
}

/// Whether a form's token is the one it was given.
///
/// # Errors
/// [`ErrorCode::FormExpired`] where it is not.
pub(crate) fn token_is_ours(shared: &Shared, access: &Access, token: &str) -> Result<(), ErrorCode> {
    // blake3::Hash compares in constant time.
    let expected = blake3::Hash::from_hex(form_token(shared, access)).ok();
    let given = blake3::Hash::from_hex(token).ok();
    if given.is_some() && given == expected { Ok(()) } else { Err(ErrorCode::FormExpired) }
}

/// Whether a request names this machine itself.
pub(crate) fn host_is_this_machine(head: &RequestHead) -> bool {
    let host = head.headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}
