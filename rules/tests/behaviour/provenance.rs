//! A rule that takes only what a device measured: what a person typed neither opens nor ends its alert, stands in none of its
//! lists and is no repeat. A rule that says nothing takes both. And what such a rule cannot be about is refused.

use crate::support::{CHANNELS, Clock, Kept, When, patient, pressure, reading, start};
use chrono::TimeDelta;
use rules::{Condition, Event, Plan, decide, pack::Pack};
use vitals::{Flag, Quality};

/// A rule of invented limits, for nobody, that asks for a repeat; with more of its own.
fn pack(rule: &str) -> String {
    format!(
        r#"[pack]
id = "typed"
title = "Typed"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "Please take it again."
[[rule]]
id = "it"
title = "It"
harm = "reversible"
onset = "prompt"
{rule}
actionable_for = "1h"
raise_again_after = "1d"
clinician_message = "m"
"#
    )
}

const HIGH: &str = r#"when = { latest = "systolic", at_least = 160 }
clear = { count = 1, when = { latest = "systolic", below = 160 } }"#;

const MEAN: &str = r#"when = { mean = "systolic", over = "1d", readings_min = 2, at_least = 160 }
clear = { count = 1, when = { mean = "systolic", over = "1d", below = 160 } }"#;

const BOTH: &str = r#"when = { all = [{ latest = "systolic", at_least = 160 }, { lowest = "systolic", over = "1d", at_least = 150 }] }
clear = { count = 1, when = { latest = "systolic", below = 160 } }"#;

const AGAIN: &str = r#"retest = { after = "1m", within = "15m", prompt = "m", confirm = "same", on_no_answer = "raise", opens = "at-first-reading" }"#;

const DEVICE: &str = "provenance = \"device\"\n";

/// The condition of each alert after readings of these minutes, upper numbers, and whether a person typed them.
fn after(rule: &str, readings: &[(i64, u16, bool)]) -> Vec<Condition> {
    let plan =
        Plan::for_backtest(vec![Pack::read(&pack(rule)).unwrap_or_else(|error| panic!("{error}"))], CHANNELS.to_vec());
    let (plan, mut kept) = (plan.expect("one pack"), Kept::new());
    for (number, (minute, systolic, is_typed)) in (1..).zip(readings) {
        let at = TimeDelta::minutes(*minute);
        let when = When { clock: Clock::Known, taken: at, heard: at, sent: at, received: at };
        let mut admitted = reading(number, pressure(*systolic, 80), when);
        if *is_typed {
            admitted.reading.quality = Quality::none().with(Flag::TypedIn);
        }
        let events = [Event::Reading(Box::new(admitted))];
        kept.keep(&events, &decide(&plan, &kept.state, &events, start() + at));
    }
    assert_eq!(kept.state.patient, patient());
    kept.alerts.iter().map(|alert| alert.condition).collect()
}

const ACTIVE: Condition = Condition::Active;
const OVER: Condition = Condition::Cleared(rules::ClearedBecause::Improved);

#[test]
fn a_rule_of_devices_passes_over_what_was_typed() {
    type Conditions = &'static [Condition];
    type Row = (&'static str, &'static str, &'static [(i64, u16, bool)], Conditions, Conditions);
    let rows: [Row; 7] = [
        // The rule, what else stands in it, the readings; what comes of devices alone, and of both.
        (HIGH, "", &[(0, 170, true)], &[], &[ACTIVE]),
        (HIGH, "", &[(0, 170, false), (5, 140, true)], &[ACTIVE], &[OVER]),
        (HIGH, "", &[(0, 170, false), (5, 140, false)], &[OVER], &[OVER]),
        // No repeat: neither the better nor the worse one.
        (HIGH, AGAIN, &[(0, 170, false), (5, 140, true)], &[Condition::Pending], &[OVER]),
        (HIGH, AGAIN, &[(0, 170, false), (5, 175, true)], &[Condition::Pending], &[ACTIVE]),
        // In no list.
        (MEAN, "", &[(0, 170, false), (5, 180, true)], &[], &[ACTIVE]),
        (BOTH, "", &[(0, 120, true), (5, 170, false)], &[ACTIVE], &[]),
    ];
    for (rule, more, readings, of_devices, of_both) in rows {
        assert_eq!(after(&format!("{DEVICE}{rule}\n{more}"), readings), of_devices, "devices: {rule} {readings:?}");
        assert_eq!(after(&format!("{rule}\n{more}"), readings), of_both, "both: {rule} {readings:?}");
        assert_eq!(after(&format!("provenance = \"any\"\n{rule}\n{more}"), readings), of_both, "any: {rule}");
    }
}

/// A late reading of a device has every moment asked again: what was typed in between is none of them.
#[test]
fn a_late_reading_does_not_bring_in_what_was_typed() {
    let plan =
        Plan::for_backtest(vec![Pack::read(&pack(&format!("{DEVICE}{BOTH}"))).unwrap()], CHANNELS.to_vec()).unwrap();
    let mut kept = Kept::new();
    for (number, taken, systolic, is_typed) in [(1, 20, 155, false), (2, 10, 175, true), (3, 5, 152, false)] {
        let at = TimeDelta::minutes(20 + i64::from(number));
        let when = When { clock: Clock::Known, taken: TimeDelta::minutes(taken), heard: at, sent: at, received: at };
        let mut admitted = reading(number, pressure(systolic, 80), when);
        if is_typed {
            admitted.reading.quality = Quality::none().with(Flag::TypedIn);
        }
        let events = [Event::Reading(Box::new(admitted))];
        kept.keep(&events, &decide(&plan, &kept.state, &events, start() + at));
    }
    assert_eq!(kept.alerts, [], "175 was typed");
}

#[test]
fn what_no_device_measures_has_no_such_rule() {
    let rows = [
        (
            r#"when = { said = "answer:worse", is = "yes" }
clear = { count = 1, when = { said = "answer:worse", is = "no" } }"#,
            "no device sends what a person says",
        ),
        (
            r#"when = { stale = "weight", for = "3d" }
clear = { count = 1, when = { latest = "weight", above = 0, max_age = "1m" } }"#,
            "take whatever comes",
        ),
    ];
    for (rule, expected) in rows {
        let error = Pack::read(&pack(&format!("{DEVICE}{rule}"))).expect_err(expected);
        assert!(error.problems.iter().any(|problem| problem.to_string().contains(expected)), "{error}");
        assert!(error.problems.iter().all(|problem| !problem.advice.is_empty()), "{error}");
    }
    let first = pack(&format!("{DEVICE}{HIGH}")).replace("engine_min = 2", "engine_min = 1");
    assert!(Pack::read(&first).expect_err("an older format").to_string().contains("write engine_min = 2"));
    assert!(Pack::read(&pack(&format!("provenance = \"hub\"\n{HIGH}"))).is_err());
}
