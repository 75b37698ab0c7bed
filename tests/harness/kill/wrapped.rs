//! A store with somebody around its `apply`: told when it is called, each time that it awaits something, when it has its
//! answer, and on both sides of every decision. All else goes straight through.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    server_key::ServerKey,
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RegisterPlace, Scrubbed,
        SignedRoot, Slice, Store, StoreGauges, StoredDamage, StoredReading, StoredRefusal, Version, Witness,
    },
};
use register::ItemRef;
use rules::{Alert, Decisions, Event, Job, PatientState, Person, Timer, event::Account};
use std::{future::poll_fn, sync::Arc};
use vitals::{Admitted, AlertId, ErrorCode, HubId, PatientId, ReadingId, id::StaffId, wire::signing::ReplayWindow};

/// Who is told.
pub(super) trait Around: Send + Sync {
    /// `apply` is called; the store has not been asked.
    fn called(&self);
    /// It awaits something.
    fn awaits(&self);
    /// It has its answer; the caller has not.
    fn answered(&self);
    /// The rules are about to decide.
    fn deciding(&self);
    /// They have decided.
    fn decided(&self);
    /// The store is closed.
    fn closed(&self);
}

/// The store.
pub(super) struct Wrapped {
    inner: Arc<dyn Store>,
    around: Arc<dyn Around>,
}

impl Wrapped {
    /// Puts somebody around a store.
    #[must_use]
    pub(super) fn new(inner: Arc<dyn Store>, around: Arc<dyn Around>) -> Self {
        Self { inner, around }
    }
}

struct WrappedRules {
    inner: Arc<dyn Decide>,
    around: Arc<dyn Around>,
}

impl Decide for WrappedRules {
    fn decide(&self, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        self.around.deciding();
        let decisions = self.inner.decide(before, events, at);
        self.around.decided();
        decisions
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.inner.unevaluated(before, events, reason, at)
    }
}

#[async_trait]
impl Store for Wrapped {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        self.around.called();
        let decide = Arc::new(WrappedRules { inner: decide, around: Arc::clone(&self.around) });
        let mut applying = self.inner.apply(who, slices, decide, at);
        let answers = poll_fn(|context| {
            let polled = applying.as_mut().poll(context);
            if polled.is_pending() {
                self.around.awaits();
            }
            polled
        })
        .await;
        self.around.answered();
        answers
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        self.inner.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        self.inner.lease_jobs(who, until, limit, at).await
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        self.inner.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        self.inner.unevaluated(who, limit).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        self.inner.alerts(who, limit).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        self.inner.alert(who, id).await
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        self.inner.people(who).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.inner.readings(who, limit).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.inner.unassigned(who, limit).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        self.inner.refusals(who, limit).await
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        self.inner.register(who, after, limit).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        self.inner.item(who, which).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        self.inner.items_of(who, patient).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        self.inner.versions(who, which, limit).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        self.inner.log_of(who, patient, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.inner.account(who, staff).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.inner.replay_window(who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.inner.witnessed(who, heads).await
    }

    async fn wanted(&self, who: &Access, hub: &HubId, limit: usize) -> Result<Vec<ReadingId>, ReadError> {
        self.inner.wanted(who, hub, limit).await
    }

    async fn damaged(&self, who: &Access, limit: usize) -> Result<Vec<StoredDamage>, ReadError> {
        self.inner.damaged(who, limit).await
    }

    async fn scrub(&self, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        self.inner.scrub(who, rows, at).await
    }

    async fn met_damage(&self) {
        self.inner.met_damage().await;
    }

    async fn sign_root(
        &self,
        who: &Access,
        key: &ServerKey,
        at: DateTime<Utc>,
    ) -> Result<Option<Committed<SignedRoot>>, ReadError> {
        self.inner.sign_root(who, key, at).await
    }

    fn gauges(&self) -> StoreGauges {
        self.inner.gauges()
    }

    async fn halted(&self) {
        self.inner.halted().await;
    }

    async fn close(&self) {
        self.inner.close().await;
        self.around.closed();
    }
}
