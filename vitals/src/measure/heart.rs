//! Heart rate from a strap or an electrocardiogram, with the intervals between beats.
//!
//! Invariant: an interval is kept in 1/1024 s, as it was sent; milliseconds are for display only.

use crate::quantity::{Kilojoules, PerMinute};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// Most intervals in one frame: what is left of 512 bytes after one of flags and two of rate, two bytes each.
pub const RR_INTERVALS_MAX: usize = 254;

/// Heart rate, with what came with it in the same frame (2A37).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartRate {
    /// The rate.
    pub rate: PerMinute,
    /// Whether the sensor touched the skin, where it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<bool>,
    /// Energy spent since the sensor was last reset, where it counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Kilojoules>,
    /// The intervals between beats, the oldest first; often none.
    #[serde(default, skip_serializing_if = "RrIntervals::is_empty")]
    pub rr: RrIntervals,
}

/// The times between beats (RR intervals) in 1/1024 s, the oldest first, at most [`RR_INTERVALS_MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RrIntervals(Vec<u16>);

/// More intervals than one frame can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("take {got} intervals between beats: want at most {RR_INTERVALS_MAX}")]
pub struct TooManyIntervals {
    /// How many came.
    pub got: usize,
}

impl RrIntervals {
    /// Takes intervals in 1/1024 s.
    ///
    /// # Errors
    /// [`TooManyIntervals`] above [`RR_INTERVALS_MAX`].
    ///
    /// ```
    /// use vitals::measure::RrIntervals;
    /// let intervals = RrIntervals::new(vec![1024, 512]).unwrap();
    /// assert_eq!(intervals.milliseconds().collect::<Vec<_>>(), [1000, 500]);
    /// assert!(RrIntervals::new(vec![0; 255]).is_err());
    /// ```
    pub fn new(ticks: Vec<u16>) -> Result<Self, TooManyIntervals> {
        if ticks.len() <= RR_INTERVALS_MAX { Ok(Self(ticks)) } else { Err(TooManyIntervals { got: ticks.len() }) }
    }

    /// None, as most frames have.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The intervals in 1/1024 s, as sent.
    #[must_use]
    pub fn ticks(&self) -> &[u16] {
        &self.0
    }

    /// The intervals in milliseconds for display, rounded to the nearest, halves up.
    pub fn milliseconds(&self) -> impl Iterator<Item = u16> + '_ {
        // 65535 ticks are 63999 ms, so every interval fits.
        self.0.iter().map(|ticks| u16::try_from((u32::from(*ticks) * 1000 + 512) / 1024).unwrap_or(u16::MAX))
    }
}

impl<'de> Deserialize<'de> for RrIntervals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_rounded_to_the_nearest() {
        for (ticks, milliseconds) in [(0, 0), (1, 1), (512, 500), (819, 800), (1023, 999), (u16::MAX, 63999)] {
            let shown: Vec<u16> = RrIntervals::new(vec![ticks]).unwrap().milliseconds().collect();
            assert_eq!(shown, [milliseconds], "{ticks}/1024 s");
        }
    }

    #[test]
    fn one_frame_of_intervals_is_taken_and_one_more_is_refused() {
        assert!(RrIntervals::new(vec![1; RR_INTERVALS_MAX]).is_ok());
        assert_eq!(RrIntervals::new(vec![1; 255]), Err(TooManyIntervals { got: 255 }));
        let stored = format!("[{}]", vec!["1"; 255].join(","));
        assert!(serde_json::from_str::<RrIntervals>(&stored).is_err());
    }
}
