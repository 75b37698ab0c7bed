//! Any measure of any kind, plausible by the catalogue: what the round trips are tried on.

use proptest::{collection, option, prelude::*, sample};
use vitals::{
    BloodPressure, Decimal, Kind, Measure, Quantity, catalogue,
    measure::{
        Acvpu, Answer, Arm, BodyComposition, BodyWeight, Carbohydrate, CompositionParts, Exercise, Food,
        GlucoseContext, GlucoseReading, Health, HeartRate, Meal, Medication, MedicationKind, OxygenSaturation, Posture,
        Question, RR_INTERVALS_MAX, RrIntervals, SampleSite, Site, Specimen, Steps, SuppliedOxygen, Symptom,
        Temperature, Tester,
    },
    quantity::{
        BodyMassIndex, Celsius, Centimetres, Dose, Glucose, Grams, Ketone, Kilograms, Kilojoules, Litres,
        LitresPerMinute, Minutes, MmHg, Ohms, PerMinute, Percent, Seconds,
    },
};

/// A measure of a kind.
fn of_kind(kind: Kind) -> BoxedStrategy<Measure> {
    match kind {
        Kind::BloodPressure => blood_pressure(),
        Kind::Pulse => amount("pulse").prop_map(|rate| Measure::Pulse(PerMinute::new(rate))).boxed(),
        Kind::HeartRate => heart_rate(),
        Kind::Spo2 => (amount("spo2"), perhaps("oximeter_pulse"), perhaps("perfusion"))
            .prop_map(|(saturation, pulse, perfusion)| {
                Measure::Spo2(OxygenSaturation {
                    saturation: Percent::new(saturation),
                    pulse: pulse.map(PerMinute::new),
                    perfusion: perfusion.map(Percent::new),
                })
            })
            .boxed(),
        Kind::Weight => (amount("weight"), perhaps("scale_bmi"), perhaps("scale_height"))
            .prop_map(|(mass, bmi, height)| {
                Measure::Weight(BodyWeight {
                    mass: Kilograms::new(mass),
                    bmi: bmi.map(BodyMassIndex::new),
                    height: height.map(Centimetres::new),
                })
            })
            .boxed(),
        Kind::Height => amount("height").prop_map(|height| Measure::Height(Centimetres::new(height))).boxed(),
        Kind::Bmi => amount("bmi").prop_map(|bmi| Measure::Bmi(BodyMassIndex::new(bmi))).boxed(),
        Kind::BodyComposition => body_composition(),
        Kind::Temperature => (amount("temperature"), option::of(sample::select(Site::ALL)))
            .prop_map(|(value, site)| Measure::Temperature(Temperature { value: Celsius::new(value), site }))
            .boxed(),
        Kind::Glucose => glucose(),
        Kind::GlucoseContext => glucose_context(),
        Kind::Ketone => {
            one_of("ketone", "ketone_mg").prop_map(|quantity| Measure::Ketone(Ketone::new(quantity).unwrap())).boxed()
        }
        Kind::RespiratoryRate => {
            amount("respiratory_rate").prop_map(|rate| Measure::RespiratoryRate(PerMinute::new(rate))).boxed()
        }
        Kind::Consciousness => sample::select(Acvpu::ALL).prop_map(Measure::Consciousness).boxed(),
        Kind::SuppliedOxygen => option::of(perhaps("oxygen_flow"))
            .prop_map(|oxygen| {
                Measure::SuppliedOxygen(oxygen.map_or(SuppliedOxygen::Air, |flow| SuppliedOxygen::Oxygen {
                    flow: flow.map(LitresPerMinute::new),
                }))
            })
            .boxed(),
        Kind::PeakFlow => amount("peak_flow").prop_map(|flow| Measure::PeakFlow(LitresPerMinute::new(flow))).boxed(),
        Kind::Fev1 => amount("fev1").prop_map(|volume| Measure::Fev1(Litres::new(volume))).boxed(),
        Kind::Fvc => amount("fvc").prop_map(|volume| Measure::Fvc(Litres::new(volume))).boxed(),
        Kind::Steps => (0..=200_000_u32, perhaps("steps_duration"))
            .prop_map(|(count, over)| Measure::Steps(Steps { count, over: over.map(Minutes::new) }))
            .boxed(),
        Kind::Symptom => ("[a-z][a-z0-9_-]{0,47}", sample::select(Answer::ALL))
            .prop_map(|(question, answer)| {
                Measure::Symptom(Symptom { question: Question::parse(&question).unwrap(), answer })
            })
            .boxed(),
    }
}

/// A measure of any kind, each kind as often as another.
pub(crate) fn any_measure() -> impl Strategy<Value = Measure> {
    sample::select(Kind::ALL.to_vec()).prop_flat_map(of_kind)
}

/// A plausible amount of a component, with 0 to 3 places after the point.
fn amount(name: &'static str) -> BoxedStrategy<Decimal> {
    let (low, high) = catalogue::component(name).unwrap_or_else(|| panic!("{name} is in the catalogue")).plausible;
    let whole = |bound: Decimal| {
        let (mantissa, scale) = bound.to_parts();
        mantissa * 10_i64.pow(3 - scale)
    };
    (whole(low)..=whole(high), 0..=3_i8)
        .prop_map(move |(thousandths, places)| {
            let coarse = Decimal::from_parts(thousandths / 10_i64.pow(3 - u32::from(places.unsigned_abs())), -places);
            // Fewer places may fall below the range: then all three.
            coarse.filter(|amount| low <= *amount).or(Decimal::from_parts(thousandths, -3)).unwrap()
        })
        .boxed()
}

fn perhaps(name: &'static str) -> BoxedStrategy<Option<Decimal>> {
    option::of(amount(name)).boxed()
}

/// An amount by one of the two names it has, each with its unit.
fn one_of(one: &'static str, other: &'static str) -> BoxedStrategy<Quantity> {
    let named = |name: &'static str| {
        let unit = catalogue::component(name).unwrap().ucum;
        amount(name).prop_map(move |amount| Quantity::new(amount, unit))
    };
    prop_oneof![named(one), named(other)].boxed()
}

fn blood_pressure() -> BoxedStrategy<Measure> {
    let words = (option::of(sample::select(Posture::ALL)), option::of(sample::select(Arm::ALL)));
    (amount("systolic"), amount("diastolic"), perhaps("mean"), perhaps("cuff_pulse"), words)
        .prop_filter("the lower pressure is below the upper", |(systolic, diastolic, ..)| diastolic < systolic)
        .prop_map(|(systolic, diastolic, mean, pulse, (posture, arm))| {
            Measure::BloodPressure(BloodPressure {
                systolic: MmHg::new(systolic),
                diastolic: MmHg::new(diastolic),
                mean: mean.map(MmHg::new),
                pulse: pulse.map(PerMinute::new),
                posture,
                arm,
            })
        })
        .boxed()
}

fn heart_rate() -> BoxedStrategy<Measure> {
    let intervals = collection::vec(any::<u16>(), 0..=RR_INTERVALS_MAX);
    (amount("heart_rate"), any::<Option<bool>>(), perhaps("energy_expended"), intervals)
        .prop_map(|(rate, contact, energy, ticks)| {
            Measure::HeartRate(HeartRate {
                rate: PerMinute::new(rate),
                contact,
                energy: energy.map(Kilojoules::new),
                rr: RrIntervals::new(ticks).unwrap(),
            })
        })
        .boxed()
}

fn body_composition() -> BoxedStrategy<Measure> {
    let shares = (perhaps("body_fat"), perhaps("muscle_share"), perhaps("impedance"), perhaps("basal_metabolism"));
    let masses = (perhaps("muscle_mass"), perhaps("fat_free_mass"), perhaps("soft_lean_mass"), perhaps("water_mass"));
    (shares, masses, perhaps("composition_weight"), perhaps("composition_height"))
        .prop_filter_map("at least one part", |(shares, masses, weight, height)| {
            let (fat, muscle_share, impedance, basal_metabolism) = shares;
            let (muscle_mass, fat_free_mass, soft_lean_mass, water_mass) = masses;
            let parts = CompositionParts {
                fat: fat.map(Percent::new),
                muscle_share: muscle_share.map(Percent::new),
                muscle_mass: muscle_mass.map(Kilograms::new),
                fat_free_mass: fat_free_mass.map(Kilograms::new),
                soft_lean_mass: soft_lean_mass.map(Kilograms::new),
                water_mass: water_mass.map(Kilograms::new),
                impedance: impedance.map(Ohms::new),
                basal_metabolism: basal_metabolism.map(Kilojoules::new),
                weight: weight.map(Kilograms::new),
                height: height.map(Centimetres::new),
            };
            BodyComposition::new(parts).ok().map(Measure::BodyComposition)
        })
        .boxed()
}

fn glucose() -> BoxedStrategy<Measure> {
    let of_a_person = |specimen: &Specimen| *specimen != Specimen::ControlSolution;
    let specimens: Vec<Specimen> = Specimen::ALL.iter().copied().filter(of_a_person).collect();
    let sites = SampleSite::ALL.iter().copied().filter(|site| *site != SampleSite::ControlSolution).collect::<Vec<_>>();
    let words = (sample::select(specimens), option::of(sample::select(sites)), option::of(sample::select(Meal::ALL)));
    (one_of("glucose", "glucose_mg"), words)
        .prop_map(|(quantity, (specimen, site, meal))| {
            let concentration = Glucose::new(quantity).unwrap();
            Measure::Glucose(GlucoseReading::new(concentration, specimen, site, meal).unwrap())
        })
        .boxed()
}

fn glucose_context() -> BoxedStrategy<Measure> {
    let carbohydrate = (option::of(sample::select(Food::ALL)), amount("carbohydrate"))
        .prop_map(|(food, mass)| Carbohydrate { food, mass: Grams::new(mass) });
    let exercise = (perhaps("exercise_duration"), amount("exercise_intensity")).prop_map(|(duration, intensity)| {
        Exercise { duration: duration.map(Seconds::new), intensity: Percent::new(intensity) }
    });
    let medication = (option::of(sample::select(MedicationKind::ALL)), one_of("medication_mg", "medication_ml"))
        .prop_map(|(kind, dose)| Medication { kind, dose: Dose::new(dose).unwrap() });
    let words = (
        option::of(sample::select(Meal::ALL)),
        option::of(sample::select(Health::ALL)),
        option::of(sample::select(Tester::ALL)),
    );
    (any::<u16>(), words, option::of(carbohydrate), option::of(exercise), option::of(medication), perhaps("hba1c"))
        .prop_map(|(sequence, (meal, health, tester), carbohydrate, exercise, medication, hba1c)| {
            Measure::GlucoseContext(GlucoseContext {
                sequence,
                meal,
                carbohydrate,
                exercise,
                medication,
                hba1c: hba1c.map(Percent::new),
                health,
                tester,
            })
        })
        .boxed()
}
