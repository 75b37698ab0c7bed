//! P6, evident: a flipped bit in a row that safety rests on is found when it is read, in whichever column it is.

use super::{slices::Panics, *};
use crate::store::{ReadError, RegisterPlace, evidence::NotVerified};
use register::ItemRef;
use rules::{
    Person,
    event::{Account, RefusedReading},
};
use rusqlite::{ErrorCode as SqlError, types::Value as Sql};
use std::cell::RefCell;
use vitals::NhsNumber;

/// The value with one bit flipped; none beyond its last.
fn flip(value: &Sql, bit: usize) -> Option<Sql> {
    let flipped = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        *bytes.get_mut(bit / 8)? ^= 1 << (bit % 8);
        Some(bytes)
    };
    match value {
        Sql::Null | Sql::Real(_) => None,
        Sql::Integer(number) => (bit < 64).then(|| Sql::Integer(number ^ (1 << bit))),
        Sql::Text(text) => flipped(text.as_bytes()).map(Sql::Blob),
        Sql::Blob(bytes) => flipped(bytes).map(Sql::Blob),
    }
}

/// A row, and whether damage to it was noticed.
struct Row<'a> {
    table: &'a str,
    /// The column that finds the row.
    key: &'a str,
    /// What it holds.
    at: i64,
}

/// Flips every bit of some columns of a row, one at a time, and asks each time whether it was noticed.
async fn check(it: &Fixture, row: &Row<'_>, columns: &[&str], ask: impl AsyncFn() -> Result<(), String>) -> usize {
    let Row { table, key, at } = row;
    let sqlite = it.sqlite();
    sqlite.pragma_update(None, "ignore_check_constraints", true).unwrap();
    sqlite.pragma_update(None, "foreign_keys", false).unwrap();
    sqlite.pragma_update(None, "synchronous", "OFF").unwrap();
    let mut flips = 0;
    for column in columns {
        let read = format!("SELECT {column} FROM {table} WHERE {key} = ?1");
        let sound: Sql = sqlite.query_row(&read, [at], |row| row.get(0)).unwrap();
        let value = if matches!(sound, Sql::Text(_)) { "CAST(?1 AS TEXT)" } else { "?1" };
        let write = format!("UPDATE {table} SET {column} = {value} WHERE {key} = ?2");
        let mut bit = 0;
        while let Some(flipped) = flip(&sound, bit) {
            bit += 1;
            let is_key = column == key;
            match sqlite.execute(&write, (&flipped, at)) {
                Ok(changed) => assert_eq!(changed, 1),
                // The number of another row.
                Err(error) if error.sqlite_error_code() == Some(SqlError::ConstraintViolation) && is_key => continue,
                Err(error) => panic!("{table}.{column}: {error}"),
            }
            ask().await.unwrap_or_else(|seen| panic!("{table}.{column}, bit {bit}: not noticed, read {seen}"));
            let now = if is_key { flipped } else { Sql::Integer(*at) };
            assert_eq!(sqlite.execute(&write, (&sound, now)), Ok(1));
        }
        assert!(bit > 0 || sound == Sql::Null, "{table}.{column}");
        flips += bit;
    }
    flips
}

/// Damage to a row of this table, whichever: a row whose number is damaged is told by the number it has now, or by the one
/// that is missing.
fn damaged<T: std::fmt::Debug>(read: Result<T, ReadError>, tables: &[&str]) -> Result<(), String> {
    match read {
        Err(ReadError::Damaged { table, .. }) if tables.contains(&table) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Damage to this very row.
fn damaged_row<T: std::fmt::Debug>(read: Result<T, ReadError>, table: &str, row: i64) -> Result<(), String> {
    match read {
        Err(ReadError::Damaged { table: found, row: at }) if (found, at) == (table, row) => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

const FIRST: i64 = 1;

fn row<'a>(table: &'a str, key: &'a str) -> Row<'a> {
    Row { table, key, at: FIRST }
}

async fn filled() -> Fixture {
    let it = Fixture::new();
    it.offer(&pressure(&pt(1), 1, 0, 155, 97), at(1)).await;
    it.offer(&red(&pt(1), 2, 90), at(91)).await;
    let person = Person::new(pt(1), Text::new("Invented Person").unwrap(), NhsNumber::parse("999 000 0018").unwrap());
    let set_up = Access::system(Purpose::SetUp);
    it.apply_one(&set_up, Subject::Patient(pt(1)), vec![Event::written(person)], at(92)).await.unwrap();
    let id = Some(red(&pt(1), 3, 93).reading.id);
    let refused = RefusedReading { hub: hub(), id, code: ErrorCode::UnitNotSupported, body: "{}".into() };
    let refused = vec![Event::Refused(Box::new(refused))];
    it.apply_one(&hub_of(&[]), Subject::Unassigned(hub()), refused, at(94)).await.unwrap();
    it
}

#[tokio::test]
async fn every_flipped_bit_of_an_entry_is_found() {
    let it = filled().await;
    let (follow, ada) = (Access::system(Purpose::Follow), staff("ada", &[&pt(1)]));
    let (entry, columns) = (row("entry", "seq"), ["subject", "body", "head", "digest"]);
    let flips = check(&it, &entry, &columns, async || {
        damaged_row(it.store.readings(&follow, 10).await, "entry", FIRST)?;
        damaged_row(it.store.readings(&ada, 10).await, "entry", FIRST)?;
        damaged_row(it.store.changes(&follow, Cursor::default(), 100).await, "entry", FIRST)
    })
    .await;
    assert!(flips > 800, "{flips}");
    check(&it, &entry, &["seq"], async || {
        damaged(it.store.readings(&follow, 10).await, &["entry"])?;
        damaged(it.store.readings(&ada, 10).await, &["entry"])?;
        damaged(it.store.changes(&follow, Cursor::default(), 100).await, &["entry"])
    })
    .await;
    assert_eq!(it.store.readings(&follow, 10).await.unwrap().len(), 2, "the test put everything back");
    // A duplicate is answered from the stored entry, so it is checked there too.
    it.sqlite().execute("UPDATE entry SET body = substr(body, 1, length(body) - 1) WHERE seq = 1", []).unwrap();
    let again = it.apply(&hub_of(&[&pt(1)]), vec![slice(&pressure(&pt(1), 1, 0, 155, 97))], at(100)).await.remove(0);
    assert!(matches!(&again, Err(ApplyError::Unavailable(why)) if why == "entry row 1 is damaged"), "{again:?}");
}

#[tokio::test]
async fn every_flipped_bit_of_an_alert_is_found() {
    let it = filled().await;
    let (follow, id) = (Access::system(Purpose::Follow), it.alerts().await.last().unwrap().id);
    let alert = row("alert", "seq");
    check(&it, &alert, &["id"], async || damaged_row(it.store.alerts(&follow, 10).await, "alert", FIRST)).await;
    check(&it, &alert, &["person", "n", "waiting", "body", "digest"], async || {
        damaged_row(it.store.alerts(&follow, 10).await, "alert", FIRST)?;
        damaged_row(it.store.alert(&follow, id).await, "alert", FIRST)
    })
    .await;
    check(&it, &alert, &["seq"], async || {
        damaged(it.store.alert(&follow, id).await, &["alert"])?;
        damaged(it.store.alerts(&follow, 10).await, &["alert"])
    })
    .await;
    let ada = staff("ada", &[&pt(1)]);
    check(&it, &alert, &["person", "n"], async || damaged(it.store.alerts(&ada, 10).await, &["alert"])).await;
    assert_eq!(it.alerts().await.len(), 2);
}

#[tokio::test]
async fn every_flipped_bit_of_a_record_fails_the_slice_and_decides_nothing() {
    let it = filled().await;
    let access = hub_of(&[&pt(1)]);
    let record = row("record", "no");
    let flips = check(&it, &record, &["no", "body", "digest"], async || {
        match it.apply(&access, vec![slice(&red(&pt(1), 9, 200))], at(201)).await.remove(0) {
            Err(ApplyError::Unavailable(why)) if why.starts_with("record row 1") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(flips > 1000, "{flips}");
    assert_eq!(it.stored().await, 2);
    it.sqlite().execute("DELETE FROM record", []).unwrap();
    let lost = it.apply(&access, vec![slice(&red(&pt(1), 9, 200))], at(201)).await.remove(0);
    assert!(
        matches!(lost, Err(ApplyError::Unavailable(_))),
        "a record that is gone is not a person of whom nothing is known"
    );
}

#[tokio::test]
async fn every_flipped_bit_of_a_timer_job_or_refusal_is_found() {
    let it = filled().await;
    let (follow, sweep, notify) =
        (Access::system(Purpose::Follow), Access::system(Purpose::Sweep), Access::system(Purpose::Notify));
    let far = at(1_000_000_000);
    it.sqlite().execute("UPDATE timer SET seq = 1", []).unwrap();
    check(&it, &row("timer", "seq"), &["alert", "person", "due_at", "body", "digest"], async || {
        damaged_row(it.store.due_timers(&sweep, 10, far).await, "timer", FIRST)
    })
    .await;
    // A lease that fails changes nothing, so one job serves for all.
    let job = row("job", "seq");
    check(&it, &job, &["id", "alert", "person", "next_try_at", "attempts", "body", "digest"], async || {
        damaged_row(it.store.lease_jobs(&notify, far, 10, far).await, "job", FIRST)
    })
    .await;
    check(&it, &job, &["seq"], async || damaged(it.store.lease_jobs(&notify, far, 10, far).await, &["job"])).await;
    let refusal = row("refusal", "n");
    check(&it, &refusal, &["hub", "reading", "code", "at", "body", "digest"], async || {
        damaged_row(it.store.refusals(&follow, 10).await, "refusal", FIRST)
    })
    .await;
    check(&it, &refusal, &["n"], async || damaged(it.store.refusals(&follow, 10).await, &["refusal"])).await;
}

#[tokio::test]
async fn every_flipped_bit_of_what_waits_to_be_judged_and_of_a_later_verdict_is_found() {
    let mut it = Fixture::new();
    it.decide = Arc::new(Panics { rules: by_demo_pack(), on: vec![pt(1)], stand_in_too: false });
    let reading = red(&pt(1), 1, 0);
    it.offer(&reading, at(1)).await;
    let (follow, sweep) = (Access::system(Purpose::Follow), Access::system(Purpose::Sweep));
    check(&it, &row("unjudged", "entry"), &["entry", "place", "digest"], async || {
        damaged(it.store.unevaluated(&sweep, 0, 10).await, &["unjudged"])?;
        damaged(it.store.readings(&follow, 10).await, &["judged"])
    })
    .await;
    it.decide = by_demo_pack();
    let again = vec![Event::Reconsider(Box::new(reading))];
    it.apply_one(&sweep, Subject::Patient(pt(1)), again, at(2)).await.unwrap();
    check(&it, &row("judged", "entry"), &["entry", "place", "verdict", "digest"], async || {
        damaged(it.store.readings(&follow, 10).await, &["judged"])
    })
    .await;
    assert_eq!(it.stored().await, 1);
}

#[tokio::test]
async fn every_flipped_bit_of_the_tally_fails_every_read_and_a_start() {
    let it = filled().await;
    let follow = Access::system(Purpose::Follow);
    it.sqlite()
        .execute_batch("ALTER TABLE about ADD COLUMN no INTEGER; UPDATE about SET no = 1 WHERE name = 'tally'")
        .unwrap();
    check(&it, &row("about", "no"), &["value", "digest"], async || {
        damaged(it.store.alerts(&follow, 10).await, &["about"])?;
        match open(&it.folder) {
            Err(super::super::OpenError::Damaged { .. }) => Ok(()),
            Err(other) => Err(other.to_string()),
            Ok(_) => Err("it opened".to_owned()),
        }
    })
    .await;
}

#[tokio::test]
async fn every_flipped_bit_of_a_name_refuses_a_start() {
    let it = filled().await;
    it.store.close().await;
    let opened = RefCell::new(0);
    check(&it, &row("name", "no"), &["no", "class", "name", "digest"], async || {
        *opened.borrow_mut() += 1;
        match open(&it.folder) {
            Err(super::super::OpenError::Damaged { why }) if why.starts_with("name row") => Ok(()),
            Err(other) => Err(other.to_string()),
            Ok(_) => Err("it opened".to_owned()),
        }
    })
    .await;
    assert!(opened.into_inner() > 200);
    assert!(open(&it.folder).is_ok(), "the test put everything back");
}

#[tokio::test]
async fn every_flipped_bit_of_a_thing_of_the_register_or_an_account_is_found() {
    let it = filled().await;
    let account = Account { staff: actor("ada").id, secret: None, by: None, at: at(93), is_first: true };
    let set_up = Access::system(Purpose::SetUp);
    it.apply_one(&set_up, Subject::Service, vec![Event::AccountSet(account)], at(93)).await.unwrap();
    let (follow, directory, ada) =
        (Access::system(Purpose::Follow), Access::system(Purpose::Directory), staff("ada", &[&pt(1)]));
    let (item, which) = (row("item", "seq"), ItemRef::Patient(pt(1)));
    check(&it, &item, &["id", "subject", "n", "version", "entry", "body", "digest"], async || {
        damaged_row(it.store.people(&follow).await, "item", FIRST)?;
        damaged_row(it.store.register(&directory, RegisterPlace::default(), 10).await, "item", FIRST)
    })
    .await;
    check(&it, &item, &["kind"], async || {
        damaged_row(it.store.register(&directory, RegisterPlace::default(), 10).await, "item", FIRST)?;
        damaged(it.store.people(&follow).await, &["item"])
    })
    .await;
    check(&it, &item, &["seq"], async || {
        damaged(it.store.register(&directory, RegisterPlace::default(), 10).await, &["item"])
    })
    .await;
    check(&it, &item, &["kind", "version", "entry", "body", "digest"], async || {
        damaged_row(it.store.item(&ada, &which).await, "item", FIRST)?;
        damaged_row(it.store.versions(&ada, &which, 10).await, "item", FIRST)?;
        damaged_row(it.store.items_of(&ada, &pt(1)).await, "item", FIRST)
    })
    .await;
    check(&it, &item, &["subject", "n"], async || damaged(it.store.items_of(&ada, &pt(1)).await, &["item"])).await;
    let sign_in = Access::system(Purpose::SignIn);
    check(&it, &row("account", "seq"), &["seq", "staff", "body", "digest"], async || {
        damaged(it.store.account(&sign_in, &actor("ada").id).await, &["account"])?;
        damaged(it.store.account(&sign_in, &actor("grace").id).await, &["account"])
    })
    .await;
    assert!(it.store.account(&sign_in, &actor("ada").id).await.unwrap().is_some());
    assert_eq!(it.store.account(&sign_in, &actor("grace").id).await.unwrap(), None);
}

#[tokio::test]
async fn a_thing_that_an_index_hides_is_not_taken_for_one_that_is_not_there() {
    for hidden in ["sqlite_autoindex_item_1", "item_by_kind"] {
        let it = filled().await;
        it.store.close().await;
        let sqlite = it.sqlite();
        // The index has no rows any more: its root is made an empty page.
        let page: i64 =
            sqlite.query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [hidden], |row| row.get(0)).unwrap();
        let page_bytes: i64 = sqlite.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        drop(sqlite);
        let path = it.folder.path().join(crate::disk::DATABASE_FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let page = usize::try_from((page - 1) * page_bytes).unwrap();
        let [high, low] = u16::try_from(page_bytes).unwrap().to_be_bytes();
        // A leaf of an index, with no cells, whose content starts at its end.
        bytes[page..page + 8].copy_from_slice(&[10, 0, 0, 0, 0, high, low, 0]);
        std::fs::write(&path, bytes).unwrap();
        let Fixture { folder, store, decide } = it;
        drop(store);
        let it = Fixture { store: Arc::new(super::open(&folder).unwrap()), folder, decide };
        let (ada, set_up) = (staff("ada", &[&pt(1)]), Access::system(Purpose::SetUp));
        let seen = it.store.item(&ada, &ItemRef::Patient(pt(1))).await;
        let person = Person::new(pt(1), Text::new("Somebody Else").unwrap(), NhsNumber::parse("999 000 0018").unwrap());
        let again = vec![Event::written(person)];
        let written = it.apply_one(&set_up, Subject::Patient(pt(1)), again, at(100)).await;
        if hidden == "item_by_kind" {
            assert!(seen.unwrap().is_some(), "the other index has it");
        } else {
            damaged(seen, &["item"]).unwrap();
            damaged(it.store.people(&ada).await, &["item"]).unwrap();
            assert!(matches!(&written, Err(ApplyError::Unavailable(why)) if why.contains("item row")), "{written:?}");
        }
        let verified = it.store.verify(&Access::system(Purpose::Verify), &|_| {}).await;
        assert!(matches!(&verified, Err(NotVerified::Bad(bad)) if bad.table == "item"), "{hidden}: {verified:?}");
    }
}
