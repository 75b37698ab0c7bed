//! What came of a person's readings, worked out again where some of them no longer count.
//!
//! Invariants: one fold a slice, however many readings are withdrawn; an alert once opened is amended, never erased, and
//! whoever was told of it is told so; a red whose ground is gone still waits for a person; what the correction is not about
//! stays as it is.

use super::{
    Deciding,
    fold::{self, Taken},
};
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, Workflow},
    event::{Correction, Event},
    job::{Job, Why},
    pack::{ActivePack, Late, Rule},
    state::{PatientState, RuleKey, Verdict},
};
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use vitals::{Admitted, AlertId, Kind, ReadingId};

/// Everything that one slice corrects.
struct Corrected<'a> {
    corrections: Vec<&'a Correction>,
    /// The measures that it is about.
    kinds: BTreeSet<Kind>,
    /// What still counts.
    rest: Taken<'a>,
    /// From when on that is all there is.
    since: DateTime<Utc>,
}

impl<'a> Corrected<'a> {
    /// None where a slice corrects nothing.
    fn of(events: &'a [Event], judged: &[(ReadingId, Verdict)]) -> Option<Self> {
        let corrections: Vec<&Correction> = events
            .iter()
            .filter_map(|event| if let Event::Corrected(correction) = event { Some(&**correction) } else { None })
            .collect();
        let since = corrections.iter().map(|correction| correction.since).max()?;
        let was_judged = |admitted: &&Admitted| {
            let is_it = |(id, verdict): &(ReadingId, Verdict)| {
                *id == admitted.reading.id && matches!(verdict, Verdict::Evaluated { .. })
            };
            judged.iter().any(is_it)
        };
        let heard = events.iter().filter_map(|event| event.to_judge().map(|(admitted, _)| admitted));
        let heard: Vec<&Admitted> = heard.filter(was_judged).collect();
        let withdrawn = || corrections.iter().flat_map(|correction| &correction.withdrawn);
        let gone: BTreeSet<ReadingId> = withdrawn().map(|withdrawal| withdrawal.admitted.reading.id).collect();
        let known = corrections.iter().flat_map(|correction| &correction.rest).chain(heard.iter().copied());
        let rest = fold::taken(known.filter(|admitted| !gone.contains(&admitted.reading.id)));
        let all = withdrawn().map(|withdrawal| &withdrawal.admitted).chain(heard.iter().copied());
        let kinds = all.map(|admitted| admitted.reading.kind).collect();
        Some(Self { corrections, kinds, rest, since })
    }

    /// Whether a rule reads what this is about.
    fn is_about(&self, rule: &Rule) -> bool {
        let looks_at = rule.needs.iter().map(|need| need.item.kind());
        rule.kinds.iter().copied().chain(looks_at).any(|kind| self.kinds.contains(&kind))
    }
}

impl Deciding<'_> {
    /// Works out again what the readings of a person come to, once for all corrections of a slice.
    pub(super) fn correct(&mut self, events: &[Event]) {
        let Some(corrected) = Corrected::of(events, &self.judged) else { return };
        let amended = self.amend(&corrected);
        let before = self.state.clone();
        let fold = fold::folded(self.plan, self.patient(), &corrected.rest, self.at);
        self.folds = self.folds.saturating_add(1);
        self.follow(&corrected, &before, &fold);
        self.remember(&corrected, fold);
        self.watch_again(|rule| corrected.is_about(rule));
        for id in amended {
            self.tell_amended(id, &corrected);
        }
    }

    /// Says of every alert which of its readings no longer count; gives back those that somebody was told of.
    fn amend(&mut self, corrected: &Corrected<'_>) -> Vec<AlertId> {
        let mut amended = Vec::new();
        for correction in &corrected.corrections {
            self.amended.extend(correction.finished.iter().cloned());
            for withdrawal in &correction.withdrawn {
                if !withdrawal.was_judged {
                    self.judged_at_last();
                }
                let (id, because) = (withdrawal.admitted.reading.id, withdrawal.because);
                for alert in &mut self.amended {
                    alert.withdraw(id, because);
                }
                let shows = |alert: &&Alert| alert.evidence.iter().any(|evidence| evidence.reading == id);
                let showing = self.state.alerts.iter().filter(shows).map(|alert| (alert.id, alert.condition));
                let showing: Vec<(AlertId, Condition)> = showing.collect();
                for (alert, condition) in showing {
                    self.change(alert, |alert| {
                        alert.withdraw(id, because);
                    });
                    // What awaits a repeat was told to nobody.
                    if condition != Condition::Pending && !amended.contains(&alert) {
                        amended.push(alert);
                    }
                }
            }
        }
        amended
    }

    /// Every alert follows what the fold came to, where the correction is about its rule.
    fn follow(&mut self, corrected: &Corrected<'_>, before: &PatientState, fold: &PatientState) {
        let is_true = |alert: &Alert| matches!(alert.condition, Condition::Pending | Condition::Active);
        for alert in &before.alerts {
            if !self.is_followed(corrected, alert) {
                continue;
            }
            let holds = fold.alerts.iter().any(|other| is_of_one_rule(alert, other) && is_true(other));
            match (alert.condition, holds) {
                (Condition::Pending | Condition::Active, false) => self.has_ended(alert),
                (Condition::Cleared(_), true) => self.raise_again(alert.id),
                (Condition::Pending | Condition::Active, true) | (Condition::Cleared(_), false) => {}
            }
        }
        let is_new = |alert: &&Alert| {
            is_true(alert)
                && self.is_followed(corrected, alert)
                && self.was_asked_then(before, alert)
                && !self.state.alerts.iter().any(|known| is_of_one_rule(known, alert) && !known.is_finished())
        };
        let new: Vec<Alert> = fold.alerts.iter().filter(is_new).cloned().collect();
        for alert in new {
            self.open_masked(alert, corrected);
        }
    }

    /// Whether the fold can tell how this alert stands, and the correction is about it.
    fn is_followed(&self, corrected: &Corrected<'_>, alert: &Alert) -> bool {
        let newest = alert.evidence.iter().map(|evidence| evidence.event_time).max();
        let is_known = newest.is_some_and(|newest| newest >= corrected.since)
            || alert.evidence.iter().any(|evidence| !evidence.counts());
        let is_about = match self.rule_of(alert) {
            Some(rule) => !rule.waits && corrected.is_about(rule),
            None => {
                alert.made_by.content_hash.is_empty()
                    && alert.audience != Audience::Technical
                    && alert.evidence.iter().any(|evidence| corrected.kinds.contains(&evidence.kind))
            }
        };
        is_known && is_about
    }

    /// The rule in force that made an alert.
    fn rule_of(&self, alert: &Alert) -> Option<&Rule> {
        let packs = self.plan.packs().iter().map(ActivePack::pack).filter(|pack| pack.made(alert));
        packs.flat_map(|pack| &pack.rules).find(|rule| rule.id == alert.made_by.rule)
    }

    /// Whether the rule was in force when its reading came, or the reading can be acted on still: a protocol is never put in
    /// force backwards by a correction.
    fn was_asked_then(&self, before: &PatientState, alert: &Alert) -> bool {
        let Some(rule) = self.rule_of(alert) else { return true };
        let newest = alert.evidence.iter().map(|evidence| evidence.event_time).max();
        let is_fresh = newest.is_some_and(|newest| self.at - newest <= rule.actionable_for.delta());
        is_fresh || (before.rules.get(rule.key).is_some() && rule.late != Late::RecordOnly)
    }

    /// What an alert said is not so.
    fn has_ended(&mut self, alert: &Alert) {
        let stands = alert
            .evidence
            .iter()
            .filter(|evidence| evidence.counts())
            .any(|evidence| evidence.findings.is_empty() || evidence.findings.iter().any(|finding| finding.held));
        if let Repeat::Asked { .. } = alert.repeat {
            self.repeat_came(alert.id, if stands { Repeat::Improved } else { Repeat::NotAsked });
        }
        self.clear(alert.id, if stands { ClearedBecause::Improved } else { ClearedBecause::Unfounded });
    }

    /// Opens what a reading that does not count had kept from being seen: late, and told at once, because the time for a
    /// repeat is over.
    fn open_masked(&mut self, alert: Alert, corrected: &Corrected<'_>) {
        let withdrawn = corrected.corrections.iter().flat_map(|correction| &correction.withdrawn);
        let because: Vec<ReadingId> = withdrawn.map(|withdrawal| withdrawal.admitted.reading.id).collect();
        let at = self.at.timestamp_micros().to_be_bytes();
        let mut parts: Vec<&[u8]> = vec![alert.id.as_bytes(), &at];
        parts.extend(because.iter().map(|id| id.as_bytes().as_slice()));
        let id = AlertId::derive(&parts);
        let repeat = if let Repeat::Asked { .. } = alert.repeat { Repeat::NotDone } else { alert.repeat };
        self.open(Alert {
            id,
            condition: Condition::Active,
            workflow: Workflow::Raised,
            repeat,
            opened_at: self.at,
            late: true,
            occasions: 1,
            patient_told: None,
            ..alert
        });
    }

    /// Lists and memories are the fold's; what rests on older readings alone stays.
    fn remember(&mut self, corrected: &Corrected<'_>, fold: PatientState) {
        let mut rules = fold.rules;
        // From when on a rule waits is in no reading.
        let waiting: BTreeSet<RuleKey> = self.keys_of_waiting();
        let older: Vec<(RuleKey, _)> = self
            .state
            .rules
            .iter()
            .filter(|(key, memory)| {
                let is_older = memory.newest_taken_at() < corrected.since;
                rules.get(*key).is_none() && (is_older || waiting.contains(key))
            })
            .collect();
        older.into_iter().for_each(|(key, memory)| rules.put(key, memory));
        self.state_changed |= self.state.rules != rules || self.state.history != fold.history;
        (self.state.rules, self.state.history) = (rules, fold.history);
    }

    /// Whoever was told of an alert is told that a reading behind it no longer counts.
    fn tell_amended(&mut self, id: AlertId, corrected: &Corrected<'_>) {
        let Some(alert) = self.state.alert(id) else { return };
        let was_told = alert.condition != Condition::Pending && alert.audience != Audience::Nobody;
        let is_told_anew = self.jobs.iter().any(|job| job.alert == id);
        if !was_told || is_told_anew {
            return;
        }
        let withdrawn = corrected.corrections.iter().flat_map(|correction| &correction.withdrawn);
        // Another reading, another notification: the first bytes of an id are as good as a number of their own.
        let of_reading =
            |id: ReadingId| id.as_bytes().first_chunk().map_or(0, |four: &[u8; 4]| u32::from_be_bytes(*four));
        let occasion = withdrawn.fold(0, |all, withdrawal| all ^ of_reading(withdrawal.admitted.reading.id));
        let job = |channel| Job::new(id, alert.patient.clone(), channel, Why::Amended, occasion, self.at);
        let jobs: Vec<Job> = self.plan.channels().iter().copied().map(job).collect();
        self.jobs.extend(jobs);
    }
}

/// Whether two alerts are of one rule of one pack, or of the same thing the service itself looks after.
fn is_of_one_rule(one: &Alert, other: &Alert) -> bool {
    let of = |alert: &Alert| (alert.made_by.content_hash.is_empty(), alert.audience);
    (&one.made_by.pack, &one.made_by.rule, of(one)) == (&other.made_by.pack, &other.made_by.rule, of(other))
}
