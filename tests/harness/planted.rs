//! Faults planted through the service's own seams: a store that is down, and rules that panic for one person.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RegisterPlace, Slice,
        Store, StoreGauges, StoredReading, StoredRefusal, Subject, Version, Witness,
    },
};
use register::ItemRef;
use rules::{Alert, Decisions, Event, Job, PatientState, Person, Timer, event::Account};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use vitals::{Admitted, AlertId, ErrorCode, HubId, PatientId, ReadingId, id::StaffId, wire::signing::ReplayWindow};

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
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    down: Mutex<Option<Down>>,
    callers: Mutex<Vec<Access>>,
    wanted: Mutex<Vec<ReadingId>>,
}

impl FaultyStore {
    /// Around a store; nothing is the matter with it yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, down: Mutex::new(None), callers: Mutex::default(), wanted: Mutex::default() }
    }

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

    fn read(&self) -> Result<&dyn Store, ReadError> {
        if self.down() == Some(Down::CannotRead) {
            return Err(ReadError::Unavailable("planted".to_owned()));
        }
        Ok(self.inner.as_ref())
    }
}

fn cannot_write<T>() -> Result<T, ApplyError> {
    Err(ApplyError::Unavailable("planted".to_owned()))
}

#[async_trait]
impl Store for FaultyStore {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner).push(who.clone());
        match self.down() {
            None => self.inner.apply(who, slices, decide, at).await,
            Some(Down::Busy) => slices.iter().map(|_| Err(ApplyError::Busy)).collect(),
            Some(Down::CannotWrite | Down::CannotRead) => slices.iter().map(|_| cannot_write()).collect(),
            Some(Down::CannotWriteFor(person)) => {
                let is_theirs = |slice: &Slice| matches!(&slice.subject, Subject::Patient(id) if id.as_str() == person);
                let lost: Vec<bool> = slices.iter().map(is_theirs).collect();
                let others = slices.into_iter().zip(&lost).filter_map(|(slice, is_lost)| (!is_lost).then_some(slice));
                let mut answers = self.inner.apply(who, others.collect(), decide, at).await.into_iter();
                let answer =
                    |is_lost| if is_lost { cannot_write() } else { answers.next().unwrap_or_else(cannot_write) };
                lost.into_iter().map(answer).collect()
            }
        }
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        self.read()?.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        match self.down() {
            None => self.inner.lease_jobs(who, until, limit, at).await,
            Some(Down::CannotWriteFor(_)) => self.inner.lease_jobs(who, until, limit, at).await,
            Some(Down::Busy | Down::CannotWrite | Down::CannotRead) => {
                Err(ReadError::Unavailable("planted".to_owned()))
            }
        }
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        self.read()?.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        self.read()?.unevaluated(who, limit).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        self.read()?.alerts(who, limit).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        self.read()?.alert(who, id).await
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        self.read()?.people(who).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.read()?.readings(who, limit).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.read()?.unassigned(who, limit).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        self.read()?.refusals(who, limit).await
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        self.read()?.register(who, after, limit).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        self.read()?.item(who, which).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        self.read()?.items_of(who, patient).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        self.read()?.versions(who, which, limit).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        self.read()?.log_of(who, patient, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.read()?.account(who, staff).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.read()?.replay_window(who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.read()?.witnessed(who, heads).await
    }

    async fn wanted(&self, who: &Access, hub: &HubId, limit: usize) -> Result<Vec<ReadingId>, ReadError> {
        let mut wanted = self.read()?.wanted(who, hub, limit).await?;
        wanted.extend(self.wanted.lock().unwrap_or_else(PoisonError::into_inner).iter().copied());
        Ok(wanted)
    }

    fn gauges(&self) -> StoreGauges {
        self.inner.gauges()
    }

    async fn halted(&self) {
        self.inner.halted().await;
    }

    async fn close(&self) {
        self.inner.close().await;
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
    fn decide(&self, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        // Being registered is no reading; the rules have nothing to do with it.
        let has_readings = events.iter().any(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_)));
        if has_readings && before.patient.as_str() == self.patient && !self.is_mended.load(Ordering::SeqCst) {
            panic!("planted: a rule that panics");
        }
        self.inner.decide(before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.inner.unevaluated(before, events, reason, at)
    }
}
