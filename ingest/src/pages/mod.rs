//! Server-rendered pages: the worklist, and taking an alert from it. Everything works without JavaScript.

mod worklist;

use crate::http::{Refusal, Shared, only, staff};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
    web,
};
use look::{BackLink, ProblemPage, assets};
use serde::Deserialize;
use vitals::{AlertId, ErrorCode};

/// Where the worklist is.
pub const WORKLIST_PATH: &str = "/";

/// Largest form: a token and a note of 500 characters, escaped.
const FORM_BYTES_MAX: usize = 8 * 1024;

/// Mounts the pages.
pub(crate) fn configure(cfg: &mut web::ServiceConfig) {
    cfg.app_data(
        web::FormConfig::default()
            .limit(FORM_BYTES_MAX)
            .error_handler(|_cause, _request| Refusal::new(ErrorCode::BodyMalformed).into()),
    )
    .service(only("GET", web::resource(WORKLIST_PATH).route(web::get().to(show_worklist))))
    .service(only("POST", web::resource("/alerts/{id}/acknowledge").route(web::post().to(take_alert))))
    .service(only("GET", web::resource("/assets/{file}").route(web::get().to(asset))));
}

async fn show_worklist(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    match worklist::render(request.head(), &shared).await {
        Ok(html) => page(StatusCode::OK).body(html),
        Err(code) => problem(&shared, code),
    }
}

#[derive(Deserialize)]
struct TakeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    note: String,
}

async fn take_alert(
    request: HttpRequest,
    path: web::Path<String>,
    form: web::Form<TakeForm>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    match take(&request, &path, form.into_inner(), &shared).await {
        // See Other: reloading the page after it must not take the alert again.
        Ok(()) => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, WORKLIST_PATH))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish(),
        Err(refusal) => problem(&shared, refusal.code()),
    }
}

async fn take(request: &HttpRequest, id: &str, form: TakeForm, shared: &Shared) -> Result<(), Refusal> {
    let access = staff::signed_in(request.head(), shared)?;
    staff::comes_from_our_pages(request.head())?;
    staff::token_is_ours(shared, &access, &form.csrf)?;
    let id = AlertId::parse(id).map_err(|_not_an_id| ErrorCode::AlertNotFound)?;
    let note = crate::http::read_note(&form.note)?;
    crate::http::take(shared, &access, id, note).await.map(|_alert| ())
}

async fn asset(request: HttpRequest) -> HttpResponse {
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

fn problem(shared: &Shared, code: ErrorCode) -> HttpResponse {
    let page_of = ProblemPage {
        service_name: shared.pages.service_name.clone(),
        banner: shared.pages.banner.clone(),
        code,
        back: Some(BackLink { path: WORKLIST_PATH, words: "Back to the worklist" }),
    };
    let status = StatusCode::from_u16(code.meaning().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match page_of.html() {
        Ok(html) => page(status).body(html),
        Err(error) => {
            tracing::error!(error = %error, "Could not render a problem page.");
            Refusal::new(ErrorCode::Internal).response()
        }
    }
}
