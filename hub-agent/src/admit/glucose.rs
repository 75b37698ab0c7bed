//! Glucose: what a meter's or a sensor's words mean as a measure. The unit stays the one that was sent.

use super::{Said, doubts, times::Stated};
use device_codecs::{
    CountsFrom, DeviceTimeField,
    gatt::{
        self, CgmRecord, GlucoseMeasurement,
        glucose_context::{Medication as SentMedication, MedicationUnit},
    },
};
use vitals::{
    Measure, NoValue, Quantity, Unit, Value,
    float11073::DeviceNumber,
    measure::{
        Carbohydrate, Exercise, Food, GlucoseContext, GlucoseReading, Health, Meal, Medication, MedicationKind,
        SampleSite, Specimen, Tester,
    },
    quantity::{Dose, Glucose, Grams, Percent, Seconds},
};

/// Powers of ten from kilograms to grams, and from kilograms or litres to milligrams or millilitres.
const KILO: i8 = 3;
const KILO_TO_MILLI: i8 = 6;

/// Exercise that lasted longer than a meter can say (2A34).
const OVERRUN: u16 = u16::MAX;

/// One measurement of a meter.
pub(super) fn measurement(said: &GlucoseMeasurement) -> Said {
    let value = said.patient_value().and_then(|sent| {
        let specimen = said.concentration.map_or(Specimen::Unknown, |sent| Specimen::from_gatt(sent.specimen));
        let site = said.concentration.and_then(|sent| SampleSite::from_gatt(sent.location));
        reading(sent, specimen, site, None)
    });
    let taken_at = match (said.has_time_fault(), said.measured_at()) {
        (false, Some(time)) => DeviceTimeField::Stated(time),
        // The meter says that it was without a clock, or its offset leads out of the calendar.
        (true, _) => DeviceTimeField::Absent,
        (false, None) => match said.base_time {
            DeviceTimeField::Impossible(bytes) => DeviceTimeField::Impossible(bytes),
            DeviceTimeField::Stated(_) | DeviceTimeField::Absent => DeviceTimeField::Absent,
        },
    };
    let (sequence, flags) = (Some(u32::from(said.sequence)), doubts(said.is_doubtful()));
    Said { number: sequence, flags, ..Said::of(value.into(), taken_at) }
}

/// One record of a continuous sensor: interstitial, whatever the sensor's name. `start` is when its session began; without
/// it nothing tells what was just felt from what stands in the sensor's memory.
pub(super) fn cgm(said: &CgmRecord, start: Option<CountsFrom>) -> Said {
    let value = said.patient_value().and_then(|sent| reading(sent, Specimen::InterstitialFluid, None, None));
    let minutes = said.time_offset_min;
    let counted = start.filter(|start| start.minutes_after(minutes).is_some());
    Said {
        taken_at: counted.map_or(Stated::Field(DeviceTimeField::Absent), |from| Stated::Counted { from, minutes }),
        // The offset begins again with each session, so it is no number of the record; start and offset are its time.
        is_from_memory: true,
        flags: doubts(said.is_doubtful()),
        ..Said::of(value.into(), DeviceTimeField::Absent)
    }
}

/// A concentration as the measure it is. A control solution is none.
pub(super) fn reading(
    sent: Quantity,
    specimen: Specimen,
    site: Option<SampleSite>,
    meal: Option<Meal>,
) -> Result<Measure, NoValue> {
    let concentration = Glucose::new(sent).map_err(|_wrong_unit| NoValue::OutOfRange)?;
    GlucoseReading::new(concentration, specimen, site, meal).map(Measure::Glucose)
}

/// What stood beside a measurement. A part the meter could not tell is left out.
///
/// `measured` is when the measurement was: the context's own frame does not say. It is known by that time, because its
/// sequence number begins again when a meter loses its memory, and the bytes of two contexts are soon the same ("before a
/// meal"); only where no measurement with a time was heard, its number must do.
pub(super) fn context(said: &gatt::GlucoseContext, measured: Option<CountsFrom>) -> Said {
    let shifted = |number: DeviceNumber, by: i8, unit: Unit| match number {
        DeviceNumber::Number { mantissa, exponent } => {
            DeviceNumber::Number { mantissa, exponent: exponent.saturating_add(by) }.quantity(unit).ok()
        }
        DeviceNumber::Special(_) => None,
    };
    let carbohydrate = said.carbohydrate.and_then(|sent| {
        let mass = Grams::new(shifted(sent.kilograms, KILO, Unit::Grams)?.value());
        Some(Carbohydrate { food: Food::from_gatt(sent.id), mass })
    });
    let dose = |sent: SentMedication| {
        let unit = match sent.unit {
            MedicationUnit::Kilograms => Unit::Milligrams,
            MedicationUnit::Litres => Unit::Millilitres,
        };
        let dose = Dose::new(shifted(sent.amount, KILO_TO_MILLI, unit)?).ok()?;
        Some(Medication { kind: MedicationKind::from_gatt(sent.id), dose })
    };
    let measure = Measure::GlucoseContext(GlucoseContext {
        sequence: said.sequence,
        meal: said.meal.and_then(Meal::from_gatt),
        carbohydrate,
        exercise: said.exercise.map(|sent| Exercise {
            duration: (sent.duration_secs != OVERRUN).then(|| Seconds::new(sent.duration_secs.into())),
            intensity: Percent::new(u16::from(sent.intensity_percent).into()),
        }),
        medication: said.medication.and_then(dose),
        hba1c: said
            .hba1c_percent
            .and_then(|share| share.quantity(Unit::Percent).ok())
            .map(|share| Percent::new(share.value())),
        health: said.tester_health.and_then(|pair| Health::from_gatt(pair.health)),
        tester: said.tester_health.and_then(|pair| Tester::from_gatt(pair.tester)),
    });
    let taken_at = measured.map_or(DeviceTimeField::Absent, |from| DeviceTimeField::Stated(from.local));
    let is_known_by_time = taken_at.stated().is_some_and(|time| time.set_local().is_some());
    let number = (!is_known_by_time).then(|| u32::from(said.sequence));
    Said { number, ..Said::of(Value::Measured(measure), taken_at) }
}
