//! Everything held of one person, as it is given out: to the person, and to whoever looks into what happened.

use super::{KeptItem, SignedRoot};
use chrono::{DateTime, Utc};
use rules::{Alert, Because, Job, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vitals::{Admitted, HubId, ReadingId};

/// What is held of a person as it now is. What was said, and when, is in the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeRecord {
    /// Of the register.
    pub items: Vec<KeptItem>,
    /// Alerts, the oldest first.
    pub alerts: Vec<Alert>,
    /// Notifications, the oldest first.
    pub notifications: Vec<Notification>,
    /// What is to be looked at again, and when.
    pub timers: Vec<DateTime<Utc>>,
    /// The signed roots of the whole store.
    pub roots: Vec<SignedRoot>,
}

/// A notification, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// What was to be sent.
    pub job: Job,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
}

/// One entry of a person's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordEntry {
    /// Its place in the journal.
    pub entry: u64,
    /// Which of the person's entries it is, from 1: where a number is missing, that entry is damaged.
    pub n: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The head of the chain after it, in hexadecimal.
    pub head: String,
    /// The keyed hash of all it says, in hexadecimal.
    pub content: String,
    /// Readings in it.
    pub readings: Vec<EntryReading>,
    /// What else it tells.
    pub told: Vec<EntryThing>,
}

/// A reading of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryReading {
    /// As it was admitted.
    #[serde(flatten)]
    pub admitted: Admitted,
    /// What the rules made of it.
    pub verdict: Option<Verdict>,
    /// Why it no longer counts for the person, where it does not: [`NoLonger::mark`] says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Because>,
}

/// Which readings no longer count, as the entries of a record are read from the newest back, page by page: that stands in an entry
/// that came later than the reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoLonger(BTreeMap<ReadingId, Because>);

/// What an entry says of a reading that no longer counts.
#[derive(Deserialize)]
struct Said {
    reading: ReadingId,
    because: Because,
}

impl NoLonger {
    /// Takes in what an entry says, and marks its readings.
    pub fn mark(&mut self, entry: &mut RecordEntry) {
        for thing in entry.told.iter().filter(|thing| thing.kind == "reading-withdrawn") {
            if let Ok(Said { reading, because }) = Said::deserialize(&thing.what) {
                self.0.insert(reading, because);
            }
        }
        for reading in &mut entry.readings {
            reading.withdrawn = self.0.get(&reading.admitted.reading.id).copied();
        }
    }
}

/// Something else that an entry tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryThing {
    /// What kind.
    pub kind: &'static str,
    /// Which hub it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<HubId>,
    /// What: an id, or all of it.
    pub what: serde_json::Value,
}

/// A place in a person's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPlace {
    pub(crate) entry: u64,
    pub(crate) n: u64,
}
