//! The commands to an oximeter of the newer generation: packets of type 7D.
//!
//! Sources: timegrid/CMS50Dplus7 `cms50dplus7.py` and `tests.py`; tobac/cms50ew `cms50ew.py`, which also lists one that
//! erases (AE). That one is deliberately absent here.

use super::v7::{DATA_BYTES_MAX, PACKET_BYTES_MAX, TYPE_COMMAND, decode_packet};
use crate::{Fields, error::DecodeError};

/// What the hub can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Send live data.
    StartLive,
    /// Stop sending live data.
    StopLive,
    /// Send what is stored for the first user, first segment.
    StartStored,
    /// Stop sending what is stored.
    StopStored,
    /// The hub is still there: without it the oximeter stops after some seconds.
    KeepAlive,
}

impl Command {
    /// Every command.
    pub const ALL: [Self; 5] = [Self::StartLive, Self::StopLive, Self::StartStored, Self::StopStored, Self::KeepAlive];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::StartLive => 0xa1,
            Self::StopLive => 0xa2,
            Self::StartStored => 0xa6,
            Self::StopStored => 0xa7,
            Self::KeepAlive => 0xaf,
        }
    }

    /// What it asks for, in its source's words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::StartLive => "start realtime",
            Self::StopLive => "stop realtime",
            Self::StartStored => "start storage",
            Self::StopStored => "stop storage",
            Self::KeepAlive => "keepalive",
        }
    }

    /// Its packet.
    ///
    /// ```
    /// use device_codecs::serial::cms50::Command;
    /// assert_eq!(Command::StartLive.to_bytes(), [0x7d, 0x81, 0xa1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]);
    /// ```
    #[must_use]
    pub fn to_bytes(self) -> [u8; PACKET_BYTES_MAX] {
        let (user, segment) = if self == Self::StartStored { (1, 1) } else { (0, 0) };
        let data = [self.number(), user, segment, 0, 0, 0, 0];
        let high_bits = data.iter().rev().fold(0x80, |bits, byte| bits & 0x80 | (bits & 0x7f) << 1 | byte >> 7);
        let mut packet = [TYPE_COMMAND, high_bits, 0, 0, 0, 0, 0, 0, 0];
        for (place, byte) in packet.iter_mut().skip(2).zip(data) {
            *place = byte | 0x80;
        }
        packet
    }
}

/// What a command packet asks, as named values.
///
/// # Errors
/// Those of [`decode_packet`]; [`DecodeError::OutOfStep`] for another type, [`DecodeError::Malformed`] for a command
/// that the hub does not use.
pub fn shown_command(bytes: &[u8]) -> Result<Fields, DecodeError> {
    let packet = decode_packet(bytes)?;
    if packet.kind != TYPE_COMMAND {
        return Err(DecodeError::OutOfStep { field: "the type of a command" });
    }
    if packet.data().len() < DATA_BYTES_MAX {
        return Err(DecodeError::Truncated { field: "the command" });
    }
    let number = packet.data().first().copied();
    let command = Command::ALL.into_iter().find(|command| Some(command.number()) == number);
    let command = command.ok_or(DecodeError::Malformed { field: "the command" })?;
    Ok(Fields::new().with("command", command.number()).with("meaning", command.meaning()))
}
