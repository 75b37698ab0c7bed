//! The conversation with a OneTouch Ultra 2: its clock, then all its records. It forgets nothing by being read.
//!
//! Commands are DC1, CR, the command, CR: `DMF` asks for the clock, `DMP` for the records. Sources:
//! glucometers-tech/glucometerutils `drivers/otultra2.py`, tidepool-org/uploader `oneTouchUltra2.js`.

use super::{MAKER, ultra2, ultra2_framer};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
    },
};
use std::{collections::BTreeSet, time::Duration};

const KIND: FrameKind = FrameKind::LifescanUltra2;
const MODEL: &str = "OneTouch Ultra 2";
const ASK_CLOCK: &[u8] = b"\x11\rDMF\r";
const ASK_RECORDS: &[u8] = b"\x11\rDMP\r";
/// The meter wakes slowly; within an answer its lines follow each other closely.
const PATIENCE: Duration = Duration::from_secs(4);
const ASKS_MAX: u8 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Clock,
    Header,
    /// So many lines are still to come.
    Records(usize),
    Over,
}

/// Brings the records of one meter.
pub(crate) struct Ultra2Dialogue {
    framer: Box<dyn Framer>,
    stage: Stage,
    asked: u8,
    /// Lines of this answer that came damaged.
    damaged: usize,
    noise: Noise,
    /// The records handed over, so that asking again brings each once. The header's three digits bound it.
    given: BTreeSet<Vec<u8>>,
}

impl Ultra2Dialogue {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(ultra2_framer()),
            stage: Stage::Clock,
            asked: 0,
            damaged: 0,
            noise: Noise::default(),
            given: BTreeSet::new(),
        }
    }

    fn ask(&mut self, stage: Stage) -> Vec<Do> {
        self.stage = stage;
        self.asked += 1;
        self.damaged = 0;
        let command = if stage == Stage::Clock { ASK_CLOCK } else { ASK_RECORDS };
        vec![Do::Send(command.to_vec())]
    }

    fn over(&mut self, hint: Option<Hint>) -> Vec<Do> {
        self.stage = Stage::Over;
        hint.map(Do::Hint).into_iter().chain([Do::Done]).collect()
    }

    /// Asks for the records again, or says why not all were brought.
    fn again(&mut self, hint: Hint) -> Vec<Do> {
        if self.asked < ASKS_MAX { self.ask(Stage::Header) } else { self.over(Some(hint)) }
    }

    fn take(&mut self, line: Vec<u8>) -> Vec<Do> {
        let talk = Do::Dropped { bytes: line.len(), why: Dropped::Talk };
        match self.stage {
            Stage::Clock => match ultra2::decode_clock(&line) {
                Ok(clock) => {
                    self.asked = 0;
                    let ask = self.ask(Stage::Header);
                    [talk].into_iter().chain(clock.stated().map(Do::Clock)).chain(ask).collect()
                }
                Err(_) => vec![talk],
            },
            Stage::Header => match ultra2::decode_header(&line) {
                Ok(header) => {
                    let device =
                        Do::Device { maker: MAKER, model: Some(MODEL.to_owned()), serial: Some(header.serial) };
                    self.stage = Stage::Records(header.records);
                    let end = if header.records == 0 { self.over(Some(Hint::NothingStored)) } else { Vec::new() };
                    [talk, device].into_iter().chain(end).collect()
                }
                Err(_) => vec![talk],
            },
            Stage::Records(left) => {
                let given = if self.given.insert(line.clone()) { Do::Record { kind: KIND, bytes: line } } else { talk };
                [given].into_iter().chain(self.count(left)).collect()
            }
            Stage::Over => vec![talk],
        }
    }

    /// One more line of the answer is past, good or damaged.
    fn count(&mut self, left: usize) -> Vec<Do> {
        self.stage = Stage::Records(left.saturating_sub(1));
        match (left > 1, self.damaged > 0) {
            (true, _) => Vec::new(),
            (false, true) => self.again(Hint::LineTooNoisy),
            (false, false) => self.over(None),
        }
    }
}

impl Dialogue for Ultra2Dialogue {
    fn start(&mut self) -> Vec<Do> {
        self.ask(Stage::Clock)
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        for framed in self.framer.push(bytes) {
            match framed {
                Framed::Record(line) => {
                    self.noise.is_over();
                    todo.extend(self.take(line));
                }
                Framed::Dropped { bytes, why } => {
                    todo.push(Do::Dropped { bytes, why });
                    if self.noise.is_too_much(bytes, why) && self.stage != Stage::Over {
                        todo.extend(self.over(Some(Hint::NotThisProtocol)));
                    }
                    if let (true, Stage::Records(left)) = (why.is_loss(), self.stage) {
                        self.damaged += 1;
                        todo.extend(self.count(left));
                    }
                }
            }
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        Vec::new()
    }

    fn quiet(&mut self) -> Vec<Do> {
        let mut todo: Vec<Do> = self.framer.give_up().map(|framed| Do::with(framed, KIND)).into_iter().collect();
        match self.stage {
            Stage::Clock if self.asked < ASKS_MAX => todo.extend(self.ask(Stage::Clock)),
            Stage::Clock => todo.extend(self.over(Some(Hint::NothingHeard))),
            Stage::Header => todo.extend(self.again(Hint::NothingHeard)),
            Stage::Records(_) => todo.extend(self.again(Hint::BrokeOff)),
            Stage::Over => {}
        }
        todo
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

#[cfg(test)]
#[path = "ultra2_dialogue_tests.rs"]
mod tests;
