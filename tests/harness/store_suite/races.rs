//! Eight at once: one row for each reading, one alert for each breach, and the same answer for everybody.

use super::{
    Check, Fails, Holds, Plant,
    cast::{HUBS, at, calm, heard_by, hub, pt, red, slice_of},
    ensure,
    fault::{Answers, Call, Fault},
    same,
    shapes::{ChangesReadings, LosesVerdicts, readings_of, salt},
    stage::{Door, Stage, far, verdict},
};
use crate::trouble::Doing;
use async_trait::async_trait;
use ingest::store::{ReadingOutcome, Store};
use rules::Verdict;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Barrier, task::JoinSet};
use vitals::{Admitted, HubId, ReadingId};

const CALLERS: usize = 8;
const PERSONS: usize = 4;
const EACH: u32 = 8;

pub(super) fn checks() -> Vec<Check> {
    let race = |name, run| Check {
        name,
        run,
        plants: vec![
            Plant::new("what is under way elsewhere is not known yet", ChecksTooEarly::default),
            Plant::of_hubs("a duplicate is answered without the first verdict", |hubs| LosesVerdicts::new(hubs, false)),
        ],
    };
    let mut of_hubs = race("eight hubs racing the same readings store each once and hear the same", |stage| {
        Box::pin(race_of(stage, |caller| hub(caller % HUBS)))
    });
    of_hubs.plants.push(Plant::new("a reading is known by the hub that sent it", || {
        ChangesReadings::new(|admitted, _| {
            let hub = admitted.hub.clone();
            salt(admitted, hub.as_str().as_bytes());
        })
    }));
    vec![
        race("eight callers of one hub racing the same readings store each once and hear the same", |stage| {
            Box::pin(race_of(stage, |_| hub(0)))
        }),
        of_hubs,
    ]
}

/// A morning of four people, each with one red in it.
fn morning() -> Vec<Vec<Admitted>> {
    let reading = |person, number: u32| match number {
        5 => red(person, number, number.into()),
        _ => calm(person, number, number.into()),
    };
    (0..PERSONS).map(|person| (0..EACH).map(|number| reading(person, number)).collect()).collect()
}

/// Everything in one request, then each reading again by itself from another place in the middle.
async fn offer_all(door: Door, by: HubId, caller: usize, start: Arc<Barrier>) -> Result<Vec<ReadingOutcome>, Fails> {
    let heard = |admitted: &Admitted| heard_by(admitted, &by, i64::try_from(caller).unwrap_or(0));
    let people: Vec<Vec<Admitted>> = morning().iter().map(|person| person.iter().map(heard).collect()).collect();
    let mut slices: Vec<_> = people.iter().map(|person| slice_of(person)).collect();
    slices.rotate_left(caller % PERSONS);
    let singly: Vec<Admitted> = people.into_iter().flatten().collect();
    let access = door.hub(&by)?;
    start.wait().await;
    let mut outcomes = Vec::new();
    for answer in door.apply(&access, slices, at(20)).await? {
        outcomes.extend(answer?.readings);
    }
    for admitted in singly.iter().cycle().skip(caller * 5).take(singly.len()) {
        outcomes.push(door.tell(admitted, at(21)).await?);
    }
    Ok(outcomes)
}

async fn race_of(stage: &mut Stage, hub_of: fn(usize) -> HubId) -> Holds {
    let (start, mut callers) = (Arc::new(Barrier::new(CALLERS)), JoinSet::new());
    for caller in 0..CALLERS {
        callers.spawn(offer_all(stage.door(), hub_of(caller), caller, Arc::clone(&start)));
    }
    let mut told: BTreeMap<ReadingId, Vec<ReadingOutcome>> = BTreeMap::new();
    while let Some(outcomes) = callers.join_next().await {
        for outcome in outcomes.doing("join a caller")?? {
            told.entry(id_of(&outcome)).or_default().push(outcome);
        }
    }
    let offered: BTreeSet<ReadingId> = morning().iter().flatten().map(|admitted| admitted.reading.id).collect();
    let readings = stage.readings().await?;
    same(&readings.len(), &offered.len(), "readings that are stored")?;
    same(&readings.iter().map(|stored| stored.reading.id).collect(), &offered, "which readings are stored")?;
    same(&told.keys().copied().collect(), &offered, "readings that were answered")?;
    for (id, outcomes) in &told {
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, ReadingOutcome::Stored { .. }));
        same(&stored.count(), &1, &format!("callers who were told that {id} is stored"))?;
        let verdicts: Vec<Option<&Verdict>> = outcomes.iter().map(verdict).collect();
        ensure(verdicts.iter().all(|verdict| verdict.is_some() && verdicts.first() == Some(verdict)), "one verdict")?;
    }
    let alerts = stage.alerts().await?;
    let people: BTreeSet<_> = alerts.iter().map(|alert| alert.patient.clone()).collect();
    same(&(alerts.len(), people), &(PERSONS, (0..PERSONS).map(pt).collect()), "alerts, one a person")?;
    same(&stage.lease(far(), at(30)).await?.len(), &PERSONS, "notifications, one an alert")?;
    let opened = stage.changes().await?.into_iter().filter(|change| change.kind == "alert-opened").count();
    same(&opened, &PERSONS, "alerts opened, by the log")
}

fn id_of(outcome: &ReadingOutcome) -> ReadingId {
    match outcome {
        ReadingOutcome::Stored { id, .. }
        | ReadingOutcome::Unassigned { id }
        | ReadingOutcome::Duplicate { id, .. }
        | ReadingOutcome::Erased { id }
        | ReadingOutcome::Conflict { id } => *id,
    }
}

/// Looks whether a reading is known before it is its turn to write: one that is under way elsewhere is not.
#[derive(Default)]
struct ChecksTooEarly {
    under_way: Mutex<BTreeMap<ReadingId, usize>>,
}

#[async_trait]
impl Fault for ChecksTooEarly {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        let mut ids = Vec::new();
        {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            for admitted in readings_of(&mut call.slices) {
                let others = under_way.entry(admitted.reading.id).or_default();
                if *others > 0 {
                    salt(admitted, &others.to_le_bytes());
                }
                *others += 1;
                ids.push(admitted.reading.id);
            }
        }
        let answers = call.on(real).await;
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            under_way.entry(id).and_modify(|others| *others = others.saturating_sub(1));
        }
        answers
    }
}
