//! Quality flags: what the device, the hub or the service noticed about a reading.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One thing noticed about a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The body moved during the measurement (2A35 status bit 0).
    BodyMovement,
    /// The cuff was too loose (bit 1).
    CuffTooLoose,
    /// An irregular pulse was found (bit 2): automated pressures are then less reliable (NG136 1.1.2).
    IrregularPulse,
    /// The pulse was above the device's range (bits 3 and 4: 1).
    PulseAboveRange,
    /// The pulse was below the device's range (bits 3 and 4: 2).
    PulseBelowRange,
    /// The cuff was in the wrong position (bit 5).
    ImproperPosition,
    /// The device itself doubts its value: a weak signal, a poor fit, a bit that says "questionable".
    DeviceDoubts,
    /// The device gave no time.
    DeviceTimeMissing,
    /// The device gave a date that is not in the calendar.
    DeviceTimeImpossible,
    /// The device's clock is not set: unknown parts, or a year before 2015.
    DeviceClockNotSet,
    /// The device's time is later than the hub's clock allows.
    DeviceTimeInFuture,
    /// The hub's clock is ahead of the service's: the reading is kept as it came, and its age is not known.
    HubClockAhead,
    /// The local time occurs twice or not at all (clocks changed); the latest possible moment was taken.
    DeviceTimeAmbiguous,
    /// The reading reached the service long after it was taken.
    ArrivedLate,
    /// The device took it from its memory and does not say when: it may be of any day.
    UndatedFromMemory,
    /// A number that came beside the value was outside what a living person can have, and was left out.
    PartImplausible,
    /// A person read the number from somewhere and typed it: no device sent it.
    TypedIn,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 17] = [
        Self::BodyMovement,
        Self::CuffTooLoose,
        Self::IrregularPulse,
        Self::PulseAboveRange,
        Self::PulseBelowRange,
        Self::ImproperPosition,
        Self::DeviceDoubts,
        Self::DeviceTimeMissing,
        Self::DeviceTimeImpossible,
        Self::DeviceClockNotSet,
        Self::DeviceTimeInFuture,
        Self::HubClockAhead,
        Self::DeviceTimeAmbiguous,
        Self::ArrivedLate,
        Self::UndatedFromMemory,
        Self::PartImplausible,
        Self::TypedIn,
    ];

    /// The stable name, as on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BodyMovement => "body_movement",
            Self::CuffTooLoose => "cuff_too_loose",
            Self::IrregularPulse => "irregular_pulse",
            Self::PulseAboveRange => "pulse_above_range",
            Self::PulseBelowRange => "pulse_below_range",
            Self::ImproperPosition => "improper_position",
            Self::DeviceDoubts => "device_doubts",
            Self::DeviceTimeMissing => "device_time_missing",
            Self::DeviceTimeImpossible => "device_time_impossible",
            Self::DeviceClockNotSet => "device_clock_not_set",
            Self::DeviceTimeInFuture => "device_time_in_future",
            Self::HubClockAhead => "hub_clock_ahead",
            Self::DeviceTimeAmbiguous => "device_time_ambiguous",
            Self::ArrivedLate => "arrived_late",
            Self::UndatedFromMemory => "undated_from_memory",
            Self::PartImplausible => "part_implausible",
            Self::TypedIn => "typed_in",
        }
    }

    /// The flag of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }
}

/// What was noticed about one reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quality(BTreeSet<Flag>);

impl Quality {
    /// Nothing noticed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With one more flag.
    #[must_use]
    pub fn with(mut self, flag: Flag) -> Self {
        self.0.insert(flag);
        self
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: Flag) -> bool {
        self.0.contains(&flag)
    }

    /// The flags, in their order.
    pub fn flags(&self) -> impl Iterator<Item = Flag> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Flag> for Quality {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().collect())
    }
}
