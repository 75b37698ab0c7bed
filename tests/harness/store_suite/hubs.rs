//! The hubs' proofs of access. Nobody outside the service can make one, so each is taken from a request that a hub
//! signed, by a store that remembers who called it.

use super::{
    Fails,
    cast::{self, HUBS, OUTSIDER, PEOPLE},
};
use crate::{
    planted::FaultyStore,
    service::{MORNING, Recorder, SetClock},
    signed_client::{TestHub, batch},
    trouble::{Doing, Trouble},
};
use ingest::{
    access::{Access, HubEntry, HubRegistry, NobodySignsIn},
    decide::ByPlan,
    disk::Folder,
    http::PageSettings,
    server_key::ServerKey,
    service::{Parts, Service, StaffSignIn},
    store::{
        Slice, Subject,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use rules::{Event, event::RefusedReading};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, TcpListener},
    sync::Arc,
};
use vitals::{ErrorCode, HubId, PatientId};

/// The access of each hub.
#[derive(Debug)]
pub(super) struct Hubs(BTreeMap<HubId, Access>);

impl Hubs {
    /// The access of a hub.
    pub(super) fn of(&self, hub: &HubId) -> Result<Access, Fails> {
        let access = self.0.get(hub).cloned();
        access.ok_or_else(|| Trouble::new("find a hub's access", format!("there is no {hub}")).into())
    }

    /// Starts a service, lets every hub sign a request to it, and keeps what the service made of each.
    pub(super) async fn signed_in() -> Result<Self, Trouble> {
        let folder = tempfile::tempdir().doing("make a folder")?;
        let store = EmbeddedStore::open(Arc::new(Folder::new(folder.path())), StoreKeys { chain: [1; 32] });
        let store = Arc::new(FaultyStore::new(Arc::new(store.doing("open a store for the hubs to sign in")?)));
        let hubs: Vec<(TestHub, BTreeSet<PatientId>)> = entries()?;
        let parts = parts(&hubs, Arc::clone(&store))?;
        let service = Service::start(parts).await.doing("start a service for the hubs to sign in")?;
        let mut access = BTreeMap::new();
        for (hub, _) in hubs {
            let id = HubId::parse(hub.name()).doing("name a hub")?;
            send(hub, service.address()).await?;
            // Nobody but the hub itself may refuse a reading in its name.
            let body = String::new();
            let refused = RefusedReading { hub: id.clone(), id: None, code: ErrorCode::ReadingMalformed, body };
            let events = vec![Event::Refused(Box::new(refused))];
            let refusal = Slice { subject: Subject::Unassigned(id.clone()), events };
            let own = store.callers().into_iter().find(|caller| caller.may_apply(&refusal).is_ok());
            access.insert(id, own.ok_or_else(|| Trouble::new("take a hub's access", "it did not call"))?);
        }
        if service.stop().await {
            Ok(Self(access))
        } else {
            Err(Trouble::new("stop the service the hubs signed in to", "it did not stop in time"))
        }
    }
}

/// Each hub with a key of its own, and its people.
fn entries() -> Result<Vec<(TestHub, BTreeSet<PatientId>)>, Trouble> {
    let everybody: BTreeSet<PatientId> = (0..PEOPLE).map(cast::pt).collect();
    let mut hubs: Vec<(HubId, BTreeSet<PatientId>)> = (0..HUBS).map(|n| (cast::hub(n), everybody.clone())).collect();
    hubs.push((cast::elsewhere(), [cast::pt(OUTSIDER)].into()));
    let keyed = |(seed, (hub, people)): (u8, (HubId, BTreeSet<PatientId>))| {
        Ok((TestHub::new(hub.as_str(), [seed; 32]).doing("make a hub's key")?, people))
    };
    (1..=u8::MAX).zip(hubs).map(keyed).collect()
}

fn parts(hubs: &[(TestHub, BTreeSet<PatientId>)], store: Arc<FaultyStore>) -> Result<Parts, Trouble> {
    let entry = |(hub, people): &(TestHub, BTreeSet<PatientId>)| -> Result<(HubId, HubEntry), Trouble> {
        let public_key = hub.key().public_key().doing("take a public key")?;
        Ok((HubId::parse(hub.name()).doing("name a hub")?, HubEntry { public_key, patients: people.clone() }))
    };
    let registry: BTreeMap<HubId, HubEntry> = hubs.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Parts {
        clock: Arc::new(SetClock::at(MORNING)),
        rng: Arc::new(ingest::rng::OsRandomness),
        events: Arc::new(Recorder::default()),
        store,
        server_key: ServerKey::from_seed(&[1; 32]),
        decide: Arc::new(ByPlan::default()),
        hubs: HubRegistry::new(registry),
        people: Vec::new(),
        sign_in: StaffSignIn::Seeded(Arc::new(NobodySignsIn)),
        pages: PageSettings {
            service_name: "Hubs sign in".to_owned(),
            banner: None,
            service_hours: "Never.".to_owned(),
            is_loopback_only: true,
        },
        channels: BTreeMap::new(),
        listener: TcpListener::bind("127.0.0.1:0").doing("find a port")?,
    })
}

/// A batch without readings: its number alone is applied, by the hub's own access.
async fn send(hub: TestHub, address: SocketAddr) -> Result<(), Trouble> {
    let call = hub.signed(batch(&[], MORNING), MORNING).doing("sign a request")?;
    let answer = tokio::task::spawn_blocking(move || call.send(address)).await.doing("wait for a request")?;
    let status = answer.doing("send a request")?.status;
    if status == 200 { Ok(()) } else { Err(Trouble::new("sign a hub in", format!("the service answered {status}"))) }
}
