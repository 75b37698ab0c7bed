//! What is expected of a person and did not come: `missing` against a schedule, and `stale`.
//!
//! Invariants: nothing is missing before anything was expected, while the person's plan pauses, or where the list of values no
//! longer reaches back; an answer holds until the next moment that can change it, and that moment can be asked for.

use super::{
    Asked, Day, Need, READINGS_MAX, Settings, Source, Times, View, When,
    expected::{Waited, schedule_key},
    file::{DayFile, ScheduleFile},
    how::How,
    looks_back::kept_secs,
    operator::Window,
    problem::At,
    read::Reader,
};
use crate::{
    duration::Span,
    finding::{Comparison, Finding},
    state::{RuleKey, SeriesKey},
};
use chrono::NaiveTime;
use std::{collections::BTreeMap, sync::Arc};
use toml::Spanned;
use vitals::{Decimal, Quantity, Unit, catalogue::components};

/// Most times of a day at which one thing is expected.
const TIMES_MAX: usize = 12;

/// Most expected readings that one condition counts back: four weeks of one a day.
const EXPECTED_MAX: usize = 28;

/// Most schedules in a pack.
const SCHEDULES_MAX: usize = 16;

/// Longest time before and after an expected reading's time that one counts for it, in seconds: two days.
const AROUND_MAX: i64 = 2 * DAY_SECS;

const DAY_SECS: i64 = 86_400;

/// What a pack expects of everybody, where a person's plan says nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// What it is looked up by in a person's plan.
    key: RuleKey,
    /// When.
    times: Times,
    /// How long before its time a reading counts, in seconds.
    before: i64,
    /// How long after its time a reading may come, in seconds.
    grace: i64,
}

/// So many of the last so many expected readings did not come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Of what.
    pub source: Source,
    /// When they are expected.
    pub schedule: Arc<Schedule>,
    /// How many must be missing.
    pub least: usize,
    /// Of how many.
    pub of: usize,
    /// What it is called in evidence.
    pub label: String,
}

/// Nothing came for a length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Of what.
    pub source: Source,
    /// For how long, in seconds.
    pub secs: i64,
    /// What it is called in evidence.
    pub label: String,
}

impl Stale {
    /// The second from which on is counted; none where nothing was ever expected.
    fn from(&self, view: &View<'_>) -> Option<i64> {
        let expected = &view.settings.expected;
        let newest = view.history.of(self.source.key).newest(view.at).map(|newest| newest.secs);
        let begun =
            newest.max(expected.since_secs().or(view.asked_since(&self.source)).filter(|since| *since <= view.at))?;
        Some(begun.max(view.resumed().unwrap_or(i64::MIN)))
    }

    pub(super) fn holds(&self, view: &View<'_>) -> Option<bool> {
        let from = self.from(view)?;
        Some(view.settings.expected.pause_at(view.at).is_none() && view.at.saturating_sub(from) >= self.secs)
    }

    /// The next second at which this may be otherwise, if no reading comes.
    fn next(&self, view: &View<'_>) -> Option<i64> {
        let begins = match view.settings.expected.pause_at(view.at) {
            Some(pause) => pause.until?.timestamp(),
            None => self.from(view)?,
        };
        Some(begins.saturating_add(self.secs)).filter(|next| *next > view.at)
    }

    pub(super) fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let minutes = |secs: i64| Decimal::from_parts(secs / 60, 0);
        Some(Finding {
            component: self.label.clone(),
            value: Quantity::new(minutes(view.at.saturating_sub(self.from(view)?))?, Unit::Minutes),
            comparison: Comparison::AtLeast,
            bound: minutes(self.secs)?,
            parameter: None,
            held: self.holds(view)?,
        })
    }
}

impl View<'_> {
    /// What the person's plan asks of them, where that is readings of this source.
    fn asked(&self, source: &Source) -> Option<&Asked> {
        let asked = self.settings.expected.asked.get(&source.item.kind())?;
        self.is_theirs(source).then_some(asked)
    }

    /// Whether this is what the person's readings of the kind hold: a meter in one unit is not missed where another is used.
    /// Before any reading came, it is what the catalogue names first.
    fn is_theirs(&self, source: &Source) -> bool {
        let came = |key| !self.history.of(key).entries().is_empty();
        let name = source.item.to_string();
        let mut of_kind = components().iter().filter(|component| component.kind == source.item.kind());
        let is_first = of_kind.next().is_none_or(|first| first.name == name);
        came(source.key)
            || is_first && !of_kind.any(|other| other.name != name && came(SeriesKey::of(&other.name, &[])))
    }

    /// From which second on it is.
    fn asked_since(&self, source: &Source) -> Option<i64> {
        self.asked(source).and(self.waited?.since())
    }

    /// The last second at which a pause ended.
    fn resumed(&self) -> Option<i64> {
        self.settings.expected.resumed_by(self.at).max(self.waited.and_then(Waited::resumed))
    }
}

impl Missing {
    /// The times of day that count for the person, and every how many days.
    fn times<'a>(&'a self, view: &'a View<'_>) -> (&'a Times, u8) {
        let own = view.settings.expected.times.get(&self.schedule.key).map(|times| (times, 1));
        let asked = || view.asked(&self.source).map(|asked| (&asked.times, asked.every_days));
        own.or_else(asked).unwrap_or((&self.schedule.times, 1))
    }

    /// How long before its time a reading counts, in seconds.
    fn before(&self, view: &View<'_>) -> i64 {
        self.schedule.before.saturating_add(view.asked(&self.source).map_or(0, Asked::spread))
    }

    /// How many are missing, of the newest that came or whose time is over.
    fn missing(&self, view: &View<'_>) -> Option<(usize, usize)> {
        let (before, grace) = (self.before(view), self.schedule.grace);
        let expected = &view.settings.expected;
        let values = view.history.of(self.source.key);
        let begun = values.entries().first().map(|first| first.secs);
        // Where the list lets go of values, nobody can say any more what came.
        let is_full = values.entries().len() >= READINGS_MAX;
        let newest = values.entries().last().map_or(i64::MIN, |last| last.secs);
        let kept_since = newest.saturating_sub(kept_secs(self.source.window.span));
        let known_since = begun.filter(|_| is_full).unwrap_or(i64::MIN).max(kept_since);
        // What was missed before a pause is not held against somebody who is back.
        let resumed = view.resumed().unwrap_or(i64::MIN);
        let asked = view.asked_since(&self.source);
        let begun = begun.into_iter().chain(asked).min();
        let since = expected.since_secs().or(begun)?.max(resumed).max(known_since.saturating_add(before));
        // Of several days in which one reading is expected, none may lie before.
        let since = since.saturating_add(view.asked(&self.source).map_or(0, Asked::spread));
        let (mut missing, mut of) = (0, 0);
        let (times, every_days) = self.times(view);
        for time in times.back_from(view.at.saturating_add(before), every_days) {
            let over = time.saturating_add(grace);
            if over < since || of >= self.of {
                break;
            }
            if time < since || expected.pause_at(time).is_some() {
                continue;
            }
            let came = values.between(time.saturating_sub(before).saturating_sub(1), over);
            // What may come still is not missing; what has come counts at once.
            if came.is_empty() && over > view.at {
                continue;
            }
            of += 1;
            missing += usize::from(came.is_empty());
        }
        Some((missing, of))
    }

    pub(super) fn holds(&self, view: &View<'_>) -> Option<bool> {
        let (missing, _) = self.missing(view)?;
        Some(missing >= self.least && view.settings.expected.pause_at(view.at).is_none())
    }

    fn next(&self, view: &View<'_>) -> Option<i64> {
        let grace = self.schedule.grace;
        let (times, every_days) = self.times(view);
        let times = times.on_from(view.at.saturating_sub(grace), every_days).into_iter();
        times.map(|time| time.saturating_add(grace)).find(|over| *over > view.at)
    }

    pub(super) fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let count = |count: usize| Decimal::from_parts(i64::try_from(count).ok()?, 0);
        let (missing, of) = self.missing(view)?;
        Some(Finding {
            component: format!("{}: {missing} of the last {of} expected", self.label),
            value: Quantity::new(count(missing)?, Unit::Points),
            comparison: Comparison::AtLeast,
            bound: count(self.least)?,
            parameter: None,
            held: self.holds(view)?,
        })
    }
}

impl When {
    /// Whether it is about what does not come.
    pub(super) fn waits(&self) -> bool {
        self.leaves().any(|leaf| matches!(leaf, Self::Missing(_) | Self::Stale(_)))
    }

    /// Whether something that it waits for has not come.
    pub(crate) fn is_missed(&self, view: &View<'_>) -> bool {
        self.leaves().any(|leaf| {
            matches!(leaf, Self::Missing(missing) if missing.holds(view) == Some(true))
                || matches!(leaf, Self::Stale(stale) if stale.holds(view) == Some(true))
        })
    }

    /// Whether a person's plan asks for readings that it waits for.
    pub(crate) fn is_asked_for(&self, settings: &Settings) -> bool {
        let expected = &settings.expected;
        let asks = |source: &Source| expected.since.is_some() || expected.asked.contains_key(&source.item.kind());
        self.leaves().any(|leaf| {
            matches!(leaf, Self::Missing(missing) if asks(&missing.source))
                || matches!(leaf, Self::Stale(stale) if asks(&stale.source))
        })
    }

    /// The next second at which it may be otherwise, if no reading comes.
    pub(crate) fn next(&self, view: &View<'_>) -> Option<i64> {
        let of_leaf = |leaf: &Self| {
            if let Self::Missing(missing) = leaf {
                return missing.next(view);
            }
            if let Self::Stale(stale) = leaf { stale.next(view) } else { None }
        };
        self.leaves().filter_map(of_leaf).min()
    }

    /// What must be kept for it, where it is about what does not come.
    pub(super) fn need_to_wait(&self) -> Option<Need> {
        let source = if let Self::Missing(missing) = self {
            &missing.source
        } else if let Self::Stale(stale) = self {
            &stale.source
        } else {
            return None;
        };
        Some(Need { item: source.item.clone(), without: Vec::new(), key: source.key, span: source.window.span })
    }
}

impl Reader<'_> {
    /// Reads the pack's schedules.
    pub(super) fn schedules(&mut self, files: BTreeMap<String, Spanned<ScheduleFile>>) {
        if files.len() > SCHEDULES_MAX {
            self.problem(0, format!("a pack has at most {SCHEDULES_MAX} schedules | split the protocol"));
        }
        for (name, file) in files {
            let place = At::from(file.span());
            if let Some(schedule) = self.schedule(&name, file.into_inner(), place) {
                self.schedules.insert(name, Arc::new(schedule));
            }
        }
    }

    fn schedule(&mut self, name: &str, file: ScheduleFile, place: At) -> Option<Schedule> {
        let ScheduleFile { times, days, before, grace } = file;
        let mut at = Vec::new();
        for text in &times {
            let Ok(time) = NaiveTime::parse_from_str(text, "%H:%M") else {
                self.problem(place, format!("schedule {name}: {text} is no time of day | write it as \"08:00\""));
                return None;
            };
            at.push(time);
        }
        at.sort_unstable();
        at.dedup();
        if at.is_empty() || at.len() > TIMES_MAX || at.len() != times.len() {
            let words = format!(
                "schedule {name}: it has no time, one twice, or more than {TIMES_MAX} | write each time of day once"
            );
            self.problem(place, words);
            return None;
        }
        let (before, grace) = (before.delta().num_seconds(), grace.delta().num_seconds());
        if before > AROUND_MAX || grace > AROUND_MAX {
            self.problem(place, format!("schedule {name}: before and grace are at most 2 days | make them shorter"));
            return None;
        }
        let days = days.into_iter().map(|DayFile(day)| Day::from(day)).collect();
        Some(Schedule { key: schedule_key(&self.id, name), times: Times { at, days }, before, grace })
    }

    pub(super) fn missing(&mut self, name: &str, how: &How, place: At) -> Option<When> {
        self.only(name, how, &["of", "in_a_row", "n_of"], place);
        let Some(schedule) = how.of.as_deref().and_then(|of| self.schedules.get(of)).map(Arc::clone) else {
            self.problem(
                place,
                format!(
                    "{name}: missing against what is not said | add of = the name of a [schedule.NAME] of the pack"
                ),
            );
            return None;
        };
        let (least, of) = match (how.n_of, how.in_a_row) {
            (Some(n_of), None) => n_of,
            (None, n) => (n.unwrap_or(1), n.unwrap_or(1)),
            (Some(_), Some(_)) => {
                self.problem(place, format!("{name}: in_a_row and n_of | write one, not both"));
                return None;
            }
        };
        if !(1..=of).contains(&least) || of > EXPECTED_MAX {
            self.problem(
                place,
                format!("{name}: {least} of {of} cannot be counted | write at least 1 of at most {EXPECTED_MAX}"),
            );
            return None;
        }
        let weeks = i64::try_from(of.div_ceil(schedule.times.in_a_week())).unwrap_or(i64::MAX);
        let span = weeks.saturating_mul(7 * DAY_SECS).saturating_add(schedule.before).saturating_add(schedule.grace);
        let source = self.waiting_for(name, span, place)?;
        let label = format!("{name} missing");
        Some(When::Missing(Box::new(Missing { source, schedule, least, of, label })))
    }

    pub(super) fn stale(&mut self, name: &str, how: &How, place: At) -> Option<When> {
        self.only(name, how, &["for"], place);
        let Some(secs) = how.held_for.map(|span: Span| span.delta().num_seconds()) else {
            self.problem(place, format!("{name}: stale after how long is not said | add for = \"3d\""));
            return None;
        };
        let source = self.waiting_for(name, secs, place)?;
        let label = format!("time since {name}");
        Some(When::Stale(Box::new(Stale { source, secs, label })))
    }

    fn waiting_for(&mut self, name: &str, span: i64, place: At) -> Option<Source> {
        let item = self.item(name, place)?;
        self.source(item, &[], Window { span, last: READINGS_MAX, at_least: 1 }, place)
    }
}
