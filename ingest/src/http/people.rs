//! One person, for those who may: what the register holds, who looked, and access in an emergency.

use super::{
    Refusal, Shared,
    guard::{Allowed, needs},
    json,
    register::{Shown, seen, write},
};
use crate::{access::Permission, events::ServiceEvent, store::Logged};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::{DateTime, TimeDelta, Utc};
use register::{Emergency, Item, ItemRef, NotInOrder, Role, Span, access::EMERGENCY_LASTS_AT_MOST};
use rules::event::AuditKind;
use serde::{Deserialize, Serialize};
use vitals::{
    ErrorCode, PatientId,
    bounded::Text,
    id::{OrganisationId, RecordId, StaffId},
};

/// Most lines of a log in one answer.
const LOG_MAX: usize = 1_000;

/// Most emergency accesses in one answer: each is read from the person's record, which says so.
const EMERGENCIES_MAX: usize = 100;

/// Largest body of a request here: a reason of 400 bytes, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

#[derive(Serialize)]
struct Items {
    items: Vec<Shown>,
}

#[derive(Serialize)]
struct Log {
    log: Vec<Line>,
}

/// One line of the log of a person's record.
#[derive(Serialize)]
struct Line {
    at: DateTime<Utc>,
    what: AuditKind,
    about: Text<200>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation: Option<OrganisationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    basis: Option<Text<40>>,
    /// Who; not in the copy for the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    staff: Option<StaffId>,
}

/// For whom a log is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogFor {
    #[serde(default, rename = "for")]
    whom: Whom,
}

/// See [`LogFor`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Whom {
    /// The person: role and organisation, as they are owed to them.
    #[default]
    Person,
    /// Whoever looks into it: also who.
    Officer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmergencyAsked {
    reason: Text<400>,
    minutes: u32,
}

#[derive(Serialize)]
struct EmergencyTaken {
    id: RecordId,
    until: DateTime<Utc>,
}

/// A person's id as it stands in a path.
fn patient(path: &str) -> Result<PatientId, Refusal> {
    PatientId::parse(path).map_err(|_not_an_id| ErrorCode::ItemNotFound.into())
}

/// `GET /v1/people/{patient}`.
pub(super) async fn show(
    allowed: Allowed<needs::SeeDetails>,
    path: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let patient = patient(&path)?;
    let kept = shared.store.items_of(allowed.access(), &patient).await?;
    if kept.is_empty() {
        return Err(ErrorCode::ItemNotFound.into());
    }
    Ok(json::answer(StatusCode::OK, &Items { items: kept.into_iter().map(Shown::from).collect() }))
}

/// `GET /v1/people/{patient}/log`, with `?for=officer` for who it was.
pub(super) async fn log(
    allowed: Allowed<needs::SeeLog>,
    path: web::Path<String>,
    log_for: web::Query<LogFor>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let patient = patient(&path)?;
    if !allowed.access().may(Permission::SeeLog, &patient) {
        return Err(ErrorCode::ItemNotFound.into());
    }
    let logged = shared.store.log_of(allowed.access(), &patient, LOG_MAX).await?;
    let log = logged.into_iter().map(|logged| line(logged, log_for.whom)).collect();
    Ok(json::answer(StatusCode::OK, &Log { log }))
}

fn line(Logged { audit, at }: Logged, whom: Whom) -> Line {
    let (role, organisation, basis, staff) = match audit.by {
        Some(by) => (Some(by.role), by.organisation, Some(by.basis), Some(by.staff)),
        None => (None, None, None, None),
    };
    let staff = staff.filter(|_| whom == Whom::Officer);
    Line { at, what: audit.what, about: audit.about, role, organisation, basis, staff }
}

/// `POST /v1/people/{patient}/emergency`.
pub(super) async fn take_emergency(
    allowed: Allowed<needs::TakeEmergency>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let EmergencyAsked { reason, minutes } = json::read(&request, payload, BODY_BYTES_MAX).await?;
    let patient = patient(&path)?;
    if !shared.directory.relations().has_person(&patient) {
        return Err(ErrorCode::ItemNotFound.into());
    }
    let lasts = TimeDelta::minutes(i64::from(minutes));
    if lasts <= TimeDelta::zero() || lasts > EMERGENCY_LASTS_AT_MOST {
        return Err(NotInOrder::new("minutes", "want 1 to 240").into());
    }
    let access = allowed.access();
    let staff = access.actor().map(|who| who.id.clone()).ok_or(ErrorCode::NotAllowed)?;
    let (id, at) = (new_record(&shared)?, shared.clock.now());
    let until = at + lasts;
    let span = Span { from: at, until: Some(until) };
    let emergency =
        Emergency { id: id.clone(), patient: patient.clone(), staff: staff.clone(), reason, span, reviewed_by: None };
    write(&shared, access, emergency.into(), 1, None).await?;
    shared.events.emit(&ServiceEvent::EmergencyTaken { emergency: id.clone(), staff, patient, until });
    Ok(json::answer(StatusCode::CREATED, &EmergencyTaken { id, until }))
}

/// `GET /v1/emergencies`: those of the people whose log the caller may see; those nobody has looked into come first.
pub(super) async fn emergencies(
    allowed: Allowed<needs::SeeLog>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let access = allowed.access();
    let held = access.held(Permission::SeeLog).ok_or(ErrorCode::NotAllowed)?;
    let mut which: Vec<(bool, ItemRef)> = {
        let relations = shared.directory.relations();
        let theirs = relations.emergencies_of(&held.caseload.patients).into_iter();
        theirs.map(|one| (one.reviewed_by.is_some(), ItemRef::Emergency(one.id.clone()))).collect()
    };
    which.sort_by_key(|(is_reviewed, _)| *is_reviewed);
    let mut items = Vec::new();
    for (_, which) in which.iter().take(EMERGENCIES_MAX) {
        items.extend(shared.store.item(access, which).await?.map(Shown::from));
    }
    Ok(json::answer(StatusCode::OK, &Items { items }))
}

/// `POST /v1/emergencies/{id}/review`.
pub(super) async fn review_emergency(
    allowed: Allowed<needs::SeeLog>,
    path: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let id = RecordId::parse(&path).map_err(|_not_an_id| ErrorCode::ItemNotFound)?;
    let access = allowed.access();
    let kept = seen(&shared, access, &ItemRef::Emergency(id)).await?;
    let Item::Emergency(mut emergency) = kept.item else { return Err(ErrorCode::Internal.into()) };
    // Whoever looked into it first stays.
    if emergency.reviewed_by.is_some() {
        return Err(ErrorCode::ItemStale.into());
    }
    emergency.reviewed_by = access.actor().map(|who| who.id.clone());
    let version = kept.version.checked_add(1).ok_or(ErrorCode::Internal)?;
    write(&shared, access, Item::Emergency(emergency), version, None).await?;
    Ok(json::answer(StatusCode::OK, &Version { version }))
}

#[derive(Serialize)]
struct Version {
    version: u32,
}

/// An id that nothing has yet: sixteen random bytes, as letters so that no part of it could be taken for a number.
fn new_record(shared: &Shared) -> Result<RecordId, Refusal> {
    let mut bytes = [0; 16];
    shared.rng.fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "There is no randomness for an id.");
        ErrorCode::Internal
    })?;
    let letters = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).map(|half| char::from(b'a' + half));
    let id: String = "rc-".chars().chain(letters).collect();
    RecordId::parse(&id).map_err(|_never| ErrorCode::Internal.into())
}
