//! What the disk, the queue and a slow question do to the store: nothing acknowledged is lost, and everybody hears.

use super::*;
use crate::{disk::Disk, store::ReadError};
use rusqlite::Connection;
use tokio::task::JoinSet;
use vitals::wire::signing::RequestNumber;

#[tokio::test]
async fn a_slice_that_fails_half_way_takes_back_what_it_had_written() {
    let it = Fixture::new();
    let received = |sequence| Event::Received { hub: hub(), number: RequestNumber { epoch: 1, sequence } };
    let access = hub_of(&[]);
    let take = |events| it.apply_one(&access, Subject::Service, events, at(1));
    assert!(matches!(take(vec![received(1), received(2), received(2)]).await, Err(ApplyError::Replayed)));
    assert_eq!((it.count("name"), it.count("record"), it.count("entry")), (0, 0, 0));
    let receive = Access::system(Purpose::Receive);
    assert_eq!(it.store.replay_window(&receive, &hub()).await.unwrap(), None);
    assert!(take(vec![received(1), received(2)]).await.is_ok());
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_everybody_and_halts_the_store() {
    // Planted: from here on every commit with a new reading breaks a rule that SQLite checks at COMMIT.
    let it = Fixture::new();
    it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    it.sqlite()
        .execute_batch(
            "CREATE TABLE planted (x INTEGER REFERENCES record (no) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER plant AFTER INSERT ON entry BEGIN INSERT INTO planted VALUES (-1); END;",
        )
        .unwrap();
    let slices = vec![slice(&calm(&pt(1), 2, 0)), slice(&calm(&pt(2), 1, 0)), slice(&calm(&pt(1), 1, 0))];
    for answer in it.apply(&hub_of(&[&pt(1), &pt(2)]), slices, at(2)).await {
        assert!(matches!(answer, Err(ApplyError::Unavailable(_))), "{answer:?}");
    }
    it.halts().await;
    assert!(it.store.failed());
    let after = it.apply(&hub_of(&[&pt(1)]), vec![slice(&calm(&pt(1), 1, 0))], at(3)).await.remove(0);
    assert!(matches!(after, Err(ApplyError::Unavailable(_))), "not even a duplicate is answered");
    assert!(it.store.lease_jobs(&Access::system(Purpose::Notify), at(9), 1, at(3)).await.is_err());
    let seen = it.store.readings(&Access::system(Purpose::Follow), 10).await.unwrap();
    assert_eq!(seen.len(), 1, "what was acknowledged can still be read");
}

/// A disk with room for so many pages.
struct Small(Folder, u32);

impl Disk for Small {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let conn = self.0.open_writer()?;
        conn.pragma_update_and_check(None, "max_page_count", self.1, |_row| Ok(()))?;
        Ok(conn)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.0.open_reader()
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let empty = Fixture::new().sqlite().query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Small(Folder::new(folder.path()), empty + 4));
    let store = Arc::new(EmbeddedStore::open(disk, KEYS).unwrap());
    let it = Fixture { folder, store, decide: by_demo_pack() };
    let (mut kept, mut refused) = (Vec::new(), 0);
    for n in 0..600 {
        let admitted = calm(&pt(1), n, n.into());
        match it.apply(&hub_of(&[&pt(1)]), vec![slice(&admitted)], at(n.into())).await.remove(0) {
            Ok(_) => kept.push(admitted),
            Err(ApplyError::Unavailable(_)) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(!kept.is_empty() && refused > 0, "{} kept, {refused} refused", kept.len());
    assert!(!it.store.failed(), "room can be made");
    let it = it.reopened().await;
    assert_eq!(it.stored().await, kept.len());
    for admitted in &kept {
        assert!(is_duplicate(&it.offer(admitted, at(999)).await.readings[0]));
    }
}

#[tokio::test]
async fn a_full_queue_says_busy_and_what_it_took_is_stored() {
    let it = Arc::new(Fixture::new());
    // Somebody else holds the lock, so that the writer waits with its first group.
    let lock = it.sqlite();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut asked = JoinSet::new();
    for n in 0..1500 {
        let it = it.clone();
        asked.spawn(
            async move { it.apply(&hub_of(&[&pt(1)]), vec![slice(&calm(&pt(1), n, 0))], at(1)).await.remove(0) },
        );
    }
    let mut answers = Vec::new();
    while let Some(answer) = asked.join_next().await {
        if answers.is_empty() {
            lock.execute_batch("ROLLBACK").unwrap();
        }
        answers.push(answer.unwrap());
    }
    let busy = answers.iter().filter(|answer| matches!(answer, Err(ApplyError::Busy))).count();
    let stored = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(busy > 0, "{stored} stored");
    assert_eq!(stored + busy, 1500);
    assert_eq!(it.stored().await, stored);
}

#[tokio::test]
async fn a_question_without_end_is_ended_and_its_reader_comes_home() {
    let it = Fixture::new();
    let endless = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n";
    let ask = || it.store.pool.read(move |view| Ok(view.conn.query_row(endless, [], |row| row.get::<_, i64>(0))?));
    let (one, two, three, four) = tokio::join!(ask(), ask(), ask(), ask());
    for answer in [one, two, three, four] {
        assert!(matches!(answer, Err(ReadError::Unavailable(_))), "{answer:?}");
    }
    for _ in 0..5 {
        assert_eq!(it.alerts().await, []);
    }
}
