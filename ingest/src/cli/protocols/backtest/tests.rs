//! What a back-test raises over invented weights: at the moments at which the service would have, with the readings it had then.

use super::*;
use crate::{
    access::{Access, Purpose, VerifiedHub},
    cli::{
        open_store,
        protocols::{lines::tests::line, play::Priority},
    },
    store::{Care, Decide, Slice, Subject},
};
use register::{CarePlan, Item, Place, PlacePlan, plan::Parameter};
use rules::{Decisions, Event, PatientState};
use std::{collections::BTreeSet, io::Write, sync::Arc};
use tempfile::TempDir;
use vitals::{NhsNumber, id::RecordId};

/// Two rules over weights: one that looks back, one that asks for a repeat. Invented limits, for nobody.
const PACK: &str = r#"
[pack]
id = "tried"
title = "Tried"
version = "1.0.0"
engine_min = 2
draft = true
[[pack.sources]]
ref = "invented"
[message.m]
en = "Please take it again."
[[rule]]
id = "gain"
title = "Gain"
harm = "irreversible"
onset = "delayed"
when = { change = "weight", from = "lowest", over = "3d", above = 2 }
clear = { count = 1, when = { change = "weight", from = "lowest", over = "3d", at_most = 1 } }
actionable_for = "1d"
raise_again_after = "1d"
clinician_message = "m"
[[rule]]
id = "heavy"
title = "Heavy"
harm = "reversible"
onset = "prompt"
when = { latest = "weight", above = 100 }
clear = { count = 1, when = { latest = "weight", at_most = 100 } }
actionable_for = "1d"
raise_again_after = "1d"
retest = { after = "5m", within = "30m", prompt = "m", confirm = "same", on_no_answer = "raise", opens = "at-first-reading" }
clinician_message = "m"
"#;

/// A day, in minutes.
const DAY: u32 = 1_440;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
        path
    }

    /// What comes of these lines, compared with another protocol so that every alert is kept.
    fn played(&self, pack: &str, lines: &[String]) -> Backtest {
        let asked = Asked {
            packs: vec![self.write("tried.toml", pack)],
            active: vec![self.write("active.toml", &PACK.replace("above = 2 }", "above = 50 }"))],
            readings: Some(self.write("readings.ndjson", &(lines.join("\n") + "\n"))),
            config: None,
            json: false,
            taken_after: Span::parse("1h").unwrap(),
        };
        let mut test = Backtest::new(&asked).unwrap();
        test.over_file(asked.readings.as_deref().unwrap()).unwrap();
        test.compared.1.sort_by_key(|line| line.raised_at);
        test
    }
}

fn minute(at: DateTime<Utc>) -> i64 {
    (at - DateTime::UNIX_EPOCH).num_minutes() - i64::from(DAY) * 20_000
}

/// Alerts as (whose, rule, minute raised, minute cleared).
fn seen(lines: &[Line]) -> Vec<(&str, &str, i64, Option<i64>)> {
    let one = |line: &'_ Line| (minute(line.raised_at), line.cleared_at.map(minute));
    lines.iter().map(|line| (line.patient.as_str(), line.rule.as_str(), one(line).0, one(line).1)).collect()
}

/// Somebody who gains and loses, somebody who does not repeat, somebody whose repeat is better, and somebody whose repeat is
/// still awaited when the file ends.
fn weights() -> Vec<String> {
    vec![
        line("pt-a", 0, "80", None),
        line("pt-b", 0, "101", None),
        line("pt-c", 0, "101", None),
        line("pt-c", 10, "90", None),
        line("pt-a", DAY, "83", None),
        line("pt-a", 2 * DAY, "80.5", None),
        line("pt-d", 2 * DAY, "101", None),
    ]
}

const EXPECTED: [(&str, &str, i64, Option<i64>); 3] = [
    ("pt-b", "tried/heavy", 30, None),
    ("pt-a", "tried/gain", 1_440, Some(2_880)),
    ("pt-d", "tried/heavy", 2_910, None),
];

#[test]
fn alerts_are_raised_when_the_service_would_have_raised_them_timers_too() {
    let test = Folder::new().played(PACK, &weights());
    assert_eq!(seen(&test.compared.1), EXPECTED);
    let base = &test.base;
    assert_eq!((base.people, base.days, base.readings, base.repeated, test.refused), (4, 6, 7, 0, 0));
    let difference = report::difference(&test.compared.0, &test.compared.1);
    assert!(
        difference.starts_with("Against the protocols in force (2 alerts): 1 added, 0 removed, 0 moved."),
        "{difference}"
    );
    assert!(difference.contains(&test.compared.1[1].evidence[0].to_string()), "it links to the reading: {difference}");
    let text = report::text(&test.base, &test.tally, "1h");
    assert!(text.contains("Over before anybody was told, or on trial: 1."), "{text}");
}

/// Whether every alert rests on readings of that person that had arrived when it was raised.
fn has_no_foresight(lines: &[Line], readings: &[String]) -> bool {
    let known: BTreeSet<(String, String, i64)> = readings
        .iter()
        .map(|line| {
            let reading: serde_json::Value = serde_json::from_str(line).unwrap();
            let of = |name: &str| reading[name].as_str().unwrap().to_owned();
            let at: DateTime<Utc> =
                reading.get("arrived_at").unwrap_or(&reading["hub_received"]).as_str().unwrap().parse().unwrap();
            (of("patient"), of("id"), minute(at))
        })
        .collect();
    lines.iter().all(|line| {
        let had = |id: &ReadingId| {
            known.iter().any(|(patient, known, at)| {
                patient == line.patient.as_str() && *known == id.to_string() && *at <= minute(line.raised_at)
            })
        };
        !line.evidence.is_empty() && line.evidence.iter().all(had)
    })
}

#[test]
fn no_alert_shows_a_reading_that_came_later_or_is_another_persons() {
    let weights = weights();
    let lines = Folder::new().played(PACK, &weights).compared.1;
    assert!(has_no_foresight(&lines, &weights));
    let mut early = lines.clone();
    early[1].raised_at -= chrono::TimeDelta::minutes(1);
    assert!(!has_no_foresight(&early, &weights), "a planted alert before its reading is caught");
    let mut another = lines.clone();
    another[1].evidence = lines[0].evidence.clone();
    assert!(!has_no_foresight(&another, &weights), "a planted reading of another person is caught");
}

#[test]
fn the_order_of_the_lines_and_a_line_twice_change_nothing() {
    let folder = Folder::new();
    let mut turned = weights();
    turned.reverse();
    turned.push(line("pt-a", DAY, "83", None));
    let test = folder.played(PACK, &turned);
    assert_eq!(seen(&test.compared.1), EXPECTED);
    assert_eq!((test.base.readings, test.base.repeated), (7, 1));
}

/// A weight that arrived two days after it was taken raises its alert then, and says that it is late.
#[test]
fn what_arrives_late_is_raised_when_it_arrives() {
    let lines =
        [line("pt-a", 0, "80", None), line("pt-a", DAY, "83", Some(3 * DAY)), line("pt-a", 4 * DAY, "83", None)];
    let test = Folder::new().played(PACK, &lines);
    assert_eq!(seen(&test.compared.1), [("pt-a", "tried/gain", i64::from(3 * DAY), Some(i64::from(4 * DAY)))]);
    assert!(test.compared.1[0].late);
}

#[test]
fn a_line_of_json_has_its_form() {
    let test = Folder::new().played(PACK, &weights());
    let gain = &test.compared.1[1];
    let expected = format!(
        "{{\"patient\":\"pt-a\",\"rule\":\"tried/gain\",\"priority\":\"medium\",\"audience\":\"clinical\",\"raised_at\":\"2024-10-05T00:00:00Z\",\
         \"cleared_at\":\"2024-10-06T00:00:00Z\",\"late\":false,\"evidence\":[\"{}\"]}}",
        gain.evidence[0]
    );
    assert_eq!(serde_json::to_string(gain).unwrap(), expected);
    assert_eq!(gain.priority, Priority::Medium);
}

#[test]
fn what_does_not_read_fails_the_command_and_the_rest_is_played() {
    let mut lines = weights();
    lines.insert(3, "{\"patient\": \"pt-a\"}".to_owned());
    let test = Folder::new().played(PACK, &lines);
    assert_eq!(seen(&test.compared.1), EXPECTED);
    assert_eq!((test.refused, test.lines), (1, 8));
    let error = test.conclude().unwrap_err();
    assert_eq!(error.to_string(), "read 1 of 8 lines; the figures are of the others");
}

/// Judges nothing: the history is what counts here.
struct Nobody;

impl Decide for Nobody {
    fn decide(&self, _care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        rules::decide(&Plan::default(), before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        rules::unevaluated(&[], before, events, reason, at)
    }
}

const SETTINGS: &str = r#"
listen = "127.0.0.1:0"
data = "store"
service_name = "Test"
service_hours = "Your team looks Monday to Friday, 8am to 6pm."
people_are = "invented"
packs = []
"#;

fn parameter(value: u16) -> Parameter {
    Parameter {
        pack: Text::new("tried").unwrap(),
        name: Text::new("heavy").unwrap(),
        value: value.into(),
        author: StaffId::parse("st-ada").unwrap(),
        reason: Text::new("as agreed").unwrap(),
        at: DateTime::UNIX_EPOCH,
        review_at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(30_000),
        temporary: None,
    }
}

/// A person of the register, with a limit of their own where one is given.
fn items(id: &PatientId, name: &str, own: Option<u16>) -> Vec<Event> {
    let patient =
        register::Patient::new(id.clone(), Text::new(name).unwrap(), NhsNumber::parse("999 000 0018").unwrap());
    let plan = CarePlan {
        id: RecordId::parse("rc-1").unwrap(),
        patient: id.clone(),
        packs: vec![Text::new("tried").unwrap()],
        parameters: own.map(parameter).into_iter().collect(),
        schedule: Vec::new(),
        absences: Vec::new(),
        service_hours: None,
    };
    [Item::from(patient), Item::from(plan)]
        .into_iter()
        .take(1 + usize::from(own.is_some()))
        .map(Event::written)
        .collect()
}

/// What the whole footprint has as its limit.
fn of_footprint(value: u16) -> Event {
    let parameter = parameter(value);
    let place = Place::Footprint;
    let id = PlacePlan::id_of(&place).unwrap();
    Event::written(Item::from(PlacePlan { id, place, packs: Vec::new(), parameters: vec![parameter] }))
}

/// Two people of 101 kg in a store, one of them with a limit of 110: what a back-test of their own history raises where the
/// protocol has 100, and the footprint says otherwise or not. And in whose records it stands that they were read.
fn of_a_service(footprint: Option<u16>) -> (Backtest, Vec<String>) {
    let folder = Folder::new();
    let (pack, config) = (
        PACK.replace(
            "[message.m]",
            "[param.heavy]\nunit = \"kg\"\ndefault = 100\noverride = { footprint = [90, 120], patient = [90, 120] }\n[message.m]",
        )
        .replace("above = 100 }", "above = \"param:heavy\" }"),
        folder.write("service.toml", &SETTINGS.replace("\"store\"", &format!("{:?}", folder.0.path().join("store")))),
    );
    let hub = HubId::parse("hub-1").unwrap();
    let readings =
        folder.write("kept.ndjson", &[line("pt-b", 0, "101", None), line("pt-c", 0, "101", None)].join("\n"));
    let mut kept = Vec::new();
    Lines::open(&readings, hub.clone()).unwrap().each(|_, reading| kept.push(reading.unwrap())).unwrap();
    let people = [("pt-b", "Bert Invented", None), ("pt-c", "Cleo Invented", Some(110))];
    let apply = |stopped: &Stopped, who: &Access, subject: Subject, events: Vec<Event>, at| {
        let answers = stopped.store.apply(who, vec![Slice { subject, events }], Arc::new(Nobody), at);
        stopped.wait(answers).into_iter().for_each(|answer| drop(answer.unwrap()));
    };
    let applied = Stopped::work(&config, open_store, |stopped| {
        let set_up = Access::system(Purpose::SetUp);
        for (reading, (id, name, own)) in kept.iter().zip(people) {
            let id = PatientId::parse(id).unwrap();
            let of_hub = Access::hub(&VerifiedHub::new(hub.clone(), [id.clone()].into()));
            let (whose, at) = (Subject::Patient(id.clone()), reading.server_received);
            apply(stopped, &set_up, whose.clone(), items(&id, name, own), at);
            apply(stopped, &of_hub, whose, vec![Event::Reading(Box::new(reading.clone()))], at);
        }
        if let Some(value) = footprint {
            apply(stopped, &set_up, Subject::Service, vec![of_footprint(value)], stopped.at);
        }
        Ok(())
    });
    applied.unwrap();
    let asked = Asked {
        packs: vec![folder.write("tried.toml", &pack)],
        active: vec![folder.write("active.toml", &pack.replace("default = 100", "default = 105"))],
        readings: None,
        config: Some(config.clone()),
        json: false,
        taken_after: Span::parse("1h").unwrap(),
    };
    let (mut test, mut read) = (Backtest::new(&asked).unwrap(), Vec::new());
    let done = Stopped::work(&config, open_store, |stopped| {
        test.over_history(stopped)?;
        let who = Access::system(Purpose::Follow);
        let (changes, _) = stopped.wait(stopped.store.changes(&who, Default::default(), 1_000)).unwrap();
        let audits = changes.iter().filter(|change| change.kind == "audit");
        read.extend(audits.map(|change| change.patient.as_ref().map_or(String::new(), ToString::to_string)));
        Ok(())
    });
    done.unwrap();
    (test, read)
}

#[test]
fn a_services_own_history_is_judged_with_each_persons_own_parameters() {
    let (test, _) = of_a_service(None);
    assert_eq!(seen(&test.compared.1), [("pt-b", "tried/heavy", 30, None)]);
    assert_eq!((test.base.people, test.base.readings), (2, 2));
    assert_eq!(test.compared.0, [], "of the protocols in force none is beyond its bound");
}

/// Found 2026-11-23: what a footprint, team or home had set was passed over.
#[test]
fn what_a_place_has_set_counts_and_a_persons_own_number_before_it() {
    let (test, _) = of_a_service(Some(102));
    assert_eq!(seen(&test.compared.1), [], "102 for everybody");
    let (test, _) = of_a_service(Some(95));
    assert_eq!(seen(&test.compared.1), [("pt-b", "tried/heavy", 30, None)]);
    assert_eq!(seen(&test.compared.0), [("pt-b", "tried/heavy", 30, None)], "95 for everybody but one");
}

/// Found 2026-11-23: it stood in the service's own record once for all of them.
#[test]
fn each_persons_record_says_that_it_was_read() {
    let (_, mut read) = of_a_service(None);
    read.sort_unstable();
    assert_eq!(read, ["pt-b", "pt-c"]);
}
