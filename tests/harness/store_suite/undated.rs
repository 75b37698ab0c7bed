//! A frame with neither a number nor a time: heard by two hubs within 90 seconds it is one reading, and two equal ones
//! that one hub heard are two.
//!
//! Hub and moment stand in for what the device does not say, so its record differs wherever it was heard. The store joins
//! what one device told two hubs in equal bytes; what one hub heard twice was measured twice.

use super::{
    Check, Fails, Holds, Plant,
    cast::{at, hub, of_nobody, pt, undated},
    fault::{Answers, Call, Fault},
    same,
    shapes::{ChangesReadings, readings_of, salt},
    stage::{Stage, duplicate, stored},
};
use async_trait::async_trait;
use ingest::store::{ReadingOutcome, Store};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use vitals::{Admitted, RecordNumber, record::reading_id};

const GRAMS: u32 = 71_400;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "two hubs that hear one undated frame within 90 seconds make one reading",
            run: |stage| Box::pin(joined(stage)),
            plants: vec![
                Plant::new("nothing undated is joined", || {
                    ChangesReadings::new(|admitted, _| {
                        let hub = admitted.hub.clone();
                        admitted.reading.raw.bytes.extend(hub.as_str().bytes());
                    })
                }),
                Plant::new("what was joined is not known again", || {
                    ChangesReadings::new(|admitted, since| {
                        if since.offered > 1 {
                            salt(admitted, &since.offered.to_le_bytes());
                            admitted.reading.raw.bytes.extend(since.offered.to_le_bytes());
                        }
                    })
                }),
                Plant::new("what was heard is kept in memory only", || {
                    ChangesReadings::new(|admitted, since| {
                        if since.reopened > 0 {
                            salt(admitted, &since.reopened.to_le_bytes());
                            admitted.reading.raw.bytes.extend(since.reopened.to_le_bytes());
                        }
                    })
                }),
            ],
        },
        Check {
            name: "other contents for a record that was joined are a conflict",
            run: |stage| Box::pin(other_contents(stage)),
            plants: vec![Plant::new("other contents are taken for the same", || {
                ChangesReadings::new(|admitted, _| {
                    let plain = undated(1, &hub(0), 0, GRAMS).reading;
                    (admitted.reading.raw, admitted.reading.value) = (plain.raw, plain.value);
                })
            })],
        },
        Check {
            name: "two equal weighings that both hubs hear are two readings",
            run: |stage| Box::pin(both_hear_both(stage)),
            plants: vec![Plant::new("equal bytes are one reading, whoever heard them", JoinsAll::default)],
        },
        Check {
            name: "a hub that heard one weighing and now hears the next is told that it is new",
            run: |stage| Box::pin(second_by_the_other(stage)),
            plants: vec![Plant::new("equal bytes are one reading, whoever heard them", JoinsAll::default)],
        },
        Check {
            name: "equal undated frames are two readings where one hub heard both, or more than 90 seconds apart",
            run: |stage| Box::pin(two(stage)),
            plants: vec![
                Plant::new("equal bytes are one reading, whoever heard them", JoinsAll::default),
                Plant::new("equal bytes of two hubs are one reading, however far apart", JoinsOtherHubs::default),
            ],
        },
        Check {
            name: "one undated frame that hubs have for different people stays with each of them",
            run: |stage| Box::pin(other_people(stage)),
            plants: vec![
                Plant::new("equal bytes are one reading, whoever heard them", JoinsAll::default),
                Plant::new("equal bytes of two hubs are one reading, whomever they are of", JoinsOtherHubs::default),
                Plant::new("the newest frame is known for one person only", OnlyTheNewest::default),
            ],
        },
        Check {
            name: "undated frames of other bytes or another device are not joined",
            run: |stage| Box::pin(apart(stage)),
            plants: vec![
                Plant::new("bytes do not count", || JoinsAll { ignores: Ignores::Bytes, ..JoinsAll::default() }),
                Plant::new("the device does not count", || JoinsAll {
                    ignores: Ignores::Device,
                    ..JoinsAll::default()
                }),
            ],
        },
    ]
}

async fn tell(stage: &Stage, admitted: &Admitted) -> Result<ReadingOutcome, Fails> {
    stage.tell(admitted, admitted.server_received).await
}

async fn count(stage: &Stage) -> Result<usize, Fails> {
    Ok(stage.readings().await?.len())
}

async fn joined(stage: &mut Stage) -> Holds {
    let (first, second) = (undated(1, &hub(0), 0, GRAMS), undated(1, &hub(1), 89, GRAMS));
    let told = tell(stage, &first).await?;
    let again = tell(stage, &second).await?;
    same(&duplicate(&again)?, &Some(stored(&told)?), "what the other hub is told")?;
    // Both are known from now on, by whichever record they come again.
    stage.reopen().await?;
    for known in [&second, &first] {
        same(&duplicate(&tell(stage, known).await?)?, &Some(stored(&told)?), "told again")?;
    }
    same(&count(stage).await?, &1, "readings")?;
    // The hub that heard it first may also be the one that is heard second.
    let (late, early) = (undated(2, &hub(0), 80, GRAMS), undated(2, &hub(1), 0, GRAMS));
    stored(&tell(stage, &late).await?)?;
    stage.reopen().await?;
    duplicate(&tell(stage, &early).await?)?;
    same(&stage.refusals().await?, &Vec::new(), "conflicts")?;
    same(&count(stage).await?, &2, "readings")
}

async fn other_contents(stage: &mut Stage) -> Holds {
    let (first, second) = (undated(1, &hub(0), 0, GRAMS), undated(1, &hub(1), 10, GRAMS));
    stored(&tell(stage, &first).await?)?;
    duplicate(&tell(stage, &second).await?)?;
    for (rows, mut other) in (1..).zip([second, first.clone()]) {
        let heavier = undated(1, &hub(0), 0, GRAMS + 100).reading;
        (other.reading.raw, other.reading.value) = (heavier.raw, heavier.value);
        let outcome = tell(stage, &other).await?;
        same(&outcome, &ReadingOutcome::Conflict { id: other.reading.id }, "other contents")?;
        same(&stage.refusals().await?.len(), &rows, "conflicts shown")?;
    }
    same(&super::only(stage.readings().await?, "readings")?.reading, &first.reading, "the first stays")
}

async fn both_hear_both(stage: &mut Stage) -> Holds {
    for secs in [0, 60] {
        for (by, later) in [(0, 0), (1, 1)] {
            let outcome = tell(stage, &undated(1, &hub(by), secs + later, GRAMS)).await?;
            same(&stored(&outcome).is_ok(), &(by == 0), &format!("hub {by} at {secs} s is new"))?;
        }
    }
    same(&count(stage).await?, &2, "readings")
}

/// The hub that was second to hear the first weighing is first to hear the next.
async fn second_by_the_other(stage: &mut Stage) -> Holds {
    for (by, secs, is_new) in [(0, 0, true), (1, 1, false), (1, 60, true), (0, 61, false)] {
        let outcome = tell(stage, &undated(1, &hub(by), secs, GRAMS)).await?;
        same(&stored(&outcome).is_ok(), &is_new, &format!("hub {by} at {secs} s is new"))?;
    }
    same(&count(stage).await?, &2, "readings")
}

async fn two(stage: &mut Stage) -> Holds {
    for (grams, (by, secs)) in (GRAMS..).zip([(0, 20), (0, 89), (1, 91), (1, 3600)]) {
        let before = count(stage).await?;
        stored(&tell(stage, &undated(1, &hub(0), 0, grams)).await?)?;
        stored(&tell(stage, &undated(1, &hub(by), secs, grams)).await?)?;
        same(&count(stage).await?, &(before + 2), &format!("readings after hub {by} at {secs} s"))?;
    }
    // In one slice of one hub, too.
    let both = [0, 20].map(|secs| undated(2, &hub(0), secs, 2 * GRAMS));
    let slices = vec![super::cast::slice_of(&both)];
    let outcome = super::only(stage.apply(&stage.hub(&hub(0))?, slices, at(30)).await?, "answers to one slice")??;
    same(&outcome.readings.iter().filter(|reading| stored(reading).is_ok()).count(), &2, "of one slice, stored")
}

/// A scale in a hall, that hubs have for different people or for nobody yet: whose weight it is, nobody may guess, and each
/// is judged where its hub put it.
async fn other_people(stage: &mut Stage) -> Holds {
    let told = tell(stage, &undated(1, &hub(0), 0, GRAMS)).await?;
    stored(&told)?;
    stored(&tell(stage, &undated(2, &hub(1), 5, GRAMS)).await?)?;
    let inbox = of_nobody(&undated(1, &hub(2), 10, GRAMS));
    same(&tell(stage, &inbox).await?, &ReadingOutcome::Unassigned { id: inbox.reading.id }, "of nobody yet")?;
    // Each is known again to those who have it for the same person, also where another's came since.
    stage.reopen().await?;
    let again = tell(stage, &undated(1, &hub(3), 15, GRAMS)).await?;
    same(&duplicate(&again)?, &Some(stored(&told)?), "the first person's, by a fourth hub")?;
    duplicate(&tell(stage, &undated(2, &hub(4), 20, GRAMS)).await?)?;
    duplicate(&tell(stage, &of_nobody(&undated(1, &hub(5), 25, GRAMS))).await?)?;
    let whose: Vec<_> = stage.readings().await?.into_iter().map(|kept| kept.reading.who).collect();
    same(&whose, &[2, 1].map(|n| vitals::Who::Patient(pt(n))).to_vec(), "whose the readings are, the newest first")?;
    same(&stage.unassigned().await?.len(), &1, "readings of nobody")?;
    same(&stage.refusals().await?, &Vec::new(), "conflicts")
}

async fn apart(stage: &mut Stage) -> Holds {
    let first = undated(1, &hub(0), 0, GRAMS);
    let heavier = undated(1, &hub(1), 10, GRAMS + 100);
    let mut elsewhere = undated(1, &hub(2), 10, GRAMS);
    elsewhere.reading.source = super::cast::cuff(1);
    elsewhere.reading.id = reading_id(&elsewhere.reading.source, elsewhere.reading.record);
    for (rows, admitted) in (1..).zip([&first, &heavier, &elsewhere]) {
        stored(&tell(stage, admitted).await?)?;
        same(&count(stage).await?, &rows, "readings")?;
    }
    Ok(())
}

/// Takes every equal frame of a device for the first one.
#[derive(Default)]
struct JoinsAll {
    ignores: Ignores,
    first: Mutex<BTreeMap<(String, Vec<u8>), Admitted>>,
}

/// What makes no difference to it.
#[derive(Default, PartialEq, Eq)]
enum Ignores {
    #[default]
    Nothing,
    Bytes,
    Device,
}

#[async_trait]
impl Fault for JoinsAll {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            for admitted in readings_of(&mut call.slices) {
                let (mut source, mut bytes) = (admitted.reading.source.to_string(), admitted.reading.raw.bytes.clone());
                match self.ignores {
                    Ignores::Nothing => {}
                    Ignores::Bytes => bytes.clear(),
                    Ignores::Device => source.clear(),
                }
                let key = (source, bytes);
                let kept = first.entry(key).or_insert_with(|| admitted.clone());
                take_for(admitted, kept);
            }
        }
        call.on(real).await
    }
}

/// Takes an equal frame that another hub heard for the first, whenever that was.
#[derive(Default)]
struct JoinsOtherHubs(Mutex<BTreeMap<(String, Vec<u8>), Admitted>>);

#[async_trait]
impl Fault for JoinsOtherHubs {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for admitted in readings_of(&mut call.slices) {
                let key = (admitted.reading.source.to_string(), admitted.reading.raw.bytes.clone());
                let kept = first.entry(key).or_insert_with(|| admitted.clone());
                if kept.hub != admitted.hub {
                    take_for(admitted, kept);
                }
            }
        }
        call.on(real).await
    }
}

/// Has each frame for new that is not of the person whose was the newest of its bytes.
#[derive(Default)]
struct OnlyTheNewest(Mutex<BTreeMap<Vec<u8>, vitals::Who>>);

#[async_trait]
impl Fault for OnlyTheNewest {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        {
            let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for admitted in readings_of(&mut call.slices) {
                let bytes = admitted.reading.raw.bytes.clone();
                let before = newest.insert(bytes, admitted.reading.who.clone());
                if before.is_some_and(|before| before != admitted.reading.who) {
                    let hub = admitted.hub.clone();
                    admitted.reading.raw.bytes.extend(hub.as_str().bytes());
                }
            }
        }
        call.on(real).await
    }
}

/// As if it were this one, come again.
fn take_for(admitted: &mut Admitted, kept: &Admitted) {
    admitted.reading.source = kept.reading.source.clone();
    admitted.reading.record = RecordNumber::from_bytes(*kept.reading.record.as_bytes());
    admitted.reading.id = kept.reading.id;
    admitted.reading.value = kept.reading.value.clone();
    admitted.reading.raw = kept.reading.raw.clone();
}
