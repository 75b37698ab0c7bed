//! Staff correct a reading over HTTP: entered in error, another person's, and back. A store that says it did, and did not, is
//! planted in the same run.

use super::{is_refused, one, receipt, refused, settled, start, taken_now};
use async_trait::async_trait;
use chrono::TimeDelta;
use harness::{
    fault::{Answers, Call as Applied, Fault, put_before},
    service::{ADA, BO, CY, ODD, PersonRow, SAM, STAFF_HEADER, Setup, TestService},
    signed_client::{Answer, Call},
};
use ingest::store::Store;
use rules::{Alert, Because, ClearedBecause, Condition, Event};
use serde_json::{Value, json};
use vitals::ErrorCode::*;

fn path(person: PersonRow, reading: &str, what: &str) -> String {
    format!("/v1/people/{}/readings/{reading}/{what}", person.0)
}

fn ask(service: &TestService, staff: &str, path: &str, body: &Value) -> Answer {
    let call = Call::new("POST", path).with("content-type", "application/json").body(body.to_string());
    service.send(&call.with(STAFF_HEADER, staff)).unwrap()
}

fn in_error() -> Value {
    json!({ "reason": "technique", "note": "Over a sleeve." })
}

/// A reading that was sent; its id.
fn send(service: &TestService, person: PersonRow, number: u32, value: &str) -> String {
    let reading = taken_now(service, person, number, value);
    one(service, &reading);
    reading["id"].as_str().unwrap().to_owned()
}

fn alerts_of(service: &TestService, person: PersonRow) -> Vec<Alert> {
    let mut alerts = settled(service).alerts;
    alerts.retain(|alert| alert.patient.as_str() == person.0);
    alerts.sort_by_key(|alert| alert.opened_at);
    alerts
}

/// For whom a reading counts, as staff see the store.
fn counts_for(service: &TestService, reading: &str) -> Vec<String> {
    let readings = service.see().unwrap().readings.into_iter();
    let counting = readings.filter(|stored| stored.reading.id.to_string() == reading && stored.withdrawn.is_none());
    counting.map(|stored| format!("{:?}", stored.reading.who)).collect()
}

/// A store that answers as if it had been told nothing: what staff say of readings never reaches it.
struct Forgets;

#[async_trait]
impl Fault for Forgets {
    async fn apply(&self, real: &dyn Store, mut call: Applied) -> Answers {
        let is_said = |event: &Event| matches!(event, Event::Withdrawn { .. } | Event::Moved { .. });
        call.slices.iter_mut().for_each(|slice| slice.events.retain(|event| !is_said(event)));
        call.on(real).await
    }
}

/// What is wrong once a red was said to be in error, and another to be Bo's.
fn wrong_after(service: &TestService) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |is_so: bool, what: &str| wrong.extend((!is_so).then(|| what.to_owned()));
    let red = send(service, ADA, 1, "182/118");
    let answer = ask(service, SAM, &path(ADA, &red, "entered-in-error"), &in_error());
    let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    must(answer.status == 200 && told["counts"] == json!(false), "it is not answered so");
    must(counts_for(service, &red).is_empty(), "it counts");
    let alerts = alerts_of(service, ADA);
    must(alerts[0].condition == Condition::Cleared(ClearedBecause::Unfounded), "the alert stands");
    must(alerts[0].evidence[0].withdrawn == Some(Because::EnteredInError), "the alert does not say so");
    must(alerts[0].is_waiting(), "a person must close it");

    service.clock.advance(TimeDelta::minutes(1));
    let other = send(service, ADA, 2, "184/119");
    must(ask(service, SAM, &path(ADA, &other, "move"), &json!({ "to": BO.0 })).status == 200, "it is not answered so");
    must(alerts_of(service, BO).first().is_some_and(Alert::is_waiting), "nobody is told of Bo's red");
    must(counts_for(service, &other).len() == 1, "it counts for nobody, or for two");
    wrong
}

#[test]
fn what_staff_say_of_a_reading_is_so_and_a_store_that_forgets_it_is_seen() {
    let forgetful = TestService::start(Setup { store: put_before(std::sync::Arc::new(Forgets)), ..Setup::default() });
    assert!(!wrong_after(&forgetful.unwrap()).is_empty(), "a store that forgets what staff say went unseen");

    let mut service = start();
    assert_eq!(wrong_after(&service), Vec::<String>::new());
    let seen = service.see().unwrap();
    assert_eq!((seen.count("reading-withdrawn"), seen.count("reading-assigned")), (2, 1));
    // The page shows what counts, and the alert, which both reds stood in, says what does not.
    let page = service.send(&Call::new("GET", "/")).unwrap().body;
    assert!(page.contains("another person"), "{page}");
    let recent = super::bad_readings::section(&page, "Recent readings");
    assert!(recent.contains("184") && !recent.contains("182"), "{recent}");
    service.restart().unwrap();
    let alerts = alerts_of(&service, ADA);
    assert!(alerts.iter().all(|alert| alert.condition == Condition::Cleared(ClearedBecause::Unfounded)), "{alerts:?}");
}

#[test]
fn what_was_said_is_taken_back_by_the_same_door() {
    let service = start();
    let red = send(&service, ADA, 1, "182/118");
    let (error, again) = (path(ADA, &red, "entered-in-error"), path(ADA, &red, "count-again"));
    refused(&ask(&service, SAM, &again, &json!({})), ReadingNotInError);
    assert_eq!(ask(&service, SAM, &error, &in_error()).status, 200);
    let page = service.send(&Call::new("GET", "/")).unwrap().body;
    assert!(page.contains("Entered in error."), "{page}");
    refused(&ask(&service, SAM, &error, &in_error()), ReadingNotFound);
    assert_eq!(ask(&service, SAM, &again, &json!({ "note": "It was right." })).status, 200);
    assert_eq!(counts_for(&service, &red).len(), 1);
    assert_eq!(alerts_of(&service, ADA)[0].condition, Condition::Active, "the red is back");

    let (there, back) = (path(ADA, &red, "move"), path(BO, &red, "move"));
    assert_eq!(ask(&service, SAM, &there, &json!({ "to": BO.0 })).status, 200);
    refused(&ask(&service, SAM, &again, &json!({})), ReadingNotInError);
    let answer = ask(&service, SAM, &back, &json!({ "to": ADA.0 }));
    let told: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told, json!({ "reading": red, "patient": ADA.0, "counts": true }));
    assert_eq!(alerts_of(&service, ADA)[0].condition, Condition::Active);
    assert_eq!(alerts_of(&service, BO)[0].condition, Condition::Cleared(ClearedBecause::Unfounded));
}

/// Each row is refused, and the reading stands as it stood.
#[test]
fn whoever_may_not_act_for_both_corrects_nothing() {
    let service = start();
    let red = send(&service, ADA, 1, "182/118");
    let nowhere = "rd-00000000000000000000000000000000";
    let rows = [
        ("somebody else's person", ODD, path(ADA, &red, "entered-in-error"), in_error(), ItemNotFound),
        ("from a stranger", ODD, path(ADA, &red, "move"), json!({ "to": CY.0 }), ItemNotFound),
        ("to a stranger", SAM, path(ADA, &red, "move"), json!({ "to": CY.0 }), ItemNotFound),
        ("to nobody", SAM, path(ADA, &red, "move"), json!({ "to": "pt-nobody" }), ItemNotFound),
        ("to whose it is", SAM, path(ADA, &red, "move"), json!({ "to": ADA.0 }), ItemNotInOrder),
        ("of another person", SAM, path(BO, &red, "entered-in-error"), in_error(), ReadingNotFound),
        ("no such reading", SAM, path(ADA, nowhere, "entered-in-error"), in_error(), ReadingNotFound),
        ("no reading's id", SAM, path(ADA, "7", "entered-in-error"), in_error(), ReadingNotFound),
        ("no reason", SAM, path(ADA, &red, "entered-in-error"), json!({}), BodyMalformed),
        ("a reason of one's own", SAM, path(ADA, &red, "entered-in-error"), json!({ "reason": "bad" }), BodyMalformed),
        (
            "a note that is too long",
            SAM,
            path(ADA, &red, "entered-in-error"),
            json!({ "reason": "test", "note": "x".repeat(501) }),
            NoteRefused,
        ),
    ];
    for (what, staff, path, body, code) in rows {
        let answer = ask(&service, staff, &path, &body);
        is_refused(&answer, code).unwrap_or_else(|why| panic!("{what}: {why}"));
    }
    assert_eq!(counts_for(&service, &red).len(), 1);
    assert_eq!(service.see().unwrap().count("reading-withdrawn"), 0);
}

/// In whatever order three readings of a person come, once one of them is taken back it ends as if that one had never come.
#[test]
fn in_any_order_what_does_not_count_leaves_no_trace_in_what_is_true() {
    let values = ["156/97", "182/118", "121/79"];
    let ends = |wrong: usize, order: &[usize], is_taken_back: bool| {
        let service = start();
        let base = service.clock.read();
        let readings: Vec<Value> = (1..)
            .zip(values)
            .map(|(n, value)| {
                let at = base + TimeDelta::seconds(i64::from(n));
                serde_json::to_value(harness::service::reading(ADA, n, value, at).unwrap()).unwrap()
            })
            .collect();
        service.clock.advance(TimeDelta::minutes(2));
        for step in order {
            receipt(&service, &service.hub_a, &[readings[*step].clone()]);
        }
        if is_taken_back {
            let id = readings[wrong]["id"].as_str().unwrap();
            assert_eq!(ask(&service, SAM, &path(ADA, id, "entered-in-error"), &in_error()).status, 200);
        }
        let is_true = |alert: &&Alert| matches!(alert.condition, Condition::Pending | Condition::Active);
        let alerts = alerts_of(&service, ADA);
        let mut rules: Vec<String> = alerts.iter().filter(is_true).map(|alert| alert.made_by.rule.clone()).collect();
        rules.sort();
        rules
    };
    let mut differs = 0;
    for wrong in 0..values.len() {
        let others: Vec<usize> = (0..values.len()).filter(|n| *n != wrong).collect();
        let never = ends(wrong, &others, false);
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            assert_eq!(ends(wrong, &order, true), never, "{wrong} taken back, in the order {order:?}");
            // What the check can see: not taken back, it ends otherwise somewhere.
            differs += usize::from(ends(wrong, &order, false) != never);
        }
    }
    assert!(differs > 0, "a reading that is not taken back went unseen");
}
