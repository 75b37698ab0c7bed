//! Whether a score holds: compared only where both ends of what it can be agree.

use super::{
    Limit, View,
    score::{Range, Ranges, Score},
};
use crate::{
    finding::{Comparison, Finding},
    state::NANO,
};
use std::{cell::RefCell, sync::Arc};
use vitals::{Decimal, Quantity, Unit};

/// What scores come to at one moment of one person: worked out once, however many rules ask.
#[derive(Debug, Default)]
pub struct KnownScores(RefCell<Vec<(*const Score, Option<Ranges>)>>);

impl KnownScores {
    fn ranges(&self, score: &Arc<Score>, view: &View<'_>) -> Option<Ranges> {
        let key = Arc::as_ptr(score);
        let known = self.0.borrow().iter().find(|(of, _)| *of == key).map(|(_, ranges)| *ranges);
        known.unwrap_or_else(|| {
            let ranges = score.ranges(view);
            self.0.borrow_mut().push((key, ranges));
            ranges
        })
    }
}

/// A score, compared with a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreTest {
    /// The score.
    pub score: Arc<Score>,
    /// Whether the highest single part is meant, not the total.
    pub is_any_part: bool,
    /// What it is called in evidence.
    pub label: String,
    /// Compared with what.
    pub limit: Limit,
}

impl ScoreTest {
    /// What is still missing may make it hold or not: then nothing is known.
    fn decide(&self, range: Range, view: &View<'_>) -> Option<bool> {
        let bound = self.limit.bound_nano(view)?;
        let one = |points: i64| self.limit.admits(points.saturating_mul(NANO).cmp(&bound));
        let (low, high) = (one(range.low), one(range.high));
        (low == high).then_some(low)
    }

    fn range(&self, view: &View<'_>) -> Option<Range> {
        let ranges = match view.known {
            Some(known) => known.ranges(&self.score, view),
            None => self.score.ranges(view),
        }?;
        Some(if self.is_any_part { ranges.any_part } else { ranges.total })
    }

    pub(super) fn holds(&self, view: &View<'_>) -> Option<bool> {
        self.decide(self.range(view)?, view)
    }

    /// The score with how much of it is known, and each part behind it.
    pub(super) fn add_findings(&self, view: &View<'_>, findings: &mut Vec<Finding>) {
        let (Some(range), Some(total)) = (self.range(view), self.score.total(view)) else {
            return;
        };
        let held = self.decide(range, view) == Some(true);
        let points = |points: i64| Decimal::from_parts(points, 0).unwrap_or(Decimal::from(0));
        let label = format!("{}: {}", self.label, total.in_words());
        findings.extend(self.limit.finding(&label, points(range.low), held, view));
        for part in &total.parts {
            let label = format!("{}, part {}", self.score.title, part.name);
            let Some((low, _)) = part.points else { continue };
            if findings.iter().all(|known| known.component != label) {
                findings.push(Finding {
                    component: label,
                    value: Quantity::new(points(low), Unit::Points),
                    comparison: Comparison::AtLeast,
                    bound: Decimal::from(1),
                    parameter: None,
                    held: low >= 1,
                });
            }
        }
    }
}
