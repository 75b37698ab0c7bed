use super::*;
use chrono::TimeDelta;

#[test]
fn the_service_refuses_the_demo_pack_that_the_demo_takes() {
    let pack = rules::pack::demo_pack().unwrap();
    let for_service = ByPlan::for_service(vec![pack.clone()], vec![], WithoutPlan::NotJudged);
    assert!(matches!(for_service, Err(PackRefused::DemoOnly(_))));
    assert!(ByPlan::for_demo(vec![pack], vec![]).is_ok());
}

/// The day of a review and the end of what is temporary are told to whoever set it, each at its time and not before.
#[test]
fn whoever_set_a_number_is_asked_at_its_review_and_told_before_it_ends() {
    let plan = r#"{ "plan": { "id": "rc-1", "patient": "pt-1", "packs": [], "parameters": [
        { "pack": "bp", "name": "red", "value": "160", "author": "st-1", "reason": "r", "at": "2026-01-01T00:00:00Z",
          "review_at": "2026-03-01T00:00:00Z" },
        { "pack": "bp", "name": "amber", "value": "140", "author": "st-2", "reason": "r", "at": "2026-01-01T00:00:00Z",
          "review_at": "2027-01-01T00:00:00Z", "temporary": { "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z" } }
    ] } }"#;
    let plan: Item = serde_json::from_str(plan).unwrap();
    let asked = |day: &str| -> Vec<String> {
        let at = format!("2026-{day}T00:00:00Z").parse().unwrap();
        reviews(&plan, TimeDelta::days(14), at).iter().map(ToString::to_string).collect()
    };
    assert_eq!(asked("01-17"), Vec::<String>::new());
    let ends = "tell st-2 that amber of bp ends by itself 2026-02-01 00:00 UTC";
    assert_eq!(asked("01-18"), [ends]);
    assert_eq!(asked("02-01"), Vec::<String>::new());
    let is_due = "ask st-1 whether red of bp still holds: its review was due 2026-03-01 00:00 UTC";
    assert_eq!(asked("03-01"), [is_due]);
}

const TESTED: &str = r#"
[pack]
id = "bp"
title = "Test: blood pressure"
version = "VERSION"
engine_min = 1

[[pack.sources]]
ref = "Invented for a test"

[message.c]
en = "High."

[[rule]]
id = "high"
title = "High"
harm = "minor"
onset = "delayed"
when = { latest = "systolic", above = 170 }
clear = { count = 1, when = { latest = "systolic", below = 165 } }
actionable_for = "30m"
raise_again_after = "1h"
clinician_message = "c"
"#;

fn version(version: &str) -> ActivePack {
    let pack = Pack::read(&TESTED.replace("VERSION", version)).unwrap();
    let people = [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")]
        .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"));
    let hash = pack.content_hash.clone();
    let signed = format!(
        "pack = \"bp\"\nversion = \"{version}\"\ncontent_hash = \"{hash}\"\nstatus = \"approved\"\n{}",
        people.concat()
    );
    ActivePack::new(pack, &signed).unwrap()
}

/// A person whose plan names the protocol, with what their footprint, team and home say of its versions.
fn care(places: &[(&str, &[(&ActivePack, &str)])]) -> Care {
    let place = |(place, says): &(&str, &[(&ActivePack, &str)])| -> Arc<PlacePlan> {
        let packs = says.iter().map(|(pack, stage)| {
            format!(r#"{{ "pack": "bp", "content_hash": "{}", "stage": "{stage}" }}"#, pack.pack().content_hash)
        });
        let packs: Vec<String> = packs.collect();
        let item = format!(r#"{{ "id": "rc-1", "place": {place}, "packs": [{}] }}"#, packs.join(","));
        Arc::new(serde_json::from_str(&item).unwrap())
    };
    let plan = r#"{ "id": "rc-1", "patient": "pt-1", "packs": ["bp"] }"#;
    Care {
        plan: Some(Box::new(serde_json::from_str(plan).unwrap())),
        places: places.iter().map(place).collect(),
        ..Care::default()
    }
}

const EVERYWHERE: &str = r#""footprint""#;
const TEAM: &str = r#"{ "team": "tm-a" }"#;
const HOME: &str = r#"{ "home": "hm-a" }"#;

#[test]
fn the_nearest_place_has_the_word_and_withdraws_no_version_but_the_one_it_names() {
    let (one, two) = (version("1"), version("2"));
    let decide = ByPlan::for_service(vec![one.clone(), two.clone()], vec![], WithoutPlan::NotJudged).unwrap();
    let now = "2026-06-01T08:00:00Z".parse().unwrap();
    let judges = |places: &[(&str, &[(&ActivePack, &str)])]| -> Vec<String> {
        let plan = decide.plan_for(&care(places), now).unwrap();
        plan.packs().iter().map(|pack| pack.pack().version.clone()).collect()
    };
    let (of_one, of_two): (&[_], &[_]) = (&[(&one, "active")], &[(&two, "active")]);
    let (without_one, without_two): (&[_], &[_]) = (&[(&one, "retired")], &[(&two, "retired")]);
    assert_eq!(judges(&[(EVERYWHERE, of_one)]), ["1"]);
    assert_eq!(judges(&[(EVERYWHERE, of_one), (TEAM, of_two)]), ["2"]);
    assert_eq!(judges(&[(EVERYWHERE, of_one), (TEAM, of_two), (HOME, without_two)]), ["1"]);
    assert_eq!(judges(&[(EVERYWHERE, of_one), (TEAM, without_one)]), Vec::<String>::new());
    assert_eq!(judges(&[(EVERYWHERE, without_one), (TEAM, of_one)]), ["1"]);
}

/// The protocol was edited and the service started again before its new content was put in force: nobody is left unjudged unsaid.
#[test]
fn a_version_in_force_that_is_not_here_leaves_readings_unjudged_and_ends_nothing() {
    let (one, two) = (version("1"), version("2"));
    let decide = ByPlan::for_service(vec![two], vec![], WithoutPlan::NotJudged).unwrap();
    let now = "2026-06-01T08:00:00Z".parse().unwrap();
    let care = care(&[(EVERYWHERE, &[(&one, "active")])]);
    assert!(matches!(decide.plan_for(&care, now), Err(Unusable::NotHere(name)) if name == "bp"));
    // A command beside the service knows no protocol at all; what is open stays as it is for both.
    for decide in [decide, ByPlan::default()] {
        let mut before = PatientState::new(vitals::PatientId::parse("pt-1").unwrap());
        before.alerts.push(open(&one));
        let after = decide.decide(&care, &before, &[Event::Expecting], now);
        assert_eq!(after.state.alerts, before.alerts);
    }
    let named = ByPlan::for_service(vec![version("2")], vec![], WithoutPlan::NotJudged).unwrap();
    let mut before = PatientState::new(vitals::PatientId::parse("pt-1").unwrap());
    before.alerts.push(open(&one));
    let ended = named.decide(&Care { places: Vec::new(), ..care }, &before, &[Event::Expecting], now);
    assert!(ended.state.alerts.is_empty(), "where no place has it in force it ends");
}

/// An alert of a protocol, open.
fn open(of: &ActivePack) -> rules::Alert {
    let pack = of.pack();
    let alert = format!(
        r#"{{ "id": "al-0123456789abcdef0123456789abcdef", "patient": "pt-1",
        "made_by": {{ "pack": "bp", "protocol": "p", "version": "1", "content_hash": "{}", "rule": "high", "title": "High" }},
        "urgency": "check_again", "audience": "clinical", "condition": "active", "workflow": "raised", "repeat": "not_asked",
        "opened_at": "2026-05-31T08:00:00Z", "late": false, "occasions": 1, "clinician_message": "High.", "patient_told": null,
        "evidence": [] }}"#,
        pack.content_hash
    );
    serde_json::from_str(&alert).unwrap()
}
