//! The end of a record: nothing of the person is found in the folder by a search for every byte of theirs, before which the
//! same search finds all of it; the chains still verify; a kill at any step leaves the whole record or none of it; and
//! whoever empties something without a statement is found.

use super::{
    super::{
        NotEnded, Step, Why,
        digest::Keys,
        end_record, finish,
        journal::{COLUMNS, Entry},
        names::Names,
        rows::View,
        tally::Tally,
        verify,
    },
    whole::{day, register, server_key, write},
    *,
};
use crate::{
    people::{ImportFiles, ImportId},
    store::{
        ApplyError, Ended,
        evidence::{BadRow, NotVerified, Verified, Wrong},
    },
};
use ::register::{Carer, Erasure, Ground, Health, Hold, Hub, Item, Span, Telephone, Written, patient::Summary};
use rules::{
    Person,
    event::{Audit, AuditKind, RefusedReading},
};
use rusqlite::params;
use std::{
    fs,
    path::{Path, PathBuf},
};
use vitals::{
    NhsNumber,
    id::{CarerId, RecordId},
};

const WHO: &str = "pt-planted-ayla";

fn who() -> PatientId {
    PatientId::parse(WHO).unwrap()
}

/// A reading of theirs, of a cuff that says nothing of them, in a frame of bytes that nobody else has.
fn theirs(n: u32, secs: i64, systolic: u16, diastolic: u16) -> Admitted {
    let mut admitted = pressure(&who(), n, secs, systolic, diastolic);
    let reading = &mut admitted.reading;
    reading.raw.bytes = [b"\xd1\xd2\xd3PLANTEDFRAME".as_slice(), &n.to_be_bytes()].concat();
    reading.source = SourceId::device("made", "cuff-77").unwrap();
    reading.record = RecordNumber::of(&reading.raw.service, RecordKey::Number(n), None, &reading.raw.bytes);
    reading.id = reading_id(&reading.source, reading.record);
    admitted
}

/// What is planted, and must be found before and not after.
fn planted() -> Vec<(&'static str, Vec<u8>)> {
    let mut planted: Vec<(&str, Vec<u8>)> = [
        ("id", WHO),
        ("name", "Ayla Plantedname"),
        ("earlier name", "Ayla Earliername"),
        ("nhs number", "9990000026"),
        ("born", "1931-02-03"),
        ("telephone", "+441629555001"),
        ("address notes", "Key safe planted 4711, beware of the goose"),
        ("medicine", "Plantedmycin 5 mg"),
        ("carer", "Plantedcarer Nora"),
        ("note", "Planted note: she sat in the garden"),
        ("why", "planted reason of a version"),
        ("request", "planted reason of a request"),
        ("refused", "planted-in-a-refused-body"),
        ("frame", "PLANTEDFRAME"),
        ("carer id", "cr-planted"),
    ]
    .map(|(what, text)| (what, text.as_bytes().to_vec()))
    .to_vec();
    // In a conflict's row the frame stands as digits, with the reading's id beside it.
    planted.push(("frame as digits", vitals::hex::encode(b"PLANTEDFRAME").into_bytes()));
    planted.push(("reading id as text", theirs(1, 10, 0, 0).reading.id.to_string().into_bytes()));
    planted
}

/// Every file of a folder, with those in its folders.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// What of it is found in a folder.
fn found(folder: &Path) -> Vec<&'static str> {
    let read = |path: &PathBuf| fs::read(path).unwrap();
    // The room set aside for a full disk is 32 MiB of noughts.
    let is_room = |bytes: &[u8]| bytes.chunks(4096).all(|chunk| *chunk == [0; 4096][..chunk.len()]);
    let files: Vec<Vec<u8>> = files(folder).iter().map(read).filter(|bytes| !is_room(bytes)).collect();
    let is_in = |needle: &[u8]| files.iter().any(|file| memchr_like(file, needle));
    planted().into_iter().filter(|(_, needle)| is_in(needle)).map(|(what, _)| what).collect()
}

fn memchr_like(hay: &[u8], needle: &[u8]) -> bool {
    let first = needle[0];
    let starts = hay.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.into_iter().any(|(at, _)| hay[at..].starts_with(needle))
}

fn version(item: impl Into<Item>, version: u32, by: &str, why: &str) -> Event {
    let (by, why) = (Some(actor(by).id), Some(Text::new(why).unwrap()));
    Event::Written(Box::new(Written { item: item.into(), version: Some(version), by, why }))
}

fn request(agreed_by: Option<&str>) -> Erasure {
    Erasure {
        id: RecordId::parse("rc-erase").unwrap(),
        patient: who(),
        ground: Ground::NotNeeded,
        reason: Text::new("planted reason of a request").unwrap(),
        asked_by: actor("priya").id,
        asked_at: at(500),
        agreed_by: agreed_by.map(|name| actor(name).id),
    }
}

async fn ask(it: &Fixture, requests: &[(Erasure, &str)]) {
    for (n, (erasure, by)) in (1..).zip(requests) {
        let events = vec![version(erasure.clone(), n, by, "planted reason of a version")];
        let officer = super::versions::privacy_officer(by, &who());
        it.apply_one(&officer, Subject::Patient(who()), events, at(500)).await.unwrap();
    }
}

/// A store with somebody's whole record among other people's, two of whom asked for its end.
async fn with_planted(requests: &[(Erasure, &str)]) -> Fixture {
    let mut it = Fixture::new();
    day(&mut it, async |it| live(it).await).await;
    ask(&it, requests).await;
    let import = ImportId::parse("im-00112233445566aa").unwrap();
    ImportFiles::new(it.folder.path()).note(&import, &[pt(1), who()]).unwrap();
    it
}

async fn live(it: &Fixture) {
    let set_up = Access::system(Purpose::SetUp);
    let mut person =
        Person::new(who(), Text::new("Ayla Earliername").unwrap(), NhsNumber::parse("999 000 0026").unwrap());
    let hub_with = |patients: &[PatientId]| Hub {
        id: hub(),
        name: None,
        place: None,
        patients: patients.iter().cloned().collect(),
        keys: Vec::new(),
        code: None,
    };
    write(it, person.clone(), 412).await;
    write(it, hub_with(&[pt(1), who()]), 412).await;
    person.name = Text::new("Ayla Plantedname").unwrap();
    person.born = chrono::NaiveDate::from_ymd_opt(1931, 2, 3);
    person.telephones = vec![Telephone::parse("+44 1629 555001").unwrap()];
    person.access_notes = Some(Text::new("Key safe planted 4711, beware of the goose").unwrap());
    let medicine = Text::new("Plantedmycin 5 mg").unwrap();
    let source = Text::new("typed").unwrap();
    let medicines = vec![Summary { what: medicine, snomed: None, source, on: at(0).date_naive() }];
    let health = Health { id: who(), diagnoses: vec![], medicines, spo2_scale: None, escalation: None };
    let carer = Carer {
        id: CarerId::parse("cr-planted").unwrap(),
        patient: who(),
        name: Text::new("Plantedcarer Nora").unwrap(),
        relation: Text::new("niece").unwrap(),
        telephone: None,
    };
    let events = vec![Event::written(person), Event::written(health), Event::written(carer)];
    it.apply_one(&set_up, Subject::Patient(who()), events, at(413)).await.unwrap();
    write(it, hub_with(&[pt(2), who()]), 413).await;
    it.offer(&theirs(1, 414, 133, 87), at(414)).await;
    it.offer(&theirs(2, 415, 191, 122), at(415)).await;
    it.offer(&theirs(3, 416, 156, 98), at(416)).await;
    // In conflict with what is stored: it is kept with the hub, with all it says.
    let mut other = theirs(1, 414, 201, 99);
    other.reading.raw.bytes.push(9);
    it.offer(&other, at(417)).await;
    let alert = it.alerts().await.into_iter().find(|alert| alert.patient == who()).unwrap();
    let note = Some(Text::new("Planted note: she sat in the garden").unwrap());
    let taken = vec![Event::Acknowledged { alert: alert.id, by: actor("ada"), note }];
    it.apply_one(&staff("ada", &[&who()]), Subject::Patient(who()), taken, at(418)).await.unwrap();
    let body = format!("{{\"who\":\"{WHO}\",\"x\":\"planted-in-a-refused-body\"}}");
    let refused = RefusedReading { hub: hub(), id: None, code: ErrorCode::UnitNotSupported, body };
    let events = vec![Event::Refused(Box::new(refused)), event(&of_nobody(dated_calm(7)))];
    it.apply_one(&hub_of(&[]), Subject::Unassigned(hub()), events, at(419)).await.unwrap();
    let about = format!("hub-1 {WHO}");
    let audit = Audit { what: AuditKind::WitnessDisagrees, about: Text::new(&about).unwrap(), by: None };
    it.apply_one(&Access::system(Purpose::Audit), Subject::Service, vec![Event::Audited(audit)], at(419))
        .await
        .unwrap();
}

fn dated_calm(n: u32) -> Admitted {
    super::whole::dated(calm(&pt(9), n, 419))
}

/// Closes the store: its folder.
async fn closed(it: Fixture) -> TempDir {
    it.store.close().await;
    let Fixture { folder, store, .. } = it;
    drop(store);
    folder
}

fn copied(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in files(folder).into_iter().filter(|path| !path.ends_with("reserve")) {
        let to = copy.path().join(path.strip_prefix(folder).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
    copy
}

fn check(folder: &Path) -> Result<Verified, NotVerified> {
    verify(&Folder::new(folder), &KEYS, true, |_| {})
}

fn erase(folder: &Path, on_step: impl FnMut(Step)) -> Result<crate::store::Tombstone, NotEnded> {
    let why = Why::Erasure(RecordId::parse("rc-erase").unwrap());
    end_record(folder, &KEYS, &server_key(), (&who(), &why), on_step, at(3 * 86_400))
}

fn both() -> [(Erasure, &'static str); 2] {
    [(request(None), "priya"), (request(Some("quinn")), "quinn")]
}

#[tokio::test]
async fn nothing_of_a_person_is_found_after_it_and_all_of_it_before() {
    let folder = closed(with_planted(&both()).await).await;
    let before = check(folder.path()).unwrap();
    let everything: Vec<&str> = planted().into_iter().map(|(what, _)| what).collect();
    assert_eq!(found(folder.path()), everything, "the search finds what is there");
    let mut not_anew = None;
    let tombstone = erase(folder.path(), |step| {
        if step == Step::Committed {
            not_anew = Some(copied(folder.path()));
        }
    })
    .unwrap();
    assert_eq!(found(folder.path()), Vec::<&str>::new());
    // The planted bug: a store that does not write its file anew.
    let not_anew = not_anew.unwrap();
    assert!(!found(not_anew.path()).is_empty(), "the search finds what is left over in the pages");
    let after = check(folder.path()).unwrap();
    assert_eq!(after.chains, before.chains);
    assert_eq!(after.entries, before.entries + 2, "the hub without them, and the statement");
    assert_eq!(after.roots, before.roots, "every root is computed again");
    assert!(tombstone.is_signed());
    let said = &tombstone.statement;
    assert_eq!((said.how, said.ground), (Ended::Erased, Some(Ground::NotNeeded)));
    assert_eq!((said.asked_by.clone(), said.agreed_by.clone()), (Some(actor("priya").id), Some(actor("quinn").id)));
    assert!(said.entries > 5 && said.others >= 3 && said.alerts > 0 && said.notifications > 0, "{said:?}");
    assert_eq!(said.refusals.iter().map(|(_, count)| count).sum::<u64>(), 2);

    // The service goes on with it.
    let it = Fixture { store: Arc::new(open(&folder).unwrap()), folder, decide: by_demo_pack() };
    assert_eq!(it.store.people(&Access::system(Purpose::Follow)).await.unwrap().len(), 3);
    assert!(it.alerts().await.iter().all(|alert| alert.patient != who()));
    assert!(it.store.readings(&Access::system(Purpose::Follow), 1000).await.unwrap().len() > 30);
    let nobodys = it.store.unassigned(&Access::system(Purpose::Follow), 100).await.unwrap();
    assert!(nobodys.iter().any(|stored| stored.reading.id == dated_calm(7).reading.id), "others' readings stay");
    // What comes again is not taken in again, whoever it is offered for, and nothing new is written of them.
    let again = theirs(1, 414, 133, 87);
    let offered = it.apply_one(&hub_of(&[&who()]), Subject::Patient(who()), vec![event(&again)], at(300_000)).await;
    assert!(matches!(offered, Err(ApplyError::Ended)), "{offered:?}");
    let nobodys = of_nobody(again);
    let offered =
        it.apply_one(&hub_of(&[]), Subject::Unassigned(hub()), vec![event(&nobodys)], at(300_001)).await.unwrap();
    assert_eq!(offered.readings, [ReadingOutcome::Erased { id: nobodys.reading.id }]);
    let back = Person::new(who(), Text::new("Back").unwrap(), NhsNumber::parse("999 000 0018").unwrap());
    let events = vec![Event::written(back)];
    let back = it.apply_one(&Access::system(Purpose::SetUp), Subject::Patient(who()), events, at(300_002)).await;
    assert!(matches!(back, Err(ApplyError::Ended)), "{back:?}");
    register(&it, &pt(4), 300_003).await;
    it.offer(&red(&pt(1), 90, 300_004), at(300_004)).await;
    let folder = closed(it).await;
    check(folder.path()).unwrap();
    assert!(matches!(erase(folder.path(), |_| {}), Err(NotEnded::EndedBefore)));
}

#[tokio::test]
async fn a_kill_at_any_step_leaves_the_whole_record_or_none_of_it() {
    let folder = closed(with_planted(&both()).await).await;
    let mut killed = Vec::new();
    erase(folder.path(), |step| killed.push((step, copied(folder.path())))).unwrap();
    assert_eq!(killed.len(), 7);
    let everything = planted().len();
    for (step, folder) in killed {
        finish(folder.path(), &KEYS).unwrap();
        check(folder.path()).unwrap_or_else(|error| panic!("{step:?}: {error}"));
        let left = found(folder.path()).len();
        let has_ended = !matches!(step, Step::Begun | Step::Forgotten | Step::TakenOut);
        assert_eq!(left, if has_ended { 0 } else { everything }, "{step:?}");
        // Whoever asks again gets what they wanted.
        let again = erase(folder.path(), |_| {});
        assert_eq!(again.is_err(), has_ended, "{step:?}: {again:?}");
        assert_eq!(found(folder.path()).len(), 0, "{step:?}");
    }
}

#[tokio::test]
async fn it_takes_two_people_each_for_themselves_and_no_hold() {
    let lone = [(request(None), "priya")];
    let folder = closed(with_planted(&lone).await).await;
    assert!(matches!(erase(folder.path(), |_| {}), Err(NotEnded::NotAgreed)));
    // What a command of the service writes is nobody's agreement.
    let it = with_planted(&lone).await;
    write(&it, request(Some("quinn")), 501).await;
    let folder = closed(it).await;
    assert!(matches!(erase(folder.path(), |_| {}), Err(NotEnded::NotAgreed)));
    let it = with_planted(&both()).await;
    let (id, reason) = (RecordId::parse("rc-hold").unwrap(), Text::new("Inquest").unwrap());
    write(&it, Hold { id, patient: who(), reason, span: Span::since(at(502)) }, 502).await;
    let folder = closed(it).await;
    let before = found(folder.path()).len();
    assert!(matches!(erase(folder.path(), |_| {}), Err(NotEnded::OnHold)));
    assert_eq!(found(folder.path()).len(), before);
    check(folder.path()).unwrap();
}

#[tokio::test]
async fn nobody_agrees_for_another_or_changes_what_was_asked() {
    let it = with_planted(&[(request(None), "priya")]).await;
    let refused = |erasure: Erasure, by: &'static str| {
        let it = &it;
        async move {
            let officer = super::versions::privacy_officer(by, &who());
            let events = vec![version(erasure, 2, by, "planted reason of a version")];
            it.apply_one(&officer, Subject::Patient(who()), events, at(501)).await.is_err()
        }
    };
    assert!(refused(request(Some("priya")), "priya").await, "whoever asked agrees");
    assert!(refused(request(Some("quinn")), "priya").await, "in another's name");
    let other = Erasure { ground: Ground::LegalDuty, ..request(Some("quinn")) };
    assert!(refused(other, "quinn").await, "to something else");
    assert!(!refused(request(Some("quinn")), "quinn").await);
}

/// Whoever has the keys of the chains, and not the service's own, is found as well.
#[tokio::test]
async fn what_is_emptied_without_a_statement_or_put_back_is_found() {
    let folder = closed(with_planted(&both()).await).await;
    let before = copied(folder.path());
    erase(folder.path(), |_| {}).unwrap();
    let named = |folder: &Path| match check(folder) {
        Err(NotVerified::Bad(bad)) => bad,
        other => panic!("{other:?}"),
    };
    let sqlite = |folder: &Path| rusqlite::Connection::open(folder.join(DATABASE_FILE)).unwrap();
    let keys = Keys::new(&KEYS);
    let empty = |folder: &Path, seq: i64, by: u64| {
        let conn = sqlite(folder);
        let tally = Tally::read(&conn, &keys).unwrap();
        let names = Names::read(&conn, &keys, tally.names).unwrap();
        let view = View::new(&conn, &keys, &names, tally);
        let body: Vec<u8> = conn.query_row("SELECT body FROM entry WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
        let sql = format!("SELECT {COLUMNS} FROM entry WHERE seq = ?1");
        let entry = conn.query_row(&sql, [seq], |row| Ok(Entry::read(row, &view).unwrap())).unwrap();
        let left = entry.left(&view, by, &body, true, |_| None).ok().unwrap();
        conn.execute("UPDATE entry SET body = ?1 WHERE seq = ?2", params![left, seq]).unwrap();
    };
    let newest = i64::try_from(check(folder.path()).unwrap().entries).unwrap();
    let statement = u64::try_from(newest).unwrap();
    // A reading's entry of somebody else: by no statement, and by one that does not cover it.
    let copy = copied(folder.path());
    empty(copy.path(), 2, statement + 7);
    assert_eq!(named(copy.path()), BadRow { table: "entry", row: 2, wrong: Wrong::NotCovered });
    let copy = copied(folder.path());
    empty(copy.path(), 2, statement);
    assert_eq!(named(copy.path()), BadRow { table: "entry", row: newest, wrong: Wrong::Disagrees });
    // Emptied by somebody without any key.
    let copy = copied(folder.path());
    sqlite(copy.path()).execute("UPDATE entry SET body = x'02' WHERE seq = 2", []).unwrap();
    assert_eq!((named(copy.path()).table, named(copy.path()).row), ("entry", 2));
    // What was taken out is put back from an older copy.
    let emptied: Vec<i64> = sqlite(folder.path())
        .prepare("SELECT seq FROM entry WHERE substr(body, 1, 1) = x'02' ORDER BY seq")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(emptied.len() > 8, "{emptied:?}");
    for seq in &emptied {
        let copy = copied(folder.path());
        let body: Vec<u8> =
            sqlite(before.path()).query_row("SELECT body FROM entry WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
        sqlite(copy.path()).execute("UPDATE entry SET body = ?1 WHERE seq = ?2", params![body, seq]).unwrap();
        let bad = named(copy.path());
        assert!(bad.table == "entry" && bad.row <= newest, "{seq}: {bad:?}");
    }
    // A row that keeps a reading from being taken in again, and emptied rows, taken away.
    for table in ["known", "alert", "job", "item", "refusal"] {
        let copy = copied(folder.path());
        let conn = sqlite(copy.path());
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let sql = match table {
            "known" => format!("DELETE FROM known WHERE entry = {}", emptied[emptied.len() - 4]),
            "item" => "DELETE FROM item WHERE kind = 'erased'".to_owned(),
            table => format!("DELETE FROM {table} WHERE length(body) = 0"),
        };
        assert!(conn.execute(&sql, []).unwrap() > 0, "{table}");
        drop(conn);
        let bad = named(copy.path());
        assert!([table, "known"].contains(&bad.table), "{table}: {bad:?}");
    }
}
