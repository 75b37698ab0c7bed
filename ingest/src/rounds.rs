//! The rounds: everybody is asked about, once, after a start and after a place has said something else of protocols, so that what
//! is expected of people begins and ends for those too who send nothing.
//!
//! Invariants: a reading waits for one person of it at most; to be asked again changes nothing, so it keeps no place of its own;
//! whom it failed on is said and asked about again until it succeeds.

use crate::{
    access::{Access, Purpose},
    clock::Clock,
    events::{Events, ServiceEvent, emit_committed},
    store::{Decide, ReadError, RegisterPlace, Slice, Store, Subject},
};
use register::Item;
use rules::Event;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};
use vitals::PatientId;

/// Most things of the register read at once.
const PAGE: usize = 256;

/// What passes at the least between two writes, each of one person; as long as the write took, where that was longer.
const PAUSE: Duration = Duration::from_millis(5);

/// What passes before a failure is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

/// Most people kept to be asked about once more; where there are more, the whole round begins again.
const AGAIN_MAX: usize = 10_000;

/// Asks about everybody.
pub struct Rounds {
    /// Where people are.
    pub store: Arc<dyn Store>,
    /// What judges.
    pub decide: Arc<dyn Decide>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Wakes the notifier when there is something to send.
    pub wake_notifier: Arc<Notify>,
    /// A place has said something else.
    pub wake: Arc<Notify>,
}

impl Rounds {
    /// Goes round at the start and whenever a place has said something else, until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        loop {
            self.go(&mut stop).await;
            if *stop.borrow() {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Asks about everybody once.
    pub async fn go(&self, stop: &mut watch::Receiver<bool>) {
        let (mut after, mut again) = (RegisterPlace::default(), Vec::new());
        while !*stop.borrow() {
            match self.page(after).await {
                Ok((people, Some(next))) => {
                    again.extend(self.ask_about(people, stop).await);
                    after = next;
                }
                Ok((_, None)) if again.is_empty() => return,
                Ok((_, None)) => {
                    self.pause(AFTER_FAILURE, stop).await;
                    let is_too_many = again.len() > AGAIN_MAX;
                    again = if is_too_many { Vec::new() } else { self.ask_about(again, stop).await };
                    if is_too_many {
                        after = RegisterPlace::default();
                    }
                }
                Err(error) => {
                    self.failed(&error.to_string());
                    self.pause(AFTER_FAILURE, stop).await;
                }
            }
        }
    }

    /// The next people, and where to go on; nowhere at the end.
    async fn page(&self, after: RegisterPlace) -> Result<(Vec<PatientId>, Option<RegisterPlace>), ReadError> {
        let (items, next) = self.store.register(&Access::system(Purpose::Directory), after, PAGE).await?;
        let is_end = items.is_empty();
        let person = |item| if let Item::Patient(patient) = item { Some(patient.id) } else { None };
        let people = items.into_iter().filter_map(|kept| person(kept.item));
        Ok((people.collect(), (!is_end).then_some(next)))
    }

    /// Asks about these; gives back whom it failed on.
    async fn ask_about(&self, people: Vec<PatientId>, stop: &mut watch::Receiver<bool>) -> Vec<PatientId> {
        let who = Access::system(Purpose::Sweep);
        let (mut failed, mut why) = (Vec::new(), None);
        for patient in people {
            if *stop.borrow() {
                break;
            }
            let slice = Slice { subject: Subject::Patient(patient.clone()), events: vec![Event::Expecting] };
            let began = self.clock.now();
            match self.store.apply(&who, vec![slice], self.decide.clone(), began).await.pop() {
                Some(Ok(committed)) => {
                    emit_committed(self.events.as_ref(), &committed);
                    if committed.get().jobs > 0 {
                        self.wake_notifier.notify_one();
                    }
                }
                Some(Err(error)) => {
                    why = Some(error.to_string());
                    failed.push(patient);
                }
                None => failed.push(patient),
            }
            let took = self.clock.now().signed_duration_since(began).to_std().unwrap_or_default();
            self.pause(took.clamp(PAUSE, AFTER_FAILURE), stop).await;
        }
        if let Some(why) = why {
            self.failed(&format!("of {} people nobody could be asked, of the last because: {why}", failed.len()));
        }
        failed
    }

    async fn pause(&self, span: Duration, stop: &mut watch::Receiver<bool>) {
        tokio::select! {
            () = self.clock.sleep(span) => {}
            _ = stop.changed() => {}
        }
    }

    fn failed(&self, why: &str) {
        self.events.emit(&ServiceEvent::TaskFailed { task: "rounds", why: why.to_owned() });
    }
}
