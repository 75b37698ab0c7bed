//! What a slice leaves behind: its readings, and each thing that happened or was decided, in the entry and in the rows beside
//! it.
//!
//! Invariant: whatever is written here into a row is told in the entry of the same slice, with the row's digest.

use super::{
    account,
    alerts::{self, AlertKept},
    apply::{Happened, as_reading},
    arrivals::{Arrivals, HeardAlso, Recovered},
    corrected,
    digest::micros,
    fates::newest_words,
    fault::Fault,
    inbox, items, jobs,
    journal::{Draft, EntryKind},
    kept::Sent,
    names::{Class, No},
    readings::{self, Place},
    record::{self, Subject},
    rows::Tx,
    timers,
};
use crate::{access::Denied, store::Outcome};
use rules::{
    Alert, Decisions, Event, PatientState, Verdict,
    event::{Audit, AuditKind},
};
use std::collections::BTreeMap;
use vitals::{Admitted, ErrorCode, Flag, PatientId, ReadingId, bounded::Text};

/// Stores the new readings with their verdicts.
pub(super) fn keep_readings(
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
pub(super) fn keep_recovered(
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
    // What did not count does not count because it is here again.
    let since = arrivals.recovered.iter().map(|recovered| recovered.stood_in).min().unwrap_or_default();
    let words = newest_words(tx, person, since)?;
    for (place, recovered) in (u64::try_from(happened.sources.len()).unwrap_or(0)..).zip(&arrivals.recovered) {
        let (id, at) = (recovered.admitted.reading.id, Place { entry: draft.seq, place });
        if recovered.was_unjudged {
            readings::wait_to_be_judged(tx, at)?;
        }
        if let Some(told) = words.get(&id).filter(|told| told.because.is_some()) {
            told.keep(tx, draft)?;
            let waiting = recovered.was_unjudged.then_some((id, at));
            corrected::judge_no_more(tx, draft, waiting.as_slice())?;
        }
    }
    Ok(())
}

/// Puts readings into the entry, those of one request together.
pub(super) fn put_readings(
    tx: &Tx<'_>,
    draft: &mut Draft,
    readings: &[(No, &Admitted, Option<&Verdict>)],
) -> Result<(), Fault> {
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
pub(super) fn keep_event(
    tx: &Tx<'_>,
    draft: &mut Draft,
    person: &Subject,
    event: &Event,
    happened: &Happened,
    judged: &BTreeMap<ReadingId, Verdict>,
) -> Result<(), Fault> {
    match event {
        Event::Reading(_) | Event::Assigned(_) | Event::Expecting => {}
        Event::Corrected(_) => happened.said.keep(tx, draft)?,
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
        // Kept beside the rules, told before to be none of a person's, or heard by the rules as another.
        Event::Withdrawn { .. }
        | Event::Moved { .. }
        | Event::Written(_)
        | Event::Audited(_)
        | Event::Refused(_)
        | Event::AccountSet(_)
        | Event::Received { .. } => {
            return Err(Denied.into());
        }
    }
    Ok(())
}

/// Stores what no rule judges, in the record it belongs to: a person's, or the service's own.
pub(super) fn keep_beside_rules(
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
        | Event::Withdrawn { .. }
        | Event::Moved { .. }
        | Event::Assigned(_)
        | Event::Corrected(_)
        | Event::Expecting
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
pub(super) fn keep_decisions(
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
    outcome.folded_since = decisions.folded_since;
    let is_changed = decisions.state_changed && decisions.state != *before;
    if is_changed {
        person.record.state = decisions.state.to_bytes();
    }
    Ok(is_changed)
}

/// Keeps what came beside new readings: conflicts, other hearers, and what was recovered. `hub` is the slice's own subject
/// where it is a hub's.
pub(super) fn keep_beside(
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
