//! The planted policy of the matrix: a store that lets every clinician read as if everybody were theirs.

use super::{county::everywhere, matrix::TARGETS};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RegisterPlace, Slice,
        Store, StoredReading, StoredRefusal, Version, Witness,
    },
};
use register::ItemRef;
use rules::{Alert, Job, Person, Timer, event::Account};
use std::sync::Arc;
use vitals::{Admitted, AlertId, HubId, PatientId, id::StaffId, wire::signing::ReplayWindow};

/// See the module.
pub(super) struct LooksForEverybody(pub(super) Arc<dyn Store>);

/// Staff, as somebody who looks after everybody; anybody else as they are.
fn wider(who: &Access) -> Access {
    if who.actor().is_some() { everywhere(&TARGETS) } else { who.clone() }
}

#[async_trait]
impl Store for LooksForEverybody {
    async fn apply(
        &self,
        who: &Access,
        slices: Vec<Slice>,
        decide: Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Vec<Result<Committed<Outcome>, ApplyError>> {
        self.0.apply(who, slices, decide, at).await
    }

    async fn alerts(&self, who: &Access, limit: usize) -> Result<Vec<Alert>, ReadError> {
        self.0.alerts(&wider(who), limit).await
    }

    async fn alert(&self, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        self.0.alert(&wider(who), id).await
    }

    async fn people(&self, who: &Access) -> Result<Vec<Person>, ReadError> {
        self.0.people(&wider(who)).await
    }

    async fn readings(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.0.readings(&wider(who), limit).await
    }

    async fn unassigned(&self, who: &Access, limit: usize) -> Result<Vec<StoredReading>, ReadError> {
        self.0.unassigned(&wider(who), limit).await
    }

    async fn refusals(&self, who: &Access, limit: usize) -> Result<Vec<StoredRefusal>, ReadError> {
        self.0.refusals(&wider(who), limit).await
    }

    async fn item(&self, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        self.0.item(&wider(who), which).await
    }

    async fn items_of(&self, who: &Access, patient: &PatientId) -> Result<Vec<KeptItem>, ReadError> {
        self.0.items_of(&wider(who), patient).await
    }

    async fn versions(&self, who: &Access, which: &ItemRef, limit: usize) -> Result<Vec<Version>, ReadError> {
        self.0.versions(&wider(who), which, limit).await
    }

    async fn log_of(&self, who: &Access, patient: &PatientId, limit: usize) -> Result<Vec<Logged>, ReadError> {
        self.0.log_of(&wider(who), patient, limit).await
    }

    async fn register(
        &self,
        who: &Access,
        after: RegisterPlace,
        limit: usize,
    ) -> Result<(Vec<KeptItem>, RegisterPlace), ReadError> {
        self.0.register(who, after, limit).await
    }

    async fn account(&self, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        self.0.account(who, staff).await
    }

    async fn changes(&self, who: &Access, after: Cursor, limit: usize) -> Result<(Vec<Change>, Cursor), ReadError> {
        self.0.changes(who, after, limit).await
    }

    async fn lease_jobs(
        &self,
        who: &Access,
        until: DateTime<Utc>,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<Committed<Job>>, ReadError> {
        self.0.lease_jobs(who, until, limit, at).await
    }

    async fn due_timers(
        &self,
        who: &Access,
        limit: usize,
        at: DateTime<Utc>,
    ) -> Result<Vec<(PatientId, Timer)>, ReadError> {
        self.0.due_timers(who, limit, at).await
    }

    async fn unevaluated(&self, who: &Access, limit: usize) -> Result<Vec<Admitted>, ReadError> {
        self.0.unevaluated(who, limit).await
    }

    async fn replay_window(&self, who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        self.0.replay_window(who, hub).await
    }

    async fn witnessed(&self, who: &Access, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, ReadError> {
        self.0.witnessed(who, heads).await
    }

    async fn halted(&self) {
        self.0.halted().await;
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
