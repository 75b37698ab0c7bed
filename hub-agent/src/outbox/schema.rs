//! Opens the outbox's database: durable or refused, known or refused.

use super::{DATABASE, OutboxError, doing, epoch};
use crate::disk::Disk;
use rusqlite::{Connection, TransactionBehavior, params};
use std::time::Duration;

/// The newest schema this program knows, as `user_version`. The change that raises it brings the step from the last.
pub(super) const SCHEMA: i64 = 3;

/// How long to wait for another process (a backup, `sqlite3`) that holds the file.
const BUSY_FOR: Duration = Duration::from_secs(5);

/// `synchronous` as SQLite numbers it: 2 is FULL.
const SYNCHRONOUS_FULL: i64 = 2;

const TABLES: &str = "
CREATE TABLE hub (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,     -- how often this hub's memory was set up
  sequence INTEGER NOT NULL   -- the last request number given out
) STRICT;
CREATE TABLE reading (
  row INTEGER PRIMARY KEY,                          -- the order of hearing
  id BLOB NOT NULL CHECK (length(id) = 16),
  frame BLOB NOT NULL CHECK (length(frame) = 16),   -- digest of the raw bytes: one id with two of these is a conflict
  wire TEXT NOT NULL,                               -- the reading as it goes on the wire, the same on every try
  moment_us INTEGER NOT NULL,                       -- when taken where known closely, otherwise when heard
  checksum BLOB NOT NULL,                           -- over id, frame, wire and moment
  first_sent_us INTEGER,
  settled_us INTEGER,
  receipt TEXT,                                     -- the receipt line, verdict and prompts in it
  prompts_shown_us INTEGER,                         -- null while a prompt waits to be shown
  damaged INTEGER NOT NULL DEFAULT 0,
  UNIQUE (id, frame)
) STRICT;
CREATE INDEX waiting ON reading (moment_us, row) WHERE settled_us IS NULL AND damaged = 0;
CREATE INDEX not_shown ON reading (settled_us) WHERE settled_us IS NOT NULL AND prompts_shown_us IS NULL;
";

/// Since schema 2: up to where devices' memories were read and kept.
const PLACES: &str = "
CREATE TABLE place (
  device TEXT NOT NULL,
  kind TEXT NOT NULL,
  session TEXT,               -- when the session it counts in began, by the device's clock
  number INTEGER NOT NULL,    -- of the last record told and kept
  look BLOB CHECK (length(look) = 8),  -- of that record: a device that lost its memory has another there
  PRIMARY KEY (device, kind)
) STRICT;
";

/// Since schema 3: the heads this hub is a witness of, and the way to what was settled long ago.
const HEADS: &str = "
CREATE TABLE head (
  patient TEXT PRIMARY KEY,
  head TEXT NOT NULL,           -- as the receipt spelled it
  changed_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX settled ON reading (settled_us) WHERE settled_us IS NOT NULL AND wire <> '';
";

/// The connection, and the epoch in force.
pub(super) fn open(disk: &dyn Disk) -> Result<(Connection, u32), OutboxError> {
    let mut connection = disk.open_database(DATABASE)?;
    connection.busy_timeout(BUSY_FOR).map_err(doing("set the outbox's time limit"))?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(doing("turn on the outbox's write-ahead log"))?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(doing("turn on the outbox's full sync"))?;
    assert_durable(&connection)?;
    let epoch = match schema_of(&connection)? {
        None => create(&mut connection, disk)?,
        Some(SCHEMA) => go_on(&connection, disk)?,
        Some(1) => {
            bring_up_to_date(&mut connection, &[PLACES, HEADS])?;
            go_on(&connection, disk)?
        }
        Some(2) => {
            bring_up_to_date(&mut connection, &[HEADS])?;
            go_on(&connection, disk)?
        }
        Some(found) if found > SCHEMA => return Err(OutboxError::NewerSchema { found, known: SCHEMA }),
        Some(_) => return Err(OutboxError::NotAnOutbox),
    };
    Ok((connection, epoch))
}

/// Reads the settings back: a file system or build without them must not pass for durable.
pub(super) fn assert_durable(connection: &Connection) -> Result<(), OutboxError> {
    let read = doing("read the outbox's settings");
    let journal: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(&read)?;
    if journal != "wal" {
        return Err(OutboxError::NotDurable { pragma: "journal_mode", got: journal, want: "wal" });
    }
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(&read)?;
    if synchronous != SYNCHRONOUS_FULL {
        return Err(OutboxError::NotDurable { pragma: "synchronous", got: synchronous.to_string(), want: "2 (FULL)" });
    }
    Ok(())
}

/// The schema's number; `None` for an empty file.
fn schema_of(connection: &Connection) -> Result<Option<i64>, OutboxError> {
    let read = doing("read the outbox's schema");
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(&read)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(&read)?;
    if version == 0 && tables == 0 { Ok(None) } else { Ok(Some(version)) }
}

/// A new outbox: the raised epoch is noted before the first table exists.
fn create(connection: &mut Connection, disk: &dyn Disk) -> Result<u32, OutboxError> {
    let make = doing("make the outbox");
    let epoch = epoch::raise(disk, 0)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&make)?;
    transaction.execute_batch(TABLES).map_err(&make)?;
    transaction.execute_batch(PLACES).map_err(&make)?;
    transaction.execute_batch(HEADS).map_err(&make)?;
    transaction.execute("INSERT INTO hub (one, epoch, sequence) VALUES (1, ?1, 0)", [epoch]).map_err(&make)?;
    transaction.pragma_update(None, "user_version", SCHEMA).map_err(&make)?;
    transaction.commit().map_err(&make)?;
    Ok(epoch)
}

/// From an older schema to this one, in one commit. Nothing that waits is touched.
fn bring_up_to_date(connection: &mut Connection, steps: &[&str]) -> Result<(), OutboxError> {
    let add = doing("bring the outbox up to date");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(&add)?;
    for step in steps {
        transaction.execute_batch(step).map_err(&add)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA).map_err(&add)?;
    transaction.commit().map_err(&add)
}

/// An outbox of this schema: whole, and under an epoch that no other file has used since.
fn go_on(connection: &Connection, disk: &dyn Disk) -> Result<u32, OutboxError> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(doing("check the outbox"))?;
    if found != "ok" {
        return Err(OutboxError::Damaged { found });
    }
    let in_database: u32 = connection
        .query_row("SELECT epoch FROM hub", [], |row| row.get(0))
        .map_err(doing("read the outbox's epoch"))?;
    let Some(raised) = epoch::reconcile(disk, in_database)? else { return Ok(in_database) };
    connection
        .execute("UPDATE hub SET epoch = ?1, sequence = 0", params![raised])
        .map_err(doing("raise the outbox's epoch"))?;
    Ok(raised)
}
