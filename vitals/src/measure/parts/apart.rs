//! Taking a measure apart.

use super::{Parts, Word};
use crate::{
    decimal::Decimal,
    measure::{
        BodyComposition, BodyWeight, GlucoseContext, GlucoseReading, HeartRate, Measure, OxygenSaturation, Specimen,
        Steps, SuppliedOxygen,
    },
    quantity::{Centimetres, Kilograms, Percent, Quantity, Unit},
};

type Numbers = Vec<(&'static str, Quantity)>;
type Said = Vec<(Word, String)>;

impl Parts {
    /// The parts of a measure.
    #[must_use]
    pub fn of(measure: &Measure) -> Self {
        let rr_intervals = if let Measure::HeartRate(heart) = measure { heart.rr.ticks().to_vec() } else { Vec::new() };
        let sequence = if let Measure::GlucoseContext(context) = measure { Some(context.sequence) } else { None };
        Self { numbers: numbers(measure), said: said(measure), rr_intervals, sequence }
    }
}

/// The numbers of a measure, by the catalogue's names.
pub(crate) fn numbers(measure: &Measure) -> Numbers {
    match measure {
        Measure::BloodPressure(pressure) => {
            let both = [("systolic", pressure.systolic.quantity()), ("diastolic", pressure.diastolic.quantity())];
            let mean = pressure.mean.map(|mean| ("mean", mean.quantity()));
            let pulse = pressure.pulse.map(|pulse| ("cuff_pulse", pulse.quantity()));
            both.into_iter().chain(mean).chain(pulse).collect()
        }
        Measure::Pulse(rate) => vec![("pulse", rate.quantity())],
        Measure::HeartRate(HeartRate { rate, energy, .. }) => {
            let energy = energy.map(|energy| ("energy_expended", energy.quantity()));
            [("heart_rate", rate.quantity())].into_iter().chain(energy).collect()
        }
        Measure::Spo2(OxygenSaturation { saturation, pulse, perfusion }) => {
            let pulse = pulse.map(|pulse| ("oximeter_pulse", pulse.quantity()));
            let perfusion = perfusion.map(|perfusion| ("perfusion", perfusion.quantity()));
            [("spo2", saturation.quantity())].into_iter().chain(pulse).chain(perfusion).collect()
        }
        Measure::Weight(BodyWeight { mass, bmi, height }) => {
            let bmi = bmi.map(|bmi| ("scale_bmi", bmi.quantity()));
            let height = height.map(|height| ("scale_height", height.quantity()));
            [("weight", mass.quantity())].into_iter().chain(bmi).chain(height).collect()
        }
        Measure::Height(height) => vec![("height", height.quantity())],
        Measure::Bmi(bmi) => vec![("bmi", bmi.quantity())],
        Measure::BodyComposition(composition) => of_composition(composition),
        Measure::Temperature(temperature) => vec![("temperature", temperature.value.quantity())],
        Measure::Glucose(glucose) => vec![(glucose_name(glucose), glucose.concentration().quantity())],
        Measure::GlucoseContext(context) => of_context(context),
        Measure::Ketone(ketone) => {
            let is_mg = ketone.quantity().unit() == Unit::MilligramsPerDecilitre;
            vec![(if is_mg { "ketone_mg" } else { "ketone" }, ketone.quantity())]
        }
        Measure::RespiratoryRate(rate) => vec![("respiratory_rate", rate.quantity())],
        Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: Some(flow) }) => vec![("oxygen_flow", flow.quantity())],
        Measure::PeakFlow(flow) => vec![("peak_flow", flow.quantity())],
        Measure::Fev1(volume) => vec![("fev1", volume.quantity())],
        Measure::Fvc(volume) => vec![("fvc", volume.quantity())],
        Measure::Steps(Steps { count, over }) => {
            let count = Decimal::from_parts(i64::from(*count), 0).map(|count| Quantity::new(count, Unit::Steps));
            let over = over.map(|over| ("steps_duration", over.quantity()));
            count.map(|count| ("steps", count)).into_iter().chain(over).collect()
        }
        Measure::Consciousness(_)
        | Measure::SuppliedOxygen(SuppliedOxygen::Air | SuppliedOxygen::Oxygen { flow: None })
        | Measure::Symptom(_) => Vec::new(),
    }
}

/// The name tells interstitial fluid from blood, so that no bound for one can ever judge the other.
fn glucose_name(glucose: &GlucoseReading) -> &'static str {
    let is_mg = glucose.concentration().quantity().unit() == Unit::MilligramsPerDecilitre;
    match (glucose.specimen() == Specimen::InterstitialFluid, is_mg) {
        (false, false) => "glucose",
        (false, true) => "glucose_mg",
        (true, false) => "glucose_interstitial",
        (true, true) => "glucose_interstitial_mg",
    }
}

fn of_composition(composition: &BodyComposition) -> Numbers {
    let parts = composition.parts();
    [
        ("body_fat", parts.fat.map(Percent::quantity)),
        ("muscle_share", parts.muscle_share.map(Percent::quantity)),
        ("muscle_mass", parts.muscle_mass.map(Kilograms::quantity)),
        ("fat_free_mass", parts.fat_free_mass.map(Kilograms::quantity)),
        ("soft_lean_mass", parts.soft_lean_mass.map(Kilograms::quantity)),
        ("water_mass", parts.water_mass.map(Kilograms::quantity)),
        ("impedance", parts.impedance.map(|impedance| impedance.quantity())),
        ("basal_metabolism", parts.basal_metabolism.map(|energy| energy.quantity())),
        ("composition_weight", parts.weight.map(Kilograms::quantity)),
        ("composition_height", parts.height.map(Centimetres::quantity)),
    ]
    .into_iter()
    .filter_map(|(name, quantity)| Some((name, quantity?)))
    .collect()
}

fn of_context(context: &GlucoseContext) -> Numbers {
    let dose = context.medication.map(|medication| medication.dose.quantity());
    let dose_name =
        if dose.is_some_and(|dose| dose.unit() == Unit::Millilitres) { "medication_ml" } else { "medication_mg" };
    [
        ("carbohydrate", context.carbohydrate.map(|eaten| eaten.mass.quantity())),
        ("exercise_duration", context.exercise.and_then(|taken| taken.duration).map(|duration| duration.quantity())),
        ("exercise_intensity", context.exercise.map(|taken| taken.intensity.quantity())),
        (dose_name, dose),
        ("hba1c", context.hba1c.map(Percent::quantity)),
    ]
    .into_iter()
    .filter_map(|(name, quantity)| Some((name, quantity?)))
    .collect()
}

/// The words of a measure.
fn said(measure: &Measure) -> Said {
    let words = match measure {
        Measure::BloodPressure(pressure) => vec![
            (Word::Posture, pressure.posture.map(|posture| posture.name())),
            (Word::Arm, pressure.arm.map(|arm| arm.name())),
        ],
        Measure::HeartRate(heart) => {
            vec![(Word::Contact, heart.contact.map(|touches| if touches { "yes" } else { "no" }))]
        }
        Measure::Temperature(temperature) => vec![(Word::Site, temperature.site.map(|site| site.name()))],
        Measure::Glucose(glucose) => vec![
            // Said also where it is unknown: that the device did not say is a word about the reading too.
            (Word::Specimen, Some(glucose.specimen().name())),
            (Word::Site, glucose.site().map(|site| site.name())),
            (Word::Meal, glucose.meal().map(|meal| meal.name())),
        ],
        Measure::GlucoseContext(context) => vec![
            (Word::Meal, context.meal.map(|meal| meal.name())),
            (Word::Food, context.carbohydrate.and_then(|eaten| eaten.food).map(|food| food.name())),
            (Word::Medication, context.medication.and_then(|taken| taken.kind).map(|kind| kind.name())),
            (Word::Health, context.health.map(|health| health.name())),
            (Word::Tester, context.tester.map(|tester| tester.name())),
        ],
        Measure::Consciousness(level) => vec![(Word::Consciousness, Some(level.name()))],
        Measure::SuppliedOxygen(SuppliedOxygen::Air) => vec![(Word::Oxygen, Some("air"))],
        Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { .. }) => vec![(Word::Oxygen, Some("oxygen"))],
        Measure::Symptom(symptom) => {
            vec![(Word::Question, Some(symptom.question.as_str())), (Word::Answer, Some(symptom.answer.name()))]
        }
        Measure::Pulse(_)
        | Measure::Spo2(_)
        | Measure::Weight(_)
        | Measure::Height(_)
        | Measure::Bmi(_)
        | Measure::BodyComposition(_)
        | Measure::Ketone(_)
        | Measure::RespiratoryRate(_)
        | Measure::PeakFlow(_)
        | Measure::Fev1(_)
        | Measure::Fvc(_)
        | Measure::Steps(_) => Vec::new(),
    };
    words.into_iter().filter_map(|(about, word)| Some((about, word?.to_owned()))).collect()
}
