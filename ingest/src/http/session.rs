//! Signing in and out with an account of this service, and changing the password.
//!
//! Invariants: a name that nobody has gets the same answer for the same work as a wrong password; a guess is counted before
//! it is looked at; no password and no token is ever logged, kept or shown; at most [`HASHES_AT_ONCE`] passwords are looked
//! at at once, on threads that serve no requests; every sign-in has a new token.

use super::{Refusal, Shared, guard::SignedIn, json, staff};
use crate::{
    access::{
        Access, Guesses, LocalSignIn, Password, PasswordHash, Permission, Purpose, RequestHead, SESSION_COOKIE,
        Sessions, Token, session_token,
    },
    rng::{NoRandomness, Randomness},
    store::{ApplyError, Slice, Subject},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use rules::{
    Event,
    event::{Account, Audit, AuditKind},
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};
use vitals::{ErrorCode, bounded::Text, id::StaffId};

/// Most passwords looked at at once: each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 2;

/// Most that wait for their turn: with some 20 ms each, nobody waits longer than half a second.
const HASHES_WAITING_MAX: usize = 32;

/// Largest body here: a name and two passwords, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// The accounts of this service, and who is signed in with one.
pub struct Accounts {
    /// Who is signed in.
    pub sessions: Arc<Sessions>,
    guesses: Guesses,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Held while an account is changed, and while a session begins: so that neither outlives a change it has not seen.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Looked at where there is no account, so that it takes as long.
    nobodys: PasswordHash,
}

/// The accounts cannot be used.
#[derive(Debug, Error)]
pub enum NoAccounts {
    /// No randomness.
    #[error("make a password that nobody has")]
    Randomness(#[from] NoRandomness),
    /// No memory, or no thread, to hash it.
    #[error("hash a password that nobody has: is there too little memory?")]
    Hash,
}

impl Accounts {
    /// Accounts whose sessions are these; nobody has guessed yet.
    ///
    /// # Errors
    /// [`NoAccounts`] without randomness or memory.
    pub async fn new(sessions: Arc<Sessions>, rng: &dyn Randomness) -> Result<Self, NoAccounts> {
        let (mut password, mut salt) = ([0; 16], [0; 16]);
        rng.fill(&mut password)?;
        rng.fill(&mut salt)?;
        let password = Password::given(vitals::hex::encode(&password));
        let nobodys = spawn_blocking(move || PasswordHash::of(&password, salt)).await;
        Ok(Self {
            sessions,
            guesses: Guesses::default(),
            turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            places: Arc::new(Semaphore::new(HASHES_AT_ONCE + HASHES_WAITING_MAX)),
            changing: tokio::sync::Mutex::default(),
            nobodys: nobodys.ok().flatten().ok_or(NoAccounts::Hash)?,
        })
    }

    /// How staff with these accounts are known at a request.
    #[must_use]
    pub fn sign_in(&self, directory: Arc<crate::access::Directory>) -> LocalSignIn {
        LocalSignIn { directory, sessions: self.sessions.clone() }
    }

    /// Counts a guess.
    fn may_guess(&self, by: &[String], at: chrono::DateTime<chrono::Utc>) -> Result<(), ErrorCode> {
        if by.iter().all(|by| self.guesses.one_more(by, at)) { Ok(()) } else { Err(ErrorCode::TooManyGuesses) }
    }

    /// A turn to hash: bounded in how many wait for it.
    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), ErrorCode> {
        let place = self.places.clone().try_acquire_owned().map_err(|_full| ErrorCode::ServiceBusy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_closed| ErrorCode::Internal)?;
        Ok((place, turn))
    }

    /// Does something costly with a password, in its turn, on a thread that serves no requests.
    pub(super) async fn hash<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ErrorCode> {
        let turn = self.turn().await?;
        let done = spawn_blocking(move || {
            let done = work();
            // Given back when the work is done, also where whoever asked has gone.
            drop(turn);
            done
        });
        done.await.map_err(|_panicked| ErrorCode::Internal)
    }

    /// Whether a password is the one of an account; as costly where there is no account.
    async fn fits(&self, account: Option<&Account>, password: Password) -> Result<bool, ErrorCode> {
        let secret = account.and_then(|account| account.secret.as_ref());
        let kept: Option<PasswordHash> = secret.and_then(|secret| serde_json::from_str(secret.as_str()).ok());
        let is_known = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.nobodys.clone());
        Ok(self.hash(move || kept.fits(&password)).await? && is_known)
    }
}

/// Whom a guess is counted for: the name, and where it came from.
///
/// A guess through a proxy on this machine came from where the proxy says. Where it does not say, all of them would count
/// for one address, and a few wrong passwords would keep everybody out: then the name alone counts.
fn guessers(staff: Option<&StaffId>, head: &RequestHead) -> Vec<String> {
    let name = staff.map_or_else(|| "no name".to_owned(), |staff| staff.as_str().to_owned());
    let peer = head.peer_addr.map(|peer| peer.ip());
    let from = if peer.is_none_or(|peer| peer.is_loopback()) {
        let forwarded = head.headers.get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
        // Every proxy adds at the end: only the last is our own's word.
        forwarded.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse::<IpAddr>().ok())
    } else {
        peer
    };
    from.map(network).into_iter().chain([name]).collect()
}

/// An address, or where one household or office has as many as it likes, its network.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => match address.segments() {
            [a, b, c, d, ..] => format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"),
        },
    }
}

/// A session that has begun.
pub(crate) struct Begun {
    /// The cookie that holds its token.
    pub(crate) cookie: String,
    /// Who it is.
    pub(crate) staff: StaffId,
    /// Whether they must choose a password of their own before anything else.
    pub(crate) must_change_password: bool,
}

/// Signs somebody in, where the name and the password belong together.
///
/// # Errors
/// [`ErrorCode::SignInRefused`] where they do not; [`ErrorCode::TooManyGuesses`]; [`ErrorCode::NotFound`] where staff do not
/// sign in with accounts.
pub(crate) async fn begin_session(
    shared: &Shared,
    head: &RequestHead,
    name: &str,
    password: Password,
) -> Result<Begun, Refusal> {
    let accounts = shared.accounts.as_ref().ok_or(ErrorCode::NotFound)?;
    staff::comes_from_our_pages(head)?;
    let (at, staff) = (shared.clock.now(), StaffId::parse(name.trim()).ok());
    let guessers = guessers(staff.as_ref(), head);
    accounts.may_guess(&guessers, at)?;
    let account = match &staff {
        Some(staff) => shared.store.account(&Access::system(Purpose::SignIn), staff).await?,
        None => None,
    };
    let fits = accounts.fits(account.as_ref(), password).await?;
    let is_here = |staff: &StaffId| {
        let relations = shared.directory.relations();
        relations.staff(staff).is_some_and(|staff| staff.posts_at(at).next().is_some())
    };
    let account = account.filter(|account| fits && is_here(&account.staff));
    let what = if account.is_some() { AuditKind::SignedIn } else { AuditKind::SignInRefused };
    // What was typed as a name may be anything, a password too: only what somebody here is called is written down.
    let known = staff.filter(|staff| shared.directory.relations().staff(staff).is_some());
    note(shared, what, known.as_ref().map_or("nobody here", StaffId::as_str)).await?;
    let account = account.ok_or(ErrorCode::SignInRefused)?;
    let _nobody_changes_it = accounts.changing.lock().await;
    is_unchanged(shared, &account).await?;
    guessers.iter().for_each(|by| accounts.guesses.forget(by));
    open(shared, accounts, account.staff, account.is_first)
}

/// Whether an account is what it was when the password was compared with it: hashing takes its time.
async fn is_unchanged(shared: &Shared, account: &Account) -> Result<(), Refusal> {
    let now = shared.store.account(&Access::system(Purpose::SignIn), &account.staff).await?;
    if now.as_ref() == Some(account) { Ok(()) } else { Err(ErrorCode::SignInRefused.into()) }
}

/// Begins a session with a token of its own.
fn open(shared: &Shared, accounts: &Accounts, staff: StaffId, is_first: bool) -> Result<Begun, Refusal> {
    let mut token: Token = [0; 32];
    shared.rng.fill(&mut token).map_err(|error| {
        tracing::error!(%error, "There is no randomness for a session.");
        ErrorCode::Internal
    })?;
    accounts.sessions.begin(&token, staff.clone(), is_first, shared.clock.now());
    let token = vitals::hex::encode(&token);
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict");
    Ok(Begun { cookie, staff, must_change_password: is_first })
}

/// Writes into the service's own record who signed in, or who did not.
async fn note(shared: &Shared, what: AuditKind, about: &str) -> Result<(), Refusal> {
    let about = Text::new(about).map_err(|_never| ErrorCode::Internal)?;
    let event = Event::Audited(Audit { what, about, by: None });
    commit(shared, &Access::system(Purpose::Audit), event).await
}

async fn commit(shared: &Shared, access: &Access, event: Event) -> Result<(), Refusal> {
    let slice = Slice { subject: Subject::Service, events: vec![event] };
    let answers = shared.store.apply(access, vec![slice], shared.decide.clone(), shared.clock.now()).await;
    let done: Result<Vec<_>, ApplyError> = answers.into_iter().collect();
    done.map(|_committed| ()).map_err(|error| Refusal::from(&error))
}

/// Ends the session of a request. The answer takes the cookie away.
pub(crate) fn end_session(shared: &Shared, head: &RequestHead) -> String {
    if let (Some(accounts), Some(token)) = (&shared.accounts, session_token(head)) {
        accounts.sessions.end(&token);
    }
    format!("{SESSION_COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// Changes the password of whoever is signed in. Every session of theirs ends, and one begins anew.
///
/// # Errors
/// [`ErrorCode::SignInRefused`] where the old password is not theirs, [`ErrorCode::PasswordRefused`] where the new one will
/// not do.
pub(crate) async fn new_password(
    shared: &Shared,
    head: &RequestHead,
    who: &SignedIn,
    old: Password,
    new: Password,
) -> Result<Begun, Refusal> {
    let accounts = shared.accounts.as_ref().ok_or(ErrorCode::NotFound)?;
    let (at, staff) = (shared.clock.now(), who.staff());
    let guessers = guessers(Some(staff), head);
    accounts.may_guess(&guessers, at)?;
    new.check().map_err(|_refused| ErrorCode::PasswordRefused)?;
    if old == new {
        return Err(ErrorCode::PasswordRefused.into());
    }
    let before = shared.store.account(&Access::system(Purpose::SignIn), staff).await?;
    let fits = accounts.fits(before.as_ref(), old).await?;
    let Some(before) = before.filter(|_| fits) else {
        note(shared, AuditKind::SignInRefused, staff.as_str()).await?;
        return Err(ErrorCode::SignInRefused.into());
    };
    guessers.iter().for_each(|by| accounts.guesses.forget(by));
    let mut salt = [0; 16];
    shared.rng.fill(&mut salt).map_err(|error| {
        tracing::error!(%error, "There is no randomness for a password's salt.");
        ErrorCode::Internal
    })?;
    let kept = accounts.hash(move || PasswordHash::of(&new, salt)).await?.ok_or(ErrorCode::ServiceBusy)?;
    let secret = secret(&kept).ok_or(ErrorCode::Internal)?;
    let account = Account { staff: staff.clone(), secret: Some(secret), by: Some(staff.clone()), at, is_first: false };
    let _nobody_changes_it = accounts.changing.lock().await;
    is_unchanged(shared, &before).await?;
    // The sessions end with the commit, see `store::Audited`.
    commit(shared, &Access::system(Purpose::SignIn), Event::AccountSet(account)).await?;
    open(shared, accounts, staff.clone(), false)
}

/// What is kept of a password, as the store keeps it.
pub(crate) fn secret(kept: &PasswordHash) -> Option<Text<400>> {
    serde_json::to_string(kept).ok().and_then(|text| Text::new(&text).ok())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInAsked {
    staff: String,
    password: Password,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordAsked {
    old: Password,
    new: Password,
}

#[derive(Serialize)]
struct Shown<'a> {
    staff: &'a StaffId,
    must_change_password: bool,
    /// What they may do somewhere; not said with a sign-in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<Permission>,
}

fn begun(begun: &Begun) -> HttpResponse {
    let Begun { cookie, staff, must_change_password } = begun;
    let shown = Shown { staff, must_change_password: *must_change_password, permissions: Vec::new() };
    let mut response = json::answer(StatusCode::OK, &shown);
    set_cookie(&mut response, cookie);
    response
}

/// Sets the session's cookie.
pub(crate) fn set_cookie(response: &mut HttpResponse, cookie: &str) {
    if let Ok(cookie) = header::HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// `GET /v1/session`.
pub(super) async fn show(who: SignedIn) -> HttpResponse {
    let held = Permission::ALL.iter().copied().filter(|permission| who.access().held(*permission).is_some());
    let (staff, must_change_password) = (who.staff(), who.must_change_password());
    json::answer(StatusCode::OK, &Shown { staff, must_change_password, permissions: held.collect() })
}

/// `POST /v1/session`.
pub(super) async fn begin(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let SignInAsked { staff, password } = json::read(&request, payload, BODY_BYTES_MAX).await?;
    Ok(begun(&begin_session(&shared, request.head(), &staff, password).await?))
}

/// `DELETE /v1/session`.
pub(super) async fn end(_who: SignedIn, request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let mut response = HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish();
    set_cookie(&mut response, &end_session(&shared, request.head()));
    response
}

/// `POST /v1/session/password`.
pub(super) async fn change_password(
    who: SignedIn,
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let PasswordAsked { old, new } = json::read(&request, payload, BODY_BYTES_MAX).await?;
    Ok(begun(&new_password(&shared, request.head(), &who, old, new).await?))
}
