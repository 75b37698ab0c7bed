//! A replay: a recorded or made conversation with devices, as a file of JSON lines.
//!
//! Every line is one object: `{"connect": …}`, `{"disconnect": …}` or `{"frame": …}`. Seconds count from the start the
//! caller gives, so a file is played at any time of any day. A frame of kind `capture` holds real bytes; one of kind
//! `made` holds numbers, and our own encoder makes its bytes with the device's local time (its own clock's offset in
//! it). Invariants: unknown fields are refused; a frame outside a connection is refused, because its clock would be a
//! guess; time never runs backwards.

use super::Heard;
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use device_codecs::{
    BloodPressureMeasurement, Characteristic, DeviceTimeField, Frame, FrameBytes, PressureUnit, blood_pressure,
};
use serde::Deserialize;
use std::{collections::BTreeMap, vec};
use thiserror::Error;
use vitals::{
    ClockOffset, Decimal, DeviceTime, SourceId,
    float11073::{DeviceNumber, Special},
    reading::FRAME_BYTES_MAX,
};

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

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Connect(Connect),
    Disconnect(Disconnect),
    Frame(FrameLine),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    maker: String,
    serial: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Connect {
    device: Device,
    /// Device clock minus hub clock; left out where the hub does not read the device's clock.
    device_ahead_secs: Option<i32>,
    at_secs: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disconnect {
    device: Device,
    at_secs: u32,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum FrameLine {
    Capture(Capture),
    Made(Made),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    device: Device,
    characteristic: String,
    hex: String,
    at_secs: u32,
    /// Where the bytes were captured. For readers of the file.
    #[serde(rename = "source")]
    _source: String,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    device: Device,
    characteristic: String,
    at_secs: u32,
    /// When it was taken, in seconds from the start; left out for a frame without a time.
    taken_secs: Option<i32>,
    systolic: Decimal,
    diastolic: Decimal,
    /// Left out: the cuff sends "not a number", as many do.
    mean: Option<Decimal>,
    pulse: Option<Decimal>,
    user_index: Option<u8>,
    status: Option<u16>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
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
                let (at, device) = (self.at(connect.at_secs)?, source(&connect.device)?);
                let clock = connect.device_ahead_secs.map_or(ClockOffset::NotRead, |secs| {
                    ClockOffset::ReadAtConnection { device_ahead_secs: secs.into() }
                });
                if self.connected.insert(device.clone(), clock).is_some() {
                    return Err(format!("{device} is connected already"));
                }
                Ok(Step { at, heard: Heard::Connected { device, clock } })
            }
            Line::Disconnect(disconnect) => {
                let (at, device) = (self.at(disconnect.at_secs)?, source(&disconnect.device)?);
                self.connected.remove(&device).ok_or(format!("{device} is not connected"))?;
                Ok(Step { at, heard: Heard::Disconnected { device } })
            }
            Line::Frame(FrameLine::Capture(capture)) => {
                let bytes = vitals::hex::decode(&capture.hex).map_err(|error| format!("hex: {error}"))?;
                self.frame(capture.at_secs, &capture.device, &capture.characteristic, |_clock| Ok(bytes))
            }
            Line::Frame(FrameLine::Made(made)) => {
                let start = self.start;
                self.frame(made.at_secs, &made.device, &made.characteristic, |clock| made.bytes(start, clock))
            }
        }
    }

    fn at(&mut self, secs: u32) -> Result<DateTime<Utc>, String> {
        let at =
            self.start.checked_add_signed(TimeDelta::seconds(secs.into())).ok_or("at_secs: beyond the calendar")?;
        if at < self.latest {
            return Err("at_secs: earlier than the line before".to_owned());
        }
        self.latest = at;
        Ok(at)
    }

    fn frame(
        &mut self,
        at_secs: u32,
        device: &Device,
        characteristic: &str,
        bytes: impl FnOnce(ClockOffset) -> Result<Vec<u8>, String>,
    ) -> Result<Step, String> {
        let (seen_at, device) = (self.at(at_secs)?, source(device)?);
        let clock = *self.connected.get(&device).ok_or(format!("{device} is not connected"))?;
        let characteristic =
            Characteristic::parse(characteristic).map_err(|error| format!("characteristic: {error}"))?;
        let bytes = FrameBytes::new(bytes(clock)?).map_err(|error| error.to_string())?;
        Ok(Step { at: seen_at, heard: Heard::Frame(Frame { device, characteristic, bytes, seen_at, clock }) })
    }
}

fn source(device: &Device) -> Result<SourceId, String> {
    SourceId::device(&device.maker, &device.serial).map_err(|error| format!("device: {error}"))
}

impl Made {
    /// The bytes our own encoder gives, as the device would have sent them by its own clock.
    fn bytes(&self, start: DateTime<Utc>, clock: ClockOffset) -> Result<Vec<u8>, String> {
        if Characteristic::parse(&self.characteristic) != Ok(Characteristic::BLOOD_PRESSURE_MEASUREMENT) {
            return Err("characteristic: only 2a35 frames are made".to_owned());
        }
        let taken_at = match self.taken_secs {
            Some(secs) => {
                DeviceTimeField::Stated(device_time(start, secs, clock).ok_or("taken_secs: beyond the calendar")?)
            }
            None => DeviceTimeField::Absent,
        };
        let measurement = BloodPressureMeasurement {
            systolic: number(self.systolic)?,
            diastolic: number(self.diastolic)?,
            mean: self.mean.map(number).transpose()?.unwrap_or(DeviceNumber::Special(Special::NotANumber)),
            unit: PressureUnit::MmHg,
            taken_at,
            pulse: self.pulse.map(number).transpose()?,
            user_index: self.user_index,
            status: self.status,
        };
        blood_pressure::encode(&measurement).map_err(|error| error.to_string())
    }
}

fn number(decimal: Decimal) -> Result<DeviceNumber, String> {
    let (mantissa, scale) = decimal.to_parts();
    let does_not_fit = format!("{decimal} does not fit a device number");
    let mantissa = i32::try_from(mantissa).map_err(|_too_large| does_not_fit.clone())?;
    let exponent = i8::try_from(scale).map_err(|_too_large| does_not_fit)?.saturating_neg();
    Ok(DeviceNumber::Number { mantissa, exponent })
}

/// What a device's own clock, set to local time and out by its offset, showed `secs` after the start.
fn device_time(start: DateTime<Utc>, secs: i32, clock: ClockOffset) -> Option<DeviceTime> {
    let ahead = match clock {
        ClockOffset::ReadAtConnection { device_ahead_secs } => TimeDelta::try_seconds(device_ahead_secs)?,
        ClockOffset::NotRead => TimeDelta::zero(),
    };
    let local = start
        .checked_add_signed(TimeDelta::seconds(secs.into()))?
        .with_timezone(&ZONE)
        .naive_local()
        .checked_add_signed(ahead)?;
    let small = |part: u32| u8::try_from(part).ok();
    DeviceTime::new(
        u16::try_from(local.year()).ok()?,
        small(local.month())?,
        small(local.day())?,
        small(local.hour())?,
        small(local.minute())?,
        small(local.second())?,
    )
    .ok()
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
