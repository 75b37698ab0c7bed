//! Rules that look back: whatever order readings arrive in, they end in the same condition and remember the same; a restart
//! changes nothing; worse is never less; no alert without a comparison that held. Each check is also run against an engine
//! with a planted fault, and must catch it.

use crate::support::{Clock, Kept, When, reading, start};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select, test_runner::TestCaseError};
use rules::{
    Condition, Decisions, Event, PatientState, Plan, decide,
    pack::{ActivePack, Pack},
    state::{Entry, History, READINGS_MAX, SeriesKey},
};
use std::{collections::BTreeSet, sync::LazyLock};
use vitals::{Decimal, Measure, Value, measure::BodyWeight, quantity::Kilograms};

/// A rule for each operator that looks back, over weights of three days. Invented limits, for nobody.
const PACK: &str = r#"
[pack]
id = "looks-back"
title = "Looks back"
version = "1.0.0"
engine_min = 2
[[pack.sources]]
ref = "invented"
[message.m]
en = "m"
"#;

/// Each with when it holds and when it is over.
const RULES: [(&str, &str, &str); 10] = [
    (
        "mean",
        r#"mean = "weight", over = "3d", readings_min = 2, above = 81"#,
        r#"mean = "weight", over = "3d", readings_min = 2, at_most = 80"#,
    ),
    (
        "median",
        r#"median = "weight", over = "3d", readings_min = 2, above = 81"#,
        r#"median = "weight", over = "3d", readings_min = 2, at_most = 80"#,
    ),
    ("highest", r#"highest = "weight", over = "1d", above = 82"#, r#"highest = "weight", over = "1d", at_most = 82"#),
    ("lowest", r#"lowest = "weight", over = "1d", above = 80"#, r#"lowest = "weight", over = "1d", at_most = 80"#),
    (
        "gain",
        r#"change = "weight", from = "lowest", over = "3d", above = 2"#,
        r#"change = "weight", from = "lowest", over = "3d", at_most = 1"#,
    ),
    (
        "step",
        r#"change = "weight", from = "previous", over = "3d", above = 1"#,
        r#"change = "weight", from = "previous", over = "3d", at_most = 0"#,
    ),
    (
        "slope",
        r#"slope = "weight", over = "3d", per = "1d", readings_min = 3, at_least = 1"#,
        r#"slope = "weight", over = "3d", per = "1d", readings_min = 3, below = 1"#,
    ),
    (
        "two-of-three",
        r#"latest = "weight", above = 81, n_of = [2, 3], over = "3d""#,
        r#"latest = "weight", at_most = 81, in_a_row = 2, over = "3d""#,
    ),
    ("a-day", r#"latest = "weight", above = 80, for = "1d", gap_max = "1d""#, r#"latest = "weight", at_most = 80"#),
    (
        "twice-better",
        r#"latest = "weight", above = 82, max_age = "1h""#,
        r#"latest = "weight", at_most = 82, max_age = "1h""#,
    ),
];

pub(crate) fn plan() -> Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| {
        let rules = RULES.map(|(id, when, clear)| {
            let count = if id == "twice-better" { 2 } else { 1 };
            format!(
                "[[rule]]\nid = \"{id}\"\ntitle = \"{id}\"\nharm = \"reversible\"\nonset = \"prompt\"\nwhen = {{ {when} }}\n\
                 clear = {{ count = {count}, when = {{ {clear} }} }}\nactionable_for = \"100d\"\nraise_again_after = \"100d\"\n\
                 clinician_message = \"m\"\n"
            )
        });
        let pack = Pack::read(&format!("{PACK}{}", rules.concat())).expect("reads");
        let people = [("author", "Ada"), ("clinical_lead", "Grace"), ("safety_officer", "Joan")]
            .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"));
        let signed = format!(
            "pack = \"looks-back\"\nversion = \"1.0.0\"\ncontent_hash = \"{}\"\nstatus = \"approved\"\n{}",
            pack.content_hash,
            people.concat()
        );
        Plan::new(vec![ActivePack::new(pack, &signed).expect("approved")], Vec::new()).expect("one pack")
    });
    PLAN.clone()
}

type Decide = fn(&Plan, &PatientState, &[Event], DateTime<Utc>) -> Decisions;

/// What comes of weights that all arrive at the end, one slice each.
fn arriving(decide: Decide, weights: &[(i64, i64)], restarts: bool) -> Result<Kept, TestCaseError> {
    let received = TimeDelta::hours(80);
    let mut kept = Kept::new();
    for (hour, tenths) in weights {
        let weight = Decimal::from_parts(*tenths, -1).unwrap();
        let value =
            Value::Measured(Measure::Weight(BodyWeight { mass: Kilograms::new(weight), bmi: None, height: None }));
        let taken = TimeDelta::hours(*hour);
        let when = When { clock: Clock::Known, taken, heard: received, sent: received, received };
        let number = u32::try_from(*hour * 10_000 + *tenths).unwrap();
        let events = [Event::Reading(Box::new(reading(number, value, when)))];
        let decisions = decide(&plan(), &kept.state, &events, start() + received);
        kept.keep(&events, &decisions);
        if restarts {
            let bytes = kept.state.to_bytes();
            let read = PatientState::from_bytes(&kept.state.patient, &bytes);
            let read = read.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(&read, &kept.state);
            prop_assert_eq!(read.to_bytes(), bytes);
            kept.state = read;
        }
    }
    Ok(kept)
}

/// The rules whose condition is true now.
fn active(kept: &Kept) -> BTreeSet<String> {
    let active = kept.alerts.iter().filter(|alert| alert.condition == Condition::Active);
    active.map(|alert| alert.made_by.rule.clone()).collect()
}

/// Weights in tenths of a kilogram, each with the hour it was taken.
type Weights = Vec<(i64, i64)>;

fn weights() -> impl Strategy<Value = Weights> {
    // All within reach of the shortest window but one, so that every moment is asked again whatever comes late.
    let weight = select(vec![780_i64, 795, 800, 801, 810, 811, 820, 821, 835]);
    prop::collection::btree_map(0_i64..24, weight, 1..10).prop_map(|weights| weights.into_iter().collect())
}

fn in_two_orders() -> impl Strategy<Value = (Weights, Weights)> {
    weights().prop_flat_map(|weights| (Just(weights.clone()), Just(weights).prop_shuffle()))
}

/// `twice-better` looks back an hour only, so what came before is not asked again: its count of better ones is left out.
fn order_changes_nothing(decide: Decide, (as_taken, as_it_came): &(Weights, Weights)) -> Result<(), TestCaseError> {
    let (one, other) = (arriving(decide, as_taken, false)?, arriving(decide, as_it_came, false)?);
    prop_assert_eq!(&one.state.history, &other.state.history);
    let all_but_one =
        |kept: &Kept| active(kept).into_iter().filter(|rule| rule != "twice-better").collect::<BTreeSet<_>>();
    prop_assert_eq!(all_but_one(&one), all_but_one(&other), "{:?} or {:?}", as_taken, as_it_came);
    Ok(())
}

/// Whether a check finds something wrong in some input.
fn catches<T: std::fmt::Debug>(
    strategy: &impl Strategy<Value = T>,
    check: impl Fn(&T) -> Result<(), TestCaseError>,
) -> bool {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let config = Config { cases: 400, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    runner.run(strategy, |input| check(&input)).is_err()
}

/// Takes no reading in that is older than one it has.
fn forgets_what_is_late(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let mut decisions = decide(plan, before, events, at);
    let newest = |history: &History| {
        history.iter().filter_map(|(_, values)| values.entries().last()).map(|last| last.secs).max()
    };
    if newest(&before.history) == newest(&decisions.state.history) {
        decisions.state.history = before.history.clone();
    }
    decisions
}

/// Judges what is late at its own moment only.
fn never_asks_again(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    let decisions = decide(plan, before, events, at);
    let newest = |history: &History| {
        history.iter().filter_map(|(_, values)| values.entries().last()).map(|last| last.secs).max()
    };
    if newest(&before.history).is_some() && newest(&before.history) == newest(&decisions.state.history) {
        let state = PatientState { history: decisions.state.history.clone(), ..before.clone() };
        return Decisions { state, alerts: Vec::new(), ..decisions };
    }
    decisions
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_ends_the_same(orders in in_two_orders()) {
        order_changes_nothing(decide, &orders)?;
    }

    #[test]
    fn a_restart_after_any_reading_changes_nothing(orders in in_two_orders()) {
        prop_assert_eq!(arriving(decide, &orders.1, false)?, arriving(decide, &orders.1, true)?);
    }

    /// The last weight higher: every rule that was true is still true.
    #[test]
    fn a_higher_weight_is_never_less(weights in weights(), more in 0_i64..30) {
        let mut higher = weights.clone();
        if let Some((_, last)) = higher.last_mut() { *last += more; }
        let (less, more) = (arriving(decide, &weights, false)?, arriving(decide, &higher, false)?);
        prop_assert!(active(&less).is_subset(&active(&more)), "{:?} {:?}", active(&less), active(&more));
    }

    #[test]
    fn no_alert_without_a_comparison_that_held(orders in in_two_orders()) {
        for alert in arriving(decide, &orders.1, false)?.alerts {
            let held = alert.evidence.iter().any(|evidence| evidence.findings.iter().any(|finding| finding.held));
            prop_assert!(held, "{:?}", alert);
        }
    }

    /// What is kept is what anybody would keep who had all readings before them: the newest 64 of those within the span.
    #[test]
    fn a_list_is_what_its_history_makes_it(
        values in prop::collection::vec((0_i64..5_000, -3_i64..3), 1..150),
        span in select(vec![0_i64, 10, 1_000, 10_000]),
    ) {
        let key = SeriesKey::of("weight", &[]);
        let mut history = History::default();
        for (secs, nano) in &values {
            history.put(key, Entry { secs: *secs, nano: *nano }, span);
        }
        let newest = values.iter().map(|(secs, _)| *secs).max().unwrap();
        let all: BTreeSet<(i64, i64)> = values.into_iter().filter(|(secs, _)| *secs >= newest - span).collect();
        let expected: Vec<_> = all.iter().rev().take(READINGS_MAX).rev().copied().collect();
        let kept: Vec<_> = history.of(key).entries().iter().map(|entry| (entry.secs, entry.nano)).collect();
        prop_assert_eq!(kept, expected);
    }
}

#[test]
fn an_engine_that_forgets_or_never_asks_again_is_caught() {
    assert!(catches(&in_two_orders(), |orders| order_changes_nothing(forgets_what_is_late, orders)));
    assert!(catches(&in_two_orders(), |orders| order_changes_nothing(never_asks_again, orders)));
}

/// The weights reach what the checks are about.
#[test]
fn every_rule_is_true_for_some_weights_and_late_ones_change_it() {
    for (rule, ..) in RULES {
        let never = |weights: &Weights| {
            prop_assert!(!active(&arriving(decide, weights, false)?).contains(rule));
            Ok(())
        };
        // A day without a break takes 24 hours, and the weights are of 23.
        assert_eq!(catches(&weights(), never), rule != "a-day", "{rule}");
    }
    let day = arriving(decide, &[(0, 805), (20, 811), (24, 806)], false).unwrap();
    assert!(active(&day).contains("a-day"));
    let late = arriving(decide, &[(0, 805), (24, 806)], false).unwrap();
    let later = arriving(decide, &[(0, 805), (24, 806), (10, 799)], false).unwrap();
    assert!(active(&late).contains("a-day") && !active(&later).contains("a-day"), "a late reading breaks the stretch");
}

/// Someone with every list full takes at most 2 KB.
#[test]
fn what_is_kept_of_one_person_is_bounded() {
    let mut history = History::default();
    for item in ["systolic", "diastolic", "weight", "spo2"] {
        for place in 0..200_i64 {
            let entry = Entry { secs: 1_700_000_000 + place * 21_600, nano: (80_000 + place * 37) * 1_000_000 };
            history.put(SeriesKey::of(item, &[]), entry, 100 * 86_400);
        }
        assert_eq!(history.of(SeriesKey::of(item, &[])).entries().len(), READINGS_MAX);
    }
    let state = PatientState { history, ..PatientState::new(crate::support::patient()) };
    assert!(state.to_bytes().len() <= 2048, "{} bytes", state.to_bytes().len());
    let read = PatientState::from_bytes(&state.patient, &state.to_bytes()).unwrap();
    assert_eq!(read, state);
}
