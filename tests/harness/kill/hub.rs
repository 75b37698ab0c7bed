//! The hub of a kill: the real agent with its outbox on disk, its replay and its signatures, and the history it gives.

use super::line::{Line, Wire};
use crate::{
    footprint::{Footprint, Pressure, replay},
    history::History,
    trouble::{Doing, Trouble},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hub_agent::{
    Agent, Events, HubEvent, Instruction, Parts, Screen,
    clock::{Clock, WallClock},
    disk::Folder,
    link::{Heard, Link, ReplayLink},
    rng::OsRandomness,
    shutdown,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};
use vitals::{ReadingId, wire::signing::RequestNumber};

/// How many more frames are heard while the service is away than are unsettled while it is there.
const MORE_WHILE_AWAY: usize = 6;

/// The one hub of a history.
const PROCESS: u32 = 0;

/// Longest wait before the hub tries again while the service is there: backoff has its own tests.
const RETRY_WITHIN: Duration = Duration::from_millis(50);

/// A wait this long is no wait before another try but the rest between two hellos, and stays as long.
const REST_MIN: Duration = Duration::from_secs(15);

/// What the hub said and showed.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What was sent and what came of it.
    pub history: History,
    /// Every reading kept, in the order of hearing.
    pub heard: Vec<ReadingId>,
    /// Every request with its readings, in the order of sending.
    pub requests: Vec<(RequestNumber, Vec<ReadingId>)>,
    /// Every instruction that was shown.
    pub shown: Vec<Instruction>,
    open: BTreeMap<RequestNumber, Vec<ReadingId>>,
}

/// Takes the hub's events and turns them into a history; arms the kill at its acknowledgement.
pub struct Recorder {
    told: Mutex<Told>,
    unsettled: watch::Sender<usize>,
    line: Arc<Line>,
    arm_after: usize,
}

impl Recorder {
    /// Everything so far.
    #[must_use]
    pub fn told(&self) -> Told {
        self.lock().clone()
    }

    /// Whether no request is under way.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.lock().open.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn take(&mut self, event: &HubEvent) {
        if let HubEvent::ReadingKept { reading_id, .. } = event {
            self.heard.push(*reading_id);
        }
        if let HubEvent::BatchSent { number, reading_ids, .. } = event {
            reading_ids.iter().for_each(|id| self.history.invoke(PROCESS, *id));
            self.open.insert(*number, reading_ids.clone());
            self.requests.push((*number, reading_ids.clone()));
        }
        if let HubEvent::ReadingSettled { reading_id, outcome, .. } = event {
            self.history.ok(PROCESS, *reading_id, Some(*outcome));
            self.open.values_mut().for_each(|ids| ids.retain(|id| id != reading_id));
            self.open.retain(|_, ids| !ids.is_empty());
        }
        // No connection: it certainly did not happen. Anything else on the line: nobody can tell.
        if let HubEvent::LinkDown { number, why } = event {
            self.end(*number, *why == "connect");
        }
        if let HubEvent::BatchRefused { number, status, .. } = event {
            self.end(*number, (400..500).contains(status));
        }
    }

    fn end(&mut self, number: RequestNumber, certainly_not: bool) {
        for id in self.open.remove(&number).unwrap_or_default() {
            if certainly_not {
                self.history.fail(PROCESS, id);
            } else {
                self.history.unknown(PROCESS, id);
            }
        }
    }
}

impl Events for Recorder {
    fn emit(&self, event: &HubEvent) {
        let acknowledged = {
            let mut told = self.lock();
            told.take(event);
            told.history.acknowledgements()
        };
        if matches!(event, HubEvent::ReadingKept { .. }) {
            self.unsettled.send_modify(|unsettled| *unsettled += 1);
        }
        if matches!(event, HubEvent::ReadingSettled { .. }) {
            self.unsettled.send_modify(|unsettled| *unsettled = unsettled.saturating_sub(1));
            if acknowledged >= self.arm_after {
                self.line.arm();
            }
        }
    }
}

impl Screen for Recorder {
    fn show(&self, instruction: &Instruction) {
        self.lock().shown.push(instruction.clone());
    }
}

/// The machine's clock; a wait before another try ends when the service is back.
struct Waker(watch::Receiver<Option<SocketAddr>>);

#[async_trait]
impl Clock for Waker {
    fn now(&self) -> DateTime<Utc> {
        WallClock.now()
    }

    async fn sleep(&self, how_long: Duration) {
        let mut address = self.0.clone();
        let is_there = address.borrow().is_some();
        if is_there {
            let is_rest = how_long >= REST_MIN;
            return tokio::time::sleep(if is_rest { how_long } else { how_long.min(RETRY_WITHIN) }).await;
        }
        tokio::select! {
            () = tokio::time::sleep(how_long) => {}
            _there_or_gone = address.wait_for(Option::is_some) => {}
        }
    }
}

/// A replay that never runs far ahead of the acknowledgements, as people measure more slowly than a line carries.
struct Paced {
    link: ReplayLink,
    unsettled: watch::Receiver<usize>,
    address: watch::Receiver<Option<SocketAddr>>,
    ahead: usize,
}

#[async_trait]
impl Link for Paced {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            let is_there = self.address.borrow_and_update().is_some();
            let room = if is_there { self.ahead } else { self.ahead + MORE_WHILE_AWAY };
            if *self.unsettled.borrow_and_update() < room {
                return self.link.next().await;
            }
            tokio::select! {
                _changed_or_gone = self.unsettled.changed() => {}
                _changed_or_gone = self.address.changed() => {}
            }
        }
    }
}

/// A hub at work.
pub struct Hub {
    /// What it says.
    pub recorder: Arc<Recorder>,
    /// Until it was waited for.
    task: Option<JoinHandle<Result<(), Trouble>>>,
    has_ended: watch::Receiver<bool>,
}

impl Hub {
    /// Starts the hub of a footprint on a line: it plays the pressures, at most `ahead` unsettled at a time, and arms the
    /// kill after `arm_after` acknowledgements.
    ///
    /// # Errors
    /// [`Trouble`] where the agent does not start.
    pub async fn start(
        footprint: &Footprint,
        line: &Arc<Line>,
        pressures: &[Pressure],
        ahead: usize,
        arm_after: usize,
    ) -> Result<Self, Trouble> {
        let (told, unsettled) = (Mutex::default(), watch::channel(0).0);
        let waits = unsettled.subscribe();
        let recorder = Arc::new(Recorder { told, unsettled, line: Arc::clone(line), arm_after });
        // The line knows where the service is, before and after a restart; the address is only for show.
        let config = footprint.hub_config("http://127.0.0.1:1")?;
        let clock = Arc::new(Waker(line.address()));
        let link = ReplayLink::at_once(replay(pressures, clock.now())?);
        let mut link = Paced { link, unsettled: waits, address: line.address(), ahead };
        let parts = Parts {
            clock,
            randomness: Arc::new(OsRandomness),
            disk: Arc::new(Folder::open(&config.data_folder).doing("make the hub's folder")?),
            network: Arc::new(Wire(Arc::clone(line))),
            events: Arc::<Recorder>::clone(&recorder),
            screen: Arc::<Recorder>::clone(&recorder),
        };
        let agent = Agent::new(parts, &config).await.doing("start the hub")?;
        let (ended, has_ended) = watch::channel(false);
        let task = tokio::spawn(async move {
            let (_never, until) = shutdown::channel();
            let ran = agent.run(&mut link, until).await.doing("run the hub");
            ended.send_replace(true);
            ran
        });
        Ok(Self { recorder, task: Some(task), has_ended })
    }

    /// Returns once it has sent everything, or has failed.
    pub async fn done(&self) {
        // Where the sender is gone, the task is as well.
        drop(self.has_ended.clone().wait_for(|has_ended| *has_ended).await);
    }

    /// Returns when everything is heard, sent and acknowledged, and its connections are closed; at once, when asked again.
    ///
    /// # Errors
    /// [`Trouble`] where the hub fails or takes longer than this.
    pub async fn ended(&mut self, limit: Duration) -> Result<(), Trouble> {
        let Some(task) = &mut self.task else { return Ok(()) };
        let ended = tokio::time::timeout(limit, task).await.doing("wait for the hub to send everything")?;
        self.task = None;
        ended.doing("run the hub")?
    }
}
