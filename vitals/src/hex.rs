//! Bytes as lower-case hexadecimal, the one form ids, digests and raw frames take in text.

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
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect()
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
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(NotHex);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NotHex);
    }
    pairs.iter().map(|[high, low]| Ok(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// The bytes of a hexadecimal text that must be exactly `N` bytes long.
///
/// # Errors
/// [`NotHex`] if the text is not hexadecimal or has another length.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], NotHex> {
    decode(text)?.try_into().map_err(|_other_length: Vec<u8>| NotHex)
}
