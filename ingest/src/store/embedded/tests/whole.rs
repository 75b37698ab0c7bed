//! A store with rows of every kind, for those who look at all of them.

use super::{slices::Panics, *};
use crate::server_key::ServerKey;
use register::{Health, Item, Team, patient::Summary};
use rules::{
    Delivery, Person,
    event::{Account, Audit, AuditKind, RefusedReading},
};
use vitals::{
    Flag, NhsNumber,
    id::{OrganisationId, TeamId},
    wire::signing::RequestNumber,
};

/// Another hub in the same home.
pub(super) fn other_hub() -> HubId {
    HubId::parse("hub-2").unwrap()
}

/// A reading as the other hub heard it.
pub(super) fn heard_by_other(mut admitted: Admitted, secs: i64) -> Admitted {
    let at = at(secs);
    (admitted.hub, admitted.server_received, admitted.sent_at) = (other_hub(), at, at);
    admitted.reading.times.hub_received = at;
    let key = RecordKey::Receipt { hub: &admitted.hub, boot: [2; 8], at };
    let raw = &admitted.reading.raw;
    admitted.reading.record = RecordNumber::of(&raw.service, key, None, &raw.bytes);
    admitted.reading.id = reading_id(&admitted.reading.source, admitted.reading.record);
    admitted
}

/// A reading that its device dated: nothing else stands in for its record.
pub(super) fn dated(mut admitted: Admitted) -> Admitted {
    admitted.reading.quality = admitted.reading.quality.with(Flag::UndatedFromMemory);
    admitted
}

pub(super) async fn register(it: &Fixture, who: &PatientId, secs: i64) {
    let name = Text::new(&format!("Invented {who} {secs}")).unwrap();
    let person = Person::new(who.clone(), name, NhsNumber::parse("999 000 0018").unwrap());
    let events = vec![Event::written(person)];
    it.apply_one(&Access::system(Purpose::SetUp), Subject::Patient(who.clone()), events, at(secs)).await.unwrap();
}

/// Writes into the register as the service itself.
pub(super) async fn write(it: &Fixture, item: impl Into<Item>, secs: i64) {
    let item = item.into();
    let subject = item.patient().map_or(Subject::Service, |patient| Subject::Patient(patient.clone()));
    let events = vec![Event::written(item)];
    it.apply_one(&Access::system(Purpose::SetUp), subject, events, at(secs)).await.unwrap();
}

/// A team of an organisation, under a name.
pub(super) fn team(name: &str) -> Team {
    let (id, organisation) = (TeamId::parse("tm-1").unwrap(), OrganisationId::parse("org-1").unwrap());
    Team { id, name: Text::new(name).unwrap(), organisation, telephone: None, service_hours: None }
}

/// What is known of somebody's health: nothing but a medicine.
pub(super) fn health(who: &PatientId, medicine: &str) -> Health {
    let (what, source) = (Text::new(medicine).unwrap(), Text::new("typed").unwrap());
    let summary = Summary { what, snomed: None, source, on: at(0).date_naive() };
    Health { id: who.clone(), diagnoses: Vec::new(), medicines: vec![summary], spo2_scale: None, escalation: None }
}

async fn set_account(it: &Fixture, name: &str, secs: i64) {
    let account = Account { staff: actor(name).id, secret: None, by: None, at: at(secs), is_first: true };
    let events = vec![Event::AccountSet(account)];
    it.apply_one(&Access::system(Purpose::SetUp), Subject::Service, events, at(secs)).await.unwrap();
}

pub(super) fn server_key() -> ServerKey {
    ServerKey::from_seed(&[3; 32])
}

/// A day of three people and two hubs; `between` is called in the middle of it.
pub(super) async fn day(it: &mut Fixture, between: impl AsyncFn(&Fixture)) {
    let people = [pt(1), pt(2), pt(3)];
    let access = hub_of(&people.iter().collect::<Vec<_>>());
    for (secs, who) in (0..).zip(&people) {
        register(it, who, secs).await;
        // One slice of many readings, then single ones.
        let events = (10..20).map(|n| event(&dated(calm(who, n, n.into())))).collect();
        it.apply_one(&access, Subject::Patient(who.clone()), events, at(20)).await.unwrap();
        it.offer(&calm(who, 1, 30), at(30)).await;
    }
    // The register beside people: of the service, of a person, and who may sign in.
    write(it, team("First Team"), 31).await;
    write(it, health(&pt(1), "First medicine"), 32).await;
    set_account(it, "ada", 33).await;
    set_account(it, "grace", 34).await;
    // Undated, heard by two hubs; then the same again, long after.
    let first = calm(&pt(1), 2, 40);
    it.offer(&first, at(40)).await;
    let both = Access::hub(&VerifiedHub::new(other_hub(), [pt(1)].into()));
    let also = heard_by_other(first, 50);
    let joined = it.apply_one(&both, Subject::Patient(pt(1)), vec![event(&also)], at(50)).await.unwrap();
    assert!(is_duplicate(&joined.readings[0]), "{joined:?}");
    it.apply_one(&both, Subject::Patient(pt(1)), vec![event(&heard_by_other(calm(&pt(1), 2, 400), 400))], at(400))
        .await
        .unwrap();
    // Alerts, notifications, a timer; one taken, one sent, one failed.
    it.offer(&red(&pt(1), 3, 410), at(410)).await;
    it.offer(&red(&pt(2), 3, 411), at(411)).await;
    it.offer(&pressure(&pt(3), 3, 412, 155, 97), at(412)).await;
    between(it).await;
    let notify = Access::system(Purpose::Notify);
    let jobs = it.store.lease_jobs(&notify, at(450), 10, at(420)).await.unwrap();
    let deliveries = [Delivery::Accepted, Delivery::Failed { next_try_at: at(500) }];
    for (job, delivery) in jobs.iter().map(Committed::get).zip(deliveries) {
        let delivered = Event::Delivered { job: job.id, alert: job.alert, delivery };
        it.apply_one(&notify, Subject::Patient(job.patient.clone()), vec![delivered], at(430)).await.unwrap();
    }
    let alert = it.alerts().await.into_iter().find(|alert| alert.patient == pt(1)).unwrap();
    let taken = vec![Event::Acknowledged { alert: alert.id, by: actor("ada"), note: None }];
    it.apply_one(&staff("ada", &[&pt(1)]), Subject::Patient(pt(1)), taken, at(440)).await.unwrap();
    register(it, &pt(2), 445).await;
    write(it, team("Second Team"), 446).await;
    write(it, health(&pt(1), "Second medicine"), 447).await;
    set_account(it, "grace", 448).await;
    // Of nobody, refused, in conflict.
    let unassigned = Subject::Unassigned(hub());
    for n in [1, 2] {
        let reading = of_nobody(dated(calm(&pt(9), n, 450)));
        it.apply_one(&access, unassigned.clone(), vec![event(&reading)], at(450)).await.unwrap();
        let body = format!("{{\"n\":{n}}}");
        let refused = RefusedReading { hub: hub(), id: None, code: ErrorCode::UnitNotSupported, body };
        let refused = vec![Event::Refused(Box::new(refused))];
        it.apply_one(&access, unassigned.clone(), refused, at(451)).await.unwrap();
    }
    it.offer(&red(&pt(3), 1, 30), at(452)).await;
    // Not judged at first; one of them later.
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(2)], stand_in_too: false });
    let unjudged = [dated(calm(&pt(2), 30, 460)), dated(calm(&pt(2), 31, 461))];
    it.apply_one(&access, Subject::Patient(pt(2)), unjudged.iter().map(event).collect(), at(462)).await.unwrap();
    it.decide = by_demo_pack();
    let again = vec![Event::Reconsider(Box::new(unjudged[1].clone()))];
    it.apply_one(&Access::system(Purpose::Sweep), Subject::Patient(pt(2)), again, at(470)).await.unwrap();
    // The service's own.
    let audit = Audit { what: AuditKind::WitnessDisagrees, about: Text::new("hub-1 pt-1").unwrap(), by: None };
    it.apply_one(&Access::system(Purpose::Audit), Subject::Service, vec![Event::Audited(audit)], at(480))
        .await
        .unwrap();
    let received = Event::Received { hub: hub(), number: RequestNumber { epoch: 1, sequence: 5 } };
    it.apply_one(&access, Subject::Service, vec![received], at(481)).await.unwrap();
    for day in [1, 2] {
        let signed = it.store.sign_root(&Access::system(Purpose::Verify), &server_key(), at(day * 86_400)).await;
        assert!(signed.unwrap().is_some());
        it.offer(&dated(calm(&pt(1), 50 + u32::try_from(day).unwrap(), day * 86_400)), at(day * 86_400 + 1)).await;
    }
}
