//! What a condition as written is about, and how it is meant.

use super::{
    file::{AgainstFile, BoundFile, Number, WhenFile},
    operator::Fold,
};
use crate::{duration::Span, finding::Comparison};
use toml::Spanned;

/// What a condition is about.
pub(super) enum Subject {
    Any(Vec<Spanned<WhenFile>>),
    All(Vec<Spanned<WhenFile>>),
    Not(Box<Spanned<WhenFile>>),
    Latest(String),
    Fold(Fold, String),
    Change(String),
    Cusum(String),
    Said(String),
    Score(String),
    Without(Vec<String>),
    IsSet(String),
    Missing(String),
    Stale(String),
}

/// How a condition is meant: each field with its name, so that one that says nothing here is refused.
pub(super) struct How {
    pub(super) comparisons: Vec<(Comparison, BoundFile)>,
    pub(super) margins: (Option<Number>, Option<Number>),
    pub(super) is: Option<String>,
    pub(super) is_any_part: bool,
    pub(super) from: Option<AgainstFile>,
    pub(super) per: Option<Span>,
    pub(super) max_age: Option<Span>,
    pub(super) over: Option<Span>,
    pub(super) last: Option<usize>,
    pub(super) readings_min: Option<usize>,
    pub(super) in_a_row: Option<usize>,
    pub(super) n_of: Option<(usize, usize)>,
    pub(super) held_for: Option<Span>,
    pub(super) gap_max: Option<Span>,
    pub(super) slack: Option<Number>,
    pub(super) without: Vec<String>,
    pub(super) of: Option<String>,
}

impl WhenFile {
    pub(super) fn apart(self) -> (Vec<Subject>, How) {
        let Self { any, all, not, latest, mean, median, lowest, highest, home_average, change, slope, rate, .. } = self;
        let folds = [
            (Fold::Mean, mean),
            (Fold::Median, median),
            (Fold::Lowest, lowest),
            (Fold::Highest, highest),
            (Fold::HomeAverage, home_average),
            (Fold::Slope, slope),
            (Fold::Rate, rate),
            (Fold::Unusual, self.unusual),
            (Fold::Forecast, self.forecast),
        ];
        let subjects = [
            any.map(Subject::Any),
            all.map(Subject::All),
            not.map(Subject::Not),
            latest.map(Subject::Latest),
            change.map(Subject::Change),
            self.cusum.map(Subject::Cusum),
            self.said.map(Subject::Said),
            self.score.map(Subject::Score),
            self.quality_without.map(Subject::Without),
            self.is_set.map(Subject::IsSet),
            self.missing.map(Subject::Missing),
            self.stale.map(Subject::Stale),
        ];
        let folds = folds.into_iter().filter_map(|(fold, item)| Some(Subject::Fold(fold, item?)));
        let comparisons = [
            (Comparison::AtLeast, self.at_least),
            (Comparison::AtMost, self.at_most),
            (Comparison::Above, self.above),
            (Comparison::Below, self.below),
        ];
        let how = How {
            comparisons: comparisons.into_iter().filter_map(|(comparison, bound)| Some((comparison, bound?))).collect(),
            margins: (self.plus, self.minus),
            is: self.is,
            is_any_part: self.part.is_some(),
            from: self.from,
            per: self.per,
            max_age: self.max_age,
            over: self.over,
            last: self.last,
            readings_min: self.readings_min,
            in_a_row: self.in_a_row,
            n_of: self.n_of,
            held_for: self.held_for,
            gap_max: self.gap_max,
            slack: self.slack,
            without: self.without,
            of: self.of,
        };
        (subjects.into_iter().flatten().chain(folds).collect(), how)
    }
}

impl How {
    /// The fields that are written, by name.
    pub(super) fn written(&self) -> Vec<&'static str> {
        let compares = !self.comparisons.is_empty() || self.margins.0.is_some() || self.margins.1.is_some();
        [
            ("a comparison", compares),
            ("is", self.is.is_some()),
            ("part", self.is_any_part),
            ("from", self.from.is_some()),
            ("per", self.per.is_some()),
            ("max_age", self.max_age.is_some()),
            ("over", self.over.is_some()),
            ("last", self.last.is_some()),
            ("readings_min", self.readings_min.is_some()),
            ("in_a_row", self.in_a_row.is_some()),
            ("n_of", self.n_of.is_some()),
            ("for", self.held_for.is_some()),
            ("gap_max", self.gap_max.is_some()),
            ("slack", self.slack.is_some()),
            ("without", !self.without.is_empty()),
            ("of", self.of.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_written)| is_written.then_some(name))
        .collect()
    }
}
