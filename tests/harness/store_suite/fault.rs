//! A planted store: the genuine one behind a fault that sees every call and every answer.

use super::{Backend, Fails, OpenStore};
use crate::trouble::Trouble;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    server_key::ServerKey,
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RegisterPlace, Scrubbed,
        SignedRoot, Slice, Store, StoreGauges, StoredDamage, StoredReading, StoredRefusal, Version, Witness,
        evidence::{NotVerified, Progress, Verified},
    },
};
use register::ItemRef;
use rules::{Alert, Job, Person, Timer, event::Account};
use std::sync::Arc;
use vitals::{Admitted, AlertId, HubId, PatientId, ReadingId, id::StaffId, wire::signing::ReplayWindow};

/// What slices come to, in their order.
pub(super) type Answers = Vec<Result<Committed<Outcome>, ApplyError>>;

/// A page of changes and the place after it.
pub(super) type Page = Result<(Vec<Change>, Cursor), ReadError>;

/// What a read comes to.
pub(super) type Read<T> = Result<Vec<T>, ReadError>;

/// A page of the register and the place after it.
pub(super) type Things = Result<(Vec<KeptItem>, RegisterPlace), ReadError>;

/// What signing a root comes to.
pub(super) type Signed = Result<Option<Committed<SignedRoot>>, ReadError>;

/// One call of `apply`.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) who: Access,
    pub(super) slices: Vec<Slice>,
    pub(super) decide: Arc<dyn Decide>,
    pub(super) at: DateTime<Utc>,
}

impl Call {
    /// Makes the call.
    pub(super) async fn on(self, store: &dyn Store) -> Answers {
        store.apply(&self.who, self.slices, self.decide, self.at).await
    }

    /// Makes the call with other rules.
    pub(super) async fn by(self, decide: Arc<dyn Decide>, store: &dyn Store) -> Answers {
        store.apply(&self.who, self.slices, decide, self.at).await
    }
}

/// What is wrong with a planted store: whatever it does not say goes to the genuine one unchanged.
#[async_trait]
pub(super) trait Fault: Send + Sync {
    /// Whether it wants a second store, empty at first, to keep things in.
    fn wants_scratch(&self) -> bool {
        false
    }

    /// Takes the second store.
    fn take_scratch(&self, _scratch: Box<dyn OpenStore>) {}

    /// The store is being closed and opened again.
    fn reopened(&self) {}

    /// Whether closing does anything.
    fn closes(&self) -> bool {
        true
    }

    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        call.on(real).await
    }

    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        real.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        real: &dyn Store,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Read<Committed<Job>> {
        real.lease_jobs(who, until, limit, at).await
    }

    async fn due_timers(
        &self,
        real: &dyn Store,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Read<(PatientId, Timer)> {
        real.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<Admitted> {
        real.unevaluated(who, limit).await
    }

    async fn alerts(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<Alert> {
        real.alerts(who, limit).await
    }

    async fn alert(&self, real: &dyn Store, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        real.alert(who, id).await
    }

    async fn people(&self, real: &dyn Store, who: &Access) -> Read<Person> {
        real.people(who).await
    }

    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.readings(who, limit).await
    }

    async fn unassigned(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.unassigned(who, limit).await
    }

    async fn refusals(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredRefusal> {
        real.refusals(who, limit).await
    }

    async fn replay_window(
        &self,
        real: &dyn Store,
        who: &Access,
        hub: &HubId,
    ) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        real.replay_window(who, hub).await
    }

    async fn witnessed(
        &self,
        real: &dyn Store,
        who: &Access,
        heads: Vec<(PatientId, Witness)>,
    ) -> Result<Vec<bool>, ReadError> {
        real.witnessed(who, heads).await
    }

    async fn wanted(&self, real: &dyn Store, who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId> {
        real.wanted(who, hub, limit).await
    }

    async fn damaged(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredDamage> {
        real.damaged(who, limit).await
    }

    async fn scrub(&self, real: &dyn Store, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        real.scrub(who, rows, at).await
    }

    async fn verify(&self, real: &dyn Store, who: &Access) -> Result<Verified, NotVerified> {
        real.verify(who, &|_progress| {}).await
    }

    async fn sign_root(&self, real: &dyn Store, who: &Access, key: &ServerKey, at: DateTime<Utc>) -> Signed {
        real.sign_root(who, key, at).await
    }

    async fn newest_root(&self, real: &dyn Store, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        real.newest_root(who).await
    }

    async fn register(&self, real: &dyn Store, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        real.register(who, after, limit).await
    }

    async fn item(&self, real: &dyn Store, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        real.item(who, which).await
    }

    async fn items_of(&self, real: &dyn Store, who: &Access, patient: &PatientId) -> Read<KeptItem> {
        real.items_of(who, patient).await
    }

    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(who, which, limit).await
    }

    async fn log_of(&self, real: &dyn Store, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        real.log_of(who, patient, limit).await
    }

    async fn account(&self, real: &dyn Store, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        real.account(who, staff).await
    }

    fn gauges(&self, real: &dyn Store) -> StoreGauges {
        real.gauges()
    }
}

/// A store that is open, behind a fault.
pub(super) struct Planted {
    inner: Box<dyn OpenStore>,
    fault: Arc<dyn Fault>,
}

impl Planted {
    pub(super) async fn fresh(backend: &dyn Backend, fault: Arc<dyn Fault>) -> Result<Self, Trouble> {
        if fault.wants_scratch() {
            fault.take_scratch(backend.fresh().await?);
        }
        Ok(Self { inner: backend.fresh().await?, fault })
    }
}

#[async_trait]
impl OpenStore for Planted {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(Behind { real: self.inner.store(), fault: Arc::clone(&self.fault) })
    }

    async fn reopen(&mut self) -> Result<(), Trouble> {
        self.fault.reopened();
        self.inner.reopen().await
    }

    /// Past the fault: what is there, and not what the fault makes of it.
    async fn beside(&self) -> Result<Arc<dyn Store>, Trouble> {
        self.inner.beside().await
    }
}

struct Behind {
    real: Arc<dyn Store>,
    fault: Arc<dyn Fault>,
}

#[async_trait]
impl Store for Behind {
    async fn apply(&self, who: &Access, slices: Vec<Slice>, decide: Arc<dyn Decide>, at: DateTime<Utc>) -> Answers {
        self.fault.apply(self.real.as_ref(), Call { who: who.clone(), slices, decide, at }).await
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Page {
        self.fault.changes(self.real.as_ref(), who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Read<Committed<Job>> {
        self.fault.lease_jobs(self.real.as_ref(), who, until, limit, at).await
    }

    async fn due_timers(&self, who: &Access, limit: usize, at: DateTime<Utc>) -> Read<(PatientId, Timer)> {
        self.fault.due_timers(self.real.as_ref(), who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Read<Admitted> {
        self.fault.unevaluated(self.real.as_ref(), who, limit).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Read<Alert> {
        self.fault.alerts(self.real.as_ref(), who, limit).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        self.fault.alert(self.real.as_ref(), who, id).await
    }

    async fn people(&self, who: &Access) -> Read<Person> {
        self.fault.people(self.real.as_ref(), who).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Read<StoredReading> {
        self.fault.readings(self.real.as_ref(), who, limit).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Read<StoredReading> {
        self.fault.unassigned(self.real.as_ref(), who, limit).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Read<StoredRefusal> {
        self.fault.refusals(self.real.as_ref(), who, limit).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.fault.replay_window(self.real.as_ref(), who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.fault.witnessed(self.real.as_ref(), who, heads).await
    }

    async fn wanted(&self, who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId> {
        self.fault.wanted(self.real.as_ref(), who, hub, limit).await
    }

    async fn damaged(&self, who: &Access, limit: usize) -> Read<StoredDamage> {
        self.fault.damaged(self.real.as_ref(), who, limit).await
    }

    async fn scrub(&self, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        self.fault.scrub(self.real.as_ref(), who, rows, at).await
    }

    async fn met_damage(&self) {
        self.real.met_damage().await;
    }

    async fn verify(
        &self,
        who: &Access,
        _on_progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Verified, NotVerified> {
        self.fault.verify(self.real.as_ref(), who).await
    }

    async fn sign_root(&self, who: &Access, key: &ServerKey, at: DateTime<Utc>) -> Signed {
        self.fault.sign_root(self.real.as_ref(), who, key, at).await
    }

    async fn newest_root(&self, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        self.fault.newest_root(self.real.as_ref(), who).await
    }

    async fn register(&self, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        self.fault.register(self.real.as_ref(), who, after, limit).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        self.fault.item(self.real.as_ref(), who, which).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Read<KeptItem> {
        self.fault.items_of(self.real.as_ref(), who, patient).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        self.fault.versions(self.real.as_ref(), who, which, limit).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        self.fault.log_of(self.real.as_ref(), who, patient, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.fault.account(self.real.as_ref(), who, staff).await
    }

    fn gauges(&self) -> StoreGauges {
        self.fault.gauges(self.real.as_ref())
    }

    async fn halted(&self) {
        self.real.halted().await;
    }

    async fn close(&self) {
        if self.fault.closes() {
            self.real.close().await;
        }
    }
}

/// What a hub's access was not to be had for: the planted store then answers as one that cannot write.
pub(super) fn no_access(fails: &Fails, slices: &[Slice]) -> Answers {
    slices.iter().map(|_| Err(ApplyError::Unavailable(format!("{fails:?}")))).collect()
}
