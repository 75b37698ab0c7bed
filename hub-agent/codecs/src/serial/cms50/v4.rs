//! Contec CMS50, older generation (CMS50D+ before firmware 4.6): live records and points of a recording.
//!
//! Live, 60 a second, 5 bytes of which only the first has its highest bit set: signal strength (4 bits), finger out,
//! saturation dropping, beep; pulse wave (7 bits); bar graph (4 bits), probe error, searching, bit 7 of the pulse rate;
//! the other 7 bits of the pulse rate; saturation (7 bits). Recorded, one point a second without times, 3 bytes:
//! F0 or F1 (its lowest bit is bit 7 of the pulse rate), 80 and 7 bits of pulse rate, 7 bits of saturation.
//!
//! Source: atbrask/CMS50Dplus `cms50dplus.py` and `unittests.py`. Line: 19200 8O1, ibidem; its XON/XOFF is left out
//! here, for the characters 11 and 13 (hexadecimal) are lawful bytes of a record and would be swallowed. Neither form
//! has a checksum. How "no value" is sent has no public proof: nought is taken as such, and so is more than 100 %.

use crate::{
    Fields, Shown,
    cursor::Cursor,
    error::DecodeError,
    serial::{
        framer::{Dropped, Front},
        oximetry::Oximetry,
    },
};
use vitals::{Decimal, NoValue};

/// Bytes of a live record.
pub const LIVE_BYTES: usize = 5;
/// Bytes of a recorded point.
pub const POINT_BYTES: usize = 3;
/// Bytes of what stands before a recording: three times F2 80 00, then the length in 3 bytes.
pub(super) const HEADER_BYTES: usize = 12;
const HEADER_START: [u8; 9] = [0xf2, 0x80, 0x00, 0xf2, 0x80, 0x00, 0xf2, 0x80, 0x00];

/// One live record as the oximeter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cms50Live {
    /// Strength of the signal, 0 to 15.
    pub signal: u8,
    /// No finger in the probe.
    pub is_finger_out: bool,
    /// Saturation is dropping.
    pub is_saturation_dropping: bool,
    /// A beat, just now.
    pub is_beep: bool,
    /// The pulse wave, 0 to 127.
    pub wave: u8,
    /// The bar that the oximeter displays, 0 to 15.
    pub bar: u8,
    /// The probe is broken.
    pub is_probe_error: bool,
    /// Looking for a pulse.
    pub is_searching: bool,
    /// Pulse rate.
    pub pulse: u8,
    /// Saturation.
    pub saturation: u8,
}

impl Cms50Live {
    /// What it says of a person.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let spoilt = (self.is_finger_out || self.is_probe_error || self.is_searching).then_some(NoValue::SensorProblem);
        oximetry(self.pulse, self.saturation, spoilt)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("signal", self.signal)
            .with("finger_out", self.is_finger_out)
            .with("dropping_spo2", self.is_saturation_dropping)
            .with("beep", self.is_beep)
            .with("waveform", self.wave)
            .with("bar", self.bar)
            .with("probe_error", self.is_probe_error)
            .with("searching", self.is_searching)
            .with("pulse", self.pulse)
            .with("spo2", self.saturation)
    }
}

fn oximetry(pulse: u8, saturation: u8, spoilt: Option<NoValue>) -> Oximetry {
    let number = |byte: u8| Decimal::from(u16::from(byte));
    Oximetry::new(Some(saturation).filter(|percent| *percent <= 100).map(number), Some(number(pulse)), spoilt)
}

/// The live record that five bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::OutOfStep`] where the
/// highest bits are not set as they must be.
///
/// ```
/// use device_codecs::serial::cms50::decode_v4_live;
/// let live = decode_v4_live(&[0x85, 0x00, 0x40, 0x48, 0x61]).unwrap();
/// assert_eq!((live.signal, live.pulse, live.saturation), (5, 200, 97));
/// assert!(decode_v4_live(&[0x80, 0x80, 0, 0, 0]).is_err());
/// ```
pub fn decode_live(bytes: &[u8]) -> Result<Cms50Live, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let first = cursor.byte("the first byte")?;
    if first & 0x80 == 0 {
        return Err(DecodeError::OutOfStep { field: "the first byte" });
    }
    let mut low_byte = |field: &'static str| {
        let byte = cursor.byte(field)?;
        if byte & 0x80 == 0 { Ok(byte) } else { Err(DecodeError::OutOfStep { field }) }
    };
    let (wave, third) = (low_byte("the pulse wave")?, low_byte("the bar graph")?);
    let (pulse, saturation) = (low_byte("the pulse rate")?, low_byte("the saturation")?);
    cursor.finish()?;
    Ok(Cms50Live {
        signal: first & 0x0f,
        is_finger_out: first & 0x10 != 0,
        is_saturation_dropping: first & 0x20 != 0,
        is_beep: first & 0x40 != 0,
        wave,
        bar: third & 0x0f,
        is_probe_error: third & 0x10 != 0,
        is_searching: third & 0x20 != 0,
        pulse: (third & 0x40) << 1 | pulse,
        saturation,
    })
}

/// One second of a recording as the oximeter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cms50Point {
    /// Pulse rate.
    pub pulse: u8,
    /// Saturation.
    pub saturation: u8,
}

impl Cms50Point {
    /// What it says of a person.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        oximetry(self.pulse, self.saturation, None)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new().with("pulse", self.pulse).with("spo2", self.saturation)
    }
}

/// The point that three bytes hold.
///
/// # Errors
/// [`DecodeError::OutOfStep`] where they have not the form of a point.
fn point(bytes: [u8; POINT_BYTES]) -> Result<Cms50Point, DecodeError> {
    let [first, second, saturation] = bytes;
    if first & 0xfe != 0xf0 || second & 0x80 == 0 || saturation & 0x80 != 0 {
        return Err(DecodeError::OutOfStep { field: "a point" });
    }
    Ok(Cms50Point { pulse: first << 7 | second & 0x7f, saturation })
}

/// The one point that three bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::OutOfStep`].
pub fn decode_point(bytes: &[u8]) -> Result<Cms50Point, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let point = point(cursor.take("a point")?)?;
    cursor.finish()?;
    Ok(point)
}

/// The points that a piece of a recording holds, at least one, a second apart.
///
/// # Errors
/// [`DecodeError::Truncated`] where the last point is not whole, [`DecodeError::OutOfStep`].
pub fn decode_points(bytes: &[u8]) -> Result<Vec<Cms50Point>, DecodeError> {
    let (points, rest) = bytes.as_chunks::<POINT_BYTES>();
    let points = points.iter().copied().map(point).collect::<Result<Vec<_>, _>>()?;
    if points.is_empty() || !rest.is_empty() { Err(DecodeError::Truncated { field: "a point" }) } else { Ok(points) }
}

/// What a piece of a recording says, as named values.
#[must_use]
pub fn shown_points(points: &[Cms50Point]) -> Fields {
    Fields::new().with("points", Shown::List(points.iter().map(|point| point.shown().into()).collect()))
}

/// How many points follow, as the header of a recording says: its three length bytes have 7 bits each and tell one
/// byte less than there are.
pub(super) fn points_told(header: &[u8]) -> Option<usize> {
    let [start @ .., high, middle, low] = *header.first_chunk::<HEADER_BYTES>()?;
    let is_header = start == HEADER_START && high & 0x80 != 0 && middle & 0x80 != 0 && low & 0x80 == 0;
    let bytes = usize::from(high & 0x7f) << 14 | usize::from(middle & 0x7f) << 7 | usize::from(low);
    is_header.then_some((bytes + 1) / POINT_BYTES)
}

/// Points and the header of a recording; live records between them are talk.
pub(super) fn recorded_front(bytes: &[u8]) -> Front {
    match bytes {
        [first, ..] if first & 0x80 == 0 => {
            Front::Drop(bytes.iter().take_while(|byte| **byte & 0x80 == 0).count(), Dropped::OutOfStep)
        }
        [_] => Front::NotYet,
        [0xf2, 0x80, ..] if bytes.iter().zip(HEADER_START).all(|(byte, want)| *byte == want) => {
            match bytes.get(..HEADER_BYTES) {
                None => Front::NotYet,
                Some(header) if points_told(header).is_some() => Front::Record(HEADER_BYTES),
                Some(_) => Front::Drop(1, Dropped::OutOfStep),
            }
        }
        [0xf0 | 0xf1, second, rest @ ..] if second & 0x80 != 0 => match rest {
            [] => Front::NotYet,
            [third, ..] if third & 0x80 == 0 => Front::Record(POINT_BYTES),
            [_, ..] => Front::Drop(1, Dropped::CutShort),
        },
        [_, second, ..] if second & 0x80 != 0 => Front::Drop(1, Dropped::OutOfStep),
        _ => match bytes.get(..LIVE_BYTES) {
            None if bytes.iter().skip(1).any(|byte| byte & 0x80 != 0) => Front::Drop(1, Dropped::CutShort),
            None => Front::NotYet,
            Some(live) if decode_live(live).is_ok() => Front::Drop(LIVE_BYTES, Dropped::Talk),
            Some(_) => Front::Drop(1, Dropped::CutShort),
        },
    }
}

#[cfg(test)]
#[path = "v4_tests.rs"]
mod tests;
