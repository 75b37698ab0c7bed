//! The sums and the CRC that serial protocols close their records with.
//!
//! Sources: 8-bit sum, Nonin's 9560 specification and Bayer's Computer Interface Specification 6.1.3.2; 16-bit sum,
//! glucometerutils `otultra2.py`; CRC-CCITT started at 0xFFFF, glucometerutils `lifescan.py` and
//! glucometer-protocols `shared-binary-protocol.md`.

/// All bytes added, the lowest 8 bits of the sum.
#[must_use]
pub fn sum8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// All bytes added, the lowest 16 bits of the sum.
///
/// ```
/// use device_codecs::serial::checksum::sum16;
/// assert_eq!(sum16(br#"T "SAT","08/03/13","22:12:00   ""#), 0x0608);
/// ```
#[must_use]
pub fn sum16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(u16::from(*byte)))
}

/// CRC-16 with the CCITT polynomial 0x1021, high bit first, started at 0xFFFF, nothing turned at the end.
///
/// ```
/// use device_codecs::serial::checksum::crc_ccitt;
/// assert_eq!(crc_ccitt(&[0x02, 0x06, 0x06, 0x03]), 0x41cd);
/// assert_eq!(crc_ccitt(b"123456789"), 0x29b1);
/// ```
#[must_use]
pub fn crc_ccitt(bytes: &[u8]) -> u16 {
    const POLYNOMIAL: u16 = 0x1021;
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _bit| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ POLYNOMIAL }
        })
    })
}
