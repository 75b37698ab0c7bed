//! Alerts that no pack makes: the service's own, so that what no rule can judge is never silent.

use super::{
    Deciding,
    judge::{self, Hearing},
};
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    finding::Evidence,
};
use chrono::TimeDelta;
use vitals::{Admitted, AlertId, ErrorCode, NoValue, Value, wire::v1::Urgency};

/// The name the service's own alerts go by where a pack's stands.
const SERVICE: &str = "service";

/// A rule failed on a reading.
const NOT_JUDGED: &str = "reading-not-judged";

/// A device said that a value is beyond what it can tell. A meter that shows "HI" or "LO" has no number for any rule to
/// judge, and the true value may be the most dangerous of all.
const BEYOND_DEVICE: &str = "value-beyond-device";

/// How long after somebody took such an alert the next one is news again.
const BEYOND_DEVICE_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// What the person is told: no number is known, so the words fit every measure.
const BEYOND_DEVICE_PROMPT: &str = "Your device could not show a number: the value is beyond what it can measure. Take it again now. If you feel unwell, call 999.";

/// What the person is told where a reading just taken has no value for another reason: nobody else needs to act.
const NO_VALUE_PROMPT: &str = "Your device could not take the measurement. Please take it again.";

/// The same as for a value beyond the device, where the reading is too old to act on.
const BEYOND_DEVICE_LATE_PROMPT: &str = "An earlier reading of yours was beyond what your device can measure. Please take it again now. If you feel very unwell, call 999.";

impl Deciding<'_> {
    /// One reading fewer waits to be judged; with the last, the technical alert has done its work.
    pub(super) fn judged_at_last(&mut self) {
        self.state.unjudged = self.state.unjudged.saturating_sub(1);
        if let (0, Some(id)) = (self.state.unjudged, self.service_alert(NOT_JUDGED)) {
            self.clear(id, ClearedBecause::Judged);
        }
    }

    /// A rule failed on a reading: somebody must look at the service.
    pub(super) fn raise_unevaluated(&mut self, admitted: &Admitted, reason: ErrorCode) {
        let evidence = judge::evidence(admitted, Vec::new());
        match self.service_alert(NOT_JUDGED) {
            Some(id) => self.change(id, |alert| alert.add_evidence(evidence)),
            None => {
                let alert = self.alert_of_service(NOT_JUDGED, "A reading could not be judged", reason, evidence);
                self.open(Alert { audience: Audience::Technical, ..alert });
            }
        }
    }

    /// A value above or below what the device can tell is told as a red; the next value of the same measure clears it.
    pub(super) fn judge_beyond_device(&mut self, hearing: &mut Hearing<'_>, late: bool) {
        let reading = &hearing.admitted.reading;
        let rule = format!("{BEYOND_DEVICE}/{}", reading.kind.name());
        let open = self.service_alert(&rule);
        let reason = match reading.value {
            Value::NotMeasured(reason @ (NoValue::PositiveInfinity | NoValue::NegativeInfinity)) => reason.code(),
            // A red instruction stands until a number says otherwise: nothing milder takes its place on a screen.
            Value::NotMeasured(_) if late || self.has_red() => return,
            Value::NotMeasured(_) => {
                hearing.say(Urgency::CheckAgain, Some(&NO_VALUE_PROMPT.to_owned()));
                return;
            }
            Value::Measured(_) => {
                let is_newer = |id: &AlertId| {
                    let evidence = self.state.alert(*id).into_iter().flat_map(|alert| &alert.evidence);
                    evidence.map(|evidence| evidence.event_time).max() <= Some(hearing.admitted.event_time())
                };
                if let Some(id) = open.filter(is_newer) {
                    self.clear(id, ClearedBecause::Improved);
                }
                return;
            }
        };
        let told = if late { BEYOND_DEVICE_LATE_PROMPT } else { BEYOND_DEVICE_PROMPT };
        let patient_told = hearing.say(Urgency::ActNow, Some(&told.to_owned()));
        let evidence = judge::evidence(hearing.admitted, Vec::new());
        let known = open.and_then(|id| self.state.alert(id)).cloned();
        let is_news = |alert: &Alert| match &alert.workflow {
            Workflow::Acknowledged { at, .. } => hearing.admitted.event_time() > *at + BEYOND_DEVICE_AGAIN_AFTER,
            Workflow::Raised | Workflow::Notified { .. } => false,
        };
        let id = match known {
            Some(alert) if !is_news(&alert) => {
                self.change(alert.id, |alert| alert.add_evidence(evidence));
                if matches!(alert.condition, Condition::Cleared(_)) {
                    self.raise_again(alert.id);
                }
                alert.id
            }
            taken_long_ago => {
                let alert = self.alert_of_service(&rule, "A value beyond what the device can tell", reason, evidence);
                let id = alert.id;
                self.open(Alert { late, patient_told, ..alert });
                if let Some(old) = taken_long_ago {
                    self.clear(old.id, ClearedBecause::Superseded(id));
                }
                id
            }
        };
        hearing.note_alert(id);
    }

    /// Whether the person is in the red as far as anybody can tell.
    fn has_red(&self) -> bool {
        self.state.alerts.iter().any(|alert| alert.is_latched() && alert.condition == Condition::Active)
    }

    /// The service's own unfinished alert of this name; a pack's rule of the same name is not it.
    fn service_alert(&self, rule: &str) -> Option<AlertId> {
        let is_it = |alert: &&Alert| {
            alert.made_by.content_hash.is_empty() && alert.made_by.rule == rule && !alert.is_finished()
        };
        self.state.alerts.iter().find(is_it).map(|alert| alert.id)
    }

    fn alert_of_service(&self, rule: &str, title: &str, reason: ErrorCode, evidence: Evidence) -> Alert {
        let made_by = RuleRef {
            pack: SERVICE.to_owned(),
            protocol: "The service itself".to_owned(),
            version: String::new(),
            // No pack has an empty hash: this is how the service's own alerts are told from a pack's.
            content_hash: String::new(),
            rule: rule.to_owned(),
            title: title.to_owned(),
        };
        Alert {
            id: AlertId::derive(&[self.patient().as_str().as_bytes(), rule.as_bytes(), evidence.reading.as_bytes()]),
            patient: self.patient().clone(),
            made_by,
            urgency: Urgency::ActNow,
            audience: Audience::Clinical,
            condition: Condition::Active,
            workflow: Workflow::Raised,
            repeat: Repeat::NotAsked,
            opened_at: self.at,
            late: false,
            occasions: 1,
            clinician_message: reason.sentence(),
            patient_told: None,
            evidence: vec![evidence],
        }
    }
}
