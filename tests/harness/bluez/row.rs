//! One stored reading in words that do not depend on the minute of the run, so that a script can say it exactly and two
//! runs can be compared.
//!
//! Moments within a day of the run are said as minutes ago; older ones, which come from recorded bytes, as they stand.

use super::wall_clock;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt};
use vitals::wire::v1;

/// A moment further from the run than this comes from recorded bytes.
const RECORDED: TimeDelta = TimeDelta::hours(24);

const MINUTE_SECS: i64 = 60;

/// One reading as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What was measured.
    pub kind: String,
    /// The device; a script may leave it to the whole list.
    #[serde(default)]
    pub source: String,
    /// Which of the device's users.
    pub user_index: Option<u8>,
    /// The person, or why it is nobody's: `pt-…`, `not_bound`, `user_unknown`, `nobody_measured`.
    pub who: String,
    /// The numbers with their units, and the words beside them.
    #[serde(default)]
    pub measured: BTreeMap<String, String>,
    /// Why there are none.
    pub not_measured: Option<String>,
    /// What the device's clock said.
    pub device_time: Option<String>,
    /// When it was taken, as well as the hub can tell, and by whose clock: `hub, just now`.
    pub taken: String,
    /// How far the device's clock was ahead, where it was read: `-16 min`.
    pub ahead: Option<String>,
    /// What was noticed about it.
    #[serde(default)]
    pub quality: Vec<String>,
}

impl Row {
    /// The row of a reading, looked at now.
    #[must_use]
    pub fn of(reading: &v1::Reading, now: DateTime<Utc>) -> Self {
        let numbers = reading.measured.iter().flatten();
        let numbers = numbers.map(|(name, number)| (name.clone(), format!("{} {}", number.value, number.unit)));
        let words = reading.said.iter().map(|(about, word)| (about.clone(), word.clone()));
        let intervals: Vec<String> = reading.rr_intervals_1024ths.iter().map(ToString::to_string).collect();
        let intervals = (!intervals.is_empty()).then(|| ("rr_intervals_1024ths".to_owned(), intervals.join(" ")));
        let sequence = reading.sequence.map(|number| ("sequence".to_owned(), number.to_string()));
        let has_clock = reading.device_ahead_secs.is_some();
        let taken = DateTime::parse_from_rfc3339(&reading.taken_at).map(|at| at.to_utc());
        let taken = taken.map_or_else(|_unreadable| reading.taken_at.clone(), |at| taken_words(at, now, has_clock));
        let unassigned = || reading.unassigned.clone().unwrap_or_else(|| "nothing".to_owned());
        Self {
            kind: reading.kind.clone(),
            source: reading.source.clone(),
            user_index: reading.user_index,
            who: reading.patient.clone().unwrap_or_else(unassigned),
            measured: numbers.chain(words).chain(intervals).chain(sequence).collect(),
            not_measured: reading.not_measured.clone(),
            device_time: reading.device_time.as_ref().map(|time| device_words(time, wall_clock(now))),
            taken: format!("{}, {taken}", reading.taken_by),
            ahead: reading.device_ahead_secs.map(|secs| format!("{} min", minutes(TimeDelta::seconds(secs)))),
            quality: reading.quality.clone(),
        }
    }
}

/// Whole minutes, to the nearest.
fn minutes(span: TimeDelta) -> i64 {
    (span.num_seconds() + MINUTE_SECS / 2 * span.num_seconds().signum()) / MINUTE_SECS
}

/// How long ago something was.
fn ago(span: TimeDelta) -> String {
    match minutes(span) {
        0 | 1 => "just now".to_owned(),
        minutes @ ..0 => format!("{} min ahead", -minutes),
        minutes => format!("{minutes} min ago"),
    }
}

/// When it was taken. A clock that was read moves a recorded moment by a second or so: then the minute has to do.
fn taken_words(at: DateTime<Utc>, now: DateTime<Utc>, has_clock: bool) -> String {
    if (now - at).abs() < RECORDED {
        ago(now - at)
    } else if has_clock {
        (at + TimeDelta::seconds(MINUTE_SECS / 2)).format("%Y-%m-%dT%H:%MZ").to_string()
    } else {
        v1::moment(at)
    }
}

fn device_words(time: &str, now: NaiveDateTime) -> String {
    match time.parse::<NaiveDateTime>() {
        Ok(at) if (now - at).abs() < RECORDED => ago(now - at),
        Ok(_) | Err(_) => time.to_owned(),
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.measured.iter().map(|(name, number)| format!("{name} {number}")).collect();
        let value = self.not_measured.as_ref().map_or_else(|| numbers.join(", "), |code| format!("no value ({code})"));
        write!(f, "{}: {value}; {} for {}", self.kind, self.source, self.who)?;
        if let Some(user) = self.user_index {
            write!(f, " (user {user})")?;
        }
        write!(f, "; the device said {}; taken by {}", self.device_time.as_deref().unwrap_or("no time"), self.taken)?;
        if let Some(ahead) = &self.ahead {
            write!(f, "; its clock {ahead} ahead")?;
        }
        if !self.quality.is_empty() {
            write!(f, "; {}", self.quality.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_from_the_run_or_as_they_were_recorded() {
        let now: DateTime<Utc> = "2026-06-01T12:00:00Z".parse().unwrap();
        for (at, words) in [
            ("2026-06-01T11:59:01Z", "just now"),
            ("2026-06-01T12:00:20Z", "just now"),
            ("2026-06-01T11:55:02Z", "5 min ago"),
            ("2026-06-01T12:16:01Z", "16 min ahead"),
            ("2017-01-16T13:00:24Z", "2017-01-16T13:00:24Z"),
        ] {
            assert_eq!(taken_words(at.parse().unwrap(), now, false), words, "{at}");
        }
        let recorded = "2020-01-19T22:54:59Z".parse().unwrap();
        assert_eq!(taken_words(recorded, now, true), "2020-01-19T22:55Z");
        assert_eq!(device_words("????-04-17T20:41:59", wall_clock(now)), "????-04-17T20:41:59");
        assert_eq!(
            device_words("2026-06-01T12:39:00", wall_clock(now)),
            "21 min ago",
            "London is an hour ahead in June"
        );
    }
}
