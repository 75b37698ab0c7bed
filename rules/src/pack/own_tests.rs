//! A pack's own tests: they travel with it and run wherever it is read.

use super::{ActivePack, Given, Item, Level, Override, Pack, PackTest, Settings, Unsure};
use crate::{
    alert::{Alert, Condition},
    decide::{Decisions, Plan, decide},
    event::{Event, Timer},
    state::PatientState,
};
use chrono::{DateTime, TimeDelta, Utc};
use vitals::{
    Admitted, ClockOffset, Decimal, HubId, Kind, Measure, PatientId, Quantity, RawFrame, Reading, RecordNumber,
    SourceId, TakenAt, Times, Value, Who,
    bounded::Text,
    catalogue,
    id::StaffId,
    measure::{Parts, Question, Specimen, Word},
    record::{RecordKey, reading_id},
};

/// How a test calls how somebody held themselves while a cuff measured: sitting, standing or lying.
const POSTURE: &str = "posture";

/// How long after the last reading a test goes on, so that every window ends.
const AFTERMATH: TimeDelta = TimeDelta::days(1);

impl Pack {
    /// Runs the pack's own tests and says what failed; nothing where all passed.
    #[must_use]
    pub fn failed_tests(&self) -> Vec<String> {
        self.tests.iter().filter_map(|test| self.run(test).err()).collect()
    }

    /// Runs the pack's own tests: each by its name, with what was expected and what came where it failed.
    #[must_use]
    pub fn test_results(&self) -> Vec<(&str, Result<(), String>)> {
        self.tests.iter().map(|test| (test.name.as_str(), self.run(test))).collect()
    }

    fn run(&self, test: &PackTest) -> Result<(), String> {
        let active = ActivePack::of(self.clone(), Vec::new());
        let plan = Plan::new(vec![active], Vec::new()).map_err(|refused| refused.to_string())?;
        let plan = plan.with(self.settings(test)?);
        let patient = PatientId::parse("pt-test").map_err(|error| error.to_string())?;
        let mut run = Run { plan, state: PatientState::new(patient), timers: Vec::new(), seen: Vec::new() };
        for (at, numbers) in &test.given {
            run.pass_time_until(*at);
            let unsure = test.unsure.iter().find(|(of, _)| of == at).map(|(_, unsure)| unsure.clone());
            let admitted = reading(&run.state.patient, *at, numbers, unsure.unwrap_or_default())
                .ok_or_else(|| format!("{}: the reading at {at} is not whole", test.name))?;
            run.apply(&Event::Reading(Box::new(admitted)), *at);
        }
        run.pass_time_until(test.given.last().map_or(AFTERMATH, |(last, _)| *last + AFTERMATH));
        if run.seen == test.expect {
            Ok(())
        } else {
            Err(format!("{}: expected {:?}, got {:?}", test.name, plain(&test.expect), plain(&run.seen)))
        }
    }
}

impl Pack {
    /// What a test sets, as if for the person and to be looked at again a day later.
    fn settings(&self, test: &PackTest) -> Result<Settings, String> {
        let author = StaffId::parse("st-test").map_err(|error| error.to_string())?;
        let reason: Text<400> = Text::new("the test").map_err(|error| error.to_string())?;
        let own = |(name, value): &(String, Decimal)| Override {
            pack: self.id.clone(),
            name: name.clone(),
            level: Level::Patient,
            value: *value,
            author: author.clone(),
            reason: reason.clone(),
            at: DateTime::UNIX_EPOCH,
            review_at: DateTime::UNIX_EPOCH + TimeDelta::days(1),
            temporary: None,
        };
        let set: Vec<Override> = test.set.iter().map(own).collect();
        Settings::new([self], &set, DateTime::UNIX_EPOCH).map_err(|refused| format!("{}: {refused}", test.name))
    }
}

fn plain(steps: &[(TimeDelta, String, String)]) -> Vec<String> {
    steps.iter().map(|(at, what, rule)| format!("{}m {what} {rule}", at.num_minutes())).collect()
}

struct Run {
    plan: Plan,
    state: PatientState,
    timers: Vec<Timer>,
    seen: Vec<(TimeDelta, String, String)>,
}

fn moment(at: TimeDelta) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + at
}

impl Run {
    fn pass_time_until(&mut self, until: TimeDelta) {
        loop {
            self.timers.sort_by_key(|timer| timer.due_at);
            let Some(timer) = self.timers.first().filter(|timer| timer.due_at <= moment(until)).cloned() else {
                return;
            };
            self.timers.remove(0);
            let at = timer.due_at - DateTime::UNIX_EPOCH;
            self.apply(&Event::Due(timer), at);
        }
    }

    fn apply(&mut self, event: &Event, at: TimeDelta) {
        let decisions = decide(&self.plan, &self.state, std::slice::from_ref(event), moment(at));
        for alert in &decisions.alerts {
            let before = self.state.alert(alert.id).map(|before| before.condition);
            self.seen.extend(step(before, alert).map(|what| (at, what.to_owned(), alert.made_by.rule.clone())));
        }
        let Decisions { state, timers, cancelled, .. } = decisions;
        self.state = state;
        self.timers
            .retain(|timer| !cancelled.contains(&timer.alert) && !timers.iter().any(|new| new.alert == timer.alert));
        self.timers.extend(timers);
    }
}

fn step(before: Option<Condition>, alert: &Alert) -> Option<&'static str> {
    match (before, alert.condition) {
        (before, now) if before == Some(now) => None,
        (_, Condition::Pending) => Some("pending"),
        (_, Condition::Active) => Some("raise"),
        (_, Condition::Cleared(_)) => Some("clear"),
    }
}

/// The measure that these say, with the words that go without saying: what is called interstitial is of interstitial
/// fluid, and what flows is oxygen.
fn measure(kind: Kind, given: &[(String, Given)]) -> Option<Measure> {
    let mut parts = Parts::default();
    for (name, value) in given {
        if let (POSTURE, Given::Word(word)) = (name.as_str(), value) {
            parts.said.push((Word::Posture, word.clone()));
            continue;
        }
        match (value, item(name)?) {
            (Given::Number(value), Item::Number(known)) => {
                parts.numbers.push((known.name.as_str(), Quantity::new(*value, known.ucum)));
            }
            (Given::Word(word), Item::Consciousness) => parts.said.push((Word::Consciousness, word.clone())),
            (Given::Word(word), Item::Oxygen) => parts.said.push((Word::Oxygen, word.clone())),
            (Given::Word(word), Item::Answer(question)) => {
                parts.said.push((Word::Question, question.to_string()));
                parts.said.push((Word::Answer, word.clone()));
            }
            (Given::Number(_) | Given::Word(_), _) => return None,
        }
    }
    let is_interstitial = parts.numbers.iter().any(|(name, _)| name.starts_with("glucose_interstitial"));
    if is_interstitial {
        parts.said.push((Word::Specimen, Specimen::InterstitialFluid.name().to_owned()));
    }
    if kind == Kind::SuppliedOxygen && parts.said.is_empty() {
        parts.said.push((Word::Oxygen, "oxygen".to_owned()));
    }
    parts.sequence = (kind == Kind::GlucoseContext).then_some(0);
    parts.measure(kind).ok()
}

/// What a test calls something.
fn item(name: &str) -> Option<Item> {
    match (name, name.strip_prefix("answer:")) {
        ("consciousness", _) => Some(Item::Consciousness),
        ("oxygen", _) => Some(Item::Oxygen),
        (_, Some(question)) => Question::parse(question).ok().map(Item::Answer),
        _ => catalogue::component(name).map(Item::Number),
    }
}

/// A reading as a device with a right clock would have made it, but for what is not sure.
pub(crate) fn reading(
    patient: &PatientId,
    at: TimeDelta,
    given: &[(String, Given)],
    unsure: Unsure,
) -> Option<Admitted> {
    let kind = given.iter().find_map(|(name, _)| item(name))?.kind();
    let measure = measure(kind, given)?;
    let taken = moment(at);
    let source = SourceId::device("test", "1").ok()?;
    let raw = RawFrame { service: "test".to_owned(), characteristic: "test".to_owned(), bytes: Vec::new() };
    let hub = HubId::parse("hub-test").ok()?;
    let record =
        RecordNumber::of(&raw.service, RecordKey::Receipt { hub: &hub, boot: [0; 8], at: taken }, None, &raw.bytes);
    let (dated, offset) = match unsure.dated_before {
        Some(before) => (taken - before, ClockOffset::NotRead),
        None => (taken, ClockOffset::ReadAtConnection { device_ahead_secs: 0 }),
    };
    let times = Times { device: None, hub_received: taken, taken: TakenAt::DeviceClock(dated), offset };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(patient.clone()),
        kind,
        value: Value::Measured(measure),
        times,
        quality: unsure.quality,
        raw,
    };
    Some(Admitted { reading, hub, sent_at: taken, server_received: taken })
}
