//! What is remembered of one person between two writes: a cache of their history, never its only copy.

mod bytes;
mod key;
mod memory;
mod series;

pub use bytes::StateError;
pub use key::RuleKey;
pub use memory::{Memories, RuleMemory};
pub use series::{Entry, History, NANO, READINGS_MAX, Series, SeriesKey, VALUE_MAX};

use crate::alert::Alert;
use serde::{Deserialize, Serialize};
use vitals::{AlertId, ErrorCode, PatientId, wire::v1::Prompt};

/// One person, as the rules remember them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientState {
    /// Who.
    pub patient: PatientId,
    /// The alerts that are not finished: at most one a rule.
    pub alerts: Vec<Alert>,
    /// What each rule remembers.
    pub rules: Memories,
    /// What was measured lately, for the operators that look back.
    pub history: History,
    /// How many readings the rules failed on and have not judged since.
    pub unjudged: u32,
}

impl PatientState {
    /// Somebody of whom nothing is remembered yet.
    #[must_use]
    pub fn new(patient: PatientId) -> Self {
        Self { patient, alerts: Vec::new(), rules: Memories::default(), history: History::default(), unjudged: 0 }
    }

    /// An unfinished alert.
    #[must_use]
    pub fn alert(&self, id: AlertId) -> Option<&Alert> {
        self.alerts.iter().find(|alert| alert.id == id)
    }
}

/// What the rules made of a reading, kept with it for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Judged.
    Evaluated {
        /// Whether it reached the service long after it was taken ([`vitals::time::LATE_AFTER`]); each rule then judges by
        /// its own limit.
        late: bool,
        /// The alerts it opened or added to.
        alerts: Vec<AlertId>,
        /// What the person was to be told.
        prompts: Vec<Prompt>,
    },
    /// Stored but not judged, and why.
    Unevaluated {
        /// The code of the reason, from the registry.
        reason: String,
    },
}

impl Verdict {
    /// Not judged, for this reason.
    #[must_use]
    pub fn unevaluated(reason: ErrorCode) -> Self {
        Self::Unevaluated { reason: reason.code().to_owned() }
    }
}
