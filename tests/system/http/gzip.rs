//! Packed bodies: taken like any other, held to one whole member and to the limit, and never opened before their digest fits.

use super::{is_refused, metrics::metric, receipt, start, taken_now};
use flate2::{Compression, write::GzEncoder};
use harness::{
    service::{ADA, TestService},
    signed_client::{Call, TestHub, batch},
};
use ingest::events::ServiceEvent;
use serde_json::Value;
use std::io::Write;
use vitals::{
    ErrorCode::{self, *},
    wire::v1::{BATCHES_PATH, BODY_BYTES_MAX, Outcome},
};

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn packed(service: &TestService, body: impl Into<Vec<u8>>) -> Call {
    service.hub_a.signed_to(BATCHES_PATH, "gzip", body, service.clock.read()).unwrap()
}

fn json(service: &TestService, readings: &[Value]) -> Vec<u8> {
    batch(readings, service.clock.read()).into_bytes()
}

fn check(service: &TestService, what: &str, call: &Call, code: ErrorCode) {
    let before = service.see().unwrap();
    let answer = service.send(call).unwrap_or_else(|error| panic!("{what}: {error}"));
    is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    assert_eq!(service.see().unwrap(), before, "{what}: it was refused, and yet it changed something");
    assert_eq!(metric(service, "ingest_body_bytes_held"), Some(0), "{what}: its room came back");
    assert_eq!(receipt(service, &service.hub_a, &[]).readings, [], "{what}: the hub's next request is taken");
}

#[test]
fn a_packed_batch_is_stored_like_any_other() {
    let service = start();
    let readings: Vec<Value> = (1..=50).map(|number| taken_now(&service, ADA, number, "128/79")).collect();
    let body = pack(&json(&service, &readings));
    let length = body.len();
    let answer = service.send(&packed(&service, body)).unwrap().receipt().unwrap();
    assert!(answer.readings.iter().all(|line| line.outcome == Outcome::Stored));
    let is_as_sent =
        |event: &ServiceEvent| matches!(event, ServiceEvent::BatchReceived { bytes, .. } if *bytes == length);
    assert_eq!(service.events.count(is_as_sent), 1, "counted as sent");
    let again = receipt(&service, &service.hub_a, &readings);
    assert!(again.readings.iter().all(|line| line.outcome == Outcome::Duplicate), "the same readings, not packed");
}

/// The digest is that of the bytes as sent. Where it does not fit, nothing is unpacked: a damaged member is then a wrong
/// digest and no malformed body.
#[test]
fn the_digest_is_of_the_bytes_as_sent_and_comes_first() {
    let service = start();
    let (plain, at) = (json(&service, &[taken_now(&service, ADA, 1, "128/79")]), service.clock.read());
    let digest_of_plain = TestHub::unsigned(plain.clone()).header("content-digest").unwrap().to_owned();
    let call = TestHub::unsigned_to(BATCHES_PATH, "gzip", pack(&plain)).changed("content-digest", &digest_of_plain);
    let call = service.hub_a.seal(at).put_on(call, service.hub_a.key()).unwrap();
    check(&service, "the digest of what is inside", &call, DigestMismatch);
    let mut damaged = pack(&plain);
    damaged.truncate(40);
    let call = Call { body: damaged.clone(), ..packed(&service, pack(&plain)) };
    check(&service, "damaged on the way", &call, DigestMismatch);
    check(&service, "damaged before it was signed", &packed(&service, damaged), BodyMalformed);
}

#[test]
fn only_one_whole_member_is_unpacked() {
    let service = start();
    let good = pack(&json(&service, &[taken_now(&service, ADA, 1, "128/79")]));
    let mut flipped = good.clone();
    flipped[60] ^= 0x10;
    for (what, body) in [
        ("nothing", vec![]),
        ("not packed", json(&service, &[])),
        ("cut", good[..good.len() - 1].to_vec()),
        ("cut in the middle", good[..good.len() / 2].to_vec()),
        ("a bit changed", flipped),
        ("something after it", [good.as_slice(), b"\n"].concat()),
        ("two members", [good.clone(), good.clone()].concat()),
        ("packed twice", pack(&good)),
        ("words", pack(b"not json")),
    ] {
        check(&service, what, &packed(&service, body), BodyMalformed);
    }
    assert_eq!(service.send(&packed(&service, good)).unwrap().status, 200, "and this one is");
}

/// The limit is that of what comes out, to the byte; a bomb is refused by it, whatever it says of itself.
#[test]
fn what_unpacks_beyond_the_limit_is_refused() {
    let service = start();
    let padded = |length: usize| {
        let mut body = json(&service, &[]);
        body.resize(length, b' ');
        pack(&body)
    };
    assert_eq!(service.send(&packed(&service, padded(BODY_BYTES_MAX))).unwrap().status, 200);
    check(&service, "one byte more", &packed(&service, padded(BODY_BYTES_MAX + 1)), BodyTooLarge);
    let bomb = padded(100 * BODY_BYTES_MAX);
    assert!(bomb.len() < BODY_BYTES_MAX / 4, "200 MiB in {} bytes", bomb.len());
    check(&service, "a bomb", &packed(&service, bomb.clone()), BodyTooLarge);
    let mut small = bomb;
    let end = small.len() - 4;
    small[end..].copy_from_slice(&1000_u32.to_le_bytes());
    check(&service, "a bomb that says it is small", &packed(&service, small), BodyMalformed);
}
