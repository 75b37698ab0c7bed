//! Xiaomi's own layouts: what its scales advertise under 181D (10 bytes) and 181B (13 bytes), and send as 2A9C (the
//! same 13 bytes, under a number whose standard layout is another).
//!
//! Source: openScale, "Xiaomi Bluetooth Mi Scale" (status bits: 0 pounds, 4 catty, 5 stable, 7 weight removed) and its
//! `MiScaleHandler` (two control bytes: first bit 0 pounds; second bit 1 impedance, 5 stable, 6 catty, 7 weight
//! removed); theengs/decoder, Mi scales (weighing a thing and not a person: bit 6 of the one byte, bit 2 of the first
//! of two). Weight u16 in steps of 0.005 kg, or 0.01 lb, or 0.01 catty (half a kilogram); impedance u16 in ohms; the
//! time is that of 2A08. Bits nobody has explained are ignored. A scale whose weight was removed repeats its last
//! weighing from memory (esphome, pull request 4946), and its date is then not to be relied on (openScale): only a
//! stable weighing of a person who still stands there is a person's value.

use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::{DecodeError, EncodeError},
};
use vitals::{Decimal, NoValue, Quantity, Unit};

/// The length of the layout with impedance.
pub const COMPOSITION_BYTES: usize = 13;

/// The unit the scale is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScaleUnit {
    /// Kilograms, in steps of 0.005.
    Kilograms,
    /// Pounds, in steps of 0.01.
    Pounds,
    /// Catties of half a kilogram, in steps of 0.01: the same 0.005 kg.
    Catties,
}

impl ScaleUnit {
    /// The unit as the scale shows it.
    #[must_use]
    pub fn plain(self) -> &'static str {
        match self {
            Self::Kilograms => "kg",
            Self::Pounds => "lb",
            Self::Catties => "catty",
        }
    }
}

/// One weighing as the scale said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct XiaomiWeighing {
    /// The unit the scale is set to.
    pub unit: ScaleUnit,
    /// Weight in steps of that unit, as sent.
    pub weight_steps: u16,
    /// Whether the weight has settled.
    pub is_stable: bool,
    /// Whether the weight was taken off since.
    pub is_weight_removed: bool,
    /// Whether the scale weighs a thing and not a person.
    pub is_thing: bool,
    /// When the scale says it was taken.
    pub taken_at: DeviceTimeField,
    /// Impedance in ohms, where the scale says that it measured it.
    pub impedance_ohm: Option<u16>,
}

impl XiaomiWeighing {
    /// The weight, stable or not: kilograms, or pounds where the scale is set to them.
    #[must_use]
    pub fn weight(&self) -> Option<Quantity> {
        let steps = i64::from(self.weight_steps);
        match self.unit {
            ScaleUnit::Kilograms | ScaleUnit::Catties => {
                Decimal::from_parts(steps * 5, -3).map(|amount| Quantity::new(amount, Unit::Kilograms))
            }
            ScaleUnit::Pounds => Decimal::from_parts(steps, -2).map(|amount| Quantity::new(amount, Unit::Pounds)),
        }
    }

    /// The weight as a person's value.
    ///
    /// # Errors
    /// [`NoValue::DeviceTest`] where a thing was weighed (nobody was measured), [`NoValue::NotSettled`] where the
    /// weight still changes or was taken off.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        if self.is_thing {
            Err(NoValue::DeviceTest)
        } else if !self.is_stable || self.is_weight_removed {
            Err(NoValue::NotSettled)
        } else {
            self.weight().ok_or(NoValue::OutOfRange)
        }
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        // As the scale shows it: 0.005 kg is 0.01 catty.
        let weight = match self.unit {
            ScaleUnit::Catties => Decimal::from_parts(i64::from(self.weight_steps), -2),
            ScaleUnit::Kilograms | ScaleUnit::Pounds => self.weight().map(Quantity::value),
        };
        Fields::new()
            .with("weight", weight)
            .with("unit", self.unit.plain())
            .with("mode", if self.is_thing { "object" } else { "person" })
            .with("is_stable", self.is_stable)
            .with("is_weight_removed", self.is_weight_removed)
            .with("time", self.taken_at)
            .with("impedance", self.impedance_ohm)
    }
}

/// Where the bits of one layout are, in the first control byte or the second.
struct Bits {
    pounds: u16,
    catties: u16,
    stable: u16,
    removed: u16,
    thing: u16,
    impedance: u16,
}

/// The one control byte of 181D.
const WEIGHT_BITS: Bits =
    Bits { pounds: 1 << 0, catties: 1 << 4, stable: 1 << 5, removed: 1 << 7, thing: 1 << 6, impedance: 0 };

/// The two control bytes of 181B and 2A9C, the second above the first.
const COMPOSITION_BITS: Bits =
    Bits { pounds: 1 << 0, catties: 1 << 14, stable: 1 << 13, removed: 1 << 15, thing: 1 << 2, impedance: 1 << 9 };

impl Bits {
    fn unit(&self, control: u16) -> ScaleUnit {
        if control & self.pounds != 0 {
            ScaleUnit::Pounds
        } else if control & self.catties != 0 {
            ScaleUnit::Catties
        } else {
            ScaleUnit::Kilograms
        }
    }

    fn control(&self, weighing: &XiaomiWeighing) -> u16 {
        let flag = super::bits::flag::<u16>;
        flag(self.pounds, weighing.unit == ScaleUnit::Pounds)
            | flag(self.catties, weighing.unit == ScaleUnit::Catties)
            | flag(self.stable, weighing.is_stable)
            | flag(self.removed, weighing.is_weight_removed)
            | flag(self.thing, weighing.is_thing)
            | flag(self.impedance, weighing.impedance_ohm.is_some())
    }
}

/// The weighing that service data 181D holds.
///
/// # Errors
/// [`DecodeError`] unless there are exactly ten bytes.
///
/// ```
/// use device_codecs::gatt::xiaomi;
/// let weighing = xiaomi::decode_weight(&vitals::hex::decode("223e30e607020e10293a").unwrap()).unwrap();
/// assert_eq!(weighing.patient_value().unwrap().to_string(), "61.750 kg");
/// ```
pub fn decode_weight(bytes: &[u8]) -> Result<XiaomiWeighing, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let control = cursor.byte("the control byte").map(u16::from)?;
    let weight_steps = cursor.word("the weight")?;
    let taken_at = cursor.time_if(true)?;
    cursor.finish()?;
    Ok(weighing(&WEIGHT_BITS, control, weight_steps, taken_at, None))
}

/// The weighing that service data 181B holds, or 2A9C of such a scale.
///
/// # Errors
/// [`DecodeError`] unless there are exactly thirteen bytes.
///
/// ```
/// use device_codecs::gatt::xiaomi;
/// let frame = vitals::hex::decode("0204e307011d1135010000282d").unwrap();
/// let weighing = xiaomi::decode_composition(&frame).unwrap();
/// assert_eq!(weighing.weight().unwrap().to_string(), "57.800 kg");
/// assert!(!weighing.is_stable && weighing.patient_value().is_err());
/// ```
pub fn decode_composition(bytes: &[u8]) -> Result<XiaomiWeighing, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let control = cursor.word("the control bytes")?;
    let taken_at = cursor.time_if(true)?;
    let impedance = cursor.word("the impedance")?;
    let weight_steps = cursor.word("the weight")?;
    cursor.finish()?;
    let impedance = (control & COMPOSITION_BITS.impedance != 0).then_some(impedance);
    Ok(weighing(&COMPOSITION_BITS, control, weight_steps, taken_at, impedance))
}

fn weighing(
    bits: &Bits,
    control: u16,
    weight_steps: u16,
    taken_at: DeviceTimeField,
    impedance_ohm: Option<u16>,
) -> XiaomiWeighing {
    XiaomiWeighing {
        unit: bits.unit(control),
        weight_steps,
        is_stable: control & bits.stable != 0,
        is_weight_removed: control & bits.removed != 0,
        is_thing: control & bits.thing != 0,
        taken_at,
        impedance_ohm,
    }
}

/// The service data 181D of a weighing; without a time, its seven bytes are nought.
///
/// # Errors
/// [`EncodeError::TooMany`] where there is an impedance, for which this layout has no place.
pub fn encode_weight(weighing: &XiaomiWeighing) -> Result<Vec<u8>, EncodeError> {
    if weighing.impedance_ohm.is_some() {
        return Err(EncodeError::TooMany { field: "the impedance" });
    }
    let [control, _] = WEIGHT_BITS.control(weighing).to_le_bytes();
    let mut bytes = vec![control];
    bytes.extend(weighing.weight_steps.to_le_bytes());
    bytes.extend(weighing.taken_at.to_bytes().unwrap_or_default());
    Ok(bytes)
}

/// The service data 181B of a weighing; without a time, its seven bytes are nought.
///
/// # Errors
/// None today: every weighing fits. The form is that of the other codecs.
pub fn encode_composition(weighing: &XiaomiWeighing) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = COMPOSITION_BITS.control(weighing).to_le_bytes().to_vec();
    bytes.extend(weighing.taken_at.to_bytes().unwrap_or_default());
    bytes.extend(weighing.impedance_ohm.unwrap_or_default().to_le_bytes());
    bytes.extend(weighing.weight_steps.to_le_bytes());
    Ok(bytes)
}

#[cfg(test)]
#[path = "xiaomi_tests.rs"]
mod tests;
