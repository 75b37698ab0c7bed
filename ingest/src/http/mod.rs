//! The HTTP interface: hubs send batches, staff read and take alerts, machines ask whether the service lives.
//!
//! Invariants: routes are mounted by [`configure`], so the same routes run in a server and in a simulator; every
//! refusal is a [`vitals::wire::v1::Problem`] with a stable code; deny by default.

mod alerts;
pub mod batches;
mod body;
mod health;
mod heard;
mod hello;
mod metrics;
mod problem;
pub mod receipt;
mod replay;
mod room;
pub mod signature;
pub(crate) mod staff;

pub(crate) use alerts::{ALERTS_MAX, read_note, take};
pub use heard::{HubTotals, HubsHeard, LinkKind};
pub use problem::Refusal;
pub use replay::ReplayWindows;
pub use room::{BODIES_BYTES_MAX, Room};

use crate::{
    access::{HubRegistry, SignIn},
    clock::Clock,
    events::Events,
    heartbeat::Beats,
    metrics::Metrics,
    store::{Decide, Store},
};
use actix_web::{HttpResponse, http::header, web};
use std::sync::{Arc, atomic::AtomicUsize};
use tokio::sync::{Notify, watch};
use vitals::{
    ErrorCode,
    wire::{hello::HELLO_PATH, v1},
};

/// What every handler needs.
pub struct Shared {
    /// Where the truth is kept.
    pub store: Arc<dyn Store>,
    /// What judges readings.
    pub decide: Arc<dyn Decide>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// The hubs we know.
    pub hubs: HubRegistry,
    /// The request numbers already received.
    pub windows: Arc<ReplayWindows>,
    /// The hubs that have said hello.
    pub heard: Arc<HubsHeard>,
    /// The newest heartbeat.
    pub beats: Arc<Beats>,
    /// Room for bodies and requests.
    pub room: Room,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How many hellos wait for news.
    pub waiting_hellos: AtomicUsize,
    /// Whether the service stops: nothing waits any longer.
    pub stops: watch::Receiver<bool>,
    /// Who is signed in.
    pub sign_in: Arc<dyn SignIn>,
    /// What the pages say of the service.
    pub pages: PageSettings,
    /// Keys the tokens of forms, new at every start.
    pub form_key: [u8; 32],
    /// Wakes the notifier when there is something to send.
    pub wake_notifier: Arc<Notify>,
}

/// What the pages say of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSettings {
    /// The service's own name.
    pub service_name: String,
    /// A permanent banner, such as the demo's.
    pub banner: Option<String>,
    /// When the team looks, as a sentence.
    pub service_hours: String,
    /// Whether requests must name this machine itself, so that no web site can reach a demo through its visitor's browser.
    pub is_loopback_only: bool,
}

/// Mounts every route. `Shared` must be there as `web::Data<Shared>`.
pub fn configure(cfg: &mut web::ServiceConfig) {
    cfg.service(only("POST", web::resource(v1::BATCHES_PATH).route(web::post().to(batches::receive))))
        .service(only("POST", web::resource(HELLO_PATH).route(web::post().to(hello::receive))))
        .service(only("GET", web::resource("/v1/alerts").route(web::get().to(alerts::list))))
        .service(only("POST", web::resource("/v1/alerts/{id}/acknowledge").route(web::post().to(alerts::acknowledge))))
        .service(only("GET", web::resource("/livez").route(web::get().to(health::lives))))
        .service(only("GET", web::resource("/metrics").route(web::get().to(metrics::show))))
        .service(only("GET", web::resource("/readyz").route(web::get().to(health::is_ready))))
        .configure(crate::pages::configure)
        .default_service(web::to(async || Err::<HttpResponse, Refusal>(Refusal::new(ErrorCode::NotFound))));
}

/// A resource that says which methods it has when asked for another.
pub(crate) fn only(allow: &'static str, resource: actix_web::Resource) -> actix_web::Resource {
    resource.default_service(web::to(move || async move {
        let mut response = Refusal::new(ErrorCode::MethodNotAllowed).response();
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
        response
    }))
}
