//! When readings are expected of a person: times of day, their own plan, and when that pauses.
//!
//! Invariant: times of day are wall-clock times in London, summer and winter.

use super::{Settings, parameter::parameter_key};
use crate::state::{RuleKey, RuleMemory};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use vitals::Kind;

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

/// What a person's plan says of what is expected of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// From when on anything is; where nobody says, from their first reading on.
    pub since: Option<DateTime<Utc>>,
    /// When nothing is: in hospital, on holiday.
    pub pauses: Vec<Pause>,
    /// Their own times, in place of a pack's schedule: [`with_times`](Self::with_times) puts them in.
    pub times: BTreeMap<RuleKey, Times>,
    /// What their care plan asks of them, in place of every pack's schedule for readings of the kind. It is expected from the
    /// moment the plan is known, whether or not a first reading came.
    pub asked: BTreeMap<Kind, Asked>,
}

/// What a person's care plan asks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The time of day by which it is expected.
    pub times: Times,
    /// How much earlier it may come on the same day, in seconds: a day of several times is one expected reading.
    pub earlier: i64,
    /// Every how many days, at least 1. Of several days one reading is expected, on whichever of them it comes.
    pub every_days: u8,
}

impl Asked {
    /// What a plan asks for at these times of every so many days: a day on which one of them came is a day that was measured.
    #[must_use]
    pub fn at(times: &[NaiveTime], every_days: u8) -> Option<Self> {
        let (first, last) = (times.iter().min()?, times.iter().max()?);
        let earlier = last.signed_duration_since(*first).num_seconds();
        Some(Self { times: Times { at: vec![*last], days: BTreeSet::new() }, earlier, every_days })
    }

    /// How many seconds more than a day's one reading may be apart from its time.
    pub(super) fn spread(&self) -> i64 {
        (i64::from(self.every_days.saturating_sub(1)) * DAY_SECS).saturating_add(self.earlier.max(0))
    }
}

/// A time in which nothing is expected of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when; until somebody says so, where there is none.
    pub until: Option<DateTime<Utc>>,
}

impl Pause {
    /// From the beginning of a day in London, until the beginning of another or until somebody says so.
    #[must_use]
    pub fn of_days(from: NaiveDate, until: Option<NaiveDate>) -> Self {
        let begins = |day: NaiveDate| DateTime::from_timestamp(from_london(day.and_time(NaiveTime::MIN)), 0);
        Self { from: begins(from).unwrap_or(DateTime::<Utc>::MIN_UTC), until: until.and_then(begins) }
    }
}

/// From when on a rule waits for a person's readings, as it remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// From this second on, because their plan asks for them.
    Since(i64),
    /// Not now: the plan pauses until somebody says so.
    Paused(i64),
    /// Again since this second, after such a pause: what did not come before it is not held against anybody.
    Again(i64),
}

impl Waited {
    /// As a rule remembers it: under a key of its own, with a number for which of these it is.
    pub(crate) fn remembered(memory: RuleMemory) -> Self {
        let secs = memory.newest_taken_at().timestamp();
        match memory.clear_in_a_row() {
            0 => Self::Since(secs),
            1 => Self::Paused(secs),
            _ => Self::Again(secs),
        }
    }

    pub(crate) fn memory(self) -> RuleMemory {
        let (secs, which) = match self {
            Self::Since(secs) => (secs, 0),
            Self::Paused(secs) => (secs, 1),
            Self::Again(secs) => (secs, 2),
        };
        RuleMemory::new(DateTime::from_timestamp(secs, 0).unwrap_or(DateTime::<Utc>::MIN_UTC), which)
    }

    /// The second from which on something is expected.
    pub(super) fn since(self) -> Option<i64> {
        match self {
            Self::Since(secs) | Self::Again(secs) => Some(secs),
            Self::Paused(_) => None,
        }
    }

    /// The second a pause ended.
    pub(super) fn resumed(self) -> Option<i64> {
        match self {
            Self::Again(secs) => Some(secs),
            Self::Since(_) | Self::Paused(_) => None,
        }
    }
}

impl Expectations {
    /// Whether the plan pauses at a second until somebody says so.
    pub(crate) fn pauses_without_end(&self, at: i64) -> bool {
        self.pause_at(at).is_some_and(|pause| pause.until.is_none())
    }

    /// The person's own times in place of those of a schedule of a pack.
    #[must_use]
    pub fn with_times(mut self, pack: &str, schedule: &str, times: Times) -> Self {
        self.times.insert(schedule_key(pack, schedule), times);
        self
    }

    /// Whether the plan pauses at a second.
    pub(super) fn pause_at(&self, at: i64) -> Option<&Pause> {
        self.pauses
            .iter()
            .find(|pause| pause.from.timestamp() <= at && pause.until.is_none_or(|until| at < until.timestamp()))
    }

    /// The last second by then at which a pause ended.
    pub(super) fn resumed_by(&self, at: i64) -> Option<i64> {
        let ended = self.pauses.iter().filter_map(|pause| pause.until.map(|until| until.timestamp()));
        ended.filter(|ended| *ended <= at).max()
    }

    pub(super) fn since_secs(&self) -> Option<i64> {
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
pub(super) fn schedule_key(pack: &str, name: &str) -> RuleKey {
    parameter_key(pack, &format!("schedule {name}"))
}

/// Days that are looked at for the next or the last expected time: a week has every day of the week, and a time that the
/// clocks leave out comes the day after.
const DAYS_LOOKED_AT: u64 = 9;

const DAY_SECS: i64 = 86_400;

impl Times {
    /// The expected times at or before a second, the newest first: as many as any condition counts.
    pub(super) fn back_from(&self, at: i64, every_days: u8) -> impl Iterator<Item = i64> {
        let begin = london_day(at);
        let days = (0..=u64::try_from(crate::duration::SPAN_DAYS_MAX).unwrap_or_default())
            .filter_map(move |back| begin?.checked_sub_days(Days::new(back)));
        days.filter(move |day| is_one_of(*day, every_days))
            .flat_map(|day| self.of_day(day).into_iter().rev())
            .filter(move |time| *time <= at)
    }

    /// The expected times from a second on, the earliest first, until the next is sure to be among them.
    pub(super) fn on_from(&self, at: i64, every_days: u8) -> Vec<i64> {
        let begin = london_day(at);
        let days =
            (0..DAYS_LOOKED_AT.max(u64::from(every_days) + 2)).filter_map(|on| begin?.checked_add_days(Days::new(on)));
        days.filter(|day| is_one_of(*day, every_days))
            .flat_map(|day| self.of_day(day))
            .filter(|time| *time >= at)
            .collect()
    }

    fn of_day(&self, day: NaiveDate) -> Vec<i64> {
        if !self.days.is_empty() && !self.days.contains(&day.weekday().into()) {
            return Vec::new();
        }
        self.at.iter().map(|time| from_london(day.and_time(*time))).collect()
    }

    /// How many there are in a week.
    pub(super) fn in_a_week(&self) -> usize {
        let days = if self.days.is_empty() { 7 } else { self.days.len() };
        self.at.len().saturating_mul(days).max(1)
    }
}

/// Whether a day is one of those that are so many days apart, counted from the same day for everybody.
fn is_one_of(day: NaiveDate, every_days: u8) -> bool {
    day.num_days_from_ce().rem_euclid(i32::from(every_days.max(1))) == 0
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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{LocalResult, TimeZone};
    use chrono_tz::Europe::London;

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

    /// Every half hour of forty-two years, beside the time zone database: of two the first, and where the clocks leave an hour
    /// out, an hour later. By a clock that never changes it is seen to be wrong.
    #[test]
    fn wall_clock_times_are_those_of_the_time_zone_database_from_1996_to_2037() {
        let halves = || {
            let begin = NaiveDate::from_ymd_opt(1996, 1, 1).unwrap().and_time(NaiveTime::MIN);
            (0..42 * 365 * 48).map(move |half| begin + TimeDelta::minutes(30 * half))
        };
        let by_database = |local: &NaiveDateTime| match London.from_local_datetime(local) {
            LocalResult::Single(one) | LocalResult::Ambiguous(one, _) => one.timestamp(),
            LocalResult::None => local.and_utc().timestamp(),
        };
        let wrong =
            |clock: fn(NaiveDateTime) -> i64| halves().filter(|local| clock(*local) != by_database(local)).count();
        assert_eq!(wrong(from_london), 0);
        assert!(wrong(|local| local.and_utc().timestamp()) > 300_000, "planted");
        let day = |at: NaiveDateTime| Some(at.and_utc().with_timezone(&London).date_naive());
        assert!(halves().all(|at| london_day(at.and_utc().timestamp()) == day(at)));
    }

    /// Mondays and Thursdays at 8am and 8pm, back and on over the change of 25 October 2026, a Sunday.
    #[test]
    fn expected_times_are_found_back_and_on() {
        let days = [Weekday::Mon, Weekday::Thu].map(Day::from).into();
        let at = ["08:00", "20:00"].map(|time| NaiveTime::parse_from_str(time, "%H:%M").unwrap()).to_vec();
        let times = Times { at, days };
        let sunday = utc("2026-10-25T12:00:00Z");
        let back: Vec<i64> = times.back_from(sunday, 1).take(3).collect();
        assert_eq!(back, ["2026-10-22T19:00:00Z", "2026-10-22T07:00:00Z", "2026-10-19T19:00:00Z"].map(utc));
        let on: Vec<i64> = times.on_from(sunday, 1).into_iter().take(3).collect();
        assert_eq!(on, ["2026-10-26T08:00:00Z", "2026-10-26T20:00:00Z", "2026-10-29T08:00:00Z"].map(utc));
        assert_eq!(times.in_a_week(), 4);
    }
}
