//! A higher pressure is never less urgent.

use super::checks::held;
use super::faults::each_verdict;
use super::history::{Engine, Run, Step, histories, real, spoilt};
use super::{caught, holds};
use crate::support::{Clock, When, pressure, reading, start};
use proptest::prelude::*;
use rules::{Event, Verdict, decide};
use vitals::{Admitted, AlertId, Decimal, Measure, NoValue, Value, wire::v1::Urgency};

/// Systolic and diastolic, in mmHg.
type Pressures = (u16, u16);

/// Two pressures, the second at least as high in both.
pub(super) fn raised_pressures() -> impl Strategy<Value = (Pressures, Pressures)> {
    (30_u16..=300, 10_u16..=220, 0_u16..=150, 0_u16..=120)
        .prop_map(|(systolic, diastolic, up, also_up)| ((systolic, diastolic), (systolic + up, diastolic + also_up)))
}

/// How much is made of one fresh reading: the most urgent alert it opens or adds to, whether staff are told, and how
/// urgent the instruction is.
pub(super) fn severity(
    engine: &Engine,
    run: &Run,
    (systolic, diastolic): (u16, u16),
) -> (Option<Urgency>, bool, Option<Urgency>) {
    let received = run.now - start();
    let when = When { clock: Clock::Known, taken: received, heard: received, sent: received, received };
    let events = [Event::Reading(Box::new(reading(u32::MAX, pressure(systolic, diastolic), when)))];
    let decisions = (engine.decide)(&run.plan, &run.kept.state, &events, run.now);
    let Verdict::Evaluated { alerts, prompts, .. } = &decisions.judged[0].1 else { return (None, false, None) };
    let of = |id: &AlertId| decisions.alerts.iter().find(|alert| alert.id == *id).map(|alert| alert.urgency);
    let prompt = prompts.iter().map(|prompt| prompt.urgency).max();
    (alerts.iter().filter_map(of).max(), !decisions.jobs.is_empty(), prompt)
}

pub(super) fn worse_is_never_less(
    engine: &Engine,
    ((low, high), steps): &((Pressures, Pressures), Vec<Step>),
) -> Result<(), String> {
    // Of somebody of whom nothing is remembered: alert, notification and instruction.
    let (less, more) = (severity(engine, &Run::new(), *low), severity(engine, &Run::new(), *high));
    held(less.0 <= more.0 && less.1 <= more.1 && less.2 <= more.2, || {
        format!("{low:?}: {less:?}, {high:?}: {more:?}")
    })?;
    // After any history: alert and instruction. Whether staff are told then depends on what they know already.
    let mut after = Run::new();
    for step in steps {
        after.step(engine, step)?;
    }
    let (less, more) = (severity(engine, &after, *low), severity(engine, &after, *high));
    held(less.0 <= more.0 && less.2 <= more.2, || format!("after all that, {low:?}: {less:?}, {high:?}: {more:?}"))
}

#[test]
fn a_higher_pressure_is_never_less_urgent() {
    let inputs = (raised_pressures(), histories());
    holds(&inputs, |input| worse_is_never_less(&real(), input));
    // Takes what is very high for a fault of the cuff.
    let doubter = || Engine {
        decide: Box::new(|plan, before, events, at| {
            let believes = |admitted: &Admitted| !matches!(admitted.reading.value.measured(), Some(Measure::BloodPressure(pressure)) if pressure.systolic.value() > Decimal::from(260));
            let doubted = |event: &Event| {
                let Event::Reading(admitted) = event else { return event.clone() };
                if believes(admitted) {
                    return event.clone();
                }
                let mut doubted = admitted.clone();
                doubted.reading.value = Value::NotMeasured(NoValue::OutOfRange);
                Event::Reading(doubted)
            };
            decide(plan, before, &events.iter().map(doubted).collect::<Vec<_>>(), at)
        }),
        ..real()
    };
    assert!(caught(&inputs, |input| worse_is_never_less(&doubter(), input)).is_some(), "an alert lost is caught");
    let silent = || {
        spoilt(|_, _, decisions| each_verdict(decisions, |prompts| prompts.retain(|it| it.urgency < Urgency::ActNow)))
    };
    assert!(caught(&inputs, |input| worse_is_never_less(&silent(), input)).is_some(), "an instruction lost is caught");
}
