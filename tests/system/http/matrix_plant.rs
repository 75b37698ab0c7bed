//! The planted policy of the matrix: a store that lets every clinician read as if everybody were theirs.

use super::{county::everywhere, matrix::TARGETS};
use async_trait::async_trait;
use harness::fault::{Fault, Read};
use ingest::{
    access::Access,
    store::{KeptItem, Logged, ReadError, Store, StoredReading, StoredRefusal, Version},
};
use register::ItemRef;
use rules::{Alert, Person};
use vitals::{AlertId, PatientId};

/// See the module.
pub(super) struct LooksForEverybody;

/// Staff, as somebody who looks after everybody; anybody else as they are.
fn wider(who: &Access) -> Access {
    if who.actor().is_some() { everywhere(&TARGETS) } else { who.clone() }
}

#[async_trait]
impl Fault for LooksForEverybody {
    async fn alerts(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<Alert> {
        real.alerts(&wider(who), limit).await
    }

    async fn alert(&self, real: &dyn Store, who: &Access, id: AlertId) -> Result<Option<Alert>, ReadError> {
        real.alert(&wider(who), id).await
    }

    async fn people(&self, real: &dyn Store, who: &Access) -> Read<Person> {
        real.people(&wider(who)).await
    }

    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.readings(&wider(who), limit).await
    }

    async fn unassigned(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.unassigned(&wider(who), limit).await
    }

    async fn refusals(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredRefusal> {
        real.refusals(&wider(who), limit).await
    }

    async fn item(&self, real: &dyn Store, who: &Access, which: &ItemRef) -> Result<Option<KeptItem>, ReadError> {
        real.item(&wider(who), which).await
    }

    async fn items_of(&self, real: &dyn Store, who: &Access, patient: &PatientId) -> Read<KeptItem> {
        real.items_of(&wider(who), patient).await
    }

    async fn versions(&self, real: &dyn Store, who: &Access, which: &ItemRef, limit: usize) -> Read<Version> {
        real.versions(&wider(who), which, limit).await
    }

    async fn log_of(&self, real: &dyn Store, who: &Access, patient: &PatientId, limit: usize) -> Read<Logged> {
        real.log_of(&wider(who), patient, limit).await
    }
}
