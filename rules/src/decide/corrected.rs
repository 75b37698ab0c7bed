//! What came of a person's readings, worked out again where some of them no longer count.
//!
//! Invariants: one fold a slice, however many readings are withdrawn; an alert once opened is amended, never erased, and
//! whoever was told of it is told so; a red whose ground is gone still waits for a person; what the correction is not about
//! stays as it is.

use super::{
    Deciding, Plan,
    budget::Budget,
    fold::{self, Taken},
};
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, Workflow},
    duration::SPAN_DAYS_MAX,
    event::{Correction, Event},
    job::{Job, Why},
    pack::{ActivePack, Late, Pack, Rule},
    state::{Entry, History, Memories, PatientState, RuleKey, Verdict},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use vitals::{Admitted, AlertId, Kind, ReadingId, catalogue};

/// How far back any rule looks.
const HORIZON: TimeDelta = TimeDelta::days(SPAN_DAYS_MAX);

/// Everything that one slice corrects.
pub(super) struct Corrected<'a> {
    corrections: Vec<&'a Correction>,
    /// The measures that it is about.
    kinds: BTreeSet<Kind>,
    /// The measures of everything that decides how rules about these stand.
    decide: BTreeSet<Kind>,
    /// What still counts of those.
    pub(super) rest: Taken<'a>,
    /// From when on that is all there is, where it was too much to be worked out.
    afforded_since: Option<DateTime<Utc>>,
}

/// The measures that a rule reads.
fn read_by(rule: &Rule) -> impl Iterator<Item = Kind> + '_ {
    rule.kinds.iter().copied().chain(rule.needs.iter().map(|need| need.item.kind()))
}

/// The measures of everything that decides how rules about these measures stand: what they read, and what the rules read that
/// speak for them.
fn decide_on(plan: &Plan, kinds: &BTreeSet<Kind>) -> BTreeSet<Kind> {
    let mut all = kinds.clone();
    for pack in plan.packs().iter().map(ActivePack::pack) {
        let mut asked: Vec<&Rule> =
            pack.rules.iter().filter(|rule| read_by(rule).any(|kind| kinds.contains(&kind))).collect();
        let mut place = 0;
        while let Some(rule) = asked.get(place).copied() {
            all.extend(read_by(rule));
            let speaks =
                |other: &&Rule| rule.yields_to.contains(&other.id) && asked.iter().all(|one| one.id != other.id);
            let speakers: Vec<&Rule> = pack.rules.iter().filter(speaks).collect();
            asked.extend(speakers);
            place += 1;
        }
    }
    all
}

impl<'a> Corrected<'a> {
    /// None where a slice corrects nothing.
    fn of(plan: &Plan, events: &'a [Event], judged: &[(ReadingId, Verdict)]) -> Option<Self> {
        let corrections: Vec<&Correction> = events
            .iter()
            .filter_map(|event| if let Event::Corrected(correction) = event { Some(&**correction) } else { None })
            .collect();
        if corrections.is_empty() {
            return None;
        }
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
        let all = withdrawn().map(|withdrawal| &withdrawal.admitted).chain(heard.iter().copied());
        let kinds: BTreeSet<Kind> = all.map(|admitted| admitted.reading.kind).collect();
        let decide = decide_on(plan, &kinds);
        let known = corrections.iter().flat_map(|correction| &correction.rest).chain(heard.iter().copied());
        let rest = fold::taken(
            known.filter(|admitted| decide.contains(&admitted.reading.kind) && !gone.contains(&admitted.reading.id)),
        );
        Some(Self { corrections, kinds, decide, rest, afforded_since: None })
    }

    /// The same where nothing is corrected, and lists are made anew.
    pub(super) fn anew(plan: &Plan, correction: &'a Correction) -> Self {
        let kinds = correction.anew.clone();
        let decide = decide_on(plan, &kinds);
        let rest = correction.rest.iter().filter(|admitted| decide.contains(&admitted.reading.kind));
        Self { rest: fold::taken(rest), corrections: vec![correction], kinds, decide, afforded_since: None }
    }

    /// The same as far as the budget goes, the newest first.
    pub(super) fn within(mut self, budget: &mut Budget, plan: &Plan) -> Self {
        let costs = self.rest.iter().rev().map(|(place, admitted)| (*place, plan.cost_on(admitted.reading.kind)));
        let mut oldest = None;
        for (place, cost) in costs {
            if !budget.allows(cost) {
                // Of one moment all or nothing: what is older than the first that is too much is left out.
                let (taken, _) = oldest.unwrap_or(place);
                self.afforded_since = Some(taken + TimeDelta::microseconds(i64::from(oldest.is_none())));
                self.rest = oldest.map(|oldest| self.rest.split_off(&oldest)).unwrap_or_default();
                break;
            }
            oldest = Some(place);
        }
        self
    }

    /// From when on all that counts of a measure is here.
    fn since_of(&self, kind: Kind) -> DateTime<Utc> {
        let handed = self.corrections.iter().map(|correction| correction.since_of(kind));
        handed.chain(self.afforded_since).max().unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The same of all that a rule reads.
    fn since_for(&self, rule: &Rule) -> DateTime<Utc> {
        read_by(rule).map(|kind| self.since_of(kind)).max().unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// From when on it could be worked out, where that is not all of the horizon.
    pub(super) fn cut_since(&self) -> Option<DateTime<Utc>> {
        let cut = &self.decide;
        let cut = self.corrections.iter().flat_map(|correction| {
            correction.cut.iter().filter(|(kind, _)| cut.contains(kind)).map(|(_, since)| *since)
        });
        cut.chain(self.afforded_since).max()
    }

    /// Whether a rule reads what this is about.
    fn is_about(&self, rule: &Rule) -> bool {
        read_by(rule).any(|kind| self.kinds.contains(&kind))
    }

    /// Whether all that counts behind an alert is here, so that it can be said to be over.
    fn reaches(&self, alert: &Alert) -> bool {
        let mut counting = alert.evidence.iter().filter(|evidence| evidence.counts());
        counting.all(|evidence| evidence.event_time >= self.since_of(evidence.kind))
    }

    /// What no longer counts.
    fn withdrawn(&self) -> impl Iterator<Item = &Admitted> {
        self.corrections.iter().flat_map(|correction| &correction.withdrawn).map(|withdrawal| &withdrawal.admitted)
    }
}

impl Deciding<'_> {
    /// Works out again what the readings of a person come to, once for all corrections of a slice.
    pub(super) fn correct(&mut self, events: &[Event], budget: &mut Budget) {
        for event in events {
            if let Event::Corrected(correction) = event
                && !correction.anew.is_empty()
            {
                return self.listen_anew(correction, budget);
            }
        }
        let Some(corrected) = Corrected::of(self.plan, events, &self.judged) else { return };
        let corrected = corrected.within(budget, self.plan);
        self.folded_since = corrected.cut_since();
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
                (Condition::Pending | Condition::Active, false) if corrected.reaches(alert) => self.has_ended(alert),
                (Condition::Cleared(_), true) => self.raise_again(alert.id),
                (Condition::Pending | Condition::Active, _) | (Condition::Cleared(_), false) => {}
            }
        }
        let is_new = |alert: &&Alert| {
            is_true(alert)
                && self.is_followed(corrected, alert)
                && self.was_asked_then(before, alert)
                && !self.state.alerts.iter().any(|known| is_of_one_rule(known, alert) && !known.is_finished())
        };
        let new: Vec<Alert> = fold.alerts.iter().filter(is_new).cloned().collect();
        let because: Vec<ReadingId> = corrected.withdrawn().map(|admitted| admitted.reading.id).collect();
        for alert in new {
            self.open_at_last(alert, &because, true);
        }
    }

    /// Whether the fold can tell how this alert stands, and the correction is about it.
    fn is_followed(&self, corrected: &Corrected<'_>, alert: &Alert) -> bool {
        let counting = alert.evidence.iter().filter(|evidence| evidence.counts());
        let newest = counting.max_by_key(|evidence| evidence.event_time);
        let is_known = newest.is_none_or(|newest| newest.event_time >= corrected.since_of(newest.kind));
        let is_about = match self.rule_of(alert) {
            Some((_, rule)) => !rule.waits && corrected.is_about(rule),
            None => {
                alert.made_by.content_hash.is_empty()
                    && alert.audience != Audience::Technical
                    && alert.evidence.iter().any(|evidence| corrected.kinds.contains(&evidence.kind))
            }
        };
        is_known && is_about
    }

    /// The rule in force that made an alert.
    pub(super) fn rule_of(&self, alert: &Alert) -> Option<(&Pack, &Rule)> {
        let packs = self.plan.packs().iter().map(ActivePack::pack).filter(|pack| pack.made(alert));
        let mut rules = packs.flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule)));
        rules.find(|(_, rule)| rule.id == alert.made_by.rule)
    }

    /// Whether the rule was in force when its reading came, or the reading can be acted on still: a protocol is never put in
    /// force backwards by a correction.
    fn was_asked_then(&self, before: &PatientState, alert: &Alert) -> bool {
        let Some((_, rule)) = self.rule_of(alert) else { return true };
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

    /// Opens what a fold came to and nobody had seen: what a reading that does not count had hidden, or what no protocol had asked
    /// about. It is told at once, because the time for a repeat is over.
    pub(super) fn open_at_last(&mut self, alert: Alert, because: &[ReadingId], late: bool) {
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
            late,
            occasions: 1,
            patient_told: None,
            ..alert
        });
    }

    /// Lists and memories are the fold's; what rests on older readings alone stays.
    fn remember(&mut self, corrected: &Corrected<'_>, fold: PatientState) {
        let plan = self.plan;
        let of_plan = || plan.packs().iter().flat_map(|active| &active.pack().rules);
        let by_key: BTreeMap<RuleKey, &Rule> = of_plan().map(|rule| (rule.key, rule)).collect();
        // From when on a rule waits is in no reading.
        let waiting = self.keys_of_waiting();
        let mut rules = Memories::default();
        for (key, memory) in self.state.rules.iter() {
            let rule = by_key.get(&key).copied();
            let older_than = rule.map_or(self.at - HORIZON, |rule| corrected.since_for(rule));
            let is_other = rule.is_some_and(|rule| !corrected.is_about(rule));
            if is_other || waiting.contains(&key) || memory.newest_taken_at() < older_than {
                rules.put(key, memory);
            }
        }
        for (key, memory) in
            fold.rules.iter().filter(|(key, _)| by_key.get(key).is_some_and(|rule| corrected.is_about(rule)))
        {
            rules.put(key, memory);
        }
        let history = self.lists(corrected, &fold.history);
        self.state_changed |= self.state.rules != rules || self.state.history != history;
        (self.state.rules, self.state.history) = (rules, history);
        self.forget_other_lists();
    }

    /// The lists that the rules in force look back on: the fold's where it is about their measure, and what is older than the fold
    /// reaches as it stood.
    pub(super) fn lists(&self, corrected: &Corrected<'_>, fold: &History) -> History {
        let mut history = History::default();
        for need in Kind::ALL.iter().flat_map(|kind| self.plan.keeps_of(*kind)) {
            let kind = need.item.kind();
            let before = self.state.history.of(need.key);
            if !corrected.kinds.contains(&kind) {
                history.set(need.key, before.clone());
                continue;
            }
            history.set(need.key, fold.of(need.key).clone());
            let since = corrected.since_of(kind).timestamp();
            let value = |admitted: &Admitted| {
                let numbers = admitted.reading.value.measured().map(catalogue::numbers).unwrap_or_default();
                let nano = need.item.of(admitted, &numbers)?;
                Some(Entry { secs: admitted.event_time().timestamp(), nano })
            };
            let gone: BTreeSet<Entry> = corrected.withdrawn().filter_map(value).collect();
            for entry in before.entries().iter().filter(|entry| entry.secs < since && !gone.contains(entry)) {
                history.put(need.key, *entry, need.kept_secs());
            }
        }
        history
    }

    /// Whoever was told of an alert is told that a reading behind it no longer counts.
    fn tell_amended(&mut self, id: AlertId, corrected: &Corrected<'_>) {
        let Some(alert) = self.state.alert(id) else { return };
        let was_told = alert.condition != Condition::Pending && alert.audience != Audience::Nobody;
        let is_told_anew = self.jobs.iter().any(|job| job.alert == id);
        if !was_told || is_told_anew {
            return;
        }
        // Another reading, another notification: the first bytes of an id are as good as a number of their own.
        let of_reading =
            |id: ReadingId| id.as_bytes().first_chunk().map_or(0, |four: &[u8; 4]| u32::from_be_bytes(*four));
        // What is said of one reading again, later, is news again.
        let [.., a, b, c, d] = self.at.timestamp_micros().to_be_bytes();
        let now = u32::from_be_bytes([a, b, c, d]);
        let occasion = corrected.withdrawn().fold(now, |all, admitted| all ^ of_reading(admitted.reading.id));
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
