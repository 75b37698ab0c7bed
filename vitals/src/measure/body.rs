//! The body: weight, what a scale works out from it, and temperature.

use crate::{
    named::named,
    quantity::{BodyMassIndex, Celsius, Centimetres, Kilograms, Kilojoules, Ohms, Percent, Quantity, WrongUnit},
};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Body weight, with what the scale worked out from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyWeight {
    /// The weight.
    pub mass: Kilograms,
    /// Body mass index by the scale, from the height in its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bmi: Option<BodyMassIndex>,
    /// The height in the scale's settings, which nobody measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<Centimetres>,
}

impl BodyWeight {
    /// A weight with nothing beside it.
    #[must_use]
    pub fn alone(mass: Kilograms) -> Self {
        Self { mass, bmi: None, height: None }
    }
}

/// As stored before a weight had parts.
impl TryFrom<Quantity> for BodyWeight {
    type Error = WrongUnit;

    fn try_from(bare: Quantity) -> Result<Self, WrongUnit> {
        Kilograms::exactly(bare).map(Self::alone)
    }
}

/// What a body composition scale told, each part where it told it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompositionParts {
    /// Share of fat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fat: Option<Percent>,
    /// Share of muscle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muscle_share: Option<Percent>,
    /// Mass of muscle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muscle_mass: Option<Kilograms>,
    /// Mass without fat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fat_free_mass: Option<Kilograms>,
    /// Soft lean mass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_lean_mass: Option<Kilograms>,
    /// Mass of water.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub water_mass: Option<Kilograms>,
    /// Impedance, which is all that some scales measure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impedance: Option<Ohms>,
    /// Basal metabolism in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basal_metabolism: Option<Kilojoules>,
    /// The weight in the same frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<Kilograms>,
    /// The height in the scale's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Centimetres>,
}

/// Body composition by bioimpedance: at least one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct BodyComposition(CompositionParts);

/// A body composition without a single part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("take a body composition: want at least one part")]
pub struct NothingMeasured;

impl BodyComposition {
    /// A composition of these parts.
    ///
    /// # Errors
    /// [`NothingMeasured`] where there is no part.
    ///
    /// ```
    /// use vitals::{Decimal, measure::{BodyComposition, CompositionParts}, quantity::Ohms};
    /// let impedance = Some(Ohms::new(Decimal::from(495)));
    /// assert!(BodyComposition::new(CompositionParts { impedance, ..Default::default() }).is_ok());
    /// assert!(BodyComposition::new(CompositionParts::default()).is_err());
    /// ```
    pub fn new(parts: CompositionParts) -> Result<Self, NothingMeasured> {
        if parts == CompositionParts::default() { Err(NothingMeasured) } else { Ok(Self(parts)) }
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> &CompositionParts {
        &self.0
    }
}

impl<'de> Deserialize<'de> for BodyComposition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(CompositionParts::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

named! {
    /// Where a temperature was taken. Source: Temperature Type 2A1D, values 1 to 9.
    Site {
        /// Under the arm.
        Armpit = "armpit",
        /// The body, without saying where.
        Body = "body",
        /// The ear, as the device calls it; usually the lobe.
        Ear = "ear",
        /// A finger.
        Finger = "finger",
        /// The gastro-intestinal tract.
        GastroIntestinalTract = "gastro_intestinal_tract",
        /// The mouth.
        Mouth = "mouth",
        /// The rectum.
        Rectum = "rectum",
        /// A toe.
        Toe = "toe",
        /// The ear drum.
        Tympanum = "tympanum",
    }
}

impl Site {
    /// The site of a 2A1D value; 0 and values kept for the future name none.
    ///
    /// ```
    /// use vitals::measure::Site;
    /// assert_eq!(Site::from_gatt(9), Some(Site::Tympanum));
    /// assert_eq!(Site::from_gatt(0), None);
    /// ```
    #[must_use]
    pub fn from_gatt(value: u8) -> Option<Self> {
        // ALL is in the order of 2A1D, which starts at 1.
        Self::ALL.get(usize::from(value).checked_sub(1)?).copied()
    }

    /// The SNOMED CT concept of a temperature taken there, where the UK Core value set for body temperature has one.
    #[must_use]
    pub fn snomed(self) -> Option<&'static str> {
        match self {
            Self::Armpit => Some("415882003"),
            Self::Body => Some("386725007"),
            Self::Mouth => Some("415945006"),
            Self::Rectum => Some("307047009"),
            Self::Tympanum => Some("415974002"),
            Self::Ear | Self::Finger | Self::GastroIntestinalTract | Self::Toe => None,
        }
    }
}

/// Body temperature, and where it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Temperature {
    /// The temperature.
    pub value: Celsius,
    /// Where, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
}

impl Temperature {
    /// A temperature without saying where it was taken.
    #[must_use]
    pub fn alone(value: Celsius) -> Self {
        Self { value, site: None }
    }
}

/// As stored before a temperature had a site.
impl TryFrom<Quantity> for Temperature {
    type Error = WrongUnit;

    fn try_from(bare: Quantity) -> Result<Self, WrongUnit> {
        Celsius::exactly(bare).map(Self::alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decimal;

    #[test]
    fn a_temperature_type_names_its_site_and_nothing_else() {
        let expected =
            [None].into_iter().chain(Site::ALL.iter().copied().map(Some)).chain(std::iter::repeat_n(None, 246));
        for (value, site) in (0..=u8::MAX).zip(expected) {
            assert_eq!(Site::from_gatt(value), site, "{value}");
        }
    }

    #[test]
    fn a_composition_without_a_part_is_refused_also_from_the_store() {
        assert!(serde_json::from_str::<BodyComposition>("{}").is_err());
        let fat = Some(Percent::new(Decimal::from(31)));
        let whole = BodyComposition::new(CompositionParts { fat, ..CompositionParts::default() }).unwrap();
        let stored = serde_json::to_string(&whole).unwrap();
        assert_eq!(stored, r#"{"fat":{"value":"31","unit":"%"}}"#);
        assert_eq!(serde_json::from_str::<BodyComposition>(&stored).unwrap(), whole);
    }
}
