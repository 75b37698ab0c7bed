//! A batch from a hub: verified, each reading checked, all of it applied, then a receipt with a line for each.

use super::{
    Refusal, Shared, body, receipt,
    signature::{self, Signed},
};
use crate::{
    access::Access,
    admit::{admit, moment},
    events::{ServiceEvent, emit_committed},
    store::{ApplyError, Committed, Outcome, Slice, Subject},
};
use actix_web::{HttpRequest, HttpResponse, dev::RequestHead, http::header, web};
use chrono::{DateTime, Utc};
use rules::{Event, event::RefusedReading};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use vitals::{Admitted, ErrorCode, ReadingId, Who, WhyUnassigned, wire::v1};

/// `POST /v1/batches`.
pub(super) async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let answer = take_in(request.head(), payload, &shared).await;
    if let Err(refusal) = &answer {
        shared.events.emit(&ServiceEvent::RequestRefused { code: refusal.code() });
    }
    answer.map(|receipt| HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(receipt))
}

async fn take_in(head: &RequestHead, payload: web::Payload, shared: &Shared) -> Result<v1::Receipt, Refusal> {
    content_is_ours(head)?;
    // The signature covers the head alone, digest included: nobody unknown makes us read a body.
    let signed = signature::verify(head, &shared.hubs)?;
    let bytes = body::read(payload, v1::BODY_BYTES_MAX).await?;
    signed.covers(&bytes)?;
    let at = shared.clock.now();
    shared.windows.take(shared.store.as_ref(), signed.hub.id(), signed.number).await?;
    let batch: v1::Batch<Box<RawValue>> = serde_json::from_slice(&bytes).map_err(|_cause| ErrorCode::BodyMalformed)?;
    if batch.readings.len() > v1::BATCH_READINGS_MAX {
        return Err(ErrorCode::TooManyReadings.into());
    }
    shared.events.emit(&ServiceEvent::BatchReceived {
        hub: signed.hub.id().clone(),
        number: signed.number,
        readings: batch.readings.len(),
        bytes: bytes.len(),
        digest: signed.digest.clone(),
    });
    let sent_at = moment(&batch.made_at).map_err(|_malformed| ErrorCode::BodyMalformed)?;
    let sorted = sort(&batch.readings, &signed, sent_at, at);
    for code in sorted.refused.values() {
        shared.events.emit(&ServiceEvent::ReadingRefused { hub: signed.hub.id().clone(), code: *code });
    }
    let who = Access::hub(&signed.hub);
    let answers = shared.store.apply(&who, sorted.slices(&signed), shared.decide.clone(), at).await;
    let outcomes = take_answers(answers, shared)?;
    Ok(receipt::write(&batch.readings, &sorted, &outcomes, at))
}

/// What each slice came to. One person's slice that failed never holds up another's receipt: its readings are offered
/// again. Only where nothing at all was stored, or the request's number was used before, is the request refused whole.
fn take_answers(
    answers: Vec<Result<Committed<Outcome>, ApplyError>>,
    shared: &Shared,
) -> Result<Vec<Result<Committed<Outcome>, ApplyError>>, Refusal> {
    for answer in &answers {
        match answer {
            Ok(committed) => {
                emit_committed(shared.events.as_ref(), committed);
                if committed.get().jobs > 0 {
                    shared.wake_notifier.notify_one();
                }
            }
            Err(error) => tracing::error!(error = %error, "Could not store a slice of a batch."),
        }
    }
    let refused = answers.iter().filter_map(|answer| answer.as_ref().err());
    let mut whole = refused.filter(|error| matches!(error, ApplyError::Replayed) || answers.iter().all(Result::is_err));
    match whole.next() {
        Some(error) => Err(Refusal::from(error)),
        None => Ok(answers),
    }
}

fn content_is_ours(head: &RequestHead) -> Result<(), ErrorCode> {
    let is =
        |name, expected| head.headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected));
    if !is(header::CONTENT_TYPE, b"application/json") {
        return Err(ErrorCode::ContentTypeNotSupported);
    }
    if !is(header::CONTENT_ENCODING, b"identity") {
        return Err(ErrorCode::EncodingNotSupported);
    }
    Ok(())
}

/// A batch's readings, sorted by whose they are; each is known by its place in the batch.
pub(super) struct Sorted {
    /// By subject, in the order of the batch: the place and what was admitted.
    pub(super) admitted: BTreeMap<Subject, Vec<(usize, Box<Admitted>)>>,
    /// What was refused, by place.
    pub(super) refused: BTreeMap<usize, ErrorCode>,
    refused_bodies: Vec<RefusedReading>,
}

fn sort(readings: &[Box<RawValue>], signed: &Signed, sent_at: DateTime<Utc>, at: DateTime<Utc>) -> Sorted {
    let mut sorted = Sorted { admitted: BTreeMap::new(), refused: BTreeMap::new(), refused_bodies: Vec::new() };
    let hub = signed.hub.id();
    for (place, json) in readings.iter().enumerate() {
        let parsed = serde_json::from_str::<v1::Reading>(json.get()).map_err(|_cause| ErrorCode::ReadingMalformed);
        match parsed.and_then(|reading| admit(&reading, hub, sent_at, at)) {
            Ok(mut admitted) => {
                let subject = match &admitted.reading.who {
                    Who::Patient(patient) if signed.hub.patients().contains(patient) => {
                        Subject::Patient(patient.clone())
                    }
                    // Never a guess and never lost: a person who is not on this hub leaves the reading for staff to assign.
                    Who::Patient(_) => {
                        admitted.reading.who = Who::Unassigned(WhyUnassigned::PatientNotOnHub);
                        Subject::Unassigned(hub.clone())
                    }
                    Who::Unassigned(_) => Subject::Unassigned(hub.clone()),
                };
                sorted.admitted.entry(subject).or_default().push((place, Box::new(admitted)));
            }
            Err(code) => {
                sorted.refused.insert(place, code);
                let id = ReadingId::parse(&id_of(json)).ok();
                let body = json.get().to_owned();
                sorted.refused_bodies.push(RefusedReading { hub: hub.clone(), id, code, body });
            }
        }
    }
    sorted
}

/// Longest id we repeat in a receipt; ours have 35 bytes.
const ID_BYTES_MAX: usize = 64;

/// A reading's id as sent; empty where it has none that reads as text.
pub(super) fn id_of(json: &RawValue) -> String {
    #[derive(Deserialize)]
    struct OnlyId {
        id: String,
    }
    let id = serde_json::from_str::<OnlyId>(json.get()).map(|only| only.id).unwrap_or_default();
    if id.len() <= ID_BYTES_MAX { id } else { String::new() }
}

impl Sorted {
    /// The slices to apply: the request's number first, then what was refused, then each subject's readings in the
    /// order of [`Sorted::admitted`].
    fn slices(&self, signed: &Signed) -> Vec<Slice> {
        let hub = signed.hub.id();
        let number = Slice {
            subject: Subject::Service,
            events: vec![Event::Received { hub: hub.clone(), number: signed.number }],
        };
        let refused = self.refused_bodies.iter().map(|refused| Event::Refused(Box::new(refused.clone()))).collect();
        let refused = Slice { subject: Subject::Unassigned(hub.clone()), events: refused };
        let readings = self.admitted.iter().map(|(subject, admitted)| Slice {
            subject: subject.clone(),
            events: admitted.iter().map(|(_, admitted)| Event::Reading(admitted.clone())).collect(),
        });
        [number, refused].into_iter().chain(readings).collect()
    }
}

/// Where the slice of what was refused stands among them.
pub(super) const REFUSED_SLICE: usize = 1;

/// How many slices stand before those of [`Sorted::admitted`].
pub(super) const SLICES_BEFORE_READINGS: usize = 2;
