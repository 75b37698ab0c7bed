//! Measures in words: the main value, and what came with it.
//!
//! Invariant: what must not be mistaken for something else says what it is in its main value, not beside it: glucose of a
//! sensor is never shown as if it were of blood.

use super::reading::{grouped, quantity};
use vitals::{
    BloodPressure, Measure, Quantity, Unit, catalogue,
    measure::{
        Acvpu, Answer, Arm, BodyComposition, Food, GlucoseContext, GlucoseReading, Health, HeartRate, Meal,
        MedicationKind, Posture, SampleSite, Site, Specimen, SuppliedOxygen, Symptom, Tester,
    },
};

/// The main value of a measure: "182/118mmHg", "pulse 96 beats a minute", "14.2mmol/L", "new confusion".
///
/// ```
/// use vitals::{Decimal, Measure, quantity::PerMinute};
/// let rate = PerMinute::new(Decimal::from(18));
/// assert_eq!(look::words::measure(&Measure::Pulse(rate)), "pulse 18 beats a minute");
/// assert_eq!(look::words::measure(&Measure::RespiratoryRate(rate)), "18 breaths a minute");
/// ```
#[must_use]
pub fn measure(measure: &Measure) -> String {
    match measure {
        Measure::BloodPressure(both) => pressure(both),
        Measure::Pulse(rate) => format!("pulse {}", quantity(rate.quantity())),
        Measure::HeartRate(heart) => quantity(heart.rate.quantity()),
        Measure::Spo2(oxygen) => quantity(oxygen.saturation.quantity()),
        Measure::Weight(weight) => quantity(weight.mass.quantity()),
        Measure::Height(height) => quantity(height.quantity()),
        Measure::Bmi(bmi) => quantity(bmi.quantity()),
        Measure::BodyComposition(composition) => shares(composition).into_iter().next().unwrap_or_default(),
        Measure::Temperature(temperature) => quantity(temperature.value.quantity()),
        Measure::Glucose(reading) => glucose(reading),
        Measure::GlucoseContext(context) => {
            let parts = beside_glucose(context);
            if parts.is_empty() { "nothing was noted".to_owned() } else { parts.join(", ") }
        }
        Measure::Ketone(ketone) => quantity(ketone.quantity()),
        Measure::RespiratoryRate(rate) => of_component("respiratory_rate", rate.quantity()),
        Measure::Consciousness(level) => consciousness(*level).to_owned(),
        Measure::SuppliedOxygen(SuppliedOxygen::Air) => "room air".to_owned(),
        Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: None }) => "supplied oxygen".to_owned(),
        Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: Some(flow) }) => {
            format!("supplied oxygen, {}", quantity(flow.quantity()))
        }
        Measure::PeakFlow(flow) => quantity(flow.quantity()),
        Measure::Fev1(volume) | Measure::Fvc(volume) => quantity(volume.quantity()),
        Measure::Steps(steps) => {
            let unit = if steps.count == 1 { " step" } else { Unit::Steps.plain() };
            format!("{}{unit}", grouped(&steps.count.to_string()))
        }
        Measure::Symptom(symptom) => answer(symptom),
    }
}

/// What came with the main value: "pulse 96 beats a minute", "mean 120mmHg", "sitting", "in the mouth".
#[must_use]
pub fn details(measure: &Measure) -> Vec<String> {
    match measure {
        Measure::BloodPressure(pressure) => {
            let pulse = pressure.pulse.map(|rate| format!("pulse {}", quantity(rate.quantity())));
            let mean = pressure.mean.map(|mean| format!("mean {}", quantity(mean.quantity())));
            let posture = pressure.posture.map(|posture| word(posture_words(posture)));
            let arm = pressure.arm.map(|arm| word(arm_words(arm)));
            [pulse, mean, posture, arm].into_iter().flatten().collect()
        }
        Measure::HeartRate(heart) => of_heart(heart),
        Measure::Spo2(oxygen) => {
            let pulse = oxygen.pulse.map(|rate| format!("pulse {}", quantity(rate.quantity())));
            let signal = oxygen.perfusion.map(|share| format!("signal strength {}", quantity(share.quantity())));
            [pulse, signal].into_iter().flatten().collect()
        }
        Measure::Weight(weight) => {
            let bmi = weight.bmi.map(|bmi| format!("BMI {}", quantity(bmi.quantity())));
            let height = weight.height.map(|height| in_settings(height.quantity()));
            [bmi, height].into_iter().flatten().collect()
        }
        Measure::BodyComposition(composition) => shares(composition).into_iter().skip(1).collect(),
        Measure::Temperature(temperature) => temperature.site.map(|site| word(site_words(site))).into_iter().collect(),
        Measure::Glucose(reading) => {
            let specimen = specimen_words(reading.specimen()).map(word);
            let site = reading.site().map(|site| word(sample_site_words(site)));
            let meal = reading.meal().map(|meal| word(meal_words(meal)));
            [specimen, site, meal].into_iter().flatten().collect()
        }
        Measure::Steps(steps) => {
            steps.over.map(|over| format!("in {}", quantity(over.quantity()))).into_iter().collect()
        }
        Measure::Pulse(_)
        | Measure::Height(_)
        | Measure::Bmi(_)
        | Measure::GlucoseContext(_)
        | Measure::Ketone(_)
        | Measure::RespiratoryRate(_)
        | Measure::Consciousness(_)
        | Measure::SuppliedOxygen(_)
        | Measure::PeakFlow(_)
        | Measure::Fev1(_)
        | Measure::Fvc(_)
        | Measure::Symptom(_) => Vec::new(),
    }
}

fn word(text: &str) -> String {
    text.to_owned()
}

/// An amount with the unit that people write after this component.
fn of_component(name: &str, sent: Quantity) -> String {
    let unit = catalogue::component(name).map_or(sent.unit().plain(), catalogue::Component::unit_plain);
    format!("{}{unit}", grouped(&sent.value().to_string()))
}

fn pressure(both: &BloodPressure) -> String {
    let amount = |pressure: vitals::quantity::MmHg| grouped(&pressure.value().to_string());
    format!("{}/{}{}", amount(both.systolic), amount(both.diastolic), Unit::MillimetresOfMercury.plain())
}

fn of_heart(heart: &HeartRate) -> Vec<String> {
    let contact = heart.contact.filter(|touches| !touches).map(|_| word("the sensor did not touch the skin"));
    let energy = heart.energy.map(|energy| format!("{} spent", quantity(energy.quantity())));
    let intervals = match (heart.rr.milliseconds().min(), heart.rr.milliseconds().max()) {
        (Some(shortest), Some(longest)) if shortest == longest => Some(format!("{shortest}ms between beats")),
        (Some(shortest), Some(longest)) => Some(format!("{shortest}ms to {longest}ms between beats")),
        (None, _) | (_, None) => None,
    };
    [contact, energy, intervals].into_iter().flatten().collect()
}

fn glucose(reading: &GlucoseReading) -> String {
    let amount = quantity(reading.concentration().quantity());
    if reading.specimen() == Specimen::InterstitialFluid { format!("{amount} by sensor") } else { amount }
}

fn in_settings(height: Quantity) -> String {
    format!("height {} in the scale's settings", quantity(height))
}

/// Every part of a body composition, fat first.
fn shares(composition: &BodyComposition) -> Vec<String> {
    let parts = composition.parts();
    [
        parts.fat.map(|share| format!("{} fat", quantity(share.quantity()))),
        parts.muscle_share.map(|share| format!("{} muscle", quantity(share.quantity()))),
        parts.muscle_mass.map(|mass| format!("{} muscle", quantity(mass.quantity()))),
        parts.fat_free_mass.map(|mass| format!("{} without fat", quantity(mass.quantity()))),
        parts.soft_lean_mass.map(|mass| format!("{} soft lean mass", quantity(mass.quantity()))),
        parts.water_mass.map(|mass| format!("{} water", quantity(mass.quantity()))),
        parts.impedance.map(|impedance| format!("impedance {}", quantity(impedance.quantity()))),
        parts.basal_metabolism.map(|energy| format!("{} a day at rest", quantity(energy.quantity()))),
        parts.weight.map(|mass| format!("weight {}", quantity(mass.quantity()))),
        parts.height.map(|height| in_settings(height.quantity())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn beside_glucose(context: &GlucoseContext) -> Vec<String> {
    let eaten = context.carbohydrate.map(|eaten| {
        let food = eaten.food.map(|food| format!(" at {}", food_words(food))).unwrap_or_default();
        format!("{} carbohydrate{food}", quantity(eaten.mass.quantity()))
    });
    let exercise = context.exercise.map(|taken| {
        let intensity = quantity(taken.intensity.quantity());
        match taken.duration {
            Some(duration) => format!("exercise for {} at {intensity}", quantity(duration.quantity())),
            None => format!("exercise at {intensity}"),
        }
    });
    let medication = context.medication.map(|taken| {
        let kind = taken.kind.map_or("medication", medication_words);
        format!("{} {kind}", quantity(taken.dose.quantity()))
    });
    [
        context.meal.map(|meal| word(meal_words(meal))),
        eaten,
        exercise,
        medication,
        context.hba1c.map(|share| format!("HbA1c {}", quantity(share.quantity()))),
        context.health.map(|health| word(health_words(health))),
        context.tester.map(|tester| word(tester_words(tester))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The code of a question stands for its words until a pack gives them.
fn answer(symptom: &Symptom) -> String {
    let question = symptom.question.as_str().replace(['_', '-'], " ");
    let said = match symptom.answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::NotAsked => "not asked",
    };
    format!("{question}: {said}")
}

fn consciousness(level: Acvpu) -> &'static str {
    match level {
        Acvpu::Alert => "alert",
        Acvpu::Confusion => "new confusion",
        Acvpu::Voice => "responds to voice only",
        Acvpu::Pain => "responds to pain only",
        Acvpu::Unresponsive => "unresponsive",
    }
}

fn posture_words(posture: Posture) -> &'static str {
    match posture {
        Posture::Sitting => "sitting",
        Posture::Standing => "standing",
        Posture::Lying => "lying down",
    }
}

fn arm_words(arm: Arm) -> &'static str {
    match arm {
        Arm::Left => "left arm",
        Arm::Right => "right arm",
    }
}

fn site_words(site: Site) -> &'static str {
    match site {
        Site::Armpit => "under the arm",
        Site::Body => "on the body",
        Site::Ear => "at the ear",
        Site::Finger => "at a finger",
        Site::GastroIntestinalTract => "in the gut",
        Site::Mouth => "in the mouth",
        Site::Rectum => "in the rectum",
        Site::Toe => "at a toe",
        Site::Tympanum => "in the ear",
    }
}

fn specimen_words(specimen: Specimen) -> Option<&'static str> {
    match specimen {
        Specimen::CapillaryWholeBlood => Some("finger-prick blood"),
        Specimen::CapillaryPlasma => Some("finger-prick plasma"),
        Specimen::VenousWholeBlood => Some("blood from a vein"),
        Specimen::VenousPlasma => Some("plasma from a vein"),
        Specimen::ArterialWholeBlood => Some("blood from an artery"),
        Specimen::ArterialPlasma => Some("plasma from an artery"),
        Specimen::UndeterminedWholeBlood => Some("blood"),
        Specimen::UndeterminedPlasma => Some("plasma"),
        Specimen::InterstitialFluid => Some("fluid under the skin"),
        Specimen::ControlSolution => Some("control solution"),
        Specimen::Unknown => None,
    }
}

fn sample_site_words(site: SampleSite) -> &'static str {
    match site {
        SampleSite::Finger => "from a finger",
        SampleSite::AlternateSite => "from another place than a finger",
        SampleSite::Earlobe => "from an ear lobe",
        SampleSite::ControlSolution => "from a bottle",
        SampleSite::SubcutaneousTissue => "under the skin",
    }
}

fn meal_words(meal: Meal) -> &'static str {
    match meal {
        Meal::BeforeMeal => "before a meal",
        Meal::AfterMeal => "after a meal",
        Meal::Fasting => "fasting",
        Meal::Casual => "between meals",
        Meal::Bedtime => "at bedtime",
    }
}

fn food_words(food: Food) -> &'static str {
    match food {
        Food::Breakfast => "breakfast",
        Food::Lunch => "lunch",
        Food::Dinner => "dinner",
        Food::Snack => "a snack",
        Food::Drink => "a drink",
        Food::Supper => "supper",
        Food::Brunch => "brunch",
    }
}

fn medication_words(kind: MedicationKind) -> &'static str {
    match kind {
        MedicationKind::RapidActingInsulin => "rapid-acting insulin",
        MedicationKind::ShortActingInsulin => "short-acting insulin",
        MedicationKind::IntermediateActingInsulin => "intermediate-acting insulin",
        MedicationKind::LongActingInsulin => "long-acting insulin",
        MedicationKind::PreMixedInsulin => "pre-mixed insulin",
    }
}

fn health_words(health: Health) -> &'static str {
    match health {
        Health::MinorIssues => "slightly unwell",
        Health::MajorIssues => "very unwell",
        Health::DuringMenses => "during a period",
        Health::UnderStress => "under stress",
        Health::NoIssues => "not unwell",
    }
}

fn tester_words(tester: Tester) -> &'static str {
    match tester {
        Tester::Person => "measured by the person",
        Tester::Professional => "measured by a health professional",
        Tester::Laboratory => "measured by a laboratory",
    }
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
