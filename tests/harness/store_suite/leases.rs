//! A notification is lent to one sender at a time, tried until it is accepted, and then never sent again.

use super::{
    Check, Fails, Holds, Plant,
    cast::{actor, at, pt, red, staff},
    ensure,
    fault::{Answers, Call, Fault, Lease, Read},
    same,
    shapes::{ChangesDecisions, ChangesSlices, Decided},
    stage::{Door, Stage},
};
use crate::trouble::Doing;
use async_trait::async_trait;
use chrono::TimeDelta;
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, Committed, Outcome, Store, Subject},
};
use rules::{Delivery, Event, Job, Refused, Workflow};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::task::JoinSet;
use vitals::JobId;

const NOTIFIERS: usize = 8;
const REDS: usize = 12;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "eight senders never hold one notification, and what a dead one held comes back at the end of its lease",
            run: |stage| Box::pin(lent(stage)),
            plants: vec![
                Plant::new("what is lent is lent again to whoever asks", LendsAgain::default),
                Plant::new("a lease never ends", || Ends(TimeDelta::days(365))),
                Plant::new("a lease ends early", || Ends(-TimeDelta::seconds(1))),
                Plant::new("leases are kept in memory only", LeasesInMemory::default),
            ],
        },
        Check {
            name: "a failed delivery comes back at its time, and an accepted one never",
            run: |stage| Box::pin(delivered(stage)),
            plants: vec![
                Plant::new("what was accepted is sent again", || SendsAgain::once(Delivered::Accepted)),
                Plant::new("what failed is sent again at once", || {
                    ChangesSlices::new(|slice, _| {
                        for event in &mut slice.events {
                            if let Event::Delivered { delivery: Delivery::Failed { next_try_at }, .. } = event {
                                *next_try_at = at(0);
                            }
                        }
                    })
                }),
                Plant::new("a slow sender's failure opens an accepted one again", || {
                    SendsAgain::once(Delivered::FailedAfterwards)
                }),
            ],
        },
        Check {
            name: "a second acknowledgement is refused with the name of the first, also once the store was opened again",
            run: |stage| Box::pin(acknowledged(stage)),
            plants: vec![
                Plant::new("the last to acknowledge has it", || {
                    ChangesDecisions(|decided: Decided<'_>| {
                        if matches!(decided.decisions.refused, Some(Refused::AlreadyAcknowledged { .. })) {
                            decided.decisions.refused = None;
                        }
                    })
                }),
                Plant::new("the refusal names nobody", || NamesNobody),
                Plant::new("who took it is not stored", || {
                    ChangesDecisions(|decided: Decided<'_>| {
                        if decided.events.iter().any(|event| matches!(event, Event::Acknowledged { .. })) {
                            decided.decisions.state = decided.before.clone();
                        }
                    })
                }),
            ],
        },
    ]
}

fn ids(jobs: &[Job]) -> BTreeSet<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

/// One sender: takes two at a time until there is nothing more.
async fn send(door: Door) -> Result<Vec<Job>, Fails> {
    let mut held = Vec::new();
    loop {
        let lent = door.store.lease_jobs(&Access::system(Purpose::Notify), at(60), 2, at(2)).await?;
        ensure(lent.len() <= 2, "a sender gets as many as it asked for")?;
        if lent.is_empty() {
            return Ok(held);
        }
        held.extend(lent.into_iter().map(Committed::into_inner));
        ensure(held.len() <= REDS, "one sender holds no more than there are")?;
    }
}

async fn lent(stage: &mut Stage) -> Holds {
    for n in 0..REDS {
        stage.offer(&red(n, 1, 0), at(1)).await?;
    }
    let mut senders = JoinSet::new();
    for _ in 0..NOTIFIERS {
        senders.spawn(send(stage.door()));
    }
    let mut held = Vec::new();
    while let Some(sender) = senders.join_next().await {
        held.extend(sender.doing("join a sender")??);
    }
    same(&(held.len(), ids(&held).len()), &(REDS, REDS), "notifications that eight senders hold")?;
    same(&stage.lease(at(90), at(59)).await?, &Vec::new(), "notifications before the leases end")?;
    stage.reopen().await?;
    same(&stage.lease(at(90), at(59)).await?, &Vec::new(), "notifications, once the store was opened again")?;
    let back = stage.lease(at(90), at(60)).await?;
    same(&ids(&back), &ids(&held), "what comes back when the leases end")?;
    same(&stage.lease(at(120), at(89)).await?, &Vec::new(), "notifications before the second leases end")
}

async fn say(stage: &Stage, job: &Job, delivery: Delivery, secs: i64) -> Result<Outcome, Fails> {
    let event = Event::Delivered { job: job.id, alert: job.alert, delivery };
    Ok(stage.own(Purpose::Notify, &job.patient, event, at(secs)).await??)
}

async fn delivered(stage: &mut Stage) -> Holds {
    let alert = super::only(stage.offer(&red(1, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let job = super::only(stage.lease(at(30), at(2)).await?, "notifications of one red")?;
    same(&(job.alert, &job.patient), &(alert.id, &pt(1)), "what it is about")?;
    say(stage, &job, Delivery::Failed { next_try_at: at(10) }, 3).await?;
    same(&stage.lease(at(40), at(9)).await?, &Vec::new(), "before the next try")?;
    stage.reopen().await?;
    // Before its lease would have ended.
    same(&stage.lease(at(40), at(10)).await?, &vec![job.clone()], "at the next try")?;
    let told = say(stage, &job, Delivery::Accepted, 11).await?;
    let told = super::only(told.alerts, "alerts that a delivery changes")?;
    same(&told.workflow, &Workflow::Notified { at: at(11) }, "how the alert stands")?;
    same(&stage.lease(at(1000), at(999)).await?, &Vec::new(), "after it was accepted")?;
    say(stage, &job, Delivery::Failed { next_try_at: at(20) }, 12).await?;
    same(&stage.lease(at(2000), at(1999)).await?, &Vec::new(), "after a slower sender failed")?;
    stage.reopen().await?;
    same(&stage.lease(at(3000), at(2999)).await?, &Vec::new(), "once the store was opened again")?;
    // A delivery of something that is not there is told, and changes nothing.
    let before = stage.see().await?;
    let event = Event::Delivered { job: JobId::derive(&[b"none"]), alert: alert.id, delivery: Delivery::Accepted };
    ensure(stage.own(Purpose::Notify, &pt(1), event, at(13)).await?.is_err(), "no such notification")?;
    ensure(stage.see().await? == before, "and nothing has changed")
}

async fn acknowledged(stage: &mut Stage) -> Holds {
    let alert = super::only(stage.offer(&red(1, 1, 0), at(1)).await?.alerts, "alerts of one red")?;
    let take = |name| vec![Event::Acknowledged { alert: alert.id, by: actor(name), note: None }];
    let of = || Subject::Patient(pt(1));
    let first = stage.one(&staff("ada", &[1]), of(), take("ada"), at(10)).await??;
    let taken = super::only(first.alerts, "alerts that were taken")?;
    same(&taken.workflow, &Workflow::Acknowledged { by: actor("ada"), at: at(10), note: None }, "who has it")?;
    for secs in [20, 30] {
        let before = stage.changes().await?.len();
        let second = stage.one(&staff("grace", &[1]), of(), take("grace"), at(secs)).await?;
        match second {
            Err(ApplyError::Refused(Refused::AlreadyAcknowledged { by, at: when })) => {
                same(&(by, when), &(actor("ada"), at(10)), "whom the refusal names")?;
            }
            other => return ensure(false, &format!("a second acknowledgement is refused: {other:?}")),
        }
        same(&stage.changes().await?.len(), &before, "changes after a refusal")?;
        stage.reopen().await?;
    }
    let shown = stage.store.alert(&staff("grace", &[1]), alert.id).await?;
    same(&shown, &Some(taken), "the alert as everybody sees it")
}

/// Gives what it has lent before to whoever asks next.
#[derive(Default)]
struct LendsAgain(Mutex<Vec<Committed<Job>>>);

#[async_trait]
impl Fault for LendsAgain {
    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        let lent = lease.on(real).await?;
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lent.is_empty() {
            return Ok(before.pop().into_iter().collect());
        }
        before.extend(lent.clone());
        Ok(lent)
    }
}

/// What came of a notification last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivered {
    Accepted,
    FailedAfterwards,
}

/// Sends what was accepted once more, after one of the two.
struct SendsAgain {
    after: Delivered,
    lent: Mutex<BTreeMap<JobId, Committed<Job>>>,
    accepted: Mutex<BTreeSet<JobId>>,
    again: Mutex<Vec<Committed<Job>>>,
}

impl SendsAgain {
    fn once(after: Delivered) -> Self {
        Self { after, lent: Mutex::default(), accepted: Mutex::default(), again: Mutex::default() }
    }

    fn note(&self, id: JobId, delivery: Delivery) {
        let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        let came = match delivery {
            Delivery::Accepted => {
                accepted.insert(id);
                Some(Delivered::Accepted)
            }
            Delivery::Failed { .. } => accepted.contains(&id).then_some(Delivered::FailedAfterwards),
        };
        if came == Some(self.after) {
            let job = self.lent.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
            self.again.lock().unwrap_or_else(PoisonError::into_inner).extend(job);
        }
    }
}

#[async_trait]
impl Fault for SendsAgain {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        for event in call.slices.iter().flat_map(|slice| &slice.events) {
            if let Event::Delivered { job, delivery, .. } = event {
                self.note(*job, *delivery);
            }
        }
        call.on(real).await
    }

    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        let mut lent = lease.on(real).await?;
        lent.append(&mut self.again.lock().unwrap_or_else(PoisonError::into_inner));
        let known = lent.iter().map(|job| (job.get().id, job.clone()));
        self.lent.lock().unwrap_or_else(PoisonError::into_inner).extend(known);
        Ok(lent)
    }
}

/// Leases that end so much later than was asked for.
struct Ends(TimeDelta);

#[async_trait]
impl Fault for Ends {
    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        Lease { until: lease.until + self.0, ..lease }.on(real).await
    }
}

/// Forgets who holds what once it was opened again.
#[derive(Default)]
struct LeasesInMemory {
    lent: LendsAgain,
    reopened: AtomicUsize,
}

#[async_trait]
impl Fault for LeasesInMemory {
    fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn lease_jobs(&self, real: &dyn Store, lease: Lease<'_>) -> Read<Committed<Job>> {
        if self.reopened.load(Ordering::SeqCst) > 0 {
            return self.lent.lease_jobs(real, lease).await;
        }
        let lent = lease.on(real).await?;
        self.lent.0.lock().unwrap_or_else(PoisonError::into_inner).extend(lent.clone());
        Ok(lent)
    }
}

struct NamesNobody;

#[async_trait]
impl Fault for NamesNobody {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        let nameless = |answer| match answer {
            Err(ApplyError::Refused(_)) => Err(ApplyError::Refused(Refused::NotOpen)),
            other => other,
        };
        call.on(real).await.into_iter().map(nameless).collect()
    }
}
