//! Bytes in and out of the compact rows: whole numbers of as many bytes as they need, texts with their length before
//! them, and moments as distances in the coarsest unit in which they are whole.
//!
//! Invariants: what was put is taken in the same order; what is cut short, too long or left over is [`Unsound`], never a
//! guess.

use super::rows::Unsound;
use chrono::{DateTime, TimeDelta, Utc};

/// Where the store's own times are counted from: the first moment of 2026, UTC.
pub(super) fn era() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_767_225_600)
}

/// The units of a moment's distance, in the lowest two bits of its number.
mod unit {
    pub(super) const SECONDS: u64 = 0;
    pub(super) const MILLISECONDS: u64 = 1;
    pub(super) const MICROSECONDS: u64 = 2;
    /// Seconds, and the nanoseconds of the moment's own second behind them.
    pub(super) const NANOSECONDS: u64 = 3;
}

fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

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
        self.number(zigzag(number));
    }

    /// Bytes with their number before them.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// A moment, by how far it is from one that the reader knows. Every moment comes back as it was, leap seconds too.
    pub(super) fn moment(&mut self, from: DateTime<Utc>, at: DateTime<Utc>) {
        let (unit, here, there) = match at.timestamp_subsec_nanos() {
            0 => (unit::SECONDS, at.timestamp(), from.timestamp()),
            1_000_000_000.. => (unit::NANOSECONDS, at.timestamp(), from.timestamp()),
            nanos if nanos.is_multiple_of(1_000_000) => {
                (unit::MILLISECONDS, at.timestamp_millis(), from.timestamp_millis())
            }
            nanos if nanos.is_multiple_of(1_000) => {
                (unit::MICROSECONDS, at.timestamp_micros(), from.timestamp_micros())
            }
            _ => (unit::NANOSECONDS, at.timestamp(), from.timestamp()),
        };
        let distance = here.checked_sub(there).map(zigzag).filter(|distance| distance >> 62 == 0);
        match distance {
            Some(distance) if unit != unit::NANOSECONDS => self.number(distance << 2 | unit),
            // Seconds of any two moments that there are fit.
            Some(_) | None => {
                let seconds = zigzag(at.timestamp().wrapping_sub(from.timestamp()));
                self.number(seconds << 2 | unit::NANOSECONDS);
                self.number(at.timestamp_subsec_nanos().into());
            }
        }
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
        self.number().map(unzigzag)
    }

    /// A moment by how far it is from this one.
    pub(super) fn moment(&mut self, from: DateTime<Utc>) -> Result<DateTime<Utc>, Unsound> {
        let number = self.number()?;
        let from_there = |there: i64| there.checked_add(unzigzag(number >> 2)).ok_or(Unsound);
        let moment = match number & 3 {
            unit::SECONDS => DateTime::from_timestamp(from_there(from.timestamp())?, 0),
            unit::MILLISECONDS => DateTime::from_timestamp_millis(from_there(from.timestamp_millis())?),
            unit::MICROSECONDS => DateTime::from_timestamp_micros(from_there(from.timestamp_micros())?),
            _ => DateTime::from_timestamp(from_there(from.timestamp())?, u32::try_from(self.number()?)?),
        };
        moment.ok_or(Unsound)
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
        fn a_moment_comes_back_to_the_digit(from in moments(), at in moments()) {
            let mut put = Put::default();
            put.moment(from, at);
            put.byte(7);
            let mut take = Take::new(put.as_slice());
            prop_assert_eq!(take.moment(from).ok(), Some(at));
            prop_assert_eq!(take.byte().ok(), Some(7));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut take = Take::new(&bytes);
            while !take.is_at_end() && take.number().is_ok() && take.bytes().is_ok() && take.moment(era()).is_ok() {}
        }
    }

    /// Moments of this century mostly, in every unit; any that there is now and then; and leap seconds.
    fn moments() -> impl Strategy<Value = DateTime<Utc>> {
        let near = -4_000_000_000_i64..4_000_000_000;
        let any = DateTime::<Utc>::MIN_UTC.timestamp()..=DateTime::<Utc>::MAX_UTC.timestamp();
        let seconds = prop_oneof![4 => near.clone(), 1 => any, 1 => near.prop_map(|secs| secs / 60 * 60 - 1)];
        let nanos = prop_oneof![
            Just(0_u32),
            (0..1000_u32).prop_map(|millis| millis * 1_000_000),
            (0..1_000_000_u32).prop_map(|micros| micros * 1000),
            0..2_000_000_000_u32
        ];
        (seconds, nanos).prop_map(|(seconds, nanos)| {
            let at = DateTime::from_timestamp(seconds, nanos);
            at.or(DateTime::from_timestamp(seconds, nanos % 1_000_000_000)).unwrap_or(era())
        })
    }

    #[test]
    fn a_moment_near_by_takes_few_bytes() {
        let check = |micros: i64, expected: usize| {
            let mut put = Put::default();
            put.moment(era(), era() + TimeDelta::microseconds(micros));
            assert_eq!(put.as_slice().len(), expected, "{micros}");
        };
        check(0, 1);
        check(2_000_000, 1);
        check(1_250_000, 2);
        check(1_250_001, 4);
    }
}
