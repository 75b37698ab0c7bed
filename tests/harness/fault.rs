//! A planted store: the genuine one behind a fault that sees every call and every answer.
//!
//! This is the only place of the harness that knows every call of a store; only a store makes a `Committed`, so what a
//! planted one answers is always something that a store did commit.

use crate::service::Wrap;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    server_key::ServerKey,
    store::{
        ApplyError, Change, Committed, Cursor, Decide, KeptItem, Logged, Outcome, ReadError, RecordEntry, RecordPlace,
        RegisterPlace, Scrubbed, SignedRoot, Slice, Store, StoreGauges, StoredDamage, StoredReading, StoredRefusal,
        Tombstone, Version, WholeRecord, Witness,
        evidence::{NotVerified, Progress, Verified},
    },
};
use register::ItemRef;
use rules::{Alert, Job, Person, Timer, event::Account};
use std::sync::Arc;
use vitals::{Admitted, AlertId, HubId, PatientId, ReadingId, id::StaffId, wire::signing::ReplayWindow};

/// What slices come to, in their order.
pub type Answers = Vec<Result<Committed<Outcome>, ApplyError>>;

/// A page of changes and the place after it.
pub type Page = Result<(Vec<Change>, Cursor), ReadError>;

/// What a read comes to.
pub type Read<T> = Result<Vec<T>, ReadError>;

/// A page of the register and the place after it.
pub type Things = Result<(Vec<KeptItem>, RegisterPlace), ReadError>;

/// Entries of a person's record and the place where they go on.
pub type Entries = Result<(Vec<RecordEntry>, Option<RecordPlace>), ReadError>;

/// What signing a root comes to.
pub type Signed = Result<Option<Committed<SignedRoot>>, ReadError>;

/// Timers, each with whose it is.
pub type Timers = Read<(PatientId, Timer)>;

/// Who is told how far a verification has come.
pub type Told<'p> = &'p (dyn Fn(Progress) + Send + Sync);

/// One call of `apply`.
#[derive(Clone)]
pub struct Call {
    /// By whose access.
    pub who: Access,
    /// What is to be written.
    pub slices: Vec<Slice>,
    /// By which rules.
    pub decide: Arc<dyn Decide>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Call {
    /// Makes the call.
    pub async fn on(self, store: &dyn Store) -> Answers {
        store.apply(&self.who, self.slices, self.decide, self.at).await
    }

    /// Makes the call with other rules.
    pub async fn by(self, decide: Arc<dyn Decide>, store: &dyn Store) -> Answers {
        store.apply(&self.who, self.slices, decide, self.at).await
    }
}

/// One call of `lease_jobs`.
#[derive(Clone, Copy)]
pub struct Lease<'a> {
    /// By whose access.
    pub who: &'a Access,
    /// For how long.
    pub until: DateTime<Utc>,
    /// How many at the most.
    pub limit: usize,
    /// When.
    pub at: DateTime<Utc>,
}

impl Lease<'_> {
    /// Makes the call.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn on(self, store: &dyn Store) -> Read<Committed<Job>> {
        store.lease_jobs(self.who, self.until, self.limit, self.at).await
    }
}

/// A store behind a fault.
struct Behind {
    real: Arc<dyn Store>,
    fault: Arc<dyn Fault>,
}

/// Puts a fault before a store.
#[must_use]
pub fn behind(real: Arc<dyn Store>, fault: Arc<dyn Fault>) -> Arc<dyn Store> {
    Arc::new(Behind { real, fault })
}

/// Puts a fault before whatever store the service has.
#[must_use]
pub fn put_before(fault: Arc<dyn Fault>) -> Wrap<dyn Store> {
    Arc::new(move |real| behind(real, Arc::clone(&fault)))
}

/// Makes the trait of faults and the store behind one, from one line for each call whose arguments go on as they came.
macro_rules! reads {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        /// What is wrong with a planted store: whatever it does not say goes to the genuine one unchanged.
        #[async_trait]
        pub trait Fault: Send + Sync {
            /// The store is being closed and opened again, where it is one that a test opens again.
            fn reopened(&self) {}

            /// Whether anything can be read: asked before every read that the fault does not answer itself.
            ///
            /// # Errors
            /// What each read is answered with.
            fn may_read(&self) -> Result<(), ReadError> {
                Ok(())
            }

            /// `Store::apply`.
            async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
                call.on(real).await
            }

            /// `Store::lease_jobs`.
            async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
                self.may_read()?;
                lease.on(real).await
            }

            $(
                #[doc = concat!("`Store::", stringify!($name), "`.")]
                async fn $name(&self, real: &dyn Store, $($argument: $kind),*) -> $answer {
                    self.may_read()?;
                    real.$name($($argument),*).await
                }
            )*

            /// `Store::gauges`.
            fn gauges(&self, real: &dyn Store) -> StoreGauges {
                real.gauges()
            }

            /// `Store::halted`.
            async fn halted(&self, real: &dyn Store) {
                real.halted().await;
            }

            /// `Store::close`.
            async fn close(&self, real: &dyn Store) {
                real.close().await;
            }
        }

        #[async_trait]
        impl Store for Behind {
            async fn apply(
                &self,
                who: &Access,
                slices: Vec<Slice>,
                decide: Arc<dyn Decide>,
                at: DateTime<Utc>,
            ) -> Answers {
                self.fault.apply(self.real.as_ref(), Call { who: who.clone(), slices, decide, at }).await
            }

            async fn lease_jobs(
                &self,
                who: &Access,
                until: DateTime<Utc>,
                limit: usize,
                at: DateTime<Utc>,
            ) -> Read<Committed<Job>> {
                self.fault.lease_jobs(self.real.as_ref(), Lease { who, until, limit, at }).await
            }

            $(
                async fn $name(&self, $($argument: $kind),*) -> $answer {
                    self.fault.$name(self.real.as_ref(), $($argument),*).await
                }
            )*

            async fn met_damage(&self) {
                self.real.met_damage().await;
            }

            fn gauges(&self) -> StoreGauges {
                self.fault.gauges(self.real.as_ref())
            }

            async fn halted(&self) {
                self.fault.halted(self.real.as_ref()).await;
            }

            async fn close(&self) {
                self.fault.close(self.real.as_ref()).await;
            }
        }
    };
}

reads! {
    changes(who: &Access, after: Cursor, limit: usize) -> Page;
    due_timers(who: &Access, limit: usize, at: DateTime<Utc>) -> Timers;
    unevaluated(who: &Access, skip: usize, limit: usize) -> Read<Admitted>;
    alerts(who: &Access, limit: usize) -> Read<Alert>;
    alert(who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError>;
    people(who: &Access) -> Read<Person>;
    readings(who: &Access, limit: usize) -> Read<StoredReading>;
    unassigned(who: &Access, limit: usize) -> Read<StoredReading>;
    refusals(who: &Access, limit: usize) -> Read<StoredRefusal>;
    replay_window(who: &Access, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError>;
    witnessed(who: &Access, heads: Vec<(PatientId, Witness)>) -> Read<bool>;
    wanted(who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId>;
    damaged(who: &Access, limit: usize) -> Read<StoredDamage>;
    scrub(who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError>;
    verify(who: &Access, on_progress: Told<'_>) -> Result<Verified, NotVerified>;
    sign_root(who: &Access, key: &ServerKey, at: DateTime<Utc>) -> Signed;
    newest_root(who: &Access) -> Result<Option<SignedRoot>, ReadError>;
    register(who: &Access, after: RegisterPlace, limit: usize) -> Things;
    item(who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError>;
    items_of(who: &Access, patient: &PatientId) -> Read<KeptItem>;
    versions(who: &Access, which: &ItemRef, limit: usize) -> Read<Version>;
    log_of(who: &Access, patient: &PatientId, limit: usize) -> Read<Logged>;
    account(who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError>;
    ended(who: &Access, patient: &PatientId) -> Result<Option<Tombstone>, ReadError>;
    whole_record(who: &Access, patient: &PatientId) -> Result<Option<WholeRecord>, ReadError>;
    entries_of(who: &Access, patient: &PatientId, before: Option<RecordPlace>, limit: usize) -> Entries;
}
