//! One slice inside its savepoint: duplicates out, the decision, then everything it decided, stored together.
//!
//! Invariants: a new reading is stored with its verdict or the slice fails; nothing is decided from a damaged row; a
//! rule that panics leaves its readings unjudged with a technical alert, and harms nobody else's slice.

use super::{
    arrivals::Arrivals,
    chain::{Chain, EntryKind},
    digest::{Digest, micros},
    fault::Fault,
    inbox, jobs, readings,
    records::{self, AlertKept},
    rows::Tx,
};
use crate::{
    access::Denied,
    store::{Decide, Outcome, Slice, Subject},
};
use rules::{Decisions, Event, PatientState, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};
use vitals::{ErrorCode, HubId, PatientId, ReadingId};

/// Applies one slice. The caller rolls back to its savepoint on any fault.
pub(super) fn apply(tx: &Tx<'_>, slice: Slice, decide: &dyn Decide) -> Result<Outcome, Fault> {
    // An empty slice is allowed to everybody, so it must tell nothing: not even the head of a chain.
    if slice.events.is_empty() {
        return Ok(Outcome::default());
    }
    match slice.subject {
        Subject::Patient(patient) => apply_to_person(tx, &patient, slice.events, decide),
        Subject::Unassigned(hub) => apply_to_nobody(tx, &hub, slice.events),
        Subject::Service => apply_to_service(tx, slice.events),
    }
}

fn apply_to_person(
    tx: &Tx<'_>,
    patient: &PatientId,
    events: Vec<Event>,
    decide: &dyn Decide,
) -> Result<Outcome, Fault> {
    let mut arrivals = Arrivals::default();
    let mut others = Vec::new();
    for event in events {
        match event {
            Event::Reading(admitted) => arrivals.take(tx, Some(patient), *admitted)?,
            Event::Reconsider(admitted) => {
                let found = readings::find(tx, &admitted.reading.source, admitted.reading.record)?;
                let found = found.filter(|found| found.patient.as_ref() == Some(patient));
                let found = found.ok_or_else(|| Fault::Missing(admitted.reading.id.to_string()))?;
                // Judged since it was asked for: nothing is left to do. What is judged is the stored reading.
                if matches!(found.verdict, Some(Verdict::Unevaluated { .. })) {
                    others.push(Event::Reconsider(Box::new(found.admitted)));
                }
            }
            Event::Registered(ref person) if person.id != *patient => return Err(Denied.into()),
            Event::Refused(_) | Event::Received { .. } => return Err(Denied.into()),
            Event::Due(_) | Event::Acknowledged { .. } | Event::Delivered { .. } | Event::Registered(_) => {
                others.push(event)
            }
        }
    }
    let mut undecided: Vec<Event> =
        arrivals.take_new().into_iter().map(|admitted| Event::Reading(Box::new(admitted))).collect();
    undecided.append(&mut others);
    let mut chain = Chain::of(tx, Some(patient))?;
    let mut outcome = Outcome::default();
    let mut judged = BTreeMap::new();
    if !undecided.is_empty() || !arrivals.conflicts.is_empty() {
        let before = state_before(tx, &chain, patient)?;
        if !undecided.is_empty() {
            let mut decisions = decided(decide, &before, &undecided, tx)?;
            judged = std::mem::take(&mut decisions.judged).into_iter().collect();
            for event in &undecided {
                keep_event(tx, &mut chain, patient, event, &judged)?;
            }
            keep_decisions(tx, &mut chain, &before, decisions, &mut outcome)?;
        }
        keep_conflicts(tx, &mut chain, Some(patient), &arrivals)?;
    }
    outcome.readings = arrivals.outcomes(&judged).ok_or(Fault::Rules)?;
    outcome.chain_head = chain.head();
    Ok(outcome)
}

/// What the rules remember of a person. Whoever has an entry has a state, so where it is missing it was lost: to begin
/// anew would forget open alerts.
fn state_before(tx: &Tx<'_>, chain: &Chain<'_>, patient: &PatientId) -> Result<PatientState, Fault> {
    match records::state(tx, patient)? {
        Some(state) => Ok(state),
        None if chain.is_empty() => {
            let state = PatientState::new(patient.clone());
            records::put_state(tx, &state)?;
            Ok(state)
        }
        None => Err(Fault::Damaged { table: "state", row: 0 }),
    }
}

/// The decision, or what stands in for it where the rules panic or leave a reading unjudged.
fn decided(decide: &dyn Decide, before: &PatientState, events: &[Event], tx: &Tx<'_>) -> Result<Decisions, Fault> {
    let at = tx.at;
    let whole = |decisions: &Decisions| is_whole(decisions, before, events);
    let mut decisions = caught(|| decide.decide(before, events, at)).filter(whole);
    // Only a reading can be kept unjudged and judged later. Anything else the rules fail on stays undone, and whoever
    // asked for it hears so: a timer taken away unjudged would be an alert that never comes.
    if decisions.is_none() && events.iter().all(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_))) {
        decisions = caught(|| decide.unevaluated(before, events, ErrorCode::RulePanicked, at)).filter(whole);
    }
    let mut decisions = decisions.ok_or(Fault::Rules)?;
    decisions.refused.take().map_or(Ok(decisions), |refused| Err(refused.into()))
}

/// Runs a decision; none where it panics. It is pure, so nothing half-done is left behind.
fn caught(decision: impl FnOnce() -> Decisions) -> Option<Decisions> {
    catch_unwind(AssertUnwindSafe(decision)).ok()
}

/// Whether a decision is about this person only and judges every reading.
fn is_whole(decisions: &Decisions, before: &PatientState, events: &[Event]) -> bool {
    let patient = &before.patient;
    let judged: BTreeSet<ReadingId> = decisions.judged.iter().map(|(id, _)| *id).collect();
    let is_judged = |event: &Event| !matches!(event, Event::Reading(admitted) | Event::Reconsider(admitted) if !judged.contains(&admitted.reading.id));
    decisions.refused.is_some()
        || (decisions.state.patient == *patient
            && decisions.alerts.iter().all(|alert| alert.patient == *patient)
            && decisions.jobs.iter().all(|job| job.patient == *patient)
            && events.iter().all(is_judged))
}

/// Stores one event of a person, with its entry.
fn keep_event(
    tx: &Tx<'_>,
    chain: &mut Chain<'_>,
    patient: &PatientId,
    event: &Event,
    judged: &BTreeMap<ReadingId, Verdict>,
) -> Result<(), Fault> {
    match event {
        Event::Reading(admitted) => {
            let verdict = judged.get(&admitted.reading.id).ok_or(Fault::Rules)?;
            let digest = readings::insert(tx, admitted, Some((patient, verdict)))?;
            chain.add(EntryKind::ReadingStored, &admitted.reading.id.to_string(), Some(&admitted.hub), digest)
        }
        Event::Reconsider(admitted) => {
            let verdict = judged.get(&admitted.reading.id).ok_or(Fault::Rules)?;
            // Still not judged: the row says so already, and a sweep that fails again and again must not fill the chain.
            if matches!(verdict, Verdict::Unevaluated { .. }) {
                return Ok(());
            }
            let digest = readings::judge_again(tx, admitted, patient, verdict)?;
            chain.add(EntryKind::ReadingJudged, &admitted.reading.id.to_string(), None, digest)
        }
        Event::Due(timer) => {
            records::end_timer(tx, patient, timer.alert, Some(micros(timer.due_at)))?;
            let digest = tx.keys.row("due", &[timer.alert.as_bytes().into(), micros(timer.due_at).into()]);
            chain.add(EntryKind::TimerDue, &timer.alert.to_string(), None, digest)
        }
        Event::Acknowledged { alert, by, note } => {
            let said = serde_json::to_string(&(by, note))?;
            let digest = tx.keys.row("acknowledged", &[alert.as_bytes().into(), said.as_str().into()]);
            chain.add(EntryKind::AlertAcknowledged, &alert.to_string(), None, digest)
        }
        Event::Delivered { job, delivery, .. } => {
            let digest = jobs::tried(tx, patient, *job, *delivery)?;
            chain.add(EntryKind::NotificationTried, &job.to_string(), None, digest)
        }
        Event::Registered(person) => {
            // The service registers its people at every start; only what changed is an entry.
            match records::put_person(tx, person)? {
                Some(digest) => chain.add(EntryKind::PersonRegistered, person.id.as_str(), None, digest),
                None => Ok(()),
            }
        }
        Event::Refused(_) | Event::Received { .. } => Err(Denied.into()),
    }
}

/// Stores what was decided: alerts before what points at them.
fn keep_decisions(
    tx: &Tx<'_>,
    chain: &mut Chain<'_>,
    before: &PatientState,
    decisions: Decisions,
    outcome: &mut Outcome,
) -> Result<(), Fault> {
    for alert in decisions.alerts {
        match records::put_alert(tx, &alert)? {
            AlertKept::New(digest) => chain.add(EntryKind::AlertOpened, &alert.id.to_string(), None, digest)?,
            AlertKept::Changed(digest) => chain.add(EntryKind::AlertChanged, &alert.id.to_string(), None, digest)?,
            AlertKept::Same => continue,
        }
        outcome.alerts.push(alert);
    }
    for job in &decisions.jobs {
        if let Some(digest) = jobs::insert(tx, job)? {
            chain.add(EntryKind::NotificationMade, &job.id.to_string(), None, digest)?;
            outcome.jobs += 1;
        }
    }
    for alert in &decisions.cancelled {
        records::end_timer(tx, &before.patient, *alert, None)?;
    }
    for timer in &decisions.timers {
        records::set_timer(tx, &before.patient, timer)?;
    }
    if decisions.state != *before {
        records::put_state(tx, &decisions.state)?;
    }
    Ok(())
}

fn keep_conflicts(
    tx: &Tx<'_>,
    chain: &mut Chain<'_>,
    patient: Option<&PatientId>,
    arrivals: &Arrivals,
) -> Result<(), Fault> {
    for admitted in &arrivals.conflicts {
        if let Some(digest) = readings::keep_conflict(tx, admitted, patient)? {
            chain.add(EntryKind::ReadingConflict, &admitted.reading.id.to_string(), Some(&admitted.hub), digest)?;
        }
    }
    Ok(())
}

/// What a hub sent for nobody yet, and what was refused.
fn apply_to_nobody(tx: &Tx<'_>, hub: &HubId, events: Vec<Event>) -> Result<Outcome, Fault> {
    let mut arrivals = Arrivals::default();
    let mut chain = Chain::of(tx, None)?;
    for event in events {
        match event {
            Event::Reading(admitted) => arrivals.take(tx, None, *admitted)?,
            Event::Refused(refused) => {
                if let Some(digest) = inbox::keep_refusal(tx, &refused)? {
                    let what = refused.id.map(|id| id.to_string()).unwrap_or_default();
                    chain.add(EntryKind::ReadingRefused, &what, Some(hub), digest)?;
                }
            }
            Event::Reconsider(_)
            | Event::Due(_)
            | Event::Acknowledged { .. }
            | Event::Delivered { .. }
            | Event::Registered(_)
            | Event::Received { .. } => {
                return Err(Denied.into());
            }
        }
    }
    for admitted in arrivals.take_new() {
        let digest = readings::insert(tx, &admitted, None)?;
        chain.add(EntryKind::ReadingUnassigned, &admitted.reading.id.to_string(), Some(&admitted.hub), digest)?;
    }
    keep_conflicts(tx, &mut chain, None, &arrivals)?;
    Ok(Outcome { readings: arrivals.outcomes_of_nobody(), ..Outcome::default() })
}

/// The service's own: the numbers of requests.
fn apply_to_service(tx: &Tx<'_>, events: Vec<Event>) -> Result<Outcome, Fault> {
    let mut chain = Chain::of(tx, None)?;
    for event in events {
        let Event::Received { hub, number } = event else { return Err(Denied.into()) };
        inbox::take_number(tx, &hub, number)?;
        let digest: Digest = tx.keys.row("received", &[hub.as_str().into(), number.to_string().as_str().into()]);
        chain.add(EntryKind::RequestReceived, &number.to_string(), Some(&hub), digest)?;
    }
    Ok(Outcome::default())
}
