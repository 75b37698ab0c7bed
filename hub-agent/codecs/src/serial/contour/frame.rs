//! The frames a Contour meter wraps its records in: STX, frame number, text, CR, ETB or ETX, checksum, CR LF.
//!
//! The frame number is one digit, 1 first, 0 after 7. The checksum is two hexadecimal digits: the 8-bit sum from the
//! frame number to ETB or ETX. ETX closes the last frame, ETB every other. Between frames there are single characters:
//! ENQ (05) and EOT (04) from the meter, ACK (06) and NAK (15) to it.
//!
//! Source: "Bayer Corporation Blood Glucose Meter Computer Interface Specification" 99993952 Rev. C, 6.1.2 and 6.1.3
//! (in KlabautermannSW/glucotux `doc/MeterInterface.pdf`), which follows ASTM E 1381-95.

use crate::{
    Fields,
    error::DecodeError,
    serial::{
        checksum::sum8,
        framer::{Dropped, Front},
        text,
    },
};

pub(super) const STX: u8 = 0x02;
pub(super) const ETX: u8 = 0x03;
/// The meter ends the transfer, or what came before it in vain.
pub const EOT: u8 = 0x04;
/// The meter asks whether it may send.
pub const ENQ: u8 = 0x05;
/// The hub has the frame.
pub const ACK: u8 = 0x06;
/// The hub wants the frame again.
pub const NAK: u8 = 0x15;
pub(super) const ETB: u8 = 0x17;

/// Checksum, CR and LF after ETB or ETX.
const AFTER_END_BYTES: usize = 4;
/// Longest frame: the longest header seen has 213 bytes.
const FRAME_BYTES_MAX: usize = 400;

/// One frame as the meter sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContourFrame {
    /// 0 to 7.
    pub number: u8,
    /// The record, without its closing CR.
    pub text: String,
    /// Whether it is the last frame of the transfer.
    pub is_last: bool,
}

impl ContourFrame {
    /// What it says, as named values.
    #[must_use]
    pub fn shown(&self) -> Fields {
        Fields::new().with("number", self.number).with("text", self.text.as_str()).with("last", self.is_last)
    }
}

/// The frame that bytes hold, from STX to LF.
///
/// # Errors
/// [`DecodeError`] where it is not whole, its checksum is wrong or it is not of its form.
///
/// ```
/// use device_codecs::serial::contour;
/// let frame = contour::decode_frame(b"\x023L|1|N\r\x0306\r\n").unwrap();
/// assert_eq!((frame.number, frame.text.as_str(), frame.is_last), (3, "L|1|N", true));
/// ```
pub fn decode(bytes: &[u8]) -> Result<ContourFrame, DecodeError> {
    let after_start = match bytes {
        [] => return Err(DecodeError::Truncated { field: "the start" }),
        [STX, rest @ ..] => rest,
        [_, ..] => return Err(DecodeError::OutOfStep { field: "the start" }),
    };
    let end = after_start.iter().position(|byte| matches!(*byte, ETB | ETX));
    let end = end.ok_or(DecodeError::Truncated { field: "the text" })?;
    let (summed, after) = after_start.split_at_checked(end + 1).ok_or(DecodeError::Truncated { field: "the text" })?;
    let (close, left) =
        after.split_first_chunk::<AFTER_END_BYTES>().ok_or(DecodeError::Truncated { field: "the checksum" })?;
    if !left.is_empty() {
        return Err(DecodeError::TooLong { left_bytes: left.len() });
    }
    let [sent @ .., b'\r', b'\n'] = close else { return Err(DecodeError::OutOfStep { field: "the end" }) };
    let sent = text::hexadecimal(text::printable(sent, "the checksum")?, "the checksum")?;
    let computed = u16::from(sum8(summed));
    if u32::from(computed) != sent {
        return Err(DecodeError::ChecksumWrong { computed, sent: u16::try_from(sent).unwrap_or(u16::MAX) });
    }
    let [number @ b'0'..=b'7', record @ .., b'\r', mark] = summed else {
        return Err(DecodeError::Malformed { field: "the frame" });
    };
    let text = text::printable(record, "the record")?.to_owned();
    Ok(ContourFrame { number: number - b'0', text, is_last: *mark == ETX })
}

/// Frames, and the single characters between them.
pub(super) fn front(bytes: &[u8]) -> Front {
    match bytes {
        [ENQ | EOT | ACK | NAK, ..] => return Front::Record(1),
        [STX, ..] => {}
        _ => {
            let is_start = |byte: &u8| matches!(*byte, STX | ENQ | EOT | ACK | NAK);
            return Front::Drop(bytes.iter().take_while(|byte| !is_start(byte)).count(), Dropped::OutOfStep);
        }
    }
    // Neither a new start nor a single character may come before the end of the text.
    let within = bytes.iter().take(FRAME_BYTES_MAX);
    let stop = within.skip(1).position(|byte| matches!(*byte, STX | ETX | EOT | ENQ | ACK | NAK | ETB));
    let Some(stop) = stop.map(|place| place + 1) else {
        return if bytes.len() < FRAME_BYTES_MAX {
            Front::NotYet
        } else {
            Front::Drop(FRAME_BYTES_MAX, Dropped::TooLong)
        };
    };
    if !matches!(bytes.get(stop), Some(&(ETB | ETX))) {
        return Front::Drop(stop, Dropped::CutShort);
    }
    match bytes.get(..stop + 1 + AFTER_END_BYTES) {
        None => Front::NotYet,
        Some(frame) => match decode(frame) {
            Ok(_) => Front::Record(frame.len()),
            Err(DecodeError::ChecksumWrong { .. }) => Front::Drop(frame.len(), Dropped::ChecksumWrong),
            Err(_) => Front::Drop(stop + 1, Dropped::CutShort),
        },
    }
}
