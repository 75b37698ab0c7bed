//! A batch from a hub: verified, each reading checked, all of it applied, then a receipt with a line for each.

use super::{
    Refusal, Shared,
    of_hub::{self, NumberIsKept, Received},
    receipt,
    signature::Signed,
};
use crate::{
    access::Access,
    admit::{admit, moment},
    events::{ServiceEvent, emit_committed},
    store::{ApplyError, Committed, Outcome, Slice, Subject},
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use chrono::{DateTime, Utc};
use rules::{Event, event::RefusedReading};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use vitals::{
    Admitted, ErrorCode, PatientId, ReadingId, Who, WhyUnassigned,
    wire::v1::{self, lent},
};

/// `POST /v1/batches`.
pub(super) async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let answer = async |received: Received<'_>| answer(&shared, received).await;
    let cap = v1::BODY_BYTES_MAX;
    let receipt = of_hub::take_in(request.head(), payload, &shared, cap, NumberIsKept::WithItsCommit, answer).await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header(header::ContentType::json());
    Ok(response.body(receipt))
}

async fn answer(shared: &Shared, received: Received<'_>) -> Result<Vec<u8>, Refusal> {
    let Received { signed, body, turn: _turn, at } = &received;
    let at = *at;
    let batch: v1::Batch<&RawValue> = serde_json::from_slice(&body.bytes).map_err(|_cause| ErrorCode::BodyMalformed)?;
    if batch.readings.len() > v1::BATCH_READINGS_MAX {
        return Err(ErrorCode::TooManyReadings.into());
    }
    shared.pace.readings(signed.hub.id(), batch.readings.len(), at)?;
    shared.events.emit(&ServiceEvent::BatchReceived {
        hub: signed.hub.id().clone(),
        number: signed.number,
        readings: batch.readings.len(),
        bytes: body.sent_bytes,
        digest: signed.digest.clone(),
    });
    if let Some(event) = shared.heard.batch(signed.hub.id(), at) {
        shared.events.emit(&event);
    }
    let sent_at = moment(&batch.made_at).map_err(|_malformed| ErrorCode::BodyMalformed)?;
    let (slices, places) = sort(&batch.readings, signed, sent_at, at);
    for code in places.refused.values() {
        shared.events.emit(&ServiceEvent::ReadingRefused { hub: signed.hub.id().clone(), code: *code });
    }
    let who = match batch.lane {
        v1::Lane::Live => Access::hub(&signed.hub),
        v1::Lane::Backfill => Access::hub(&signed.hub).for_backfill(),
    };
    let answers = shared.store.apply(&who, slices, shared.decide.clone(), at).await;
    let took = (shared.clock.now() - at).to_std().unwrap_or_default();
    let outcomes = take_answers(answers, shared).map_err(|refusal| match batch.lane {
        v1::Lane::Live => refusal,
        v1::Lane::Backfill => refusal.of_backfill(),
    })?;
    let (hub, number) = (signed.hub.id().clone(), signed.number);
    shared.events.emit(&ServiceEvent::BatchCommitted { hub, number, took });
    let register = shared.directory.relations();
    Ok(receipt::write(&places, &outcomes, |person| register.may_be_told(person), at)?)
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

/// Where in the batch everything stood, so that the receipt can say it in the order sent.
pub struct Places<'a> {
    /// The id of each reading as sent; empty where it has none.
    pub(super) ids: Vec<lent::Text<'a>>,
    /// What was refused, by place.
    pub(super) refused: BTreeMap<usize, ErrorCode>,
    /// The places of each slice's readings, for the slices after [`SLICES_BEFORE_READINGS`].
    pub(super) of_slices: Vec<Vec<usize>>,
    /// Whose each of those slices is; none where it is nobody's yet.
    pub(super) people: Vec<Option<PatientId>>,
}

/// Sorts a batch by whose its readings are. The slices to apply: the request's number first, then what was refused, then
/// each subject's readings.
pub fn sort<'a>(
    readings: &[&'a RawValue],
    signed: &Signed,
    sent_at: DateTime<Utc>,
    at: DateTime<Utc>,
) -> (Vec<Slice>, Places<'a>) {
    let hub = signed.hub.id();
    let mut places =
        Places { ids: Vec::with_capacity(readings.len()), refused: BTreeMap::new(), of_slices: vec![], people: vec![] };
    let mut refused = Vec::new();
    let mut admitted: BTreeMap<Subject, (Vec<usize>, Vec<Event>)> = BTreeMap::new();
    for (place, json) in readings.iter().enumerate() {
        let parsed =
            serde_json::from_str::<lent::Reading<'a>>(json.get()).map_err(|_cause| ErrorCode::ReadingMalformed);
        let id = parsed.as_ref().map_or_else(|_malformed| id_of(json), |reading| reading.id.clone());
        match parsed.and_then(|reading| admit(&reading, hub, sent_at, at)) {
            Ok(mut reading) => {
                let (of_subject, events) = admitted.entry(subject(&mut reading, signed)).or_default();
                of_subject.push(place);
                events.push(Event::Reading(Box::new(reading)));
            }
            Err(code) => {
                places.refused.insert(place, code);
                let (id, body) = (ReadingId::parse(&id).ok(), json.get().to_owned());
                refused.push(Event::Refused(Box::new(RefusedReading { hub: hub.clone(), id, code, body })));
            }
        }
        places.ids.push(if id.len() <= ID_BYTES_MAX { id } else { "".into() });
    }
    let number = vec![Event::Received { hub: hub.clone(), number: signed.number }];
    let mut slices = vec![
        Slice { subject: Subject::Service, events: number },
        Slice { subject: Subject::Unassigned(hub.clone()), events: refused },
    ];
    for (subject, (of_subject, events)) in admitted {
        places.people.push(match &subject {
            Subject::Patient(person) => Some(person.clone()),
            Subject::Unassigned(_) | Subject::Service => None,
        });
        slices.push(Slice { subject, events });
        places.of_slices.push(of_subject);
    }
    (slices, places)
}

/// Whose record a reading goes to. Never a guess and never lost: a person who is not on this hub leaves the reading for
/// staff to assign.
fn subject(admitted: &mut Admitted, signed: &Signed) -> Subject {
    match &admitted.reading.who {
        Who::Patient(patient) if signed.hub.patients().contains(patient) => return Subject::Patient(patient.clone()),
        Who::Patient(_) => admitted.reading.who = Who::Unassigned(WhyUnassigned::PatientNotOnHub),
        Who::Unassigned(_) => {}
    }
    Subject::Unassigned(signed.hub.id().clone())
}

/// Longest id we repeat in a receipt; ours have 35 bytes.
const ID_BYTES_MAX: usize = 64;

/// The id of a reading that is malformed otherwise; empty where it has none that reads as text.
fn id_of(json: &RawValue) -> lent::Text<'_> {
    #[derive(Deserialize)]
    struct OnlyId<'a> {
        #[serde(borrow)]
        id: lent::Text<'a>,
    }
    serde_json::from_str::<OnlyId<'_>>(json.get()).map_or_else(|_none| "".into(), |only| only.id)
}

/// Where the slice of what was refused stands among them.
pub(super) const REFUSED_SLICE: usize = 1;

/// How many slices stand before those of admitted readings.
pub(super) const SLICES_BEFORE_READINGS: usize = 2;
