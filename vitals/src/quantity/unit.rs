//! Units, by their UCUM codes (ucum.org).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! units {
    ($($unit:ident $ucum:literal $plain:literal,)+) => {
        /// The units we know, by their UCUM code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Unit {
            $(#[doc = concat!("`", $ucum, "`")] $unit,)+
        }

        impl Unit {
            /// Every unit.
            pub const ALL: &[Self] = &[$(Self::$unit),+];

            /// The UCUM code, as on the wire.
            #[must_use]
            pub fn ucum(self) -> &'static str {
                match self {
                    $(Self::$unit => $ucum,)+
                }
            }

            /// The unit as people write it, with nothing between it and the number (NHS content guide).
            #[must_use]
            pub fn plain(self) -> &'static str {
                match self {
                    $(Self::$unit => $plain,)+
                }
            }
        }
    };
}

units! {
    MillimetresOfMercury "mm[Hg]" "mmHg",
    Kilopascals "kPa" "kPa",
    PerMinute "/min" " beats a minute",
    Percent "%" "%",
    Kilograms "kg" "kg",
    Grams "g" "g",
    Milligrams "mg" "mg",
    Pounds "[lb_av]" "lb",
    Stones "[stone_av]" "st",
    Metres "m" "m",
    Centimetres "cm" "cm",
    Inches "[in_i]" "in",
    Feet "[ft_i]" "ft",
    KilogramsPerSquareMetre "kg/m2" "kg/m\u{b2}",
    Celsius "Cel" "°C",
    Fahrenheit "[degF]" "°F",
    MillimolesPerLitre "mmol/L" "mmol/L",
    MilligramsPerDecilitre "mg/dL" "mg/dL",
    Litres "L" "L",
    Millilitres "mL" "ml",
    LitresPerMinute "L/min" "L/min",
    Kilojoules "kJ" "kJ",
    Ohms "Ohm" "\u{3a9}",
    Minutes "min" " minutes",
    Seconds "s" " seconds",
    Steps "{steps}" " steps",
    Points "{score}" " points",
}

impl Unit {
    /// The unit of a UCUM code, or `None` for one we do not know: there is no guessing and no default.
    ///
    /// ```
    /// use vitals::Unit;
    /// assert_eq!(Unit::from_ucum("[lb_av]"), Some(Unit::Pounds));
    /// assert_eq!(Unit::from_ucum("lb"), None);
    /// ```
    #[must_use]
    pub fn from_ucum(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|unit| unit.ucum() == code)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_ucum_code_is_one_units_and_reads_back() {
        let codes: BTreeSet<&str> = Unit::ALL.iter().map(|unit| unit.ucum()).collect();
        assert_eq!(codes.len(), Unit::ALL.len());
        for unit in Unit::ALL {
            assert_eq!(Unit::from_ucum(unit.ucum()), Some(*unit));
        }
    }

    #[test]
    fn what_people_write_is_not_ucum() {
        for plain in ["mmHg", "lb", "st", "°C", "F", "bpm", "l/min", "in", "Ω", "mmol/l", "", " kg"] {
            assert_eq!(Unit::from_ucum(plain), None, "{plain:?}");
        }
    }
}
