//! Whether the service lives, and whether it is ready to take readings.

use super::{Refusal, Shared};
use crate::access::{Access, Purpose};
use actix_web::{HttpResponse, web};

/// `GET /livez`: the process answers.
pub(super) async fn lives() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("lives\n")
}

/// `GET /readyz`: the store answers too.
pub(super) async fn is_ready(shared: web::Data<Shared>) -> Result<HttpResponse, Refusal> {
    shared.store.unevaluated(&Access::system(Purpose::Sweep), 1).await?;
    Ok(HttpResponse::Ok().content_type("text/plain").body("ready\n"))
}
