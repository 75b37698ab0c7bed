//! What holds under all the protocols we ship at once, with every measure they read: nothing is found without evidence, a
//! restart between any two slices changes nothing, and a worse number is never less urgent. Each is also run with a planted
//! fault, which it must catch.

use super::checks::held;
use super::history::{Engine, real};
use super::{caught, holds};
use crate::{
    shipped::in_force,
    support::{Clock, Kept, When, patient, reading, start},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules::{Decisions, Event, PatientState, Plan, Timer, Verdict, decide, state::History};
use std::{cell::RefCell, collections::BTreeMap, sync::LazyLock};
use vitals::{
    AlertId, Decimal, Kind, Measure, NoValue, Quantity, ReadingId, Value, catalogue,
    measure::{Parts, Word},
    wire::v1::Urgency,
};

static PLAN: LazyLock<Plan> = LazyLock::new(|| in_force(|_| true));

/// A number of a measure: its component, the exponent of its digits, and the digits from lowest to highest.
type Number = (&'static str, i8, i64, i64);

/// Every measure with numbers that some protocol reads.
const MEASURED: [(Kind, &[Number]); 8] = [
    (Kind::BloodPressure, &[("systolic", 0, 95, 240), ("diastolic", 0, 30, 94), ("cuff_pulse", 0, 30, 190)]),
    (Kind::Spo2, &[("spo2", 0, 70, 100), ("oximeter_pulse", 0, 30, 190)]),
    (Kind::Weight, &[("weight", -1, 750, 860)]),
    (Kind::Temperature, &[("temperature", -1, 340, 415)]),
    (Kind::RespiratoryRate, &[("respiratory_rate", 0, 4, 40)]),
    (Kind::Pulse, &[("pulse", 0, 30, 190)]),
    (Kind::Glucose, &[("glucose", -1, 15, 300)]),
    (Kind::Ketone, &[("ketone", -1, 0, 70)]),
];

/// What is said, and its words.
const SAID: [(Kind, Word, [&str; 2]); 2] = [
    (Kind::SuppliedOxygen, Word::Oxygen, ["air", "oxygen"]),
    (Kind::Consciousness, Word::Consciousness, ["alert", "confusion"]),
];

fn measure(kind: Kind, numbers: &[(&str, i8, i64)], said: &[(Word, &str)]) -> Measure {
    let mut parts = Parts::default();
    for (name, exponent, digits) in numbers {
        let known = catalogue::component(name).unwrap();
        let number = Decimal::from_parts(*digits, *exponent).unwrap();
        parts.numbers.push((known.name.as_str(), Quantity::new(number, known.ucum)));
    }
    parts.said.extend(said.iter().map(|(word, said)| (*word, (*said).to_owned())));
    parts.measure(kind).unwrap_or_else(|why| panic!("{kind:?}: {why:?}"))
}

/// A reading on its way: what was measured, minutes since the one before arrived, and minutes since it was taken.
type Told = (Measure, i64, i64);

fn a_measure() -> impl Strategy<Value = Measure> {
    let measured = (0..MEASURED.len(), prop::collection::vec(0.0..1.0_f64, 3)).prop_map(|(which, shares)| {
        let (kind, numbers) = MEASURED[which];
        let drawn = numbers.iter().zip(shares).map(|((name, exponent, low, high), share)| {
            let steps = u16::try_from(high - low).unwrap();
            // Whole steps, however the share falls.
            let step = (0..=steps).rev().find(|step| f64::from(*step) <= share * f64::from(steps)).unwrap();
            (*name, *exponent, low + i64::from(step))
        });
        measure(kind, &drawn.collect::<Vec<_>>(), &[])
    });
    let said = (0..SAID.len(), 0..2_usize).prop_map(|(which, word)| {
        let (kind, of, words) = SAID[which];
        measure(kind, &[], &[(of, words[word])])
    });
    prop_oneof![6 => measured, 1 => said]
}

fn stories() -> impl Strategy<Value = Vec<Told>> {
    let gap = prop::sample::select(vec![0_i64, 1, 5, 14, 60, 600, 1440, 4320]);
    let ago = prop::sample::select(vec![0_i64, 0, 0, 0, 3, 29, 31, 300, 2000]);
    prop::collection::vec((a_measure(), gap, ago), 1..14)
}

/// One slice: what was kept, what was given by then, and what was decided.
struct Moment {
    decisions: Decisions,
    kept: Kept,
}

/// Everything that comes of a story, timers that come due among it. Each slice is decided by an engine of its own, and where it
/// restarts, by a state that went through its stored form.
fn run(
    engine: fn() -> Engine,
    story: &[Told],
    restarts: bool,
) -> Result<(Vec<Moment>, BTreeMap<ReadingId, Measure>), String> {
    let (mut kept, mut given, mut moments) = (Kept::new(), BTreeMap::new(), Vec::new());
    let (one, mut now) = (engine(), TimeDelta::zero());
    let mut slice = |kept: &mut Kept, events: &[Event], at: DateTime<Utc>| -> Result<(), String> {
        if restarts {
            let bytes = kept.state.to_bytes();
            kept.state = PatientState::from_bytes(&patient(), &bytes).map_err(|error| error.to_string())?;
        }
        let own;
        let engine = if restarts {
            own = engine();
            &own
        } else {
            &one
        };
        let decisions = (engine.decide)(&PLAN, &kept.state, events, at);
        kept.keep(events, &decisions);
        moments.push(Moment { decisions, kept: kept.clone() });
        Ok(())
    };
    for (number, (measure, gap, ago)) in (1..).zip(story) {
        now += TimeDelta::minutes(*gap);
        let due: Vec<_> = kept.timers.iter().map(|(alert, due_at)| (*due_at, *alert)).collect();
        for (due_at, alert) in due.into_iter().filter(|(due_at, _)| *due_at <= start() + now) {
            slice(&mut kept, &[Event::Due(Timer { alert, due_at })], due_at)?;
        }
        let when =
            When { clock: Clock::Known, taken: now - TimeDelta::minutes(*ago), heard: now, sent: now, received: now };
        let admitted = reading(number, Value::Measured(measure.clone()), when);
        given.insert(admitted.reading.id, measure.clone());
        slice(&mut kept, &[Event::Reading(Box::new(admitted))], start() + now)?;
    }
    Ok((moments, given))
}

/// Whatever was opened has a reading that was given, as it was given, or says what did not come.
fn nothing_is_found_without_evidence(engine: fn() -> Engine, story: &[Told]) -> Result<(), String> {
    let (moments, given) = run(engine, story, false)?;
    for moment in &moments {
        for alert in moment.decisions.alerts.iter().chain(&moment.decisions.state.alerts) {
            let rule = &alert.made_by.rule;
            held(!alert.evidence.is_empty() || alert.absent.iter().any(|finding| finding.held), || {
                format!("{rule} has neither a reading nor a missing one")
            })?;
            for evidence in &alert.evidence {
                let is_given =
                    given.get(&evidence.reading).is_some_and(|given| evidence.value.measured() == Some(given));
                held(is_given, || format!("{rule} rests on a reading that nobody gave"))?;
            }
        }
        for (id, verdict) in &moment.decisions.judged {
            let Verdict::Evaluated { alerts, .. } = verdict else { continue };
            let is_there = |id: &AlertId| moment.kept.alerts.iter().any(|alert| alert.id == *id);
            held(alerts.iter().all(is_there), || format!("the verdict of {id} names an alert that is not there"))?;
        }
    }
    Ok(())
}

#[test]
fn under_every_protocol_nothing_is_found_without_evidence() {
    holds(&stories(), |story| nothing_is_found_without_evidence(real, story));
    let bare = || {
        let decide = |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let mut decisions = decide(plan, before, events, at);
            for alert in decisions.alerts.iter_mut().chain(&mut decisions.state.alerts) {
                alert.evidence.clear();
                alert.absent.clear();
            }
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&stories(), |story| nothing_is_found_without_evidence(bare, story)).is_some());
    let another = || {
        let decide = |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let mut decisions = decide(plan, before, events, at);
            for evidence in decisions.alerts.iter_mut().flat_map(|alert| &mut alert.evidence) {
                evidence.value = Value::NotMeasured(NoValue::OutOfRange);
            }
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&stories(), |story| nothing_is_found_without_evidence(another, story)).is_some());
}

fn a_restart_changes_nothing(engine: fn() -> Engine, story: &[Told]) -> Result<(), String> {
    let last = |restarts| Ok::<_, String>(run(engine, story, restarts)?.0.pop().map(|moment| moment.kept));
    held(last(false)? == last(true)?, || "after the restarts it ended otherwise".to_owned())
}

#[test]
fn under_every_protocol_a_restart_changes_nothing() {
    holds(&stories(), |story| a_restart_changes_nothing(real, story));
    // Remembers in the process what belongs in the state.
    let forgetful = || {
        let remembered = RefCell::new(History::default());
        let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let before = PatientState { history: remembered.borrow().clone(), ..before.clone() };
            let mut decisions = decide(plan, &before, events, at);
            remembered.replace(std::mem::take(&mut decisions.state.history));
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&stories(), |story| a_restart_changes_nothing(forgetful, story)).is_some());
}

/// A number that only becomes worse in one direction: its measure, what stands beside it, its name, exponent, and the digits from
/// where nobody is called to far beyond every bound.
struct Worse {
    kind: Kind,
    beside: &'static [(&'static str, i8, i64)],
    number: (&'static str, i8),
    digits: (i64, i64),
}

const fn worse(kind: Kind, number: (&'static str, i8), digits: (i64, i64)) -> Worse {
    Worse { kind, beside: &[], number, digits }
}

const WORSE: [Worse; 11] = [
    Worse { beside: &[("diastolic", 0, 75)], ..worse(Kind::BloodPressure, ("systolic", 0), (120, 260)) },
    Worse { beside: &[("diastolic", 0, 45)], ..worse(Kind::BloodPressure, ("systolic", 0), (120, 50)) },
    Worse { beside: &[("systolic", 0, 125)], ..worse(Kind::BloodPressure, ("diastolic", 0), (75, 124)) },
    worse(Kind::Spo2, ("spo2", 0), (97, 60)),
    worse(Kind::Weight, ("weight", -1), (800, 900)),
    worse(Kind::Temperature, ("temperature", -1), (370, 420)),
    worse(Kind::Temperature, ("temperature", -1), (370, 330)),
    worse(Kind::RespiratoryRate, ("respiratory_rate", 0), (14, 45)),
    worse(Kind::RespiratoryRate, ("respiratory_rate", 0), (14, 3)),
    worse(Kind::Glucose, ("glucose", -1), (60, 10)),
    worse(Kind::Ketone, ("ketone", -1), (2, 80)),
];

/// How much is made of a fresh reading of somebody whose days before were well: the most urgent alert, whether staff are told,
/// and the most urgent instruction.
fn made_of(
    engine: &Engine,
    before: &PatientState,
    of: &Worse,
    digits: i64,
) -> (Option<Urgency>, bool, Option<Urgency>) {
    let numbers: Vec<_> = of.beside.iter().copied().chain([(of.number.0, of.number.1, digits)]).collect();
    let when = at(TimeDelta::zero());
    let admitted = reading(9_999, Value::Measured(measure(of.kind, &numbers, &[])), when);
    let decisions = (engine.decide)(&PLAN, before, &[Event::Reading(Box::new(admitted))], start());
    let prompts = decisions.judged.iter().filter_map(|(_, verdict)| match verdict {
        Verdict::Evaluated { prompts, .. } => prompts.iter().map(|prompt| prompt.urgency).max(),
        Verdict::Unevaluated { .. } => None,
    });
    let alerts = decisions.alerts.iter().map(|alert| alert.urgency).max();
    (alerts, !decisions.alerts.is_empty(), prompts.max())
}

fn at(after: TimeDelta) -> When {
    When { clock: Clock::Known, taken: after, heard: after, sent: after, received: after }
}

/// Four days of well readings of the measure.
fn well(of: &Worse) -> PatientState {
    let numbers: Vec<_> = of.beside.iter().copied().chain([(of.number.0, of.number.1, of.digits.0)]).collect();
    let mut state = PatientState::new(patient());
    for day in 1..=4_u32 {
        let before = TimeDelta::days(-i64::from(day));
        let admitted = reading(day, Value::Measured(measure(of.kind, &numbers, &[])), at(before));
        state = decide(&PLAN, &state, &[Event::Reading(Box::new(admitted))], start() + before).state;
    }
    state
}

fn worse_is_never_less(engine: &Engine) -> Result<(), String> {
    for of in &WORSE {
        let before = well(of);
        let (from, to) = of.digits;
        let step = (to - from).signum();
        let mut last = made_of(engine, &before, of, from);
        let first = last;
        for digits in (1..=(to - from).abs()).map(|steps| from + step * steps) {
            let now = made_of(engine, &before, of, digits);
            held(last.0 <= now.0 && last.1 <= now.1 && last.2 <= now.2, || {
                format!("{} of {digits}: {now:?}, where a milder one is {last:?}", of.number.0)
            })?;
            last = now;
        }
        held(first < last, || format!("{} becomes no more urgent from {from} to {to}", of.number.0))?;
    }
    Ok(())
}

#[test]
fn under_every_protocol_a_worse_number_is_never_less_urgent() {
    worse_is_never_less(&real()).unwrap();
    // Takes what is far beyond its bounds for a fault of the device.
    let doubter = Engine {
        decide: Box::new(|plan, before, events, at| {
            let doubted = |event: &Event| {
                let Event::Reading(admitted) = event else { return event.clone() };
                let is_far = |measure: &Measure| {
                    let numbers = catalogue::numbers(measure);
                    numbers.iter().any(|(known, number)| known.name == "spo2" && number.value() < Decimal::from(75))
                };
                let mut admitted = admitted.clone();
                if admitted.reading.value.measured().is_some_and(is_far) {
                    admitted.reading.value = Value::NotMeasured(NoValue::NotANumber);
                }
                Event::Reading(admitted)
            };
            decide(plan, before, &events.iter().map(doubted).collect::<Vec<_>>(), at)
        }),
        ..real()
    };
    let why = worse_is_never_less(&doubter).unwrap_err();
    assert!(why.starts_with("spo2 of 74"), "{why}");
}
