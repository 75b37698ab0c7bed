//! Who is signed in to the pages and the interface for staff.

use super::{
    Access, Directory,
    sessions::{Sessions, Token},
};
use actix_web::{dev::RequestHead, http::header};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The cookie that holds a session's token. The prefix makes browsers hold it to this host, to TLS and to every path.
pub const SESSION_COOKIE: &str = "__Host-session";

/// Tells who a request of the pages or the staff interface is from.
pub trait SignIn: Send + Sync {
    /// The access of whoever is signed in; none where nobody is.
    fn signed_in(&self, request: &RequestHead, at: DateTime<Utc>) -> Option<Access>;

    /// Whether they must choose a password of their own before anything else.
    fn must_change_password(&self, _request: &RequestHead, _at: DateTime<Utc>) -> bool {
        false
    }
}

/// Nobody can sign in: what a service has whose accounts cannot be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodySignsIn;

impl SignIn for NobodySignsIn {
    fn signed_in(&self, _request: &RequestHead, _at: DateTime<Utc>) -> Option<Access> {
        None
    }
}

/// Staff with accounts of this service.
#[derive(Debug)]
pub struct LocalSignIn {
    /// Who works where.
    pub directory: Arc<Directory>,
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
}

impl SignIn for LocalSignIn {
    fn signed_in(&self, request: &RequestHead, at: DateTime<Utc>) -> Option<Access> {
        let session = self.sessions.used(&session_token(request)?, at)?;
        self.directory.access(&session.staff, at)
    }

    fn must_change_password(&self, request: &RequestHead, at: DateTime<Utc>) -> bool {
        let session = session_token(request).and_then(|token| self.sessions.used(&token, at));
        session.is_some_and(|session| session.must_change)
    }
}

/// The token of a request's session cookie; none where there is none, or two.
#[must_use]
pub fn session_token(request: &RequestHead) -> Option<Token> {
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut tokens = pairs.filter(|(name, _)| *name == SESSION_COOKIE).map(|(_, value)| value);
    let token = tokens.next()?;
    if tokens.next().is_some() { None } else { vitals::hex::decode_array(token).ok() }
}
