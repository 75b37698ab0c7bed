//! Blood pressure by a cuff.
//!
//! Invariant: systolic and diastolic stand or fall together.

use crate::{
    named::named,
    quantity::{MmHg, PerMinute},
};
use serde::{Deserialize, Serialize};

named! {
    /// How the person sat, where the device or a person said so.
    Posture {
        /// Sitting.
        Sitting = "sitting",
        /// Standing.
        Standing = "standing",
        /// Lying.
        Lying = "lying",
    }
}

named! {
    /// Which arm the cuff was on, where the device or a person said so.
    Arm {
        /// The left arm.
        Left = "left",
        /// The right arm.
        Right = "right",
    }
}

/// One cuff measurement. Systolic and diastolic stand or fall together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BloodPressure {
    /// The higher pressure.
    pub systolic: MmHg,
    /// The lower pressure.
    pub diastolic: MmHg,
    /// Mean arterial pressure, where the cuff gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<MmHg>,
    /// Pulse rate from the cuff, where it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<PerMinute>,
    /// How the person sat, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posture: Option<Posture>,
    /// Which arm, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<Arm>,
}
