//! Whether a condition holds for one reading, and what was compared to find out.

use super::{Bound, Pack, Threshold, When};
use crate::finding::Finding;
use vitals::{Decimal, Quantity, catalogue::Component};

impl When {
    /// Whether it holds for these numbers; `None` where a number it needs is not there. Every comparison made is added
    /// to `findings`, held or not.
    pub fn holds(&self, pack: &Pack, numbers: &[(&Component, Quantity)], findings: &mut Vec<Finding>) -> Option<bool> {
        match self {
            Self::Threshold(threshold) => threshold.holds(pack, numbers, findings),
            Self::Any(parts) => {
                let held: Vec<_> = parts.iter().map(|part| part.holds(pack, numbers, findings)).collect();
                if held.contains(&Some(true)) {
                    Some(true)
                } else {
                    held.into_iter().collect::<Option<Vec<_>>>().map(|_| false)
                }
            }
            Self::All(parts) => {
                let held: Vec<_> = parts.iter().map(|part| part.holds(pack, numbers, findings)).collect();
                if held.contains(&Some(false)) {
                    Some(false)
                } else {
                    held.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
                }
            }
        }
    }
}

impl Threshold {
    fn holds(&self, pack: &Pack, numbers: &[(&Component, Quantity)], findings: &mut Vec<Finding>) -> Option<bool> {
        let (_, value) = numbers.iter().find(|(component, _)| component.name == self.component)?;
        let (bound, parameter) = self.bound.value(pack)?;
        let held = self.comparison.holds(value.value(), bound);
        findings.push(Finding {
            component: self.component.clone(),
            value: *value,
            comparison: self.comparison,
            bound,
            parameter,
            held,
        });
        Some(held)
    }
}

impl Bound {
    fn value(&self, pack: &Pack) -> Option<(Decimal, Option<String>)> {
        match self {
            Self::Number(number) => Some((*number, None)),
            Self::Parameter { name, margin } => {
                let bound = pack.parameters.get(name)?.default.plus(*margin)?;
                Some((bound, Some(name.clone())))
            }
        }
    }
}
