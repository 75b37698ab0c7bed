//! Bytes in and out of the compact rows: whole numbers of as many bytes as they need, and texts with their length before
//! them.
//!
//! Invariants: what was put is taken in the same order; what is cut short, too long or left over is [`Unsound`], never a
//! guess.

use super::rows::Unsound;

/// Bytes being put together.
#[derive(Debug, Default)]
pub(super) struct Put(Vec<u8>);

impl Put {
    pub(super) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Bytes whose number the reader knows.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// A whole number: seven bits a byte, the lowest first, the eighth bit set where more follow (LEB128).
    pub(super) fn number(&mut self, mut number: u64) {
        loop {
            let low = u8::try_from(number & 0x7f).unwrap_or_default();
            number >>= 7;
            if number == 0 {
                return self.byte(low);
            }
            self.byte(low | 0x80);
        }
    }

    /// A count.
    pub(super) fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A number that may be below nought, small ones of either sign in few bytes.
    pub(super) fn signed(&mut self, number: i64) {
        self.number((number << 1 ^ number >> 63).cast_unsigned());
    }

    /// Bytes with their number before them.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }
}

/// Bytes being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take<'a>(&'a [u8]);

impl<'a> Take<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unsound> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Unsound)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Unsound> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Unsound> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Unsound);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unsound)
    }

    /// A count of things that take at least a byte each, so that no count asks for more room than there are bytes.
    pub(super) fn count(&mut self) -> Result<usize, Unsound> {
        let count = usize::try_from(self.number()?)?;
        if count <= self.0.len() { Ok(count) } else { Err(Unsound) }
    }

    pub(super) fn signed(&mut self) -> Result<i64, Unsound> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Unsound> {
        let count = self.count()?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Unsound)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Unsound> {
        Ok(std::str::from_utf8(self.bytes()?)?)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left, whole.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Unsound> {
        if self.is_at_end() { Ok(()) } else { Err(Unsound) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_put_is_taken(number: u64, signed: i64, bytes: Vec<u8>) {
            let mut put = Put::default();
            put.number(number);
            put.signed(signed);
            put.bytes(&bytes);
            let mut take = Take::new(put.as_slice());
            prop_assert_eq!(take.number().ok(), Some(number));
            prop_assert_eq!(take.signed().ok(), Some(signed));
            prop_assert_eq!(take.bytes().ok(), Some(bytes.as_slice()));
            prop_assert!(take.is_at_end());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut take = Take::new(&bytes);
            while !take.is_at_end() && take.number().is_ok() && take.bytes().is_ok() && take.signed().is_ok() {}
        }
    }
}
