//! Quantities: an exact decimal and its UCUM unit, never one without the other.

mod as_sent;
mod concentration;
mod convert;
mod unit;

pub use as_sent::{Dose, Glucose, Ketone};
pub use concentration::Analyte;
pub use convert::{FeetAndInches, StonesAndPounds};
pub use unit::Unit;

use crate::decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use thiserror::Error;

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

    /// Why it cannot be taken where another unit is wanted.
    fn not_in(self, want: Unit) -> WrongUnit {
        WrongUnit { got: self.unit.ucum(), want }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.unit.ucum())
    }
}

macro_rules! measured_in {
    ($($(#[$doc:meta])* $name:ident $unit:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(Decimal);

        impl $name {
            /// The unit this is always in.
            pub const UNIT: Unit = Unit::$unit;

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
                if quantity.unit == Self::UNIT { Ok(Self(quantity.value)) } else { Err(quantity.not_in(Self::UNIT)) }
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
    )+};
}

measured_in! {
    /// A pressure in millimetres of mercury.
    MmHg MillimetresOfMercury;
    /// A rate a minute: heart beats, breaths.
    PerMinute PerMinute;
    /// A share in per cent.
    Percent Percent;
    /// A mass in kilograms.
    Kilograms Kilograms;
    /// A mass in grams.
    Grams Grams;
    /// A length in centimetres.
    Centimetres Centimetres;
    /// A body mass index.
    BodyMassIndex KilogramsPerSquareMetre;
    /// A temperature in degrees Celsius.
    Celsius Celsius;
    /// A volume in litres.
    Litres Litres;
    /// A flow in litres a minute.
    LitresPerMinute LitresPerMinute;
    /// An energy in kilojoules.
    Kilojoules Kilojoules;
    /// An electrical impedance in ohms.
    Ohms Ohms;
    /// A duration in minutes.
    Minutes Minutes;
    /// A duration in seconds.
    Seconds Seconds;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A measure takes its own unit and no other, by construction and from the store.
    #[test]
    fn a_weight_is_never_taken_for_a_pressure() {
        for unit in Unit::ALL.iter().copied() {
            let quantity = Quantity::new(Decimal::from(80), unit);
            let stored = serde_json::to_string(&quantity).unwrap();
            assert_eq!(MmHg::exactly(quantity).is_ok(), unit == Unit::MillimetresOfMercury, "{unit:?}");
            assert_eq!(Kilograms::exactly(quantity).is_ok(), unit == Unit::Kilograms, "{unit:?}");
            assert_eq!(serde_json::from_str::<Kilograms>(&stored).is_ok(), unit == Unit::Kilograms, "{unit:?}");
            assert_eq!(serde_json::from_str::<Minutes>(&stored).is_ok(), unit == Unit::Minutes, "{unit:?}");
        }
    }
}
