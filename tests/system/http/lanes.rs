//! Live before backfill, small before large, and one hub's haste in nobody's way but its own.

use super::{is_refused, metrics::metric, one, signed, start, taken_now, until};
use harness::{
    planted::{Down, FaultyStore},
    service::{ADA, TestService},
    signed_client::{Call, TestHub, batch},
};
use ingest::{access::Lane, http::BODIES_BYTES_MAX};
use serde_json::Value;
use std::{collections::BTreeSet, fmt::Write as _, io::Write as _, net::TcpStream};
use vitals::{
    ErrorCode::ServiceBusy,
    wire::v1::{BODY_BYTES_MAX, Outcome},
};

fn in_lane(service: &TestService, lane: &str, readings: &[Value]) -> Call {
    let at = service.clock.read();
    let body = batch(readings, at).replace("\"lane\":\"live\"", &format!("\"lane\":\"{lane}\""));
    service.hub_a.signed(body, at).unwrap()
}

/// The lanes in which hub A's batches were handed to the store.
fn lanes(store: &FaultyStore) -> Vec<Lane> {
    let is_batch = |access: &ingest::access::Access| {
        use ingest::access::{Access, Purpose::*};
        access.actor().is_none() && ![SetUp, Sweep, Notify, Follow, Receive].map(Access::system).contains(access)
    };
    store.callers().into_iter().filter(is_batch).map(|access| access.lane()).collect()
}

#[test]
fn a_batch_waits_in_its_own_lane_and_backfill_is_told_to_come_back_later() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    for (number, lane) in [(1, "live"), (2, "backfill")] {
        let reading = taken_now(&service, ADA, number, "128/79");
        let answer = service.send(&in_lane(&service, lane, &[reading])).unwrap().receipt().unwrap();
        assert_eq!(answer.readings[0].outcome, Outcome::Stored);
    }
    assert_eq!(lanes(&store), [Lane::Live, Lane::Backfill]);
    store.set(Some(Down::Busy));
    for (lane, expected) in [("live", 5..=15), ("backfill", 30..=90)] {
        let told: BTreeSet<u64> = (0..8)
            .map(|number| {
                let reading = taken_now(&service, ADA, 10 + number, "128/79");
                let answer = service.send(&in_lane(&service, lane, &[reading])).unwrap();
                is_refused(&answer, ServiceBusy).unwrap();
                answer.header("retry-after").unwrap().parse().unwrap()
            })
            .collect();
        assert!(told.iter().all(|secs| expected.contains(secs)), "{lane}: {told:?}");
        assert!(told.len() > 1, "{lane}: everybody is told the same: {told:?}");
    }
}

/// Sends the head of a request and one byte of a body that says it has this many.
fn begin(service: &TestService, call: &Call, length: usize) -> TcpStream {
    let address = service.address().unwrap();
    let mut head =
        format!("{} {} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n", call.method, call.target);
    for (name, value) in &call.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("{head}\r\n ").as_bytes()).unwrap();
    stream
}

fn holds(service: &TestService, bytes: usize) {
    let bytes = u64::try_from(bytes).unwrap();
    until("the service holds as many bytes", || metric(service, "ingest_body_bytes_held") == Some(bytes));
}

/// A hub that has sixteen requests under way is told to wait; another hub is not, and neither is this one afterwards.
#[test]
fn one_hub_cannot_take_everybodys_turn() {
    let service = start();
    let slow: Vec<TcpStream> = (0..16).map(|_| begin(&service, &signed(&service, &service.hub_a, &[]), 6400)).collect();
    holds(&service, 16 * 6400);
    let reading = taken_now(&service, ADA, 1, "128/79");
    let answer = service.send(&signed(&service, &service.hub_a, std::slice::from_ref(&reading))).unwrap();
    is_refused(&answer, ServiceBusy).unwrap();
    assert_eq!(service.send(&signed(&service, &service.hub_b, &[])).unwrap().status, 200);
    drop(slow);
    holds(&service, 0);
    assert_eq!(one(&service, &reading).outcome, Outcome::Stored);
}

/// When bodies fill the room they may have, large ones are told to wait, and a reading just taken is not.
#[test]
fn large_bodies_leave_room_for_a_reading_just_taken() {
    let service = start();
    let slow = |hub: &TestHub, many: usize| -> Vec<TcpStream> {
        (0..many).map(|_| begin(&service, &signed(&service, hub, &[]), BODY_BYTES_MAX)).collect()
    };
    // Three quarters of the room, by two hubs that send all they have.
    let large = [slow(&service.hub_a, 12), slow(&service.hub_b, 12)];
    holds(&service, BODIES_BYTES_MAX / 4 * 3);
    let mut body = batch(&[], service.clock.read()).into_bytes();
    body.resize(BODY_BYTES_MAX, b' ');
    let answer = service.send(&service.hub_a.signed(body.clone(), service.clock.read()).unwrap()).unwrap();
    is_refused(&answer, ServiceBusy).unwrap();
    assert_eq!(one(&service, &taken_now(&service, ADA, 1, "182/118")).outcome, Outcome::Stored);
    drop(large);
    holds(&service, 0);
    let answer = service.send(&service.hub_a.signed(body, service.clock.read()).unwrap()).unwrap();
    assert_eq!(answer.status, 200, "and later it is taken");
}
