//! A request's number is taken once, also across restarts, and an epoch that has ended stays ended.

use super::{
    Check, Holds, Plant,
    cast::{at, hub},
    ensure,
    fault::{Answers, Call, Fault},
    same,
    shapes::ChangesSlices,
    stage::Stage,
};
use crate::trouble::Doing;
use async_trait::async_trait;
use ingest::{
    access::{Access, Purpose},
    store::{ApplyError, ReadError, Store, Subject},
};
use rules::Event;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::{sync::Barrier, task::JoinSet};
use vitals::{
    HubId,
    wire::signing::{ReplayWindow, RequestNumber},
};

/// Changes each request number on its way in, given how often the store was opened again.
fn changed(change: fn(&mut RequestNumber, usize)) -> impl Fault {
    ChangesSlices::new(move |slice, reopened| {
        for event in &mut slice.events {
            if let Event::Received { number, .. } = event {
                change(number, reopened);
            }
        }
    })
}

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check {
            name: "a request's number is taken once, also once the store was opened again, and an ended epoch never",
            run: |stage| Box::pin(once(stage)),
            plants: vec![
                Plant::new("numbers are kept in memory only", || {
                    changed(|number, reopened| number.epoch += u32::try_from(reopened).unwrap_or(0))
                }),
                Plant::new("an ended epoch begins again", || {
                    changed(|number, _| {
                        if number.sequence > 0 {
                            number.sequence += u64::from(number.epoch) * 1000;
                        }
                        number.epoch = 1;
                    })
                }),
                Plant::new("only the highest number is kept", HighestOnly::default),
                Plant::new("the window is not told", || TellsNoWindow),
            ],
        },
        Check {
            name: "of eight requests with one number one is taken",
            run: |stage| Box::pin(race(stage)),
            plants: vec![Plant::new("numbers that come together are all taken", Together::default)],
        },
    ]
}

fn received(epoch: u32, sequence: u64) -> Vec<Event> {
    vec![Event::Received { hub: hub(0), number: RequestNumber { epoch, sequence } }]
}

async fn once(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    let rows = [
        (1, 0, false),
        (1, 5, true),
        (1, 5, false),
        (1, 3, true),
        (1, 3, false),
        (2, 1, true),
        (1, 6, false),
        (2, 1, false),
        (2, 70, true),
        (2, 2, false),
        (2, 69, true),
    ];
    for (epoch, sequence, is_taken) in rows {
        let answer = stage.one(&access, Subject::Service, received(epoch, sequence), at(1)).await?;
        same(&answer.is_ok(), &is_taken, &format!("{epoch}.{sequence} is taken"))?;
        ensure(is_taken || matches!(answer, Err(ApplyError::Replayed)), "and where not, because it was used")?;
        stage.reopen().await?;
    }
    let receive = Access::system(Purpose::Receive);
    let window = stage.store.replay_window(&receive, &hub(0)).await?;
    same(&window, &Some((2, ReplayWindow { highest: 70, seen: 0b11 })), "the window")?;
    same(&stage.store.replay_window(&receive, &hub(1)).await?, &None, "the window of a hub never heard")?;
    stage.one(&access, Subject::Service, received(2, u64::MAX), at(1)).await??;
    stage.reopen().await?;
    let window = stage.store.replay_window(&receive, &hub(0)).await?;
    same(&window, &Some((2, ReplayWindow { highest: u64::MAX, seen: 1 })), "all 64 bits are kept")?;
    // Another hub's numbers are its own.
    let other = vec![Event::Received { hub: hub(1), number: RequestNumber { epoch: 1, sequence: 5 } }];
    stage.one(&stage.hub(&hub(1))?, Subject::Service, other, at(2)).await??;
    Ok(())
}

async fn race(stage: &mut Stage) -> Holds {
    let access = stage.hub(&hub(0))?;
    for sequence in 1..=4 {
        let (start, mut callers) = (Arc::new(Barrier::new(8)), JoinSet::new());
        for _ in 0..8 {
            let (door, access, start) = (stage.door(), access.clone(), Arc::clone(&start));
            callers.spawn(async move {
                start.wait().await;
                door.one(&access, Subject::Service, received(1, sequence), at(1)).await
            });
        }
        let mut taken = 0;
        while let Some(answer) = callers.join_next().await {
            match answer.doing("join a caller")?? {
                Ok(_) => taken += 1,
                Err(ApplyError::Replayed) => {}
                Err(other) => return Err(other.into()),
            }
        }
        same(&taken, &1, "requests of one number that were taken")?;
    }
    Ok(())
}

/// Takes whatever is not the highest so far.
#[derive(Default)]
struct HighestOnly(AtomicU64);

#[async_trait]
impl Fault for HighestOnly {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        for event in call.slices.iter_mut().flat_map(|slice| &mut slice.events) {
            if let Event::Received { number, .. } = event {
                let before = self.0.fetch_max(number.sequence, Ordering::SeqCst);
                // An unused number below the highest stands for the one that came.
                if number.sequence < before && number.sequence > 0 {
                    number.sequence = before - 1;
                }
            }
        }
        call.on(real).await
    }
}

struct TellsNoWindow;

#[async_trait]
impl Fault for TellsNoWindow {
    async fn replay_window(
        &self,
        real: &dyn Store,
        who: &Access,
        hub: &HubId,
    ) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
        real.replay_window(who, hub).await.map(|_| None)
    }
}

/// Gives each number that comes while another is under way a number of its own.
#[derive(Default)]
struct Together(AtomicU64);

#[async_trait]
impl Fault for Together {
    async fn apply(&self, real: &dyn Store, mut call: Call) -> Answers {
        let others = self.0.fetch_add(1, Ordering::SeqCst);
        for event in call.slices.iter_mut().flat_map(|slice| &mut slice.events) {
            if let Event::Received { number, .. } = event {
                number.sequence += others * 8;
            }
        }
        let answers = call.on(real).await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        answers
    }
}
