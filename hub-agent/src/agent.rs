//! The agent: what hears devices, keeps readings and sends them, put together from its injected parts.
//!
//! Invariant: [`Agent::hear`] is the one path of a reading: decode, assign, admit, keep. Nothing else makes one.

use crate::{
    admit::{HubContext, admit},
    assign::Bindings,
    clock::Clock,
    config::Config,
    disk::Disk,
    events::{Events, HubEvent},
    link::{Heard, Link, Memory},
    listening::Listening,
    net::Network,
    outbox::{Counts, Keeping, Outbox, OutboxError},
    prompt::Screen,
    rng::{NoRandomness, Randomness},
    shutdown::{self, Phase, Shutdown},
    uplink::{NotReady, SendError, Sent, Uplink, UplinkParts, hello::Connection},
};
use device_codecs::{Frame, decode};
use std::{collections::BTreeSet, convert::Infallible, fmt, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::watch;
use vitals::{Value, Who};

/// How long a request under way may take once a stop was asked for. Its readings are safe either way: they are sent
/// again, and the service knows them.
pub const STOP_WITHIN: Duration = Duration::from_secs(3);

/// The zone in which devices' clocks are set. One footprint, one zone.
pub const ZONE: chrono_tz::Tz = chrono_tz::Europe::London;

/// Everything the agent is given instead of taking it: a simulation passes its own.
#[derive(Clone)]
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub randomness: Arc<dyn Randomness>,
    /// Where the outbox lies.
    pub disk: Arc<dyn Disk>,
    /// Connections.
    pub network: Arc<dyn Network>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// Where people see their instructions.
    pub screen: Arc<dyn Screen>,
}

/// Why the agent did not start, or stopped.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The outbox could not be opened or failed: the hub can no longer keep its promises.
    #[error("run the agent")]
    Outbox(#[from] OutboxError),
    /// There is no way to the service that could be tried.
    #[error("start the agent")]
    NotReady(#[from] NotReady),
    /// There was no randomness to name this boot with.
    #[error("start the agent")]
    Randomness(#[from] NoRandomness),
    /// Sending failed for a reason of the hub's own.
    #[error("run the agent")]
    Send(#[source] SendError),
    /// A link cannot hear any more: a supervisor starts the agent anew, and the link with it.
    #[error("hear devices over {link} ({why})")]
    Link {
        /// The link.
        link: &'static str,
        /// Why.
        why: &'static str,
    },
}

/// The agent.
pub struct Agent {
    hub: HubContext,
    bindings: Bindings,
    outbox: Outbox,
    uplink: Uplink,
    events: Arc<Listening>,
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("hub", &self.hub.hub).finish_non_exhaustive()
    }
}

impl Agent {
    /// Opens the outbox and gets ready. Nothing is sent yet; prompts that a crash kept back are shown.
    ///
    /// # Errors
    /// [`AgentError`] where the outbox cannot be opened safely or there is no randomness.
    pub async fn new(parts: Parts, config: &Config) -> Result<Self, AgentError> {
        let Parts { clock, randomness, disk, network, events, screen } = parts;
        let mut boot = [0; 8];
        randomness.fill(&mut boot)?;
        let events = Arc::new(Listening::new(events, Arc::clone(&clock)));
        let outbox = Outbox::open(Arc::clone(&disk)).await?;
        let uplink = Uplink::new(UplinkParts {
            hub: config.hub.clone(),
            key: config.key.clone(),
            server: config.server.clone(),
            service_key: config.service_key.clone(),
            boot,
            listening: Arc::clone(&events),
            outbox: outbox.clone(),
            clock,
            randomness,
            disk,
            network,
            events: Arc::<Listening>::clone(&events),
            screen,
        })?;
        let waiting = outbox.counts().await?.waiting;
        events.emit(&HubEvent::AgentStarted { epoch: outbox.epoch(), waiting });
        uplink.tell_what_was_not_shown().await?;
        let hub = HubContext { hub: config.hub.clone(), boot, zone: ZONE };
        Ok(Self { hub, bindings: config.bindings.clone(), outbox, uplink, events })
    }

    /// Takes one frame: decodes it, says whose it is, makes the reading and keeps it. When this returns without an
    /// error the reading survives power loss.
    ///
    /// # Errors
    /// [`OutboxError::Full`] where too many readings wait; any other means that the disk failed and the hub must stop.
    pub async fn hear(&self, frame: Frame) -> Result<Keeping, OutboxError> {
        let decoded = decode(&frame);
        let failed = decoded.as_ref().err().copied();
        let reading = admit(&frame, decoded, &self.bindings, &self.hub);
        let reading_id = reading.id;
        let keeping = self.outbox.keep(reading).await.inspect_err(|error| {
            self.events.emit(&HubEvent::ReadingNotKept { reading_id, code: error.code() });
        })?;
        if let Some(error) = failed {
            self.events.emit(&HubEvent::FrameUndecodable { reading_id, code: error.code() });
        }
        self.events.emit(&event_of(&keeping));
        Ok(keeping)
    }

    /// Sends everything that waits, live readings first. Stops at the first failure; the readings then wait on.
    ///
    /// # Errors
    /// [`SendError`] says why.
    pub async fn send_waiting(&self) -> Result<Sent, SendError> {
        self.uplink.send_once().await
    }

    /// Says hello to the service once. [`Agent::run`] does it by itself, at least every 40 s.
    ///
    /// # Errors
    /// [`SendError`] where no answer came, or none that shows the service itself.
    pub async fn say_hello(&self) -> Result<(), SendError> {
        self.uplink.say_hello().await
    }

    /// Says hello again and again, for whoever drives the agent by hand. [`Agent::run`] does it by itself.
    ///
    /// # Errors
    /// [`SendError`] where the hub's own disk or key failed; otherwise it does not return.
    pub async fn keep_in_touch(&self) -> Result<Infallible, SendError> {
        let (_running, phase) = watch::channel(Phase::Running);
        self.uplink.keep_in_touch(phase).await
    }

    /// How far this hub is in touch with the service.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.uplink.connection()
    }

    /// Where links send their events, so that the service hears of a link that is deaf.
    #[must_use]
    pub fn events(&self) -> Arc<dyn Events> {
        Arc::<Listening>::clone(&self.events)
    }

    /// What this hub remembers of devices' memories, for its links.
    #[must_use]
    pub fn memory(&self) -> Arc<dyn Memory> {
        Arc::new(self.outbox.clone())
    }

    /// How many readings are in which state.
    ///
    /// # Errors
    /// [`OutboxError`] where the disk failed.
    pub async fn counts(&self) -> Result<Counts, OutboxError> {
        self.outbox.counts().await
    }

    /// Hears a link and sends, until the link has nothing more and all is sent, or a stop is asked for. After a stop
    /// no more frames are taken, the request under way has [`STOP_WITHIN`], and the outbox is closed last.
    ///
    /// # Errors
    /// [`AgentError`] where the hub's own disk or key failed; the link's service being away is no error.
    pub async fn run(&self, link: &mut dyn Link, shutdown: Shutdown) -> Result<(), AgentError> {
        let (phase, in_phase) = watch::channel(Phase::Running);
        let (stop_listening, listen_until) = shutdown::channel();
        let listening = async {
            let listened = self.listen(link, listen_until).await;
            let next = if listened.is_ok() { Phase::Draining } else { Phase::Stopping };
            phase.send_if_modified(|phase| {
                let is_running = *phase == Phase::Running;
                if is_running {
                    *phase = next;
                }
                is_running
            });
            listened
        };
        let sending = async {
            let sent = tokio::select! {
                sent = self.uplink.run(in_phase.clone()) => sent,
                broken = self.uplink.keep_in_touch(in_phase.clone()) => broken.map(|never| match never {}),
                () = stop_limit(in_phase) => Ok(()),
            };
            // However sending ended, frames are not taken without it: drained, stopped or broken.
            stop_listening.ask();
            sent
        };
        let stopping = async {
            shutdown.clone().asked().await;
            stop_listening.ask();
            phase.send_replace(Phase::Stopping);
            std::future::pending::<Infallible>().await
        };
        let (listened, sent) = tokio::select! {
            both = async { tokio::join!(listening, sending) } => both,
            never = stopping => match never {},
        };
        let waiting = self.outbox.counts().await.map_or(0, |counts| counts.waiting);
        self.outbox.close().await;
        self.events.emit(&HubEvent::AgentStopped { waiting });
        listened?;
        sent.map_err(AgentError::Send)
    }

    /// Takes what the link hears until it has nothing more or a stop is asked for.
    async fn listen(&self, link: &mut dyn Link, mut until: Shutdown) -> Result<(), AgentError> {
        // Devices of which a frame was refused since: their memories are to be read again.
        let mut refused = BTreeSet::new();
        loop {
            let heard = tokio::select! {
                biased;
                () = until.asked() => return Ok(()),
                heard = link.next() => heard,
            };
            match heard {
                None => return Ok(()),
                Some(Heard::Connected { device, .. }) => self.events.emit(&HubEvent::DeviceConnected { device }),
                Some(Heard::Disconnected { device }) => self.events.emit(&HubEvent::DeviceDisconnected { device }),
                Some(Heard::Frame(frame)) => {
                    let device = frame.device.clone();
                    match self.hear(frame).await {
                        Ok(_) => link.kept(),
                        // Full: refused and said; the next frames may be repeats, and the readings inside must still go
                        // out. The link is not told "kept", so the device keeps what it can.
                        Err(OutboxError::Full) => drop(refused.insert(device)),
                        Err(error) => return Err(error.into()),
                    }
                }
                Some(Heard::MemoryRead { device, .. }) if refused.remove(&device) => {}
                Some(Heard::MemoryRead { device, place }) => self.outbox.note_place(device, place).await?,
                Some(Heard::Failed { link, why }) => return Err(AgentError::Link { link, why }),
            }
        }
    }

    /// Closes the outbox. [`Agent::run`] does it by itself.
    pub async fn close(&self) {
        self.outbox.close().await;
    }
}

/// Returns when a request under way has had its time after a stop.
async fn stop_limit(mut phase: watch::Receiver<Phase>) {
    // The sender outlives this wait; were it gone, the agent would be stopping too.
    drop(phase.wait_for(|phase| *phase == Phase::Stopping).await);
    tokio::time::sleep(STOP_WITHIN).await;
}

fn event_of(keeping: &Keeping) -> HubEvent {
    match keeping {
        Keeping::Kept(kept) => {
            let reading = kept.get();
            let no_value = match &reading.value {
                Value::Measured(_) => None,
                Value::NotMeasured(reason) => Some(reason.code()),
            };
            let is_assigned = matches!(reading.who, Who::Patient(_));
            HubEvent::ReadingKept { reading_id: reading.id, kind: reading.kind, no_value, is_assigned }
        }
        Keeping::AlreadyKept(kept) => HubEvent::ReadingAlreadyKept { reading_id: *kept.get() },
        Keeping::Conflict(kept) => HubEvent::ReadingConflicts { reading_id: kept.get().id },
    }
}

#[cfg(test)]
#[path = "agent_tests.rs"]
mod tests;
