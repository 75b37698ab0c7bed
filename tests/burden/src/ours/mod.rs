//! Our own rules played over a cohort: `rules::decide` with a clock of arrivals and timers, as the store runs it.
//!
//! Which protocols are in force for whom, and with which numbers: [`in_force`]. The same without a family of operators:
//! [`family`].

pub mod family;
pub mod in_force;
mod written;

use crate::{
    cohort::{Cohort, Kind, Person, REPEATS_FROM, Reading, Stratum, moment},
    lines::{Alert, Fate, Priority, Prompt, Stream, Touch},
    staff::taken_at,
};
use in_force::InForce;
use rules::{
    Actor, ClearedBecause, Condition, Decisions, Event, PatientState, Plan, Repeat, Timer, Verdict, decide, job::Why,
};
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;
use vitals::{Admitted, AlertId, PatientId, ReadingId, bounded::Text, id::StaffId, wire::v1::Urgency};

/// Why our rules could not be played.
#[derive(Debug, Error)]
pub enum NotPlayed {
    /// A protocol does not read, or cannot be in force.
    #[error("put protocols in force: {name}")]
    Protocol {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An id of the benchmark is none.
    #[error("name {0}")]
    Name(String),
    /// A reading has no form that the service would admit.
    #[error("admit reading {0} of the cohort")]
    Reading(u32),
}

/// Plays our rules over everybody who has a protocol.
///
/// # Errors
/// [`NotPlayed`] where a protocol does not read or a reading cannot be admitted.
pub fn play(cohort: &Cohort, in_force: &InForce) -> Result<Stream, NotPlayed> {
    let mut stream = Stream::default();
    for person in &cohort.people {
        if let Some(plan) = in_force.plan_of(person)? {
            Playing::new(cohort, &plan, person, in_force.asks_questions(), &mut stream)?.play()?;
        }
    }
    Ok(stream)
}

/// What comes of itself, beside the readings that were planned.
#[derive(Debug)]
enum Coming {
    Repeat(u32, Box<Reading>),
    Timer(Timer),
    Taken(AlertId),
}

/// Seconds for which the same words, given again, are the instruction that stands on the screen and not another: a sensor
/// speaks every five minutes.
pub const STANDS: i64 = 30 * 60;

struct Playing<'a> {
    cohort: &'a Cohort,
    plan: &'a Plan,
    person: &'a Person,
    asks_questions: bool,
    stream: &'a mut Stream,
    state: PatientState,
    by: Actor,
    coming: BTreeMap<(i64, u32), Coming>,
    coming_next: u32,
    /// The last instruction, and when it was last given.
    on_screen: Option<(String, i64)>,
    timers: HashMap<AlertId, i64>,
    lines: HashMap<AlertId, usize>,
    places: HashMap<ReadingId, u32>,
}

impl<'a> Playing<'a> {
    fn new(
        cohort: &'a Cohort,
        plan: &'a Plan,
        person: &'a Person,
        asks_questions: bool,
        stream: &'a mut Stream,
    ) -> Result<Self, NotPlayed> {
        let id = PatientId::parse(&person.pseudonym).map_err(|_not_an_id| NotPlayed::Name(person.pseudonym.clone()))?;
        let by = StaffId::parse("st-burden").ok().zip(Text::new("Invented").ok());
        let by = by.map(|(id, name)| Actor { id, name }).ok_or_else(|| NotPlayed::Name("st-burden".to_owned()))?;
        Ok(Self {
            cohort,
            plan,
            person,
            asks_questions,
            stream,
            state: PatientState::new(id),
            by,
            coming: BTreeMap::new(),
            coming_next: 0,
            on_screen: None,
            timers: HashMap::new(),
            lines: HashMap::new(),
            places: HashMap::new(),
        })
    }

    fn play(mut self) -> Result<(), NotPlayed> {
        let cohort = self.cohort;
        let asks_questions = self.asks_questions;
        let is_heard = |(_, reading): &(u32, &Reading)| asks_questions || reading.kind != Kind::Breathless;
        let mut readings = cohort.readings_of(self.person.number).filter(is_heard).peekable();
        loop {
            let next_reading = readings.peek().map(|(_, reading)| reading.arrived);
            let next_coming = self.coming.keys().next().map(|(at, _)| *at);
            let at = match (next_reading, next_coming) {
                (Some(reading), Some(coming)) => reading.min(coming),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return Ok(()),
            };
            let mut slice: Vec<(u32, Admitted)> = Vec::new();
            while let Some((place, reading)) = readings.next_if(|(_, reading)| reading.arrived == at) {
                slice.push((place, self.admitted(place, reading)?));
            }
            let mut others = Vec::new();
            while let Some(((due, number), coming)) = self.coming.pop_first() {
                if due > at {
                    self.coming.insert((due, number), coming);
                    break;
                }
                match coming {
                    Coming::Repeat(place, reading) => {
                        let admitted = self.admitted(place | REPEATS_FROM, &reading)?;
                        self.stream.repeats.insert(place, *reading);
                        slice.push((place | REPEATS_FROM, admitted));
                    }
                    Coming::Timer(timer) => {
                        if self.timers.get(&timer.alert) == Some(&due) {
                            self.timers.remove(&timer.alert);
                            others.push(Event::Due(timer));
                        }
                    }
                    Coming::Taken(alert) => self.taken(alert, at),
                }
            }
            self.decide(slice, others, at);
        }
    }

    fn admitted(&mut self, place: u32, reading: &Reading) -> Result<Admitted, NotPlayed> {
        let admitted = self.cohort.admitted(place, reading).ok_or(NotPlayed::Reading(place))?;
        self.places.insert(admitted.reading.id, place);
        Ok(admitted)
    }

    fn decide(&mut self, slice: Vec<(u32, Admitted)>, others: Vec<Event>, at: i64) {
        let readings: Vec<(u32, ReadingId)> =
            slice.iter().map(|(place, admitted)| (*place, admitted.reading.id)).collect();
        let mut events: Vec<Event> =
            slice.into_iter().map(|(_, admitted)| Event::Reading(Box::new(admitted))).collect();
        events.extend(others);
        if events.is_empty() {
            return;
        }
        let decisions = decide(self.plan, &self.state, &events, moment(at));
        self.tell(&decisions, &readings, at);
        self.keep(decisions, at);
    }

    /// Somebody takes an alert: the staff of the benchmark.
    fn taken(&mut self, alert: AlertId, at: i64) {
        let taken = Event::Acknowledged { alert, by: self.by.clone(), note: None };
        let decisions = decide(self.plan, &self.state, &[taken], moment(at));
        // What has ended by itself by then needs nobody.
        if decisions.refused.is_some() {
            return;
        }
        if let Some(line) = self.lines.get(&alert).and_then(|line| self.stream.alerts.get_mut(*line)) {
            line.taken_at = Some(at);
        }
        self.keep(decisions, at);
    }

    /// What the person is told, and the repeat they then take.
    fn tell(&mut self, decisions: &Decisions, readings: &[(u32, ReadingId)], at: i64) {
        let until = |alert: &rules::Alert| matches!(alert.repeat, Repeat::Asked { .. });
        for (id, verdict) in &decisions.judged {
            let Verdict::Evaluated { prompts, alerts, .. } = verdict else { continue };
            for prompt in prompts {
                let (priority, says_999) = (priority_of(prompt.urgency), prompt.text.contains("Call 999"));
                let told = Prompt { person: self.person.number, at, priority, says_999 };
                match self.on_screen.replace((prompt.text.clone(), at)) {
                    Some((text, since)) if text == prompt.text && at - since <= STANDS => {
                        self.stream.standing.push(told);
                    }
                    Some(_) | None => self.stream.prompts.push(told),
                }
            }
            let is_asked = decisions.alerts.iter().any(|alert| alerts.contains(&alert.id) && until(alert));
            let place = readings.iter().find(|(_, one)| one == id).map(|(place, _)| *place);
            if let Some(place) = place.filter(|place| is_asked && !prompts.is_empty() && *place < REPEATS_FROM)
                && let Some(repeat) = self.cohort.repeat(place, at)
            {
                if self.person.stratum == Stratum::CareHome {
                    self.stream.touches.push((self.person.number, Touch::CarerPrompt, at));
                }
                self.come(repeat.arrived, Coming::Repeat(place, Box::new(repeat)));
            }
        }
    }

    fn come(&mut self, at: i64, what: Coming) {
        self.coming_next += 1;
        self.coming.insert((at, self.coming_next), what);
    }

    /// Keeps what was decided, as the store does, and writes down what staff see of it.
    fn keep(&mut self, decisions: Decisions, at: i64) {
        for alert in &decisions.cancelled {
            self.timers.remove(alert);
        }
        for timer in decisions.timers {
            let due = timer.due_at.timestamp();
            // What waits for readings that no cohort has any more would call for ever.
            if due > self.cohort.calendar.start(self.cohort.days) + STANDS {
                continue;
            }
            self.timers.insert(timer.alert, due);
            self.come(due, Coming::Timer(timer));
        }
        for job in &decisions.jobs {
            let told = decisions.alerts.iter().find(|alert| alert.id == job.alert);
            match (job.why, self.lines.get(&job.alert).copied(), told) {
                (Why::First, None, Some(alert)) => self.raise(alert, Fate::Shown, at),
                (_, Some(line), _) => {
                    if let Some(line) = self.stream.alerts.get_mut(line) {
                        line.again.push((Touch::Reopened, at));
                    }
                }
                (_, None, _) => continue,
            }
            self.come(taken_at_of(&decisions.alerts, job.alert, at, self.cohort), Coming::Taken(job.alert));
        }
        for alert in &decisions.alerts {
            let Condition::Cleared(because) = alert.condition else { continue };
            match self.lines.get(&alert.id).and_then(|line| self.stream.alerts.get_mut(*line)) {
                Some(line) => line.cleared_at = Some(line.cleared_at.unwrap_or(at)),
                None => {
                    let fate = match because {
                        ClearedBecause::Superseded(_) => Fate::Merged,
                        ClearedBecause::Improved
                        | ClearedBecause::Judged
                        | ClearedBecause::Unfounded
                        | ClearedBecause::ProtocolEnded => Fate::Settled,
                    };
                    self.raise(alert, fate, at);
                }
            }
        }
        self.state = decisions.state;
    }

    fn raise(&mut self, alert: &rules::Alert, fate: Fate, at: i64) {
        self.lines.insert(alert.id, self.stream.alerts.len());
        self.stream.alerts.push(Alert {
            person: self.person.number,
            rule: format!("{}/{}", alert.made_by.pack, alert.made_by.rule),
            priority: priority_of(alert.urgency),
            raised_at: at,
            cleared_at: (fate != Fate::Shown).then_some(at),
            taken_at: None,
            late: alert.late,
            evidence: alert.evidence.iter().map(|evidence| self.places.get(&evidence.reading).copied()).collect(),
            fate,
            again: Vec::new(),
        });
    }
}

fn taken_at_of(alerts: &[rules::Alert], id: AlertId, at: i64, cohort: &Cohort) -> i64 {
    let urgency = alerts.iter().find(|alert| alert.id == id).map_or(Urgency::CheckAgain, |alert| alert.urgency);
    taken_at(priority_of(urgency), at, &cohort.calendar)
}

fn priority_of(urgency: Urgency) -> Priority {
    match urgency {
        Urgency::ActNow => Priority::High,
        Urgency::CheckAgain => Priority::Medium,
        Urgency::AsPlanned => Priority::Low,
    }
}
