//! Server-rendered pages: the worklist, taking an alert from it, signing in and out. Everything works without JavaScript.

mod sign_in;
mod worklist;

pub(crate) use look::sign_in::{PASSWORD_PATH, SIGN_IN_PATH, SIGN_OUT_PATH};
pub(crate) use sign_in::{change_password, show_password, show_sign_in, sign_in, sign_out};

use crate::http::{
    PageSettings, Refusal, Shared,
    guard::{Allowed, needs},
    staff,
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use look::{BackLink, NotRendered, ProblemPage, assets};
use serde::Deserialize;
use vitals::{AlertId, ErrorCode};

/// Where the worklist is.
pub const WORKLIST_PATH: &str = "/";

/// Largest form: a token and a note of 500 characters, escaped.
pub(crate) const FORM_BYTES_MAX: usize = 8 * 1024;

/// `GET /`.
pub(crate) async fn show_worklist(allowed: Allowed<needs::SeeReadings>, shared: web::Data<Shared>) -> HttpResponse {
    match worklist::render(allowed.access(), &shared).await {
        Ok(html) => page(StatusCode::OK).body(html),
        Err(code) => problem(&shared.pages, code),
    }
}

/// What the form of an alert holds.
#[derive(Deserialize)]
pub(crate) struct TakeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    note: String,
}

/// `POST /alerts/{id}/acknowledge`.
pub(crate) async fn take_alert(
    allowed: Allowed<needs::TakeAlerts>,
    path: web::Path<String>,
    form: web::Form<TakeForm>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    match take(&allowed, &path, form.into_inner(), &shared).await {
        Ok(()) => go(WORKLIST_PATH),
        Err(refusal) => problem(&shared.pages, refusal.code()),
    }
}

async fn take(allowed: &Allowed<needs::TakeAlerts>, id: &str, form: TakeForm, shared: &Shared) -> Result<(), Refusal> {
    staff::token_is_ours(shared, allowed.access(), &form.csrf)?;
    let id = AlertId::parse(id).map_err(|_not_an_id| ErrorCode::AlertNotFound)?;
    let note = crate::http::read_note(&form.note)?;
    crate::http::take(shared, allowed.access(), id, note).await.map(|_alert| ())
}

/// Sends a browser to another page of ours. See Other: reloading that page must not repeat the form.
pub(crate) fn go(to: &'static str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// `GET /assets/{file}`.
pub(crate) async fn asset(request: HttpRequest) -> HttpResponse {
    match assets::get(request.path()) {
        Some(asset) => HttpResponse::Ok()
            .content_type(asset.content_type)
            .insert_header((header::CACHE_CONTROL, assets::CACHE_CONTROL))
            .insert_header((header::ETAG, asset.etag))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(asset.bytes),
        None => Refusal::new(ErrorCode::NotFound).response(),
    }
}

fn page(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    for header in look::PAGE_HEADERS {
        response.insert_header(header);
    }
    response
}

/// The page that says what went wrong.
pub(crate) fn problem(settings: &PageSettings, code: ErrorCode) -> HttpResponse {
    let page_of = ProblemPage {
        service_name: settings.service_name.clone(),
        banner: settings.banner.clone(),
        code,
        back: Some(BackLink { path: WORKLIST_PATH, words: "Back to the worklist" }),
    };
    rendered(page_of.html(), status_of(code))
}

fn status_of(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.meaning().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn rendered(html: Result<String, NotRendered>, status: StatusCode) -> HttpResponse {
    match html {
        Ok(html) => page(status).body(html),
        Err(error) => {
            tracing::error!(error = %error, "Could not render a page.");
            Refusal::new(ErrorCode::Internal).response()
        }
    }
}
