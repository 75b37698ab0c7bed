//! The decision: what a list of events makes of one person's record. The store runs it inside every write.
//!
//! Invariants: pure; readings are judged in event time, whatever order they arrived in within the slice; a notification
//! is decided in the same answer as the alert it is about; no slice, however long, is judged for longer than its budget.

mod alerting;
mod anew;
mod arbiter;
mod asked_again;
mod budget;
mod corrected;
mod fold;
mod judge;
mod no_value;
mod plan;
mod service;
mod standing;
mod waits;

pub use budget::RULES_ASKED_MAX;
pub use fold::fold;
pub use plan::{COST_MAX, PACKS_MAX, Plan, PlanRefused};

use crate::{
    alert::{Alert, Condition, Refused, Repeat},
    event::{Event, Heard, Timer},
    job::{Channel, Delivery, Job},
    state::{PatientState, Verdict},
};
use budget::Budget;
use chrono::{DateTime, Utc};
use vitals::{Admitted, AlertId, ErrorCode, PatientId, ReadingId};

/// Everything one slice of events decides, to be stored in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisions {
    /// What is remembered from now on.
    pub state: PatientState,
    /// Whether that may differ from what was remembered before; where not, it is the same.
    pub state_changed: bool,
    /// What was made of each reading.
    pub judged: Vec<(ReadingId, Verdict)>,
    /// Alerts that are new or changed, as they now are.
    pub alerts: Vec<Alert>,
    /// Notifications to send.
    pub jobs: Vec<Job>,
    /// Timers to set: one an alert, in place of any earlier.
    pub timers: Vec<Timer>,
    /// Alerts whose timer is no longer needed.
    pub cancelled: Vec<AlertId>,
    /// Why the slice is refused as a whole; then nothing of it is stored.
    pub refused: Option<Refused>,
    /// How many rules were evaluated: a rule that reads a reading's measure, and found the numbers that decide its condition,
    /// counts once for that reading.
    pub evaluated: u32,
    /// How often everything was worked out again from the readings that count: at most once.
    pub folds: u32,
    /// From when on that was, where older readings within the horizon could not be worked out as well: what rests on them alone
    /// stays as it was, and whoever asked is told.
    pub folded_since: Option<DateTime<Utc>>,
}

/// Decides what events make of a person's record.
///
/// Readings come first, in event time; then everything else in the order given. Readings beyond [`RULES_ASKED_MAX`] stay
/// unjudged, with a technical alert.
///
/// ```
/// use chrono::DateTime;
/// use rules::{Plan, PatientState, decide};
/// let before = PatientState::new(vitals::PatientId::parse("pt-1").unwrap());
/// let decisions = decide(&Plan::default(), &before, &[], DateTime::UNIX_EPOCH);
/// assert_eq!(decisions.state, before, "nothing happened, nothing changed");
/// assert!(!decisions.state_changed && decisions.evaluated == 0);
/// ```
#[must_use]
pub fn decide(plan: &Plan, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
    decide_within(Budget::new(RULES_ASKED_MAX), plan, before, events, at)
}

fn decide_within(
    mut budget: Budget,
    plan: &Plan,
    before: &PatientState,
    events: &[Event],
    at: DateTime<Utc>,
) -> Decisions {
    let mut deciding = Deciding::new(plan, before, at);
    let mut readings: Vec<(&Admitted, Heard)> = events.iter().filter_map(Event::to_judge).collect();
    readings.sort_by_key(|(admitted, _)| (admitted.event_time(), admitted.reading.id));
    deciding.judged.reserve(readings.len());
    if !readings.is_empty() || events.contains(&Event::Expecting) {
        deciding.withdraw();
    }
    let newest = readings.last().map(|(admitted, _)| *admitted);
    for (admitted, heard) in readings {
        if !budget.allows(plan.cost_on(admitted.reading.kind)) {
            deciding.not_judged(admitted, heard, ErrorCode::RuleBudgetExceeded);
            continue;
        }
        deciding.judge(admitted, heard);
        if heard == Heard::Again {
            deciding.judged_at_last();
        }
    }
    if let Some(newest) = newest {
        deciding.tell_whether_anybody_watches(newest);
    }
    deciding.arbitrate();
    deciding.correct(events, &mut budget);
    for event in events {
        deciding.other(event);
    }
    deciding.finish()
}

/// What to store when the rules failed: every reading unjudged with its reason, and a technical alert so that this is
/// never silent. Uses no pack.
///
/// What no longer counts cannot be left for later: that slice is refused, and whoever asked hears so.
#[must_use]
pub fn unevaluated(
    channels: &[Channel],
    before: &PatientState,
    events: &[Event],
    reason: ErrorCode,
    at: DateTime<Utc>,
) -> Decisions {
    let plan = Plan::without_packs(channels.to_vec());
    let mut deciding = Deciding::new(&plan, before, at);
    for (admitted, heard) in events.iter().filter_map(Event::to_judge) {
        deciding.not_judged(admitted, heard, reason);
    }
    if events.iter().any(|event| matches!(event, Event::Corrected(_))) {
        deciding.refused = Some(Refused::SettingsUnusable);
    }
    deciding.finish()
}

struct Deciding<'a> {
    plan: &'a Plan,
    state: PatientState,
    state_changed: bool,
    evaluated: u32,
    at: DateTime<Utc>,
    judged: Vec<(ReadingId, Verdict)>,
    changed: Vec<AlertId>,
    jobs: Vec<Job>,
    timers: Vec<Timer>,
    cancelled: Vec<AlertId>,
    refused: Option<Refused>,
    /// Finished alerts that are amended.
    amended: Vec<Alert>,
    folds: u32,
    folded_since: Option<DateTime<Utc>>,
    /// Whether this only works out what readings come to.
    is_fold: bool,
    /// How the rules come to hear of the reading that is being judged.
    heard: Heard,
}

impl<'a> Deciding<'a> {
    fn new(plan: &'a Plan, before: &PatientState, at: DateTime<Utc>) -> Self {
        Self {
            plan,
            state: before.clone(),
            state_changed: false,
            evaluated: 0,
            at,
            judged: Vec::new(),
            changed: Vec::new(),
            jobs: Vec::new(),
            timers: Vec::new(),
            cancelled: Vec::new(),
            refused: None,
            amended: Vec::new(),
            folds: 0,
            folded_since: None,
            is_fold: false,
            heard: Heard::First,
        }
    }

    fn patient(&self) -> &PatientId {
        &self.state.patient
    }

    fn other(&mut self, event: &Event) {
        match event {
            Event::Due(timer) => self.due(timer),
            Event::Acknowledged { alert, by, note } => self.acknowledge(*alert, by, note.as_ref()),
            Event::Expecting => {
                self.forget_other_lists();
                self.watch_again(|_| true);
            }
            Event::Delivered { alert, delivery: Delivery::Accepted, .. } => {
                let at = self.at;
                self.change(*alert, |alert| alert.notified(at));
            }
            Event::Delivered { delivery: Delivery::Failed { .. }, .. }
            | Event::Reading(_)
            | Event::Reconsider(_)
            | Event::Withdrawn { .. }
            | Event::Moved { .. }
            | Event::Assigned(_)
            | Event::Corrected(_)
            | Event::Refused(_)
            | Event::Written(_)
            | Event::AccountSet(_)
            | Event::Audited(_)
            | Event::Received { .. } => {}
        }
    }

    fn acknowledge(&mut self, id: AlertId, by: &crate::Actor, note: Option<&crate::alert::Note>) {
        let result = self
            .state
            .alert(id)
            .cloned()
            .ok_or(Refused::NotOpen)
            .and_then(|alert| alert.acknowledge(by.clone(), note.cloned(), self.at));
        match result {
            Ok(taken) => {
                self.change(id, |alert| *alert = taken);
                self.was_taken(id);
            }
            Err(refused) => self.refused = Some(refused),
        }
    }

    /// The repeat's window has ended without one, or what a rule waits for has not come.
    fn due(&mut self, timer: &Timer) {
        if self.state.alert(timer.alert).is_none() && !self.is_fold {
            self.waited(timer);
            return;
        }
        let is_awaited = |alert: &Alert| alert.repeat == Repeat::Asked { until: timer.due_at };
        let Some(alert) = self.state.alert(timer.alert).filter(|alert| is_awaited(alert)).cloned() else { return };
        self.change(alert.id, |alert| alert.repeat = Repeat::NotDone);
        if alert.condition == Condition::Pending {
            self.raise(alert.id);
        }
    }

    fn finish(mut self) -> Decisions {
        let mut alerts: Vec<Alert> = self.changed.iter().filter_map(|id| self.state.alert(*id).cloned()).collect();
        alerts.append(&mut self.amended);
        let unfinished = |alert: &Alert| !alert.is_finished();
        self.state_changed |= !self.state.alerts.iter().all(unfinished);
        self.state.alerts.retain(unfinished);
        Decisions {
            state: self.state,
            state_changed: self.state_changed,
            judged: self.judged,
            alerts,
            jobs: self.jobs,
            timers: self.timers,
            cancelled: self.cancelled,
            refused: self.refused,
            evaluated: self.evaluated,
            folds: self.folds,
            folded_since: self.folded_since,
        }
    }
}
