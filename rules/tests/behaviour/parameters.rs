//! Parameters at their levels: the most specific wins, a value outside its range is refused and never moved into it, a review
//! changes nothing, and only what was declared temporary ends by itself. Evidence names the level.

use crate::support::{Clock, When, patient, pressure, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};
use rules::{
    Decisions, Event, PatientState, Plan, decide,
    pack::{
        ActivePack, Level, Override, OverrideRefused, Pack, SHIPPED, Settings, Temporary, Then, demo_pack, setting,
    },
};
use vitals::{Decimal, bounded::Text, id::StaffId};

fn day(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(19_000 + day)
}

fn home() -> Pack {
    let text = SHIPPED.into_iter().find(|text| text.contains("id = \"home-blood-pressure\"")).expect("we ship it");
    Pack::read(text).expect("reads")
}

fn set(level: Level, value: u16) -> Override {
    Override {
        pack: "home-blood-pressure".to_owned(),
        name: "systolic_average".to_owned(),
        level,
        value: Decimal::from(value),
        author: StaffId::parse("st-ada").unwrap(),
        reason: Text::new("agreed at the review").unwrap(),
        at: day(0),
        review_at: day(90),
        temporary: None,
    }
}

fn value(overrides: &[Override], at: DateTime<Utc>) -> (u16, Option<Level>) {
    let known = setting(&home(), "systolic_average", overrides, at).expect("it has a default");
    (u16::try_from(known.value.whole().unwrap()).unwrap(), known.level)
}

#[test]
fn the_most_specific_level_wins_whatever_the_order() {
    let all = [set(Level::Footprint, 145), set(Level::Patient, 160), set(Level::Team, 155)];
    assert_eq!(value(&[], day(1)), (150, None));
    assert_eq!(value(&all[..1], day(1)), (145, Some(Level::Footprint)));
    assert_eq!(value(&all, day(1)), (160, Some(Level::Patient)));
    assert_eq!(value(&[all[2].clone(), all[0].clone()], day(1)), (155, Some(Level::Team)));
    assert_eq!(value(&all, day(-1)), (150, None), "none of them was set yet");
}

#[test]
fn a_review_that_is_over_asks_and_changes_nothing() {
    let own = set(Level::Patient, 160);
    assert_eq!((own.is_to_be_reviewed(day(89)), own.is_to_be_reviewed(day(90))), (false, true));
    assert_eq!(value(&[own], day(4_000)), (160, Some(Level::Patient)));
}

#[test]
fn only_what_is_temporary_ends_by_itself_and_is_announced_before() {
    let temporary = |then| Override {
        temporary: Some(Temporary { from: day(10), until: day(20), then }),
        ..set(Level::Patient, 165)
    };
    let footprint = set(Level::Footprint, 145);
    for (at, expected) in [
        (9, (145, Some(Level::Footprint))),
        (10, (165, Some(Level::Patient))),
        (19, (165, Some(Level::Patient))),
        (20, (145, Some(Level::Footprint))),
    ] {
        assert_eq!(value(&[footprint.clone(), temporary(Then::AsBefore)], day(at)), expected, "day {at}");
    }
    let then = temporary(Then::Value(Decimal::from(140)));
    assert_eq!(value(&[footprint, then.clone()], day(20)), (140, Some(Level::Patient)));
    let week = TimeDelta::days(7);
    assert_eq!(then.ends_within(week, day(12)), None);
    assert_eq!(then.ends_within(week, day(13)), Some(day(20)));
    assert_eq!(then.ends_within(week, day(20)), None, "it has ended");
}

#[test]
fn what_may_not_be_set_so_is_refused() {
    let fails = |own: Override| Settings::new([&home()], &[own], day(1)).expect_err("refused").to_string();
    let own = || set(Level::Patient, 160);
    let temporary = |from, until, then| Override {
        temporary: Some(Temporary { from: day(from), until: day(until), then }),
        ..own()
    };
    for (refused, expected) in [
        (set(Level::Patient, 166), "130 to 165 for a patient, not 166"),
        (set(Level::Footprint, 160), "135 to 155 for a footprint, not 160"),
        (Override { name: "systolic_red".to_owned(), ..set(Level::Team, 170) }, "may not be set for a team"),
        (Override { name: "systolic".to_owned(), ..own() }, "has no parameter systolic"),
        (Override { review_at: day(0), ..own() }, "the review of systolic_average"),
        (temporary(20, 10, Then::AsBefore), "ends before it begins"),
        (temporary(10, 20, Then::Value(Decimal::from(200))), "130 to 165 for a patient, not 200"),
    ] {
        let error = fails(refused);
        assert!(error.contains(expected), "{error}");
    }
    let twice = Settings::new([&home()], &[own(), own()], day(1)).expect_err("twice");
    assert!(matches!(twice, OverrideRefused::Twice { level: Level::Patient, .. }));
    // For a protocol that is not in force it waits.
    let other = Override { pack: "another".to_owned(), ..own() };
    assert_eq!(Settings::new([&home()], &[other], day(1)), Ok(Settings::default()));
}

proptest! {
    /// A value is either used as it is or refused: never moved into its range.
    #[test]
    fn a_value_is_used_as_it_is_or_refused(
        level in select(vec![Level::Footprint, Level::Team, Level::Patient]), number in 100_u16..200,
    ) {
        let own = set(level, number);
        let (low, high) = home().parameters["systolic_average"].levels[&level];
        let is_safe = low <= own.value && own.value <= high;
        prop_assert_eq!(own.check(&home()).is_ok(), is_safe);
        if is_safe {
            prop_assert_eq!(value(&[own], day(1)), (number, Some(level)));
        }
    }
}

/// The demo's protocol with a red from 165 for one person: 167 is red for them and not for others, and the evidence says why.
#[test]
fn a_decision_uses_what_is_set_for_the_person_and_says_so() {
    let demo: ActivePack = demo_pack().unwrap();
    let own = Override { pack: "demo-home-bp".to_owned(), name: "systolic_red".to_owned(), ..set(Level::Patient, 165) };
    let settings = Settings::new([demo.pack()], &[own], start()).unwrap();
    let plan = Plan::new(vec![demo], Vec::new()).unwrap();
    let now = TimeDelta::zero();
    let when = When { clock: Clock::Known, taken: now, heard: now, sent: now, received: now };
    let event = reading(1, pressure(167, 90), when);
    let decided = |plan: &Plan| -> Decisions {
        decide(plan, &PatientState::new(patient()), &[Event::Reading(Box::new(event.clone()))], start())
    };
    let reds =
        |decisions: &Decisions| decisions.alerts.iter().filter(|alert| alert.made_by.rule == "home-bp-red").count();
    assert_eq!(reds(&decided(&plan)), 0);
    let decisions = decided(&plan.with(settings));
    assert_eq!(reds(&decisions), 1);
    let finding = &decisions.alerts[0].evidence[0].findings[0];
    assert_eq!((finding.parameter.as_deref(), finding.bound), (Some("systolic_red @patient"), Decimal::from(165)));
}
