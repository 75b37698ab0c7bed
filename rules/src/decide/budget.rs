//! How much one decision may judge: counted, never timed, so that the same slice always ends at the same reading.

/// Most that one decision asks, counted over its readings, a rule that does not look back as 1; what is beyond stays unjudged, and is tried again without
/// the rest.
///
/// Eight times what the longest request (1,000 readings) meets under 16 packs that all put their 64 rules on one measure, and
/// about a second of one core. Without it one slice could hold up every other that waits for the same commit.
pub const RULES_ASKED_MAX: usize = 8_000_000;

/// What is left of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    left: Option<usize>,
}

impl Budget {
    pub(super) fn new(rules: usize) -> Self {
        Self { left: Some(rules) }
    }

    /// Takes the rules that a reading asks, or says that there is not enough left for them: then not for any reading after it
    /// either, because none is judged before one that was taken earlier.
    pub(super) fn allows(&mut self, rules: usize) -> bool {
        self.left = self.left.and_then(|left| left.checked_sub(rules));
        self.left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Audience, Event, PatientState, Plan, Verdict,
        decide::{PACKS_MAX, decide, decide_within},
        pack::{Given, RULES_MAX, Unsure, demo_pack, reading},
    };
    use chrono::{DateTime, TimeDelta, Utc};
    use vitals::{Decimal, ErrorCode, PatientId};

    /// Readings in a request: `ingest` takes no more.
    const READINGS_MAX: usize = 1_000;

    // Far above what any request needs, and never too small for one reading.
    const _: () = assert!(RULES_ASKED_MAX >= 4 * READINGS_MAX * 16 * RULES_MAX);
    const _: () = assert!(RULES_ASKED_MAX >= PACKS_MAX * RULES_MAX);
    const _: () = assert!(RULES_ASKED_MAX >= 8 * crate::decide::COST_MAX);

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn patient() -> PatientId {
        PatientId::parse("pt-test").unwrap()
    }

    fn taken_at(minute: i64, numbers: &[(&str, u16)]) -> Event {
        let numbers: Vec<_> =
            numbers.iter().map(|(name, value)| ((*name).to_owned(), Given::Number(Decimal::from(*value)))).collect();
        Event::Reading(Box::new(reading(&patient(), TimeDelta::minutes(minute), &numbers, Unsure::default()).unwrap()))
    }

    /// Whether each was judged, in the order of their times.
    fn is_judged(judged: &[(vitals::ReadingId, Verdict)]) -> Vec<bool> {
        let reason = ErrorCode::RuleBudgetExceeded.code();
        judged
            .iter()
            .map(|(_, verdict)| match verdict {
                Verdict::Evaluated { .. } => true,
                Verdict::Unevaluated { reason: why } => {
                    assert_eq!(why, reason);
                    false
                }
            })
            .collect()
    }

    /// Five readings in any order, and a budget for two and a half of them: the demo has two rules on blood pressure.
    #[test]
    fn what_is_beyond_the_budget_stays_unjudged_tells_somebody_and_is_judged_later() {
        let plan = Plan::new(vec![demo_pack().unwrap()], vec![crate::Channel::Console]).unwrap();
        let well = |minute| taken_at(minute, &[("systolic", 120), ("diastolic", 75)]);
        let red = taken_at(3, &[("systolic", 185), ("diastolic", 118)]);
        let free = taken_at(4, &[("pulse", 60)]);
        let events = [free, red, well(2), well(0), well(1)];
        let before = PatientState::new(patient());

        let decisions = decide_within(Budget::new(5), &plan, &before, &events, at(5));
        assert_eq!(is_judged(&decisions.judged), [true, true, false, false, false]);
        assert_eq!((decisions.evaluated, decisions.state.unjudged, decisions.state_changed), (4, 3, true));
        let told: Vec<Audience> = decisions.alerts.iter().map(|alert| alert.audience).collect();
        assert_eq!((told, decisions.jobs.len()), (vec![Audience::Technical], 1), "one technical alert, and it is told");

        let again = |event: &Event| {
            if let Event::Reading(admitted) = event { Event::Reconsider(admitted.clone()) } else { event.clone() }
        };
        let unjudged: Vec<Event> = events.iter().take(3).map(again).collect();
        let later = decide_within(Budget::new(4), &plan, &decisions.state, &unjudged, at(6));
        assert_eq!(is_judged(&later.judged), [true; 3]);
        assert_eq!((later.evaluated, later.state.unjudged), (4, 0));
        let open: Vec<Audience> = later.state.alerts.iter().map(|alert| alert.audience).collect();
        assert_eq!(open, [Audience::Clinical], "the technical alert is over, and the red is there");

        let all = decide(&plan, &before, &events, at(5));
        assert_eq!(is_judged(&all.judged), [true; 5]);
        assert_eq!(all.evaluated, 8);
    }
}
