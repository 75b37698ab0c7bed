//! Exact decimals: what was sent is what is kept, compared and shown, digit for digit.
//!
//! Invariants: a decimal is a string on the wire; 37.50 stays 37.50; no `f64` takes part in a comparison.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{cmp::Ordering, fmt, str::FromStr};
use thiserror::Error;

/// Most digits before the point: far beyond any measure, well within the 96-bit mantissa.
const WHOLE_DIGITS_MAX: usize = 12;
/// Most digits after the point: the finest device number (FLOAT, exponent down to -128) that we call a value.
const SCALE_MAX: usize = 9;

/// An exact decimal with its scale. Equal by value: 2.0 equals 2.00, but each prints as it came.
#[derive(Clone, Copy)]
pub struct Decimal(rust_decimal::Decimal);

/// Why a text is not a decimal of our form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a decimal: want an optional minus, 1 to 12 digits without leading noughts, and up to 9 after a point")]
pub struct NotADecimal;

impl Decimal {
    /// Reads a decimal in our one strict form: no plus, no exponent, no bare point, no leading noughts, no minus nought.
    ///
    /// # Errors
    /// [`NotADecimal`] for any other text.
    ///
    /// ```
    /// use vitals::Decimal;
    /// assert_eq!(Decimal::parse("37.50").unwrap().to_string(), "37.50");
    /// for text in ["", "+1", "1e3", ".5", "5.", "01", "-0", "1,5", "NaN"] {
    ///     assert!(Decimal::parse(text).is_err(), "{text}");
    /// }
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotADecimal> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(NotADecimal),
            None => (digits, ""),
        };
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let is_good = !whole.is_empty()
            && whole.len() <= WHOLE_DIGITS_MAX
            && fraction.len() <= SCALE_MAX
            && are_digits(whole)
            && are_digits(fraction)
            && (whole == "0" || !whole.starts_with('0'));
        if !is_good {
            return Err(NotADecimal);
        }
        let number = match mantissa(whole, fraction) {
            Some(mantissa) => {
                let mantissa = if text.starts_with('-') { -mantissa } else { mantissa };
                rust_decimal::Decimal::new(mantissa, u32::try_from(fraction.len()).map_err(|_never| NotADecimal)?)
            }
            None => rust_decimal::Decimal::from_str(text).map_err(|_not_ours| NotADecimal)?,
        };
        if number.is_zero() && text.starts_with('-') {
            return Err(NotADecimal);
        }
        Ok(Self(number))
    }

    /// A number where it fits our form: what [`parse`](Self::parse) makes of it as text.
    fn fitting(number: rust_decimal::Decimal) -> Option<Self> {
        let bound = 10_u128.checked_pow(u32::try_from(WHOLE_DIGITS_MAX).ok()? + number.scale())?;
        let is_good = usize::try_from(number.scale()).ok()? <= SCALE_MAX
            && number.mantissa().unsigned_abs() < bound
            && !(number.is_zero() && number.is_sign_negative());
        is_good.then_some(Self(number))
    }

    /// The decimal `mantissa × 10^exponent`, or `None` where it does not fit our form.
    ///
    /// ```
    /// use vitals::Decimal;
    /// assert_eq!(Decimal::from_parts(200, -2).unwrap().to_string(), "2.00");
    /// assert_eq!(Decimal::from_parts(2, 1).unwrap().to_string(), "20");
    /// assert!(Decimal::from_parts(370, 127).is_none());
    /// ```
    #[must_use]
    pub fn from_parts(mantissa: i64, exponent: i8) -> Option<Self> {
        let number = if exponent > 0 {
            let factor = 10_i64.checked_pow(u32::from(exponent.unsigned_abs()))?;
            rust_decimal::Decimal::from(mantissa.checked_mul(factor)?)
        } else {
            let scale = u32::from(exponent.unsigned_abs());
            if usize::try_from(scale).ok()? > SCALE_MAX {
                return None;
            }
            rust_decimal::Decimal::new(mantissa, scale)
        };
        Self::fitting(number)
    }

    /// The value and its scale as whole numbers, as the store keeps them: `value = mantissa / 10^scale`.
    #[must_use]
    pub fn to_parts(self) -> (i64, u32) {
        (i64::try_from(self.0.mantissa()).unwrap_or(i64::MAX), self.0.scale())
    }

    /// The same amount with the other sign; nought stays nought.
    #[must_use]
    pub fn negated(self) -> Self {
        if self.0.is_zero() { self } else { Self(-self.0) }
    }

    /// The sum, or `None` where it does not fit our form.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::fitting(self.0.checked_add(other.0)?)
    }

    /// The product of two decimals rounded half to even to `scale` places, or `None` where it does not fit.
    #[must_use]
    pub fn times_rounded(self, factor: Self, scale: u32) -> Option<Self> {
        let mut product = self.0.checked_mul(factor.0)?.round_dp(scale);
        product.rescale(scale);
        Self::of_result(product)
    }

    /// The quotient of two decimals rounded half to even to `scale` places, or `None` where it does not fit or the
    /// divisor is nought. The quotient has 28 digits before it is rounded, far more than decide a tie.
    ///
    /// ```
    /// use vitals::Decimal;
    /// let quotient = Decimal::from(250).divided_rounded(Decimal::parse("18.0156").unwrap(), 1);
    /// assert_eq!(quotient.unwrap().to_string(), "13.9");
    /// assert!(Decimal::from(1).divided_rounded(Decimal::from(0), 1).is_none());
    /// ```
    #[must_use]
    pub fn divided_rounded(self, divisor: Self, scale: u32) -> Option<Self> {
        let mut quotient = self.0.checked_div(divisor.0)?.round_dp(scale);
        quotient.rescale(scale);
        Self::of_result(quotient)
    }

    /// The whole number that this is, or `None` where there are places after the point or a minus before.
    ///
    /// ```
    /// use vitals::Decimal;
    /// assert_eq!(Decimal::parse("4200").unwrap().whole(), Some(4200));
    /// assert_eq!(Decimal::parse("4200.0").unwrap().whole(), None);
    /// ```
    #[must_use]
    pub fn whole(self) -> Option<u64> {
        let (mantissa, scale) = self.to_parts();
        if scale == 0 { u64::try_from(mantissa).ok() } else { None }
    }

    /// A result in our one form: a nought that rounding left with a sign loses it.
    fn of_result(number: rust_decimal::Decimal) -> Option<Self> {
        let number = if number.is_zero() { number.abs() } else { number };
        Self::fitting(number)
    }
}

/// Most digits that 64 bits are sure to hold.
const MANTISSA_DIGITS_MAX: usize = 18;

/// The number that these digits are without their point; none where there are too many for 64 bits.
fn mantissa(whole: &str, fraction: &str) -> Option<i64> {
    let digits = whole.bytes().chain(fraction.bytes());
    let is_small = whole.len() + fraction.len() <= MANTISSA_DIGITS_MAX;
    is_small.then(|| digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

impl From<u16> for Decimal {
    fn from(number: u16) -> Self {
        Self(rust_decimal::Decimal::from(number))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From a string only: a JSON or TOML number has already lost its last noughts.
impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is parsed prints as it was written; what prints parses to the same digits.
        #[test]
        fn text_survives_the_round_trip(whole in 0_u64..999_999_999_999, fraction in "[0-9]{0,9}", minus: bool) {
            let text = format!("{}{whole}{}{fraction}", if minus { "-" } else { "" }, if fraction.is_empty() { "" } else { "." });
            match Decimal::parse(&text) {
                Ok(decimal) => prop_assert_eq!(decimal.to_string(), text),
                Err(NotADecimal) => prop_assert!(minus && whole == 0 && fraction.bytes().all(|digit| digit == b'0')),
            }
        }

        /// Both ways to a decimal are that of the library, digit for digit.
        #[test]
        fn the_short_ways_give_what_the_library_gives(mantissa: i64, scale in 0_u32..=28, whole in "-?[0-9]{1,13}", fraction in "[0-9]{0,10}") {
            let digits = |decimal: Decimal| (decimal.0.mantissa(), decimal.0.scale(), decimal.0.is_sign_negative());
            let number = rust_decimal::Decimal::new(mantissa, scale);
            let (short, long) = (Decimal::fitting(number), Decimal::parse(&number.to_string()).ok());
            prop_assert_eq!(short.map(digits), long.map(digits));
            let text = if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") };
            if let Ok(decimal) = Decimal::parse(&text) {
                let number = rust_decimal::Decimal::from_str(&text).unwrap();
                prop_assert_eq!(digits(decimal), digits(Decimal(number)));
                prop_assert_eq!(Decimal::fitting(number).map(digits), Some(digits(decimal)));
            }
        }

        #[test]
        fn parts_survive_the_round_trip(mantissa in -999_999_999_999_i64..999_999_999_999, exponent in -9_i8..=0) {
            let decimal = Decimal::from_parts(mantissa, exponent).unwrap();
            prop_assert_eq!(decimal.to_parts(), (mantissa, u32::from(exponent.unsigned_abs())));
        }
    }
}
