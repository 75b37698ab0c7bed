//! Any story at all: random requests against the store and against a small model in memory, which must tell the same.
//!
//! The stories come from a fixed seed, so that a run that fails fails again; the shortest story found that still differs
//! is what is told.

mod model;
mod person;
mod play;
mod steps;

use super::{
    Check, Fails, Holds, Plant, cast,
    fault::{Answers, Call, Fault},
    shapes::{ChangesDecisions, ChangesSlices, Decided, readings_of, salt},
    stage::Stage,
};
use crate::trouble::Trouble;
use async_trait::async_trait;
use ingest::store::Store;
use play::Play;
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use rules::{Delivery, Event};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
};
use steps::{Step, story};
use tokio::runtime::Handle;
use vitals::ReadingId;

/// How many stories are told, each to a store of its own.
const STORIES: usize = 32;

/// How often a story that differs is shortened.
const SHORTENED_MAX: usize = 300;

pub(super) fn checks() -> Vec<Check> {
    vec![Check {
        name: "any story of requests reads as the model in memory has it",
        run: |stage| Box::pin(async { stories(stage) }),
        plants: vec![
            Plant::new("a reading is forgotten after eight others", RemembersEight::default),
            Plant::new("timers are never cancelled", || {
                ChangesDecisions(|decided: Decided<'_>| decided.decisions.cancelled.clear())
            }),
            Plant::new("the second alert of a slice is not stored", || {
                ChangesDecisions(|decided: Decided<'_>| decided.decisions.alerts.truncate(1))
            }),
            Plant::new("what failed is sent again at once", || {
                ChangesSlices::new(|slice, _| {
                    for event in &mut slice.events {
                        if let Event::Delivered { delivery: Delivery::Failed { next_try_at }, .. } = event {
                            *next_try_at = cast::at(0);
                        }
                    }
                })
            }),
            Plant::new("numbers are kept in memory only", || {
                ChangesSlices::new(|slice, reopened| {
                    for event in &mut slice.events {
                        if let Event::Received { number, .. } = event {
                            number.epoch += u32::try_from(reopened).unwrap_or(0);
                        }
                    }
                })
            }),
        ],
    }]
}

/// What proptest keeps of a story cannot be handed to another thread, so this one waits for each.
fn stories(stage: &mut Stage) -> Holds {
    tokio::task::block_in_place(|| Handle::current().block_on(all(stage)))
}

async fn all(stage: &mut Stage) -> Holds {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let (mut runner, stories) = (TestRunner::new_with_rng(Config::default(), rng), story());
    for _ in 0..STORIES {
        let mut tree = stories.new_tree(&mut runner).map_err(|why| Trouble::new("make up a story", why.to_string()))?;
        if let Err(first) = tell(stage, &tree.current()).await {
            return Err(if stage.is_genuine { shortest(stage, &mut tree, first).await } else { first });
        }
    }
    Ok(())
}

/// One story, told to a store without anything in it.
async fn tell(stage: &mut Stage, steps: &[Step]) -> Holds {
    stage.renew().await?;
    let mut play = Play::new(stage);
    for step in steps {
        play.step(step).await?;
    }
    play.reads_the_same().await
}

/// The shortest story found that still differs, and how.
async fn shortest(stage: &mut Stage, tree: &mut impl ValueTree<Value = Vec<Step>>, first: Fails) -> Fails {
    let (mut told, mut steps, mut goes_on) = (first, tree.current(), tree.simplify());
    for _ in 0..SHORTENED_MAX {
        if !goes_on {
            break;
        }
        goes_on = match tell(stage, &tree.current()).await {
            Err(fails) => {
                (told, steps) = (fails, tree.current());
                tree.simplify()
            }
            Ok(()) => tree.complicate(),
        };
    }
    match told {
        Fails::Broken(how) => Fails::Broken(format!("after {steps:?}: {how}")),
        Fails::Trouble(trouble) => Fails::Trouble(trouble),
    }
}

/// Knows a reading again only while it is among the last eight that came.
#[derive(Default)]
struct RemembersEight {
    lately: Mutex<VecDeque<ReadingId>>,
    ever: Mutex<BTreeSet<ReadingId>>,
}

#[async_trait]
impl Fault for RemembersEight {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for admitted in readings_of(&mut call.slices) {
            let id = admitted.reading.id;
            let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
            let is_new = self.ever.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            if !is_new && !lately.contains(&id) {
                salt(admitted, b"forgotten");
            }
            lately.push_back(id);
            while lately.len() > 8 {
                lately.pop_front();
            }
        }
        call.on(real).await
    }
}
