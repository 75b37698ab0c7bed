//! What to say when an alert is handed to another clinician: situation, background, assessment, recommendation, decision.
//!
//! Invariants: a pure function of the alert and what is recorded of the person; every figure in it is one that was compared,
//! or its own value as kept; it names nobody, promises no response time, and never says that somebody is well. SBARD as the
//! NHS teaches it (soft signs and SBARD alone are what homes without devices use: swahsn.com). The words are ours.

use crate::{
    alert::Alert,
    finding::{Evidence, Finding},
};
use std::{collections::BTreeSet, fmt};
use vitals::{Decimal, Unit, wire::v1::Urgency};

/// Most lines of an assessment: what can be said on the telephone.
pub const LINES_MAX: usize = 12;

/// What is recorded of the person and belongs into every hand-over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Their usual NEWS2, recorded when well.
    pub usual_news2: Option<Decimal>,
    /// Whether a treatment escalation plan is recorded, which may say otherwise than 999.
    pub has_escalation_plan: bool,
}

/// What to say, part by part.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    /// Why somebody calls.
    pub situation: String,
    /// What was known before.
    pub background: String,
    /// What was measured and said, a line for each.
    pub assessment: Vec<String>,
    /// What is asked for.
    pub recommendation: String,
    /// What must be agreed, and written down.
    pub decision: String,
}

/// Debug shows how long it is, not what it says.
impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handover({} lines)", self.assessment.len())
    }
}

/// As it is read out.
impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Situation: {}", self.situation)?;
        writeln!(f, "Background: {}", self.background)?;
        writeln!(f, "Assessment: {}", self.assessment.join("; "))?;
        writeln!(f, "Recommendation: {}", self.recommendation)?;
        write!(f, "Decision: {}", self.decision)
    }
}

/// What to say about an alert.
///
/// ```
/// # use rules::handover::{Handover, Recorded, handover};
/// # fn about(alert: &rules::Alert) {
/// let said: Handover = handover(alert, &Recorded { usual_news2: None, has_escalation_plan: true });
/// assert!(said.background.contains("plan"));
/// # }
/// ```
#[must_use]
pub fn handover(alert: &Alert, recorded: &Recorded) -> Handover {
    let newest = alert.evidence.iter().filter(|evidence| evidence.counts()).max_by_key(|evidence| evidence.event_time);
    Handover {
        situation: situation(alert, newest),
        background: background(alert, recorded),
        assessment: assessment(alert, newest),
        recommendation: recommendation(alert.urgency, recorded).to_owned(),
        decision: "Say back what was agreed. Write down who agreed to it, what happens if the person gets worse, and when they are looked at again.".to_owned(),
    }
}

fn situation(alert: &Alert, newest: Option<&Evidence>) -> String {
    let about = format!("I am calling about a person in our care. {}", alert.clinician_message);
    match newest.map(|newest| (alert.opened_at - newest.event_time).num_minutes()) {
        None if alert.evidence.is_empty() => format!("{about} No reading came: nothing newer is known."),
        None => format!("{about} The readings behind it no longer count."),
        Some(minutes) if alert.late => format!("{about} The reading was {minutes} minutes old when it came."),
        Some(_) => about,
    }
}

fn background(alert: &Alert, recorded: &Recorded) -> String {
    let mut said =
        vec![format!("Found by the protocol {}, version {}.", alert.made_by.protocol, alert.made_by.version)];
    if alert.occasions > 1 {
        said.push(format!("It has come back {} times.", alert.occasions - 1));
    }
    if let Some(usual) = recorded.usual_news2 {
        said.push(format!("The usual NEWS2, recorded when well, is {usual}."));
    }
    said.push(if recorded.has_escalation_plan {
        "An escalation plan is recorded: have it in hand.".to_owned()
    } else {
        "No escalation plan is recorded with us.".to_owned()
    });
    if let Some(told) = &alert.patient_told {
        said.push(format!("The person was told: \"{told}\""));
    }
    said.join(" ")
}

/// What was compared with the newest reading, what held first; without a reading, what was missing.
fn assessment(alert: &Alert, newest: Option<&Evidence>) -> Vec<String> {
    let mut findings: Vec<&Finding> = newest.map_or(&alert.absent, |newest| &newest.findings).iter().collect();
    findings.sort_by_key(|finding| !finding.held);
    let mut seen = BTreeSet::new();
    let lines = findings.into_iter().map(in_words).filter(|line| seen.insert(line.clone()));
    lines.take(LINES_MAX).collect()
}

/// One comparison in words.
fn in_words(finding: &Finding) -> String {
    let Finding { component, value, comparison, bound, held, .. } = finding;
    let what = component.replace("answer:", "").replace('_', " ");
    match (value.unit(), held) {
        // A word that was asked for.
        (Unit::Points, true) if what.contains(" is ") => what,
        (Unit::Points, false) if what.contains(" is ") => format!("not so: {what}"),
        (Unit::Points, _) => format!("{what}: {}", value.value()),
        (_, true) => format!("{what} {value}, {} {bound}", comparison.words()),
        (_, false) => format!("{what} {value}"),
    }
}

fn recommendation(urgency: Urgency, recorded: &Recorded) -> &'static str {
    match (urgency, recorded.has_escalation_plan) {
        (Urgency::ActNow, false) => {
            "This person needs emergency assessment. If 999 has not been called, it is called now."
        }
        (Urgency::ActNow, true) => {
            "This person needs emergency assessment, as far as the escalation plan allows. If it allows 999 and nobody has called, it is called now."
        }
        (Urgency::CheckAgain, _) => {
            "Please assess this person, and say how soon. If they get worse before, we call 999 unless a plan says otherwise."
        }
        (Urgency::AsPlanned, _) => {
            "Please say what should change at the next contact, and what we look out for until then."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Event, PatientState, Plan, decide,
        pack::{ActivePack, Given, Pack, SHIPPED, Unsure, reading},
    };
    use chrono::{DateTime, TimeDelta};
    use vitals::PatientId;

    /// The alerts of NEWS2 after these parts, a minute apart.
    fn alerts(parts: &[(&str, Given)]) -> Vec<Alert> {
        let text = SHIPPED.into_iter().find(|text| text.contains("id = \"news2\"")).unwrap();
        let pack = Pack::read(&text.replace("draft = true\n", "")).unwrap();
        let people = [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")]
            .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"))
            .concat();
        let (version, hash) = (&pack.version, &pack.content_hash);
        let signed = format!(
            "pack = \"news2\"\nversion = \"{version}\"\ncontent_hash = \"{hash}\"\nstatus = \"approved\"\n{people}[confirmed]\nspo2_scale = \"1\"\n"
        );
        let plan = Plan::new(vec![ActivePack::new(pack, &signed).unwrap()], Vec::new()).unwrap();
        let mut state = PatientState::new(PatientId::parse("pt-test").unwrap());
        for (minute, (name, said)) in (0..).zip(parts) {
            let at = TimeDelta::minutes(minute);
            let given = [((*name).to_owned(), said.clone())];
            let admitted = reading(&state.patient, at, &given, Unsure::default()).unwrap();
            let events = [Event::Reading(Box::new(admitted))];
            state = decide(&plan, &state, &events, DateTime::UNIX_EPOCH + at).state;
        }
        state.alerts
    }

    fn number(number: u16) -> Given {
        Given::Number(number.into())
    }

    fn of(alerts: &[Alert], rule: &str) -> Handover {
        let alert = alerts.iter().find(|alert| alert.made_by.rule == rule).unwrap();
        handover(alert, &Recorded { usual_news2: Some(2.into()), has_escalation_plan: true })
    }

    #[test]
    fn an_emergency_is_handed_over_with_what_is_known_and_how_much_is_not() {
        let parts = [("respiratory_rate", number(25)), ("oxygen", Given::Word("oxygen".into())), ("spo2", number(92))];
        let said = of(&alerts(&parts), "news2-emergency");
        assert!(said.situation.contains("NEWS2 of 7 or more"), "{said}");
        assert!(
            said.background.contains("usual NEWS2, recorded when well, is 2") && said.background.contains("plan"),
            "{said}"
        );
        assert_eq!(said.assessment.first().map(String::as_str), Some("NEWS2: 3 of 7 known, 7 to 19: 7"), "{said}");
        assert!(said.assessment.iter().any(|line| line == "NEWS2, part breathing rate: 3"), "{said}");
        assert!(said.recommendation.contains("as far as the escalation plan allows"), "{said}");
        assert!(said.decision.contains("when they are looked at again"), "{said}");
    }

    #[test]
    fn a_soft_sign_is_handed_over_in_its_own_words() {
        let said = of(&alerts(&[("answer:worried", Given::Word("yes".into()))]), "soft-signs");
        assert!(said.situation.contains("somebody who knows the person is worried"), "{said}");
        assert!(said.assessment.iter().any(|line| line == "Soft signs, part somebody is worried"), "{said}");
        assert!(said.recommendation.starts_with("Please assess"), "{said}");
    }

    /// Nothing in it but what the alert holds; nobody is named, and no time is promised.
    #[test]
    fn it_names_nobody_and_promises_no_time() {
        for alert in alerts(&[("pulse", number(131)), ("spo2", number(90)), ("respiratory_rate", number(30))]) {
            let said = handover(&alert, &Recorded::default()).to_string();
            assert!(!said.contains(alert.patient.as_str()), "{said}");
            for promise in ["minutes", "within the hour", "you are fine", "RESTORE2"] {
                assert!(!said.contains(promise) || alert.clinician_message.contains(promise), "{promise}: {said}");
            }
        }
    }

    #[test]
    fn a_reading_that_no_longer_counts_is_not_handed_over() {
        let mut alerts = alerts(&[("answer:worried", Given::Word("yes".into()))]);
        let alert = &mut alerts[0];
        assert!(!handover(alert, &Recorded::default()).assessment.is_empty());
        let reading = alert.evidence[0].reading;
        assert!(alert.withdraw(reading, crate::Because::EnteredInError));
        assert_eq!(handover(alert, &Recorded::default()).assessment, Vec::<String>::new());
    }
}
