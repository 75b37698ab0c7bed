//! Noise for lines: bytes that look random and are the same in every run.

use device_codecs::serial::Protocol;

/// Noise from a seed.
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    /// Noise that depends on nothing but this.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next byte, by the method called `SplitMix64`.
    pub fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [byte, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
        byte
    }

    /// The next bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_place| self.byte()).collect()
    }
}

/// What a record of another device, a modem and a loose cable leave on a line: text, control characters, high bytes.
pub const GARBAGE: &[u8] = b"\x00\xff\x00AT+GMM\r\n\x7f\x01\x81\x01\x00\x02\x06\xf2\x80\x55\xaa\r\n";

/// The same for records without a checksum, which are told apart by their highest bits alone: nothing in it has the form
/// of one.
const GARBAGE_WITHOUT_RECORD: &[u8] = b"AT+GMM\r\n\x7f\x01\xff\xff\x81\x80\xaa\x55\xf2\x80\x00\x81";

/// What is on a line before a device of this protocol speaks.
#[must_use]
pub fn garbage_before(protocol: Protocol) -> &'static [u8] {
    let has_no_checksum = matches!(protocol, Protocol::NoninDf8 | Protocol::Cms50V4Live);
    if has_no_checksum { GARBAGE_WITHOUT_RECORD } else { GARBAGE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_the_same_in_every_run_and_uses_every_byte() {
        let mut bytes = Noise::new(7).bytes(10_000);
        assert_eq!(bytes, Noise::new(7).bytes(10_000));
        assert_ne!(bytes, Noise::new(8).bytes(10_000));
        bytes.sort_unstable();
        bytes.dedup();
        assert_eq!(bytes.len(), 256);
    }
}
