//! From when until when: who had this cuff, who held this post.

use crate::{NotInOrder, want};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A stretch of time, its end not within it; without an end it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl Span {
    /// A stretch that goes on.
    #[must_use]
    pub fn since(from: DateTime<Utc>) -> Self {
        Self { from, until: None }
    }

    /// Whether a moment is within it.
    ///
    /// ```
    /// use chrono::{DateTime, TimeDelta};
    /// use register::Span;
    /// let noon = DateTime::UNIX_EPOCH;
    /// let hour = Span { from: noon, until: Some(noon + TimeDelta::hours(1)) };
    /// assert!(hour.has(noon) && !hour.has(noon + TimeDelta::hours(1)), "the end is not within it");
    /// ```
    #[must_use]
    pub fn has(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    /// Whether two stretches have a moment in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let begins_before = |one: &Self, other: &Self| other.until.is_none_or(|until| one.from < until);
        begins_before(self, other) && begins_before(other, self)
    }

    /// The same, ended: earlier than it would have, never later.
    #[must_use]
    pub fn ended(self, at: DateTime<Utc>) -> Self {
        Self { until: Some(self.until.map_or(at, |until| until.min(at)).max(self.from)), ..self }
    }

    pub(crate) fn check(&self, field: &'static str) -> Result<(), NotInOrder> {
        want(self.until.is_none_or(|until| until >= self.from), field, "ends before it begins")
    }
}
