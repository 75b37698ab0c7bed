//! The same reading twice, another under its number, and readings that are nobody's.

use super::{bad_readings::section, one, receipt, settled, start, taken_now, words_of};
use harness::{
    service::{ADA, BO, CY, Seen, Setup, TestService},
    signed_client::Call,
    webhook::{Reply, WebhookListener},
};
use ingest::events::ServiceEvent;
use serde_json::json;
use vitals::{ErrorCode, Who, WhyUnassigned, wire::v1::Outcome};

/// Whether a red that was sent again and again is one reading, one alert and one notification for each channel.
fn is_once(seen: &[Seen]) -> Result<(), String> {
    let readings: usize = seen.iter().map(|seen| seen.readings.len()).sum();
    let alerts: usize = seen.iter().map(|seen| seen.alerts.len()).sum();
    let jobs: usize = seen.iter().map(|seen| seen.count("notification-made")).sum();
    if (readings, alerts, jobs) == (1, 1, 2) {
        Ok(())
    } else {
        Err(format!("{readings} readings, {alerts} alerts, {jobs} notifications"))
    }
}

fn with_webhook(webhook: &WebhookListener) -> TestService {
    TestService::start(Setup { webhook: Some(webhook.url()), ..Setup::default() }).unwrap()
}

/// A receipt that was lost is asked for again, under a new number: the same verdict and prompts, and nothing twice.
/// First the check is shown a store that forgets (each request on a fresh one) and sees two of everything.
#[test]
fn a_reading_sent_again_is_stored_once_and_answered_as_the_first_time() {
    let webhook = WebhookListener::start(Reply::Status(200)).unwrap();
    let forgetful = [with_webhook(&webhook), with_webhook(&webhook)];
    let seen = forgetful.each_ref().map(|service| {
        assert_eq!(one(service, &taken_now(service, ADA, 1, "182/118")).outcome, Outcome::Stored);
        service.see().unwrap()
    });
    assert_eq!(is_once(&seen), Err("2 readings, 2 alerts, 4 notifications".to_owned()));
    drop(forgetful);

    let webhook = WebhookListener::start(Reply::Status(200)).unwrap();
    let mut service = with_webhook(&webhook);
    let reading = taken_now(&service, ADA, 1, "182/118");
    let first = one(&service, &reading);
    assert_eq!(first.outcome, Outcome::Stored);
    assert_eq!((settled(&service).count("notification-tried"), webhook.posts().len()), (2, 1));
    for _ in 0..3 {
        let again = one(&service, &reading);
        assert_eq!(
            (again.outcome, &again.verdict, &again.prompts),
            (Outcome::Duplicate, &first.verdict, &first.prompts)
        );
        assert_eq!((again.code, again.message), (None, None));
    }
    service.restart().unwrap();
    let again = one(&service, &reading);
    assert_eq!((again.outcome, &again.verdict, &again.prompts), (Outcome::Duplicate, &first.verdict, &first.prompts));
    assert_eq!(is_once(&[service.see().unwrap()]), Ok(()));
    service.clock.advance(chrono::TimeDelta::hours(1));
    one(&service, &taken_now(&service, BO, 1, "182/118"));
    super::until("the webhook was told of the other", || webhook.posts().len() == 2);
}

#[test]
fn a_reading_twice_in_one_batch_is_stored_once() {
    let service = start();
    let reading = taken_now(&service, ADA, 1, "182/118");
    let receipt = receipt(&service, &service.hub_a, &[reading.clone(), taken_now(&service, BO, 1, "128/79"), reading]);
    let outcomes: Vec<Outcome> = receipt.readings.iter().map(|line| line.outcome).collect();
    assert_eq!(outcomes, [Outcome::Stored, Outcome::Stored, Outcome::Duplicate]);
    assert_eq!(receipt.readings[0].prompts, receipt.readings[2].prompts);
    let seen = service.see().unwrap();
    assert_eq!((seen.readings.len(), seen.alerts.len()), (2, 1));
}

#[test]
fn another_reading_under_a_number_that_is_taken_is_a_conflict_and_kept() {
    let service = start();
    let first = taken_now(&service, ADA, 1, "128/79");
    assert_eq!(one(&service, &first).outcome, Outcome::Stored);
    let mut other = first.clone();
    other["measured"]["systolic"]["value"] = json!("131");
    let line = one(&service, &other);
    assert_eq!((line.outcome, line.code.as_deref()), (Outcome::Conflict, Some("reading_conflict")));
    assert_eq!(line.message, Some(ErrorCode::ReadingConflict.sentence()));
    assert_eq!(line.verdict, None);
    let seen = service.see().unwrap();
    assert_eq!((seen.readings.len(), seen.count("reading-stored"), seen.count("reading-conflict")), (1, 1, 1));
    let page = words_of(&service.send(&Call::new("GET", "/")).unwrap());
    assert!(section(&page, "Equipment and connection").contains(ErrorCode::ReadingConflict.meaning().means), "{page}");
    assert!(serde_json::to_string(&seen.readings[0].reading).unwrap().contains("\"128\""), "the first stays");
    assert_eq!(one(&service, &first).outcome, Outcome::Duplicate);
    assert_eq!(one(&service, &other).outcome, Outcome::Conflict, "sent again, it is kept once");
    assert_eq!(service.see().unwrap().count("reading-conflict"), 1);
    assert_eq!(service.events.count(|event| matches!(event, ServiceEvent::ReadingConflict { .. })), 2);
}

/// A reading goes to a person by an explicit binding or to nobody: never to whom a hub only names, never by a guess.
#[test]
fn a_reading_that_is_nobodys_is_kept_unjudged_and_shown() {
    let service = start();
    let mut foreign = taken_now(&service, ADA, 1, "182/118");
    foreign["patient"] = json!(CY.0);
    let nobody = |number: u32, why: &str, user: u8| {
        let mut reading = taken_now(&service, ADA, number, "182/118");
        reading.as_object_mut().unwrap().remove("patient");
        (reading["unassigned"], reading["user_index"]) = (json!(why), json!(user));
        reading
    };
    let sent = [
        (foreign, WhyUnassigned::PatientNotOnHub),
        (nobody(2, "user_unknown", 255), WhyUnassigned::UserUnknown),
        (nobody(3, "not_bound", 2), WhyUnassigned::NotBound),
        (nobody(4, "a reason of tomorrow", 2), WhyUnassigned::NotBound),
    ];
    for (reading, why) in &sent {
        let line = one(&service, reading);
        assert_eq!((line.outcome, &line.verdict, line.prompts.len()), (Outcome::Unassigned, &None, 0), "{why:?}");
        assert_eq!((line.code, line.chain_head), (None, None), "{why:?}");
    }
    let seen = service.see().unwrap();
    assert_eq!((seen.readings.len(), seen.alerts.len()), (0, 0), "nobody's reading raises nothing");
    let kept: Vec<Who> = seen.unassigned.iter().rev().map(|stored| stored.reading.who.clone()).collect();
    assert_eq!(kept, sent.each_ref().map(|(_, why)| Who::Unassigned(*why)));
    let page = service.send(&Call::new("GET", "/")).unwrap().body;
    let shown = section(&page, "Whose reading is this?");
    for (_, why) in &sent {
        assert!(shown.contains(look::words::unassigned(*why)), "{why:?} is not in {shown}");
    }
    assert_eq!(shown.matches("182/118").count(), sent.len());
    assert_eq!(one(&service, &sent[1].0).outcome, Outcome::Duplicate);
}

/// A hub that offers a reading of somebody who is on another hub learns that it is stored, and nothing about them.
#[test]
fn another_hub_learns_nothing_of_a_person_by_sending_their_reading() {
    let service = start();
    let reading = taken_now(&service, ADA, 1, "182/118");
    assert_eq!(one(&service, &reading).prompts.len(), 1);
    let before = settled(&service);
    let line = receipt(&service, &service.hub_b, std::slice::from_ref(&reading)).readings.remove(0);
    assert_eq!((line.outcome, line.verdict, line.prompts, line.chain_head), (Outcome::Duplicate, None, vec![], None));
    let after = service.see().unwrap();
    assert_eq!((after.readings, after.alerts), (before.readings, before.alerts));
}
