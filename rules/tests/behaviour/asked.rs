//! What a person's care plan asks of them: expected from the moment the plan is known, whether or not a first reading came, in
//! the plan's own times, and not while they are away. Each property is also run with a planted fault.

use crate::waiting::{Decide, Life, MISSING, STALE, plan_of, utc, with};
use chrono::{DateTime, NaiveTime, Utc};
use rules::{
    ClearedBecause, Condition, Decisions, Event, PatientState, Plan, decide,
    pack::{Asked, Expectations, Pause},
};
use vitals::Kind;

fn asked(every_days: u8) -> Expectations {
    let at: Vec<NaiveTime> = NaiveTime::from_hms_opt(8, 0, 0).into_iter().collect();
    let asked = Asked::at(&at, every_days).map(|asked| (Kind::Weight, asked));
    Expectations { asked: asked.into_iter().collect(), ..Expectations::default() }
}

fn in_hospital(from: &str) -> Expectations {
    let from = utc(&format!("{from}T00:00:00Z"));
    Expectations { pauses: vec![Pause::of_days(from.date_naive(), None)], ..asked(1) }
}

/// Hears of nobody before their first reading.
fn waits_for_a_first_reading(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    match events {
        [Event::Expecting] if *before == PatientState::new(before.patient.clone()) => decide(plan, before, &[], at),
        _ => decide(plan, before, events, at),
    }
}

/// Somebody who was given scales and never used them: the plan was written on a Monday after 8am.
#[test]
fn somebody_who_never_measured_is_missed() {
    let is_missed = |decide: Decide| {
        let mut life = Life::new(decide, with(asked(1)));
        life.apply(Event::Expecting, utc("2026-06-01T09:00:00Z"));
        life.until(utc("2026-06-10T00:00:00Z"));
        (life.of(MISSING), life.of(STALE))
    };
    let (missing, stale) = is_missed(decide);
    assert_eq!(missing, [(utc("2026-06-03T11:00:00Z"), true)], "the second morning, once its grace is over");
    assert_eq!(stale, [(utc("2026-06-04T09:00:00Z"), true)]);
    assert_eq!(is_missed(waits_for_a_first_reading), (Vec::new(), Vec::new()), "planted");
}

#[test]
fn nobody_is_missed_of_whom_nothing_is_asked() {
    let mut life = Life::new(decide, with(Expectations::default()));
    life.apply(Event::Expecting, utc("2026-06-01T09:00:00Z"));
    assert!(life.kept.timers.is_empty(), "nor looked at again");
    assert_eq!(life.kept.state, PatientState::new(life.kept.state.patient.clone()));
}

/// Being asked again changes nothing: neither what is remembered, nor when it is looked at.
#[test]
fn to_be_asked_again_is_no_news() {
    let mut life = Life::new(decide, with(asked(1)));
    life.apply(Event::Expecting, utc("2026-06-01T09:00:00Z"));
    let (state, timers) = (life.kept.state.clone(), life.kept.timers.clone());
    assert_eq!(timers.len(), 2);
    life.apply(Event::Expecting, utc("2026-06-01T10:00:00Z"));
    assert_eq!((&life.kept.state, &life.kept.timers), (&state, &timers));
}

/// Forgets when it began to wait, as if it had begun now.
fn begins_anew(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    match events {
        [Event::Expecting] => decide(plan, &PatientState { rules: Default::default(), ..before.clone() }, events, at),
        _ => decide(plan, before, events, at),
    }
}

/// A care plan that is written anew, for another reason, starts no new patience.
#[test]
fn another_version_of_the_plan_begins_nothing_anew() {
    let missed_at = |decide: Decide| {
        let mut life = Life::new(decide, with(asked(1)));
        life.apply(Event::Expecting, utc("2026-06-01T09:00:00Z"));
        life.until(utc("2026-06-03T09:00:00Z"));
        life.apply(Event::Expecting, utc("2026-06-03T09:00:00Z"));
        life.until(utc("2026-06-10T00:00:00Z"));
        life.of(MISSING)
    };
    assert_eq!(missed_at(decide), [(utc("2026-06-03T11:00:00Z"), true)]);
    assert_ne!(missed_at(begins_anew), missed_at(decide), "planted");
}

/// Holds what was missed in hospital against somebody who is back.
fn forgets_the_stay(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    match events {
        [Event::Expecting] => decide(&with(asked(1)), before, events, at),
        _ => decide(plan, before, events, at),
    }
}

/// In hospital until somebody says so: nothing is asked and nothing is looked at, and once they are back it counts from then.
#[test]
fn what_was_missed_in_hospital_is_held_against_nobody() {
    let lived = |decide: Decide| {
        let mut life = Life::new(decide, with(asked(1)));
        life.apply(Event::Expecting, utc("2026-05-30T09:00:00Z"));
        life.weighs(utc("2026-06-01T07:00:00Z"));
        life.until(utc("2026-06-04T12:00:00Z"));
        assert_eq!((life.of(MISSING).len(), life.of(STALE).len()), (1, 1), "{:?}", life.seen);
        life.plan = with(in_hospital("2026-06-05"));
        life.apply(Event::Expecting, utc("2026-06-05T09:00:00Z"));
        life
    };
    let mut life = lived(decide);
    let ended = |life: &Life| {
        let ended = Condition::Cleared(ClearedBecause::ProtocolEnded);
        life.kept.alerts.iter().all(|alert| alert.condition == ended)
    };
    assert!(ended(&life) && life.kept.timers.is_empty(), "{:?}", life.kept.timers);
    life.plan = with(asked(1));
    life.apply(Event::Expecting, utc("2026-06-20T09:00:00Z"));
    life.until(utc("2026-06-22T10:59:00Z"));
    assert!(ended(&life), "{:?}", life.seen);
    life.until(utc("2026-06-24T00:00:00Z"));
    assert_eq!(life.of(MISSING).last(), Some(&(utc("2026-06-22T11:00:00Z"), true)));
    assert_eq!(life.of(STALE).last(), Some(&(utc("2026-06-23T09:00:00Z"), true)));

    let mut life = lived(forgets_the_stay);
    life.plan = with(asked(1));
    life.apply(Event::Expecting, utc("2026-06-20T09:00:00Z"));
    life.until(utc("2026-06-22T10:59:00Z"));
    assert!(!ended(&life), "planted");
}

/// Once a week, on whichever day it suits.
#[test]
fn of_several_days_one_reading_is_expected() {
    let mut life = Life::new(decide, with(asked(7)));
    life.apply(Event::Expecting, utc("2026-06-01T09:00:00Z"));
    for day in ["2026-06-03T16:00:00Z", "2026-06-09T06:00:00Z", "2026-06-18T20:00:00Z", "2026-06-22T12:00:00Z"] {
        life.weighs(utc(day));
    }
    assert!(life.of(MISSING).is_empty(), "{:?}", life.seen);
    life.until(utc("2026-07-08T00:00:00Z"));
    assert!(life.of(MISSING).is_empty(), "one week is no two of three");
    life.until(utc("2026-07-20T00:00:00Z"));
    assert_eq!(life.of(MISSING).len(), 1, "{:?}", life.seen);
}

/// Twice a day is a day of two times: with one of them the day was measured, and a day without both is one day.
#[test]
fn a_day_of_two_times_is_one_day() {
    let at: Vec<NaiveTime> = [8, 20].into_iter().filter_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0)).collect();
    let twice: Expectations = Expectations {
        asked: Asked::at(&at, 1).map(|asked| (Kind::Weight, asked)).into_iter().collect(),
        ..Expectations::default()
    };
    let mut life = Life::new(decide, with(twice));
    life.apply(Event::Expecting, utc("2026-06-01T05:00:00Z"));
    for day in ["2026-06-01T07:10:00Z", "2026-06-02T19:30:00Z", "2026-06-03T07:00:00Z"] {
        life.weighs(utc(day));
    }
    life.until(utc("2026-06-05T22:59:00Z"));
    assert!(life.of(MISSING).is_empty(), "{:?}", life.seen);
    life.until(utc("2026-06-06T00:00:00Z"));
    assert_eq!(life.of(MISSING), [(utc("2026-06-05T23:00:00Z"), true)], "the fourth and the fifth, once both are over");
}

/// Two rules that wait, each with something beside it. Invented, for nobody.
const BESIDE: &str = r#"
[pack]
id = "waits-beside"
title = "Waits, and something beside"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "m"
[schedule.mornings]
times = ["08:00"]
before = "4h"
grace = "4h"
[[rule]]
id = "sooner"
title = "T"
harm = "reversible"
onset = "prompt"
when = { all = [{ missing = "weight", of = "mornings" }, { highest = "weight", over = "2d", at_least = 80 }] }
clear = { count = 1, when = { latest = "weight", above = 0, max_age = "1m" } }
actionable_for = "1d"
raise_again_after = "1d"
clinician_message = "m"
"#;

/// What is asked beside has left its window and nothing came: to be asked again, as after a restart, ends no call.
#[test]
fn to_be_asked_again_ends_no_call_while_nothing_comes() {
    let mut life = Life::new(decide, plan_of(BESIDE));
    life.weighs(utc("2026-06-01T07:00:00Z"));
    life.until(utc("2026-06-02T12:00:00Z"));
    let call = [(utc("2026-06-02T11:00:00Z"), true)];
    assert_eq!(life.of("sooner"), call);
    life.until(utc("2026-06-04T00:00:00Z"));
    life.apply(Event::Expecting, utc("2026-06-04T00:00:00Z"));
    assert_eq!(life.of("sooner"), call);
    life.weighs(utc("2026-06-04T07:00:00Z"));
    assert_eq!(life.of("sooner").last(), Some(&(utc("2026-06-04T07:00:00Z"), false)));
}
