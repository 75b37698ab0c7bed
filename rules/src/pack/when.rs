//! Whether a condition holds for one reading, and what was compared to find out.

use super::{Bound, Threshold, When};
use crate::finding::Finding;
use vitals::{Quantity, catalogue::Component};

/// The numbers of a reading, each with its entry in the catalogue.
pub type Numbers = [(&'static Component, Quantity)];

impl When {
    /// Whether it holds for these numbers; `None` where a number that decides is not there. Keeps nothing: this is asked of
    /// every rule and reading, and almost always the answer is no.
    #[must_use]
    pub fn holds(&self, numbers: &Numbers) -> Option<bool> {
        match self {
            Self::Threshold(threshold) => threshold.holds(numbers),
            Self::Any(parts) => one_decides(parts, numbers, true),
            Self::All(parts) => one_decides(parts, numbers, false),
        }
    }

    /// Every comparison that can be made with these numbers, held or not.
    #[must_use]
    pub fn findings(&self, numbers: &Numbers) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.add_findings(numbers, &mut findings);
        findings
    }

    fn add_findings(&self, numbers: &Numbers, findings: &mut Vec<Finding>) {
        match self {
            Self::Threshold(threshold) => findings.extend(threshold.finding(numbers)),
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().for_each(|part| part.add_findings(numbers, findings));
            }
        }
    }
}

/// Whether some part comes to what decides. A part that is not known leaves the rest to decide, or nothing known.
fn one_decides(parts: &[When], numbers: &Numbers, decides: bool) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.holds(numbers) {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!decides)
}

impl Threshold {
    fn number(&self, numbers: &Numbers) -> Option<Quantity> {
        numbers.iter().find(|(known, _)| std::ptr::eq(*known, self.component)).map(|(_, number)| *number)
    }

    fn holds(&self, numbers: &Numbers) -> Option<bool> {
        self.number(numbers).map(|number| self.comparison.holds(number.value(), self.level))
    }

    fn finding(&self, numbers: &Numbers) -> Option<Finding> {
        let value = self.number(numbers)?;
        Some(Finding {
            component: self.component.name.clone(),
            value,
            comparison: self.comparison,
            bound: self.level,
            parameter: match &self.bound {
                Bound::Number(_) => None,
                Bound::Parameter { name, .. } => Some(name.clone()),
            },
            held: self.comparison.holds(value.value(), self.level),
        })
    }
}
