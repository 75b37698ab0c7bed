//! One reading of every kind of measure as the wire has it, with every part that the kind may have.

use super::{eight_o_clock, said};
use vitals::{
    BloodPressure, ClockOffset, Decimal, Kind, Measure, PatientId, Quality, Quantity, RawFrame, Reading, RecordNumber,
    SourceId, TakenAt, Times, Unit, Value, Who,
    measure::{
        Acvpu, Answer, Arm, BodyComposition, BodyWeight, Carbohydrate, CompositionParts, Exercise, Food,
        GlucoseContext, GlucoseReading, Health, HeartRate, Meal, Medication, MedicationKind, OxygenSaturation, Posture,
        Question, RrIntervals, SampleSite, Site, Specimen, Steps, SuppliedOxygen, Symptom, Temperature, Tester,
    },
    quantity::{
        BodyMassIndex, Celsius, Centimetres, Dose, Glucose, Grams, Ketone, Kilograms, Kilojoules, Litres,
        LitresPerMinute, Minutes, MmHg, Ohms, PerMinute, Percent, Seconds,
    },
    record::{RecordKey, reading_id},
    wire::v1,
};

/// A batch with a reading of every kind.
///
/// # Errors
/// Where a part of the example is refused by its type.
pub fn measures() -> Result<v1::Batch, String> {
    let readings = Kind::ALL.into_iter().map(|kind| reading(measure(kind)?)).collect::<Result<Vec<_>, String>>()?;
    Ok(v1::Batch {
        made_at: v1::moment(eight_o_clock()?),
        lane: v1::Lane::Live,
        readings: readings.iter().map(v1::Reading::from).collect(),
    })
}

fn reading(measure: Measure) -> Result<Reading, String> {
    let at = eight_o_clock()?;
    let kind = measure.kind();
    let source = SourceId::device("Example", kind.name()).map_err(said)?;
    let raw = RawFrame { service: "example".to_owned(), characteristic: kind.name().to_owned(), bytes: Vec::new() };
    let record = RecordNumber::of(&raw.service, RecordKey::Number(1), None, &raw.bytes);
    Ok(Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(PatientId::parse("pt-4c1e").map_err(said)?),
        kind,
        value: Value::Measured(measure),
        times: Times { device: None, hub_received: at, taken: TakenAt::HubClock(at), offset: ClockOffset::NotRead },
        quality: Quality::none(),
        raw,
    })
}

fn number(text: &str) -> Result<Decimal, String> {
    Decimal::parse(text).map_err(said)
}

fn measure(kind: Kind) -> Result<Measure, String> {
    let rate = |text| number(text).map(PerMinute::new);
    let percent = |text| number(text).map(Percent::new);
    let kilograms = |text| number(text).map(Kilograms::new);
    let centimetres = |text| number(text).map(Centimetres::new);
    let flow = |text| number(text).map(LitresPerMinute::new);
    Ok(match kind {
        Kind::BloodPressure => Measure::BloodPressure(BloodPressure {
            systolic: MmHg::new(number("134")?),
            diastolic: MmHg::new(number("77")?),
            mean: Some(MmHg::new(number("96")?)),
            pulse: Some(rate("61")?),
            posture: Some(Posture::Sitting),
            arm: Some(Arm::Left),
        }),
        Kind::Pulse => Measure::Pulse(rate("61")?),
        Kind::HeartRate => Measure::HeartRate(HeartRate {
            rate: rate("73")?,
            contact: Some(true),
            energy: Some(Kilojoules::new(number("412")?)),
            rr: RrIntervals::new(vec![841, 836]).map_err(said)?,
        }),
        Kind::Spo2 => Measure::Spo2(OxygenSaturation {
            saturation: percent("97")?,
            pulse: Some(rate("72")?),
            perfusion: Some(percent("4.50")?),
        }),
        Kind::Weight => Measure::Weight(BodyWeight {
            mass: kilograms("82.405")?,
            bmi: Some(BodyMassIndex::new(number("26.2")?)),
            height: Some(centimetres("177.4")?),
        }),
        Kind::Height => Measure::Height(centimetres("177.4")?),
        Kind::Bmi => Measure::Bmi(BodyMassIndex::new(number("26.2")?)),
        Kind::BodyComposition => Measure::BodyComposition(composition()?),
        Kind::Temperature => {
            Measure::Temperature(Temperature { value: Celsius::new(number("36.40")?), site: Some(Site::Tympanum) })
        }
        Kind::Glucose => {
            let sent = Quantity::new(number("6.1")?, Unit::MillimolesPerLitre);
            let (site, meal) = (Some(SampleSite::SubcutaneousTissue), Some(Meal::BeforeMeal));
            let sent = Glucose::new(sent).map_err(said)?;
            let refused = |why: vitals::NoValue| why.code().sentence();
            let reading = GlucoseReading::new(sent, Specimen::InterstitialFluid, site, meal).map_err(refused)?;
            Measure::Glucose(reading)
        }
        Kind::GlucoseContext => Measure::GlucoseContext(context()?),
        Kind::Ketone => {
            let sent = Quantity::new(number("0.6")?, Unit::MillimolesPerLitre);
            Measure::Ketone(Ketone::new(sent).map_err(said)?)
        }
        Kind::RespiratoryRate => Measure::RespiratoryRate(rate("18")?),
        Kind::Consciousness => Measure::Consciousness(Acvpu::Alert),
        Kind::SuppliedOxygen => Measure::SuppliedOxygen(SuppliedOxygen::Oxygen { flow: Some(flow("2")?) }),
        Kind::PeakFlow => Measure::PeakFlow(flow("320")?),
        Kind::Fev1 => Measure::Fev1(Litres::new(number("2.41")?)),
        Kind::Fvc => Measure::Fvc(Litres::new(number("3.20")?)),
        Kind::Steps => Measure::Steps(Steps { count: 4200, over: Some(Minutes::new(number("1440")?)) }),
        Kind::Symptom => {
            let question = Question::parse("more_breathless").map_err(said)?;
            Measure::Symptom(Symptom { question, answer: Answer::NotAsked })
        }
    })
}

fn composition() -> Result<BodyComposition, String> {
    let mass = |text| number(text).map(Kilograms::new).map(Some);
    BodyComposition::new(CompositionParts {
        fat: Some(Percent::new(number("31.2")?)),
        muscle_share: Some(Percent::new(number("38.5")?)),
        muscle_mass: mass("31.7")?,
        fat_free_mass: mass("56.7")?,
        soft_lean_mass: mass("53.9")?,
        water_mass: mass("41.5")?,
        impedance: Some(Ohms::new(number("495.5")?)),
        basal_metabolism: Some(Kilojoules::new(number("6850")?)),
        weight: mass("82.405")?,
        height: Some(Centimetres::new(number("177.4")?)),
    })
    .map_err(said)
}

fn context() -> Result<GlucoseContext, String> {
    let dose = Dose::new(Quantity::new(number("60")?, Unit::Milligrams)).map_err(said)?;
    Ok(GlucoseContext {
        sequence: 19,
        meal: Some(Meal::AfterMeal),
        carbohydrate: Some(Carbohydrate { food: Some(Food::Lunch), mass: Grams::new(number("45")?) }),
        exercise: Some(Exercise {
            duration: Some(Seconds::new(number("900")?)),
            intensity: Percent::new(number("60")?),
        }),
        medication: Some(Medication { kind: Some(MedicationKind::RapidActingInsulin), dose }),
        hba1c: Some(Percent::new(number("6.5")?)),
        health: Some(Health::NoIssues),
        tester: Some(Tester::Person),
    })
}
