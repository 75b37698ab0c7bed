//! Putting a measure together.

use super::{NotWhole, Parts, Word};
use crate::{
    catalogue,
    measure::{
        Acvpu, Answer, Arm, BloodPressure, BodyComposition, BodyWeight, Carbohydrate, CompositionParts, Exercise, Food,
        GlucoseContext, GlucoseReading, Health, HeartRate, Kind, Meal, Measure, Medication, MedicationKind,
        OxygenSaturation, Posture, Question, RrIntervals, SampleSite, Site, Specimen, Steps, SuppliedOxygen, Symptom,
        Temperature, Tester,
    },
    quantity::{
        BodyMassIndex, Celsius, Centimetres, Dose, Glucose, Grams, Ketone, Kilograms, Kilojoules, Litres,
        LitresPerMinute, Minutes, MmHg, Ohms, PerMinute, Percent, Quantity, Seconds, WrongUnit,
    },
};

type Read<T> = fn(Quantity) -> Result<T, WrongUnit>;

impl Parts {
    /// The measure of a kind that these parts are.
    ///
    /// # Errors
    /// [`NotWhole`] for the first part that is missing, left over, unknown or at odds with another.
    pub fn measure(mut self, kind: Kind) -> Result<Measure, NotWhole> {
        // Here and not number by number, because a name that has a unit of its own must come in it ("glucose_mg").
        for (name, quantity) in &self.numbers {
            let known = catalogue::component(name).filter(|known| known.kind == kind).ok_or(NotWhole::LeftOver)?;
            if known.ucum != quantity.unit() {
                return Err(WrongUnit { got: quantity.unit().ucum(), want: known.ucum }.into());
            }
        }
        let measure = self.take_measure(kind)?;
        let is_left = !self.numbers.is_empty() || !self.said.is_empty() || !self.rr_intervals.is_empty();
        if is_left || self.sequence.is_some() { Err(NotWhole::LeftOver) } else { Ok(measure) }
    }

    fn take_measure(&mut self, kind: Kind) -> Result<Measure, NotWhole> {
        Ok(match kind {
            Kind::BloodPressure => Measure::BloodPressure(self.blood_pressure()?),
            Kind::Pulse => Measure::Pulse(self.need("pulse", PerMinute::exactly)?),
            Kind::HeartRate => Measure::HeartRate(HeartRate {
                rate: self.need("heart_rate", PerMinute::exactly)?,
                contact: self.word(Word::Contact, yes_or_no)?,
                energy: self.take("energy_expended", Kilojoules::exactly)?,
                rr: RrIntervals::new(std::mem::take(&mut self.rr_intervals))?,
            }),
            Kind::Spo2 => Measure::Spo2(OxygenSaturation {
                saturation: self.need("spo2", Percent::exactly)?,
                pulse: self.take("oximeter_pulse", PerMinute::exactly)?,
                perfusion: self.take("perfusion", Percent::exactly)?,
            }),
            Kind::Weight => Measure::Weight(BodyWeight {
                mass: self.need("weight", Kilograms::exactly)?,
                bmi: self.take("scale_bmi", BodyMassIndex::exactly)?,
                height: self.take("scale_height", Centimetres::exactly)?,
            }),
            Kind::Height => Measure::Height(self.need("height", Centimetres::exactly)?),
            Kind::Bmi => Measure::Bmi(self.need("bmi", BodyMassIndex::exactly)?),
            Kind::BodyComposition => Measure::BodyComposition(self.body_composition()?),
            Kind::Temperature => Measure::Temperature(Temperature {
                value: self.need("temperature", Celsius::exactly)?,
                site: self.word(Word::Site, Site::from_name)?,
            }),
            Kind::Glucose => Measure::Glucose(self.glucose()?),
            Kind::GlucoseContext => Measure::GlucoseContext(self.glucose_context()?),
            Kind::Ketone => Measure::Ketone(
                self.either("ketone", "ketone_mg", Ketone::new)?.ok_or(NotWhole::NumberMissing("ketone"))?,
            ),
            Kind::RespiratoryRate => Measure::RespiratoryRate(self.need("respiratory_rate", PerMinute::exactly)?),
            Kind::Consciousness => Measure::Consciousness(self.need_word(Word::Consciousness, Acvpu::from_name)?),
            Kind::SuppliedOxygen => Measure::SuppliedOxygen(self.supplied_oxygen()?),
            Kind::PeakFlow => Measure::PeakFlow(self.need("peak_flow", LitresPerMinute::exactly)?),
            Kind::Fev1 => Measure::Fev1(self.need("fev1", Litres::exactly)?),
            Kind::Fvc => Measure::Fvc(self.need("fvc", Litres::exactly)?),
            Kind::Steps => Measure::Steps(self.steps()?),
            Kind::Symptom => Measure::Symptom(Symptom {
                question: self.need_word(Word::Question, |code| Question::parse(code).ok())?,
                answer: self.need_word(Word::Answer, Answer::from_name)?,
            }),
        })
    }

    fn blood_pressure(&mut self) -> Result<BloodPressure, NotWhole> {
        let pressure = BloodPressure {
            systolic: self.need("systolic", MmHg::exactly)?,
            diastolic: self.need("diastolic", MmHg::exactly)?,
            mean: self.take("mean", MmHg::exactly)?,
            pulse: self.take("cuff_pulse", PerMinute::exactly)?,
            posture: self.word(Word::Posture, Posture::from_name)?,
            arm: self.word(Word::Arm, Arm::from_name)?,
        };
        if pressure.diastolic < pressure.systolic { Ok(pressure) } else { Err(NotWhole::NumberAtOdds("diastolic")) }
    }

    fn body_composition(&mut self) -> Result<BodyComposition, NotWhole> {
        let parts = CompositionParts {
            fat: self.take("body_fat", Percent::exactly)?,
            muscle_share: self.take("muscle_share", Percent::exactly)?,
            muscle_mass: self.take("muscle_mass", Kilograms::exactly)?,
            fat_free_mass: self.take("fat_free_mass", Kilograms::exactly)?,
            soft_lean_mass: self.take("soft_lean_mass", Kilograms::exactly)?,
            water_mass: self.take("water_mass", Kilograms::exactly)?,
            impedance: self.take("impedance", Ohms::exactly)?,
            basal_metabolism: self.take("basal_metabolism", Kilojoules::exactly)?,
            weight: self.take("composition_weight", Kilograms::exactly)?,
            height: self.take("composition_height", Centimetres::exactly)?,
        };
        BodyComposition::new(parts).map_err(|_nothing| NotWhole::NumberMissing("body_fat"))
    }

    /// The name of the number and the specimen must agree; a hub from before there was the word says no specimen.
    fn glucose(&mut self) -> Result<GlucoseReading, NotWhole> {
        let specimen = self.word(Word::Specimen, Specimen::from_name)?;
        let of_blood = self.either("glucose", "glucose_mg", Glucose::new)?;
        let of_fluid = self.either("glucose_interstitial", "glucose_interstitial_mg", Glucose::new)?;
        let (concentration, specimen) = match (of_blood, of_fluid, specimen) {
            (Some(_), Some(_), _) => return Err(NotWhole::LeftOver),
            (None, None, _) => return Err(NotWhole::NumberMissing("glucose")),
            (None, Some(_), None) => return Err(NotWhole::WordMissing(Word::Specimen)),
            (Some(blood), None, specimen) => (blood, specimen.unwrap_or(Specimen::Unknown)),
            (None, Some(fluid), Some(specimen)) => (fluid, specimen),
        };
        let is_fluid = specimen == Specimen::InterstitialFluid;
        let site = self.word(Word::Site, SampleSite::from_name)?;
        let meal = self.word(Word::Meal, Meal::from_name)?;
        let reading = GlucoseReading::new(concentration, specimen, site, meal)
            .map_err(|_control_solution| NotWhole::ControlSolution)?;
        if is_fluid == of_fluid.is_some() { Ok(reading) } else { Err(NotWhole::WordAtOdds(Word::Specimen)) }
    }

    fn glucose_context(&mut self) -> Result<GlucoseContext, NotWhole> {
        let sequence = self.sequence.take().ok_or(NotWhole::SequenceMissing)?;
        let food = self.word(Word::Food, Food::from_name)?;
        let carbohydrate = self.take("carbohydrate", Grams::exactly)?.map(|mass| Carbohydrate { food, mass });
        let duration = self.take("exercise_duration", Seconds::exactly)?;
        let exercise =
            self.take("exercise_intensity", Percent::exactly)?.map(|intensity| Exercise { duration, intensity });
        let kind = self.word(Word::Medication, MedicationKind::from_name)?;
        let medication =
            self.either("medication_mg", "medication_ml", Dose::new)?.map(|dose| Medication { kind, dose });
        // A part that only belongs to another must not be lost where that other is missing.
        if food.is_some() && carbohydrate.is_none() {
            return Err(NotWhole::NumberMissing("carbohydrate"));
        }
        if duration.is_some() && exercise.is_none() {
            return Err(NotWhole::NumberMissing("exercise_intensity"));
        }
        if kind.is_some() && medication.is_none() {
            return Err(NotWhole::NumberMissing("medication_mg"));
        }
        Ok(GlucoseContext {
            sequence,
            meal: self.word(Word::Meal, Meal::from_name)?,
            carbohydrate,
            exercise,
            medication,
            hba1c: self.take("hba1c", Percent::exactly)?,
            health: self.word(Word::Health, Health::from_name)?,
            tester: self.word(Word::Tester, Tester::from_name)?,
        })
    }

    fn supplied_oxygen(&mut self) -> Result<SuppliedOxygen, NotWhole> {
        let is_oxygen = self.need_word(Word::Oxygen, |word| match word {
            "air" => Some(false),
            "oxygen" => Some(true),
            _ => None,
        })?;
        let flow = self.take("oxygen_flow", LitresPerMinute::exactly)?;
        match (is_oxygen, flow) {
            (true, flow) => Ok(SuppliedOxygen::Oxygen { flow }),
            (false, None) => Ok(SuppliedOxygen::Air),
            (false, Some(_)) => Err(NotWhole::WordAtOdds(Word::Oxygen)),
        }
    }

    fn steps(&mut self) -> Result<Steps, NotWhole> {
        let count = self.need("steps", |quantity| Ok(quantity.value()))?;
        let count = count.whole().and_then(|count| u32::try_from(count).ok()).ok_or(NotWhole::NotACount("steps"))?;
        Ok(Steps { count, over: self.take("steps_duration", Minutes::exactly)? })
    }

    fn take<T>(&mut self, name: &'static str, read: Read<T>) -> Result<Option<T>, NotWhole> {
        let Some(place) = self.numbers.iter().position(|(number, _)| *number == name) else { return Ok(None) };
        let (_, quantity) = self.numbers.swap_remove(place);
        Ok(Some(read(quantity)?))
    }

    fn need<T>(&mut self, name: &'static str, read: Read<T>) -> Result<T, NotWhole> {
        self.take(name, read)?.ok_or(NotWhole::NumberMissing(name))
    }

    /// A number that has one name for each of its units; both at once is one too many.
    fn either<T>(&mut self, one: &'static str, other: &'static str, read: Read<T>) -> Result<Option<T>, NotWhole> {
        match (self.take(one, read)?, self.take(other, read)?) {
            (Some(_), Some(_)) => Err(NotWhole::LeftOver),
            (number, None) | (None, number) => Ok(number),
        }
    }

    fn word<T>(&mut self, about: Word, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, NotWhole> {
        let Some(place) = self.said.iter().position(|(word, _)| *word == about) else { return Ok(None) };
        let (_, word) = self.said.swap_remove(place);
        read(&word).map(Some).ok_or(NotWhole::WordUnknown(about))
    }

    fn need_word<T>(&mut self, about: Word, read: impl FnOnce(&str) -> Option<T>) -> Result<T, NotWhole> {
        self.word(about, read)?.ok_or(NotWhole::WordMissing(about))
    }
}

fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
