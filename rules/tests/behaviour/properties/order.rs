//! What the order of arrival may change, and what it may not (see the head of `properties`).

use super::checks::{held, is_red_alert};
use super::faults::FAULTS;
use super::history::{Engine, actor, real};
use super::{caught, holds};
use crate::support::{CHANNELS, Clock, Kept, When, demo_plan, pressure, reading, start};
use chrono::TimeDelta;
use proptest::{prelude::*, sample::select};
use rules::{Alert, ClearedBecause, Condition, Event, Why, decide};

/// Readings: the minute each was taken, systolic and diastolic in mmHg.
type Readings = Vec<(i64, (u16, u16))>;

/// Readings of known age, each at its own minute; all arrive at minute 25, one slice each, in the order given.
pub(super) fn arriving(engine: &Engine, readings: &[(i64, (u16, u16))]) -> Kept {
    let mut kept = Kept::new();
    let received = TimeDelta::minutes(25);
    for (minute, (systolic, diastolic)) in readings {
        let taken = TimeDelta::minutes(*minute);
        let number = u32::try_from(*minute).unwrap();
        let when = When { clock: Clock::Known, taken, heard: received, sent: received, received };
        let events = [Event::Reading(Box::new(reading(number, pressure(*systolic, *diastolic), when)))];
        kept.keep(&events, &(engine.decide)(&demo_plan(), &kept.state, &events, start() + received));
    }
    kept
}

pub(super) fn reds(kept: &Kept) -> Vec<&Alert> {
    kept.alerts.iter().filter(|alert| is_red_alert(alert)).collect()
}

/// Values that are red or have passed, and nothing in between.
pub(super) fn readings_in_two_orders() -> impl Strategy<Value = (Readings, Readings)> {
    let value = select(vec![(120_u16, 80_u16), (150, 90), (156, 97), (164, 109), (170, 100), (120, 115), (182, 118)]);
    prop::collection::vec(value, 1..7).prop_flat_map(|values| {
        let as_taken: Readings = (0..).map(|place| place * 3).zip(values).collect();
        (Just(as_taken.clone()), Just(as_taken).prop_shuffle())
    })
}

pub(super) fn order_cannot_change_a_red(
    engine: &Engine,
    (as_taken, as_it_came): &(Readings, Readings),
) -> Result<(), String> {
    let (one, other) = (arriving(engine, as_taken), arriving(engine, as_it_came));
    let red_readings =
        as_taken.iter().filter(|(_, (systolic, diastolic))| *systolic >= 170 || *diastolic >= 115).count();
    for kept in [&one, &other] {
        let reds = reds(kept);
        held(reds.len() == usize::from(red_readings > 0), || format!("{} red alerts", reds.len()))?;
        for red in reds {
            let first = kept.jobs.iter().filter(|job| job.alert == red.id && job.why == Why::First).count();
            held(first == CHANNELS.len(), || "not told once down every channel".to_owned())?;
            let seen = red.evidence.iter().filter(|evidence| evidence.findings.iter().any(|finding| finding.held));
            held(seen.count() == red_readings, || "a red reading is not in the evidence".to_owned())?;
        }
    }
    let condition = |kept: &Kept| reds(kept).first().map(|red| red.condition);
    held(condition(&one) == condition(&other), || format!("{:?} or {:?}", condition(&one), condition(&other)))?;
    let newest = |kept: &Kept| kept.state.rules.values().map(|memory| memory.newest_taken_at()).collect::<Vec<_>>();
    held(newest(&one) == newest(&other), || "the newest is another".to_owned())
}

#[test]
fn a_red_is_the_same_in_any_order() {
    holds(&readings_in_two_orders(), |orders| order_cannot_change_a_red(&real(), orders));
    let (_, dropper, _) = FAULTS.iter().find(|(fault, _, _)| fault.starts_with("an older red is dropped")).unwrap();
    assert!(caught(&readings_in_two_orders(), |orders| order_cannot_change_a_red(&dropper(), orders)).is_some());
}

/// The examples in the head of this file, held to be true: where one no longer depends on the order, take it out there.
#[test]
fn order_still_matters_here() {
    let conditions = |readings: &[(i64, (u16, u16))]| -> Vec<(Condition, u32)> {
        arriving(&real(), readings).alerts.iter().map(|alert| (alert.condition, alert.occasions)).collect()
    };
    let passed = Condition::Cleared(ClearedBecause::Improved);
    let (red, fine, between, amber) = ((182, 118), (134, 84), (167, 100), (156, 97));

    let as_taken = conditions(&[(0, red), (5, fine), (10, between)]);
    assert_eq!(as_taken, [(passed, 1), (Condition::Pending, 1)], "the red has passed; 167/100 is an amber of its own");
    let otherwise = conditions(&[(10, between), (0, red), (5, fine)]);
    assert_eq!(otherwise, [(Condition::Pending, 1), (Condition::Active, 1)], "the red is active");

    assert_eq!(conditions(&[(0, amber), (6, amber)]), [(Condition::Active, 1)]);
    assert_eq!(conditions(&[(6, amber), (0, amber)]), [(Condition::Pending, 1)], "staff hear when the window ends");

    for (readings, is_asked) in [([(0, amber), (6, fine)], true), ([(6, fine), (0, amber)], false)] {
        assert_eq!(conditions(&readings), [(passed, 1)]);
        assert_eq!(arriving(&real(), &readings).alerts[0].patient_told.is_some(), is_asked);
    }

    assert_eq!(conditions(&[(0, red), (5, fine), (10, red)]), [(Condition::Active, 2)]);
    assert_eq!(conditions(&[(10, red), (5, fine), (0, red)]), [(Condition::Active, 1)]);

    let taken_and = |readings: [(i64, (u16, u16)); 2]| {
        let mut kept = arriving(&real(), &[(0, red)]);
        let at = start() + TimeDelta::minutes(25);
        let taken = [Event::Acknowledged { alert: kept.alerts[0].id, by: actor("ada"), note: None }];
        kept.keep(&taken, &decide(&demo_plan(), &kept.state, &taken, at));
        for (minute, (systolic, diastolic)) in readings {
            let received = TimeDelta::minutes(25);
            let when = When {
                clock: Clock::Known,
                taken: TimeDelta::minutes(minute),
                heard: received,
                sent: received,
                received,
            };
            let number = u32::try_from(minute).unwrap();
            let events = [Event::Reading(Box::new(reading(number, pressure(systolic, diastolic), when)))];
            kept.keep(&events, &decide(&demo_plan(), &kept.state, &events, at));
        }
        kept.alerts.len()
    };
    assert_eq!(taken_and([(3, red), (5, fine)]), 1);
    assert_eq!(taken_and([(5, fine), (3, red)]), 2, "what is over is no longer remembered");
}
