//! The conversation with a FreeStyle Optium: one command, `$xmem`, and its answer. The meter cannot be made to forget.
//!
//! The answer: an empty line, serial number, software version, clock, number of results (or `Log Empty`), the results,
//! and a line with the 16-bit sum of all before it and `END`. Results are handed over only when the sum holds. The
//! first command is sometimes ignored or echoed. Sources: glucometer-protocols `abbott/freestyle-optium.md`;
//! glucometerutils `drivers/fsoptium.py`; tidepool-org/uploader `abbottPrecisionXtra.js`, which also tells of an STX
//! before the answer. Whether the sum includes that STX has no public proof, so both are taken.

use super::{framer, record};
use crate::{
    FrameKind,
    serial::{
        checksum::sum16,
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
        text,
    },
};
use std::time::Duration;

const MAKER: &str = "Abbott";
const MODEL: &str = "FreeStyle Optium";
const KIND: FrameKind = FrameKind::FreestyleOptium;
const ASK: &[u8] = b"$xmem\r\n";
const PATIENCE: Duration = Duration::from_secs(4);
const ASKS_MAX: u8 = 4;
/// The meter stores 450 results; more than twice that is no such meter.
const LINES_MAX: usize = 1_000;
/// The STX that may stand before the answer.
const STX: u16 = 0x02;
/// Serial number, version, clock and number of results.
const HEADER_LINES: usize = 4;

/// Brings the results of one meter.
pub(crate) struct OptiumDialogue {
    framer: Box<dyn Framer>,
    asked: u8,
    /// The lines of the answer that is coming in, without their ends.
    lines: Vec<String>,
    sum: u16,
    is_damaged: bool,
    is_over: bool,
    noise: Noise,
}

impl OptiumDialogue {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(framer()),
            asked: 0,
            lines: Vec::new(),
            sum: 0,
            is_damaged: false,
            is_over: false,
            noise: Noise::default(),
        }
    }

    fn ask(&mut self) -> Vec<Do> {
        self.asked += 1;
        self.noise.is_over();
        self.lines.clear();
        self.sum = 0;
        vec![Do::Send(ASK.to_vec())]
    }

    fn over(&mut self, hint: Option<Hint>) -> Vec<Do> {
        self.is_over = true;
        self.lines.clear();
        hint.map(Do::Hint).into_iter().chain([Do::Done]).collect()
    }

    fn again(&mut self) -> Vec<Do> {
        if self.asked < ASKS_MAX {
            return self.ask();
        }
        let hint = match (self.is_damaged, self.lines.is_empty()) {
            (true, _) => Hint::LineTooNoisy,
            (false, false) => Hint::BrokeOff,
            (false, true) => Hint::NothingHeard,
        };
        self.over(Some(hint))
    }

    fn take(&mut self, bytes: &[u8]) -> Vec<Do> {
        let talk = Do::Dropped { bytes: bytes.len(), why: Dropped::Talk };
        if self.is_over {
            return vec![talk];
        }
        let line = text::line(bytes, "a line").unwrap_or_default();
        if let Some(told) = line.strip_suffix("  END") {
            let is_whole = self.is_sum(told);
            let answer = if is_whole { self.deliver() } else { self.damaged() };
            return [talk].into_iter().chain(answer).collect();
        }
        // Its own command, echoed, is not part of the answer.
        if line.starts_with('$') {
            return vec![talk];
        }
        self.sum = self.sum.wrapping_add(sum16(bytes));
        if !line.is_empty() {
            self.lines.push(line.to_owned());
        }
        if self.lines.len() > LINES_MAX {
            return [talk].into_iter().chain(self.over(Some(Hint::NotThisProtocol))).collect();
        }
        vec![talk]
    }

    fn is_sum(&self, told: &str) -> bool {
        let sum = told.strip_prefix("0x").and_then(|digits| text::hexadecimal(digits, "the sum").ok());
        sum.is_some_and(|sum| [self.sum, self.sum.wrapping_add(STX)].into_iter().any(|own| u32::from(own) == sum))
    }

    fn damaged(&mut self) -> Vec<Do> {
        self.is_damaged = true;
        self.again()
    }

    /// The answer is whole: who sent it, and its results.
    fn deliver(&mut self) -> Vec<Do> {
        let lines = std::mem::take(&mut self.lines);
        let [serial, _version, clock, count] =
            lines.first_chunk::<HEADER_LINES>().map(|header| header.each_ref().map(String::as_str)).unwrap_or_default();
        let results = lines.get(HEADER_LINES..).unwrap_or_default();
        let told = text::whole::<usize>(count, "the number of results").unwrap_or(0);
        if told != results.len() {
            return self.damaged();
        }
        let serial = Some(serial.to_owned()).filter(|serial| !serial.is_empty());
        let clock = record::memory_clock(clock).and_then(|clock| clock.stated()).map(Do::Clock);
        let mut todo: Vec<Do> = clock.into_iter().collect();
        todo.push(Do::Device { maker: MAKER, model: Some(MODEL.to_owned()), serial });
        todo.extend(results.iter().map(|line| Do::Record { kind: KIND, bytes: format!("{line}\r\n").into_bytes() }));
        todo.extend(self.over(results.is_empty().then_some(Hint::NothingStored)));
        todo
    }
}

impl Dialogue for OptiumDialogue {
    fn start(&mut self) -> Vec<Do> {
        self.ask()
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        for framed in self.framer.push(bytes) {
            match framed {
                // Short pieces of noise may look like lines, so a line ends no noise; an answer does.
                Framed::Record(line) => todo.extend(self.take(&line)),
                Framed::Dropped { bytes, why } => {
                    todo.push(Do::Dropped { bytes, why });
                    if self.noise.is_too_much(bytes, why) && !self.is_over {
                        todo.extend(self.over(Some(Hint::NotThisProtocol)));
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
        if !self.is_over {
            todo.extend(self.again());
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
