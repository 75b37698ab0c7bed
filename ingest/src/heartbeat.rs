//! The heartbeat: every ten seconds the service tries its own writer and rules, and signs what it found for all hubs.
//!
//! Invariants: "evaluated up to" is claimed only after the writer has answered and nothing unjudged is in the store; what is
//! not known is left out; a heartbeat never says more than was true when it was made.

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent},
    http::{HubsHeard, ReplayWindows},
    server_key::ServerKey,
    store::{ApplyError, Decide, Store},
};
use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use vitals::wire::{
    hello::{HEARTBEAT_EVERY, Heartbeat, StoreStanding},
    sealed::{Sealed, SealedFor},
    v1,
};

/// Longest the writer may take to answer before it counts as stuck: many times a commit of the largest group.
const WRITER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// What the last heartbeat said, and its signed form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// As it travels.
    pub sealed: Arc<Sealed>,
    /// How the store stands.
    pub store: StoreStanding,
    /// Every reading acknowledged before this moment has its verdict.
    pub rules_evaluated_up_to: Option<DateTime<Utc>>,
}

/// The newest heartbeat; none before the first.
pub type Beats = watch::Sender<Option<Beat>>;

/// Makes heartbeats, keeps the numbers of hellos, and looks after hubs that have fallen silent.
pub struct Pulse {
    /// What is tried.
    pub store: Arc<dyn Store>,
    /// What the store is handed beside a write; never called for these.
    pub decide: Arc<dyn Decide>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Signs.
    pub key: ServerKey,
    /// The numbers of hellos that wait to be kept.
    pub windows: Arc<ReplayWindows>,
    /// The hubs that have said hello.
    pub heard: Arc<HubsHeard>,
    /// Where the newest heartbeat goes.
    pub beats: Arc<Beats>,
}

/// What one try found.
struct Found {
    store: StoreStanding,
    evaluated_up_to: Option<DateTime<Utc>>,
}

impl Pulse {
    /// Beats until told to stop, and keeps what is left of the hellos' numbers at the end.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut sequence: u64 = 0;
        while !*stop.borrow() {
            sequence += 1;
            self.beat(sequence).await;
            tokio::select! {
                () = self.clock.sleep(HEARTBEAT_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
        if let Err(error) = self.windows.keep(self.store.as_ref(), &self.decide, self.clock.now()).await {
            self.events.emit(&ServiceEvent::TaskFailed { task: "heartbeat", why: error.to_string() });
        }
    }

    /// One beat.
    pub async fn beat(&self, sequence: u64) {
        let at = self.clock.now();
        let Found { store, evaluated_up_to } = self.look(at).await;
        for event in self.heard.fallen_silent(at) {
            self.events.emit(&event);
        }
        let before = self.beats.borrow().as_ref().and_then(|beat| beat.rules_evaluated_up_to);
        // What was once true of a moment stays true: a look that could not tell takes nothing back.
        let rules_evaluated_up_to = evaluated_up_to.max(before);
        let heartbeat = Heartbeat {
            made_at: v1::moment(at),
            sequence,
            rules_evaluated_up_to: rules_evaluated_up_to.map(v1::moment),
            store,
        };
        match serde_json::to_vec(&heartbeat) {
            Ok(document) => {
                let sealed = Arc::new(self.key.seal(SealedFor::Heartbeat, &document));
                self.beats.send_replace(Some(Beat { sealed, store, rules_evaluated_up_to }));
            }
            Err(error) => self.events.emit(&ServiceEvent::TaskFailed { task: "heartbeat", why: error.to_string() }),
        }
    }

    /// Whether the writer answers, and up to when everything is judged. What was acknowledged before `at` was committed
    /// before the writer's answer, so it is among what is read after it.
    async fn look(&self, at: DateTime<Utc>) -> Found {
        let nothing = |store| Found { store, evaluated_up_to: None };
        let kept = self.windows.keep(self.store.as_ref(), &self.decide, at);
        match tokio::time::timeout(WRITER_ANSWERS_WITHIN, kept).await {
            Ok(Ok(())) => {}
            Ok(Err(ApplyError::Busy)) => return nothing(StoreStanding::Busy),
            Ok(Err(_)) | Err(_) => return nothing(StoreStanding::Unavailable),
        }
        match self.store.unevaluated(&Access::system(Purpose::Sweep), 0, 1).await {
            Ok(unjudged) => {
                let oldest = unjudged.first().map(|admitted| admitted.server_received);
                // On a full disk it takes no readings; what it has is judged and told all the same.
                let is_full = self.store.gauges().free_reserve_bytes == Some(0);
                let store = if is_full { StoreStanding::Unavailable } else { StoreStanding::Ready };
                Found { store, evaluated_up_to: Some(oldest.map_or(at, |oldest| oldest.min(at))) }
            }
            Err(_) => nothing(StoreStanding::Unavailable),
        }
    }
}
