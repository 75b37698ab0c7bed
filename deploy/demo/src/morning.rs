//! The morning: the real service and the real hub, put together, and the story played to them step by step.
//!
//! A frame takes the path it takes in a home: heard, decoded, admitted, kept, signed, sent over a socket, verified,
//! decided and committed; then the receipt comes back and the person sees what to do.

use crate::{
    account::{Account, HubScreen},
    clock::DemoClock,
    event_log::EventLog,
    people::{BANNER, Cast, PeopleError, SERVICE_HOURS, cast},
    seed::{self, Seeded},
    sink::Sink,
};
use hub_agent::{
    Agent, Config, Replay,
    agent::AgentError,
    config::{Server, ServiceKey},
    link::{
        Heard,
        replay::{ReplayError, Step},
    },
    outbox::OutboxError,
    uplink::{
        SendError,
        sign::{HubKey, SignError},
    },
};
use ingest::{
    access::{HubEntry, HubRegistry},
    decide::{ByPlan, PackRefused},
    http::PageSettings,
    notify::{Console, Deliver},
    server_key::ServerKey,
    service::{Service, StartError},
    store::embedded::{EmbeddedStore, OpenError, StoreKeys},
};
use rules::{Channel, pack::DemoPackError};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use thiserror::Error;

/// The story.
const STORY: &str = include_str!("../story/morning.jsonl");

/// How long staff may take to be told before the demo calls it a failure.
const TOLD_WITHIN: Duration = Duration::from_secs(10);

/// What the demo was asked for.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Decides keys, ids and the day.
    pub seed: u64,
    /// Where to write the event file.
    pub events: Option<&'a Path>,
    /// Where to listen: this machine only.
    pub listen: SocketAddr,
}

/// Why the demo could not run.
#[derive(Debug, Error)]
pub enum DemoError {
    /// It was asked to listen to other machines.
    #[error("listen on {0}: the demo signs everybody in, so it listens on this machine only; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The address is taken, or may not be used.
    #[error("listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// There is no room for its temporary store.
    #[error("make a temporary folder")]
    Folder(#[source] io::Error),
    /// The event file.
    #[error("write the event file")]
    Events(#[source] io::Error),
    /// The people.
    #[error(transparent)]
    People(#[from] PeopleError),
    /// The story.
    #[error(transparent)]
    Story(#[from] ReplayError),
    /// The protocol.
    #[error(transparent)]
    Pack(#[from] DemoPackError),
    /// The protocol fails its own tests.
    #[error(transparent)]
    PackRefused(#[from] PackRefused),
    /// The store.
    #[error("open the store")]
    Store(#[from] OpenError),
    /// The service.
    #[error("start the service")]
    Service(#[from] StartError),
    /// The hub's key.
    #[error("make the hub's key")]
    Key(#[from] SignError),
    /// The service's key.
    #[error("pin the service's key")]
    ServiceKey(#[from] hub_agent::config::NotAServiceKey),
    /// The hub's address book.
    #[error("tell the hub where the service is")]
    Server(#[from] hub_agent::config::NotAServer),
    /// The hub.
    #[error("start the hub")]
    Hub(#[from] AgentError),
    /// The hub could not keep a reading.
    #[error("keep a reading")]
    Keep(#[from] OutboxError),
    /// The hub could not send.
    #[error("send readings")]
    Send(#[from] SendError),
    /// Nobody was told of a raised alert in time.
    #[error("tell staff of an alert within {} seconds", TOLD_WITHIN.as_secs())]
    NotTold,
}

/// A demo that runs.
pub struct Morning {
    service: Service,
    agent: Agent,
    clock: Arc<DemoClock>,
    sink: Arc<Sink>,
    // Last, so that the folder outlives everything that writes to it.
    _folder: TempDir,
}

impl Morning {
    /// Starts service and hub; nothing has happened yet. What people are told goes to `screen`.
    ///
    /// # Errors
    /// [`DemoError`] with what could not be put in place.
    pub async fn start(wanted: &Wanted<'_>, screen: Arc<HubScreen>) -> Result<Self, DemoError> {
        if !wanted.listen.ip().is_loopback() {
            return Err(DemoError::NotLoopback(wanted.listen));
        }
        let listener = TcpListener::bind(wanted.listen).map_err(|error| DemoError::Listen(wanted.listen, error))?;
        let clock = Arc::new(DemoClock::new(seed::start(wanted.seed)));
        let log = EventLog::new(wanted.events, clock.clone()).map_err(DemoError::Events)?;
        let sink = Arc::new(Sink::new(log));
        let folder = tempfile::Builder::new().prefix("derwent-demo-").tempdir().map_err(DemoError::Folder)?;
        let Cast { people, bindings, hub, case_manager } = cast()?;
        let key = HubKey::from_seed(Seeded::new(wanted.seed, "hub key").key())?;

        let keys = StoreKeys { chain: Seeded::new(wanted.seed, "chain key").key() };
        let store = Arc::new(EmbeddedStore::open(Arc::new(ingest::disk::Folder::new(folder.path())), keys)?);
        let server_key = ServerKey::from_seed(&Seeded::new(wanted.seed, "server key").key());
        let service_key = Some(ServiceKey::from_bytes(server_key.public())?);
        let entry = HubEntry {
            public_key: key.public_key()?,
            patients: people.iter().map(|person| person.id.clone()).collect(),
        };
        let console: Arc<dyn Deliver> = Arc::new(Console);
        let channels = BTreeMap::from([(Channel::Console, console)]);
        let service = Service::start(ingest::service::Parts {
            clock: clock.clone(),
            rng: Arc::new(ingest::rng::OsRandomness),
            events: sink.clone(),
            store,
            server_key,
            decide: Arc::new(ByPlan::for_demo(vec![rules::pack::demo_pack()?], channels.keys().copied().collect())?),
            hubs: HubRegistry::new([(hub.clone(), entry)].into()),
            people,
            sign_in: ingest::service::StaffSignIn::Seeded(Arc::new(case_manager)),
            pages: PageSettings {
                service_name: "Demo remote readings".to_owned(),
                banner: Some(BANNER.to_owned()),
                service_hours: SERVICE_HOURS.to_owned(),
                is_loopback_only: true,
            },
            lists: None,
            channels,
            listener,
        })
        .await?;

        let data_folder = folder.path().join("hub");
        let parts = hub_agent::Parts {
            clock: clock.clone(),
            randomness: Arc::new(Seeded::new(wanted.seed, "hub")),
            disk: Arc::new(hub_agent::disk::Folder::open(&data_folder).map_err(OutboxError::from)?),
            network: Arc::new(hub_agent::net::TcpNetwork),
            events: sink.clone(),
            screen,
        };
        let server = Server::parse(&format!("http://{}", service.address()))?;
        let config =
            Config { hub, server, service_key, data_folder, key, bindings, bluetooth: None, serial: Vec::new() };
        let agent = Agent::new(parts, &config).await?;
        agent.say_hello().await?;
        Ok(Self { service, agent, clock, sink, _folder: folder })
    }

    /// Where the worklist is.
    #[must_use]
    pub fn page(&self) -> String {
        format!("http://{}/", self.service.address())
    }

    /// Plays the story and tells it, resting for `pace` after each step so that a person can follow.
    ///
    /// # Errors
    /// [`DemoError`] where a reading could not go its way.
    pub async fn play(&self, pace: Duration, account: &Account) -> Result<(), DemoError> {
        let replay = Replay::read(STORY, self.clock.read())?;
        self.sink.end_step();
        for Step { at, heard } in replay {
            self.clock.set(at);
            let is_told = match heard {
                Heard::Connected { device, .. } => {
                    account.connected(at, &device);
                    true
                }
                // A replay reads no memory and never fails.
                Heard::Disconnected { .. } | Heard::MemoryRead { .. } | Heard::Failed { .. } => false,
                Heard::Frame(frame) => {
                    account.kept(&self.agent.hear(frame).await?);
                    self.agent.send_waiting().await?;
                    tokio::time::timeout(TOLD_WITHIN, self.sink.all_told())
                        .await
                        .map_err(|_elapsed| DemoError::NotTold)?;
                    true
                }
            };
            for told in self.sink.end_step() {
                account.tell(&told);
            }
            if is_told {
                tokio::time::sleep(pace).await;
            }
        }
        self.sink.note("replay_ended");
        self.sink.tell_as_it_comes();
        self.clock.tick();
        Ok(())
    }

    /// Keeps the hub in touch with the service, for as long as somebody watches.
    ///
    /// # Errors
    /// [`DemoError`] where the hub cannot go on.
    pub async fn keep_in_touch(&self) -> Result<Infallible, DemoError> {
        Ok(self.agent.keep_in_touch().await?)
    }

    /// Whether a part has ended although nobody stopped it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.service.has_failed()
    }

    /// Stops in order: the hub first, then the service. True where all of it ended in time.
    pub async fn stop(self) -> bool {
        self.agent.close().await;
        self.service.stop().await
    }
}
