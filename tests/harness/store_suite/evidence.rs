//! What a store can prove of itself: that it is sound and whole, that nothing is missing, and a root over all chains, signed
//! once a day. How it stands is told at once.
//!
//! Damage cannot be made through the trait: each backend's own tests do that. Here the store is sound, and must say so after
//! having looked.

use super::{
    Check, Fails, Holds, Plant,
    cast::{amber, at, calm, hub, of_nobody, person, pt, red},
    ensure,
    fault::{Fault, Read, Signed, Told},
    gate::{Held, begin},
    same,
    stage::Stage,
};
use crate::trouble::Trouble;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, Purpose},
    server_key::ServerKey,
    store::{
        Committed, ReadError, Scrubbed, SignedRoot, Store, StoreGauges, StoredDamage, Subject,
        evidence::{BadRow, NotVerified, Verified, Wrong},
    },
};
use rules::Event;
use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};
use vitals::{HubId, ReadingId};

/// Steps of a scrub until a store as small as these must have been walked.
const STEPS_MAX: usize = 10_000;

/// Longest the writer may take to give back the room of what it has answered: it is the next thing it does.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(3);

/// A day in seconds.
const DAY_SECS: i64 = 86_400;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a store that is verified has looked at every reading, alert and root, and is sound",
            run: |stage| Box::pin(verified(stage)),
            plants: vec![
                Plant::new("verifying looks at nothing", || Verifies(|_| Verified::default())),
                Plant::new("verifying passes over a reading", || {
                    Verifies(|verified| Verified { readings: verified.readings.saturating_sub(1), ..verified })
                }),
                Plant::new("verifying passes over an alert", || {
                    Verifies(|verified| Verified { alerts: verified.alerts.saturating_sub(1), ..verified })
                }),
                Plant::new("verifying passes over the roots", || {
                    Verifies(|verified| Verified { roots: 0, newest_root: None, ..verified })
                }),
            ],
        },
        Check {
            name: "a root over all chains is signed once a day, follows the one before it, and stays",
            run: |stage| Box::pin(roots(stage)),
            plants: vec![
                Plant::new("a root is signed at each call", SignsAlways::default),
                Plant::new("a root is never due", || NeverDue),
                Plant::new("a root is signed with another key", || OtherKey),
                Plant::new("the newest root is kept in memory only", RootInMemory::default),
            ],
        },
        Check {
            name: "scrubbing a sound store comes to an end, finds and changes nothing, and wants nothing again",
            run: |stage| Box::pin(scrubbed(stage)),
            plants: vec![
                Plant::new("scrubbing never comes round", || {
                    Scrubs(|scrubbed| Scrubbed { is_pass_over: false, ..scrubbed })
                }),
                Plant::new("scrubbing looks at nothing", || {
                    Scrubs(|_| Scrubbed { is_pass_over: true, ..Scrubbed::default() })
                }),
                Plant::new("scrubbing cries damage", || {
                    Scrubs(|scrubbed| {
                        let bad = BadRow { table: "entry", row: 1, wrong: Wrong::Content };
                        Scrubbed { found: vec![bad], ..scrubbed }
                    })
                }),
                Plant::new("what is there is wanted again", || WantsWhatItHas),
                Plant::new("what is sound is told as damaged", || TellsDamage),
            ],
        },
        Check {
            name: "what waits to be written is told, and nothing once all is answered",
            run: |stage| Box::pin(gauges(stage)),
            plants: vec![
                Plant::new("nothing ever waits", || Stands(0)),
                Plant::new("something always waits", || Stands(1)),
            ],
        },
    ]
}

fn verifier() -> Access {
    Access::system(Purpose::Verify)
}

fn key() -> ServerKey {
    ServerKey::from_seed(&[5; 32])
}

/// Some of everything that has a chain: people, a hub's inbox, the service itself.
async fn filled(stage: &Stage) -> Holds {
    for admitted in [calm(1, 1, 0), amber(1, 2, 60), red(2, 1, 90), calm(3, 1, 100)] {
        stage.offer(&admitted, admitted.server_received).await?;
    }
    stage.offer(&of_nobody(&calm(4, 1, 110)), at(110)).await?;
    stage.own(Purpose::SetUp, &pt(1), Event::written(person(1, "Ada Test")), at(120)).await??;
    Ok(())
}

async fn verify(stage: &Stage) -> Result<Verified, Fails> {
    let verified = stage.store.verify(&verifier(), &|_progress| {}).await;
    verified.map_err(|not| Fails::Broken(format!("a sound store is not verified: {not}")))
}

async fn sign(stage: &Stage, at: DateTime<Utc>) -> Result<Option<SignedRoot>, Fails> {
    Ok(stage.store.sign_root(&verifier(), &key(), at).await?.map(Committed::into_inner))
}

async fn verified(stage: &mut Stage) -> Holds {
    let nothing = verify(stage).await?;
    same(&(nothing.readings, nothing.alerts, nothing.roots), &(0, 0, 0), "readings, alerts, roots of an empty store")?;
    filled(stage).await?;
    let root = sign(stage, at(DAY_SECS)).await?;
    ensure(root.is_some(), "a root is due on the next day")?;
    for _ in 0..2 {
        let Verified { readings, alerts, roots, newest_root, entries, chains, checked, .. } = verify(stage).await?;
        let shown = stage.readings().await?.len() + stage.unassigned().await?.len();
        same(&usize::try_from(readings).unwrap_or(0), &shown, "readings looked at")?;
        same(&usize::try_from(alerts).unwrap_or(0), &stage.alerts().await?.len(), "alerts looked at")?;
        same(&(roots, newest_root), &(1, root.clone()), "roots looked at")?;
        ensure(chains >= 4 && entries >= chains && checked >= readings + alerts, "chains, entries and rows looked at")?;
        stage.reopen().await?;
    }
    Ok(())
}

async fn roots(stage: &mut Stage) -> Holds {
    same(&sign(stage, at(0)).await?, &None, "the root of an empty store")?;
    filled(stage).await?;
    same(&sign(stage, at(200)).await?, &None, "a root on the day of the first entry")?;
    let Some(first) = sign(stage, at(DAY_SECS)).await? else {
        return ensure(false, "a root is due on the next day");
    };
    same(&(first.n, first.previous, first.at), &(1, [0; 32], at(DAY_SECS)), "the first root, what is before it, when")?;
    same(&(first.key, first.is_signed()), &(key().public(), true), "by whose key, and whether it fits")?;
    ensure(first.entries > 0 && first.chains >= 4, "it covers the entries and chains that there are")?;
    same(&sign(stage, at(DAY_SECS + 3600)).await?, &None, "a second root on one day")?;
    stage.reopen().await?;
    same(&stage.store.newest_root(&verifier()).await?, &Some(first.clone()), "the newest root, opened again")?;
    same(&sign(stage, at(DAY_SECS + 7200)).await?, &None, "a second root on one day, opened again")?;

    stage.offer(&calm(1, 9, DAY_SECS), at(DAY_SECS + 8000)).await?;
    let Some(second) = sign(stage, at(2 * DAY_SECS)).await? else {
        return ensure(false, "a root is due on the day after");
    };
    same(&(second.n, second.previous), &(2, first.root), "the second root, and what is before it")?;
    ensure(second.root != first.root && second.entries > first.entries, "it covers what came since")?;
    ensure(second.is_signed(), "it is signed")?;
    same(&stage.store.newest_root(&verifier()).await?, &Some(second), "the newest root")
}

async fn scrubbed(stage: &mut Stage) -> Holds {
    filled(stage).await?;
    let before = stage.see().await?;
    for rows in [3, 1000] {
        let (mut checked, mut steps) = (0, 0);
        loop {
            let step = stage.store.scrub(&verifier(), rows, at(500)).await?;
            let found = (step.found, step.marked, step.is_asking, step.is_urgent);
            same(&found, &(Vec::new(), Vec::new(), false, false), "what scrubbing a sound store finds")?;
            (checked, steps) = (checked + step.checked, steps + 1);
            if step.is_pass_over {
                break;
            }
            ensure(steps < STEPS_MAX, "scrubbing comes to an end")?;
        }
        ensure(checked >= u64::try_from(before.readings.len()).unwrap_or(0), "scrubbing looks at the readings")?;
    }
    ensure(stage.see().await? == before, "scrubbing a sound store changes nothing")?;
    let wanted = stage.store.wanted(&Access::system(Purpose::Receive), &hub(0), 10).await?;
    same(&wanted, &Vec::new(), "what is wanted again")?;
    same(&stage.store.damaged(&Access::system(Purpose::Follow), 10).await?, &Vec::new(), "what is damaged")
}

async fn gauges(stage: &mut Stage) -> Holds {
    let held = Held::at_the_gate(&stage.door()).await?;
    let (door, admitted) = (stage.door(), calm(1, 1, 0));
    let mut queued = Box::pin(async move { door.offer(&admitted, at(1)).await });
    if begin(&mut queued).await.is_some() {
        return Err(Trouble::new("queue a reading", "it was answered while the writer is held up").into());
    }
    let waits = stage.store.gauges().queued_events;
    ensure(waits.is_some_and(|events| events >= 1), "what waits behind the gate is told")?;
    let (opened, answered) = tokio::join!(held.open(), queued);
    opened?;
    answered?;
    // The room is given back by the writer, after the answer.
    let is_over = async {
        while stage.store.gauges().queued_events != Some(0) {
            tokio::task::yield_now().await;
        }
    };
    let is_over = tokio::time::timeout(GIVEN_BACK_WITHIN, is_over).await.is_ok();
    ensure(is_over, "nothing waits once all is answered")
}

struct Verifies(fn(Verified) -> Verified);

#[async_trait]
impl Fault for Verifies {
    async fn verify(&self, real: &dyn Store, who: &Access, on_progress: Told<'_>) -> Result<Verified, NotVerified> {
        real.verify(who, on_progress).await.map(self.0)
    }
}

struct Scrubs(fn(Scrubbed) -> Scrubbed);

#[async_trait]
impl Fault for Scrubs {
    async fn scrub(&self, real: &dyn Store, who: &Access, rows: u64, at: DateTime<Utc>) -> Result<Scrubbed, ReadError> {
        real.scrub(who, rows, at).await.map(self.0)
    }
}

/// Each call is of a day of its own.
#[derive(Default)]
struct SignsAlways(AtomicU64);

#[async_trait]
impl Fault for SignsAlways {
    async fn sign_root(&self, real: &dyn Store, who: &Access, key: &ServerKey, at: DateTime<Utc>) -> Signed {
        let days = i64::try_from(self.0.fetch_add(1, Ordering::SeqCst)).unwrap_or(0);
        real.sign_root(who, key, at + TimeDelta::days(days)).await
    }
}

struct NeverDue;

#[async_trait]
impl Fault for NeverDue {
    async fn sign_root(&self, _real: &dyn Store, _who: &Access, _key: &ServerKey, _at: DateTime<Utc>) -> Signed {
        Ok(None)
    }
}

struct OtherKey;

#[async_trait]
impl Fault for OtherKey {
    async fn sign_root(&self, real: &dyn Store, who: &Access, _key: &ServerKey, at: DateTime<Utc>) -> Signed {
        real.sign_root(who, &ServerKey::from_seed(&[6; 32]), at).await
    }
}

#[derive(Default)]
struct RootInMemory(AtomicUsize);

#[async_trait]
impl Fault for RootInMemory {
    fn reopened(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    async fn newest_root(&self, real: &dyn Store, who: &Access) -> Result<Option<SignedRoot>, ReadError> {
        let root = real.newest_root(who).await?;
        Ok(root.filter(|_| self.0.load(Ordering::SeqCst) == 0))
    }
}

struct WantsWhatItHas;

#[async_trait]
impl Fault for WantsWhatItHas {
    async fn wanted(&self, real: &dyn Store, who: &Access, hub: &HubId, limit: usize) -> Read<ReadingId> {
        real.wanted(who, hub, limit).await?;
        Ok(vec![calm(1, 1, 0).reading.id])
    }
}

struct TellsDamage;

#[async_trait]
impl Fault for TellsDamage {
    async fn damaged(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredDamage> {
        real.damaged(who, limit).await?;
        Ok(vec![StoredDamage { whose: Subject::Patient(pt(1)), entry: 1, at: at(0), readings_missing: None }])
    }
}

/// Tells the same, whatever waits.
struct Stands(u64);

impl Fault for Stands {
    fn gauges(&self, real: &dyn Store) -> StoreGauges {
        StoreGauges { queued_events: Some(self.0), ..real.gauges() }
    }
}
