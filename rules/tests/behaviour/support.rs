//! What the cases and the properties share: readings of one invented person, and a small stand-in for the store that
//! keeps what was decided (state, alerts, timers, notifications) as the real one does.

use chrono::{DateTime, TimeDelta, Utc};
use rules::{Alert, Channel, Decisions, Event, Job, PatientState, Plan, pack::demo_pack};
use std::{collections::BTreeMap, sync::LazyLock};
use vitals::{
    Admitted, AlertId, BloodPressure, ClockOffset, Decimal, HubId, Measure, PatientId, Quality, RawFrame, Reading,
    RecordNumber, SourceId, TakenAt, Times, Value, Who,
    quantity::MmHg,
    record::{RecordKey, reading_id},
};

/// The channels of every plan here: two, so that a notification forgotten on one of them is seen.
pub(crate) const CHANNELS: [Channel; 2] = [Channel::Console, Channel::Webhook];

/// The moment all tests count from.
pub(crate) fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

/// The demo's protocol, told down both channels.
pub(crate) fn demo_plan() -> Plan {
    static DEMO: LazyLock<Plan> = LazyLock::new(|| {
        let demo = demo_pack().expect("the demo pack is approved");
        Plan::new(vec![demo], CHANNELS.to_vec()).expect("one pack can be in force")
    });
    DEMO.clone()
}

/// The person all readings are of.
pub(crate) fn patient() -> PatientId {
    PatientId::parse("pt-test").expect("an id")
}

/// Whose clock says when a reading was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clock {
    /// The device's, and the hub read it at this connection: the age is known.
    Known,
    /// The device's, never compared with another: the age is not known.
    Unknown,
    /// The device gave no time.
    None,
}

/// When a reading was taken, heard by the hub and received by the service, all counted from the start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct When {
    pub(crate) clock: Clock,
    pub(crate) taken: TimeDelta,
    pub(crate) heard: TimeDelta,
    /// When the hub sent it, by its own clock.
    pub(crate) sent: TimeDelta,
    pub(crate) received: TimeDelta,
}

/// A blood pressure in mmHg.
pub(crate) fn pressure(systolic: u16, diastolic: u16) -> Value<Measure> {
    Value::Measured(Measure::BloodPressure(BloodPressure {
        systolic: MmHg::new(Decimal::from(systolic)),
        diastolic: MmHg::new(Decimal::from(diastolic)),
        mean: None,
        pulse: None,
        posture: None,
        arm: None,
    }))
}

/// The reading with this number; a number is used once, as a device's own record number is.
pub(crate) fn reading(number: u32, value: Value<Measure>, when: When) -> Admitted {
    let source = SourceId::device("Invented cuffs", "0001").expect("a source");
    let record = RecordNumber::of("1810", RecordKey::Number(number), None, &[]);
    let (taken, hub_received) = (start() + when.taken, start() + when.heard);
    let (taken, offset) = match when.clock {
        Clock::Known => (TakenAt::DeviceClock(taken), ClockOffset::ReadAtConnection { device_ahead_secs: 0 }),
        Clock::Unknown => (TakenAt::DeviceClock(taken), ClockOffset::NotRead),
        Clock::None => (TakenAt::HubClock(hub_received), ClockOffset::NotRead),
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(patient()),
        kind: value.measured().map_or(vitals::Kind::BloodPressure, Measure::kind),
        value,
        times: Times { device: None, hub_received, taken, offset },
        quality: Quality::none(),
        raw: RawFrame { service: "1810".to_owned(), characteristic: "2a35".to_owned(), bytes: Vec::new() },
    };
    let hub = HubId::parse("hub-test").expect("an id");
    Admitted { reading, hub, sent_at: start() + when.sent, server_received: start() + when.received }
}

/// What a store keeps of one person.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub(crate) state: PatientState,
    /// Every alert there ever was, in the order opened, as it now is.
    pub(crate) alerts: Vec<Alert>,
    pub(crate) timers: BTreeMap<AlertId, DateTime<Utc>>,
    pub(crate) jobs: Vec<Job>,
}

impl Kept {
    pub(crate) fn new() -> Self {
        Self { state: PatientState::new(patient()), alerts: Vec::new(), timers: BTreeMap::new(), jobs: Vec::new() }
    }

    /// Keeps what a slice decided, as the store does: nothing where it was refused, a notification only once.
    pub(crate) fn keep(&mut self, events: &[Event], decisions: &Decisions) {
        if decisions.refused.is_some() {
            return;
        }
        self.state = decisions.state.clone();
        for alert in &decisions.alerts {
            match self.alerts.iter_mut().find(|known| known.id == alert.id) {
                Some(known) => *known = alert.clone(),
                None => self.alerts.push(alert.clone()),
            }
        }
        for event in events {
            if let Event::Due(timer) = event
                && self.timers.get(&timer.alert) == Some(&timer.due_at)
            {
                self.timers.remove(&timer.alert);
            }
        }
        for alert in &decisions.cancelled {
            self.timers.remove(alert);
        }
        for timer in &decisions.timers {
            self.timers.insert(timer.alert, timer.due_at);
        }
        for job in &decisions.jobs {
            if !self.jobs.iter().any(|known| known.id == job.id) {
                self.jobs.push(job.clone());
            }
        }
    }
}
