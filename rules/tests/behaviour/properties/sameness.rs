//! The same inputs give the same answer, whatever restarts between them and however slices are cut.

use super::checks::held;
use super::history::{Engine, Run, Step, histories, readings_of, real, run, spoilt};
use super::{caught, holds};
use crate::support::{Kept, demo_plan, patient};
use chrono::{DateTime, Utc};
use rules::{Decisions, Event, PatientState, Plan, decide, state::Memories};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicU32, Ordering},
};

/// What every slice decided, engine by engine.
pub(super) fn decisions(engine: &Engine, steps: &[Step]) -> Result<Vec<Decisions>, String> {
    Ok(run(engine, steps)?.into_iter().map(|moment| moment.decisions).collect())
}

pub(super) fn same_inputs_same_answer(engine: fn() -> Engine, steps: &[Step]) -> Result<(), String> {
    held(decisions(&engine(), steps)? == decisions(&engine(), steps)?, || "the second time was different".to_owned())
}

#[test]
fn the_same_inputs_give_the_same_answer() {
    holds(&histories(), |steps| same_inputs_same_answer(real, steps));
    let moody = || {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        spoilt(|_, _, decisions| {
            if ASKED.fetch_add(1, Ordering::Relaxed) % 7 == 6 {
                decisions.jobs.clear();
            }
        })
    };
    assert!(caught(&histories(), |steps| same_inputs_same_answer(moody, steps)).is_some(), "a moody engine is caught");
}

/// A history with a restart before every slice: another engine, and a state that went through its stored form.
pub(super) fn restarted(engine: fn() -> Engine, steps: &[Step]) -> Result<Kept, String> {
    let mut run = Run::new();
    for step in steps {
        let stored = run.kept.state.to_bytes();
        let read = PatientState::from_bytes(&patient(), &stored).map_err(|error| error.to_string())?;
        held(read == run.kept.state, || format!("its stored form is another state: {stored:?}"))?;
        held(read.to_bytes() == stored, || format!("it is stored otherwise the second time: {stored:?}"))?;
        run.kept.state = read;
        run.step(&engine(), step)?;
    }
    Ok(run.kept)
}

pub(super) fn a_restart_changes_nothing(engine: fn() -> Engine, steps: &[Step]) -> Result<(), String> {
    let kept = run(&engine(), steps)?.pop().map_or_else(Kept::new, |moment| moment.after);
    held(kept == restarted(engine, steps)?, || "after the restarts it ended otherwise".to_owned())
}

#[test]
fn a_restart_between_any_two_slices_changes_nothing() {
    holds(&histories(), |steps| a_restart_changes_nothing(real, steps));
    // Remembers in the process what belongs in the state.
    let forgetful = || {
        let remembered = RefCell::new(Memories::default());
        let decide = move |plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>| {
            let before = PatientState { rules: remembered.borrow().clone(), ..before.clone() };
            let mut decisions = decide(plan, &before, events, at);
            if decisions.refused.is_none() {
                remembered.replace(std::mem::take(&mut decisions.state.rules));
            }
            decisions
        };
        Engine { decide: Box::new(decide), ..real() }
    };
    assert!(caught(&histories(), |steps| a_restart_changes_nothing(forgetful, steps)).is_some());
}

/// Slices cut into single events, readings first and as they were taken, end in the same state, alert by alert.
pub(super) fn slices_may_be_cut(engine: &Engine, steps: &[Step]) -> Result<(), String> {
    for moment in run(engine, steps)?.iter().filter(|moment| !moment.is_refused() && !moment.rules_failed) {
        let mut singly: Vec<&Event> = moment.events.iter().collect();
        singly.sort_by_key(|event| {
            let admitted = readings_of(std::slice::from_ref(*event)).next();
            (admitted.is_none(), admitted.map(|admitted| (admitted.event_time(), admitted.reading.id)))
        });
        let mut kept = moment.before.clone();
        for event in singly {
            let event = std::slice::from_ref(event);
            let decisions = (engine.decide)(&demo_plan(), &kept.state, event, moment.at);
            kept.keep(event, &decisions);
        }
        let told = |kept: &Kept| kept.jobs.iter().map(|job| job.id).collect::<BTreeSet<_>>();
        let conditions =
            |kept: &Kept| kept.alerts.iter().map(|alert| (alert.id, alert.condition)).collect::<BTreeMap<_, _>>();
        // One instruction goes to the person for each slice: cut into more, there are more.
        let untold = |kept: &Kept| {
            let mut state = kept.state.clone();
            state.alerts.iter_mut().for_each(|alert| alert.patient_told = None);
            state
        };
        held(untold(&kept) == untold(&moment.after), || {
            format!("another state: {:?} {:?}", kept.state, moment.after.state)
        })?;
        held(conditions(&kept) == conditions(&moment.after), || "other conditions".to_owned())?;
        held(told(&kept) == told(&moment.after), || "others are told".to_owned())?;
    }
    Ok(())
}

#[test]
fn a_slice_cut_into_single_events_ends_the_same() {
    holds(&histories(), |steps| slices_may_be_cut(&real(), steps));
    // Judges in the order of arrival, not as the readings were taken.
    let as_it_comes = || Engine {
        decide: Box::new(|plan, before, events, at| {
            let mut kept = Kept::new();
            kept.state = before.clone();
            let mut last = decide(plan, before, &[], at);
            for event in events {
                last = decide(plan, &kept.state, std::slice::from_ref(event), at);
                kept.keep(std::slice::from_ref(event), &last);
            }
            Decisions { state: kept.state, alerts: kept.alerts, jobs: kept.jobs, ..last }
        }),
        ..real()
    };
    assert!(caught(&histories(), |steps| slices_may_be_cut(&as_it_comes(), steps)).is_some());
}
