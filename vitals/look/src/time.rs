//! Dates and times in plain English, by the clock on the wall in the United Kingdom (NHS content guide, "Dates" and "Time").
//!
//! Invariants: nothing here asks a clock: the moment that counts as now is always the last argument; months are spelled
//! in full; an hour that happens twice, when the clocks go back, says which of the two it was.
//!
//! The guide writes "5:30pm"; `words.md` writes "9.12am", and the house's own words win.

use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{Europe::London, OffsetComponents, Tz};

/// The date: "6 August 2018".
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// let late_in_summer = Utc.with_ymd_and_hms(2018, 8, 5, 23, 30, 0).unwrap();
/// assert_eq!(look::time::date(late_in_summer), "6 August 2018", "by the clock on the wall it was past midnight");
/// ```
#[must_use]
pub fn date(at: DateTime<Utc>) -> String {
    day(local(at).date_naive())
}

/// The time of day: "9.12am", "1pm", "midday", "midnight".
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// let winter = Utc.with_ymd_and_hms(2026, 1, 12, 9, 12, 40).unwrap();
/// assert_eq!(look::time::clock(winter), "9.12am");
/// ```
#[must_use]
pub fn clock(at: DateTime<Utc>) -> String {
    let local = local(at);
    let (is_afternoon, hour) = local.hour12();
    let half = if is_afternoon { "pm" } else { "am" };
    let time = match (local.hour(), local.minute()) {
        (0, 0) => "midnight".to_owned(),
        (12, 0) => "midday".to_owned(),
        (_, 0) => format!("{hour}{half}"),
        (_, minute) => format!("{hour}.{minute:02}{half}"),
    };
    match which_of_two(&local) {
        Some(which) => format!("{time} ({which} the clocks went back)"),
        None => time,
    }
}

/// A moment as people say it: "today at 9.12am", "yesterday at 4pm", "16 January 2017 at 1pm".
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// let now = Utc.with_ymd_and_hms(2026, 6, 1, 9, 0, 0).unwrap();
/// assert_eq!(look::time::when(Utc.with_ymd_and_hms(2026, 6, 1, 8, 12, 0).unwrap(), now), "today at 9.12am");
/// assert_eq!(look::time::when(Utc.with_ymd_and_hms(2017, 1, 16, 13, 0, 24).unwrap(), now), "16 January 2017 at 1pm");
/// ```
#[must_use]
pub fn when(moment: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let (then, now) = (local(moment).date_naive(), local(at).date_naive());
    let day = if then == now {
        "today".to_owned()
    } else if then.succ_opt() == Some(now) {
        "yesterday".to_owned()
    } else {
        day(then)
    };
    // "1 June at midnight" can be read as either end of the day.
    let time = match clock(moment) {
        time if time == "midnight" => "midnight, as the day began".to_owned(),
        time => time,
    };
    format!("{day} at {time}")
}

/// How long something has waited: "less than a minute", "12 minutes", "1 hour 5 minutes", "2 days 3 hours".
///
/// ```
/// # use chrono::{TimeDelta, TimeZone, Utc};
/// let now = Utc.with_ymd_and_hms(2026, 6, 1, 9, 0, 0).unwrap();
/// assert_eq!(look::time::waited(now - TimeDelta::minutes(65), now), "1 hour 5 minutes");
/// ```
#[must_use]
pub fn waited(since: DateTime<Utc>, at: DateTime<Utc>) -> String {
    // A moment after now comes from two clocks that differ a little: it has only just begun.
    let minutes = (at - since).max(TimeDelta::zero()).num_minutes();
    let (days, hours) = (minutes / MINUTES_A_DAY, minutes % MINUTES_A_DAY / 60);
    match (days, hours, minutes % 60) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => counted(minutes, "minute"),
        (0, hours, 0) => counted(hours, "hour"),
        (0, hours, minutes) => format!("{} {}", counted(hours, "hour"), counted(minutes, "minute")),
        (days, 0, _) => counted(days, "day"),
        (days, hours, _) => format!("{} {}", counted(days, "day"), counted(hours, "hour")),
    }
}

/// What is said of a reading that is marked late: "Taken 16 January 2017, reached us 1 June 2026".
///
/// Within one day the two times of day are said instead.
///
/// ```
/// # use chrono::{TimeZone, Utc};
/// let taken = Utc.with_ymd_and_hms(2017, 1, 16, 13, 0, 24).unwrap();
/// let reached = Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).unwrap();
/// assert_eq!(look::time::late_line(taken, reached), "Taken 16 January 2017, reached us 1 June 2026");
/// ```
#[must_use]
pub fn late_line(taken: DateTime<Utc>, reached: DateTime<Utc>) -> String {
    if local(taken).date_naive() == local(reached).date_naive() {
        format!("Taken {} at {}, reached us at {}", date(taken), clock(taken), clock(reached))
    } else {
        format!("Taken {}, reached us {}", date(taken), date(reached))
    }
}

/// The moment for machines, as the `datetime` of a `time` element: "2026-06-01T08:12:00Z".
#[must_use]
pub fn machine(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

const MINUTES_A_DAY: i64 = 24 * 60;

fn local(at: DateTime<Utc>) -> DateTime<Tz> {
    at.with_timezone(&London)
}

pub(crate) fn day(date: NaiveDate) -> String {
    date.format("%-d %B %Y").to_string()
}

fn counted(number: i64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// "before" or "after", where this time of day happens twice because the clocks go back.
fn which_of_two(local: &DateTime<Tz>) -> Option<&'static str> {
    let both = London.from_local_datetime(&local.naive_local());
    let (first, second) = (both.earliest()?, both.latest()?);
    if first.offset().fix() == second.offset().fix() {
        return None;
    }
    Some(if local.offset().dst_offset() > second.offset().dst_offset() { "before" } else { "after" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn times_of_day_follow_the_content_guide() {
        for (moment, expected) in [
            ("2026-01-12T00:00:59Z", "midnight"),
            ("2026-01-12T00:05:00Z", "12.05am"),
            ("2026-01-12T09:00:00Z", "9am"),
            ("2026-01-12T12:00:00Z", "midday"),
            ("2026-01-12T12:05:00Z", "12.05pm"),
            ("2026-01-12T17:30:00Z", "5.30pm"),
            ("2026-07-12T17:30:00Z", "6.30pm"),
        ] {
            assert_eq!(clock(utc(moment)), expected, "{moment}");
        }
    }

    #[test]
    fn today_and_yesterday_are_days_in_the_united_kingdom() {
        let now = utc("2026-06-01T23:30:00Z"); // 12.30am on 2 June in summer time
        for (moment, expected) in [
            ("2026-06-01T23:10:00Z", "today at 12.10am"),
            ("2026-06-01T23:00:00Z", "today at midnight, as the day began"),
            ("2026-06-01T22:59:00Z", "yesterday at 11.59pm"),
            ("2026-05-31T22:30:00Z", "31 May 2026 at 11.30pm"),
            ("2026-06-02T23:30:00Z", "3 June 2026 at 12.30am"),
            ("2017-01-16T13:00:24Z", "16 January 2017 at 1pm"),
        ] {
            assert_eq!(when(utc(moment), now), expected, "{moment}");
        }
    }

    #[test]
    fn an_hour_that_happens_twice_says_which() {
        for (moment, expected) in [
            ("2026-10-24T23:59:00Z", "12.59am"),
            ("2026-10-25T00:00:00Z", "1am (before the clocks went back)"),
            ("2026-10-25T00:30:00Z", "1.30am (before the clocks went back)"),
            ("2026-10-25T01:30:00Z", "1.30am (after the clocks went back)"),
            ("2026-10-25T02:00:00Z", "2am"),
            // Clocks forward: 1am to 2am does not happen.
            ("2026-03-29T00:59:00Z", "12.59am"),
            ("2026-03-29T01:00:00Z", "2am"),
        ] {
            assert_eq!(clock(utc(moment)), expected, "{moment}");
        }
    }

    #[test]
    fn yesterday_holds_across_a_day_of_twenty_five_hours() {
        assert_eq!(when(utc("2026-10-24T23:30:00Z"), utc("2026-10-26T00:30:00Z")), "yesterday at 12.30am");
    }

    #[test]
    fn waiting_is_never_negative_and_never_rounded_up() {
        let now = utc("2026-06-01T09:00:00Z");
        for (minutes, expected) in [
            (-5, "less than a minute"),
            (0, "less than a minute"),
            (1, "1 minute"),
            (59, "59 minutes"),
            (60, "1 hour"),
            (125, "2 hours 5 minutes"),
            (1440, "1 day"),
            (1441, "1 day"),
            (3 * 1440 - 1, "2 days 23 hours"),
        ] {
            assert_eq!(waited(now - TimeDelta::minutes(minutes), now), expected);
        }
        assert_eq!(waited(now - TimeDelta::seconds(119), now), "1 minute");
    }

    #[test]
    fn late_within_a_day_says_both_times() {
        let line = late_line(utc("2026-06-01T08:12:00Z"), utc("2026-06-01T10:00:00Z"));
        assert_eq!(line, "Taken 1 June 2026 at 9.12am, reached us at 11am");
    }
}
