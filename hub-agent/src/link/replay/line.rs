//! The lines of a replay, as they stand in the file.

use serde::{Deserialize, Serialize};
use vitals::{Decimal, SourceId};

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Connect(Connect),
    Disconnect(Disconnect),
    Frame(FrameLine),
}

/// A device: by maker and serial number, or by its source where it has none.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Device {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    maker: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<SourceId>,
}

impl Device {
    pub(super) fn of(source: &SourceId) -> Self {
        Self { maker: None, serial: None, source: Some(source.clone()) }
    }

    pub(super) fn source(&self) -> Result<SourceId, String> {
        match (&self.maker, &self.serial, &self.source) {
            (Some(maker), Some(serial), None) => {
                SourceId::device(maker, serial).map_err(|error| format!("device: {error}"))
            }
            (None, None, Some(source)) => Ok(source.clone()),
            _ => Err("device: want maker and serial, or source alone".to_owned()),
        }
    }
}

fn is_nought(ms: &u16) -> bool {
    *ms == 0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Connect {
    pub(super) device: Device,
    /// Device clock minus hub clock; left out where the hub does not read the device's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) device_ahead_secs: Option<i64>,
    pub(super) at_secs: u32,
    /// Milliseconds beyond the seconds, 0 to 999.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub(super) ms: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Disconnect {
    pub(super) device: Device,
    pub(super) at_secs: u32,
    /// Milliseconds beyond the seconds, 0 to 999.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub(super) ms: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum FrameLine {
    Capture(Capture),
    Made(Made),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Capture {
    pub(super) device: Device,
    pub(super) characteristic: String,
    pub(super) hex: String,
    pub(super) at_secs: u32,
    /// Milliseconds beyond the seconds, 0 to 999.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub(super) ms: u16,
    /// The device's time from which the frame counts its own, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) counts_from: Option<String>,
    /// Where the bytes were captured. For readers of the file.
    pub(super) source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Made {
    pub(super) device: Device,
    pub(super) characteristic: String,
    pub(super) at_secs: u32,
    /// Milliseconds beyond the seconds, 0 to 999.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub(super) ms: u16,
    /// When it was taken, in seconds from the start; left out for a frame without a time.
    pub(super) taken_secs: Option<i32>,
    pub(super) systolic: Decimal,
    pub(super) diastolic: Decimal,
    /// Left out: the cuff sends "not a number", as many do.
    pub(super) mean: Option<Decimal>,
    pub(super) pulse: Option<Decimal>,
    pub(super) user_index: Option<u8>,
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) note: Option<String>,
}
