//! Opening the store: what it refuses to run on, and how it is brought up to this program's schema.
//!
//! Invariants: nothing is written to a file that is not ours, is newer than this program, or was written with other
//! keys; settings that keep promises are read back, not only set; a migration happens whole or not at all.

use super::{
    digest::{Digest, Keys},
    schema::{APPLICATION_ID, MIGRATIONS},
};
use crate::disk::Disk;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;
use thiserror::Error;

/// How long a connection waits for another's lock. Within the program nobody waits; a backup by another program may
/// hold the lock for moments.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// The log is folded back into the database after this many pages of 4 KiB (16 MiB): often enough that a start after
/// a crash reads it in well under a second, seldom enough that hot pages are written back once for many commits.
const WAL_PAGES: i64 = 4096;

/// `PRAGMA synchronous` as SQLite numbers it: every commit is synced.
const SYNCHRONOUS_FULL: i64 = 2;

/// Why the store was not opened. Each says what happened, what it means and what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    /// SQLite or the operating system refused.
    #[error(
        "open the store: {doing} failed. The store is as it was. Check that the folder exists and may be written, that the disk has room and is sound, then start again"
    )]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        #[source]
        cause: rusqlite::Error,
    },
    /// The disk does not keep the promises a store needs.
    #[error(
        "open the store: {setting} is {got}, not {want}. Readings that were acknowledged could be lost in a power cut, so nothing was started. Put the store in a folder on a local disk (no network share, no memory disk) and start again"
    )]
    Weak {
        /// The setting.
        setting: &'static str,
        /// What it must be.
        want: &'static str,
        /// What it is.
        got: String,
    },
    /// Written by a newer program.
    #[error(
        "open the store: its schema is version {found}, and this program knows up to {known}. A newer program has written it; it was not changed. Start that newer program, or restore the backup made before the upgrade into an empty folder and start this one there"
    )]
    Newer {
        /// The store's version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Not one of ours.
    #[error(
        "open the store: the file is a database of another program. It was not changed. Name another folder for the store"
    )]
    NotOurs,
    /// Written with other keys.
    #[error(
        "open the store: it was written with other keys. Nothing in it could be checked, so nothing was started. Put back the key file that belongs to this store"
    )]
    OtherKeys,
    /// The writer's thread could not be started.
    #[error(
        "open the store: the writer could not be started. The store is as it was. Free some memory and start again"
    )]
    Thread(#[source] std::io::Error),
}

fn doing(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> OpenError {
    move |cause| OpenError::Disk { doing, cause }
}

/// The write connection, settled and at this program's schema.
pub(super) fn writer(disk: &dyn Disk, keys: &Keys) -> Result<Connection, OpenError> {
    let mut conn = disk.open_writer().map_err(doing("opening the database"))?;
    conn.busy_timeout(BUSY_MAX).map_err(doing("setting the lock's time"))?;
    let version = version(&conn)?;
    settle(&conn)?;
    migrate(&mut conn, version)?;
    check_keys(&conn, keys)?;
    Ok(conn)
}

/// A read-only connection.
pub(super) fn reader(disk: &dyn Disk) -> Result<Connection, OpenError> {
    let conn = disk.open_reader().map_err(doing("opening the database for reading"))?;
    conn.busy_timeout(BUSY_MAX).map_err(doing("setting the lock's time"))?;
    for (name, value) in [("query_only", true), ("trusted_schema", false), ("cell_size_check", true)] {
        conn.pragma_update(None, name, value).map_err(doing("settling a reader"))?;
    }
    Ok(conn)
}

fn number(conn: &Connection, pragma: &str) -> Result<i64, OpenError> {
    conn.pragma_query_value(None, pragma, |row| row.get(0)).map_err(doing("reading a setting"))
}

/// How many migrations the store has had.
fn version(conn: &Connection) -> Result<i64, OpenError> {
    let (version, application) = (number(conn, "user_version")?, number(conn, "application_id")?);
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(doing("reading the schema"))?;
    let is_empty = version == 0 && application == 0 && tables == 0;
    if !is_empty && application != APPLICATION_ID {
        return Err(OpenError::NotOurs);
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if (0..=known).contains(&version) { Ok(version) } else { Err(OpenError::Newer { found: version, known }) }
}

/// Sets what the promises rest on, and reads it back.
fn settle(conn: &Connection) -> Result<(), OpenError> {
    let failed = "settling the database";
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(doing(failed))?;
    if mode != "wal" {
        return Err(OpenError::Weak { setting: "journal_mode", want: "wal", got: mode });
    }
    for (name, value) in
        [("synchronous", SYNCHRONOUS_FULL), ("foreign_keys", 1), ("trusted_schema", 0), ("cell_size_check", 1)]
    {
        conn.pragma_update(None, name, value).map_err(doing(failed))?;
    }
    // Answers with the new value, unlike the others.
    conn.pragma_update_and_check(None, "wal_autocheckpoint", WAL_PAGES, |_row| Ok(())).map_err(doing(failed))?;
    for (setting, want, value) in [("synchronous", "2 (full)", SYNCHRONOUS_FULL), ("foreign_keys", "1 (on)", 1)] {
        let got = number(conn, setting)?;
        if got != value {
            return Err(OpenError::Weak { setting, want, got: got.to_string() });
        }
    }
    let mode: String =
        conn.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(doing("reading a setting"))?;
    if mode == "wal" { Ok(()) } else { Err(OpenError::Weak { setting: "journal_mode", want: "wal", got: mode }) }
}

/// Brings the schema forward, each step in a transaction of its own: after a crash the next start goes on from there.
fn migrate(conn: &mut Connection, from: i64) -> Result<(), OpenError> {
    let failed = "bringing the schema up to date";
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= from {
            continue;
        }
        let step = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(doing(failed))?;
        step.execute_batch(migration).map_err(doing(failed))?;
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(doing(failed))?;
        step.pragma_update(None, "user_version", version).map_err(doing(failed))?;
        step.commit().map_err(doing(failed))?;
    }
    Ok(())
}

/// Marks a new store with its keys; refuses one that was written with others.
fn check_keys(conn: &Connection, keys: &Keys) -> Result<(), OpenError> {
    let failed = "checking the keys";
    let mark: Option<Digest> = conn
        .query_row("SELECT value FROM about WHERE name = 'keys'", [], |row| row.get(0))
        .optional()
        .map_err(doing(failed))?;
    match mark {
        Some(mark) if mark == keys.mark() => Ok(()),
        Some(_) => Err(OpenError::OtherKeys),
        None => {
            let sql = "INSERT INTO about (name, value) VALUES ('keys', :mark)";
            conn.execute(sql, named_params! { ":mark": keys.mark() }).map_err(doing(failed))?;
            Ok(())
        }
    }
}
