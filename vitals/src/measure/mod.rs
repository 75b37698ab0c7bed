//! Measures: what was measured, as a value or as the reason there is none.
//!
//! Invariants: a blood pressure has both its pressures; a control solution is nobody's glucose; not asked is not no; a
//! reason is never a number. Words from closed lists have stable names, which the wire, the store and packs use.

mod blood_pressure;
mod body;
mod glucose;
mod glucose_context;
mod heart;
mod kind;
mod no_value;
mod observed;
mod oxygen;
mod parts;
mod specimen;

pub use blood_pressure::{Arm, BloodPressure, Posture};
pub use body::{BodyComposition, BodyWeight, CompositionParts, NothingMeasured, Site, Temperature};
pub use glucose::GlucoseReading;
pub use glucose_context::{Carbohydrate, Exercise, Food, GlucoseContext, Health, Medication, MedicationKind, Tester};
pub use heart::{HeartRate, RR_INTERVALS_MAX, RrIntervals, TooManyIntervals};
pub use kind::Kind;
pub use no_value::{NoValue, Value};
pub use observed::{Acvpu, Answer, NotAQuestion, QUESTION_BYTES_MAX, Question, Steps, Symptom};
pub use oxygen::{OxygenSaturation, SuppliedOxygen};
pub(crate) use parts::named_numbers;
pub use parts::{NotWhole, Parts, Word};
pub use specimen::{Meal, SampleSite, Specimen};

use crate::quantity::{BodyMassIndex, Centimetres, Ketone, Litres, LitresPerMinute, PerMinute, Quantity, WrongUnit};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A measure with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Blood pressure.
    BloodPressure(BloodPressure),
    /// Pulse rate on its own.
    Pulse(PerMinute),
    /// Heart rate, with the intervals between beats where sent.
    HeartRate(HeartRate),
    /// Oxygen saturation, with the pulse and perfusion that came with it.
    #[serde(deserialize_with = "whole_or_bare")]
    Spo2(OxygenSaturation),
    /// Body weight, with what the scale worked out from it.
    #[serde(deserialize_with = "whole_or_bare")]
    Weight(BodyWeight),
    /// Body height.
    Height(Centimetres),
    /// Body mass index on its own.
    Bmi(BodyMassIndex),
    /// Body composition.
    BodyComposition(BodyComposition),
    /// Body temperature, and where it was taken.
    #[serde(deserialize_with = "whole_or_bare")]
    Temperature(Temperature),
    /// Glucose, and what it was measured in.
    #[serde(deserialize_with = "whole_or_bare")]
    Glucose(GlucoseReading),
    /// What stood beside a glucose measurement.
    GlucoseContext(GlucoseContext),
    /// Ketone in blood.
    Ketone(Ketone),
    /// Breaths a minute.
    RespiratoryRate(PerMinute),
    /// Level of consciousness.
    Consciousness(Acvpu),
    /// What the person breathed.
    SuppliedOxygen(SuppliedOxygen),
    /// Peak expiratory flow.
    PeakFlow(LitresPerMinute),
    /// Forced expiratory volume in one second.
    Fev1(Litres),
    /// Forced vital capacity.
    Fvc(Litres),
    /// Steps.
    Steps(Steps),
    /// The answer to a question.
    Symptom(Symptom),
}

impl Measure {
    /// What kind of measure this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::BloodPressure(_) => Kind::BloodPressure,
            Self::Pulse(_) => Kind::Pulse,
            Self::HeartRate(_) => Kind::HeartRate,
            Self::Spo2(_) => Kind::Spo2,
            Self::Weight(_) => Kind::Weight,
            Self::Height(_) => Kind::Height,
            Self::Bmi(_) => Kind::Bmi,
            Self::BodyComposition(_) => Kind::BodyComposition,
            Self::Temperature(_) => Kind::Temperature,
            Self::Glucose(_) => Kind::Glucose,
            Self::GlucoseContext(_) => Kind::GlucoseContext,
            Self::Ketone(_) => Kind::Ketone,
            Self::RespiratoryRate(_) => Kind::RespiratoryRate,
            Self::Consciousness(_) => Kind::Consciousness,
            Self::SuppliedOxygen(_) => Kind::SuppliedOxygen,
            Self::PeakFlow(_) => Kind::PeakFlow,
            Self::Fev1(_) => Kind::Fev1,
            Self::Fvc(_) => Kind::Fvc,
            Self::Steps(_) => Kind::Steps,
            Self::Symptom(_) => Kind::Symptom,
        }
    }
}

/// Reads a measure as it is stored now, or as it was when it was one quantity without parts.
fn whole_or_bare<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + TryFrom<Quantity, Error = WrongUnit>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored<T> {
        Whole(T),
        Bare(Quantity),
    }
    match Stored::deserialize(deserializer)? {
        Stored::Whole(whole) => Ok(whole),
        Stored::Bare(quantity) => T::try_from(quantity).map_err(D::Error::custom),
    }
}
