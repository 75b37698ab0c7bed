//! The CRC that continuous glucose sensors may put at the end of every value.
//!
//! Source: Bluetooth Continuous Glucose Monitoring Service 1.0.2, "E2E-CRC": CRC-CCITT (polynomial 0x1021) with seed
//! 0xFFFF over all bytes before it, bits reflected, no final inversion (the catalogue calls it CRC-16/MCRF4XX; its
//! check over "123456789" is 0x6F91); sent low byte first.

use crate::{cursor::Cursor, error::DecodeError};

/// The polynomial 0x1021 with its bits reflected.
const POLYNOMIAL: u16 = 0x8408;
const SEED: u16 = 0xffff;

/// How many bytes it takes.
pub(super) const CRC_BYTES: usize = 2;

/// The CRC of some bytes.
///
/// ```
/// assert_eq!(device_codecs::gatt::e2e_crc::of(b"123456789"), 0x6f91);
/// ```
#[must_use]
pub fn of(bytes: &[u8]) -> u16 {
    bytes.iter().fold(SEED, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _bit| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ POLYNOMIAL })
    })
}

/// Whether a value came with its CRC. One whose CRC is wrong is no value, so there is no third case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum E2eCrc {
    /// There was none.
    Absent,
    /// There was one, and it is that of the bytes.
    Verified,
}

impl E2eCrc {
    /// "ok" for one that was there and right.
    pub(super) fn shown(self) -> Option<&'static str> {
        match self {
            Self::Absent => None,
            Self::Verified => Some("ok"),
        }
    }

    /// The bytes, with their CRC where there is one.
    pub(super) fn protect(self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self == Self::Verified {
            let crc = of(&bytes).to_le_bytes();
            bytes.extend(crc);
        }
        bytes
    }
}

/// What is left of a value must be nothing, or the CRC of all before it.
pub(super) fn finish(whole: &[u8], mut cursor: Cursor<'_>) -> Result<E2eCrc, DecodeError> {
    if cursor.left() == 0 {
        return Ok(E2eCrc::Absent);
    }
    let sent = cursor.word("the CRC")?;
    cursor.finish()?;
    verify(whole, sent)
}

/// The last two bytes of a value are the CRC of those before them.
pub(super) fn verify(whole: &[u8], sent: u16) -> Result<E2eCrc, DecodeError> {
    let protected = whole.split_last_chunk::<CRC_BYTES>().map_or(whole, |(protected, _)| protected);
    let computed = of(protected);
    if computed == sent { Ok(E2eCrc::Verified) } else { Err(DecodeError::ChecksumWrong { computed, sent }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows 58 and 59 of tests/vectors/devices.jsonl (Nordic), and the seed of no bytes.
    #[test]
    fn the_check_values_are_right() {
        for (bytes, crc) in [(b"123456789".as_slice(), 28561), (&[0x58, 0x25, 0x1f, 0x98], 2033), (&[], 0xffff)] {
            assert_eq!(of(bytes), crc, "{bytes:02x?}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let whole = E2eCrc::Verified.protect(vec![0x06, 0x00, 0x01, 0x01, 0x01]);
        for bit in 0..whole.len() * 8 {
            let mut broken = whole.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let [.., low, high] = broken[..] else { panic!() };
            assert!(verify(&broken, u16::from_le_bytes([low, high])).is_err(), "bit {bit}");
        }
    }
}
