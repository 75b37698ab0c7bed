//! The passing of time: due timers are applied, and what could not be judged is judged again.
//!
//! Invariants: timers are rows, so a restart loses none; a failure is said and tried again, and what fails again and again keeps
//! nothing that stands behind it waiting.

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent, emit_committed},
    store::{Decide, ReadError, Slice, Store, Subject},
};
use rules::Event;
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};
use vitals::{ReadingId, Who};

/// How often to look: a repeat's window ends within a second of its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Most timers or readings applied in one look; the rest wait for the next.
const APPLIED_MAX: usize = 256;

/// Most times in one look that what could not be judged is judged again.
const RETRIES_MAX: usize = 16;

/// How many looks pass before what could not be judged is tried again: a rule that failed rarely mends within seconds.
const LOOKS_BETWEEN_RETRIES: u32 = 30;

/// How many of the oldest are passed over in the next look, because they failed in the last: after the end it begins again.
#[derive(Debug, Default)]
pub struct PassedOver {
    timers: usize,
    readings: usize,
}

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
        let (mut looks, mut passed): (u32, _) = (0, PassedOver::default());
        while !*stop.borrow() {
            let retries = looks.is_multiple_of(LOOKS_BETWEEN_RETRIES);
            if let Err(error) = self.look(&mut passed, retries).await {
                self.events.emit(&ServiceEvent::TaskFailed { task: "sweep", why: error.to_string() });
            }
            looks = looks.wrapping_add(1);
            tokio::select! {
                () = self.clock.sleep(LOOK_EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Applies the timers whose time has come, and where asked to, judges again what could not be judged.
    ///
    /// # Errors
    /// [`ReadError`] where the store cannot be read.
    pub async fn look(&self, passed: &mut PassedOver, retries: bool) -> Result<(), ReadError> {
        self.apply_due(&mut passed.timers).await?;
        if retries { self.judge_again(&mut passed.readings).await } else { Ok(()) }
    }

    /// Applies the timers whose time has come.
    async fn apply_due(&self, passed: &mut usize) -> Result<(), ReadError> {
        let who = Access::system(Purpose::Sweep);
        let due = self.store.due_timers(&who, passed.saturating_add(APPLIED_MAX), self.clock.now()).await?;
        let slices = due
            .into_iter()
            .skip(*passed)
            .map(|(patient, timer)| Slice { subject: Subject::Patient(patient), events: vec![Event::Due(timer)] });
        let slices: Vec<Slice> = slices.collect();
        let is_end = slices.len() < APPLIED_MAX;
        let failed = self.apply(&who, slices).await;
        *passed = if is_end { 0 } else { passed.saturating_add(failed) };
        Ok(())
    }

    /// Judges again what could not be judged, the oldest first.
    async fn judge_again(&self, passed: &mut usize) -> Result<(), ReadError> {
        let who = Access::system(Purpose::Sweep);
        for _ in 0..RETRIES_MAX {
            let unjudged = self.store.unevaluated(&who, *passed, APPLIED_MAX).await?;
            let ids: BTreeSet<ReadingId> = unjudged.iter().map(|admitted| admitted.reading.id).collect();
            let slices = unjudged.into_iter().filter_map(|admitted| match &admitted.reading.who {
                Who::Patient(patient) => Some(Slice {
                    subject: Subject::Patient(patient.clone()),
                    events: vec![Event::Reconsider(Box::new(admitted))],
                }),
                Who::Unassigned(_) => None,
            });
            self.apply(&who, slices.collect()).await;
            if ids.len() < APPLIED_MAX {
                *passed = 0;
                break;
            }
            let still = self.store.unevaluated(&who, *passed, APPLIED_MAX).await?;
            let failed = still.iter().filter(|admitted| ids.contains(&admitted.reading.id)).count();
            *passed = passed.saturating_add(failed);
        }
        Ok(())
    }

    /// How many slices failed.
    async fn apply(&self, who: &Access, slices: Vec<Slice>) -> usize {
        if slices.is_empty() {
            return 0;
        }
        let mut failed = 0;
        for answer in self.store.apply(who, slices, self.decide.clone(), self.clock.now()).await {
            match answer {
                Ok(committed) => {
                    emit_committed(self.events.as_ref(), &committed);
                    if committed.get().jobs > 0 {
                        self.wake_notifier.notify_one();
                    }
                }
                Err(error) => {
                    failed += 1;
                    self.events.emit(&ServiceEvent::TaskFailed { task: "sweep", why: error.to_string() });
                }
            }
        }
        failed
    }
}
