//! Alerts that no pack makes: the service's own, so that what no rule can judge is never silent.

use super::{Deciding, judge};
use crate::{
    alert::{Alert, Audience, ClearedBecause, Condition, Repeat, RuleRef, Workflow},
    event::Heard,
    finding::Evidence,
    state::Verdict,
};
use vitals::{Admitted, ErrorCode, wire::v1::Urgency};

/// The name the service's own alerts go by where a pack's stands.
const SERVICE: &str = "service";

/// A rule failed on a reading.
const NOT_JUDGED: &str = "reading-not-judged";

/// No protocol judges a person's readings.
const NOT_WATCHED: &str = "nobody-watches";

/// Why a reading may not be judged.
const REASONS: [ErrorCode; 3] =
    [ErrorCode::RulePanicked, ErrorCode::RuleBudgetExceeded, ErrorCode::RuleSettingsUnusable];

impl Alert {
    /// Why readings of a person were not judged, as the service's own alert tells it; none for any other alert.
    #[must_use]
    pub fn why_not_judged(&self) -> Option<ErrorCode> {
        let is_it = self.made_by.content_hash.is_empty() && self.made_by.rule == NOT_JUDGED;
        REASONS.into_iter().find(|reason| is_it && reason.sentence() == self.clinician_message)
    }
}

impl Deciding<'_> {
    /// A reading is stored without having been judged, and somebody hears of it.
    pub(super) fn not_judged(&mut self, admitted: &Admitted, heard: Heard, reason: ErrorCode) {
        self.judged.push((admitted.reading.id, Verdict::unevaluated(reason)));
        if heard != Heard::Again {
            self.state.unjudged = self.state.unjudged.saturating_add(1);
            self.state_changed = true;
        }
        self.raise_unevaluated(admitted, reason);
    }

    /// One reading fewer waits to be judged; with the last, the technical alert has done its work.
    pub(super) fn judged_at_last(&mut self) {
        self.state_changed |= self.state.unjudged > 0;
        self.state.unjudged = self.state.unjudged.saturating_sub(1);
        if let (0, Some(id)) = (self.state.unjudged, self.service_alert(NOT_JUDGED)) {
            self.clear(id, ClearedBecause::Judged);
        }
    }

    /// A rule failed on a reading: somebody must look at the service.
    fn raise_unevaluated(&mut self, admitted: &Admitted, reason: ErrorCode) {
        let evidence = judge::evidence(admitted, Vec::new());
        match self.service_alert(NOT_JUDGED) {
            Some(id) => self.change(id, |alert| alert.add_evidence(evidence)),
            None => {
                let alert = self.alert_of_service(NOT_JUDGED, "A reading could not be judged", reason, evidence);
                self.open(Alert { audience: Audience::Technical, ..alert });
            }
        }
    }

    /// Where no protocol judges the person's readings somebody hears of it, once; where one does again, that is over.
    pub(super) fn tell_whether_anybody_watches(&mut self, admitted: &Admitted) {
        match (self.plan.is_unwatched(), self.service_alert(NOT_WATCHED)) {
            (true, None) => {
                let evidence = judge::evidence(admitted, Vec::new());
                let alert = self.alert_of_service(
                    NOT_WATCHED,
                    "No protocol judges a person's readings",
                    ErrorCode::NoProtocol,
                    evidence,
                );
                self.open(Alert { audience: Audience::Technical, ..alert });
            }
            (false, Some(id)) => self.clear(id, ClearedBecause::Judged),
            (true, Some(_)) | (false, None) => {}
        }
    }

    /// Whether the person is in the red as far as anybody can tell.
    pub(super) fn has_red(&self) -> bool {
        self.state.alerts.iter().any(|alert| alert.is_latched() && alert.condition == Condition::Active)
    }

    /// The service's own unfinished alert of this name; a pack's rule of the same name is not it.
    fn service_alert(&self, rule: &str) -> Option<vitals::AlertId> {
        self.own_alert(|named| named == rule).map(|alert| alert.id)
    }

    /// The service's own unfinished alert, by its rule's name.
    pub(super) fn own_alert(&self, is_named: impl Fn(&str) -> bool) -> Option<&Alert> {
        let is_it = |alert: &&Alert| {
            alert.made_by.content_hash.is_empty() && is_named(&alert.made_by.rule) && !alert.is_finished()
        };
        self.state.alerts.iter().find(is_it)
    }

    /// An alert of the service: red, active and for clinicians, where its caller does not say otherwise.
    pub(super) fn alert_of_service(&self, rule: &str, title: &str, reason: ErrorCode, evidence: Evidence) -> Alert {
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
            id: self.alert_id(&[self.patient().as_str().as_bytes(), rule.as_bytes(), evidence.reading.as_bytes()]),
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
            absent: Vec::new(),
        }
    }
}
