//! How the UK Core examples code a vital sign: one SNOMED CT and one LOINC code, and the UCUM unit of its value.
//!
//! Invariant: these are the examples' own codings, for what we send to others; what a number is kept in and coded by
//! inside is the catalogue's. Source: NHS Digital, UK Core, `UKCore-Observation-VitalSigns-*-Example`.

/// How a vital sign is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding {
    /// SNOMED CT.
    pub snomed: &'static str,
    /// LOINC, which is never used alone in the United Kingdom (digital.nhs.uk, "FHIR vital signs standards").
    pub loinc: &'static str,
    /// UCUM; none for a panel, which has no value of its own.
    pub ucum: Option<&'static str>,
}

/// The coding of a vital sign, by the name of its profile or by what its SNOMED CT code is called.
///
/// ```
/// use vitals::codes::uk_core;
/// let panel = uk_core::coding("blood_pressure_panel").unwrap();
/// assert_eq!((panel.snomed, panel.loinc, panel.ucum), ("75367002", "85354-9", None));
/// assert_eq!(uk_core::coding("mood"), None);
/// ```
#[must_use]
pub fn coding(vital_sign: &str) -> Option<Coding> {
    CODINGS.iter().find(|(names, _)| names.contains(&vital_sign)).map(|(_, coding)| *coding)
}

/// Each coding with the names it goes by.
const CODINGS: &[(&[&str], Coding)] = &[
    (&["blood_pressure_panel", "blood_pressure"], Coding { snomed: "75367002", loinc: "85354-9", ucum: None }),
    (
        &["systolic_blood_pressure", "systolic_arterial_pressure", "systolic"],
        Coding { snomed: "72313002", loinc: "8480-6", ucum: Some("mm[Hg]") },
    ),
    (
        &["diastolic_blood_pressure", "diastolic_arterial_pressure", "diastolic"],
        Coding { snomed: "1091811000000102", loinc: "8462-4", ucum: Some("mm[Hg]") },
    ),
    (
        &["core_body_temperature", "body_temperature"],
        Coding { snomed: "276885007", loinc: "8310-5", ucum: Some("Cel") },
    ),
    (&["body_weight"], Coding { snomed: "27113001", loinc: "29463-7", ucum: Some("kg") }),
    (&["body_height"], Coding { snomed: "50373000", loinc: "8302-2", ucum: Some("m") }),
    (&["bmi", "body_mass_index"], Coding { snomed: "60621009", loinc: "39156-5", ucum: Some("kg/m2") }),
    // The example of the heart rate profile is of a resting heart rate.
    (&["resting_heart_rate", "heart_rate"], Coding { snomed: "444981005", loinc: "8867-4", ucum: Some("/min") }),
    (
        &["peripheral_oxygen_saturation", "oxygen_saturation"],
        Coding { snomed: "431314004", loinc: "2708-6", ucum: Some("%") },
    ),
    (&["respiratory_rate"], Coding { snomed: "86290005", loinc: "9279-1", ucum: Some("/min") }),
    (&["head_circumference"], Coding { snomed: "363812007", loinc: "9843-4", ucum: Some("cm") }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_name_is_of_one_coding_only() {
        let names: Vec<&str> = CODINGS.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let codes: BTreeSet<&str> = CODINGS.iter().map(|(_, coding)| coding.snomed).collect();
        assert_eq!(codes.len(), CODINGS.len());
    }

    #[test]
    fn names_are_read_letter_for_letter() {
        for unknown in ["", "BMI", "weight", "body weight", "pulse"] {
            assert_eq!(coding(unknown), None, "{unknown:?}");
        }
    }
}
