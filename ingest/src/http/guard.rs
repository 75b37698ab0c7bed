//! The one door for staff: who asks, whether they may, and whether they asked from our own pages.
//!
//! Invariants: a handler for staff gets its access from here and from nowhere else, because nobody else can ask who is
//! signed in; a route is mounted only with a handler whose first argument is the check that the route names, so that one
//! without a check does not compile; deny by default.

use super::{Refusal, Shared, staff};
use crate::{
    access::{Access, Permission, RequestHead, SignIn},
    pages,
};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Responder, ResponseError, Route, dev, http, web};
use chrono::{DateTime, Utc};
use std::{
    fmt,
    future::{Ready, ready},
    marker::PhantomData,
    sync::Arc,
};
use vitals::{ErrorCode, id::StaffId};

/// What a route needs of whoever asks.
pub trait Needs: 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! needs {
    ($($name:ident)+) => {
        /// The permissions as types, so that a route can name the one it needs.
        pub mod needs {
            $(
                #[doc = concat!("[`Permission::", stringify!($name), "`](crate::access::Permission::", stringify!($name), ").")]
                #[derive(Debug, Clone, Copy)]
                pub enum $name {}

                impl super::Needs for $name {
                    const PERMISSION: crate::access::Permission = crate::access::Permission::$name;
                }
            )+
        }
    };
}

needs! {
    SeeReadings TakeAlerts SeeDetails WriteDetails SeePlan WritePlan WriteConsent AssignDevices SeePlaces WritePlaces
    WriteProtocols WriteStaff SeeDevices WriteDevices WriteHubs TakeEmergency SeeLog Export Erase
}

/// Who is signed in: only this module may ask it.
pub struct Door(Arc<dyn SignIn>);

impl Door {
    /// The door of a service whose staff sign in like this.
    #[must_use]
    pub fn new(sign_in: Arc<dyn SignIn>) -> Self {
        Self(sign_in)
    }

    fn who(&self, head: &RequestHead, at: DateTime<Utc>) -> Option<Access> {
        self.0.signed_in(head, at)
    }
}

/// Proof for one request that whoever asks is signed in and holds a permission somewhere.
///
/// Their password is their own, and a change was asked for from our own pages or from no page at all. For whom they hold the
/// permission is for the store to see.
pub struct Allowed<P> {
    access: Access,
    needs: PhantomData<fn() -> P>,
}

impl<P> Allowed<P> {
    /// The access of whoever asks, for this request.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }
}

/// Proof for one request that whoever asks is signed in, whatever they may and whoever chose their password: for signing
/// out and for choosing a password.
pub struct SignedIn {
    access: Access,
    staff: StaffId,
    must_change_password: bool,
}

impl SignedIn {
    /// The access of whoever asks, for this request.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Who it is.
    #[must_use]
    pub fn staff(&self) -> &StaffId {
        &self.staff
    }

    /// Whether they must choose a password of their own before anything else.
    #[must_use]
    pub fn must_change_password(&self) -> bool {
        self.must_change_password
    }
}

/// Arguments of a handler that begin with a check.
///
/// ```compile_fail,E0277
/// use actix_web::{HttpResponse, http::Method};
/// use ingest::http::guard::{needs::SeeReadings, staff};
/// async fn everything() -> HttpResponse { HttpResponse::Ok().finish() }
/// let route = staff::<SeeReadings, _, _>(Method::GET, everything);
/// ```
///
/// while a handler that begins with the check of its route is mounted:
///
/// ```
/// use actix_web::{HttpResponse, http::Method};
/// use ingest::http::guard::{Allowed, needs::SeeReadings, staff};
/// async fn theirs(_allowed: Allowed<SeeReadings>) -> HttpResponse { HttpResponse::Ok().finish() }
/// let route = staff::<SeeReadings, _, _>(Method::GET, theirs);
/// ```
///
/// and another check is not the route's:
///
/// ```compile_fail,E0277
/// use actix_web::{HttpResponse, http::Method};
/// use ingest::http::guard::{Allowed, needs::{SeePlaces, SeeReadings}, staff};
/// async fn places(_allowed: Allowed<SeePlaces>) -> HttpResponse { HttpResponse::Ok().finish() }
/// let route = staff::<SeeReadings, _, _>(Method::GET, places);
/// ```
pub trait BeginsWith<First> {}

macro_rules! begins_with {
    ($($($rest:ident)*;)+) => {
        $(impl<First, $($rest),*> BeginsWith<First> for (First, $($rest,)*) {})+
    };
}

begins_with! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
}

/// A route for staff who hold a permission.
pub fn staff<P, F, Args>(method: http::Method, handler: F) -> Route
where
    P: Needs,
    F: Handler<Args>,
    Args: BeginsWith<Allowed<P>> + FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::method(method).to(handler)
}

/// A route for whoever is signed in.
pub fn signed_in<F, Args>(method: http::Method, handler: F) -> Route
where
    F: Handler<Args>,
    Args: BeginsWith<SignedIn> + FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::method(method).to(handler)
}

/// A route that checks for itself: a hub's signature, or nothing, because there is nothing to keep from anybody.
pub(super) fn open<F, Args>(method: http::Method, handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::method(method).to(handler)
}

impl<P: Needs> FromRequest for Allowed<P> {
    type Error = TurnedAway;
    type Future = Ready<Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, _payload: &mut dev::Payload) -> Self::Future {
        ready(let_in(request, |signed_in| {
            if signed_in.must_change_password {
                return Err(ErrorCode::PasswordChangeNeeded);
            }
            signed_in.access.held(P::PERMISSION).ok_or(ErrorCode::NotAllowed)?;
            Ok(Self { access: signed_in.access, needs: PhantomData })
        }))
    }
}

impl FromRequest for SignedIn {
    type Error = TurnedAway;
    type Future = Ready<Result<Self, TurnedAway>>;

    fn from_request(request: &HttpRequest, _payload: &mut dev::Payload) -> Self::Future {
        ready(let_in(request, Ok))
    }
}

/// Who asks, looked at further by `check`.
fn let_in<T>(request: &HttpRequest, check: impl FnOnce(SignedIn) -> Result<T, ErrorCode>) -> Result<T, TurnedAway> {
    let Some(shared) = request.app_data::<web::Data<Shared>>() else {
        return Err(TurnedAway::Told(ErrorCode::Internal));
    };
    who_asks(request, shared).and_then(check).map_err(|code| TurnedAway::from(code, request, shared))
}

fn who_asks(request: &HttpRequest, shared: &Shared) -> Result<SignedIn, ErrorCode> {
    let (head, at) = (request.head(), shared.clock.now());
    if shared.pages.is_loopback_only && !staff::host_is_this_machine(head) {
        return Err(ErrorCode::NotAllowed);
    }
    let access = shared.door.who(head, at).ok_or(ErrorCode::SignInRequired)?;
    let staff = access.actor().map(|who| who.id.clone()).ok_or(ErrorCode::NotAllowed)?;
    if !head.method.is_safe() {
        staff::comes_from_our_pages(head)?;
    }
    let must_change_password = shared.door.0.must_change_password(head, at);
    // The pattern, not the path: an id of somebody else's record does not belong into this one's.
    let asked = format!("{} {}", head.method, request.match_pattern().unwrap_or_default());
    Ok(SignedIn { access: access.for_request(&asked), staff, must_change_password })
}

/// Whoever asked may not come in: told so as a page where they asked for one.
pub enum TurnedAway {
    /// As every refusal of the interface.
    Told(ErrorCode),
    /// As a page.
    Shown {
        /// Why.
        code: ErrorCode,
        /// What the page says of the service.
        pages: Box<super::PageSettings>,
    },
    /// Sent to the page at which they can do something about it.
    Sent {
        /// Why.
        code: ErrorCode,
        /// Where to.
        to: &'static str,
    },
}

impl TurnedAway {
    fn from(code: ErrorCode, request: &HttpRequest, shared: &Shared) -> Self {
        if request.path().starts_with("/v1/") {
            return Self::Told(code);
        }
        let can_sign_in = shared.accounts.is_some() && request.head().method.is_safe();
        if code == ErrorCode::SignInRequired && can_sign_in {
            Self::Sent { code, to: pages::SIGN_IN_PATH }
        } else if code == ErrorCode::PasswordChangeNeeded {
            Self::Sent { code, to: pages::PASSWORD_PATH }
        } else {
            Self::Shown { code, pages: Box::new(shared.pages.clone()) }
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Told(code) | Self::Shown { code, .. } | Self::Sent { code, .. } => *code,
        }
    }
}

impl fmt::Debug for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TurnedAway({})", self.code().code())
    }
}

impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code().code())
    }
}

impl ResponseError for TurnedAway {
    fn status_code(&self) -> http::StatusCode {
        match self {
            Self::Sent { .. } => http::StatusCode::SEE_OTHER,
            Self::Told(code) | Self::Shown { code, .. } => Refusal::new(*code).status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Told(code) => Refusal::new(*code).response(),
            Self::Shown { code, pages: settings } => pages::problem(settings, *code),
            Self::Sent { to, .. } => pages::go(to),
        }
    }
}
