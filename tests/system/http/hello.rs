//! Hellos: what a hub says, what it hears, and what the service learns by it of hubs and of its own store.

use super::{is_refused, later, metrics::metric, one, receipt, refused, settled, start, taken_now, until};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use device_codecs::{Frame, FrameBytes, FrameKind};
use harness::{
    planted::Down,
    service::{ADA, CY, HUB_A, MORNING, TestService, server_key},
    signed_client::{Answer, Call, TestHub},
};
use hub_agent::{
    Agent, Instruction, Parts, Screen,
    assign::{Binding, Bindings, User},
    config::{Server, ServiceKey},
    uplink::hello::Connection,
};
use ingest::{
    access::{Access, Purpose},
    events::ServiceEvent,
    http::LinkKind,
    store::Witness,
};
use serde_json::{Value, json};
use std::{sync::Arc, thread};
use vitals::{
    ClockOffset,
    ErrorCode::{self, *},
    HubId, PatientId, ReadingId, SourceId,
    wire::{
        hello::{DEAF_MAX, HEADS_MAX, HELLO_BODY_BYTES_MAX, HELLO_PATH, Heartbeat, HelloAnswer, StoreStanding},
        signing::RequestNumber,
        v1,
    },
};

/// A hello of a hub that is well.
pub(super) fn hello(at: DateTime<Utc>) -> Value {
    json!({
        "made_at": v1::moment(at), "build": "0.1.0", "boot": "0011223344556677",
        "outbox": { "waiting_live": 0, "waiting_backfill": 0, "room_readings": 72_000 },
    })
}

/// The hello with one field more or another.
fn with(service: &TestService, name: &str, value: Value) -> Value {
    let mut hello = hello(service.clock.read());
    hello[name] = value;
    hello
}

fn call(service: &TestService, hub: &TestHub, hello: &Value) -> Call {
    hub.signed_to(HELLO_PATH, "identity", hello.to_string(), service.clock.read()).unwrap()
}

pub(super) fn say(service: &TestService, hub: &TestHub, hello: &Value) -> HelloAnswer {
    let answer = service.send(&call(service, hub, hello)).unwrap();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    answer.hello().unwrap()
}

/// The heartbeat of an answer, its signature checked with the service's public key by the hub's own code.
fn heartbeat(answer: &HelloAnswer) -> Heartbeat {
    let sealed = answer.heartbeat.as_ref().unwrap();
    assert_eq!(sealed.key, server_key().id());
    let document = STANDARD.decode(&sealed.document).unwrap();
    serde_json::from_slice(&document).unwrap()
}

#[test]
fn every_hello_is_answered_with_the_newest_heartbeat() {
    let service = start();
    let first = heartbeat(&say(&service, &service.hub_a, &hello(MORNING)));
    assert_eq!((first.store, first.made_at.clone()), (StoreStanding::Ready, v1::moment(MORNING)));
    assert_eq!(first.rules_evaluated_up_to, Some(first.made_at.clone()), "nothing waits to be judged");
    let mut newest = first.clone();
    later(&service, TimeDelta::seconds(10), "there is a newer heartbeat", || {
        newest = heartbeat(&say(&service, &service.hub_b, &hello(service.clock.read())));
        // The first beat of the running service may be of the same moment as the one before the first request.
        newest.made_at > first.made_at
    });
    assert!(newest.sequence > first.sequence && newest.rules_evaluated_up_to > first.rules_evaluated_up_to);
    let same = say(&service, &service.hub_a, &hello(service.clock.read())).heartbeat;
    assert_eq!(same, say(&service, &service.hub_b, &hello(service.clock.read())).heartbeat, "one for all hubs");
}

/// What cannot be judged holds "evaluated up to" back; a store that is down is said, and takes back nothing that was true.
#[test]
fn a_heartbeat_says_no_more_than_is_true() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    let before = heartbeat(&say(&service, &service.hub_a, &hello(MORNING)));
    for (down, standing) in [(Down::Busy, StoreStanding::Busy), (Down::CannotWrite, StoreStanding::Unavailable)] {
        store.set(Some(down));
        // The hello itself writes nothing, so it is answered.
        let mut now = before.clone();
        later(&service, TimeDelta::seconds(10), "the heartbeat says so", || {
            now = heartbeat(&say(&service, &service.hub_a, &hello(service.clock.read())));
            now.store == standing
        });
        assert_eq!(now.rules_evaluated_up_to, before.rules_evaluated_up_to, "{down:?}");
        assert_eq!(metric(&service, "ingest_store_ready"), Some(0));
    }
    store.set(None);
    later(&service, TimeDelta::seconds(10), "it is ready again", || {
        let now = heartbeat(&say(&service, &service.hub_a, &hello(service.clock.read())));
        now.store == StoreStanding::Ready && now.rules_evaluated_up_to > before.rules_evaluated_up_to
    });
}

#[test]
fn what_is_no_hello_is_refused_and_the_hub_goes_on() {
    let service = start();
    let row = |name: &str, value: Value| with(&service, name, value).to_string();
    let many = |count: usize| (0..count).map(|n| (format!("pt-{n}"), json!("1.00"))).collect::<serde_json::Map<_, _>>();
    let deaf = json!({ "link": "bluetooth", "since": v1::moment(MORNING), "why": "no_bus" });
    for (what, body) in [
        ("nothing", String::new()),
        ("words", "hello".to_owned()),
        ("a batch", json!({ "made_at": v1::moment(MORNING), "lane": "live", "readings": [] }).to_string()),
        ("a time that is none", row("made_at", json!("today"))),
        ("a time in summer time", row("made_at", json!("2026-06-01T08:00:00+01:00"))),
        ("no outbox", row("outbox", Value::Null)),
        (
            "an outbox below nothing",
            row("outbox", json!({ "waiting_live": -1, "waiting_backfill": 0, "room_readings": 0 })),
        ),
        ("too many heads", row("heads", Value::Object(many(HEADS_MAX + 1)))),
        ("too many links", row("deaf", vec![deaf; DEAF_MAX + 1].into())),
        ("a wait below nothing", row("wait_secs", json!(-1))),
    ] {
        let call = service.hub_a.signed_to(HELLO_PATH, "identity", body, service.clock.read()).unwrap();
        is_refused(&service.send(&call).unwrap(), BodyMalformed).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    }
    let mut long = hello(MORNING).to_string();
    long.push_str(&" ".repeat(HELLO_BODY_BYTES_MAX));
    let long = service.hub_a.signed_to(HELLO_PATH, "identity", long, MORNING).unwrap();
    refused(&service.send(&long).unwrap(), BodyTooLarge);
    let batch = super::signed(&service, &service.hub_a, &[]);
    let elsewhere = Call { target: HELLO_PATH.to_owned(), ..batch };
    refused(&service.send(&elsewhere).unwrap(), SignatureInvalid);
    let unsigned = TestHub::unsigned_to(HELLO_PATH, "identity", hello(MORNING).to_string());
    refused(&service.send(&unsigned).unwrap(), SignatureMissing);
    let other = service.send(&Call::new("GET", HELLO_PATH)).unwrap();
    assert_eq!((other.status, other.header("allow")), (405, Some("POST")));

    // What a hub of tomorrow says beside it is ignored.
    let tomorrow = json!([{ "link": "telepathy", "since": v1::moment(MORNING), "why": "new" }]);
    say(&service, &service.hub_a, &with(&service, "of_tomorrow", json!({ "a": [1] })));
    say(&service, &service.hub_a, &with(&service, "deaf", tomorrow));
    say(&service, &service.hub_a, &with(&service, "heads", json!({ "pt-ada": "a head of tomorrow" })));
}

/// A hello under a number of the test's own choice.
fn numbered(service: &TestService, nonce: &str) -> Answer {
    let at = service.clock.read();
    let call = TestHub::unsigned_to(HELLO_PATH, "identity", hello(at).to_string());
    let seal = harness::signed_client::Seal::new(service.hub_a.name(), nonce, at);
    service.send(&seal.put_on(call, service.hub_a.key()).unwrap()).unwrap()
}

fn check_number(service: &TestService, nonce: &str, expected: Result<(), ErrorCode>) {
    let answer = numbered(service, nonce);
    match expected {
        Ok(()) => assert_eq!(answer.status, 200, "{nonce}: {answer:?}"),
        Err(code) => is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{nonce}: {wrong}")),
    }
}

/// The window the store keeps for hub A.
fn kept(service: &TestService) -> Option<(u32, u64)> {
    let (store, hub) = (service.store().unwrap(), HubId::parse(HUB_A).unwrap());
    let window = service.block_on(store.replay_window(&Access::system(Purpose::Receive), &hub)).unwrap();
    window.map(|(epoch, window)| (epoch, window.highest))
}

/// Hellos and batches share a hub's numbers; a hello's is kept with the next heartbeat, and at the stop.
#[test]
fn a_hellos_number_is_used_once_and_kept_in_bulk() {
    let mut service = start();
    for (nonce, expected) in [
        ("2.5", Ok(())),
        ("2.5", Err(RequestReplayed)),
        ("2.4", Ok(())),
        ("1.9", Err(EpochRetired)),
        ("2.0", Err(RequestReplayed)),
    ] {
        check_number(&service, nonce, expected);
    }
    assert_eq!(kept(&service), None, "in memory");
    later(&service, TimeDelta::seconds(10), "the numbers are kept", || kept(&service) == Some((2, 5)));
    check_number(&service, "2.8", Ok(()));
    assert_eq!(kept(&service), Some((2, 5)));
    service.restart().unwrap();
    assert_eq!(kept(&service), Some((2, 8)), "kept at the stop");
    for (nonce, expected) in
        [("2.8", Err(RequestReplayed)), ("2.4", Err(RequestReplayed)), ("1.99", Err(EpochRetired)), ("2.7", Ok(()))]
    {
        check_number(&service, nonce, expected);
    }
    let at = service.clock.read();
    let batch = harness::signed_client::Seal::new(service.hub_a.name(), "2.7", at)
        .put_on(TestHub::unsigned(harness::signed_client::batch(&[], at)), service.hub_a.key());
    refused(&service.send(&batch.unwrap()).unwrap(), RequestReplayed);
}

/// What could not be kept while the store was down is kept when it is up.
#[test]
fn numbers_wait_for_a_store_that_is_down() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    check_number(&service, "1.1", Ok(()));
    store.set(Some(Down::CannotWrite));
    later(&service, TimeDelta::seconds(10), "a heartbeat says that it is down", || {
        metric(&service, "ingest_store_ready") == Some(0)
    });
    assert_eq!(kept(&service), None);
    store.set(None);
    later(&service, TimeDelta::seconds(10), "the number is kept", || kept(&service) == Some((1, 1)));
    assert_eq!(service.hub_a.next_number(), RequestNumber { epoch: 1, sequence: 1 });
}

fn disagreements(service: &TestService) -> usize {
    service.events.count(|event| matches!(event, ServiceEvent::WitnessDisagrees { .. }))
}

/// The head of a person's chain as a receipt gave it.
fn head_of(service: &TestService, number: u32) -> String {
    one(service, &taken_now(service, ADA, number, "128/79")).chain_head.unwrap()
}

/// Heads that the store gave agree, old ones too. A head of a service that was set back (here another service with a history
/// of its own) is found at the first hello: said once, counted, and put into the person's record; the hub hears nothing of it.
#[test]
fn a_store_that_was_set_back_is_found_by_the_heads_that_hubs_return() {
    let (service, other) = (start(), start());
    let heads: Vec<String> = (1..=3).map(|number| head_of(&service, number)).collect();
    let lost: Vec<String> = (11..=13).map(|number| head_of(&other, number)).collect();
    let say_head = |head: &str| {
        let answer = say(&service, &service.hub_a, &with(&service, "heads", json!({ ADA.0: head })));
        assert_eq!(answer.offer_again, Vec::<String>::new());
    };
    heads.iter().for_each(|head| say_head(head));
    assert_eq!(disagreements(&service), 0);
    for (said, head) in [(1, &lost[0]), (1, &lost[0]), (2, &lost[1]), (2, &heads[0])] {
        say_head(head);
        assert_eq!(disagreements(&service), said, "{head}");
    }
    let beyond = Witness { place: u64::MAX, ..Witness::parse(&heads[2]).unwrap() };
    say_head(&beyond.to_string());
    assert_eq!(disagreements(&service), 3, "a place this store has not reached");
    assert_eq!(metric(&service, "ingest_witness_disagreements_total"), Some(3));
    let patient = PatientId::parse(ADA.0).unwrap();
    let audits = |service: &TestService| {
        let changes = settled(service).changes;
        changes
            .iter()
            .filter(|change| change.kind.contains("audit") && change.patient.as_ref() == Some(&patient))
            .count()
    };
    assert_eq!(audits(&service), 3, "each is in the record once");
    // A hub is no witness of people who are not on it.
    say(&service, &service.hub_a, &with(&service, "heads", json!({ CY.0: lost[2] })));
    say(&service, &service.hub_b, &with(&service, "heads", json!({ ADA.0: lost[2] })));
    assert_eq!(disagreements(&service), 3);
}

/// A record that cannot be written now is written at a later hello; the disagreement is said once all the same.
#[test]
fn a_disagreement_is_recorded_when_the_store_can() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    let head = Witness { place: 9_000, head: [7; 16] }.to_string();
    let hello = with(&service, "heads", json!({ ADA.0: head }));
    store.set(Some(Down::CannotWrite));
    say(&service, &service.hub_a, &hello);
    store.set(None);
    let audits = || settled(&service).changes.iter().filter(|change| change.kind.contains("audit")).count();
    assert_eq!((disagreements(&service), audits()), (1, 0));
    for _ in 0..2 {
        say(&service, &service.hub_a, &hello);
        assert_eq!((disagreements(&service), audits()), (1, 1));
    }
}

#[test]
fn a_hub_that_is_deaf_or_falls_silent_is_said_once() {
    let service = start();
    let hub = HubId::parse(HUB_A).unwrap();
    let deaf = json!([{ "link": "bluetooth", "since": v1::moment(MORNING), "why": "no_bus" }]);
    let count = |event: &ServiceEvent| service.events.count(|other| other == event);
    let (is_deaf, hears) = (
        ServiceEvent::HubDeaf { hub: hub.clone(), link: LinkKind::Bluetooth },
        ServiceEvent::HubHears { hub: hub.clone(), link: LinkKind::Bluetooth },
    );
    for _ in 0..2 {
        say(&service, &service.hub_a, &with(&service, "deaf", deaf.clone()));
        assert_eq!((count(&is_deaf), count(&hears), metric(&service, "ingest_hubs_deaf")), (1, 0, Some(1)));
    }
    let waiting = json!({
        "waiting_live": 1, "waiting_backfill": 2, "oldest_at": v1::moment(MORNING - TimeDelta::hours(1)), "room_readings": 5,
    });
    say(&service, &service.hub_a, &with(&service, "outbox", waiting));
    assert_eq!((count(&hears), metric(&service, "ingest_hubs_deaf")), (1, Some(0)));
    for (name, expected) in [
        ("ingest_hubs_heard", 1),
        ("ingest_hubs_silent", 0),
        ("ingest_hubs_with_waiting_readings", 1),
        ("ingest_hub_readings_waiting", 3),
        ("ingest_hub_oldest_waiting_seconds", 3600),
        ("ingest_hellos_total", 3),
    ] {
        assert_eq!(metric(&service, name), Some(expected), "{name}");
    }
    let (silent, again) = (ServiceEvent::HubSilent { hub: hub.clone() }, ServiceEvent::HubHeardAgain { hub });
    later(&service, TimeDelta::seconds(121), "the silence is said", || count(&silent) == 1);
    assert_eq!(metric(&service, "ingest_hubs_silent"), Some(1));
    receipt(&service, &service.hub_a, &[]);
    assert_eq!(count(&again), 1, "a batch is a sign of life too");
    later(&service, TimeDelta::seconds(121), "it is said again", || count(&silent) == 2);
    say(&service, &service.hub_a, &hello(service.clock.read()));
    assert_eq!(count(&again), 2);
}

/// A hello that may wait is answered when the store's standing changes, when its time is over, or when the service stops; and
/// not before.
#[test]
fn a_hello_that_waits_is_answered_by_news_by_time_and_by_the_stop() {
    let (mut service, store) = TestService::with_faulty_store().unwrap();
    let waits = with(&service, "wait_secs", json!(4000));
    let long = call(&service, &service.hub_a, &waits);
    let address = service.address().unwrap();
    let wait = |call: Call| thread::spawn(move || call.send(address).unwrap());
    let hellos = |service: &TestService| metric(service, "ingest_hellos_total").unwrap();

    let waiting = wait(long);
    until("it is there", || hellos(&service) == 1);
    // Other heartbeats that say the same are no news.
    let first = heartbeat(&say(&service, &service.hub_b, &hello(service.clock.read()))).sequence;
    later(&service, TimeDelta::seconds(10), "there is a newer heartbeat", || {
        heartbeat(&say(&service, &service.hub_b, &hello(service.clock.read()))).sequence > first
    });
    assert!(!waiting.is_finished());
    store.set(Some(Down::Busy));
    later(&service, TimeDelta::seconds(10), "it is answered", || waiting.is_finished());
    let answer = waiting.join().unwrap().hello().unwrap();
    assert_eq!(heartbeat(&answer).store, StoreStanding::Busy);

    let before = hellos(&service);
    let waiting = wait(call(&service, &service.hub_a, &waits));
    until("it is there", || hellos(&service) == before + 1);
    later(&service, TimeDelta::seconds(40), "no more than 40 seconds are given", || waiting.is_finished());
    assert_eq!(waiting.join().unwrap().status, 200);

    store.set(None);
    let waiting = wait(call(&service, &service.hub_a, &waits));
    until("it is there", || hellos(&service) == before + 2);
    service.stop().unwrap();
    assert_eq!(waiting.join().unwrap().status, 200);
}

#[derive(Default)]
struct Unseen;

impl Screen for Unseen {
    fn show(&self, _instruction: &Instruction) {}
}

struct Unheard;

impl hub_agent::Events for Unheard {
    fn emit(&self, _event: &hub_agent::HubEvent) {}
}

/// 128/79, mean 95, taken at eight in London by user 1: flags with time and user.
const GREEN: [u8; 15] = [0x0a, 128, 0, 79, 0, 95, 0, 0xea, 0x07, 6, 1, 8, 0, 0, 1];

/// The real hub with the real service: connected by a heartbeat it can check, its heads agree, and what the service wants
/// again comes again. With another key pinned, the same heartbeat connects nobody.
#[test]
fn the_hub_and_the_service_understand_each_other() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let device = SourceId::device("Harness", "hub's own").unwrap();
    let binding = Binding { source: device.clone(), user: User::Index(1), patient: PatientId::parse(ADA.0).unwrap() };
    let config = |public: [u8; 32], name: &str| hub_agent::Config {
        hub: HubId::parse(HUB_A).unwrap(),
        server: Server::parse(&format!("http://{}", service.address().unwrap())).unwrap(),
        service_key: Some(ServiceKey::from_bytes(public).unwrap()),
        data_folder: folder.path().join(name),
        key: service.hub_a.key().clone(),
        bindings: Bindings::new([binding.clone()]).unwrap(),
        bluetooth: None,
        serial: Vec::new(),
    };
    let agent = |config: &hub_agent::Config| {
        let parts = Parts {
            clock: service.clock.clone(),
            randomness: Arc::new(hub_agent::rng::OsRandomness),
            disk: Arc::new(hub_agent::disk::Folder::open(&config.data_folder).unwrap()),
            network: Arc::new(hub_agent::net::TcpNetwork),
            events: Arc::new(Unheard),
            screen: Arc::new(Unseen),
        };
        service.block_on(Agent::new(parts, config)).unwrap()
    };
    // Any other hub's public key will do for one that is not the service's.
    let misled = agent(&config(service.hub_b.key().public_key().unwrap(), "misled"));
    service.block_on(misled.say_hello()).unwrap_err();
    assert_eq!(misled.connection(), Connection::NotKnown);
    let hub = agent(&config(server_key().public(), "hub"));
    // Its epoch is that of the first: its numbers go on behind it.
    service.block_on(hub.say_hello()).unwrap_err();
    service.block_on(hub.say_hello()).unwrap();
    let Connection::Connected { heartbeat: Some(taken) } = hub.connection() else { panic!("{:?}", hub.connection()) };
    assert_eq!((taken.rules_evaluated_up_to, taken.store), (Some(MORNING), StoreStanding::Ready));

    let frame = |minute: u8| {
        let mut bytes = GREEN.to_vec();
        bytes[12] = minute;
        Frame {
            device: device.clone(),
            kind: FrameKind::BloodPressure,
            bytes: FrameBytes::new(bytes).unwrap(),
            seen_at: MORNING + TimeDelta::minutes(i64::from(minute)),
            clock: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
            counts_from: None,
        }
    };
    let ids: Vec<ReadingId> = (0..3).map(|minute| service.block_on(hub.hear(frame(minute))).unwrap().id()).collect();
    assert_eq!(service.block_on(hub.send_waiting()).unwrap().settled, 3, "packed, as three are");
    store.want(vec![ids[1]]);
    service.block_on(hub.say_hello()).unwrap();
    store.want(Vec::new());
    let batches = |service: &TestService| metric(service, "ingest_batches_total").unwrap();
    assert_eq!(service.block_on(hub.send_waiting()).unwrap().settled, 1);
    assert_eq!((batches(&service), service.see().unwrap().readings.len()), (2, 3));
    service.block_on(hub.say_hello()).unwrap();
    assert_eq!(disagreements(&service), 0, "what it returned is what it was given");
    service.block_on(hub.close());
}
