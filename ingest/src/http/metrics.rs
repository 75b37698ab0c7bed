//! `GET /metrics`: the counts and gauges of [`crate::metrics`], to programs on this machine.

use super::{Refusal, Shared, staff};
use crate::metrics::Now;
use actix_web::{HttpRequest, HttpResponse, dev::RequestHead, http::header, web};
use vitals::{ErrorCode, wire::hello::StoreStanding};

/// Headers by which a proxy says that it asks for somebody else.
const ASKED_FOR_ANOTHER: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// `GET /metrics`. Counts tell when a care home sleeps, so they are for this machine only, also behind a proxy on it.
pub(super) async fn show(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Refusal> {
    if !is_asked_on_this_machine(request.head()) {
        return Err(ErrorCode::NotAllowed.into());
    }
    let text = shared.metrics.text(&now(&shared));
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text))
}

fn is_asked_on_this_machine(head: &RequestHead) -> bool {
    let is_near = head.peer_addr.is_none_or(|peer| peer.ip().is_loopback());
    let is_direct = ASKED_FOR_ANOTHER.iter().all(|name| !head.headers.contains_key(*name));
    is_near && is_direct && staff::host_is_this_machine(head)
}

fn now(shared: &Shared) -> Now {
    let at = shared.clock.now();
    let hubs = shared.heard.totals(at);
    let beat = shared.beats.borrow().clone();
    let evaluated_up_to = beat.as_ref().and_then(|beat| beat.rules_evaluated_up_to);
    Now {
        hubs_heard: hubs.heard,
        hubs_silent: hubs.silent,
        hubs_deaf: hubs.deaf,
        hubs_with_waiting: hubs.with_waiting,
        readings_waiting: hubs.waiting,
        oldest_waiting_secs: hubs.oldest_at.map(|oldest| u64::try_from((at - oldest).num_seconds()).unwrap_or(0)),
        body_bytes: u64::try_from(shared.room.held_bytes()).unwrap_or(u64::MAX),
        is_store_ready: beat.map(|beat| beat.store == StoreStanding::Ready),
        evaluated_up_to_secs: evaluated_up_to.and_then(|at| u64::try_from(at.timestamp()).ok()),
        store: shared.store.gauges(),
    }
}
