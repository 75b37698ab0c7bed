//! What is expected of a person and did not come: `missing` against a schedule, and `stale`.
//!
//! Invariants: times of day are wall-clock times in London, summer and winter; nothing is missing before anything was expected,
//! while the person's plan pauses, or where the list of values no longer reaches back; an answer holds until the next moment
//! that can change it, and that moment can be asked for.

use super::{
    Need, READINGS_MAX, Settings, Source, View, When,
    file::{DayFile, ScheduleFile},
    how::How,
    looks_back::kept_secs,
    operator::Window,
    parameter::parameter_key,
    problem::At,
    read::Reader,
};
use crate::{
    duration::Span,
    finding::{Comparison, Finding},
    state::RuleKey,
};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use toml::Spanned;
use vitals::{Decimal, Quantity, Unit};

/// Most times of a day at which one thing is expected.
const TIMES_MAX: usize = 12;

/// Most expected readings that one condition counts back: four weeks of one a day.
const EXPECTED_MAX: usize = 28;

/// Most schedules in a pack.
const SCHEDULES_MAX: usize = 16;

/// Longest time before and after an expected reading's time that one counts for it, in seconds: two days.
const AROUND_MAX: i64 = 2 * DAY_SECS;

const DAY_SECS: i64 = 86_400;

/// When something is expected of a person: times of day, on days of the week, in London.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    /// The times of day, the earliest first.
    pub at: Vec<NaiveTime>,
    /// The days of the week; all of them where none is named.
    pub days: BTreeSet<Day>,
}

/// A day of the week, from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        Self(day.num_days_from_monday())
    }
}

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

/// What a person's plan says of what is expected of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// From when on anything is; where nobody says, from their first reading on.
    pub since: Option<DateTime<Utc>>,
    /// When nothing is: in hospital, on holiday.
    pub pauses: Vec<Pause>,
    /// Their own times, in place of a pack's schedule: [`with_times`](Self::with_times) puts them in.
    pub times: BTreeMap<RuleKey, Times>,
}

/// A time in which nothing is expected of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when; until somebody says so, where there is none.
    pub until: Option<DateTime<Utc>>,
}

impl Expectations {
    /// The person's own times in place of those of a schedule of a pack.
    #[must_use]
    pub fn with_times(mut self, pack: &str, schedule: &str, times: Times) -> Self {
        self.times.insert(schedule_key(pack, schedule), times);
        self
    }

    /// Whether the plan pauses at a second.
    fn pause_at(&self, at: i64) -> Option<&Pause> {
        self.pauses
            .iter()
            .find(|pause| pause.from.timestamp() <= at && pause.until.is_none_or(|until| at < until.timestamp()))
    }

    /// The last second by then at which a pause ended.
    fn resumed_by(&self, at: i64) -> Option<i64> {
        let ended = self.pauses.iter().filter_map(|pause| pause.until.map(|until| until.timestamp()));
        ended.filter(|ended| *ended <= at).max()
    }

    fn since_secs(&self) -> Option<i64> {
        self.since.map(|since| since.timestamp())
    }
}

impl Settings {
    /// The same for somebody of whom this is expected.
    #[must_use]
    pub fn expecting(mut self, expected: Expectations) -> Self {
        self.expected = Arc::new(expected);
        self
    }
}

/// A schedule's key: parameters have another word in theirs, and rules none.
fn schedule_key(pack: &str, name: &str) -> RuleKey {
    parameter_key(pack, &format!("schedule {name}"))
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
        let begun = newest.max(expected.since_secs().filter(|since| *since <= view.at))?;
        Some(begun.max(expected.resumed_by(view.at).unwrap_or(i64::MIN)))
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

impl Missing {
    fn times<'a>(&'a self, view: &'a View<'_>) -> &'a Times {
        view.settings.expected.times.get(&self.schedule.key).unwrap_or(&self.schedule.times)
    }

    /// How many are missing, of the newest whose time is over.
    fn missing(&self, view: &View<'_>) -> Option<(usize, usize)> {
        let Schedule { before, grace, .. } = *self.schedule;
        let expected = &view.settings.expected;
        let values = view.history.of(self.source.key);
        let begun = values.entries().first().map(|first| first.secs);
        // Where the list lets go of values, nobody can say any more what came.
        let is_full = values.entries().len() >= READINGS_MAX;
        let newest = values.entries().last().map_or(i64::MIN, |last| last.secs);
        let kept_since = newest.saturating_sub(kept_secs(self.source.window.span));
        let known_since = begun.filter(|_| is_full).unwrap_or(i64::MIN).max(kept_since);
        // What was missed before a pause is not held against somebody who is back.
        let resumed = expected.resumed_by(view.at).unwrap_or(i64::MIN);
        let since = expected.since_secs().or(begun)?.max(resumed).max(known_since.saturating_add(before));
        let (mut missing, mut of) = (0, 0);
        for time in self.times(view).back_from(view.at.saturating_sub(grace)) {
            if time.saturating_add(grace) < since || of >= self.of {
                break;
            }
            if time < since || expected.pause_at(time).is_some() {
                continue;
            }
            of += 1;
            let came = values.between(time.saturating_sub(before).saturating_sub(1), time.saturating_add(grace));
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
        let times = self.times(view).on_from(view.at.saturating_sub(grace)).into_iter();
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

/// Days that are looked at for the next or the last expected time: a week has every day of the week, and a time that the
/// clocks leave out comes the day after.
const DAYS_LOOKED_AT: u64 = 9;

impl Times {
    /// The expected times at or before a second, the newest first: as many as any condition counts.
    fn back_from(&self, at: i64) -> impl Iterator<Item = i64> {
        let begin = london_day(at);
        let days = (0..=u64::try_from(crate::duration::SPAN_DAYS_MAX).unwrap_or_default())
            .filter_map(move |back| begin?.checked_sub_days(Days::new(back)));
        days.flat_map(|day| self.of_day(day).into_iter().rev()).filter(move |time| *time <= at)
    }

    /// The expected times from a second on, the earliest first, for a little more than a week.
    fn on_from(&self, at: i64) -> Vec<i64> {
        let begin = london_day(at);
        let days = (0..DAYS_LOOKED_AT).filter_map(|on| begin?.checked_add_days(Days::new(on)));
        days.flat_map(|day| self.of_day(day)).filter(|time| *time >= at).collect()
    }

    fn of_day(&self, day: NaiveDate) -> Vec<i64> {
        if !self.days.is_empty() && !self.days.contains(&day.weekday().into()) {
            return Vec::new();
        }
        self.at.iter().map(|time| from_london(day.and_time(*time))).collect()
    }

    /// How many there are in a week.
    fn in_a_week(&self) -> usize {
        let days = if self.days.is_empty() { 7 } else { self.days.len() };
        self.at.len().saturating_mul(days).max(1)
    }
}

/// How far clocks in London are ahead of UTC: an hour from 1am UTC on the last Sunday of March to 1am UTC on the last Sunday of
/// October (the Summer Time Order 2002).
fn london_ahead(utc: NaiveDateTime) -> TimeDelta {
    let change = |month: u32| {
        let last = NaiveDate::from_ymd_opt(utc.year(), month, 31)?;
        let sunday = last.checked_sub_days(Days::new(last.weekday().num_days_from_sunday().into()))?;
        sunday.and_hms_opt(1, 0, 0)
    };
    let is_summer = change(3).zip(change(10)).is_some_and(|(from, until)| from <= utc && utc < until);
    if is_summer { TimeDelta::hours(1) } else { TimeDelta::zero() }
}

/// The day in London of a second since 1970.
fn london_day(secs: i64) -> Option<NaiveDate> {
    let utc = DateTime::from_timestamp(secs, 0)?.naive_utc();
    Some((utc + london_ahead(utc)).date())
}

/// The second of a wall-clock time in London: the first of two, and an hour later where the clocks leave it out.
fn from_london(local: NaiveDateTime) -> i64 {
    let in_summer = local - TimeDelta::hours(1);
    let utc = if london_ahead(in_summer).is_zero() { local } else { in_summer };
    utc.and_utc().timestamp()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    }

    /// The changes of 2026 were on 29 March and 25 October, of 2027 on 28 March and 31 October.
    #[test]
    fn times_of_day_are_those_of_london_across_both_changes_of_the_clocks() {
        let local = |text: &str| from_london(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap());
        for (london, at) in [
            ("2026-03-28 08:00", "2026-03-28T08:00:00Z"),
            ("2026-03-29 08:00", "2026-03-29T07:00:00Z"),
            ("2026-03-29 01:30", "2026-03-29T01:30:00Z"),
            ("2026-10-24 08:00", "2026-10-24T07:00:00Z"),
            ("2026-10-25 00:30", "2026-10-24T23:30:00Z"),
            ("2026-10-25 01:30", "2026-10-25T00:30:00Z"),
            ("2026-10-25 02:30", "2026-10-25T02:30:00Z"),
            ("2026-10-25 08:00", "2026-10-25T08:00:00Z"),
            ("2027-03-28 08:00", "2027-03-28T07:00:00Z"),
            ("2027-10-31 08:00", "2027-10-31T08:00:00Z"),
        ] {
            assert_eq!(local(london), utc(at), "{london}");
        }
        assert_eq!(london_day(utc("2026-06-30T23:30:00Z")), NaiveDate::from_ymd_opt(2026, 7, 1));
    }

    /// Mondays and Thursdays at 8am and 8pm, back and on over the change of 25 October 2026, a Sunday.
    #[test]
    fn expected_times_are_found_back_and_on() {
        let days = [Weekday::Mon, Weekday::Thu].map(Day::from).into();
        let at = ["08:00", "20:00"].map(|time| NaiveTime::parse_from_str(time, "%H:%M").unwrap()).to_vec();
        let times = Times { at, days };
        let sunday = utc("2026-10-25T12:00:00Z");
        let back: Vec<i64> = times.back_from(sunday).take(3).collect();
        assert_eq!(back, ["2026-10-22T19:00:00Z", "2026-10-22T07:00:00Z", "2026-10-19T19:00:00Z"].map(utc));
        let on: Vec<i64> = times.on_from(sunday).into_iter().take(3).collect();
        assert_eq!(on, ["2026-10-26T08:00:00Z", "2026-10-26T20:00:00Z", "2026-10-29T08:00:00Z"].map(utc));
        assert_eq!(times.in_a_week(), 4);
    }
}
