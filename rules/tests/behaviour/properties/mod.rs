//! What holds for every history: whatever is measured, repeated, delayed, failed on, taken or timed, in any order.
//!
//! Each check reads a whole history and says what is wrong with it. The same check is then run against engines with a
//! planted fault, one fault each, and must catch it: a check that finds nothing in them proves nothing here.
//!
//! **Order of arrival.** Within one slice readings are judged as they were taken, so their order there never matters.
//! Across slices, of readings whose ages are known and all fresh, this holds under the demo's protocol in any order
//! (the test is `a_red_is_the_same_in_any_order`): a red alert exists exactly if one reading was red; it is told once
//! down every channel; every red reading is in its evidence; and, where no reading lies in the band between red and
//! passed (165 to 169, 110 to 114) and nobody has acknowledged, its condition is the same. The rest depends on the order
//! (`order_still_matters_here` holds each example to be true, so this list cannot grow stale):
//!
//! * 182/118 at 0, 134/84 at 5, 167/100 at 10 minutes: as taken the red has passed; if the last arrives first it is
//!   active. An older reading that is better is not looked at, so it cannot clear. It errs towards active.
//! * 156/97 at 0 and 6 minutes: as taken the second confirms the amber and staff are told at once; if it arrives first,
//!   it is the one that awaits a repeat, and staff hear when its window ends, up to 15 minutes later.
//! * 156/97 at 0, 134/84 at 6 minutes: an amber settles by itself either way; as taken the person was asked to take it
//!   again, the other way round nobody is asked.
//! * 182/118 at 0, 134/84 at 5, 182/118 at 10 minutes: as taken one alert with two occasions; otherwise one occasion.
//! * 182/118 at 0, taken by a person, 134/84 at 5 minutes, and then 178/100 of the third minute: as taken it adds to the
//!   alert that was taken; arriving after that alert is over it opens another, because what is over is no longer
//!   remembered. It errs towards telling.
//! * A protocol whose red needs two better readings in a row to pass (the demo's needs one): a better reading from before
//!   the red may be counted where the red arrives last. It is told, and waits for a person, but stands as passed.
//! * The person's instructions, and when a repeat counts, follow what had arrived by then.

mod adversarial;
mod assigned;
mod checks;
mod corrected;
mod every_protocol;
mod faults;
mod history;
mod order;
mod sameness;
mod severity;

use checks::{CHECKS, Check, held, is_red_alert};
use faults::FAULTS;
use history::{Moment, histories, real, run, spoilt};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use rules::{Alert, ClearedBecause, Condition, Repeat, Workflow, alert::EVIDENCE_MAX};

const HISTORIES: u32 = 300;

fn holds<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, property: impl Fn(&T) -> Result<(), String>) {
    let mut runner = TestRunner::new(Config { cases: HISTORIES, failure_persistence: None, ..Config::default() });
    let result = runner.run(strategy, |input| property(&input).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Whether the property fails for some input, and with what words. Seeded: a fault is found every time or never.
fn caught<T: std::fmt::Debug>(
    strategy: &impl Strategy<Value = T>,
    property: impl Fn(&T) -> Result<(), String>,
) -> Option<String> {
    let config = Config { cases: 4 * HISTORIES, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    match runner.run(strategy, |input| property(&input).map_err(TestCaseError::fail)) {
        Err(TestError::Fail(why, _)) => Some(why.to_string()),
        Ok(()) | Err(TestError::Abort(_)) => None,
    }
}

#[test]
fn every_check_holds_for_every_history() {
    let engine = real();
    holds(&histories(), |steps| {
        let history = run(&engine, steps)?;
        CHECKS.iter().try_for_each(|check| check(&history))
    });
}

#[test]
fn every_planted_fault_is_caught_by_its_check() {
    let checked = |check: &Check| FAULTS.iter().any(|(_, _, by)| std::ptr::fn_addr_eq(*by, *check));
    assert!(CHECKS.iter().all(checked), "every check has a fault that it catches");
    for (fault, engine, check) in FAULTS {
        let engine = engine();
        let why = caught(&histories(), |steps| check(&run(&engine, steps).unwrap_or_default()));
        assert!(why.is_some(), "not caught: {fault}");
    }
}

#[test]
fn an_engine_that_panics_is_caught() {
    let panics = || spoilt(|_, events, _| assert!(events.len() < 3, "planted"));
    let why = caught(&histories(), |steps| run(&panics(), steps).map(drop));
    assert_eq!(why.as_deref(), Some("it panicked"));
}

/// The histories reach what the checks are about: a property over what never happens proves nothing.
#[test]
fn the_histories_reach_every_corner() {
    type Corner = (&'static str, fn(&Moment) -> bool);
    fn any_alert(moment: &Moment, is: impl Fn(&Alert) -> bool) -> bool {
        moment.decisions.alerts.iter().any(is)
    }
    let corners: [Corner; 12] = [
        ("a red", |moment| any_alert(moment, is_red_alert)),
        ("a late red", |moment| any_alert(moment, |alert| is_red_alert(alert) && alert.late)),
        ("a red told again", |moment| any_alert(moment, |alert| alert.occasions > 1)),
        ("a red that is over when it opens", |moment| {
            any_alert(moment, |alert| {
                is_red_alert(alert) && alert.evidence.len() == 1 && alert.condition != Condition::Active
            })
        }),
        ("a pending amber", |moment| any_alert(moment, |alert| alert.condition == Condition::Pending)),
        ("an amber that gave way", |moment| {
            any_alert(moment, |alert| matches!(alert.condition, Condition::Cleared(ClearedBecause::Superseded(_))))
        }),
        ("a repeat not done", |moment| any_alert(moment, |alert| alert.repeat == Repeat::NotDone)),
        ("a repeat confirmed", |moment| any_alert(moment, |alert| alert.repeat == Repeat::Confirmed)),
        ("a taken alert", |moment| any_alert(moment, |alert| matches!(alert.workflow, Workflow::Acknowledged { .. }))),
        ("a refusal", Moment::is_refused),
        ("evidence at its limit", |moment| any_alert(moment, |alert| alert.evidence.len() >= EVIDENCE_MAX)),
        ("rules that failed and then judged", |moment| {
            any_alert(moment, |alert| alert.condition == Condition::Cleared(ClearedBecause::Judged))
        }),
    ];
    let engine = real();
    for (corner, is_reached) in corners {
        let reached = caught(&histories(), |steps| held(!run(&engine, steps)?.iter().any(is_reached), String::new));
        assert!(reached.is_some(), "no history reaches {corner}");
    }
}
