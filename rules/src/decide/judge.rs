//! One reading through all the rules that read its measure, the most urgent first.

use super::Deciding;
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    finding::{Evidence, Finding},
    pack::{Pack, Retest, Rule},
    state::Verdict,
};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use vitals::{
    Admitted, AlertId, ClockOffset, Quantity, TakenAt,
    catalogue::{self, Component},
    time::LATE_AFTER,
    wire::v1::{Prompt, Urgency},
};

/// A reading on its way through the rules.
pub(super) struct Hearing<'a> {
    pub(super) admitted: &'a Admitted,
    numbers: &'a [(&'static Component, Quantity)],
    event_time: DateTime<Utc>,
    /// When it can be acted on: its arrival, or now where the rules failed on it then.
    acted_on_at: DateTime<Utc>,
    /// Whether its receipt has gone already: then nothing more can be said to the person because of it.
    is_again: bool,
    /// The rules that held, each with its pack and the alert it opened or added to.
    held: Vec<(String, String, AlertId)>,
    alerts: Vec<AlertId>,
    prompts: Vec<Prompt>,
}

impl Hearing<'_> {
    /// Whether the reading had arrived too late to act on.
    fn is_too_late_for(&self, rule: &Rule) -> bool {
        self.admitted.is_older_than(rule.actionable_for.delta(), self.acted_on_at)
    }

    /// The alert of a rule of the same pack that held and speaks for this one.
    fn spoken_for(&self, pack: &Pack, rule: &Rule) -> Option<AlertId> {
        let speaks = |(of, id, _): &&(String, String, AlertId)| *of == pack.id && rule.yields_to.contains(id);
        self.held.iter().find(speaks).map(|(_, _, alert)| *alert)
    }

    fn note(&mut self, pack: &Pack, rule: &Rule, alert: AlertId) {
        self.held.push((pack.id.clone(), rule.id.clone(), alert));
        self.note_alert(alert);
    }

    /// The reading opened this alert, or added to it.
    pub(super) fn note_alert(&mut self, alert: AlertId) {
        if !self.alerts.contains(&alert) {
            self.alerts.push(alert);
        }
    }

    /// Puts an instruction into the receipt; gives back what the person will read.
    pub(super) fn say(&mut self, urgency: Urgency, text: Option<&String>) -> Option<String> {
        let text = text.filter(|_| !self.is_again)?;
        self.prompts.push(Prompt { urgency, text: text.clone() });
        Some(text.clone())
    }

    /// One instruction at a time: the most urgent, the first of equals.
    fn one_prompt(self) -> Vec<Prompt> {
        let mut prompts = self.prompts;
        prompts.sort_by_key(|prompt| Reverse(prompt.urgency));
        prompts.truncate(1);
        prompts
    }
}

/// The reading as evidence, with what was compared.
pub(super) fn evidence(admitted: &Admitted, findings: Vec<Finding>) -> Evidence {
    Evidence {
        reading: admitted.reading.id,
        source: admitted.reading.source.clone(),
        kind: admitted.reading.kind,
        value: admitted.reading.value.clone(),
        taken: admitted.reading.times.taken,
        event_time: admitted.event_time(),
        received_at: admitted.server_received,
        findings,
    }
}

impl Deciding<'_> {
    /// Judges one reading, for the first time or again.
    pub(super) fn judge(&mut self, admitted: &Admitted, is_again: bool) {
        let late = admitted.is_older_than(LATE_AFTER, admitted.server_received);
        let numbers = admitted.reading.value.measured().map(catalogue::numbers).unwrap_or_default();
        let mut hearing = Hearing {
            admitted,
            numbers: &numbers,
            event_time: admitted.event_time(),
            acted_on_at: if is_again { self.at } else { admitted.server_received },
            is_again,
            held: Vec::new(),
            alerts: Vec::new(),
            prompts: Vec::new(),
        };
        let is_late_by_now = admitted.is_older_than(LATE_AFTER, hearing.acted_on_at);
        self.judge_without_packs(&mut hearing, is_late_by_now);
        for active in &self.plan.packs {
            let pack = active.pack();
            for rule in pack.rules.iter().filter(|rule| rule.kind == admitted.reading.kind) {
                self.judge_by(pack, rule, &mut hearing);
            }
        }
        let alerts = std::mem::take(&mut hearing.alerts);
        let verdict = Verdict::Evaluated { late, alerts, prompts: hearing.one_prompt() };
        self.judged.push((admitted.reading.id, verdict));
    }

    fn judge_by(&mut self, pack: &Pack, rule: &Rule, hearing: &mut Hearing<'_>) {
        let mut findings = Vec::new();
        let Some(holds) = rule.when.holds(pack, hearing.numbers, &mut findings) else { return };
        let evidence = evidence(hearing.admitted, findings);
        let open = self.open_alert(pack, rule);
        let memory = self.state.rules.entry(format!("{}/{}", pack.id, rule.id)).or_default();
        let settles = hearing.admitted.reading.may_settle()
            && memory.newest_taken_at.is_none_or(|newest| newest < hearing.event_time)
            && open.as_ref().is_none_or(|alert| is_newer(hearing.admitted, alert));
        if !holds && !settles {
            return;
        }
        if memory.newest_taken_at.is_some_and(|newest| hearing.event_time < newest) {
            let is_over = memory.clear_in_a_row >= rule.clear.1;
            if holds {
                self.breached_before(pack, rule, open, is_over, evidence, hearing);
            }
            return;
        }
        memory.newest_taken_at = Some(hearing.event_time);
        let clears = !holds && rule.clear.0.holds(pack, hearing.numbers, &mut Vec::new()) == Some(true);
        memory.clear_in_a_row = if clears { memory.clear_in_a_row.saturating_add(1) } else { 0 };
        let has_cleared = memory.clear_in_a_row >= rule.clear.1;
        match (open, holds, hearing.spoken_for(pack, rule)) {
            (Some(alert), true, Some(by)) => self.give_way(&alert, by, evidence),
            (None, true, Some(_)) => {}
            (None, true, None) => {
                self.open_for(pack, rule, evidence, hearing);
            }
            (Some(alert), true, None) => self.breach_again(&alert, pack, rule, evidence, hearing),
            (Some(alert), false, _) => self.better(&alert, rule, evidence, has_cleared, hearing.event_time),
            (None, false, _) => {}
        }
    }

    /// A breach older than what was judged. It adds to what is open and cannot undo what a newer reading showed. A red
    /// is told all the same, in whatever order it came: over by now or not, it waits for a person. Anything less that is
    /// over by now calls nobody, and stands among what settled by itself.
    fn breached_before(
        &mut self,
        pack: &Pack,
        rule: &Rule,
        open: Option<Alert>,
        is_over: bool,
        evidence: Evidence,
        hearing: &mut Hearing<'_>,
    ) {
        if let Some(alert) = open {
            self.change(alert.id, |alert| alert.add_evidence(evidence));
            hearing.note(pack, rule, alert.id);
        } else if hearing.spoken_for(pack, rule).is_some() || self.has_active_speaker(pack, rule) {
            // A more urgent rule has said what there is to say.
        } else if is_over && rule.urgency != Urgency::ActNow {
            let alert = self.alert_of(pack, rule, evidence, hearing);
            hearing.note(pack, rule, alert.id);
            self.open(Alert { condition: Condition::Cleared(ClearedBecause::Improved), ..alert });
        } else {
            let id = self.open_for(pack, rule, evidence, hearing);
            if is_over {
                if self.state.alert(id).is_some_and(|alert| matches!(alert.repeat, Repeat::Asked { .. })) {
                    self.repeat_came(id, Repeat::Improved);
                }
                self.clear(id, ClearedBecause::Improved);
            }
        }
    }

    /// Whether a rule that speaks for this one has an alert that is active.
    fn has_active_speaker(&self, pack: &Pack, rule: &Rule) -> bool {
        self.state.alerts.iter().any(|alert| {
            alert.condition == Condition::Active
                && alert.made_by.pack == pack.id
                && rule.yields_to.contains(&alert.made_by.rule)
        })
    }

    fn open_alert(&self, pack: &Pack, rule: &Rule) -> Option<Alert> {
        self.state
            .alerts
            .iter()
            .find(|alert| alert.made_by.pack == pack.id && alert.made_by.rule == rule.id && !alert.is_finished())
            .cloned()
    }

    /// An alert of a rule, opened by the reading being heard: active, and nobody told of anything yet.
    fn alert_of(&self, pack: &Pack, rule: &Rule, evidence: Evidence, hearing: &Hearing<'_>) -> Alert {
        let id = AlertId::derive(&[
            self.patient().as_str().as_bytes(),
            pack.content_hash.as_bytes(),
            rule.id.as_bytes(),
            hearing.admitted.reading.id.as_bytes(),
        ]);
        let made_by = RuleRef {
            pack: pack.id.clone(),
            protocol: pack.title.clone(),
            version: pack.version.clone(),
            content_hash: pack.content_hash.clone(),
            rule: rule.id.clone(),
            title: rule.title.clone(),
        };
        Alert {
            id,
            patient: self.patient().clone(),
            made_by,
            urgency: rule.urgency,
            audience: Audience::Clinical,
            condition: Condition::Active,
            workflow: Workflow::Raised,
            repeat: Repeat::NotAsked,
            opened_at: self.at,
            late: hearing.is_too_late_for(rule),
            occasions: 1,
            clinician_message: rule.clinician_message.clone(),
            patient_told: None,
            evidence: vec![evidence],
        }
    }

    fn open_for(&mut self, pack: &Pack, rule: &Rule, evidence: Evidence, hearing: &mut Hearing<'_>) -> AlertId {
        let alert = self.alert_of(pack, rule, evidence, hearing);
        // A red never waits. An amber waits for its repeat, unless it came too late for one to mean anything.
        let retest = rule.retest.as_ref().filter(|_| !alert.late);
        let waits = rule.urgency != Urgency::ActNow && retest.is_some();
        let told = match (alert.late, retest) {
            (true, _) => rule.late_patient_message.as_ref(),
            (false, Some(Retest { prompt: Some(prompt), .. })) if waits => Some(prompt),
            (false, _) => rule.patient_message.as_ref(),
        };
        let id = alert.id;
        let condition = if waits { Condition::Pending } else { Condition::Active };
        self.open(Alert { condition, patient_told: hearing.say(rule.urgency, told), ..alert });
        if let Some(retest) = retest {
            self.await_repeat(id, self.at + retest.within.delta());
        }
        hearing.note(pack, rule, id);
        id
    }

    fn breach_again(&mut self, alert: &Alert, pack: &Pack, rule: &Rule, evidence: Evidence, hearing: &mut Hearing<'_>) {
        if needs_a_new_alert(alert, rule, hearing) {
            // What somebody took was another day's; this one must be seen too.
            let new = self.open_for(pack, rule, evidence, hearing);
            self.clear(alert.id, ClearedBecause::Superseded(new));
            return;
        }
        let is_repeat = is_repeat(alert, rule, hearing.event_time);
        let is_fresh_after_late = alert.late && !hearing.is_too_late_for(rule);
        let told = match (alert.condition, is_repeat) {
            _ if hearing.is_too_late_for(rule) => rule.late_patient_message.as_ref(),
            (Condition::Pending, false) => rule.retest.as_ref().and_then(|retest| retest.prompt.as_ref()),
            _ => rule.patient_message.as_ref(),
        };
        let told = hearing.say(rule.urgency, told);
        self.change(alert.id, |alert| {
            alert.add_evidence(evidence);
            alert.patient_told = told.or(alert.patient_told.take());
            alert.late &= !is_fresh_after_late;
        });
        if is_repeat {
            self.repeat_came(alert.id, Repeat::Confirmed);
        }
        match alert.condition {
            Condition::Pending if is_repeat => self.raise(alert.id),
            // What came late is true now: staff are told again.
            Condition::Active if is_fresh_after_late => self.raise_again(alert.id),
            Condition::Pending | Condition::Active => {}
            Condition::Cleared(_) => self.raise_again(alert.id),
        }
        hearing.note(pack, rule, alert.id);
    }

    fn better(&mut self, alert: &Alert, rule: &Rule, evidence: Evidence, has_cleared: bool, event_time: DateTime<Utc>) {
        let is_repeat = is_repeat(alert, rule, event_time);
        self.change(alert.id, |alert| alert.add_evidence(evidence));
        if is_repeat {
            self.repeat_came(alert.id, Repeat::Improved);
        }
        match alert.condition {
            Condition::Pending if is_repeat => self.clear(alert.id, ClearedBecause::Improved),
            Condition::Active if has_cleared => self.clear(alert.id, ClearedBecause::Improved),
            Condition::Pending | Condition::Active | Condition::Cleared(_) => {}
        }
    }

    /// A more urgent rule speaks for this one.
    pub(super) fn give_way(&mut self, alert: &Alert, by: AlertId, evidence: Evidence) {
        self.change(alert.id, |alert| alert.add_evidence(evidence));
        if matches!(alert.repeat, Repeat::Asked { .. }) {
            self.repeat_came(alert.id, Repeat::Confirmed);
        }
        self.clear(alert.id, ClearedBecause::Superseded(by));
    }
}

/// Whether a reading is certainly newer than all that is behind an alert. Of one moment is not newer. Where one device dated
/// both by a clock that nobody compared, its own dates decide too: it may tell its memory with the newest first.
pub(super) fn is_newer(admitted: &Admitted, alert: &Alert) -> bool {
    let reading = &admitted.reading;
    let own_clock = match (reading.times.taken, reading.times.offset) {
        (TakenAt::DeviceClock(taken), ClockOffset::NotRead) => Some(taken),
        (TakenAt::DeviceClock(_), ClockOffset::ReadAtConnection { .. }) | (TakenAt::HubClock(_), _) => None,
    };
    let was_before = |evidence: &Evidence| match (own_clock, evidence.taken) {
        // What was compared stands where its device dated it.
        (Some(own), TakenAt::DeviceClock(taken)) if evidence.source == reading.source => {
            evidence.event_time == taken || taken < own
        }
        (Some(_) | None, TakenAt::DeviceClock(_) | TakenAt::HubClock(_)) => true,
    };
    alert.evidence.iter().all(|evidence| evidence.event_time < admitted.event_time() && was_before(evidence))
}

/// Whether a breach is not of the occasion somebody took: it comes so long after they did that they cannot have meant it,
/// or what they took was late news and this is true now. The repeat that is still awaited belongs to what they took.
fn needs_a_new_alert(alert: &Alert, rule: &Rule, hearing: &Hearing<'_>) -> bool {
    let Workflow::Acknowledged { at, .. } = &alert.workflow else { return false };
    let is_later = hearing.event_time > *at + rule.raise_again_after.delta();
    let is_news = alert.late && !hearing.is_too_late_for(rule);
    alert.condition == Condition::Active && (is_later || is_news) && !is_repeat(alert, rule, hearing.event_time)
}

/// Whether a reading is the repeat that was asked for: the rest was long enough.
fn is_repeat(alert: &Alert, rule: &Rule, event_time: DateTime<Utc>) -> bool {
    let Some(retest) = &rule.retest else { return false };
    let first = alert.evidence.first().map(|evidence| evidence.event_time);
    matches!(alert.repeat, Repeat::Asked { .. })
        && first.is_some_and(|first| event_time - first >= retest.after.delta())
}
