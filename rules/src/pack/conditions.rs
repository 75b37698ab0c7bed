//! From a condition as written to a condition that can be asked.

use super::{
    Among, Bound, For, Item, Limit, Over, Postural, READINGS_MAX, Said, ScoreTest, Source, Stance, Threshold, When,
    file::{AgainstFile, BoundFile, Number, WhenFile},
    how::{How, Subject},
    item::nano,
    operator::{Fold, Window},
    parameter::parameter_key,
    problem::At,
    read::Reader,
};
use crate::{duration::Span, finding::Comparison, state::SeriesKey};
use std::sync::Arc;
use toml::Spanned;
use vitals::{
    Decimal, Flag, Kind, Unit,
    catalogue::{self, Component},
    measure::Question,
};

/// Deepest nesting of any, all and not.
const DEPTH_MAX: usize = 4;

/// Most parts that compare something in one rule: what a clinician can read at a glance, and what one rule may cost.
pub(super) const LEAVES_MAX: usize = 24;

impl Reader<'_> {
    pub(super) fn when(&mut self, file: Spanned<WhenFile>, depth: usize) -> Option<When> {
        let place = At::from(file.span());
        if depth > DEPTH_MAX {
            self.problem(place, format!("conditions are nested deeper than {DEPTH_MAX} | split the rule"));
            return None;
        }
        let (subjects, how) = file.into_inner().apart();
        let mut subjects = subjects.into_iter();
        let (Some(subject), None) = (subjects.next(), subjects.next()) else {
            self.not_one_condition(place);
            return None;
        };
        match subject {
            Subject::Any(_) | Subject::All(_) | Subject::Not(_) if !how.written().is_empty() => {
                self.not_one_condition(place);
                None
            }
            Subject::Any(parts) => self.parts(parts, place, depth).map(When::Any),
            Subject::All(parts) => self.parts(parts, place, depth).map(When::All),
            Subject::Not(part) => self.when(*part, depth + 1).map(|part| When::Not(Box::new(part))),
            Subject::Latest(name) => self.latest(&name, how, place),
            Subject::Fold(fold, name) => self.fold(fold, &name, how, place),
            Subject::Change(name) => {
                let fold = match how.from {
                    Some(AgainstFile::Lowest) => Fold::ChangeFromLowest,
                    Some(AgainstFile::Highest) => Fold::ChangeFromHighest,
                    Some(AgainstFile::Previous) => Fold::ChangeFromPrevious,
                    Some(AgainstFile::Usual) => Fold::ChangeFromUsual,
                    Some(AgainstFile::Resting) => return self.postural(&name, how, place),
                    None => {
                        self.problem(place, format!("{name}: say from what it changed | from = \"lowest\", \"highest\", \"previous\", \"usual\" or \"resting\""));
                        return None;
                    }
                };
                self.fold(fold, &name, how, place)
            }
            Subject::Cusum(name) => {
                let Some(slack) = how.slack.and_then(|Number(slack)| nano(slack)).filter(|slack| *slack >= 0) else {
                    self.problem(
                        place,
                        format!("{name}: say what a day may differ without counting | slack = \"0.2\""),
                    );
                    return None;
                };
                let is_upward = how.comparisons.iter().all(|(comparison, _)| comparison.is_upward());
                self.fold(Fold::Cusum { slack, is_upward }, &name, how, place)
            }
            Subject::Said(name) => self.said(&name, &how, place),
            Subject::Score(id) => self.score_test(&id, how, place),
            Subject::Without(flags) => {
                self.only("quality_without", &how, &[], place);
                self.flags(&flags, place).map(When::Without)
            }
            Subject::Missing(name) => self.missing(&name, &how, place),
            Subject::Stale(name) => self.stale(&name, &how, place),
            Subject::IsSet(name) => {
                self.only("is_set", &how, &[], place);
                if !self.parameters.contains_key(&name) {
                    self.problem(
                        place,
                        format!("param {name} is not in the pack | add [param.{name}], or use one that is"),
                    );
                }
                let key = parameter_key(&self.id, &name);
                Some(When::IsSet(name, key))
            }
        }
    }

    fn not_one_condition(&mut self, place: At) {
        self.problem(
            place,
            "this is not one condition | a condition is one of any = [...], all = [...], not = {...}, or one of latest, mean, median, lowest, highest, \
             home_average, change, slope, rate, unusual, cusum, forecast, said, score, missing, stale, quality_without, is_set with how it is meant",
        );
    }

    fn parts(&mut self, parts: Vec<Spanned<WhenFile>>, place: At, depth: usize) -> Option<Vec<When>> {
        if parts.is_empty() {
            self.problem(
                place,
                "any and all need at least one condition: an empty one would always or never hold | add one",
            );
            return None;
        }
        parts.into_iter().map(|part| self.when(part, depth + 1)).collect()
    }

    /// Refuses what says nothing about such a condition.
    pub(super) fn only(&mut self, what: &str, how: &How, allowed: &[&str], place: At) {
        for name in how.written().into_iter().filter(|name| !allowed.contains(name)) {
            self.problem(place, format!("{what}: {name} says nothing here | leave it out"));
        }
    }

    fn component(&mut self, name: &str, place: At) -> Option<&'static Component> {
        let known = catalogue::component(name);
        if known.is_none() {
            self.problem(
                place,
                format!(
                    "{name} is not in the measure catalogue | write the name of a component that is, such as systolic"
                ),
            );
        }
        known
    }

    pub(super) fn item(&mut self, name: &str, place: impl Into<At>) -> Option<Item> {
        let place = place.into();
        match (name, name.strip_prefix("answer:")) {
            ("consciousness", _) => Some(Item::Consciousness),
            ("oxygen", _) => Some(Item::Oxygen),
            (_, Some(question)) => {
                let question = Question::parse(question);
                if let Err(error) = &question {
                    self.problem(place, error.to_string());
                }
                question.ok().map(Item::Answer)
            }
            _ => self.component(name, place).map(Item::Number),
        }
    }

    fn flags(&mut self, names: &[String], place: At) -> Option<Vec<Flag>> {
        let mut flags = Vec::new();
        for name in names {
            let Some(flag) = Flag::from_name(name) else {
                self.problem(
                    place,
                    format!("{name} is nothing that is noticed about a reading | write a flag of the list of readings"),
                );
                return None;
            };
            flags.push(flag);
        }
        flags.sort_unstable();
        flags.dedup();
        Some(flags)
    }

    fn latest(&mut self, name: &str, how: How, place: At) -> Option<When> {
        let component = self.component(name, place)?;
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
        self.only(name, &how, allowed, place);
        let limit = self.limit(name, component.ucum, one, margins, place)?;
        let of = format!("{name} {} {}", limit.comparison.words(), bound_words(&limit.bound));
        match (n_of, in_a_row, held_for, max_age) {
            (None, None, None, None) => Some(When::Threshold(Threshold { component, kept: None, without: &[], limit })),
            (None, None, None, Some(age)) => {
                let window = Window { span: secs(age), last: 1, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, place)?;
                let label = format!("{name}, not older than {age}");
                Some(When::Over(Box::new(Over { source, fold: Fold::Latest, per_secs: 1, label, limit })))
            }
            (_, _, None, _) => {
                let (least, of_last) = match (n_of, in_a_row) {
                    (Some(n_of), None) => n_of,
                    (None, Some(n)) => (n, n),
                    _ => {
                        self.problem(place, format!("{name}: in_a_row and n_of | write one, not both"));
                        return None;
                    }
                };
                if least == 0 || least > of_last || of_last > READINGS_MAX {
                    self.problem(
                        place,
                        format!("{name}: the number of readings cannot be met | write 1 to {READINGS_MAX}, and no more of them than there are"),
                    );
                }
                let Some(over) = over else {
                    self.problem(place, format!("{name}: say how far back the readings may be | over = \"7d\""));
                    return None;
                };
                let window = Window { span: secs(over), last: of_last, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, place)?;
                let label = format!("{least} of {of_last} {of} in {over}");
                Some(When::Among(Box::new(Among { source, least, label, limit })))
            }
            (None, None, Some(length), _) => {
                let Some(gap) = gap_max else {
                    self.problem(place, format!("{name}: say how long a gap is no break | gap_max = \"10m\""));
                    return None;
                };
                let span = secs(length).saturating_add(secs(gap));
                let window = Window { span, last: READINGS_MAX, at_least: 1 };
                let source = self.source(Item::Number(component), &how.without, window, place)?;
                let label = format!("{of} for {length}");
                Some(When::For(Box::new(For { source, secs: secs(length), gap: secs(gap), label, limit })))
            }
            _ => {
                self.problem(place, format!("{name}: for, and a number of readings | write one, not both"));
                None
            }
        }
    }

    fn fold(&mut self, fold: Fold, name: &str, how: How, place: At) -> Option<When> {
        let component = self.component(name, place)?;
        let mut allowed = vec!["a comparison", "over", "last", "readings_min", "without"];
        allowed.extend(fold.is_per_time().then_some("per"));
        allowed.extend(matches!(fold, Fold::Cusum { .. }).then_some("slack"));
        allowed.extend(how.from.is_some().then_some("from"));
        if how.from.is_some() != fold_is_change(fold) {
            allowed.retain(|name| *name != "from");
        }
        self.only(name, &how, &allowed, place);
        let Some(over) = how.over else {
            self.problem(place, format!("{name}: say how far back | over = \"7d\""));
            return None;
        };
        let per_secs = match (fold.is_per_time(), how.per) {
            (false, _) => 1,
            (true, Some(per)) => secs(per),
            (true, None) => {
                self.problem(place, format!("{name}: say in what stretch of time | per = \"1d\""));
                return None;
            }
        };
        let at_least = how.readings_min.unwrap_or(fold.least());
        let last = how.last.unwrap_or(READINGS_MAX);
        if at_least < fold.least() || at_least > last || last > READINGS_MAX {
            self.problem(
                place,
                format!("{name}: too few or too many readings | readings_min is {} to {last}, and last at most {READINGS_MAX}", fold.least()),
            );
        }
        let is_sensor = component.name == "glucose_interstitial_mg";
        if fold == Fold::Forecast && !is_sensor {
            self.problem(place, format!("{name}: only a sensor's glucose is forecast | write glucose_interstitial_mg"));
        }
        // How far from usual has no unit.
        let unit = if fold == Fold::Unusual { Unit::Points } else { component.ucum };
        let limit = self.limit(name, unit, how.comparisons, how.margins, place)?;
        let window = Window { span: secs(over), last, at_least };
        let source = self.source(Item::Number(component), &how.without, window, place)?;
        let counted = how.last.map(|last| format!(", the last {last}")).unwrap_or_default();
        let per = how.per.map(|per| format!(" in each {per}")).unwrap_or_default();
        let label = format!("{}{per} in {over}{counted}", fold_words(fold, name));
        Some(When::Over(Box::new(Over { source, fold, per_secs, label, limit })))
    }

    /// What standing up makes of a number.
    fn postural(&mut self, name: &str, how: How, place: At) -> Option<When> {
        let component = self.component(name, place)?;
        self.only(name, &how, &["a comparison", "from", "over", "without"], place);
        if component.kind != Kind::BloodPressure {
            self.problem(place, format!("{name}: only a cuff's reading has a posture | compare systolic or diastolic"));
        }
        let Some(over) = how.over else {
            self.problem(place, format!("{name}: say how long before lying or sitting was measured | over = \"10m\""));
            return None;
        };
        let limit = self.limit(name, component.ucum, how.comparisons, how.margins, place)?;
        let mut of = |stance: Stance, span: i64, last: usize| {
            let window = Window { span, last, at_least: 1 };
            self.source(Item::Postured(component, stance), &how.without, window, place)
        };
        let (standing, resting) = (of(Stance::Standing, 0, 1)?, of(Stance::Resting, secs(over), READINGS_MAX)?);
        let label = format!("{name} standing, less lying or sitting within {over} before");
        Some(When::Postural(Box::new(Postural { standing, resting, label, limit })))
    }

    fn said(&mut self, name: &str, how: &How, place: At) -> Option<When> {
        self.only(name, how, &["is", "max_age"], place);
        let item = self.item(name, place)?;
        let words = item.words();
        let Some(word) = how.is.as_deref().and_then(|word| item.word(word)) else {
            let advice = if words.is_empty() {
                "it is a number | compare it".to_owned()
            } else {
                format!("is no word of it | it is one of {}", words.join(", "))
            };
            self.problem(place, format!("{name}: {advice}"));
            return None;
        };
        let span = how.max_age.map_or(0, secs);
        let source = self.source(item, &[], Window { span, last: 1, at_least: 1 }, place)?;
        let label = format!("{name} is {}", how.is.as_deref().unwrap_or_default());
        Some(When::Said(Box::new(Said { source, word, label })))
    }

    fn score_test(&mut self, id: &str, how: How, place: At) -> Option<When> {
        self.only(id, &how, &["a comparison", "part"], place);
        let Some(score) = self.scores.get(id).map(Arc::clone) else {
            self.problem(place, format!("score {id} is not in the pack, or has a mistake | add [[score]], or mend it"));
            return None;
        };
        let limit = self.limit(id, Unit::Points, how.comparisons, how.margins, place)?;
        let label = if how.is_any_part { format!("{}, any part", score.title) } else { score.title.clone() };
        Some(When::Score(Box::new(ScoreTest { score, is_any_part: how.is_any_part, label, limit })))
    }

    pub(super) fn source(&mut self, item: Item, without: &[String], window: Window, place: At) -> Option<Source> {
        let mut without = self.flags(without, place)?;
        without.extend_from_slice(self.provenance.without_of(&item));
        without.sort_unstable();
        without.dedup();
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
        place: At,
    ) -> Option<Limit> {
        let mut comparisons = comparisons.into_iter();
        let (Some((comparison, bound)), None) = (comparisons.next(), comparisons.next()) else {
            self.problem(place, format!("{name}: it is compared with nothing, or twice | compare it once, with at_least, at_most, above or below"));
            return None;
        };
        let (bound, level) = match bound {
            BoundFile::Number(number) => {
                if margins.0.is_some() || margins.1.is_some() {
                    self.problem(place, format!("{name}: plus or minus moves a parameter | write the number itself"));
                }
                (Bound::Number(number), Some(number))
            }
            BoundFile::Parameter(parameter) => self.by_parameter(name, unit, parameter, margins, place),
        };
        if level.is_some_and(|level| nano(level).is_none()) {
            self.problem(
                place,
                format!("{name}: the bound is too large a number to compare with | write a smaller one"),
            );
        }
        Some(Limit { comparison, bound, level, nano: level.and_then(nano), unit })
    }

    fn by_parameter(
        &mut self,
        what: &str,
        unit: Unit,
        name: String,
        margins: (Option<Number>, Option<Number>),
        place: At,
    ) -> (Bound, Option<Decimal>) {
        match self.parameters.get(&name).map(|parameter| parameter.unit) {
            None => {
                self.problem(place, format!("param {name} is not in the pack | add [param.{name}], or use one that is"))
            }
            Some(own) if own != unit => {
                self.problem(
                    place,
                    format!(
                        "param {name} is in {} but {what} is in {} | give both the same unit",
                        own.ucum(),
                        unit.ucum()
                    ),
                );
            }
            Some(_) => {}
        }
        let zero = Decimal::from(0);
        let margin = match margins {
            (Some(Number(plus)), None) => plus,
            (None, Some(Number(minus))) => minus.negated(),
            (None, None) => zero,
            (Some(_), Some(_)) => {
                self.problem(place, format!("{what}: plus and minus | write one, not both"));
                zero
            }
        };
        let default = self.parameters.get(&name).and_then(|parameter| parameter.default);
        let level = default.map(|default| default.plus(margin));
        if level == Some(None) {
            self.problem(
                place,
                format!("param {name} moved by {margin} is too large a number to compare with | write a smaller one"),
            );
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
        Fold::Unusual => format!("robust standard deviations of {name} from what is usual"),
        Fold::Cusum { .. } => format!("drift of {name}"),
        Fold::Forecast => format!("{name} in half an hour"),
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
