//! What it costs to decode one frame of each kind, beside a probe of the same run: copying the frame, the least that
//! keeping it costs.
//!
//! Figures are for reading and comparing, not for passing or failing: the machine under a test is nobody's promise.

use crate::{
    bench::Figures,
    clock::time_of,
    trouble::{Doing, Trouble},
};
use device_codecs::{FrameKind, decode_bytes};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, hint::black_box, time::Duration};

/// The public cases, one JSON object a line.
const PUBLIC: &str = include_str!("../vectors/devices.jsonl");

/// Frames of kinds that no public case has.
const OWN: &str = include_str!("../vectors/own_devices.jsonl");

/// Frames in one measured round.
const ROUND_FRAMES: u32 = 1_000;

/// Rounds of a kind: the median is told.
const ROUNDS: usize = 301;
const ROUNDS_QUICK: usize = 31;

/// A case's frame; the rest of the line is for others.
#[derive(Deserialize)]
struct Case {
    characteristic_or_frame: String,
    hex: String,
}

/// One kind's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    kind: FrameKind,
    frame_bytes: usize,
    decode_ns: f64,
    copy_ns: f64,
}

/// All kinds' figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Table(Vec<Row>);

/// Measures every kind of frame for which there is a case that decodes.
///
/// # Errors
/// [`Trouble`] where the cases cannot be read, or a kind has none.
pub fn measure(is_quick: bool) -> Result<Table, Trouble> {
    let samples = samples()?;
    let rounds = if is_quick { ROUNDS_QUICK } else { ROUNDS };
    let missing: Vec<&str> = FrameKind::all().filter(|kind| !samples.contains_key(kind)).map(FrameKind::name).collect();
    if !missing.is_empty() {
        return Err(Trouble::new("find a frame of every kind", missing.join(", ")));
    }
    Ok(Table(samples.iter().map(|(kind, bytes)| row(*kind, bytes, rounds)).collect()))
}

/// The longest frame of each kind that decodes.
fn samples() -> Result<BTreeMap<FrameKind, Vec<u8>>, Trouble> {
    let mut samples: BTreeMap<FrameKind, Vec<u8>> = BTreeMap::new();
    for line in PUBLIC.lines().chain(OWN.lines()) {
        let case: Case = serde_json::from_str(line).doing("read a case")?;
        let Some(kind) = kind_of(&case.characteristic_or_frame) else { continue };
        let bytes = vitals::hex::decode(&case.hex).doing("read a case's bytes")?;
        let is_longer = samples.get(&kind).is_none_or(|known| bytes.len() > known.len());
        if is_longer && decode_bytes(kind, &bytes).is_ok() {
            samples.insert(kind, bytes);
        }
    }
    Ok(samples)
}

/// The kind of frame a case is about, where it is a whole frame of one.
#[must_use]
pub fn kind_of(frame: &str) -> Option<FrameKind> {
    match frame {
        "Xiaomi service-data 181D" => Some(FrameKind::AdvertisedWeight),
        "Xiaomi service-data 181B" => Some(FrameKind::AdvertisedBodyComposition),
        "125-byte packet" => Some(FrameKind::NoninDf2),
        "live 5-byte" => Some(FrameKind::ContecV4Live),
        "recorded 3-byte" => Some(FrameKind::ContecV4Recorded),
        "line" => Some(FrameKind::MasimoAscii1),
        "result record" => Some(FrameKind::ContourAstm),
        "ultra2 line" => Some(FrameKind::LifescanUltra2),
        "record LE" | "record LE (HEM-7142T2)" => Some(FrameKind::OmronRecord),
        "9-byte packet" => Some(FrameKind::ContecV7Live),
        "2A9C (Xiaomi, non-conformant)" => Some(FrameKind::BodyComposition),
        name => FrameKind::parse(name).ok(),
    }
}

fn row(kind: FrameKind, bytes: &[u8], rounds: usize) -> Row {
    let decode = || {
        for _ in 0..ROUND_FRAMES {
            drop(black_box(decode_bytes(kind, black_box(bytes))));
        }
    };
    let copy = || {
        for _ in 0..ROUND_FRAMES {
            drop(black_box(black_box(bytes).to_vec()));
        }
    };
    Row { kind, frame_bytes: bytes.len(), decode_ns: median_ns(rounds, decode), copy_ns: median_ns(rounds, copy) }
}

/// Nanoseconds a frame, the median of the rounds.
fn median_ns(rounds: usize, round: impl Fn()) -> f64 {
    let mut times: Vec<Duration> = (0..rounds).map(|_| time_of(&round)).collect();
    times.sort();
    let median = times.get(rounds / 2).copied().unwrap_or_default();
    median.as_secs_f64() * 1e9 / f64::from(ROUND_FRAMES)
}

impl Figures for Table {
    fn named(&self) -> BTreeMap<String, f64> {
        let figures = |row: &Row| {
            [(format!("{}_decode_ns", row.kind), row.decode_ns), (format!("{}_copy_ns", row.kind), row.copy_ns)]
        };
        self.0.iter().flat_map(figures).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20} {:>6} {:>10} {:>10} {:>8}", "frame", "bytes", "decode ns", "copy ns", "ratio")?;
        for Row { kind, frame_bytes, decode_ns, copy_ns } in &self.0 {
            let ratio = decode_ns / copy_ns;
            writeln!(f, "{:<20} {frame_bytes:>6} {decode_ns:>10.1} {copy_ns:>10.1} {ratio:>7.1}×", kind.name())?;
        }
        write!(f, "decode: bytes to the device's exact words; copy: the probe, the same bytes into a new Vec")
    }
}
