//! Every kind of value over the wire: what was measured is what is admitted, and every way to spoil it has its code.

#[path = "../../../../vitals/tests/any_measure/mod.rs"]
mod any_measure;

use super::*;
use any_measure::any_measure;
use vitals::{
    Decimal, Measure, Quantity, Unit,
    measure::{
        Acvpu, Answer, BodyComposition, CompositionParts, GlucoseReading, HeartRate, OxygenSaturation, Question,
        RrIntervals, SampleSite, Specimen, Steps, SuppliedOxygen, Symptom,
    },
    quantity::{Glucose, Kilograms, LitresPerMinute, PerMinute, Percent},
};

/// The reading of a value, as a hub sends it.
fn sent(measure: Measure) -> v1::Reading {
    let mut reading = admit(&good(), &hub(), at(), at()).unwrap().reading;
    (reading.kind, reading.value) = (measure.kind(), Value::Measured(measure));
    let wire = serde_json::to_string(&v1::Reading::from(&reading)).unwrap();
    serde_json::from_str(&wire).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Digit for digit: what is stored must print as what was measured.
    #[test]
    fn what_was_measured_is_what_is_admitted(measure in any_measure()) {
        let admitted = admit(&sent(measure.clone()), &hub(), at(), at()).map(|admitted| admitted.reading.value);
        let text = |value: &Value<Measure>| serde_json::to_string(value).unwrap();
        let expected = Value::Measured(measure);
        prop_assert_eq!(admitted.as_ref().map(text), Ok(text(&expected)));
        prop_assert_eq!(admitted, Ok(expected));
    }
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn glucose(specimen: Specimen, site: Option<SampleSite>) -> Measure {
    let amount = Glucose::new(Quantity::new(number("6.1"), Unit::MillimolesPerLitre)).unwrap();
    Measure::Glucose(GlucoseReading::new(amount, specimen, site, None).unwrap())
}

fn oxygen() -> Measure {
    Measure::Spo2(OxygenSaturation {
        saturation: Percent::new(number("97")),
        pulse: Some(PerMinute::new(number("72"))),
        perfusion: None,
    })
}

fn supplied() -> Measure {
    Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: Some(LitresPerMinute::new(number("2"))) })
}

fn symptom() -> Measure {
    Measure::Symptom(Symptom { question: Question::parse("breathless").unwrap(), answer: Answer::NotAsked })
}

fn heart() -> Measure {
    let rr = RrIntervals::new(vec![812, 830]).unwrap();
    Measure::HeartRate(HeartRate { rate: PerMinute::new(number("73")), contact: Some(true), energy: None, rr })
}

fn spoilt(measure: Measure, spoil: impl FnOnce(&mut v1::Reading), expected: ErrorCode) {
    let mut reading = sent(measure);
    assert!(admit(&reading, &hub(), at(), at()).is_ok(), "it is good before it is spoilt");
    spoil(&mut reading);
    assert_eq!(admit(&reading, &hub(), at(), at()).err(), Some(expected), "{:?} {:?}", reading.measured, reading.said);
}

fn say(about: &'static str, word: &'static str) -> impl FnOnce(&mut v1::Reading) {
    move |reading| drop(reading.said.insert(about.to_owned(), word.to_owned()))
}

fn forget(about: &'static str) -> impl FnOnce(&mut v1::Reading) {
    move |reading| drop(reading.said.remove(about).unwrap())
}

fn put(name: &'static str, value: &'static str, unit: &'static str) -> impl FnOnce(&mut v1::Reading) {
    let number = v1::Number { value: value.to_owned(), unit: unit.to_owned() };
    move |reading| drop(reading.measured.as_mut().unwrap().insert(name.to_owned(), number))
}

fn take(name: &'static str) -> impl FnOnce(&mut v1::Reading) {
    move |reading| drop(reading.measured.as_mut().unwrap().remove(name).unwrap())
}

#[test]
fn every_way_to_spoil_a_value_has_its_code() {
    use ErrorCode as E;
    let steps = || Measure::Steps(Steps { count: 4200, over: None });
    spoilt(oxygen(), put("spo2", "97", "1"), E::UnitNotSupported);
    spoilt(oxygen(), take("spo2"), E::ReadingMalformed);
    spoilt(oxygen(), put("pulse", "72", "/min"), E::KindNotSupported);
    spoilt(oxygen(), put("cuff_pulse", "72", "/min"), E::KindNotSupported);
    spoilt(oxygen(), put("pleth", "72", "%"), E::KindNotSupported);
    spoilt(oxygen(), say("site", "finger"), E::KindNotSupported);
    spoilt(oxygen(), say("mood", "good"), E::KindNotSupported);
    spoilt(oxygen(), |reading| reading.rr_intervals_1024ths.push(800), E::KindNotSupported);
    spoilt(oxygen(), |reading| reading.sequence = Some(1), E::KindNotSupported);
    spoilt(steps(), put("steps", "4200.5", "{steps}"), E::ValueMalformed);
    spoilt(steps(), put("steps", "-1", "{steps}"), E::ValueMalformed);
    spoilt(heart(), |reading| reading.rr_intervals_1024ths = vec![1; 255], E::ReadingMalformed);
    spoilt(heart(), say("contact", "perhaps"), E::WordNotSupported);
    spoilt(supplied(), say("oxygen", "air"), E::WordNotSupported);
    spoilt(supplied(), say("oxygen", "helium"), E::WordNotSupported);
    spoilt(supplied(), forget("oxygen"), E::ReadingMalformed);
    spoilt(symptom(), say("answer", "maybe"), E::WordNotSupported);
    spoilt(symptom(), say("question", "Are you breathless?"), E::WordNotSupported);
    spoilt(symptom(), forget("answer"), E::ReadingMalformed);
    spoilt(Measure::Consciousness(Acvpu::Voice), say("consciousness", "V"), E::WordNotSupported);
    spoilt(Measure::Consciousness(Acvpu::Voice), say("posture", "sitting"), E::ReadingMalformed);
    spoilt(Measure::Consciousness(Acvpu::Voice), |reading| reading.arm = Some("left".to_owned()), E::KindNotSupported);
}

/// What a hub of any version sends: the value that is admitted and whether a part was left out.
fn admitted_with(measure: Measure, change: impl FnOnce(&mut v1::Reading)) -> (Value<Measure>, bool) {
    let mut reading = sent(measure);
    change(&mut reading);
    let admitted = admit(&reading, &hub(), at(), at()).unwrap().reading;
    (admitted.value, admitted.quality.has(Flag::PartImplausible))
}

#[test]
fn each_kind_loses_an_implausible_part_or_its_value_and_never_both() {
    let no_value = || (Value::NotMeasured(NoValue::Implausible), false);
    assert_eq!(admitted_with(oxygen(), put("spo2", "25", "%")), no_value());
    assert_eq!(admitted_with(heart(), put("heart_rate", "12", "/min")), no_value());
    let alone = |pulse| {
        let saturation = Percent::new(number("97"));
        (Value::Measured(Measure::Spo2(OxygenSaturation { saturation, pulse, perfusion: None })), pulse.is_none())
    };
    assert_eq!(admitted_with(oxygen(), put("oximeter_pulse", "511", "/min")), alone(None));
    assert_eq!(admitted_with(oxygen(), put("perfusion", "101", "%")), {
        let (kept, _) = alone(Some(PerMinute::new(number("72"))));
        (kept, true)
    });
    let oxygen_alone = Value::Measured(Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: None }));
    assert_eq!(admitted_with(supplied(), put("oxygen_flow", "500", "L/min")), (oxygen_alone, true));
    let composition = |parts| Measure::BodyComposition(BodyComposition::new(parts).unwrap());
    let fat = CompositionParts { fat: Some(Percent::new(number("31"))), ..CompositionParts::default() };
    let fat_is_impossible = put("body_fat", "0", "%");
    assert_eq!(admitted_with(composition(fat), fat_is_impossible), no_value(), "nothing would be left");
    let weight = CompositionParts { weight: Some(Kilograms::new(number("82"))), ..CompositionParts::default() };
    let both = CompositionParts { weight: weight.weight, ..fat };
    let rest = (Value::Measured(composition(weight)), true);
    assert_eq!(admitted_with(composition(both), put("body_fat", "0", "%")), rest);
}

#[test]
fn a_control_solution_and_a_sensor_are_never_admitted_as_blood() {
    use ErrorCode as E;
    let finger = Some(SampleSite::Finger);
    let blood = || glucose(Specimen::CapillaryPlasma, finger);
    let fluid = || glucose(Specimen::InterstitialFluid, None);
    spoilt(blood(), say("specimen", "control_solution"), E::ControlSolution);
    spoilt(blood(), say("site", "control_solution"), E::ControlSolution);
    spoilt(blood(), say("specimen", "interstitial_fluid"), E::WordNotSupported);
    spoilt(blood(), say("specimen", "saliva"), E::WordNotSupported);
    spoilt(blood(), put("glucose", "110", "mg/dL"), E::UnitNotSupported);
    spoilt(blood(), put("glucose_mg", "110", "mg/dL"), E::KindNotSupported);
    spoilt(blood(), put("glucose_interstitial", "6.1", "mmol/L"), E::KindNotSupported);
    spoilt(fluid(), say("specimen", "capillary_plasma"), E::WordNotSupported);
    spoilt(fluid(), forget("specimen"), E::ReadingMalformed);
    // A hub from before there was the word says none: its meters were of blood.
    let mut old = sent(blood());
    old.said.clear();
    let admitted = admit(&old, &hub(), at(), at()).unwrap().reading.value;
    assert_eq!(admitted, Value::Measured(glucose(Specimen::Unknown, None)));
}

#[test]
fn a_reading_that_is_all_words_has_no_numbers_and_says_so() {
    let reading = sent(Measure::Consciousness(Acvpu::Confusion));
    assert_eq!((reading.measured.as_ref().map(BTreeMap::len), reading.not_measured.as_ref()), (Some(0), None));
    let wire = serde_json::to_value(&reading).unwrap();
    assert_eq!(wire["measured"], serde_json::json!({}));
    assert_eq!(wire["said"], serde_json::json!({"consciousness": "confusion"}));
    let without = v1::Reading { measured: None, ..reading };
    assert_eq!(admit(&without, &hub(), at(), at()).err(), Some(ErrorCode::ReadingMalformed));
}

#[test]
fn what_is_said_of_no_value_is_not_passed_over() {
    let mut reading = sent(heart());
    (reading.measured, reading.not_measured) = (None, Some("sensor_problem".to_owned()));
    let check = |reading: &v1::Reading, expected| {
        assert_eq!(admit(reading, &hub(), at(), at()).map(|admitted| admitted.reading.value), expected);
    };
    check(&reading, Err(ErrorCode::ReadingMalformed));
    reading.said.clear();
    check(&reading, Err(ErrorCode::ReadingMalformed));
    reading.rr_intervals_1024ths.clear();
    check(&reading, Ok(Value::NotMeasured(NoValue::SensorProblem)));
    reading.sequence = Some(1);
    check(&reading, Err(ErrorCode::ReadingMalformed));
}

/// A hub of tomorrow says more than this service knows: a field is ignored, a word or number in a value is not.
#[test]
fn a_field_of_tomorrow_is_ignored() {
    let mut wire = serde_json::to_value(sent(oxygen())).unwrap();
    wire["weather"] = serde_json::json!("mild");
    let reading: v1::Reading = serde_json::from_value(wire).unwrap();
    assert_eq!(admit(&reading, &hub(), at(), at()).unwrap().reading.value, Value::Measured(oxygen()));
}
