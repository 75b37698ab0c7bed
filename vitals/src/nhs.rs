//! The NHS number: ten digits, the last a modulus-11 check digit.
//!
//! Source of the rule: NHS Data Dictionary, "NHS NUMBER" (weights 10 to 2, eleven minus the remainder, eleven
//! becomes nought, ten is never issued). Ranges: the table kept by uk-fci/nhs-number (constants.py).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use thiserror::Error;

/// Digits in an NHS number.
const DIGITS: usize = 10;

/// A checked NHS number. Never shown by `Debug`, never in a log, a URL or an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber([u8; DIGITS]);

/// Why a text is not an NHS number. The text itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NhsNumberRefused {
    /// Not ten ASCII digits, plain or as 3-3-4 with one kind of separator.
    #[error("read an NHS number: want ten digits, plain or as 3-3-4 with spaces or with hyphens")]
    Form,
    /// The last digit does not fit the nine before it.
    #[error("read an NHS number: the check digit is wrong")]
    CheckDigit,
    /// Not from the ranges this deployment may hold.
    #[error("read an NHS number: its range is not allowed here")]
    Range,
}

/// Which block a number comes from (check digit not considered).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// 0100000000 to 3112999999: Scotland, Community Health Index.
    ScotlandChi,
    /// 3200000000 to 3999999999: Northern Ireland, Health and Care.
    NorthernIreland,
    /// 4000000000 to 4999999999 and 6000000000 to 7999999999.
    EnglandWalesIom,
    /// 5000000000 to 5999999999: not to be issued.
    NotToBeIssued,
    /// 8000000000 to 8599999999: Ireland, Individual Health Identifier.
    IrelandIhi,
    /// 9000000000 to 9999999999: not issued to people; test patients.
    SyntheticTest,
    /// Everything else: not in use.
    Unreserved,
}

impl Region {
    /// A stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ScotlandChi => "scotland_chi",
            Self::NorthernIreland => "northern_ireland",
            Self::EnglandWalesIom => "england_wales_iom",
            Self::NotToBeIssued => "not_to_be_issued",
            Self::IrelandIhi => "ireland_ihi",
            Self::SyntheticTest => "synthetic_test",
            Self::Unreserved => "unreserved",
        }
    }
}

/// Whose numbers a deployment may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// Real people: 9xx is refused.
    Production,
    /// Invented people: only 999 000 0000 to 999 999 9999.
    Demo,
}

/// The ten digits of a text, checked for form only: plain, or 3-3-4 with one kind of separator (space or hyphen).
///
/// White space around it is dropped. Mixed separators, other groupings and digits outside ASCII give `None`.
///
/// ```
/// use vitals::nhs::normalise;
/// assert_eq!(normalise(" 943 476 5919 "), Some([9, 4, 3, 4, 7, 6, 5, 9, 1, 9]));
/// assert_eq!(normalise("943 476-5919"), None);
/// ```
#[must_use]
pub fn normalise(text: &str) -> Option<[u8; DIGITS]> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let plain = match text.len() {
        DIGITS => text.to_owned(),
        12 => {
            let separator = [' ', '-'].into_iter().find(|separator| text.contains(*separator))?;
            let groups: Vec<&str> = text.split(separator).collect();
            if groups.iter().map(|group| group.len()).ne([3, 3, 4]) {
                return None;
            }
            groups.concat()
        }
        _ => return None,
    };
    let mut digits = [0; DIGITS];
    for (digit, byte) in digits.iter_mut().zip(plain.bytes()) {
        *digit = byte.is_ascii_digit().then(|| byte - b'0')?;
    }
    Some(digits)
}

/// The check digit for nine digits, or `None` where the rule gives ten: such a number is never issued.
///
/// ```
/// assert_eq!(vitals::nhs::check_digit([9, 4, 3, 4, 7, 6, 5, 9, 1]), Some(9));
/// ```
#[must_use]
pub fn check_digit(first_nine: [u8; 9]) -> Option<u8> {
    let sum: u32 = first_nine.iter().zip((2..=10).rev()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => u8::try_from(digit).ok(),
    }
}

/// The block ten digits come from. The check digit is not considered.
#[must_use]
pub fn region(digits: [u8; DIGITS]) -> Region {
    match digits.iter().fold(0_u64, |number, digit| number * 10 + u64::from(*digit)) {
        100_000_000..=3_112_999_999 => Region::ScotlandChi,
        3_200_000_000..=3_999_999_999 => Region::NorthernIreland,
        4_000_000_000..=4_999_999_999 | 6_000_000_000..=7_999_999_999 => Region::EnglandWalesIom,
        5_000_000_000..=5_999_999_999 => Region::NotToBeIssued,
        8_000_000_000..=8_599_999_999 => Region::IrelandIhi,
        9_000_000_000..=9_999_999_999 => Region::SyntheticTest,
        _ => Region::Unreserved,
    }
}

impl NhsNumber {
    /// Reads and checks an NHS number.
    ///
    /// # Errors
    /// [`NhsNumberRefused::Form`] or [`NhsNumberRefused::CheckDigit`].
    ///
    /// ```
    /// use vitals::NhsNumber;
    /// let number = NhsNumber::parse("999 000 0018").unwrap();
    /// assert_eq!(number.spaced(), "999 000 0018");
    /// assert_eq!(format!("{number:?}"), "NhsNumber(redacted)");
    /// assert!(NhsNumber::parse("999 000 0019").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NhsNumberRefused> {
        let digits = normalise(text).ok_or(NhsNumberRefused::Form)?;
        let [nine @ .., last] = digits;
        if check_digit(nine) == Some(last) { Ok(Self(digits)) } else { Err(NhsNumberRefused::CheckDigit) }
    }

    /// Reads a number that this deployment may hold.
    ///
    /// # Errors
    /// As [`NhsNumber::parse`], and [`NhsNumberRefused::Range`] where production is given a 9xx number or the
    /// demo any but 999 000 0000 to 999 999 9999.
    pub fn parse_in(text: &str, realm: Realm) -> Result<Self, NhsNumberRefused> {
        let number = Self::parse(text)?;
        let is_allowed = match realm {
            Realm::Production => number.region() != Region::SyntheticTest,
            Realm::Demo => number.0.starts_with(&[9, 9, 9]),
        };
        if is_allowed { Ok(number) } else { Err(NhsNumberRefused::Range) }
    }

    /// The block the number comes from.
    #[must_use]
    pub fn region(self) -> Region {
        region(self.0)
    }

    /// The number as screens show it: three, three and four digits.
    #[must_use]
    pub fn spaced(self) -> String {
        let digits = self.digits();
        let mut spaced = String::with_capacity(12);
        for (place, digit) in digits.chars().enumerate() {
            if place == 3 || place == 6 {
                spaced.push(' ');
            }
            spaced.push(digit);
        }
        spaced
    }

    /// The ten digits, for the store.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.iter().map(|digit| char::from(b'0' + digit)).collect()
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(redacted)")
    }
}

impl Serialize for NhsNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digits())
    }
}

impl<'de> Deserialize<'de> for NhsNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn production_and_demo_never_share_a_number() {
        let check =
            |text, realm, expected| assert_eq!(NhsNumber::parse_in(text, realm).map(|_| ()), expected, "{text}");
        check("9990000018", Realm::Demo, Ok(()));
        check("9990000018", Realm::Production, Err(NhsNumberRefused::Range));
        check("9434765919", Realm::Demo, Err(NhsNumberRefused::Range));
        check("9434765919", Realm::Production, Err(NhsNumberRefused::Range));
        check("4000000632", Realm::Production, Ok(()));
        check("4000000632", Realm::Demo, Err(NhsNumberRefused::Range));
    }

    #[test]
    fn a_no_break_space_is_not_a_separator() {
        assert_eq!(normalise("943\u{a0}476\u{a0}5919"), None);
        assert_eq!(normalise("943 4765919"), None);
    }

    #[test]
    fn nothing_printed_for_debugging_holds_the_number() {
        let number = NhsNumber::parse("9990000018").unwrap();
        assert!(!format!("{number:?} {:?}", NhsNumber::parse("9990000019")).contains("999"));
    }
}
