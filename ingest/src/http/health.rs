//! Whether the service lives, and whether it is ready to take readings.

use super::{Refusal, Shared};
use crate::access::{Access, Purpose};
use actix_web::{HttpResponse, web};
use vitals::ErrorCode;

/// `GET /livez`: the process answers.
pub(super) async fn lives() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("lives\n")
}

/// `GET /readyz`: the store answers too, and takes readings. On a full disk it takes none, although alerts are still told
/// and taken.
pub(super) async fn is_ready(shared: web::Data<Shared>) -> Result<HttpResponse, Refusal> {
    if shared.store.gauges().free_reserve_bytes == Some(0) {
        return Err(ErrorCode::StoreUnavailable.into());
    }
    shared.store.unevaluated(&Access::system(Purpose::Sweep), 0, 1).await?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}
