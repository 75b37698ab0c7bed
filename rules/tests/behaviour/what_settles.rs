//! What may end an alert: a value that is certainly newer, of a device that does not doubt it. Nothing of the same moment,
//! nothing undated, nothing stored.
//!
//! Found 2026-11-22: a meter's memory gives many readings of one moment of receipt, and of two equal moments the one with the
//! greater id, or the one sent later, was taken for the newer. An old normal value then cleared the red of the same memory.
//! Ids are hashes, so each row is tried under many, and the test holds that both orders occurred.

use crate::protocols::another;
use crate::support::{CHANNELS, Clock, Kept, When, demo_plan, pressure, reading, start};
use crate::waiting::plan_of;
use chrono::TimeDelta;
use rules::{ClearedBecause, Condition, Event, Plan, decide};
use vitals::{Admitted, ClockOffset, Flag, Measure, NoValue, Quality, TakenAt, Value};

fn of_one_moment(number: u32, value: Value<Measure>, clock: Clock) -> Admitted {
    let now = TimeDelta::minutes(5);
    let mut admitted = reading(number, value, When { clock, taken: now, heard: now, sent: now, received: now });
    admitted.reading.kind = vitals::Kind::BloodPressure;
    admitted
}

/// The conditions of the reds after both, in one slice or one after the other.
fn reds_after(slices: &[Vec<Admitted>]) -> Vec<Condition> {
    let mut kept = Kept::new();
    for slice in slices {
        let events: Vec<Event> = slice.iter().map(|admitted| Event::Reading(Box::new(admitted.clone()))).collect();
        kept.keep(&events, &decide(&demo_plan(), &kept.state, &events, start() + TimeDelta::minutes(5)));
    }
    kept.alerts.iter().filter(|alert| alert.is_latched()).map(|alert| alert.condition).collect()
}

fn check(bad: Value<Measure>) {
    for clock in [Clock::Known, Clock::Unknown, Clock::None] {
        let mut orders = Vec::new();
        for number in 1..=8 {
            let bad = of_one_moment(number, bad.clone(), clock);
            let fine = of_one_moment(number + 100, pressure(120, 80), clock);
            orders.push(bad.reading.id < fine.reading.id);
            for slices in [
                vec![vec![bad.clone(), fine.clone()]],
                vec![vec![fine.clone(), bad.clone()]],
                vec![vec![bad.clone()], vec![fine.clone()]],
                vec![vec![fine.clone()], vec![bad.clone()]],
            ] {
                assert_eq!(reds_after(&slices), [Condition::Active], "{clock:?} {slices:?}");
            }
        }
        assert!(orders.contains(&true) && orders.contains(&false), "both orders of ids were tried");
    }
}

#[test]
fn a_value_of_the_same_moment_does_not_undo_what_is_beyond_the_device() {
    check(Value::NotMeasured(NoValue::NegativeInfinity));
    check(Value::NotMeasured(NoValue::PositiveInfinity));
}

#[test]
fn a_value_of_the_same_moment_does_not_undo_a_red() {
    check(pressure(182, 118));
}

/// A value taken some minutes after the others and heard at once.
fn later(number: u32, value: Value<Measure>, minute: i64, clock: Clock) -> Admitted {
    let now = TimeDelta::minutes(minute);
    let mut admitted = reading(number, value, When { clock, taken: now, heard: now, sent: now, received: now });
    admitted.reading.kind = vitals::Kind::BloodPressure;
    admitted
}

fn heard(kept: &mut Kept, admitted: Admitted) {
    let at = admitted.server_received;
    let events = [Event::Reading(Box::new(admitted))];
    kept.keep(&events, &decide(&demo_plan(), &kept.state, &events, at));
}

/// Whether every alert that the bad reading opened stands as it stood, once a normal value has come after it.
fn stands_after(bad: &Value<Measure>, spoil: impl Fn(&mut Admitted)) -> bool {
    let mut kept = Kept::new();
    heard(&mut kept, later(1, bad.clone(), 0, Clock::Known));
    let before: Vec<Condition> = kept.alerts.iter().map(|alert| alert.condition).collect();
    assert!(!before.is_empty(), "{bad:?} opens an alert");
    let mut normal = later(2, pressure(120, 80), 6, Clock::Known);
    spoil(&mut normal);
    heard(&mut kept, normal);
    kept.alerts.iter().map(|alert| alert.condition).collect::<Vec<_>>() == before
}

/// Every way an alert can stand open, after a normal value that may be of any day, or that its device doubts.
#[test]
fn an_undated_value_from_memory_settles_nothing() {
    for bad in [
        pressure(182, 118),
        pressure(156, 97),
        Value::NotMeasured(NoValue::PositiveInfinity),
        Value::NotMeasured(NoValue::Implausible),
    ] {
        assert!(!stands_after(&bad, |_| {}), "a normal value that is certain settles {bad:?}");
        for flag in [Flag::UndatedFromMemory, Flag::DeviceDoubts] {
            let noticed = |normal: &mut Admitted| normal.reading.quality = Quality::none().with(flag);
            assert!(stands_after(&bad, noticed), "{flag:?} settles {bad:?}");
        }
        let stored = |normal: &mut Admitted| {
            let long_ago = normal.server_received - TimeDelta::days(30);
            (normal.reading.times.taken, normal.reading.times.offset) =
                (TakenAt::DeviceClock(long_ago), ClockOffset::NotRead);
        };
        assert!(stands_after(&bad, stored), "a stored value settles {bad:?}");
    }
}

/// A protocol that wants two better readings before a red has passed counts those of one moment once.
#[test]
fn two_values_of_one_moment_are_one_on_the_way_to_passing() {
    let careful = another(&[("clear = { count = 1, when = { all = [", "clear = { count = 2, when = { all = [")]);
    let plan = Plan::new(vec![careful], CHANNELS.to_vec()).unwrap();
    let red_after = |minutes: [i64; 2]| {
        let mut kept = Kept::new();
        let normals = (1..).zip(minutes).map(|(number, minute)| later(number, pressure(120, 80), minute, Clock::Known));
        let mut red = later(9, pressure(182, 118), 0, Clock::Known);
        red.server_received = start() + TimeDelta::minutes(8);
        for admitted in normals.chain([red]) {
            let at = admitted.server_received;
            let events = [Event::Reading(Box::new(admitted))];
            kept.keep(&events, &decide(&plan, &kept.state, &events, at));
        }
        kept.alerts.iter().filter(|alert| alert.is_latched()).map(|alert| alert.condition).collect::<Vec<_>>()
    };
    assert_eq!(red_after([6, 7]), [Condition::Cleared(ClearedBecause::Improved)], "two moments are two");
    assert_eq!(red_after([6, 6]), [Condition::Active], "two of one moment are one");
}

/// A red that a value beside the others opened, by a rule that looks back. Invented, for nobody.
const LOOKS_BACK: &str = r#"
[pack]
id = "looks-back"
title = "Looks back"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "m"
[message.red]
en = "If you have chest pain, call 999."
[[rule]]
id = "red"
title = "T"
harm = "irreversible"
onset = "prompt"
when = { any = [{ latest = "systolic", at_least = 180 }, { mean = "systolic", over = "1h", readings_min = 1, at_least = 160 }] }
clear = { count = 1, when = { latest = "systolic", below = 140 } }
actionable_for = "1h"
raise_again_after = "1h"
patient_message = "red"
late_patient_message = "m"
clinician_message = "m"
"#;

/// The red after a doubted 190 at one minute, and then a normal value of another, which came after it.
fn red_after_doubted(doubted_at: i64, normal_at: i64) -> Vec<Condition> {
    let plan = plan_of(LOOKS_BACK);
    let mut kept = Kept::new();
    let mut doubted = later(1, pressure(190, 80), doubted_at, Clock::Known);
    doubted.reading.quality = Quality::none().with(Flag::DeviceDoubts);
    let normal = later(2, pressure(120, 80), normal_at, Clock::Known);
    for admitted in [doubted, normal] {
        let events = [Event::Reading(Box::new(admitted))];
        kept.keep(&events, &decide(&plan, &kept.state, &events, start() + TimeDelta::minutes(30)));
    }
    kept.alerts.iter().map(|alert| alert.condition).collect()
}

/// A normal value that was measured before the doubted one says nothing of it, however late it comes; one after it does.
#[test]
fn what_was_measured_before_a_doubted_red_does_not_end_it() {
    assert_eq!(red_after_doubted(20, 5), [Condition::Active]);
    assert_eq!(red_after_doubted(5, 20), [Condition::Cleared(ClearedBecause::Improved)]);
}
