//! Takes fields off the front of a frame; running out of bytes is an error by construction.

use crate::{date_time::DeviceTimeField, error::DecodeError};
use vitals::float11073::{DeviceNumber, float, sfloat};

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

    /// The next two bytes as a whole number with a sign.
    pub(crate) fn signed_word(&mut self, field: &'static str) -> Result<i16, DecodeError> {
        self.take(field).map(i16::from_le_bytes)
    }

    /// The next three bytes, low byte first.
    pub(crate) fn three_bytes(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.take(field).map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }

    /// The next four bytes, low byte first.
    pub(crate) fn long_word(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.take(field).map(u32::from_le_bytes)
    }

    /// The next two bytes as an IEEE 11073 SFLOAT.
    pub(crate) fn number(&mut self, field: &'static str) -> Result<DeviceNumber, DecodeError> {
        self.word(field).map(sfloat)
    }

    /// The next four bytes as an IEEE 11073 FLOAT.
    pub(crate) fn long_number(&mut self, field: &'static str) -> Result<DeviceNumber, DecodeError> {
        self.long_word(field).map(float)
    }

    /// The next seven bytes as a Date Time where the frame has one.
    pub(crate) fn time_if(&mut self, is_there: bool) -> Result<DeviceTimeField, DecodeError> {
        if is_there { self.take("the time").map(DeviceTimeField::from_bytes) } else { Ok(DeviceTimeField::Absent) }
    }

    /// How many bytes are not taken yet.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TooLong { left_bytes: self.rest.len() }) }
    }
}
