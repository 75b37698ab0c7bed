//! The passing of time: due timers are applied, and what could not be judged is judged again.
//!
//! Invariant: timers are rows, so a restart loses none; a failure is said and tried again.

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent, emit_committed},
    store::{Decide, ReadError, Slice, Store, Subject},
};
use rules::Event;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};
use vitals::Who;

/// How often to look: a repeat's window ends within a second of its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Most timers or readings applied in one look; the rest wait for the next.
const APPLIED_MAX: usize = 256;

/// How many looks pass before what could not be judged is tried again: a rule that failed rarely mends within seconds.
const LOOKS_BETWEEN_RETRIES: u32 = 30;

/// Applies what time brings.
pub struct Sweep {
    /// Where timers are kept.
    pub store: Arc<dyn Store>,
    /// What judges.
    pub decide: Arc<dyn Decide>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Wakes the notifier when there is something to send.
    pub wake_notifier: Arc<Notify>,
}

impl Sweep {
    /// Looks again and again until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut looks: u32 = 0;
        while !*stop.borrow() {
            let result = if looks.is_multiple_of(LOOKS_BETWEEN_RETRIES) {
                self.look_and_retry().await
            } else {
                self.apply_due().await
            };
            if let Err(error) = result {
                self.events.emit(&ServiceEvent::TaskFailed { task: "sweep", why: error.to_string() });
            }
            looks = looks.wrapping_add(1);
            tokio::select! {
                () = self.clock.sleep(LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn look_and_retry(&self) -> Result<(), ReadError> {
        self.apply_due().await?;
        self.judge_again().await
    }

    /// Applies the timers whose time has come.
    ///
    /// # Errors
    /// [`ReadError`] where the store cannot be read.
    pub async fn apply_due(&self) -> Result<(), ReadError> {
        let who = Access::system(Purpose::Sweep);
        let due = self.store.due_timers(&who, APPLIED_MAX, self.clock.now()).await?;
        let slices = due
            .into_iter()
            .map(|(patient, timer)| Slice { subject: Subject::Patient(patient), events: vec![Event::Due(timer)] });
        self.apply(&who, slices.collect()).await;
        Ok(())
    }

    /// Judges again what could not be judged.
    ///
    /// # Errors
    /// [`ReadError`] where the store cannot be read.
    pub async fn judge_again(&self) -> Result<(), ReadError> {
        let who = Access::system(Purpose::Sweep);
        let unjudged = self.store.unevaluated(&who, APPLIED_MAX).await?;
        let slices = unjudged.into_iter().filter_map(|admitted| match &admitted.reading.who {
            Who::Patient(patient) => Some(Slice {
                subject: Subject::Patient(patient.clone()),
                events: vec![Event::Reconsider(Box::new(admitted))],
            }),
            Who::Unassigned(_) => None,
        });
        self.apply(&who, slices.collect()).await;
        Ok(())
    }

    async fn apply(&self, who: &Access, slices: Vec<Slice>) {
        if slices.is_empty() {
            return;
        }
        for answer in self.store.apply(who, slices, self.decide.clone(), self.clock.now()).await {
            match answer {
                Ok(committed) => {
                    emit_committed(self.events.as_ref(), &committed);
                    if committed.get().jobs > 0 {
                        self.wake_notifier.notify_one();
                    }
                }
                Err(error) => self.events.emit(&ServiceEvent::TaskFailed { task: "sweep", why: error.to_string() }),
            }
        }
    }
}
