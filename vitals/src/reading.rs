//! A reading: stage 3 of its day, and what the service makes of it at stage 6.

use crate::{
    hex,
    id::{HubId, PatientId, ReadingId},
    measure::{Kind, Measure, Value},
    quality::{Flag, Quality},
    record::{RecordNumber, SourceId, reading_id},
    time::Times,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest frame we keep: the longest attribute value Bluetooth allows (512 bytes).
pub const FRAME_BYTES_MAX: usize = 512;

/// Whose reading it is. Never a guess: an explicit binding, or the unassigned inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Bound to this person.
    Patient(PatientId),
    /// Nobody yet; a person can assign it.
    Unassigned(WhyUnassigned),
}

/// Why a reading belongs to nobody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyUnassigned {
    /// No person is bound to this device and user index.
    NotBound,
    /// The device does not know which of its users it was (index 255).
    UserUnknown,
    /// The hub named a person who is not on that hub.
    PatientNotOnHub,
    /// Nobody was measured: a control solution, a demonstration, a test, a calibration. Nothing is asked of anyone.
    NobodyMeasured,
}

impl WhyUnassigned {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::NotBound, Self::UserUnknown, Self::PatientNotOnHub, Self::NobodyMeasured];

    /// The stable name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBound => "not_bound",
            Self::UserUnknown => "user_unknown",
            Self::PatientNotOnHub => "patient_not_on_hub",
            Self::NobodyMeasured => "nobody_measured",
        }
    }

    /// The reason of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.name() == name)
    }
}

/// The bytes as the device sent them, kept for ever so that a wrong decoder can be mended by replay.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFrame {
    /// The GATT service or serial protocol, for example `1810`.
    pub service: String,
    /// The characteristic or frame kind, for example `2a35`.
    pub characteristic: String,
    /// The bytes, at most [`FRAME_BYTES_MAX`].
    #[serde(with = "hex_bytes")]
    pub bytes: Vec<u8>,
}

/// Debug shows how many bytes: they hold the value.
impl fmt::Debug for RawFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawFrame({}, {} bytes)", self.characteristic, self.bytes.len())
    }
}

mod hex_bytes {
    use super::hex;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// One reading: what was measured, of whom, when, how well, and the bytes it came from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Derived from source and record: the same wherever it is heard.
    pub id: ReadingId,
    /// The device, or the hub's port.
    pub source: SourceId,
    /// The record within the source.
    pub record: RecordNumber,
    /// Which of the device's users, where it has several.
    pub user_index: Option<u8>,
    /// Whose it is.
    pub who: Who,
    /// What was measured.
    pub kind: Kind,
    /// The value, or why there is none.
    pub value: Value<Measure>,
    /// The device's and the hub's times.
    pub times: Times,
    /// What was noticed about it.
    pub quality: Quality,
    /// The bytes it came from.
    pub raw: RawFrame,
}

/// Debug shows which reading, never whose or what.
impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading({}, {})", self.id, self.kind.name())
    }
}

impl Reading {
    /// Whether the id is the one its source and record give.
    #[must_use]
    pub fn has_own_id(&self) -> bool {
        self.id == reading_id(&self.source, self.record)
    }

    /// Whether neither a number nor a time of the device's own tells the reading apart from the next equal one, so that
    /// its record holds the hub and the moment of receipt instead. Two hubs that hear such a frame make two records.
    #[must_use]
    pub fn is_told_apart_by_receipt(&self) -> bool {
        let is_dated = self.times.device.is_some_and(|time| time.set_local().is_some());
        !is_dated && !self.quality.has(Flag::UndatedFromMemory)
    }

    /// Whether the reading may settle what another opened. One that may be from any day, or that its own device doubts,
    /// may raise an alert, for safety, but never end one.
    #[must_use]
    pub fn may_settle(&self) -> bool {
        let is_doubted = [Flag::UndatedFromMemory, Flag::DeviceDoubts].into_iter().any(|flag| self.quality.has(flag));
        self.times.may_settle() && !is_doubted
    }
}

/// A reading that the service has checked and may apply: stage 6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The reading.
    pub reading: Reading,
    /// The hub that sent it.
    pub hub: HubId,
    /// When the hub sent it, by the hub's clock.
    pub sent_at: DateTime<Utc>,
    /// When the service received it, by its own clock.
    pub server_received: DateTime<Utc>,
}

impl Admitted {
    /// Whether the reading counts as older than `limit` at a moment. It does where it is certainly so by the service's
    /// clock and by the hub's: a hub whose clock is slow must not make a live reading look late, and where the two
    /// disagree, it counts as fresh. It does too where the device took it from its memory without a date: nobody just
    /// measured it.
    #[must_use]
    pub fn is_older_than(&self, limit: TimeDelta, at: DateTime<Utc>) -> bool {
        let by_the_hub = self.sent_at + (at - self.server_received);
        let times = &self.reading.times;
        let is_certain = times.is_older_than(limit, at) && times.is_older_than(limit, by_the_hub);
        is_certain || self.reading.quality.has(Flag::UndatedFromMemory)
    }

    /// The moment that places the reading among the others, never later than its receipt: a clock that is ahead must
    /// not make every reading after it look old.
    #[must_use]
    pub fn event_time(&self) -> DateTime<Utc> {
        self.reading.times.event_time().min(self.server_received)
    }
}
