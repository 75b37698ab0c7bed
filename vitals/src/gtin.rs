//! GTIN: the number under a device's barcode, 8, 12, 13 or 14 digits with a modulus-10 check digit.
//!
//! Source: GS1 General Specifications, check digit calculation (weights 3 and 1 from the right).

/// Whether a text is a GTIN with a right check digit.
///
/// ```
/// assert!(vitals::gtin::is_valid("4009856026109"));
/// assert!(!vitals::gtin::is_valid("4901001397458"));
/// assert!(!vitals::gtin::is_valid("400985602610"), "a digit is missing");
/// ```
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let is_form = matches!(text.len(), 8 | 12 | 13 | 14) && text.bytes().all(|byte| byte.is_ascii_digit());
    let weighted = text.bytes().rev().zip([1, 3].into_iter().cycle());
    is_form && weighted.map(|(byte, weight)| u32::from(byte - b'0') * weight).sum::<u32>() % 10 == 0
}
