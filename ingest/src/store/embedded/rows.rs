//! Rows in and out: the few ways the store talks to SQLite, and the check every row passes on its way out.
//!
//! Invariant: a row whose digest, type or words are not what was written is [`Fault::Damaged`], never a wrong value.

use super::{
    digest::{Digest, Keys, Part},
    fault::Fault,
    names::Names,
    tally::Tally,
};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Params, Row};
use std::{
    cell::Cell,
    ops::Deref,
    sync::atomic::{AtomicBool, Ordering},
};

/// What is read through: a connection within one snapshot, the keys, the names, and how many rows there must be.
pub(super) struct View<'a> {
    pub(super) conn: &'a Connection,
    pub(super) keys: &'a Keys,
    pub(super) names: &'a Names,
    tally: Cell<Tally>,
    /// Set once the question has had its time.
    is_late: Option<&'a AtomicBool>,
}

impl<'a> View<'a> {
    pub(super) fn new(conn: &'a Connection, keys: &'a Keys, names: &'a Names, tally: Tally) -> Self {
        Self { conn, keys, names, tally: Cell::new(tally), is_late: None }
    }

    /// The same, for as long as nobody says that it has been long enough.
    pub(super) fn until(self, is_late: &'a AtomicBool) -> Self {
        Self { is_late: Some(is_late), ..self }
    }

    /// Whether a question of many steps may take another. SQLite can be interrupted within a step only.
    pub(super) fn go_on(&self) -> Result<(), Fault> {
        if self.is_late.is_some_and(|is_late| is_late.load(Ordering::Relaxed)) { Err(Fault::Late) } else { Ok(()) }
    }

    /// How many rows there are.
    pub(super) fn count(&self) -> Tally {
        self.tally.get()
    }
}

/// One write in progress: what is read through, and the service's clock.
pub(super) struct Tx<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) at: DateTime<Utc>,
}

impl<'a> Deref for Tx<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        self.view
    }
}

impl Tx<'_> {
    /// Changes the tally, which is written with the transaction.
    pub(super) fn tally(&self, change: impl FnOnce(&mut Tally)) {
        let mut tally = self.view.tally.get();
        change(&mut tally);
        self.view.tally.set(tally);
    }

    /// Puts the tally back to what it was.
    pub(super) fn put_back(&self, tally: Tally) {
        self.view.tally.set(tally);
    }
}

/// Runs a statement and says how many rows it changed.
pub(super) fn run(conn: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    conn.prepare_cached(sql)?.execute(params)
}

/// The first row of a query, if there is one.
pub(super) fn one<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
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
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Hands out rows one at a time, damaged ones too, each with the number in its first column, until `each` has enough. True
/// where there are no more.
pub(super) fn each<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    mut each: impl FnMut(i64, Result<T, Fault>) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if !each(row.get(0)?, read(row))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Rows by the number in their first column, damaged ones too.
pub(super) type Numbered<T> = Vec<(i64, Result<T, Fault>)>;

/// Every row of a query, damaged ones too, each with the number in its first column.
pub(super) fn every<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Numbered<T>, Fault> {
    let mut found = Vec::new();
    each(conn, sql, params, read, |number, row| {
        found.push((number, row));
        Ok(true)
    })?;
    Ok(found)
}

/// What is sound of a list of work, and the first that is not.
pub(super) struct Sound<T> {
    pub(super) found: Vec<T>,
    damaged: Option<Fault>,
}

impl<T> Sound<T> {
    /// What of it is to be done now. Work must go on beside a damaged row, so a damaged one is passed over while there are
    /// others, and is told as soon as nothing else is left.
    pub(super) fn now(self, is_now: impl Fn(&T) -> bool) -> Result<Vec<T>, Fault> {
        let now: Vec<T> = self.found.into_iter().filter(is_now).collect();
        match self.damaged {
            Some(fault) if now.is_empty() => Err(fault),
            Some(_) | None => Ok(now),
        }
    }

    /// Says that a row is missing, unless one was found that is damaged.
    pub(super) fn misses(&mut self, table: &'static str) {
        self.damaged.get_or_insert(Fault::Damaged { table, row: 0 });
    }
}

/// Up to `limit` sound rows of a query without a limit of its own.
pub(super) fn sound<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    limit: usize,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Sound<T>, Fault> {
    let mut statement = conn.prepare_cached(sql)?;
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
    Ok(Sound { found, damaged })
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
