//! The register over HTTP: what stands in it, as far as the caller may see it, and its next versions.
//!
//! Invariants: a version is made from the one before it, so that of two who change the same thing the second hears of it;
//! what stands there is changed only by somebody who may change that, whatever they would make of it.

use super::{
    Refusal, Shared,
    guard::{Allowed, Needs, needs},
    json,
};
use crate::{
    access::Access,
    events::emit_committed,
    store::{KeptItem, Slice, Subject},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::{DateTime, Utc};
use register::{Item, ItemKind, ItemRef, NotInOrder, Reason, Written};
use rules::Event;
use serde::{Deserialize, Serialize};
use vitals::{ErrorCode, PatientId, id::StaffId};

/// Most things on one page of a list.
const LIST_MAX: usize = 500;

/// Most people on one page: each is looked up, and each record says so.
const PEOPLE_MAX: usize = 50;

/// Most versions in one answer.
const VERSIONS_MAX: usize = 200;

/// A kind of the register, as a type.
pub(super) trait Kind: 'static {
    /// Which.
    const KIND: ItemKind;
    /// What lets somebody see it.
    type See: Needs;
    /// What lets somebody write it.
    type Write: Needs;
}

macro_rules! kinds {
    ($($kind:ident $see:ident $write:ident;)+) => {
        /// The kinds of the register as types.
        pub(super) mod kinds {
            $(
                #[doc = concat!("[`ItemKind::", stringify!($kind), "`](register::ItemKind::", stringify!($kind), ").")]
                #[derive(Debug, Clone, Copy)]
                pub(in crate::http) enum $kind {}

                impl super::Kind for $kind {
                    const KIND: register::ItemKind = register::ItemKind::$kind;
                    type See = super::needs::$see;
                    type Write = super::needs::$write;
                }
            )+
        }
    };
}

// The table of routes says the same again, and does not compile where it says something else.
kinds! {
    Organisation SeePlaces WritePlaces;
    Team SeePlaces WritePlaces;
    Home SeePlaces WritePlaces;
    Staff SeePlaces WriteStaff;
    Device SeeDevices WriteDevices;
    Hub SeeDevices WriteHubs;
    Patient SeeDetails WriteDetails;
    Health SeePlan WritePlan;
    Plan SeePlan WritePlan;
    Carer WriteConsent WriteConsent;
    Assignment AssignDevices AssignDevices;
    Consent WriteConsent WriteConsent;
    Objection WriteConsent WriteConsent;
    Emergency SeeLog TakeEmergency;
    Erasure Erase Erase;
    Hold Erase Erase;
    PlacePlan SeePlaces WriteProtocols;
}

/// One thing, with its version.
#[derive(Serialize)]
pub(super) struct Shown {
    version: u32,
    item: Item,
}

impl From<KeptItem> for Shown {
    fn from(KeptItem { item, version }: KeptItem) -> Self {
        Self { version, item }
    }
}

#[derive(Serialize)]
struct List {
    items: Vec<Item>,
    /// Where the next page begins; none where this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

#[derive(Serialize)]
struct Versions {
    versions: Vec<ShownVersion>,
}

#[derive(Serialize)]
struct ShownVersion {
    version: Option<u32>,
    at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<StaffId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Reason>,
    item: Item,
}

#[derive(Serialize)]
struct WrittenAs {
    version: u32,
}

/// From which key on to list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    after: String,
}

/// What is to be written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToWrite {
    /// Which version it will be: 1 for a new thing, else one more than the one it was made from.
    version: u32,
    /// All of it.
    item: Item,
    /// Why.
    #[serde(default)]
    why: Option<Reason>,
}

fn reference<K: Kind>(key: &str) -> Result<ItemRef, Refusal> {
    ItemRef::parse(K::KIND, key).ok_or_else(|| ErrorCode::ItemNotFound.into())
}

/// A thing that the caller may see.
pub(super) async fn seen(shared: &Shared, access: &Access, which: &ItemRef) -> Result<KeptItem, Refusal> {
    shared.store.item(access, which).await?.ok_or_else(|| ErrorCode::ItemNotFound.into())
}

/// `GET /v1/register/{kind}`: what is nobody's record, from what is in memory of it anyway.
pub(super) async fn list<K: Kind>(
    allowed: Allowed<K::See>,
    page: web::Query<Page>,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let mut items = shared.directory.relations().list(K::KIND, &page.after, LIST_MAX);
    let is_last = items.len() < LIST_MAX;
    let after = items.last().filter(|_| !is_last).map(|item| item.reference().key().to_owned());
    items.retain(|item| allowed.access().may_see(item));
    json::answer(StatusCode::OK, &List { items, after })
}

/// `GET /v1/register/patient`: the people of whoever asks.
pub(super) async fn list_people<K: Kind>(
    allowed: Allowed<K::See>,
    page: web::Query<Page>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let access = allowed.access();
    let held = access.held(K::See::PERMISSION).ok_or(ErrorCode::NotAllowed)?;
    let behind = held.caseload.patients.iter().filter(|patient| patient.as_str() > page.after.as_str());
    let people: Vec<&PatientId> = behind.take(PEOPLE_MAX).collect();
    let mut items = Vec::with_capacity(people.len());
    for patient in &people {
        let kept = shared.store.item(access, &ItemRef::Patient((*patient).clone())).await?;
        items.extend(kept.map(|kept| kept.item));
    }
    let after = people.last().filter(|_| people.len() == PEOPLE_MAX).map(ToString::to_string);
    Ok(json::answer(StatusCode::OK, &List { items, after }))
}

/// `GET /v1/register/{kind}/{key}`.
pub(super) async fn show<K: Kind>(
    allowed: Allowed<K::See>,
    key: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let kept = seen(&shared, allowed.access(), &reference::<K>(&key)?).await?;
    Ok(json::answer(StatusCode::OK, &Shown::from(kept)))
}

/// `GET /v1/register/{kind}/{key}/versions`.
pub(super) async fn versions<K: Kind>(
    allowed: Allowed<K::See>,
    key: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let versions = shared.store.versions(allowed.access(), &reference::<K>(&key)?, VERSIONS_MAX).await?;
    if versions.is_empty() {
        return Err(ErrorCode::ItemNotFound.into());
    }
    let shown = versions.into_iter().map(|version| {
        let Written { item, version: n, by, why } = version.written;
        ShownVersion { version: n, at: version.at, by, why, item }
    });
    Ok(json::answer(StatusCode::OK, &Versions { versions: shown.collect() }))
}

/// `PUT /v1/register/{kind}/{key}`.
pub(super) async fn put<K: Kind>(
    allowed: Allowed<K::Write>,
    request: HttpRequest,
    key: web::Path<String>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let ToWrite { version, item, why } = json::read(&request, payload, json::BODY_BYTES_MAX).await?;
    let which = reference::<K>(&key)?;
    if item.reference() != which {
        return Err(NotInOrder::new("item", "want the kind and the id of the address").into());
    }
    let access = allowed.access();
    let before = shared.store.item(access, &which).await?;
    let expected = match &before {
        Some(before) if !access.may_change(&before.item) => return Err(ErrorCode::NotAllowed.into()),
        Some(before) => before.version.checked_add(1).ok_or(ErrorCode::Internal)?,
        None => 1,
    };
    if version != expected {
        return Err(ErrorCode::ItemStale.into());
    }
    write(&shared, access, item, version, why).await?;
    let status = if version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json::answer(status, &WrittenAs { version }))
}

/// Writes a version of a thing for whoever is signed in. Access follows it before this returns.
///
/// # Errors
/// What the store refuses.
pub(super) async fn write(
    shared: &Shared,
    access: &Access,
    item: Item,
    version: u32,
    why: Option<Reason>,
) -> Result<(), Refusal> {
    let by = access.actor().map(|who| who.id.clone()).ok_or(ErrorCode::NotAllowed)?;
    let subject = item.patient().cloned().map_or(Subject::Service, Subject::Patient);
    let is_for_all = matches!(item, Item::PlacePlan(_));
    let written = Written { item, version: Some(version), by: Some(by), why };
    let slice = Slice { subject, events: vec![Event::Written(Box::new(written))] };
    let mut answers = shared.store.apply(access, vec![slice], shared.decide.clone(), shared.clock.now()).await;
    let committed = answers.pop().ok_or(ErrorCode::Internal)?.map_err(|error| Refusal::from(&error))?;
    emit_committed(shared.events.as_ref(), &committed);
    if is_for_all {
        shared.wake_rounds.notify_one();
    }
    Ok(())
}
