//! How an open alert stands before a reading changes it: the little that judging asks for, without its evidence.

use crate::{
    alert::{Alert, Condition, Repeat, Workflow},
    pack::Rule,
};
use chrono::{DateTime, TimeDelta, Utc};
use vitals::AlertId;

/// An alert as it stood before the reading being heard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) id: AlertId,
    pub(super) condition: Condition,
    pub(super) repeat: Repeat,
    pub(super) late: bool,
    /// When somebody took it.
    acknowledged_at: Option<DateTime<Utc>>,
    /// The event time of its first reading.
    pub(super) first: Option<DateTime<Utc>>,
}

impl Standing {
    pub(super) fn of(alert: &Alert) -> Self {
        let acknowledged_at = match alert.workflow {
            Workflow::Acknowledged { at, .. } => Some(at),
            Workflow::Raised | Workflow::Notified { .. } => None,
        };
        Self {
            id: alert.id,
            condition: alert.condition,
            repeat: alert.repeat,
            late: alert.late,
            acknowledged_at,
            first: alert.evidence.iter().find(|evidence| evidence.counts()).map(|evidence| evidence.event_time),
        }
    }

    /// Whether a repeat measurement is awaited.
    pub(super) fn awaits_repeat(&self) -> bool {
        matches!(self.repeat, Repeat::Asked { .. })
    }

    /// Whether what happened then is the repeat that was asked for: the rest was long enough.
    pub(super) fn is_repeated_at(&self, event_time: DateTime<Utc>, after: TimeDelta) -> bool {
        self.awaits_repeat() && self.first.is_some_and(|first| event_time - first >= after)
    }

    /// The same by a rule that may ask for one.
    pub(super) fn is_repeated_by(&self, rule: &Rule, event_time: DateTime<Utc>) -> bool {
        rule.retest.as_ref().is_some_and(|retest| self.is_repeated_at(event_time, retest.after.delta()))
    }

    /// Whether somebody took it longer than `gap` before: they cannot have meant what happened then.
    pub(super) fn was_taken_before(&self, event_time: DateTime<Utc>, gap: TimeDelta) -> bool {
        self.acknowledged_at.is_some_and(|at| event_time > at + gap)
    }

    /// Whether it stands although it is over: a rule may ask that its condition lasts a while once it is true.
    pub(super) fn is_kept_by(&self, rule: &Rule, event_time: DateTime<Utc>) -> bool {
        let kept_until = self.first.zip(rule.keep_firing).map(|(first, span)| first + span.delta());
        kept_until.is_some_and(|until| event_time < until)
    }

    /// When somebody took it.
    pub(super) fn taken_at(&self) -> Option<DateTime<Utc>> {
        self.acknowledged_at
    }

    /// Whether somebody took it.
    pub(super) fn is_taken(&self) -> bool {
        self.acknowledged_at.is_some()
    }
}
