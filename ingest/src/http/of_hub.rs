//! The one way in for a request that a hub has signed.
//!
//! Invariants: nothing is read of a body before the signature over its digest is verified; a body may have taken its time, so
//! a key that was withdrawn meanwhile signs nothing; a request's number is taken once, and last.

use super::{
    Refusal, Shared,
    body::{self, Body},
    room::Turn,
    signature::{self, Signed},
};
use crate::events::ServiceEvent;
use actix_web::{dev::RequestHead, web};
use chrono::{DateTime, Utc};

/// A request as it was let in.
pub(super) struct Received<'s> {
    /// Who has signed it, over what.
    pub(super) signed: Signed,
    /// Its body, unpacked.
    pub(super) body: Body,
    /// The hub's turn: held while the request is under way.
    pub(super) turn: Turn<'s>,
    /// When all of it had arrived.
    pub(super) at: DateTime<Utc>,
}

/// How the number of a request that is let in gets into the store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberIsKept {
    /// With what the request itself writes.
    WithItsCommit,
    /// With those of others: the request itself writes nothing.
    InBulk,
}

/// Lets a request in and has it answered. A refusal is told to the log, and says when this hub may come back.
///
/// # Errors
/// [`Refusal`] of the way in, or of the answer.
pub(super) async fn take_in<T>(
    head: &RequestHead,
    payload: web::Payload,
    shared: &Shared,
    bytes_max: usize,
    number_is_kept: NumberIsKept,
    answer: impl AsyncFnOnce(Received<'_>) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let answered = async {
        let encoding = body::encoding(head)?;
        // The signature covers the head alone, digest included: nobody unknown makes us read a body.
        let signed = signature::verify(head, &shared.hubs, shared.clock.now())?;
        shared.metrics.signature_verified();
        let (hub, number) = (signed.hub.id().clone(), signed.number);
        let received = receive(head, payload, shared, signed, encoding, bytes_max, number_is_kept);
        let answered = match received.await {
            Ok(received) => answer(received).await,
            Err(refusal) => Err(refusal),
        };
        answered.map_err(|refusal| refusal.for_hub(&hub, number))
    };
    let answered = answered.await;
    if let Err(refusal) = &answered {
        shared.events.emit(&ServiceEvent::RequestRefused { code: refusal.code() });
    }
    answered
}

async fn receive<'s>(
    head: &RequestHead,
    payload: web::Payload,
    shared: &'s Shared,
    signed: Signed,
    encoding: body::Encoding,
    bytes_max: usize,
    number_is_kept: NumberIsKept,
) -> Result<Received<'s>, Refusal> {
    let hub = signed.hub.id();
    let turn = shared.room.enter(hub)?;
    // Somebody who sends again what they have heard spends nothing of the hub's.
    shared.windows.is_not_used(hub, signed.number)?;
    shared.pace.request(hub, shared.clock.now())?;
    let body = body::take(head, payload, &signed, encoding, &shared.room, bytes_max).await?;
    let at = shared.clock.now();
    shared.hubs.still_counts(&signed.hub, at)?;
    let (windows, store) = (&shared.windows, shared.store.as_ref());
    match number_is_kept {
        NumberIsKept::WithItsCommit => windows.take(store, hub, signed.number).await?,
        NumberIsKept::InBulk => windows.take_to_keep(store, hub, signed.number).await?,
    }
    Ok(Received { signed, body, turn, at })
}
