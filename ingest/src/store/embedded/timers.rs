//! Timers: what must be looked at again, and when.

use super::{
    digest::{Digest, micros},
    fault::Fault,
    journal,
    names::{Class, No},
    rows::{self, Tx, Unsound, View, intact, one, run, sound, verify},
    tally::Set,
};
use chrono::{DateTime, Utc};
use rules::Timer;
use rusqlite::{Row, params};
use vitals::{AlertId, PatientId};

pub(super) const TABLE: &str = "timer";

/// Most timers whose table is read whole at every look, so that none of them can be missed. Where there are more, the
/// scrubber finds what an index hides.
const WHOLE_MAX: u64 = 2048;

/// Sets a timer in place of any earlier one of its alert. One that is set already is not written again.
pub(super) fn set(tx: &Tx<'_>, person: No, timer: &Timer) -> Result<(), Fault> {
    let (alert, due_at, body) = (timer.alert.as_bytes(), micros(timer.due_at), serde_json::to_string(timer)?);
    let digest = tx.keys.row(TABLE, &[alert.into(), i64::from(person).into(), due_at.into(), body.as_str().into()]);
    let same = "SELECT digest FROM timer WHERE alert = ?1 AND person = ?2";
    if one(tx.conn, same, params![alert, person], |row| Ok(row.get::<_, Digest>(0)?))? == Some(digest) {
        return Ok(());
    }
    take_away(tx, timer.alert, person, None)?;
    run(
        tx.conn,
        "INSERT INTO timer (alert, person, due_at, body, digest) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![alert, person, due_at, body, digest],
    )?;
    tx.tally(|tally| tally.timers.add(&digest));
    Ok(())
}

/// Takes a timer away: whenever it is due, or only if it is due at this time.
pub(super) fn take_away(tx: &Tx<'_>, alert: AlertId, person: No, due_at: Option<i64>) -> Result<(), Fault> {
    let sql = "DELETE FROM timer WHERE alert = ?1 AND person = ?2 AND (?3 IS NULL OR due_at = ?3) RETURNING digest";
    let gone = one(tx.conn, sql, params![alert.as_bytes(), person, due_at], |row| Ok(row.get::<_, Digest>(0)?))?;
    if let Some(digest) = gone {
        tx.tally(|tally| tally.timers.take(&digest));
    }
    Ok(())
}

struct Kept {
    timer: Timer,
    person: No,
    digest: Digest,
}

impl Kept {
    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let (alert, person, due_at): ([u8; 16], i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let (body, digest): (String, Digest) = (row.get(4)?, row.get(5)?);
            let parts = [(&alert).into(), person.into(), due_at.into(), body.as_str().into()];
            verify(view.keys, TABLE, &parts, digest)?;
            let timer: Timer = serde_json::from_str(&body)?;
            if micros(timer.due_at) == due_at && *timer.alert.as_bytes() == alert {
                Ok(Self { timer, person: No::try_from(person)?, digest })
            } else {
                Err(Unsound)
            }
        })
    }
}

/// A timer's row, as the inspection looks at it.
pub(super) struct Sound {
    pub(super) alert: [u8; 16],
    pub(super) digest: Digest,
}

/// Every timer.
pub(super) fn all(view: &View<'_>) -> Result<rows::Numbered<Sound>, Fault> {
    rows::every(view.conn, "SELECT seq, alert, person, due_at, body, digest FROM timer NOT INDEXED", [], |row| {
        Kept::read(row, view).map(|kept| Sound { alert: *kept.timer.alert.as_bytes(), digest: kept.digest })
    })
}

/// Timers that are due, the oldest first.
pub(super) fn due(view: &View<'_>, limit: usize, at: i64) -> Result<Vec<(PatientId, Timer)>, Fault> {
    let tally = view.count().timers;
    let columns = "seq, alert, person, due_at, body, digest";
    let read = |row: &Row<'_>| Kept::read(row, view);
    let mut kept = if tally.count <= WHOLE_MAX {
        let sql = format!("SELECT {columns} FROM timer NOT INDEXED");
        let mut running = sound(view.conn, &sql, [], usize::MAX, read)?;
        let mut seen = Set::default();
        running.found.iter().for_each(|kept| seen.add(&kept.digest));
        if seen != tally {
            running.misses(TABLE);
        }
        running.now(|kept| micros(kept.timer.due_at) <= at)?
    } else {
        let sql = format!("SELECT {columns} FROM timer WHERE due_at <= ?1 ORDER BY due_at, seq");
        sound(view.conn, &sql, params![at], limit, read)?.now(|_| true)?
    };
    kept.sort_by_key(|kept| kept.timer.due_at);
    kept.truncate(limit);
    let whose = |kept: Kept| {
        let name = journal::name(view, kept.person, Class::Person)?;
        let person =
            PatientId::parse(&name).map_err(|_not_an_id| Fault::Damaged { table: "name", row: kept.person.into() })?;
        Ok((person, kept.timer))
    };
    kept.into_iter().map(whose).collect()
}

/// Takes every timer of a person away.
pub(super) fn let_go(tx: &Tx<'_>, person: No) -> Result<(), Fault> {
    let sql = "DELETE FROM timer WHERE person = ?1 RETURNING digest";
    for digest in rows::all(tx.conn, sql, params![person], |row| Ok(row.get::<_, Digest>(0)?))? {
        tx.tally(|tally| tally.timers.take(&digest));
    }
    Ok(())
}

/// When something of a person is to be looked at again.
pub(super) fn of_person(view: &View<'_>, person: No) -> Result<Vec<DateTime<Utc>>, Fault> {
    let sql = "SELECT seq, alert, person, due_at, body, digest FROM timer WHERE person = ?1 ORDER BY seq";
    rows::all(view.conn, sql, params![person], |row| Kept::read(row, view).map(|kept| kept.timer.due_at))
}
