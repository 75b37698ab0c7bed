//! Telling staff: takes committed notifications, hands each to its channel, and records what came of it.
//!
//! Invariants: a channel accepts only what is committed; every attempt is recorded with its reason; a failed attempt is
//! tried again for as long as it takes; no message holds a name, a value or an NHS number.

mod console;
mod webhook;

pub use console::Console;
pub use webhook::{Webhook, WebhookAddress, WebhookAddressError};

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent, emit_committed},
    store::{Committed, Decide, ReadError, Slice, Store, Subject},
};
use async_trait::async_trait;
use chrono::TimeDelta;
use rules::{Channel, Delivery, Event, Job};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
};
use vitals::wire::v1::Urgency;

/// Most notifications taken from the store at once.
const JOBS_MAX: usize = 64;

/// Most notifications on their way at once. A channel that hangs holds its own for as long as an attempt may take; this
/// many leave room for the others.
const IN_FLIGHT_MAX: usize = 256;

/// How long a notification taken is ours: several times what one attempt may take.
const LEASE: TimeDelta = TimeDelta::seconds(60);

/// How long to wait before a failed notification is tried again.
const TRY_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(20);

/// How often to look for work nobody woke us for: after a restart, and for what is to be tried again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long notifications on their way may take once the service stops; the others are sent after the next start.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// A channel could not deliver; the text holds no personal data.
#[derive(Debug, Error)]
#[error("deliver a notification: {0}")]
pub struct NotDelivered(pub String);

/// A way to tell staff.
#[async_trait]
pub trait Deliver: Send + Sync {
    /// Hands one notification over; returns once the other side has accepted it.
    ///
    /// # Errors
    /// [`NotDelivered`] where it was not accepted.
    async fn deliver(&self, job: &Committed<Job>, urgency: Urgency) -> Result<(), NotDelivered>;
}

/// Sends what is to be sent.
pub struct Notifier {
    /// Where notifications are kept.
    pub store: Arc<dyn Store>,
    /// What judges what came of them.
    pub decide: Arc<dyn Decide>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// The channels.
    pub channels: BTreeMap<Channel, Arc<dyn Deliver>>,
    /// Rung when there is something to send.
    pub wake: Arc<Notify>,
}

impl Notifier {
    /// Sends until told to stop; notifications on their way then have [`STOPS_WITHIN`]. One that hangs holds up no other.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut sending = JoinSet::new();
        while !*stop.borrow() {
            if let Err(error) = self.clone().start_waiting(&mut sending).await {
                self.events.emit(&ServiceEvent::TaskFailed { task: "notifier", why: error.to_string() });
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = self.clock.sleep(LOOK_EVERY) => {}
                Some(_sent) = sending.join_next(), if sending.len() >= IN_FLIGHT_MAX => {}
                _ = stop.changed() => {}
            }
            while sending.try_join_next().is_some() {}
        }
        // What is cut off here keeps its lease and is sent again when that ends: told twice rather than never.
        if tokio::time::timeout(STOPS_WITHIN, async { while sending.join_next().await.is_some() {} }).await.is_err() {
            tracing::warn!("Some notifications were still on their way; they are sent again after the next start.");
        }
    }

    /// Sends everything that is to be sent now, and returns once each was tried.
    ///
    /// # Errors
    /// [`ReadError`] where the store cannot be read.
    pub async fn send_waiting(self: Arc<Self>) -> Result<(), ReadError> {
        let mut sending = JoinSet::new();
        self.start_waiting(&mut sending).await?;
        while sending.join_next().await.is_some() {}
        Ok(())
    }

    async fn start_waiting(self: Arc<Self>, sending: &mut JoinSet<()>) -> Result<(), ReadError> {
        let who = Access::system(Purpose::Notify);
        while sending.len() < IN_FLIGHT_MAX {
            let at = self.clock.now();
            let jobs = self.store.lease_jobs(&who, at + LEASE, JOBS_MAX, at).await?;
            if jobs.is_empty() {
                break;
            }
            for job in jobs {
                let notifier = self.clone();
                sending.spawn(async move { notifier.send(&job).await });
            }
        }
        Ok(())
    }

    async fn send(&self, job: &Committed<Job>) {
        let who = Access::system(Purpose::Notify);
        let Job { id, alert, channel, why, .. } = *job.get();
        // An alert that cannot be read is told as the most urgent: its notification must not wait for a repair.
        let urgency = match self.store.alert(&who, alert).await {
            Ok(found) => found.map_or(Urgency::ActNow, |alert| alert.urgency),
            Err(error) => {
                self.events.emit(&ServiceEvent::TaskFailed { task: "notifier", why: error.to_string() });
                Urgency::ActNow
            }
        };
        let delivered = match self.channels.get(&channel) {
            Some(deliver) => deliver.deliver(job, urgency).await,
            None => Err(NotDelivered("this channel is not set up any more".to_owned())),
        };
        let at = self.clock.now();
        let delivery = match delivered {
            Ok(()) => Delivery::Accepted,
            Err(error) => {
                tracing::warn!(job.id = %id, error = %error, "A channel did not take notification {id}.");
                Delivery::Failed { next_try_at: at + TRY_AGAIN_AFTER }
            }
        };
        let patient = job.get().patient.clone();
        let slice =
            Slice { subject: Subject::Patient(patient), events: vec![Event::Delivered { job: id, alert, delivery }] };
        for answer in self.store.apply(&who, vec![slice], self.decide.clone(), at).await {
            match answer {
                Ok(committed) => {
                    self.events.emit(&match delivery {
                        Delivery::Accepted => ServiceEvent::NotificationSent { job: id, alert, channel, why },
                        Delivery::Failed { .. } => ServiceEvent::NotificationFailed { job: id, channel },
                    });
                    emit_committed(self.events.as_ref(), &committed);
                }
                // The lease runs out and it is sent again: told twice rather than never.
                Err(error) => self.events.emit(&ServiceEvent::TaskFailed { task: "notifier", why: error.to_string() }),
            }
        }
    }
}
