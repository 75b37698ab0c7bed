//! A replay: a recorded or made conversation with devices, as a file of JSON lines.
//!
//! Every line is one object: `{"connect": …}`, `{"disconnect": …}` or `{"frame": …}`. Seconds count from the start the
//! caller gives, so a file is played at any time of any day. A frame of kind `capture` holds real bytes; one of kind
//! `made` holds numbers, and our own encoder makes its bytes with the device's local time (its own clock's offset in
//! it). Invariants: unknown fields are refused; a frame outside a connection is refused, because its clock would be a
//! guess; time never runs backwards.

mod line;
mod made;
mod record;

use super::Heard;
use chrono::{DateTime, TimeDelta, Utc};
use device_codecs::{CountsFrom, Frame, FrameBytes, FrameKind, NothingToCountFrom};
use line::{Device, FrameLine, Line};
use std::{collections::BTreeMap, vec};
use thiserror::Error;
use vitals::{ClockOffset, SourceId, reading::FRAME_BYTES_MAX};

pub use record::Recorder;

/// Milliseconds of a moment: the rest is seconds.
const MS_MAX: u16 = 999;

/// Longest line in bytes: the longest frame in hexadecimal, and as much again and more for what stands beside it.
pub const LINE_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// Most lines: above what 60 beds make in 30 days with a connection for each reading is not replayed in one file.
pub const LINES_MAX: usize = 250_000;

/// The zone in which replayed devices' clocks are set.
pub const ZONE: chrono_tz::Tz = chrono_tz::Europe::London;

/// A line of a replay that cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("read line {line} of the replay: {reason}")]
pub struct ReplayError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// One step of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When the hub hears it.
    pub at: DateTime<Utc>,
    /// What it hears.
    pub heard: Heard,
}

/// A replay, checked whole before its first step is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    start: DateTime<Utc>,
    steps: Vec<Step>,
}

impl Replay {
    /// Reads a replay whose second nought is `start`. Blank lines and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`ReplayError`] with the line's number at the first line that cannot be played; nothing is played by halves.
    ///
    /// ```
    /// use hub_agent::Replay;
    /// let start = "2026-06-01T08:00:00Z".parse().unwrap();
    /// let text = r#"
    /// {"connect":{"device":{"maker":"A&D Medical","serial":"1"},"device_ahead_secs":0,"at_secs":60}}
    /// {"frame":{"kind":"capture","device":{"maker":"A&D Medical","serial":"1"},"characteristic":"2a35","hex":"00bdf00b009ff0","at_secs":61,"source":"Nordic's test"}}
    /// "#;
    /// let replay = Replay::read(text, start).unwrap();
    /// assert_eq!(replay.steps().len(), 2);
    /// ```
    pub fn read(text: &str, start: DateTime<Utc>) -> Result<Self, ReplayError> {
        let mut reader = Reader { start, connected: BTreeMap::new(), latest: start };
        let mut steps = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let refused = |reason: String| ReplayError { line: index + 1, reason };
            if index == LINES_MAX {
                return Err(refused(format!("there are more than {LINES_MAX} lines")));
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(refused(format!("it has more than {LINE_BYTES_MAX} bytes")));
            }
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                steps.push(reader.step(line).map_err(refused)?);
            }
        }
        Ok(Self { start, steps })
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How long the replay takes when it is paced, from its start to its last step.
    #[must_use]
    pub fn lasts(&self) -> TimeDelta {
        self.steps.last().map_or(TimeDelta::zero(), |step| step.at - self.start)
    }
}

impl IntoIterator for Replay {
    type Item = Step;
    type IntoIter = vec::IntoIter<Step>;

    fn into_iter(self) -> Self::IntoIter {
        self.steps.into_iter()
    }
}

struct Reader {
    start: DateTime<Utc>,
    connected: BTreeMap<SourceId, ClockOffset>,
    latest: DateTime<Utc>,
}

impl Reader {
    fn step(&mut self, line: &str) -> Result<Step, String> {
        match serde_json::from_str(line).map_err(|error| error.to_string())? {
            Line::Connect(connect) => {
                let (at, device) = (self.at(connect.at_secs, connect.ms)?, connect.device.source()?);
                let clock = connect.device_ahead_secs.map_or(ClockOffset::NotRead, |device_ahead_secs| {
                    ClockOffset::ReadAtConnection { device_ahead_secs }
                });
                if self.connected.insert(device.clone(), clock).is_some() {
                    return Err(format!("{device} is connected already"));
                }
                Ok(Step { at, heard: Heard::Connected { device, clock } })
            }
            Line::Disconnect(disconnect) => {
                let (at, device) = (self.at(disconnect.at_secs, disconnect.ms)?, disconnect.device.source()?);
                self.connected.remove(&device).ok_or(format!("{device} is not connected"))?;
                Ok(Step { at, heard: Heard::Disconnected { device } })
            }
            Line::Frame(FrameLine::Capture(capture)) => {
                let bytes = vitals::hex::decode(&capture.hex).map_err(|error| format!("hex: {error}"))?;
                let counts_from = capture.counts_from.as_deref().map(str::parse).transpose();
                let counts_from = counts_from.map_err(|error: NothingToCountFrom| format!("counts_from: {error}"))?;
                let at = self.at(capture.at_secs, capture.ms)?;
                self.frame(at, &capture.device, &capture.characteristic, counts_from, |_clock| Ok(bytes))
            }
            Line::Frame(FrameLine::Made(made)) => {
                let (start, at) = (self.start, self.at(made.at_secs, made.ms)?);
                self.frame(at, &made.device, &made.characteristic, None, |clock| made.bytes(start, clock))
            }
        }
    }

    fn at(&mut self, secs: u32, ms: u16) -> Result<DateTime<Utc>, String> {
        if ms > MS_MAX {
            return Err(format!("ms: more than {MS_MAX}"));
        }
        let after = TimeDelta::seconds(secs.into()) + TimeDelta::milliseconds(ms.into());
        let at = self.start.checked_add_signed(after).ok_or("at_secs: beyond the calendar")?;
        if at < self.latest {
            return Err("at_secs: earlier than the line before".to_owned());
        }
        self.latest = at;
        Ok(at)
    }

    fn frame(
        &mut self,
        seen_at: DateTime<Utc>,
        device: &Device,
        kind: &str,
        counts_from: Option<CountsFrom>,
        bytes: impl FnOnce(ClockOffset) -> Result<Vec<u8>, String>,
    ) -> Result<Step, String> {
        let device = device.source()?;
        let clock = *self.connected.get(&device).ok_or(format!("{device} is not connected"))?;
        let kind = FrameKind::parse(kind).map_err(|error| format!("characteristic: {error}"))?;
        let bytes = FrameBytes::new(bytes(clock)?).map_err(|error| error.to_string())?;
        Ok(Step { at: seen_at, heard: Heard::Frame(Frame { device, kind, bytes, seen_at, clock, counts_from }) })
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
