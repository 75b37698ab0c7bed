//! Quantities that stay in the unit they were sent in: bands are judged in that unit, never after conversion.

use super::{Quantity, Unit, WrongUnit};
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! as_sent {
    ($($(#[$doc:meta])* $name:ident $one:ident or $other:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(Quantity);

        impl $name {
            /// The units it may be in.
            pub const UNITS: [Unit; 2] = [Unit::$one, Unit::$other];

            /// An amount in one of its units.
            ///
            /// # Errors
            /// [`WrongUnit`] for any other unit.
            pub fn new(quantity: Quantity) -> Result<Self, WrongUnit> {
                if Self::UNITS.contains(&quantity.unit()) { Ok(Self(quantity)) } else { Err(quantity.not_in(Unit::$one)) }
            }

            /// The amount with the unit it was sent in.
            #[must_use]
            pub fn quantity(self) -> Quantity {
                self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(Quantity::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_sent! {
    /// A glucose concentration in mmol/L or mg/dL, as sent.
    Glucose MillimolesPerLitre or MilligramsPerDecilitre;
    /// A ketone (beta-hydroxybutyrate) concentration in mmol/L or mg/dL, as sent.
    Ketone MillimolesPerLitre or MilligramsPerDecilitre;
    /// An amount of medication in mg or mL, as sent.
    Dose Milligrams or Millilitres;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Decimal;

    #[test]
    fn a_concentration_keeps_its_unit_and_takes_no_third() {
        for unit in Unit::ALL.iter().copied() {
            let quantity = Quantity::new(Decimal::parse("6.10").unwrap(), unit);
            let is_concentration = matches!(unit, Unit::MillimolesPerLitre | Unit::MilligramsPerDecilitre);
            assert_eq!(Glucose::new(quantity).is_ok(), is_concentration, "{unit:?}");
            assert_eq!(Ketone::new(quantity).is_ok(), is_concentration, "{unit:?}");
            assert_eq!(Dose::new(quantity).is_ok(), matches!(unit, Unit::Milligrams | Unit::Millilitres), "{unit:?}");
            if let Ok(kept) = Glucose::new(quantity) {
                assert_eq!(kept.quantity().to_string(), format!("6.10 {}", unit.ucum()));
            }
        }
    }
}
