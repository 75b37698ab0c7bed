//! The worklist page: what the store holds, as `look` shows it. Sorted here, judged nowhere.

use crate::{
    access::Access,
    http::{Shared, staff},
    store::{ReadError, StoredDamage, StoredReading, Subject},
};
use chrono::{DateTime, TimeDelta, Utc};
use look::{AlertRow, Away, EquipmentRow, EvidenceRow, Person, ReadingRow, RuleSource, Whose, WorklistPage};
use register::{Item, ItemRef, Status};
use rules::{Alert, Condition, Evidence, Finding, Workflow};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};
use vitals::{ErrorCode, Flag, PatientId, Who, catalogue, wire::v1::Urgency};

/// Most readings listed: what fits two screens.
const READINGS_MAX: usize = 30;

/// Most refusals listed.
const REFUSALS_MAX: usize = 30;

/// Most damaged records told of: whoever has more must restore a backup, and the log says so.
const DAMAGED_MAX: usize = 1000;

type People = BTreeMap<PatientId, rules::Person>;

/// The page for whoever is signed in.
pub(super) async fn render(access: &Access, shared: &Shared) -> Result<String, ErrorCode> {
    let signed_in_as = access.actor().map(|actor| actor.name.to_string()).ok_or(ErrorCode::NotAllowed)?;
    let unreadable = |error: ReadError| crate::http::Refusal::from(error).code();
    let store = &shared.store;
    let mut alerts = store.alerts(access, crate::http::ALERTS_MAX).await.map_err(unreadable)?;
    alerts.sort_by_key(|alert| (Reverse(alert.urgency), alert.opened_at, alert.id));
    let now = shared.clock.now();
    alerts.retain(|alert| !is_over(alert, now));
    let (settled, open): (Vec<Alert>, Vec<Alert>) = alerts.into_iter().partition(has_settled);
    let mut readings = store.readings(access, READINGS_MAX).await.map_err(unreadable)?;
    // What no longer counts for a person is no value of theirs; the alerts that showed it say so.
    readings.retain(|stored| stored.withdrawn.is_none());
    let unassigned = store.unassigned(access, READINGS_MAX).await.map_err(unreadable)?;
    let refusals = store.refusals(access, REFUSALS_MAX).await.map_err(unreadable)?;
    let damaged = store.damaged(access, DAMAGED_MAX).await.map_err(unreadable)?;
    let measured = readings.iter().filter_map(|stored| match &stored.reading.who {
        Who::Patient(patient) => Some(patient),
        Who::Unassigned(_) => None,
    });
    let shown = settled.iter().chain(&open).map(|alert| &alert.patient).chain(measured);
    let harmed = damaged.iter().filter_map(|damage| match &damage.whose {
        Subject::Patient(patient) => Some(patient),
        Subject::Unassigned(_) | Subject::Service => None,
    });
    let people = people(access, shared, shown.chain(harmed).collect()).await.map_err(unreadable)?;
    let page = WorklistPage {
        service_name: shared.pages.service_name.clone(),
        banner: shared.pages.banner.clone(),
        signed_in_as,
        can_sign_out: shared.accounts.is_some(),
        service_hours: shared.pages.service_hours.clone(),
        notice: None,
        alerts: open.iter().map(|alert| alert_row(alert, &people)).collect(),
        settled: settled.iter().map(|alert| alert_row(alert, &people)).collect(),
        equipment: damage_rows(&damaged, &people).into_iter().chain(refusals.iter().map(equipment_row)).collect(),
        unassigned: unassigned.iter().map(|reading| reading_row(reading, &people)).collect(),
        recent: readings.iter().map(|reading| reading_row(reading, &people)).collect(),
        csrf: staff::form_token(shared, access),
        now,
    };
    page.html().map_err(|error| {
        tracing::error!(error = %error, "Could not render the worklist.");
        ErrorCode::Internal
    })
}

/// The people who are on the page, and nobody else of the caseload: each look stands in somebody's record.
async fn people(access: &Access, shared: &Shared, shown: BTreeSet<&PatientId>) -> Result<People, ReadError> {
    let mut people = People::new();
    for patient in shown {
        let kept = shared.store.item(access, &ItemRef::Patient(patient.clone())).await?;
        if let Some(Item::Patient(person)) = kept.map(|kept| kept.item) {
            people.insert(person.id.clone(), *person);
        }
    }
    Ok(people)
}

/// Cleared before any person took it, and not one that a person must close.
fn has_settled(alert: &Alert) -> bool {
    matches!(alert.condition, Condition::Cleared(_))
        && !alert.is_waiting()
        && !matches!(alert.workflow, Workflow::Acknowledged { .. })
}

/// How long an alert that somebody took, and whose reason has gone, stays on the list.
const OVER_AFTER: TimeDelta = TimeDelta::hours(24);

/// Taken, cleared, and a day old: it is in the record, not on the list.
fn is_over(alert: &Alert, now: DateTime<Utc>) -> bool {
    match &alert.workflow {
        Workflow::Acknowledged { at, .. } => matches!(alert.condition, Condition::Cleared(_)) && now - *at > OVER_AFTER,
        Workflow::Raised | Workflow::Notified { .. } => false,
    }
}

fn person(patient: &PatientId, people: &People) -> Person {
    match people.get(patient) {
        Some(person) => Person { name: person.name.to_string(), nhs_number: Some(person.nhs_number) },
        // A reading can come before the person is registered: the id is shown, never a guess.
        None => Person { name: patient.to_string(), nhs_number: None },
    }
}

fn away(status: Status) -> Option<Away> {
    match status {
        Status::Active => None,
        Status::Admitted(on) => Some(Away::Admitted(on)),
        Status::Moved(on) => Some(Away::Moved(on)),
        Status::Deceased(on) => Some(Away::Deceased(on)),
    }
}

fn alert_row(alert: &Alert, people: &People) -> AlertRow {
    // Value and times are those of one reading: the latest that was as bad. An alert without evidence cannot be made;
    // should one be read, its own opening stands in.
    let shown = shown(alert);
    let acknowledged = match &alert.workflow {
        Workflow::Acknowledged { by, at, note } => {
            Some(look::Acknowledged { by: by.name.to_string(), at: *at, note: note.as_ref().map(ToString::to_string) })
        }
        Workflow::Raised | Workflow::Notified { .. } => None,
    };
    AlertRow {
        id: alert.id,
        urgency: match alert.urgency {
            Urgency::ActNow => look::Urgency::ActNow,
            Urgency::CheckAgain => look::Urgency::CheckAgain,
            Urgency::AsPlanned => look::Urgency::AsPlanned,
        },
        person: person(&alert.patient, people),
        away: people.get(&alert.patient).and_then(|person| away(person.status)),
        why: why(alert),
        told: alert.patient_told.clone(),
        raised_at: alert.opened_at,
        taken_at: shown.map_or(alert.opened_at, |evidence| evidence.taken.moment()),
        reached_at: shown.map_or(alert.opened_at, |evidence| evidence.received_at),
        late: alert.late,
        condition: match alert.condition {
            Condition::Pending => look::Condition::Pending,
            Condition::Active => look::Condition::Active,
            Condition::Cleared(_) => look::Condition::Cleared,
        },
        workflow: match alert.workflow {
            Workflow::Raised => look::Workflow::Raised,
            Workflow::Notified { .. } => look::Workflow::Notified,
            Workflow::Acknowledged { .. } => look::Workflow::Acknowledged,
        },
        evidence: alert.evidence.iter().rev().map(evidence_row).collect(),
        rule: RuleSource {
            rule: alert.made_by.title.clone(),
            protocol: alert.made_by.protocol.clone(),
            version: alert.made_by.version.clone(),
        },
        acknowledged,
        settled_at: has_settled(alert).then(|| alert.evidence.last().map(|evidence| evidence.received_at)).flatten(),
        can_acknowledge: alert.is_waiting(),
    }
}

fn evidence_row(evidence: &Evidence) -> EvidenceRow {
    EvidenceRow {
        kind: evidence.kind,
        value: evidence.value.clone(),
        taken: evidence.taken,
        device: device(evidence.source.as_str()),
    }
}

/// The latest reading that counts and in which a comparison held; where none did, the latest that no longer counts, and else the
/// first.
fn shown(alert: &Alert) -> Option<&Evidence> {
    let held = |evidence: &&Evidence| evidence.findings.iter().any(|finding| finding.held);
    let counts = |evidence: &&Evidence| evidence.counts() && held(evidence);
    let latest = || alert.evidence.iter().rev();
    latest().find(counts).or_else(|| latest().find(held)).or(alert.evidence.first())
}

/// The comparisons that held in the reading shown, as a sentence, and what came of the repeat.
fn why(alert: &Alert) -> String {
    let Some(evidence) = shown(alert).filter(|evidence| evidence.findings.iter().any(|finding| finding.held)) else {
        return alert.clinician_message.clone();
    };
    let findings: Vec<String> = evidence.findings.iter().filter(|finding| finding.held).map(finding_words).collect();
    let value = look::words::value(&evidence.value);
    let withdrawn = match evidence.withdrawn {
        None => "",
        Some(rules::Because::EnteredInError) => " Entered in error.",
        Some(rules::Because::AnotherPersons) => " The reading is another person's.",
    };
    let sentence = format!("{} {value}: {}.{withdrawn}", look::words::kind(evidence.kind), findings.join(", "));
    let repeat = match alert.repeat {
        rules::Repeat::NotAsked => "",
        rules::Repeat::Asked { .. } => " A repeat was asked for.",
        rules::Repeat::Confirmed => " The repeat was as high.",
        rules::Repeat::Improved => " The repeat was better.",
        rules::Repeat::NotDone => " The repeat was not done.",
    };
    format!("{sentence}{repeat}")
}

fn finding_words(finding: &Finding) -> String {
    let (name, unit) = catalogue::component(&finding.component).map_or_else(
        || (finding.component.as_str(), finding.value.unit().plain()),
        |component| (component.plain.as_str(), component.unit_plain()),
    );
    format!("{name} is {} {}{unit}", finding.comparison.words(), finding.bound)
}

fn reading_row(stored: &StoredReading, people: &People) -> ReadingRow {
    let reading = &stored.reading;
    ReadingRow {
        whose: match &reading.who {
            Who::Patient(patient) => Whose::Person(person(patient, people)),
            Who::Unassigned(why) => Whose::Nobody(*why),
        },
        kind: reading.kind,
        value: reading.value.clone(),
        taken: reading.times.taken,
        reached_at: stored.server_received,
        late: reading.quality.has(Flag::ArrivedLate),
        quality: reading.quality.clone(),
        device: device(reading.source.as_str()),
    }
}

/// The device's maker and serial number, or the hub's port, as people would say them.
fn device(source: &str) -> String {
    source.split('/').skip(1).map(|part| part.replace("%2F", "/")).collect::<Vec<_>>().join(", ")
}

/// Whose records are damaged, and what is done about it: lists of their readings are shorter than they should be.
fn damage_rows(damaged: &[StoredDamage], people: &People) -> Vec<EquipmentRow> {
    // Once all is sent again, the lists are whole.
    let still = damaged.iter().filter(|damage| damage.readings_missing != Some(0));
    let mut of_each: BTreeMap<&Subject, Vec<&StoredDamage>> = BTreeMap::new();
    for damage in still {
        of_each.entry(&damage.whose).or_default().push(damage);
    }
    let row = |(whose, damages): (&Subject, Vec<&StoredDamage>)| {
        let name = match whose {
            Subject::Patient(patient) => person(patient, people).name,
            Subject::Unassigned(hub) => hub.to_string(),
            Subject::Service => "the service".to_owned(),
        };
        let what = match damages.len() {
            1 => format!("1 record of {name} is damaged. We have asked the hub to send it again."),
            more => format!("{more} records of {name} are damaged. We have asked the hub to send them again."),
        };
        let since = damages.iter().map(|damage| damage.at).min().unwrap_or_default();
        let advice =
            "Readings may be missing from the lists until then. Measure again if one is needed now.".to_owned();
        EquipmentRow { name, place: None, what, since, advice: Some(advice) }
    };
    of_each.into_iter().map(row).collect()
}

fn equipment_row(refusal: &crate::store::StoredRefusal) -> EquipmentRow {
    let meaning = refusal.code.meaning();
    EquipmentRow {
        name: refusal.hub.to_string(),
        place: None,
        what: format!("{} {}", meaning.happened, meaning.means),
        since: refusal.at,
        advice: Some(meaning.advice.to_owned()),
    }
}
