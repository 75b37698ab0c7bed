//! The near side: the real link, in front of a list or of the whole agent, with a guard that looks at the line between
//! "handed over" and "kept".
//!
//! Invariant: a record counts as kept only after the agent said so; whatever the hub sent before that was seen with the
//! smaller count, so that a word that lets a device forget too early cannot hide in a race.

use super::{
    clock::StoryClock,
    line::{Line, Planted},
    socket::Socket,
};
use crate::trouble::{Doing, Trouble};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use device_codecs::{Frame, serial::Protocol};
use hub_agent::{
    Agent, Config, Events, HubEvent, Instruction, Parts, Screen,
    agent::ZONE,
    assign::Bindings,
    clock::WallClock,
    config::{SerialPort, Server},
    disk::Folder,
    link::{
        Heard, Link,
        serial::{SerialLink, SerialParts},
    },
    net::TcpNetwork,
    rng::OsRandomness,
    shutdown::{self, Shutdown, Stop},
    uplink::sign::HubKey,
};
use std::{path::PathBuf, sync::Arc};
use tokio::{sync::watch, task::JoinHandle};
use vitals::{HubId, ReadingId};

/// When every story begins.
const BEGINS: &str = "2026-06-01T12:00:00Z";

/// What came out of the link.
#[derive(Debug, Default, Clone)]
pub struct Came {
    /// Everything heard, in order.
    pub heard: Vec<Heard>,
    /// How many frames were said to be kept.
    pub kept: usize,
    /// What the link said of itself.
    pub events: Vec<HubEvent>,
}

impl Came {
    /// The frames among what was heard.
    #[must_use]
    pub fn frames(&self) -> Vec<&Frame> {
        self.heard.iter().filter_map(frame_of).collect()
    }

    /// The hints among the events.
    #[must_use]
    pub fn hints(&self) -> Vec<&'static str> {
        let hint = |event: &HubEvent| if let HubEvent::SetUpHint { hint, .. } = event { Some(*hint) } else { None };
        self.events.iter().filter_map(hint).collect()
    }

    /// The readings that reached the disk, each as often as it was said to.
    #[must_use]
    pub fn readings(&self) -> Vec<ReadingId> {
        let kept = |event: &HubEvent| {
            if let HubEvent::ReadingKept { reading_id, .. } = event { Some(*reading_id) } else { None }
        };
        self.events.iter().filter_map(kept).collect()
    }

    /// How many readings waited on the disk when the agent stopped.
    #[must_use]
    pub fn waiting(&self) -> Option<u64> {
        let stopped =
            |event: &HubEvent| if let HubEvent::AgentStopped { waiting } = event { Some(*waiting) } else { None };
        self.events.iter().find_map(stopped)
    }

    /// How often an event of this name was said.
    #[must_use]
    pub fn said(&self, name: &str) -> usize {
        self.events.iter().filter(|event| event.name() == name).count()
    }
}

fn frame_of(heard: &Heard) -> Option<&Frame> {
    match heard {
        Heard::Frame(frame) => Some(frame),
        Heard::Connected { .. } | Heard::Disconnected { .. } | Heard::MemoryRead { .. } | Heard::Failed { .. } => None,
    }
}

/// Takes down what comes out.
pub struct Notes(watch::Sender<Came>);

impl Notes {
    /// What came so far.
    #[must_use]
    pub fn came(&self) -> Came {
        self.0.borrow().clone()
    }

    /// How many frames came.
    #[must_use]
    pub fn came_frames(&self) -> usize {
        self.0.borrow().heard.iter().filter_map(frame_of).count()
    }

    /// The bytes of all frames after the first so many.
    #[must_use]
    pub fn records_after(&self, first: usize) -> Vec<Vec<u8>> {
        let came = self.0.borrow();
        let frames = came.heard.iter().filter_map(frame_of).skip(first);
        frames.map(|frame| frame.bytes.as_slice().to_vec()).collect()
    }

    /// How many frames were said to be kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.0.borrow().kept
    }

    /// Returns when this is so of what came.
    pub async fn until(&self, is_so: impl FnMut(&Came) -> bool) {
        // The sender is in our own hands.
        drop(self.0.subscribe().wait_for(is_so).await);
    }
}

impl Events for Notes {
    fn emit(&self, event: &HubEvent) {
        self.0.send_modify(|came| came.events.push(event.clone()));
    }
}

/// The link with its guard.
struct Guarded {
    link: SerialLink,
    socket: Arc<Socket>,
    notes: Arc<Notes>,
}

#[async_trait]
impl Link for Guarded {
    async fn next(&mut self) -> Option<Heard> {
        let heard = self.link.next().await?;
        if let Some(wire) = self.socket.wire() {
            wire.look(self.notes.kept());
        }
        self.notes.0.send_modify(|came| came.heard.push(heard.clone()));
        Some(heard)
    }

    fn kept(&mut self) {
        self.notes.0.send_modify(|came| came.kept += 1);
        self.link.kept();
    }
}

/// The near side at work.
pub struct Near {
    /// Where the device is plugged in.
    pub socket: Arc<Socket>,
    /// The link's clock.
    pub clock: StoryClock,
    /// What goes on in its conversations.
    pub line: Line,
    /// What comes out of it.
    pub notes: Arc<Notes>,
    task: JoinHandle<()>,
    stop: Stop,
}

/// Who takes the frames.
pub enum Keeper {
    /// A list, which keeps everything at once.
    List,
    /// A list that refuses this many frames first, as a full outbox does.
    FullAtFirst(usize),
    /// The whole agent, with its outbox in this folder.
    Agent(PathBuf),
}

impl Near {
    /// Starts the link of a protocol on an empty socket.
    ///
    /// # Errors
    /// [`Trouble`] where the socket, the link or the agent cannot be made.
    pub async fn start(protocol: Protocol, planted: Planted, keeper: Keeper) -> Result<Self, Trouble> {
        let socket = Arc::new(Socket::new()?);
        let begins: DateTime<Utc> = BEGINS.parse().doing("read when the story begins")?;
        let (clock, line) = (StoryClock::at(begins), Line::new());
        let notes = Arc::new(Notes(watch::channel(Came::default()).0));
        let hub = HubId::parse("hub-test").doing("name the hub")?;
        let parts = SerialParts {
            port: SerialPort { port: socket.path(), protocol },
            hub: hub.clone(),
            zone: ZONE,
            clock: Arc::new(clock.clone()),
            events: Arc::<Notes>::clone(&notes),
        };
        let link = SerialLink::start_speaking(parts, line.speak(protocol, planted)).doing("start the link")?;
        let mut guarded = Guarded { link, socket: Arc::clone(&socket), notes: Arc::clone(&notes) };
        let (stop, until) = shutdown::channel();
        let task = match keeper {
            Keeper::List => tokio::spawn(keep(guarded, 0, until)),
            Keeper::FullAtFirst(frames) => tokio::spawn(keep(guarded, frames, until)),
            Keeper::Agent(folder) => {
                let agent = agent(hub, folder, Arc::<Notes>::clone(&notes)).await?;
                // Why it stopped is in its events.
                tokio::spawn(async move { drop(agent.run(&mut guarded, until).await) })
            }
        };
        Ok(Self { socket, clock, line, notes, task, stop })
    }

    /// The moment of the story.
    #[must_use]
    pub fn clock_now(&self) -> DateTime<Utc> {
        hub_agent::clock::Clock::now(&self.clock)
    }

    /// Ends the near side and gives what came out of it.
    ///
    /// # Errors
    /// [`Trouble`] where it did not end well.
    pub async fn end(self) -> Result<Came, Trouble> {
        self.stop.ask();
        self.task.await.doing("end the near side")?;
        Ok(self.notes.came())
    }
}

/// The whole agent, with a service that is not there: what it keeps stays in its outbox.
async fn agent(hub: HubId, data_folder: PathBuf, events: Arc<Notes>) -> Result<Agent, Trouble> {
    let config = Config {
        hub,
        server: Server::parse("http://127.0.0.1:1").doing("name a service that is not there")?,
        service_key: None,
        data_folder,
        key: HubKey::from_seed([7; 32]).doing("make a key")?,
        bindings: Bindings::new([]).doing("bind nobody")?,
        bluetooth: None,
        serial: Vec::new(),
    };
    let parts = Parts {
        clock: Arc::new(WallClock),
        randomness: Arc::new(OsRandomness),
        disk: Arc::new(Folder::open(&config.data_folder).doing("make the hub's folder")?),
        network: Arc::new(TcpNetwork),
        events,
        screen: Arc::new(NoScreen),
    };
    Agent::new(parts, &config).await.doing("start the agent")
}

/// Nobody reads here.
struct NoScreen;

impl Screen for NoScreen {
    fn show(&self, _instruction: &Instruction) {}
}

/// Takes what the link hears until it is told to stop; the first so many frames are not kept.
async fn keep(mut link: Guarded, refused: usize, mut until: Shutdown) {
    let mut refused = refused;
    loop {
        let heard = tokio::select! {
            biased;
            () = until.asked() => return,
            heard = link.next() => heard,
        };
        let Some(heard) = heard else { return };
        if frame_of(&heard).is_none() {
            continue;
        }
        match refused.checked_sub(1) {
            Some(left) => refused = left,
            None => link.kept(),
        }
    }
}
