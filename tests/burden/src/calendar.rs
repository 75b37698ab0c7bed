//! Days in Europe/London, summer time included, and when the team looks.
//!
//! The team looks Monday to Friday, 8am to 6pm: the hours that the house's words for people give as their example.

use chrono::{Datelike, NaiveDate, TimeDelta, TimeZone, Weekday};

/// The first day: a Monday, with the change to summer time of 29 March inside the ninety days after it.
const FIRST: (i32, u32, u32) = (2026, 2, 2);

/// Days known beyond the cohort's last, for what is still open then.
const AFTER: i64 = 20;

/// When the team begins to look and stops, in seconds of the day.
const LOOKS: (i64, i64) = (8 * 3600, 18 * 3600);

/// Seconds in a day without a change of the clocks.
pub const DAY: i64 = 86_400;

/// The days of a cohort.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The first second of each day, and of the one after the last, in seconds since 1970.
    starts: Vec<i64>,
    is_weekday: Vec<bool>,
}

impl Calendar {
    /// The calendar of so many days.
    #[must_use]
    pub fn new(days: i64) -> Self {
        let (year, month, day) = FIRST;
        let first = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        let dates = (0..=days + AFTER).map(|day| first + TimeDelta::days(day));
        let (mut starts, mut is_weekday) = (Vec::new(), Vec::new());
        for date in dates {
            let midnight = date.and_time(chrono::NaiveTime::MIN);
            // Midnight exists once on every day of London: its clocks change at one in the morning.
            let start = chrono_tz::Europe::London.from_local_datetime(&midnight).earliest();
            starts.push(start.map_or_else(|| midnight.and_utc().timestamp(), |start| start.timestamp()));
            is_weekday.push(!matches!(date.weekday(), Weekday::Sat | Weekday::Sun));
        }
        Self { starts, is_weekday }
    }

    /// The first second of a day.
    #[must_use]
    pub fn start(&self, day: i64) -> i64 {
        let known = usize::try_from(day).ok().and_then(|day| self.starts.get(day));
        known.copied().unwrap_or_else(|| self.starts.first().copied().unwrap_or_default() + day * DAY)
    }

    /// The second of a day at which clocks show a time later than two in the morning.
    #[must_use]
    pub fn at(&self, day: i64, secs: i64) -> i64 {
        self.start(day + 1) - DAY + secs
    }

    /// Which day a second lies in.
    #[must_use]
    pub fn day_of(&self, at: i64) -> i64 {
        let after = self.starts.partition_point(|start| *start <= at);
        i64::try_from(after).unwrap_or(i64::MAX) - 1
    }

    fn is_weekday(&self, day: i64) -> bool {
        usize::try_from(day).ok().and_then(|day| self.is_weekday.get(day)).copied().unwrap_or(true)
    }

    /// The end of the service day that a moment lies in or, outside the hours, of the next.
    #[must_use]
    pub fn service_day_ends(&self, at: i64) -> i64 {
        let today = self.day_of(at);
        let ends = (today..today + 7).filter(|day| self.is_weekday(*day)).map(|day| self.at(day, LOOKS.1));
        ends.into_iter().find(|end| *end > at).unwrap_or(at + DAY)
    }

    /// The first moment from `at` on at which the team looks.
    #[must_use]
    pub fn team_looks(&self, at: i64) -> i64 {
        let ends = self.service_day_ends(at);
        at.max(ends - (LOOKS.1 - LOOKS.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn utc(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp()
    }

    /// Days of 23 hours, evenings that clocks call 7pm, and Friday evenings that end on Monday.
    #[test]
    fn days_are_londons_and_the_team_rests_at_weekends() {
        let calendar = Calendar::new(90);
        let sunday = calendar.day_of(utc("2026-03-29T12:00:00Z"));
        assert_eq!(calendar.start(sunday), utc("2026-03-29T00:00:00Z"));
        assert_eq!(calendar.start(sunday + 1) - calendar.start(sunday), 23 * 3600);
        assert_eq!(calendar.at(sunday, 8 * 3600), utc("2026-03-29T07:00:00Z"));
        assert_eq!(calendar.day_of(utc("2026-04-01T23:30:00Z")), calendar.day_of(utc("2026-04-02T11:00:00Z")));
        for (at, ends, looks) in [
            ("2026-02-02T09:00:00Z", "2026-02-02T18:00:00Z", "2026-02-02T09:00:00Z"),
            ("2026-02-02T03:00:00Z", "2026-02-02T18:00:00Z", "2026-02-02T08:00:00Z"),
            ("2026-02-06T18:00:00Z", "2026-02-09T18:00:00Z", "2026-02-09T08:00:00Z"),
            ("2026-04-10T17:30:00Z", "2026-04-13T17:00:00Z", "2026-04-13T07:00:00Z"),
        ] {
            assert_eq!(calendar.service_day_ends(utc(at)), utc(ends), "{at}");
            assert_eq!(calendar.team_looks(utc(at)), utc(looks), "{at}");
        }
    }
}
