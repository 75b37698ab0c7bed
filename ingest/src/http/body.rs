//! A request's body: read whole, within a size and a time.

use actix_web::web::{Bytes, Payload};
use std::time::Duration;
use vitals::ErrorCode;

/// Longest a body may take to arrive: a full batch over a slow mobile line takes some seconds.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);

/// The whole body, at most `bytes_max` long.
///
/// # Errors
/// [`ErrorCode::BodyTooLarge`], [`ErrorCode::RequestTooSlow`], or [`ErrorCode::BodyMalformed`] where it broke off.
pub(super) async fn read(payload: Payload, bytes_max: usize) -> Result<Bytes, ErrorCode> {
    match tokio::time::timeout(ARRIVES_WITHIN, payload.to_bytes_limited(bytes_max)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broke_off))) => Err(ErrorCode::BodyMalformed),
        Ok(Err(_too_large)) => Err(ErrorCode::BodyTooLarge),
        Err(_elapsed) => Err(ErrorCode::RequestTooSlow),
    }
}
