//! The shapes most faults have: readings changed on their way in, decisions changed on their way into the store, and what
//! is said again as if it were another person's.

use super::{
    Fails, cast,
    fault::{Answers, Call, Fault},
    hubs::Hubs,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::store::{ApplyError, Care, Decide, ReadingOutcome, Slice, Store, Subject};
use rules::{Decisions, Event, PatientState};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use vitals::{Admitted, ErrorCode, ReadingId, RecordNumber, Who, record::reading_id};

/// How often the store was opened again, and how many readings were offered before this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    pub(super) reopened: usize,
    pub(super) offered: usize,
}

/// Every reading of a slice, to be changed.
pub(super) fn readings_of(slices: &mut [Slice]) -> impl Iterator<Item = &mut Admitted> {
    slices.iter_mut().flat_map(|slice| &mut slice.events).filter_map(|event| {
        let Event::Reading(admitted) = event else { return None };
        Some(admitted.as_mut())
    })
}

/// Gives a reading a record of its own for each salt, and the id that belongs to it: a store that has more in its key than
/// source and record.
pub(super) fn salt(admitted: &mut Admitted, salt: &[u8]) {
    let mut hasher = blake3::Hasher::new();
    hasher.update(admitted.reading.record.as_bytes()).update(salt);
    let mut record = [0; 8];
    hasher.finalize_xof().fill(&mut record);
    admitted.reading.record = RecordNumber::from_bytes(record);
    admitted.reading.id = reading_id(&admitted.reading.source, admitted.reading.record);
}

/// What a hub's access was not to be had for: the planted store then answers as one that cannot write.
pub(super) fn no_access(fails: &Fails, slices: &[Slice]) -> Answers {
    slices.iter().map(|_| Err(ApplyError::Unavailable(format!("{fails:?}")))).collect()
}

/// Changes each reading before the store sees it.
pub(super) struct ChangesReadings<F> {
    change: F,
    reopened: AtomicUsize,
    offered: AtomicUsize,
}

impl<F: Fn(&mut Admitted, Since) + Send + Sync> ChangesReadings<F> {
    pub(super) fn new(change: F) -> Self {
        Self { change, reopened: AtomicUsize::new(0), offered: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl<F: Fn(&mut Admitted, Since) + Send + Sync> Fault for ChangesReadings<F> {
    fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for admitted in readings_of(&mut call.slices) {
            let since = Since {
                reopened: self.reopened.load(Ordering::SeqCst),
                offered: self.offered.fetch_add(1, Ordering::SeqCst),
            };
            (self.change)(admitted, since);
        }
        call.on(real).await
    }
}

/// Changes each slice before the store sees it.
pub(super) struct ChangesSlices<F> {
    change: F,
    reopened: AtomicUsize,
}

impl<F: Fn(&mut Slice, usize) + Send + Sync> ChangesSlices<F> {
    /// The second argument of `change` is how often the store was opened again.
    pub(super) fn new(change: F) -> Self {
        Self { change, reopened: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl<F: Fn(&mut Slice, usize) + Send + Sync> Fault for ChangesSlices<F> {
    fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for slice in &mut call.slices {
            (self.change)(slice, self.reopened.load(Ordering::SeqCst));
        }
        call.on(real).await
    }
}

/// What was decided, from what, and on what, before the store has it.
pub(super) struct Decided<'a> {
    pub(super) before: &'a PatientState,
    pub(super) events: &'a [Event],
    pub(super) decisions: &'a mut Decisions,
}

/// Changes each decision before the store has it.
pub(super) struct ChangesDecisions<F>(pub(super) F);

#[async_trait]
impl<F: Fn(Decided<'_>) + Clone + Send + Sync + 'static> Fault for ChangesDecisions<F> {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let changed = Changed { rules: Arc::clone(&call.decide), change: self.0.clone() };
        call.by(Arc::new(changed), real).await
    }
}

struct Changed<F> {
    rules: Arc<dyn Decide>,
    change: F,
}

impl<F: Fn(Decided<'_>) + Send + Sync> Decide for Changed<F> {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let mut decisions = self.rules.decide(care, before, events, at);
        (self.change)(Decided { before, events, decisions: &mut decisions });
        decisions
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        let mut decisions = self.rules.unevaluated(before, events, reason, at);
        (self.change)(Decided { before, events, decisions: &mut decisions });
        decisions
    }
}

/// Decides on another state than the store has: one that forgets.
pub(super) struct Forgets<F>(pub(super) F);

#[async_trait]
impl<F: Fn(&mut PatientState) + Clone + Send + Sync + 'static> Fault for Forgets<F> {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let forgetful = Forgetful { rules: Arc::clone(&call.decide), forget: self.0.clone() };
        call.by(Arc::new(forgetful), real).await
    }
}

struct Forgetful<F> {
    rules: Arc<dyn Decide>,
    forget: F,
}

impl<F: Fn(&mut PatientState) + Send + Sync> Decide for Forgetful<F> {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        let mut before = before.clone();
        (self.forget)(&mut before);
        self.rules.decide(care, &before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.rules.unevaluated(before, events, reason, at)
    }
}

/// Answers a duplicate as if it were somebody else's: the reading is known, the verdict and what the person was told are
/// gone.
pub(super) struct LosesVerdicts {
    hubs: Arc<Hubs>,
    /// Only once the store was opened again.
    after_reopening: bool,
    has_reopened: AtomicUsize,
    answered: Mutex<BTreeSet<ReadingId>>,
}

impl LosesVerdicts {
    pub(super) fn new(hubs: Arc<Hubs>, after_reopening: bool) -> Self {
        Self { hubs, after_reopening, has_reopened: AtomicUsize::new(0), answered: Mutex::default() }
    }
}

#[async_trait]
impl Fault for LosesVerdicts {
    fn reopened(&self) {
        self.has_reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        let is_on = !self.after_reopening || self.has_reopened.load(Ordering::SeqCst) > 0;
        let is_known = |slice: &Slice, answered: &BTreeSet<ReadingId>| {
            !slice.events.is_empty()
                && slice
                    .events
                    .iter()
                    .all(|event| matches!(event, Event::Reading(admitted) if answered.contains(&admitted.reading.id)))
        };
        if is_on {
            // Everybody is on every hub but one, so another person's name is allowed.
            let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (other, mut by) = (cast::pt(cast::PEOPLE - 1), None);
            for slice in call.slices.iter_mut().filter(|slice| is_known(slice, &answered)) {
                slice.subject = Subject::Patient(other.clone());
                for admitted in readings_of(std::slice::from_mut(slice)) {
                    admitted.reading.who = Who::Patient(other.clone());
                    by = Some(admitted.hub.clone());
                }
            }
            match by.map(|hub| self.hubs.of(&hub)) {
                Some(Ok(access)) => call.who = access,
                Some(Err(fails)) => return no_access(&fails, &call.slices),
                None => {}
            }
        }
        let answers = call.on(real).await;
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        for outcome in answers.iter().flatten() {
            let stored = |reading: &ReadingOutcome| match reading {
                ReadingOutcome::Stored { id, .. } => Some(*id),
                ReadingOutcome::Unassigned { .. }
                | ReadingOutcome::Duplicate { .. }
                | ReadingOutcome::Erased { .. }
                | ReadingOutcome::Conflict { .. } => None,
            };
            answered.extend(outcome.get().readings.iter().filter_map(stored));
        }
        answers
    }
}
