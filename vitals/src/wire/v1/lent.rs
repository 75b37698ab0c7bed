//! A reading whose texts are lent by the body it came in: the same as [`super::Reading`], and the same on the wire.
//!
//! A service reads a thousand of them in one body and keeps few of their texts, so it copies those and no others.
//! Invariant: what one form reads the other reads, and what one refuses the other refuses; a property holds them together.

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

/// A reading on the wire: text, until the service has checked it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Reading<'a> {
    /// See [`super::Reading::id`], and so on for each field.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// The source.
    pub source: Text<'a>,
    /// The record number.
    pub record: Text<'a>,
    /// Which of the device's users.
    #[serde(default)]
    pub user_index: Option<u8>,
    /// The person, where one is bound.
    #[serde(default)]
    pub patient: Option<Text<'a>>,
    /// Why nobody is bound.
    #[serde(default)]
    pub unassigned: Option<Text<'a>>,
    /// What was measured.
    pub kind: Text<'a>,
    /// The numbers by component name.
    #[serde(default)]
    pub measured: Option<ByName<'a, Number<'a>>>,
    /// The words by what they are about.
    #[serde(default)]
    pub said: ByName<'a, Text<'a>>,
    /// The intervals between beats.
    #[serde(default)]
    pub rr_intervals_1024ths: Vec<u16>,
    /// The number of the measurement that this is the context of.
    #[serde(default)]
    pub sequence: Option<u16>,
    /// Why there is no value.
    #[serde(default)]
    pub not_measured: Option<Text<'a>>,
    /// How the person sat.
    #[serde(default)]
    pub posture: Option<Text<'a>>,
    /// Which arm.
    #[serde(default)]
    pub arm: Option<Text<'a>>,
    /// What the device's clock said.
    #[serde(default)]
    pub device_time: Option<Text<'a>>,
    /// When the hub received it.
    pub hub_received: Text<'a>,
    /// When it was taken.
    pub taken_at: Text<'a>,
    /// By whose clock.
    pub taken_by: Text<'a>,
    /// Device clock minus hub clock.
    #[serde(default)]
    pub device_ahead_secs: Option<i64>,
    /// What was noticed about it.
    #[serde(default)]
    pub quality: Vec<Text<'a>>,
    /// The bytes it came from.
    pub raw: Raw<'a>,
}

/// Debug shows which reading, never whose or what.
impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wire::v1::lent::Reading({})", &*self.id)
    }
}

/// A number with its unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Number<'a> {
    /// An exact decimal as a string.
    #[serde(borrow)]
    pub value: Text<'a>,
    /// A UCUM code.
    pub unit: Text<'a>,
}

/// A device's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Raw<'a> {
    /// The GATT service or serial protocol.
    #[serde(borrow)]
    pub service: Text<'a>,
    /// The characteristic or frame kind.
    pub characteristic: Text<'a>,
    /// The bytes in hexadecimal.
    pub hex: Text<'a>,
}

/// A text, lent where it stands in the body as it is and copied where it was escaped there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

/// Not `Cow`'s own reader, which copies wherever it stands in an `Option` or a list.
impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lent;
        impl<'de> Visitor<'de> for Lent {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Lent)
    }
}

/// Values by name, in the order of the names; of a name that comes twice the last counts, as in any map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByName<'a, V>(Vec<(Text<'a>, V)>);

impl<'a, V> ByName<'a, V> {
    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<V> Default for ByName<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, V> FromIterator<(Text<'a>, V)> for ByName<'a, V> {
    fn from_iter<I: IntoIterator<Item = (Text<'a>, V)>>(pairs: I) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        // Stable, so that of equal names the last stays last. Hubs send them in order, and then this only looks.
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        pairs.dedup_by(|later, kept| {
            let is_again = later.0 == kept.0;
            if is_again {
                std::mem::swap(later, kept);
            }
            is_again
        });
        Self(pairs)
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for ByName<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<'a, V>(PhantomData<(&'a (), V)>);
        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Pairs<'a, V> {
            type Value = ByName<'a, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                std::iter::from_fn(|| map.next_entry().transpose()).collect()
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// Every field, so that a new one cannot be forgotten here.
impl<'a> From<&'a super::Reading> for Reading<'a> {
    fn from(owned: &'a super::Reading) -> Self {
        let super::Reading {
            id,
            source,
            record,
            user_index,
            patient,
            unassigned,
            kind,
            measured,
            said,
            rr_intervals_1024ths,
            sequence,
            not_measured,
            posture,
            arm,
            device_time,
            hub_received,
            taken_at,
            taken_by,
            device_ahead_secs,
            quality,
            raw,
        } = owned;
        let lend = |text: &'a String| Text::from(text.as_str());
        let number = |number: &'a super::Number| Number { value: lend(&number.value), unit: lend(&number.unit) };
        Self {
            id: lend(id),
            source: lend(source),
            record: lend(record),
            user_index: *user_index,
            patient: patient.as_ref().map(lend),
            unassigned: unassigned.as_ref().map(lend),
            kind: lend(kind),
            measured: measured
                .as_ref()
                .map(|numbers| numbers.iter().map(|(name, sent)| (lend(name), number(sent))).collect()),
            said: said.iter().map(|(about, word)| (lend(about), lend(word))).collect(),
            rr_intervals_1024ths: rr_intervals_1024ths.clone(),
            sequence: *sequence,
            not_measured: not_measured.as_ref().map(lend),
            posture: posture.as_ref().map(lend),
            arm: arm.as_ref().map(lend),
            device_time: device_time.as_ref().map(lend),
            hub_received: lend(hub_received),
            taken_at: lend(taken_at),
            taken_by: lend(taken_by),
            device_ahead_secs: *device_ahead_secs,
            quality: quality.iter().map(lend).collect(),
            raw: Raw { service: lend(&raw.service), characteristic: lend(&raw.characteristic), hex: lend(&raw.hex) },
        }
    }
}

#[cfg(test)]
mod tests;
