//! A pack's own tests: they travel with it and run wherever it is read.

use super::{ActivePack, Pack, PackTest};
use crate::{
    alert::{Alert, Condition},
    decide::{Decisions, Plan, decide},
    event::{Event, Timer},
    state::PatientState,
};
use chrono::{DateTime, TimeDelta, Utc};
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, HubId, Kind, Measure, PatientId, Quality, Quantity, RawFrame,
    Reading, RecordNumber, SourceId, TakenAt, Times, Value, Who, catalogue,
    quantity::{Celsius, Glucose, Kilograms, MmHg, PerMinute, Percent},
    record::{RecordKey, reading_id},
};

/// How long after the last reading a test goes on, so that every window ends.
const AFTERMATH: TimeDelta = TimeDelta::days(1);

impl Pack {
    /// Runs the pack's own tests and says what failed; nothing where all passed.
    #[must_use]
    pub fn failed_tests(&self) -> Vec<String> {
        self.tests.iter().filter_map(|test| self.run(test).err()).collect()
    }

    fn run(&self, test: &PackTest) -> Result<(), String> {
        let plan = Plan { packs: vec![ActivePack { pack: self.clone(), approvals: Vec::new() }], channels: Vec::new() };
        let patient = PatientId::parse("pt-test").map_err(|error| error.to_string())?;
        let mut run = Run { plan, state: PatientState::new(patient), timers: Vec::new(), seen: Vec::new() };
        for (at, numbers) in &test.given {
            run.pass_time_until(*at);
            let admitted = reading(&run.state.patient, *at, numbers)
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

/// A reading as a device with a right clock would have made it.
fn reading(patient: &PatientId, at: TimeDelta, numbers: &[(String, Decimal)]) -> Option<Admitted> {
    let kind = catalogue::component(&numbers.first()?.0)?.kind;
    let number = |name: &str| numbers.iter().find(|(component, _)| component == name).map(|(_, value)| *value);
    let measure = match kind {
        Kind::BloodPressure => Measure::BloodPressure(BloodPressure {
            systolic: MmHg::new(number("systolic")?),
            diastolic: MmHg::new(number("diastolic")?),
            mean: number("mean").map(MmHg::new),
            pulse: number("cuff_pulse").map(PerMinute::new),
            posture: None,
            arm: None,
        }),
        Kind::Pulse => Measure::Pulse(PerMinute::new(number("pulse")?)),
        Kind::Spo2 => Measure::Spo2(Percent::new(number("spo2")?)),
        Kind::Weight => Measure::Weight(Kilograms::new(number("weight")?)),
        Kind::Temperature => Measure::Temperature(Celsius::new(number("temperature")?)),
        Kind::Glucose => {
            let (name, value) = numbers.first()?;
            Measure::Glucose(Glucose::new(Quantity::new(*value, catalogue::component(name)?.ucum)).ok()?)
        }
    };
    let taken = moment(at);
    let source = SourceId::device("test", "1").ok()?;
    let raw = RawFrame { service: "test".to_owned(), characteristic: "test".to_owned(), bytes: Vec::new() };
    let hub = HubId::parse("hub-test").ok()?;
    let record =
        RecordNumber::of(&raw.service, RecordKey::Receipt { hub: &hub, boot: [0; 8], at: taken }, None, &raw.bytes);
    let times = Times {
        device: None,
        hub_received: taken,
        taken: TakenAt::DeviceClock(taken),
        offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(patient.clone()),
        kind,
        value: Value::Measured(measure),
        times,
        quality: Quality::none(),
        raw,
    };
    Some(Admitted { reading, hub, sent_at: taken, server_received: taken })
}
