//! IEEE 11073 numbers: SFLOAT (16 bits) and FLOAT (32 bits), as (mantissa, exponent), printed exactly.
//!
//! Source: ISO/IEEE 11073-20601 MDER types as summarised in the HL7 PHD guide, "FLOATs"; exponent and mantissa are
//! two's complement. Invariant: a special value is never a number and never nought, and is special only where the
//! exponent is nought (SFLOAT 0xF7FF is 204.7).

use crate::{
    Decimal,
    measure::NoValue,
    quantity::{Quantity, Unit},
};
use std::fmt;

/// A device number, exactly as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceNumber {
    /// `mantissa × 10^exponent`; a negative exponent is also how many places the device measured to.
    Number {
        /// The digits.
        mantissa: i32,
        /// The power of ten.
        exponent: i8,
    },
    /// Not a number, and why.
    Special(Special),
}

/// The five values that are not numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// NaN: the device has no value, for example because the measurement was broken off.
    NotANumber,
    /// NRes: the value cannot be told at this resolution.
    NotAtThisResolution,
    /// Above what the device can tell.
    PositiveInfinity,
    /// Below what the device can tell.
    NegativeInfinity,
    /// Kept for future use by the standard.
    Reserved,
}

impl Special {
    /// A stable short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotANumber => "nan",
            Self::NotAtThisResolution => "nres",
            Self::PositiveInfinity => "+inf",
            Self::NegativeInfinity => "-inf",
            Self::Reserved => "reserved",
        }
    }

    /// The reason a reading with this value has none.
    #[must_use]
    pub fn reason(self) -> NoValue {
        match self {
            Self::NotANumber => NoValue::NotANumber,
            Self::NotAtThisResolution => NoValue::NotAtThisResolution,
            Self::PositiveInfinity => NoValue::PositiveInfinity,
            Self::NegativeInfinity => NoValue::NegativeInfinity,
            Self::Reserved => NoValue::Reserved,
        }
    }
}

/// The number a 16-bit SFLOAT holds: exponent in the high 4 bits, mantissa in the low 12.
///
/// ```
/// use vitals::float11073::sfloat;
/// assert_eq!(sfloat(0xE0C8).to_string(), "2.00");
/// assert_eq!(sfloat(0xF7FF).to_string(), "204.7");
/// assert_eq!(sfloat(0x07FF).to_string(), "nan");
/// ```
#[must_use]
pub fn sfloat(word: u16) -> DeviceNumber {
    let mantissa = sign_extend(u32::from(word & 0x0fff), 12);
    let exponent = i8::try_from(sign_extend(u32::from(word >> 12), 4)).unwrap_or(0);
    number_or_special(mantissa, exponent, 12)
}

/// The number a 32-bit FLOAT holds: exponent in the high byte, mantissa in the low three.
///
/// ```
/// use vitals::float11073::float;
/// assert_eq!(float(0xFE00_016C).to_string(), "3.64");
/// assert_eq!(float(0x7F00_0172).to_string(), "370E+127");
/// assert_eq!(float(0x0080_0002).to_string(), "-inf");
/// ```
#[must_use]
pub fn float(word: u32) -> DeviceNumber {
    let [exponent, mantissa @ ..] = word.to_be_bytes();
    let [high, middle, low] = mantissa;
    let mantissa = sign_extend(u32::from_be_bytes([0, high, middle, low]), 24);
    number_or_special(mantissa, i8::from_be_bytes([exponent]), 24)
}

/// The SFLOAT word for a number, or `None` where it does not fit (mantissa -2048 to 2047, exponent -8 to 7, and not
/// one of the special mantissas at exponent nought).
#[must_use]
pub fn to_sfloat(number: DeviceNumber) -> Option<u16> {
    let word = match number {
        DeviceNumber::Number { mantissa, exponent } => {
            let mantissa =
                u16::from_be_bytes(i16::try_from(mantissa).ok().filter(|m| (-2048..=2047).contains(m))?.to_be_bytes());
            let exponent = Some(exponent).filter(|e| (-8..=7).contains(e))?;
            let [exponent] = exponent.to_be_bytes();
            u16::from(exponent & 0x0f) << 12 | mantissa & 0x0fff
        }
        DeviceNumber::Special(special) => match special {
            Special::PositiveInfinity => 0x07fe,
            Special::NotANumber => 0x07ff,
            Special::NotAtThisResolution => 0x0800,
            Special::Reserved => 0x0801,
            Special::NegativeInfinity => 0x0802,
        },
    };
    (sfloat(word) == number).then_some(word)
}

fn sign_extend(bits: u32, width: u32) -> i32 {
    let shift = 32 - width;
    i32::from_be_bytes((bits << shift).to_be_bytes()) >> shift
}

fn number_or_special(mantissa: i32, exponent: i8, width: u32) -> DeviceNumber {
    let top = (1_i32 << (width - 1)) - 1;
    let special = match (exponent, mantissa) {
        (0, m) if m == top - 1 => Some(Special::PositiveInfinity),
        (0, m) if m == top => Some(Special::NotANumber),
        (0, m) if m == -top - 1 => Some(Special::NotAtThisResolution),
        (0, m) if m == -top => Some(Special::Reserved),
        (0, m) if m == -top + 1 => Some(Special::NegativeInfinity),
        _ => None,
    };
    special.map_or(DeviceNumber::Number { mantissa, exponent }, DeviceNumber::Special)
}

impl DeviceNumber {
    /// The number as a quantity.
    ///
    /// # Errors
    /// The reason there is no value: the special value, or [`NoValue::OutOfRange`] where the number is beyond any
    /// quantity we keep (for example 370E+127).
    ///
    /// ```
    /// use vitals::{NoValue, Unit, float11073::{float, sfloat}};
    /// assert_eq!(sfloat(0xF7FF).quantity(Unit::MillimetresOfMercury).unwrap().to_string(), "204.7 mm[Hg]");
    /// assert_eq!(sfloat(0x07FF).quantity(Unit::MillimetresOfMercury), Err(NoValue::NotANumber));
    /// assert_eq!(float(0x7F00_0172).quantity(Unit::Celsius), Err(NoValue::OutOfRange));
    /// ```
    pub fn quantity(self, unit: Unit) -> Result<Quantity, NoValue> {
        match self {
            Self::Number { mantissa, exponent } => {
                let amount = Decimal::from_parts(i64::from(mantissa), exponent).ok_or(NoValue::OutOfRange)?;
                Ok(Quantity::new(amount, unit))
            }
            Self::Special(special) => Err(special.reason()),
        }
    }
}

/// Exactly the digits sent: plain where they fit our decimal form, otherwise mantissa and power of ten.
impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Number { mantissa, exponent } => match Decimal::from_parts(i64::from(mantissa), exponent) {
                Some(decimal) => write!(f, "{decimal}"),
                None => write!(f, "{mantissa}E{exponent:+}"),
            },
            Self::Special(special) => f.write_str(special.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_specials_are_special_only_at_exponent_nought() {
        for (mantissa, special) in
            [(0x7fe, "+inf"), (0x7ff, "nan"), (0x800, "nres"), (0x801, "reserved"), (0x802, "-inf")]
        {
            for exponent in 0_u16..16 {
                let printed = sfloat(exponent << 12 | mantissa).to_string();
                assert_eq!(printed == special, exponent == 0, "{exponent:x} {mantissa:x} printed {printed}");
            }
        }
    }

    #[test]
    fn every_sfloat_word_survives_the_round_trip() {
        for word in 0..=u16::MAX {
            let number = sfloat(word);
            assert_eq!(to_sfloat(number), Some(word), "{word:04x} is {number}");
        }
    }

    #[test]
    fn a_value_is_never_invented_for_a_special_word() {
        for word in [0x07fe, 0x07ff, 0x0800, 0x0801, 0x0802] {
            assert!(sfloat(word).quantity(Unit::PerMinute).is_err());
        }
        for word in [0x007f_fffe, 0x007f_ffff, 0x0080_0000, 0x0080_0001, 0x0080_0002] {
            assert!(float(word).quantity(Unit::PerMinute).is_err());
        }
    }
}
