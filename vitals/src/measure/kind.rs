//! What was measured, by name alone.

use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Systolic and diastolic blood pressure, with what came with them.
    BloodPressure,
    /// Pulse rate on its own.
    Pulse,
    /// Heart rate from a strap or an electrocardiogram, with beat-to-beat intervals where sent.
    HeartRate,
    /// Oxygen saturation by pulse oximetry, with the pulse rate and perfusion that came with it.
    Spo2,
    /// Body weight, with what the scale worked out from it.
    Weight,
    /// Body height.
    Height,
    /// Body mass index on its own.
    Bmi,
    /// Body composition by bioimpedance.
    BodyComposition,
    /// Body temperature.
    Temperature,
    /// Glucose concentration, with where it was measured.
    Glucose,
    /// What stood beside a glucose measurement: meal, exercise, medication.
    GlucoseContext,
    /// Ketone (beta-hydroxybutyrate) in blood.
    Ketone,
    /// Breaths a minute.
    RespiratoryRate,
    /// Level of consciousness: alert, new confusion, voice, pain, unresponsive (ACVPU).
    Consciousness,
    /// Breathing air or supplied oxygen.
    SuppliedOxygen,
    /// Peak expiratory flow.
    PeakFlow,
    /// Forced expiratory volume in one second.
    Fev1,
    /// Forced vital capacity.
    Fvc,
    /// Steps walked in a stretch of time.
    Steps,
    /// The answer to one question about a symptom: yes, no, or not asked.
    Symptom,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::BloodPressure,
        Self::Pulse,
        Self::HeartRate,
        Self::Spo2,
        Self::Weight,
        Self::Height,
        Self::Bmi,
        Self::BodyComposition,
        Self::Temperature,
        Self::Glucose,
        Self::GlucoseContext,
        Self::Ketone,
        Self::RespiratoryRate,
        Self::Consciousness,
        Self::SuppliedOxygen,
        Self::PeakFlow,
        Self::Fev1,
        Self::Fvc,
        Self::Steps,
        Self::Symptom,
    ];

    /// The stable name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood_pressure",
            Self::Pulse => "pulse",
            Self::HeartRate => "heart_rate",
            Self::Spo2 => "spo2",
            Self::Weight => "weight",
            Self::Height => "height",
            Self::Bmi => "bmi",
            Self::BodyComposition => "body_composition",
            Self::Temperature => "temperature",
            Self::Glucose => "glucose",
            Self::GlucoseContext => "glucose_context",
            Self::Ketone => "ketone",
            Self::RespiratoryRate => "respiratory_rate",
            Self::Consciousness => "consciousness",
            Self::SuppliedOxygen => "supplied_oxygen",
            Self::PeakFlow => "peak_flow",
            Self::Fev1 => "fev1",
            Self::Fvc => "fvc",
            Self::Steps => "steps",
            Self::Symptom => "symptom",
        }
    }

    /// The kind of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
