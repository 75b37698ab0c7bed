//! JSON from staff's programs: read within a size, answered so that no cache keeps it.

use super::{Refusal, body};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde::{Serialize, de::DeserializeOwned};
use vitals::ErrorCode;

/// Largest body: a person with forty diagnoses and forty medicines, each as long as may be, escaped.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// The body of a request, read whole.
///
/// # Errors
/// [`ErrorCode::ContentTypeNotSupported`], what [`body::read`] refuses, and [`ErrorCode::BodyMalformed`] where it is not of
/// the form. What it holds is not repeated.
pub(super) async fn read<T: DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    bytes_max: usize,
) -> Result<T, Refusal> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"application/json")) {
        return Err(ErrorCode::ContentTypeNotSupported.into());
    }
    let bytes = body::read(payload, bytes_max).await?;
    serde_json::from_slice(&bytes).map_err(|_cause| ErrorCode::BodyMalformed.into())
}

/// An answer.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}
