//! Where frames come from: Bluetooth, serial ports, or a recorded file.
//!
//! Invariant: a link is asked for the next thing heard only after the last frame was kept, and is told so; only then may
//! it let a device forget what it sent.

pub mod ble;
pub mod both;
pub mod replay;
pub mod serial;

use crate::clock::Clock;
use async_trait::async_trait;
use device_codecs::{Frame, FrameKind};
use replay::{Replay, Step};
use std::{sync::Arc, vec};
use vitals::{ClockOffset, DeviceTime, SourceId};

pub use both::Links;

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
    /// A device's memory was read to its end: everything up to this place was heard before this.
    MemoryRead {
        /// The device.
        device: SourceId,
        /// Where its records end.
        place: Place,
    },
    /// The link cannot hear any more and cannot mend that itself: the process must be started anew.
    Failed {
        /// The link: `bluetooth`.
        link: &'static str,
        /// Why, for example `silent`.
        why: &'static str,
    },
}

/// A source of frames. The agent asks for the next thing heard only after the last frame is kept.
#[async_trait]
pub trait Link: Send {
    /// The next thing heard; `None` when nothing more will come. Dropping the wait loses nothing.
    async fn next(&mut self) -> Option<Heard>;

    /// The frame that [`Link::next`] gave last is on the disk: the device may forget it.
    fn kept(&mut self) {}
}

/// The place of a record in a device's memory, by which the rest of it can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The kind of record.
    pub kind: FrameKind,
    /// The session it belongs to, where the device counts anew in each: when that began by the device's clock.
    pub session: Option<DeviceTime>,
    /// Its number: a sequence number, or minutes since the session began.
    pub number: u32,
    /// What the record there looked like, where that was noted: a device that lost its memory has another in its place.
    pub look: Option<Look>,
}

/// Eight bytes of BLAKE3 over a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look(pub [u8; 8]);

impl Look {
    /// What a record looks like.
    #[must_use]
    pub fn of(record: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 look of a record");
        hasher.update(record);
        let mut look = [0; 8];
        hasher.finalize_xof().fill(&mut look);
        Self(look)
    }
}

/// What the hub remembers of a device's memory: where the records it kept end.
#[async_trait]
pub trait Memory: Send + Sync {
    /// The last place of this kind that was kept of a device; `None` where there is none, or it cannot be read (then the
    /// whole memory is asked for, and what was kept before is recognised).
    async fn last_kept(&self, device: &SourceId, kind: FrameKind) -> Option<Place>;
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
