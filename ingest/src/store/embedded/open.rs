//! Opening the store: what it refuses to run on, and how it is brought up to this program's schema.
//!
//! Invariants: nothing is written to a file that is not ours, is newer than this program, or was written with other
//! keys; settings that keep promises are read back, not only set; a migration happens whole or not at all.

use super::{
    care::Cared,
    commit::Desk,
    digest::{Digest, Keys},
    fault::Fault,
    log::Log,
    names::Names,
    people,
    reserve::Reserve,
    schema::{APPLICATION_ID, MIGRATIONS, PEOPLE_MOVED},
    tally::Tally,
};
use crate::disk::Disk;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::{sync::Arc, time::Duration};
use thiserror::Error;

/// How long a connection waits for another's lock. Within the program nobody waits; a backup by another program may
/// hold the lock for moments.
const BUSY_MAX: Duration = Duration::from_secs(5);

/// Prepared statements kept for each connection: every statement of the store, with room.
const STATEMENTS: usize = 128;

/// Pages the writer keeps in memory, in KiB: the rows that change with every commit.
const CACHE_KIB: i64 = 65_536;

/// What a slice may have to take back is kept in memory, as SQLite numbers it.
const TEMP_STORE_MEMORY: i64 = 2;

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
    /// Nothing was written to it yet by this version of the program.
    #[error(
        "open the store: it is not of this program's schema yet. It was not changed. Start the service on it once, then try again"
    )]
    NotBegun,
    /// What every row rests on is damaged.
    #[error(
        "open the store: {why}. Whose readings are whose could not be told, so nothing was started and nothing was changed. Restore the newest backup into an empty folder, start there, and let the hubs send again what came after it"
    )]
    Damaged {
        /// What is damaged.
        why: String,
    },
    /// The writer's thread could not be started.
    #[error(
        "open the store: the writer could not be started. The store is as it was. Free some memory and start again"
    )]
    Thread(#[source] std::io::Error),
}

fn doing(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> OpenError {
    move |cause| OpenError::Disk { doing, cause }
}

/// A fault while opening: damage, or whatever SQLite said.
fn broken(doing: &'static str) -> impl FnOnce(Fault) -> OpenError {
    move |fault| {
        let why = fault.to_string();
        if let Fault::Sql(cause) = fault { OpenError::Disk { doing, cause } } else { OpenError::Damaged { why } }
    }
}

/// The write connection, settled and at this program's schema.
pub(super) fn writer(disk: &Arc<dyn Disk>, keys: &Arc<Keys>) -> Result<Desk, OpenError> {
    let mut conn = disk.open_writer().map_err(doing("opening the database"))?;
    conn.busy_timeout(BUSY_MAX).map_err(doing("setting the lock's time"))?;
    let version = version(&conn)?;
    settle(&conn)?;
    migrate(&mut conn, version, keys)?;
    check_keys(&mut conn, keys)?;
    let failed = "reading how many rows there are";
    let tally = Tally::read(&conn, keys).map_err(broken(failed))?;
    let names = Names::read(&conn, keys, tally.names).map_err(broken("reading the names"))?;
    let log = Arc::new(Log::default());
    let measured = Arc::clone(&log);
    let hook = move |_log: &mut rusqlite::hooks::Wal, pages| {
        measured.set_pages(u64::try_from(pages).unwrap_or(0));
        Ok(())
    };
    conn.wal_hook(Some(hook)).map_err(doing("measuring the log"))?;
    let reserve = Reserve::new(Arc::clone(disk));
    Ok(Desk {
        conn,
        keys: Arc::clone(keys),
        names: Arc::new(names),
        tally,
        log,
        reserve,
        met: Arc::default(),
        care: Cared::default(),
    })
}

/// The connection that folds the log: it writes nothing of its own.
pub(super) fn folding(disk: &dyn Disk) -> Result<Connection, OpenError> {
    let conn = disk.open_writer().map_err(doing("opening the database to fold its log"))?;
    conn.busy_timeout(BUSY_MAX).map_err(doing("setting the lock's time"))?;
    settle(&conn)?;
    Ok(conn)
}

/// A read-only connection.
pub(super) fn reader(disk: &dyn Disk) -> Result<Connection, OpenError> {
    let conn = disk.open_reader().map_err(doing("opening the database for reading"))?;
    conn.busy_timeout(BUSY_MAX).map_err(doing("setting the lock's time"))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in [("query_only", true), ("trusted_schema", false), ("cell_size_check", true)] {
        conn.pragma_update(None, name, value).map_err(doing("settling a reader"))?;
    }
    Ok(conn)
}

/// A read-only connection for a program that only inspects: to a store of this program's schema, written with these keys.
pub(super) fn inspector(disk: &dyn Disk, keys: &Keys) -> Result<Connection, OpenError> {
    let conn = reader(disk)?;
    let version = version(&conn)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    match mark(&conn).map_err(doing("checking the keys"))? {
        Some(mark) if mark == keys.mark() => {}
        Some(_) => return Err(OpenError::OtherKeys),
        None => return Err(OpenError::NotBegun),
    }
    if version < known { Err(OpenError::NotBegun) } else { Ok(conn) }
}

/// The mark of the keys that the store was written with.
fn mark(conn: &Connection) -> rusqlite::Result<Option<Digest>> {
    conn.query_row("SELECT value FROM about WHERE name = 'keys'", [], |row| row.get(0)).optional()
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
pub(super) fn settle(conn: &Connection) -> Result<(), OpenError> {
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
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    for (name, value) in [("cache_size", -CACHE_KIB), ("temp_store", TEMP_STORE_MEMORY)] {
        conn.pragma_update(None, name, value).map_err(doing(failed))?;
    }
    // Answers with the new value, unlike the others.
    conn.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_row| Ok(())).map_err(doing(failed))?;
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
fn migrate(conn: &mut Connection, from: i64, keys: &Keys) -> Result<(), OpenError> {
    let failed = "bringing the schema up to date";
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= from {
            continue;
        }
        let step = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).map_err(doing(failed))?;
        step.execute_batch(migration).map_err(doing(failed))?;
        if version == PEOPLE_MOVED {
            move_people(&step, keys)?;
        }
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(doing(failed))?;
        step.pragma_update(None, "user_version", version).map_err(doing(failed))?;
        step.commit().map_err(doing(failed))?;
    }
    Ok(())
}

/// Everybody goes into the register; a store that has not begun has nobody.
fn move_people(step: &Connection, keys: &Keys) -> Result<(), OpenError> {
    let failed = "moving people into the register";
    match mark(step).map_err(doing(failed))? {
        Some(mark) if mark == keys.mark() => people::move_into_register(step, keys).map_err(broken(failed)),
        Some(_) => Err(OpenError::OtherKeys),
        None => step.execute_batch("DROP TABLE person").map_err(doing(failed)),
    }
}

/// Marks a new store with its keys and begins its tally; refuses one that was written with others.
fn check_keys(conn: &mut Connection, keys: &Keys) -> Result<(), OpenError> {
    let failed = "checking the keys";
    match mark(conn).map_err(doing(failed))? {
        Some(mark) if mark == keys.mark() => Ok(()),
        Some(_) => Err(OpenError::OtherKeys),
        None => {
            let step = conn.transaction().map_err(doing(failed))?;
            let sql = "INSERT INTO about (name, value) VALUES ('keys', :mark)";
            step.execute(sql, named_params! { ":mark": keys.mark() }).map_err(doing(failed))?;
            Tally::default().put(&step, keys).map_err(broken(failed))?;
            step.commit().map_err(doing(failed))
        }
    }
}
