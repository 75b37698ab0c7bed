//! The measure catalogue: names, codes, units and plausible ranges as data (`catalogue.toml`).
//!
//! Invariant: what came beside a value never costs us the value. A cuff that sends 210/120 and a pulse of nought has told
//! us 210/120.

use crate::{
    decimal::Decimal,
    measure::{Kind, Measure, Parts},
    quantity::{Quantity, Unit},
};
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

/// What a number is to its measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The measure itself: without it there is no value.
    Own,
    /// It came with the measure: the measure stands without it.
    Beside,
}

/// One number of a reading: what it is called, its codes, its unit and what it may plausibly be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Stable name, as rule packs use it.
    pub name: String,
    /// The measure it belongs to.
    pub kind: Kind,
    /// What it is to that measure.
    pub role: Role,
    /// What people call it.
    pub plain: String,
    /// IEEE 11073 code, 32 bits: partition × 65536 + term; where we have one from a source.
    pub mdc: Option<u32>,
    /// LOINC code, where we have one from a source.
    pub loinc: Option<String>,
    /// SNOMED CT concept id (UK edition), where we have one from a source.
    pub snomed: Option<String>,
    /// The unit this number is kept in.
    pub ucum: Unit,
    /// The unit as people write it here, where that is not how they write it elsewhere: breaths are no beats.
    #[serde(default)]
    unit_plain: Option<String>,
    /// Lowest and highest value a living person can have, both included.
    pub plausible: (Decimal, Decimal),
}

impl Component {
    /// Whether a value is within the plausible range.
    #[must_use]
    pub fn is_plausible(&self, value: Decimal) -> bool {
        self.plausible.0 <= value && value <= self.plausible.1
    }

    /// The unit as people write it after this number.
    ///
    /// ```
    /// let breaths = vitals::catalogue::component("respiratory_rate").unwrap();
    /// assert_eq!(breaths.unit_plain(), " breaths a minute");
    /// ```
    #[must_use]
    pub fn unit_plain(&self) -> &str {
        self.unit_plain.as_deref().unwrap_or(self.ucum.plain())
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

/// Every reading asks for its components by name, some of them more than once.
static BY_NAME: LazyLock<HashMap<&'static str, &'static Component>> =
    LazyLock::new(|| components().iter().map(|component| (component.name.as_str(), component)).collect());

/// Every component of the catalogue.
#[must_use]
pub fn components() -> &'static [Component] {
    &COMPONENTS
}

/// The component of a stable name.
///
/// ```
/// let systolic = vitals::catalogue::component("systolic").unwrap();
/// assert_eq!((systolic.mdc, systolic.ucum.ucum()), (Some(150021), "mm[Hg]"));
/// ```
#[must_use]
pub fn component(name: &str) -> Option<&'static Component> {
    BY_NAME.get(name).copied()
}

/// The numbers in a measure, each with its component; none where it is all words.
#[must_use]
pub fn numbers(measure: &Measure) -> Vec<(&'static Component, Quantity)> {
    let named = crate::measure::named_numbers(measure);
    named.into_iter().filter_map(|(name, quantity)| Some((component(name)?, quantity))).collect()
}

/// Whether a measure has a value that a living person can have: every number of its own is plausible, or, where it is all
/// parts beside each other, one of them at least. What is all words always has.
///
/// ```
/// use vitals::{Decimal, Measure, catalogue, quantity::PerMinute};
/// let rate = |beats| Measure::Pulse(PerMinute::new(Decimal::from(beats)));
/// assert!(catalogue::is_plausible(&rate(60)) && !catalogue::is_plausible(&rate(12)));
/// ```
#[must_use]
pub fn is_plausible(measure: &Measure) -> bool {
    let numbers = numbers(measure);
    let is = |(known, number): &(&Component, Quantity)| known.is_plausible(number.value());
    let is_all_parts = matches!(measure, Measure::BodyComposition(_));
    if is_all_parts {
        numbers.iter().any(is)
    } else {
        numbers.iter().filter(|(known, _)| known.role == Role::Own).all(is)
    }
}

/// A measure without the numbers beside its own that no living person can have, and whether there were any.
///
/// What is its own stays as it is, plausible or not ([`is_plausible`]), and so does a measure of which nothing would be left.
///
/// ```
/// use vitals::{Decimal, Measure, catalogue, measure::OxygenSaturation, quantity::{PerMinute, Percent}};
/// let saturation = Percent::new(Decimal::from(94));
/// let oxygen = |pulse| Measure::Spo2(OxygenSaturation { saturation, pulse, perfusion: None });
/// let sent = oxygen(Some(PerMinute::new(Decimal::from(511))));
/// assert_eq!(catalogue::without_implausible_parts(&sent), (oxygen(None), true));
/// ```
#[must_use]
pub fn without_implausible_parts(measure: &Measure) -> (Measure, bool) {
    let unchanged = || (measure.clone(), false);
    let is_left_out = |(known, number): &(&'static Component, Quantity)| {
        known.role == Role::Beside && !known.is_plausible(number.value())
    };
    let left_out: Vec<&str> =
        numbers(measure).iter().filter(|part| is_left_out(part)).map(|(known, _)| known.name.as_str()).collect();
    if left_out.is_empty() {
        return unchanged();
    }
    let mut parts = Parts::of(measure);
    for name in left_out {
        parts.leave_out(name);
    }
    parts.measure(measure.kind()).map_or_else(|_nothing_left| unchanged(), |rest| (rest, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_reads_and_every_kind_with_a_number_is_in_it() {
        toml::from_str::<File>(SOURCE).expect("catalogue.toml reads");
        for kind in Kind::ALL {
            let is_all_words = matches!(kind, Kind::Consciousness | Kind::Symptom);
            let is_there = components().iter().any(|component| component.kind == kind);
            assert_eq!(is_there, !is_all_words, "{kind:?}");
        }
        for component in components() {
            assert!(component.plausible.0 < component.plausible.1, "{}", component.name);
            assert_eq!(components().iter().filter(|other| other.name == component.name).count(), 1);
            assert_eq!(super::component(&component.name), Some(component));
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
