//! Scores: points by bands, from tables in the pack. While parts are missing a score is an interval, never a guess.
//!
//! Invariants: every amount has its points, because the bands of a table have no gap and no overlap at its step; an amount is
//! brought to the step before it is looked up; a part that is missing or too old counts as anything it may be.

use super::{Given, Item, Settings, View, item::nano};
use crate::state::{Entry, History, RuleKey, SeriesKey};
use vitals::Decimal;

/// A score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// Its name within the pack.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Where its tables come from.
    pub source: String,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name within the score.
    pub name: String,
    /// How old what it reads may be, in seconds.
    pub max_age: i64,
    /// What it reads, any of them: the newest counts.
    pub of: Vec<(Item, SeriesKey)>,
    /// How points come of it.
    pub points: Points,
    /// Most points it can come to.
    pub max: i64,
}

/// How points come of what a part reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Points {
    /// By the bands of the first table that applies.
    Bands {
        /// The step of the tables, in thousand-millionths of their unit.
        step: i64,
        /// The tables.
        tables: Vec<Table>,
    },
    /// By the word, each at its number.
    Words(Vec<i64>),
}

/// A table of bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// When it applies.
    pub only_if: Vec<OnlyIf>,
    /// The bands, from the lowest.
    pub bands: Vec<Band>,
}

/// When a table applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnlyIf {
    /// A parameter has this value.
    Parameter {
        /// What it is looked up by.
        key: RuleKey,
        /// What it is where nobody has set it.
        default: Option<Decimal>,
        /// What it must be.
        is: Decimal,
    },
    /// This word was said.
    Says {
        /// Of what.
        item: Item,
        /// Where it is kept.
        key: SeriesKey,
        /// The number of the word.
        word: i64,
    },
}

/// A band: everything from one amount to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// The lowest amount; none for the lowest band.
    pub from: Option<i64>,
    /// The highest; none for the highest band.
    pub to: Option<i64>,
    /// What it counts.
    pub points: i64,
}

/// The least and the most that something can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least, whatever is missing.
    pub low: i64,
    /// The most.
    pub high: i64,
}

/// What a score and its highest single part can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranges {
    /// All parts together.
    pub total: Range,
    /// The highest single part.
    pub any_part: Range,
}

/// What a score comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The least it can be, whatever is missing.
    pub low: i64,
    /// The most.
    pub high: i64,
    /// Its parts.
    pub parts: Vec<PartPoints>,
}

/// What a part comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartPoints {
    /// Its name.
    pub name: String,
    /// The least and the most it can be; none where it is missing or too old.
    pub points: Option<(i64, i64)>,
    /// The most such a part can be.
    pub max: i64,
}

impl Total {
    /// How much is known, in words: `4 of 7 known, 3 to 9`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let known = self.parts.iter().filter(|part| part.points.is_some()).count();
        let range = if self.low == self.high { self.low.to_string() } else { format!("{} to {}", self.low, self.high) };
        format!("{known} of {} known, {range}", self.parts.len())
    }

    /// The parts that are missing or too old: what is still to be measured.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter(|part| part.points.is_none()).map(|part| part.name.as_str())
    }
}

impl Score {
    /// What it comes to, and what its highest single part does; none where no part is known.
    #[must_use]
    pub fn ranges(&self, view: &View<'_>) -> Option<Ranges> {
        let (mut total, mut any_part, mut is_known) = (Range { low: 0, high: 0 }, Range { low: 0, high: 0 }, false);
        for part in &self.parts {
            let points = part.points(view);
            is_known |= points.is_some();
            let (low, high) = points.unwrap_or((0, part.max));
            any_part = Range { low: any_part.low.max(low), high: any_part.high.max(high) };
            total = Range { low: total.low + low, high: total.high + high };
        }
        is_known.then_some(Ranges { total, any_part })
    }

    /// What it comes to with each of its parts; none where no part is known.
    #[must_use]
    pub fn total(&self, view: &View<'_>) -> Option<Total> {
        let points = |part: &Part| PartPoints { name: part.name.clone(), points: part.points(view), max: part.max };
        let Range { low, high } = self.ranges(view)?.total;
        Some(Total { low, high, parts: self.parts.iter().map(points).collect() })
    }
}

impl Score {
    /// What it comes to for values taken at one moment, each by what a pack calls it; none where no part is known.
    ///
    /// ```
    /// use rules::pack::{Given, Pack, SHIPPED, Settings};
    /// let pack = SHIPPED.iter().find_map(|text| Pack::read(text).ok().filter(|pack| pack.id == "news2")).unwrap();
    /// let news2 = &pack.scores[0];
    /// let total = news2.total_of(&[("pulse", Given::Number(131_u16.into()))], &Settings::default()).unwrap();
    /// assert_eq!(total.in_words(), "1 of 7 known, 3 to 20");
    /// ```
    #[must_use]
    pub fn total_of(&self, given: &[(&str, Given)], settings: &Settings) -> Option<Total> {
        let mut history = History::default();
        for need in self.needs() {
            let of_it = given.iter().filter(|(name, _)| need.item.to_string() == *name);
            let amounts = of_it.filter_map(|(_, said)| match said {
                Given::Number(number) => nano(*number),
                Given::Word(word) => need.item.word(word),
            });
            for nano in amounts {
                history.put(need.key, Entry { secs: 0, nano }, 0);
            }
        }
        self.total(&View { reading: None, history: &history, settings, at: 0, known: None, waited: None })
    }
}

impl Part {
    /// The least and the most it can be: the newest of what it reads, and of two at one second the graver.
    fn points(&self, view: &View<'_>) -> Option<(i64, i64)> {
        let newest = self.of.iter().filter_map(|(item, key)| {
            let (secs, amount) = newest(item, *key, self.max_age, view)?;
            Some((secs, self.points_of(amount, view)?))
        });
        newest.max_by_key(|(secs, (low, high))| (*secs, *low, *high)).map(|(_, points)| points)
    }

    /// The points of one amount.
    fn points_of(&self, amount: i64, view: &View<'_>) -> Option<(i64, i64)> {
        match &self.points {
            Points::Words(points) => {
                let place = usize::try_from(amount / crate::state::NANO).ok()?;
                points.get(place).map(|points| (*points, *points))
            }
            Points::Bands { step, tables } => {
                let amount = on_step(amount, *step);
                let mut range: Option<(i64, i64)> = None;
                for table in tables {
                    let applies = table.applies(self.max_age, view);
                    if applies == Some(false) {
                        continue;
                    }
                    let points = table.points(amount)?;
                    range = Some(range.map_or((points, points), |(low, high)| (low.min(points), high.max(points))));
                    if applies == Some(true) {
                        break;
                    }
                }
                range
            }
        }
    }
}

/// The newest amount of something: what the reading says itself, or what was kept no longer than `max_age` seconds ago.
fn newest(item: &Item, key: SeriesKey, max_age: i64, view: &View<'_>) -> Option<(i64, i64)> {
    let own = view.reading.and_then(|(admitted, numbers)| item.of(admitted, numbers));
    let kept = || {
        let newest = view.history.of(key).newest(view.at)?;
        (newest.secs >= view.at.saturating_sub(max_age)).then_some((newest.secs, newest.nano))
    };
    own.map(|own| (view.at, own)).or_else(kept)
}

/// An amount brought to a step, half away from nought: 35.05 °C is 35.1, as a thermometer of one place shows it.
fn on_step(amount: i64, step: i64) -> i64 {
    let half = if amount < 0 { -(step / 2) } else { step / 2 };
    amount.saturating_add(half) / step.max(1) * step
}

impl Table {
    /// Whether it applies; none where that is not known.
    fn applies(&self, max_age: i64, view: &View<'_>) -> Option<bool> {
        let mut is_known = true;
        for condition in &self.only_if {
            let applies = match condition {
                OnlyIf::Parameter { key, default, is } => {
                    view.settings.get(*key).map(|set| set.value).or(*default).map(|value| value == *is)
                }
                OnlyIf::Says { item, key, word } => newest(item, *key, max_age, view).map(|(_, said)| said == *word),
            };
            match applies {
                Some(false) => return Some(false),
                Some(true) => {}
                None => is_known = false,
            }
        }
        is_known.then_some(true)
    }

    fn points(&self, amount: i64) -> Option<i64> {
        let holds = |band: &&Band| band.from.is_none_or(|from| from <= amount) && band.to.is_none_or(|to| amount <= to);
        self.bands.iter().find(holds).map(|band| band.points)
    }
}
