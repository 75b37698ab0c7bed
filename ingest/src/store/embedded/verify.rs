//! Verifying: one inspection from its beginning to its end, stopping at the first row that is not as it was written.
//!
//! Invariants: nothing is written; no snapshot lasts longer than a question may, so a running service is not held up; the
//! memory it takes grows with names, alerts and notifications, not with readings.

use super::{
    digest::{Keys, StoreKeys},
    fault::Fault,
    inspect::Inspection,
    names::Names,
    open,
    pool::Pool,
    rows::{View, run},
    tally::Tally,
};
use crate::{
    disk::Disk,
    store::{
        ReadError,
        evidence::{BadRow, NotVerified, Progress, Verified, Wrong},
    },
};
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows and readings looked at within one snapshot: some tenths of a second, well within [`super::pool::READ_MAX`].
const STEP_ROWS: u64 = 50_000;

/// Verifies a store by its files, beside a service that may be running on them.
///
/// `is_thorough` has SQLite compare every index with its table at the end, in one long snapshot: the log cannot be folded
/// back while that lasts.
///
/// # Errors
/// [`NotVerified`] names the first row that is not as it was written, or says why the store could not be read.
pub fn verify(
    disk: &dyn Disk,
    keys: &StoreKeys,
    is_thorough: bool,
    mut on_progress: impl FnMut(Progress),
) -> Result<Verified, NotVerified> {
    let keys = Keys::new(keys);
    let conn = open::inspector(disk, &keys)?;
    let names = Names::default();
    let mut inspection = Inspection::default();
    loop {
        let step = in_snapshot(&conn, &keys, &names, &mut inspection);
        on_progress(step.map_err(read_error)?);
        if let Some(done) = outcome(&mut inspection) {
            let verified = done?;
            if is_thorough {
                check_file(&conn)?;
            }
            return Ok(verified);
        }
    }
}

fn in_snapshot(conn: &Connection, keys: &Keys, names: &Names, inspection: &mut Inspection) -> Result<Progress, Fault> {
    run(conn, "BEGIN", [])?;
    let step = Tally::read(conn, keys).and_then(|tally| {
        names.read_on(conn, keys, tally.names)?;
        let view = View::new(conn, keys, names, tally);
        inspection.step(&view, STEP_ROWS)?;
        Ok(inspection.progress(&view))
    });
    let ended = run(conn, "ROLLBACK", []);
    let step = step?;
    ended?;
    Ok(step)
}

/// Damage met on the way is a bad row, too.
fn as_bad_row(error: ReadError) -> NotVerified {
    if let ReadError::Damaged { table, row } = error {
        NotVerified::Bad(BadRow { table, row, wrong: Wrong::Content })
    } else {
        NotVerified::Read(error)
    }
}

/// Damage to what everything else rests on is a bad row, too.
fn read_error(fault: Fault) -> NotVerified {
    as_bad_row(ReadError::from(fault))
}

/// What an inspection has come to, where it has come to an end.
fn outcome(inspection: &mut Inspection) -> Option<Result<Verified, NotVerified>> {
    if let Some(first) = inspection.take_found().into_iter().next() {
        return Some(Err(NotVerified::Bad(first)));
    }
    if !inspection.is_over() {
        return None;
    }
    Some(match inspection.first_mark() {
        None => Ok(inspection.verified()),
        Some((entry, marked)) => {
            let row = i64::try_from(entry).unwrap_or(i64::MAX);
            Err(NotVerified::Marked { first: BadRow { table: "entry", row, wrong: Wrong::Content }, marked })
        }
    })
}

/// Has SQLite check the whole file.
fn check_file(conn: &Connection) -> Result<(), NotVerified> {
    let said: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| NotVerified::Read(ReadError::from(Fault::from(error))))?;
    if said == "ok" { Ok(()) } else { Err(NotVerified::File(said)) }
}

/// Verifies the store that a service has open.
pub(super) async fn verify_open(
    pool: &Pool,
    on_progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Verified, NotVerified> {
    let inspection = Arc::new(Mutex::new(Inspection::default()));
    loop {
        let here = Arc::clone(&inspection);
        let step = pool.read(move |view| {
            let mut inspection = here.lock().unwrap_or_else(PoisonError::into_inner);
            inspection.step(view, STEP_ROWS)?;
            Ok(inspection.progress(view))
        });
        let progress = step.await.map_err(as_bad_row)?;
        on_progress(progress);
        if let Some(done) = outcome(&mut inspection.lock().unwrap_or_else(PoisonError::into_inner)) {
            return done;
        }
    }
}
