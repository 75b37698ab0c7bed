//! What was measured lately, for the operators that look back: short lists of values, each with its moment.
//!
//! Invariants: a list is the same whatever order its readings arrived in, because it holds a set: the newest
//! [`READINGS_MAX`] of all within its span of the newest; a value twice at one second counts once. It is a cache of the
//! stored readings, and never their only copy.

use super::key;
use std::{
    fmt,
    sync::{Arc, LazyLock},
};

/// Most readings one list holds: two weeks of four a day, or five hours of a sensor that speaks every five minutes. No
/// operator asks for more, and a list takes at most 0.5 KB.
pub const READINGS_MAX: usize = 64;

/// A value as a list holds it: a whole number of thousand-millionths, the finest [`vitals::Decimal`] there is.
pub const NANO: i64 = 1_000_000_000;

/// Largest amount a list holds, in thousand-millionths: beyond every plausible value of the measure catalogue. What is
/// beyond it is no history.
pub const VALUE_MAX: i64 = 1_000_000 * NANO;

/// Names what the key is made for, so that no other digest of ours is ever the same.
const CONTEXT: &str = "derwent 2026 series key";

/// What a list is kept under: 8 bytes of BLAKE3 over what was measured and what was left out of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesKey(u64);

impl SeriesKey {
    /// The key of what is measured, without the readings about which one of these flags was noticed.
    ///
    /// ```
    /// use rules::state::SeriesKey;
    /// assert_ne!(SeriesKey::of("systolic", &[]), SeriesKey::of("systolic", &["irregular_pulse"]));
    /// ```
    #[must_use]
    pub fn of(item: &str, without: &[&str]) -> Self {
        Self::from_bytes(key::of_names(CONTEXT, std::iter::once(item).chain(without.iter().copied())))
    }

    /// The eight bytes; keys stand in the order of their bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// A key from its eight bytes, as a store keeps them.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

impl fmt::Debug for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One value of a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When it was taken: whole seconds since 1970.
    pub secs: i64,
    /// The value in thousand-millionths of its unit, from -[`VALUE_MAX`] to [`VALUE_MAX`].
    pub nano: i64,
}

/// Debug shows when, never what.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.secs)
    }
}

/// The values of one thing, the oldest first. Shared until one is put in: every decision begins with a copy of the state, and
/// most lists are not touched by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series(Arc<Vec<Entry>>);

impl Series {
    /// The values, the oldest first; of one second the smallest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The values from after one second to another, that one with it.
    #[must_use]
    pub fn between(&self, after: i64, until: i64) -> &[Entry] {
        let from = self.0.partition_point(|entry| entry.secs <= after);
        let to = self.0.partition_point(|entry| entry.secs <= until);
        self.0.get(from..to).unwrap_or_default()
    }

    /// The newest value at or before a second.
    #[must_use]
    pub fn newest(&self, until: i64) -> Option<Entry> {
        // Almost always the moment asked about is now.
        let last = self.0.last().copied().filter(|last| last.secs <= until);
        last.or_else(|| self.between(i64::MIN, until).last().copied())
    }

    /// Takes a value in, and lets go of what is older than `span` seconds before the newest or more than
    /// [`READINGS_MAX`]; says whether anything is different now.
    fn put(&mut self, entry: Entry, span: i64) -> bool {
        let Err(place) = self.0.binary_search(&entry) else { return false };
        let newest = self.0.last().map_or(entry.secs, |last| last.secs.max(entry.secs));
        if entry.secs < newest.saturating_sub(span) || (place == 0 && self.0.len() >= READINGS_MAX) {
            return false;
        }
        let oldest = newest.saturating_sub(span);
        let Some(entries) = Arc::get_mut(&mut self.0) else {
            // Shared with the state before: copied once, without what goes.
            let (before, after) = self.0.split_at(place);
            let kept = before.iter().chain([&entry]).chain(after).copied();
            let too_old = self.0.partition_point(|entry| entry.secs < oldest);
            let too_many = (self.0.len() + 1).saturating_sub(READINGS_MAX);
            self.0 = Arc::new(kept.skip(too_old.max(too_many)).collect());
            return true;
        };
        entries.insert(place, entry);
        let too_old = entries.partition_point(|entry| entry.secs < oldest);
        let too_many = entries.len().saturating_sub(READINGS_MAX);
        entries.drain(..too_old.max(too_many));
        true
    }

    /// A list from its stored form, where that is one.
    pub(super) fn in_order(entries: Vec<Entry>) -> Option<Self> {
        let is_in_order = entries.is_sorted_by(|one, next| one < next);
        let is_held = |entry: &Entry| (-VALUE_MAX..=VALUE_MAX).contains(&entry.nano);
        (is_in_order && (1..=READINGS_MAX).contains(&entries.len()) && entries.iter().all(is_held))
            .then(|| Self(Arc::new(entries)))
    }
}

/// Everything of one person that operators look back on, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(Vec<(SeriesKey, Series)>);

impl History {
    /// The list under a key; empty where nothing was kept.
    #[must_use]
    pub fn of(&self, key: SeriesKey) -> &Series {
        static NOTHING: LazyLock<Series> = LazyLock::new(Series::default);
        let place = self.0.binary_search_by_key(&key, |(key, _)| *key);
        place.ok().and_then(|place| self.0.get(place)).map_or(&NOTHING, |(_, series)| series)
    }

    /// Keeps a value under a key for a span of seconds, and says whether anything is different now. A value that no list
    /// holds is left out.
    pub fn put(&mut self, key: SeriesKey, entry: Entry, span: i64) -> bool {
        if !(-VALUE_MAX..=VALUE_MAX).contains(&entry.nano) {
            return false;
        }
        match self.0.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(place) => self.0.get_mut(place).is_some_and(|(_, series)| series.put(entry, span)),
            Err(place) => {
                self.0.insert(place, (key, Series(Arc::new(vec![entry]))));
                true
            }
        }
    }

    /// Puts a list in the place of the one under a key; an empty one takes it away.
    pub(crate) fn set(&mut self, key: SeriesKey, series: Series) {
        match (self.0.binary_search_by_key(&key, |(key, _)| *key), series.entries().is_empty()) {
            (Ok(place), true) => drop(self.0.remove(place)),
            (Ok(place), false) => self.0.get_mut(place).into_iter().for_each(|(_, known)| *known = series.clone()),
            (Err(_), true) => {}
            (Err(place), false) => self.0.insert(place, (key, series)),
        }
    }

    /// Whether nothing that is kept was taken after a second.
    #[must_use]
    pub fn is_by(&self, secs: i64) -> bool {
        self.0.iter().all(|(_, series)| series.entries().last().is_none_or(|last| last.secs <= secs))
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many lists there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Every list, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesKey, &Series)> {
        self.0.iter().map(|(key, series)| (*key, series))
    }

    /// Lists that are in order already, each key once.
    pub(super) fn in_order(series: Vec<(SeriesKey, Series)>) -> Self {
        Self(series)
    }
}
