//! The figures of a report, from alerts whose counts are known; the difference of two versions.

use super::*;
use chrono::{TimeDelta, TimeZone};

fn at(hour: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 0, 0, 0).unwrap() + TimeDelta::hours(hour)
}

fn line(person: &str, rule: &str, priority: Priority, hour: i64) -> Line {
    Line {
        patient: PatientId::parse(person).unwrap(),
        rule: rule.to_owned(),
        priority,
        audience: Audience::Clinical,
        raised_at: at(hour),
        cleared_at: None,
        late: false,
        evidence: vec![ReadingId::derive(&[person.as_bytes(), &hour.to_le_bytes()])],
        again: 0,
    }
}

#[test]
fn a_share_is_rounded_to_two_places() {
    for (part, whole, times, expected) in
        [(1, 3, 100, "33.33"), (2, 3, 100, "66.67"), (0, 0, 100, "0.00"), (5, 1000, 100, "0.50"), (1, 1, 100, "100.00")]
    {
        assert_eq!(share(part, whole, times), expected);
    }
}

/// A day is one on the wall: half past eleven at night in summer is the next day in UTC only the other way round.
#[test]
fn a_day_is_a_day_in_london() {
    assert_eq!(day(at(23)), NaiveDate::from_ymd_opt(2026, 6, 2).unwrap());
    assert_eq!(day(at(22)), NaiveDate::from_ymd_opt(2026, 6, 1).unwrap());
}

#[test]
fn the_busiest_tenth_is_rounded_up_and_counts_alerts() {
    let mut tally = Tally::default();
    for (person, alerts) in [("pt-a", 5), ("pt-b", 3), ("pt-c", 1)] {
        (0..alerts).for_each(|hour| tally.add(&line(person, "p/r", Priority::High, hour)));
    }
    assert_eq!(busiest_tenth(&tally, 10), (1, 5));
    assert_eq!(busiest_tenth(&tally, 11), (2, 8));
    assert_eq!(busiest_tenth(&Tally::default(), 0), (0, 0));
}

#[test]
fn the_report_says_how_many_to_whom_and_how_urgent() {
    let mut tally = Tally::default();
    tally.add(&line("pt-a", "p/red", Priority::High, 1));
    tally.add(&line("pt-a", "p/low", Priority::Low, 2));
    tally.add(&Line { audience: Audience::Technical, again: 2, ..line("pt-b", "service/x", Priority::Medium, 3) });
    tally.add_aside(Aside { prompts: 4, untold: 1 });
    let base = Base { people: 4, days: 30, readings: 90, span: Some((at(0), at(9))), ..Base::default() };
    let expected = "\
90 readings of 4 people on 30 patient-days (days on which a reading arrived).
They arrived between 2026-06-01T00:00:00Z and 2026-06-01T09:00:00Z.
Every alert is taken 1h after it is raised: an assumption, set by --taken-after.

to                         priority  alerts  per 100 patient-days  people
care team                  high           1                  3.33       1
care team                  low            1                  3.33       1
equipment and connection   medium         1                  3.33       1
all                                       3                 10.00       2

rule                                             priority  alerts  per 100 patient-days  people
p/low                                            low            1                  3.33       1
p/red                                            high           1                  3.33       1
service/x                                        medium         1                  3.33       1

The busiest tenth of the people (1 of 4) have 66.67 % of the alerts.
Raised on readings too old to act on: 0. Told again: 2.
Over before anybody was told, or on trial: 1.
Instructions to people: 4, 13.33 per 100 patient-days.
";
    assert_eq!(text(&base, &tally, "1h"), expected);
}

#[test]
fn the_difference_names_what_is_added_removed_and_moved_with_its_readings() {
    let stays = line("pt-a", "p/red", Priority::High, 1);
    let goes = line("pt-a", "p/low", Priority::Low, 2);
    let comes = line("pt-b", "p/red", Priority::High, 3);
    let moves = line("pt-b", "p/amber", Priority::Medium, 4);
    let moved = Line { raised_at: at(5), ..moves.clone() };
    let text = difference(&[stays.clone(), goes.clone(), moves.clone()], &[stays, comes.clone(), moved]);
    let id = |line: &Line| line.evidence[0].to_string();
    let expected = format!(
        "Against the protocols in force (3 alerts): 1 added, 1 removed, 1 moved.\n  \
         removed  2026-06-01T02:00:00Z pt-a low p/low: {}\n  added    2026-06-01T03:00:00Z pt-b high p/red: {}\n  \
         moved    2026-06-01T05:00:00Z pt-b medium p/amber: {} (was medium at 2026-06-01T04:00:00Z)\n",
        id(&goes),
        id(&comes),
        id(&moves)
    );
    assert_eq!(text, expected);
    assert_eq!(difference(&[], &[]), "Against the protocols in force (0 alerts): 0 added, 0 removed, 0 moved.\n");
}
