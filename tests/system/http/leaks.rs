//! Nothing personal leaves by a side door: not in events, not in answers to hubs, not in refusals, not down the webhook
//! and not in the log of the real program at its most talkative.

use super::{batch, later, one, receipt, taken_now, until};
use chrono::TimeDelta;
use demo::seed::Seeded;
use harness::{
    footprint::Footprint,
    ingest_process::IngestProcess,
    service::{ADA, BO, FRAME_HEX, MARA, MORNING, PersonRow, Setup, TestService, personal_words_in, reading},
    signed_client::{Call, Framing, Seal, TestHub},
    webhook::{Reply, WebhookListener},
};
use ingest::events::{Events, ServiceEvent};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// A red and an amber unlike any other number in the tree.
const RED: (&str, [&str; 2]) = ("183.75/121.25", ["183.75", "121.25"]);
const AMBER: (&str, [&str; 2]) = ("157.75/96.25", ["157.75", "96.25"]);

/// What somebody writes where no name belongs.
const SECRET_NOTE: &str = "Quillfeather fell, 999 000 0018";

/// The first personal word, value or byte of a device in a text.
fn leak_in(text: &str) -> Option<String> {
    let mut values = RED.1.into_iter().chain(AMBER.1);
    personal_words_in(text).or_else(|| {
        let value = values.find(|value| stands_in(text, value));
        value.or_else(|| Some(FRAME_HEX).filter(|hex| text.contains(hex))).map(str::to_owned)
    })
}

/// Whether a value stands in a text as one of its own: a time of 4596.2573 ms, as the log has them, does not hold 96.25.
fn stands_in(text: &str, value: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit();
    let around: Vec<&str> = text.split(value).collect();
    around.windows(2).any(|pair| !pair[0].ends_with(is_digit) && !pair[1].starts_with(is_digit))
}

fn no_leak(texts: &[String]) -> Result<(), String> {
    texts.iter().find_map(|text| leak_in(text).map(|word| format!("{word} is in {text}"))).map_or(Ok(()), Err)
}

/// Readings with something personal in every place that is not for it, each refused for another reason.
fn spoiled(person: PersonRow) -> Vec<Value> {
    let good = serde_json::to_value(reading(person, 900, RED.0, MORNING).unwrap()).unwrap();
    let with = |spoil: fn(&mut Value)| {
        let mut bad = good.clone();
        spoil(&mut bad);
        bad
    };
    vec![
        with(|r| r["kind"] = json!(SECRET_NOTE)),
        with(|r| r["patient"] = json!(SECRET_NOTE)),
        with(|r| r["source"] = json!(SECRET_NOTE)),
        with(|r| r["record"] = json!(SECRET_NOTE)),
        with(|r| r["posture"] = json!(SECRET_NOTE)),
        with(|r| r["taken_at"] = json!(SECRET_NOTE)),
        with(|r| r["measured"]["systolic"]["unit"] = json!(SECRET_NOTE)),
        with(|r| r["measured"]["systolic"]["value"] = json!(SECRET_NOTE)),
        with(|r| r["raw"]["hex"] = json!(SECRET_NOTE)),
        with(|r| r["user_index"] = json!(SECRET_NOTE)),
        json!(SECRET_NOTE),
    ]
}

/// Requests that are refused whole, each with something personal in it.
fn refused_whole(hub: &TestHub) -> Vec<Call> {
    let body = batch(&[serde_json::to_value(reading(ADA, 901, RED.0, MORNING).unwrap()).unwrap()], MORNING);
    let signed = |body: String| hub.signed(body, MORNING).unwrap();
    let forged = Seal::new(hub.name(), "1.900", MORNING)
        .param("tag", "\"Quillfeather\"")
        .put_on(TestHub::unsigned(body.clone()), hub.key());
    vec![
        TestHub::unsigned(body.clone()),
        forged.unwrap(),
        signed(body.clone()).body(SECRET_NOTE),
        signed(SECRET_NOTE.to_owned()),
        signed(format!("{{\"made_at\":\"{SECRET_NOTE}\",\"lane\":\"Quillfeather\",\"readings\":[]}}")),
        signed(body.clone()).changed("content-type", "Quillfeather"),
        signed(body.clone()).changed("signature-input", "hub=(\"Quillfeather\")"),
        Call { target: "/v1/batches/Quillfeather?nhs=9990000018".to_owned(), ..signed(body.clone()) },
        Call { framing: Framing::Cut(100), ..signed(body) },
    ]
}

/// A day with everything in it, in process: events, answers to the hub, refusals and the webhook's posts are collected
/// and searched; then a name is put into an event, and the search must find it.
#[test]
fn events_answers_and_the_webhook_hold_nothing_personal() {
    let webhook = WebhookListener::start(Reply::Status(500)).unwrap();
    let service = TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap();
    let mut said: Vec<String> = Vec::new();
    let mut sent = spoiled(ADA);
    sent.extend([
        taken_now(&service, ADA, 1, RED.0),
        taken_now(&service, BO, 1, AMBER.0),
        taken_now(&service, ADA, 1, AMBER.0),
    ]);
    let mut foreign = taken_now(&service, ADA, 2, RED.0);
    foreign["patient"] = json!("pt-cy");
    sent.push(foreign);
    for _ in 0..2 {
        said.push(format!("{:?}", receipt(&service, &service.hub_a, &sent)));
    }
    for call in refused_whole(&service.hub_a) {
        said.extend(service.send(&call).map(|answer| format!("{answer:?}")));
    }
    until("the webhook failed", || {
        service.events.count(|event| matches!(event, ServiceEvent::NotificationFailed { .. })) > 0
    });
    webhook.reply(Reply::Status(200));
    later(&service, TimeDelta::minutes(16), "the amber without its repeat went out too", || webhook.posts().len() >= 3);
    let alert = service.see().unwrap().alerts.remove(0).id;
    let take = |body: String| {
        let call = Call::new("POST", &format!("/v1/alerts/{alert}/acknowledge"));
        service.send(&call.with("content-type", "application/json").body(body)).unwrap()
    };
    said.push(format!("{:?}", take(json!({ "note": 7, "why": SECRET_NOTE }).to_string())));
    assert_eq!(take(json!({ "note": SECRET_NOTE }).to_string()).status, 200);
    said.push(format!("{:?}", take("{}".to_owned())));
    said.push(format!("{:?}", service.send(&Call::new("GET", "/Quillfeather?nhs=9990000018")).unwrap()));
    said.extend(webhook.posts());
    let events =
        |service: &TestService| service.events.all().iter().map(|event| format!("{event:?}")).collect::<Vec<_>>();
    said.extend(events(&service));
    assert!(said.len() > 30, "{} things were said", said.len());
    no_leak(&said).unwrap();

    assert!(no_leak(&["in 4596.2573 ms".to_owned(), "in 183.751".to_owned()]).is_ok(), "parts of other numbers");
    for why in ["of Quillfeather", "of 9990000018", "at 183.75", "\"183.75/121.25\"", "in 5eed5eed"] {
        service.events.emit(&ServiceEvent::TaskFailed { task: "planted", why: why.to_owned() });
        assert!(no_leak(&events(&service)[events(&service).len() - 1..]).is_err(), "{why} was not found");
    }
}

/// Whom a page or the staff's interface may tell about is shown there and nowhere else: the search sees what it must.
#[test]
fn the_search_for_leaks_finds_what_staff_may_see() {
    let service = super::start();
    one(&service, &taken_now(&service, ADA, 1, RED.0));
    let page = service.send(&Call::new("GET", "/")).unwrap().body;
    for word in [ADA.1, ADA.2, "183.75"] {
        assert!(page.contains(word), "{word}: {}", page);
    }
    assert!(no_leak(&[page]).is_err());
    let listed = service.send(&Call::new("GET", "/v1/alerts")).unwrap().body;
    assert_eq!(
        (leak_in(&listed), personal_words_in(&listed)),
        (Some("183.75".to_owned()), None),
        "ids and values, no names"
    );
    assert!(service.staff(MARA).is_ok());
}

/// The program itself, with a signed protocol, a webhook that fails and its log at "trace": everything above is sent to
/// it and its whole log is searched. That the log was kept is seen by the ids in it.
#[test]
fn the_log_of_the_program_holds_nothing_personal() {
    let footprint = Footprint::new(7).unwrap();
    let webhook = WebhookListener::start(Reply::Status(500)).unwrap();
    let settings = fs::read_to_string(footprint.settings()).unwrap();
    let settings = settings.replace("Ada Test", ADA.1).replace("Ben Test", BO.1);
    fs::write(footprint.settings(), format!("webhook = '{}'\n{settings}", webhook.url())).unwrap();
    let program = talkative(footprint.folder());
    let process = IngestProcess::start(&program, &footprint.settings(), &footprint.folder().join("log")).unwrap();
    let hub = TestHub::new("hub-test", Seeded::new(7, "hub key").key()).unwrap();

    let red = reading(ADA, 1, RED.0, MORNING).unwrap();
    let mut sent = spoiled(ADA);
    sent.push(serde_json::to_value(&red).unwrap());
    let mut said = Vec::new();
    for _ in 0..2 {
        let answer = hub.signed(batch(&sent, MORNING), MORNING).unwrap().send(process.address()).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        said.push(answer.body);
    }
    for call in refused_whole(&hub) {
        said.extend(call.send(process.address()).map(|answer| format!("{answer:?}")));
    }
    for target in ["/", "/v1/alerts", "/Quillfeather"] {
        said.push(format!("{:?}", Call::new("GET", target).send(process.address()).unwrap()));
    }
    until("the webhook was asked", || !webhook.posts().is_empty());
    until("the log says that it failed", || process.log().contains("Could not tell staff by webhook"));
    let (status, _) = process.stop().unwrap();
    assert!(status.success());
    said.extend(webhook.posts());
    no_leak(&said).unwrap();
    let log = process.log();
    for expected in
        [red.id.as_str(), "TRACE", "Refused a reading of hub-test", "Told staff of alert", "Refused a request"]
    {
        assert!(log.contains(expected), "{expected:?} is not in the log: {log}");
    }
    no_leak(&[log]).unwrap();
}

/// The program under a wrapper that turns its log up.
fn talkative(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("talkative");
    fs::write(
        &path,
        format!("#!/bin/sh\nDERWENT_LOG=trace exec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_ingest-under-test")),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}
