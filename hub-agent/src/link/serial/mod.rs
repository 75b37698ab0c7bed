//! Devices on serial ports: one link for each port, which opens it, holds the conversation and hands every record over.
//!
//! Invariants: nothing that lets a device forget a record goes out before [`Link::kept`] was called for it; a record is
//! stamped with the hub's time as it is read and handed over at once; an unplugged port is tried again with bounded
//! backoff, for ever and never in a busy loop; the task ends when the link is dropped.

pub mod check;
pub mod open;
mod port;
mod talk;
mod tally;

use super::{Heard, Link};
use crate::{clock::Clock, config::SerialPort, events::Events};
use async_trait::async_trait;
use chrono_tz::Tz;
use device_codecs::serial::Dialogue;
use port::Port;
use std::{fmt, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use vitals::{HubId, SourceId, record::NotASource};

/// What a link is given.
#[derive(Clone)]
pub struct SerialParts {
    /// The port and its protocol.
    pub port: SerialPort,
    /// This hub: a device that does not say who it is goes by hub and port.
    pub hub: HubId,
    /// The zone in which devices' clocks are set.
    pub zone: Tz,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Arc<dyn Events>,
}

/// Begins a conversation: the protocol's own, or one that a test made.
pub type Speak = Box<dyn Fn() -> Box<dyn Dialogue> + Send>;

/// Something heard, and the way back for "it is kept". Dropping the way back says that it is not.
struct Delivery {
    heard: Heard,
    kept: Option<oneshot::Sender<()>>,
}

/// One serial port as a link. It never ends by itself: a device may come back.
pub struct SerialLink {
    deliveries: mpsc::Receiver<Delivery>,
    /// The way back for the frame given last.
    kept: Option<oneshot::Sender<()>>,
    task: AbortHandle,
}

impl SerialLink {
    /// Starts to listen to a port. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`NotASource`] where the port's file name cannot be part of a source: control characters, or far too long.
    pub fn start(parts: SerialParts) -> Result<Self, NotASource> {
        let protocol = parts.port.protocol;
        Self::start_speaking(parts, Box::new(move || protocol.dialogue()))
    }

    /// As [`SerialLink::start`], with conversations of the caller's making.
    ///
    /// # Errors
    /// As [`SerialLink::start`].
    pub fn start_speaking(parts: SerialParts, speak: Speak) -> Result<Self, NotASource> {
        let name = parts.port.port.file_name().unwrap_or(parts.port.port.as_os_str());
        let source = SourceId::port(&parts.hub, &name.to_string_lossy())?;
        // One at a time: the next is asked for when the last is kept.
        let (to_agent, deliveries) = mpsc::channel(1);
        let task = tokio::spawn(Port::new(parts, source, speak, to_agent).run()).abort_handle();
        Ok(Self { deliveries, kept: None, task })
    }
}

#[async_trait]
impl Link for SerialLink {
    async fn next(&mut self) -> Option<Heard> {
        // Asked for more without a word: the last frame was not kept.
        self.kept = None;
        let Delivery { heard, kept } = self.deliveries.recv().await?;
        self.kept = kept;
        Some(heard)
    }

    fn kept(&mut self) {
        if let Some(kept) = self.kept.take() {
            // Where the conversation has ended meanwhile, the device is asked again and the record known again.
            let _is_late = kept.send(()).is_err();
        }
    }
}

impl Drop for SerialLink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for SerialLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SerialLink").finish_non_exhaustive()
    }
}
