//! The HTTP interface: hubs send batches, staff read and take alerts, machines ask whether the service lives.
//!
//! Invariants: routes are mounted by [`configure`] from one table, so the same routes run in a server and in a simulator;
//! every refusal is a [`vitals::wire::v1::Problem`] with a stable code; a route for staff has its check (see [`guard`]).

mod account;
mod alerts;
pub mod batches;
mod body;
mod corrections;
mod enrol;
pub mod guard;
mod health;
mod heard;
mod hello;
mod json;
mod lists;
mod metrics;
mod of_hub;
pub mod openapi;
mod pace;
mod people;
mod problem;
pub mod receipt;
mod records;
mod register;
mod replay;
mod room;
mod routes;
mod session;
pub mod signature;
pub(crate) mod staff;

pub(crate) use alerts::{ALERTS_MAX, read_note, take};
pub use enrol::{Enrolment, code_key, new_code};
pub use heard::{HubTotals, HubsHeard, LinkKind};
pub use lists::Lists;
pub use pace::Pace;
pub use problem::Refusal;
pub use replay::ReplayWindows;
pub use room::{BODIES_BYTES_MAX, Room};
pub use routes::{Route, Who, configure, reference_page, routes};
pub use session::{Accounts, NoAccounts};
pub(crate) use session::{Begun, begin_session, end_session, new_password, secret, set_cookie};

use crate::{
    access::{Directory, HubRegistry},
    clock::Clock,
    events::Events,
    heartbeat::Beats,
    metrics::Metrics,
    rng::Randomness,
    server_key::ServerKey,
    store::{Decide, Store},
    tls::Tls,
};
use std::sync::{Arc, atomic::AtomicUsize};
use tokio::sync::{Notify, watch};
use vitals::wire::sealed::Sealed;

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
    pub hubs: Arc<HubRegistry>,
    /// The request numbers already received.
    pub windows: Arc<ReplayWindows>,
    /// The hubs that have said hello.
    pub heard: Arc<HubsHeard>,
    /// The newest heartbeat.
    pub beats: Arc<Beats>,
    /// What hubs are told before it changes.
    pub announced: Announced,
    /// Room for bodies and requests.
    pub room: Room,
    /// How fast each hub may send.
    pub pace: Pace,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How many hellos wait for news.
    pub waiting_hellos: AtomicUsize,
    /// Whether the service stops: nothing waits any longer.
    pub stops: watch::Receiver<bool>,
    /// The register, as far as access depends on it.
    pub directory: Arc<Directory>,
    /// What hubs are enrolled with.
    pub enrolment: Enrolment,
    /// Who is signed in: for the checks of [`guard`] alone.
    pub door: guard::Door,
    /// The accounts staff sign in with; none where they do it another way.
    pub accounts: Option<Accounts>,
    /// What nobody can guess.
    pub rng: Arc<dyn Randomness>,
    /// What the pages say of the service.
    pub pages: PageSettings,
    /// What lists are taken in with; none where there is no folder for them.
    pub lists: Option<Arc<Lists>>,
    /// Keys the tokens of forms, new at every start.
    pub form_key: [u8; 32],
    /// Wakes the notifier when there is something to send.
    pub wake_notifier: Arc<Notify>,
    /// Wakes the rounds when a place has said something else of protocols.
    pub wake_rounds: Arc<Notify>,
}

/// What hubs are told before it changes: the keys the service signs with, and its certificates.
pub struct Announced {
    /// Signs.
    pub key: ServerKey,
    /// The service's own TLS, where it has some.
    pub tls: Option<Arc<Tls>>,
}

impl Announced {
    /// Which key followed which, as far as a hub is told.
    #[must_use]
    pub fn next_keys(&self) -> Vec<Sealed> {
        self.key.line().told().to_vec()
    }

    /// Which certificates there are.
    #[must_use]
    pub fn certificates(&self) -> Option<Sealed> {
        self.tls.as_ref().map(|tls| tls.announcement(&self.key))
    }
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
