//! Alerts, each as it now is.
//!
//! Invariant: a list of alerts is whole or refused: a person's alerts count without a gap, and their record says how far.

use super::{
    alert_form,
    digest::Digest,
    erase::empty_id,
    fault::Fault,
    kept,
    names::{Class, No},
    readings::Whom,
    record::{self, Subject},
    rows::{self, Tx, View, all, intact, one, run, verify},
};
use rules::{Alert, Audience};
use rusqlite::{Row, params};
use std::cmp::Reverse;
use vitals::{AlertId, PatientId};

pub(super) const TABLE: &str = "alert";

const COLUMNS: &str = "seq, id, person, n, waiting, body, digest";

/// A row, its digest checked.
struct Kept {
    seq: i64,
    n: i64,
    is_waiting: bool,
    alert: Alert,
}

impl Kept {
    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let (id, person, n, waiting): ([u8; 16], i64, i64, i64) =
                (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
            let (seq, body): (i64, &[u8]) = (row.get(0)?, row.get_ref(5)?.as_blob()?);
            let parts = [seq.into(), (&id).into(), person.into(), n.into(), waiting.into(), body.into()];
            verify(view.keys, TABLE, &parts, row.get(6)?)?;
            let whose = PatientId::parse(&kept::name_of(view.names, No::try_from(person)?, Class::Person)?)?;
            let alert = alert_form::take(view.names, AlertId::from_bytes(id), whose, body)?;
            Ok(Self { seq, n, is_waiting: waiting == 1, alert })
        })
    }
}

/// Whether the row was emptied when a record ended; its digest is checked.
fn is_emptied(row: &Row<'_>, view: &View<'_>) -> Result<bool, Fault> {
    intact(TABLE, row, || {
        if !row.get_ref(5)?.as_blob()?.is_empty() {
            return Ok(false);
        }
        let (seq, id, person): (i64, [u8; 16], i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (n, waiting): (i64, i64) = (row.get(3)?, row.get(4)?);
        let parts = [seq.into(), (&id).into(), person.into(), n.into(), waiting.into(), [].as_slice().into()];
        verify(view.keys, TABLE, &parts, row.get(6)?).map(|()| true)
    })
}

/// An alert's row, as the inspection looks at it.
pub(super) struct Sound {
    seq: i64,
    pub(super) id: [u8; 16],
    pub(super) person: No,
    n: i64,
    pub(super) digest: Digest,
    /// Whether it was erased.
    pub(super) is_emptied: bool,
}

/// Hands out the alerts after a number, until `each` has enough. True where there are no more.
pub(super) fn each_after(
    view: &View<'_>,
    after: i64,
    each: impl FnMut(i64, Result<Sound, Fault>) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM alert WHERE seq > ?1 ORDER BY seq");
    let read = |row: &Row<'_>| {
        if is_emptied(row, view)? {
            return intact(TABLE, row, || {
                let person = No::try_from(row.get::<_, i64>(2)?)?;
                Ok(Sound {
                    seq: row.get(0)?,
                    id: row.get(1)?,
                    person,
                    n: row.get(3)?,
                    digest: row.get(6)?,
                    is_emptied: true,
                })
            });
        }
        let Kept { seq, n, alert, .. } = Kept::read(row, view)?;
        intact(TABLE, row, || {
            let (person, digest) = (No::try_from(row.get::<_, i64>(2)?)?, row.get(6)?);
            Ok(Sound { seq, id: *alert.id.as_bytes(), person, n, digest, is_emptied: false })
        })
    };
    rows::each(view.conn, &sql, params![after], read, each)
}

/// Whether the indexes lead to an alert.
pub(super) fn is_indexed(view: &View<'_>, alert: &Sound) -> Result<bool, Fault> {
    let number = |row: &Row<'_>| Ok(row.get::<_, i64>(0)?);
    let by_id = one(view.conn, "SELECT seq FROM alert WHERE id = ?1", params![alert.id], number)?;
    let sql = "SELECT seq FROM alert WHERE person = ?1 AND n = ?2";
    let by_person = one(view.conn, sql, params![alert.person, alert.n], number)?;
    Ok((by_id, by_person) == (Some(alert.seq), Some(alert.seq)))
}

/// Whether there is an alert of this id.
pub(super) fn exists(view: &View<'_>, id: &[u8; 16]) -> Result<bool, Fault> {
    Ok(one(view.conn, "SELECT 1 FROM alert WHERE id = ?1", params![id], |_row| Ok(()))?.is_some())
}

/// What keeping an alert came to.
pub(super) enum AlertKept {
    New(Digest),
    Changed(Digest),
    /// It was kept like this already.
    Same,
}

/// Keeps an alert as it now is.
pub(super) fn put(tx: &Tx<'_>, person: &mut Subject, alert: &Alert) -> Result<AlertKept, Fault> {
    let (id, body) = (alert.id.as_bytes(), alert_form::put(tx, alert)?);
    let body = body.as_slice();
    let waiting = i64::from(alert.is_waiting());
    let no = i64::from(person.no);
    let digest = |seq: i64, n: i64| {
        tx.keys.row(TABLE, &[seq.into(), id.into(), no.into(), n.into(), waiting.into(), body.into()])
    };
    let sql = "SELECT seq, n, digest FROM alert WHERE id = ?1 AND person = ?2";
    let known = one(tx.conn, sql, params![id, no], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Digest>(2)?))
    })?;
    if let Some((seq, n, known)) = known {
        let digest = digest(seq, n);
        if known == digest {
            return Ok(AlertKept::Same);
        }
        let sql = "UPDATE alert SET waiting = ?1, body = ?2, digest = ?3 WHERE seq = ?4";
        run(tx.conn, sql, params![waiting, body, digest, seq])?;
        return Ok(AlertKept::Changed(digest));
    }
    person.record.alerts += 1;
    let seq = i64::try_from(tx.count().alerts + 1).unwrap_or(i64::MAX);
    let n = i64::try_from(person.record.alerts).unwrap_or(i64::MAX);
    let digest = digest(seq, n);
    run(
        tx.conn,
        "INSERT INTO alert (seq, id, person, n, waiting, body, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![seq, id, no, n, waiting, body, digest],
    )?;
    tx.tally(|tally| tally.alerts += 1);
    Ok(AlertKept::New(digest))
}

/// Alerts of these people: those that wait for a person before all others, each the newest first.
pub(super) fn list(view: &View<'_>, whom: &Whom<PatientId>, limit: usize) -> Result<Vec<Alert>, Fault> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut found = match whom {
        Whom::All => {
            let sql = format!("SELECT {COLUMNS} FROM alert NOT INDEXED ORDER BY seq");
            let mut numbers = Vec::new();
            let found = all(view.conn, &sql, [], |row| {
                numbers.push(row.get(0)?);
                if is_emptied(row, view)? { Ok(None) } else { Kept::read(row, view).map(Some) }
            })?;
            must_count(TABLE, numbers.into_iter(), view.count().alerts)?;
            found.into_iter().flatten().collect()
        }
        Whom::Only(these) => {
            let mut found = Vec::new();
            for id in these {
                if let Some((no, record)) = record::find(view, Class::Person, id.as_str())? {
                    found.extend(kept_of_person(view, no, record.alerts)?);
                }
            }
            found
        }
    };
    // What is on trial is told to nobody.
    found.retain(|kept| kept.alert.audience != Audience::Nobody);
    found.sort_by_key(|kept| Reverse((kept.is_waiting, kept.seq)));
    found.truncate(limit);
    Ok(found.into_iter().map(|kept| kept.alert).collect())
}

/// Every alert of a person, of whom the record says that there are so many.
pub(super) fn of_person(view: &View<'_>, person: No, count: u64) -> Result<Vec<Alert>, Fault> {
    Ok(kept_of_person(view, person, count)?.into_iter().map(|kept| kept.alert).collect())
}

fn kept_of_person(view: &View<'_>, person: No, count: u64) -> Result<Vec<Kept>, Fault> {
    // Most people have none, and then there is nothing to look for.
    if count == 0 {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM alert WHERE person = ?1 ORDER BY n");
    let found = all(view.conn, &sql, params![person], |row| Kept::read(row, view))?;
    must_count(TABLE, found.iter().map(|kept| kept.n), count)?;
    Ok(found)
}

/// Numbers must count from 1 to `count` without a gap, or a row is missing.
pub(super) fn must_count(table: &'static str, numbers: impl Iterator<Item = i64>, count: u64) -> Result<(), Fault> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut next = 1;
    for number in numbers {
        if number != next {
            break;
        }
        next += 1;
    }
    if next == count + 1 { Ok(()) } else { Err(Fault::Damaged { table, row: next }) }
}

/// One alert; none where the store has no such.
pub(super) fn find(view: &View<'_>, id: AlertId) -> Result<Option<Alert>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM alert WHERE id = ?1");
    let found = one(view.conn, &sql, params![id.as_bytes()], |row| Kept::read(row, view))?;
    if let Some(found) = found {
        let is_it = found.alert.id == id;
        return if is_it { Ok(Some(found.alert)) } else { Err(Fault::Damaged { table: TABLE, row: found.seq }) };
    }
    // The index does not have it. Before that is believed, the table itself is asked: an id that is not there is rare.
    let sql = "SELECT seq, id FROM alert NOT INDEXED ORDER BY seq";
    let ids =
        all(view.conn, sql, [], |row| intact(TABLE, row, || Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 16]>(1)?))))?;
    must_count(TABLE, ids.iter().map(|(seq, _)| *seq), view.count().alerts)?;
    match ids.iter().find(|(_, found)| found == id.as_bytes()) {
        Some((seq, _)) => Err(Fault::Damaged { table: TABLE, row: *seq }),
        None => Ok(None),
    }
}

/// Empties every alert of a person: the row keeps its number, and nothing else.
pub(super) fn empty(tx: &Tx<'_>, person: No) -> Result<u64, Fault> {
    let mut count = 0;
    let numbers = all(tx.conn, "SELECT seq, n FROM alert WHERE person = ?1", params![person], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    for (seq, n) in numbers {
        let id = empty_id(tx, TABLE, seq);
        let (no, waiting) = (i64::from(person), 0_i64);
        let digest =
            tx.keys.row(TABLE, &[seq.into(), (&id).into(), no.into(), n.into(), waiting.into(), [].as_slice().into()]);
        let sql = "UPDATE alert SET id = ?1, waiting = 0, body = x'', digest = ?2 WHERE seq = ?3";
        run(tx.conn, sql, params![id, digest, seq])?;
        count += 1;
    }
    Ok(count)
}
