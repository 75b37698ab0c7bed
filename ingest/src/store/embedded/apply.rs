//! One slice inside its savepoint: duplicates out, the decision, then everything it decided, stored together.
//!
//! Invariants: a new reading is stored with its verdict or the slice fails; nothing is decided from a damaged row; a
//! rule that panics leaves its readings unjudged with a technical alert, and harms nobody else's slice.

use super::{
    account,
    alerts::{self, AlertKept},
    arrivals::{Arrivals, HeardAlso, Recovered},
    digest::micros,
    fault::Fault,
    inbox, items, jobs,
    journal::{Draft, EntryKind, SERVICE},
    kept::Sent,
    names::{Class, No},
    readings::{self, Lookup, Place},
    record::{self, Subject},
    rows::Tx,
    timers,
};
use crate::{
    access::Denied,
    store::{self, Decide, Outcome, Slice},
};
use rules::{
    Alert, Decisions, Event, PatientState, Verdict,
    event::{Audit, AuditKind},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};
use vitals::{Admitted, ErrorCode, Flag, HubId, PatientId, ReadingId, bounded::Text};

/// Applies one slice that has events. The caller rolls back to its savepoint on any fault.
pub(super) fn apply(tx: &Tx<'_>, slice: Slice, decide: &dyn Decide) -> Result<Outcome, Fault> {
    match slice.subject {
        store::Subject::Patient(patient) => apply_to_person(tx, &patient, slice.events, decide),
        store::Subject::Unassigned(hub) => apply_to_nobody(tx, &hub, slice.events),
        store::Subject::Service => to_service(tx, slice.events),
    }
}

/// What happened to a person, once duplicates are out.
#[derive(Default)]
struct Happened {
    /// The readings first, then everything else in order.
    events: Vec<Event>,
    /// The numbers of the readings' sources.
    sources: Vec<No>,
    /// What no rule judges: what was written into the register, and audits.
    beside: Vec<Event>,
    /// Where the readings stand that are to be judged again.
    again_at: BTreeMap<ReadingId, Place>,
}

fn apply_to_person(
    tx: &Tx<'_>,
    patient: &PatientId,
    events: Vec<Event>,
    decide: &dyn Decide,
) -> Result<Outcome, Fault> {
    let mut person = Subject::open(tx, Class::Person, patient.as_str())?;
    let mut draft = Draft::new(tx);
    let mut arrivals = Arrivals::default();
    let happened = happened(tx, &draft, patient, events, &mut arrivals)?;
    let mut outcome = Outcome::default();
    let mut judged = BTreeMap::new();
    let mut is_changed = person.is_new;
    let mut decided_on = None;
    if !happened.events.is_empty() {
        let before = state_before(&person, patient)?;
        let mut decisions = decided(decide, &before, &happened.events, tx)?;
        judged = std::mem::take(&mut decisions.judged).into_iter().collect();
        keep_readings(tx, &mut draft, &happened, &judged)?;
        for event in &happened.events {
            keep_event(tx, &mut draft, &person, event, &happened, &judged)?;
        }
        decided_on = Some((before, decisions));
    }
    for event in &happened.beside {
        keep_beside_rules(tx, &mut draft, &mut person, Some(patient), event)?;
    }
    if let Some((before, decisions)) = decided_on {
        is_changed |= keep_decisions(tx, &mut draft, &mut person, &before, decisions, &mut outcome)?;
    }
    keep_recovered(tx, &mut draft, &person, &happened, &arrivals, &mut judged)?;
    keep_beside(tx, &mut draft, None, &arrivals)?;
    if !draft.is_empty() {
        draft.append(tx, &mut person)?;
        is_changed = true;
    }
    if is_changed {
        person.put(tx)?;
    }
    outcome.readings = arrivals.outcomes(&judged).ok_or(Fault::Rules)?;
    outcome.chain_head = Some(person.record.witness());
    Ok(outcome)
}

/// Takes duplicates out. What is left is what the rules are to hear.
fn happened(
    tx: &Tx<'_>,
    draft: &Draft,
    patient: &PatientId,
    events: Vec<Event>,
    arrivals: &mut Arrivals,
) -> Result<Happened, Fault> {
    let mut happened = Happened::default();
    let mut others = Vec::new();
    for event in events {
        match event {
            Event::Reading(admitted) => arrivals.take(tx, draft.seq, Some(patient), *admitted)?,
            // The rules hear nothing of these: whatever ails a rule, a person can be written of.
            Event::Written(_) | Event::Audited(_) => happened.beside.push(event),
            Event::Reconsider(admitted) => {
                // Judged since it was asked for: nothing is left to do. What is judged is the stored reading.
                if let Some((at, stored)) = waits_to_be_judged(tx, patient, &admitted)? {
                    happened.again_at.insert(stored.reading.id, at);
                    others.push(Event::Reconsider(Box::new(stored)));
                }
            }
            Event::Refused(_) | Event::AccountSet(_) | Event::Received { .. } => return Err(Denied.into()),
            Event::Due(_) | Event::Acknowledged { .. } | Event::Delivered { .. } => others.push(event),
        }
    }
    for (source, admitted) in arrivals.take_new() {
        happened.sources.push(source);
        happened.events.push(Event::Reading(Box::new(admitted)));
    }
    happened.events.append(&mut others);
    Ok(happened)
}

/// The stored reading, where it still waits to be judged.
fn waits_to_be_judged(tx: &Tx<'_>, patient: &PatientId, asked: &Admitted) -> Result<Option<(Place, Admitted)>, Fault> {
    let missing = || Fault::Missing(asked.reading.id.to_string());
    let source = tx.names.find(Class::Source, asked.reading.source.as_str()).ok_or_else(missing)?;
    let record = super::known::key(asked.reading.record.as_bytes());
    let entry = super::known::find(tx, source, record)?.ok_or_else(missing)?;
    let found = Lookup::default().in_entry(tx, entry, &asked.reading)?;
    if found.patient() != Some(patient) {
        return Err(missing());
    }
    let is_unjudged = matches!(found.kept.verdict, Some(Verdict::Unevaluated { .. }));
    Ok(is_unjudged.then_some((found.at, found.kept.admitted)))
}

/// What the rules remember of a person.
fn state_before(person: &Subject, patient: &PatientId) -> Result<PatientState, Fault> {
    if person.record.state.is_empty() {
        return Ok(PatientState::new(patient.clone()));
    }
    PatientState::from_bytes(patient, &person.record.state)
        .map_err(|_unreadable| Fault::Damaged { table: record::TABLE, row: person.no.into() })
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

/// A new reading of a slice.
fn as_reading(event: &Event) -> Option<&Admitted> {
    match event {
        Event::Reading(admitted) => Some(admitted),
        Event::Reconsider(_)
        | Event::Refused(_)
        | Event::Due(_)
        | Event::Acknowledged { .. }
        | Event::Delivered { .. }
        | Event::Written(_)
        | Event::AccountSet(_)
        | Event::Audited(_)
        | Event::Received { .. } => None,
    }
}

/// Stores the new readings with their verdicts.
fn keep_readings(
    tx: &Tx<'_>,
    draft: &mut Draft,
    happened: &Happened,
    judged: &BTreeMap<ReadingId, Verdict>,
) -> Result<(), Fault> {
    let new = happened.events.iter().filter_map(as_reading).zip(&happened.sources);
    let verdict = |admitted: &Admitted| judged.get(&admitted.reading.id).ok_or(Fault::Rules);
    let new: Vec<(No, &Admitted, Option<&Verdict>)> = new
        .map(|(admitted, source)| Ok((*source, admitted, Some(verdict(admitted)?))))
        .collect::<Result<_, Fault>>()?;
    put_readings(tx, draft, &new)?;
    for (place, (_, _, verdict)) in (0_u64..).zip(&new) {
        if matches!(verdict, Some(Verdict::Unevaluated { .. })) {
            readings::wait_to_be_judged(tx, Place { entry: draft.seq, place })?;
        }
    }
    Ok(())
}

/// Stores readings again whose entry is damaged. They were judged before: what the person's alerts say of them is the verdict,
/// and nobody is told a second time. What the rules had failed on is judged later, as it was to be.
fn keep_recovered(
    tx: &Tx<'_>,
    draft: &mut Draft,
    person: &Subject,
    happened: &Happened,
    arrivals: &Arrivals,
    judged: &mut BTreeMap<ReadingId, Verdict>,
) -> Result<(), Fault> {
    if arrivals.recovered.is_empty() {
        return Ok(());
    }
    let alerts = alerts::of_person(tx, person.no, person.record.alerts)?;
    let verdict = |recovered: &Recovered| {
        let id = recovered.admitted.reading.id;
        let shows_it = |alert: &&Alert| alert.evidence.iter().any(|evidence| evidence.reading == id);
        if recovered.was_unjudged {
            // The entry said why and cannot be read; the alert that told of it says it too, where it still shows the reading.
            let why = alerts.iter().filter(shows_it).find_map(Alert::why_not_judged);
            let why = why.or_else(|| alerts.iter().find_map(Alert::why_not_judged));
            return (id, Verdict::unevaluated(why.unwrap_or(ErrorCode::RulePanicked)));
        }
        let late = recovered.admitted.reading.quality.has(Flag::ArrivedLate);
        let alerts = alerts.iter().filter(shows_it).map(|alert| alert.id).collect();
        (id, Verdict::Evaluated { late, alerts, prompts: Vec::new() })
    };
    judged.extend(arrivals.recovered.iter().map(verdict));
    let again = arrivals.recovered.iter();
    let again: Vec<_> =
        again.map(|Recovered { source, admitted, .. }| (*source, admitted, judged.get(&admitted.reading.id))).collect();
    put_readings(tx, draft, &again)?;
    for (place, recovered) in (u64::try_from(happened.sources.len()).unwrap_or(0)..).zip(&arrivals.recovered) {
        if recovered.was_unjudged {
            readings::wait_to_be_judged(tx, Place { entry: draft.seq, place })?;
        }
    }
    Ok(())
}

/// Puts readings into the entry, those of one request together.
fn put_readings(tx: &Tx<'_>, draft: &mut Draft, readings: &[(No, &Admitted, Option<&Verdict>)]) -> Result<(), Fault> {
    let of_one_request = |(_, one, _): &(No, &Admitted, _), (_, next, _): &(No, &Admitted, _)| {
        (&one.hub, one.sent_at, one.server_received) == (&next.hub, next.sent_at, next.server_received)
    };
    for together in readings.chunk_by(of_one_request) {
        if let Some((_, first, _)) = together.first() {
            let hub = record::number(tx, Class::Hub, first.hub.as_str())?;
            let sent = Sent { hub, sent_at: first.sent_at, server_received: first.server_received };
            draft.readings(tx, &sent, together.iter().copied())?;
        }
    }
    Ok(())
}

/// Stores one event of a person that is not a new reading, with its entry.
fn keep_event(
    tx: &Tx<'_>,
    draft: &mut Draft,
    person: &Subject,
    event: &Event,
    happened: &Happened,
    judged: &BTreeMap<ReadingId, Verdict>,
) -> Result<(), Fault> {
    match event {
        Event::Reading(_) => {}
        Event::Reconsider(admitted) => {
            let id = admitted.reading.id;
            let verdict = judged.get(&id).ok_or(Fault::Rules)?;
            // Still not judged: the list says so already, and a sweep that fails again and again must not fill the chain.
            if let (Verdict::Evaluated { .. }, Some(at)) = (verdict, happened.again_at.get(&id)) {
                let digest = readings::judge_again(tx, *at, verdict)?;
                draft.thing(EntryKind::ReadingJudged, &id.to_string(), None, &digest);
            }
        }
        Event::Due(timer) => {
            let due_at = micros(timer.due_at);
            timers::take_away(tx, timer.alert, person.no, Some(due_at))?;
            let digest = tx.keys.row("due", &[timer.alert.as_bytes().into(), due_at.into()]);
            draft.thing(EntryKind::TimerDue, &timer.alert.to_string(), None, &digest);
        }
        Event::Acknowledged { alert, by, note } => {
            let said = serde_json::to_string(&(by, note))?;
            let digest = tx.keys.row("acknowledged", &[alert.as_bytes().into(), said.as_str().into()]);
            draft.thing(EntryKind::AlertAcknowledged, &alert.to_string(), None, &digest);
        }
        Event::Delivered { job, delivery, .. } => {
            let digest = jobs::tried(tx, person.no, *job, *delivery)?;
            draft.thing(EntryKind::NotificationTried, &job.to_string(), None, &digest);
        }
        // Kept beside the rules, or told before to be none of a person's.
        Event::Written(_) | Event::Audited(_) | Event::Refused(_) | Event::AccountSet(_) | Event::Received { .. } => {
            return Err(Denied.into());
        }
    }
    Ok(())
}

/// Stores what no rule judges, in the record it belongs to: a person's, or the service's own.
fn keep_beside_rules(
    tx: &Tx<'_>,
    draft: &mut Draft,
    subject: &mut Subject,
    patient: Option<&PatientId>,
    event: &Event,
) -> Result<(), Fault> {
    match event {
        Event::Written(written) if written.item.patient() == patient => items::put(tx, draft, subject, written),
        Event::AccountSet(account) if patient.is_none() => account::put(tx, draft, account),
        Event::Audited(audit) => keep_audit(tx, draft, audit),
        Event::Written(_)
        | Event::AccountSet(_)
        | Event::Reading(_)
        | Event::Reconsider(_)
        | Event::Refused(_)
        | Event::Due(_)
        | Event::Acknowledged { .. }
        | Event::Delivered { .. }
        | Event::Received { .. } => Err(Denied.into()),
    }
}

/// Puts what was done or found into a chain, as an entry of its own.
pub(super) fn audit(tx: &Tx<'_>, class: Class, name: &str, said: &[Audit]) -> Result<(), Fault> {
    let mut subject = Subject::open(tx, class, name)?;
    let mut draft = Draft::new(tx);
    for audit in said {
        keep_audit(tx, &mut draft, audit)?;
    }
    draft.append(tx, &mut subject)?;
    subject.put(tx)
}

/// What is to be told, as an audit.
pub(super) fn noted(what: AuditKind, about: &str) -> Result<Audit, Fault> {
    let about = Text::new(about).map_err(|_too_long| Fault::Missing("room for what is told".to_owned()))?;
    Ok(Audit { what, about, by: None })
}

/// What was done or found stands in the entry whole: there is no other row of it.
fn keep_audit(tx: &Tx<'_>, draft: &mut Draft, audit: &Audit) -> Result<(), Fault> {
    let said = serde_json::to_string(audit)?;
    let digest = tx.keys.row("audit", &[said.as_str().into()]);
    draft.thing(EntryKind::Audit, &said, None, &digest);
    Ok(())
}

/// Stores what was decided: alerts before what points at them. True where the person's own row is changed by it.
fn keep_decisions(
    tx: &Tx<'_>,
    draft: &mut Draft,
    person: &mut Subject,
    before: &PatientState,
    decisions: Decisions,
    outcome: &mut Outcome,
) -> Result<bool, Fault> {
    for alert in decisions.alerts {
        match alerts::put(tx, person, &alert)? {
            AlertKept::New(digest) => draft.thing(EntryKind::AlertOpened, &alert.id.to_string(), None, &digest),
            AlertKept::Changed(digest) => draft.thing(EntryKind::AlertChanged, &alert.id.to_string(), None, &digest),
            AlertKept::Same => continue,
        }
        outcome.alerts.push(alert);
    }
    for job in &decisions.jobs {
        if let Some(digest) = jobs::insert(tx, person.no, job)? {
            draft.thing(EntryKind::NotificationMade, &job.id.to_string(), None, &digest);
            outcome.jobs += 1;
        }
    }
    for alert in &decisions.cancelled {
        timers::take_away(tx, *alert, person.no, None)?;
    }
    for timer in &decisions.timers {
        timers::set(tx, person.no, timer)?;
    }
    outcome.evaluated = decisions.evaluated;
    let is_changed = decisions.state_changed && decisions.state != *before;
    if is_changed {
        person.record.state = decisions.state.to_bytes();
    }
    Ok(is_changed)
}

/// Keeps what came beside new readings: conflicts, other hearers, and what was recovered. `hub` is the slice's own subject
/// where it is a hub's.
fn keep_beside(
    tx: &Tx<'_>,
    draft: &mut Draft,
    mut hub: Option<&mut Subject>,
    arrivals: &Arrivals,
) -> Result<(), Fault> {
    for admitted in &arrivals.conflicts {
        let what = admitted.reading.id.to_string();
        let kept = match hub.as_deref_mut() {
            Some(hub) => (inbox::keep_conflict(tx, hub, draft.seq, admitted)?, hub.no),
            None => {
                let mut hub = Subject::open(tx, Class::Hub, admitted.hub.as_str())?;
                let digest = inbox::keep_conflict(tx, &mut hub, draft.seq, admitted)?;
                if digest.is_some() || hub.is_new {
                    hub.put(tx)?;
                }
                (digest, hub.no)
            }
        };
        if let (Some(digest), hub) = kept {
            draft.thing(EntryKind::ReadingConflict, &what, Some(hub), &digest);
        }
    }
    for HeardAlso { reading, hub, digest } in &arrivals.heard_also {
        let hub = record::number(tx, Class::Hub, hub.as_str())?;
        draft.thing(EntryKind::ReadingHeardAlso, &reading.to_string(), Some(hub), digest);
    }
    for Recovered { admitted, .. } in &arrivals.recovered {
        let reading = admitted.reading.id;
        let digest = tx.keys.row("recovered", &[reading.as_bytes().into()]);
        draft.thing(EntryKind::ReadingRecovered, &reading.to_string(), None, &digest);
    }
    Ok(())
}

/// What a hub sent for nobody yet, and what was refused.
fn apply_to_nobody(tx: &Tx<'_>, hub: &HubId, events: Vec<Event>) -> Result<Outcome, Fault> {
    let mut subject = Subject::open(tx, Class::Hub, hub.as_str())?;
    if subject.is_new {
        // Its readings name it, so it must stand before them.
        subject.put(tx)?;
        subject.is_new = false;
    }
    let mut draft = Draft::new(tx);
    let mut arrivals = Arrivals::default();
    for event in events {
        match event {
            Event::Reading(admitted) => arrivals.take(tx, draft.seq, None, *admitted)?,
            Event::Refused(refused) => {
                if let Some(digest) = inbox::keep_refusal(tx, &mut subject, draft.seq, &refused)? {
                    let what = refused.id.map(|id| id.to_string()).unwrap_or_default();
                    draft.thing(EntryKind::ReadingRefused, &what, Some(subject.no), &digest);
                }
            }
            Event::Reconsider(_)
            | Event::Due(_)
            | Event::Acknowledged { .. }
            | Event::Delivered { .. }
            | Event::Written(_)
            | Event::AccountSet(_)
            | Event::Audited(_)
            | Event::Received { .. } => {
                return Err(Denied.into());
            }
        }
    }
    let new = arrivals.take_new();
    let new: Vec<_> = new.iter().map(|(source, admitted)| (*source, admitted, None)).collect();
    put_readings(tx, &mut draft, &new)?;
    let again: Vec<_> =
        arrivals.recovered.iter().map(|recovered| (recovered.source, &recovered.admitted, None)).collect();
    put_readings(tx, &mut draft, &again)?;
    keep_beside(tx, &mut draft, Some(&mut subject), &arrivals)?;
    if !draft.is_empty() {
        draft.append(tx, &mut subject)?;
        subject.put(tx)?;
    }
    Ok(Outcome { readings: arrivals.outcomes_of_nobody(), ..Outcome::default() })
}

/// The service's own: the numbers of requests, what is nobody's of the register, accounts, and what it did or found. A
/// request's number is no entry: what the request brought is.
pub(super) fn to_service(tx: &Tx<'_>, events: Vec<Event>) -> Result<Outcome, Fault> {
    let mut beside = Vec::new();
    for event in events {
        if let Event::Received { hub, number } = event {
            inbox::take_number(tx, &hub, number)?;
        } else {
            beside.push(event);
        }
    }
    if beside.is_empty() {
        return Ok(Outcome::default());
    }
    let mut service = Subject::open(tx, Class::Service, SERVICE)?;
    let mut draft = Draft::new(tx);
    for event in &beside {
        keep_beside_rules(tx, &mut draft, &mut service, None, event)?;
    }
    let is_changed = !draft.is_empty();
    if is_changed {
        draft.append(tx, &mut service)?;
    }
    if is_changed || service.is_new {
        service.put(tx)?;
    }
    Ok(Outcome::default())
}
