//! IEEE 11073-10101 (MDC) nomenclature codes.

/// The 32-bit code of a term in a partition. Source: HL7/phd "Nomenclaturecodes": the upper 16 bits are the partition.
///
/// ```
/// assert_eq!(vitals::codes::mdc::code32(2, 19384), 150456);
/// ```
#[must_use]
pub fn code32(partition: u16, term: u16) -> u32 {
    u32::from(partition) << 16 | u32::from(term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn partition_and_term_keep_their_halves() {
        for (partition, term, code) in [
            (0, 0, 0),
            (0, u16::MAX, 65_535),
            (1, 0, 65_536),
            (4, 1731, 263_875),
            (128, 29256, 8_417_864),
            (u16::MAX, u16::MAX, u32::MAX),
        ] {
            assert_eq!(code32(partition, term), code, "{partition} {term}");
        }
    }

    /// Each row of the catalogue that has a code, by the term that its source gives.
    #[test]
    fn the_catalogue_has_the_codes_of_its_sources() {
        for (name, partition, term) in [
            ("systolic", 2, 18949),
            ("diastolic", 2, 18950),
            ("mean", 2, 18951),
            ("cuff_pulse", 2, 18474),
            ("pulse", 2, 18458),
            ("oximeter_pulse", 2, 18458),
            ("heart_rate", 2, 16770),
            ("spo2", 2, 19384),
            ("perfusion", 2, 19376),
            ("weight", 2, 57664),
            ("composition_weight", 2, 57664),
            ("height", 2, 57668),
            ("scale_height", 2, 57668),
            ("composition_height", 2, 57668),
            ("body_fat", 2, 57676),
            ("bmi", 2, 57680),
            ("scale_bmi", 2, 57680),
            ("fat_free_mass", 2, 57684),
            ("soft_lean_mass", 2, 57688),
            ("water_mass", 2, 57692),
            ("temperature", 2, 19292),
            ("glucose", 2, 29112),
            ("glucose_mg", 2, 29112),
            ("glucose_interstitial", 2, 29140),
            ("glucose_interstitial_mg", 2, 29140),
            ("hba1c", 2, 29148),
            ("exercise_duration", 128, 29152),
            ("exercise_intensity", 128, 29152),
            ("carbohydrate", 128, 29156),
            ("medication_mg", 128, 29188),
            ("medication_ml", 128, 29188),
            ("respiratory_rate", 2, 20490),
            ("peak_flow", 2, 21512),
            ("fev1", 2, 21514),
            ("fvc", 2, 57856),
        ] {
            assert_eq!(catalogue::component(name).unwrap().mdc, Some(code32(partition, term)), "{name}");
        }
        let uncoded: Vec<&str> = catalogue::components()
            .iter()
            .filter(|component| component.mdc.is_none())
            .map(|component| component.name.as_str())
            .collect();
        let no_source = [
            "energy_expended",
            "muscle_share",
            "muscle_mass",
            "impedance",
            "basal_metabolism",
            "ketone",
            "ketone_mg",
            "oxygen_flow",
            "steps",
            "steps_duration",
        ];
        assert_eq!(uncoded, no_source);
    }
}
