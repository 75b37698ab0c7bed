//! The conversation on a serial line, as a state machine without a line: told what was heard, it says what to do.
//!
//! Invariants: pure, no clock; nothing that lets a device forget a record is sent before [`Dialogue::kept`]; a device
//! that does not answer is asked again a bounded number of times and then gets a hint, never a loop.

use super::framer::{Dropped, Framed};
use crate::FrameKind;
use std::time::Duration;
use vitals::DeviceTime;

/// One conversation with one device, from the opening of the line to its end.
///
/// The link calls [`start`](Self::start) once the line is open, [`hear`](Self::hear) for all that comes,
/// [`kept`](Self::kept) once after each answer that held records, when all of them are stored, and
/// [`quiet`](Self::quiet) each time nothing was heard for [`patience`](Self::patience). It does what each answer says,
/// in order. After [`Do::Done`] the conversation is over: a new one is a new dialogue.
pub trait Dialogue: Send {
    /// The line has just been opened.
    fn start(&mut self) -> Vec<Do>;

    /// The device sent these bytes, split as the line happened to split them.
    fn hear(&mut self, bytes: &[u8]) -> Vec<Do>;

    /// Every record given so far is stored, so that the device may forget it. Where a live stream is sampled, "stored"
    /// is also said of the records that were not picked.
    fn kept(&mut self) -> Vec<Do>;

    /// Nothing was heard for as long as [`patience`](Self::patience) said.
    fn quiet(&mut self) -> Vec<Do>;

    /// How long to wait for the device before [`quiet`](Self::quiet); it changes as the conversation goes on, so ask
    /// after every answer.
    fn patience(&self) -> Duration;
}

/// What the link is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Do {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Keep this record, of at most [`FRAME_BYTES_MAX`](vitals::reading::FRAME_BYTES_MAX) bytes (of a live stream:
    /// those that the sampler picks).
    Record {
        /// What it is.
        kind: FrameKind,
        /// The bytes, as they came.
        bytes: Vec<u8>,
    },
    /// The device said who it is. May come more than once, as more is known.
    Device {
        /// Who makes devices that speak this way.
        maker: &'static str,
        /// The model, where the device says.
        model: Option<String>,
        /// The serial number, where the device says.
        serial: Option<String>,
    },
    /// The device's clock says this now. Where a device tells both, its clock comes before its name, so that it is known
    /// when the device is.
    Clock(DeviceTime),
    /// Bytes were not used: count them.
    Dropped {
        /// How many.
        bytes: usize,
        /// Why.
        why: Dropped,
    },
    /// Tell people this.
    Hint(Hint),
    /// The conversation is over; the line may be closed. A live stream is never done.
    Done,
}

impl Do {
    /// What to do with what a framer found, where its records are of this kind.
    pub(crate) fn with(framed: Framed, kind: FrameKind) -> Self {
        match framed {
            Framed::Record(bytes) => Self::Record { kind, bytes },
            Framed::Dropped { bytes, why } => Self::Dropped { bytes, why },
        }
    }
}

/// How many bytes in a row were of no use: a line that brings nothing else is set wrongly, or at another device.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noise {
    bytes: usize,
}

impl Noise {
    /// So much of nothing else is not the end of something that was joined in its middle: well above the longest record
    /// of any of these protocols.
    const BYTES_MAX: usize = 1_024;

    /// These bytes were dropped; whether that makes too many.
    pub(crate) fn is_too_much(&mut self, bytes: usize, why: Dropped) -> bool {
        if why.is_loss() {
            self.bytes += bytes;
        }
        self.bytes > Self::BYTES_MAX
    }

    /// Something of use came.
    pub(crate) fn is_over(&mut self) {
        self.bytes = 0;
    }
}

/// What a person should know about a line, and can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hint {
    /// Nothing came for a long time, or a question was not answered.
    NothingHeard,
    /// Bytes come, but none of them make a record of this protocol.
    NotThisProtocol,
    /// A Masimo is set to ASCII 2.
    MasimoAscii2,
    /// The device speaks as the newer generation of CMS50.
    Cms50IsNewer,
    /// The device speaks as the older generation of CMS50.
    Cms50IsOlder,
    /// The device has nothing stored.
    NothingStored,
    /// What came did not survive the line: its checksum was wrong each time we asked.
    LineTooNoisy,
    /// The device stopped in the middle of what it was sending.
    BrokeOff,
}

impl Hint {
    /// Every hint.
    pub const ALL: [Self; 8] = [
        Self::NothingHeard,
        Self::NotThisProtocol,
        Self::MasimoAscii2,
        Self::Cms50IsNewer,
        Self::Cms50IsOlder,
        Self::NothingStored,
        Self::LineTooNoisy,
        Self::BrokeOff,
    ];

    /// The stable name, as in logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingHeard => "nothing_heard",
            Self::NotThisProtocol => "not_this_protocol",
            Self::MasimoAscii2 => "masimo_ascii2",
            Self::Cms50IsNewer => "cms50_is_newer",
            Self::Cms50IsOlder => "cms50_is_older",
            Self::NothingStored => "nothing_stored",
            Self::LineTooNoisy => "line_too_noisy",
            Self::BrokeOff => "broke_off",
        }
    }

    /// What happened, what it means and what to do.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NothingHeard => {
                "The device has sent nothing. It may be off, asleep or not plugged in. Switch it on, check both ends \
                 of the cable, and check that its data output is on."
            }
            Self::NotThisProtocol => {
                "The device sends data that is not in the format set for it. Either the line speed is wrong, or it is \
                 another model. Check the protocol in the hub's settings."
            }
            Self::MasimoAscii2 => {
                "The oximeter is set to serial output ASCII 2, which cannot be read. On the Rad-8, hold Enter and \
                 press Down for 5 seconds to open menu level 3, go to SEr and choose AS1. Other settings there matter \
                 to safety: change nothing else."
            }
            Self::Cms50IsNewer => {
                "The oximeter is of the newer CMS50 kind (firmware 4.6 or later). Set its protocol to cms50_v7_live or \
                 cms50_v7_recorded."
            }
            Self::Cms50IsOlder => {
                "The oximeter is of the older CMS50 kind. Set its protocol to cms50_v4_live or cms50_v4_recorded."
            }
            Self::NothingStored => "The device has no stored results. There was nothing to collect.",
            Self::LineTooNoisy => {
                "What the device sent arrived damaged each time it was asked. Nothing damaged was used. Check the \
                 cable and connect it again."
            }
            Self::BrokeOff => {
                "The device stopped before it had sent everything. What arrived is kept; the rest stays on the device. \
                 Connect it again to collect the rest."
            }
        }
    }
}
