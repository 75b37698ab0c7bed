//! Bytes as lower-case hexadecimal, the one form ids, digests and raw frames take in text.

use std::fmt;
use thiserror::Error;

/// Why a text is not hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read hexadecimal text")]
pub struct NotHex;

/// Bytes as lower-case hexadecimal.
///
/// ```
/// assert_eq!(vitals::hex::encode(&[0x0a, 0xff]), "0aff");
/// ```
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    // Digits are ASCII, so this is always text.
    String::from_utf8(bytes.iter().flat_map(|byte| pair(*byte)).collect()).unwrap_or_default()
}

/// Shows bytes as [`encode`] writes them, without a text of their own.
///
/// ```
/// assert_eq!(format!("rd-{}", vitals::hex::Digits(&[0x0a, 0xff])), "rd-0aff");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits<'a>(pub &'a [u8]);

impl fmt::Display for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for bytes in self.0.chunks(16) {
            let mut pairs = [[b'0'; 2]; 16];
            for (shown, byte) in pairs.iter_mut().zip(bytes) {
                *shown = pair(*byte);
            }
            let digits = pairs.as_flattened().get(..2 * bytes.len()).unwrap_or_default();
            f.write_str(str::from_utf8(digits).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The two digits of a byte.
fn pair(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
    [digit(byte >> 4), digit(byte & 0x0f)]
}

/// The byte of two digits.
fn byte([high, low]: [u8; 2]) -> Result<u8, NotHex> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NotHex),
    };
    Ok(nibble(high)? << 4 | nibble(low)?)
}

/// The bytes of a hexadecimal text of even length; upper and lower case are read.
///
/// # Errors
/// [`NotHex`] if the length is odd or a character is not a hexadecimal digit.
///
/// ```
/// assert_eq!(vitals::hex::decode("0aFF"), Ok(vec![0x0a, 0xff]));
/// assert!(vitals::hex::decode("0a f").is_err());
/// ```
pub fn decode(text: &str) -> Result<Vec<u8>, NotHex> {
    pairs(text)?.iter().map(|pair| byte(*pair)).collect()
}

/// The bytes of a hexadecimal text that must be exactly `N` bytes long.
///
/// # Errors
/// [`NotHex`] if the text is not hexadecimal or has another length.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    let pairs: &[[u8; 2]; N] = pairs(text)?.try_into().map_err(|_other_length| NotHex)?;
    let mut bytes = [0; N];
    for (read, pair) in bytes.iter_mut().zip(pairs) {
        *read = byte(*pair)?;
    }
    Ok(bytes)
}

fn pairs(text: &str) -> Result<&[[u8; 2]], NotHex> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    if rest.is_empty() { Ok(pairs) } else { Err(NotHex) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Against the formatting of the standard library, for any bytes; and any text that is not of digits is refused.
    #[test]
    fn every_byte_and_no_other_character_is_read() {
        let bytes: Vec<u8> = (0..=255).collect();
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((encode(&bytes), Digits(&bytes).to_string()), (text.clone(), text.clone()));
        assert_eq!((decode(&text), decode(&text.to_uppercase())), (Ok(bytes.clone()), Ok(bytes.clone())));
        assert_eq!(decode_array::<256>(&text).map(Vec::from), Ok(bytes));
        for letter in (0..=255_u8).map(char::from) {
            let is_digit = letter.is_ascii_hexdigit();
            for text in [format!("{letter}0"), format!("0{letter}")] {
                assert_eq!((decode(&text).is_ok(), decode_array::<1>(&text).is_ok()), (is_digit, is_digit), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn an_array_has_one_length(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text = encode(&bytes);
            prop_assert_eq!(decode(&text), Ok(bytes.clone()));
            prop_assert_eq!(Digits(&bytes).to_string(), text.clone());
            prop_assert_eq!(decode_array::<16>(&text).is_ok(), bytes.len() == 16);
        }
    }
}
