//! The conversation that brings a recording from an oximeter of the older generation.
//!
//! F5 F5 asks for it; the oximeter, which talks live all the while, then sends three times F2 80 00, the length, and
//! the points; F6 F6 F6 ends it. Nothing is forgotten by reading. Source: atbrask/CMS50Dplus `cms50dplus.py`. How an
//! oximeter without a recording answers has no public proof: if it only goes on talking live, that is taken as "none".

use super::{MAKER, Pieces, V4_POINT_BYTES, v4, v4_recorded_framer};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
    },
};
use std::time::Duration;

const ASK: [u8; 2] = [0xf5, 0xf5];
const END: [u8; 3] = [0xf6, 0xf6, 0xf6];
const KIND: FrameKind = FrameKind::ContecV4Recorded;
/// How long the oximeter may be silent: it sends 60 records a second, live or stored.
const PATIENCE: Duration = Duration::from_secs(3);
const ASKS_MAX: u8 = 3;
/// After this much live talk (5 s of it) the question was not understood.
const TALK_BYTES_MAX: usize = 1_500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Asked this often.
    Asking(u8),
    /// So many points are to come in all.
    Receiving(usize),
    Over,
}

/// Brings one recording.
pub(crate) struct RecordedV4 {
    framer: Box<dyn Framer>,
    stage: Stage,
    pieces: Pieces,
    talk_bytes: usize,
    noise: Noise,
    /// It has talked live, so the line is set as it must be.
    has_talked: bool,
}

impl RecordedV4 {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(v4_recorded_framer()),
            stage: Stage::Asking(0),
            pieces: Pieces::default(),
            talk_bytes: 0,
            noise: Noise::default(),
            has_talked: false,
        }
    }

    /// Asks once more, or gives up and says why.
    fn ask_again(&mut self) -> Vec<Do> {
        self.talk_bytes = 0;
        match self.stage {
            Stage::Asking(asked) if asked < ASKS_MAX => {
                self.stage = Stage::Asking(asked + 1);
                vec![Do::Send(ASK.to_vec())]
            }
            Stage::Asking(_) if self.has_talked => self.finish(Some(Hint::NothingStored)),
            Stage::Asking(_) => self.finish(Some(Hint::NothingHeard)),
            Stage::Receiving(_) => self.finish(Some(Hint::BrokeOff)),
            Stage::Over => Vec::new(),
        }
    }

    fn finish(&mut self, hint: Option<Hint>) -> Vec<Do> {
        self.stage = Stage::Over;
        let last = self.pieces.last(KIND);
        last.into_iter().chain([Do::Send(END.to_vec())]).chain(hint.map(Do::Hint)).chain([Do::Done]).collect()
    }

    fn take(&mut self, record: &[u8]) -> Vec<Do> {
        match self.stage {
            Stage::Asking(_) => match v4::points_told(record) {
                Some(points) => {
                    self.stage = Stage::Receiving(points);
                    let device = Do::Device { maker: MAKER, model: None, serial: None };
                    if points == 0 {
                        [device].into_iter().chain(self.finish(Some(Hint::NothingStored))).collect()
                    } else {
                        vec![device]
                    }
                }
                // Three live bytes that look like a point: nothing was announced yet.
                None => vec![Do::Dropped { bytes: record.len(), why: Dropped::Talk }],
            },
            Stage::Receiving(points) if record.len() == V4_POINT_BYTES => {
                let mut todo: Vec<Do> = self.pieces.take(record, KIND).into_iter().collect();
                if self.pieces.taken >= points {
                    todo.extend(self.finish(None));
                }
                todo
            }
            Stage::Receiving(_) | Stage::Over => vec![Do::Dropped { bytes: record.len(), why: Dropped::Talk }],
        }
    }
}

impl Dialogue for RecordedV4 {
    fn start(&mut self) -> Vec<Do> {
        self.ask_again()
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        let mut is_too_noisy = false;
        for framed in self.framer.push(bytes) {
            match framed {
                Framed::Record(record) => {
                    self.noise.is_over();
                    todo.extend(self.take(&record));
                }
                Framed::Dropped { bytes, why } => {
                    todo.push(Do::Dropped { bytes, why });
                    is_too_noisy = self.noise.is_too_much(bytes, why);
                    if !why.is_loss() {
                        self.noise.is_over();
                        self.talk_bytes += bytes;
                        self.has_talked = true;
                    }
                }
            }
        }
        // Live talk in place of points means that the oximeter has gone back to it: points were lost on the way.
        if self.talk_bytes > TALK_BYTES_MAX {
            todo.extend(self.ask_again());
        } else if is_too_noisy && self.stage != Stage::Over {
            todo.extend(self.finish(Some(Hint::NotThisProtocol)));
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn quiet(&mut self) -> Vec<Do> {
        let broke_off = self.framer.give_up().map(|framed| Do::with(framed, KIND));
        broke_off.into_iter().chain(self.ask_again()).collect()
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

#[cfg(test)]
#[path = "v4_recorded_tests.rs"]
mod tests;
