//! Protocols that look back on what nobody kept: their lists are made of what was measured before they judged.
//!
//! Invariants: what is open stays as it is; nothing opens but by a rule that had judged nothing of the person, on a reading that
//! can be acted on still; it is done once for each set of lists.

use super::{Deciding, Plan, budget::Budget, corrected::Corrected, fold};
use crate::{
    alert::{Alert, Condition},
    event::Correction,
    state::{PatientState, RuleKey, RuleMemory},
};
use chrono::DateTime;
use std::collections::BTreeSet;
use vitals::Kind;

/// Under what it is remembered which lists are kept: no rule's key is nought but by a chance of one in 2^64.
const LISTS: [u8; 8] = [0; 8];

/// Names what the digest is made for, so that no other digest of ours is ever the same.
const CONTEXT: &str = "derwent 2026 lists of a plan";

impl Plan {
    /// The measures whose lists the protocols in force look back on, where other lists, or none, were kept of the person so far.
    #[must_use]
    pub fn not_kept_of(&self, state: &PatientState) -> BTreeSet<Kind> {
        if self.keeps_lists_of(state) {
            return BTreeSet::new();
        }
        Kind::ALL.into_iter().filter(|kind| !self.keeps_of(*kind).is_empty()).collect()
    }

    /// Whether these are the lists that were kept of the person.
    pub(super) fn keeps_lists_of(&self, state: &PatientState) -> bool {
        state.rules.get(RuleKey::from_bytes(LISTS)) == Some(self.lists())
    }

    /// Which lists these are, in the form a rule's memory has: a moment that stands for a digest.
    fn lists(&self) -> RuleMemory {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        for need in Kind::ALL.iter().flat_map(|kind| self.keeps_of(*kind)) {
            hasher.update(&need.key.to_bytes());
            hasher.update(&need.kept_secs().to_le_bytes());
        }
        let mut bytes = [0; 8];
        // Six bytes: a moment before 1980, that every program can name.
        let (_, six) = bytes.split_at_mut(2);
        hasher.finalize_xof().fill(six);
        let micros = i64::from_be_bytes(bytes);
        RuleMemory::new(DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH), 0)
    }
}

impl Deciding<'_> {
    /// Makes the lists of what was measured, and lets rules that are new to the person judge the newest of it.
    pub(super) fn listen_anew(&mut self, correction: &Correction, budget: &mut Budget) {
        let corrected = Corrected::anew(self.plan, correction).within(budget, self.plan);
        self.folded_since = corrected.cut_since();
        let fold = fold::folded(self.plan, self.patient(), &corrected.rest, self.at);
        self.folds = self.folds.saturating_add(1);
        let new: Vec<Alert> = fold.alerts.iter().filter(|alert| self.is_new_and_fresh(alert)).cloned().collect();
        for alert in new {
            // What it has opened it has judged: were the lists made once more, it would open it once more.
            let key = self.rule_of(&alert).map(|(_, rule)| rule.key);
            if let Some((key, memory)) = key.and_then(|key| Some((key, fold.rules.get(key)?))) {
                self.state.rules.put(key, memory);
            }
            self.open_at_last(alert, &[], false);
        }
        self.state.history = self.lists(&corrected, &fold.history);
        self.state.rules.put(RuleKey::from_bytes(LISTS), self.plan.lists());
        self.state_changed = true;
    }

    /// What is kept from now on is not what was: the lists of before have a hole, and are made anew when they are wanted again.
    pub(super) fn forget_other_lists(&mut self) {
        if !self.is_fold && !self.plan.keeps_lists_of(&self.state) {
            self.state_changed |= self.state.rules.forget(RuleKey::from_bytes(LISTS));
        }
    }

    /// Whether an alert is of a rule that had judged nothing of the person, and can be acted on still.
    fn is_new_and_fresh(&self, alert: &Alert) -> bool {
        let Some((pack, rule)) = self.rule_of(alert) else { return false };
        let newest = alert.evidence.iter().map(|evidence| evidence.event_time).max();
        matches!(alert.condition, Condition::Pending | Condition::Active)
            && !rule.waits
            && self.state.rules.get(rule.key).is_none()
            && newest.is_some_and(|newest| self.at - newest <= rule.actionable_for.delta())
            && self.open_alert(pack, rule).is_none()
            && !self.has_active_speaker(pack, rule)
    }
}
