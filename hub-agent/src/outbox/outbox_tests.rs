//! What the outbox promises across reopening, repeating, deleting and damage. Power cuts are the system tests' work.

use super::*;
use crate::{
    admit::{HubContext, admit},
    assign::{Binding, Bindings, User},
    disk::{DiskError, Folder},
    test_parts::{CAPTURE_NAN, frame, june_frame, noon, patient},
};
use rusqlite::Connection;
use std::path::Path;
use vitals::{ClockOffset, HubId};

fn reading_of(frame: &device_codecs::Frame) -> Reading {
    let hub = HubContext { hub: HubId::parse("hub-a").unwrap(), boot: [1; 8], zone: chrono_tz::Europe::London };
    let bindings =
        Bindings::new([Binding { source: frame.device.clone(), user: User::Any, patient: patient() }]).unwrap();
    admit(frame, device_codecs::decode(frame), &bindings, &hub)
}

fn june(minute: u8) -> Reading {
    reading_of(&june_frame(minute))
}

async fn open(folder: &Path) -> Result<Outbox, OutboxError> {
    Outbox::open(Arc::new(Folder::open(folder).unwrap())).await
}

fn edit(folder: &Path, sql: &str) {
    Connection::open(folder.join(DATABASE)).unwrap().execute_batch(sql).unwrap();
}

async fn next(outbox: &Outbox) -> Request {
    outbox.next_request(1000, noon()).await.unwrap().unwrap()
}

fn line(waiting: &Waiting) -> (Row, ReceiptLine) {
    let json = format!(
        r#"{{"position":0,"id":"{}","outcome":"stored","prompts":[{{"urgency":"act_now","text":"Rest."}}]}}"#,
        waiting.reading.id
    );
    (waiting.row, serde_json::from_str(&json).unwrap())
}

#[tokio::test]
async fn a_kept_reading_survives_reopening_and_goes_out_as_the_same_text() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    let Keeping::Kept(kept) = outbox.keep(june(55)).await.unwrap() else { panic!("it is new") };
    assert_eq!(kept.get(), &june(55));
    let first = next(&outbox).await;
    outbox.close().await;
    assert!(matches!(outbox.keep(june(56)).await, Err(OutboxError::Closed)));

    let outbox = open(folder.path()).await.unwrap();
    let again = next(&outbox).await;
    assert_eq!(again.readings, first.readings);
    assert_eq!(again.readings[0].reading, wire::v1::Reading::from(&june(55)));
    assert_eq!(again.readings[0].first_sent, noon());
}

/// The same record comes before and after a reconnect, at another receipt and another clock offset; it waits once.
#[tokio::test]
async fn a_record_repeated_across_a_reconnect_is_known_also_after_it_was_settled() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    let before = reading_of(&frame(CAPTURE_NAN, noon(), ClockOffset::ReadAtConnection { device_ahead_secs: 0 }));
    let after = reading_of(&frame(CAPTURE_NAN, noon() + TimeDelta::seconds(30), ClockOffset::NotRead));
    assert_eq!(before.id, after.id);
    assert!(matches!(outbox.keep(before).await.unwrap(), Keeping::Kept(_)));
    for _ in 0..2 {
        let Keeping::AlreadyKept(kept) = outbox.keep(after.clone()).await.unwrap() else {
            panic!("it was kept before")
        };
        assert_eq!(*kept.get(), after.id);
        if let Some(request) = outbox.next_request(1000, noon()).await.unwrap() {
            outbox.settle(vec![line(&request.readings[0])], noon()).await.unwrap();
        }
    }
    assert_eq!(outbox.counts().await.unwrap(), Counts { waiting: 0, settled: 1, damaged: 0 });
}

#[tokio::test]
async fn other_bytes_under_one_id_are_kept_beside_and_sent() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    assert!(matches!(outbox.keep(june(55)).await.unwrap(), Keeping::Kept(_)));
    let mut other = june(55);
    other.raw.bytes.push(0);
    assert!(matches!(outbox.keep(other).await.unwrap(), Keeping::Conflict(_)));
    let ids: Vec<String> = next(&outbox).await.readings.into_iter().map(|waiting| waiting.reading.id).collect();
    assert_eq!(ids, [june(55).id.to_string(), june(55).id.to_string()]);
}

#[tokio::test]
async fn live_readings_go_before_backfill_and_the_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    for minute in [10, 5, 58, 31, 29] {
        assert!(matches!(outbox.keep(june(minute)).await.unwrap(), Keeping::Kept(_)));
    }
    // A capture whose cuff's clock was not read counts as live: nobody knows that it is old.
    let unknown_age = reading_of(&frame(CAPTURE_NAN, noon(), ClockOffset::NotRead));
    assert!(matches!(outbox.keep(unknown_age.clone()).await.unwrap(), Keeping::Kept(_)));
    for (lane, expected) in
        [(Lane::Live, vec![june(31), june(58), unknown_age]), (Lane::Backfill, vec![june(5), june(10), june(29)])]
    {
        let request = next(&outbox).await;
        let ids: Vec<String> = request.readings.iter().map(|waiting| waiting.reading.id.clone()).collect();
        assert_eq!((request.lane, ids), (lane, expected.iter().map(|reading| reading.id.to_string()).collect()));
        outbox.settle(request.readings.iter().map(line).collect(), noon()).await.unwrap();
    }
    assert_eq!(outbox.next_request(1000, noon()).await.unwrap(), None);
}

#[tokio::test]
async fn a_batch_has_limits_of_number_and_bytes_and_always_one_reading() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    for minute in 40..44 {
        assert!(matches!(outbox.keep(june(minute)).await.unwrap(), Keeping::Kept(_)));
    }
    for (readings_max, expected) in [(3, 3), (1, 1), (0, 1)] {
        assert_eq!(outbox.next_request(readings_max, noon()).await.unwrap().unwrap().readings.len(), expected);
    }
    // Longer than any real reading, so that a few fill a body.
    for minute in 44..48 {
        let mut long = june(minute);
        long.raw.bytes = vec![minute; wire::v1::BODY_BYTES_MAX / 5];
        assert!(matches!(outbox.keep(long).await.unwrap(), Keeping::Kept(_)));
    }
    let request = next(&outbox).await;
    let bytes: usize = request.readings.iter().map(|waiting| serde_json::to_vec(&waiting.reading).unwrap().len()).sum();
    assert!(
        request.readings.len() == 6 && bytes < wire::v1::BODY_BYTES_MAX,
        "{} readings, {bytes} bytes",
        request.readings.len()
    );
}

#[tokio::test]
async fn a_request_number_is_never_used_twice_across_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let outbox = open(folder.path()).await.unwrap();
        outbox.keep(june(55)).await.map(drop).unwrap();
        numbers.extend([next(&outbox).await.number, next(&outbox).await.number]);
        // Dropped without a word, like a killed process.
    }
    let expected: Vec<RequestNumber> = (1..=6).map(|sequence| RequestNumber { epoch: 1, sequence }).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn deleting_the_database_or_putting_an_older_copy_back_raises_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join(DATABASE);
    let first = open(folder.path()).await.unwrap();
    first.keep(june(55)).await.map(drop).unwrap();
    assert_eq!(next(&first).await.number, RequestNumber { epoch: 1, sequence: 1 });
    first.close().await;
    let older_copy = std::fs::read(&database).unwrap();

    std::fs::remove_file(&database).unwrap();
    let second = open(folder.path()).await.unwrap();
    assert_eq!(second.epoch(), 2);
    second.close().await;

    std::fs::write(&database, older_copy).unwrap();
    let third = open(folder.path()).await.unwrap();
    assert_eq!((third.epoch(), next(&third).await.number), (3, RequestNumber { epoch: 3, sequence: 1 }));
    third.close().await;

    // The note alone is lost: the database still knows.
    std::fs::remove_file(folder.path().join(epoch::NOTE)).unwrap();
    assert_eq!(open(folder.path()).await.unwrap().epoch(), 3);
    assert_eq!(std::fs::read_to_string(folder.path().join(epoch::NOTE)).unwrap(), "3");
}

struct InMemory;

impl Disk for InMemory {
    fn open_database(&self, _: &str) -> Result<Connection, DiskError> {
        Ok(Connection::open_in_memory().unwrap())
    }

    fn read_note(&self, _: &str) -> Result<Option<String>, DiskError> {
        Ok(None)
    }

    fn write_note(&self, _: &str, _: &str) -> Result<(), DiskError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_without_a_write_ahead_log_or_full_sync_is_refused() {
    let error = Outbox::open(Arc::new(InMemory)).await.unwrap_err();
    assert!(matches!(error, OutboxError::NotDurable { pragma: "journal_mode", .. }), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    for (setting, is_good) in [("OFF", false), ("NORMAL", false), ("FULL", true)] {
        connection.pragma_update(None, "synchronous", setting).unwrap();
        assert_eq!(schema::assert_durable(&connection).is_ok(), is_good, "synchronous={setting}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_this_programs_outbox_is_refused_and_left_alone() {
    for (sql, says) in [
        ("PRAGMA user_version = 4", "schema is 4 and this program knows 3"),
        ("PRAGMA user_version = 0", "another database"),
        ("PRAGMA user_version = -1", "another database"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        open(folder.path()).await.unwrap().close().await;
        edit(folder.path(), sql);
        let error = open(folder.path()).await.unwrap_err().to_string();
        assert!(error.contains(says), "{sql}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DATABASE), "not a database at all, but long enough to look at").unwrap();
    assert!(matches!(open(folder.path()).await, Err(OutboxError::Sqlite { .. })));
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.unwrap().close().await;
    std::fs::write(folder.path().join(epoch::NOTE), "many").unwrap();
    assert!(matches!(open(folder.path()).await, Err(OutboxError::EpochUnreadable)));
}

#[tokio::test]
async fn a_damaged_file_is_found_at_opening() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    for minute in 0..60 {
        outbox.keep(june(minute)).await.map(drop).unwrap();
    }
    outbox.close().await;
    let database = folder.path().join(DATABASE);
    let mut bytes = std::fs::read(&database).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0xa5);
    std::fs::write(&database, bytes).unwrap();
    let error = open(folder.path()).await.unwrap_err();
    assert!(matches!(error, OutboxError::Damaged { .. } | OutboxError::Sqlite { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_row_is_set_aside_named_and_mended_by_a_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    for minute in [50, 51] {
        outbox.keep(june(minute)).await.map(drop).unwrap();
    }
    edit(folder.path(), "UPDATE reading SET wire = replace(wire, '\"182\"', '\"122\"') WHERE row = 1");
    let request = next(&outbox).await;
    assert_eq!((request.damaged, request.readings.len()), (vec![Row(1)], 1));
    assert_eq!(next(&outbox).await.damaged, []);
    assert!(matches!(outbox.keep(june(50)).await.unwrap(), Keeping::Kept(_)), "the cuff sent it again");
    let mended = next(&outbox).await;
    assert_eq!(mended.readings[0].reading, wire::v1::Reading::from(&june(50)));
}

#[tokio::test]
async fn a_full_outbox_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    outbox.keep(june(50)).await.map(drop).unwrap();
    let rows = WAITING_MAX - 2;
    edit(
        folder.path(),
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
             INSERT INTO reading (id, frame, wire, moment_us, checksum)
             SELECT randomblob(16), randomblob(16), '', 9000000000000000, x'' FROM n"
        ),
    );
    assert!(matches!(outbox.keep(june(51)).await.unwrap(), Keeping::Kept(_)), "the last place");
    let error = outbox.keep(june(52)).await.unwrap_err();
    assert!(matches!(error, OutboxError::Full) && error.code() == vitals::ErrorCode::OutboxFull);
    assert!(matches!(outbox.keep(june(50)).await.unwrap(), Keeping::AlreadyKept(_)), "a repeat needs no place");
    let oldest = outbox.next_request(2, noon()).await.unwrap().unwrap();
    let ids: Vec<&str> = oldest.readings.iter().map(|waiting| waiting.reading.id.as_str()).collect();
    assert_eq!(ids, [june(50).id.to_string(), june(51).id.to_string()]);
}

#[tokio::test]
async fn prompts_not_shown_before_a_crash_are_offered_again_until_they_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    outbox.keep(june(55)).await.map(drop).unwrap();
    let request = next(&outbox).await;
    outbox.settle(vec![line(&request.readings[0])], noon()).await.unwrap();
    outbox.close().await;

    let outbox = open(folder.path()).await.unwrap();
    let found = outbox.prompts_not_shown(noon()).await.unwrap();
    assert_eq!(found, [(request.readings[0].clone(), line(&request.readings[0]).1)]);
    assert_eq!(outbox.prompts_not_shown(noon() + TimeDelta::microseconds(1)).await.unwrap(), []);
    outbox.prompts_shown(vec![found[0].0.row], noon()).await.unwrap();
    assert_eq!(outbox.prompts_not_shown(noon()).await.unwrap(), []);
}

/// Up to where a memory was read is on the disk: after a restart too, for each kind by itself, and downwards where a
/// device lost its memory and counts anew.
#[tokio::test]
async fn the_place_up_to_which_a_memory_was_read_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = |number| Place { kind: FrameKind::Glucose, session: None, number, look: None };
    let device = june(55).source;
    let opened = open(folder.path()).await.unwrap();
    assert_eq!(opened.last_place(device.clone(), FrameKind::Glucose).await.unwrap(), None);
    opened.note_place(device.clone(), place(8)).await.unwrap();
    opened.close().await;

    let reopened = open(folder.path()).await.unwrap();
    let last = async || reopened.last_place(device.clone(), FrameKind::Glucose).await.unwrap();
    assert_eq!(last().await, Some(place(8)));
    reopened.note_place(device.clone(), place(7)).await.unwrap();
    assert_eq!(last().await, Some(place(7)), "the last one noted, not the highest");
    assert_eq!(reopened.last_place(device.clone(), FrameKind::Cgm).await.unwrap(), None, "each kind has its own");

    let session = vitals::DeviceTime::parse("2026-06-01T12:00:00").ok();
    let look = Some(crate::link::Look::of(b"record 30"));
    let of_session = Place { kind: FrameKind::Cgm, session, number: 30, look };
    reopened.note_place(device.clone(), of_session).await.unwrap();
    assert_eq!(reopened.last_kept(&device, FrameKind::Cgm).await, Some(of_session));
}

/// An outbox that an older program made is brought up to date where it lies: what waits still waits, what is settled is still
/// known, and the tables of each version since are there.
#[tokio::test]
async fn an_outbox_of_an_older_schema_goes_on() {
    for older in [
        "DROP TABLE head; DROP INDEX settled; DROP TABLE place; PRAGMA user_version = 1;",
        "DROP TABLE head; DROP INDEX settled; PRAGMA user_version = 2;",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).await.unwrap();
        first.keep(june(50)).await.map(drop).unwrap();
        first.settle(vec![line(&next(&first).await.readings[0])], noon()).await.unwrap();
        first.keep(june(55)).await.map(drop).unwrap();
        first.close().await;
        edit(folder.path(), older);

        let updated = open(folder.path()).await.unwrap();
        assert_eq!((updated.epoch(), updated.counts().await.unwrap().waiting), (1, 1), "{older}");
        let place = Place { kind: FrameKind::Glucose, session: None, number: 7, look: None };
        updated.note_place(june(56).source, place).await.unwrap();
        assert_eq!(updated.last_place(june(56).source, FrameKind::Glucose).await.unwrap(), Some(place));
        assert!(matches!(updated.keep(june(50)).await.unwrap(), Keeping::AlreadyKept(_)), "{older}");
        let request = next(&updated).await;
        updated.settle(vec![with_head(&request.readings[0], "7.aa")], noon()).await.unwrap();
        assert_eq!(heads(&updated, "").await, [(patient().to_string(), "7.aa".to_owned())], "{older}");
    }
}

fn with_head(waiting: &Waiting, head: &str) -> (Row, ReceiptLine) {
    let (row, line) = line(waiting);
    (row, ReceiptLine { chain_head: Some(head.to_owned()), ..line })
}

async fn heads(outbox: &Outbox, after: &str) -> Vec<(String, String)> {
    outbox.next_hello(after.to_owned(), 2, noon()).await.unwrap().heads.into_iter().collect()
}

/// A head gives way to a later one only: a service that was rolled back gives earlier ones, and the hub still returns what
/// it saw.
#[tokio::test]
async fn a_head_gives_way_to_a_later_one_only() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    let rows = [
        ("old form", "old form"),
        ("5.aa", "5.aa"),
        ("old form", "5.aa"),
        ("4.bb", "5.aa"),
        ("5.bb", "5.aa"),
        ("12.cc", "12.cc"),
    ];
    for (minute, (given, kept)) in (30_u8..).zip(rows) {
        outbox.keep(june(minute)).await.map(drop).unwrap();
        let request = next(&outbox).await;
        outbox.settle(vec![with_head(&request.readings[0], given)], noon()).await.unwrap();
        assert_eq!(heads(&outbox, "").await, [(patient().to_string(), kept.to_owned())], "{given}");
    }
    outbox.close().await;
    let outbox = open(folder.path()).await.unwrap();
    assert_eq!(heads(&outbox, "").await.len(), 1, "it survives");
}

#[tokio::test]
async fn the_heads_of_many_people_are_returned_in_turn() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    edit(
        folder.path(),
        "INSERT INTO head (patient, head, changed_us) VALUES ('pt-a', '1.a', 1), ('pt-b', '1.b', 2), ('pt-c', '1.c', 3)",
    );
    for (after, expected) in [("", ["pt-a", "pt-b"]), ("pt-b", ["pt-a", "pt-c"]), ("pt-c", ["pt-a", "pt-b"])] {
        let people: Vec<String> = heads(&outbox, after).await.into_iter().map(|(patient, _)| patient).collect();
        assert_eq!(people, expected, "after {after}");
    }
}

#[tokio::test]
async fn a_hello_says_what_waits_and_takes_a_number_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    let room = |waiting: u64| u64::try_from(WAITING_MAX).unwrap() - waiting;
    let hello = outbox.next_hello(String::new(), 2, noon()).await.unwrap();
    assert_eq!(hello.standing, Standing { live: 0, backfill: 0, oldest: None, room: room(0) });
    for minute in [10, 55, 58] {
        outbox.keep(june(minute)).await.map(drop).unwrap();
    }
    let request = next(&outbox).await;
    let hello = outbox.next_hello(String::new(), 2, noon()).await.unwrap();
    let oldest = Some(noon() - TimeDelta::minutes(50));
    assert_eq!(hello.standing, Standing { live: 2, backfill: 1, oldest, room: room(3) });
    let sequences: Vec<u64> = [request.number, hello.number].map(|number| number.sequence).into();
    assert_eq!(sequences, [2, 3]);
}

#[tokio::test]
async fn a_reading_asked_for_again_is_sent_again_and_nobody_is_told_anew() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    outbox.keep(june(55)).await.map(drop).unwrap();
    let request = next(&outbox).await;
    assert!(!request.readings[0].was_told);
    assert_eq!(outbox.offer_again(vec![june(55).id], noon()).await.unwrap(), 0, "it still waits");
    outbox.settle(vec![line(&request.readings[0])], noon()).await.unwrap();
    let not_here = june(56).id;
    assert_eq!(outbox.offer_again(vec![june(55).id, not_here], noon()).await.unwrap(), 1);
    let again = next(&outbox).await;
    assert_eq!((again.readings[0].was_told, &again.readings[0].reading), (true, &request.readings[0].reading));
    outbox.settle(vec![line(&again.readings[0])], noon()).await.unwrap();
    assert_eq!(outbox.prompts_not_shown(noon()).await.unwrap(), []);
    assert_eq!(outbox.counts().await.unwrap(), Counts { waiting: 0, settled: 1, damaged: 0 });
}

/// What a settled reading holds goes after its time; that it was heard is remembered, so a cuff that tells it again makes no
/// new reading of it. What waits is never touched.
#[tokio::test]
async fn a_settled_reading_is_wiped_after_its_time_and_still_known() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path()).await.unwrap();
    for minute in [50, 55] {
        outbox.keep(june(minute)).await.map(drop).unwrap();
    }
    let request = next(&outbox).await;
    outbox.settle(vec![line(&request.readings[0])], noon()).await.unwrap();
    let (before, after) = (noon() + SETTLED_KEPT_FOR, noon() + SETTLED_KEPT_FOR + TimeDelta::seconds(1));
    for (at, expected) in [(before, 0), (after, 1), (after, 0)] {
        assert_eq!(outbox.wipe_settled(at).await.unwrap(), expected, "{at}");
    }
    let left: (i64, i64) = Connection::open(folder.path().join(DATABASE))
        .unwrap()
        .query_row("SELECT sum(wire = ''), sum(receipt IS NOT NULL) FROM reading", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(left, (1, 0));
    assert!(matches!(outbox.keep(june(50)).await.unwrap(), Keeping::AlreadyKept(_)));
    assert_eq!(outbox.offer_again(vec![june(50).id], after).await.unwrap(), 0, "there is nothing left to send");
    assert_eq!(outbox.prompts_not_shown(noon()).await.unwrap(), []);
    assert_eq!(next(&outbox).await.readings[0].reading.id, june(55).id.to_string());
}
