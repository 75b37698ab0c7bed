//! Bluetooth Low Energy through BlueZ: known devices that advertise are connected to and heard.
//!
//! One task owns the adapter's events and always takes them (`radio`); what is known of the devices decides whom it sends
//! for (`known`); each device that is met has a task of its own that drives its [`crate::session::Session`] (`device`); a
//! watchdog asks whether anything is there at all (`watchdog`), because a Bluetooth service that dies gives no event.
//! Invariants: a device that is not in the settings is never connected to; the scan never stops while the link lives; one
//! link is being made at a time; no call is without a limit; that the hub is deaf is said, and ends the link only where
//! making everything anew did not help.

mod advertised;
mod agent1;
mod bus;
mod calls;
pub mod check;
mod device;
mod hush;
mod known;
pub mod pair;
mod radio;
mod watchdog;
mod way;

use super::{Heard, Link, Memory};
use crate::{clock::Clock, config::Bluetooth, events::Events, session::Facts};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use vitals::{HubId, record::NotASource};

pub use bus::Fault;
pub use watchdog::SILENCE_MAX;

/// Most things heard that wait for the agent: what ten cuffs with full outboxes send at once. A device whose turn it is
/// waits, and its values with it.
pub const HEARD_MAX: usize = 256;

/// What the link is made of.
pub struct BleParts {
    /// Adapter and devices, from the settings.
    pub config: Bluetooth,
    /// This hub.
    pub hub: HubId,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
    /// What was kept of devices' memories.
    pub memory: Arc<dyn Memory>,
    /// The zone in which devices' clocks are set.
    pub zone: Tz,
}

/// What radio and conversations share.
struct Shared {
    clock: Arc<dyn Clock>,
    events: Arc<dyn Events>,
    memory: Arc<dyn Memory>,
    heard: mpsc::Sender<Heard>,
    /// Adapters make one connection at a time.
    connecting: Semaphore,
    /// When a value came last, in milliseconds: a device that is connected does not advertise, and is heard all the same.
    value_at: AtomicI64,
}

impl Shared {
    fn note_heard(&self) {
        self.value_at.store(self.clock.now().timestamp_millis(), Ordering::Relaxed);
    }

    fn value_at(&self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.value_at.load(Ordering::Relaxed))
    }
}

/// The Bluetooth devices of this hub, as a link.
pub struct BleLink {
    heard: mpsc::Receiver<Heard>,
    radio: JoinHandle<()>,
    has_failed: bool,
}

impl BleLink {
    /// Begins to listen, within a runtime. Bluetooth that is not there is no error: the hub says that it is deaf, and
    /// listens as soon as it can.
    ///
    /// # Errors
    /// [`NotASource`] where hub and address of a device make no source.
    pub fn start(parts: BleParts) -> Result<Self, NotASource> {
        let BleParts { config, hub, clock, events, memory, zone } = parts;
        let devices = config
            .device
            .iter()
            .map(|device| Facts::new(&hub, device.address, device.consent, zone))
            .collect::<Result<Vec<Facts>, NotASource>>()?;
        hush::hush();
        let (sender, heard) = mpsc::channel(HEARD_MAX);
        let value_at = AtomicI64::new(clock.now().timestamp_millis());
        let shared = Shared { clock, events, memory, heard: sender, connecting: Semaphore::new(1), value_at };
        let radio = tokio::spawn(radio::run(config.adapter, devices, Arc::new(shared)));
        Ok(Self { heard, radio, has_failed: false })
    }
}

impl Drop for BleLink {
    fn drop(&mut self) {
        self.radio.abort();
    }
}

#[async_trait]
impl Link for BleLink {
    async fn next(&mut self) -> Option<Heard> {
        if self.has_failed {
            return None;
        }
        // The radio never ends by itself without a word: without one, its task has panicked.
        let heard = self.heard.recv().await.unwrap_or(Heard::Failed { link: "bluetooth", why: "stopped" });
        self.has_failed = matches!(heard, Heard::Failed { .. });
        Some(heard)
    }
}

#[cfg(test)]
mod tests {
    //! What a supervisor sees when Bluetooth cannot be mended: the agent ends, and not as if all were well.

    use super::*;
    use crate::{
        Agent,
        agent::AgentError,
        shutdown,
        test_parts::{config, fixture},
    };

    struct Broken;

    #[async_trait]
    impl Link for Broken {
        async fn next(&mut self) -> Option<Heard> {
            Some(Heard::Failed { link: "bluetooth", why: Fault::Silent.why() })
        }
    }

    #[tokio::test]
    async fn a_link_that_cannot_be_mended_ends_the_agent_with_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let agent =
            Agent::new(fixture(folder.path()).parts, &config("http://127.0.0.1:1", folder.path())).await.unwrap();
        let (_stop, shutdown) = shutdown::channel();
        let ended = agent.run(&mut Broken, shutdown).await;
        assert!(matches!(ended, Err(AgentError::Link { link: "bluetooth", why: "silent" })), "{ended:?}");
    }
}
