//! The hubs' proofs of access. Nobody outside the service can make one, so each is taken from a request that a hub
//! signed, by a store that remembers who called it.

use crate::{
    fault::behind,
    planted::FaultyStore,
    service::{MORNING, bare},
    signed_client::{TestHub, batch},
    trouble::{Doing, Trouble},
};
use ingest::{
    access::{Access, HubEntry, Purpose},
    disk::Folder,
    service::Service,
    store::{
        Slice, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use rules::Event;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
};
use vitals::{HubId, PatientId, wire::signing::RequestNumber};

/// Starts a service, lets every hub sign a request to it, and keeps what the service made of each.
///
/// # Errors
/// [`Trouble`] where a hub could not sign in.
pub async fn signed_in(hubs: Vec<(HubId, BTreeSet<PatientId>)>) -> Result<BTreeMap<HubId, Access>, Trouble> {
    let folder = tempfile::tempdir().doing("make a folder")?;
    let store = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), StoreKeys { chain: [1; 32] });
    let store = store.doing("open a store for the hubs to sign in")?;
    let keyed = |(seed, (hub, patients)): (u8, (HubId, BTreeSet<PatientId>))| {
        let key = TestHub::new(hub.as_str(), [seed; 32]).doing("make a hub's key")?;
        let public_key = key.key().public_key().doing("take a public key")?;
        Ok(((hub.clone(), key), (hub, HubEntry { public_key, patients })))
    };
    let (keys, entries): (Vec<(HubId, TestHub)>, BTreeMap<HubId, HubEntry>) =
        (1..=u8::MAX).zip(hubs).map(keyed).collect::<Result<Vec<_>, Trouble>>()?.into_iter().unzip();
    let calls = Arc::<FaultyStore>::default();
    let parts = bare(behind(Arc::new(store), calls.clone()), entries)?;
    let service = Service::start(parts).await.doing("start a service for the hubs to sign in")?;
    let mut access = BTreeMap::new();
    for (hub, key) in keys {
        send(key, service.address()).await?;
        // Nobody but the hub itself, and the service for it, may say that its request was received.
        let received = Event::Received { hub: hub.clone(), number: RequestNumber { epoch: 1, sequence: 1 } };
        let received = Slice { subject: Subject::Service, events: vec![received] };
        let is_hubs =
            |caller: &Access| caller.may_apply(&received).is_ok() && caller.must_be(Purpose::Receive).is_err();
        let own = calls.callers().into_iter().find(is_hubs);
        access.insert(hub, own.ok_or_else(|| Trouble::new("take a hub's access", "it did not call"))?);
    }
    if service.stop().await { Ok(access) } else { Err(Trouble::new("stop the service", "it did not stop in time")) }
}

/// A batch without readings: its number alone is applied, by the hub's own access.
async fn send(hub: TestHub, address: SocketAddr) -> Result<(), Trouble> {
    let call = hub.signed(batch(&[], MORNING), MORNING).doing("sign a request")?;
    let answer = tokio::task::spawn_blocking(move || call.send(address)).await.doing("wait for a request")?;
    let status = answer.doing("send a request")?.status;
    if status == 200 { Ok(()) } else { Err(Trouble::new("sign a hub in", format!("the service answered {status}"))) }
}
