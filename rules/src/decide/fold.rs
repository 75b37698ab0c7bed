//! What a person's readings come to, worked out from nothing: as if each had been judged the moment it was taken.
//!
//! Invariants: the order of arrival has no part in it, because the readings are a set, put in order by when they were taken; a
//! repeat's window ends by their own times; nobody is told of anything.

use super::{Deciding, Plan};
use crate::{
    event::{Heard, Timer},
    state::PatientState,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use vitals::{Admitted, PatientId, ReadingId};

/// Readings as they were taken, each once.
pub(super) type Taken<'a> = BTreeMap<(DateTime<Utc>, ReadingId), &'a Admitted>;

/// Puts readings in their order.
pub(super) fn taken<'a>(readings: impl Iterator<Item = &'a Admitted>) -> Taken<'a> {
    readings.map(|admitted| ((admitted.event_time(), admitted.reading.id), admitted)).collect()
}

/// What readings of a person come to by a moment under a plan: lists, memories, and which conditions are true. What is
/// remembered between two writes is a cache of this.
///
/// ```
/// use chrono::DateTime;
/// use rules::{Plan, PatientState, decide::fold};
/// let patient = vitals::PatientId::parse("pt-1").unwrap();
/// assert_eq!(fold(&Plan::default(), &patient, &[], DateTime::UNIX_EPOCH), PatientState::new(patient));
/// ```
#[must_use]
pub fn fold(plan: &Plan, patient: &PatientId, readings: &[&Admitted], at: DateTime<Utc>) -> PatientState {
    folded(plan, patient, &taken(readings.iter().copied()), at)
}

pub(super) fn folded(plan: &Plan, patient: &PatientId, readings: &Taken<'_>, at: DateTime<Utc>) -> PatientState {
    let mut deciding = Deciding::new(plan, &PatientState::new(patient.clone()), at);
    deciding.is_fold = true;
    for ((taken, _), admitted) in readings {
        deciding.pass_time_until(*taken);
        deciding.judge(admitted, Heard::Again);
        deciding.let_go();
    }
    deciding.pass_time_until(at);
    deciding.let_go();
    deciding.state
}

impl Deciding<'_> {
    /// When a reading is acted on: at its arrival, or now where the rules failed on it then, or it was somebody else's. In a
    /// fold, when it was taken.
    pub(super) fn acted_on_at(&self, admitted: &Admitted, heard: Heard) -> DateTime<Utc> {
        match (self.is_fold, heard) {
            (true, _) => admitted.event_time(),
            (false, Heard::Again | Heard::Assigned) => self.at,
            (false, Heard::First) => admitted.server_received,
        }
    }

    /// In a fold, the windows of repeats end as time passes.
    fn pass_time_until(&mut self, until: DateTime<Utc>) {
        loop {
            let due: Option<Timer> = self.timers.iter().min_by_key(|timer| timer.due_at).cloned();
            let Some(timer) = due.filter(|timer| timer.due_at <= until) else { break };
            self.timers.retain(|other| *other != timer);
            self.at = timer.due_at;
            self.due(&timer);
        }
        self.at = until;
    }

    /// In a fold, what is over is let go of at once, and what would be told is not.
    fn let_go(&mut self) {
        self.state.alerts.retain(|alert| !alert.is_finished());
        self.judged.clear();
        self.changed.clear();
        self.jobs.clear();
        self.cancelled.clear();
    }
}
