//! The service under test: the real one, in this process, on a real socket and a real store.
//!
//! The test has only the clock, the sink for events and the sign-in, and may put wrappers around the store and the rules.
//!
//! ```
//! use harness::service::{Setup, TestService};
//! let service = TestService::start(Setup::default()).unwrap();
//! assert!(service.see().unwrap().alerts.is_empty());
//! ```

mod cast;
mod parts;

pub use cast::{
    ADA, BO, CY, FRAME_HEX, HUB_A, HUB_B, MARA, MORNING, ODD, ON_HUBS, PEOPLE, PersonRow, SAM, personal_words_in,
    reading, reading_of,
};
pub use parts::{Recorder, STAFF_HEADER, SetClock, bare};

use crate::{
    fault::put_before,
    planted::FaultyStore,
    signed_client::{Answer, Call, TestHub},
    trouble::{Doing, Trouble},
};
use ingest::{
    access::{Access, HubEntry, NobodySignsIn, Purpose, SignIn},
    decide::ByPlan,
    net::TcpNetwork,
    notify::{Console, Deliver, Webhook, WebhookAddress},
    server_key::ServerKey,
    service::{Parts, Service, StaffSignIn},
    store::{
        Change, Cursor, Decide, Store, StoredReading, StoredRefusal,
        embedded::{EmbeddedStore, StoreKeys},
    },
};
use rules::{Alert, Channel};
use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use vitals::HubId;

/// Most rows a look at the store takes: more than any test writes.
const ROWS: usize = 10_000;

/// Puts something around a part of the service.
pub type Wrap<T> = Arc<dyn Fn(Arc<T>) -> Arc<T> + Send + Sync>;

/// The key every service under test signs with.
#[must_use]
pub fn server_key() -> ServerKey {
    ServerKey::from_seed(&[0x5e; 32])
}

/// What is special about this service.
#[derive(Clone)]
pub struct Setup {
    /// Around the store.
    pub store: Wrap<dyn Store>,
    /// Around the rules.
    pub decide: Wrap<dyn Decide>,
    /// Where the webhook posts to, if there is one.
    pub webhook: Option<String>,
    /// Whether staff can sign in.
    pub has_staff: bool,
    /// Whether the service knows the hubs by keys that are not theirs.
    pub has_wrong_keys: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            store: Arc::new(|store| store),
            decide: Arc::new(|decide| decide),
            webhook: None,
            has_staff: true,
            has_wrong_keys: false,
        }
    }
}

/// The service, running.
pub struct TestService {
    /// The hub of Ada and Bo, with its key.
    pub hub_a: TestHub,
    /// The hub of Cy, with its key.
    pub hub_b: TestHub,
    /// The clock: it stands until the test moves it.
    pub clock: Arc<SetClock>,
    /// What the service said.
    pub events: Arc<Recorder>,
    setup: Setup,
    running: Option<Running>,
    runtime: Runtime,
    folder: TempDir,
}

struct Running {
    service: Service,
    store: Arc<dyn Store>,
}

/// What staff can see of the store, and the log of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Alerts, the newest first.
    pub alerts: Vec<Alert>,
    /// Readings of people, the newest first.
    pub readings: Vec<StoredReading>,
    /// Readings of nobody yet, the newest first.
    pub unassigned: Vec<StoredReading>,
    /// Refused readings, the newest first.
    pub refusals: Vec<StoredRefusal>,
    /// Every committed change, oldest first.
    pub changes: Vec<Change>,
}

impl Seen {
    /// How many changes are of a kind, such as `reading-stored`.
    #[must_use]
    pub fn count(&self, kind: &str) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }
}

impl TestService {
    /// Starts the service on a store of its own.
    ///
    /// # Errors
    /// [`Trouble`] with what could not be put in place.
    pub fn start(setup: Setup) -> Result<Self, Trouble> {
        let hub = |name, seed| TestHub::new(name, [seed; 32]).doing("make a hub's key");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let mut service = Self {
            hub_a: hub(HUB_A, 0xa)?,
            hub_b: hub(HUB_B, 0xb)?,
            clock: Arc::new(SetClock::at(MORNING)),
            events: Arc::default(),
            setup,
            running: None,
            runtime: runtime.doing("start the runtime")?,
            folder: tempfile::tempdir().doing("make a folder")?,
        };
        service.run()?;
        Ok(service)
    }

    /// Starts it on a store that can be taken down.
    ///
    /// # Errors
    /// As [`TestService::start`].
    pub fn with_faulty_store() -> Result<(Self, Arc<FaultyStore>), Trouble> {
        let faulty = Arc::<FaultyStore>::default();
        Ok((Self::start(Setup { store: put_before(faulty.clone()), ..Setup::default() })?, faulty))
    }

    /// Stops the service in order.
    ///
    /// # Errors
    /// [`Trouble`] where it did not stop in its time.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        let Some(running) = self.running.take() else { return Ok(()) };
        if self.runtime.block_on(running.service.stop()) {
            Ok(())
        } else {
            Err(Trouble::new("stop the service", "it did not stop in time"))
        }
    }

    /// Starts the service again on the same store.
    ///
    /// # Errors
    /// [`Trouble`] with what could not be put in place.
    pub fn restart(&mut self) -> Result<(), Trouble> {
        self.stop()?;
        self.run()
    }

    fn run(&mut self) -> Result<(), Trouble> {
        let mut channels: BTreeMap<Channel, Arc<dyn Deliver>> = BTreeMap::new();
        channels.insert(Channel::Console, Arc::new(Console));
        if let Some(address) = &self.setup.webhook {
            let address = WebhookAddress::parse(address).doing("read the webhook's address")?;
            channels.insert(Channel::Webhook, Arc::new(Webhook { address, network: Arc::new(TcpNetwork) }));
        }
        let disk = Arc::new(ingest::disk::Folder::new(self.folder.path()));
        let store = EmbeddedStore::open(disk, StoreKeys { chain: [0xc; 32] }).doing("open the store")?;
        let store = (self.setup.store)(Arc::new(store));
        let packs = vec![rules::pack::demo_pack().doing("read the demo's protocol")?];
        let plan = ByPlan::for_demo(packs, channels.keys().copied().collect()).doing("activate the demo's protocol")?;
        let parts = Parts {
            clock: self.clock.clone(),
            events: self.events.clone(),
            decide: (self.setup.decide)(Arc::new(plan)),
            people: cast::people()?,
            sign_in: StaffSignIn::Seeded(self.sign_in()?),
            channels,
            ..bare(store.clone(), self.hubs()?)?
        };
        let service = self.runtime.block_on(Service::start(parts)).doing("start the service")?;
        self.running = Some(Running { service, store });
        Ok(())
    }

    fn hubs(&self) -> Result<BTreeMap<HubId, HubEntry>, Trouble> {
        let mut hubs = BTreeMap::new();
        for (hub, (name, people)) in [&self.hub_a, &self.hub_b].into_iter().zip(ON_HUBS) {
            let mut entry = cast::entry(hub, people)?;
            if self.setup.has_wrong_keys {
                let other = TestHub::new(name, [0xf; 32]).doing("make another key")?;
                entry.public_key = cast::entry(&other, people)?.public_key;
            }
            hubs.insert(HubId::parse(name).doing("name a hub")?, entry);
        }
        Ok(hubs)
    }

    fn sign_in(&self) -> Result<Arc<dyn SignIn>, Trouble> {
        if !self.setup.has_staff {
            return Ok(Arc::new(NobodySignsIn));
        }
        Ok(Arc::new(parts::ByHeader { staff: cast::staff()?, usual: MARA }))
    }

    fn running(&self) -> Result<&Running, Trouble> {
        self.running.as_ref().ok_or_else(|| Trouble::new("use the service", "it is stopped"))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Trouble`] where it is stopped.
    pub fn address(&self) -> Result<SocketAddr, Trouble> {
        Ok(self.running()?.service.address())
    }

    /// Sends a request and returns the answer.
    ///
    /// # Errors
    /// Whatever broke the connection.
    pub fn send(&self, call: &Call) -> io::Result<Answer> {
        call.send(self.address().map_err(io::Error::other)?)
    }

    /// The store's database, to be damaged.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.path().join(ingest::disk::DATABASE_FILE)
    }

    /// The store, as the service has it: with its wrapper.
    ///
    /// # Errors
    /// [`Trouble`] where it is stopped.
    pub fn store(&self) -> Result<Arc<dyn Store>, Trouble> {
        Ok(self.running()?.store.clone())
    }

    /// The access of a member of staff.
    ///
    /// # Errors
    /// [`Trouble`] where there is no such person.
    pub fn staff(&self, id: &str) -> Result<Access, Trouble> {
        cast::staff()?.remove(id).ok_or_else(|| Trouble::new("sign in", "no such member of staff"))
    }

    /// Waits for something asynchronous.
    pub fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// What [`MARA`] can see.
    ///
    /// # Errors
    /// [`Trouble`] where the store does not answer.
    pub fn see(&self) -> Result<Seen, Trouble> {
        self.see_as(MARA)
    }

    /// What a member of staff can see; the changes are everybody's.
    ///
    /// # Errors
    /// [`Trouble`] where the store does not answer.
    pub fn see_as(&self, staff: &str) -> Result<Seen, Trouble> {
        let (store, who) = (self.store()?, self.staff(staff)?);
        let looked = self.block_on(async {
            Ok::<_, ingest::store::ReadError>(Seen {
                alerts: store.alerts(&who, ROWS).await?,
                readings: store.readings(&who, ROWS).await?,
                unassigned: store.unassigned(&who, ROWS).await?,
                refusals: store.refusals(&who, ROWS).await?,
                changes: store.changes(&Access::system(Purpose::Follow), Cursor::default(), ROWS).await?.0,
            })
        });
        looked.doing("look at the store")
    }
}

/// Threads and sockets end with the test, in order where that is possible.
impl Drop for TestService {
    fn drop(&mut self) {
        drop(self.stop());
    }
}
