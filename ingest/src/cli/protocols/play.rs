//! One person's readings through the rules as the service would have judged them: by a clock of arrivals and timers.
//!
//! Invariants: it is `rules::decide` that decides; a line shows the readings that were there when it was raised, and none that
//! came later; a slice is judged once all timers before it have been.

use chrono::{DateTime, TimeDelta, Utc};
use rules::{
    Actor, Alert, Audience, Condition, Decisions, Event, PatientState, Plan, Timer, Verdict, decide, job::Why,
};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use vitals::{
    Admitted, AlertId, PatientId, ReadingId,
    wire::v1::{self, Urgency},
};

/// How long after the last reading of all a repeat that was asked for is still awaited.
const AFTERMATH: TimeDelta = TimeDelta::days(1);

/// How urgent an alert is, as a line has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Priority {
    /// Act now.
    High,
    /// Check again.
    Medium,
    /// As planned.
    Low,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::ActNow => Self::High,
            Urgency::CheckAgain => Self::Medium,
            Urgency::AsPlanned => Self::Low,
        }
    }
}

impl Priority {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// An alert as it would have been raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// Whose.
    pub(super) patient: PatientId,
    /// By which rule: protocol and rule.
    pub(super) rule: String,
    /// How urgent.
    pub(super) priority: Priority,
    /// Whom it would have been for.
    pub(super) audience: Audience,
    /// When staff would first have been told.
    #[serde(serialize_with = "moment")]
    pub(super) raised_at: DateTime<Utc>,
    /// When its condition ended, where it has.
    #[serde(serialize_with = "moment_if_any")]
    pub(super) cleared_at: Option<DateTime<Utc>>,
    /// Whether its first reading was too old to act on.
    pub(super) late: bool,
    /// The readings behind it when it was raised, the first one first.
    pub(super) evidence: Vec<ReadingId>,
    /// How often it would have been told again, because it came back before anybody took it.
    #[serde(skip)]
    pub(super) again: u64,
}

fn moment<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&v1::moment(*at))
}

fn moment_if_any<S: Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => moment(at, serializer),
        None => serializer.serialize_none(),
    }
}

/// What came of a person's readings beside alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Aside {
    /// Instructions to the person.
    pub(super) prompts: u64,
    /// Findings that were over before anybody was told, or that nobody is told of.
    pub(super) untold: u64,
}

/// The staff of a back-test: they take every alert some time after it was raised, and nothing else is known of them.
#[derive(Debug, Clone)]
pub(super) struct Staff {
    pub(super) by: Actor,
    pub(super) taken_after: TimeDelta,
}

/// What comes of itself.
#[derive(Debug)]
enum Coming {
    Timer(Timer),
    Taken(AlertId),
}

/// One person under some protocols.
pub(super) struct Playing {
    plan: Plan,
    state: PatientState,
    coming: BTreeMap<(DateTime<Utc>, u64), Coming>,
    coming_next: u64,
    /// When each timer that counts is due: a timer set anew takes the place of the one before it.
    timers: BTreeMap<AlertId, DateTime<Utc>>,
    told: BTreeMap<AlertId, Line>,
    pub(super) aside: Aside,
}

impl Playing {
    pub(super) fn new(plan: Plan, patient: PatientId) -> Self {
        Self {
            plan,
            state: PatientState::new(patient),
            coming: BTreeMap::new(),
            coming_next: 0,
            timers: BTreeMap::new(),
            told: BTreeMap::new(),
            aside: Aside::default(),
        }
    }

    /// Readings that arrived together.
    pub(super) fn arrive(&mut self, readings: &[Admitted], staff: &Staff, at: DateTime<Utc>, done: &mut Vec<Line>) {
        self.pass_time_until(at, staff, done);
        let events: Vec<Event> = readings.iter().map(|one| Event::Reading(Box::new(one.clone()))).collect();
        self.apply(&events, staff, at, done);
    }

    /// The end of all readings: what was due by then comes to pass, repeats that were asked for are awaited a while longer, and
    /// every alert that still stands is told of as it stands.
    pub(super) fn finish(&mut self, staff: &Staff, end: DateTime<Utc>, done: &mut Vec<Line>) {
        self.pass_time_until(end, staff, done);
        let state = &self.state;
        let is_repeat = |coming: &Coming| match coming {
            Coming::Timer(timer) => state.alert(timer.alert).is_some(),
            Coming::Taken(_) => false,
        };
        self.coming.retain(|_, coming| is_repeat(coming));
        self.pass_time_until(end + AFTERMATH, staff, done);
        done.extend(std::mem::take(&mut self.told).into_values());
    }

    fn pass_time_until(&mut self, until: DateTime<Utc>, staff: &Staff, done: &mut Vec<Line>) {
        while let Some((due, coming)) = self.next_due(until) {
            let event = match coming {
                Coming::Timer(timer) if self.timers.get(&timer.alert) == Some(&due) => {
                    self.timers.remove(&timer.alert);
                    Event::Due(timer)
                }
                // Another was set in its place.
                Coming::Timer(_) => continue,
                Coming::Taken(alert) => Event::Acknowledged { alert, by: staff.by.clone(), note: None },
            };
            self.apply(&[event], staff, due, done);
        }
    }

    /// Takes the first thing that is due by a moment.
    fn next_due(&mut self, until: DateTime<Utc>) -> Option<(DateTime<Utc>, Coming)> {
        let first = self.coming.first_entry()?;
        let (due, _) = *first.key();
        (due <= until).then(|| (due, first.remove()))
    }

    fn come(&mut self, at: DateTime<Utc>, what: Coming) {
        self.coming_next = self.coming_next.saturating_add(1);
        self.coming.insert((at, self.coming_next), what);
    }

    /// Decides and keeps what was decided, as the store does.
    fn apply(&mut self, events: &[Event], staff: &Staff, at: DateTime<Utc>, done: &mut Vec<Line>) {
        let decisions = decide(&self.plan, &self.state, events, at);
        if decisions.refused.is_some() {
            // Somebody came to take what had ended by itself.
            return;
        }
        self.tell(&decisions, staff, at);
        for alert in &decisions.cancelled {
            self.timers.remove(alert);
        }
        for timer in &decisions.timers {
            // Never at once again: the service looks once a second.
            let due = timer.due_at.max(at + TimeDelta::seconds(1));
            self.timers.insert(timer.alert, due);
            self.come(due, Coming::Timer(timer.clone()));
        }
        self.state = decisions.state;
        for alert in &decisions.alerts {
            if self.state.alert(alert.id).is_none() {
                done.extend(self.told.remove(&alert.id));
            }
        }
    }

    fn tell(&mut self, decisions: &Decisions, staff: &Staff, at: DateTime<Utc>) {
        for (_, verdict) in &decisions.judged {
            if let Verdict::Evaluated { prompts, .. } = verdict {
                self.aside.prompts = self.aside.prompts.saturating_add(u64::try_from(prompts.len()).unwrap_or(0));
            }
        }
        for job in &decisions.jobs {
            let Some(alert) = decisions.alerts.iter().find(|alert| alert.id == job.alert) else { continue };
            match (job.why, self.told.get_mut(&alert.id)) {
                (Why::First, None) => {
                    self.told.insert(alert.id, raised(&self.state.patient, alert, at));
                }
                (Why::Again, Some(line)) => line.again = line.again.saturating_add(1),
                (_, _) => continue,
            }
            self.come(at + staff.taken_after, Coming::Taken(alert.id));
        }
        for alert in &decisions.alerts {
            let is_over = matches!(alert.condition, Condition::Cleared(_));
            match self.told.get_mut(&alert.id) {
                Some(line) => line.cleared_at = is_over.then(|| line.cleared_at.unwrap_or(at)),
                None if is_over => self.aside.untold = self.aside.untold.saturating_add(1),
                None => {}
            }
        }
    }
}

fn raised(patient: &PatientId, alert: &Alert, at: DateTime<Utc>) -> Line {
    Line {
        patient: patient.clone(),
        rule: format!("{}/{}", alert.made_by.pack, alert.made_by.rule),
        priority: alert.urgency.into(),
        audience: alert.audience,
        raised_at: at,
        cleared_at: None,
        late: alert.late,
        evidence: alert.evidence.iter().map(|evidence| evidence.reading).collect(),
        again: 0,
    }
}
