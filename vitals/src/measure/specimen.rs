//! What glucose was measured in, where the sample was taken, and when by meals.

use crate::named::named;

named! {
    /// What was measured. Source: Glucose Measurement 2A18, field "Type", values 1 to 10.
    Specimen {
        /// Whole blood from a capillary.
        CapillaryWholeBlood = "capillary_whole_blood",
        /// Plasma from a capillary; most meters measure blood and say this.
        CapillaryPlasma = "capillary_plasma",
        /// Whole blood from a vein.
        VenousWholeBlood = "venous_whole_blood",
        /// Plasma from a vein.
        VenousPlasma = "venous_plasma",
        /// Whole blood from an artery.
        ArterialWholeBlood = "arterial_whole_blood",
        /// Plasma from an artery.
        ArterialPlasma = "arterial_plasma",
        /// Whole blood, from where is not said.
        UndeterminedWholeBlood = "undetermined_whole_blood",
        /// Plasma, from where is not said.
        UndeterminedPlasma = "undetermined_plasma",
        /// Interstitial fluid, by a sensor under the skin: it follows blood by minutes and is judged by its own bounds.
        InterstitialFluid = "interstitial_fluid",
        /// A control solution, which is nobody's.
        ControlSolution = "control_solution",
        /// The device did not say.
        Unknown = "unknown",
    }
}

impl Specimen {
    /// The specimen of a value of 2A18's "Type"; values kept for the future are [`Self::Unknown`].
    ///
    /// ```
    /// use vitals::measure::Specimen;
    /// assert_eq!(Specimen::from_gatt(1), Specimen::CapillaryWholeBlood);
    /// assert_eq!(Specimen::from_gatt(10), Specimen::ControlSolution);
    /// assert_eq!(Specimen::from_gatt(0), Specimen::Unknown);
    /// ```
    #[must_use]
    pub fn from_gatt(value: u8) -> Self {
        // ALL is in the order of the field, which starts at 1; after 10 comes our own "unknown".
        let named = usize::from(value).checked_sub(1).and_then(|place| Self::ALL.get(place));
        named.copied().unwrap_or(Self::Unknown)
    }

    /// The IEEE 11073 code of a glucose concentration in it. Sources: HL7/phd examples (160184, 160368); terms 29112
    /// to 29140, 29292 and 29296 of partition 2 in public SDK headers.
    #[must_use]
    pub fn mdc(self) -> Option<u32> {
        match self {
            Self::CapillaryWholeBlood => Some(160_184),
            Self::CapillaryPlasma => Some(160_188),
            Self::VenousWholeBlood => Some(160_192),
            Self::VenousPlasma => Some(160_196),
            Self::ArterialWholeBlood => Some(160_200),
            Self::ArterialPlasma => Some(160_204),
            Self::ControlSolution => Some(160_208),
            Self::InterstitialFluid => Some(160_212),
            Self::UndeterminedWholeBlood => Some(160_364),
            Self::UndeterminedPlasma => Some(160_368),
            Self::Unknown => None,
        }
    }

    /// The SNOMED CT concept of a glucose concentration in it. Source: `UKCore-BloodGlucose`, value set, which has none
    /// for interstitial fluid.
    #[must_use]
    pub fn snomed(self) -> Option<&'static str> {
        match self {
            Self::CapillaryWholeBlood
            | Self::VenousWholeBlood
            | Self::ArterialWholeBlood
            | Self::UndeterminedWholeBlood => Some("997671000000106"),
            Self::CapillaryPlasma | Self::VenousPlasma | Self::ArterialPlasma | Self::UndeterminedPlasma => {
                Some("434911002")
            }
            Self::InterstitialFluid | Self::ControlSolution | Self::Unknown => None,
        }
    }
}

named! {
    /// Where the sample was taken. Source: 2A18, field "Sample Location", values 1 to 4; 5 is of the CGM feature 2AA8.
    SampleSite {
        /// A finger.
        Finger = "finger",
        /// An alternate site, such as the forearm: it can lag behind a finger when glucose changes fast.
        AlternateSite = "alternate_site",
        /// An ear lobe.
        Earlobe = "earlobe",
        /// A control solution, which is nobody's.
        ControlSolution = "control_solution",
        /// Under the skin, by a sensor.
        SubcutaneousTissue = "subcutaneous_tissue",
    }
}

impl SampleSite {
    /// The place of a value of 2A18's "Sample Location"; 15 and values kept for the future name none.
    #[must_use]
    pub fn from_gatt(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value).checked_sub(1)?).copied()
    }
}

named! {
    /// When a glucose measurement was, by meals. Source: Glucose Measurement Context 2A34, field "Meal", values 1 to 5.
    Meal {
        /// Before a meal.
        BeforeMeal = "before_meal",
        /// After a meal.
        AfterMeal = "after_meal",
        /// Fasting.
        Fasting = "fasting",
        /// In between: snacks and drinks.
        Casual = "casual",
        /// At bedtime.
        Bedtime = "bedtime",
    }
}

impl Meal {
    /// The meal of a 2A34 value; others name none.
    #[must_use]
    pub fn from_gatt(value: u8) -> Option<Self> {
        Self::ALL.get(usize::from(value).checked_sub(1)?).copied()
    }

    /// The IEEE 11073 name of it as a context of glucose (8417864). Sources: HL7/phd compound-observation-glucose
    /// (8417872, after a meal); terms 29260 to 29272 of partition 128 in public SDK headers, which have none for bedtime.
    #[must_use]
    pub fn mdc(self) -> Option<(u32, &'static str)> {
        match self {
            Self::BeforeMeal => Some((8_417_868, "MDC_CTXT_GLU_MEAL_PREPRANDIAL")),
            Self::AfterMeal => Some((8_417_872, "MDC_CTXT_GLU_MEAL_POSTPRANDIAL")),
            Self::Fasting => Some((8_417_876, "MDC_CTXT_GLU_MEAL_FASTING")),
            Self::Casual => Some((8_417_880, "MDC_CTXT_GLU_MEAL_CASUAL")),
            Self::Bedtime => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::mdc;

    #[test]
    fn the_ten_specimens_of_2a18_stay_apart() {
        let expected = [
            (0, "unknown"),
            (1, "capillary_whole_blood"),
            (2, "capillary_plasma"),
            (3, "venous_whole_blood"),
            (4, "venous_plasma"),
            (5, "arterial_whole_blood"),
            (6, "arterial_plasma"),
            (7, "undetermined_whole_blood"),
            (8, "undetermined_plasma"),
            (9, "interstitial_fluid"),
            (10, "control_solution"),
            (11, "unknown"),
            (12, "unknown"),
            (15, "unknown"),
            (255, "unknown"),
        ];
        for (value, name) in expected {
            assert_eq!(Specimen::from_gatt(value).name(), name, "{value}");
        }
    }

    #[test]
    fn places_and_meals_are_read_by_their_number_and_no_other() {
        let names =
            |value| (SampleSite::from_gatt(value).map(SampleSite::name), Meal::from_gatt(value).map(Meal::name));
        assert_eq!(names(0), (None, None));
        assert_eq!(names(1), (Some("finger"), Some("before_meal")));
        assert_eq!(names(4), (Some("control_solution"), Some("casual")));
        assert_eq!(names(5), (Some("subcutaneous_tissue"), Some("bedtime")));
        for value in 6..=15 {
            assert_eq!(names(value), (None, None), "{value}");
        }
    }

    #[test]
    fn codes_are_partition_and_term() {
        for (specimen, term) in [
            (Specimen::CapillaryWholeBlood, 29112),
            (Specimen::CapillaryPlasma, 29116),
            (Specimen::VenousWholeBlood, 29120),
            (Specimen::VenousPlasma, 29124),
            (Specimen::ArterialWholeBlood, 29128),
            (Specimen::ArterialPlasma, 29132),
            (Specimen::ControlSolution, 29136),
            (Specimen::InterstitialFluid, 29140),
            (Specimen::UndeterminedWholeBlood, 29292),
            (Specimen::UndeterminedPlasma, 29296),
        ] {
            assert_eq!(specimen.mdc(), Some(mdc::code32(2, term)), "{specimen:?}");
        }
        for (meal, term) in
            [(Meal::BeforeMeal, 29260), (Meal::AfterMeal, 29264), (Meal::Fasting, 29268), (Meal::Casual, 29272)]
        {
            assert_eq!(meal.mdc().map(|(code, _)| code), Some(mdc::code32(128, term)), "{meal:?}");
        }
    }
}
