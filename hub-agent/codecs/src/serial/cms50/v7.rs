//! Contec CMS50, newer generation (CMS50D+ 4.6 and later, E, EW): packets of at most nine bytes.
//!
//! A packet is a type byte with its highest bit clear, then bytes with their highest bit set: the first holds the
//! highest bits of the up to seven data bytes that follow, lowest bit first. Types seen: 01 live (7 data bytes: signal
//! strength, searching too long, saturation low, beep, probe error; wave and searching; bar graph and whether there is
//! a perfusion index; pulse rate, FF is none; saturation, 7F is none; perfusion index u16 low byte first, FFFF is
//! none), 0F stored (three times saturation and pulse rate), 09 stored (saturation, pulse rate, perfusion index), 0D
//! the oximeter ends the conversation (one byte: 0 or 1 as asked, else a reason).
//!
//! Sources: timegrid/CMS50Dplus7 `cms50dplus7.py` and `tests.py`; the commands also in tobac/cms50ew `cms50ew.py`.
//! Line: 115200 8N1 with XON/XOFF, both. There is no checksum. How long a stored point stands for has no public
//! proof: the two say one second and three.

use crate::{
    Fields, Shown,
    cursor::Cursor,
    error::DecodeError,
    serial::{
        framer::{Dropped, Front},
        oximetry::{Oximetry, no_number},
    },
};
use vitals::{Decimal, NoValue};

/// Most bytes of a packet.
pub const PACKET_BYTES_MAX: usize = 9;
pub(super) const DATA_BYTES_MAX: usize = 7;

pub(super) const TYPE_LIVE: u8 = 0x01;
pub(super) const TYPE_STORED_THREE: u8 = 0x0f;
pub(super) const TYPE_STORED_ONE: u8 = 0x09;
pub(super) const TYPE_END: u8 = 0x0d;
pub(super) const TYPE_COMMAND: u8 = 0x7d;
/// Bytes of the packet that ends a conversation: it has one data byte.
const END_BYTES: usize = 3;

const NO_PULSE: u8 = 0xff;
const NO_SATURATION: u8 = 0x7f;
const NO_PERFUSION: u16 = 0xffff;

/// One packet, its data bytes made whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// What kind of packet it is.
    pub kind: u8,
    data: [u8; DATA_BYTES_MAX],
    length: usize,
}

impl Packet {
    /// The data bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.data.get(..self.length).unwrap_or_default()
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new().with("type", self.kind).with("data", vitals::hex::encode(self.data()))
    }
}

/// The packet that three to nine bytes hold.
///
/// # Errors
/// [`DecodeError::Truncated`] or [`DecodeError::TooLong`] for another length, [`DecodeError::OutOfStep`] where the
/// highest bits are not set as they must be.
pub fn decode_packet(bytes: &[u8]) -> Result<Packet, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    let kind = cursor.byte("the type")?;
    if kind & 0x80 != 0 {
        return Err(DecodeError::OutOfStep { field: "the type" });
    }
    let mut high_bits = marked(&mut cursor, "the high bits")?;
    let mut packet = Packet { kind, data: [0; DATA_BYTES_MAX], length: 0 };
    for place in &mut packet.data {
        if cursor.left() == 0 && packet.length > 0 {
            break;
        }
        *place = marked(&mut cursor, "the data")? & 0x7f | (high_bits & 1) << 7;
        high_bits >>= 1;
        packet.length += 1;
    }
    cursor.finish()?;
    Ok(packet)
}

fn marked(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u8, DecodeError> {
    let byte = cursor.byte(field)?;
    if byte & 0x80 == 0 { Err(DecodeError::OutOfStep { field }) } else { Ok(byte) }
}

/// One live packet as the oximeter said it. A number it marks as none is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cms50LivePacket {
    /// Strength of the signal, 0 to 15.
    pub signal: u8,
    /// Has looked for a pulse too long.
    pub is_searching_too_long: bool,
    /// Saturation is low.
    pub is_saturation_low: bool,
    /// A beat, just now.
    pub is_beep: bool,
    /// The probe is broken or the finger is out.
    pub is_probe_error: bool,
    /// The pulse wave, 0 to 127.
    pub wave: u8,
    /// Looking for a pulse.
    pub is_searching: bool,
    /// The bar that the oximeter displays, 0 to 15.
    pub bar: u8,
    /// The perfusion index is meant to be used.
    pub is_perfusion_valid: bool,
    /// Pulse rate.
    pub pulse: Option<u8>,
    /// Saturation.
    pub saturation: Option<u8>,
    /// Perfusion index, as sent; its unit has no public proof.
    pub perfusion: Option<u16>,
}

impl Cms50LivePacket {
    /// What it says of a person.
    #[must_use]
    pub fn patient_value(&self) -> Oximetry {
        let spoilt =
            (self.is_probe_error || self.is_searching || self.is_searching_too_long).then_some(NoValue::SensorProblem);
        let number = |byte: u8| Decimal::from(u16::from(byte));
        let saturation = self.saturation.filter(|percent| *percent <= 100);
        Oximetry::new(saturation.map(number), self.pulse.map(number), spoilt)
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("signal", self.signal)
            .with("searching_too_long", self.is_searching_too_long)
            .with("low_spo2", self.is_saturation_low)
            .with("beep", self.is_beep)
            .with("probe_error", self.is_probe_error)
            .with("waveform", self.wave)
            .with("searching", self.is_searching)
            .with("bar", self.bar)
            .with("pi_valid", self.is_perfusion_valid)
            .with("pulse", no_number(self.pulse))
            .with("spo2", no_number(self.saturation))
            .with("pi", no_number(self.perfusion))
    }
}

/// The live packet that nine bytes hold.
///
/// # Errors
/// Those of [`decode_packet`]; [`DecodeError::OutOfStep`] for another type, [`DecodeError::Truncated`] for fewer than
/// seven data bytes.
pub fn decode_live(bytes: &[u8]) -> Result<Cms50LivePacket, DecodeError> {
    let packet = decode_packet(bytes)?;
    if packet.kind != TYPE_LIVE {
        return Err(DecodeError::OutOfStep { field: "the type of a live packet" });
    }
    if packet.length < DATA_BYTES_MAX {
        return Err(DecodeError::Truncated { field: "the data" });
    }
    let [flags, wave, bar, pulse, saturation, perfusion_low, perfusion_high] = packet.data;
    Ok(Cms50LivePacket {
        signal: flags & 0x0f,
        is_searching_too_long: flags & 0x10 != 0,
        is_saturation_low: flags & 0x20 != 0,
        is_beep: flags & 0x40 != 0,
        is_probe_error: flags & 0x80 != 0,
        wave: wave & 0x7f,
        is_searching: wave & 0x80 != 0,
        bar: bar & 0x0f,
        is_perfusion_valid: bar & 0x10 != 0,
        pulse: some_pulse(pulse),
        saturation: some_saturation(saturation),
        perfusion: some_perfusion(perfusion_low, perfusion_high),
    })
}

fn some_pulse(byte: u8) -> Option<u8> {
    Some(byte).filter(|byte| *byte != NO_PULSE)
}

fn some_saturation(byte: u8) -> Option<u8> {
    Some(byte).filter(|byte| *byte != NO_SATURATION)
}

fn some_perfusion(low: u8, high: u8) -> Option<u16> {
    Some(u16::from_le_bytes([low, high])).filter(|word| *word != NO_PERFUSION)
}

/// One stored point as the oximeter said it. A number it marks as none is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cms50StoredPoint {
    /// Pulse rate.
    pub pulse: Option<u8>,
    /// Saturation.
    pub saturation: Option<u8>,
    /// Perfusion index, where the model stores one.
    pub perfusion: Option<u16>,
}

impl Cms50StoredPoint {
    fn pair(saturation: u8, pulse: u8) -> Self {
        Self { pulse: some_pulse(pulse), saturation: some_saturation(saturation), perfusion: None }
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("spo2", no_number(self.saturation))
            .with("pulse", no_number(self.pulse))
            .with("pi", self.perfusion)
    }
}

/// The points that a piece of a recording holds: whole packets of type 0F or 09, at least one. A pair of noughts fills
/// up the last packet and is no point.
///
/// # Errors
/// [`DecodeError::Truncated`] where the last packet is not whole, [`DecodeError::OutOfStep`] for other types.
pub fn decode_stored(bytes: &[u8]) -> Result<Vec<Cms50StoredPoint>, DecodeError> {
    let mut rest = bytes;
    let mut points = Vec::new();
    loop {
        let kind = rest.first().ok_or(DecodeError::Truncated { field: "a packet" })?;
        let length = packet_bytes(*kind).filter(|_| *kind != TYPE_LIVE);
        let length = length.ok_or(DecodeError::OutOfStep { field: "the type of a stored packet" })?;
        let (packet, after) = rest.split_at_checked(length).ok_or(DecodeError::Truncated { field: "a packet" })?;
        let [first, second, third, fourth, fifth, sixth, _] = decode_packet(packet)?.data;
        if *kind == TYPE_STORED_ONE {
            points.push(Cms50StoredPoint {
                perfusion: some_perfusion(third, fourth),
                ..Cms50StoredPoint::pair(first, second)
            });
        } else {
            let pairs = [(first, second), (third, fourth), (fifth, sixth)];
            let is_point = |pair: &(u8, u8)| *pair != (0, 0);
            points.extend(pairs.into_iter().filter(is_point).map(|(spo2, pulse)| Cms50StoredPoint::pair(spo2, pulse)));
        }
        if after.is_empty() {
            return Ok(points);
        }
        rest = after;
    }
}

/// What a piece of a recording says, as named values.
#[must_use]
pub fn shown_stored(points: &[Cms50StoredPoint]) -> Fields {
    Fields::new().with("points", Shown::List(points.iter().map(|point| point.shown().into()).collect()))
}

/// How many bytes a packet that carries readings has.
pub(super) fn packet_bytes(kind: u8) -> Option<usize> {
    match kind {
        TYPE_LIVE => Some(9),
        TYPE_STORED_THREE => Some(8),
        TYPE_STORED_ONE => Some(6),
        _ => None,
    }
}

/// Packets of any type: those whose length is known end there, others before the next type byte.
pub(super) fn front(bytes: &[u8]) -> Front {
    let lost = bytes.iter().take_while(|byte| **byte & 0x80 != 0).count();
    if lost > 0 {
        return Front::Drop(lost, Dropped::OutOfStep);
    }
    // The end of a conversation must be seen at once: nothing follows it that would close its packet.
    let known = match bytes.first() {
        Some(&TYPE_END) => Some(END_BYTES),
        Some(kind) => packet_bytes(*kind),
        None => None,
    };
    let length = known.unwrap_or(PACKET_BYTES_MAX);
    let next = bytes.iter().skip(1).take(length - 1).position(|byte| byte & 0x80 == 0).map(|place| place + 1);
    match next {
        Some(next) if known.is_none() && next >= 3 => Front::Record(next),
        Some(next) => Front::Drop(next, Dropped::CutShort),
        None if bytes.len() >= length => Front::Record(length),
        None => Front::NotYet,
    }
}

#[cfg(test)]
#[path = "v7_tests.rs"]
mod tests;
