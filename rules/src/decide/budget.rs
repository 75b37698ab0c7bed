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
        Audience, Because, Condition, Correction, Event, PatientState, Plan, Verdict, Withdrawal,
        decide::{PACKS_MAX, decide, decide_within},
        pack::{Given, RULES_MAX, Unsure, demo_pack, reading},
    };
    use chrono::{DateTime, TimeDelta, Utc};
    use std::collections::{BTreeMap, BTreeSet};
    use vitals::{Admitted, Decimal, ErrorCode, PatientId};

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

    /// A correction that rests on four readings: with a budget for two and a half of them it reaches back over the two newest, and
    /// says so; an alert that rests on older ones alone is left as it is.
    #[test]
    fn a_correction_beyond_the_budget_reaches_less_far_and_says_so() {
        let plan = Plan::new(vec![demo_pack().unwrap()], vec![crate::Channel::Console]).unwrap();
        let taken = |minute, systolic| taken_at(minute, &[("systolic", systolic), ("diastolic", 75)]);
        let all = [taken(0, 185), taken(1, 168), taken(2, 168), taken(3, 168), taken(4, 120)];
        let before = decide(&plan, &PatientState::new(patient()), &all, at(5)).state;
        let admitted = |event: &Event| event.to_judge().map(|(admitted, _)| admitted.clone()).unwrap();
        let rest: Vec<Admitted> = all.iter().take(4).map(admitted).collect();
        let wrong = Withdrawal { admitted: admitted(&all[4]), because: Because::EnteredInError, was_judged: true };
        let correction = Event::Corrected(Box::new(Correction {
            withdrawn: vec![wrong],
            rest,
            since: DateTime::<Utc>::MIN_UTC,
            cut: BTreeMap::new(),
            anew: BTreeSet::new(),
            finished: Vec::new(),
        }));
        let events = std::slice::from_ref(&correction);
        let is_red_true = |decisions: &crate::Decisions| {
            decisions.state.alerts.iter().any(|alert| alert.is_latched() && alert.condition == Condition::Active)
        };
        let whole = decide_within(Budget::new(8), &plan, &before, events, at(6));
        assert_eq!((whole.folded_since, is_red_true(&whole)), (None, true), "the red is back");
        // As it stands before the last: a red that nothing has ended, and of which the fold would see the end of it alone.
        let standing = decide(&plan, &PatientState::new(patient()), all.get(..4).unwrap(), at(5)).state;
        let beside = decide_within(Budget::new(5), &plan, &standing, events, at(6));
        assert!(is_red_true(&beside), "what began before the fold reaches is not ended by it");
        let part = decide_within(Budget::new(5), &plan, &before, events, at(6));
        assert_eq!((part.folded_since, part.folds), (Some(at(2)), 1));
        let nothing = decide_within(Budget::new(1), &plan, &before, events, at(6));
        assert!(nothing.folded_since.is_some_and(|since| since > at(3)), "not even the newest");
        let shows = |decisions: &crate::Decisions| {
            decisions.alerts.iter().flat_map(|alert| &alert.evidence).any(|evidence| !evidence.counts())
        };
        assert!(shows(&part) && shows(&nothing), "and what does not count says so all the same");
    }
}
