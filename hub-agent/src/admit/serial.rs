//! What a serial device's words mean as a measure.

use super::{Said, doubts, glucose};
use device_codecs::serial::{
    Measurement, Oximetry,
    contour::{ContourResult, ReferenceMethod},
    freestyle::{OptiumResult, OptiumTest, OptiumValue},
    omron::OmronRecord,
    onetouch::{self, Ultra2Record},
};
use vitals::{
    BloodPressure, Decimal, Flag, Measure, NoValue, Quantity, Unit, Value,
    measure::{Meal, OxygenSaturation, Specimen},
    quantity::{Ketone, MmHg, PerMinute, Percent},
};

/// An Optium sends ketones in eighteenths of a mmol/L and shows tenths (device-codecs, `serial::freestyle`).
const KETONE_EIGHTEENTHS: u16 = 18;
const KETONE_PLACES: u32 = 1;

/// What a measurement says.
pub(super) fn said(measurement: &Measurement) -> Said {
    let taken_at = measurement.taken_at();
    let said = match measurement {
        Measurement::NoninPacket(packet) => Said::of(oximetry(packet.patient_value(), None), taken_at),
        Measurement::NoninSecond(second) => Said::of(oximetry(second.patient_value(), None), taken_at),
        Measurement::NoninSpotCheck(check) => {
            let said = Said::of(oximetry(check.patient_value(), None), taken_at);
            Said { is_from_memory: check.is_from_memory(), ..said }
        }
        Measurement::ContecV4Live(live) => Said::of(oximetry(live.patient_value(), None), taken_at),
        // Its perfusion has no public unit, so it stays in the bytes.
        Measurement::ContecV7Live(live) => Said::of(oximetry(live.patient_value(), None), taken_at),
        Measurement::Masimo(line) => Said::of(oximetry(line.patient_value(), line.perfusion.number()), taken_at),
        Measurement::ContecV4Recorded(_) | Measurement::ContecV7Recorded(_) => {
            Said::of(Value::NotMeasured(NoValue::RecordedWithoutTime), taken_at)
        }
        Measurement::Contour(result) => Said::of(contour(result), taken_at),
        Measurement::Ultra2(record) => Said::of(ultra2(record), taken_at),
        Measurement::UltraEasy(record) => {
            Said::of(blood_glucose(record.patient_value(), Specimen::Unknown, None), taken_at)
        }
        Measurement::Optium(result) => Said::of(optium(result), taken_at),
        Measurement::Omron(record) => omron(record),
    };
    let flags = said.flags.into_iter().chain(doubts(measurement.is_doubtful())).collect();
    // What was measured is known also where it has no number: a ketone that is HI is no glucose.
    Said { kind: Some(measurement.measures()), flags, ..said }
}

/// Saturation with what came with it; a pulse or perfusion that the device could not tell is left out.
fn oximetry(said: Oximetry, perfusion: Option<Decimal>) -> Value<Measure> {
    match said.saturation {
        Value::Measured(saturation) => Value::Measured(Measure::Spo2(OxygenSaturation {
            saturation: Percent::new(saturation),
            pulse: said.rate.measured().copied().map(PerMinute::new),
            perfusion: perfusion.filter(|index| *index != Decimal::from(0)).map(Percent::new),
        })),
        Value::NotMeasured(reason) => Value::NotMeasured(reason),
    }
}

fn blood_glucose(sent: Result<Quantity, NoValue>, specimen: Specimen, meal: Option<Meal>) -> Value<Measure> {
    sent.and_then(|sent| glucose::reading(sent, specimen, None, meal)).into()
}

fn contour(result: &ContourResult) -> Value<Measure> {
    let specimen = match result.reference {
        Some(ReferenceMethod::Plasma) => Specimen::UndeterminedPlasma,
        Some(ReferenceMethod::WholeBlood) => Specimen::UndeterminedWholeBlood,
        Some(ReferenceMethod::Capillary) => Specimen::CapillaryWholeBlood,
        Some(ReferenceMethod::Deproteinized) | None => Specimen::Unknown,
    };
    let is_marked = |mark: &str| result.markers.iter().any(|marker| marker == mark);
    let meal = match (is_marked("F"), is_marked("B"), is_marked("A")) {
        (true, _, _) => Some(Meal::Fasting),
        (false, true, _) => Some(Meal::BeforeMeal),
        (false, false, true) => Some(Meal::AfterMeal),
        (false, false, false) => None,
    };
    blood_glucose(result.patient_value(), specimen, meal)
}

fn ultra2(record: &Ultra2Record) -> Value<Measure> {
    let meal = match record.meal {
        onetouch::Meal::None => None,
        onetouch::Meal::Before => Some(Meal::BeforeMeal),
        onetouch::Meal::After => Some(Meal::AfterMeal),
    };
    blood_glucose(record.patient_value(), Specimen::Unknown, meal)
}

/// A glucose or a ketone: the meter tells them apart, and so do we.
fn optium(result: &OptiumResult) -> Value<Measure> {
    match (result.test, result.value) {
        (OptiumTest::Glucose, _) => blood_glucose(result.patient_value(), Specimen::Unknown, None),
        (OptiumTest::Ketone, _) if result.is_control() => Value::NotMeasured(NoValue::ControlSolution),
        (OptiumTest::Ketone, OptiumValue::High) => Value::NotMeasured(NoValue::PositiveInfinity),
        (OptiumTest::Ketone, OptiumValue::Low) => Value::NotMeasured(NoValue::NegativeInfinity),
        (OptiumTest::Ketone, OptiumValue::Number(eighteenths)) => ketone(eighteenths).into(),
    }
}

fn ketone(eighteenths: u16) -> Result<Measure, NoValue> {
    let shown = Decimal::from(eighteenths).divided_rounded(Decimal::from(KETONE_EIGHTEENTHS), KETONE_PLACES);
    let sent = Quantity::new(shown.ok_or(NoValue::OutOfRange)?, Unit::MillimolesPerLitre);
    Ketone::new(sent).map(Measure::Ketone).map_err(|_wrong_unit| NoValue::OutOfRange)
}

fn omron(record: &OmronRecord) -> Said {
    let value = record.patient_value().map(|(systolic, diastolic)| {
        Measure::BloodPressure(BloodPressure {
            systolic: MmHg::new(Decimal::from(systolic)),
            diastolic: MmHg::new(Decimal::from(diastolic)),
            mean: None,
            pulse: (record.pulse > 0).then(|| PerMinute::new(Decimal::from(u16::from(record.pulse)))),
            posture: None,
            arm: None,
        })
    });
    let flags = [record.is_irregular.then_some(Flag::IrregularPulse), record.is_movement.then_some(Flag::BodyMovement)];
    let number = record.number.map(u32::from);
    Said { flags: flags.into_iter().flatten().collect(), number, ..Said::of(value.into(), record.taken_at) }
}
