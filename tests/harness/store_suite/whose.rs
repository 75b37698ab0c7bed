//! Whose a reading is: nobody's until somebody says so, known again whoever offers it, and nobody learns of another's.

use super::{
    Check, Fails, Holds, Plant,
    cast::{at, hub, of_nobody, of_person, pt, red, slice, staff},
    ensure,
    fault::{Answers, Call, Fault, Read},
    hubs::Hubs,
    same,
    shapes::{ChangesReadings, no_access, readings_of, salt},
    stage::{Stage, duplicate, far, stored},
};
use async_trait::async_trait;
use ingest::{
    access::Access,
    store::{ApplyError, ReadingOutcome, Slice, Store, StoredReading, Subject},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use vitals::{ReadingId, Who};

fn by_whose() -> ChangesReadings<impl Fn(&mut vitals::Admitted, super::shapes::Since) + Send + Sync> {
    ChangesReadings::new(|admitted, _| {
        let who = format!("{:?}", admitted.reading.who);
        salt(admitted, who.as_bytes());
    })
}

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a reading of nobody is kept without a verdict, shown to its hub's staff, and raises nothing",
            run: |stage| Box::pin(nobodys(stage)),
            plants: vec![
                Plant::of_hubs("a reading of nobody goes to a likely person", Guesses),
                Plant::new("readings of nobody are not shown", || HidesTheInbox),
                Plant::new("readings of nobody stand among people's", || MixesTheInbox),
            ],
        },
        Check {
            name: "a reading offered for nobody and then for a person is known again and raises nothing",
            run: |stage| Box::pin(nobodys_first(stage)),
            plants: vec![Plant::new("a reading is known by whose it is", by_whose)],
        },
        Check {
            name: "a reading offered for another person is known again, and that hub learns no verdict",
            run: |stage| Box::pin(anothers(stage)),
            plants: vec![
                Plant::new("a reading is known by whose it is", by_whose),
                Plant::of_hubs("whoever offers a reading learns its verdict", TellsAnybody::new),
            ],
        },
    ]
}

async fn nobodys(stage: &mut Stage) -> Holds {
    let reading = of_nobody(&red(1, 1, 0));
    let first = stage.offer(&reading, at(1)).await?;
    same(&first.readings, &vec![ReadingOutcome::Unassigned { id: reading.reading.id }], "outcome")?;
    same(&(first.chain_head, first.alerts.len(), first.jobs), &(None, 0, 0), "what it makes")?;
    stage.reopen().await?;
    same(&duplicate(&stage.tell(&reading, at(2)).await?)?, &None, "told again")?;
    let inbox = super::only(stage.store.unassigned(&staff("ada", &[]), 10).await?, "readings of nobody")?;
    same(&(inbox.reading, inbox.verdict, inbox.hub), &(reading.reading, None, hub(0)), "what is shown")?;
    same(&stage.readings().await?, &Vec::new(), "readings of people")?;
    same(&stage.alerts().await?, &Vec::new(), "alerts")
}

/// Offered again, first by the same hub and then by another, for a person; `first` was told already.
async fn offered_again(stage: &Stage, again: &[vitals::Admitted]) -> Holds {
    for (secs, admitted) in (10..).zip(again) {
        let outcome = stage.offer(admitted, at(secs)).await?;
        let reading = super::only(outcome.readings, "outcomes of one reading")?;
        same(&reading, &ReadingOutcome::Duplicate { id: admitted.reading.id, verdict: None }, "offered for another")?;
        same(&(outcome.alerts.len(), outcome.jobs), &(0, 0), "what it makes")?;
    }
    Ok(())
}

async fn nobodys_first(stage: &mut Stage) -> Holds {
    let reading = red(1, 1, 0);
    stage.offer(&of_nobody(&reading), at(1)).await?;
    let by_other = super::cast::heard_by(&reading, &hub(1), 5);
    offered_again(stage, &[reading.clone(), by_other, of_person(&reading, 2)]).await?;
    stage.reopen().await?;
    offered_again(stage, &[reading]).await?;
    same(&(stage.readings().await?.len(), stage.unassigned().await?.len()), &(0, 1), "rows")?;
    same(&stage.alerts().await?, &Vec::new(), "alerts")?;
    same(&stage.lease(far(), at(100)).await?, &Vec::new(), "notifications")
}

async fn anothers(stage: &mut Stage) -> Holds {
    let reading = red(2, 1, 0);
    stored(&stage.tell(&reading, at(1)).await?)?;
    let for_other = of_person(&reading, 1);
    let by_other = super::cast::heard_by(&for_other, &hub(1), 5);
    offered_again(stage, &[for_other.clone(), by_other, of_nobody(&reading)]).await?;
    stage.reopen().await?;
    offered_again(stage, std::slice::from_ref(&for_other)).await?;
    // Nor by what else the answer holds: neither a head of the other's chain nor a trace in one's own.
    let told = stage.offer(&for_other, at(50)).await?;
    let owners = stage.offer(&reading, at(51)).await?;
    ensure(told.chain_head.is_none() || told.chain_head != owners.chain_head, "no head of somebody else's chain")?;
    same(&(stage.readings().await?.len(), stage.unassigned().await?.len()), &(1, 0), "rows")?;
    let alert = super::only(stage.alerts().await?, "alerts")?;
    same(&alert.patient, &pt(2), "whose alert")?;
    // A slice for one person that holds another's reading is not allowed at all.
    let mut mixed = slice(&red(3, 1, 0));
    mixed.subject = Subject::Patient(pt(4));
    let answer = super::only(stage.apply(&stage.hub(&hub(0))?, vec![mixed], at(60)).await?, "answers to one slice")?;
    ensure(matches!(answer, Err(ApplyError::Denied(_))), "a reading of one person in another's slice is denied")
}

/// Puts what belongs to nobody into the record of somebody on that hub.
struct Guesses(Arc<Hubs>);

#[async_trait]
impl Fault for Guesses {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        let is_nobodys = |slice: &&mut Slice| matches!(slice.subject, Subject::Unassigned(_));
        for slice in call.slices.iter_mut().filter(is_nobodys) {
            slice.subject = Subject::Patient(pt(1));
            readings_of(std::slice::from_mut(slice)).for_each(|admitted| admitted.reading.who = Who::Patient(pt(1)));
        }
        match self.0.of(&hub(0)) {
            Ok(access) => Call { who: access, ..call }.on(real).await,
            Err(fails) => no_access(&fails, &call.slices),
        }
    }
}

struct HidesTheInbox;

#[async_trait]
impl Fault for HidesTheInbox {
    async fn unassigned(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        real.unassigned(who, limit).await.map(|_| Vec::new())
    }
}

struct MixesTheInbox;

#[async_trait]
impl Fault for MixesTheInbox {
    async fn readings(&self, real: &dyn Store, who: &Access, limit: usize) -> Read<StoredReading> {
        let mut readings = real.readings(who, limit).await?;
        readings.extend(real.unassigned(who, limit).await?);
        Ok(readings)
    }
}

/// Offers a known reading for whoever it is of, whoever asks.
struct TellsAnybody {
    hubs: Arc<Hubs>,
    owners: Mutex<BTreeMap<ReadingId, Who>>,
}

impl TellsAnybody {
    fn new(hubs: Arc<Hubs>) -> Self {
        Self { hubs, owners: Mutex::default() }
    }

    fn as_the_owner(&self, call: &mut Call) -> Result<(), Fails> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for slice in &mut call.slices {
            let mut owner = None;
            for admitted in readings_of(std::slice::from_mut(slice)) {
                let first = owners.entry(admitted.reading.id).or_insert_with(|| admitted.reading.who.clone());
                admitted.reading.who = first.clone();
                call.who = self.hubs.of(&admitted.hub)?;
                owner = Some(first.clone());
            }
            if let Some(Who::Patient(patient)) = owner {
                slice.subject = Subject::Patient(patient);
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for TellsAnybody {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        match self.as_the_owner(&mut call) {
            Ok(()) => call.on(real).await,
            Err(fails) => no_access(&fails, &call.slices),
        }
    }
}
