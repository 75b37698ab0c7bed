//! LifeScan OneTouch UltraEasy (UltraMini): binary packets.
//!
//! STX, length of the whole packet, link byte, message, ETX, CRC-CCITT started at 0xFFFF over all before it, low byte
//! first. Link bits: 0 the sender's number, 1 the number it expects next, 2 acknowledges, 3 ends the conversation, 4
//! more follows. A record is the answer 05 06, seconds since 1970 by the meter's clock u32, value u32, in mg/dL
//! whatever the meter displays.
//!
//! Sources: glucometers-tech/glucometerutils `support/lifescan_binary_protocol.py`, `drivers/otultraeasy.py` and
//! `tests/test_otultraeasy.py`; glucometer-protocols `lifescan/shared-binary-protocol.md`; tidepool-org/uploader
//! `drivers/onetouch/oneTouchUltraMini.js` (below 20 and above 600 mg/dL the meter shows LO and HI). The meter has no
//! mark for control solutions. Line: 9600 8N1.

use super::ultra2::glucose;
use crate::{
    Fields,
    cursor::Cursor,
    date_time::DeviceTimeField,
    error::DecodeError,
    serial::{
        checksum::crc_ccitt,
        framer::{Dropped, Front},
        text,
    },
};
use chrono::{DateTime, Datelike, Timelike};
use vitals::{NoValue, Quantity, Unit};

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
/// STX, length, link, ETX and CRC.
const AROUND_BYTES: usize = 6;
/// Longest packet that is waited for: twice the longest answer known, so that a damaged length does not swallow what
/// follows.
const PACKET_BYTES_MAX: usize = 64;
/// Link bits without a meaning, always clear.
const LINK_UNUSED: u8 = 0b1110_0000;

const LINK_NUMBER: u8 = 0b0_0001;
const LINK_EXPECTED: u8 = 0b0_0010;
const LINK_ACKNOWLEDGES: u8 = 0b0_0100;
const LINK_ENDS: u8 = 0b0_1000;
const LINK_MORE: u8 = 0b1_0000;

/// How a packet stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// The sender's own number, alternating.
    pub number: bool,
    /// The number it expects from the other side.
    pub expected: bool,
    /// It acknowledges the packet before.
    pub acknowledges: bool,
    /// It ends the conversation and sets both numbers to nought.
    pub ends: bool,
    /// More packets belong to this message.
    pub more: bool,
}

impl Link {
    fn from_byte(byte: u8) -> Self {
        let is_set = |bit: u8| byte & bit != 0;
        Self {
            number: is_set(LINK_NUMBER),
            expected: is_set(LINK_EXPECTED),
            acknowledges: is_set(LINK_ACKNOWLEDGES),
            ends: is_set(LINK_ENDS),
            more: is_set(LINK_MORE),
        }
    }

    fn to_byte(self) -> u8 {
        let bit = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        bit(LINK_NUMBER, self.number)
            | bit(LINK_EXPECTED, self.expected)
            | bit(LINK_ACKNOWLEDGES, self.acknowledges)
            | bit(LINK_ENDS, self.ends)
            | bit(LINK_MORE, self.more)
    }
}

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPacket {
    /// How it stands to those before it.
    pub link: Link,
    /// What it says; empty where it only acknowledges or ends.
    pub message: Vec<u8>,
    /// Its CRC.
    pub crc: u16,
}

impl LinkPacket {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            // Without a message a packet only keeps the line: it acknowledges, or ends the session.
            .with("kind", if self.message.is_empty() { "link" } else { "message" })
            .with("number", self.link.number)
            .with("expected", self.link.expected)
            .with("acknowledge", self.link.acknowledges)
            .with("disconnect", self.link.ends)
            .with("more", self.link.more)
            .with("message", vitals::hex::encode(&self.message))
            .with("crc_ccitt", self.crc)
    }
}

/// The bytes of a packet, or `None` for a message that is too long for one.
///
/// ```
/// use device_codecs::serial::onetouch::{Link, encode_packet};
/// let ends = Link { ends: true, ..Link::default() };
/// assert_eq!(encode_packet(ends, &[]).unwrap(), [0x02, 0x06, 0x08, 0x03, 0xc2, 0x62]);
/// ```
#[must_use]
pub fn encode_packet(link: Link, message: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(message.len() + AROUND_BYTES).ok()?;
    let mut bytes = vec![STX, length, link.to_byte()];
    bytes.extend_from_slice(message);
    bytes.push(ETX);
    let crc = crc_ccitt(&bytes);
    bytes.extend(crc.to_le_bytes());
    Some(bytes)
}

/// The packet that bytes hold.
///
/// # Errors
/// [`DecodeError`] where it is not whole, its CRC is wrong or it is not of its form.
pub fn decode_packet(bytes: &[u8]) -> Result<LinkPacket, DecodeError> {
    let mut cursor = Cursor::new(bytes);
    if cursor.byte("the start")? != STX {
        return Err(DecodeError::OutOfStep { field: "the start" });
    }
    let length = usize::from(cursor.byte("the length")?);
    let message_bytes = length.checked_sub(AROUND_BYTES).ok_or(DecodeError::Malformed { field: "the length" })?;
    let link = Link::from_byte(cursor.byte("the link")?);
    let mut message = Vec::with_capacity(message_bytes);
    for _ in 0..message_bytes {
        message.push(cursor.byte("the message")?);
    }
    if cursor.byte("the end")? != ETX {
        return Err(DecodeError::OutOfStep { field: "the end" });
    }
    let sent = cursor.word("the CRC")?;
    cursor.finish()?;
    let computed = crc_ccitt(bytes.get(..length - 2).unwrap_or_default());
    if computed != sent {
        return Err(DecodeError::ChecksumWrong { computed, sent });
    }
    Ok(LinkPacket { link, message, crc: sent })
}

/// One record as the meter said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UltraEasyRecord {
    /// The meter's own date and time.
    pub taken_at: DeviceTimeField,
    /// The value in mg/dL.
    pub mg_per_dl: u32,
}

impl UltraEasyRecord {
    /// The glucose of a person.
    ///
    /// # Errors
    /// The infinities where the meter showed LO or HI.
    pub fn patient_value(&self) -> Result<Quantity, NoValue> {
        glucose(u16::try_from(self.mg_per_dl).unwrap_or(u16::MAX))
    }

    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new()
            .with("local", self.taken_at)
            .with("value", self.mg_per_dl)
            .with("unit", Unit::MilligramsPerDecilitre.plain())
    }
}

/// What an answer says after 05 06.
///
/// # Errors
/// [`DecodeError::OutOfStep`] where it is another answer.
pub(super) fn answer(message: &[u8]) -> Result<Cursor<'_>, DecodeError> {
    match message {
        [0x05, 0x06, rest @ ..] => Ok(Cursor::new(rest)),
        _ => Err(DecodeError::OutOfStep { field: "the answer" }),
    }
}

/// Seconds since 1970 by a clock that knows no time zone.
pub(super) fn clock(seconds: u32) -> DeviceTimeField {
    let moment = DateTime::from_timestamp(i64::from(seconds), 0).unwrap_or(DateTime::UNIX_EPOCH).naive_utc();
    let small = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    text::date_time(
        u16::try_from(moment.year()).unwrap_or(u16::MAX),
        small(moment.month()),
        small(moment.day()),
        small(moment.hour()),
        small(moment.minute()),
        small(moment.second()),
    )
}

/// The record that a packet holds.
///
/// # Errors
/// Those of [`decode_packet`]; [`DecodeError::OutOfStep`] for another answer.
pub fn decode(bytes: &[u8]) -> Result<UltraEasyRecord, DecodeError> {
    let packet = decode_packet(bytes)?;
    let mut cursor = answer(&packet.message)?;
    let taken_at = clock(cursor.long_word("the time")?);
    let mg_per_dl = cursor.long_word("the value")?;
    cursor.finish()?;
    Ok(UltraEasyRecord { taken_at, mg_per_dl })
}

/// Packets whose CRC holds.
pub(super) fn front(bytes: &[u8]) -> Front {
    let lost = bytes.iter().take_while(|byte| **byte != STX).count();
    if lost > 0 {
        return Front::Drop(lost, Dropped::OutOfStep);
    }
    let Some(length) = bytes.get(1).copied().map(usize::from) else { return Front::NotYet };
    let is_odd_link = bytes.get(2).is_some_and(|link| link & LINK_UNUSED != 0);
    if !(AROUND_BYTES..=PACKET_BYTES_MAX).contains(&length) || is_odd_link {
        return Front::Drop(1, Dropped::OutOfStep);
    }
    match bytes.get(..length).map(decode_packet) {
        None => Front::NotYet,
        Some(Ok(_)) => Front::Record(length),
        // The length itself may be what is wrong, so only the start is given up.
        Some(Err(DecodeError::ChecksumWrong { .. })) => Front::Drop(1, Dropped::ChecksumWrong),
        Some(Err(_)) => Front::Drop(1, Dropped::OutOfStep),
    }
}

#[cfg(test)]
#[path = "ultraeasy_tests.rs"]
mod tests;
