//! Heads of chains: each is one that this store gave for this person, or it is not; so a store that was rolled back is
//! found by the first hub that returns.

use super::{
    Check, Fails, Holds, OpenStore, Plant,
    cast::{actor, amber, at, calm, pt, red, staff},
    ensure,
    fault::{Answers, Call, Fault, Read},
    same,
    stage::Stage,
};
use async_trait::async_trait;
use ingest::{
    access::{Access, Purpose},
    store::{Store, Subject, Witness},
};
use rules::Event;
use std::sync::atomic::{AtomicUsize, Ordering};
use vitals::PatientId;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "the head of a person's chain moves with every change to their record, and with nothing else",
            run: |stage| Box::pin(moves(stage)),
            plants: vec![Plant::new("a duplicate moves the chain", || Chained)],
        },
        Check {
            name: "a head that was given is known again, for that person only, also once the store was opened again",
            run: |stage| Box::pin(known(stage)),
            plants: vec![
                Plant::new("every head is believed", || BelievesAll),
                Plant::new("a head is believed for anybody", || BelievesForAnybody),
                Plant::new("heads are kept in memory only", HeadsInMemory::default),
                Plant::with_scratch("the store was rolled back", |scratch| RolledBack {
                    reopened: AtomicUsize::new(0),
                    scratch,
                }),
            ],
        },
    ]
}

/// A morning of one person, and the head after each step: what moved it, and what did not.
async fn morning(stage: &Stage, n: usize) -> Result<Vec<Witness>, Fails> {
    let mut heads = Vec::new();
    let readings = [calm(n, 1, 0), amber(n, 2, 60), red(n, 3, 400), calm(n, 3, 400)];
    for admitted in &readings {
        heads.extend(stage.offer(admitted, admitted.server_received).await?.chain_head);
    }
    let waiting = stage.alerts().await?.into_iter().find(|alert| alert.patient == pt(n) && alert.is_waiting());
    let Some(alert) = waiting else { return Err(Fails::Broken("a red waits".to_owned())) };
    let take = vec![Event::Acknowledged { alert: alert.id, by: actor("ada"), note: None }];
    heads.extend(stage.one(&staff("ada", &[n]), Subject::Patient(pt(n)), take, at(500)).await??.chain_head);
    Ok(heads)
}

async fn moves(stage: &mut Stage) -> Holds {
    let heads = morning(stage, 1).await?;
    same(&heads.len(), &5, "heads of two readings, a red, a conflict and an acknowledgement")?;
    let others = morning(stage, 2).await?;
    for (place, head) in heads.iter().enumerate() {
        ensure(heads.iter().skip(place + 1).all(|later| later.head != head.head), "no head comes twice")?;
        ensure(heads.iter().skip(place + 1).all(|later| later.place > head.place), "places only grow")?;
        ensure(others.iter().all(|other| other.head != head.head), "another person's morning is another chain")?;
    }
    // What is known already, by duplicate or by the same conflict, changes nothing.
    for admitted in [calm(1, 1, 0), red(1, 3, 400), calm(1, 3, 400)] {
        let again = stage.offer(&admitted, at(600)).await?;
        same(&again.chain_head.as_ref(), &heads.last(), "the head after what was known")?;
    }
    stage.reopen().await?;
    let again = stage.offer(&calm(1, 1, 0), at(700)).await?;
    same(&again.chain_head.as_ref(), &heads.last(), "the head once the store was opened again")?;
    let next = stage.offer(&calm(1, 4, 700), at(701)).await?;
    ensure(next.chain_head.is_some_and(|next| !heads.contains(&next)), "the next change moves it")
}

async fn ask(stage: &Stage, heads: Vec<(PatientId, Witness)>) -> Result<Vec<bool>, Fails> {
    let asked = heads.len();
    let told = stage.store.witnessed(&Access::system(Purpose::Receive), heads).await?;
    same(&told.len(), &asked, "answers, one a head")?;
    Ok(told)
}

async fn known(stage: &mut Stage) -> Holds {
    let (mut own, others) = (morning(stage, 1).await?, morning(stage, 2).await?);
    for _ in 0..2 {
        let heads: Vec<_> =
            own.iter().map(|head| (pt(1), *head)).chain(others.iter().map(|head| (pt(2), *head))).collect();
        ensure(ask(stage, heads).await?.iter().all(|is_known| *is_known), "every head that was given is known")?;
        let swapped: Vec<_> =
            own.iter().map(|head| (pt(2), *head)).chain(own.iter().map(|head| (pt(9), *head))).collect();
        ensure(ask(stage, swapped).await?.iter().all(|is_known| !is_known), "no head is known for somebody else")?;
        let mut made_up = Vec::new();
        for witness in &own {
            let mut flipped = *witness;
            for byte in flipped.head.iter_mut().take(1) {
                *byte ^= 1;
            }
            made_up.push((pt(1), flipped));
            made_up.push((pt(1), Witness { place: witness.place + 1_000_000, ..*witness }));
            made_up.push((pt(1), Witness { place: u64::MAX, ..*witness }));
            made_up.push((pt(1), Witness { place: 0, ..*witness }));
        }
        ensure(ask(stage, made_up).await?.iter().all(|is_known| !is_known), "no head is known that was not given")?;
        // A true head among false ones keeps its place in the answer.
        let mixed: Vec<_> = own.iter().zip([1, 2].into_iter().cycle()).map(|(head, n)| (pt(n), *head)).collect();
        let want: Vec<bool> = mixed.iter().map(|(patient, _)| *patient == pt(1)).collect();
        same(&ask(stage, mixed).await?, &want, "answers in the order asked")?;
        same(&ask(stage, Vec::new()).await?, &Vec::new(), "answers to nothing")?;
        stage.reopen().await?;
        own.extend(stage.offer(&calm(1, 7, 900), at(901)).await?.chain_head);
    }
    Ok(())
}

/// Counts each time a reading comes, as a change to the record.
struct Chained;

#[async_trait]
impl Fault for Chained {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        let at = call.at.timestamp();
        for admitted in super::shapes::readings_of(&mut call.slices) {
            admitted.reading.raw.bytes.extend(at.to_le_bytes());
        }
        call.on(real).await
    }
}

struct BelievesAll;

#[async_trait]
impl Fault for BelievesAll {
    async fn witnessed(&self, real: &dyn Store, who: &Access, heads: Vec<(PatientId, Witness)>) -> Read<bool> {
        Ok(real.witnessed(who, heads).await?.into_iter().map(|_| true).collect())
    }
}

struct BelievesForAnybody;

#[async_trait]
impl Fault for BelievesForAnybody {
    async fn witnessed(&self, real: &dyn Store, who: &Access, heads: Vec<(PatientId, Witness)>) -> Read<bool> {
        let mut told = vec![false; heads.len()];
        for person in [1, 2] {
            let asked = heads.iter().map(|(_, head)| (pt(person), *head)).collect();
            for (known, is_known) in told.iter_mut().zip(real.witnessed(who, asked).await?) {
                *known |= is_known;
            }
        }
        Ok(told)
    }
}

#[derive(Default)]
struct HeadsInMemory(AtomicUsize);

#[async_trait]
impl Fault for HeadsInMemory {
    fn reopened(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    async fn witnessed(&self, real: &dyn Store, who: &Access, heads: Vec<(PatientId, Witness)>) -> Read<bool> {
        let is_new = self.0.load(Ordering::SeqCst) == 0;
        Ok(real.witnessed(who, heads).await?.into_iter().map(|is_known| is_known && is_new).collect())
    }
}

/// Once it was opened again, another store that has none of it is in its place.
struct RolledBack {
    reopened: AtomicUsize,
    scratch: Box<dyn OpenStore>,
}

#[async_trait]
impl Fault for RolledBack {
    fn reopened(&self) {
        self.reopened.fetch_add(1, Ordering::SeqCst);
    }

    async fn witnessed(&self, real: &dyn Store, who: &Access, heads: Vec<(PatientId, Witness)>) -> Read<bool> {
        match self.reopened.load(Ordering::SeqCst) {
            0 => real.witnessed(who, heads).await,
            _ => self.scratch.store().witnessed(who, heads).await,
        }
    }
}
