//! Stores that let somebody see or do what is not theirs.

use super::super::fault::{Answers, Call, Fault, Lease, Page, Read, Signed, Things, Told};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Denied, Purpose},
    server_key::ServerKey,
    store::{
        ApplyError, Committed, Cursor, KeptItem, Logged, ReadError, RegisterPlace, Scrubbed, SignedRoot, Store,
        StoredDamage, StoredReading, Version,
        evidence::{NotVerified, Verified},
    },
};
use register::ItemRef;
use rules::{Alert, Job, event::Account};
use vitals::{AlertId, HubId, PatientId, ReadingId, Who, id::StaffId, wire::signing::ReplayWindow};

/// Takes whoever asks for the service itself, with the purpose that may.
pub(super) struct AnyoneIsTheService;

#[async_trait]
impl Fault for AnyoneIsTheService {
    async fn changes(&self, real: &dyn Store, _who: &Access, after: Cursor, limit: usize) -> Page {
        real.changes(&Access::system(Purpose::Follow), after, limit).await
    }

    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        Lease { who: &Access::system(Purpose::Notify), ..lease }.on(real).await
    }

    async fn replay_window(
        &self,
        real: &dyn Store,
        _who: &Access,
        hub: &HubId,
    ) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        real.replay_window(&Access::system(Purpose::Receive), hub).await
    }
}

/// Lets a hub read what a follower may.
pub(super) struct HubsFollow;

#[async_trait]
impl Fault for HubsFollow {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        match real.readings(who, limit).await {
            Err(ReadError::Denied(_)) => real.readings(&Access::system(Purpose::Follow), limit).await,
            other => other,
        }
    }
}

/// Stores what is denied by the access that sets up, where that one may.
pub(super) struct StoresAnyway;

#[async_trait]
impl Fault for StoresAnyway {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let mut answers = call.clone().on(real).await;
        for (answer, slice) in answers.iter_mut().zip(call.slices) {
            if matches!(answer, Err(ApplyError::Denied(_))) {
                let who = Access::system(Purpose::SetUp);
                let again = Call { who, slices: vec![slice], decide: call.decide.clone(), at: call.at };
                drop(again.on(real).await);
            }
        }
        answers
    }
}

pub(super) struct DeniesAll;

#[async_trait]
impl Fault for DeniesAll {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        if call.slices.iter().all(|slice| call.who.may_apply(slice).is_ok()) {
            return call.on(real).await;
        }
        call.slices.iter().map(|_| Err(ApplyError::Denied(Denied))).collect()
    }
}

pub(super) struct CutsFirst;

#[async_trait]
impl Fault for CutsFirst {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        let mut readings = real.readings(&Access::system(Purpose::Follow), limit).await?;
        readings.retain(|stored| matches!(&stored.reading.who, Who::Patient(patient) if who.patients().has(patient)));
        Ok(readings)
    }
}

pub(super) struct TellsItExists;

#[async_trait]
impl Fault for TellsItExists {
    async fn alert(&self, real: &dyn Store, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        match real.alert(&Access::system(Purpose::Follow), id).await? {
            Some(alert) if !who.patients().has(&alert.patient) => Err(ReadError::Denied(Denied)),
            found => Ok(found),
        }
    }
}

pub(super) struct StaffSeeAll;

#[async_trait]
impl Fault for StaffSeeAll {
    async fn alerts(&self, real: &dyn Store, _who: &Access, limit: usize) -> Read<Alert> {
        real.alerts(&Access::system(Purpose::Follow), limit).await
    }
}

/// What a store can prove of itself, each for those whose work it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Wanted,
    Damaged,
    Scrub,
    Verify,
    SignRoot,
    NewestRoot,
    Register,
    Item,
    ItemsOf,
    Versions,
    LogOf,
    Account,
}

/// Takes whoever asks for one of these for the service itself.
pub(super) struct OpenTo(pub(super) Proof);

impl OpenTo {
    fn who(&self, asked: Proof, who: &Access, purpose: Purpose) -> Access {
        if self.0 == asked { Access::system(purpose) } else { who.clone() }
    }
}

#[async_trait]
impl Fault for OpenTo {
    async fn wanted(&self, real: &dyn Store, who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId> {
        real.wanted(&self.who(Proof::Wanted, who, Purpose::Receive), hub, limit).await
    }

    async fn damaged(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredDamage> {
        real.damaged(&self.who(Proof::Damaged, who, Purpose::Follow), limit).await
    }

    async fn scrub(&self, real: &dyn Store, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        real.scrub(&self.who(Proof::Scrub, who, Purpose::Verify), rows, at).await
    }

    async fn verify(&self, real: &dyn Store, who: &Access, on_progress: Told<'_>) -> Result<Verified, NotVerified> {
        real.verify(&self.who(Proof::Verify, who, Purpose::Verify), on_progress).await
    }

    async fn sign_root(&self, real: &dyn Store, who: &Access, key: &ServerKey, at: DateTime<Utc>) -> Signed {
        real.sign_root(&self.who(Proof::SignRoot, who, Purpose::Verify), key, at).await
    }

    async fn newest_root(&self, real: &dyn Store, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        real.newest_root(&self.who(Proof::NewestRoot, who, Purpose::Verify)).await
    }

    async fn register(&self, real: &dyn Store, who: &Access, after: RegisterPlace, limit: usize) -> Things {
        real.register(&self.who(Proof::Register, who, Purpose::Directory), after, limit).await
    }

    async fn item(&self, real: &dyn Store, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        real.item(&self.who(Proof::Item, who, Purpose::Directory), which).await
    }

    async fn items_of(&self, real: &dyn Store, who: &Access, patient: &PatientId) -> Read<KeptItem> {
        real.items_of(&self.who(Proof::ItemsOf, who, Purpose::Directory), patient).await
    }

    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(&self.who(Proof::Versions, who, Purpose::Directory), which, limit).await
    }

    async fn log_of(&self, real: &dyn Store, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        let officer = super::privacy_officer();
        real.log_of(if self.0 == Proof::LogOf { &officer } else { who }, patient, limit).await
    }

    async fn account(&self, real: &dyn Store, who: &Access, staff: &StaffId) -> Result<Option<Account>, ReadError> {
        real.account(&self.who(Proof::Account, who, Purpose::SignIn), staff).await
    }
}

/// Denies everybody.
pub(super) struct NobodyVerifies;

#[async_trait]
impl Fault for NobodyVerifies {
    async fn verify(&self, _real: &dyn Store, _who: &Access, _on_progress: Told<'_>) -> Result<Verified, NotVerified> {
        Err(Denied.into())
    }
}
