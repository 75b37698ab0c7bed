//! Notifications waiting to be sent: each made once, lent to one sender at a time, tried until it is accepted.
//!
//! Invariants: a lease is a row, so two senders never hold one notification, and a sender that dies gives it back when
//! the lease ends; what was accepted is never sent again; an attempt that failed is counted.

use super::{
    digest::{Digest, Part, micros},
    erase::empty_id,
    fault::Fault,
    names::No,
    rows::{self, Tx, Unsound, View, intact, moment, one, run, sound, verify},
    tally::Set,
};
use crate::store::Notification;
use chrono::{DateTime, Utc};
use rules::{Delivery, Job};
use rusqlite::{Row, params};
use vitals::JobId;

pub(super) const TABLE: &str = "job";
const COLUMNS: &str = "seq, id, alert, person, done_at, next_try_at, leased_until, attempts, body, digest";

/// Most open notifications whose rows are all read at every look, so that none of them can be missed. Where there are
/// more, the scrubber finds what an index hides.
const WHOLE_MAX: u64 = 2048;

/// Every column but the digest.
struct Kept {
    seq: i64,
    id: [u8; 16],
    alert: [u8; 16],
    person: i64,
    done_at: Option<i64>,
    next_try_at: i64,
    leased_until: Option<i64>,
    attempts: i64,
    body: String,
}

impl Kept {
    fn parts(&self) -> [Part<'_>; 9] {
        [
            self.seq.into(),
            (&self.id).into(),
            (&self.alert).into(),
            self.person.into(),
            self.done_at.into(),
            self.next_try_at.into(),
            self.leased_until.into(),
            self.attempts.into(),
            self.body.as_str().into(),
        ]
    }

    fn digest(&self, view: &View<'_>) -> Digest {
        view.keys.row(TABLE, &self.parts())
    }

    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let kept = Self {
                seq: row.get(0)?,
                id: row.get(1)?,
                alert: row.get(2)?,
                person: row.get(3)?,
                done_at: row.get(4)?,
                next_try_at: row.get(5)?,
                leased_until: row.get(6)?,
                attempts: row.get(7)?,
                body: row.get(8)?,
            };
            verify(view.keys, TABLE, &kept.parts(), row.get(9)?)?;
            Ok(kept)
        })
    }

    fn is_open(&self) -> bool {
        self.done_at.is_none()
    }

    /// Writes what `change` makes of it.
    fn update(mut self, tx: &Tx<'_>, change: impl FnOnce(&mut Self)) -> Result<Digest, Fault> {
        let before = self.is_open().then(|| self.digest(tx));
        change(&mut self);
        let digest = self.digest(tx);
        run(
            tx.conn,
            "UPDATE job SET done_at = ?1, next_try_at = ?2, leased_until = ?3, attempts = ?4, digest = ?5 WHERE seq = ?6",
            params![self.done_at, self.next_try_at, self.leased_until, self.attempts, digest, self.seq],
        )?;
        tx.tally(|tally| {
            before.iter().for_each(|before| tally.open_jobs.take(before));
            if self.is_open() {
                tally.open_jobs.add(&digest);
            }
        });
        Ok(digest)
    }
}

/// A notification's row, as the inspection looks at it.
pub(super) struct Sound {
    pub(super) id: [u8; 16],
    pub(super) person: No,
    pub(super) digest_without_lease: Digest,
    /// Whether it was erased.
    pub(super) is_emptied: bool,
}

/// Hands out the notifications after a number, until `each` has enough. True where there are no more.
pub(super) fn each_after(
    view: &View<'_>,
    after: i64,
    each: impl FnMut(i64, Result<Sound, Fault>) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE seq > ?1 ORDER BY seq");
    let read = |row: &Row<'_>| {
        let mut kept = Kept::read(row, view)?;
        kept.leased_until = None;
        intact(TABLE, row, || {
            if kept.body.is_empty() {
                let (id, person) = (kept.id, No::try_from(kept.person)?);
                let digest_without_lease = kept.digest(view);
                return Ok(Sound { id, person, digest_without_lease, is_emptied: true });
            }
            let job: Job = serde_json::from_str(&kept.body)?;
            let is_it = (job.id.as_bytes(), job.alert.as_bytes()) == (&kept.id, &kept.alert);
            let digest_without_lease = kept.digest(view);
            let person = No::try_from(kept.person)?;
            if is_it {
                Ok(Sound { id: kept.id, person, digest_without_lease, is_emptied: false })
            } else {
                Err(Unsound)
            }
        })
    };
    rows::each(view.conn, &sql, params![after], read, each)
}

/// The digests of all that are open, as the index knows them.
pub(super) fn all_open(view: &View<'_>) -> Result<rows::Numbered<Digest>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE done_at IS NULL");
    rows::every(view.conn, &sql, [], |row| Kept::read(row, view).map(|kept| kept.digest(view)))
}

/// Keeps a notification to send at once; nothing where it is already there.
pub(super) fn insert(tx: &Tx<'_>, person: No, job: &Job) -> Result<Option<Digest>, Fault> {
    let kept = Kept {
        seq: i64::try_from(tx.count().jobs + 1).unwrap_or(i64::MAX),
        id: *job.id.as_bytes(),
        alert: *job.alert.as_bytes(),
        person: person.into(),
        done_at: None,
        next_try_at: micros(job.made_at),
        leased_until: None,
        attempts: 0,
        body: serde_json::to_string(job)?,
    };
    let digest = kept.digest(tx);
    let new = run(
        tx.conn,
        "INSERT INTO job (seq, id, alert, person, next_try_at, attempts, body, digest) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)
         ON CONFLICT (id) DO NOTHING",
        params![kept.seq, kept.id, kept.alert, kept.person, kept.next_try_at, kept.body, digest],
    )?;
    if new == 0 {
        return Ok(None);
    }
    tx.tally(|tally| {
        tally.jobs += 1;
        tally.open_jobs.add(&digest);
    });
    Ok(Some(digest))
}

/// Records what came of an attempt. One that was accepted stays so, whatever a slower sender says after.
pub(super) fn tried(tx: &Tx<'_>, person: No, id: JobId, delivery: Delivery) -> Result<Digest, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = ?1 AND person = ?2");
    let found = one(tx.conn, &sql, params![id.as_bytes(), person], |row| Kept::read(row, tx))?;
    let kept = found.ok_or_else(|| Fault::Missing(id.to_string()))?;
    kept.update(tx, |kept| {
        kept.attempts = kept.attempts.saturating_add(1);
        kept.leased_until = None;
        match delivery {
            Delivery::Accepted => kept.done_at = kept.done_at.or(Some(micros(tx.at))),
            Delivery::Failed { next_try_at } => kept.next_try_at = micros(next_try_at),
        }
    })
}

/// Lends what is to be sent now, the longest waiting first, so that nobody else is lent it before `until`.
pub(super) fn lease(tx: &Tx<'_>, until: DateTime<Utc>, limit: usize) -> Result<Vec<Job>, Fault> {
    let at = micros(tx.at);
    let tally = tx.count().open_jobs;
    let read = |row: &Row<'_>| Kept::read(row, tx);
    let is_due = |kept: &Kept| kept.next_try_at <= at && kept.leased_until.is_none_or(|until| until <= at);
    let mut waiting = if tally.count <= WHOLE_MAX {
        let sql = format!("SELECT {COLUMNS} FROM job WHERE done_at IS NULL");
        let mut open = sound(tx.conn, &sql, [], usize::MAX, read)?;
        let mut seen = Set::default();
        open.found.iter().for_each(|kept| seen.add(&kept.digest(tx)));
        if seen != tally {
            open.misses(TABLE);
        }
        open.now(is_due)?
    } else {
        let sql = format!(
            "SELECT {COLUMNS} FROM job WHERE done_at IS NULL AND next_try_at <= ?1 AND (leased_until IS NULL OR leased_until <= ?1) ORDER BY next_try_at, seq"
        );
        sound(tx.conn, &sql, params![at], limit, read)?.now(|_| true)?
    };
    waiting.sort_by_key(|kept| (kept.next_try_at, kept.seq));
    waiting.truncate(limit);
    let mut lent = Vec::with_capacity(waiting.len());
    for kept in waiting {
        let job: Job =
            serde_json::from_str(&kept.body).map_err(|_not_words| Fault::Damaged { table: TABLE, row: kept.seq })?;
        kept.update(tx, |kept| kept.leased_until = Some(micros(until)))?;
        lent.push(job);
    }
    Ok(lent)
}

/// Empties every notification of a person: the row keeps its number, and nothing else. Their alerts get the id that stands
/// here for each.
pub(super) fn empty(tx: &Tx<'_>, person: No) -> Result<u64, Fault> {
    let mut count = 0;
    let sql = format!("SELECT {COLUMNS} FROM job WHERE person = ?1");
    for kept in rows::all(tx.conn, &sql, params![person], |row| Kept::read(row, tx))? {
        let alert: i64 =
            one(tx.conn, "SELECT seq FROM alert WHERE id = ?1", params![kept.alert], |row| Ok(row.get(0)?))?
                .ok_or(Fault::Damaged { table: TABLE, row: kept.seq })?;
        if kept.is_open() {
            let digest = kept.digest(tx);
            tx.tally(|tally| tally.open_jobs.take(&digest));
        }
        let emptied = Kept {
            seq: kept.seq,
            id: empty_id(tx, TABLE, kept.seq),
            alert: empty_id(tx, super::alerts::TABLE, alert),
            person: kept.person,
            done_at: Some(0),
            next_try_at: 0,
            leased_until: None,
            attempts: 0,
            body: String::new(),
        };
        let sql = "UPDATE job SET id = ?1, alert = ?2, done_at = 0, next_try_at = 0, leased_until = NULL, attempts = 0,
             body = '', digest = ?3 WHERE seq = ?4";
        run(tx.conn, sql, params![emptied.id, emptied.alert, emptied.digest(tx), emptied.seq])?;
        count += 1;
    }
    Ok(count)
}

/// Every notification of a person, the oldest first. Their rows are found by walking the table: whoever asks waits for it.
pub(super) fn of_person(view: &View<'_>, person: No) -> Result<Vec<Notification>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE person = ?1 ORDER BY seq");
    rows::all(view.conn, &sql, params![person], |row| {
        view.go_on()?;
        let kept = Kept::read(row, view)?;
        intact(TABLE, row, || {
            Ok(Notification {
                job: serde_json::from_str(&kept.body)?,
                attempts: u64::try_from(kept.attempts)?,
                accepted_at: kept.done_at.map(moment).transpose()?,
            })
        })
    })
}
