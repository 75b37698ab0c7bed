//! SNOMED CT codes of NEWS2 and its part scores.
//!
//! Source: NHS Digital, UK Core, `UKCore-Bundle-NEWS2Observations-Example`. It has none for the second oxygen scale.

use crate::named::named;

named! {
    /// A part of NEWS2 that has a score of its own, and the whole.
    News2Score {
        /// The total.
        Total = "total",
        /// Breaths a minute.
        RespiratoryRate = "respiratory_rate",
        /// Oxygen saturation on the first scale.
        Spo2Scale1 = "spo2_scale_1",
        /// Breathing air or supplied oxygen.
        AirOrOxygen = "air_or_oxygen",
        /// Systolic pressure.
        Systolic = "systolic_bp",
        /// Pulse.
        Pulse = "pulse",
        /// Consciousness.
        Consciousness = "consciousness",
        /// Temperature.
        Temperature = "temperature",
    }
}

impl News2Score {
    /// The SNOMED CT concept of the score.
    ///
    /// ```
    /// assert_eq!(vitals::codes::news2::News2Score::Pulse.snomed(), "1104351000000103");
    /// ```
    #[must_use]
    pub fn snomed(self) -> &'static str {
        match self {
            Self::Total => "1104051000000101",
            Self::RespiratoryRate => "1104301000000104",
            Self::Spo2Scale1 => "1104311000000102",
            Self::AirOrOxygen => "1104331000000105",
            Self::Systolic => "1104341000000101",
            Self::Pulse => "1104351000000103",
            Self::Consciousness => "1104361000000100",
            Self::Temperature => "1104371000000107",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_score_has_a_code_of_its_own() {
        let codes: BTreeSet<&str> = News2Score::ALL.iter().map(|score| score.snomed()).collect();
        assert_eq!(codes.len(), News2Score::ALL.len());
        assert_eq!(News2Score::from_name("spo2_scale_2"), None, "no source has its code");
    }
}
