//! The same protocol as small as it goes: whole thousandths compared, and how many readings in a row were clear.

use super::super::super::settings;
use crate::trouble::{Doing, Trouble};
use rules::{
    Comparison,
    pack::{Bound, Rule, When},
};
use std::collections::BTreeMap;
use vitals::{Decimal, Kind};

/// The measures of the bench by number, the row's `kind`, and the numbers of each that a row has.
const KINDS: [(Kind, &[&str]); 5] = [
    (Kind::BloodPressure, &["systolic", "diastolic", "cuff_pulse"]),
    (Kind::Weight, &["weight"]),
    (Kind::Spo2, &["spo2", "oximeter_pulse"]),
    (Kind::Glucose, &["glucose"]),
    (Kind::Temperature, &["temperature"]),
];

/// The number of a measure; one that the bench does not send has none of its own.
pub(super) fn kind_number(kind: Kind) -> i16 {
    KINDS.iter().position(|(known, _)| *known == kind).and_then(|place| i16::try_from(place).ok()).unwrap_or(i16::MAX)
}

/// The numbers of a measure that a row has, by name.
pub(super) fn numbers_of(kind: Kind) -> &'static [&'static str] {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, numbers)| *numbers).unwrap_or_default()
}

/// A number in whole thousandths.
pub(super) fn thousandths(value: Decimal) -> Result<i32, Trouble> {
    let (mantissa, scale) = value.to_parts();
    let power =
        3_u32.checked_sub(scale).ok_or_else(|| Trouble::new("take a number", "it has more than three places"))?;
    i32::try_from(i128::from(mantissa) * 10_i128.pow(power)).doing("take a number")
}

/// A condition over the numbers of a row.
enum Condition {
    Compare { place: usize, how: Comparison, bound: i32 },
    Any(Vec<Condition>),
    All(Vec<Condition>),
}

impl Condition {
    fn of(when: &When, places: &[&str]) -> Result<Self, Trouble> {
        let parts = |parts: &[When]| parts.iter().map(|part| Self::of(part, places)).collect::<Result<Vec<_>, _>>();
        Ok(match when {
            When::Any(any) => Self::Any(parts(any)?),
            When::All(all) => Self::All(parts(all)?),
            When::Threshold(threshold) => {
                let place = places.iter().position(|name| *name == threshold.component.name);
                let Bound::Number(bound) = &threshold.limit.bound else {
                    return Err(Trouble::new("read a rule", "the bench's rules have numbers for bounds"));
                };
                Self::Compare {
                    place: place.ok_or_else(|| Trouble::new("read a rule", "its number is not in a row"))?,
                    how: threshold.limit.comparison,
                    bound: thousandths(*bound)?,
                }
            }
            When::Not(_)
            | When::Over(_)
            | When::Among(_)
            | When::For(_)
            | When::Said(_)
            | When::Without(_)
            | When::Score(_)
            | When::IsSet(..)
            | When::Postural(_)
            | When::Missing(_)
            | When::Stale(_) => {
                return Err(Trouble::new("read a rule", "the bench's rules compare a reading's numbers"));
            }
        })
    }

    fn holds(&self, numbers: &[i32]) -> bool {
        match self {
            Self::Compare { place, how, bound } => numbers.get(*place).is_some_and(|number| match how {
                Comparison::AtLeast => number >= bound,
                Comparison::AtMost => number <= bound,
                Comparison::Above => number > bound,
                Comparison::Below => number < bound,
            }),
            Self::Any(parts) => parts.iter().any(|part| part.holds(numbers)),
            Self::All(parts) => parts.iter().all(|part| part.holds(numbers)),
        }
    }
}

struct MinimalRule {
    number: i16,
    when: Condition,
    clear: Condition,
    clear_count: u8,
}

/// The rules of each measure, the most urgent first.
pub(super) struct Rules(BTreeMap<i16, Vec<MinimalRule>>);

/// What one rule remembers of one person.
#[derive(Debug, Clone, Copy, Default)]
struct Memory {
    newest: i64,
    clear_in_a_row: u8,
    is_open: bool,
}

/// Bytes of one rule's memory in a row: its number, the time, the count, whether its alert is open.
const MEMORY_BYTES: usize = 12;

/// What all rules remember of one person.
#[derive(Debug, Clone, Default)]
pub(super) struct State(BTreeMap<i16, Memory>);

/// What a reading did to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Opened(i16),
    Cleared(i16),
}

impl State {
    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let (rows, _) = bytes.as_chunks::<MEMORY_BYTES>();
        let memory = |row: &[u8; MEMORY_BYTES]| {
            let [n0, n1, t @ .., clear_in_a_row, is_open] = *row;
            let memory = Memory { newest: i64::from_be_bytes(t), clear_in_a_row, is_open: is_open == 1 };
            (i16::from_be_bytes([n0, n1]), memory)
        };
        Self(rows.iter().map(memory).collect())
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * MEMORY_BYTES);
        for (rule, memory) in &self.0 {
            bytes.extend(rule.to_be_bytes());
            bytes.extend(memory.newest.to_be_bytes());
            bytes.extend([memory.clear_in_a_row, u8::from(memory.is_open)]);
        }
        bytes
    }
}

impl Rules {
    /// The bench's protocol.
    pub(super) fn read() -> Result<Self, Trouble> {
        let active = settings::pack()?;
        let pack = active.pack();
        let mut rules: BTreeMap<i16, Vec<MinimalRule>> = BTreeMap::new();
        for (number, rule) in pack.rules.iter().enumerate() {
            for kind in &rule.kinds {
                rules.entry(kind_number(*kind)).or_default().push(minimal(number, *kind, rule)?);
            }
        }
        Ok(Self(rules))
    }

    /// Runs the rules of a reading, and says how many ran and what they changed: a rule whose condition holds opens an
    /// alert unless a more urgent one did, and enough clear readings in a row close it.
    pub(super) fn judge(&self, state: &mut State, kind: i16, taken: i64, numbers: &[i32]) -> (usize, Vec<Change>) {
        let (mut changes, mut has_spoken) = (Vec::new(), false);
        let rules = self.0.get(&kind).map(Vec::as_slice).unwrap_or_default();
        for rule in rules {
            let memory = state.0.entry(rule.number).or_default();
            let holds = rule.when.holds(numbers);
            if taken >= memory.newest {
                memory.newest = taken;
                let clears = !holds && rule.clear.holds(numbers);
                memory.clear_in_a_row = if clears { memory.clear_in_a_row.saturating_add(1) } else { 0 };
            }
            if holds && !has_spoken && !memory.is_open {
                memory.is_open = true;
                changes.push(Change::Opened(rule.number));
            } else if memory.is_open && memory.clear_in_a_row >= rule.clear_count {
                memory.is_open = false;
                changes.push(Change::Cleared(rule.number));
            }
            has_spoken |= holds;
        }
        (rules.len(), changes)
    }
}

fn minimal(number: usize, kind: Kind, rule: &Rule) -> Result<MinimalRule, Trouble> {
    let places = numbers_of(kind);
    Ok(MinimalRule {
        number: i16::try_from(number).doing("number a rule")?,
        when: Condition::of(&rule.when, places)?,
        clear: Condition::of(&rule.clear.0, places)?,
        clear_count: u8::try_from(rule.clear.1).doing("read a rule")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worker's rules are the protocol's: an amber speaks for the greens, and the third clear reading settles it.
    #[test]
    fn the_worker_opens_one_alert_and_settles_it_when_three_in_a_row_are_clear() {
        let (rules, mut state) = (Rules::read().unwrap(), State::default());
        let kind = kind_number(Kind::BloodPressure);
        let mut judge = |minute: i64, systolic: i32| {
            let mut kept = State::from_bytes(&state.to_bytes());
            let (ran, changes) = rules.judge(&mut kept, kind, minute, &[systolic * 1000, 80_000, 70_000]);
            assert_eq!(ran, 8);
            state = kept;
            changes
        };
        let opened = judge(0, 165);
        let [Change::Opened(rule)] = *opened.as_slice() else { panic!("{opened:?}") };
        assert_eq!((judge(1, 120), judge(2, 121)), (vec![], vec![]));
        assert_eq!(judge(3, 119), [Change::Cleared(rule)]);
        assert_eq!(judge(4, 165), [Change::Opened(rule)]);
    }

    #[test]
    fn a_number_has_whole_thousandths() {
        let check =
            |text: &str, expected| assert_eq!(thousandths(Decimal::parse(text).unwrap()).ok(), expected, "{text}");
        check("36.6", Some(36_600));
        check("-1", Some(-1_000));
        check("70.005", Some(70_005));
        check("0.0001", None);
    }
}
