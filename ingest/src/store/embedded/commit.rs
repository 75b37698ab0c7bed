//! One group of requests in one transaction, synced once, each slice under its own savepoint.
//!
//! Invariants: a `Committed` is made only after COMMIT returned, and COMMIT syncs; a slice that fails takes only itself
//! back; where the transaction is lost everybody in it hears so, and where nobody knows what the disk holds the store
//! halts.

use super::{
    apply::apply,
    digest::Keys,
    fault::{Fault, is_full},
    jobs,
    rows::Tx,
    writer::{Answers, GONE, Queued, Work},
};
use crate::store::{ApplyError, Committed, Decide, Outcome, ReadError, Slice};
use chrono::{DateTime, Utc};
use rules::Job;
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where one slice's answer goes: which request, and which place in it.
type Place = (usize, usize);

/// One request of a group, with what came of it so far.
enum Pending {
    Apply { outcomes: Vec<Option<Result<Outcome, ApplyError>>>, answer: oneshot::Sender<Answers> },
    Lease { jobs: Option<Result<Vec<Job>, ReadError>>, answer: oneshot::Sender<Result<Vec<Committed<Job>>, ReadError>> },
}

struct Task {
    place: Place,
    slice: Slice,
    decide: Arc<dyn Decide>,
    at: DateTime<Utc>,
}

/// Commits a group and answers it. An error means that the store halts.
pub(super) fn commit(conn: &Connection, keys: &Keys, group: Vec<Queued>) -> Result<(), String> {
    // The rooms are held until everybody is answered: what is being committed still counts as queued.
    let (mut pending, mut tasks, mut rooms) =
        (Vec::with_capacity(group.len()), Vec::new(), Vec::with_capacity(group.len()));
    let mut leases = Vec::new();
    for (request, Queued { work, room }) in group.into_iter().enumerate() {
        rooms.push(room);
        pending.push(match work {
            Work::Apply { slices, decide, at, answer } => {
                let outcomes = slices.iter().map(|_| None).collect();
                let task = |(n, slice)| Task { place: (request, n), slice, decide: Arc::clone(&decide), at };
                tasks.extend(slices.into_iter().enumerate().map(task));
                Pending::Apply { outcomes, answer }
            }
            Work::Lease { until, limit, at, answer } => {
                leases.push((request, until, limit, at));
                Pending::Lease { jobs: None, answer }
            }
        });
    }
    // One person's slices stand together, in the order they came, so that their pages are touched once.
    tasks.sort_by(|one, other| one.slice.subject.cmp(&other.slice.subject));
    let done = transaction(conn, |conn| {
        for Task { place: (request, n), slice, decide, at } in tasks {
            let outcome = in_savepoint(conn, || apply(&Tx { conn, keys, at }, slice, decide.as_ref()))?;
            if let Some(Pending::Apply { outcomes, .. }) = pending.get_mut(request)
                && let Some(place) = outcomes.get_mut(n)
            {
                *place = Some(outcome.map_err(ApplyError::from));
            }
        }
        for (request, until, limit, at) in leases {
            let lent = in_savepoint(conn, || jobs::lease(&Tx { conn, keys, at }, until, limit))?;
            if let Some(Pending::Lease { jobs, .. }) = pending.get_mut(request) {
                *jobs = Some(lent.map_err(ReadError::from));
            }
        }
        Ok(())
    });
    let lost = match &done {
        Ok(()) => None,
        Err(Lost::ForNow(why) | Lost::ForGood(why)) => Some(why.as_str()),
    };
    for request in pending {
        request.answer(lost);
    }
    match done {
        Err(Lost::ForGood(why)) => Err(why),
        Ok(()) | Err(Lost::ForNow(_)) => Ok(()),
    }
}

impl Pending {
    /// Answers the caller, who may have left meanwhile. Where the transaction was lost, everything in it is: a refusal
    /// may have rested on a slice that is not stored after all.
    fn answer(self, lost: Option<&str>) {
        match self {
            Self::Apply { outcomes, answer } => {
                let settle = |outcome: Option<Result<Outcome, ApplyError>>| match (lost, outcome) {
                    (None, Some(outcome)) => outcome.map(Committed::new),
                    (lost, _) => Err(ApplyError::Unavailable(lost.unwrap_or(GONE).to_owned())),
                };
                drop(answer.send(outcomes.into_iter().map(settle).collect()));
            }
            Self::Lease { jobs, answer } => {
                let settled = match (lost, jobs) {
                    (None, Some(jobs)) => jobs.map(|jobs| jobs.into_iter().map(Committed::new).collect()),
                    (lost, _) => Err(ReadError::Unavailable(lost.unwrap_or(GONE).to_owned())),
                };
                drop(answer.send(settled));
            }
        }
    }
}

/// A transaction that is not stored.
enum Lost {
    /// It was taken back cleanly; a later one may succeed.
    ForNow(String),
    /// The disk or the file can no longer be believed.
    ForGood(String),
}

/// Runs `work` in one transaction and commits it, synced.
fn transaction(conn: &Connection, work: impl FnOnce(&Connection) -> Result<(), Fault>) -> Result<(), Lost> {
    let worked = conn.execute_batch("BEGIN IMMEDIATE").map_err(Fault::from).and_then(|()| work(conn));
    let (fault, at_commit) = match worked {
        Ok(()) => match conn.execute_batch("COMMIT") {
            Ok(()) => return Ok(()),
            Err(error) => (Fault::from(error), true),
        },
        Err(fault) => (fault, false),
    };
    // SQLite takes a transaction back by itself on some errors; then there is nothing left to take back.
    let is_clean = conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok();
    // A full disk leaves whole pages unwritten and says so before anything counts as committed. After any other error of
    // a commit nobody knows what the disk holds.
    let is_full = matches!(&fault, Fault::Sql(error) if is_full(error));
    let is_lost = !is_clean || fault.is_fatal() || (at_commit && !is_full);
    let why = fault.to_string();
    Err(if is_lost { Lost::ForGood(why) } else { Lost::ForNow(why) })
}

/// Runs `work` under a savepoint. The outer error means that the whole transaction is lost; the inner one takes back
/// only this work.
fn in_savepoint<T>(conn: &Connection, work: impl FnOnce() -> Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    conn.execute_batch("SAVEPOINT slice")?;
    match work() {
        Ok(done) => {
            conn.execute_batch("RELEASE slice")?;
            Ok(Ok(done))
        }
        Err(fault) if fault.is_fatal() || conn.is_autocommit() => Err(fault),
        Err(fault) => {
            conn.execute_batch("ROLLBACK TO slice; RELEASE slice")?;
            Ok(Err(fault))
        }
    }
}
