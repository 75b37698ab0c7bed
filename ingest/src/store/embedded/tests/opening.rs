//! P9, halt and don't guess: what the store refuses to run on, and what it says.

use super::*;
use crate::{disk::Disk, store::embedded::OpenError};
use rusqlite::Connection;
use std::os::unix::fs::FileExt;

/// A disk that keeps nothing.
struct Memory;

impl Disk for Memory {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        Connection::open_in_memory()
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        Connection::open_in_memory()
    }
}

fn refusal(opened: Result<EmbeddedStore, OpenError>) -> OpenError {
    match opened {
        Ok(_) => panic!("it opened"),
        Err(refusal) => refusal,
    }
}

#[test]
fn a_disk_that_cannot_keep_a_log_is_refused() {
    let refusal = refusal(EmbeddedStore::open(Arc::new(Memory), KEYS));
    assert!(matches!(&refusal, OpenError::Weak { setting: "journal_mode", got, .. } if got == "memory"), "{refusal}");
    assert!(refusal.to_string().contains("power cut"), "it says what it means: {refusal}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let it = Fixture::new();
    it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    it.store.close().await;
    it.sqlite().pragma_update(None, "user_version", 5).unwrap();
    let refusal = refusal(open(&it.folder));
    assert!(matches!(refusal, OpenError::Newer { found: 5, known: 4 }), "{refusal}");
    assert!(refusal.to_string().contains("backup"), "it names a way back: {refusal}");
    it.sqlite().pragma_update(None, "user_version", 4).unwrap();
    assert!(open(&it.folder).is_ok(), "nothing was changed");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DATABASE_FILE);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(refusal(open(&folder)), OpenError::NotOurs));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    std::fs::write(&path, "not a database at all, but long enough to have a header of one hundred bytes ".repeat(9))
        .unwrap();
    assert!(matches!(refusal(open(&folder)), OpenError::Disk { .. }));
}

#[tokio::test]
async fn other_keys_are_refused() {
    let it = Fixture::new();
    it.store.close().await;
    let other = EmbeddedStore::open(Arc::new(Folder::new(it.folder.path())), StoreKeys { chain: [8; 32] });
    assert!(matches!(refusal(other), OpenError::OtherKeys));
    assert!(open(&it.folder).is_ok());
}

#[test]
fn a_start_that_was_cut_short_goes_on_from_there() {
    // The first migration is one transaction: an empty file, or one with the whole of it but no key mark, both open.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(DATABASE_FILE), "").unwrap();
    drop(open(&folder).unwrap());
    Connection::open(folder.path().join(DATABASE_FILE)).unwrap().execute("DELETE FROM about", []).unwrap();
    assert!(open(&folder).is_ok());
}

#[tokio::test]
async fn a_closed_store_takes_and_tells_nothing_more() {
    let it = Fixture::new();
    it.store.close().await;
    it.store.close().await;
    let answer = it.apply(&hub_of(&[&pt(1)]), vec![slice(&calm(&pt(1), 1, 0))], at(1)).await.remove(0);
    assert!(matches!(answer, Err(ApplyError::Unavailable(_))));
    assert!(it.store.readings(&Access::system(Purpose::Follow), 10).await.is_err());
    assert!(!it.store.failed(), "closed in order");
    assert_eq!(
        std::fs::metadata(it.folder.path().join(format!("{DATABASE_FILE}-wal"))).map_or(0, |wal| wal.len()),
        0,
        "the log was folded back"
    );
}

#[tokio::test]
async fn a_corrupt_file_halts_the_store() {
    let it = Fixture::new();
    it.offer(&calm(&pt(1), 1, 0), at(1)).await;
    it.store.close().await;
    let sqlite = it.sqlite();
    let page: u64 = sqlite
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'record'", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned();
    let page_bytes: u64 = sqlite.query_row("PRAGMA page_size", [], |row| row.get::<_, i64>(0)).unwrap().cast_unsigned();
    drop(sqlite);
    let Fixture { folder, store, decide } = it;
    drop(store);
    let file = std::fs::File::options().write(true).open(folder.path().join(DATABASE_FILE)).unwrap();
    file.write_all_at(&[0xA5; 512], (page - 1) * page_bytes).unwrap();
    let store = Arc::new(open(&folder).unwrap());
    let it = Fixture { folder, store, decide };
    for _ in 0..2 {
        let answer = it.apply(&hub_of(&[&pt(1)]), vec![slice(&calm(&pt(1), 2, 0))], at(2)).await.remove(0);
        assert!(matches!(answer, Err(ApplyError::Unavailable(_))), "{answer:?}");
        it.halts().await;
    }
    assert!(it.store.failed());
    it.store.close().await;
}
