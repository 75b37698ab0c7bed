//! P6, evident: a flipped bit in a row that safety rests on is found when it is read, in whichever column it is.

use super::*;
use crate::store::{Cursor, ReadError};
use rules::Person;
use rusqlite::types::Value as Sql;
use vitals::NhsNumber;

/// Flips the lowest bit of one byte or number.
fn flip(value: &Sql, byte: usize) -> Option<Sql> {
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        *bytes.get_mut(byte)? ^= 1;
        Some(bytes)
    };
    match value {
        Sql::Null | Sql::Real(_) => None,
        Sql::Integer(number) => (byte < 8).then(|| Sql::Integer(number ^ (1 << (byte * 8)))),
        Sql::Text(text) => flipped(text.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok()).map(Sql::Text),
        Sql::Blob(bytes) => flipped(bytes).map(Sql::Blob),
    }
}

/// Flips every lowest bit of a column of row 1, one at a time, and asks each time whether it was noticed.
async fn check(it: &Fixture, table: &str, column: &str, ask: impl AsyncFn() -> Result<(), String>) -> usize {
    let sqlite = it.sqlite();
    sqlite.pragma_update(None, "ignore_check_constraints", true).unwrap();
    sqlite.pragma_update(None, "foreign_keys", false).unwrap();
    sqlite.pragma_update(None, "synchronous", "OFF").unwrap();
    let read = format!("SELECT {column} FROM {table} WHERE seq = 1");
    let write = format!("UPDATE {table} SET {column} = ?1 WHERE seq = 1");
    let sound: Sql = sqlite.query_row(&read, [], |row| row.get(0)).unwrap();
    let mut flips = 0;
    while let Some(flipped) = flip(&sound, flips) {
        sqlite.execute(&write, [&flipped]).unwrap();
        ask().await.unwrap_or_else(|seen| panic!("{table}.{column}, byte {flips}: not noticed, read {seen}"));
        flips += 1;
    }
    sqlite.execute(&write, [&sound]).unwrap();
    flips
}

fn damaged<T: std::fmt::Debug>(read: Result<T, ReadError>, table: &str) -> Result<(), String> {
    match read {
        Err(ReadError::Damaged { table: found, row: 1 }) if found == table => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Not shown is not wrong, but only where somebody would miss it; here it must be damage.
async fn filled() -> Fixture {
    let it = Fixture::new();
    let person = Person {
        id: pt(1),
        name: Text::new("Invented Person").unwrap(),
        nhs_number: NhsNumber::parse("999 000 0018").unwrap(),
    };
    let set_up = Access::system(Purpose::SetUp);
    it.apply_one(&set_up, Subject::Patient(pt(1)), vec![Event::Registered(person)], at(0)).await.unwrap();
    it.offer(&pressure(&pt(1), 1, 0, 155, 97), at(1)).await;
    it.offer(&red(&pt(1), 2, 90), at(91)).await;
    it
}

#[tokio::test]
async fn every_flipped_bit_of_a_reading_is_found() {
    let it = filled().await;
    let follow = Access::system(Purpose::Follow);
    let mut flips = 0;
    for column in ["source", "record", "patient", "hub", "kind", "event_time", "judged", "body", "verdict", "digest"] {
        flips += check(&it, "reading", column, async || damaged(it.store.readings(&follow, 10).await, "reading")).await;
    }
    assert!(flips > 500, "{flips}");
    assert_eq!(it.store.readings(&follow, 10).await.unwrap().len(), 2, "the test put everything back");
    // A duplicate is answered from the stored row, so it is checked there too.
    it.sqlite().execute("UPDATE reading SET verdict = replace(verdict, 'false', 'true') WHERE seq = 1", []).unwrap();
    let again = it.apply(&hub_of(&[&pt(1)]), vec![slice(&pressure(&pt(1), 1, 0, 155, 97))], at(100)).await.remove(0);
    assert!(matches!(&again, Err(ApplyError::Unavailable(why)) if why == "reading row 1 is damaged"), "{again:?}");
}

#[tokio::test]
async fn every_flipped_bit_of_an_alert_is_found() {
    let it = filled().await;
    let (follow, id) = (Access::system(Purpose::Follow), it.alerts().await.last().unwrap().id);
    for column in ["id", "patient", "body", "digest"] {
        check(&it, "alert", column, async || damaged(it.store.alerts(&follow, 10).await, "alert")).await;
    }
    for column in ["patient", "body", "digest"] {
        check(&it, "alert", column, async || damaged(it.store.alert(&follow, id).await, "alert")).await;
    }
    assert_eq!(it.alerts().await.len(), 2);
}

#[tokio::test]
async fn every_flipped_bit_of_a_state_fails_the_slice_and_decides_nothing() {
    let it = filled().await;
    let access = hub_of(&[&pt(1)]);
    let mut flips = 0;
    for column in ["patient", "body", "digest"] {
        flips += check(&it, "state", column, async || {
            match it.apply(&access, vec![slice(&red(&pt(1), 9, 200))], at(201)).await.remove(0) {
                Err(ApplyError::Unavailable(why)) if why.starts_with("state row") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
    assert!(flips > 200, "{flips}");
    assert_eq!(it.count("reading"), 2);
    it.sqlite().execute("DELETE FROM state", []).unwrap();
    let lost = it.apply(&access, vec![slice(&red(&pt(1), 9, 200))], at(201)).await.remove(0);
    assert!(
        matches!(lost, Err(ApplyError::Unavailable(_))),
        "a state that is gone is not a person of whom nothing is known"
    );
}

#[tokio::test]
async fn every_flipped_bit_of_a_timer_job_person_refusal_or_entry_is_found() {
    let it = filled().await;
    let (follow, sweep, notify) =
        (Access::system(Purpose::Follow), Access::system(Purpose::Sweep), Access::system(Purpose::Notify));
    let far = at(1_000_000_000);
    it.sqlite().execute("UPDATE timer SET seq = 1", []).unwrap();
    for column in ["alert", "patient", "body", "digest"] {
        check(&it, "timer", column, async || damaged(it.store.due_timers(&sweep, 10, far).await, "timer")).await;
    }
    // A lease that fails changes nothing, so one job serves for all.
    for column in ["id", "alert", "patient", "attempts", "body", "digest"] {
        check(&it, "job", column, async || damaged(it.store.lease_jobs(&notify, far, 10, far).await, "job")).await;
    }
    for column in ["id", "body", "digest"] {
        check(&it, "person", column, async || damaged(it.store.people(&follow).await, "person")).await;
    }
    for column in ["patient", "n", "kind", "what", "at", "digest", "head"] {
        check(&it, "entry", column, async || damaged(it.store.changes(&follow, Cursor::default(), 100).await, "entry"))
            .await;
    }
}
