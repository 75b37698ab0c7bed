//! Limits of what is asked for: none, few, and more than anybody should have.

use super::{
    Check, Holds, Plant,
    cast::{ELSEWHERE, amber, at, calm, elsewhere, hub, pt, red, staff},
    ensure,
    fault::{Answers, Call, Fault, Page, Read, Timers},
    same,
    stage::{Stage, far},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{Cursor, Outcome, ReadError, Slice, Store, StoredReading, Subject},
};
use rules::{Alert, Event};
use vitals::{Admitted, AlertId, PatientId, ReadingId, wire::signing::RequestNumber};

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a limit of none gives none and changes nothing, a huge one gives what there is",
            run: |stage| Box::pin(none_and_all(stage)),
            plants: vec![
                Plant::new("a limit of none is a limit of one", || AtLeastOne),
                Plant::new("a huge limit is refused", || RefusesHuge),
            ],
        },
        Check {
            name: "a list that is cut keeps what comes first",
            run: |stage| Box::pin(cut(stage)),
            plants: vec![
                Plant::new("readings come the oldest first", || OldestFirst),
                Plant::new("alerts that wait come where they stand in time", || ByTime),
                Plant::new("timers come as they were set", || TimersAsSet),
                Plant::new("what waits to be judged comes the newest first", || NewestWaits),
            ],
        },
        Check {
            name: "an empty slice is taken from anybody and tells nothing",
            run: |stage| Box::pin(empty(stage)),
            plants: vec![Plant::new("an empty slice is answered with the last answer", AnswersSomething::default)],
        },
    ]
}

/// One of everything that can be listed, for person 1 and hub 0.
async fn filled(stage: &Stage) -> Result<(), super::Fails> {
    stage.offer(&red(1, 1, 0), at(1)).await?;
    stage.offer(&amber(2, 1, 0), at(2)).await?;
    stage.offer(&super::cast::of_nobody(&calm(3, 1, 0)), at(3)).await?;
    // Other contents for the amber's record: a conflict.
    stage.offer(&calm(2, 1, 0), at(4)).await?;
    stage.panicking().offer(&calm(4, 1, 0), at(5)).await?;
    Ok(())
}

async fn none_and_all(stage: &mut Stage) -> Holds {
    filled(stage).await?;
    let (follow, sweep, notify) =
        (Access::system(Purpose::Follow), Access::system(Purpose::Sweep), Access::system(Purpose::Notify));
    let store = &stage.store;
    for (limit, counts) in [(0, [0; 7]), (usize::MAX, [3, 1, 1, 3, 2, 1, 2])] {
        let got = [
            store.readings(&follow, limit).await?.len(),
            store.unassigned(&follow, limit).await?.len(),
            store.refusals(&follow, limit).await?.len(),
            store.alerts(&follow, limit).await?.len(),
            store.due_timers(&sweep, limit, far()).await?.len(),
            store.unevaluated(&sweep, 0, limit).await?.len(),
            // The amber awaits its repeat; the red and what could not be judged are told.
            store.lease_jobs(&notify, at(9), limit, at(8)).await?.len(),
        ];
        same(&got, &counts, &format!("rows for a limit of {limit}"))?;
    }
    let (none, place) = store.changes(&follow, Cursor::default(), 0).await?;
    ensure(none.is_empty() && place == Cursor::default(), "no changes, and the place stays")?;
    let (all, end) = store.changes(&follow, Cursor::default(), usize::MAX).await?;
    ensure(!all.is_empty() && end != Cursor::default(), "all changes")?;
    let (none, place) = store.changes(&follow, end, 0).await?;
    ensure(none.is_empty() && place == end, "no changes, and the place stays")
}

async fn cut(stage: &mut Stage) -> Holds {
    // Offered in this order; what is measured last is not what comes last.
    let readings: Vec<Admitted> = [(1, 30), (2, 10), (3, 20), (4, 0)].map(|(n, secs)| amber(n, 1, secs)).to_vec();
    for (secs, admitted) in (60..).step_by(2).zip(readings.iter().rev()) {
        stage.offer(admitted, at(secs)).await?;
    }
    let reds: Vec<AlertId> = {
        let mut ids = Vec::new();
        for n in [5, 6] {
            ids.extend(stage.offer(&red(n, 1, 0), at(70)).await?.alerts.iter().map(|alert| alert.id));
        }
        ids
    };
    // Newer than the reds, and settled by itself: it waits for nobody.
    stage.offer(&amber(7, 1, 0), at(80)).await?;
    stage.offer(&calm(7, 2, 100), at(101)).await?;
    let follow = Access::system(Purpose::Follow);
    let newest: Vec<ReadingId> =
        stage.store.readings(&follow, 3).await?.iter().map(|stored| stored.reading.id).collect();
    let want = [calm(7, 2, 0), amber(7, 1, 0), red(6, 1, 0)].map(|admitted| admitted.reading.id);
    same(&newest, &want.to_vec(), "the newest three readings")?;
    let waiting: Vec<AlertId> = stage.store.alerts(&follow, 2).await?.iter().map(|alert| alert.id).collect();
    same(&waiting, &reds.iter().rev().copied().collect(), "what waits for a person, the newest first")?;
    let due = stage.store.due_timers(&Access::system(Purpose::Sweep), 2, far()).await?;
    let due: Vec<PatientId> = due.into_iter().map(|(patient, _)| patient).collect();
    same(&due, &vec![pt(4), pt(3)], "the timers that are due first")?;
    for n in [10, 11, 12] {
        stage.panicking().offer(&calm(n, 1, 0), at(200)).await?;
    }
    let waits = stage.store.unevaluated(&Access::system(Purpose::Sweep), 0, 2).await?;
    let waits: Vec<ReadingId> = waits.iter().map(|admitted| admitted.reading.id).collect();
    same(&waits, &[10, 11].map(|n| calm(n, 1, 0).reading.id).to_vec(), "what waits longest to be judged")
}

async fn empty(stage: &mut Stage) -> Holds {
    stage.offer(&red(1, 1, 0), at(1)).await?;
    let everybody = [
        stage.hub(&hub(0))?,
        stage.hub(&elsewhere())?,
        staff("ada", &[1]),
        staff("nobody", &[]),
        Access::system(Purpose::Follow),
        Access::system(Purpose::SetUp),
    ];
    let before = stage.changes().await?;
    for who in everybody {
        for subject in [Subject::Patient(pt(1)), Subject::Patient(pt(9)), Subject::Unassigned(hub(0)), Subject::Service]
        {
            let outcome = stage.one(&who, subject, Vec::new(), at(2)).await??;
            same(&outcome, &Outcome::default(), "what an empty slice tells")?;
        }
        same(&stage.apply(&who, Vec::new(), at(2)).await?.len(), &0, "answers to no slices")?;
    }
    ensure(stage.changes().await? == before, "an empty slice changes nothing")?;
    // And it stands in nobody's way.
    let number = Event::Received { hub: elsewhere(), number: RequestNumber { epoch: 1, sequence: 1 } };
    let slices = vec![
        Slice { subject: Subject::Patient(pt(1)), events: Vec::new() },
        Slice { subject: Subject::Service, events: vec![number] },
    ];
    let answers = stage.apply(&stage.hub(&elsewhere())?, slices, at(3)).await?;
    ensure(answers.iter().all(Result::is_ok), &format!("{ELSEWHERE} may send its number beside an empty slice"))
}

struct AtLeastOne;

#[async_trait]
impl Fault for AtLeastOne {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.readings(who, limit.max(1)).await
    }
}

struct RefusesHuge;

#[async_trait]
impl Fault for RefusesHuge {
    async fn changes(&self, real: &dyn Store, who: &Access, after: Cursor, limit: usize) -> Page {
        if limit > 1_000_000 {
            return Err(ReadError::Unavailable("planted: the limit is too large".to_owned()));
        }
        real.changes(who, after, limit).await
    }
}

/// The right rows, in another order and then cut.
struct OldestFirst;

#[async_trait]
impl Fault for OldestFirst {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        let mut readings = real.readings(who, super::stage::ALL).await?;
        readings.reverse();
        readings.truncate(limit);
        Ok(readings)
    }
}

struct ByTime;

#[async_trait]
impl Fault for ByTime {
    async fn alerts(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<Alert> {
        let mut alerts = real.alerts(who, super::stage::ALL).await?;
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.opened_at));
        alerts.truncate(limit);
        Ok(alerts)
    }
}

struct TimersAsSet;

#[async_trait]
impl Fault for TimersAsSet {
    async fn due_timers(&self, real: &dyn Store, who: &Access, limit: usize, at: DateTime<Utc>) -> Timers {
        let mut timers = real.due_timers(who, super::stage::ALL, at).await?;
        timers.reverse();
        timers.truncate(limit);
        Ok(timers)
    }
}

struct NewestWaits;

#[async_trait]
impl Fault for NewestWaits {
    async fn unevaluated(&self, real: &dyn Store, who: &Access, skip: usize, limit: usize) -> Read<Admitted> {
        let mut waiting = real.unevaluated(who, skip, super::stage::ALL).await?;
        waiting.reverse();
        waiting.truncate(limit);
        Ok(waiting)
    }
}

/// Answers an empty slice with the last outcome there was.
#[derive(Default)]
struct AnswersSomething(std::sync::Mutex<Option<ingest::store::Committed<Outcome>>>);

#[async_trait]
impl Fault for AnswersSomething {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let empty: Vec<bool> = call.slices.iter().map(|slice| slice.events.is_empty()).collect();
        let mut answers = call.on(real).await;
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (answer, is_empty) in answers.iter_mut().zip(empty) {
            match (&answer, is_empty, last.as_ref()) {
                (_, true, Some(other)) => *answer = Ok(other.clone()),
                (Ok(outcome), false, _) => *last = Some(outcome.clone()),
                (Ok(_) | Err(_), _, _) => {}
            }
        }
        answers
    }
}
