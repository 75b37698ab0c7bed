//! One conversation on an open port: does what the protocol's dialogue says, and tells it what was heard and kept.
//!
//! Invariants: the dialogue is told "kept" only when every record of the answer was kept, and once one was not, the
//! conversation with a device that remembers ends without that word, so that it keeps what it has; a device is who it says it is in this
//! conversation, never who the last one was.

use super::{
    Delivery,
    open::{Gone, OpenPort},
    port::Port,
};
use crate::link::Heard;
use chrono::{DateTime, Utc};
use device_codecs::{
    Decoded, Frame, FrameBytes, FrameKind, decode_bytes,
    serial::{Dialogue, Do, Dropped, Live, Sampler},
};
use std::time::Duration;
use tokio::sync::oneshot;
use vitals::{ClockOffset, DeviceTime, SourceId};

/// The shortest time a dialogue may wait for a device: one that said "not at all" must not become a busy loop.
const PATIENCE_MIN: Duration = Duration::from_millis(100);

/// How often "kept" may lead to more records at once before the conversation is given up: far above any memory that
/// one answer can hold, and an end to a dialogue that runs in a circle.
const KEPT_IN_A_ROW_MAX: usize = 1_000;

/// How a conversation ended, and how many records it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Everything is said, or a record could not be kept; the port is still there.
    Over {
        /// How many records were handed over.
        records: usize,
    },
    /// The port has gone.
    Gone {
        /// Why.
        why: Gone,
        /// How many records were handed over.
        records: usize,
    },
}

impl Ended {
    pub(super) fn records(self) -> usize {
        match self {
            Self::Over { records } | Self::Gone { records, .. } => records,
        }
    }
}

/// Why no more is done in a conversation.
enum Stop {
    Over,
    Gone(Gone),
}

impl From<Gone> for Stop {
    fn from(why: Gone) -> Self {
        Self::Gone(why)
    }
}

/// A conversation under way.
pub(super) struct Talk<'a> {
    port: &'a mut Port,
    open: &'a mut OpenPort,
    dialogue: Box<dyn Dialogue>,
    sampler: Option<Sampler>,
    device: SourceId,
    clock: ClockOffset,
    connected: Option<SourceId>,
    records: usize,
}

impl<'a> Talk<'a> {
    pub(super) fn new(port: &'a mut Port, open: &'a mut OpenPort) -> Self {
        let sampler = port.protocol().is_live().then(Sampler::new);
        let (dialogue, device) = ((port.speak)(), port.source.clone());
        Self { port, open, dialogue, sampler, device, clock: ClockOffset::NotRead, connected: None, records: 0 }
    }

    /// Holds it to its end; `heard` is what the device said before it was asked anything.
    pub(super) async fn hold(mut self, heard: Vec<u8>) -> Ended {
        let stop = match self.speak(heard).await {
            Ok(never) => match never {},
            Err(stop) => stop,
        };
        // Told only if anybody still listens.
        drop(self.say_disconnected().await);
        match stop {
            Stop::Over => Ended::Over { records: self.records },
            Stop::Gone(why) => Ended::Gone { why, records: self.records },
        }
    }

    async fn speak(&mut self, heard: Vec<u8>) -> Result<std::convert::Infallible, Stop> {
        let answer = self.dialogue.start();
        self.answer(answer, self.now()).await?;
        if !heard.is_empty() {
            let answer = self.dialogue.hear(&heard);
            self.answer(answer, self.now()).await?;
        }
        loop {
            let patience = self.dialogue.patience().max(PATIENCE_MIN);
            let (answer, at) = tokio::select! {
                biased;
                read = self.open.read() => {
                    let bytes = read?;
                    let at = self.port.clock().now();
                    (self.dialogue.hear(bytes), at)
                }
                () = self.port.clock().sleep(patience) => (self.dialogue.quiet(), self.port.clock().now()),
            };
            self.answer(answer, at).await?;
            self.port.tally.say_if_due(at);
        }
    }

    /// Does what the dialogue says, tells it when all records are kept, and does what it says to that.
    async fn answer(&mut self, answer: Vec<Do>, at: DateTime<Utc>) -> Result<(), Stop> {
        let mut answer = answer;
        let mut is_over = false;
        for _again in 0..KEPT_IN_A_ROW_MAX {
            let (mut has_records, mut are_kept) = (false, true);
            for step in answer {
                match step {
                    Do::Send(bytes) => self.open.write(&bytes, self.port.clock()).await?,
                    Do::Record { kind, bytes } => {
                        has_records = true;
                        are_kept &= self.record(kind, bytes, at).await?;
                    }
                    Do::Device { maker, model: _, serial } => self.device(maker, serial.as_deref()).await?,
                    Do::Clock(time) => self.clock = self.ahead(time, at),
                    Do::Dropped { bytes, why } => self.port.tally.dropped(bytes, why, at),
                    Do::Hint(hint) => self.port.tally.hint(hint),
                    Do::Done => is_over = true,
                }
            }
            if !are_kept && self.sampler.is_none() {
                // Full: what the device remembers stays there, and it is asked again later.
                return Err(Stop::Over);
            }
            match (has_records && are_kept, is_over) {
                (true, _) => answer = self.dialogue.kept(),
                (false, true) => return Err(Stop::Over),
                (false, false) => return Ok(()),
            }
        }
        Err(Stop::Over)
    }

    /// Hands a record over and returns whether it is kept, once that is known; of a live stream, only those are handed
    /// over that the sampler picks: now and then one without a usable value among them, where there is no other.
    async fn record(&mut self, kind: FrameKind, bytes: Vec<u8>, at: DateTime<Utc>) -> Result<bool, Stop> {
        if let Some(sampler) = &mut self.sampler
            && sampler.hear(live(kind, &bytes), at).is_none()
        {
            self.port.tally.passed_over(&self.device, at);
            return Ok(true);
        }
        let length = bytes.len();
        let Ok(bytes) = FrameBytes::new(bytes) else {
            self.port.tally.dropped(length, Dropped::TooLong, at);
            return Ok(true);
        };
        self.say_connected().await?;
        let (device, clock) = (self.device.clone(), self.clock);
        let frame = Frame { device, kind, bytes, seen_at: at, clock, counts_from: None };
        let (kept, is_kept) = oneshot::channel();
        self.hand_over(Delivery { heard: Heard::Frame(frame), kept: Some(kept) }).await?;
        // Without a limit of ours: the device has its own, and until then nothing may be said to it.
        let is_kept = is_kept.await.is_ok();
        self.records += usize::from(is_kept);
        Ok(is_kept)
    }

    async fn device(&mut self, maker: &str, serial: Option<&str>) -> Result<(), Stop> {
        let named = serial.and_then(|serial| SourceId::device(maker, serial).ok());
        self.device = named.unwrap_or_else(|| self.port.source.clone());
        self.say_connected().await
    }

    async fn say_connected(&mut self) -> Result<(), Stop> {
        if self.connected.as_ref() == Some(&self.device) {
            return Ok(());
        }
        self.say_disconnected().await?;
        self.connected = Some(self.device.clone());
        let heard = Heard::Connected { device: self.device.clone(), clock: self.clock };
        self.hand_over(Delivery { heard, kept: None }).await
    }

    async fn say_disconnected(&mut self) -> Result<(), Stop> {
        match self.connected.take() {
            Some(device) => self.hand_over(Delivery { heard: Heard::Disconnected { device }, kept: None }).await,
            None => Ok(()),
        }
    }

    async fn hand_over(&mut self, delivery: Delivery) -> Result<(), Stop> {
        self.port.to_agent.send(delivery).await.map_err(|_nobody_listens| Stop::Over)
    }

    /// The device's clock against the hub's. A clock that has lost its date is not one to correct by.
    fn ahead(&self, device: DeviceTime, at: DateTime<Utc>) -> ClockOffset {
        let here = at.with_timezone(&self.port.parts.zone).naive_local();
        device.local().map_or(ClockOffset::NotRead, |there| ClockOffset::ReadAtConnection {
            device_ahead_secs: (there - here).num_seconds(),
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.port.clock().now()
    }
}

/// What a record of a live stream says to the sampler. One that cannot be read is one that cannot be used.
fn live(kind: FrameKind, bytes: &[u8]) -> Live {
    match decode_bytes(kind, bytes) {
        Ok(Decoded::Serial(measurement)) => measurement.live().unwrap_or(Live::NOT_USABLE),
        Ok(Decoded::Gatt(_)) | Err(_) => Live::NOT_USABLE,
    }
}
