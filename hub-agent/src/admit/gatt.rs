//! What a Bluetooth device's words mean as a measure.

use super::{Said, body, doubts, glucose};
use device_codecs::{
    DeviceTimeField, Frame,
    gatt::{
        BloodPressureMeasurement, ContinuousOximetry, HeartRateMeasurement, Measurement, SpotOximetry,
        oximetry::PatientSpo2,
    },
};
use vitals::{
    BloodPressure, Flag, Measure, NoValue, Value,
    float11073::DeviceNumber,
    measure::{HeartRate, OxygenSaturation, RrIntervals},
    quantity::{Kilojoules, MmHg, PerMinute, Percent},
};

/// What a measurement says.
pub(super) fn said(measurement: &Measurement, frame: &Frame) -> Said {
    match measurement {
        Measurement::BloodPressure(cuff) => Said {
            user_index: cuff.user_index,
            flags: status_flags(cuff.status),
            ..Said::of(blood_pressure(cuff), cuff.taken_at)
        },
        // The cuff still fills, the thermometer still rises: what comes after is the reading.
        Measurement::CuffPressure(cuff) => {
            Said { user_index: cuff.user_index, ..Said::of(Value::NotMeasured(NoValue::NotSettled), cuff.taken_at) }
        }
        Measurement::IntermediateTemperature(rising) => {
            Said::of(Value::NotMeasured(NoValue::NotSettled), rising.taken_at)
        }
        Measurement::Temperature(temperature) => body::temperature(temperature),
        Measurement::Weight(weighing) => body::weight(weighing),
        Measurement::BodyComposition(composition) => body::composition(composition),
        Measurement::AdvertisedWeight(weighing) | Measurement::AdvertisedBodyComposition(weighing) => {
            body::advertised(weighing)
        }
        Measurement::Glucose(measurement) => glucose::measurement(measurement),
        Measurement::GlucoseContext(context) => glucose::context(context, frame.counts_from),
        Measurement::Cgm(record) => glucose::cgm(record, frame.counts_from),
        Measurement::SpotOximetry(spot) => spot_oximetry(spot),
        Measurement::ContinuousOximetry(moment) => continuous_oximetry(moment),
        Measurement::HeartRate(moment) => heart_rate(moment),
    }
}

/// Both pressures, or the reason there is no measurement. A mean or pulse that the cuff could not tell is left out.
fn blood_pressure(cuff: &BloodPressureMeasurement) -> Value<Measure> {
    let pressure = |number: DeviceNumber| -> Result<MmHg, NoValue> {
        MmHg::from_pressure(number.quantity(cuff.unit.unit())?).map_err(|_too_large_to_convert| NoValue::OutOfRange)
    };
    let pulse =
        |number: DeviceNumber| number.quantity(PerMinute::UNIT).ok().map(|quantity| PerMinute::new(quantity.value()));
    match (pressure(cuff.systolic), pressure(cuff.diastolic)) {
        (Ok(systolic), Ok(diastolic)) => Value::Measured(Measure::BloodPressure(BloodPressure {
            systolic,
            diastolic,
            mean: pressure(cuff.mean).ok(),
            pulse: cuff.pulse.and_then(pulse),
            posture: None,
            arm: None,
        })),
        (Err(reason), _) | (Ok(_), Err(reason)) => Value::NotMeasured(reason),
    }
}

/// The flags of a 2A35 status; reserved bits are ignored (real cuffs set them) and stay in the raw bytes.
fn status_flags(status: Option<u16>) -> Vec<Flag> {
    let status = status.unwrap_or(0);
    let bit = |bit: u16, flag: Flag| (status >> bit & 1 == 1).then_some(flag);
    let pulse_range = match status >> 3 & 0b11 {
        1 => Some(Flag::PulseAboveRange),
        2 => Some(Flag::PulseBelowRange),
        _ => None,
    };
    [
        bit(0, Flag::BodyMovement),
        bit(1, Flag::CuffTooLoose),
        bit(2, Flag::IrregularPulse),
        pulse_range,
        bit(5, Flag::ImproperPosition),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A spot check. Where the oximeter says that its clock was never set, its time is none, whatever it says.
fn spot_oximetry(spot: &SpotOximetry) -> Said {
    let (taken_at, unset) = if spot.is_clock_not_set {
        (DeviceTimeField::Absent, Some(Flag::DeviceClockNotSet))
    } else {
        (spot.taken_at, None)
    };
    let said = Said::of(saturation(spot.patient_value()), taken_at);
    let flags = doubts(spot.is_questionable()).into_iter().chain(unset).collect();
    Said { flags, is_from_memory: spot.is_from_memory(), ..said }
}

fn continuous_oximetry(moment: &ContinuousOximetry) -> Said {
    let said = Said::of(saturation(moment.patient_value()), DeviceTimeField::Absent);
    Said { flags: doubts(moment.is_questionable()), is_from_memory: moment.is_from_memory(), ..said }
}

fn saturation(value: Result<PatientSpo2, NoValue>) -> Value<Measure> {
    match value {
        Ok(value) => Value::Measured(Measure::Spo2(OxygenSaturation {
            saturation: Percent::new(value.spo2.value()),
            pulse: value.pulse.ok().map(|pulse| PerMinute::new(pulse.value())),
            perfusion: value.perfusion.map(|perfusion| Percent::new(perfusion.value())),
        })),
        Err(reason) => Value::NotMeasured(reason),
    }
}

fn heart_rate(moment: &HeartRateMeasurement) -> Said {
    let value = moment.patient_value().and_then(|rate| {
        let rr = RrIntervals::new(moment.intervals_1024.clone()).map_err(|_too_many| NoValue::OutOfRange)?;
        Ok(Measure::HeartRate(HeartRate {
            rate: PerMinute::new(rate.value()),
            contact: moment.has_contact,
            energy: moment.energy_kj.map(|energy| Kilojoules::new(energy.into())),
            rr,
        }))
    });
    Said::of(value.into(), DeviceTimeField::Absent)
}
