//! The pages to sign in at, to sign out from and to choose a password at.

use super::{PASSWORD_PATH, SIGN_IN_PATH, WORKLIST_PATH, go, problem, rendered, status_of};
use crate::{
    access::Password,
    http::{Begun, Shared, begin_session, end_session, guard::SignedIn, new_password, set_cookie, staff},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use look::{PasswordPage, PasswordRefused, SignInPage};
use serde::Deserialize;
use vitals::ErrorCode;

/// What the form to sign in holds.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    #[serde(default)]
    staff: String,
    password: Password,
}

/// What a form without fields of its own holds.
#[derive(Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    csrf: String,
}

/// What the form for a new password holds.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    csrf: String,
    old: Password,
    new: Password,
    again: Password,
}

/// `GET /sign-in`.
pub(crate) async fn show_sign_in(shared: web::Data<Shared>) -> HttpResponse {
    sign_in_page(&shared, None)
}

fn sign_in_page(shared: &Shared, refused: Option<ErrorCode>) -> HttpResponse {
    if shared.accounts.is_none() {
        return problem(&shared.pages, ErrorCode::NotFound);
    }
    let (service_name, banner) = (shared.pages.service_name.clone(), shared.pages.banner.clone());
    rendered(SignInPage { service_name, banner, refused }.html(), refused.map_or(StatusCode::OK, status_of))
}

/// `POST /sign-in`.
pub(crate) async fn sign_in(
    request: HttpRequest,
    form: web::Form<SignInForm>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let SignInForm { staff, password } = form.into_inner();
    match begin_session(&shared, request.head(), &staff, password).await {
        Ok(begun) => inside(&begun),
        Err(refusal) => sign_in_page(&shared, Some(refusal.code())),
    }
}

/// Where somebody comes who has signed in.
fn inside(begun: &Begun) -> HttpResponse {
    let mut response = go(if begun.must_change_password { PASSWORD_PATH } else { WORKLIST_PATH });
    set_cookie(&mut response, &begun.cookie);
    response
}

/// `POST /sign-out`.
pub(crate) async fn sign_out(
    who: SignedIn,
    request: HttpRequest,
    form: web::Form<TokenForm>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    if let Err(code) = staff::token_is_ours(&shared, who.access(), &form.csrf) {
        return problem(&shared.pages, code);
    }
    let mut response = go(SIGN_IN_PATH);
    set_cookie(&mut response, &end_session(&shared, request.head()));
    response
}

/// `GET /password`.
pub(crate) async fn show_password(who: SignedIn, shared: web::Data<Shared>) -> HttpResponse {
    password_page(&shared, &who, None)
}

fn password_page(shared: &Shared, who: &SignedIn, refused: Option<PasswordRefused>) -> HttpResponse {
    if shared.accounts.is_none() {
        return problem(&shared.pages, ErrorCode::NotFound);
    }
    let status = match refused {
        None => StatusCode::OK,
        Some(PasswordRefused::NotAlike) => StatusCode::BAD_REQUEST,
        Some(PasswordRefused::Because(code)) => status_of(code),
    };
    let page = PasswordPage {
        service_name: shared.pages.service_name.clone(),
        banner: shared.pages.banner.clone(),
        signed_in_as: who.access().actor().map(|actor| actor.name.to_string()).unwrap_or_default(),
        is_first: who.must_change_password(),
        refused,
        csrf: staff::form_token(shared, who.access()),
    };
    rendered(page.html(), status)
}

/// `POST /password`.
pub(crate) async fn change_password(
    who: SignedIn,
    request: HttpRequest,
    form: web::Form<PasswordForm>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let PasswordForm { csrf, old, new, again } = form.into_inner();
    if let Err(code) = staff::token_is_ours(&shared, who.access(), &csrf) {
        return problem(&shared.pages, code);
    }
    if new != again {
        return password_page(&shared, &who, Some(PasswordRefused::NotAlike));
    }
    match new_password(&shared, request.head(), &who, old, new).await {
        Ok(begun) => inside(&begun),
        Err(refusal) => password_page(&shared, &who, Some(PasswordRefused::Because(refusal.code()))),
    }
}
