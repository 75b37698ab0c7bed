//! Rules that wait for readings: what opens when nothing comes.
//!
//! Invariants: no reading opens such an alert, and time does; what is asked is how it stands now, so a timer that comes too
//! early, twice or late does no harm; a rule that has heard of the person and has no open alert has a timer, and one alone,
//! unless the person's plan pauses until somebody says so. It
//! is not set anew at each reading, which would be a row written for each: it comes at the soonest moment that could matter, and
//! sets the next.

use super::{Deciding, judge::Hearing, standing::Standing};
use crate::{
    alert::{Alert, ClearedBecause, Condition, Repeat, Workflow},
    event::Timer,
    pack::{ActivePack, Pack, Rule, View, Waited},
    state::{RuleKey, RuleMemory},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;
use vitals::AlertId;

/// How long until a rule is asked again, where nothing says when it may be otherwise.
const AGAIN_AFTER: TimeDelta = TimeDelta::days(1);

impl<'p> Deciding<'p> {
    /// A reading came that a rule waits for: what it opened may be over.
    pub(super) fn came<'a>(&mut self, pack: &'a Pack, rule: &'a Rule, hearing: &mut Hearing<'a>) {
        self.evaluated = self.evaluated.saturating_add(1);
        let place = self.state.rules.place(rule.key);
        let memory = self.state.rules.at(place);
        let is_new = memory.is_none_or(|memory| memory.newest_micros() < hearing.remembered().newest_micros());
        let open = self.open_alert(pack, rule).map(Standing::of);
        // Only what is open can be over; of everybody else nothing need be worked out at each reading.
        let is_open = open.is_some_and(|alert| alert.condition == Condition::Active);
        let clears = is_open && !self.is_fold && self.is_over(rule);
        let before = memory.map(RuleMemory::clear_in_a_row).unwrap_or_default();
        let in_a_row = if clears { before.saturating_add(1) } else { 0 };
        let newest = memory.filter(|_| !is_new).unwrap_or(hearing.remembered());
        self.state_changed |= self.state.rules.put_at(place, rule.key, newest.with_clear_in_a_row(in_a_row));
        if self.is_fold {
            return;
        }
        match open {
            Some(alert) if alert.condition == Condition::Active => {
                let evidence = self.evidence_for(rule, hearing);
                self.change(alert.id, |alert| alert.add_evidence(evidence));
                if in_a_row >= rule.clear.1 {
                    self.clear(alert.id, ClearedBecause::Improved);
                    self.wait(rule);
                }
            }
            Some(_) | None if memory.is_none() => self.wait(rule),
            Some(_) | None => {}
        }
    }

    /// What goes by a timer that no open alert has.
    pub(super) fn waited(&mut self, timer: &Timer) {
        let found = self.waiting().into_iter().find(|(_, rule)| self.waits_by(rule) == timer.alert);
        let Some((pack, rule)) = found else { return self.wait_for_the_rule(timer) };
        // A pause may have begun since.
        self.remember_from_when(rule);
        let open = self.open_alert(pack, rule).map(Standing::of);
        let is_taken_long_ago = open.is_some_and(|alert| {
            alert.was_taken_before(self.at, rule.raise_again_after.delta() - TimeDelta::microseconds(1))
        });
        let (holds, _) = self.stands(rule);
        match open {
            _ if holds != Some(true) => self.wait(rule),
            Some(alert) if alert.condition != Condition::Active => {
                let absent = rule.when.findings(&self.view_now(rule));
                self.change(alert.id, |alert| alert.absent = absent);
                self.raise_again(alert.id);
            }
            Some(alert) if is_taken_long_ago => {
                let new = self.open_absent(pack, rule, timer.due_at);
                self.clear(alert.id, ClearedBecause::Superseded(new));
            }
            Some(alert) => self.wait_on(rule, alert),
            None if self.has_active_speaker(pack, rule) => self.wait(rule),
            None => {
                self.open_absent(pack, rule, timer.due_at);
            }
        }
    }

    /// The rule of a timer is not in force now, and may be again: between two versions of a protocol nobody is forgotten.
    fn wait_for_the_rule(&mut self, timer: &Timer) {
        let is_of_rule =
            |key: RuleKey| [key, key.of_waiting()].into_iter().any(|key| self.timer_of(key) == timer.alert);
        if self.state.rules.iter().any(|(key, _)| is_of_rule(key)) {
            self.set_timer(timer.alert, self.at + AGAIN_AFTER);
        }
    }

    /// Somebody took an alert. Where still nothing comes, it is news again after a while.
    pub(super) fn was_taken(&mut self, id: AlertId) {
        let Some(alert) = self.state.alert(id).filter(|alert| alert.condition == Condition::Active).cloned() else {
            return;
        };
        let rule = self.waiting().into_iter().find(|(pack, rule)| pack.made(&alert) && rule.id == alert.made_by.rule);
        if let Some((_, rule)) = rule {
            self.wait_on(rule, Standing::of(&alert));
        }
    }

    /// What is expected, or what has come, is not what it was: every rule that waits and is asked about is asked anew.
    pub(super) fn watch_again(&mut self, is_asked: impl Fn(&Rule) -> bool) {
        if self.is_fold {
            return;
        }
        for (pack, rule) in self.waiting().into_iter().filter(|(_, rule)| is_asked(rule)) {
            self.remember_from_when(rule);
            let (holds, _) = self.stands(rule);
            let open =
                self.open_alert(pack, rule).map(Standing::of).filter(|alert| alert.condition == Condition::Active);
            match open {
                // What a rule asks beside may be otherwise by now; that is no reason to stop waiting.
                Some(alert) if holds == Some(false) && !rule.when.is_missed(&self.view_now(rule)) => {
                    self.clear(alert.id, ClearedBecause::ProtocolEnded);
                    self.wait(rule);
                }
                Some(_) => {}
                // What is missing now is told by the timer, which is due at once.
                None if holds == Some(true) => self.set_timer(self.waits_by(rule), self.at),
                None if self.has_heard_of(rule) => self.wait(rule),
                // Nothing is expected before a first reading, which sets the timer.
                None => {}
            }
        }
    }

    /// Remembers from when on a rule waits, where the person's plan asks for readings before any came, and where it pauses.
    fn remember_from_when(&mut self, rule: &Rule) {
        let (settings, at) = (self.plan.settings(), self.at.timestamp());
        let is_paused = settings.expected.pauses_without_end(at);
        let waited = match self.waited_by(rule) {
            Some(Waited::Paused(_)) if !is_paused => Waited::Again(at),
            Some(Waited::Since(_) | Waited::Again(_)) if is_paused => Waited::Paused(at),
            None if is_paused && self.has_heard_of(rule) => Waited::Paused(at),
            None if !is_paused && rule.when.is_asked_for(settings) => Waited::Since(at),
            None | Some(_) => return,
        };
        self.state.rules.put(rule.key.of_waiting(), waited.memory());
        self.state_changed = true;
    }

    fn waited_by(&self, rule: &Rule) -> Option<Waited> {
        self.state.rules.get(rule.key.of_waiting()).map(Waited::remembered)
    }

    /// Whether a rule knows anything of the person.
    fn has_heard_of(&self, rule: &Rule) -> bool {
        let rules = &self.state.rules;
        rules.get(rule.key).is_some() || rules.get(rule.key.of_waiting()).is_some()
    }

    /// Whether what a rule waits for has come.
    fn is_over(&self, rule: &Rule) -> bool {
        let view = self.view_now(rule);
        rule.when.holds(&view) == Some(false) && rule.clear.0.holds(&view) == Some(true)
    }

    /// How a rule stands now, and when it may be otherwise.
    fn stands(&self, rule: &Rule) -> (Option<bool>, Option<DateTime<Utc>>) {
        let view = self.view_now(rule);
        let next = rule.when.next(&view).and_then(|secs| DateTime::from_timestamp(secs, 0));
        (rule.when.holds(&view), next)
    }

    fn view_now(&self, rule: &Rule) -> View<'_> {
        View {
            reading: None,
            history: &self.state.history,
            settings: self.plan.settings(),
            at: self.at.timestamp(),
            known: None,
            waited: self.waited_by(rule),
        }
    }

    /// The rules in force that wait.
    fn waiting(&self) -> Vec<(&'p Pack, &'p Rule)> {
        let plan = self.plan;
        let packs = plan.packs().iter().map(ActivePack::pack);
        packs.flat_map(|pack| pack.rules.iter().filter(|rule| rule.waits).map(move |rule| (pack, rule))).collect()
    }

    /// Under what the rules in force remember from when on they wait.
    pub(super) fn keys_of_waiting(&self) -> BTreeSet<RuleKey> {
        self.waiting().into_iter().map(|(_, rule)| rule.key.of_waiting()).collect()
    }

    /// What the timer of a rule that waits goes by: one for each person and rule, whatever the version of its pack.
    fn waits_by(&self, rule: &Rule) -> AlertId {
        self.timer_of(rule.key)
    }

    fn timer_of(&self, key: RuleKey) -> AlertId {
        AlertId::derive(&[self.patient().as_str().as_bytes(), &key.to_bytes(), b"waits"])
    }

    /// Waits for the next moment that could matter; for none, where the plan pauses until somebody says so.
    fn wait(&mut self, rule: &Rule) {
        if self.plan.settings().expected.pauses_without_end(self.at.timestamp()) {
            let id = self.waits_by(rule);
            self.timers.retain(|timer| timer.alert != id);
            self.cancelled.push(id);
            return;
        }
        let (_, next) = self.stands(rule);
        self.set_timer(self.waits_by(rule), next.unwrap_or(self.at + AGAIN_AFTER));
    }

    /// Waits for an alert that somebody took to be news again; one that nobody took waits for them.
    fn wait_on(&mut self, rule: &Rule, alert: Standing) {
        if let Some(taken_at) = alert.taken_at() {
            self.set_timer(self.waits_by(rule), taken_at + rule.raise_again_after.delta());
        }
    }

    fn set_timer(&mut self, id: AlertId, due_at: DateTime<Utc>) {
        self.timers.retain(|timer| timer.alert != id);
        self.timers.push(Timer { alert: id, due_at });
    }

    /// Opens the alert of a rule because nothing came.
    fn open_absent(&mut self, pack: &Pack, rule: &Rule, due_at: DateTime<Utc>) -> AlertId {
        let absent = rule.when.findings(&self.view_now(rule));
        let id = AlertId::derive(&[
            self.patient().as_str().as_bytes(),
            pack.content_hash.as_bytes(),
            rule.id.as_bytes(),
            &due_at.timestamp_micros().to_be_bytes(),
            if pack.is_on_trial { b"absent, on trial" } else { b"absent" },
        ]);
        let alert = Alert {
            id,
            patient: self.patient().clone(),
            made_by: super::judge::made_by(pack, rule),
            urgency: rule.urgency,
            audience: super::judge::audience(pack),
            condition: Condition::Active,
            workflow: Workflow::Raised,
            repeat: Repeat::NotAsked,
            opened_at: self.at,
            late: false,
            occasions: 1,
            clinician_message: rule.clinician_message.clone(),
            patient_told: None,
            evidence: Vec::new(),
            absent,
        };
        self.open(alert);
        id
    }
}
