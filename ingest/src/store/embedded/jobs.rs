//! Notifications waiting to be sent: each made once, lent to one sender at a time, tried until it is accepted.
//!
//! Invariants: a lease is a row, so two senders never hold one notification, and a sender that dies gives it back when
//! the lease ends; what was accepted is never sent again; an attempt that failed is counted.

use super::{
    digest::{Digest, Keys, Part, micros},
    fault::Fault,
    rows::{Tx, intact, one, run, sound, verify},
};
use chrono::{DateTime, Utc};
use rules::{Delivery, Job};
use rusqlite::{Row, named_params};
use vitals::{JobId, PatientId};

const TABLE: &str = "job";
const COLUMNS: &str = "seq, id, alert, patient, done_at, next_try_at, leased_until, attempts, body, digest";

/// Every column but the number and the digest.
struct Kept {
    id: [u8; 16],
    alert: [u8; 16],
    patient: String,
    done_at: Option<i64>,
    next_try_at: i64,
    leased_until: Option<i64>,
    attempts: i64,
    body: String,
}

impl Kept {
    fn parts(&self) -> [Part<'_>; 8] {
        [
            (&self.id).into(),
            (&self.alert).into(),
            self.patient.as_str().into(),
            self.done_at.into(),
            self.next_try_at.into(),
            self.leased_until.into(),
            self.attempts.into(),
            self.body.as_str().into(),
        ]
    }

    fn read(row: &Row<'_>, keys: &Keys) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let kept = Self {
                id: row.get(1)?,
                alert: row.get(2)?,
                patient: row.get(3)?,
                done_at: row.get(4)?,
                next_try_at: row.get(5)?,
                leased_until: row.get(6)?,
                attempts: row.get(7)?,
                body: row.get(8)?,
            };
            verify(keys, TABLE, &kept.parts(), row.get(9)?)?;
            Ok(kept)
        })
    }

    fn update(&self, tx: &Tx<'_>) -> Result<Digest, Fault> {
        let digest = tx.keys.row(TABLE, &self.parts());
        run(
            tx.conn,
            "UPDATE job SET done_at = :done_at, next_try_at = :next_try_at, leased_until = :leased_until, attempts = :attempts, digest = :digest WHERE id = :id",
            named_params! {
                ":done_at": self.done_at, ":next_try_at": self.next_try_at, ":leased_until": self.leased_until, ":attempts": self.attempts,
                ":digest": digest, ":id": self.id,
            },
        )?;
        Ok(digest)
    }
}

/// Keeps a notification to send at once; nothing where it is already there.
pub(super) fn insert(tx: &Tx<'_>, job: &Job) -> Result<Option<Digest>, Fault> {
    let kept = Kept {
        id: *job.id.as_bytes(),
        alert: *job.alert.as_bytes(),
        patient: job.patient.to_string(),
        done_at: None,
        next_try_at: micros(job.made_at),
        leased_until: None,
        attempts: 0,
        body: serde_json::to_string(job)?,
    };
    let digest = tx.keys.row(TABLE, &kept.parts());
    let new = run(
        tx.conn,
        "INSERT INTO job (id, alert, patient, next_try_at, attempts, body, digest) VALUES (:id, :alert, :patient, :next_try_at, 0, :body, :digest)
         ON CONFLICT (id) DO NOTHING",
        named_params! {
            ":id": kept.id, ":alert": kept.alert, ":patient": kept.patient, ":next_try_at": kept.next_try_at, ":body": kept.body, ":digest": digest,
        },
    )?;
    Ok((new == 1).then_some(digest))
}

/// Records what came of an attempt. One that was accepted stays so, whatever a slower sender says after.
pub(super) fn tried(tx: &Tx<'_>, patient: &PatientId, id: JobId, delivery: Delivery) -> Result<Digest, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM job WHERE id = :id AND patient = :patient");
    let found = one(tx.conn, &sql, named_params! { ":id": id.as_bytes(), ":patient": patient.as_str() }, |row| {
        Kept::read(row, tx.keys)
    })?;
    let mut kept = found.ok_or_else(|| Fault::Missing(id.to_string()))?;
    kept.attempts = kept.attempts.saturating_add(1);
    kept.leased_until = None;
    match delivery {
        Delivery::Accepted => kept.done_at = kept.done_at.or(Some(micros(tx.at))),
        Delivery::Failed { next_try_at } => kept.next_try_at = micros(next_try_at),
    }
    kept.update(tx)
}

/// Lends what is to be sent now, the longest waiting first, so that nobody else is lent it before `until`.
pub(super) fn lease(tx: &Tx<'_>, until: DateTime<Utc>, limit: usize) -> Result<Vec<Job>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM job WHERE done_at IS NULL AND next_try_at <= :at AND (leased_until IS NULL OR leased_until <= :at) ORDER BY next_try_at, seq"
    );
    let waiting = sound(tx.conn, &sql, named_params! { ":at": micros(tx.at) }, limit, |row| {
        let kept = Kept::read(row, tx.keys)?;
        let job: Job = intact(TABLE, row, || Ok(serde_json::from_str(&kept.body)?))?;
        Ok((kept, job))
    })?;
    let mut lent = Vec::with_capacity(waiting.len());
    for (mut kept, job) in waiting {
        kept.leased_until = Some(micros(until));
        kept.update(tx)?;
        lent.push(job);
    }
    Ok(lent)
}
