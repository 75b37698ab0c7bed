//! Whether a condition holds for a reading and what came before it, and what was compared to find out.

use super::{
    Item, KnownScores, Missing, Postural, ScoreTest, Setting, Settings, Stale,
    item::{decimal, nano},
    operator::{Fold, Ratio, Window, fold, met, met_for},
    parameter::parameter_key,
};
use crate::{
    finding::{Comparison, Finding},
    state::{History, RuleKey, SeriesKey},
};
use std::cmp::Ordering;
use vitals::{Admitted, Decimal, Flag, Quantity, Unit, catalogue::Component};

/// The numbers of a reading, each with its entry in the catalogue.
pub type Numbers = [(&'static Component, Quantity)];

/// What a condition is asked about: one moment of one person.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The reading that is judged; none where an earlier moment is asked about again.
    pub reading: Option<(&'a Admitted, &'a Numbers)>,
    /// What was measured lately.
    pub history: &'a History,
    /// What is set otherwise than the packs have it.
    pub settings: &'a Settings,
    /// The moment: whole seconds since 1970.
    pub at: i64,
    /// What scores came to at this moment already, where several rules ask.
    pub known: Option<&'a KnownScores>,
    /// From when on the rule waits, where it does.
    pub(crate) waited: Option<super::Waited>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// A number of the reading, compared with a bound.
    Threshold(Threshold),
    /// At least one holds.
    Any(Vec<When>),
    /// All hold.
    All(Vec<When>),
    /// It is known not to hold.
    Not(Box<When>),
    /// What a list of values comes to, compared with a bound.
    Over(Box<Over>),
    /// So many of the last so many values compare so.
    Among(Box<Among>),
    /// All values compare so for a length of time.
    For(Box<For>),
    /// A word is said.
    Said(Box<Said>),
    /// What standing up makes of a number.
    Postural(Box<Postural>),
    /// Nothing of this was noticed about the reading.
    Without(Vec<Flag>),
    /// A score, compared with a bound.
    Score(Box<ScoreTest>),
    /// What is expected did not come.
    Missing(Box<Missing>),
    /// Nothing came for a length of time.
    Stale(Box<Stale>),
    /// Somebody set a parameter.
    IsSet(String, RuleKey),
}

/// A bound and how a number is compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// How.
    pub comparison: Comparison,
    /// With what.
    pub bound: Bound,
    /// What the bound comes to where nobody has set the parameter otherwise, worked out once; none where the pack gives the
    /// parameter no value.
    pub level: Option<Decimal>,
    /// The same in thousand-millionths, for what is compared often.
    pub nano: Option<i64>,
    /// The unit of both.
    pub unit: Unit,
}

/// What a number is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A parameter, moved by a margin.
    Parameter {
        /// Its name.
        name: String,
        /// What it is looked up by.
        key: RuleKey,
        /// Added to it.
        margin: Decimal,
    },
    /// A number written in the pack.
    Number(Decimal),
}

/// A number of the reading, compared with a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// The component: the catalogue's own entry, so that two are the same where they stand at one place.
    pub component: &'static Component,
    /// Where its values are kept, in a rule that looks back: so that an earlier moment can be asked about.
    pub kept: Option<SeriesKey>,
    /// Readings with one of these flags are left out of them.
    pub without: &'static [Flag],
    /// Compared with what.
    pub limit: Limit,
}

/// What is read of the values that were kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What was measured.
    pub item: Item,
    /// Readings with one of these flags are left out.
    pub without: Vec<Flag>,
    /// Where the values are kept.
    pub key: SeriesKey,
    /// Which of them.
    pub window: Window,
}

/// What a list of values comes to, compared with a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// Of what.
    pub source: Source,
    /// What is made of it.
    pub fold: Fold,
    /// For what is an amount per time, the stretch of time in seconds; else 1.
    pub per_secs: i64,
    /// What it is called in evidence.
    pub label: String,
    /// Compared with what.
    pub limit: Limit,
}

/// So many of the last so many values compare so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Among {
    /// Of what.
    pub source: Source,
    /// How many must.
    pub least: usize,
    /// What it is called in evidence.
    pub label: String,
    /// Compared with what.
    pub limit: Limit,
}

/// All values compare so for a length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For {
    /// Of what.
    pub source: Source,
    /// For how long, in seconds.
    pub secs: i64,
    /// Longest gap between two readings that is no break, in seconds.
    pub gap: i64,
    /// What it is called in evidence.
    pub label: String,
    /// Compared with what.
    pub limit: Limit,
}

/// A word is said, in the reading or not longer ago than a window is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Of what.
    pub source: Source,
    /// The number of the word.
    pub word: i64,
    /// What it is called in evidence.
    pub label: String,
}

impl When {
    /// Whether it holds; `None` where what decides is not known. Keeps nothing: this is asked of every rule and reading,
    /// and almost always the answer is no.
    #[must_use]
    pub fn holds(&self, view: &View<'_>) -> Option<bool> {
        match self {
            Self::Threshold(threshold) => threshold.holds(view),
            Self::Any(parts) => one_decides(parts, view, true),
            Self::All(parts) => one_decides(parts, view, false),
            Self::Not(part) => part.holds(view).map(|holds| !holds),
            Self::Over(over) => over.holds(view),
            Self::Among(among) => among.holds(view),
            Self::For(held) => held.holds(view),
            Self::Postural(postural) => postural.holds(view),
            Self::Said(said) => said.now(view).map(|word| word == said.word),
            // An earlier moment is asked about only where its readings were kept.
            Self::Without(flags) => Some(
                view.reading.is_none_or(|(admitted, _)| !flags.iter().any(|flag| admitted.reading.quality.has(*flag))),
            ),
            Self::Score(test) => test.holds(view),
            Self::Missing(missing) => missing.holds(view),
            Self::Stale(stale) => stale.holds(view),
            Self::IsSet(_, key) => Some(view.settings.get(*key).is_some()),
        }
    }

    /// Every comparison that can be made, held or not.
    #[must_use]
    pub fn findings(&self, view: &View<'_>) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.add_findings(view, &mut findings);
        findings
    }

    fn add_findings(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        match self {
            Self::Threshold(threshold) => findings.extend(threshold.finding(view)),
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().for_each(|part| part.add_findings(view, findings));
            }
            Self::Not(part) => part.add_findings(view, findings),
            Self::Over(over) => findings.extend(over.finding(view)),
            Self::Among(among) => findings.extend(among.finding(view)),
            Self::For(held) => findings.extend(held.finding(view)),
            Self::Postural(postural) => findings.extend(postural.finding(view)),
            Self::Said(said) => findings.extend(said.finding(view)),
            Self::Score(test) => test.add_findings(view, findings),
            Self::Missing(missing) => findings.extend(missing.finding(view)),
            Self::Stale(stale) => findings.extend(stale.finding(view)),
            Self::Without(_) | Self::IsSet(..) => {}
        }
    }

    /// Every part that compares something, in the order written.
    pub fn leaves(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Any(parts) | Self::All(parts) => Box::new(parts.iter().flat_map(Self::leaves)),
            Self::Not(part) => part.leaves(),
            Self::Threshold(_)
            | Self::Over(_)
            | Self::Among(_)
            | Self::For(_)
            | Self::Postural(_)
            | Self::Said(_)
            | Self::Without(_)
            | Self::Score(_)
            | Self::Missing(_)
            | Self::Stale(_)
            | Self::IsSet(..) => Box::new(std::iter::once(self)),
        }
    }
}

/// Whether some part comes to what decides. A part that is not known leaves the rest to decide, or nothing known.
fn one_decides(parts: &[When], view: &View<'_>, decides: bool) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.holds(view) {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!decides)
}

impl Limit {
    /// What the bound comes to, and which level set it.
    fn setting(&self, settings: &Settings) -> Option<Setting> {
        if let Bound::Parameter { key, margin, .. } = &self.bound
            && let Some(set) = settings.get(*key)
        {
            return set.value.plus(*margin).map(|value| Setting { value, ..set });
        }
        self.level.map(|value| Setting { value, level: None })
    }

    fn bound(&self, view: &View<'_>) -> Option<Decimal> {
        self.setting(view.settings).map(|setting| setting.value)
    }

    /// The bound in thousand-millionths, worked out anew only where somebody set it otherwise.
    pub(super) fn bound_nano(&self, view: &View<'_>) -> Option<i64> {
        match &self.bound {
            Bound::Parameter { key, .. } if view.settings.get(*key).is_some() => nano(self.bound(view)?),
            Bound::Parameter { .. } | Bound::Number(_) => self.nano,
        }
    }

    /// Whether what stands so to the bound is what is asked for.
    pub(super) fn admits(&self, ordering: Ordering) -> bool {
        match self.comparison {
            Comparison::AtLeast => ordering != Ordering::Less,
            Comparison::AtMost => ordering != Ordering::Greater,
            Comparison::Above => ordering == Ordering::Greater,
            Comparison::Below => ordering == Ordering::Less,
        }
    }

    pub(super) fn holds_ratio(&self, ratio: Ratio, view: &View<'_>) -> Option<bool> {
        Some(self.admits(ratio.cmp_bound(self.bound_nano(view)?)?))
    }

    pub(super) fn finding(&self, label: &str, value: Decimal, held: bool, view: &View<'_>) -> Option<Finding> {
        let Setting { value: bound, level } = self.setting(view.settings)?;
        let parameter = match (&self.bound, level) {
            (Bound::Number(_), _) => None,
            (Bound::Parameter { name, .. }, None) => Some(name.clone()),
            (Bound::Parameter { name, .. }, Some(level)) => Some(format!("{name} @{level}")),
        };
        let value = Quantity::new(value, self.unit);
        Some(Finding { component: label.to_owned(), value, comparison: self.comparison, bound, parameter, held })
    }

    /// The bound of a pack's parameter.
    pub(super) fn parameter(pack: &str, name: String, margin: Decimal) -> Bound {
        Bound::Parameter { key: parameter_key(pack, &name), name, margin }
    }
}

impl Threshold {
    fn number(&self, view: &View<'_>) -> Option<Decimal> {
        match view.reading {
            Some((_, numbers)) => {
                let number = numbers.iter().find(|(known, _)| std::ptr::eq(*known, self.component));
                number.map(|(_, number)| number.value())
            }
            None => {
                let newest = view.history.of(self.kept?).newest(view.at)?;
                (newest.secs == view.at).then(|| decimal(newest.nano))
            }
        }
    }

    fn holds(&self, view: &View<'_>) -> Option<bool> {
        let number = self.number(view)?;
        Some(self.limit.comparison.holds(number, self.limit.bound(view)?))
    }

    fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let number = self.number(view)?;
        self.limit.finding(&self.component.name, number, self.holds(view)?, view)
    }
}

impl Source {
    pub(super) fn values<'a>(&self, view: &View<'a>) -> &'a [crate::state::Entry] {
        self.window.values(view.history.of(self.key), view.at)
    }

    /// What the reading that is judged says itself, where nothing is left out for it.
    pub(super) fn own(&self, view: &View<'_>) -> Option<i64> {
        let (admitted, numbers) = view.reading?;
        let is_left_out = self.without.iter().any(|flag| admitted.reading.quality.has(*flag));
        if is_left_out { None } else { self.item.of(admitted, numbers) }
    }
}

impl Over {
    fn ratio(&self, view: &View<'_>) -> Option<Ratio> {
        let source = &self.source;
        fold(self.fold, source.window, self.per_secs, view.history.of(source.key), view.at, source.own(view))
    }

    fn holds(&self, view: &View<'_>) -> Option<bool> {
        self.limit.holds_ratio(self.ratio(view)?, view)
    }

    fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let ratio = self.ratio(view)?;
        self.limit.finding(&self.label, ratio.rounded(), self.limit.holds_ratio(ratio, view)?, view)
    }
}

impl Among {
    fn met(&self, view: &View<'_>) -> Option<(usize, usize)> {
        let bound = self.limit.bound(view)?;
        let meets = |nano: i64| self.limit.comparison.holds(decimal(nano), bound);
        let (met, of) = met(self.source.values(view), self.source.window.last, view.at, self.source.own(view), meets);
        (of > 0).then_some((met, of))
    }

    fn holds(&self, view: &View<'_>) -> Option<bool> {
        self.met(view).map(|(met, _)| met >= self.least)
    }

    /// The newest value and how it compares; how many do is in the name.
    fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let newest = self.source.own(view).or_else(|| self.source.values(view).last().map(|last| last.nano))?;
        let (met, of) = self.met(view)?;
        let label = format!("{}: {met} of {of}", self.label);
        self.limit.finding(&label, decimal(newest), met >= self.least, view)
    }
}

impl For {
    fn secs(&self, view: &View<'_>) -> Option<i64> {
        let bound = self.limit.bound(view)?;
        let values = self.source.values(view);
        let meets = |nano: i64| self.limit.comparison.holds(decimal(nano), bound);
        // A length of time of nought is none at all.
        (!values.is_empty()).then(|| met_for(values, view.at, self.gap, meets).unwrap_or(-1))
    }

    fn holds(&self, view: &View<'_>) -> Option<bool> {
        self.secs(view).map(|secs| secs >= self.secs)
    }

    fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let newest = self.source.values(view).last()?;
        self.limit.finding(&self.label, decimal(newest.nano), self.holds(view)?, view)
    }
}

impl Said {
    fn now(&self, view: &View<'_>) -> Option<i64> {
        self.source.own(view).or_else(|| self.source.values(view).last().map(|last| last.nano))
    }

    fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let now = self.now(view)?;
        Some(Finding {
            component: self.label.clone(),
            value: Quantity::new(decimal(now), Unit::Points),
            comparison: Comparison::AtLeast,
            bound: decimal(self.word),
            parameter: None,
            held: now == self.word,
        })
    }
}
