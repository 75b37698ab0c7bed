//! The conversations with an oximeter of the newer generation: it says nothing unasked, and stops unless it is told
//! now and then that the hub is still there.
//!
//! Source: timegrid/CMS50Dplus7 `cms50dplus7.py`: commands A1 and A6 (user 1, segment 1) start, A2 and A7 stop, AF
//! keeps alive, every 5 s there. Reading a recording does not erase it.

use super::{Command, MAKER, Pieces, decode_v7_live, decode_v7_packet, is_older, v7, v7_framer};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
    },
};
use std::time::Duration;

/// Silence after which the oximeter is asked again: it sends 60 packets a second.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked in silence before people are told; after that, only now and then.
const ASKS_MAX: u8 = 5;
/// How often a silent oximeter is asked once people were told.
const PATIENCE_AFTER: Duration = Duration::from_secs(30);
/// The oximeter is told that the hub is there after so many packets: 4 s of live ones.
const PACKETS_PER_KEEP_ALIVE: usize = 240;
/// How much of what was heard in place of packets is kept for the hint.
const HEARD_BYTES_MAX: usize = 1_024;

/// What both conversations have in common: packets, patience, noise.
struct Line {
    framer: Box<dyn Framer>,
    /// How often it was asked since it last answered.
    asked: u8,
    packets: usize,
    noise: Noise,
    /// What was heard in place of packets.
    heard: Vec<u8>,
    hinted: Option<Hint>,
    is_told: bool,
}

impl Line {
    fn new() -> Self {
        Self {
            framer: Box::new(v7_framer()),
            asked: 0,
            packets: 0,
            noise: Noise::default(),
            heard: Vec::new(),
            hinted: None,
            is_told: false,
        }
    }

    /// A good packet came: says who sent it, the first time, and keeps it talking.
    fn packet(&mut self) -> Vec<Do> {
        self.asked = 0;
        self.noise.is_over();
        self.heard.clear();
        self.hinted = None;
        self.packets += 1;
        let mut todo = Vec::new();
        if !self.is_told {
            self.is_told = true;
            todo.push(Do::Device { maker: MAKER, model: None, serial: None });
        }
        if self.packets.is_multiple_of(PACKETS_PER_KEEP_ALIVE) {
            todo.push(send(Command::KeepAlive));
        }
        todo
    }

    /// Noise came: what it may mean, said once.
    fn noise(&mut self, bytes: &[u8], lost_bytes: usize) -> Option<Hint> {
        let is_too_much = self.noise.is_too_much(lost_bytes, Dropped::OutOfStep);
        let room = HEARD_BYTES_MAX.saturating_sub(self.heard.len());
        self.heard.extend(bytes.iter().take(room));
        let hint =
            if is_older(&self.heard) { Some(Hint::Cms50IsOlder) } else { is_too_much.then_some(Hint::NotThisProtocol) };
        hint.filter(|hint| self.hint(*hint).is_some())
    }

    fn hint(&mut self, hint: Hint) -> Option<Do> {
        (self.hinted != Some(hint)).then(|| {
            self.hinted = Some(hint);
            Do::Hint(hint)
        })
    }

    fn patience(&self) -> Duration {
        if self.asked > ASKS_MAX { PATIENCE_AFTER } else { PATIENCE }
    }
}

fn send(command: Command) -> Do {
    Do::Send(command.to_bytes().to_vec())
}

/// A live stream.
pub(crate) struct LiveV7 {
    line: Line,
}

impl LiveV7 {
    pub(crate) fn new() -> Self {
        Self { line: Line::new() }
    }
}

impl Dialogue for LiveV7 {
    fn start(&mut self) -> Vec<Do> {
        self.line.asked = 1;
        vec![send(Command::StartLive)]
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        let mut lost_bytes = 0;
        for framed in self.line.framer.push(bytes) {
            match framed {
                Framed::Record(record) if decode_v7_live(&record).is_ok() => {
                    todo.extend(self.line.packet());
                    todo.push(Do::Record { kind: FrameKind::ContecV7Live, bytes: record });
                }
                // Other packets are answers that carry no reading. If the oximeter ends the conversation, it falls
                // silent, and is asked again then.
                Framed::Record(record) => todo.push(Do::Dropped { bytes: record.len(), why: Dropped::Talk }),
                Framed::Dropped { bytes, why } => {
                    lost_bytes += bytes;
                    todo.push(Do::Dropped { bytes, why });
                }
            }
        }
        if lost_bytes > 0 {
            todo.extend(self.line.noise(bytes, lost_bytes).map(Do::Hint));
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn quiet(&mut self) -> Vec<Do> {
        let broke_off = self.line.framer.give_up().map(|framed| Do::with(framed, FrameKind::ContecV7Live));
        let mut todo: Vec<Do> = broke_off.into_iter().collect();
        self.line.asked = self.line.asked.saturating_add(1);
        if self.line.asked > ASKS_MAX {
            todo.extend(self.line.hint(Hint::NothingHeard));
        }
        todo.extend([send(Command::KeepAlive), send(Command::StartLive)]);
        todo
    }

    fn patience(&self) -> Duration {
        self.line.patience()
    }
}

/// What was recorded.
pub(crate) struct RecordedV7 {
    line: Line,
    pieces: Pieces,
    is_over: bool,
}

impl RecordedV7 {
    pub(crate) fn new() -> Self {
        Self { line: Line::new(), pieces: Pieces::default(), is_over: false }
    }

    fn finish(&mut self, hint: Option<Hint>) -> Vec<Do> {
        if std::mem::replace(&mut self.is_over, true) {
            return Vec::new();
        }
        let last = self.pieces.last(FrameKind::ContecV7Recorded);
        let stop = send(Command::StopStored);
        last.into_iter().chain([stop]).chain(hint.map(Do::Hint)).chain([Do::Done]).collect()
    }

    /// The end of a recording is only that nothing more comes.
    fn end(&mut self, when_nothing_came: Hint) -> Vec<Do> {
        self.finish((self.pieces.taken == 0).then_some(when_nothing_came))
    }
}

impl Dialogue for RecordedV7 {
    fn start(&mut self) -> Vec<Do> {
        self.line.asked = 1;
        vec![send(Command::StartStored)]
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        let mut lost_bytes = 0;
        for framed in self.line.framer.push(bytes) {
            match framed {
                Framed::Record(record) => match decode_v7_packet(&record).map(|packet| packet.kind) {
                    Ok(v7::TYPE_STORED_THREE | v7::TYPE_STORED_ONE) if !self.is_over => {
                        todo.extend(self.line.packet());
                        todo.extend(self.pieces.take(&record, FrameKind::ContecV7Recorded));
                    }
                    Ok(v7::TYPE_END) if !self.is_over => {
                        todo.push(Do::Dropped { bytes: record.len(), why: Dropped::Talk });
                        todo.extend(self.end(Hint::NothingStored));
                    }
                    Ok(_) | Err(_) => todo.push(Do::Dropped { bytes: record.len(), why: Dropped::Talk }),
                },
                Framed::Dropped { bytes, why } => {
                    lost_bytes += bytes;
                    todo.push(Do::Dropped { bytes, why });
                }
            }
        }
        if lost_bytes > 0
            && !self.is_over
            && let Some(hint) = self.line.noise(bytes, lost_bytes)
        {
            todo.extend(self.finish(Some(hint)));
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn quiet(&mut self) -> Vec<Do> {
        let broke_off = self.line.framer.give_up().map(|framed| Do::with(framed, FrameKind::ContecV7Recorded));
        let mut todo: Vec<Do> = broke_off.into_iter().collect();
        if self.is_over {
            return todo;
        }
        if self.pieces.taken > 0 || self.line.asked >= ASKS_MAX {
            todo.extend(self.end(Hint::NothingHeard));
        } else {
            self.line.asked += 1;
            todo.push(send(Command::StartStored));
        }
        todo
    }

    fn patience(&self) -> Duration {
        self.line.patience()
    }
}

#[cfg(test)]
#[path = "v7_dialogue_tests.rs"]
mod tests;
