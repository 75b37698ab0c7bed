//! What a back-test says: how many alerts, to whom, how urgent, and what differs from the protocols in force.

use super::play::{Aside, Line, Priority};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::London;
use rules::Audience;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};
use vitals::{PatientId, ReadingId, wire::v1::moment};

/// What is counted over everybody.
#[derive(Debug, Default)]
pub(super) struct Tally {
    alerts: u64,
    again: u64,
    late: u64,
    /// By whom they are for and how urgent they are.
    by: BTreeMap<(&'static str, Priority), Count>,
    by_rule: BTreeMap<(String, Priority), Count>,
    each_person: BTreeMap<PatientId, u64>,
    aside: Aside,
}

/// How many alerts of how many people.
#[derive(Debug, Default)]
struct Count {
    alerts: u64,
    people: BTreeSet<PatientId>,
}

impl Count {
    fn add(&mut self, line: &Line) {
        self.alerts = self.alerts.saturating_add(1);
        if !self.people.contains(&line.patient) {
            self.people.insert(line.patient.clone());
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, line: &Line) {
        self.alerts = self.alerts.saturating_add(1);
        self.again = self.again.saturating_add(line.again);
        self.late = self.late.saturating_add(u64::from(line.late));
        self.by.entry((audience(line.audience), line.priority)).or_default().add(line);
        self.by_rule.entry((line.rule.clone(), line.priority)).or_default().add(line);
        let of_them = self.each_person.entry(line.patient.clone()).or_default();
        *of_them = of_them.saturating_add(1);
    }

    pub(super) fn add_aside(&mut self, aside: Aside) {
        self.aside.prompts = self.aside.prompts.saturating_add(aside.prompts);
        self.aside.untold = self.aside.untold.saturating_add(aside.untold);
    }
}

/// What was played.
#[derive(Debug, Default)]
pub(super) struct Base {
    /// People with at least one reading.
    pub(super) people: u64,
    /// Days (Europe/London) of each of them on which at least one reading arrived, all together.
    pub(super) days: u64,
    /// Readings that were judged.
    pub(super) readings: u64,
    /// Readings that were there before: judged once.
    pub(super) repeated: u64,
    /// Readings of nobody: judged by nobody.
    pub(super) of_nobody: u64,
    /// When the first arrived, and the last.
    pub(super) span: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Base {
    pub(super) fn arrived(&mut self, at: DateTime<Utc>) {
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        self.readings = self.readings.saturating_add(1);
    }
}

/// The day of a moment, by the clock on the wall.
pub(super) fn day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&London).date_naive()
}

/// A share as a decimal of two places: `part / whole × times`.
fn share(part: u64, whole: u64, times: u64) -> String {
    let hundredths = u128::from(part) * u128::from(times) * 100;
    let whole = u128::from(whole.max(1));
    let rounded = (hundredths + whole / 2) / whole;
    format!("{}.{:02}", rounded / 100, rounded % 100)
}

fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Clinical => "care team",
        Audience::Technical => "equipment and connection",
        Audience::Nobody => "nobody",
    }
}

/// The whole report.
pub(super) fn text(base: &Base, tally: &Tally, taken_after: &str) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    write_text(&mut text, base, tally, taken_after).unwrap_or_default();
    text
}

fn write_text(text: &mut String, base: &Base, tally: &Tally, taken_after: &str) -> std::fmt::Result {
    let Base { people, days, readings, repeated, of_nobody, span } = base;
    writeln!(text, "{readings} readings of {people} people on {days} patient-days (days on which a reading arrived).")?;
    if let Some((first, last)) = span {
        writeln!(text, "They arrived between {} and {}.", moment(*first), moment(*last))?;
    }
    if *repeated > 0 {
        writeln!(text, "{repeated} more were there twice and counted once.")?;
    }
    if *of_nobody > 0 {
        writeln!(text, "{of_nobody} more are of nobody: no protocol judges them.")?;
    }
    writeln!(text, "Every alert is taken {taken_after} after it is raised: an assumption, set by --taken-after.")?;
    writeln!(text)?;
    writeln!(text, "{:<26} {:<8} {:>7} {:>21} {:>7}", "to", "priority", "alerts", "per 100 patient-days", "people")?;
    for ((to, priority), count) in &tally.by {
        let rate = share(count.alerts, *days, 100);
        let people = count.people.len();
        writeln!(text, "{to:<26} {:<8} {:>7} {rate:>21} {people:>7}", priority.name(), count.alerts)?;
    }
    let rate = share(tally.alerts, *days, 100);
    writeln!(text, "{:<26} {:<8} {:>7} {rate:>21} {:>7}", "all", "", tally.alerts, tally.each_person.len())?;
    writeln!(text)?;
    writeln!(text, "{:<48} {:<8} {:>7} {:>21} {:>7}", "rule", "priority", "alerts", "per 100 patient-days", "people")?;
    for ((rule, priority), count) in &tally.by_rule {
        let rate = share(count.alerts, *days, 100);
        writeln!(text, "{rule:<48} {:<8} {:>7} {rate:>21} {:>7}", priority.name(), count.alerts, count.people.len())?;
    }
    writeln!(text)?;
    let (tenth, theirs) = busiest_tenth(tally, *people);
    writeln!(
        text,
        "The busiest tenth of the people ({tenth} of {people}) have {} % of the alerts.",
        share(theirs, tally.alerts, 100)
    )?;
    writeln!(text, "Raised on readings too old to act on: {}. Told again: {}.", tally.late, tally.again)?;
    let Aside { prompts, untold } = tally.aside;
    writeln!(text, "Over before anybody was told, or on trial: {untold}.")?;
    writeln!(text, "Instructions to people: {prompts}, {} per 100 patient-days.", share(prompts, *days, 100))
}

/// A tenth of the people, rounded up, and how many alerts those with the most have.
fn busiest_tenth(tally: &Tally, people: u64) -> (u64, u64) {
    let tenth = people.div_ceil(10);
    let mut each: Vec<u64> = tally.each_person.values().copied().collect();
    each.sort_unstable_by(|one, other| other.cmp(one));
    let theirs = each.iter().take(usize::try_from(tenth).unwrap_or(usize::MAX)).sum();
    (tenth, theirs)
}

/// Alerts of one person under the same rule on the same first reading are one alert.
type Key = (PatientId, String, Option<ReadingId>);

fn by_key(lines: &[Line]) -> BTreeMap<Key, &Line> {
    let key = |line: &Line| (line.patient.clone(), line.rule.clone(), line.evidence.first().copied());
    lines.iter().map(|line| (key(line), line)).collect()
}

/// What differs between the alerts of the protocols in force and those of the protocols that are tried.
pub(super) fn difference(active: &[Line], tried: &[Line]) -> String {
    let (before, after) = (by_key(active), by_key(tried));
    let mut told: Vec<(DateTime<Utc>, String)> = Vec::new();
    let (mut added, mut removed, mut moved) = (0_u64, 0_u64, 0_u64);
    for (key, line) in &after {
        match before.get(key) {
            None => {
                added = added.saturating_add(1);
                told.push((line.raised_at, format!("added    {}", shown(line))));
            }
            Some(was)
                if (was.raised_at, was.priority, was.audience) != (line.raised_at, line.priority, line.audience) =>
            {
                moved = moved.saturating_add(1);
                let (priority, at) = (was.priority.name(), moment(was.raised_at));
                told.push((line.raised_at, format!("moved    {} (was {priority} at {at})", shown(line))));
            }
            Some(_) => {}
        }
    }
    for line in before.iter().filter(|(key, _)| !after.contains_key(*key)).map(|(_, line)| line) {
        removed = removed.saturating_add(1);
        told.push((line.raised_at, format!("removed  {}", shown(line))));
    }
    told.sort();
    let mut text = format!(
        "Against the protocols in force ({} alerts): {added} added, {removed} removed, {moved} moved.\n",
        active.len()
    );
    for (_, line) in told {
        text.push_str("  ");
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn shown(line: &Line) -> String {
    let readings: Vec<String> = line.evidence.iter().map(ToString::to_string).collect();
    let readings = if readings.is_empty() { "no reading".to_owned() } else { readings.join(" ") };
    format!("{} {} {} {}: {readings}", moment(line.raised_at), line.patient, line.priority.name(), line.rule)
}

#[cfg(test)]
mod tests;
