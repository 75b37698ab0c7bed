//! One group of requests in one transaction, synced once, each slice under its own savepoint.
//!
//! Invariants: a `Committed` is made only after COMMIT returned, and COMMIT syncs; a slice that fails takes only itself
//! back; where the transaction is lost everybody in it hears so, and where nobody knows what the disk holds the store
//! halts.

use super::{
    apply::{Deciding, apply},
    care::Cared,
    digest::Keys,
    fault::{Fault, is_full},
    jobs,
    log::Log,
    names::Names,
    reserve::Reserve,
    rows::{Tx, View, run},
    scrub::Met,
    tally::Tally,
    writer::{Answers, GONE, Queued, Work},
};
use crate::store::{ApplyError, Committed, Decide, Outcome, ReadError, Slice};
use chrono::{DateTime, Utc};
use rules::Job;
use rusqlite::Connection;
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::oneshot;

/// What the writer works with.
pub(super) struct Desk {
    pub(super) conn: Connection,
    pub(super) keys: Arc<Keys>,
    pub(super) names: Arc<Names>,
    /// As of the last commit.
    pub(super) tally: Tally,
    /// How long the log is.
    pub(super) log: Arc<Log>,
    /// Where damage is told that is met while writing.
    pub(super) met: Arc<Met>,
    pub(super) reserve: Reserve,
    /// What the register says of people, for the decisions.
    pub(super) care: Cared,
}

/// What hubs hear while the disk is full.
const FULL: &str = "the disk is full: no readings are taken until there is room";

/// Where one slice's answer goes: which request, and which place in it.
type Place = (usize, usize);

/// One request of a group, with what came of it so far.
enum Pending {
    Apply { outcomes: Vec<Option<Result<Outcome, ApplyError>>>, answer: oneshot::Sender<Answers> },
    Lease { jobs: Option<Result<Vec<Job>, ReadError>>, answer: oneshot::Sender<Result<Vec<Committed<Job>>, ReadError>> },
    Note { done: Option<Result<(), ReadError>>, answer: oneshot::Sender<Result<(), ReadError>> },
}

#[derive(Clone)]
struct Task {
    place: Place,
    slice: Slice,
    decide: Arc<dyn Decide>,
    at: DateTime<Utc>,
}

/// Commits a group and answers it. An error means that the store halts.
pub(super) fn commit(desk: &mut Desk, group: Vec<Queued>) -> Result<(), String> {
    // The rooms are held until everybody is answered: what is being committed still counts as queued.
    let (mut pending, mut tasks, mut rooms) =
        (Vec::with_capacity(group.len()), Vec::new(), Vec::with_capacity(group.len()));
    let (mut leases, mut notes) = (Vec::new(), Vec::new());
    // What nobody else keeps, such as an acknowledgement: where it meets a disk that has just become full, it is written
    // from the room set aside for it, and whoever sent it hears of nothing.
    let mut kept_here: Vec<Task> = Vec::new();
    let met = Arc::clone(&desk.met);
    for Queued { work, room } in group {
        rooms.push(room);
        let request = pending.len();
        pending.push(match work {
            Work::Apply { slices, at, answer, is_kept_elsewhere: true, .. } if !desk.reserve.may_take_more(at) => {
                let full = |_slice| Err(ApplyError::Unavailable(FULL.to_owned()));
                drop(answer.send(slices.iter().map(full).collect()));
                continue;
            }
            Work::Apply { slices, decide, at, answer, is_kept_elsewhere } => {
                let outcomes = slices.iter().map(of_nothing).collect();
                let task = |(n, slice)| Task { place: (request, n), slice, decide: Arc::clone(&decide), at };
                let asked = slices.into_iter().enumerate().filter(|(_, slice)| !slice.events.is_empty());
                let first = tasks.len();
                tasks.extend(asked.map(task));
                if !is_kept_elsewhere {
                    kept_here.extend(tasks.iter().skip(first).cloned());
                }
                Pending::Apply { outcomes, answer }
            }
            Work::Lease { until, limit, at, answer } => {
                leases.push((request, until, limit, at));
                Pending::Lease { jobs: None, answer }
            }
            Work::Note { note, at, answer } => {
                notes.push((request, note, at));
                Pending::Note { done: None, answer }
            }
        });
    }
    // One person's slices stand together, in the order they came, so that their pages are touched once.
    tasks.sort_by(|one, other| one.slice.subject.cmp(&other.slice.subject));
    let done = transaction(desk, |view, care| {
        apply_all(view, care, tasks, &mut pending, &met)?;
        for (request, until, limit, at) in leases {
            let tx = Tx { view, at };
            let lent = in_savepoint(&tx, || jobs::lease(&tx, until, limit))?;
            if let Some(Pending::Lease { jobs, .. }) = pending.get_mut(request) {
                *jobs = Some(lent.inspect_err(|fault| met.note(fault)).map_err(ReadError::from));
            }
        }
        for (request, note, at) in notes {
            let tx = Tx { view, at };
            let noted = in_savepoint(&tx, || note(&tx))?;
            if let Some(Pending::Note { done, .. }) = pending.get_mut(request) {
                *done = Some(noted.map_err(ReadError::from));
            }
        }
        Ok(())
    });
    let done = match done {
        Err(Lost::Full(why)) => {
            desk.reserve.give();
            let kept: BTreeSet<usize> = kept_here.iter().map(|task| task.place.0).collect();
            let again = match kept.is_empty() {
                true => Err(Lost::Full(why.clone())),
                false => transaction(desk, |view, care| apply_all(view, care, kept_here, &mut pending, &met)),
            };
            for (n, request) in pending.into_iter().enumerate() {
                let lost = again.as_ref().err().map(Lost::why);
                request.answer(if kept.contains(&n) { lost } else { Some(lost.unwrap_or(&why)) });
            }
            again
        }
        done => {
            for request in pending {
                request.answer(done.as_ref().err().map(Lost::why));
            }
            done
        }
    };
    match done {
        Err(Lost::Broken(why)) => Err(why),
        Ok(()) | Err(Lost::Once(_) | Lost::Full(_)) => Ok(()),
    }
}

/// Applies each slice under its own savepoint and notes what came of it with its request.
fn apply_all(view: &View<'_>, care: &Cared, tasks: Vec<Task>, pending: &mut [Pending], met: &Met) -> Result<(), Fault> {
    for Task { place: (request, n), slice, decide, at } in tasks {
        let tx = Tx { view, at };
        let outcome = in_savepoint(&tx, || apply(&tx, slice, &Deciding { decide: decide.as_ref(), care, met }))?;
        if let Some(Pending::Apply { outcomes, .. }) = pending.get_mut(request)
            && let Some(place) = outcomes.get_mut(n)
        {
            *place = Some(outcome.inspect_err(|fault| met.note(fault)).map_err(ApplyError::from));
        }
    }
    Ok(())
}

/// What comes of a slice without events. It is allowed to everybody, so it tells nothing: not even the head of a chain.
fn of_nothing(slice: &Slice) -> Option<Result<Outcome, ApplyError>> {
    slice.events.is_empty().then(|| Ok(Outcome::default()))
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
            Self::Note { done, answer } => {
                let settled = match (lost, done) {
                    (None, Some(done)) => done,
                    (lost, _) => Err(ReadError::Unavailable(lost.unwrap_or(GONE).to_owned())),
                };
                drop(answer.send(settled));
            }
        }
    }
}

/// A transaction that is not stored.
pub(super) enum Lost {
    /// It was taken back cleanly; a later one may succeed.
    Once(String),
    /// The same, for want of room on the disk.
    Full(String),
    /// The disk or the file can no longer be believed.
    Broken(String),
}

impl Lost {
    pub(super) fn why(&self) -> &str {
        match self {
            Self::Once(why) | Self::Full(why) | Self::Broken(why) => why,
        }
    }
}

/// Runs `work` in one transaction and commits it, synced. Names and tally follow what became of it.
pub(super) fn transaction(
    desk: &mut Desk,
    work: impl FnOnce(&View<'_>, &Cared) -> Result<(), Fault>,
) -> Result<(), Lost> {
    let Desk { conn, keys, names, tally, care, .. } = desk;
    care.begin();
    let names_before = names.count();
    let view = View::new(conn, keys, names, *tally);
    let begun = run(conn, "BEGIN IMMEDIATE", []).map_err(Fault::from);
    let worked = begun.and_then(|_rows| work(&view, care)).and_then(|()| match view.count() {
        counted if counted == *tally => Ok(()),
        counted => counted.put(conn, keys),
    });
    let (fault, at_commit) = match worked {
        Ok(()) => match run(conn, "COMMIT", []) {
            Ok(_rows) => {
                *tally = view.count();
                return Ok(());
            }
            Err(error) => (Fault::from(error), true),
        },
        Err(fault) => (fault, false),
    };
    names.cut(names_before);
    // SQLite takes a transaction back by itself on some errors; then there is nothing left to take back.
    let is_clean = conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok();
    // A full disk leaves whole pages unwritten and says so before anything counts as committed. After any other error of
    // a commit nobody knows what the disk holds.
    let is_full = matches!(&fault, Fault::Sql(error) if is_full(error));
    let is_lost = !is_clean || fault.is_fatal() || (at_commit && !is_full);
    let why = fault.to_string();
    Err(match (is_lost, is_full) {
        (true, _) => Lost::Broken(why),
        (false, true) => Lost::Full(why),
        (false, false) => Lost::Once(why),
    })
}

/// Runs `work` under a savepoint. The outer error means that the whole transaction is lost; the inner one takes back
/// only this work.
fn in_savepoint<T>(tx: &Tx<'_>, work: impl FnOnce() -> Result<T, Fault>) -> Result<Result<T, Fault>, Fault> {
    let (tally, names) = (tx.count(), tx.names.count());
    run(tx.conn, "SAVEPOINT slice", [])?;
    match work() {
        Ok(done) => {
            run(tx.conn, "RELEASE slice", [])?;
            Ok(Ok(done))
        }
        Err(fault) if fault.is_fatal() || tx.conn.is_autocommit() => Err(fault),
        Err(fault) => {
            tx.conn.execute_batch("ROLLBACK TO slice; RELEASE slice")?;
            tx.put_back(tally);
            tx.names.cut(names);
            Ok(Err(fault))
        }
    }
}
