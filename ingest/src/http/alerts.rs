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
use rules::{Alert, Event, Workflow, alert::Note};
use serde::{Deserialize, Serialize};
use vitals::{AlertId, ErrorCode};

/// Most alerts in one answer: what a person could look through.
pub(crate) const ALERTS_MAX: usize = 500;

/// Largest body of an acknowledgement: a note of 500 characters, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

#[derive(Serialize)]
struct Answer {
    alerts: Vec<Alert>,
}

#[derive(Deserialize, Default)]
struct Acknowledgement {
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
    let alerts = shared.store.alerts(allowed.access(), ALERTS_MAX).await?;
    Ok(json::answer(StatusCode::OK, &Answer { alerts }))
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
