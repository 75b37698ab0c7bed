//! What a request carries: too large, cut short, in another form. Each gets its code, nothing of it is stored, and the
//! hub's next request is taken.

use super::{is_refused, receipt, start, taken_now};
use harness::{
    service::{ADA, TestService},
    signed_client::{Call, Framing, TestHub, batch},
};
use serde_json::json;
use vitals::{
    ErrorCode::{self, *},
    wire::v1::{BATCH_READINGS_MAX, BODY_BYTES_MAX},
};

fn check(service: &TestService, what: &str, call: &Call, code: ErrorCode) {
    let before = service.see().unwrap();
    let answer = service.send(call).unwrap_or_else(|error| panic!("{what}: {error}"));
    is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    assert_eq!(service.see().unwrap(), before, "{what}: it was refused, and yet it changed something");
    let next = receipt(service, &service.hub_a, &[]);
    assert_eq!(next.readings, [], "{what}: the hub's next request is taken");
}

fn signed(service: &TestService, body: impl Into<Vec<u8>>) -> Call {
    service.hub_a.signed(body, service.clock.read()).unwrap()
}

/// A good batch, padded with white space to a length.
fn padded(service: &TestService, length: usize) -> Vec<u8> {
    let mut body = batch(&[taken_now(service, ADA, 1, "128/79")], service.clock.read()).into_bytes();
    body.resize(length, b' ');
    body
}

#[test]
fn only_json_as_it_is_written_is_taken() {
    let service = start();
    let body = padded(&service, 2000);
    for (name, value, code) in [
        ("content-type", Some("text/plain"), ContentTypeNotSupported),
        ("content-type", Some("application/json; charset=utf-8"), ContentTypeNotSupported),
        ("content-type", Some("application/x-www-form-urlencoded"), ContentTypeNotSupported),
        ("content-type", Some(""), ContentTypeNotSupported),
        ("content-type", None, ContentTypeNotSupported),
        ("content-encoding", Some("br"), EncodingNotSupported),
        ("content-encoding", Some("deflate"), EncodingNotSupported),
        ("content-encoding", Some("gzip, gzip"), EncodingNotSupported),
        ("content-encoding", Some("identity, gzip"), EncodingNotSupported),
        ("content-encoding", Some(""), EncodingNotSupported),
        ("content-encoding", None, EncodingNotSupported),
    ] {
        let call = TestHub::unsigned(body.clone()).without(name);
        let call = value.map_or(call.clone(), |value| call.with(name, value));
        // Signed as it is sent, so that nothing but the header is wrong with it.
        let call = service.hub_a.seal(service.clock.read()).put_on(call, service.hub_a.key()).unwrap();
        check(&service, &format!("{name}: {value:?}"), &call, code);
    }
}

/// The largest body there may be is taken; one byte more is not, however it is sent.
#[test]
fn a_body_is_taken_up_to_its_limit_and_not_beyond() {
    let service = start();
    for framing in [Framing::Length, Framing::Chunked] {
        let largest = Call { framing, ..signed(&service, padded(&service, BODY_BYTES_MAX)) };
        let answer = service.send(&largest).unwrap();
        assert_eq!(answer.status, 200, "{framing:?}: {answer:?}");
        for length in [BODY_BYTES_MAX + 1, 2 * BODY_BYTES_MAX] {
            let larger = Call { framing, ..signed(&service, padded(&service, length)) };
            check(&service, &format!("{length} bytes, {framing:?}"), &larger, BodyTooLarge);
        }
    }
    let unsigned = TestHub::unsigned(padded(&service, BODY_BYTES_MAX + 1));
    check(&service, "too large and not signed: nobody unknown makes the service read it", &unsigned, SignatureMissing);
}

/// A body that broke off is refused by its form or, where the connection is gone with it, not answered; either way
/// nothing is stored and the number may be used again, because nobody can tell whether the hub still wants it.
#[test]
fn a_body_that_breaks_off_stores_nothing() {
    let service = start();
    let whole = signed(&service, padded(&service, 2000));
    let before = service.see().unwrap();
    for length in [0, 1, 300, 1999] {
        let cut = Call { framing: Framing::Cut(length), ..whole.clone() };
        if let Ok(answer) = service.send(&cut) {
            is_refused(&answer, BodyMalformed).unwrap();
        }
        assert_eq!(service.see().unwrap(), before);
    }
    assert_eq!(service.send(&whole).unwrap().status, 200);
}

#[test]
fn a_body_that_is_no_batch_is_malformed() {
    let service = start();
    let (good, deep) =
        (json!({ "made_at": "2026-06-01T07:00:00Z", "lane": "live", "readings": [] }), "[".repeat(100_000));
    let with = |name: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed.to_string()
    };
    let without = |name: &str| {
        let mut changed = good.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed.to_string()
    };
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", vec![]),
        ("words", b"not json".into()),
        ("two documents", format!("{good}{good}").into()),
        ("cut in the middle", good.to_string().as_bytes()[..20].into()),
        ("not UTF-8", b"{\"made_at\":\"\xff\xfe\",\"lane\":\"live\",\"readings\":[]}".into()),
        ("null", b"null".into()),
        ("a list", b"[]".into()),
        ("an empty object", b"{}".into()),
        ("brackets without end", deep.clone().into()),
        ("brackets within brackets", format!("{deep}{}", "]".repeat(100_000)).into()),
        ("objects within objects", format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)).into()),
        ("readings within brackets", with("readings", json!([])).replace("[]", &format!("[{deep}")).into()),
        ("readings that are no list", with("readings", json!({ "0": {} })).into()),
        ("readings that are null", with("readings", json!(null)).into()),
        ("no readings", without("readings").into()),
        ("no lane", without("lane").into()),
        ("a lane nobody knows", with("lane", json!("fast")).into()),
        ("no time", without("made_at").into()),
        ("a time that is a number", with("made_at", json!(0)).into()),
        ("a time that is none", with("made_at", json!("yesterday")).into()),
        ("a time in summer time", with("made_at", json!("2026-06-01T08:00:00+01:00")).into()),
        ("readings twice", good.to_string().replace("\"readings\":[]", "\"readings\":[],\"readings\":[]").into()),
    ];
    for (what, body) in rows {
        check(&service, what, &signed(&service, body), BodyMalformed);
    }
}

#[test]
fn a_batch_is_taken_up_to_its_limit_and_not_beyond() {
    let service = start();
    let reading = |number| taken_now(&service, ADA, number, "128/79");
    let readings: Vec<_> = (0..=u32::try_from(BATCH_READINGS_MAX).unwrap()).map(reading).collect();
    check(&service, "1001 readings", &super::signed(&service, &service.hub_a, &readings), TooManyReadings);
    receipt(&service, &service.hub_a, &readings[1..]);
    assert_eq!(service.see().unwrap().readings.len(), BATCH_READINGS_MAX);
    let nothing = vec![json!(null); BATCH_READINGS_MAX + 1];
    check(&service, "1001 times nothing", &super::signed(&service, &service.hub_a, &nothing), TooManyReadings);
}

/// The wire ignores what it does not know, so that a newer hub is heard by an older service.
#[test]
fn fields_of_tomorrow_are_ignored() {
    let service = start();
    let mut reading = taken_now(&service, ADA, 1, "128/79");
    reading["of_tomorrow"] = json!({ "version": [2, null] });
    reading["raw"]["of_tomorrow"] = json!(1);
    reading["measured"]["systolic"]["of_tomorrow"] = json!("x");
    let mut body: serde_json::Value = serde_json::from_str(&batch(&[reading], service.clock.read())).unwrap();
    body["of_tomorrow"] = json!([1]);
    let answer = service.send(&signed(&service, body.to_string())).unwrap();
    assert_eq!(answer.receipt().unwrap().readings[0].outcome, vitals::wire::v1::Outcome::Stored);
}
