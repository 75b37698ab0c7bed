//! The edges of an alert's life: what opens it and does not end it, how many better readings end it, how long it stands at
//! least, and when the same is news again after somebody took it and after it is over.

use crate::support::{CHANNELS, Clock, Kept, When, pressure, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Actor, ClearedBecause, Condition, Event, Plan, Why, decide, pack::Pack};
use vitals::{bounded::Text, id::StaffId};

/// Invented limits, for nobody: red from 170 and over once two readings in a row are below 165; amber from 150, over at one
/// below 150, and standing for ten minutes at least.
const PACK: &str = r#"
[pack]
id = "edges"
title = "Edges"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[param.red]
unit = "mm[Hg]"
default = 170
override = { patient = [150, 190] }
[message.now]
en = "If you feel very unwell, call 999."
[message.late]
en = "Please take it again."
[[rule]]
id = "red"
title = "Red"
harm = "irreversible"
onset = "prompt"
when = { latest = "systolic", at_least = "param:red" }
clear = { count = 2, when = { latest = "systolic", below = "param:red", minus = 5 } }
actionable_for = "30m"
raise_again_after = "1h"
patient_message = "now"
late_patient_message = "late"
clinician_message = "late"
[[rule]]
id = "amber"
title = "Amber"
harm = "reversible"
onset = "prompt"
when = { latest = "systolic", at_least = 150 }
clear = { count = 1, when = { latest = "systolic", below = 150 } }
actionable_for = "30m"
raise_again_after = "1h"
keep_firing = "10m"
yields_to = ["red"]
clinician_message = "late"
"#;

fn plan() -> Plan {
    Plan::for_backtest(vec![Pack::read(PACK).expect("reads")], CHANNELS.to_vec()).expect("one pack")
}

fn moment(minute: i64) -> DateTime<Utc> {
    start() + TimeDelta::minutes(minute)
}

/// A blood pressure of that upper number, taken and received at a minute.
fn measured(minute: i64, systolic: u16) -> Event {
    let at = TimeDelta::minutes(minute);
    let when = When { clock: Clock::Known, taken: at, heard: at, sent: at, received: at };
    Event::Reading(Box::new(reading(u32::try_from(minute).unwrap(), pressure(systolic, 70), when)))
}

/// Readings of these minutes and upper pressures, each in a slice of its own.
fn taken(kept: &mut Kept, readings: &[(i64, u16)]) {
    for (minute, systolic) in readings {
        let events = [measured(*minute, *systolic)];
        kept.keep(&events, &decide(&plan(), &kept.state, &events, moment(*minute)));
    }
}

/// Somebody takes the newest alert.
fn acknowledged(kept: &mut Kept, minute: i64) {
    let by = Actor { id: StaffId::parse("st-ada").unwrap(), name: Text::new("Ada").unwrap() };
    let alert = kept.alerts.last().expect("an alert").id;
    let events = [Event::Acknowledged { alert, by, note: None }];
    kept.keep(&events, &decide(&plan(), &kept.state, &events, moment(minute)));
}

/// Alerts as (rule, condition, occasions).
fn seen(kept: &Kept) -> Vec<(&str, Condition, u32)> {
    kept.alerts.iter().map(|alert| (alert.made_by.rule.as_str(), alert.condition, alert.occasions)).collect()
}

const ACTIVE: Condition = Condition::Active;
const OVER: Condition = Condition::Cleared(ClearedBecause::Improved);

#[test]
fn what_opens_an_alert_and_what_ends_it_are_two_bounds_with_a_gap_between() {
    let rows: [(&[(i64, u16)], Condition); 8] = [
        (&[(0, 170)], ACTIVE),
        // Neither: it opened at 170, and ends below 165.
        (&[(0, 170), (5, 169), (10, 165), (15, 165)], ACTIVE),
        (&[(0, 170), (5, 164)], ACTIVE),
        (&[(0, 170), (5, 164), (10, 164)], OVER),
        // Two in a row: one between the bounds begins the count anew, and so does a breach.
        (&[(0, 170), (5, 164), (10, 165), (15, 164)], ACTIVE),
        (&[(0, 170), (5, 164), (10, 165), (15, 164), (20, 164)], OVER),
        (&[(0, 170), (5, 164), (10, 170), (15, 164)], ACTIVE),
        (&[(0, 170), (5, 164), (10, 170), (15, 164), (20, 164)], OVER),
    ];
    for (readings, expected) in rows {
        let mut kept = Kept::new();
        taken(&mut kept, readings);
        assert_eq!((kept.alerts[0].made_by.rule.as_str(), kept.alerts[0].condition), ("red", expected), "{readings:?}");
    }
    let mut kept = Kept::new();
    taken(&mut kept, &[(0, 169)]);
    assert_eq!(seen(&kept), [("amber", ACTIVE, 1)], "one below the bound is no red");
}

#[test]
fn an_alert_stands_for_its_least_time_whatever_is_measured_in_between() {
    for (minute, expected) in [(9, ACTIVE), (10, OVER)] {
        let mut kept = Kept::new();
        taken(&mut kept, &[(0, 150), (minute, 149)]);
        assert_eq!(seen(&kept), [("amber", expected, 1)], "{minute} minutes");
    }
}

#[test]
fn what_somebody_took_is_news_again_after_the_gap_and_not_before() {
    for (minute, expected) in [(62, 1), (63, 2)] {
        let mut kept = Kept::new();
        taken(&mut kept, &[(0, 180)]);
        acknowledged(&mut kept, 2);
        // Taken at minute 2: the gap of an hour ends with minute 62.
        taken(&mut kept, &[(30, 180), (minute, 180)]);
        assert_eq!(kept.alerts.len(), expected, "{minute} minutes: {:?}", seen(&kept));
        assert_eq!(kept.jobs.len(), expected * CHANNELS.len());
    }
}

/// A red that is over and that nobody took is the same alert when it comes back, told again; one that somebody took is finished,
/// and what comes then is another alert at once, whatever the gap: it errs towards telling.
#[test]
fn what_comes_back_after_it_was_over_is_told() {
    let over = [(0, 180), (5, 140), (10, 140)];
    let mut waiting = Kept::new();
    taken(&mut waiting, &over);
    assert_eq!(seen(&waiting), [("red", OVER, 1)]);
    taken(&mut waiting, &[(11, 180)]);
    assert_eq!(seen(&waiting), [("red", ACTIVE, 2)]);
    let why: Vec<Why> = waiting.jobs.iter().map(|job| job.why).collect();
    assert_eq!(why, [Why::First, Why::First, Why::Again, Why::Again]);

    let mut finished = Kept::new();
    taken(&mut finished, &over);
    acknowledged(&mut finished, 10);
    assert!(finished.state.alerts.is_empty(), "over, and taken");
    taken(&mut finished, &[(11, 180)]);
    assert_eq!(seen(&finished), [("red", OVER, 1), ("red", ACTIVE, 1)]);
    assert_eq!(finished.jobs.len(), 2 * CHANNELS.len());
}

/// An amber that settled by itself is finished: each time it comes back is another alert. There is no gap after an end.
#[test]
fn an_amber_that_settled_by_itself_opens_anew() {
    let mut kept = Kept::new();
    taken(&mut kept, &[(0, 150), (10, 149), (11, 150), (21, 149)]);
    assert_eq!(seen(&kept), [("amber", OVER, 1), ("amber", OVER, 1)]);
}
