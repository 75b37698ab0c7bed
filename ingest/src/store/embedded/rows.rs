//! Rows in and out: the few ways the store talks to SQLite, and the check every row passes on its way out.
//!
//! Invariant: a row whose digest, type or words are not what was written is [`Fault::Damaged`], never a wrong value.

use super::{
    digest::{Digest, Keys, Part},
    fault::Fault,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Params, Row};

/// One write in progress: the connection inside its transaction, the keys, and the service's clock.
pub(super) struct Tx<'a> {
    pub(super) conn: &'a Connection,
    pub(super) keys: &'a Keys,
    pub(super) at: DateTime<Utc>,
}

/// Runs a statement and says how many rows it changed.
pub(super) fn run(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    conn.prepare(sql)?.execute(params)
}

/// The first row of a query, if there is one.
pub(super) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// Every row of a query; the query itself has the limit. One damaged row fails the whole answer: what a person is
/// shown must not be short without saying so.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Up to `limit` sound rows of a query without a limit of its own. Work must go on beside a damaged row, so a damaged
/// one is passed over while there are others, and is told as soon as nothing else is left.
pub(super) fn sound<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    limit: usize,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    let mut damaged = None;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(one) => found.push(one),
            Err(fault @ Fault::Damaged { table, row }) => {
                tracing::error!(table, row, "The store's {table} row {row} is damaged.");
                damaged.get_or_insert(fault);
            }
            Err(other) => return Err(other),
        }
    }
    match damaged {
        Some(fault) if found.is_empty() => Err(fault),
        _ => Ok(found),
    }
}

/// Something about a row is not as it was written.
pub(super) struct Unsound;

impl<E: std::error::Error> From<E> for Unsound {
    fn from(_cause: E) -> Self {
        Self
    }
}

/// Reads a row whose first column is its number; anything that does not fit is damage.
pub(super) fn intact<T>(
    table: &'static str,
    row: &Row<'_>,
    read: impl FnOnce() -> Result<T, Unsound>,
) -> Result<T, Fault> {
    let number = row.get(0)?;
    read().map_err(|Unsound| Fault::Damaged { table, row: number })
}

/// Checks a row's digest.
pub(super) fn verify(keys: &Keys, table: &str, parts: &[Part<'_>], digest: Digest) -> Result<(), Unsound> {
    if keys.row(table, parts) == digest { Ok(()) } else { Err(Unsound) }
}

/// A moment from the store's form.
pub(super) fn moment(micros: i64) -> Result<DateTime<Utc>, Unsound> {
    DateTime::from_timestamp_micros(micros).ok_or(Unsound)
}
