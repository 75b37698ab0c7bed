//! Flag bits, named status bits and number fields: what the layouts of GATT have in common.

use crate::error::EncodeError;
use vitals::{
    NoValue, Quantity,
    float11073::{DeviceNumber, Special, float, to_sfloat},
};

/// A flag byte or word that is being put together.
pub(crate) fn flag<T: Default>(flag: T, is_set: bool) -> T {
    if is_set { flag } else { T::default() }
}

/// The two bytes of an SFLOAT field.
pub(crate) fn number(number: DeviceNumber, field: &'static str) -> Result<[u8; 2], EncodeError> {
    to_sfloat(number).map(u16::to_le_bytes).ok_or(EncodeError::NumberDoesNotFit { field })
}

/// The four bytes of a FLOAT field: exponent in the high byte, mantissa in the low three.
pub(crate) fn long_number(number: DeviceNumber, field: &'static str) -> Result<[u8; 4], EncodeError> {
    let bytes = match number {
        DeviceNumber::Number { mantissa, exponent } => {
            let [low, middle, high, _sign] = mantissa.to_le_bytes();
            let [exponent] = exponent.to_le_bytes();
            [low, middle, high, exponent]
        }
        DeviceNumber::Special(special) => match special {
            Special::PositiveInfinity => 0x007f_fffe_u32,
            Special::NotANumber => 0x007f_ffff,
            Special::NotAtThisResolution => 0x0080_0000,
            Special::Reserved => 0x0080_0001,
            Special::NegativeInfinity => 0x0080_0002,
        }
        .to_le_bytes(),
    };
    // What does not read back the same did not fit: more than 24 bits, or a special mantissa as a number.
    if float(u32::from_le_bytes(bytes)) == number { Ok(bytes) } else { Err(EncodeError::NumberDoesNotFit { field }) }
}

/// The same digits with the point moved: `number × 10^places`, exactly. A special value stays special.
pub(crate) fn shifted(number: DeviceNumber, places: i8) -> DeviceNumber {
    match number {
        DeviceNumber::Number { mantissa, exponent } => {
            DeviceNumber::Number { mantissa, exponent: exponent.saturating_add(places) }
        }
        DeviceNumber::Special(_) => number,
    }
}

/// Whether a number is beyond what the device can tell, and so perhaps the most dangerous of all.
pub(crate) fn is_beyond_device(number: &Result<Quantity, NoValue>) -> bool {
    matches!(number, Err(NoValue::PositiveInfinity | NoValue::NegativeInfinity))
}

/// The low and the high half of a byte.
pub(crate) fn nibbles(byte: u8) -> (u8, u8) {
    (byte & 0x0f, byte >> 4)
}

/// One byte of two halves; only the low four bits of each count.
pub(crate) fn from_nibbles(low: u8, high: u8) -> u8 {
    low & 0x0f | high << 4
}

/// A word of named bits, kept as sent: reserved bits stay, and are never an error.
macro_rules! named_bits {
    (
        $(#[$doc:meta])*
        pub struct $name:ident($word:ty) {
            $($(#[$bit_doc:meta])* $bit:ident = $index:literal, $text:literal;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub $word);

        impl $name {
            $($(#[$bit_doc])* pub const $bit: $word = 1 << $index;)*

            /// Whether any of these bits is set.
            #[must_use]
            pub fn has(self, bits: $word) -> bool {
                self.0 & bits != 0
            }

            /// The names of the bits that are set and not reserved.
            #[must_use]
            pub fn names(self) -> Vec<&'static str> {
                [$((Self::$bit, $text)),*].into_iter().filter(|(bit, _)| self.has(*bit)).map(|(_, name)| name).collect()
            }
        }
    };
}
pub(crate) use named_bits;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_float_word_survives_the_round_trip(word: u32) {
            prop_assert_eq!(long_number(float(word), "the number"), Ok(word.to_le_bytes()));
        }
    }

    #[test]
    fn a_number_that_does_not_fit_a_float_is_refused() {
        for mantissa in [0x007f_ffff, 0x0080_0000, i32::MIN] {
            let number = DeviceNumber::Number { mantissa, exponent: 0 };
            assert_eq!(long_number(number, "x"), Err(EncodeError::NumberDoesNotFit { field: "x" }), "{mantissa}");
        }
    }
}
