//! The history checker: whether everything acknowledged is there, once, whatever was killed, cut or raced.
//!
//! A test writes down what it asked for and what it was told, in the order it happened ([`History`]), then looks at the
//! store and asks [`History::judge`]. Kills, power cuts and simulations share it, so that "nothing acknowledged is lost"
//! means the same in each. After the words of Jepsen: *invoke*, then *ok*, *fail* or *unknown*.
//!
//! | what was told | what the store must hold |
//! |---|---|
//! | ok (stored, unassigned, duplicate, conflict) | the reading, exactly once |
//! | ok (rejected), fail | nothing, unless another attempt was ok or unknown |
//! | unknown, or never answered | the reading once, or nothing |
//! | nothing was ever asked | nothing: a ghost is an error |
//!
//! "Fail" is only for what certainly did not happen (a refused connection, a 4xx). A broken connection, a 5xx and a
//! timeout are "unknown": to call them "fail" would turn a kept reading into a false alarm.
//!
//! ```
//! use harness::history::History;
//! use vitals::ReadingId;
//! let [kept, cut] = [b"kept", b"cut!"].map(|name| ReadingId::derive(&[name]));
//! let mut history = History::default();
//! history.invoke(0, kept);
//! history.ok(0, kept, None);
//! history.invoke(0, cut);
//! history.unknown(0, cut);
//! assert!(history.judge(&[(kept, 1)]).holds());
//! assert!(history.judge(&[(kept, 1), (cut, 1)]).holds(), "an unknown reading may be there");
//! assert_eq!(history.judge(&[(cut, 1)]).lost, [kept]);
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use vitals::{ReadingId, wire::v1::Outcome};

/// Who asked: a hub, a thread, a client. One process has at most one attempt open for each reading.
pub type Process = u32;

/// What happened at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The reading was sent.
    Invoke,
    /// It was acknowledged, with this outcome where the answer told one.
    Ok(Option<Outcome>),
    /// It certainly did not happen.
    Fail,
    /// Nobody can tell.
    Unknown,
}

/// One line of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Who asked.
    pub process: Process,
    /// About which reading.
    pub reading: ReadingId,
    /// What happened.
    pub moment: Moment,
}

/// What a test asked for and was told, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    events: Vec<Event>,
}

/// What the checker found. Counts describe; every list must be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Readings sent at least once.
    pub invoked: usize,
    /// Readings acknowledged at least once.
    pub acked: usize,
    /// Readings never acknowledged, of unknown fate, that are there.
    pub unknown_present: usize,
    /// Readings never acknowledged, of unknown fate, that are not there.
    pub unknown_absent: usize,
    /// Readings that certainly did not happen, and are not there.
    pub refused: usize,
    /// Acknowledged and not there.
    pub lost: Vec<ReadingId>,
    /// There more than once.
    pub duplicated: Vec<ReadingId>,
    /// There, and never sent.
    pub ghosts: Vec<ReadingId>,
    /// There, although every attempt certainly failed.
    pub failed_but_present: Vec<ReadingId>,
    /// Answered "stored" twice: in between, the store did not know what it had.
    pub stored_twice: Vec<ReadingId>,
    /// An answer without a question, or a question before the answer to the last: the test itself is wrong.
    pub out_of_order: Vec<ReadingId>,
}

/// What the history says about one reading.
#[derive(Default)]
struct Told {
    open: BTreeSet<Process>,
    was_acked: bool,
    is_unknown: bool,
    stored: usize,
    is_out_of_order: bool,
}

impl History {
    /// The reading is being sent.
    pub fn invoke(&mut self, process: Process, reading: ReadingId) {
        self.events.push(Event { process, reading, moment: Moment::Invoke });
    }

    /// It was acknowledged.
    pub fn ok(&mut self, process: Process, reading: ReadingId, outcome: Option<Outcome>) {
        self.events.push(Event { process, reading, moment: Moment::Ok(outcome) });
    }

    /// It certainly did not happen.
    pub fn fail(&mut self, process: Process, reading: ReadingId) {
        self.events.push(Event { process, reading, moment: Moment::Fail });
    }

    /// Nobody can tell.
    pub fn unknown(&mut self, process: Process, reading: ReadingId) {
        self.events.push(Event { process, reading, moment: Moment::Unknown });
    }

    /// Every line, in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many acknowledgements were received so far: where in a run a kill fell.
    #[must_use]
    pub fn acknowledgements(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.moment, Moment::Ok(_))).count()
    }

    /// Sets the history beside the store: how often each reading is in it, in any order.
    #[must_use]
    pub fn judge(&self, present: &[(ReadingId, usize)]) -> Verdict {
        let told = self.told();
        let mut counts: BTreeMap<ReadingId, usize> = BTreeMap::new();
        for (reading, count) in present {
            *counts.entry(*reading).or_default() += count;
        }
        let mut verdict = Verdict { invoked: told.len(), ..Verdict::default() };
        for (reading, told) in &told {
            verdict.take(*reading, told, counts.get(reading).copied().unwrap_or(0));
        }
        verdict.ghosts =
            counts.into_iter().filter(|(id, count)| *count > 0 && !told.contains_key(id)).map(|(id, _)| id).collect();
        verdict
    }

    fn told(&self) -> BTreeMap<ReadingId, Told> {
        let mut all: BTreeMap<ReadingId, Told> = BTreeMap::new();
        for event in &self.events {
            let told = all.entry(event.reading).or_default();
            let was_open = match event.moment {
                Moment::Invoke => told.open.insert(event.process),
                Moment::Ok(_) | Moment::Fail | Moment::Unknown => told.open.remove(&event.process),
            };
            told.is_out_of_order |= !was_open;
            match event.moment {
                Moment::Invoke | Moment::Fail | Moment::Ok(Some(Outcome::Rejected)) => {}
                Moment::Unknown => told.is_unknown = true,
                Moment::Ok(outcome) => {
                    told.was_acked = true;
                    told.stored += usize::from(outcome == Some(Outcome::Stored));
                }
            }
        }
        for told in all.values_mut() {
            // A question that was never answered.
            told.is_unknown |= !told.open.is_empty();
        }
        all
    }
}

impl Verdict {
    fn take(&mut self, reading: ReadingId, told: &Told, count: usize) {
        if count > 1 {
            self.duplicated.push(reading);
        }
        if told.stored > 1 {
            self.stored_twice.push(reading);
        }
        if told.is_out_of_order {
            self.out_of_order.push(reading);
        }
        if told.was_acked {
            self.acked += 1;
        }
        match (told.was_acked, told.is_unknown, count > 0) {
            (true, _, true) => {}
            (true, _, false) => self.lost.push(reading),
            (false, true, true) => self.unknown_present += 1,
            (false, true, false) => self.unknown_absent += 1,
            (false, false, true) => self.failed_but_present.push(reading),
            (false, false, false) => self.refused += 1,
        }
    }

    /// Every promise kept: nothing lost, nothing twice, nothing from nowhere.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken().iter().all(|(_, readings)| readings.is_empty())
    }

    fn broken(&self) -> [(&'static str, &[ReadingId]); 6] {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("ghosts", &self.ghosts),
            ("failed but present", &self.failed_but_present),
            ("stored twice", &self.stored_twice),
            ("out of order", &self.out_of_order),
        ]
    }
}

/// One line of counts, then a line for each broken promise with the readings it was broken for.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invoked, acked, unknown_present, unknown_absent, refused, .. } = self;
        write!(f, "{invoked} sent, {acked} acknowledged, {refused} refused, ")?;
        write!(f, "{unknown_present} unknown and present, {unknown_absent} unknown and absent")?;
        for (name, readings) in self.broken() {
            if !readings.is_empty() {
                write!(f, "\n{name} {}: {readings:?}", readings.len())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> ReadingId {
        ReadingId::derive(&[&[number]])
    }

    /// Ten readings, each acknowledged by process 0.
    fn ten_acknowledged() -> History {
        let mut history = History::default();
        for reading in (0..10).map(id) {
            history.invoke(0, reading);
            history.ok(0, reading, Some(Outcome::Stored));
        }
        history
    }

    fn once(numbers: impl IntoIterator<Item = u8>) -> Vec<(ReadingId, usize)> {
        numbers.into_iter().map(|number| (id(number), 1)).collect()
    }

    #[test]
    fn all_acknowledged_and_all_there_once_holds() {
        let history = ten_acknowledged();
        let verdict = history.judge(&once(0..10));
        assert!(verdict.holds(), "{verdict}");
        assert_eq!((verdict.invoked, verdict.acked, history.acknowledgements()), (10, 10, 10));
        assert_eq!(
            verdict.to_string(),
            "10 sent, 10 acknowledged, 0 refused, 0 unknown and present, 0 unknown and absent"
        );
    }

    #[test]
    fn a_planted_loss_is_found_and_named() {
        let verdict = ten_acknowledged().judge(&once((0..10).filter(|number| *number != 7)));
        assert!(!verdict.holds());
        assert_eq!(verdict, Verdict { invoked: 10, acked: 10, lost: vec![id(7)], ..Verdict::default() });
        assert!(verdict.to_string().contains(&format!("lost 1: [{}]", id(7))), "{verdict}");
    }

    #[test]
    fn a_planted_duplicate_is_found_as_a_count_and_as_two_rows() {
        for mut present in [vec![(id(3), 1)], vec![(id(3), 0), (id(3), 1)]] {
            present.extend(once(0..10));
            let verdict = ten_acknowledged().judge(&present);
            assert!(!verdict.holds());
            assert_eq!(verdict.duplicated, [id(3)]);
        }
    }

    #[test]
    fn a_planted_ghost_is_found() {
        let verdict = ten_acknowledged().judge(&once(0..11));
        assert!(!verdict.holds());
        assert_eq!(verdict.ghosts, [id(10)]);
    }

    #[test]
    fn an_unknown_reading_may_be_there_or_not_but_never_twice() {
        let mut history = History::default();
        history.invoke(0, id(1));
        history.unknown(0, id(1));
        // Sent, and the process was killed before any answer.
        history.invoke(1, id(2));
        for (present, expected) in [(once([]), (0, 2)), (once([1]), (1, 1)), (once([1, 2]), (2, 0))] {
            let verdict = history.judge(&present);
            assert!(verdict.holds(), "{verdict}");
            assert_eq!((verdict.unknown_present, verdict.unknown_absent), expected);
        }
        assert!(!history.judge(&[(id(1), 2)]).holds());
    }

    #[test]
    fn a_failed_reading_is_absent_unless_another_attempt_may_have_reached_the_store() {
        let mut history = History::default();
        history.invoke(0, id(1));
        history.fail(0, id(1));
        assert!(history.judge(&once([])).holds());
        assert_eq!(history.judge(&once([1])).failed_but_present, [id(1)]);

        history.invoke(1, id(1));
        history.unknown(1, id(1));
        assert!(history.judge(&once([])).holds());
        assert!(history.judge(&once([1])).holds());

        history.invoke(0, id(1));
        history.ok(0, id(1), Some(Outcome::Duplicate));
        assert!(history.judge(&once([1])).holds());
        assert_eq!(history.judge(&once([])).lost, [id(1)], "an acknowledgement outlives every later attempt");
    }

    #[test]
    fn a_rejected_reading_is_not_in_the_store() {
        let mut history = History::default();
        history.invoke(0, id(1));
        history.ok(0, id(1), Some(Outcome::Rejected));
        assert!(history.judge(&once([])).holds());
        assert_eq!(history.judge(&once([1])).failed_but_present, [id(1)]);
    }

    #[test]
    fn stored_said_twice_is_a_store_that_forgot() {
        let mut history = ten_acknowledged();
        history.invoke(1, id(4));
        history.ok(1, id(4), Some(Outcome::Duplicate));
        assert!(history.judge(&once(0..10)).holds());
        history.invoke(1, id(4));
        history.ok(1, id(4), Some(Outcome::Stored));
        assert_eq!(history.judge(&once(0..10)).stored_twice, [id(4)]);
    }

    #[test]
    fn a_history_that_cannot_have_happened_is_refused() {
        let mut unasked = History::default();
        unasked.ok(0, id(1), None);
        assert_eq!(unasked.judge(&once([1])).out_of_order, [id(1)]);
        let mut asked_twice = History::default();
        asked_twice.invoke(0, id(1));
        asked_twice.invoke(0, id(1));
        assert_eq!(asked_twice.judge(&once([])).out_of_order, [id(1)]);
    }
}
