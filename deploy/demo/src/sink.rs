//! Where both halves' events meet: the log, the event file, and the wait until a step of the story is through.

use crate::event_log::{EventLog, Line};
use hub_agent::HubEvent;
use ingest::events::{AlertStage, ServiceEvent};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;
use vitals::AlertId;

/// Takes the events of hub and service.
pub struct Sink {
    log: Mutex<EventLog>,
    seen: Mutex<Vec<Told>>,
    untold: watch::Sender<BTreeSet<AlertId>>,
}

/// An event the account tells.
#[derive(Debug, Clone)]
pub enum Told {
    /// The hub's.
    Hub(HubEvent),
    /// The service's.
    Service(ServiceEvent),
}

impl Sink {
    /// A sink that writes to an event log.
    #[must_use]
    pub fn new(log: EventLog) -> Self {
        Self { log: Mutex::new(log), seen: Mutex::new(Vec::new()), untold: watch::channel(BTreeSet::new()).0 }
    }

    /// Waits until staff have been told of every alert that was raised.
    pub async fn all_told(&self) {
        let mut untold = self.untold.subscribe();
        // The sender lives as long as `self`, so the wait ends only when the set is empty.
        drop(untold.wait_for(BTreeSet::is_empty).await);
    }

    /// Ends a step: its events go to the file in the order of their stages, and are handed over for the account.
    pub fn end_step(&self) -> Vec<Told> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).end_step();
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on events go to the file as they come; the account is over.
    pub fn tell_as_it_comes(&self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).write_as_it_comes();
    }

    /// Adds an event of the demo's own.
    pub fn note(&self, name: &'static str) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).add(Line::new(name, ""));
    }

    fn take(&self, told: Told) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = Line::of(&told) {
            log.add(line);
        }
        if !log.writes_as_it_comes() {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(told);
        }
    }
}

impl hub_agent::Events for Sink {
    fn emit(&self, event: &HubEvent) {
        hub_agent::events::LogEvents.emit(event);
        self.take(Told::Hub(event.clone()));
    }
}

impl ingest::events::Events for Sink {
    fn emit(&self, event: &ServiceEvent) {
        ingest::events::LogEvents.emit(event);
        self.take(Told::Service(event.clone()));
        if let ServiceEvent::AlertChanged { alert, stage, .. } = event {
            let is_untold = *stage == AlertStage::Raised;
            self.untold.send_if_modified(|untold| if is_untold { untold.insert(*alert) } else { untold.remove(alert) });
        }
    }
}
