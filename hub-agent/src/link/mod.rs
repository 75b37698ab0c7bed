//! Where frames come from: a recorded file now; Bluetooth and serial ports later.

pub mod replay;

use crate::clock::Clock;
use async_trait::async_trait;
use device_codecs::Frame;
use replay::{Replay, Step};
use std::{sync::Arc, vec};
use vitals::{ClockOffset, SourceId};

/// One thing a link hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A device connected, and how far its clock was from the hub's, where it was read.
    Connected {
        /// The device.
        device: SourceId,
        /// Its clock against the hub's.
        clock: ClockOffset,
    },
    /// A device disconnected.
    Disconnected {
        /// The device.
        device: SourceId,
    },
    /// A device sent a frame.
    Frame(Frame),
}

/// A source of frames. The agent asks for the next thing heard only after the last frame is kept.
#[async_trait]
pub trait Link: Send {
    /// The next thing heard; `None` when nothing more will come. Dropping the wait loses nothing.
    async fn next(&mut self) -> Option<Heard>;
}

/// A link with no devices: the agent only sends what it kept before.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDevices;

#[async_trait]
impl Link for NoDevices {
    async fn next(&mut self) -> Option<Heard> {
        std::future::pending().await
    }
}

/// A replay as a link, paced by a clock or played at once.
pub struct ReplayLink {
    steps: std::iter::Peekable<vec::IntoIter<Step>>,
    pace: Option<Arc<dyn Clock>>,
}

impl ReplayLink {
    /// Each step at its moment on this clock; steps already past are played at once.
    #[must_use]
    pub fn paced(replay: Replay, clock: Arc<dyn Clock>) -> Self {
        Self { steps: replay.into_iter().peekable(), pace: Some(clock) }
    }

    /// One step after the other without waiting.
    #[must_use]
    pub fn at_once(replay: Replay) -> Self {
        Self { steps: replay.into_iter().peekable(), pace: None }
    }
}

#[async_trait]
impl Link for ReplayLink {
    async fn next(&mut self) -> Option<Heard> {
        if let (Some(clock), Some(step)) = (&self.pace, self.steps.peek())
            && let Ok(wait) = (step.at - clock.now()).to_std()
        {
            clock.sleep(wait).await;
        }
        // Taken only after the wait, so that a wait given up loses no step.
        self.steps.next().map(|step| step.heard)
    }
}
