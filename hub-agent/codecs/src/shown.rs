//! What a decoder says, as named values: for people and tools that look at one frame.
//!
//! Invariants: every number is printed exactly as the device sent it; a special value is never shown as a number.

use crate::date_time::DeviceTimeField;
use vitals::float11073::{DeviceNumber, Special};

/// One value a decoder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The frame does not have this field.
    Absent,
    /// The frame has the field, and the device says that there is no number in it.
    NoNumber(Special),
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// An exact decimal as text.
    Decimal(String),
    /// A word or a text.
    Text(String),
    /// Several of one kind.
    List(Vec<Shown>),
    /// Named values.
    Fields(Fields),
}

/// Named values, in the order of the frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Shown)>);

impl Fields {
    /// No values yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Shown>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Shown> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Shown)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }
}

impl From<DeviceNumber> for Shown {
    fn from(number: DeviceNumber) -> Self {
        match number {
            DeviceNumber::Number { .. } => Self::Decimal(number.to_string()),
            DeviceNumber::Special(special) => Self::NoNumber(special),
        }
    }
}

/// The time as text; [`Shown::Absent`] where there is none or an impossible one.
impl From<DeviceTimeField> for Shown {
    fn from(time: DeviceTimeField) -> Self {
        time.stated().map(|time| time.to_string()).into()
    }
}

impl From<vitals::Decimal> for Shown {
    fn from(number: vitals::Decimal) -> Self {
        Self::Decimal(number.to_string())
    }
}

impl From<Fields> for Shown {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl From<bool> for Shown {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl From<$number> for Shown {
            fn from(number: $number) -> Self {
                Self::Whole(number.into())
            }
        }
    )*};
}
whole!(u8, u16, u32, i8, i16, i32, i64);

impl<T: Into<Shown>> From<Option<T>> for Shown {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl<T: Into<Shown>> From<Vec<T>> for Shown {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}
