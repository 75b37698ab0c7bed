//! Invented people, what the rules remember of each, and the readings they are asked about.

use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Event, PatientState, Plan, decide};
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, HubId, Measure, PatientId, Quality, RawFrame, Reading, RecordNumber,
    SourceId, TakenAt, Times, Value, Who,
    measure::{BodyWeight, OxygenSaturation},
    quantity::{Kilograms, MmHg, PerMinute, Percent},
    record::{RecordKey, reading_id},
};

/// The moment the measurement stands at.
pub(super) fn start() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_600)
}

/// One person's hub and device.
pub(super) struct Home {
    hub: HubId,
    source: SourceId,
    patient: PatientId,
}

impl Home {
    pub(super) fn new(number: u32) -> Result<Self, Trouble> {
        Ok(Self {
            hub: HubId::parse(&format!("hub-{number}")).doing("name a hub")?,
            source: SourceId::device("Invented", &number.to_string()).doing("name a device")?,
            patient: PatientId::parse(&format!("pt-{number}")).doing("name a person")?,
        })
    }

    /// The reading taken this many seconds from the start, as live as it can be.
    pub(super) fn reading(&self, measure: Measure, secs: i64) -> Event {
        let taken = start() + TimeDelta::seconds(secs);
        let number = u32::try_from(secs + 1_000_000).unwrap_or_default();
        let record = RecordNumber::of("1810", RecordKey::Number(number), None, &[]);
        let reading = Reading {
            id: reading_id(&self.source, record),
            source: self.source.clone(),
            record,
            user_index: None,
            who: Who::Patient(self.patient.clone()),
            kind: measure.kind(),
            value: Value::Measured(measure),
            times: Times {
                device: None,
                hub_received: taken,
                taken: TakenAt::DeviceClock(taken),
                offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
            },
            quality: Quality::none(),
            raw: RawFrame { service: "1810".to_owned(), characteristic: "2a35".to_owned(), bytes: vec![0; 19] },
        };
        let server_received = taken + TimeDelta::seconds(1);
        Event::Reading(Box::new(Admitted { reading, hub: self.hub.clone(), sent_at: taken, server_received }))
    }

    /// What is remembered once a day of three devices has been judged.
    pub(super) fn remembered(&self, plan: &Plan, rises: u16) -> PatientState {
        let mut events = Vec::new();
        for hour in 1..5 {
            let secs = hour * -3600;
            events.push(self.reading(pressure(118 + rises, 75), secs));
            events.push(self.reading(oxygen(), secs + 60));
            events.push(self.reading(weight(), secs + 120));
        }
        decide(plan, &PatientState::new(self.patient.clone()), &events, start()).state
    }
}

/// A blood pressure with all that a cuff sends.
pub(super) fn pressure(systolic: u16, diastolic: u16) -> Measure {
    Measure::BloodPressure(BloodPressure {
        systolic: MmHg::new(Decimal::from(systolic)),
        diastolic: MmHg::new(Decimal::from(diastolic)),
        mean: Some(MmHg::new(Decimal::from(92))),
        pulse: Some(PerMinute::new(Decimal::from(71))),
        posture: None,
        arm: None,
    })
}

fn oxygen() -> Measure {
    let (saturation, pulse) = (Percent::new(Decimal::from(90)), Some(PerMinute::new(Decimal::from(70))));
    Measure::Spo2(OxygenSaturation { saturation, pulse, perfusion: None })
}

fn weight() -> Measure {
    let mass = Decimal::from_parts(8145, -2).unwrap_or(Decimal::from(81));
    Measure::Weight(BodyWeight { mass: Kilograms::new(mass), bmi: None, height: None })
}
