//! Puts the service's prompts before people: one instruction at a time for each person, the most urgent first.
//!
//! Invariants: an older reading's prompt never takes the place of a newer and more urgent one; words for a person go
//! to the screen only, never to the log.

use crate::uplink::hello::Connection;
use chrono::{DateTime, TimeDelta, Utc};
use std::{cmp::Reverse, collections::BTreeMap, fmt};
use vitals::{PatientId, ReadingId, wire::v1::Urgency};

/// A prompt repeated this long after its reading was first sent is no longer shown: it was decided for another moment.
/// The service has already put the alert before a person.
pub const PROMPT_STANDS_FOR: TimeDelta = TimeDelta::minutes(30);

/// One plain instruction for one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Whom it is for.
    pub patient: PatientId,
    /// How urgent.
    pub urgency: Urgency,
    /// The words, in plain English.
    pub text: String,
    /// The reading that led to it.
    pub reading: ReadingId,
    /// When that reading was taken, or heard where that is not known.
    pub moment: DateTime<Utc>,
}

/// Debug shows no words: they tell about a person's health.
impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instruction")
            .field("patient", &self.patient)
            .field("urgency", &self.urgency)
            .field("reading", &self.reading)
            .finish()
    }
}

/// Where a person sees their instruction. A new one replaces the person's last.
pub trait Screen: Send + Sync {
    /// Shows an instruction.
    fn show(&self, instruction: &Instruction);

    /// Shows whether the service hears this hub, whenever that changes. A screen without a place for it shows nothing.
    fn show_connection(&self, _connection: Connection) {}
}

/// Why a prompt was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// Another prompt of the same receipt is more urgent for this person.
    LessUrgent,
    /// The person's instruction comes from a newer reading and is more urgent.
    OlderReading,
    /// The service repeated what it decided too long ago.
    TooLongAgo,
    /// The reading is nobody's yet.
    NobodyToTell,
}

/// What each person was last told.
#[derive(Debug, Default)]
pub(crate) struct Board(BTreeMap<PatientId, (Urgency, DateTime<Utc>)>);

/// What to do with the prompts of one receipt.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Showing {
    /// To show, most urgent first, at most one for each person.
    pub(crate) show: Vec<Instruction>,
    /// Not to show, and why.
    pub(crate) withhold: Vec<(Instruction, Withheld)>,
}

impl Board {
    /// Chooses among the prompts of one receipt, and remembers what is shown.
    pub(crate) fn choose(&mut self, mut prompts: Vec<Instruction>) -> Showing {
        // Most urgent first; of equals the newest reading's.
        prompts.sort_by_key(|prompt| Reverse((prompt.urgency, prompt.moment)));
        let mut showing = Showing::default();
        for prompt in prompts {
            let is_second = showing.show.iter().any(|shown| shown.patient == prompt.patient);
            let outranks = self
                .0
                .get(&prompt.patient)
                .is_none_or(|(urgency, moment)| prompt.urgency >= *urgency || prompt.moment > *moment);
            if is_second {
                showing.withhold.push((prompt, Withheld::LessUrgent));
            } else if outranks {
                self.0.insert(prompt.patient.clone(), (prompt.urgency, prompt.moment));
                showing.show.push(prompt);
            } else {
                showing.withhold.push((prompt, Withheld::OlderReading));
            }
        }
        showing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Urgency::{ActNow, AsPlanned, CheckAgain};

    fn prompt(patient: &str, urgency: Urgency, minute: i64) -> Instruction {
        Instruction {
            patient: PatientId::parse(patient).unwrap(),
            urgency,
            text: format!("{urgency:?}"),
            reading: ReadingId::from_bytes([u8::try_from(minute).unwrap(); 16]),
            moment: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
        }
    }

    #[test]
    fn one_instruction_for_each_person_the_most_urgent_first() {
        let mut board = Board::default();
        let showing =
            board.choose(vec![prompt("pt-a", CheckAgain, 1), prompt("pt-b", AsPlanned, 1), prompt("pt-a", ActNow, 0)]);
        assert_eq!(showing.show, [prompt("pt-a", ActNow, 0), prompt("pt-b", AsPlanned, 1)]);
        assert_eq!(showing.withhold, [(prompt("pt-a", CheckAgain, 1), Withheld::LessUrgent)]);
    }

    #[test]
    fn a_newer_reading_replaces_and_an_older_one_only_if_as_urgent() {
        let mut board = Board::default();
        for (next, is_shown) in [
            (prompt("pt-a", ActNow, 10), true),
            (prompt("pt-a", CheckAgain, 5), false),
            (prompt("pt-a", ActNow, 5), true),
            (prompt("pt-a", AsPlanned, 20), true),
            (prompt("pt-a", CheckAgain, 15), true),
        ] {
            assert_eq!(board.choose(vec![next.clone()]).show.len() == 1, is_shown, "{next:?}");
        }
    }
}
