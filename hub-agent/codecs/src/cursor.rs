//! Takes fields off the front of a frame; running out of bytes is an error by construction.

use crate::error::DecodeError;
use vitals::float11073::{DeviceNumber, sfloat};

/// The bytes not taken yet.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated { field })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.take::<1>(field).map(|[byte]| byte)
    }

    /// The next two bytes, low byte first as everywhere in GATT.
    pub(crate) fn word(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.take(field).map(u16::from_le_bytes)
    }

    /// The next two bytes as an IEEE 11073 SFLOAT.
    pub(crate) fn number(&mut self, field: &'static str) -> Result<DeviceNumber, DecodeError> {
        self.word(field).map(sfloat)
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TooLong { left_bytes: self.rest.len() }) }
    }
}
