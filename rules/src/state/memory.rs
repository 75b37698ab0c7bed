//! What each rule remembers of one person: a short list in the order of the keys, found by halving.

use super::RuleKey;
use chrono::{DateTime, Utc};

/// What one rule remembers of one person, from the first reading it judged that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleMemory {
    /// Microseconds since 1970, as a store keeps them; always a moment that chrono can name.
    newest_micros: i64,
    clear_in_a_row: u32,
}

impl RuleMemory {
    /// A memory of a newest reading, and of how many in a row have met the rule's clear condition. What is finer than a
    /// microsecond is cut off here, not first in the store: a decision is the same before and after a restart.
    #[must_use]
    pub fn new(newest_taken_at: DateTime<Utc>, clear_in_a_row: u32) -> Self {
        Self { newest_micros: newest_taken_at.timestamp_micros(), clear_in_a_row }
    }

    /// The same newest reading, with another count.
    #[must_use]
    pub fn with_clear_in_a_row(self, clear_in_a_row: u32) -> Self {
        Self { clear_in_a_row, ..self }
    }

    /// A memory in the form it is kept in, where its moment can be named.
    pub(super) fn from_parts(newest_micros: i64, clear_in_a_row: u32) -> Option<Self> {
        DateTime::from_timestamp_micros(newest_micros).map(|_named| Self { newest_micros, clear_in_a_row })
    }

    /// When the newest reading it judged was taken, to the microsecond.
    #[must_use]
    pub fn newest_taken_at(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.newest_micros).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The same in microseconds since 1970.
    #[must_use]
    pub fn newest_micros(self) -> i64 {
        self.newest_micros
    }

    /// How many readings in a row have met its clear condition.
    #[must_use]
    pub fn clear_in_a_row(self) -> u32 {
        self.clear_in_a_row
    }
}

/// A place in the list, until the list changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(Result<usize, usize>);

/// What the rules remember of one person, by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memories(Vec<(RuleKey, RuleMemory)>);

impl Memories {
    /// What a rule remembers, if it has judged anything.
    #[must_use]
    pub fn get(&self, key: RuleKey) -> Option<RuleMemory> {
        self.at(self.place(key))
    }

    /// Remembers this for a rule.
    pub fn put(&mut self, key: RuleKey, memory: RuleMemory) {
        self.put_at(self.place(key), key, memory);
    }

    /// Forgets what a rule remembers, and says whether there was anything.
    pub(crate) fn forget(&mut self, key: RuleKey) -> bool {
        self.place(key).0.is_ok_and(|place| {
            place < self.0.len() && {
                self.0.remove(place);
                true
            }
        })
    }

    /// What is remembered at a rule's place.
    pub(crate) fn at(&self, place: Place) -> Option<RuleMemory> {
        self.0.get(place.0.ok()?).map(|(_, memory)| *memory)
    }

    /// Remembers this at a rule's place, and says whether it is anything new.
    pub(crate) fn put_at(&mut self, place: Place, key: RuleKey, memory: RuleMemory) -> bool {
        let known = match place.0 {
            Ok(place) => self.0.get_mut(place),
            Err(place) => {
                self.0.insert(place, (key, memory));
                return true;
            }
        };
        known.is_some_and(|(_, known)| std::mem::replace(known, memory) != memory)
    }

    /// Where a rule's memory stands or would stand: asked once for each rule and reading, because it is half the cost of
    /// judging by a rule that does not hold.
    pub(crate) fn place(&self, key: RuleKey) -> Place {
        Place(self.0.binary_search_by_key(&key, |(key, _)| *key))
    }

    /// Every memory, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (RuleKey, RuleMemory)> + '_ {
        self.0.iter().copied()
    }

    /// Every memory without its key.
    pub fn values(&self) -> impl Iterator<Item = RuleMemory> + '_ {
        self.0.iter().map(|(_, memory)| *memory)
    }

    /// How many rules remember something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no rule remembers anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A list that is in order already, each key once.
    pub(super) fn in_order(memories: Vec<(RuleKey, RuleMemory)>) -> Self {
        Self(memories)
    }
}
