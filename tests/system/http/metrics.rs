//! `GET /metrics`: what happened is in the counts, nothing personal is, and only this machine may ask.

use super::{one, receipt, refused, settled, signed, start, taken_now};
use harness::{
    service::{ADA, BO, TestService, personal_words_in},
    signed_client::{Answer, Call},
};
use serde_json::json;
use vitals::ErrorCode::NotAllowed;

fn ask(service: &TestService) -> Answer {
    service.send(&Call::new("GET", "/metrics")).unwrap()
}

/// The value of a metric without a label, or with its label as it stands; none where it is left out.
pub(super) fn metric(service: &TestService, name: &str) -> Option<u64> {
    let text = ask(service).body;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn what_happened_is_in_the_counts() {
    let service = start();
    for name in ["ingest_batches_total", "ingest_signatures_verified_total", "ingest_commit_duration_seconds_count"] {
        assert_eq!(metric(&service, name), Some(0), "{name}");
    }
    let red = taken_now(&service, ADA, 1, "182/118");
    one(&service, &red);
    one(&service, &red);
    receipt(&service, &service.hub_a, &[taken_now(&service, BO, 1, "128/79"), json!({})]);
    let call = signed(&service, &service.hub_a, &[]);
    assert_eq!(service.send(&call).unwrap().status, 200);
    assert_eq!(service.send(&call).unwrap().status, 401);
    assert_eq!(service.send(&call.changed("signature", "hub=:AAAA:")).unwrap().status, 401);
    settled(&service);
    for (name, expected) in [
        ("ingest_batches_total", 4),
        ("ingest_signatures_verified_total", 5),
        ("ingest_readings_total{outcome=\"judged\"}", 2),
        ("ingest_readings_total{outcome=\"duplicate\"}", 1),
        ("ingest_readings_total{outcome=\"rejected\"}", 1),
        ("ingest_readings_total{outcome=\"unassigned\"}", 0),
        ("ingest_refusals_total{code=\"request_replayed\"}", 1),
        ("ingest_alert_changes_total{stage=\"raised\"}", 1),
        ("ingest_notifications_total{outcome=\"failed\"}", 0),
        ("ingest_commit_duration_seconds_count", 4),
        ("ingest_hellos_total", 0),
        ("ingest_body_bytes_held", 0),
        ("ingest_store_ready", 1),
    ] {
        assert_eq!(metric(&service, name), Some(expected), "{name}");
    }
    let evaluated = metric(&service, "ingest_rules_evaluated_up_to_timestamp_seconds").unwrap();
    assert!(evaluated >= u64::try_from(service.clock.read().timestamp()).unwrap() - 60);
    let answer = ask(&service);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(personal_words_in(&answer.body), None);
    assert!(!answer.body.contains("pt-") && !answer.body.contains("hub-"), "no ids: they would be without end");
}

#[test]
fn only_this_machine_may_ask_and_for_itself() {
    let service = start();
    assert_eq!(ask(&service).status, 200);
    for (name, value) in [
        ("host", "readings.example.org"),
        ("forwarded", "for=192.0.2.7"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
    ] {
        refused(&service.send(&Call::new("GET", "/metrics").with(name, value)).unwrap(), NotAllowed);
    }
    let other = service.send(&Call::new("POST", "/metrics")).unwrap();
    assert_eq!((other.status, other.header("allow")), (405, Some("GET")));
}
