//! Readings in the form of the wire, and as the service admits them.

use super::{Cohort, Kind, Reading};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, Flag, HubId, Measure, PatientId, Quality, Quantity, RawFrame,
    ReadingId, RecordNumber, SourceId, TakenAt, Times, Unit, Value, Who,
    measure::{
        Acvpu, Answer, BodyWeight, GlucoseReading, OxygenSaturation, Question, Specimen, SuppliedOxygen, Symptom,
        Temperature,
    },
    quantity::{Celsius, Glucose, Ketone, Kilograms, MmHg, PerMinute, Percent},
    record::{RecordKey, reading_id as id_of},
    wire::v1,
};

/// What every place above this names: the reading that came of a repeat.
pub(crate) const REPEATS: u32 = 0x8000_0000;

/// A reading of the wire with who sent it and when it reached the service: a line of a file for the backtest. A reader of
/// the wire steps over what it does not know.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The reading, with the person's pseudonym.
    #[serde(flatten)]
    pub reading: v1::Reading,
    /// The hub.
    pub hub: String,
    /// When the service received it, UTC.
    pub received_at: String,
}

/// A moment from seconds since 1970.
#[must_use]
pub fn moment(secs: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(secs)
}

fn source(cohort: &Cohort, reading: &Reading) -> Option<SourceId> {
    SourceId::device("Invented", &format!("{}-{}-{}", cohort.seed, reading.of, reading.kind.name())).ok()
}

fn record(place: u32) -> RecordNumber {
    RecordNumber::of("burden", RecordKey::Number(place), None, &[])
}

/// The id of the reading at a place of the cohort; of a repeat where the place is at or above 2³¹.
#[must_use]
pub fn reading_id(cohort: &Cohort, place: u32, reading: &Reading) -> Option<ReadingId> {
    Some(id_of(&source(cohort, reading)?, record(place)))
}

/// A number in thousandths as its device displays it.
fn shown(value: i32, places: u32) -> Decimal {
    let (divide_by, exponent) = if places == 0 { (1000, 0) } else { (100, -1) };
    Decimal::from_parts(i64::from(value) / divide_by, exponent).unwrap_or(Decimal::from(0))
}

fn measure(reading: &Reading) -> Option<Measure> {
    let [first, second, third] = reading.values;
    let millimoles = || Quantity::new(shown(first, 1), Unit::MillimolesPerLitre);
    let glucose = |specimen| GlucoseReading::new(Glucose::new(millimoles()).ok()?, specimen, None, None).ok();
    Some(match reading.kind {
        Kind::Pressure => Measure::BloodPressure(BloodPressure {
            systolic: MmHg::new(shown(first, 0)),
            diastolic: MmHg::new(shown(second, 0)),
            mean: None,
            pulse: Some(PerMinute::new(shown(third, 0))),
            posture: None,
            arm: None,
        }),
        Kind::Oximetry => Measure::Spo2(OxygenSaturation {
            saturation: Percent::new(shown(first, 0)),
            pulse: Some(PerMinute::new(shown(second, 0))),
            perfusion: None,
        }),
        Kind::Weight => Measure::Weight(BodyWeight::alone(Kilograms::new(shown(first, 1)))),
        Kind::Temperature => Measure::Temperature(Temperature::alone(Celsius::new(shown(first, 1)))),
        Kind::Glucose => Measure::Glucose(glucose(Specimen::CapillaryPlasma)?),
        Kind::Sensor => Measure::Glucose(glucose(Specimen::InterstitialFluid)?),
        Kind::Ketone => Measure::Ketone(Ketone::new(millimoles()).ok()?),
        Kind::Breaths => Measure::RespiratoryRate(PerMinute::new(shown(first, 0))),
        Kind::Awake => Measure::Consciousness(Acvpu::from_letter(if first > 0 { "C" } else { "A" })?),
        Kind::Supply if first > 0 => Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: None }),
        Kind::Supply => Measure::SuppliedOxygen(SuppliedOxygen::Air),
        Kind::Breathless => Measure::Symptom(Symptom {
            question: Question::parse("more_breathless").ok()?,
            answer: if first > 0 { Answer::Yes } else { Answer::No },
        }),
    })
}

impl Cohort {
    /// A reading of this cohort, or a repeat of one, as the service admits it. None only where a value has no form on the
    /// wire, which a test rules out.
    #[must_use]
    pub fn admitted(&self, place: u32, reading: &Reading) -> Option<Admitted> {
        let measure = measure(reading)?;
        let source = source(self, reading)?;
        let record = record(place);
        // A hub hears a device as soon as it has measured; what waits is the line to the service.
        let hub_received = moment(reading.taken);
        let offset = match reading.is_compared {
            true => ClockOffset::ReadAtConnection { device_ahead_secs: reading.said - reading.taken },
            false => ClockOffset::NotRead,
        };
        let quality = if reading.is_doubted { Quality::none().with(Flag::DeviceDoubts) } else { Quality::none() };
        let hub = HubId::parse(&format!("hub-{}-{}", self.seed, self.person(reading.of)?.hub)).ok()?;
        let reading_of_vitals = vitals::Reading {
            id: id_of(&source, record),
            source,
            record,
            user_index: None,
            who: Who::Patient(PatientId::parse(&self.person(reading.person)?.pseudonym).ok()?),
            kind: measure.kind(),
            value: Value::Measured(measure),
            times: Times { device: None, hub_received, taken: TakenAt::DeviceClock(moment(reading.said)), offset },
            quality,
            raw: RawFrame { service: "burden".into(), characteristic: reading.kind.name().into(), bytes: Vec::new() },
        };
        let arrived = moment(reading.arrived);
        Some(Admitted { reading: reading_of_vitals, hub, sent_at: arrived, server_received: arrived })
    }

    /// Every reading as a line of the wire, in order of arrival.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        let mut order: Vec<u32> = (0..u32::try_from(self.readings.len()).unwrap_or(u32::MAX)).collect();
        let at = |place: &u32| usize::try_from(*place).ok().and_then(|place| self.readings.get(place));
        order.sort_by_key(|place| (at(place).map(|reading| reading.arrived), *place));
        order.into_iter().filter_map(move |place| {
            let admitted = self.admitted(place, at(&place)?)?;
            Some(Line {
                reading: v1::Reading::from(&admitted.reading),
                hub: admitted.hub.to_string(),
                received_at: v1::moment(admitted.server_received),
            })
        })
    }
}
