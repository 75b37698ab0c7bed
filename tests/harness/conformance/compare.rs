//! What the product says, beside what a case expects: a text by its letters, a number by its exact decimal value.

use device_codecs::Shown;
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// Everything the product says about one input, by the public case's name for it.
pub(super) type Fields = BTreeMap<&'static str, Got>;

/// What the runner has to set beside a case.
#[derive(Debug)]
pub(super) enum Answer {
    /// The product does not do this yet.
    NotCovered,
    /// The case's input does not have the form of its kind.
    InputUnreadable(String),
    /// What the product says.
    Fields(Fields),
    /// What the product says about a device's frame.
    Device(BTreeMap<String, Got>),
}

/// One thing the product says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Got {
    /// No value.
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A decimal as the product prints it: compared digit for digit with a text, by value with a JSON number.
    Decimal(String),
    /// Words, compared letter for letter.
    Text(String),
    /// Several, compared one by one.
    List(Vec<Got>),
    /// Named values: every name the case has must be there and agree.
    Named(BTreeMap<String, Got>),
}

impl Got {
    /// A text, or nothing.
    pub(super) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }

    /// A whole number, or nothing.
    pub(super) fn whole(number: Option<impl Into<i64>>) -> Self {
        number.map_or(Self::Nothing, |number| Self::Whole(number.into()))
    }

    /// A decimal, or nothing.
    pub(super) fn decimal(number: Option<impl fmt::Display>) -> Self {
        number.map_or(Self::Nothing, |number| Self::Decimal(number.to_string()))
    }

    /// Whether this is what a case expects.
    pub(super) fn agrees_with(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Self::Nothing, Value::Null) => true,
            (Self::Flag(got), Value::Bool(expected)) => got == expected,
            (Self::Text(got), Value::String(expected)) => got == expected,
            (Self::Decimal(got), Value::String(expected)) => are_same_digits(got, expected),
            (Self::Decimal(got), Value::Number(expected)) => are_same_value(got, &expected.to_string()),
            (Self::Whole(got), Value::Number(expected)) => are_same_value(&got.to_string(), &expected.to_string()),
            (Self::List(got), Value::Array(expected)) => {
                got.len() == expected.len() && got.iter().zip(expected).all(|(got, expected)| got.agrees_with(expected))
            }
            (Self::Named(got), Value::Object(expected)) => {
                let agrees =
                    |(name, expected): (&String, &Value)| got.get(name).is_some_and(|got| got.agrees_with(expected));
                !expected.is_empty() && expected.iter().all(agrees)
            }
            _ => false,
        }
    }
}

/// What a decoder shows, without a change. A special value is no value.
impl From<&Shown> for Got {
    fn from(shown: &Shown) -> Self {
        match shown {
            Shown::Absent | Shown::NoNumber(_) => Self::Nothing,
            Shown::Flag(flag) => Self::Flag(*flag),
            Shown::Whole(number) => Self::Whole(*number),
            Shown::Decimal(digits) => Self::Decimal(digits.clone()),
            Shown::Text(text) => Self::Text(text.clone()),
            Shown::List(several) => Self::List(several.iter().map(Self::from).collect()),
            Shown::Fields(fields) => {
                let mut named: BTreeMap<String, Self> =
                    fields.iter().map(|(name, value)| (name.to_owned(), Self::from(value))).collect();
                for (name, value) in fields.iter() {
                    if let Shown::NoNumber(special) = value {
                        named.insert(format!("{name}_why"), Self::Text(special.name().to_owned()));
                    }
                }
                Self::Named(named)
            }
        }
    }
}

/// What a program printed.
impl From<&Value> for Got {
    fn from(printed: &Value) -> Self {
        match printed {
            Value::Null => Self::Nothing,
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Decimal(number.to_string()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(several) => Self::List(several.iter().map(Self::from).collect()),
            Value::Object(named) => {
                Self::Named(named.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("null"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Decimal(text) | Self::Text(text) => write!(f, "{text:?}"),
            Self::List(several) => f.debug_list().entries(several).finish(),
            Self::Named(named) => f.debug_map().entries(named).finish(),
        }
    }
}

/// A decimal text taken apart: `digits × 10^exponent`, exact for any length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exact {
    is_negative: bool,
    /// Without leading noughts; empty for nought.
    digits: String,
    exponent: i64,
}

impl Exact {
    fn read(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (number, power) = match unsigned.split_once(['E', 'e']) {
            Some((number, power)) => (number, power.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = power.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        Some(Self { is_negative: text.starts_with('-') && !digits.is_empty(), digits, exponent })
    }

    /// One form for each value.
    fn value(self) -> Self {
        let digits = self.digits.trim_end_matches('0');
        let dropped = i64::try_from(self.digits.len() - digits.len()).unwrap_or(0);
        let exponent = if digits.is_empty() { 0 } else { self.exponent + dropped };
        Self { is_negative: self.is_negative, digits: digits.to_owned(), exponent }
    }
}

fn are_same_value(one: &str, other: &str) -> bool {
    match (Exact::read(one), Exact::read(other)) {
        (Some(one), Some(other)) => one.value() == other.value(),
        _ => false,
    }
}

/// Whether two decimal texts hold the same digits. Plain texts must be the same letters (2.0 is not 2.00). Where one is
/// written with a power of ten, mantissa and exponent must be the same; above the point there are no places to keep, so
/// that 370E+127 is also 37E+128.
fn are_same_digits(got: &str, expected: &str) -> bool {
    if got == expected {
        return true;
    }
    let has_power = |text: &str| text.contains(['E', 'e']);
    if !has_power(got) && !has_power(expected) {
        return false;
    }
    match (Exact::read(got), Exact::read(expected)) {
        (Some(got), Some(expected)) if got.exponent > 0 || expected.exponent > 0 => got.value() == expected.value(),
        (Some(got), Some(expected)) => got == expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What agrees and what does not, for each kind of answer: a table through the one function.
    #[test]
    fn a_decimal_agrees_only_digit_for_digit_and_a_number_by_value() {
        let decimal = |text: &str| Got::Decimal(text.to_owned());
        let table = [
            (decimal("2.00"), json!("2.00"), true),
            (decimal("2.00"), json!("2.0"), false),
            (decimal("2.00"), json!(2), true),
            (decimal("2.00"), json!(2.001), false),
            (decimal("0.001"), json!(0.001), true),
            (decimal("-36.4"), json!("36.4"), false),
            (decimal("370E+127"), json!("370E+127"), true),
            (decimal("370E+127"), json!("37E+128"), true),
            (decimal("370E+127"), json!("370E+126"), false),
            (decimal("370E+127"), json!("371E+127"), false),
            (decimal("370E+127"), json!(3.7e129), true),
            (decimal("20"), json!("2E+1"), true),
            (decimal("2E-100"), json!("2E-100"), true),
            (decimal("2E-100"), json!("20E-101"), false),
            (decimal("1E-10"), json!("0.0000000001"), true),
            (decimal("1E-10"), json!("0.00000000010"), false),
            (decimal("0"), json!("0.0"), false),
            (decimal("0"), json!(null), false),
            (Got::Whole(9), json!(9.0), true),
            (Got::Whole(9), json!("9"), false),
            (Got::Whole(9), json!(null), false),
            (Got::Nothing, json!(null), true),
            (Got::Nothing, json!(0), false),
            (Got::Flag(true), json!(true), true),
            (Got::Flag(true), json!(1), false),
            (Got::Text("mmHg".into()), json!("mmHg"), true),
            (Got::Text("mmHg".into()), json!("mmhg"), false),
            (Got::Text("8".into()), json!(8), false),
        ];
        for (got, expected, agrees) in table {
            assert_eq!(got.agrees_with(&expected), agrees, "{got} beside {expected}");
        }
    }
}
