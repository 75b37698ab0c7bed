//! Notifications to send: which alert, down which channel, and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vitals::{AlertId, JobId, PatientId};

/// A way to tell staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The service's own terminal and log.
    Console,
    /// An HTTP address of the footprint's own system.
    Webhook,
}

impl Channel {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Webhook => "webhook",
        }
    }
}

/// Why a notification is sent, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The alert was raised.
    First,
    /// The condition cleared and came back before anybody took the alert.
    Again,
    /// A reading behind it no longer counts: what was told is amended.
    Amended,
}

impl Why {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Again => "again",
            Self::Amended => "amended",
        }
    }
}

/// A notification to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Derived, so that the same notification is never made twice.
    pub id: JobId,
    /// The alert it is about.
    pub alert: AlertId,
    /// Whose alert it is.
    pub patient: PatientId,
    /// Down which channel.
    pub channel: Channel,
    /// Why.
    pub why: Why,
    /// When it was made.
    pub made_at: DateTime<Utc>,
}

impl Job {
    /// The notification of an alert down a channel; `occasion` counts how often the alert has been raised.
    #[must_use]
    pub fn new(
        alert: AlertId,
        patient: PatientId,
        channel: Channel,
        why: Why,
        occasion: u32,
        at: DateTime<Utc>,
    ) -> Self {
        let id = JobId::derive(&[
            alert.as_bytes(),
            channel.name().as_bytes(),
            why.name().as_bytes(),
            &occasion.to_le_bytes(),
        ]);
        Self { id, alert, patient, channel, why, made_at: at }
    }
}

/// What came of one attempt to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The channel accepted it.
    Accepted,
    /// It failed; it is tried again at this time.
    Failed {
        /// When to try again.
        next_try_at: DateTime<Utc>,
    },
}
