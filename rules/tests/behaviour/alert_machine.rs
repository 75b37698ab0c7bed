//! The alert's two machines as one table: every condition by every workflow by every urgency, and what comes of a person
//! taking it and of a channel accepting its notification. A row that is not listed is a hole in the machine: the test
//! counts them.

use chrono::{DateTime, TimeDelta, Utc};
use rules::{Actor, Alert, Audience, ClearedBecause, Condition, Refused, Repeat, RuleRef, Workflow};
use vitals::{AlertId, PatientId, bounded::Text, id::StaffId, wire::v1::Urgency};

fn moment(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

fn actor(name: &str) -> Actor {
    Actor { id: StaffId::parse(&format!("st-{name}")).unwrap(), name: Text::new(name).unwrap() }
}

fn condition(name: &str) -> Condition {
    match name {
        "pending" => Condition::Pending,
        "active" => Condition::Active,
        "improved" => Condition::Cleared(ClearedBecause::Improved),
        "superseded" => Condition::Cleared(ClearedBecause::Superseded(AlertId::derive(&[b"the red"]))),
        "judged" => Condition::Cleared(ClearedBecause::Judged),
        other => panic!("no such condition: {other}"),
    }
}

fn workflow(name: &str) -> Workflow {
    match name {
        "raised" => Workflow::Raised,
        "notified" => Workflow::Notified { at: moment(1) },
        "taken" => Workflow::Acknowledged { by: actor("ada"), at: moment(2), note: None },
        other => panic!("no such workflow: {other}"),
    }
}

fn urgency(name: &str) -> (Urgency, Audience) {
    match name {
        "green" => (Urgency::AsPlanned, Audience::Clinical),
        "amber" => (Urgency::CheckAgain, Audience::Clinical),
        "red" => (Urgency::ActNow, Audience::Clinical),
        // The service's own: urgent, but a person need not close what has mended itself.
        "technical" => (Urgency::ActNow, Audience::Technical),
        other => panic!("no such urgency: {other}"),
    }
}

fn alert(row: &str) -> Alert {
    let mut words = row.split_whitespace();
    let mut next = || words.next().unwrap();
    let (condition, workflow, (urgency, audience)) = (condition(next()), workflow(next()), urgency(next()));
    Alert {
        id: AlertId::derive(&[b"test"]),
        patient: PatientId::parse("pt-1").unwrap(),
        made_by: RuleRef {
            pack: "p".into(),
            protocol: "P".into(),
            title: "R".into(),
            version: "1.0.0".into(),
            content_hash: "00".into(),
            rule: "r".into(),
        },
        urgency,
        audience,
        condition,
        workflow,
        repeat: Repeat::NotAsked,
        opened_at: moment(0),
        late: false,
        occasions: 1,
        clinician_message: String::new(),
        patient_told: None,
        evidence: vec![],
        absent: vec![],
    }
}

/// condition workflow urgency | a person takes it | a channel accepts it | does it wait for a person, is it over
const TABLE: &str = "
    pending    raised   green     | not raised    | notified | settles
    pending    raised   amber     | not raised    | notified | settles
    pending    raised   red       | not raised    | notified | settles
    pending    raised   technical | not raised    | notified | settles
    pending    notified green     | not raised    | same     | settles
    pending    notified amber     | not raised    | same     | settles
    pending    notified red       | not raised    | same     | settles
    pending    notified technical | not raised    | same     | settles
    pending    taken    green     | ada was first | same     | settles
    pending    taken    amber     | ada was first | same     | settles
    pending    taken    red       | ada was first | same     | settles
    pending    taken    technical | ada was first | same     | settles

    active     raised   green     | taken         | notified | waits
    active     raised   amber     | taken         | notified | waits
    active     raised   red       | taken         | notified | waits
    active     raised   technical | taken         | notified | waits
    active     notified green     | taken         | same     | waits
    active     notified amber     | taken         | same     | waits
    active     notified red       | taken         | same     | waits
    active     notified technical | taken         | same     | waits
    active     taken    green     | ada was first | same     | settles
    active     taken    amber     | ada was first | same     | settles
    active     taken    red       | ada was first | same     | settles
    active     taken    technical | ada was first | same     | settles

    improved   raised   green     | not raised    | notified | over
    improved   raised   amber     | not raised    | notified | over
    improved   raised   red       | taken         | notified | waits
    improved   raised   technical | not raised    | notified | over
    improved   notified green     | not raised    | same     | over
    improved   notified amber     | not raised    | same     | over
    improved   notified red       | taken         | same     | waits
    improved   notified technical | not raised    | same     | over
    improved   taken    green     | ada was first | same     | over
    improved   taken    amber     | ada was first | same     | over
    improved   taken    red       | ada was first | same     | over
    improved   taken    technical | ada was first | same     | over

    superseded raised   green     | not raised    | notified | over
    superseded raised   amber     | not raised    | notified | over
    superseded raised   red       | taken         | notified | waits
    superseded raised   technical | not raised    | notified | over
    superseded notified green     | not raised    | same     | over
    superseded notified amber     | not raised    | same     | over
    superseded notified red       | taken         | same     | waits
    superseded notified technical | not raised    | same     | over
    superseded taken    green     | ada was first | same     | over
    superseded taken    amber     | ada was first | same     | over
    superseded taken    red       | ada was first | same     | over
    superseded taken    technical | ada was first | same     | over

    judged     raised   green     | not raised    | notified | over
    judged     raised   amber     | not raised    | notified | over
    judged     raised   red       | taken         | notified | waits
    judged     raised   technical | not raised    | notified | over
    judged     notified green     | not raised    | same     | over
    judged     notified amber     | not raised    | same     | over
    judged     notified red       | taken         | same     | waits
    judged     notified technical | not raised    | same     | over
    judged     taken    green     | ada was first | same     | over
    judged     taken    amber     | ada was first | same     | over
    judged     taken    red       | ada was first | same     | over
    judged     taken    technical | ada was first | same     | over
";

/// What comes of a person taking it; everything but the workflow stays as it was.
fn take(alert: &Alert) -> &'static str {
    match alert.clone().acknowledge(actor("grace"), Some(Text::new("rang her").unwrap()), moment(9)) {
        Ok(taken) => {
            let by_grace = Workflow::Acknowledged {
                by: actor("grace"),
                at: moment(9),
                note: Some(Text::new("rang her").unwrap()),
            };
            assert_eq!(taken, Alert { workflow: by_grace, ..alert.clone() });
            assert!(!taken.is_waiting(), "what was taken waits for nobody");
            "taken"
        }
        Err(Refused::NotRaised) => "not raised",
        Err(Refused::AlreadyAcknowledged { by, at }) => {
            assert_eq!((by, at), (actor("ada"), moment(2)));
            "ada was first"
        }
        Err(Refused::NotOpen) => "not open",
        Err(Refused::NotCounted | Refused::NotInError | Refused::SettingsUnusable) => "not about an alert",
    }
}

/// What comes of a channel accepting it, twice: the second changes nothing.
fn notify(alert: &Alert) -> &'static str {
    let mut told = alert.clone();
    told.notified(moment(9));
    let once = told.clone();
    told.notified(moment(10));
    assert_eq!(told, once);
    if told == *alert {
        return "same";
    }
    assert_eq!(told, Alert { workflow: Workflow::Notified { at: moment(9) }, ..alert.clone() });
    "notified"
}

fn stands(alert: &Alert) -> &'static str {
    match (alert.is_waiting(), alert.is_finished()) {
        (true, false) => "waits",
        (false, true) => "over",
        (false, false) => "settles",
        (true, true) => panic!("over, and yet it waits for a person: {alert:?}"),
    }
}

#[test]
fn every_condition_by_workflow_by_urgency_has_its_answer() {
    let rows: Vec<&str> = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 5 * 3 * 4, "every combination once");
    let mut seen = std::collections::BTreeSet::new();
    for row in rows {
        let cells: Vec<String> =
            row.split('|').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(seen.insert(cells[0].clone()), "{row} is there twice");
        let alert = alert(&cells[0]);
        assert_eq!(
            [take(&alert), notify(&alert), stands(&alert)],
            [&cells[1], &cells[2], &cells[3]].map(String::as_str),
            "{row}"
        );
    }
}
