//! The store as the model has it: lists in memory, and the same pure rules. Nothing here is fast, safe or kept.

use chrono::{DateTime, Utc};
use ingest::{
    access::Access,
    store::{Change, Decide, Outcome, ReadingOutcome, Slice, StoredReading, StoredRefusal, Subject},
};
use rules::{Alert, Event, Job, PatientState, Person, Refused, Timer, Verdict};
use std::{collections::BTreeMap, sync::Arc};
use vitals::{Admitted, AlertId, ErrorCode, HubId, PatientId, Reading, ReadingId, Who, wire::signing::ReplayWindow};

/// Why a slice is not stored, as far as a caller can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Not {
    Denied,
    Refused(Refused),
    Replayed,
    Unavailable,
}

/// A reading as the model keeps it.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) admitted: Admitted,
    pub(super) verdict: Option<Verdict>,
}

/// A notification as the model keeps it.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) job: Job,
    pub(super) is_done: bool,
    pub(super) next_try_at: DateTime<Utc>,
    pub(super) leased_until: Option<DateTime<Utc>>,
}

/// Everything, each list in the order in which it came to be.
#[derive(Clone, Default)]
pub(super) struct Model {
    pub(super) readings: Vec<Kept>,
    /// What was in conflict, with its content.
    conflicts: Vec<(HubId, ReadingId, String)>,
    /// What was refused, with its content.
    refused: Vec<(HubId, String)>,
    pub(super) refusals: Vec<StoredRefusal>,
    pub(super) states: BTreeMap<PatientId, PatientState>,
    pub(super) alerts: Vec<Alert>,
    pub(super) timers: BTreeMap<AlertId, (PatientId, Timer)>,
    pub(super) jobs: Vec<Waiting>,
    pub(super) people: BTreeMap<PatientId, Person>,
    pub(super) windows: BTreeMap<HubId, (u32, ReplayWindow)>,
    pub(super) changes: Vec<Change>,
}

/// What two tellings of one record must have in common.
fn content(reading: &Reading) -> String {
    format!("{:?}", (reading.kind, reading.times.device, reading.user_index, &reading.raw.service, &reading.raw.bytes))
        + &serde_json::to_string(&reading.value).unwrap_or_default()
}

/// The readings of a slice: what becomes of each, those that are new, and those in conflict.
pub(super) type Arrivals = (Vec<Arrived>, Vec<Admitted>, Vec<Admitted>);

/// What becomes of a reading, before it is judged.
pub(super) enum Arrived {
    New(ReadingId),
    Again(ReadingId),
    Known(ReadingOutcome),
}

impl Model {
    /// Applies one slice to a copy, and takes the copy where it is stored.
    pub(super) fn apply(
        &mut self,
        who: &Access,
        slice: Slice,
        rules: &Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Result<Outcome, Not> {
        if who.may_apply(&slice).is_err() {
            return Err(Not::Denied);
        }
        if slice.events.is_empty() {
            return Ok(Outcome::default());
        }
        let mut next = self.clone();
        let outcome = match &slice.subject {
            Subject::Patient(patient) => next.of_person(patient, slice.events, rules, at),
            Subject::Unassigned(_) => next.of_nobody(slice.events, at),
            Subject::Service => next.of_service(slice.events),
        }?;
        *self = next;
        Ok(outcome)
    }

    pub(super) fn note(
        &mut self,
        patient: Option<&PatientId>,
        hub: Option<&HubId>,
        kind: &'static str,
        what: String,
        at: DateTime<Utc>,
    ) {
        self.changes.push(Change { patient: patient.cloned(), hub: hub.cloned(), kind, what, at });
    }

    /// Sorts the readings of a slice into new and known; what differs is kept beside the first.
    pub(super) fn arrive(&mut self, whose: Option<&PatientId>, events: &[Event]) -> Result<Arrivals, Not> {
        let (mut arrived, mut new, mut conflicts) = (Vec::new(), Vec::<Admitted>::new(), Vec::new());
        for event in events {
            let Event::Reading(admitted) = event else { continue };
            let reading = &admitted.reading;
            let is_theirs = match &reading.who {
                Who::Patient(patient) => whose == Some(patient),
                Who::Unassigned(_) => whose.is_none(),
            };
            if !is_theirs {
                return Err(Not::Denied);
            }
            let key = |other: &Reading| (other.source.clone(), other.record);
            let in_slice = new.iter().find(|first| key(&first.reading) == key(reading));
            let before = self.readings.iter().find(|kept| key(&kept.admitted.reading) == key(reading));
            let is_same = |first: &Reading| content(first) == content(reading);
            arrived.push(match (in_slice, before) {
                (Some(first), _) if is_same(&first.reading) => Arrived::Again(reading.id),
                (None, Some(kept)) if is_same(&kept.admitted.reading) => {
                    let is_theirs =
                        kept.admitted.reading.who == reading.who || whose.is_none() && kept.verdict.is_none();
                    let verdict = kept.verdict.clone().filter(|_| is_theirs);
                    Arrived::Known(ReadingOutcome::Duplicate { id: reading.id, verdict })
                }
                (None, None) => {
                    new.push(admitted.as_ref().clone());
                    Arrived::New(reading.id)
                }
                (Some(_), _) | (None, Some(_)) => {
                    conflicts.push(admitted.as_ref().clone());
                    Arrived::Known(ReadingOutcome::Conflict { id: reading.id })
                }
            });
        }
        Ok((arrived, new, conflicts))
    }

    pub(super) fn keep_conflicts(&mut self, whose: Option<&PatientId>, conflicts: Vec<Admitted>, at: DateTime<Utc>) {
        for admitted in conflicts {
            let key = (admitted.hub.clone(), admitted.reading.id, content(&admitted.reading));
            if self.conflicts.contains(&key) {
                continue;
            }
            self.conflicts.push(key);
            self.refusals.push(StoredRefusal { hub: admitted.hub.clone(), at, code: ErrorCode::ReadingConflict });
            self.note(whose, Some(&admitted.hub), "reading-conflict", admitted.reading.id.to_string(), at);
        }
    }

    fn of_nobody(&mut self, events: Vec<Event>, at: DateTime<Utc>) -> Result<Outcome, Not> {
        let (arrived, new, conflicts) = self.arrive(None, &events)?;
        for event in events {
            let Event::Refused(refused) = event else { continue };
            let key = (refused.hub.clone(), format!("{:?} {:?} {}", refused.id, refused.code, refused.body));
            if !self.refused.contains(&key) {
                self.refused.push(key);
                self.refusals.push(StoredRefusal { hub: refused.hub.clone(), at, code: refused.code });
                let what = refused.id.map(|id| id.to_string()).unwrap_or_default();
                self.note(None, Some(&refused.hub), "reading-refused", what, at);
            }
        }
        for admitted in new {
            self.note(None, Some(&admitted.hub), "reading-unassigned", admitted.reading.id.to_string(), at);
            self.readings.push(Kept { admitted, verdict: None });
        }
        self.keep_conflicts(None, conflicts, at);
        let outcome = |arrived| match arrived {
            Arrived::New(id) => ReadingOutcome::Unassigned { id },
            Arrived::Again(id) => ReadingOutcome::Duplicate { id, verdict: None },
            Arrived::Known(outcome) => outcome,
        };
        Ok(Outcome { readings: arrived.into_iter().map(outcome).collect(), ..Outcome::default() })
    }

    fn of_service(&mut self, events: Vec<Event>) -> Result<Outcome, Not> {
        for event in events {
            let Event::Received { hub, number } = event else { return Err(Not::Denied) };
            let (epoch, mut window) = self.windows.get(&hub).copied().unwrap_or_default();
            if number.epoch < epoch {
                return Err(Not::Replayed);
            }
            if number.epoch > epoch {
                window = ReplayWindow::default();
            }
            if !window.take(number.sequence) {
                return Err(Not::Replayed);
            }
            self.windows.insert(hub, (number.epoch, window));
        }
        Ok(Outcome::default())
    }

    /// Readings, the newest first.
    pub(super) fn readings(&self, of_people: bool) -> Vec<StoredReading> {
        let wanted = |kept: &&Kept| kept.verdict.is_some() == of_people;
        let stored = |kept: &Kept| StoredReading {
            reading: kept.admitted.reading.clone(),
            hub: kept.admitted.hub.clone(),
            server_received: kept.admitted.server_received,
            verdict: kept.verdict.clone(),
            withdrawn: None,
        };
        self.readings.iter().rev().filter(wanted).map(stored).collect()
    }

    /// Readings that wait to be judged, the oldest first.
    pub(super) fn unevaluated(&self) -> Vec<Admitted> {
        let waits = |kept: &&Kept| matches!(kept.verdict, Some(Verdict::Unevaluated { .. }));
        self.readings.iter().filter(waits).map(|kept| kept.admitted.clone()).collect()
    }

    /// Notifications that may be lent at a moment.
    pub(super) fn may_be_lent(&self, at: DateTime<Utc>) -> Vec<&Waiting> {
        let is_free = |waiting: &&Waiting| {
            !waiting.is_done && waiting.next_try_at <= at && waiting.leased_until.is_none_or(|until| until <= at)
        };
        self.jobs.iter().filter(is_free).collect()
    }
}
