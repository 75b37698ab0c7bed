//! One reading through all the rules that read its measure, the most urgent first.

use super::{Deciding, arbiter::call_rank, standing::Standing};
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    event::Heard,
    finding::{Evidence, Finding},
    pack::{KnownScores, Late, Numbers, Pack, Retest, Rule, View},
    state::{Entry, RuleMemory, Verdict},
};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use vitals::{
    Admitted, AlertId, ClockOffset, TakenAt, catalogue,
    time::LATE_AFTER,
    wire::v1::{Prompt, Urgency},
};

/// A reading on its way through the rules.
pub(super) struct Hearing<'a> {
    pub(super) admitted: &'a Admitted,
    numbers: &'a Numbers,
    pub(super) event_time: DateTime<Utc>,
    /// The same in whole seconds since 1970, as lists of values count.
    pub(super) at_secs: i64,
    /// Whether nothing that is kept was taken after it: almost always so, and then no list need be looked at for each rule.
    is_newest: bool,
    /// What scores come to with it.
    known: KnownScores,
    /// What a rule remembers of it, where it is no better than the rule asks.
    remembered: RuleMemory,
    /// Whether it may settle what another opened.
    may_settle: bool,
    /// When it can be acted on: its arrival, or now where the rules failed on it then, or it was somebody else's.
    acted_on_at: DateTime<Utc>,
    /// Where its receipt has gone already, nothing more can be said to the person because of it.
    heard: Heard,
    /// The rules that held, each with its pack and the alert it opened or added to.
    held: Vec<(&'a Pack, &'a Rule, AlertId)>,
    alerts: Vec<AlertId>,
    prompts: Vec<Prompt>,
}

impl<'a> Hearing<'a> {
    /// What a rule remembers of it.
    pub(super) fn remembered(&self) -> RuleMemory {
        self.remembered
    }

    /// Whether the reading came too late for a rule that then opens nothing.
    pub(super) fn is_only_recorded_by(&self, rule: &Rule) -> bool {
        rule.late == Late::RecordOnly && self.is_too_late_for(rule)
    }

    /// Whether the reading had arrived too late to act on.
    fn is_too_late_for(&self, rule: &Rule) -> bool {
        self.admitted.is_older_than(rule.actionable_for.delta(), self.acted_on_at)
    }

    /// The alert of a rule of the same pack that held and speaks for this one.
    pub(super) fn spoken_for(&self, pack: &Pack, rule: &Rule) -> Option<AlertId> {
        let speaks = |(of, by, _): &&(&Pack, &Rule, AlertId)| of.is_same(pack) && rule.yields_to.contains(&by.id);
        self.held.iter().find(speaks).map(|(_, _, alert)| *alert)
    }

    pub(super) fn note(&mut self, pack: &'a Pack, rule: &'a Rule, alert: AlertId) {
        self.held.push((pack, rule, alert));
        if !pack.is_on_trial {
            self.note_alert(alert);
        }
    }

    /// The reading opened this alert, or added to it.
    pub(super) fn note_alert(&mut self, alert: AlertId) {
        if !self.alerts.contains(&alert) {
            self.alerts.push(alert);
        }
    }

    /// The same for a rule of a pack: where that is on trial, nobody is told.
    fn say_of(&mut self, pack: &Pack, urgency: Urgency, text: Option<&str>) -> Option<String> {
        self.say(urgency, text.filter(|_| !pack.is_on_trial))
    }

    /// Puts an instruction into the receipt; gives back what the person will read.
    pub(super) fn say(&mut self, urgency: Urgency, text: Option<&str>) -> Option<String> {
        let text = text.filter(|_| self.heard == Heard::First)?.to_owned();
        self.prompts.push(Prompt { urgency, text: text.clone() });
        Some(text)
    }

    /// One instruction at a time: the most urgent, by the same order as among several readings, the first of equals; and what is
    /// not said for it.
    fn one_prompt(self) -> (Vec<Prompt>, Vec<Prompt>) {
        let mut prompts = self.prompts;
        prompts.sort_by_key(|prompt| Reverse((prompt.urgency, call_rank(&prompt.text))));
        let unsaid = prompts.split_off(prompts.len().min(1));
        (prompts, unsaid)
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
        withdrawn: None,
    }
}

impl Deciding<'_> {
    /// Judges one reading, for the first time or again.
    pub(super) fn judge(&mut self, admitted: &Admitted, heard: Heard) {
        self.heard = heard;
        let late = admitted.is_older_than(LATE_AFTER, admitted.server_received);
        let numbers = admitted.reading.value.measured().map(catalogue::numbers).unwrap_or_default();
        let event_time = admitted.event_time();
        let mut hearing = Hearing {
            admitted,
            numbers: &numbers,
            event_time,
            at_secs: event_time.timestamp(),
            is_newest: self.state.history.is_by(event_time.timestamp()),
            known: KnownScores::default(),
            remembered: RuleMemory::new(event_time, 0),
            may_settle: admitted.reading.may_settle(),
            acted_on_at: self.acted_on_at(admitted, heard),
            heard,
            held: Vec::new(),
            alerts: Vec::new(),
            prompts: Vec::new(),
        };
        let is_late_by_now = if heard == Heard::First { late } else { admitted.is_older_than(LATE_AFTER, self.at) };
        self.judge_without_packs(&mut hearing, is_late_by_now);
        self.keep_values(&hearing);
        let plan = self.plan;
        for active in plan.packs() {
            for rule in active.rules_on(admitted.reading.kind) {
                self.judge_by(active.pack(), rule, &mut hearing);
            }
        }
        let alerts = std::mem::take(&mut hearing.alerts);
        let (prompts, unsaid) = hearing.one_prompt();
        for prompt in unsaid.iter().filter(|unsaid| prompts.iter().all(|said| said.text != unsaid.text)) {
            self.untell(&alerts, &prompt.text);
        }
        let verdict = Verdict::Evaluated { late, alerts, prompts };
        self.judged.push((admitted.reading.id, verdict));
    }

    /// Keeps what the rules in force look back on. A reading that may be of any day, or that its own device doubts, has no
    /// place among the others.
    fn keep_values(&mut self, hearing: &Hearing<'_>) {
        if !hearing.may_settle {
            return;
        }
        for need in self.plan.keeps_of(hearing.admitted.reading.kind) {
            let is_left_out = need.without.iter().any(|flag| hearing.admitted.reading.quality.has(*flag));
            if let Some(nano) = need.item.of(hearing.admitted, hearing.numbers).filter(|_| !is_left_out) {
                let entry = Entry { secs: hearing.at_secs, nano };
                self.state_changed |= self.state.history.put(need.key, entry, need.kept_secs());
            }
        }
    }

    /// What a condition is asked about: the reading, and what came before it.
    pub(super) fn view<'b>(&'b self, hearing: &'b Hearing<'_>) -> View<'b> {
        View {
            reading: Some((hearing.admitted, hearing.numbers)),
            history: &self.state.history,
            settings: self.plan.settings(),
            at: hearing.at_secs,
            known: Some(&hearing.known),
            waited: None,
        }
    }

    /// The reading as evidence, with what the rule compared. Made only for an alert to keep: most readings breach nothing.
    pub(super) fn evidence_for(&self, rule: &Rule, hearing: &Hearing<'_>) -> Evidence {
        evidence(hearing.admitted, rule.when.findings(&self.view(hearing)))
    }

    fn judge_by<'a>(&mut self, pack: &'a Pack, rule: &'a Rule, hearing: &mut Hearing<'a>) {
        if !rule.takes(hearing.admitted) {
            return;
        }
        if rule.waits {
            self.came(pack, rule, hearing);
            return;
        }
        let holds = rule.when.holds(&self.view(hearing));
        if holds.is_none() && rule.needs.is_empty() {
            return;
        }
        let place = self.state.rules.place(rule.key);
        let memory = self.state.rules.at(place);
        let (newest, this) = (memory.map(RuleMemory::newest_micros), hearing.remembered.newest_micros());
        let is_before = newest.is_some_and(|newest| this < newest);
        if hearing.may_settle
            && !rule.needs.is_empty()
            && (is_before || (!hearing.is_newest && self.newest_kept(rule) > hearing.at_secs))
        {
            self.evaluated = self.evaluated.saturating_add(1);
            let memory = memory.filter(|_| is_before).unwrap_or(hearing.remembered);
            self.judge_looking_back(pack, rule, memory, holds == Some(true), hearing);
            return;
        }
        let Some(holds) = holds else { return };
        self.evaluated = self.evaluated.saturating_add(1);
        let open = self.open_alert(pack, rule);
        let settles = hearing.may_settle
            && newest.is_none_or(|newest| newest < this)
            && open.is_none_or(|alert| is_newer(hearing.admitted, alert));
        if !holds && !settles {
            return;
        }
        let open = open.map(Standing::of);
        let clear_in_a_row = memory.map(RuleMemory::clear_in_a_row).unwrap_or_default();
        if is_before {
            if holds {
                self.breached_before(pack, rule, open, clear_in_a_row >= rule.clear.1, hearing);
            }
            return;
        }
        let clears = !holds && rule.clear.0.holds(&self.view(hearing)) == Some(true);
        let clear_in_a_row = if clears { clear_in_a_row.saturating_add(1) } else { 0 };
        let memory = hearing.remembered.with_clear_in_a_row(clear_in_a_row);
        self.state_changed |= self.state.rules.put_at(place, rule.key, memory);
        match (open, holds) {
            (Some(alert), true) => match hearing.spoken_for(pack, rule) {
                Some(by) => self.give_way(alert, by, self.evidence_for(rule, hearing)),
                None => self.breach_again(alert, pack, rule, hearing),
            },
            (None, true) if hearing.spoken_for(pack, rule).is_some() || hearing.is_only_recorded_by(rule) => {}
            (None, true) => {
                self.open_for(pack, rule, hearing);
            }
            (Some(alert), false) => {
                let has_cleared = clear_in_a_row >= rule.clear.1 && !alert.is_kept_by(rule, hearing.event_time);
                self.better(alert, rule, has_cleared, hearing);
            }
            (None, false) => {}
        }
    }

    /// A breach older than what was judged. It adds to what is open and cannot undo what a newer reading showed. A red
    /// is told all the same, in whatever order it came: over by now or not, it waits for a person. Anything less that is
    /// over by now calls nobody, and stands among what settled by itself.
    pub(super) fn breached_before<'a>(
        &mut self,
        pack: &'a Pack,
        rule: &'a Rule,
        open: Option<Standing>,
        is_over: bool,
        hearing: &mut Hearing<'a>,
    ) {
        if let Some(alert) = open.filter(|alert| is_over || !needs_a_new_alert(*alert, rule, hearing)) {
            let evidence = self.evidence_for(rule, hearing);
            self.change(alert.id, |alert| alert.add_evidence(evidence));
            hearing.note(pack, rule, alert.id);
        } else if let Some(alert) = open {
            // What somebody took was another day's, in whatever order this one came.
            self.breach_again(alert, pack, rule, hearing);
        } else if hearing.is_only_recorded_by(rule) {
            // So the pack has it.
        } else if hearing.spoken_for(pack, rule).is_some() || self.has_active_speaker(pack, rule) {
            // A more urgent rule has said what there is to say.
        } else if is_over && rule.urgency != Urgency::ActNow {
            let alert = self.alert_of(pack, rule, hearing);
            hearing.note(pack, rule, alert.id);
            self.open(Alert { condition: Condition::Cleared(ClearedBecause::Improved), ..alert });
        } else {
            let id = self.open_for(pack, rule, hearing);
            if is_over {
                if self.state.alert(id).is_some_and(|alert| matches!(alert.repeat, Repeat::Asked { .. })) {
                    self.repeat_came(id, Repeat::Improved);
                }
                self.clear(id, ClearedBecause::Improved);
            }
        }
    }

    /// Whether a rule that speaks for this one has an alert that is active.
    pub(super) fn has_active_speaker(&self, pack: &Pack, rule: &Rule) -> bool {
        self.state.alerts.iter().any(|alert| {
            alert.condition == Condition::Active && pack.made(alert) && rule.yields_to.contains(&alert.made_by.rule)
        })
    }

    pub(super) fn open_alert(&self, pack: &Pack, rule: &Rule) -> Option<&Alert> {
        let is_it = |alert: &&Alert| alert.made_by.rule == rule.id && pack.made(alert) && !alert.is_finished();
        self.state.alerts.iter().find(is_it)
    }

    /// The id of an alert that the reading being heard opens. One that is assigned may have opened one before, for this very
    /// person: that one stays as it is.
    pub(super) fn alert_id(&self, parts: &[&[u8]]) -> AlertId {
        let at = self.at.timestamp_micros().to_be_bytes();
        let assigned: [&[u8]; 2] = [b"assigned", &at];
        match self.heard {
            Heard::First | Heard::Again => AlertId::derive(parts),
            Heard::Assigned => AlertId::derive(&[parts, &assigned].concat()),
        }
    }

    /// An alert of a rule, opened by the reading being heard: active, and nobody told of anything yet.
    fn alert_of(&self, pack: &Pack, rule: &Rule, hearing: &Hearing<'_>) -> Alert {
        let id = [
            self.patient().as_str().as_bytes(),
            pack.content_hash.as_bytes(),
            rule.id.as_bytes(),
            hearing.admitted.reading.id.as_bytes(),
            b"on trial",
        ];
        // What is on trial may be put in force, and then be asked about the same reading.
        let (not_on_trial, _) = id.split_at(4);
        let id = self.alert_id(if pack.is_on_trial { &id } else { not_on_trial });
        Alert {
            id,
            patient: self.patient().clone(),
            made_by: made_by(pack, rule),
            urgency: rule.urgency,
            audience: audience(pack),
            condition: Condition::Active,
            workflow: Workflow::Raised,
            repeat: Repeat::NotAsked,
            opened_at: self.at,
            late: hearing.is_too_late_for(rule) && rule.late != Late::Alert,
            occasions: 1,
            clinician_message: rule.clinician_message.clone(),
            patient_told: None,
            evidence: vec![self.evidence_for(rule, hearing)],
            absent: Vec::new(),
        }
    }

    pub(super) fn open_for<'a>(&mut self, pack: &'a Pack, rule: &'a Rule, hearing: &mut Hearing<'a>) -> AlertId {
        let alert = self.alert_of(pack, rule, hearing);
        // A red never waits. An amber waits for its repeat, unless it came too late for one to mean anything.
        let is_late = hearing.is_too_late_for(rule);
        let retest = rule.retest.as_ref().filter(|_| !is_late);
        let waits = rule.urgency != Urgency::ActNow && retest.is_some();
        let told = match (is_late, retest) {
            (true, _) => rule.late_patient_message.as_deref(),
            (false, Some(Retest { prompt: Some(prompt), .. })) if waits => Some(prompt.as_str()),
            (false, _) => rule.patient_message.as_deref(),
        };
        let id = alert.id;
        let condition = if waits { Condition::Pending } else { Condition::Active };
        self.open(Alert { condition, patient_told: hearing.say_of(pack, rule.urgency, told), ..alert });
        if let Some(retest) = retest {
            self.await_repeat(id, self.at + retest.within.delta());
        }
        hearing.note(pack, rule, id);
        id
    }

    fn breach_again<'a>(&mut self, alert: Standing, pack: &'a Pack, rule: &'a Rule, hearing: &mut Hearing<'a>) {
        if needs_a_new_alert(alert, rule, hearing) {
            // What somebody took was another day's; this one must be seen too.
            let new = self.open_for(pack, rule, hearing);
            self.clear(alert.id, ClearedBecause::Superseded(new));
            return;
        }
        let is_repeat = alert.is_repeated_by(rule, hearing.event_time);
        let is_fresh_after_late = alert.late && !hearing.is_too_late_for(rule);
        let told = match (alert.condition, is_repeat) {
            _ if hearing.is_too_late_for(rule) => rule.late_patient_message.as_deref(),
            (Condition::Pending, false) => rule.retest.as_ref().and_then(|retest| retest.prompt.as_deref()),
            _ => rule.patient_message.as_deref(),
        };
        let told = hearing.say_of(pack, rule.urgency, told);
        let evidence = self.evidence_for(rule, hearing);
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

    fn better(&mut self, alert: Standing, rule: &Rule, has_cleared: bool, hearing: &Hearing<'_>) {
        let is_repeat = alert.is_repeated_by(rule, hearing.event_time);
        let evidence = self.evidence_for(rule, hearing);
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
    pub(super) fn give_way(&mut self, alert: Standing, by: AlertId, evidence: Evidence) {
        self.change(alert.id, |alert| alert.add_evidence(evidence));
        if alert.awaits_repeat() {
            self.repeat_came(alert.id, Repeat::Confirmed);
        }
        self.clear(alert.id, ClearedBecause::Superseded(by));
    }
}

/// The rule as its alerts name it.
pub(super) fn made_by(pack: &Pack, rule: &Rule) -> RuleRef {
    RuleRef {
        pack: pack.id.clone(),
        protocol: pack.title.clone(),
        version: pack.version.clone(),
        content_hash: pack.content_hash.clone(),
        rule: rule.id.clone(),
        title: rule.title.clone(),
    }
}

/// Whom the alerts of a pack are for: of one on trial, nobody.
pub(super) fn audience(pack: &Pack) -> Audience {
    if pack.is_on_trial { Audience::Nobody } else { pack.audience }
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
    let mut counting = alert.evidence.iter().filter(|evidence| evidence.counts());
    counting.all(|evidence| evidence.event_time < admitted.event_time() && was_before(evidence))
}

/// Whether a breach is not of the occasion somebody took: it comes so long after they did that they cannot have meant it,
/// or what they took was late news and this is true now. The repeat that is still awaited belongs to what they took.
fn needs_a_new_alert(alert: Standing, rule: &Rule, hearing: &Hearing<'_>) -> bool {
    let is_later = alert.was_taken_before(hearing.event_time, rule.raise_again_after.delta());
    let is_news = alert.is_taken() && alert.late && !hearing.is_too_late_for(rule);
    alert.condition == Condition::Active && (is_later || is_news) && !alert.is_repeated_by(rule, hearing.event_time)
}
