//! Quantities: an exact decimal and its UCUM unit, never one without the other.

use crate::decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use thiserror::Error;

/// The units we know, by their UCUM code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// `mm[Hg]`
    MillimetresOfMercury,
    /// `kPa`
    Kilopascals,
    /// `/min`
    PerMinute,
    /// `%`
    Percent,
    /// `kg`
    Kilograms,
    /// `[lb_av]`
    Pounds,
    /// `Cel`
    Celsius,
    /// `[degF]`
    Fahrenheit,
    /// `mmol/L`
    MillimolesPerLitre,
    /// `mg/dL`
    MilligramsPerDecilitre,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 10] = [
        Self::MillimetresOfMercury,
        Self::Kilopascals,
        Self::PerMinute,
        Self::Percent,
        Self::Kilograms,
        Self::Pounds,
        Self::Celsius,
        Self::Fahrenheit,
        Self::MillimolesPerLitre,
        Self::MilligramsPerDecilitre,
    ];

    /// The UCUM code, as on the wire.
    #[must_use]
    pub fn ucum(self) -> &'static str {
        match self {
            Self::MillimetresOfMercury => "mm[Hg]",
            Self::Kilopascals => "kPa",
            Self::PerMinute => "/min",
            Self::Percent => "%",
            Self::Kilograms => "kg",
            Self::Pounds => "[lb_av]",
            Self::Celsius => "Cel",
            Self::Fahrenheit => "[degF]",
            Self::MillimolesPerLitre => "mmol/L",
            Self::MilligramsPerDecilitre => "mg/dL",
        }
    }

    /// The unit as people write it, with nothing between it and the number (NHS content guide).
    #[must_use]
    pub fn plain(self) -> &'static str {
        match self {
            Self::MillimetresOfMercury => "mmHg",
            Self::Kilopascals => "kPa",
            Self::PerMinute => " beats a minute",
            Self::Percent => "%",
            Self::Kilograms => "kg",
            Self::Pounds => "lb",
            Self::Celsius => "°C",
            Self::Fahrenheit => "°F",
            Self::MillimolesPerLitre => "mmol/L",
            Self::MilligramsPerDecilitre => "mg/dL",
        }
    }

    /// The unit of a UCUM code, or `None` for one we do not know: there is no guessing and no default.
    #[must_use]
    pub fn from_ucum(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.ucum() == code)
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.ucum())
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_ucum(&code).ok_or_else(|| serde::de::Error::custom("read a unit: not a UCUM code we know"))
    }
}

/// An amount of something, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    value: Decimal,
    unit: Unit,
}

/// A quantity came in a unit that does not fit what it measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("take a quantity in {got}: want {}", want.ucum())]
pub struct WrongUnit {
    /// The unit it came in.
    pub got: &'static str,
    /// The unit this measure is kept in.
    pub want: Unit,
}

impl Quantity {
    /// An amount in a unit.
    #[must_use]
    pub fn new(value: Decimal, unit: Unit) -> Self {
        Self { value, unit }
    }

    /// The amount.
    #[must_use]
    pub fn value(self) -> Decimal {
        self.value
    }

    /// The unit.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.unit
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.ucum())
    }
}

/// mm[Hg] in one kPa: UCUM defines m[Hg] as 133.3220 kPa, so 1 kPa is 7.500638 mm[Hg] (six places).
const MMHG_PER_KPA: &str = "7.500638";

/// Kilopascals are told to 0.1 kPa by home cuffs, so a converted pressure is given to 0.1 mm[Hg].
const CONVERTED_PRESSURE_SCALE: u32 = 1;

macro_rules! measured_in {
    ($(#[$doc:meta])* $name:ident, $unit:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(Decimal);

        impl $name {
            /// The unit this is always in.
            pub const UNIT: Unit = $unit;

            /// An amount in this unit.
            #[must_use]
            pub fn new(amount: Decimal) -> Self {
                Self(amount)
            }

            /// A quantity that must already be in this unit.
            ///
            /// # Errors
            /// [`WrongUnit`] where it is in another.
            pub fn exactly(quantity: Quantity) -> Result<Self, WrongUnit> {
                if quantity.unit == Self::UNIT { Ok(Self(quantity.value)) } else { Err(WrongUnit { got: quantity.unit.ucum(), want: Self::UNIT }) }
            }

            /// The amount.
            #[must_use]
            pub fn value(self) -> Decimal {
                self.0
            }

            /// The amount with its unit.
            #[must_use]
            pub fn quantity(self) -> Quantity {
                Quantity::new(self.0, Self::UNIT)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.quantity().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::exactly(Quantity::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

measured_in!(
    /// A pressure in millimetres of mercury.
    MmHg,
    Unit::MillimetresOfMercury
);
measured_in!(
    /// A rate in beats a minute.
    PerMinute,
    Unit::PerMinute
);
measured_in!(
    /// A share in per cent.
    Percent,
    Unit::Percent
);
measured_in!(
    /// A mass in kilograms.
    Kilograms,
    Unit::Kilograms
);
measured_in!(
    /// A temperature in degrees Celsius.
    Celsius,
    Unit::Celsius
);

impl MmHg {
    /// A pressure from either unit a cuff may use; kilopascals are converted and rounded to 0.1 mm[Hg].
    ///
    /// # Errors
    /// [`WrongUnit`] for a unit that is not a pressure, or a number of kilopascals too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::MmHg};
    /// let kpa = Quantity::new(Decimal::parse("18.9").unwrap(), Unit::Kilopascals);
    /// assert_eq!(MmHg::from_pressure(kpa).unwrap().value().to_string(), "141.8");
    /// ```
    pub fn from_pressure(quantity: Quantity) -> Result<Self, WrongUnit> {
        if quantity.unit != Unit::Kilopascals {
            return Self::exactly(quantity);
        }
        let refused = WrongUnit { got: quantity.unit.ucum(), want: Self::UNIT };
        let factor = Decimal::parse(MMHG_PER_KPA).map_err(|_never| refused)?;
        quantity.value.times_rounded(factor, CONVERTED_PRESSURE_SCALE).map(Self).ok_or(refused)
    }
}

/// A glucose concentration in the unit it was sent in: bands are judged in that unit, never after conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Glucose(Quantity);

impl Glucose {
    /// A concentration in mmol/L or mg/dL.
    ///
    /// # Errors
    /// [`WrongUnit`] for any other unit.
    pub fn new(quantity: Quantity) -> Result<Self, WrongUnit> {
        if matches!(quantity.unit, Unit::MillimolesPerLitre | Unit::MilligramsPerDecilitre) {
            Ok(Self(quantity))
        } else {
            Err(WrongUnit { got: quantity.unit.ucum(), want: Unit::MillimolesPerLitre })
        }
    }

    /// The concentration with the unit it was sent in.
    #[must_use]
    pub fn quantity(self) -> Quantity {
        self.0
    }
}

impl<'de> Deserialize<'de> for Glucose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Quantity::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_never_taken_for_a_pressure() {
        let weight = Quantity::new(Decimal::from(80), Unit::Kilograms);
        assert!(MmHg::exactly(weight).is_err());
        assert!(MmHg::from_pressure(weight).is_err());
        assert!(Glucose::new(weight).is_err());
    }

    #[test]
    fn every_ucum_code_reads_back() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_ucum(unit.ucum()), Some(unit));
        }
        assert_eq!(Unit::from_ucum("mmHg"), None, "the plain form is not UCUM");
    }
}
