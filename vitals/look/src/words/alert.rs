//! Alerts in words: how urgent, whether the reason still stands, and how far people are.

use super::SETTLED;

/// How urgent an alert is, in the order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Urgency {
    /// Red: somebody must act now.
    ActNow,
    /// Amber: the measurement must be checked again.
    CheckAgain,
    /// Green: go on as planned.
    AsPlanned,
}

impl Urgency {
    /// Every urgency, the most urgent first.
    pub const ALL: [Self; 3] = [Self::ActNow, Self::CheckAgain, Self::AsPlanned];

    /// The words on the tag.
    ///
    /// ```
    /// assert_eq!(look::Urgency::ActNow.words(), "Act now");
    /// ```
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::ActNow => "Act now",
            Self::CheckAgain => "Check again",
            Self::AsPlanned => "As planned",
        }
    }
}

/// Whether the reason for an alert still stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A repeat measurement must confirm it first.
    Pending,
    /// It stands.
    Active,
    /// It stands no longer.
    Cleared,
}

/// How far people are with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Workflow {
    /// It exists; nobody has been told yet.
    Raised,
    /// Somebody was told.
    Notified,
    /// Somebody is dealing with it.
    Acknowledged,
}

/// Where an alert stands, in words. A state that nobody has looked at never sounds settled.
///
/// ```
/// use look::words::{Condition, Workflow, state};
/// assert_eq!(state(Condition::Cleared, Workflow::Notified), "Settled by itself, nobody has looked");
/// ```
#[must_use]
pub fn state(condition: Condition, workflow: Workflow) -> &'static str {
    match (condition, workflow) {
        (Condition::Pending, Workflow::Raised | Workflow::Notified) => "Waiting for a repeat measurement",
        (Condition::Pending, Workflow::Acknowledged) => "Waiting for a repeat measurement, somebody is dealing with it",
        (Condition::Active, Workflow::Raised) => "Open, nobody has been told yet",
        (Condition::Active, Workflow::Notified) => "Open, the team has been told, nobody is dealing with it yet",
        (Condition::Active, Workflow::Acknowledged) => "Open, somebody is dealing with it",
        (Condition::Cleared, Workflow::Raised | Workflow::Notified) => SETTLED,
        (Condition::Cleared, Workflow::Acknowledged) => "Settled, somebody has looked",
    }
}

/// How many of each urgency, in words: "1 act now, 2 check again"; empty where there are none.
///
/// ```
/// use look::{Urgency, words::counts};
/// assert_eq!(counts([Urgency::CheckAgain, Urgency::ActNow, Urgency::CheckAgain]), "1 act now, 2 check again");
/// ```
#[must_use]
pub fn counts(urgencies: impl IntoIterator<Item = Urgency>) -> String {
    let all: Vec<Urgency> = urgencies.into_iter().collect();
    let parts: Vec<String> = Urgency::ALL
        .into_iter()
        .map(|urgency| (urgency, all.iter().filter(|&&other| other == urgency).count()))
        .filter(|&(_, count)| count > 0)
        .map(|(urgency, count)| format!("{count} {}", urgency.words().to_lowercase()))
        .collect();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_acknowledged_alert_says_that_somebody_looked() {
        for condition in [Condition::Pending, Condition::Active, Condition::Cleared] {
            for workflow in [Workflow::Raised, Workflow::Notified, Workflow::Acknowledged] {
                let says_somebody = state(condition, workflow).contains("somebody");
                assert_eq!(says_somebody, workflow == Workflow::Acknowledged, "{condition:?} {workflow:?}");
            }
        }
    }

    #[test]
    fn no_alerts_count_to_nothing() {
        assert_eq!(counts([]), "");
    }
}
