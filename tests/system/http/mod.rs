//! Ingest from outside: what each request gets, who may see what, and what staff and people are told.
//!
//! The service is the real one, on a real socket and a real store; only its clock, its sink for events and its sign-in
//! are the test's. Every refusal is held against the registry of error codes by [`refused`].

mod access;
mod account;
mod alerts;
mod away;
mod bad_readings;
mod bodies;
mod corrections;
mod county;
mod damage;
mod down;
mod forge;
mod gzip;
mod hello;
mod hubs;
mod lanes;
mod leaks;
mod lists;
mod matrix;
mod matrix_plant;
mod metrics;
mod pages;
mod panics;
mod problems;
mod protocols;
mod register;
mod replay;
mod requests;
mod sign_in;
mod staff;
mod twice;
mod webhook;

use chrono::TimeDelta;
use harness::{
    clock::wait_until,
    service::{PersonRow, Seen, Setup, TestService, personal_words_in, reading},
    signed_client::{Answer, Call, TestHub, batch},
};
use serde_json::Value;
use std::time::Duration;
use vitals::{
    ErrorCode,
    error_code::Retry,
    wire::v1::{Receipt, ReceiptLine},
};

/// How long a test waits for what must become true.
const SOON: Duration = Duration::from_secs(60);

fn start() -> TestService {
    TestService::start(Setup::default()).unwrap()
}

fn until(what: &str, is_so: impl FnMut() -> bool) {
    wait_until(SOON, what, is_so).unwrap();
}

/// How many looks pass between two seconds of [`later`]: so few that a notification on its way keeps its lease.
const LOOKS_A_SECOND: u32 = 25;

/// Moves the clock and waits; where nothing comes of it yet, the clock goes on by seconds, because a part of the service
/// may have begun its rest only after the clock was moved.
fn later(service: &TestService, by: TimeDelta, what: &str, mut is_so: impl FnMut() -> bool) {
    service.clock.advance(by);
    let mut looks: u32 = 0;
    until(what, || {
        looks += 1;
        if looks.is_multiple_of(LOOKS_A_SECOND) {
            service.clock.advance(TimeDelta::seconds(1));
        }
        is_so()
    });
}

/// What staff can see once every notification that was made has been tried. Until then alerts still change; and where
/// the clock is moved beyond a lease meanwhile, a notification is sent twice, which is right and not what is asked here.
fn settled(service: &TestService) -> Seen {
    until("every notification was tried", || {
        let seen = service.see().unwrap();
        seen.count("notification-made") <= seen.count("notification-tried")
    });
    // Looked at anew: alerts and changes are read one after the other, and the change may have come in between.
    service.see().unwrap()
}

/// A reading taken now, as JSON that can be spoiled.
fn taken_now(service: &TestService, person: PersonRow, number: u32, value: &str) -> Value {
    serde_json::to_value(reading(person, number, value, service.clock.read()).unwrap()).unwrap()
}

/// A properly signed request of a hub.
fn signed(service: &TestService, hub: &TestHub, readings: &[Value]) -> Call {
    let at = service.clock.read();
    hub.signed(batch(readings, at), at).unwrap()
}

/// Sends readings from a hub and expects a receipt with a line for each, in the order sent.
fn receipt(service: &TestService, hub: &TestHub, readings: &[Value]) -> Receipt {
    let answer = service.send(&signed(service, hub, readings)).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let receipt = answer.receipt().unwrap();
    let order: Vec<(usize, &str)> = receipt.readings.iter().map(|line| (line.position, line.id.as_str())).collect();
    let sent: Vec<(usize, &str)> =
        readings.iter().map(|sent| sent["id"].as_str().unwrap_or_default()).enumerate().collect();
    assert_eq!(order, sent);
    receipt
}

/// Sends one reading from the hub of Ada and Bo.
fn one(service: &TestService, sent: &Value) -> ReceiptLine {
    receipt(service, &service.hub_a, std::slice::from_ref(sent)).readings.remove(0)
}

/// What a page says, with its escapes undone.
fn words_of(page: &Answer) -> String {
    [
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#60;", "<"),
        ("&lt;", "<"),
        ("&#62;", ">"),
        ("&gt;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(page.body.clone(), |text, (escape, plain)| text.replace(escape, plain))
}

/// Whether an answer is a refusal with this code, in the one form of every refusal: the code's status, a problem with
/// three sentences that tell nothing personal, and when to try again where the fault is ours.
fn is_refused(answer: &Answer, code: ErrorCode) -> Result<(), String> {
    let meaning = code.meaning();
    let problem = answer.problem()?;
    let is_ours = meaning.status >= 500 && meaning.retry == Retry::Later;
    let wrong = [
        (answer.status != meaning.status || problem.code != meaning.code, "another status or code"),
        (problem.status != meaning.status || problem.title.is_empty(), "another status in it, or no title"),
        (problem.message != code.sentence() || !has_three_sentences(&problem.message), "another message"),
        (answer.header("content-type") != Some("application/problem+json"), "not a problem"),
        (answer.header("cache-control") != Some("no-store"), "a cache may keep it"),
        (answer.header("retry-after").is_some() != is_ours, "when to try again is said where it must not, or not said"),
        (personal_words_in(&format!("{answer:?}")).is_some(), "it tells something personal"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, what)) => Err(format!("want {code:?}: {what}: {answer:?}")),
        None => Ok(()),
    }
}

fn refused(answer: &Answer, code: ErrorCode) {
    is_refused(answer, code).unwrap();
}

/// What happened, what it means, what to do.
fn has_three_sentences(message: &str) -> bool {
    message.ends_with('.') && message.matches(". ").count() == 2
}

#[test]
fn every_code_says_three_sentences() {
    let others: Vec<String> =
        ErrorCode::ALL.iter().map(|code| code.sentence()).filter(|text| !has_three_sentences(text)).collect();
    assert_eq!(others, Vec::<String>::new());
    assert!(
        !has_three_sentences("One. Two.")
            && !has_three_sentences("One. Two. Three")
            && !has_three_sentences("One. Two. Three. Four.")
    );
}

/// The check of refusals must itself see what is wrong: each row spoils one part of a good refusal.
#[test]
fn the_check_of_refusals_sees_what_is_wrong() {
    let service = start();
    let good = service.send(&Call::new("GET", "/nowhere")).unwrap();
    assert_eq!(is_refused(&good, ErrorCode::NotFound), Ok(()));
    let body = |from: &str, to: &str| Answer { body: good.body.replace(from, to), ..good.clone() };
    let without = |name: &str| {
        let headers = good.headers.iter().filter(|(known, _)| known != name).cloned().collect();
        Answer { headers, ..good.clone() }
    };
    for spoiled in [
        Answer { status: 400, ..good.clone() },
        body("not_found", "not_there"),
        body("Nothing was changed. ", ""),
        body("at this address", "about Adalind"),
        without("cache-control"),
        without("content-type"),
        Answer { headers: [good.headers.clone(), vec![("retry-after".into(), "5".into())]].concat(), ..good.clone() },
        Answer { body: String::new(), ..good.clone() },
    ] {
        assert!(is_refused(&spoiled, ErrorCode::NotFound).is_err(), "{spoiled:?}");
    }
}
