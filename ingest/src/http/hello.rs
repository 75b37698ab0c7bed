//! A hello from a hub: verified, noted, its heads compared with the store's; the answer holds the newest heartbeat and what
//! the service wants again.
//!
//! Invariants: a hub learns nothing of whether its heads agree; heads of people who are not on this hub are passed over; a
//! hello writes nothing but the record of a disagreement (its number is kept in bulk, see [`super::replay`]).

use super::{
    Refusal, Shared,
    heard::{LinkKind, Said},
    of_hub::{self, NumberIsKept, Received},
    signature::Signed,
};
use crate::{
    access::{Access, Purpose, VerifiedHub},
    admit::moment,
    events::ServiceEvent,
    store::{ApplyError, Slice, Subject, Witness},
};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use rules::{
    Event,
    event::{Audit, AuditKind},
};
use std::{sync::atomic::Ordering, time::Duration};
use vitals::{
    ErrorCode, HubId, PatientId,
    bounded::Text,
    wire::{
        hello::{DEAF_MAX, HEADS_MAX, HELLO_BODY_BYTES_MAX, HELLO_WAIT_MAX, Hello, HelloAnswer, OFFER_AGAIN_MAX},
        v1,
    },
};

/// Most hellos that wait for news at once: each holds a connection, of which batches need some too. Beyond it a hello is
/// answered at once.
const WAITING_MAX: usize = 4096;

/// `POST /v1/hello`.
pub(super) async fn receive(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let answer = async |received: Received<'_>| answer(&shared, received).await;
    let cap = HELLO_BODY_BYTES_MAX;
    let answer = of_hub::take_in(request.head(), payload, &shared, cap, NumberIsKept::InBulk, answer).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(answer))
}

async fn answer(shared: &Shared, received: Received<'_>) -> Result<HelloAnswer, Refusal> {
    let Received { signed, body, turn, at } = received;
    let hub = signed.hub.id();
    let hello: Hello = serde_json::from_slice(&body.bytes).map_err(|_cause| ErrorCode::BodyMalformed)?;
    let said = read(&hello)?;
    drop((body, turn));
    shared.metrics.hello();
    for event in shared.heard.hello(hub, said, at) {
        shared.events.emit(&event);
    }
    compare(shared, &signed, &hello).await?;
    if hello.wait_secs > 0 {
        wait_for_news(shared, &signed.hub, Duration::from_secs(hello.wait_secs).min(HELLO_WAIT_MAX)).await?;
    }
    let wanted = shared.store.wanted(&Access::system(Purpose::Receive), hub, OFFER_AGAIN_MAX).await?;
    let heartbeat = shared.beats.borrow().as_ref().map(|beat| (*beat.sealed).clone());
    Ok(HelloAnswer {
        received_at: v1::moment(at),
        heartbeat,
        offer_again: wanted.iter().take(OFFER_AGAIN_MAX).map(ToString::to_string).collect(),
        next_keys: shared.announced.next_keys(),
        certificates: shared.announced.certificates(),
    })
}

/// What a hello says, as types. A link this service does not know is passed over, like any other word of tomorrow.
fn read(hello: &Hello) -> Result<Said, ErrorCode> {
    let malformed = |_time| ErrorCode::BodyMalformed;
    if hello.deaf.len() > DEAF_MAX || hello.heads.len() > HEADS_MAX {
        return Err(ErrorCode::BodyMalformed);
    }
    moment(&hello.made_at).map_err(malformed)?;
    let oldest_at = hello.outbox.oldest_at.as_deref().map(moment).transpose().map_err(malformed)?;
    Ok(Said {
        waiting: hello.outbox.waiting_live.saturating_add(hello.outbox.waiting_backfill),
        oldest_at,
        deaf: hello.deaf.iter().filter_map(|deaf| LinkKind::from_name(&deaf.link)).collect(),
    })
}

/// Compares the heads a hub returns with the store's. A hub is a witness: where the store never gave this head, it was rolled
/// back or changed.
async fn compare(shared: &Shared, signed: &Signed, hello: &Hello) -> Result<(), Refusal> {
    let heads: Vec<(PatientId, Witness)> = hello
        .heads
        .iter()
        .filter_map(|(patient, head)| Some((PatientId::parse(patient).ok()?, Witness::parse(head)?)))
        .filter(|(patient, _)| signed.hub.patients().contains(patient))
        .collect();
    if heads.is_empty() {
        return Ok(());
    }
    let agree = shared.store.witnessed(&Access::system(Purpose::Receive), heads.clone()).await?;
    let hub = signed.hub.id();
    let disagree: Vec<(PatientId, Witness)> =
        heads.into_iter().zip(agree).filter_map(|(head, agrees)| (!agrees).then_some(head)).collect();
    for (patient, head) in &disagree {
        if shared.heard.disagrees(hub, patient, *head) {
            shared.events.emit(&ServiceEvent::WitnessDisagrees { hub: hub.clone(), patient: patient.clone() });
        }
    }
    record(shared, hub, disagree).await;
    Ok(())
}

/// Puts disagreements into the records they are about. What the store cannot take now is tried again at the next hello.
async fn record(shared: &Shared, hub: &HubId, disagree: Vec<(PatientId, Witness)>) {
    let due: Vec<(PatientId, Slice)> = disagree
        .into_iter()
        .filter(|(patient, _)| shared.heard.is_to_be_recorded(hub, patient))
        .filter_map(|(patient, head)| Some((patient.clone(), audit(hub, patient, head)?)))
        .collect();
    if due.is_empty() {
        return;
    }
    let (people, slices): (Vec<PatientId>, Vec<Slice>) = due.into_iter().unzip();
    let who = Access::system(Purpose::Audit);
    let answers = shared.store.apply(&who, slices, shared.decide.clone(), shared.clock.now()).await;
    for (patient, answer) in people.iter().zip(answers) {
        match answer {
            // A store whose chains have no such entries: the event has said it.
            Ok(_) | Err(ApplyError::Denied(_)) => shared.heard.recorded(hub, patient),
            Err(error) => tracing::error!(error = %error, "Could not record that a hub's head disagrees."),
        }
    }
}

fn audit(hub: &HubId, patient: PatientId, head: Witness) -> Option<Slice> {
    let about = Text::new(&format!("{hub} returned {head}")).ok()?;
    let audit = Audit { what: AuditKind::WitnessDisagrees, about, by: None };
    Some(Slice { subject: Subject::Patient(patient), events: vec![Event::Audited(audit)] })
}

/// Waits until the heartbeat says something other than the time: the store has failed or recovered. Waking at every heartbeat
/// would have a county's hubs ask four times as often.
///
/// # Errors
/// [`ErrorCode::HubKeyEnded`] as soon as the key that signed the hello counts no more.
async fn wait_for_news(shared: &Shared, hub: &VerifiedHub, longest: Duration) -> Result<(), ErrorCode> {
    let Some(_place) = Place::take(shared) else { return Ok(()) };
    let mut beats = shared.beats.subscribe();
    let before = beats.borrow().as_ref().map(|beat| beat.store);
    let (mut stops, mut hubs) = (shared.stops.clone(), shared.hubs.subscribe());
    let mut is_over = shared.clock.sleep(longest);
    loop {
        shared.hubs.still_counts(hub, shared.clock.now())?;
        tokio::select! {
            _changed_or_gone = beats.wait_for(|beat| beat.as_ref().map(|beat| beat.store) != before) => break,
            Ok(_stopping) = stops.wait_for(|stops| *stops) => break,
            () = &mut is_over => break,
            () = key_ends(shared, hub) => {}
            Ok(()) = hubs.changed() => {}
        }
    }
    shared.hubs.still_counts(hub, shared.clock.now())
}

/// Returns when the key that signed ends, as far as is known now.
async fn key_ends(shared: &Shared, hub: &VerifiedHub) {
    match shared.hubs.span(hub).and_then(|span| span.until) {
        Some(until) => shared.clock.sleep((until - shared.clock.now()).to_std().unwrap_or_default()).await,
        None => std::future::pending().await,
    }
}

/// A place among the hellos that wait; given back when dropped.
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Option<Self> {
        let place = Self(shared);
        let before = shared.waiting_hellos.fetch_add(1, Ordering::Relaxed);
        (before < WAITING_MAX).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting_hellos.fetch_sub(1, Ordering::Relaxed);
    }
}
