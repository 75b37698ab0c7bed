//! Readings that no longer count: in whatever order readings and corrections come, the same ones end in the same condition, and
//! what is remembered is what the readings that are left come to. Every property is also run with a planted fault.

use super::checks::{held, is_red_alert};
use super::history::{Engine, actor, real};
use super::{caught, holds};
use crate::{
    looking_back,
    support::{CHANNELS, Clock, Kept, When, demo_plan, patient, pressure, reading, start},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};
use rules::{
    Because, ClearedBecause, Condition, Correction, Decisions, Event, PatientState, Plan, Timer, Why, Withdrawal,
    decide,
    decide::fold,
    state::{History, Verdict},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use vitals::{
    Admitted, AlertId, Decimal, Measure, ReadingId, TakenAt, Value, measure::BodyWeight, quantity::Kilograms,
};

/// When everything arrives: each reading is fresh then.
const RECEIVED: TimeDelta = TimeDelta::minutes(25);

pub(super) fn now() -> DateTime<Utc> {
    start() + RECEIVED
}

/// A store of one person's readings, which hands to the rules what still counts.
pub(super) struct Held {
    plan: Plan,
    pub(super) kept: Kept,
    counts: BTreeMap<ReadingId, Admitted>,
    folds: Vec<u32>,
    /// Whether it hands that over with every reading, as it does with every correction.
    always: bool,
    restarts: bool,
}

impl Held {
    pub(super) fn new(plan: Plan, always: bool) -> Self {
        Self { plan, kept: Kept::new(), counts: BTreeMap::new(), folds: Vec::new(), always, restarts: false }
    }

    fn correction(&self, gone: &[&Admitted]) -> Event {
        let withdrawn = gone.iter().map(|admitted| Withdrawal {
            admitted: (*admitted).clone(),
            because: Because::EnteredInError,
            was_judged: true,
        });
        let withdrawn: Vec<Withdrawal> = withdrawn.collect();
        let shows = |alert: &&rules::Alert| {
            let of_it =
                |evidence: &rules::Evidence| gone.iter().any(|admitted| admitted.reading.id == evidence.reading);
            alert.is_finished() && alert.evidence.iter().any(of_it)
        };
        let finished = self.kept.alerts.iter().filter(shows).cloned().collect();
        let rest = self.counts.values().cloned().collect();
        Event::Corrected(Box::new(Correction {
            withdrawn,
            rest,
            since: DateTime::<Utc>::MIN_UTC,
            cut: BTreeMap::new(),
            anew: BTreeSet::new(),
            finished,
        }))
    }

    /// One slice: readings that come, and readings that no longer count.
    pub(super) fn slice(&mut self, engine: &Engine, come: &[&Admitted], gone: &[&Admitted]) -> Decisions {
        for admitted in gone {
            self.counts.remove(&admitted.reading.id);
        }
        let mut events: Vec<Event> =
            come.iter().map(|admitted| Event::Reading(Box::new((*admitted).clone()))).collect();
        if self.always || !gone.is_empty() {
            events.push(self.correction(gone));
        }
        let decisions = (engine.decide)(&self.plan, &self.kept.state, &events, now());
        self.kept.keep(&events, &decisions);
        self.folds.push(decisions.folds);
        self.counts.extend(come.iter().map(|admitted| (admitted.reading.id, (*admitted).clone())));
        if self.restarts {
            let bytes = self.kept.state.to_bytes();
            self.kept.state = PatientState::from_bytes(&patient(), &bytes).expect("what was written is read");
        }
        decisions
    }

    fn fold(&self) -> PatientState {
        fold(&self.plan, &patient(), &self.counts.values().collect::<Vec<_>>(), now())
    }
}

/// The rules whose condition is true.
pub(super) fn is_true(state: &PatientState) -> BTreeSet<(String, String)> {
    let is_true = state.alerts.iter().filter(|alert| matches!(alert.condition, Condition::Pending | Condition::Active));
    is_true.map(|alert| (alert.made_by.pack.clone(), alert.made_by.rule.clone())).collect()
}

/// Readings as they were taken, and what happens to them in order: each comes, and some are withdrawn later.
#[derive(Debug, Clone)]
struct Story {
    readings: Vec<Admitted>,
    /// Which reading; the first time it comes, the second time it no longer counts.
    steps: Vec<usize>,
}

pub(super) fn taken_at(number: usize, minute: i64, value: Value<Measure>) -> Admitted {
    let when = When {
        clock: Clock::Known,
        taken: TimeDelta::minutes(minute),
        heard: RECEIVED,
        sent: RECEIVED,
        received: RECEIVED,
    };
    reading(u32::try_from(number).unwrap(), value, when)
}

fn told_in_any_order(readings: Vec<Admitted>) -> impl Strategy<Value = Story> {
    let once: Vec<usize> = (0..readings.len()).collect();
    let withdrawn = prop::sample::subsequence(once.clone(), 0..=once.len().min(4));
    (Just(readings), Just(once), withdrawn).prop_flat_map(|(readings, once, withdrawn)| {
        let steps: Vec<usize> = once.into_iter().chain(withdrawn).collect();
        (Just(readings), Just(steps).prop_shuffle()).prop_map(|(readings, steps)| Story { readings, steps })
    })
}

fn pressures() -> impl Strategy<Value = Story> {
    // 148/92 is no amber any more, and does not end one.
    let value = select(vec![
        (120_u16, 80_u16),
        (148, 92),
        (150, 90),
        (156, 97),
        (167, 100),
        (164, 109),
        (170, 100),
        (182, 118),
    ]);
    prop::collection::vec(value, 1..8).prop_flat_map(|values| {
        let taken = |(place, (systolic, diastolic)): (usize, (u16, u16))| {
            taken_at(place, 3 * i64::try_from(place).unwrap(), pressure(systolic, diastolic))
        };
        told_in_any_order(values.into_iter().enumerate().map(taken).collect())
    })
}

fn weights() -> impl Strategy<Value = Story> {
    let weight = select(vec![780_i64, 795, 800, 801, 810, 811, 820, 821, 835]);
    prop::collection::vec((1_i64..100, weight), 1..10).prop_flat_map(|weights| {
        let taken = |(place, (hours, tenths)): (usize, (i64, i64))| {
            let mass = Kilograms::new(Decimal::from_parts(tenths, -1).unwrap());
            let weight = Measure::Weight(BodyWeight { mass, bmi: None, height: None });
            taken_at(place, -60 * hours, Value::Measured(weight))
        };
        told_in_any_order(weights.into_iter().enumerate().map(taken).collect())
    })
}

fn told(engine: &Engine, plan: Plan, story: &Story, restarts: bool) -> Held {
    let mut held = Held { restarts, ..Held::new(plan, true) };
    let mut seen = BTreeSet::new();
    for step in &story.steps {
        let admitted = &story.readings[*step];
        if seen.insert(*step) {
            held.slice(engine, &[admitted], &[]);
        } else {
            held.slice(engine, &[], &[admitted]);
        }
    }
    held
}

/// Whatever the order: what is remembered and which conditions are true is what the readings that are left come to.
fn ends_as_its_fold(engine: &Engine, plan: Plan, story: &Story) -> Result<(), String> {
    let held_so = told(engine, plan, story, false);
    let (state, fold) = (&held_so.kept.state, held_so.fold());
    held(state.history == fold.history, || format!("other lists: {:?} {:?}", state.history, fold.history))?;
    held(state.rules == fold.rules, || format!("other memories: {:?} {:?}", state.rules, fold.rules))?;
    held(is_true(state) == is_true(&fold), || format!("{:?}, not {:?}", is_true(state), is_true(&fold)))
}

/// An engine whose answer to a correction is spoilt.
fn spoilt(spoil: fn(&PatientState, &mut Decisions)) -> Engine {
    let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
        let mut decisions = decide(plan, before, events, at);
        if events.iter().any(|event| matches!(event, Event::Corrected(_))) {
            spoil(before, &mut decisions);
        }
        decisions
    };
    Engine { decide: Box::new(decide), ..real() }
}

/// Hears nothing of corrections.
fn deaf() -> Engine {
    let decide = |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
        let others = events.iter().filter(|event| !matches!(event, Event::Corrected(_)));
        decide(plan, before, &others.cloned().collect::<Vec<_>>(), at)
    };
    Engine { decide: Box::new(decide), ..real() }
}

#[test]
fn any_order_of_readings_and_corrections_ends_in_the_same_condition() {
    holds(&pressures(), |story| ends_as_its_fold(&real(), demo_plan(), story));
    holds(&weights(), |story| ends_as_its_fold(&real(), looking_back::plan(), story));

    assert!(caught(&pressures(), |story| ends_as_its_fold(&deaf(), demo_plan(), story)).is_some());
    assert!(caught(&weights(), |story| ends_as_its_fold(&deaf(), looking_back::plan(), story)).is_some());
    let keeps_lists = || spoilt(|before, decisions| decisions.state.history.clone_from(&before.history));
    assert!(caught(&weights(), |story| ends_as_its_fold(&keeps_lists(), looking_back::plan(), story)).is_some());
    let ends_nothing = || spoilt(|before, decisions| decisions.state.alerts.clone_from(&before.alerts));
    assert!(caught(&pressures(), |story| ends_as_its_fold(&ends_nothing(), demo_plan(), story)).is_some());
}

/// A restart between any two slices, with a state that went through its stored form and another engine, changes nothing.
fn restarts_change_nothing(engine: fn() -> Engine, plan: &Plan, story: &Story) -> Result<(), String> {
    let (one, other) = (told(&engine(), plan.clone(), story, false), told_with_restarts(engine, plan, story));
    held(one.kept == other.kept, || "after the restarts it ended otherwise".to_owned())
}

fn told_with_restarts(engine: fn() -> Engine, plan: &Plan, story: &Story) -> Held {
    let mut held = Held { restarts: true, ..Held::new(plan.clone(), true) };
    let mut seen = BTreeSet::new();
    for step in &story.steps {
        let admitted = &story.readings[*step];
        let (come, gone): (&[&Admitted], &[&Admitted]) =
            if seen.insert(*step) { (&[admitted], &[]) } else { (&[], &[admitted]) };
        held.slice(&engine(), come, gone);
    }
    held
}

#[test]
fn a_restart_between_corrections_changes_nothing() {
    holds(&pressures(), |story| restarts_change_nothing(real, &demo_plan(), story));
    holds(&weights(), |story| restarts_change_nothing(real, &looking_back::plan(), story));
    // Remembers in the process what belongs in the state.
    let forgetful = || {
        let remembered = RefCell::new(History::default());
        let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let before = PatientState { history: remembered.borrow().clone(), ..before.clone() };
            let mut decisions = decide(
                plan,
                &before,
                &events.iter().filter(|event| event.to_judge().is_some()).cloned().collect::<Vec<_>>(),
                at,
            );
            remembered.replace(std::mem::take(&mut decisions.state.history));
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&weights(), |story| restarts_change_nothing(forgetful, &looking_back::plan(), story)).is_some());
}

/// Readings that come when they are taken, one slice each, and timers that are judged when they are due: what is remembered is
/// what all of them come to, after every one.
fn the_cache_is_the_fold(engine: &Engine, plan: &Plan, readings: &[Admitted]) -> Result<(), String> {
    let mut kept = Kept::new();
    let mut ordered: Vec<Admitted> = readings.to_vec();
    ordered.sort_by_key(|admitted| (admitted.event_time(), admitted.reading.id));
    for (place, admitted) in ordered.iter().enumerate() {
        let at = admitted.event_time();
        let due: Vec<(DateTime<Utc>, AlertId)> = kept.timers.iter().map(|(alert, due_at)| (*due_at, *alert)).collect();
        for (due_at, alert) in due.into_iter().filter(|(due_at, _)| *due_at <= at) {
            let events = [Event::Due(Timer { alert, due_at })];
            kept.keep(&events, &(engine.decide)(plan, &kept.state, &events, due_at));
        }
        let events = [Event::Reading(Box::new(admitted.clone()))];
        kept.keep(&events, &(engine.decide)(plan, &kept.state, &events, at));
        let until: Vec<&Admitted> = ordered.iter().take(place + 1).collect();
        let fold = fold(plan, &patient(), &until, at);
        held((&kept.state.history, &kept.state.rules) == (&fold.history, &fold.rules), || {
            format!("{:?}, not {:?}", kept.state, fold)
        })?;
        held(is_true(&kept.state) == is_true(&fold), || {
            format!("{:?}, not {:?}", is_true(&kept.state), is_true(&fold))
        })?;
    }
    Ok(())
}

/// The readings of a story, received when they were taken.
fn at_once(story: &Story) -> Vec<Admitted> {
    let received = |admitted: &Admitted| {
        let at = admitted.event_time();
        let mut admitted = admitted.clone();
        (admitted.sent_at, admitted.server_received, admitted.reading.times.hub_received) = (at, at, at);
        admitted
    };
    story.readings.iter().map(received).collect()
}

#[test]
fn what_is_remembered_is_what_the_readings_come_to() {
    holds(&pressures(), |story| the_cache_is_the_fold(&real(), &demo_plan(), &at_once(story)));
    holds(&weights(), |story| the_cache_is_the_fold(&real(), &looking_back::plan(), &at_once(story)));
    // Keeps only what is heavier than the last.
    let forgetful = || {
        let decide = |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let mut decisions = decide(plan, before, events, at);
            let newest = |history: &History| {
                history.iter().filter_map(|(_, values)| values.entries().last()).map(|last| last.nano).max()
            };
            if newest(&decisions.state.history) < newest(&before.history) {
                decisions.state.history = before.history.clone();
            }
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(
        caught(&weights(), |story| the_cache_is_the_fold(&forgetful(), &looking_back::plan(), &at_once(story)))
            .is_some()
    );
    let spread = pressures().prop_map(|mut story| {
        // Twenty minutes apart, so that a repeat's window ends between two.
        for (place, admitted) in (0..).zip(&mut story.readings) {
            let at = start() + TimeDelta::minutes(20 * place);
            admitted.reading.times.taken = TakenAt::DeviceClock(at);
            (admitted.sent_at, admitted.server_received, admitted.reading.times.hub_received) = (at, at, at);
        }
        story
    });
    holds(&spread, |story| the_cache_is_the_fold(&real(), &demo_plan(), &story.readings));
}

/// What was once told is there for ever, as it now is: nothing is erased, and what no longer counts says so.
fn nothing_is_erased(engine: &Engine, story: &Story) -> Result<(), String> {
    let mut held_so = Held::new(demo_plan(), false);
    let (mut seen, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for step in &story.steps {
        let admitted = &story.readings[*step];
        let before = held_so.kept.clone();
        if seen.insert(*step) {
            held_so.slice(engine, &[admitted], &[]);
        } else {
            gone.insert(admitted.reading.id);
            held_so.slice(engine, &[], &[admitted]);
        }
        let after = &held_so.kept;
        for was in &before.alerts {
            let is = after.alerts.iter().find(|is| is.id == was.id).ok_or("an alert is gone")?;
            let shows = |id: ReadingId| is.evidence.iter().any(|evidence| evidence.reading == id);
            held(was.evidence.iter().all(|evidence| shows(evidence.reading)), || "evidence is gone".to_owned())?;
            held(!is_red_alert(is) || after.state.alert(is.id).is_some_and(rules::Alert::is_waiting), || {
                "a red that nobody took no longer waits".to_owned()
            })?;
            let is_news = is.evidence.iter().filter(|evidence| !evidence.counts()).count()
                > was.evidence.iter().filter(|evidence| !evidence.counts()).count();
            let is_told = after.jobs.iter().skip(before.jobs.len()).filter(|job| job.alert == is.id).count();
            let was_told = was.condition != Condition::Pending && !was.is_finished();
            held(!(is_news && was_told) || is_told == CHANNELS.len(), || {
                format!("nobody is told that {is:?} changed")
            })?;
        }
        for evidence in after.alerts.iter().flat_map(|alert| &alert.evidence) {
            held(evidence.counts() != gone.contains(&evidence.reading), || format!("{evidence:?} does not say so"))?;
        }
        held(held_so.kept.state.history == held_so.fold().history, || "other lists".to_owned())?;
    }
    Ok(())
}

#[test]
fn an_alert_once_sent_is_amended_and_never_erased() {
    holds(&pressures(), |story| nothing_is_erased(&real(), story));
    let erases = || {
        spoilt(|_, decisions| {
            let amended = |alert: &mut rules::Alert| alert.evidence.retain(rules::Evidence::counts);
            decisions.alerts.iter_mut().chain(&mut decisions.state.alerts).for_each(amended);
        })
    };
    assert!(caught(&pressures(), |story| nothing_is_erased(&erases(), story)).is_some());
    let tells_nobody = || spoilt(|_, decisions| decisions.jobs.retain(|job| job.why != Why::Amended));
    assert!(caught(&pressures(), |story| nothing_is_erased(&tells_nobody(), story)).is_some());
    let says_nothing = || {
        spoilt(|_, decisions| {
            let unsaid = |evidence: &mut rules::Evidence| evidence.withdrawn = None;
            let alerts = decisions.alerts.iter_mut().chain(&mut decisions.state.alerts);
            alerts.for_each(|alert| alert.evidence.iter_mut().for_each(unsaid));
        })
    };
    assert!(caught(&pressures(), |story| nothing_is_erased(&says_nothing(), story)).is_some());
}

/// However much one slice withdraws, it is worked out again once; and a slice that withdraws nothing, never.
fn one_fold_a_slice(engine: &Engine, story: &Story) -> Result<(), String> {
    let mut held_so = Held::new(demo_plan(), false);
    let all: Vec<&Admitted> = story.readings.iter().collect();
    held_so.slice(engine, &all, &[]);
    held_so.slice(engine, &[], &all);
    held(held_so.folds == [0, 1], || format!("folds of slices: {:?}", held_so.folds))?;
    held(held_so.kept.state.rules.is_empty(), || "it remembers what no longer counts".to_owned())
}

#[test]
fn a_slice_is_folded_at_most_once() {
    holds(&pressures(), |story| one_fold_a_slice(&real(), story));
    let once_each = || {
        let decide = |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let mut all = decide(plan, before, events, at);
            if let [Event::Corrected(correction)] = events {
                for withdrawal in correction.withdrawn.iter().skip(1) {
                    let one = Correction { withdrawn: vec![withdrawal.clone()], ..(**correction).clone() };
                    all.folds += decide(plan, &all.state, &[Event::Corrected(Box::new(one))], at).folds;
                }
            }
            all
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&pressures(), |story| one_fold_a_slice(&once_each(), story)).is_some());
}

fn conditions(held: &Held) -> Vec<Condition> {
    held.kept.alerts.iter().map(|alert| alert.condition).collect()
}

/// 182/118 that somebody entered for the wrong person: the red has no ground, waits for a person all the same, and both channels
/// hear of it. A better reading that does not count ends nothing. What a wrong reading hid is told.
#[test]
fn what_comes_of_a_withdrawn_reading() {
    let (red, fine) = (taken_at(1, 0, pressure(182, 118)), taken_at(2, 5, pressure(134, 84)));
    let mut wrong = Held::new(demo_plan(), false);
    wrong.slice(&real(), &[&red], &[]);
    wrong.slice(&real(), &[], &[&red]);
    assert_eq!(conditions(&wrong), [Condition::Cleared(ClearedBecause::Unfounded)]);
    assert!(wrong.kept.alerts[0].is_waiting(), "a person must close it");
    assert_eq!(wrong.kept.alerts[0].evidence[0].withdrawn, Some(Because::EnteredInError));
    let why: Vec<Why> = wrong.kept.jobs.iter().map(|job| job.why).collect();
    assert_eq!(why, [Why::First, Why::First, Why::Amended, Why::Amended]);

    let mut worse = Held::new(demo_plan(), false);
    worse.slice(&real(), &[&red], &[]);
    worse.slice(&real(), &[&fine], &[]);
    assert_eq!(conditions(&worse), [Condition::Cleared(ClearedBecause::Improved)]);
    worse.slice(&real(), &[], &[&fine]);
    assert_eq!((conditions(&worse), worse.kept.alerts[0].occasions), (vec![Condition::Active], 2), "it is back");

    let amber = taken_at(3, 0, pressure(156, 97));
    let mut hidden = Held::new(demo_plan(), false);
    hidden.slice(&real(), &[&amber], &[]);
    hidden.slice(&real(), &[&taken_at(4, 6, pressure(134, 84))], &[]);
    assert_eq!(conditions(&hidden), [Condition::Cleared(ClearedBecause::Improved)]);
    hidden.slice(&real(), &[], &[&taken_at(4, 6, pressure(134, 84))]);
    assert_eq!(conditions(&hidden), [Condition::Cleared(ClearedBecause::Improved), Condition::Active], "and is told");
    assert!(hidden.kept.alerts[1].late && hidden.kept.jobs.len() == CHANNELS.len());
    assert!(!hidden.kept.alerts[0].evidence[1].counts(), "what is finished is amended too");
}

/// A reading that is another person's leaves the one, and comes to the other as a late one does: both end as if it had come
/// to the right person at once.
#[test]
fn a_reading_of_another_person_leaves_one_history_and_enters_the_other() {
    let (theirs, moved) = (taken_at(1, 5, pressure(134, 84)), taken_at(2, 0, pressure(182, 118)));
    let (mut one, mut other) = (Held::new(demo_plan(), false), Held::new(demo_plan(), false));
    one.slice(&real(), &[&theirs], &[]);
    one.slice(&real(), &[&moved], &[]);
    one.slice(&real(), &[], &[&moved]);
    other.slice(&real(), &[&moved], &[]);
    assert_eq!(one.kept.state.rules, one.fold().rules);
    assert_eq!((is_true(&one.kept.state), is_true(&one.fold())), (BTreeSet::new(), BTreeSet::new()));
    assert_eq!(is_true(&other.kept.state), is_true(&other.fold()));
    assert_eq!(is_true(&other.kept.state).len(), 1);
}

/// Whoever took an alert is still named when its reading no longer counts.
#[test]
fn a_taken_alert_stays_taken() {
    let red = taken_at(1, 0, pressure(182, 118));
    let mut held_so = Held::new(demo_plan(), false);
    held_so.slice(&real(), &[&red], &[]);
    let taken = [Event::Acknowledged { alert: held_so.kept.alerts[0].id, by: actor("ada"), note: None }];
    let decisions = decide(&demo_plan(), &held_so.kept.state, &taken, now());
    held_so.kept.keep(&taken, &decisions);
    let decisions = held_so.slice(&real(), &[], &[&red]);
    assert!(
        matches!(&held_so.kept.alerts[0].workflow, rules::Workflow::Acknowledged { by, .. } if *by == actor("ada"))
    );
    assert!(held_so.kept.state.alerts.is_empty(), "over, and taken: it is finished");
    let is_judged = |(_, verdict): &(ReadingId, Verdict)| matches!(verdict, Verdict::Evaluated { .. });
    assert!(!decisions.judged.iter().any(is_judged), "nothing is judged anew");
}
