//! The conversation with a OneTouch UltraEasy: question by question, each answer acknowledged, the next record asked
//! for once the last is kept. Reading erases nothing; the command that does (05 1A) is deliberately absent.
//!
//! Both sides number their packets with one bit. The hub ends any old conversation first, which sets both numbers to
//! nought; a question is acknowledged, then answered, and the answer acknowledged. Source: glucometers-tech/
//! glucometerutils `drivers/otultraeasy.py`.

use super::{
    MAKER,
    ultraeasy::{self, Link, LinkPacket, decode_packet, encode_packet},
    ultraeasy_framer,
};
use crate::{
    FrameKind,
    serial::{
        dialogue::{Dialogue, Do, Hint, Noise},
        framer::{Dropped, Framed, Framer},
    },
};
use std::time::Duration;

const KIND: FrameKind = FrameKind::LifescanUltraEasy;
const MODEL: &str = "OneTouch UltraEasy";
/// The meter answers within half a second.
const PATIENCE: Duration = Duration::from_secs(2);
const ASKS_MAX: u8 = 4;
/// A number of record that no meter has: the answer is how many there are.
const HOW_MANY: u16 = 501;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// End any old conversation.
    End,
    Clock,
    Serial,
    Count,
    /// This record, of so many.
    Record(u16, u16),
}

impl Question {
    fn message(self) -> Vec<u8> {
        let record = |number: u16| [[0x05, 0x1f], number.to_le_bytes()].concat();
        match self {
            Self::End => Vec::new(),
            Self::Serial => [[0x05, 0x0b, 0x02].as_slice(), &[0; 9]].concat(),
            Self::Clock => vec![0x05, 0x20, 0x02, 0, 0, 0, 0],
            Self::Count => record(HOW_MANY),
            Self::Record(number, _) => record(number),
        }
    }
}

/// Brings the records of one meter.
pub(crate) struct UltraEasyDialogue {
    framer: Box<dyn Framer>,
    question: Question,
    asked: u8,
    /// The number of the hub's next packet.
    number: bool,
    /// The number of the meter's next packet.
    expected: bool,
    /// The last question, as it went out: it goes out again the same.
    sent: Vec<u8>,
    /// A record was given and is not kept yet.
    is_keeping: bool,
    is_over: bool,
    noise: Noise,
}

impl UltraEasyDialogue {
    pub(crate) fn new() -> Self {
        Self {
            framer: Box::new(ultraeasy_framer()),
            question: Question::End,
            asked: 0,
            number: false,
            expected: false,
            sent: Vec::new(),
            is_keeping: false,
            is_over: false,
            noise: Noise::default(),
        }
    }

    fn ask(&mut self, question: Question) -> Do {
        let link =
            Link { number: self.number, expected: self.expected, ends: question == Question::End, ..Link::default() };
        self.question = question;
        self.asked = 1;
        // No question is as long as a packet may be.
        self.sent = encode_packet(link, &question.message()).unwrap_or_default();
        if question != Question::End {
            self.number = !self.number;
        }
        Do::Send(self.sent.clone())
    }

    fn acknowledge(&self) -> Do {
        let link = Link { number: self.number, expected: self.expected, acknowledges: true, ..Link::default() };
        Do::Send(encode_packet(link, &[]).unwrap_or_default())
    }

    /// Says goodbye, so that the meter's display leaves the conversation, and ends.
    fn over(&mut self, hint: Option<Hint>) -> Vec<Do> {
        self.is_over = true;
        let goodbye = encode_packet(Link { ends: true, ..Link::default() }, &[]).unwrap_or_default();
        [Do::Send(goodbye)].into_iter().chain(hint.map(Do::Hint)).chain([Do::Done]).collect()
    }

    fn take(&mut self, bytes: Vec<u8>, packet: &LinkPacket) -> Vec<Do> {
        let talk = Do::Dropped { bytes: bytes.len(), why: Dropped::Talk };
        if packet.link.ends {
            if self.question != Question::End || self.is_over {
                return vec![talk];
            }
            (self.number, self.expected) = (false, false);
            return vec![talk, self.ask(Question::Clock)];
        }
        if packet.message.is_empty() || self.question == Question::End || self.is_over {
            return vec![talk];
        }
        if packet.link.number != self.expected {
            // An answer sent again because our acknowledgement was lost.
            return vec![talk, self.acknowledge()];
        }
        if self.is_keeping {
            return vec![talk];
        }
        self.answer(bytes, packet, talk)
    }

    fn answer(&mut self, bytes: Vec<u8>, packet: &LinkPacket, talk: Do) -> Vec<Do> {
        match self.question {
            Question::Serial => {
                let serial = match packet.message.as_slice() {
                    [0x05, 0x06, serial @ ..] => std::str::from_utf8(serial).ok(),
                    _ => None,
                };
                let serial =
                    serial.map(|text| text.trim_matches('\0').trim().to_owned()).filter(|text| !text.is_empty());
                let device = Do::Device { maker: MAKER, model: Some(MODEL.to_owned()), serial };
                [talk, device].into_iter().chain(self.next(Question::Count)).collect()
            }
            Question::Clock => {
                let seconds = ultraeasy::answer(&packet.message).and_then(|mut cursor| cursor.long_word("the clock"));
                let clock = seconds.ok().and_then(|seconds| ultraeasy::clock(seconds).stated()).map(Do::Clock);
                [talk].into_iter().chain(clock).chain(self.next(Question::Serial)).collect()
            }
            Question::Count => match packet.message.as_slice() {
                [0x05, 0x0f, low, high] => match u16::from_le_bytes([*low, *high]) {
                    0 => {
                        let last = self.acknowledge_answer();
                        [talk, last].into_iter().chain(self.over(Some(Hint::NothingStored))).collect()
                    }
                    count => [talk].into_iter().chain(self.next(Question::Record(0, count))).collect(),
                },
                _ => vec![talk],
            },
            Question::Record(..) => {
                self.is_keeping = true;
                vec![Do::Record { kind: KIND, bytes }]
            }
            Question::End => vec![talk],
        }
    }

    fn acknowledge_answer(&mut self) -> Do {
        self.expected = !self.expected;
        self.acknowledge()
    }

    fn next(&mut self, question: Question) -> [Do; 2] {
        [self.acknowledge_answer(), self.ask(question)]
    }
}

impl Dialogue for UltraEasyDialogue {
    fn start(&mut self) -> Vec<Do> {
        vec![self.ask(Question::End)]
    }

    fn hear(&mut self, bytes: &[u8]) -> Vec<Do> {
        let mut todo = Vec::new();
        for framed in self.framer.push(bytes) {
            match framed {
                Framed::Record(record) => match decode_packet(&record) {
                    Ok(packet) => {
                        self.noise.is_over();
                        todo.extend(self.take(record, &packet));
                    }
                    Err(_) => todo.push(Do::Dropped { bytes: record.len(), why: Dropped::OutOfStep }),
                },
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
        let Question::Record(number, count) = self.question else { return Vec::new() };
        if !std::mem::replace(&mut self.is_keeping, false) || self.is_over {
            return Vec::new();
        }
        if number + 1 < count {
            self.next(Question::Record(number + 1, count)).to_vec()
        } else {
            let last = self.acknowledge_answer();
            [last].into_iter().chain(self.over(None)).collect()
        }
    }

    fn quiet(&mut self) -> Vec<Do> {
        let mut todo: Vec<Do> = self.framer.give_up().map(|framed| Do::with(framed, KIND)).into_iter().collect();
        if self.is_over || self.is_keeping {
            return todo;
        }
        if self.asked < ASKS_MAX {
            self.asked += 1;
            todo.push(Do::Send(self.sent.clone()));
        } else {
            let hint = if self.question == Question::End { Hint::NothingHeard } else { Hint::BrokeOff };
            todo.extend(self.over(Some(hint)));
        }
        todo
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

#[cfg(test)]
#[path = "ultraeasy_dialogue_tests.rs"]
mod tests;
