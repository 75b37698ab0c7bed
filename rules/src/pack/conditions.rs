//! From a condition as written to a condition that can be asked.

use super::{
    Among, Bound, For, Item, Limit, Over, READINGS_MAX, Said, ScoreTest, Source, Threshold, When,
    file::{AgainstFile, BoundFile, Number, WhenFile},
    item::nano,
    operator::{Fold, Window},
    parameter::parameter_key,
    read::Reader,
};
use crate::{duration::Span, finding::Comparison, state::SeriesKey};
use std::sync::Arc;
use vitals::{
    Decimal, Flag, Unit,
    catalogue::{self, Component},
    measure::Question,
};

/// Deepest nesting of any, all and not.
const DEPTH_MAX: usize = 4;

/// Most parts that compare something in one rule: what a clinician can read at a glance, and what one rule may cost.
pub(super) const LEAVES_MAX: usize = 24;

/// What a condition is about.
enum Subject {
    Any(Vec<WhenFile>),
    All(Vec<WhenFile>),
    Not(Box<WhenFile>),
    Latest(String),
    Fold(Fold, String),
    Change(String),
    Said(String),
    Score(String),
    Without(Vec<String>),
    IsSet(String),
}

/// How a condition is meant: each field with its name, so that one that says nothing here is refused.
struct How {
    comparisons: Vec<(Comparison, BoundFile)>,
    margins: (Option<Number>, Option<Number>),
    is: Option<String>,
    is_any_part: bool,
    from: Option<AgainstFile>,
    per: Option<Span>,
    max_age: Option<Span>,
    over: Option<Span>,
    last: Option<usize>,
    readings_min: Option<usize>,
    in_a_row: Option<usize>,
    n_of: Option<(usize, usize)>,
    held_for: Option<Span>,
    gap_max: Option<Span>,
    without: Vec<String>,
}

impl WhenFile {
    fn apart(self) -> (Vec<Subject>, How) {
        let Self { any, all, not, latest, mean, median, lowest, highest, home_average, change, slope, rate, .. } = self;
        let folds = [
            (Fold::Mean, mean),
            (Fold::Median, median),
            (Fold::Lowest, lowest),
            (Fold::Highest, highest),
            (Fold::HomeAverage, home_average),
            (Fold::Slope, slope),
            (Fold::Rate, rate),
        ];
        let subjects = [
            any.map(Subject::Any),
            all.map(Subject::All),
            not.map(Subject::Not),
            latest.map(Subject::Latest),
            change.map(Subject::Change),
            self.said.map(Subject::Said),
            self.score.map(Subject::Score),
            self.quality_without.map(Subject::Without),
            self.is_set.map(Subject::IsSet),
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
            without: self.without,
        };
        (subjects.into_iter().flatten().chain(folds).collect(), how)
    }
}

impl How {
    /// The fields that are written, by name.
    fn written(&self) -> Vec<&'static str> {
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
            ("without", !self.without.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, is_written)| is_written.then_some(name))
        .collect()
    }
}

impl Reader<'_> {
    pub(super) fn when(&mut self, file: WhenFile, offset: usize, depth: usize) -> Option<When> {
        if depth > DEPTH_MAX {
            self.problem(offset, format!("conditions are nested deeper than {DEPTH_MAX}: split the rule"));
            return None;
        }
        let (subjects, how) = file.apart();
        let mut subjects = subjects.into_iter();
        let (Some(subject), None) = (subjects.next(), subjects.next()) else {
            self.not_one_condition(offset);
            return None;
        };
        match subject {
            Subject::Any(_) | Subject::All(_) | Subject::Not(_) if !how.written().is_empty() => {
                self.not_one_condition(offset);
                None
            }
            Subject::Any(parts) => self.parts(parts, offset, depth).map(When::Any),
            Subject::All(parts) => self.parts(parts, offset, depth).map(When::All),
            Subject::Not(part) => self.when(*part, offset, depth + 1).map(|part| When::Not(Box::new(part))),
            Subject::Latest(name) => self.latest(&name, how, offset),
            Subject::Fold(fold, name) => self.fold(fold, &name, how, offset),
            Subject::Change(name) => {
                let fold = match how.from {
                    Some(AgainstFile::Lowest) => Fold::ChangeFromLowest,
                    Some(AgainstFile::Highest) => Fold::ChangeFromHighest,
                    Some(AgainstFile::Previous) => Fold::ChangeFromPrevious,
                    Some(AgainstFile::Usual) => Fold::ChangeFromUsual,
                    None => {
                        self.problem(offset, format!("{name}: say from what it changed: from = \"lowest\", \"highest\", \"previous\" or \"usual\""));
                        return None;
                    }
                };
                self.fold(fold, &name, how, offset)
            }
            Subject::Said(name) => self.said(&name, &how, offset),
            Subject::Score(id) => self.score_test(&id, how, offset),
            Subject::Without(flags) => {
                self.only("quality_without", &how, &[], offset);
                self.flags(&flags, offset).map(When::Without)
            }
            Subject::IsSet(name) => {
                self.only("is_set", &how, &[], offset);
                if !self.parameters.contains_key(&name) {
                    self.problem(offset, format!("param {name} is not in the pack"));
                }
                let key = parameter_key(&self.id, &name);
                Some(When::IsSet(name, key))
            }
        }
    }

    fn not_one_condition(&mut self, offset: usize) {
        self.problem(
            offset,
            "a condition is one of any = [...], all = [...], not = {...}, or one of latest, mean, median, lowest, highest, \
             home_average, change, slope, rate, said, score, quality_without, is_set with how it is meant",
        );
    }

    fn parts(&mut self, parts: Vec<WhenFile>, offset: usize, depth: usize) -> Option<Vec<When>> {
        if parts.is_empty() {
            self.problem(offset, "any and all need at least one condition: an empty one would always or never hold");
            return None;
        }
        parts.into_iter().map(|part| self.when(part, offset, depth + 1)).collect()
    }

    /// Refuses what says nothing about such a condition.
    fn only(&mut self, what: &str, how: &How, allowed: &[&str], offset: usize) {
        for name in how.written().into_iter().filter(|name| !allowed.contains(name)) {
            self.problem(offset, format!("{what}: {name} says nothing here: leave it out"));
        }
    }

    fn component(&mut self, name: &str, offset: usize) -> Option<&'static Component> {
        let known = catalogue::component(name);
        if known.is_none() {
            self.problem(offset, format!("{name} is not in the measure catalogue"));
        }
        known
    }

    pub(super) fn item(&mut self, name: &str, offset: usize) -> Option<Item> {
        match (name, name.strip_prefix("answer:")) {
            ("consciousness", _) => Some(Item::Consciousness),
            ("oxygen", _) => Some(Item::Oxygen),
            (_, Some(question)) => {
                let question = Question::parse(question);
                if let Err(error) = &question {
                    self.problem(offset, error.to_string());
                }
                question.ok().map(Item::Answer)
            }
            _ => self.component(name, offset).map(Item::Number),
        }
    }

    fn flags(&mut self, names: &[String], offset: usize) -> Option<Vec<Flag>> {
        let mut flags = Vec::new();
        for name in names {
            let Some(flag) = Flag::from_name(name) else {
                self.problem(offset, format!("{name} is nothing that is noticed about a reading"));
                return None;
            };
            flags.push(flag);
        }
        flags.sort_unstable();
        flags.dedup();
        Some(flags)
    }

    fn latest(&mut self, name: &str, how: How, offset: usize) -> Option<When> {
        let component = self.component(name, offset)?;
        let How { comparisons, margins, max_age, over, in_a_row, n_of, held_for, gap_max, .. } = &how;
        let (one, margins) = (comparisons.clone(), *margins);
        let (in_a_row, n_of, held_for, gap_max) = (*in_a_row, *n_of, *held_for, *gap_max);
        let (max_age, over) = (*max_age, *over);
        let allowed: &[&str] = match (max_age, in_a_row.is_some() || n_of.is_some(), held_for) {
            (_, true, _) => &["a comparison", "over", "in_a_row", "n_of", "without"],
            (_, _, Some(_)) => &["a comparison", "for", "gap_max", "without"],
            (Some(_), ..) => &["a comparison", "max_age", "without"],
            (None, false, None) => &["a comparison"],
        };
        self.only(name, &how, allowed, offset);
        let limit = self.limit(name, component.ucum, one, margins, offset)?;
        let of = format!("{name} {} {}", limit.comparison.words(), bound_words(&limit.bound));
        match (n_of, in_a_row, held_for, max_age) {
            (None, None, None, None) => Some(When::Threshold(Threshold { component, kept: None, limit })),
            (None, None, None, Some(age)) => {
                let window = Window { span: secs(age), last: 1, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, offset)?;
                let label = format!("{name}, not older than {age}");
                Some(When::Over(Box::new(Over { source, fold: Fold::Latest, per_secs: 1, label, limit })))
            }
            (_, _, None, _) => {
                let (least, of_last) = match (n_of, in_a_row) {
                    (Some(n_of), None) => n_of,
                    (None, Some(n)) => (n, n),
                    _ => {
                        self.problem(offset, format!("{name}: in_a_row or n_of, not both"));
                        return None;
                    }
                };
                if least == 0 || least > of_last || of_last > READINGS_MAX {
                    self.problem(
                        offset,
                        format!("{name}: want 1 up to {READINGS_MAX} readings, and no more of them than there are"),
                    );
                }
                let Some(over) = over else {
                    self.problem(offset, format!("{name}: say how far back the readings may be: over = \"7d\""));
                    return None;
                };
                let window = Window { span: secs(over), last: of_last, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, offset)?;
                let label = format!("{least} of {of_last} {of} in {over}");
                Some(When::Among(Box::new(Among { source, least, label, limit })))
            }
            (None, None, Some(length), _) => {
                let Some(gap) = gap_max else {
                    self.problem(offset, format!("{name}: say how long a gap is no break: gap_max = \"10m\""));
                    return None;
                };
                let span = secs(length).saturating_add(secs(gap));
                let window = Window { span, last: READINGS_MAX, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, offset)?;
                let label = format!("{of} for {length}");
                Some(When::For(Box::new(For { source, secs: secs(length), gap: secs(gap), label, limit })))
            }
            _ => {
                self.problem(offset, format!("{name}: for, or a number of readings, not both"));
                None
            }
        }
    }

    fn fold(&mut self, fold: Fold, name: &str, how: How, offset: usize) -> Option<When> {
        let component = self.component(name, offset)?;
        let mut allowed = vec!["a comparison", "over", "last", "readings_min", "without"];
        allowed.extend(fold.is_per_time().then_some("per"));
        allowed.extend(how.from.is_some().then_some("from"));
        if how.from.is_some() != fold_is_change(fold) {
            allowed.retain(|name| *name != "from");
        }
        self.only(name, &how, &allowed, offset);
        let Some(over) = how.over else {
            self.problem(offset, format!("{name}: say how far back: over = \"7d\""));
            return None;
        };
        let per_secs = match (fold.is_per_time(), how.per) {
            (false, _) => 1,
            (true, Some(per)) => secs(per),
            (true, None) => {
                self.problem(offset, format!("{name}: say in what stretch of time: per = \"1d\""));
                return None;
            }
        };
        let at_least = how.readings_min.unwrap_or(fold.least());
        let last = how.last.unwrap_or(READINGS_MAX);
        if at_least < fold.least() || at_least > last || last > READINGS_MAX {
            self.problem(
                offset,
                format!("{name}: readings_min is {} to {last}, and last at most {READINGS_MAX}", fold.least()),
            );
        }
        let limit = self.limit(name, component.ucum, how.comparisons, how.margins, offset)?;
        let window = Window { span: secs(over), last, at_least };
        let source = self.source(Item::Number(component), &how.without, window, offset)?;
        let counted = how.last.map(|last| format!(", the last {last}")).unwrap_or_default();
        let per = how.per.map(|per| format!(" in each {per}")).unwrap_or_default();
        let label = format!("{}{per} in {over}{counted}", fold_words(fold, name));
        Some(When::Over(Box::new(Over { source, fold, per_secs, label, limit })))
    }

    fn said(&mut self, name: &str, how: &How, offset: usize) -> Option<When> {
        self.only(name, how, &["is", "max_age"], offset);
        let item = self.item(name, offset)?;
        let words = item.words();
        let Some(word) = how.is.as_deref().and_then(|word| item.word(word)) else {
            let advice = if words.is_empty() {
                "it is a number: compare it".to_owned()
            } else {
                format!("is one of {}", words.join(", "))
            };
            self.problem(offset, format!("{name}: {advice}"));
            return None;
        };
        let span = how.max_age.map_or(0, secs);
        let source = self.source(item, &[], Window { span, last: 1, at_least: 1 }, offset)?;
        let label = format!("{name} is {}", how.is.as_deref().unwrap_or_default());
        Some(When::Said(Box::new(Said { source, word, label })))
    }

    fn score_test(&mut self, id: &str, how: How, offset: usize) -> Option<When> {
        self.only(id, &how, &["a comparison", "part"], offset);
        let Some(score) = self.scores.get(id).map(Arc::clone) else {
            self.problem(offset, format!("score {id} is not in the pack, or has a mistake"));
            return None;
        };
        let limit = self.limit(id, Unit::Points, how.comparisons, how.margins, offset)?;
        let label = if how.is_any_part { format!("{}, any part", score.title) } else { score.title.clone() };
        Some(When::Score(Box::new(ScoreTest { score, is_any_part: how.is_any_part, label, limit })))
    }

    fn source(&mut self, item: Item, without: &[String], window: Window, offset: usize) -> Option<Source> {
        let without = self.flags(without, offset)?;
        let names: Vec<&str> = without.iter().map(|flag| flag.name()).collect();
        let key = SeriesKey::of(&item.to_string(), &names);
        Some(Source { item, without, key, window })
    }

    fn limit(
        &mut self,
        name: &str,
        unit: Unit,
        comparisons: Vec<(Comparison, BoundFile)>,
        margins: (Option<Number>, Option<Number>),
        offset: usize,
    ) -> Option<Limit> {
        let mut comparisons = comparisons.into_iter();
        let (Some((comparison, bound)), None) = (comparisons.next(), comparisons.next()) else {
            self.problem(offset, format!("{name}: compare it once, with at_least, at_most, above or below"));
            return None;
        };
        let (bound, level) = match bound {
            BoundFile::Number(number) => {
                if margins.0.is_some() || margins.1.is_some() {
                    self.problem(offset, format!("{name}: plus or minus moves a parameter; write the number itself"));
                }
                (Bound::Number(number), Some(number))
            }
            BoundFile::Parameter(parameter) => self.by_parameter(name, unit, parameter, margins, offset),
        };
        if level.is_some_and(|level| nano(level).is_none()) {
            self.problem(offset, format!("{name}: the bound is too large a number to compare with"));
        }
        Some(Limit { comparison, bound, level, unit })
    }

    fn by_parameter(
        &mut self,
        what: &str,
        unit: Unit,
        name: String,
        margins: (Option<Number>, Option<Number>),
        offset: usize,
    ) -> (Bound, Option<Decimal>) {
        match self.parameters.get(&name).map(|parameter| parameter.unit) {
            None => self.problem(offset, format!("param {name} is not in the pack")),
            Some(own) if own != unit => {
                self.problem(offset, format!("param {name} is in {} but {what} is in {}", own.ucum(), unit.ucum()));
            }
            Some(_) => {}
        }
        let zero = Decimal::from(0);
        let margin = match margins {
            (Some(Number(plus)), None) => plus,
            (None, Some(Number(minus))) => minus.negated(),
            (None, None) => zero,
            (Some(_), Some(_)) => {
                self.problem(offset, format!("{what}: plus or minus, not both"));
                zero
            }
        };
        let default = self.parameters.get(&name).and_then(|parameter| parameter.default);
        let level = default.map(|default| default.plus(margin));
        if level == Some(None) {
            self.problem(offset, format!("param {name} moved by {margin} is too large a number to compare with"));
        }
        (Limit::parameter(&self.id, name, margin), level.flatten())
    }
}

fn fold_is_change(fold: Fold) -> bool {
    matches!(fold, Fold::ChangeFromLowest | Fold::ChangeFromHighest | Fold::ChangeFromPrevious | Fold::ChangeFromUsual)
}

fn fold_words(fold: Fold, name: &str) -> String {
    match fold {
        Fold::Latest => name.to_owned(),
        Fold::Mean => format!("mean of {name}"),
        Fold::Median => format!("median of {name}"),
        Fold::Lowest => format!("lowest {name}"),
        Fold::Highest => format!("highest {name}"),
        Fold::HomeAverage => format!("home average of {name}"),
        Fold::ChangeFromLowest => format!("change of {name} from the lowest"),
        Fold::ChangeFromHighest => format!("change of {name} from the highest"),
        Fold::ChangeFromPrevious => format!("change of {name} from the one before"),
        Fold::ChangeFromUsual => format!("change of {name} from what is usual"),
        Fold::Slope => format!("slope of {name}"),
        Fold::Rate => format!("change of {name}"),
    }
}

fn bound_words(bound: &Bound) -> String {
    match bound {
        Bound::Number(number) => number.to_string(),
        Bound::Parameter { name, .. } => name.clone(),
    }
}

pub(super) fn secs(span: Span) -> i64 {
    span.delta().num_seconds()
}
