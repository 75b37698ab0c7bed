//! The store is down: the service says so and when to come back, and the hub keeps its readings until it is up again.

use super::{is_refused, one, pages::is_problem_page, receipt, settled, signed, taken_now};
use device_codecs::{Frame, FrameBytes, FrameKind};
use harness::{
    planted::Down,
    service::{ADA, BO, HUB_A, MORNING, TestService},
    signed_client::Call,
};
use hub_agent::{
    Agent, HubEvent, Instruction, Parts, Screen,
    assign::{Binding, Bindings, User},
    config::Server,
    outbox::{Counts, Keeping},
    uplink::SendError,
};
use std::sync::{Arc, Mutex};
use vitals::{ClockOffset, ErrorCode::*, HubId, PatientId, SourceId, wire::v1::Outcome};

/// Each way to be down has its code, status 503 and a Retry-After; once it is up, the same reading under a new number is
/// stored.
#[test]
fn a_store_that_is_down_is_said_with_when_to_come_back() {
    for (down, code) in
        [(Down::CannotRead, StoreUnavailable), (Down::Busy, ServiceBusy), (Down::CannotWrite, StoreUnavailable)]
    {
        let (service, store) = TestService::with_faulty_store().unwrap();
        let reading = taken_now(&service, ADA, 1, "182/118");
        store.set(Some(down));
        for _ in 0..2 {
            let answer = service.send(&signed(&service, &service.hub_a, std::slice::from_ref(&reading))).unwrap();
            is_refused(&answer, code).unwrap_or_else(|wrong| panic!("{down:?}: {wrong}"));
            let secs: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(answer.status == 503 && (5..=15).contains(&secs), "{down:?}: {answer:?}");
        }
        store.set(None);
        assert_eq!(service.see().unwrap().readings, [], "{down:?}: nothing was stored");
        let line = one(&service, &reading);
        assert_eq!((line.outcome, line.prompts.len()), (Outcome::Stored, 1), "{down:?}");
    }
}

/// One person's record cannot be written: the others in the batch are stored and answered, and the hub is told to offer
/// this one again; it is never told that it may let go of it.
#[test]
fn one_record_that_cannot_be_written_holds_up_nobody_else() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    let sent = [
        taken_now(&service, ADA, 1, "182/118"),
        taken_now(&service, BO, 1, "182/118"),
        taken_now(&service, ADA, 2, "183/119"),
    ];
    store.set(Some(Down::CannotWriteFor(ADA.0)));
    let answer = receipt(&service, &service.hub_a, &sent);
    for place in [0, 2] {
        let line = &answer.readings[place];
        assert!(!line.is_settled(), "{line:?}");
        assert_eq!(line.message, Some(ReadingNotStored.sentence()));
        assert_eq!((line.verdict.is_some(), line.prompts.len()), (false, 0));
    }
    assert!(answer.readings[1].is_settled());
    assert_eq!((answer.readings[1].outcome, answer.readings[1].prompts.len()), (Outcome::Stored, 1));
    assert_eq!(service.see().unwrap().readings.len(), 1);
    store.set(None);
    let again = receipt(&service, &service.hub_a, &sent);
    let outcomes: Vec<Outcome> = again.readings.iter().map(|line| line.outcome).collect();
    assert_eq!(outcomes, [Outcome::Stored, Outcome::Duplicate, Outcome::Stored]);
}

#[test]
fn staff_are_told_that_the_store_is_down() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    let alert = settled(&service).alerts.remove(0).id;
    let take = Call::new("POST", &format!("/v1/alerts/{alert}/acknowledge"))
        .with("content-type", "application/json")
        .body("{}");
    store.set(Some(Down::CannotRead));
    is_problem_page(&service.send(&Call::new("GET", "/")).unwrap(), StoreUnavailable).unwrap();
    for target in ["/v1/alerts", "/readyz"] {
        is_refused(&service.send(&Call::new("GET", target)).unwrap(), StoreUnavailable).unwrap();
    }
    is_refused(&service.send(&take).unwrap(), StoreUnavailable).unwrap();
    assert_eq!(service.send(&Call::new("GET", "/livez")).unwrap().status, 200, "the process lives all the same");
    store.set(Some(Down::Busy));
    is_refused(&service.send(&take).unwrap(), ServiceBusy).unwrap();
    store.set(None);
    assert_eq!(service.send(&take).unwrap().status, 200);
}

#[derive(Default)]
struct Shown(Mutex<Vec<Instruction>>);

impl Screen for Shown {
    fn show(&self, instruction: &Instruction) {
        self.0.lock().unwrap().push(instruction.clone());
    }
}

struct Unheard;

impl hub_agent::Events for Unheard {
    fn emit(&self, _event: &HubEvent) {}
}

/// A red of the cuff: flags with time and user, 182/118, mean 139, taken at eight in London.
const RED: [u8; 15] = [0x0a, 182, 0, 118, 0, 139, 0, 0xea, 0x07, 6, 1, 8, 0, 0, 1];

/// The real hub against a service whose store is down: the reading is kept, the hub hears that it may come back, and
/// when the store is up it is stored once, and the person is told.
#[test]
fn the_hub_keeps_its_readings_while_the_store_is_down() {
    let (service, store) = TestService::with_faulty_store().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let screen = Arc::new(Shown::default());
    let device = SourceId::device("Harness", "hub's own").unwrap();
    let binding = Binding { source: device.clone(), user: User::Index(1), patient: PatientId::parse(ADA.0).unwrap() };
    let config = hub_agent::Config {
        hub: HubId::parse(HUB_A).unwrap(),
        server: Server::parse(&format!("http://{}", service.address().unwrap())).unwrap(),
        service_key: None,
        data_folder: folder.path().to_owned(),
        key: service.hub_a.key().clone(),
        bindings: Bindings::new([binding]).unwrap(),
        bluetooth: None,
        serial: Vec::new(),
    };
    let parts = Parts {
        clock: service.clock.clone(),
        randomness: Arc::new(hub_agent::rng::OsRandomness),
        disk: Arc::new(hub_agent::disk::Folder::open(folder.path()).unwrap()),
        network: Arc::new(hub_agent::net::TcpNetwork),
        events: Arc::new(Unheard),
        screen: screen.clone(),
    };
    let frame = Frame {
        device,
        kind: FrameKind::BloodPressure,
        bytes: FrameBytes::new(RED.to_vec()).unwrap(),
        seen_at: MORNING,
        clock: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
        counts_from: None,
    };
    service.block_on(async {
        let agent = Agent::new(parts, &config).await.unwrap();
        assert!(matches!(agent.hear(frame).await.unwrap(), Keeping::Kept(_)));
        for down in [Down::CannotRead, Down::CannotWrite, Down::Busy] {
            store.set(Some(down));
            let refused = agent.send_waiting().await.unwrap_err();
            assert!(
                matches!(refused, SendError::Busy { status: 503, retry_after: Some(_), .. }),
                "{down:?}: {refused:?}"
            );
            assert_eq!(agent.counts().await.unwrap(), Counts { waiting: 1, settled: 0, damaged: 0 }, "{down:?}");
        }
        store.set(None);
        assert_eq!(agent.send_waiting().await.unwrap().settled, 1);
        assert_eq!(agent.counts().await.unwrap(), Counts { waiting: 0, settled: 1, damaged: 0 });
        agent.close().await;
    });
    assert_eq!(screen.0.lock().unwrap().len(), 1, "the person was told what to do");
    let seen = service.see().unwrap();
    assert_eq!((seen.readings.len(), seen.alerts.len()), (1, 1));
}
