//! The service, put together from its parts, started, and stopped in order within a time.
//!
//! Invariant: stopping goes from the outside in: no new requests, then no new work, then the store is closed last.

use crate::{
    access::{Access, Directory, HubRegistry, Purpose, Sessions, SignIn},
    clock::Clock,
    events::{Events, ServiceEvent},
    heartbeat::{Beats, Pulse},
    http::{
        self, Accounts, Announced, Enrolment, HubsHeard, Lists, NoAccounts, Pace, PageSettings, ReplayWindows, Room,
        Shared, guard::Door,
    },
    metrics::{Counted, Metrics},
    notify::{Deliver, Notifier},
    rng::{NoRandomness, Randomness},
    rounds::Rounds,
    scrub::Scrub,
    server_key::ServerKey,
    store::{ApplyError, Audited, Decide, ReadError, RegisterPlace, Slice, Store, Subject},
    sweep::Sweep,
    tls::{HANDSHAKE_WITHIN, HANDSHAKES_MAX, Renewal, Tls, TlsError},
};
use actix_web::{App, HttpServer, dev::ServerHandle, web};
use register::{Hub, Item};
use rules::{Channel, Event, Person};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};

/// Threads that serve requests: as many as the smallest machine has cores.
const WORKERS: usize = 2;

/// Most connections at once on each worker; a hub needs one.
const CONNECTIONS_MAX: usize = 10_000;

/// Longest a request's head may take to arrive.
const HEAD_ARRIVES_WITHIN: Duration = Duration::from_secs(5);

/// Longest a request under way may take once the service stops.
const REQUESTS_END_WITHIN_SECS: u64 = 1;

/// Longest all of stopping may take.
pub const STOPS_WITHIN: Duration = Duration::from_secs(4);

/// Everything the service is made of. Clock, randomness, disk (inside the store) and network (inside the channels and
/// the listener) are injected.
pub struct Parts {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where keys come from.
    pub rng: Arc<dyn Randomness>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Where the truth is kept.
    pub store: Arc<dyn Store>,
    /// The key the service signs with.
    pub server_key: ServerKey,
    /// What judges.
    pub decide: Arc<dyn Decide>,
    /// The hubs we know.
    pub hubs: HubRegistry,
    /// The people we know.
    pub people: Vec<Person>,
    /// How staff sign in.
    pub sign_in: StaffSignIn,
    /// What the pages say.
    pub pages: PageSettings,
    /// What lists are taken in with; none where there is no folder for them.
    pub lists: Option<Arc<Lists>>,
    /// The ways to tell staff.
    pub channels: BTreeMap<Channel, Arc<dyn Deliver>>,
    /// Where to listen: bound already.
    pub listener: TcpListener,
}

/// How staff sign in.
#[derive(Clone)]
pub enum StaffSignIn {
    /// With accounts of this service.
    Accounts,
    /// As somebody else says: the demo and the tests.
    Seeded(Arc<dyn SignIn>),
}

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// It cannot listen.
    #[error("listen for requests")]
    Listen(#[source] io::Error),
    /// It has no certificate to show.
    #[error("listen for requests over TLS")]
    Tls(#[from] TlsError),
    /// There is no randomness for its keys.
    #[error("make the key of the forms")]
    Key(#[from] NoRandomness),
    /// The people of the settings could not be put in place.
    #[error("register a person")]
    People(#[from] ApplyError),
    /// The hubs of the settings could not be put in place.
    #[error("register a hub")]
    Hubs(#[source] ApplyError),
    /// The register could not be read.
    #[error("read the register")]
    Register(#[from] ReadError),
    /// Nobody could sign in.
    #[error("open the accounts of staff")]
    Accounts(#[from] NoAccounts),
}

/// A service that runs.
pub struct Service {
    address: SocketAddr,
    server: ServerHandle,
    stop_waiting: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    tasks: Vec<(&'static str, JoinHandle<()>)>,
    store_halts: JoinHandle<()>,
    store: Arc<dyn Store>,
    events: Arc<dyn Events>,
}

impl Service {
    /// Starts the service without TLS of its own: for this machine, or for a proxy on it.
    ///
    /// # Errors
    /// [`StartError`] where it cannot listen, has no key, or cannot put its people and hubs in place.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        Self::start_over(parts, None).await
    }

    /// Starts the service, over TLS of its own where it has some.
    ///
    /// # Errors
    /// [`StartError`] where it cannot listen, has no key, or cannot put its people and hubs in place.
    pub async fn start_over(parts: Parts, tls: Option<Arc<Tls>>) -> Result<Self, StartError> {
        let (Wired { shared, pulse, channels, server_key, stop_waiting }, listener) = wire(parts, tls.clone()).await?;
        let Shared { store, decide, clock, events, wake_notifier, wake_rounds, .. } = &**shared;
        let (store, decide, clock, events) = (store.clone(), decide.clone(), clock.clone(), events.clone());
        let (wake_notifier, wake_rounds) = (wake_notifier.clone(), wake_rounds.clone());
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let (stop, stopped) = watch::channel(false);
        // The first before the first request, so that every hello has one to take along.
        pulse.beat(0).await;
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).configure(http::configure))
            .workers(WORKERS)
            .max_connections(CONNECTIONS_MAX)
            .client_request_timeout(HEAD_ARRIVES_WITHIN)
            .shutdown_timeout(REQUESTS_END_WITHIN_SECS)
            .tls_handshake_timeout(HANDSHAKE_WITHIN)
            .max_connection_rate(HANDSHAKES_MAX)
            .disable_signals();
        let server = match &tls {
            None => server.listen(listener),
            Some(tls) => server.listen_rustls_0_23(listener, tls.server_config()?),
        };
        let server = server.map_err(StartError::Listen)?.run();
        let handle = server.handle();
        let shared_clock = clock.clone();
        let sweep = Sweep {
            store: store.clone(),
            decide: decide.clone(),
            clock: clock.clone(),
            events: events.clone(),
            wake_notifier: wake_notifier.clone(),
        };
        let rounds = Rounds {
            store: store.clone(),
            decide: decide.clone(),
            clock: clock.clone(),
            events: events.clone(),
            wake_notifier: wake_notifier.clone(),
            wake: wake_rounds,
        };
        let scrub =
            Scrub { store: store.clone(), clock: clock.clone(), events: events.clone(), key: server_key.clone() };
        let notifier = Arc::new(Notifier {
            store: store.clone(),
            decide,
            clock,
            events: events.clone(),
            channels,
            wake: wake_notifier,
        });
        let (for_sweep, for_rounds, for_scrub) = (stopped.clone(), stopped.clone(), stopped.clone());
        let (for_notifier, for_pulse, for_tls) = (stopped.clone(), stopped.clone(), stopped);
        let renewal = Renewal { tls, clock: shared_clock, events: events.clone() };
        let tasks = vec![
            (
                "server",
                tokio::spawn(async move {
                    server.await.unwrap_or_else(|error| tracing::error!(error = %error, "The server ended."))
                }),
            ),
            ("sweep", tokio::spawn(async move { sweep.run(for_sweep).await })),
            ("rounds", tokio::spawn(async move { rounds.run(for_rounds).await })),
            ("scrub", tokio::spawn(async move { scrub.run(for_scrub).await })),
            ("notifier", tokio::spawn(async move { notifier.run(for_notifier).await })),
            ("heartbeat", tokio::spawn(async move { pulse.run(for_pulse).await })),
            ("certificate", tokio::spawn(async move { renewal.run(for_tls).await })),
        ];
        let (watched, witness) = (store.clone(), events.clone());
        let store_halts = tokio::spawn(async move {
            watched.halted().await;
            witness.emit(&ServiceEvent::StoreFailed);
        });
        events.emit(&ServiceEvent::Started { address });
        Ok(Self { address, server: handle, stop_waiting, stop, tasks, store_halts, store, events })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a part has ended, or the store has halted, although nobody stopped it: then the process must end too,
    /// loudly.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.store_halts.is_finished() || self.tasks.iter().any(|(_, task)| task.is_finished())
    }

    /// Stops in order: requests, background tasks, store. True where all of it ended within [`STOPS_WITHIN`].
    pub async fn stop(self) -> bool {
        let Self { server, stop_waiting, stop, tasks, store_halts, store, events, .. } = self;
        store_halts.abort();
        let in_order = async {
            // Hellos that wait for news are answered now, so that the server's own time is enough for them.
            stop_waiting.send_replace(true);
            server.stop(true).await;
            stop.send_replace(true);
            for (name, task) in tasks {
                if let Err(error) = task.await {
                    tracing::error!(task = name, error = %error, "The {name} task had failed.");
                }
            }
            store.close().await;
        };
        let in_time = tokio::time::timeout(STOPS_WITHIN, in_order).await.is_ok();
        events.emit(&ServiceEvent::Stopped { in_time });
        in_time
    }
}

/// The service as its requests have it, before it listens.
struct Wired {
    shared: web::Data<Shared>,
    pulse: Pulse,
    channels: BTreeMap<Channel, Arc<dyn Deliver>>,
    server_key: ServerKey,
    stop_waiting: watch::Sender<bool>,
}

/// What every request needs, for a service that is asked within this process and never listens; [`http::configure`] mounts
/// its routes.
///
/// # Errors
/// As [`Service::start`].
pub async fn in_process(parts: Parts) -> Result<web::Data<Shared>, StartError> {
    wire(parts, None).await.map(|(wired, _listener)| wired.shared)
}

/// Puts the parts together: the register is known, and access follows it, before anybody can ask.
async fn wire(parts: Parts, tls: Option<Arc<Tls>>) -> Result<(Wired, TcpListener), StartError> {
    let Parts {
        clock,
        rng,
        events,
        store,
        server_key,
        decide,
        hubs,
        people,
        sign_in,
        pages,
        lists,
        channels,
        listener,
    } = parts;
    let metrics = Arc::new(Metrics::default());
    let events: Arc<dyn Events> = Arc::new(Counted::new(events, metrics.clone()));
    let directory = Arc::new(Directory::with_hubs(hubs));
    let sessions = Arc::<Sessions>::default();
    let store: Arc<dyn Store> =
        Arc::new(Audited::new(store, decide.clone(), clock.clone(), directory.clone(), sessions.clone()));
    learn(store.as_ref(), decide.as_ref(), &directory).await?;
    register(store.as_ref(), &decide, &directory, people, clock.as_ref()).await?;
    register_hubs(store.as_ref(), &decide, &directory, clock.as_ref()).await?;
    let (accounts, sign_in) = match sign_in {
        StaffSignIn::Accounts => {
            let accounts = Accounts::new(sessions, rng.as_ref()).await?;
            let sign_in: Arc<dyn SignIn> = Arc::new(accounts.sign_in(directory.clone()));
            (Some(accounts), sign_in)
        }
        StaffSignIn::Seeded(sign_in) => (None, sign_in),
    };
    let mut form_key = [0; 32];
    rng.fill(&mut form_key)?;
    let (windows, heard, beats) =
        (Arc::<ReplayWindows>::default(), Arc::<HubsHeard>::default(), Arc::new(Beats::new(None)));
    let (stop_waiting, stops) = watch::channel(false);
    let pulse = Pulse {
        store: store.clone(),
        decide: decide.clone(),
        clock: clock.clone(),
        events: events.clone(),
        key: server_key.clone(),
        windows: windows.clone(),
        heard: heard.clone(),
        beats: beats.clone(),
    };
    let shared = web::Data::new(Shared {
        store,
        decide,
        clock,
        events,
        hubs: directory.hubs().clone(),
        enrolment: Enrolment::new(&server_key, tls.clone()),
        announced: Announced { key: server_key.clone(), tls },
        windows,
        heard,
        beats,
        room: Room::default(),
        pace: Pace::default(),
        metrics,
        waiting_hellos: AtomicUsize::new(0),
        stops,
        directory,
        door: Door::new(sign_in),
        accounts,
        rng,
        pages,
        lists,
        form_key,
        wake_notifier: Arc::new(Notify::new()),
        wake_rounds: Arc::new(Notify::new()),
    });
    Ok((Wired { shared, pulse, channels, server_key, stop_waiting }, listener))
}

/// How many things of the register are learned at a time.
const LEARNED_AT_ONCE: usize = 1_000;

/// Learns the whole register, so that access is right at the first request.
async fn learn(store: &dyn Store, decide: &dyn Decide, directory: &Directory) -> Result<(), StartError> {
    let mut after = RegisterPlace::default();
    loop {
        let (kept, place) = store.register(&Access::system(Purpose::Directory), after, LEARNED_AT_ONCE).await?;
        directory.learn(kept.iter().map(|kept| &kept.item));
        for item in kept.iter().map(|kept| &kept.item) {
            // Written under other protocols than are here now. Readings of whom it is about stay unjudged where it cannot be
            // used, and each says so to staff; this says it before the first.
            if let Err(refused) = decide.may_stand(item) {
                let which = item.reference();
                tracing::error!(item.kind = which.kind().name(), item.key = which.key(), refused = %refused, "The {} {} does not fit the protocols that are here: {refused}.", which.kind().name(), which.key());
            }
        }
        if kept.len() < LEARNED_AT_ONCE {
            return Ok(());
        }
        after = place;
    }
}

/// Writes the hubs of the settings into the register, as far as it does not have them.
async fn register_hubs(
    store: &dyn Store,
    decide: &Arc<dyn Decide>,
    directory: &Directory,
    clock: &dyn Clock,
) -> Result<(), StartError> {
    let hubs = directory.hubs().to_write(&directory.relations());
    let slice = |hub: Hub| Slice { subject: Subject::Service, events: vec![Event::written(hub)] };
    let write = async |slices| store.apply(&Access::system(Purpose::SetUp), slices, decide.clone(), clock.now()).await;
    let answers = write(hubs.iter().cloned().map(slice).collect()).await;
    for (hub, answer) in hubs.into_iter().zip(answers) {
        match answer {
            Ok(_committed) => {}
            Err(ApplyError::Ended) => {
                tracing::warn!(hub.id = %hub.id, "The settings have somebody on a hub whose record has ended: it is written without people. Take them out of the settings.");
                for answer in write(vec![slice(Hub { patients: BTreeSet::new(), ..hub })]).await {
                    drop(answer.map_err(StartError::Hubs)?);
                }
            }
            Err(error) => return Err(StartError::Hubs(error)),
        }
    }
    Ok(())
}

/// Writes the people of the settings into the register, as far as it does not have them: what it has of somebody, such as that
/// they have died, is not taken back by a file that was written when they came.
async fn register(
    store: &dyn Store,
    decide: &Arc<dyn Decide>,
    directory: &Directory,
    people: Vec<Person>,
    clock: &dyn Clock,
) -> Result<(), ApplyError> {
    let new: Vec<Person> = {
        let relations = directory.relations();
        people.into_iter().filter(|person| !relations.has_person(&person.id)).collect()
    };
    let slices = new.iter().map(|person| Slice {
        subject: Subject::Patient(person.id.clone()),
        events: vec![Event::written(person.clone())],
    });
    let answers = store.apply(&Access::system(Purpose::SetUp), slices.collect(), decide.clone(), clock.now()).await;
    let mut registered = Vec::with_capacity(new.len());
    for (person, answer) in new.into_iter().zip(answers) {
        match answer {
            Ok(_committed) => registered.push(person),
            // Who was erased does not come back because a file of settings still has them.
            Err(ApplyError::Ended) => tracing::warn!(
                "The settings name a person whose record was erased or disposed of: take them out of the settings, too."
            ),
            Err(error) => return Err(error),
        }
    }
    let new = registered;
    directory.learn(&new.into_iter().map(Item::from).collect::<Vec<_>>());
    Ok(())
}
