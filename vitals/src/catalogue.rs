//! The measure catalogue: names, codes, units and plausible ranges as data (`catalogue.toml`).

use crate::{
    decimal::Decimal,
    measure::{Kind, Measure},
    quantity::{Quantity, Unit},
};
use serde::Deserialize;
use std::sync::LazyLock;

/// One number of a reading: what it is called, its codes, its unit and what it may plausibly be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Stable name, as rule packs use it.
    pub name: String,
    /// The measure it belongs to.
    pub kind: Kind,
    /// What people call it.
    pub plain: String,
    /// IEEE 11073 code, 32 bits: partition × 65536 + term.
    pub mdc: u32,
    /// LOINC code, where we have one from a source.
    pub loinc: Option<String>,
    /// SNOMED CT concept id (UK edition).
    pub snomed: String,
    /// The unit this number is kept in.
    pub ucum: Unit,
    /// Lowest and highest value a living person can have, both included.
    pub plausible: (Decimal, Decimal),
}

impl Component {
    /// Whether a value is within the plausible range.
    #[must_use]
    pub fn is_plausible(&self, value: Decimal) -> bool {
        self.plausible.0 <= value && value <= self.plausible.1
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    component: Vec<Component>,
}

/// The text of the catalogue, as it stands in the source.
pub const SOURCE: &str = include_str!("catalogue.toml");

static COMPONENTS: LazyLock<Vec<Component>> = LazyLock::new(|| {
    // The text is part of the program and a test reads it, so it cannot fail in the field.
    toml::from_str::<File>(SOURCE).map(|file| file.component).unwrap_or_default()
});

/// Every component of the catalogue.
#[must_use]
pub fn components() -> &'static [Component] {
    &COMPONENTS
}

/// The component of a stable name.
///
/// ```
/// let systolic = vitals::catalogue::component("systolic").unwrap();
/// assert_eq!((systolic.mdc, systolic.ucum.ucum()), (150021, "mm[Hg]"));
/// ```
#[must_use]
pub fn component(name: &str) -> Option<&'static Component> {
    components().iter().find(|component| component.name == name)
}

/// The numbers in a measure, each with its component.
#[must_use]
pub fn numbers(measure: &Measure) -> Vec<(&'static Component, Quantity)> {
    let named: Vec<(&str, Quantity)> = match measure {
        Measure::BloodPressure(pressure) => {
            let both = [("systolic", pressure.systolic.quantity()), ("diastolic", pressure.diastolic.quantity())];
            let mean = pressure.mean.map(|mean| ("mean", mean.quantity()));
            let pulse = pressure.pulse.map(|pulse| ("cuff_pulse", pulse.quantity()));
            both.into_iter().chain(mean).chain(pulse).collect()
        }
        Measure::Pulse(rate) => vec![("pulse", rate.quantity())],
        Measure::Spo2(share) => vec![("spo2", share.quantity())],
        Measure::Weight(mass) => vec![("weight", mass.quantity())],
        Measure::Temperature(temperature) => vec![("temperature", temperature.quantity())],
        Measure::Glucose(glucose) => {
            let name = if glucose.quantity().unit() == Unit::MilligramsPerDecilitre { "glucose_mg" } else { "glucose" };
            vec![(name, glucose.quantity())]
        }
    };
    named.into_iter().filter_map(|(name, quantity)| Some((component(name)?, quantity))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_reads_and_every_kind_is_in_it() {
        toml::from_str::<File>(SOURCE).expect("catalogue.toml reads");
        for kind in Kind::ALL {
            assert!(components().iter().any(|component| component.kind == kind), "{kind:?} has no component");
        }
        for component in components() {
            assert!(component.plausible.0 < component.plausible.1, "{}", component.name);
            assert_eq!(components().iter().filter(|other| other.name == component.name).count(), 1);
        }
    }

    #[test]
    fn a_plausible_range_includes_its_ends() {
        let spo2 = component("spo2").unwrap();
        for (value, expected) in [("29.9", false), ("30", true), ("100", true), ("100.1", false), ("0", false)] {
            assert_eq!(spo2.is_plausible(Decimal::parse(value).unwrap()), expected, "{value}");
        }
    }
}
