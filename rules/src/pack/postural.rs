//! What standing up makes of a number of a cuff: what is measured standing less what was measured lying or sitting shortly before.
//!
//! Invariant: a reading whose posture nobody said is neither; two of one posture are never compared here.

use super::{Limit, Source, View, operator::Ratio};
use crate::finding::Finding;

/// How long somebody stands at the least before the pressure is taken, in seconds (NICE NG136 1.1.6 as amended 2023).
const STANDING_SECS_MIN: i64 = 60;

/// A number standing less the same number at rest, compared with a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postural {
    /// The number standing.
    pub standing: Source,
    /// The number lying or sitting, and how long before it may have been taken.
    pub resting: Source,
    /// What it is called in evidence.
    pub label: String,
    /// Compared with what.
    pub limit: Limit,
}

impl Postural {
    fn change(&self, view: &View<'_>) -> Option<Ratio> {
        let kept = || {
            let newest = view.history.of(self.standing.key).newest(view.at)?;
            (newest.secs == view.at).then_some(newest.nano)
        };
        let standing = match view.reading {
            Some(_) => self.standing.own(view),
            None => kept(),
        }?;
        let before = view.at.saturating_sub(STANDING_SECS_MIN);
        let mut at_rest = self.resting.values(view).iter().rev();
        let resting = at_rest.find(|value| value.secs <= before)?;
        Some(Ratio::whole(standing.saturating_sub(resting.nano)))
    }

    pub(super) fn holds(&self, view: &View<'_>) -> Option<bool> {
        self.limit.holds_ratio(self.change(view)?, view)
    }

    pub(super) fn finding(&self, view: &View<'_>) -> Option<Finding> {
        let change = self.change(view)?;
        self.limit.finding(&self.label, change.rounded(), self.limit.holds_ratio(change, view)?, view)
    }
}
