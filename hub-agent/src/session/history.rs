//! Asking a meter or sensor for the records it stored: everything after the last that was kept, and all of it where the
//! device counts anew.
//!
//! Source: Glucose Service 1.0.1, section 3.4 and CGM Service 1.0.2, section 3.8 (Record Access Control Point).
//! A meter's numbers begin again when it loses its memory (Glucose Service 1.0.1, 3.1.1.2), and may since have passed the
//! last that was kept. So that one is asked for again, and where another record stands in its place, all of them.
//! Invariants: nothing is ever deleted from a device; every question is asked at most once a connection, so an answer
//! that makes no sense cannot make a loop.

use crate::link::Look;
use device_codecs::{
    FrameKind,
    gatt::record_access::{self, Answer, Command, Filter, Records},
};

/// Response codes of the control point.
const SUCCESS: u8 = 1;
const OPCODE_NOT_SUPPORTED: u8 = 2;
const OPERATOR_NOT_SUPPORTED: u8 = 4;
const NO_RECORDS: u8 = 6;
const OPERAND_NOT_SUPPORTED: u8 = 9;

/// What was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Records with this number and above.
    From(u16),
    /// Every record.
    All,
    /// The newest record: is its number below the last that was kept, the device counts anew.
    Newest,
    /// To stop.
    Abort,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Write this to the control point.
    Write(Vec<u8>),
    /// Nothing now: records or the answer are still to come.
    Wait,
    /// All is asked for and came.
    Done,
    /// The device did not go through with it.
    Failed(&'static str),
}

/// A record by its number, and what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Last {
    pub(super) number: u16,
    pub(super) look: Option<Look>,
}

/// The asking of one kind of record at one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct History {
    kind: FrameKind,
    last_kept: Option<Last>,
    /// The highest of those told here.
    highest: Option<Last>,
    /// Another record stands in the place of the last that was kept.
    is_reset: bool,
    asked: Asked,
}

impl History {
    /// Begins: with the last kept record of the device's present count, after it where its look is not known, or with all.
    pub(super) fn new(kind: FrameKind, last_kept: Option<Last>) -> (Self, Vec<u8>) {
        let from = last_kept.and_then(|last| match last.look {
            Some(_) => Some(last.number),
            None => last.number.checked_add(1),
        });
        let asked = from.map_or(Asked::All, Asked::From);
        let history = Self { kind, last_kept, highest: None, is_reset: false, asked };
        let command = history.command();
        (history, command)
    }

    /// The kind of record.
    pub(super) fn kind(&self) -> FrameKind {
        self.kind
    }

    /// Up to where the memory was told, once the device says that it has told everything; `None` where nothing was.
    pub(super) fn told_up_to(&self) -> Option<Last> {
        self.highest
    }

    fn command(&self) -> Vec<u8> {
        record_access::encode(match self.asked {
            Asked::From(from) => Command::Report(Records::From(Filter::Number(from))),
            Asked::All => Command::Report(Records::All),
            Asked::Newest => Command::Report(Records::Last),
            Asked::Abort => Command::Abort,
        })
    }

    fn ask(&mut self, asked: Asked) -> Next {
        self.asked = asked;
        Next::Write(self.command())
    }

    /// Takes a record of this kind; says whether it is one to hand over. The last that was kept is not, where it is still
    /// there: it was asked for only to see that.
    pub(super) fn hears(&mut self, bytes: &[u8]) -> bool {
        let Some(number) = number(self.kind, bytes) else { return true };
        let told = Last { number, look: Some(Look::of(bytes)) };
        if let Some(last) = self.last_kept.filter(|_| self.asked != Asked::All) {
            let is_same = number == last.number && (last.look.is_none() || last.look == told.look);
            self.is_reset |= number < last.number || number == last.number && !is_same;
            if is_same {
                return false;
            }
        }
        if self.highest.is_none_or(|highest| number >= highest.number) {
            self.highest = Some(told);
        }
        true
    }

    /// Takes what the control point answers.
    pub(super) fn answer(&mut self, bytes: &[u8]) -> Next {
        let code = match record_access::decode(bytes) {
            Ok(Answer::Done { code, .. }) => code,
            Ok(Answer::Count(_)) => return Next::Wait,
            Err(_) => return Next::Failed("malformed_answer"),
        };
        match (self.asked, code) {
            (Asked::Abort, _) => Next::Failed("time_limit"),
            (Asked::Newest | Asked::From(_), SUCCESS) if self.is_reset => {
                self.highest = None;
                self.ask(Asked::All)
            }
            (Asked::From(_) | Asked::All | Asked::Newest, SUCCESS) => Next::Done,
            (Asked::From(_), NO_RECORDS) => self.ask(Asked::Newest),
            // An empty memory, or one that cannot name its newest record.
            (Asked::All, NO_RECORDS) | (Asked::Newest, _) => Next::Done,
            (Asked::From(_), OPCODE_NOT_SUPPORTED | OPERATOR_NOT_SUPPORTED | OPERAND_NOT_SUPPORTED) => {
                self.ask(Asked::All)
            }
            (Asked::From(_) | Asked::All, _) => Next::Failed("refused"),
        }
    }

    /// Nothing came for too long: stop it, or give up.
    pub(super) fn quiet(&mut self) -> Next {
        match self.asked {
            Asked::Abort => Next::Failed("time_limit"),
            Asked::From(_) | Asked::All | Asked::Newest => self.ask(Asked::Abort),
        }
    }
}

/// A record's own number: sequence number (2A18, after the flags), or minutes since the session began (2AA7, after size,
/// flags and concentration).
fn number(kind: FrameKind, bytes: &[u8]) -> Option<u16> {
    match (kind, bytes) {
        (FrameKind::Glucose, [_, low, high, ..]) | (FrameKind::Cgm, [_, _, _, _, low, high, ..]) => {
            Some(u16::from_le_bytes([*low, *high]))
        }
        _ => None,
    }
}
