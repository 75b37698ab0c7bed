//! One slice inside its savepoint: duplicates out, the decision, then everything it decided, stored together.
//!
//! Invariants: a new reading is stored with its verdict or the slice fails; nothing is decided from a damaged row; a
//! rule that panics leaves its readings unjudged with a technical alert, and harms nobody else's slice.

use super::{
    arrivals::Arrivals,
    care::{Cared, must_be_their_only},
    corrected::{self, Said, ToWorkOut},
    fates::Told,
    fault::Fault,
    inbox,
    journal::{Draft, EntryKind, SERVICE},
    keep::{keep_beside, keep_beside_rules, keep_decisions, keep_event, keep_readings, keep_recovered, put_readings},
    names::{Class, No},
    readings::{self, Found, Lookup, Place},
    record::{self, Subject},
    rows::Tx,
    scrub::Met,
};
use crate::{
    access::Denied,
    store::{self, Care, Decide, Outcome, Slice},
};
use register::Item;
use rules::{Decisions, Event, PatientState, Refused, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
};
use vitals::{Admitted, ErrorCode, HubId, PatientId, ReadingId};

/// Applies one slice that has events. The caller rolls back to its savepoint on any fault.
pub(super) fn apply(tx: &Tx<'_>, slice: Slice, deciding: &Deciding<'_>) -> Result<Outcome, Fault> {
    match slice.subject {
        store::Subject::Patient(patient) => apply_to_person(tx, &patient, slice.events, deciding),
        store::Subject::Unassigned(hub) => apply_to_nobody(tx, &hub, slice.events),
        store::Subject::Service => {
            for item in slice.events.iter().filter_map(as_written) {
                deciding.decide.may_stand(item)?;
                deciding.care.forget(None, item);
            }
            to_service(tx, slice.events)
        }
    }
}

/// What judges, what it is told of the person, and where damage is told that is met on the way.
pub(super) struct Deciding<'a> {
    pub(super) decide: &'a dyn Decide,
    pub(super) care: &'a Cared,
    pub(super) met: &'a Met,
}

impl Deciding<'_> {
    /// Before something is written of a person: whether it may stand, and what was known of them is known no more.
    fn before_writing(&self, tx: &Tx<'_>, person: &Subject, item: &Item) -> Result<(), Fault> {
        if let Item::Plan(plan) = item {
            must_be_their_only(self.care.of(tx, person.no, &person.record)?.as_ref(), plan)?;
        }
        self.decide.may_stand(item)?;
        self.care.forget(Some(person.no), item);
        Ok(())
    }
}

/// A thing that is written into the register.
fn as_written(event: &Event) -> Option<&Item> {
    if let Event::Written(written) = event { Some(&written.item) } else { None }
}

/// Whether a decision depends on such a thing of a person's record.
fn decides(item: &Item) -> bool {
    matches!(item, Item::Patient(_) | Item::Plan(_))
}

/// What follows at once from another plan, team or status: what waits for readings is set anew, and what nobody asks about any
/// more ends. Where the rules fail on it the plan is written all the same, and the person's next reading says so.
fn follow(
    deciding: &Deciding<'_>,
    person: &Subject,
    patient: &PatientId,
    tx: &Tx<'_>,
) -> Result<Option<(PatientState, Decisions)>, Fault> {
    let before = state_before(person, patient)?;
    match expecting(deciding, person, &before, tx) {
        Ok(decisions) => Ok(Some((before, decisions))),
        Err(Fault::Rules) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What comes of another plan, team or status: with what was measured before, where what judges the person now looks back on what
/// nobody kept. Where that cannot be read or worked out, without: nobody's plan waits for it.
fn expecting(
    deciding: &Deciding<'_>,
    person: &Subject,
    before: &PatientState,
    tx: &Tx<'_>,
) -> Result<Decisions, Fault> {
    let care = deciding.care.of(tx, person.no, &person.record).ok();
    let not_kept =
        care.map(|care| catch_unwind(AssertUnwindSafe(|| deciding.decide.not_kept_of(&care, before, tx.at))));
    let not_kept = not_kept.and_then(Result::ok).unwrap_or_default();
    if !not_kept.is_empty() {
        match corrected::anew(tx, person, not_kept) {
            Ok(correction) => {
                let events = [Event::Corrected(Box::new(correction)), Event::Expecting];
                match decided(deciding, person, before, &events, tx) {
                    Err(Fault::Rules) => {}
                    other => return other,
                }
            }
            Err(fault @ Fault::Damaged { .. }) => deciding.met.note(&fault),
            Err(other) => return Err(other),
        }
    }
    decided(deciding, person, before, &[Event::Expecting], tx)
}

/// What happened to a person, once duplicates are out.
#[derive(Default)]
pub(super) struct Happened {
    /// The readings first, then everything else in order.
    pub(super) events: Vec<Event>,
    /// The numbers of the readings' sources.
    pub(super) sources: Vec<No>,
    /// What somebody says of readings that were stored before.
    pub(super) said: Said,
    /// Readings that are another person's: whose, and what is said of it.
    moved: Vec<(PatientId, Told)>,
    /// What no rule judges: what was written into the register, and audits.
    beside: Vec<Event>,
    /// Where the readings stand that are to be judged again.
    pub(super) again_at: BTreeMap<ReadingId, Place>,
}

fn apply_to_person(
    tx: &Tx<'_>,
    patient: &PatientId,
    events: Vec<Event>,
    deciding: &Deciding<'_>,
) -> Result<Outcome, Fault> {
    let person = Subject::open(tx, Class::Person, patient.as_str())?;
    let draft = Draft::new(tx);
    let mut arrivals = Arrivals::default();
    let mut happened = happened(tx, (&person, &draft), patient, events, &mut arrivals)?;
    let moved = std::mem::take(&mut happened.moved);
    let (mut outcome, withdrawn) = write(tx, (person, patient), draft, happened, arrivals, deciding)?;
    // Both records within one savepoint: a reading never counts for nobody, nor for two.
    for (to, told) in moved {
        let is_it = |admitted: &&Admitted| admitted.reading.id == told.reading;
        let admitted = withdrawn.iter().find(is_it).ok_or(Refused::NotCounted)?;
        let said = Said { came: vec![(told, corrected::as_of(admitted, &to))], ..Said::default() };
        let (other, draft) = (Subject::open(tx, Class::Person, to.as_str())?, Draft::new(tx));
        let happened = Happened { said, ..Happened::default() };
        let (theirs, _) = write(tx, (other, &to), draft, happened, Arrivals::default(), deciding)?;
        outcome.alerts.extend(theirs.alerts);
        outcome.jobs += theirs.jobs;
        outcome.folded_since = outcome.folded_since.max(theirs.folded_since);
    }
    Ok(outcome)
}

/// Writes what happened to a person; gives back what no longer counts, as it stands in the journal.
fn write(
    tx: &Tx<'_>,
    (mut person, patient): (Subject, &PatientId),
    mut draft: Draft,
    mut happened: Happened,
    arrivals: Arrivals,
    deciding: &Deciding<'_>,
) -> Result<(Outcome, Vec<Admitted>), Fault> {
    let mut withdrawn = Vec::new();
    if !happened.said.is_empty() {
        let ToWorkOut { correction, assigned, waiting } = corrected::correction(tx, &person, &happened.said)?;
        withdrawn.extend(correction.withdrawn.iter().map(|withdrawal| withdrawal.admitted.clone()));
        corrected::judge_no_more(tx, &mut draft, &waiting)?;
        for admitted in assigned {
            let (source, _) = tx.names.number(tx, Class::Source, admitted.reading.source.as_str())?;
            happened.sources.push(source);
            happened.events.push(Event::Assigned(Box::new(admitted)));
        }
        happened.events.push(Event::Corrected(Box::new(correction)));
    }
    let mut outcome = Outcome::default();
    let mut judged = BTreeMap::new();
    let mut is_changed = person.is_new;
    let mut decided_on = None;
    if !happened.events.is_empty() {
        let before = state_before(&person, patient)?;
        let mut decisions = match happened.events.as_slice() {
            [Event::Expecting] => expecting(deciding, &person, &before, tx)?,
            events => decided(deciding, &person, &before, events, tx)?,
        };
        judged = std::mem::take(&mut decisions.judged).into_iter().collect();
        keep_readings(tx, &mut draft, &happened, &judged)?;
        for event in &happened.events {
            keep_event(tx, &mut draft, &person, event, &happened, &judged)?;
        }
        decided_on = Some((before, decisions));
    }
    for event in &happened.beside {
        if let Some(item) = as_written(event) {
            deciding.before_writing(tx, &person, item)?;
        }
        keep_beside_rules(tx, &mut draft, &mut person, Some(patient), event)?;
    }
    if decided_on.is_none() && happened.beside.iter().filter_map(as_written).any(decides) {
        decided_on = follow(deciding, &person, patient, tx)?;
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
    Ok((outcome, withdrawn))
}

/// Takes duplicates out. What is left is what the rules are to hear.
fn happened(
    tx: &Tx<'_>,
    (person, draft): (&Subject, &Draft),
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
                if let Some((at, stored)) = waits_to_be_judged(tx, (person, patient), &admitted)? {
                    happened.again_at.insert(stored.reading.id, at);
                    others.push(Event::Reconsider(Box::new(stored)));
                }
            }
            Event::Withdrawn { reading, because, mistake, by, note } => {
                happened.said.withdrawn.push(Told::withdrawn(reading, (because, mistake), by, note));
            }
            Event::Moved { reading, to, by, note } if to == *patient => {
                happened.said.again.push(Told::assigned(reading, by, note));
            }
            Event::Moved { reading, to, by, note } => {
                let told = Told::assigned(reading, by, note);
                happened.said.withdrawn.push(told.leaves());
                happened.moved.push((to, told));
            }
            Event::Assigned(_)
            | Event::Corrected(_)
            | Event::Refused(_)
            | Event::AccountSet(_)
            | Event::Received { .. } => {
                return Err(Denied.into());
            }
            Event::Expecting | Event::Due(_) | Event::Acknowledged { .. } | Event::Delivered { .. } => {
                others.push(event)
            }
        }
    }
    for (source, admitted) in arrivals.take_new() {
        happened.sources.push(source);
        happened.events.push(Event::Reading(Box::new(admitted)));
    }
    happened.events.append(&mut others);
    Ok(happened)
}

/// The stored reading, where it still waits to be judged: where it was first stored, or in the entry that assigned it.
fn waits_to_be_judged(
    tx: &Tx<'_>,
    (person, patient): (&Subject, &PatientId),
    asked: &Admitted,
) -> Result<Option<(Place, Admitted)>, Fault> {
    let missing = || Fault::Missing(asked.reading.id.to_string());
    let source = tx.names.find(Class::Source, asked.reading.source.as_str()).ok_or_else(missing)?;
    let record = super::known::key(asked.reading.record.as_bytes());
    let entry = super::known::find(tx, source, record)?.ok_or_else(missing)?;
    let found = Lookup::default().in_entry(tx, entry, &asked.reading)?;
    let waits = |found: &Found| {
        let is_unjudged = matches!(found.kept.verdict, Some(Verdict::Unevaluated { .. }));
        Ok::<bool, Fault>(is_unjudged && readings::judged(tx, found.at)?.is_none())
    };
    let is_theirs = found.patient() == Some(patient);
    if is_theirs && waits(&found)? {
        return Ok(Some((found.at, found.kept.admitted)));
    }
    match corrected::assigned(tx, person, asked.reading.id)? {
        Some(copy) if waits(&copy)? => Ok(Some((copy.at, copy.kept.admitted))),
        Some(_) => Ok(None),
        None if is_theirs => Ok(None),
        None => Err(missing()),
    }
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
fn decided(
    deciding: &Deciding<'_>,
    person: &Subject,
    before: &PatientState,
    events: &[Event],
    tx: &Tx<'_>,
) -> Result<Decisions, Fault> {
    let (at, decide) = (tx.at, deciding.decide);
    let whole = |decisions: &Decisions| is_whole(decisions, before, events);
    let care = match deciding.care.of(tx, person.no, &person.record) {
        Err(fault @ Fault::Damaged { .. }) => {
            deciding.met.note(&fault);
            Err(fault)
        }
        read => Ok(read?),
    };
    let mut decisions = match &care {
        Ok(care) => caught(|| decide.decide(care, before, events, at)).filter(whole),
        Err(_damaged) => None,
    };
    // Only a reading can be kept unjudged and judged later. Anything else the rules fail on stays undone, and whoever
    // asked for it hears so: a timer taken away unjudged would be an alert that never comes.
    if decisions.is_none() && events.iter().all(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_))) {
        let reason = if care.is_ok() { ErrorCode::RulePanicked } else { ErrorCode::RuleSettingsUnusable };
        decisions = caught(|| decide.unevaluated(before, events, reason, at)).filter(whole);
    }
    // What somebody did about an alert depends on no plan.
    let is_of_people = |event: &Event| matches!(event, Event::Acknowledged { .. } | Event::Delivered { .. });
    if care.is_err() && events.iter().all(is_of_people) {
        decisions = caught(|| decide.decide(&Care::default(), before, events, at)).filter(whole);
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
    let is_judged = |event: &Event| !matches!(event, Event::Reading(admitted) | Event::Reconsider(admitted) | Event::Assigned(admitted) if !judged.contains(&admitted.reading.id));
    decisions.refused.is_some()
        || (decisions.state.patient == *patient
            && decisions.alerts.iter().all(|alert| alert.patient == *patient)
            && decisions.jobs.iter().all(|job| job.patient == *patient)
            && events.iter().all(is_judged))
}

/// A reading that a slice puts into the record.
pub(super) fn as_reading(event: &Event) -> Option<&Admitted> {
    match event {
        Event::Reading(admitted) | Event::Assigned(admitted) => Some(admitted),
        Event::Reconsider(_)
        | Event::Withdrawn { .. }
        | Event::Moved { .. }
        | Event::Corrected(_)
        | Event::Expecting
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
            | Event::Withdrawn { .. }
            | Event::Moved { .. }
            | Event::Assigned(_)
            | Event::Corrected(_)
            | Event::Expecting
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
