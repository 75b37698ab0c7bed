//! What stood beside a glucose measurement (2A34): meal, food, exercise, medication, health, tester.
//!
//! Invariant: it is joined to its measurement by the device's sequence number, which is always there.

use super::specimen::Meal;
use crate::{
    named::named,
    quantity::{Dose, Grams, Percent, Seconds},
};
use serde::{Deserialize, Serialize};

/// Declares which value of a field of 2A34 each name is: the fields count from 1, in the order of the list.
macro_rules! from_gatt {
    ($($name:ident)+) => {
        $(impl $name {
            /// The meaning of the field's value; values kept for the future name none.
            #[must_use]
            pub fn from_gatt(value: u8) -> Option<Self> {
                Self::ALL.get(usize::from(value).checked_sub(1)?).copied()
            }
        })+
    };
}

named! {
    /// What was eaten. Source: 2A34, field "Carbohydrate ID", values 1 to 7.
    Food {
        /// Breakfast.
        Breakfast = "breakfast",
        /// Lunch.
        Lunch = "lunch",
        /// Dinner.
        Dinner = "dinner",
        /// A snack.
        Snack = "snack",
        /// A drink.
        Drink = "drink",
        /// Supper.
        Supper = "supper",
        /// Brunch.
        Brunch = "brunch",
    }
}

named! {
    /// Who measured. Source: 2A34, field "Tester", values 1 to 3.
    Tester {
        /// The person themselves.
        Person = "person",
        /// A health care professional.
        Professional = "professional",
        /// A laboratory.
        Laboratory = "laboratory",
    }
}

named! {
    /// How the person was. Source: 2A34, field "Health", values 1 to 5.
    Health {
        /// Minor health issues.
        MinorIssues = "minor_issues",
        /// Major health issues.
        MajorIssues = "major_issues",
        /// During menses.
        DuringMenses = "during_menses",
        /// Under stress.
        UnderStress = "under_stress",
        /// No health issues.
        NoIssues = "no_issues",
    }
}

named! {
    /// Which medication. Source: 2A34, field "Medication ID", values 1 to 5.
    MedicationKind {
        /// Rapid acting insulin.
        RapidActingInsulin = "rapid_acting_insulin",
        /// Short acting insulin.
        ShortActingInsulin = "short_acting_insulin",
        /// Intermediate acting insulin.
        IntermediateActingInsulin = "intermediate_acting_insulin",
        /// Long acting insulin.
        LongActingInsulin = "long_acting_insulin",
        /// Pre-mixed insulin.
        PreMixedInsulin = "pre_mixed_insulin",
    }
}

from_gatt!(Food Tester Health MedicationKind);

/// Carbohydrate eaten or drunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carbohydrate {
    /// With which meal, where the device said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub food: Option<Food>,
    /// How much.
    pub mass: Grams,
}

/// Exercise taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercise {
    /// How long, in seconds as sent. None where it was longer than the device counts (65535).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Seconds>,
    /// How hard, as a share of the most the person can.
    pub intensity: Percent,
}

/// Medication taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medication {
    /// Which, where the device said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MedicationKind>,
    /// How much.
    pub dose: Dose,
}

/// What stood beside a glucose measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlucoseContext {
    /// The sequence number of the measurement it belongs to.
    pub sequence: u16,
    /// When, by meals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meal: Option<Meal>,
    /// What was eaten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carbohydrate: Option<Carbohydrate>,
    /// Exercise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<Exercise>,
    /// Medication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medication: Option<Medication>,
    /// Glycated haemoglobin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hba1c: Option<Percent>,
    /// How the person was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Who measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tester: Option<Tester>,
}

impl GlucoseContext {
    /// A context that says nothing yet.
    #[must_use]
    pub fn of(sequence: u16) -> Self {
        Self {
            sequence,
            meal: None,
            carbohydrate: None,
            exercise: None,
            medication: None,
            hba1c: None,
            health: None,
            tester: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_counts_from_one_and_knows_no_more() {
        assert_eq!((Food::from_gatt(1), Food::from_gatt(7)), (Some(Food::Breakfast), Some(Food::Brunch)));
        assert_eq!((Tester::from_gatt(1), Tester::from_gatt(3)), (Some(Tester::Person), Some(Tester::Laboratory)));
        assert_eq!((Health::from_gatt(1), Health::from_gatt(5)), (Some(Health::MinorIssues), Some(Health::NoIssues)));
        let insulin = (MedicationKind::from_gatt(1), MedicationKind::from_gatt(5));
        assert_eq!(insulin, (Some(MedicationKind::RapidActingInsulin), Some(MedicationKind::PreMixedInsulin)));
        for beyond in [0, 15, 255] {
            assert_eq!(Food::from_gatt(beyond), None);
            assert_eq!(Tester::from_gatt(beyond), None);
            assert_eq!(Health::from_gatt(beyond), None);
            assert_eq!(MedicationKind::from_gatt(beyond), None);
        }
        assert_eq!((Food::from_gatt(8), Tester::from_gatt(4), Health::from_gatt(6)), (None, None, None));
    }
}
