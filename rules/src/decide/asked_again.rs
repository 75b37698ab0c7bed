//! A reading that comes late, by a rule that looks back: it takes its place, and the moments after it are asked again.

use super::{
    Deciding,
    judge::{Hearing, evidence},
    standing::Standing,
};
use crate::{
    alert::{Alert, ClearedBecause, Condition},
    finding::Evidence,
    pack::{Pack, Rule, View},
    state::RuleMemory,
};
use chrono::DateTime;

/// What came of asking a rule again at the moments within its reach.
struct Asked {
    /// The second after which moments were asked.
    after: i64,
    /// Whether its condition is true at the end; none where no moment decides.
    is_true: Option<bool>,
    /// The last moment at which it held, where it is true.
    held_at: Option<i64>,
    /// How many moments in a row have met its clear condition.
    clear_in_a_row: u32,
}

impl Deciding<'_> {
    /// The second of the newest value of the measures that a rule is asked about: it may not have been able to judge it.
    pub(super) fn newest_kept(&self, rule: &Rule) -> i64 {
        let asked = rule.needs.iter().filter(|need| rule.kinds.contains(&need.item.kind()));
        let newest = asked.filter_map(|need| self.state.history.of(need.key).entries().last());
        newest.map(|value| value.secs).max().unwrap_or(i64::MIN)
    }

    /// A reading older than what was judged, by a rule that looks back: it has its place among the values now, so what came
    /// after it may look otherwise. The moments after it are asked again, and the alert follows what they come to.
    pub(super) fn judge_looking_back<'a>(
        &mut self,
        pack: &'a Pack,
        rule: &'a Rule,
        memory: RuleMemory,
        held_then: bool,
        hearing: &mut Hearing<'a>,
    ) {
        let newest_secs = memory.newest_taken_at().timestamp().max(self.newest_kept(rule));
        let asked = self.asked_again(rule, newest_secs);
        let newest = DateTime::from_timestamp(newest_secs, 0).unwrap_or(hearing.event_time);
        let place = self.state.rules.place(rule.key);
        let memory = memory.with_clear_in_a_row(asked.clear_in_a_row);
        self.state_changed |= self.state.rules.put_at(place, rule.key, memory);
        let beside = self.open_alert(pack, rule).and_then(|alert| self.newest_beside(rule, alert));
        let open = self.open_alert(pack, rule).map(Standing::of);
        // What opened within the moments that were asked, and now holds at none of them, has lost its ground: unless it rests on
        // a reading that has no place among them.
        let is_within = open.is_some_and(|alert| alert.first.is_some_and(|first| first.timestamp() > asked.after));
        let is_groundless = is_within && beside.is_none();
        let is_true = asked.is_true.or_else(|| is_groundless.then_some(false));
        // Nor does anything end it that was measured before that reading.
        let is_true = is_true.filter(|is_true| *is_true || beside.is_none_or(|beside| beside < newest_secs));
        let held_at = asked.held_at.filter(|_| !held_then).unwrap_or(hearing.at_secs);
        match (open, is_true) {
            (Some(alert), Some(is_true)) => {
                let evidence = self.evidence_as_of(rule, hearing, held_at);
                let held_at = DateTime::from_timestamp(held_at, 0).unwrap_or(hearing.event_time);
                let is_another_day = alert.was_taken_before(held_at, rule.raise_again_after.delta());
                if is_true && alert.condition == Condition::Active && is_another_day {
                    // What somebody took was another day's, in whatever order this one came.
                    let new = self.open_for(pack, rule, hearing);
                    self.change(new, |alert| alert.evidence = vec![evidence]);
                    self.clear(alert.id, ClearedBecause::Superseded(new));
                    return;
                }
                self.change(alert.id, |alert| alert.add_evidence(evidence));
                match (alert.condition, is_true) {
                    (Condition::Active, false) if !alert.is_kept_by(rule, newest) => {
                        self.clear(alert.id, ClearedBecause::Improved);
                    }
                    (Condition::Cleared(_), true) => self.raise_again(alert.id),
                    (Condition::Pending | Condition::Active | Condition::Cleared(_), _) => {}
                }
                hearing.note(pack, rule, alert.id);
            }
            (None, Some(true))
                if hearing.spoken_for(pack, rule).is_none()
                    && !self.has_active_speaker(pack, rule)
                    && !hearing.is_only_recorded_by(rule) =>
            {
                let id = self.open_for(pack, rule, hearing);
                let evidence = self.evidence_as_of(rule, hearing, held_at);
                self.change(id, |alert| alert.evidence = vec![evidence]);
            }
            (None, Some(true)) => {}
            (open, Some(false) | None) if held_then => {
                self.breached_before(pack, rule, open, is_true == Some(false), hearing);
            }
            (_, Some(false) | None) => {}
        }
    }

    /// The second of the newest breach of an alert that has no place among the values: its day is not sure, or its device doubts
    /// it.
    fn newest_beside(&self, rule: &Rule, alert: &Alert) -> Option<i64> {
        let is_kept = |secs: i64| {
            let mut values = rule.needs.iter().map(|need| self.state.history.of(need.key));
            values.any(|values| !values.between(secs.saturating_sub(1), secs).is_empty())
        };
        let breaches = alert
            .evidence
            .iter()
            .filter(|evidence| evidence.counts() && evidence.findings.iter().any(|finding| finding.held));
        breaches.map(|evidence| evidence.event_time.timestamp()).filter(|secs| !is_kept(*secs)).max()
    }

    /// The reading as evidence, with what was compared at its own moment or at another.
    fn evidence_as_of(&self, rule: &Rule, hearing: &Hearing<'_>, at: i64) -> Evidence {
        if at == hearing.at_secs {
            return self.evidence_for(rule, hearing);
        }
        let view = View { reading: None, at, known: None, ..self.view(hearing) };
        evidence(hearing.admitted, rule.when.findings(&view))
    }

    /// Asks a rule at every moment within its reach of the newest, the oldest first.
    fn asked_again(&self, rule: &Rule, newest: i64) -> Asked {
        let after = newest.saturating_sub(rule.reach).saturating_sub(1);
        let history = &self.state.history;
        let values = rule.needs.iter().flat_map(|need| history.of(need.key).between(after, newest));
        let mut moments: Vec<i64> = values.map(|value| value.secs).collect();
        moments.sort_unstable();
        moments.dedup();
        let mut asked = Asked { after, is_true: None, held_at: None, clear_in_a_row: 0 };
        for at in moments {
            let view = View { reading: None, history, settings: self.plan.settings(), at, known: None, waited: None };
            match rule.when.holds(&view) {
                Some(true) => asked = Asked { is_true: Some(true), held_at: Some(at), clear_in_a_row: 0, ..asked },
                Some(false) => {
                    let clears = rule.clear.0.holds(&view) == Some(true);
                    asked.clear_in_a_row = if clears { asked.clear_in_a_row.saturating_add(1) } else { 0 };
                    if asked.clear_in_a_row >= rule.clear.1 {
                        (asked.is_true, asked.held_at) = (Some(false), None);
                    }
                }
                None => {}
            }
        }
        asked
    }
}
