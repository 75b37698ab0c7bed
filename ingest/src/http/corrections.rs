//! Correcting what stands in a person's record: a reading that was entered in error, one that is another person's, and taking
//! either back.
//!
//! Invariants: whoever corrects a reading may act on the alerts of everybody it is about, and who that is not is told nothing;
//! nothing is taken out of a record, so that each of these can be taken back by another.

use super::{
    Refusal, Shared,
    alerts::read_note,
    guard::{Allowed, needs},
    json,
};
use crate::{
    access::{Access, Permission},
    events::emit_committed,
    store::{Slice, Subject},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::{DateTime, Utc};
use register::NotInOrder;
use rules::{Actor, Because, Event, Mistake, alert::Note};
use serde::{Deserialize, Serialize};
use vitals::{ErrorCode, PatientId, ReadingId};

/// Largest body: a note of 500 characters, escaped.
const BODY_BYTES_MAX: usize = 8 * 1024;

/// Why a reading does not count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InError {
    reason: Mistake,
    #[serde(default)]
    note: String,
}

/// Whose a reading is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveTo {
    to: PatientId,
    #[serde(default)]
    note: String,
}

/// That a reading counts after all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CountsAgain {
    #[serde(default)]
    note: String,
}

/// How a reading stands from now on.
#[derive(Serialize)]
#[cfg_attr(test, derive(Deserialize))]
pub(super) struct Corrected {
    reading: ReadingId,
    /// Whose record it stands in.
    patient: PatientId,
    /// Whether it counts there.
    counts: bool,
    /// From when on readings were worked out again, where there were more than could be: what rests on older ones stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worked_out_since: Option<DateTime<Utc>>,
}

/// One reading of one person, for somebody who may act on that person's readings.
struct Of<'a> {
    access: &'a Access,
    by: Actor,
    patient: PatientId,
    reading: ReadingId,
}

impl<'a> Of<'a> {
    fn read(access: &'a Access, path: web::Path<(String, String)>) -> Result<Self, Refusal> {
        let (patient, reading) = path.into_inner();
        let patient = PatientId::parse(&patient).map_err(|_not_an_id| ErrorCode::ItemNotFound)?;
        if !access.may(Permission::TakeAlerts, &patient) {
            return Err(ErrorCode::ItemNotFound.into());
        }
        let reading = ReadingId::parse(&reading).map_err(|_not_an_id| ErrorCode::ReadingNotFound)?;
        let by = access.actor().cloned().ok_or(ErrorCode::NotAllowed)?;
        Ok(Self { access, by, patient, reading })
    }

    /// Applies it, and says how the reading stands now.
    async fn apply(self, shared: &Shared, event: Event, stands: (PatientId, bool)) -> Result<HttpResponse, Refusal> {
        let slice = Slice { subject: Subject::Patient(self.patient), events: vec![event] };
        let mut answers = shared.store.apply(self.access, vec![slice], shared.decide.clone(), shared.clock.now()).await;
        let committed = answers.pop().ok_or(ErrorCode::Internal)?.map_err(|error| Refusal::from(&error))?;
        emit_committed(shared.events.as_ref(), &committed);
        let outcome = committed.get();
        if outcome.jobs > 0 {
            shared.wake_notifier.notify_one();
        }
        let (patient, counts) = stands;
        let corrected = Corrected { reading: self.reading, patient, counts, worked_out_since: outcome.folded_since };
        Ok(json::answer(StatusCode::OK, &corrected))
    }
}

fn note(text: &str) -> Result<Option<Note>, Refusal> {
    Ok(read_note(text)?)
}

/// `POST /v1/people/{patient}/readings/{reading}/entered-in-error`.
pub(super) async fn entered_in_error(
    allowed: Allowed<needs::TakeAlerts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let asked: InError = json::read(&request, payload, BODY_BYTES_MAX).await?;
    let of = Of::read(allowed.access(), path)?;
    let because = match asked.reason {
        Mistake::AnotherPersons => Because::AnotherPersons,
        Mistake::WrongNumber
        | Mistake::Technique
        | Mistake::Device
        | Mistake::WrongTime
        | Mistake::Test
        | Mistake::Twice => Because::EnteredInError,
    };
    let (mistake, note, by) = (Some(asked.reason), note(&asked.note)?, of.by.clone());
    let event = Event::Withdrawn { reading: of.reading, because, mistake, by, note };
    let stands = (of.patient.clone(), false);
    of.apply(&shared, event, stands).await
}

/// `POST /v1/people/{patient}/readings/{reading}/move`.
pub(super) async fn move_to(
    allowed: Allowed<needs::TakeAlerts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let MoveTo { to, note: said } = json::read(&request, payload, BODY_BYTES_MAX).await?;
    let of = Of::read(allowed.access(), path)?;
    if !of.access.may(Permission::TakeAlerts, &to) {
        return Err(ErrorCode::ItemNotFound.into());
    }
    if to == of.patient {
        return Err(NotInOrder::new("to", "want another person").into());
    }
    let event = Event::Moved { reading: of.reading, to: to.clone(), by: of.by.clone(), note: note(&said)? };
    of.apply(&shared, event, (to, true)).await
}

/// `POST /v1/people/{patient}/readings/{reading}/count-again`.
pub(super) async fn count_again(
    allowed: Allowed<needs::TakeAlerts>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let CountsAgain { note: said } = json::read(&request, payload, BODY_BYTES_MAX).await?;
    let of = Of::read(allowed.access(), path)?;
    let (to, by) = (of.patient.clone(), of.by.clone());
    let event = Event::Moved { reading: of.reading, to: to.clone(), by, note: note(&said)? };
    of.apply(&shared, event, (to, true)).await
}
