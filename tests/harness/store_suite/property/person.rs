//! A person's slice as the model has it: the new readings judged with everything else, and what was decided kept.

use super::model::{Arrived, Kept, Model, Not, Waiting};
use chrono::{DateTime, Utc};
use ingest::store::{Care, Decide, Outcome, ReadingOutcome};
use rules::{Decisions, Delivery, Event, PatientState, Verdict};
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};
use vitals::{ErrorCode, JobId, PatientId, ReadingId, Who};

impl Model {
    pub(super) fn of_person(
        &mut self,
        patient: &PatientId,
        events: Vec<Event>,
        rules: &Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Result<Outcome, Not> {
        let (arrived, new, conflicts) = self.arrive(Some(patient), &events)?;
        let mut undecided: Vec<Event> = new.into_iter().map(|admitted| Event::Reading(Box::new(admitted))).collect();
        for event in events.into_iter().filter(|event| !matches!(event, Event::Reading(_))) {
            let Event::Reconsider(admitted) = event else {
                undecided.push(event);
                continue;
            };
            let whose = Who::Patient(patient.clone());
            let is_it = |kept: &&Kept| kept.admitted.reading.id == admitted.reading.id;
            let kept = self.readings.iter().find(is_it).filter(|kept| kept.admitted.reading.who == whose);
            let kept = kept.ok_or(Not::Unavailable)?;
            if matches!(kept.verdict, Some(Verdict::Unevaluated { .. })) {
                undecided.push(Event::Reconsider(Box::new(kept.admitted.clone())));
            }
        }
        let mut outcome = Outcome::default();
        let mut judged = BTreeMap::new();
        if !undecided.is_empty() {
            let before = self.states.get(patient).cloned().unwrap_or_else(|| PatientState::new(patient.clone()));
            let mut decisions = decided(rules, &before, &undecided, at)?;
            judged = std::mem::take(&mut decisions.judged).into_iter().collect();
            for event in undecided {
                self.keep(patient, event, &judged, at)?;
            }
            self.keep_decisions(patient, decisions, &mut outcome, at);
        }
        self.keep_conflicts(Some(patient), conflicts, at);
        for arrived in arrived {
            let verdict = |id: &ReadingId| judged.get(id).cloned().ok_or(Not::Unavailable);
            outcome.readings.push(match arrived {
                Arrived::New(id) => ReadingOutcome::Stored { id, verdict: verdict(&id)? },
                Arrived::Again(id) => ReadingOutcome::Duplicate { id, verdict: Some(verdict(&id)?) },
                Arrived::Known(outcome) => outcome,
            });
        }
        Ok(outcome)
    }

    fn keep(
        &mut self,
        patient: &PatientId,
        event: Event,
        judged: &BTreeMap<ReadingId, Verdict>,
        at: DateTime<Utc>,
    ) -> Result<(), Not> {
        let whose = Some(patient);
        match event {
            Event::Reading(admitted) => {
                let id = admitted.reading.id;
                self.note(whose, Some(&admitted.hub), "reading-stored", id.to_string(), at);
                self.readings.push(Kept { admitted: *admitted, verdict: judged.get(&id).cloned() });
            }
            Event::Reconsider(admitted) => {
                let id = admitted.reading.id;
                let verdict = judged.get(&id).filter(|verdict| matches!(verdict, Verdict::Evaluated { .. }));
                if let Some(verdict) = verdict {
                    let kept = self.readings.iter_mut().find(|kept| kept.admitted.reading.id == id);
                    kept.ok_or(Not::Unavailable)?.verdict = Some(verdict.clone());
                    self.note(whose, None, "reading-judged", id.to_string(), at);
                }
            }
            Event::Due(timer) => {
                if self.timers.get(&timer.alert).is_some_and(|(_, set)| set.due_at == timer.due_at) {
                    self.timers.remove(&timer.alert);
                }
                self.note(whose, None, "timer-due", timer.alert.to_string(), at);
            }
            Event::Acknowledged { alert, .. } => self.note(whose, None, "alert-acknowledged", alert.to_string(), at),
            Event::Delivered { job, delivery, .. } => {
                self.tried(patient, job, delivery)?;
                self.note(whose, None, "notification-tried", job.to_string(), at);
            }
            Event::Written(written) => {
                let register::Item::Patient(person) = &written.item else { return Err(Not::Denied) };
                if self.people.get(patient) != Some(&**person) {
                    self.note(whose, None, "item-written", format!("patient {}", person.id), at);
                    self.people.insert(patient.clone(), (**person).clone());
                }
            }
            Event::AccountSet(_)
            | Event::Refused(_)
            | Event::Received { .. }
            | Event::Audited(_)
            | Event::Withdrawn { .. }
            | Event::Moved { .. }
            | Event::Assigned(_)
            | Event::Corrected(_)
            | Event::Expecting => {
                return Err(Not::Denied);
            }
        }
        Ok(())
    }

    fn tried(&mut self, patient: &PatientId, id: JobId, delivery: Delivery) -> Result<(), Not> {
        let waiting = self.jobs.iter_mut().find(|waiting| waiting.job.id == id && waiting.job.patient == *patient);
        let waiting = waiting.ok_or(Not::Unavailable)?;
        waiting.leased_until = None;
        match delivery {
            Delivery::Accepted => waiting.is_done = true,
            Delivery::Failed { next_try_at } => waiting.next_try_at = next_try_at,
        }
        Ok(())
    }

    fn keep_decisions(&mut self, patient: &PatientId, decisions: Decisions, outcome: &mut Outcome, at: DateTime<Utc>) {
        outcome.evaluated = decisions.evaluated;
        for alert in decisions.alerts {
            let known = self.alerts.iter_mut().find(|known| known.id == alert.id);
            let kind = match known {
                Some(known) if *known == alert => continue,
                Some(known) => {
                    *known = alert.clone();
                    "alert-changed"
                }
                None => {
                    self.alerts.push(alert.clone());
                    "alert-opened"
                }
            };
            self.note(Some(patient), None, kind, alert.id.to_string(), at);
            outcome.alerts.push(alert);
        }
        for job in decisions.jobs {
            if self.jobs.iter().all(|known| known.job.id != job.id) {
                self.note(Some(patient), None, "notification-made", job.id.to_string(), at);
                let next_try_at = job.made_at;
                self.jobs.push(Waiting { job, is_done: false, next_try_at, leased_until: None });
                outcome.jobs += 1;
            }
        }
        for alert in decisions.cancelled {
            self.timers.remove(&alert);
        }
        for timer in decisions.timers {
            self.timers.insert(timer.alert, (patient.clone(), timer));
        }
        self.states.insert(patient.clone(), decisions.state);
    }
}

/// What the rules make of it, or what stands in for them where they panic on readings.
fn decided(
    rules: &Arc<dyn Decide>,
    before: &PatientState,
    events: &[Event],
    at: DateTime<Utc>,
) -> Result<Decisions, Not> {
    let tried = catch_unwind(AssertUnwindSafe(|| rules.decide(&Care::default(), before, events, at))).ok();
    let are_readings = events.iter().all(|event| matches!(event, Event::Reading(_) | Event::Reconsider(_)));
    let stand_in = || are_readings.then(|| rules.unevaluated(before, events, ErrorCode::RulePanicked, at));
    let mut decisions = tried.or_else(stand_in).ok_or(Not::Unavailable)?;
    decisions.refused.take().map_or(Ok(decisions), |refused| Err(Not::Refused(refused)))
}
