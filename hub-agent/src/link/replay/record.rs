//! Records what a link hears into a replay file, while the agent keeps and sends it as always.
//!
//! Invariants: a frame is on its way to the outbox whatever becomes of the recording; a recording that cannot be written
//! ends, and says so once. The file holds a person's measurements: only its owner may read it.

use super::line::{Capture, Connect, Device, Disconnect, FrameLine, Line};
use crate::{
    clock::Clock,
    link::{Heard, Link},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use device_codecs::Frame;
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};
use vitals::{ClockOffset, SourceId};

/// What every recorded frame names as its source.
const RECORDED: &str = "recorded by hub-agent";

/// A link whose every frame is also written to a file.
pub struct Recorder {
    inner: Box<dyn Link>,
    file: Option<File>,
    clock: Arc<dyn Clock>,
    start: DateTime<Utc>,
    connected: BTreeMap<SourceId, ClockOffset>,
    on_trouble: Box<dyn Fn(&io::Error) + Send>,
}

impl Recorder {
    /// Records into a new file.
    ///
    /// # Errors
    /// Where the file is there already (nothing is overwritten) or cannot be made.
    pub fn new(
        inner: Box<dyn Link>,
        path: &Path,
        clock: Arc<dyn Clock>,
        on_trouble: Box<dyn Fn(&io::Error) + Send>,
    ) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let start = clock.now();
        Ok(Self { inner, file: Some(file), clock, start, connected: BTreeMap::new(), on_trouble })
    }

    fn write(&mut self, heard: &Heard) {
        let now = self.clock.now();
        let lines = self.lines(heard, now);
        let Some(file) = &mut self.file else { return };
        let written = lines.iter().try_for_each(|line| {
            let text = serde_json::to_string(line)?;
            writeln!(file, "{text}")
        });
        if let Err(error) = written {
            (self.on_trouble)(&error);
            self.file = None;
        }
    }

    /// The lines for one thing heard. A frame of a device that nobody saw connect brings its connection with it.
    fn lines(&mut self, heard: &Heard, now: DateTime<Utc>) -> Vec<Line> {
        let (at_secs, ms) = self.since_start(now);
        match heard {
            Heard::Connected { device, clock } => {
                let before = self.connected.insert(device.clone(), *clock);
                let left = before.map(|_| Line::Disconnect(Disconnect { device: Device::of(device), at_secs, ms }));
                left.into_iter().chain([connect(device, *clock, at_secs, ms)]).collect()
            }
            Heard::Disconnected { device } => match self.connected.remove(device) {
                Some(_) => vec![Line::Disconnect(Disconnect { device: Device::of(device), at_secs, ms })],
                None => Vec::new(),
            },
            Heard::Frame(frame) => {
                let mut lines = Vec::new();
                if self.connected.get(&frame.device) != Some(&frame.clock) {
                    let news = Heard::Connected { device: frame.device.clone(), clock: frame.clock };
                    lines = self.lines(&news, now);
                }
                lines.push(capture(frame, at_secs, ms));
                lines
            }
            Heard::MemoryRead { .. } | Heard::Failed { .. } => Vec::new(),
        }
    }

    fn since_start(&self, now: DateTime<Utc>) -> (u32, u16) {
        let after = (now - self.start).to_std().unwrap_or_default();
        (u32::try_from(after.as_secs()).unwrap_or(u32::MAX), u16::try_from(after.subsec_millis()).unwrap_or(0))
    }
}

fn connect(device: &SourceId, clock: ClockOffset, at_secs: u32, ms: u16) -> Line {
    let device_ahead_secs = match clock {
        ClockOffset::ReadAtConnection { device_ahead_secs } => Some(device_ahead_secs),
        ClockOffset::NotRead => None,
    };
    Line::Connect(Connect { device: Device::of(device), device_ahead_secs, at_secs, ms })
}

fn capture(frame: &Frame, at_secs: u32, ms: u16) -> Line {
    Line::Frame(FrameLine::Capture(Capture {
        device: Device::of(&frame.device),
        characteristic: frame.kind.name().to_owned(),
        hex: vitals::hex::encode(frame.bytes.as_slice()),
        at_secs,
        ms,
        counts_from: frame.counts_from.map(|time| time.to_string()),
        source: RECORDED.to_owned(),
        note: None,
    }))
}

#[async_trait]
impl Link for Recorder {
    async fn next(&mut self) -> Option<Heard> {
        let heard = self.inner.next().await?;
        self.write(&heard);
        Some(heard)
    }

    fn kept(&mut self) {
        self.inner.kept();
    }
}

#[cfg(test)]
mod tests {
    //! What was recorded is played again: the same frames of the same devices, to the millisecond.

    use super::*;
    use crate::{
        link::{ReplayLink, replay::Replay},
        test_parts::{HandClock, june_frame, noon},
    };
    use chrono::TimeDelta;

    struct Heards(std::vec::IntoIter<Heard>, Arc<HandClock>);

    #[async_trait]
    impl Link for Heards {
        async fn next(&mut self) -> Option<Heard> {
            let heard = self.0.next()?;
            self.1.set(self.1.now() + TimeDelta::milliseconds(250));
            Some(heard)
        }
    }

    async fn all(mut link: impl Link) -> Vec<Heard> {
        let mut heard = Vec::new();
        while let Some(next) = link.next().await {
            heard.push(next);
        }
        heard
    }

    #[tokio::test]
    async fn what_is_recorded_plays_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recorded.jsonl");
        let clock = Arc::new(HandClock::new(noon()));
        let frames = [june_frame(50), june_frame(51)];
        let heard: Vec<Heard> = frames.iter().cloned().map(Heard::Frame).collect();
        let link = Box::new(Heards(heard.clone().into_iter(), clock.clone()));
        let recorder = Recorder::new(link, &path, clock.clone(), Box::new(|error| panic!("{error}"))).unwrap();
        assert_eq!(all(recorder).await, heard, "the agent hears everything itself");

        let text = std::fs::read_to_string(&path).unwrap();
        let replayed = all(ReplayLink::at_once(Replay::read(&text, noon()).unwrap())).await;
        let played: Vec<Frame> = replayed
            .into_iter()
            .filter_map(|heard| if let Heard::Frame(frame) = heard { Some(frame) } else { None })
            .collect();
        let same = |one: &Frame, other: &Frame| {
            (&one.device, one.kind, &one.bytes, one.clock) == (&other.device, other.kind, &other.bytes, other.clock)
        };
        assert!(played.len() == 2 && played.iter().zip(&frames).all(|(one, other)| same(one, other)), "{text}");
        assert_eq!(played[1].seen_at, noon() + TimeDelta::milliseconds(500));
        assert!(
            Recorder::new(Box::new(crate::link::NoDevices), &path, clock, Box::new(|_| {})).is_err(),
            "never overwritten"
        );
    }
}
