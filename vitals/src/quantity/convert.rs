//! Conversions between the units that home devices use, exact but for one rounding, half to even, at the end.
//!
//! Invariant: a measure is converted once, when it is admitted, and only where it is kept in one unit. Each factor has its source beside it; "UCUM" is the definition in its
//! ucum-essence.xml, where pound, stone, inch and foot are exact by the international yard and pound of 1959.

use super::{Celsius, Centimetres, Kilograms, MmHg, Quantity, Unit, WrongUnit};
use crate::decimal::Decimal;

/// mm[Hg] in one kPa: UCUM defines m[Hg] as 133.3220 kPa, so 1 kPa is 7.500638 mm[Hg] (six places).
const MMHG_PER_KPA: &str = "7.500638";

/// kPa in one mm[Hg]: UCUM, m[Hg] is 133.3220 kPa.
const KPA_PER_MMHG: &str = "0.133322";

/// Kilograms in one pound: UCUM, `[lb_av]` is 7000 grains of 64.79891 mg, exactly.
const KILOGRAMS_PER_POUND: &str = "0.45359237";

/// Kilograms in one stone: UCUM, `[stone_av]` is 14 pounds, exactly.
const KILOGRAMS_PER_STONE: &str = "6.35029318";

/// Centimetres in one metre.
const CENTIMETRES_PER_METRE: &str = "100";

/// Centimetres in one inch: UCUM, `[in_i]` is 2.54 cm, exactly.
const CENTIMETRES_PER_INCH: &str = "2.54";

/// Centimetres in one foot: UCUM, `[ft_i]` is 12 inches, exactly.
const CENTIMETRES_PER_FOOT: &str = "30.48";

/// Pounds in a stone.
const POUNDS_PER_STONE: u16 = 14;
/// Inches in a foot.
const INCHES_PER_FOOT: u16 = 12;

/// Home cuffs tell kilopascals to 0.1 kPa, so a converted pressure is given to 0.1 mm[Hg], and back to 0.1 kPa.
const PRESSURE_SCALE: u32 = 1;
/// Scales step by 0.01 lb or more, which is 4.5 g: to a gram no two weights that differed become the same.
const MASS_SCALE: u32 = 3;
/// Half an inch, the coarsest step in use, is 1.27 cm; a tenth of one, the finest, is 0.254 cm.
const LENGTH_SCALE: u32 = 1;
/// Clinical thermometers and NEWS2 tell 0.1 Cel; finer places would be of our making.
const TEMPERATURE_SCALE: u32 = 1;

fn factor(text: &str, refused: WrongUnit) -> Result<Decimal, WrongUnit> {
    Decimal::parse(text).map_err(|_never| refused)
}

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
        if quantity.unit() != Unit::Kilopascals {
            return Self::exactly(quantity);
        }
        let refused = quantity.not_in(Self::UNIT);
        quantity.value().times_rounded(factor(MMHG_PER_KPA, refused)?, PRESSURE_SCALE).map(Self::new).ok_or(refused)
    }

    /// The pressure in kilopascals for display, rounded to 0.1 kPa; `None` for a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::MmHg};
    /// assert_eq!(MmHg::new(Decimal::from(142)).kilopascals().unwrap().to_string(), "18.9 kPa");
    /// ```
    #[must_use]
    pub fn kilopascals(self) -> Option<Quantity> {
        let amount = self.value().times_rounded(Decimal::parse(KPA_PER_MMHG).ok()?, PRESSURE_SCALE)?;
        Some(Quantity::new(amount, Unit::Kilopascals))
    }
}

/// A mass as people in the United Kingdom say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StonesAndPounds {
    /// Whole stones.
    pub stones: u16,
    /// Whole pounds, 0 to 13.
    pub pounds: u16,
}

impl Kilograms {
    /// A mass from any unit a scale may use; pounds and stones are converted and rounded to 0.001 kg.
    ///
    /// # Errors
    /// [`WrongUnit`] for a unit that is not a mass of a body, or an amount too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::Kilograms};
    /// let pounds = Quantity::new(Decimal::parse("154.32").unwrap(), Unit::Pounds);
    /// assert_eq!(Kilograms::from_mass(pounds).unwrap().value().to_string(), "69.998");
    /// ```
    pub fn from_mass(quantity: Quantity) -> Result<Self, WrongUnit> {
        let refused = quantity.not_in(Self::UNIT);
        let factors = [(Unit::Pounds, KILOGRAMS_PER_POUND), (Unit::Stones, KILOGRAMS_PER_STONE)];
        match factors.into_iter().find(|(unit, _)| *unit == quantity.unit()) {
            Some((_, text)) => {
                let converted = quantity.value().times_rounded(factor(text, refused)?, MASS_SCALE);
                converted.map(Self::new).ok_or(refused)
            }
            None => Self::exactly(quantity),
        }
    }

    /// A mass said in stones and pounds, rounded to 0.001 kg; `None` where it is too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::Kilograms};
    /// let mass = Kilograms::from_stones_and_pounds(11, Decimal::parse("4.5").unwrap()).unwrap();
    /// assert_eq!(mass.value().to_string(), "71.894");
    /// ```
    #[must_use]
    pub fn from_stones_and_pounds(stones: u16, pounds: Decimal) -> Option<Self> {
        let whole = Decimal::from(stones).times_rounded(Decimal::from(POUNDS_PER_STONE), 0)?;
        Self::from_mass(Quantity::new(whole.plus(pounds)?, Unit::Pounds)).ok()
    }

    /// The mass in pounds for display, rounded to 0.1 lb; `None` for a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::Kilograms};
    /// assert_eq!(Kilograms::new(Decimal::from(70)).pounds().unwrap().to_string(), "154.3 [lb_av]");
    /// ```
    #[must_use]
    pub fn pounds(self) -> Option<Quantity> {
        Some(Quantity::new(self.value().divided_rounded(Decimal::parse(KILOGRAMS_PER_POUND).ok()?, 1)?, Unit::Pounds))
    }

    /// The mass in stones and whole pounds for display. It is rounded once, to a whole pound, so that there are never
    /// 14 pounds; `None` for less than nothing or a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::{Kilograms, StonesAndPounds}};
    /// let shown = Kilograms::new(Decimal::parse("88.8").unwrap()).stones_and_pounds();
    /// assert_eq!(shown, Some(StonesAndPounds { stones: 14, pounds: 0 }));
    /// ```
    #[must_use]
    pub fn stones_and_pounds(self) -> Option<StonesAndPounds> {
        let pounds = self.value().divided_rounded(Decimal::parse(KILOGRAMS_PER_POUND).ok()?, 0)?.whole()?;
        let pounds = u16::try_from(pounds).ok()?;
        Some(StonesAndPounds { stones: pounds / POUNDS_PER_STONE, pounds: pounds % POUNDS_PER_STONE })
    }
}

impl Celsius {
    /// A temperature from either unit a thermometer may use; Fahrenheit is converted and rounded to 0.1 Cel. Source:
    /// UCUM, `[degF]` is 5/9 K from 459.67, so Cel = (degF − 32) × 5/9.
    ///
    /// # Errors
    /// [`WrongUnit`] for a unit that is not a temperature, or a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::Celsius};
    /// let fever = Quantity::new(Decimal::parse("101.3").unwrap(), Unit::Fahrenheit);
    /// assert_eq!(Celsius::from_temperature(fever).unwrap().value().to_string(), "38.5");
    /// ```
    pub fn from_temperature(quantity: Quantity) -> Result<Self, WrongUnit> {
        if quantity.unit() != Unit::Fahrenheit {
            return Self::exactly(quantity);
        }
        let refused = quantity.not_in(Self::UNIT);
        let above_freezing = quantity.value().plus(Decimal::from(32).negated()).ok_or(refused)?;
        // Five ninths as one division by 1.8, so that there is one rounding.
        above_freezing.divided_rounded(factor("1.8", refused)?, TEMPERATURE_SCALE).map(Self::new).ok_or(refused)
    }

    /// The temperature in Fahrenheit for display, rounded to 0.1; `None` for a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::Celsius};
    /// assert_eq!(Celsius::new(Decimal::parse("38.5").unwrap()).fahrenheit().unwrap().to_string(), "101.3 [degF]");
    /// ```
    #[must_use]
    pub fn fahrenheit(self) -> Option<Quantity> {
        // Unrounded in between: a product has at most one place more than its longer factor's.
        let scaled = self.value().times_rounded(Decimal::parse("1.8").ok()?, self.value().to_parts().1.min(8) + 1)?;
        let amount = scaled.plus(Decimal::from(32))?.times_rounded(Decimal::from(1), TEMPERATURE_SCALE)?;
        Some(Quantity::new(amount, Unit::Fahrenheit))
    }
}

/// A length as people in the United Kingdom say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeetAndInches {
    /// Whole feet.
    pub feet: u16,
    /// Whole inches, 0 to 11.
    pub inches: u16,
}

impl Centimetres {
    /// A length from any unit a scale or a person may use. Metres become centimetres digit for digit; inches and feet
    /// are converted and rounded to 0.1 cm.
    ///
    /// # Errors
    /// [`WrongUnit`] for a unit that is not a length, or an amount too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, Quantity, Unit, quantity::Centimetres};
    /// let metres = Quantity::new(Decimal::parse("1.640").unwrap(), Unit::Metres);
    /// assert_eq!(Centimetres::from_length(metres).unwrap().value().to_string(), "164.0");
    /// let inches = Quantity::new(Decimal::parse("70.5").unwrap(), Unit::Inches);
    /// assert_eq!(Centimetres::from_length(inches).unwrap().value().to_string(), "179.1");
    /// ```
    pub fn from_length(quantity: Quantity) -> Result<Self, WrongUnit> {
        let refused = quantity.not_in(Self::UNIT);
        let as_fine = quantity.value().to_parts().1.saturating_sub(2);
        let factors = [
            (Unit::Metres, CENTIMETRES_PER_METRE, as_fine),
            (Unit::Inches, CENTIMETRES_PER_INCH, LENGTH_SCALE),
            (Unit::Feet, CENTIMETRES_PER_FOOT, LENGTH_SCALE),
        ];
        match factors.into_iter().find(|(unit, ..)| *unit == quantity.unit()) {
            Some((_, text, scale)) => {
                quantity.value().times_rounded(factor(text, refused)?, scale).map(Self::new).ok_or(refused)
            }
            None => Self::exactly(quantity),
        }
    }

    /// A length said in feet and inches, rounded to 0.1 cm; `None` where it is too large to convert.
    #[must_use]
    pub fn from_feet_and_inches(feet: u16, inches: Decimal) -> Option<Self> {
        let whole = Decimal::from(feet).times_rounded(Decimal::from(INCHES_PER_FOOT), 0)?;
        Self::from_length(Quantity::new(whole.plus(inches)?, Unit::Inches)).ok()
    }

    /// The length in metres, digit for digit, as UK Core writes a height; `None` for a number too fine to move its point.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::Centimetres};
    /// assert_eq!(Centimetres::new(Decimal::from(164)).metres().unwrap().to_string(), "1.64 m");
    /// ```
    #[must_use]
    pub fn metres(self) -> Option<Quantity> {
        let scale = self.value().to_parts().1 + 2;
        Some(Quantity::new(self.value().times_rounded(Decimal::parse("0.01").ok()?, scale)?, Unit::Metres))
    }

    /// The length in feet and whole inches for display. It is rounded once, to a whole inch, so that there are never 12
    /// inches; `None` for less than nothing or a number too large to convert.
    ///
    /// ```
    /// use vitals::{Decimal, quantity::{Centimetres, FeetAndInches}};
    /// let shown = Centimetres::new(Decimal::parse("182.5").unwrap()).feet_and_inches();
    /// assert_eq!(shown, Some(FeetAndInches { feet: 6, inches: 0 }));
    /// ```
    #[must_use]
    pub fn feet_and_inches(self) -> Option<FeetAndInches> {
        let inches = self.value().divided_rounded(Decimal::parse(CENTIMETRES_PER_INCH).ok()?, 0)?.whole()?;
        let inches = u16::try_from(inches).ok()?;
        Some(FeetAndInches { feet: inches / INCHES_PER_FOOT, inches: inches % INCHES_PER_FOOT })
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
