//! The transfer of all results of a Contour meter.
//!
//! The meter sends ENQ until it hears ACK, then one record a frame, each answered with ACK, or NAK if it was damaged
//! (the meter tries six times). The results stay in the meter. Its maker says that they are not to be used unless the
//! closing record `L|1|N` came: so they are held until then, handed over together, and the closing frame is answered
//! only when all of them are kept.
//!
//! Source: "Bayer Corporation Blood Glucose Meter Computer Interface Specification" 99993952 Rev. C, 6.1.2, 6.1.3.3,
//! 6.1.4.5 and 7.1.

use super::{
    frame::{ACK, ENQ, EOT, NAK},
    framer, record,
};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
    },
};
use std::time::Duration;

const MAKER: &str = "Ascensia";
const KIND: FrameKind = FrameKind::ContourAstm;
/// The meter waits 15 s for an answer and sends ENQ again a second later.
const PATIENCE: Duration = Duration::from_secs(17);
/// Any character but ACK and NAK makes a waiting meter send ENQ within two seconds (section 7.1).
const WAKE: u8 = b'X';
/// How often a silent meter is spoken to.
const ASKS_MAX: u8 = 4;
/// How often a transfer is begun: the meter may sleep through the first ACK, and one that broke off is begun again.
const TRANSFERS_MAX: u8 = 6;
/// The largest memory of these meters holds 2,000 results; twice that is no meter.
const RESULTS_MAX: usize = 4_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the first frame; spoken to this often in silence.
    Waiting(u8),
    /// The number of the last good frame, where there was one.
    Transfer(Option<u8>),
    /// All results were handed over; the closing frame awaits its answer.
    Keeping,
    Over,
}

/// Brings the results of one meter.
pub(crate) struct ContourDialogue {
    framer: Box<dyn Framer>,
    stage: Stage,
    results: Vec<Vec<u8>>,
    /// How many transfers have begun.
    transfers: u8,
    /// How often in a row the meter was asked to repeat in silence.
    silences: u8,
    damaged_frames: usize,
    noise: Noise,
}

impl ContourDialogue {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(framer()),
            stage: Stage::Waiting(0),
            results: Vec::new(),
            transfers: 0,
            silences: 0,
            damaged_frames: 0,
            noise: Noise::default(),
        }
    }

    fn say(byte: u8) -> Do {
        Do::Send(vec![byte])
    }

    fn over(&mut self, hint: Option<Hint>) -> Vec<Do> {
        self.stage = Stage::Over;
        self.results.clear();
        hint.map(Do::Hint).into_iter().chain([Do::Done]).collect()
    }

    /// A single character.
    fn character(&mut self, byte: u8) -> Vec<Do> {
        let talk = Do::Dropped { bytes: 1, why: Dropped::Talk };
        let answer = match (byte, self.stage) {
            (ENQ, Stage::Waiting(_) | Stage::Transfer(_)) => self.begin(),
            (EOT, Stage::Transfer(_)) => self.broke_off(),
            (EOT, Stage::Keeping) => self.over(None),
            (_, Stage::Waiting(_) | Stage::Transfer(_) | Stage::Keeping | Stage::Over) => Vec::new(),
        };
        [talk].into_iter().chain(answer).collect()
    }

    /// The meter asks whether it may send all it has, from the beginning.
    fn begin(&mut self) -> Vec<Do> {
        if self.transfers >= TRANSFERS_MAX {
            return self.give_up();
        }
        self.transfers += 1;
        self.results.clear();
        self.stage = Stage::Transfer(None);
        vec![Self::say(ACK)]
    }

    /// The transfer ended before its closing record: nothing of it may be used.
    fn broke_off(&mut self) -> Vec<Do> {
        self.results.clear();
        if self.transfers >= TRANSFERS_MAX {
            return self.give_up();
        }
        self.stage = Stage::Waiting(0);
        Vec::new()
    }

    fn give_up(&mut self) -> Vec<Do> {
        let hint = if self.damaged_frames > 0 { Hint::LineTooNoisy } else { Hint::BrokeOff };
        self.over(Some(hint))
    }

    fn frame(&mut self, bytes: &[u8]) -> Vec<Do> {
        let Stage::Transfer(last) = self.stage else {
            return vec![Do::Dropped { bytes: bytes.len(), why: Dropped::Talk }];
        };
        let talk = Do::Dropped { bytes: bytes.len(), why: Dropped::Talk };
        let Ok(frame) = super::decode_frame(bytes) else { return vec![talk, Self::say(NAK)] };
        self.silences = 0;
        if last == Some(frame.number) {
            // Sent again because our answer was lost.
            return vec![talk, Self::say(ACK)];
        }
        if frame.number != last.map_or(1, |last| (last + 1) % 8) {
            return vec![talk, Self::say(NAK)];
        }
        self.stage = Stage::Transfer(Some(frame.number));
        match frame.text.as_bytes() {
            [b'H', ..] => [talk, Self::say(ACK)].into_iter().chain(Self::device(&frame.text)).collect(),
            [b'R', ..] => self.result(frame.text, talk),
            [b'L', ..] if frame.is_last && frame.text == "L|1|N" => self.close(talk),
            [b'L', ..] => [talk, Self::say(ACK)].into_iter().chain(self.broke_off()).collect(),
            _ => vec![talk, Self::say(ACK)],
        }
    }

    fn device(header: &str) -> Vec<Do> {
        let Ok(header) = record::decode_header(header) else { return Vec::new() };
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let device = Do::Device { maker: MAKER, model: some(header.product), serial: some(header.serial) };
        header.clock.stated().map(Do::Clock).into_iter().chain([device]).collect()
    }

    /// Averages are the meter's arithmetic, not results; what cannot be read is kept all the same.
    fn result(&mut self, text: String, talk: Do) -> Vec<Do> {
        let is_average = record::decode(text.as_bytes()).is_ok_and(|result| !result.is_measurement());
        if is_average {
            return vec![talk, Self::say(ACK)];
        }
        if self.results.len() >= RESULTS_MAX {
            return self.over(Some(Hint::NotThisProtocol));
        }
        self.results.push(text.into_bytes());
        vec![Self::say(ACK)]
    }

    fn close(&mut self, talk: Do) -> Vec<Do> {
        let results = std::mem::take(&mut self.results);
        self.stage = Stage::Keeping;
        if results.is_empty() {
            return vec![talk, Do::Hint(Hint::NothingStored), Self::say(ACK)];
        }
        [talk].into_iter().chain(results.into_iter().map(|bytes| Do::Record { kind: KIND, bytes })).collect()
    }
}

impl Dialogue for ContourDialogue {
    fn start(&mut self) -> Vec<Do> {
        self.stage = Stage::Waiting(1);
        vec![Self::say(WAKE)]
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        let mut is_too_noisy = false;
        for framed in self.framer.push(bytes) {
            match framed {
                Framed::Record(record) => todo.extend(match record.as_slice() {
                    // In noise there are single characters too: they end no noise.
                    [character] => self.character(*character),
                    frame => {
                        self.noise.is_over();
                        self.frame(frame)
                    }
                }),
                Framed::Dropped { bytes, why } => {
                    todo.push(Do::Dropped { bytes, why });
                    is_too_noisy = self.noise.is_too_much(bytes, why);
                    let is_damaged_frame = matches!(why, Dropped::ChecksumWrong | Dropped::CutShort);
                    if is_damaged_frame && matches!(self.stage, Stage::Transfer(_)) {
                        self.damaged_frames += 1;
                        todo.push(Self::say(NAK));
                    }
                }
            }
        }
        if is_too_noisy && matches!(self.stage, Stage::Waiting(_) | Stage::Transfer(_)) {
            todo.extend(self.over(Some(Hint::NotThisProtocol)));
        }
        todo
    }

    fn kept(&mut self) -> Vec<Do> {
        if self.stage == Stage::Keeping { vec![Self::say(ACK)] } else { Vec::new() }
    }

    fn quiet(&mut self) -> Vec<Do> {
        let mut todo: Vec<Do> = self.framer.give_up().map(|framed| Do::with(framed, KIND)).into_iter().collect();
        match self.stage {
            Stage::Waiting(asked) if asked < ASKS_MAX => {
                self.stage = Stage::Waiting(asked + 1);
                todo.push(Self::say(WAKE));
            }
            Stage::Waiting(_) if self.transfers > 0 => todo.extend(self.give_up()),
            Stage::Waiting(_) => todo.extend(self.over(Some(Hint::NothingHeard))),
            Stage::Transfer(_) if self.silences < ASKS_MAX => {
                self.silences += 1;
                todo.push(Self::say(NAK));
            }
            Stage::Transfer(_) => todo.extend(self.give_up()),
            // The meter does not always say EOT; all is kept.
            Stage::Keeping => todo.extend(self.over(None)),
            Stage::Over => {}
        }
        todo
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

#[cfg(test)]
#[path = "dialogue_tests.rs"]
mod tests;
