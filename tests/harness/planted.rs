//! Faults planted through the service's own seams: a store that is down, and rules that panic for one person.

use crate::fault::{Answers, Call, Fault, Lease, Read};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    store::{ApplyError, Care, Committed, Decide, ReadError, Slice, Store, Subject},
};
use rules::{Decisions, Event, Job, PatientState};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use vitals::{ErrorCode, HubId, ReadingId};

/// What is the matter with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// Its queue is full.
    Busy,
    /// It cannot write.
    CannotWrite,
    /// It can neither read nor write.
    CannotRead,
    /// It cannot write what is this person's.
    CannotWriteFor(&'static str),
}

/// A store that can be taken down, and that remembers by whose access it was asked to write.
#[derive(Default)]
pub struct FaultyStore {
    down: Mutex<Option<Down>>,
    callers: Mutex<Vec<Access>>,
    wanted: Mutex<Vec<ReadingId>>,
}

impl FaultyStore {
    /// Takes the store down, or up again.
    pub fn set(&self, down: Option<Down>) {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner) = down;
    }

    /// The accesses of all calls that wrote, in order.
    #[must_use]
    pub fn callers(&self) -> Vec<Access> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has it want these readings again, as if it could no longer read them.
    pub fn want(&self, readings: Vec<ReadingId>) {
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = readings;
    }

    fn down(&self) -> Option<Down> {
        *self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cannot_write<T>() -> Result<T, ApplyError> {
    Err(ApplyError::Unavailable("planted".to_owned()))
}

fn cannot_read<T>() -> Result<T, ReadError> {
    Err(ReadError::Unavailable("planted".to_owned()))
}

#[async_trait]
impl Fault for FaultyStore {
    fn may_read(&self) -> Result<(), ReadError> {
        if self.down() == Some(Down::CannotRead) { cannot_read() } else { Ok(()) }
    }

    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).push(call.who.clone());
        match self.down() {
            None => call.on(real).await,
            Some(Down::Busy) => call.slices.iter().map(|_| Err(ApplyError::Busy)).collect(),
            Some(Down::CannotWrite | Down::CannotRead) => call.slices.iter().map(|_| cannot_write()).collect(),
            Some(Down::CannotWriteFor(person)) => {
                let is_theirs = |slice: &Slice| matches!(&slice.subject, Subject::Patient(id) if id.as_str() == person);
                let lost: Vec<bool> = call.slices.iter().map(is_theirs).collect();
                let others = call.slices.into_iter().filter(|slice| !is_theirs(slice)).collect();
                let mut answers = Call { slices: others, ..call }.on(real).await.into_iter();
                let answer =
                    |is_lost| if is_lost { cannot_write() } else { answers.next().unwrap_or_else(cannot_write) };
                lost.into_iter().map(answer).collect()
            }
        }
    }

    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        match self.down() {
            None | Some(Down::CannotWriteFor(_)) => lease.on(real).await,
            Some(Down::Busy | Down::CannotWrite | Down::CannotRead) => cannot_read(),
        }
    }

    async fn wanted(&self, real: &dyn Store, who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId> {
        self.may_read()?;
        let mut wanted = real.wanted(who, hub, limit).await?;
        wanted.extend(self.wanted.lock().unwrap_or_else(PoisonError::into_inner).iter().copied());
        Ok(wanted)
    }
}

/// Rules that panic for one person, until they are mended.
pub struct PanicsFor {
    inner: Arc<dyn Decide>,
    patient: &'static str,
    is_mended: Arc<AtomicBool>,
}

impl PanicsFor {
    /// Around rules; `is_mended` ends it.
    #[must_use]
    pub fn new(inner: Arc<dyn Decide>, patient: &'static str, is_mended: Arc<AtomicBool>) -> Self {
        Self { inner, patient, is_mended }
    }
}

impl Decide for PanicsFor {
    #[expect(clippy::panic, reason = "this is the fault that is planted")]
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        // Being registered is no reading; the rules have nothing to do with it.
        let has_readings = events.iter().any(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_)));
        if has_readings && before.patient.as_str() == self.patient && !self.is_mended.load(Ordering::SeqCst) {
            panic!("planted: a rule that panics");
        }
        self.inner.decide(care, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.inner.unevaluated(before, events, reason, at)
    }
}
