//! Every kind of measure in words: a row for each thing that people read, through the two functions.

use super::*;
use vitals::{
    Decimal, Kind,
    measure::{
        BodyWeight, Carbohydrate, CompositionParts, Exercise, Medication, OxygenSaturation, Question, RrIntervals,
        Steps, Temperature,
    },
    quantity::{
        BodyMassIndex, Celsius, Centimetres, Dose, Glucose, Grams, Ketone, Kilograms, Kilojoules, Litres,
        LitresPerMinute, Minutes, MmHg, Ohms, PerMinute, Percent, Seconds,
    },
};

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn glucose_in(amount: &str, unit: Unit, specimen: Specimen, site: Option<SampleSite>) -> Measure {
    let concentration = Glucose::new(Quantity::new(number(amount), unit)).unwrap();
    Measure::Glucose(GlucoseReading::new(concentration, specimen, site, Some(Meal::BeforeMeal)).unwrap())
}

fn composition(parts: CompositionParts) -> Measure {
    Measure::BodyComposition(BodyComposition::new(parts).unwrap())
}

fn symptom(question: &str, answer: Answer) -> Measure {
    Measure::Symptom(Symptom { question: Question::parse(question).unwrap(), answer })
}

fn rows() -> Vec<(Measure, &'static str, Vec<&'static str>)> {
    let percent = |text| Percent::new(number(text));
    let rate = |text| PerMinute::new(number(text));
    let cm = |text| Centimetres::new(number(text));
    let kg = |text| Kilograms::new(number(text));
    let context = |context| Measure::GlucoseContext(context);
    vec![
        (
            Measure::BloodPressure(BloodPressure {
                systolic: MmHg::new(number("182")),
                diastolic: MmHg::new(number("118")),
                mean: Some(MmHg::new(number("139.3"))),
                pulse: Some(rate("96")),
                posture: Some(Posture::Lying),
                arm: Some(Arm::Left),
            }),
            "182/118mmHg",
            vec!["pulse 96 beats a minute", "mean 139.3mmHg", "lying down", "left arm"],
        ),
        (Measure::Pulse(rate("96")), "pulse 96 beats a minute", vec![]),
        (
            Measure::HeartRate(HeartRate {
                rate: rate("72"),
                contact: Some(false),
                energy: Some(Kilojoules::new(number("1412"))),
                rr: RrIntervals::new(vec![1024, 819]).unwrap(),
            }),
            "72 beats a minute",
            vec!["the sensor did not touch the skin", "1,412kJ spent", "800ms to 1000ms between beats"],
        ),
        (
            Measure::HeartRate(HeartRate {
                rate: rate("72"),
                contact: Some(true),
                energy: None,
                rr: RrIntervals::new(vec![1024]).unwrap(),
            }),
            "72 beats a minute",
            vec!["1000ms between beats"],
        ),
        (
            Measure::Spo2(OxygenSaturation {
                saturation: percent("94"),
                pulse: Some(rate("72")),
                perfusion: Some(percent("4.50")),
            }),
            "94%",
            vec!["pulse 72 beats a minute", "signal strength 4.50%"],
        ),
        (
            Measure::Weight(BodyWeight {
                mass: kg("82.40"),
                bmi: Some(BodyMassIndex::new(number("26.1"))),
                height: Some(cm("177.5")),
            }),
            "82.40kg",
            vec!["BMI 26.1kg/m²", "height 177.5cm in the scale's settings"],
        ),
        (Measure::Height(cm("164.0")), "164.0cm", vec![]),
        (Measure::Bmi(BodyMassIndex::new(number("26.1"))), "26.1kg/m²", vec![]),
        (
            composition(CompositionParts {
                fat: Some(percent("31.2")),
                muscle_mass: Some(kg("48.1")),
                weight: Some(kg("82.4")),
                ..CompositionParts::default()
            }),
            "31.2% fat",
            vec!["48.1kg muscle", "weight 82.4kg"],
        ),
        (
            composition(CompositionParts { impedance: Some(Ohms::new(number("495"))), ..CompositionParts::default() }),
            "impedance 495Ω",
            vec![],
        ),
        (
            Measure::Temperature(Temperature { value: Celsius::new(number("37.50")), site: Some(Site::Mouth) }),
            "37.50°C",
            vec!["in the mouth"],
        ),
        (
            glucose_in("14.2", Unit::MillimolesPerLitre, Specimen::CapillaryPlasma, Some(SampleSite::Finger)),
            "14.2mmol/L",
            vec!["finger-prick plasma", "from a finger", "before a meal"],
        ),
        (
            glucose_in("1050", Unit::MilligramsPerDecilitre, Specimen::Unknown, None),
            "1,050mg/dL",
            vec!["before a meal"],
        ),
        (
            glucose_in("6.1", Unit::MillimolesPerLitre, Specimen::InterstitialFluid, None),
            "6.1mmol/L by sensor",
            vec!["fluid under the skin", "before a meal"],
        ),
        (context(GlucoseContext::of(7)), "nothing was noted", vec![]),
        (
            context(GlucoseContext {
                meal: Some(Meal::AfterMeal),
                carbohydrate: Some(Carbohydrate { food: Some(Food::Lunch), mass: Grams::new(number("45")) }),
                exercise: Some(Exercise { duration: Some(Seconds::new(number("900"))), intensity: percent("60") }),
                medication: Some(Medication {
                    kind: Some(MedicationKind::RapidActingInsulin),
                    dose: Dose::new(Quantity::new(number("0.05"), Unit::Millilitres)).unwrap(),
                }),
                hba1c: Some(percent("6.5")),
                health: Some(Health::MinorIssues),
                tester: Some(Tester::Professional),
                ..GlucoseContext::of(7)
            }),
            "after a meal, 45g carbohydrate at lunch, exercise for 900 seconds at 60%, 0.05ml rapid-acting insulin, \
             HbA1c 6.5%, slightly unwell, measured by a health professional",
            vec![],
        ),
        (
            Measure::Ketone(Ketone::new(Quantity::new(number("0.6"), Unit::MillimolesPerLitre)).unwrap()),
            "0.6mmol/L",
            vec![],
        ),
        (Measure::RespiratoryRate(rate("18")), "18 breaths a minute", vec![]),
        (Measure::Consciousness(Acvpu::Confusion), "new confusion", vec![]),
        (Measure::SuppliedOxygen(SuppliedOxygen::Air), "room air", vec![]),
        (Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: None }), "supplied oxygen", vec![]),
        (
            Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: Some(LitresPerMinute::new(number("2"))) }),
            "supplied oxygen, 2L/min",
            vec![],
        ),
        (Measure::PeakFlow(LitresPerMinute::new(number("320"))), "320L/min", vec![]),
        (Measure::Fev1(Litres::new(number("2.41"))), "2.41L", vec![]),
        (Measure::Fvc(Litres::new(number("3.20"))), "3.20L", vec![]),
        (
            Measure::Steps(Steps { count: 4200, over: Some(Minutes::new(number("60"))) }),
            "4,200 steps",
            vec!["in 60 minutes"],
        ),
        (Measure::Steps(Steps { count: 1, over: None }), "1 step", vec![]),
        (symptom("more_breathless", Answer::Yes), "more breathless: yes", vec![]),
        (symptom("more_breathless", Answer::No), "more breathless: no", vec![]),
        (symptom("more-breathless", Answer::NotAsked), "more breathless: not asked", vec![]),
    ]
}

#[test]
fn every_kind_is_said_in_words() {
    let rows = rows();
    for (shown, main, beside) in &rows {
        assert_eq!(
            (measure(shown).as_str(), details(shown)),
            (*main, beside.iter().map(ToString::to_string).collect())
        );
    }
    for kind in Kind::ALL {
        assert!(rows.iter().any(|(shown, ..)| shown.kind() == kind), "{kind:?} has no row");
        let name = crate::words::kind(kind);
        assert!(name.starts_with(char::is_uppercase) && !name.contains('_'), "{name}");
    }
}

#[test]
fn no_two_words_of_a_list_read_alike() {
    let alike = |words: Vec<&str>| {
        let different: std::collections::BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(different.len(), words.len(), "{words:?}");
    };
    alike(Acvpu::ALL.iter().map(|level| consciousness(*level)).collect());
    alike(Site::ALL.iter().map(|site| site_words(*site)).collect());
    alike(SampleSite::ALL.iter().map(|site| sample_site_words(*site)).collect());
    alike(Specimen::ALL.iter().map(|specimen| specimen_words(*specimen).unwrap_or_default()).collect());
    alike(Meal::ALL.iter().map(|meal| meal_words(*meal)).collect());
    alike(Food::ALL.iter().map(|food| food_words(*food)).collect());
    alike(MedicationKind::ALL.iter().map(|kind| medication_words(*kind)).collect());
    alike(Health::ALL.iter().map(|health| health_words(*health)).collect());
    alike(Tester::ALL.iter().map(|tester| tester_words(*tester)).collect());
    alike(Posture::ALL.iter().map(|posture| posture_words(*posture)).collect());
    alike(Arm::ALL.iter().map(|arm| arm_words(*arm)).collect());
}
