//! The conversation with an oximeter that sends spot checks: each is acknowledged once it is kept, and only then.

use super::{ACKNOWLEDGED, ASK_CLOCK, MAKER, choose_format, spot_check, spot_check_framer};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Framed, Framer},
    },
};
use std::time::Duration;

/// How long the answer about the clock may take.
const PATIENCE_ASKING: Duration = Duration::from_secs(5);
/// Between spot checks there may be days: the oximeter is off. This is only how often the link looks in.
const PATIENCE_LISTENING: Duration = Duration::from_secs(3_600);
/// How often a silent oximeter is asked.
const ASKS_MAX: u8 = 3;
/// Data format 13.
const FORMAT: u8 = 13;

/// Where the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was asked this often and has said nothing.
    Asking(u8),
    /// It has spoken, or was asked often enough.
    Listening,
}

/// Waits for spot checks.
pub(crate) struct SpotCheckDialogue {
    framer: Box<dyn Framer>,
    stage: Stage,
    /// Spot checks given and not acknowledged.
    to_acknowledge: usize,
    is_told: bool,
    noise: Noise,
    /// Noise was told of, and is not again before a record came.
    is_noise_told: bool,
}

impl SpotCheckDialogue {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(spot_check_framer()),
            stage: Stage::Asking(0),
            to_acknowledge: 0,
            is_told: false,
            noise: Noise::default(),
            is_noise_told: false,
        }
    }
}

impl Dialogue for SpotCheckDialogue {
    fn start(&mut self) -> Vec<Do> {
        self.stage = Stage::Asking(1);
        vec![Do::Send(ASK_CLOCK.to_vec())]
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        for framed in self.framer.push(bytes) {
            let record = match framed {
                Framed::Record(record) => record,
                Framed::Dropped { bytes, why } => {
                    todo.push(Do::Dropped { bytes, why });
                    if self.noise.is_too_much(bytes, why) && !std::mem::replace(&mut self.is_noise_told, true) {
                        todo.push(Do::Hint(Hint::NotThisProtocol));
                    }
                    continue;
                }
            };
            self.noise.is_over();
            self.is_noise_told = false;
            self.stage = Stage::Listening;
            let clock = spot_check::clock(&record);
            todo.extend(clock.and_then(|clock| clock.stated()).map(Do::Clock));
            if !self.is_told {
                self.is_told = true;
                todo.push(Do::Device { maker: MAKER, model: None, serial: None });
            }
            if clock.is_none() {
                self.to_acknowledge += 1;
                todo.push(Do::Record { kind: FrameKind::NoninDf13, bytes: record });
            }
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        let acknowledged = vec![ACKNOWLEDGED; std::mem::take(&mut self.to_acknowledge)];
        if acknowledged.is_empty() { Vec::new() } else { vec![Do::Send(acknowledged)] }
    }

    fn quiet(&mut self) -> Vec<Do> {
        let mut todo: Vec<Do> =
            self.framer.give_up().map(|framed| Do::with(framed, FrameKind::NoninDf13)).into_iter().collect();
        match self.stage {
            Stage::Asking(asked) if asked < ASKS_MAX => {
                self.stage = Stage::Asking(asked + 1);
                // It may be set to another format, in which it keeps its spot checks to itself.
                todo.push(Do::Send(choose_format(FORMAT).to_vec()));
                todo.push(Do::Send(ASK_CLOCK.to_vec()));
            }
            Stage::Asking(_) => {
                self.stage = Stage::Listening;
                todo.push(Do::Hint(Hint::NothingHeard));
            }
            Stage::Listening => {}
        }
        todo
    }

    fn patience(&self) -> Duration {
        match self.stage {
            Stage::Asking(_) => PATIENCE_ASKING,
            Stage::Listening => PATIENCE_LISTENING,
        }
    }
}

#[cfg(test)]
#[path = "spot_check_dialogue_tests.rs"]
mod tests;
