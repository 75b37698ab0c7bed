//! Enrolment of hubs: staff ask for a code, a hub comes with it and gets its key known.
//!
//! Invariants: the code is used up by the same commit that writes the hub's key, so that of two who come with it one is
//! enrolled; a code is looked at only where there were not too many tries; what is answered to a code that is none does not
//! tell why.

use super::{
    Refusal, Shared, body,
    guard::{Allowed, needs::WriteHubs},
};
use crate::{
    access::{
        Access, Purpose,
        enrol::{self, CodeKey, Tries},
    },
    events::ServiceEvent,
    rng::{NoRandomness, Randomness},
    server_key::ServerKey,
    store::{ApplyError, KeptItem, Slice, Subject},
    tls::Tls,
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use register::{Hub, Item, ItemRef, Written};
use rules::{
    Event,
    event::{Audit, AuditKind},
};
use std::{fmt, sync::Arc};
use vitals::{
    ErrorCode, HubId,
    bounded::Text,
    id::StaffId,
    wire::{
        enrol::{Code, ENROL_BODY_BYTES_MAX, Enrol, Enrolled, Issued},
        sealed::key_id,
        v1,
    },
};

/// How many random bytes to ask for a code: that eight of them can be used is certain but for one time in 10^21.
const RANDOM_BYTES: usize = 32;

/// What enrolment needs beside the store.
pub struct Enrolment {
    codes: CodeKey,
    tries: Tries,
    server_key: [u8; 32],
    tls: Option<Arc<Tls>>,
}

impl Enrolment {
    /// Enrolment by a service with this key and certificate.
    #[must_use]
    pub fn new(server_key: &ServerKey, tls: Option<Arc<Tls>>) -> Self {
        Self { codes: code_key(server_key), tries: Tries::default(), server_key: server_key.public(), tls }
    }

    /// The fingerprint of the certificate that is shown.
    fn tls_fingerprint(&self) -> Option<String> {
        self.tls.as_ref().map(|tls| tls.fingerprint().to_string())
    }
}

/// Debug shows nothing of it.
impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolment")
    }
}

/// The key of the hashes of codes, made of the service's own.
#[must_use]
pub fn code_key(server_key: &ServerKey) -> CodeKey {
    CodeKey::new(server_key.derived("derwent 2026 enrolment codes"))
}

/// A code nobody can guess.
///
/// # Errors
/// [`NoRandomness`] where there is none to be had.
pub fn new_code(rng: &dyn Randomness) -> Result<Code, NoRandomness> {
    loop {
        let mut bytes = [0; RANDOM_BYTES];
        rng.fill(&mut bytes)?;
        if let Some(code) = Code::from_random(&bytes) {
            return Ok(code);
        }
    }
}

/// `POST /v1/hubs/{hub}/code`: a code for a hub that the register has.
pub(super) async fn issue(
    allowed: Allowed<WriteHubs>,
    hub: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let hub = HubId::parse(&hub).map_err(|_no_hub| ErrorCode::ItemNotFound)?;
    let staff = allowed.access().actor().map(|actor| actor.id.clone()).ok_or(ErrorCode::NotAllowed)?;
    let issued = make_code(&shared, allowed.access(), hub, staff, shared.clock.now()).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(issued))
}

async fn make_code(
    shared: &Shared,
    access: &Access,
    hub: HubId,
    staff: StaffId,
    at: DateTime<Utc>,
) -> Result<Issued, Refusal> {
    let codes = &shared.enrolment.codes;
    let code = new_code(shared.rng.as_ref()).map_err(|_no_randomness| ErrorCode::Internal)?;
    let (kept, version) = as_now(shared, access, &hub).await?.ok_or(ErrorCode::ItemNotFound)?;
    let new = enrol::with_code(&kept, &code, codes, shared.directory.relations().hubs(), at)?;
    let until = new.code.as_ref().and_then(|code| code.span.until).unwrap_or(at);
    write(shared, access, new, version + 1, Some(staff), None, at).await.map_err(|error| Refusal::from(&error))?;
    Ok(Issued {
        hub: hub.to_string(),
        code: code.shown(),
        until: v1::moment(until),
        tls_fingerprint: shared.enrolment.tls_fingerprint(),
    })
}

/// `POST /v1/enrol`: a hub with a code and its new key.
pub(super) async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let address = request.peer_addr().map_or_else(|| "unknown".to_owned(), |address| address.ip().to_string());
    match take_in(&address, payload, &shared).await {
        Ok(enrolled) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(enrolled)),
        Err(refusal) => {
            shared.events.emit(&ServiceEvent::RequestRefused { code: refusal.code() });
            Err(refusal)
        }
    }
}

async fn take_in(address: &str, payload: web::Payload, shared: &Shared) -> Result<Enrolled, Refusal> {
    let body = body::read(payload, ENROL_BODY_BYTES_MAX).await?;
    let at = shared.clock.now();
    shared.enrolment.tries.one_more(address, at)?;
    let enrol: Enrol = serde_json::from_slice(&body).map_err(|_cause| ErrorCode::BodyMalformed)?;
    let code = Code::parse(&enrol.code).map_err(|_mistyped| ErrorCode::CodeMistyped)?;
    let bytes = |text: &str| STANDARD.decode(text).map_err(|_not_base64| ErrorCode::KeyRefused);
    let public_key = enrol::proven_key(&bytes(&enrol.public_key)?, &bytes(&enrol.signature)?, &code)?;
    let hub = match enrol_with(shared, &code, public_key, at).await {
        Ok(hub) => hub,
        Err(refusal) => {
            if refusal.code() == ErrorCode::CodeRefused {
                shared.enrolment.tries.was_wrong(at);
            }
            return Err(refusal);
        }
    };
    shared.enrolment.tries.forget(address);
    let key = key_id(&public_key);
    tracing::info!(hub.id = %hub, key.id = key, "Enrolled {hub} with key {key}.");
    let (epoch, _window) =
        shared.store.replay_window(&Access::system(Purpose::Receive), &hub).await?.unwrap_or_default();
    Ok(Enrolled {
        hub: hub.to_string(),
        epoch,
        server_key: STANDARD.encode(shared.enrolment.server_key),
        tls_fingerprint: shared.enrolment.tls_fingerprint(),
    })
}

/// Gives the hub of a code its key.
async fn enrol_with(shared: &Shared, code: &Code, public_key: [u8; 32], at: DateTime<Utc>) -> Result<HubId, Refusal> {
    let refused = ErrorCode::CodeRefused;
    let codes = &shared.enrolment.codes;
    let hub = {
        let relations = shared.directory.relations();
        let hub = relations.hubs().find(|hub| enrol::has_code(hub, code, codes, at)).ok_or(refused)?;
        if enrol::is_known(&public_key, relations.hubs()) {
            return Err(ErrorCode::KeyRefused.into());
        }
        hub.id.clone()
    };
    // As the store has it: the code counts only with the version it is written over.
    let (kept, version) = as_now(shared, &Access::system(Purpose::Directory), &hub).await?.ok_or(refused)?;
    if !enrol::has_code(&kept, code, codes, at) {
        return Err(refused.into());
    }
    let who = Access::system(Purpose::Enrol);
    let new = enrol::enrolled(&kept, public_key, at);
    match write(shared, &who, new, version + 1, None, Some(key_id(&public_key)), at).await {
        Ok(()) => Ok(hub),
        // Somebody was first.
        Err(ApplyError::Stale { .. }) => Err(refused.into()),
        Err(error) => Err(Refusal::from(&error)),
    }
}

async fn as_now(shared: &Shared, who: &Access, hub: &HubId) -> Result<Option<(Hub, u32)>, Refusal> {
    let kept = shared.store.item(who, &ItemRef::Hub(hub.clone())).await?;
    Ok(kept.and_then(|KeptItem { item, version }| if let Item::Hub(hub) = item { Some((*hub, version)) } else { None }))
}

/// Writes a version of a hub, and says with which key it was enrolled, where it was. Requests are verified by it before this
/// returns.
async fn write(
    shared: &Shared,
    who: &Access,
    hub: Hub,
    version: u32,
    by: Option<StaffId>,
    enrolled_with: Option<String>,
    at: DateTime<Utc>,
) -> Result<(), ApplyError> {
    let about = enrolled_with.and_then(|key| Text::new(&format!("{} with key {key}", hub.id)).ok());
    let audited = about.map(|about| Event::Audited(Audit { what: AuditKind::HubEnrolled, about, by: None }));
    let written = Event::Written(Box::new(Written { item: hub.into(), version: Some(version), by, why: None }));
    let slice = Slice { subject: Subject::Service, events: [Some(written), audited].into_iter().flatten().collect() };
    let answers = shared.store.apply(who, vec![slice], shared.decide.clone(), at).await;
    let unanswered = || ApplyError::Unavailable("a slice was not answered".to_owned());
    answers.into_iter().next().ok_or_else(unanswered)?.map(drop)
}
