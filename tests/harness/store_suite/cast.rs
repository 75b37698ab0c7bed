//! The invented people, hubs and staff of the suite, and the readings they take.
#![expect(clippy::expect_used, reason = "names and numbers that are written here read as what they are")]

use actix_web::{http::header::COOKIE, test::TestRequest};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ingest::{
    access::{Access, Caseload, Directory, LocalSignIn, SESSION_COOKIE, Sessions, SignIn},
    store::{Slice, Subject},
};
use register::{
    Consent, ContactChoices, Item, Place, Post, Role, Span, Staff, Team,
    access::{ConsentFor, GivenBy},
};
use rules::{Actor, Event, Person};
use std::sync::Arc;
use vitals::{
    Admitted, BloodPressure, ClockOffset, Decimal, DeviceTime, Flag, HubId, Kind, Measure, NhsNumber, PatientId,
    Quality, RawFrame, Reading, RecordNumber, SourceId, TakenAt, Times, Value, Who, WhyUnassigned,
    bounded::Text,
    id::{OrganisationId, RecordId, StaffId, TeamId},
    measure::BodyWeight,
    quantity::{Kilograms, MmHg},
    record::{RecordKey, reading_id},
};

/// The people on every one of [`HUBS`].
pub(super) const PEOPLE: usize = 40;

/// The hubs that have everybody: `hub-0`, `hub-1`, and so on.
pub(super) const HUBS: usize = 8;

/// Somebody on [`ELSEWHERE`] and on no other hub.
pub(super) const OUTSIDER: usize = 99;

/// The hub of somebody else.
pub(super) const ELSEWHERE: &str = "hub-elsewhere";

/// Eight in the morning and so many seconds.
pub(super) fn at(secs: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 8, 0, 0).single().expect("a moment") + TimeDelta::seconds(secs)
}

pub(super) fn pt(n: usize) -> PatientId {
    PatientId::parse(&format!("pt-{n}")).expect("an id")
}

pub(super) fn hub(n: usize) -> HubId {
    HubId::parse(&format!("hub-{n}")).expect("an id")
}

pub(super) fn elsewhere() -> HubId {
    HubId::parse(ELSEWHERE).expect("an id")
}

pub(super) fn actor(name: &str) -> Actor {
    Actor { id: StaffId::parse(&format!("st-{name}")).expect("an id"), name: Text::new(name).expect("a name") }
}

/// A member of staff who looks after these people, and hub 0.
#[expect(clippy::disallowed_methods, reason = "tests sign in as the demo does")]
pub(super) fn staff(name: &str, people: &[usize]) -> Access {
    let caseload = Caseload { patients: people.iter().copied().map(pt).collect(), hubs: [hub(0)].into() };
    ingest::access::demo_case_manager(actor(name), caseload)
}

pub(super) fn person(n: usize, name: &str) -> Person {
    let nhs_number = NhsNumber::parse("999 000 0018").expect("an NHS number that is never issued");
    Person::new(pt(n), Text::new(name).expect("a name"), nhs_number)
}

/// Whose record a thing stands in.
pub(super) fn subject_of(item: &Item) -> Subject {
    item.patient().map_or(Subject::Service, |patient| Subject::Patient(patient.clone()))
}

/// The one team, under a name.
pub(super) fn team(name: &str) -> Team {
    let organisation = OrganisationId::parse("org-1").expect("an id");
    let (id, name) = (TeamId::parse("tm-1").expect("an id"), Text::new(name).expect("a name"));
    Team { id, name, organisation, telephone: None, service_hours: None }
}

/// What a person agreed to: to be called.
pub(super) fn consent(whose: usize, id: &str) -> Consent {
    Consent {
        id: RecordId::parse(id).expect("an id"),
        patient: pt(whose),
        to: ConsentFor::Messages(ContactChoices { call: true, ..ContactChoices::default() }),
        given_by: GivenBy::Person,
        span: Span::since(at(0)),
    }
}

/// Somebody in one post, signed in to a service whose register knows these people.
pub(super) fn in_post(name: &str, role: Role, place: Place, people: &[usize]) -> Access {
    let post = Post { role, place, span: Span::since(at(0)) };
    let Actor { id, name } = actor(name);
    let mut known: Vec<Item> = people.iter().map(|n| person(*n, "Somebody").into()).collect();
    known.extend([Staff { id: id.clone(), name, posts: vec![post], left_at: None }.into(), team("First Team").into()]);
    let (directory, sessions) = (Arc::new(Directory::default()), Arc::new(Sessions::default()));
    directory.learn(&known);
    let token = [7; 32];
    sessions.begin(&token, id, false, at(0));
    let cookie = format!("{SESSION_COOKIE}={}", vitals::hex::encode(&token));
    let request = TestRequest::default().insert_header((COOKIE, cookie)).to_http_request();
    LocalSignIn { directory, sessions }.signed_in(request.head(), at(1)).expect("somebody who is signed in")
}

pub(super) fn event(admitted: &Admitted) -> Event {
    Event::Reading(Box::new(admitted.clone()))
}

/// One reading in a slice of whoever it is of.
pub(super) fn slice(admitted: &Admitted) -> Slice {
    slice_of(std::slice::from_ref(admitted))
}

/// Readings of one person in one slice.
pub(super) fn slice_of(admitted: &[Admitted]) -> Slice {
    let subject = match admitted.first().map(|first| (&first.reading.who, &first.hub)) {
        Some((Who::Patient(patient), _)) => Subject::Patient(patient.clone()),
        Some((Who::Unassigned(_), hub)) => Subject::Unassigned(hub.clone()),
        None => Subject::Service,
    };
    Slice { subject, events: admitted.iter().map(event).collect() }
}

/// The cuff of a person.
pub(super) fn cuff(n: usize) -> SourceId {
    SourceId::device("made", &format!("cuff-{n}")).expect("a source")
}

/// A moment as a device shows it that is set to UTC.
fn shown(at: DateTime<Utc>) -> DeviceTime {
    DeviceTime::parse(&at.format("%Y-%m-%dT%H:%M:%S").to_string()).expect("a device's time")
}

/// A blood pressure: record `number` of the person's own cuff, taken and received at `at(secs)`, heard by hub 0.
pub(super) fn pressure(n: usize, number: u32, secs: i64, systolic: u16, diastolic: u16) -> Admitted {
    let source = cuff(n);
    let raw = RawFrame { service: "1810".into(), characteristic: "2a35".into(), bytes: number.to_le_bytes().to_vec() };
    let record = RecordNumber::of(&raw.service, RecordKey::Number(number), None, &raw.bytes);
    let mmhg = |number: u16| MmHg::new(Decimal::from(number));
    let (systolic, diastolic) = (mmhg(systolic), mmhg(diastolic));
    let measure = BloodPressure { systolic, diastolic, mean: None, pulse: None, posture: None, arm: None };
    let times = Times {
        device: Some(shown(at(secs))),
        hub_received: at(secs),
        taken: TakenAt::DeviceClock(at(secs)),
        offset: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(pt(n)),
        kind: Kind::BloodPressure,
        value: Value::Measured(Measure::BloodPressure(measure)),
        times,
        quality: Quality::none(),
        raw,
    };
    Admitted { reading, hub: hub(0), sent_at: at(secs), server_received: at(secs) }
}

/// A pressure that no rule minds.
pub(super) fn calm(n: usize, number: u32, secs: i64) -> Admitted {
    pressure(n, number, secs, 121, 79)
}

/// A pressure that waits for its repeat before anybody is told.
pub(super) fn amber(n: usize, number: u32, secs: i64) -> Admitted {
    pressure(n, number, secs, 155, 97)
}

/// A pressure that staff are told of at once.
pub(super) fn red(n: usize, number: u32, secs: i64) -> Admitted {
    pressure(n, number, secs, 190, 121)
}

/// As another hub hears it, so many seconds later.
pub(super) fn heard_by(admitted: &Admitted, other: &HubId, later: i64) -> Admitted {
    let later = TimeDelta::seconds(later);
    let mut heard = admitted.clone();
    heard.hub = other.clone();
    heard.reading.times.hub_received += later;
    heard.sent_at += later;
    heard.server_received += later;
    heard
}

/// As read for another person.
pub(super) fn of_person(admitted: &Admitted, n: usize) -> Admitted {
    let mut other = admitted.clone();
    other.reading.who = Who::Patient(pt(n));
    other
}

/// As read for nobody.
pub(super) fn of_nobody(admitted: &Admitted) -> Admitted {
    let mut other = admitted.clone();
    other.reading.who = Who::Unassigned(WhyUnassigned::NotBound);
    other
}

/// A weight whose frame holds neither a number nor a time, as a hub hears it at `at(secs)`: hub and moment stand in for
/// them in its record.
pub(super) fn undated(n: usize, by: &HubId, secs: i64, grams: u32) -> Admitted {
    let source = SourceId::device("made", "scale").expect("a source");
    let raw = RawFrame { service: "181d".into(), characteristic: "2a9d".into(), bytes: grams.to_le_bytes().to_vec() };
    let key = RecordKey::Receipt { hub: by, boot: [3; 8], at: at(secs) };
    let record = RecordNumber::of(&raw.service, key, None, &raw.bytes);
    let mass = Kilograms::new(Decimal::parse(&format!("{}.{:03}", grams / 1000, grams % 1000)).expect("a decimal"));
    let times = Times {
        device: None,
        hub_received: at(secs),
        taken: TakenAt::HubClock(at(secs)),
        offset: ClockOffset::NotRead,
    };
    let reading = Reading {
        id: reading_id(&source, record),
        source,
        record,
        user_index: None,
        who: Who::Patient(pt(n)),
        kind: Kind::Weight,
        value: Value::Measured(Measure::Weight(BodyWeight::alone(mass))),
        times,
        quality: Quality::none().with(Flag::DeviceTimeMissing),
        raw,
    };
    Admitted { reading, hub: by.clone(), sent_at: at(secs), server_received: at(secs) }
}
