//! A queue that is full says so at once, loses nothing it took, and takes again when there is room; what can wait gives
//! way to what is happening now.

use super::{
    Check, Fails, Holds, Plant,
    cast::{at, calm, hub, slice},
    ensure,
    fault::{Answers, Call, Fault},
    gate::{Held, begin},
    same,
    stage::{Stage, stored},
};
use async_trait::async_trait;
use futures_util::{
    future::{BoxFuture, join_all},
    stream::{FuturesUnordered, StreamExt},
};
use ingest::{
    access::{Access, Lane},
    store::{ApplyError, Outcome, Store},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use vitals::Admitted;

/// A queue longer than this is no limit: at a commit of a millisecond it is seconds of work, and no hub waits so long.
const QUEUE_MAX: u32 = 8192;

/// How much waits when something live comes.
const BACKLOG: u32 = 900;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a full queue says busy at once, keeps all that it took, and takes again",
            run: |stage| Box::pin(busy(stage)),
            plants: vec![
                Plant::new("a full queue makes callers wait", || Waits),
                Plant::new("what was told busy is stored all the same", StoresLater::default),
                Plant::new("once busy, always busy", StaysBusy::default),
            ],
        },
        Check {
            name: "a queue full of what can wait still takes what is live",
            run: |stage| Box::pin(live_beside_backfill(stage)),
            plants: vec![Plant::new("there is one lane", || OneLane)],
        },
        Check {
            name: "what is live is served before a backlog that waits",
            run: |stage| Box::pin(live_first(stage)),
            plants: vec![Plant::new("there is one lane", || OneLane)],
        },
    ]
}

type Asked = BoxFuture<'static, Result<Vec<Result<Outcome, ApplyError>>, Fails>>;

fn ask(stage: &Stage, who: &Access, admitted: &Admitted) -> Asked {
    let (door, who, slices) = (stage.door(), who.clone(), vec![slice(admitted)]);
    Box::pin(async move { door.apply(&who, slices, at(1)).await })
}

fn is_busy(answers: &[Result<Outcome, ApplyError>]) -> bool {
    matches!(answers, [Err(ApplyError::Busy)])
}

/// Queues readings of person 1 until one is told busy; gives back those that wait, and the one that was not taken.
async fn fill(stage: &Stage, who: &Access) -> Result<(Vec<Asked>, Admitted), Fails> {
    let mut waiting = Vec::new();
    for number in 0..QUEUE_MAX {
        let admitted = calm(1, number, 0);
        let mut request = ask(stage, who, &admitted);
        match begin(&mut request).await {
            None => waiting.push(request),
            Some(answers) => {
                ensure(is_busy(&answers?), "nothing is answered while the writer is held up")?;
                return Ok((waiting, admitted));
            }
        }
    }
    Err(Fails::Broken(format!("a queue of {QUEUE_MAX} requests never says that it is full")))
}

/// Each request must be stored; how many there were.
async fn all_stored(waiting: Vec<Asked>) -> Result<usize, Fails> {
    let count = waiting.len();
    for answers in join_all(waiting).await {
        let outcome = super::only(answers?, "answers to one slice")??;
        stored(&super::only(outcome.readings, "outcomes of one reading")?)?;
    }
    Ok(count)
}

async fn busy(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    let held = Held::at_the_gate(&stage.door()).await?;
    let (waiting, refused) = fill(stage, &access).await?;
    ensure(!waiting.is_empty(), "some are queued before the queue is full")?;
    let (opened, taken) = tokio::join!(held.open(), all_stored(waiting));
    opened?;
    let taken = taken?;
    // Whoever was told busy comes again, and is new.
    stored(&stage.tell(&refused, at(2)).await?)?;
    stored(&stage.tell(&calm(2, 1, 0), at(2)).await?)?;
    // With the one that was held up.
    let rows = stage.changes().await?.iter().filter(|change| change.kind == "reading-stored").count();
    same(&rows, &(taken + 3), "readings that are stored")
}

async fn live_beside_backfill(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    let held = Held::at_the_gate(&stage.door()).await?;
    let (waiting, _) = fill(stage, &access.clone().for_backfill()).await?;
    let mut live = ask(stage, &access, &calm(2, 1, 0));
    let answered = begin(&mut live).await;
    ensure(answered.is_none(), "what is live is queued, though the queue is full of what can wait")?;
    let (opened, taken, live) = tokio::join!(held.open(), all_stored(waiting), live);
    opened?;
    taken?;
    super::only(live?, "answers to one slice")??;
    Ok(())
}

async fn live_first(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    let backfill = access.clone().for_backfill();
    let held = Held::at_the_gate(&stage.door()).await?;
    let mut requests: Vec<(bool, Asked)> = Vec::new();
    for number in 0..BACKLOG {
        requests.push((false, ask(stage, &backfill, &calm(1, number, 0))));
    }
    requests.push((true, ask(stage, &access, &calm(2, 1, 0))));
    for (_, request) in &mut requests {
        ensure(begin(request).await.is_none(), "everybody is queued")?;
    }
    let ended = async {
        let mut ended: FuturesUnordered<_> =
            requests.into_iter().map(|(is_live, request)| async move { (is_live, request.await) }).collect();
        let mut before = 0_u32;
        let mut place = None;
        while let Some((is_live, answers)) = ended.next().await {
            super::only(answers?, "answers to one slice")??;
            if is_live {
                place = Some(before);
            }
            before += 1;
        }
        Ok::<_, Fails>(place)
    };
    let (opened, place) = tokio::join!(held.open(), ended);
    opened?;
    let place = place?.unwrap_or(u32::MAX);
    ensure(place < BACKLOG / 2, &format!("a live reading behind {BACKLOG} that wait is not the {place}th to be served"))
}

/// Waits for room.
struct Waits;

#[async_trait]
impl Fault for Waits {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        loop {
            let answers = call.clone().on(real).await;
            if !answers.iter().any(|answer| matches!(answer, Err(ApplyError::Busy))) {
                return answers;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Keeps what it told busy, and stores it with the next that it takes.
#[derive(Default)]
struct StoresLater(Mutex<Option<Call>>);

#[async_trait]
impl Fault for StoresLater {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(kept) = kept {
            drop(kept.on(real).await);
        }
        let answers = call.clone().on(real).await;
        if answers.iter().any(|answer| matches!(answer, Err(ApplyError::Busy))) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(call);
        }
        answers
    }
}

#[derive(Default)]
struct StaysBusy(AtomicBool);

#[async_trait]
impl Fault for StaysBusy {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let slices = call.slices.len();
        if self.0.load(Ordering::SeqCst) {
            return (0..slices).map(|_| Err(ApplyError::Busy)).collect();
        }
        let answers = call.on(real).await;
        if answers.iter().any(|answer| matches!(answer, Err(ApplyError::Busy))) {
            self.0.store(true, Ordering::SeqCst);
        }
        answers
    }
}

/// Serves what can wait as if it were live.
struct OneLane;

#[async_trait]
impl Fault for OneLane {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        // No access can be brought back to the live lane, so everybody's waits.
        let who = if call.who.lane() == Lane::Live { call.who.clone().for_backfill() } else { call.who.clone() };
        Call { who, ..call }.on(real).await
    }
}
