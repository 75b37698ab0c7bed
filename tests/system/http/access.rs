//! Least access: what each maker of proofs may do with the store, and that it may do no more.
//!
//! A hub's proof cannot be made here, only by a verified signature: so it is taken from a real request, by a store that
//! remembers who called it.

use super::{one, settled, taken_now, until};
use chrono::TimeDelta;
use harness::service::{ADA, CY, HUB_B, MARA, ODD, TestService, reading};
use ingest::{
    access::{Access, Purpose},
    admit::admit,
    decide::ByPlan,
    store::{ApplyError, Cursor, ReadError, Slice, Store, Subject},
};
use rules::{Actor, Delivery, Event, Timer, event::RefusedReading};
use std::sync::Arc;
use vitals::{AlertId, ErrorCode, HubId, JobId, PatientId, id::StaffId, wire::signing::RequestNumber};

/// A service with a red alert, its store, and the proof of hub A as the service made it.
fn with_hub_access() -> (TestService, Arc<dyn Store>, Access, AlertId) {
    let (service, faulty) = TestService::with_faulty_store().unwrap();
    one(&service, &taken_now(&service, ADA, 1, "182/118"));
    let alert = settled(&service).alerts.remove(0).id;
    let is_hub = |access: &Access| access.actor().is_none() && access.hubs().has(&HubId::parse("hub-a").unwrap());
    let callers = faulty.callers();
    assert!(!callers.iter().any(is_hub), "a hub reads no inbox, not even its own");
    let systems =
        [Purpose::SetUp, Purpose::Sweep, Purpose::Notify, Purpose::Follow, Purpose::Receive].map(Access::system);
    let hub = callers.into_iter().find(|access| !systems.contains(access)).expect("the hub called");
    let store = service.store().unwrap();
    (service, store, hub, alert)
}

fn everybody(service: &TestService, hub: Access) -> Vec<(&'static str, Access)> {
    vec![
        ("hub", hub),
        ("staff", service.staff(MARA).unwrap()),
        ("other staff", service.staff(ODD).unwrap()),
        ("set-up", Access::system(Purpose::SetUp)),
        ("sweep", Access::system(Purpose::Sweep)),
        ("notify", Access::system(Purpose::Notify)),
        ("follow", Access::system(Purpose::Follow)),
        ("receive", Access::system(Purpose::Receive)),
    ]
}

/// Each kind of read, and who may: everybody else is denied. Staff are not denied, and see their own people only.
#[test]
fn each_read_is_open_to_those_who_need_it_and_to_nobody_else() {
    let (service, store, hub, alert) = with_hub_access();
    let at = service.clock.read();
    for (name, who) in everybody(&service, hub) {
        let denied = |read: &str, result: Result<usize, ReadError>, may: &[&str]| match result {
            Ok(_) => assert!(may.contains(&name), "{name} may {read}"),
            Err(ReadError::Denied(_)) => assert!(!may.contains(&name), "{name} may not {read}"),
            Err(other) => panic!("{name}, {read}: {other}"),
        };
        let people = ["staff", "other staff", "sweep", "notify", "follow"];
        service.block_on(async {
            denied("list alerts", store.alerts(&who, 10).await.map(|alerts| alerts.len()), &people);
            denied("read an alert", store.alert(&who, alert).await.map(|alert| alert.iter().count()), &people);
            denied("list people", store.people(&who).await.map(|people| people.len()), &people);
            denied("list readings", store.readings(&who, 10).await.map(|readings| readings.len()), &people);
            let hubs = ["staff", "other staff", "follow"];
            denied("list the unassigned", store.unassigned(&who, 10).await.map(|readings| readings.len()), &hubs);
            denied("list refusals", store.refusals(&who, 10).await.map(|refusals| refusals.len()), &hubs);
            denied(
                "follow changes",
                store.changes(&who, Cursor::default(), 10).await.map(|(changes, _)| changes.len()),
                &["follow"],
            );
            denied("lease jobs", store.lease_jobs(&who, at, 0, at).await.map(|jobs| jobs.len()), &["notify"]);
            denied("list timers", store.due_timers(&who, 10, at).await.map(|timers| timers.len()), &["sweep"]);
            denied(
                "list the unjudged",
                store.unevaluated(&who, 0, 10).await.map(|readings| readings.len()),
                &["sweep"],
            );
            let window = store.replay_window(&who, &HubId::parse("hub-a").unwrap()).await;
            denied("read a window", window.map(|window| window.iter().count()), &["receive"]);
        });
    }
    let odd = service.see_as(ODD).unwrap();
    assert_eq!((odd.alerts.len(), odd.readings.len()), (0, 0));
    let (other, none) =
        (service.staff(ODD).unwrap(), service.block_on(store.alert(&service.staff(ODD).unwrap(), alert)).unwrap());
    assert_eq!((none, service.block_on(store.people(&other)).unwrap().len()), (None, 1));
}

/// Each kind of event, and who may cause it; nothing of what was denied is stored.
#[test]
fn each_event_may_be_caused_by_those_whose_work_it_is_and_by_nobody_else() {
    let (service, store, hub, alert) = with_hub_access();
    let at = service.clock.read() + TimeDelta::minutes(1);
    let (hub_a, hub_b) = (HubId::parse("hub-a").unwrap(), HubId::parse(HUB_B).unwrap());
    let admitted = |number| {
        let sent = reading(ADA, number, "128/79", at).unwrap();
        Box::new(admit(&(&sent).into(), &hub_a, at, at).unwrap())
    };
    let by =
        |id: &str| Actor { id: StaffId::parse(id).unwrap(), name: vitals::bounded::Text::new("Mara Usual").unwrap() };
    let mara = by(MARA);
    let (ada, cy) = (PatientId::parse(ADA.0).unwrap(), PatientId::parse(CY.0).unwrap());
    let of = |patient: &PatientId| Subject::Patient(patient.clone());
    let job = JobId::derive(&[b"no job"]);
    let refused = |hub: &HubId| RefusedReading {
        hub: hub.clone(),
        id: None,
        code: ErrorCode::ReadingMalformed,
        body: "{}".to_owned(),
    };
    let number = RequestNumber { epoch: 1, sequence: 1000 };
    let rows: Vec<(&str, Subject, Event, &[&str])> = vec![
        ("send a reading", of(&ada), Event::Reading(admitted(50)), &["hub"]),
        ("send a reading of somebody on another hub", of(&cy), Event::Reading(admitted(51)), &[]),
        (
            "send a reading to another hub's inbox",
            Subject::Unassigned(hub_b.clone()),
            Event::Reading(admitted(52)),
            &[],
        ),
        (
            "send what was refused",
            Subject::Unassigned(hub_a.clone()),
            Event::Refused(Box::new(refused(&hub_a))),
            &["hub"],
        ),
        (
            "send what another hub sent",
            Subject::Unassigned(hub_b.clone()),
            Event::Refused(Box::new(refused(&hub_b))),
            &[],
        ),
        ("use its own number", Subject::Service, Event::Received { hub: hub_a.clone(), number }, &["hub", "receive"]),
        ("use another hub's number", Subject::Service, Event::Received { hub: hub_b, number }, &["receive"]),
        ("take an alert", of(&ada), Event::Acknowledged { alert, by: mara.clone(), note: None }, &["staff"]),
        (
            "take an alert in a colleague's name",
            of(&ada),
            Event::Acknowledged { alert, by: by("st-sam"), note: None },
            &[],
        ),
        ("take an alert of another caseload", of(&cy), Event::Acknowledged { alert, by: mara, note: None }, &[]),
        ("apply a timer", of(&ada), Event::Due(Timer { alert, due_at: at }), &["sweep"]),
        ("judge again", of(&ada), Event::Reconsider(admitted(50)), &["sweep"]),
        ("record a delivery", of(&ada), Event::Delivered { job, alert, delivery: Delivery::Accepted }, &["notify"]),
    ];
    let decide = Arc::new(ByPlan::for_demo(vec![rules::pack::demo_pack().unwrap()], vec![]).unwrap());
    for (what, subject, event, may) in rows {
        for (name, who) in everybody(&service, hub.clone()) {
            let (before, slice) =
                (service.see().unwrap(), Slice { subject: subject.clone(), events: vec![event.clone()] });
            let answer = service.block_on(store.apply(&who, vec![slice], decide.clone(), at)).remove(0);
            let is_denied = matches!(answer, Err(ApplyError::Denied(_)));
            assert_eq!(!is_denied, may.contains(&name), "{name}: {what}: {answer:?}");
            assert!(
                !is_denied || service.see().unwrap() == before,
                "{name}: {what}: it was denied, and yet it changed something"
            );
        }
    }
    until("the alert is Mara's", || service.see().unwrap().alerts.iter().all(|alert| !alert.is_waiting()));
}
