//! Alerts for staff's programs: the list, and taking one.

use super::{
    Refusal, Shared,
    guard::{Allowed, needs},
    json,
};
use crate::{
    access::Access,
    events::emit_committed,
    store::{Slice, Subject},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use look::worklist::NOTE_CHARS_MAX;
use register::{Item, ItemRef, Status};
use rules::{Alert, Event, Workflow, alert::Note};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{AlertId, ErrorCode, PatientId};

/// Most alerts in one answer: what a person could look through.
pub(crate) const ALERTS_MAX: usize = 500;

/// Largest body of an acknowledgement: a note of 500 characters, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

#[derive(Serialize)]
struct Answer {
    alerts: Vec<Listed>,
}

/// An alert, and whether its person is with us.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct Listed {
    #[serde(flatten)]
    alert: Alert,
    /// Left out where they are at home, or in their care home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person_status: Option<Status>,
}

#[derive(Deserialize, Default)]
pub(super) struct Acknowledgement {
    #[serde(default)]
    note: String,
}

/// What somebody wrote when they took an alert: nothing, or up to [`NOTE_CHARS_MAX`] characters on one line.
///
/// # Errors
/// [`ErrorCode::NoteRefused`] where it is longer.
pub(crate) fn read_note(text: &str) -> Result<Option<Note>, ErrorCode> {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match line.trim() {
        "" => Ok(None),
        note if note.chars().count() > NOTE_CHARS_MAX => Err(ErrorCode::NoteRefused),
        note => Note::new(note).map(Some).map_err(|_too_long| ErrorCode::NoteRefused),
    }
}

/// `GET /v1/alerts`: what the caller may see, the newest first.
pub(super) async fn list(
    allowed: Allowed<needs::SeeReadings>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let access = allowed.access();
    let alerts = shared.store.alerts(access, ALERTS_MAX).await?;
    let away = away(&shared, access, &alerts).await?;
    let listed = alerts.into_iter().map(|alert| Listed { person_status: away.get(&alert.patient).copied(), alert });
    Ok(json::answer(StatusCode::OK, &Answer { alerts: listed.collect() }))
}

/// How those of the alerts' people are who are not at home as usual: few, so that hardly anybody is looked up.
async fn away(shared: &Shared, access: &Access, alerts: &[Alert]) -> Result<BTreeMap<PatientId, Status>, Refusal> {
    let away: BTreeSet<&PatientId> = {
        let relations = shared.directory.relations();
        alerts.iter().map(|alert| &alert.patient).filter(|patient| !relations.may_be_told(patient)).collect()
    };
    let mut statuses = BTreeMap::new();
    for patient in away {
        let kept = shared.store.item(access, &ItemRef::Patient(patient.clone())).await?;
        if let Some(Item::Patient(person)) = kept.map(|kept| kept.item) {
            statuses.insert(patient.clone(), person.status);
        }
    }
    Ok(statuses)
}

/// `POST /v1/alerts/{id}/acknowledge`, with an optional note as JSON.
pub(super) async fn acknowledge(
    allowed: Allowed<needs::TakeAlerts>,
    request: HttpRequest,
    path: web::Path<String>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let wanted: Acknowledgement = json::read(&request, payload, BODY_BYTES_MAX).await?;
    let id = AlertId::parse(&path).map_err(|_not_an_id| ErrorCode::AlertNotFound)?;
    let alert = take(&shared, allowed.access(), id, read_note(&wanted.note)?).await?;
    Ok(json::answer(StatusCode::OK, &alert))
}

/// Takes an alert for whoever is signed in; the page and the interface both come through here.
///
/// # Errors
/// [`ErrorCode::AlertNotFound`] where they may not see it, and what the alert's machine refuses.
pub(crate) async fn take(shared: &Shared, access: &Access, id: AlertId, note: Option<Note>) -> Result<Alert, Refusal> {
    let by = access.actor().cloned().ok_or(ErrorCode::NotAllowed)?;
    let alert = shared.store.alert(access, id).await?.ok_or(ErrorCode::AlertNotFound)?;
    // An alert that is over is no longer in the person's state; its record still says who took it.
    if matches!(alert.workflow, Workflow::Acknowledged { .. }) {
        return Err(ErrorCode::AlertAlreadyAcknowledged.into());
    }
    let slice =
        Slice { subject: Subject::Patient(alert.patient), events: vec![Event::Acknowledged { alert: id, by, note }] };
    let mut answers = shared.store.apply(access, vec![slice], shared.decide.clone(), shared.clock.now()).await;
    let committed = answers.pop().ok_or(ErrorCode::Internal)?.map_err(|error| Refusal::from(&error))?;
    emit_committed(shared.events.as_ref(), &committed);
    committed.into_inner().alerts.into_iter().find(|alert| alert.id == id).ok_or_else(|| ErrorCode::Internal.into())
}
