//! Invented people, what the rules remember of each, and the readings they are asked about.

use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use rules::{Event, PatientState, Plan, decide};
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, HubId, Kind, Measure, PatientId, Quality, Quantity, RawFrame,
    Reading, RecordNumber, SourceId, TakenAt, Times, Value, Who, catalogue,
    measure::{BodyWeight, OxygenSaturation, Parts, Word},
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

    /// The moment so many seconds from the start.
    pub(super) fn at(&self, secs: i64) -> DateTime<Utc> {
        start() + TimeDelta::seconds(secs)
    }

    /// Nothing is remembered of them yet.
    pub(super) fn new_state(&self) -> PatientState {
        PatientState::new(self.patient.clone())
    }

    /// The reading taken this many seconds from the start, as live as it can be.
    pub(super) fn reading(&self, measure: Measure, secs: i64) -> Event {
        let taken = self.at(secs);
        let number = u32::try_from(secs + 100_000_000).unwrap_or_default();
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

/// Measures in a session.
pub(super) const SESSION: usize = 9;

/// What somebody well measures in one sitting: a little different each day, and none of it alarming to any protocol we ship.
///
/// # Errors
/// [`Trouble`] where the catalogue has no such measure.
pub(super) fn session(day: i64) -> Result<[Measure; SESSION], Trouble> {
    let of = |around: i64, days: i64| around + day * 7 % days;
    Ok([
        measure(Kind::SuppliedOxygen, &[], &[(Word::Oxygen, "air")])?,
        measure(Kind::Consciousness, &[], &[(Word::Consciousness, "alert")])?,
        measure(Kind::Weight, &[("weight", of(800, 4), -1)], &[])?,
        measure(Kind::Spo2, &[("spo2", of(96, 3), 0), ("oximeter_pulse", of(70, 5), 0)], &[])?,
        measure(Kind::Temperature, &[("temperature", of(368, 4), -1)], &[])?,
        measure(Kind::RespiratoryRate, &[("respiratory_rate", of(14, 4), 0)], &[])?,
        measure(Kind::Pulse, &[("pulse", of(70, 5), 0)], &[])?,
        measure(Kind::Glucose, &[("glucose", of(62, 9), -1)], &[])?,
        measure(
            Kind::BloodPressure,
            &[("systolic", of(118, 9), 0), ("diastolic", of(72, 5), 0), ("cuff_pulse", of(70, 5), 0)],
            &[],
        )?,
    ])
}

/// A measure of numbers, each as its digits and exponent in the catalogue's unit, and of words.
fn measure(kind: Kind, numbers: &[(&str, i64, i8)], said: &[(Word, &str)]) -> Result<Measure, Trouble> {
    let mut parts = Parts::default();
    for (name, digits, exponent) in numbers {
        let known = catalogue::component(name).ok_or_else(|| Trouble::new("find in the catalogue", *name))?;
        let number = Decimal::from_parts(*digits, *exponent).ok_or_else(|| Trouble::new("write a number", *name))?;
        parts.numbers.push((known.name.as_str(), Quantity::new(number, known.ucum)));
    }
    parts.said.extend(said.iter().map(|(word, said)| (*word, (*said).to_owned())));
    parts.measure(kind).map_err(|why| Trouble::new("make a measure", format!("{why:?}")))
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
