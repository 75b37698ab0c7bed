//! The register: each version is made from the one before it, its history stays whole beside damage, nothing moves into
//! somebody else's record, and the people of an older store come along.

use super::{
    super::{
        digest::Keys,
        names::{Class, Names},
        record,
        rows::{Tx, View},
        schema::{APPLICATION_ID, MIGRATIONS},
        tally::Tally,
    },
    whole::{health, register, team, write},
    *,
};
use crate::{
    access::{Directory, LocalSignIn, RequestHead, SESSION_COOKIE, Sessions, SignIn},
    store::{ReadError, RegisterPlace, embedded::OpenError},
};
use ::register::{
    Consent, ContactChoices, Item, ItemRef, Place, Post, Role, Span, Staff, Written,
    access::{ConsentFor, GivenBy},
};
use actix_web::{http::header, test::TestRequest};
use rules::{
    Person,
    event::{Audit, AuditKind},
};
use rusqlite::{Connection, params};
use vitals::{
    NhsNumber,
    id::{OrganisationId, RecordId},
};

/// Somebody with one post, signed in where these people are known.
fn in_post(name: &str, role: Role, place: Place, people: &[usize]) -> Access {
    let post = Post { role, place, span: Span::since(at(0)) };
    let staff = Staff { id: actor(name).id, name: Text::new(name).unwrap(), posts: vec![post], left_at: None };
    let mut known: Vec<Item> = people.iter().map(|n| person(*n, "Invented").into()).collect();
    known.extend([staff.into(), team("First Team").into()]);
    signed_in(name, known)
}

fn signed_in(name: &str, known: Vec<Item>) -> Access {
    let (directory, sessions) = (Arc::new(Directory::default()), Arc::new(Sessions::default()));
    directory.learn(&known);
    sessions.begin(&[7; 32], actor(name).id, false, at(0));
    let cookie = format!("{SESSION_COOKIE}={}", vitals::hex::encode(&[7; 32]));
    let request = TestRequest::default().insert_header((header::COOKIE, cookie)).to_http_request();
    let head: &RequestHead = request.head();
    LocalSignIn { directory, sessions }.signed_in(head, at(1)).unwrap()
}

/// A privacy officer of the whole footprint, in which this person is known.
pub(super) fn privacy_officer(name: &str, patient: &PatientId) -> Access {
    let post = Post { role: Role::PrivacyOfficer, place: Place::Footprint, span: Span::since(at(0)) };
    let staff = Staff { id: actor(name).id, name: Text::new(name).unwrap(), posts: vec![post], left_at: None };
    let known = Person::new(patient.clone(), Text::new("Invented").unwrap(), NhsNumber::parse("999 000 0018").unwrap());
    signed_in(name, vec![known.into(), staff.into()])
}

fn person(n: usize, name: &str) -> Person {
    Person::new(pt(n), Text::new(name).unwrap(), NhsNumber::parse("999 000 0018").unwrap())
}

fn consent(id: &str, whose: usize, call: bool) -> Consent {
    let to = ConsentFor::Messages(ContactChoices { call, ..ContactChoices::default() });
    let (id, span) = (RecordId::parse(id).unwrap(), Span::since(at(0)));
    Consent { id, patient: pt(whose), to, given_by: GivenBy::Person, span }
}

fn version(item: impl Into<Item>, version: u32) -> Event {
    Event::Written(Box::new(Written { version: Some(version), ..Written::by_service(item) }))
}

const SET_UP: Purpose = Purpose::SetUp;

#[tokio::test]
async fn a_version_is_made_from_the_one_before_it_and_the_same_content_is_none() {
    let it = Fixture::new();
    let set_up = Access::system(SET_UP);
    let tried = async |event: Event| it.apply_one(&set_up, Subject::Service, vec![event], at(9)).await.map(drop);
    let stale = |answer: Result<(), ApplyError>| match answer {
        Err(ApplyError::Stale { version }) => version,
        other => panic!("{other:?}"),
    };
    assert_eq!(stale(tried(version(team("One"), 2)).await), 0, "there is none yet");
    assert_eq!(it.count("entry"), 0);
    tried(version(team("One"), 1)).await.unwrap();
    assert_eq!(stale(tried(version(team("Two"), 1)).await), 1, "somebody was first");
    assert_eq!(stale(tried(version(team("Two"), 3)).await), 1);
    tried(version(team("Two"), 2)).await.unwrap();
    // Whatever comes next, but not the same again; somebody who says which version has looked at it, so it is one.
    tried(Event::written(team("Two"))).await.unwrap();
    assert_eq!(it.count("entry"), 2);
    tried(version(team("Two"), 3)).await.unwrap();
    tried(Event::written(team("Three"))).await.unwrap();
    // Two versions in one slice, and the second of them fails: neither is there.
    let both = vec![version(team("Five"), 5), version(team("Six"), 5)];
    let answer = it.apply_one(&set_up, Subject::Service, both, at(9)).await;
    assert!(matches!(answer, Err(ApplyError::Stale { version: 5 })), "{answer:?}");
    let both = vec![version(team("Five"), 5), version(team("Six"), 6)];
    it.apply_one(&set_up, Subject::Service, both, at(10)).await.unwrap();
    let it = it.reopened().await;
    let which = Item::from(team("Any")).reference();
    let versions = it.store.versions(&set_up, &which, 100).await.unwrap();
    let said: Vec<_> =
        versions.iter().map(|version| (version.written.version.unwrap(), &version.written.item)).collect();
    let expected = ["One", "Two", "Two", "Three", "Five", "Six"].map(|name| Item::from(team(name)));
    let expected: Vec<_> = (1_u32..7).zip(&expected).rev().collect();
    assert_eq!(said, expected);
    assert_eq!(it.store.versions(&set_up, &which, 2).await.unwrap(), versions[..2]);
    assert_eq!(it.store.item(&set_up, &which).await.unwrap().map(|kept| kept.version), Some(6));
    it.store.verify(&Access::system(Purpose::Verify), &|_| {}).await.unwrap();
}

#[tokio::test]
async fn what_is_not_in_order_or_stands_in_anothers_record_is_not_written() {
    let it = Fixture::new();
    let set_up = Access::system(SET_UP);
    let tried = async |whose: usize, event| {
        it.apply_one(&set_up, Subject::Patient(pt(whose)), vec![event], at(9)).await.map(drop)
    };
    tried(1, Event::written(consent("rc-1", 1, true))).await.unwrap();
    for event in [Event::written(consent("rc-1", 2, true)), version(consent("rc-1", 2, true), 2)] {
        let answer = tried(2, event).await;
        assert!(matches!(answer, Err(ApplyError::Denied(_))), "{answer:?}");
    }
    let mut ends_first = consent("rc-2", 1, true);
    ends_first.span.until = Some(at(-5));
    let answer = tried(1, Event::written(ends_first)).await;
    assert!(matches!(answer, Err(ApplyError::NotInOrder(why)) if why.field == "span"), "{answer:?}");
    assert_eq!((it.count("entry"), it.count("item"), it.count("name")), (1, 1, 1));
    // Whatever ails a rule, a person can be written of.
    let mut it = it;
    it.decide = Arc::new(super::slices::Panics { rules: by_demo_pack(), on: vec![pt(1)], stand_in_too: true });
    let events = vec![Event::written(person(1, "Invented")), Event::written(consent("rc-1", 1, false))];
    it.apply_one(&set_up, Subject::Patient(pt(1)), events, at(10)).await.unwrap();
    assert_eq!(it.store.items_of(&set_up, &pt(1)).await.unwrap().len(), 2);
}

#[tokio::test]
async fn staff_replace_only_what_they_may_change_as_it_is() {
    let it = Fixture::new();
    let own = OrganisationId::parse("org-2").unwrap();
    write(&it, team("Somebody's"), 1).await;
    let eve = in_post("eve", Role::Administrator, Place::Organisation(own.clone()), &[]);
    let mut taken = team("Somebody's");
    taken.organisation = own;
    for (version, is_denied) in [(1, false), (2, true), (3, false)] {
        let by = Some(actor("eve").id);
        let written = Written { item: taken.clone().into(), version: Some(version), by, why: None };
        let events = vec![Event::Written(Box::new(written))];
        match it.apply_one(&eve, Subject::Service, events, at(2)).await {
            Err(ApplyError::Denied(_)) if is_denied => {}
            Err(ApplyError::Stale { version: 1 }) if !is_denied => {}
            other => panic!("{version}: {other:?}"),
        }
    }
    assert_eq!(it.count("entry"), 1);
}

#[tokio::test]
async fn the_register_is_read_in_the_order_it_was_first_written() {
    let it = Fixture::new();
    register(&it, &pt(2), 1).await;
    write(&it, team("First Team"), 2).await;
    register(&it, &pt(1), 3).await;
    write(&it, health(&pt(2), "First"), 4).await;
    register(&it, &pt(2), 5).await;
    let directory = Access::system(Purpose::Directory);
    let (mut seen, mut place) = (Vec::new(), RegisterPlace::default());
    loop {
        let (page, next) = it.store.register(&directory, place, 3).await.unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|kept| (kept.item.reference(), kept.version)));
        place = next;
    }
    let expected = [
        (ItemRef::Patient(pt(2)), 2),
        (Item::from(team("Any")).reference(), 1),
        (ItemRef::Patient(pt(1)), 1),
        (ItemRef::Health(pt(2)), 1),
    ];
    assert_eq!(seen, expected);
    it.sqlite().execute("DELETE FROM item WHERE seq = 4", []).unwrap();
    assert!(it.store.register(&directory, RegisterPlace::default(), 3).await.is_ok());
    let short = it.store.register(&directory, RegisterPlace::default(), 4).await;
    assert!(matches!(short, Err(ReadError::Damaged { table: "item", row: 4 })), "{short:?}");
}

#[tokio::test]
async fn the_log_tells_who_looked_and_who_wrote_to_the_privacy_officer_alone() {
    let it = Fixture::new();
    register(&it, &pt(1), 1).await;
    let looked = Audit { what: AuditKind::Read, about: Text::new("GET /v1/people").unwrap(), by: None };
    let audit = Access::system(Purpose::Audit);
    it.apply_one(&audit, Subject::Patient(pt(1)), vec![Event::Audited(looked.clone())], at(2)).await.unwrap();
    let by = Some(actor("ada").id);
    let written = Written { item: consent("rc-1", 1, true).into(), version: Some(1), by, why: None };
    let events = vec![Event::Written(Box::new(written))];
    it.apply_one(&staff("ada", &[&pt(1)]), Subject::Patient(pt(1)), events, at(3)).await.unwrap();
    let officer = in_post("priya", Role::PrivacyOfficer, Place::Footprint, &[1, 2]);
    let log = it.store.log_of(&officer, &pt(1), 10).await.unwrap();
    let said: Vec<_> = log.iter().map(|line| (line.audit.what, line.audit.about.as_str(), line.at)).collect();
    assert_eq!(
        said,
        [
            (AuditKind::Written, "consent rc-1 version 1 by st-ada", at(3)),
            (AuditKind::Read, "GET /v1/people", at(2)),
            (AuditKind::Written, "patient pt-1 version 1", at(1)),
        ]
    );
    assert_eq!(it.store.log_of(&officer, &pt(1), 2).await.unwrap(), log[..2]);
    assert_eq!(it.store.log_of(&officer, &pt(2), 2).await.unwrap(), []);
    for who in [staff("ada", &[&pt(1)]), Access::system(Purpose::Follow), hub_of(&[&pt(1)])] {
        assert!(matches!(it.store.log_of(&who, &pt(1), 10).await, Err(ReadError::Denied(_))));
    }
    // Followers are told of what, and nothing of what is in it.
    let follow = Access::system(Purpose::Follow);
    let (changes, _) = it.store.changes(&follow, Cursor::default(), 10).await.unwrap();
    let told: Vec<_> = changes.iter().map(|change| (change.kind, change.what.as_str())).collect();
    assert_eq!([told[0], told[2]], [("item-written", "patient pt-1"), ("item-written", "consent rc-1")]);
}

/// A store as it was before there was a register, with people in a table of their own.
fn before_the_register(folder: &TempDir, people: &[Person]) {
    let sqlite = Connection::open(folder.path().join(DATABASE_FILE)).unwrap();
    sqlite.execute_batch(MIGRATIONS[0]).unwrap();
    sqlite.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    sqlite.pragma_update(None, "user_version", 1).unwrap();
    let (keys, names) = (Keys::new(&KEYS), Names::default());
    sqlite.execute("INSERT INTO about (name, value) VALUES ('keys', ?1)", params![keys.mark()]).unwrap();
    let view = View::new(&sqlite, &keys, &names, Tally::default());
    let tx = Tx { view: &view, at: at(0) };
    for person in people {
        let mut subject = record::Subject::open(&tx, Class::Person, person.id.as_str()).ok().unwrap();
        subject.record.is_registered = true;
        subject.put(&tx).ok().unwrap();
        tx.tally(|tally| tally.people += 1);
        // As it was written then: without what is known of people only now.
        let (id, name, number) = (&person.id, person.name.as_str(), &person.nhs_number);
        let body = serde_json::json!({ "id": id, "name": name, "nhs_number": number }).to_string();
        let digest = keys.row("person", &[i64::from(subject.no).into(), body.as_str().into()]);
        let sql = "INSERT INTO person (no, body, digest) VALUES (?1, ?2, ?3)";
        sqlite.execute(sql, params![subject.no, body, digest]).unwrap();
    }
    view.count().put(&sqlite, &keys).ok().unwrap();
}

#[tokio::test]
async fn people_of_an_older_store_come_along() {
    let folder = tempfile::tempdir().unwrap();
    let people = [person(2, "Bo Test"), person(1, "Ada Test")];
    before_the_register(&folder, &people);
    // What one bit of damage does is refused, and nothing is changed.
    let path = folder.path().join(DATABASE_FILE);
    let sqlite = || Connection::open(&path).unwrap();
    sqlite().execute("UPDATE person SET body = replace(body, 'Ada', 'Eva')", []).unwrap();
    let refused = super::open(&folder).err().unwrap();
    assert!(matches!(&refused, OpenError::Damaged { why } if why == "person row 2 is damaged"), "{refused}");
    let version =
        |sqlite: &Connection| -> i64 { sqlite.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap() };
    assert_eq!(version(&sqlite()), 1);
    let other = EmbeddedStore::open(Arc::new(crate::disk::Folder::new(folder.path())), StoreKeys { chain: [8; 32] });
    assert!(matches!(other.err(), Some(OpenError::OtherKeys)));
    sqlite().execute("UPDATE person SET body = replace(body, 'Eva', 'Ada')", []).unwrap();
    let it = Fixture { store: Arc::new(super::open(&folder).unwrap()), folder, decide: by_demo_pack() };
    assert_eq!(version(&it.sqlite()), 4);
    let set_up = Access::system(SET_UP);
    let listed = it.store.people(&Access::system(Purpose::Follow)).await.unwrap();
    assert_eq!(listed, [people[1].clone(), people[0].clone()]);
    // Their first version is an entry, and so is what the service says of them otherwise.
    for (n, name) in [(1, "Ada Test"), (2, "Bo Other")] {
        let events = vec![Event::written(person(n, name))];
        it.apply_one(&set_up, Subject::Patient(pt(n)), events, at(10)).await.unwrap();
    }
    for (n, versions) in [(1, 1), (2, 2)] {
        let found = it.store.versions(&set_up, &ItemRef::Patient(pt(n)), 10).await.unwrap();
        assert_eq!(found.len(), versions);
        assert_eq!(found.last().unwrap().written.item, people[2 - n].clone().into());
    }
    it.store.verify(&Access::system(Purpose::Verify), &|_| {}).await.unwrap();
    let it = it.reopened().await;
    assert_eq!(it.count("entry"), 3);
}
