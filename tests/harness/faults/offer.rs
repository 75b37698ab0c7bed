//! What a store holds, and every hub offering everything again: the last word on what is stored once.

use super::{
    cast::Cast,
    load::{Request, is_breach},
    play::{ROWS, reading_of, slices},
    truth::{Held, Truth, Wrong},
};
use crate::trouble::Trouble;
use chrono::{DateTime, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{Committed, ReadError, ReadingOutcome, Store},
};
use rules::Verdict;
use std::collections::BTreeSet;
use vitals::{ReadingId, wire::signing::RequestNumber};

/// The first number of the requests that offer again; no script comes so far.
const FIRST_NUMBER: u64 = 1_000_000;

/// What a store holds.
///
/// # Errors
/// [`ReadError`] of the store.
pub async fn held(store: &dyn Store) -> Result<Held, ReadError> {
    let follow = Access::system(Purpose::Follow);
    let mut readings = store.readings(&follow, ROWS).await?;
    readings.extend(store.unassigned(&follow, ROWS).await?);
    Ok(Held { readings, alerts: store.alerts(&follow, ROWS).await? })
}

/// Every hub offers everything again, under new numbers: what was there is known, what was not is stored, and then all is
/// there once, every breach with its alert.
///
/// # Errors
/// [`Trouble`] where a hub has no access.
pub async fn offer_again(
    store: &dyn Store,
    cast: &Cast,
    truth: &Truth,
    before: &Held,
    at: DateTime<Utc>,
) -> Result<Wrong, Trouble> {
    let mut wrong = Wrong::default();
    let there: BTreeSet<ReadingId> = before.readings.iter().map(|stored| stored.reading.id).collect();
    for (hub, sequence) in cast.hubs.iter().map(|(hub, _)| hub).zip(FIRST_NUMBER..) {
        let own = truth.readings.iter().map(|known| &known.admitted).filter(|admitted| admitted.hub == *hub);
        let number = RequestNumber { epoch: 1, sequence };
        let request = Request { hub: hub.clone(), number, readings: own.cloned().collect(), refused: Vec::new() };
        for answer in store.apply(cast.hub(hub)?, slices(&request), cast.decide.clone(), at).await {
            match answer.map(Committed::into_inner) {
                Ok(outcome) => wrong.other += outcome.readings.iter().filter(|one| !is_right(one, &there)).count(),
                Err(error) => wrong.words.push(format!("offered again: {error}")),
            }
        }
    }
    match held(store).await {
        Ok(held) => wrong.add(everything_once(truth, &held)),
        Err(error) => wrong.words.push(format!("could not be read after all was offered again: {error}")),
    }
    Ok(wrong)
}

fn everything_once(truth: &Truth, held: &Held) -> Wrong {
    let mut wrong = Wrong::default();
    let now: BTreeSet<ReadingId> = held.readings.iter().map(|stored| stored.reading.id).collect();
    wrong.duplicated += held.readings.len() - now.len();
    wrong.lost += truth.readings.iter().filter(|known| !now.contains(&known.admitted.reading.id)).count();
    wrong.other += usize::from(now.len() != truth.readings.len());
    let alerts: BTreeSet<_> = held.alerts.iter().map(|alert| alert.id).collect();
    wrong.alerts += held.alerts.len() - alerts.len();
    for stored in &held.readings {
        if let Some(Verdict::Evaluated { alerts: named, .. }) = &stored.verdict {
            wrong.alerts += usize::from(is_breach(&stored.reading) && named.is_empty());
            wrong.alerts += named.iter().filter(|id| !alerts.contains(id)).count();
        }
    }
    wrong
}

/// Whether an answer to a reading offered again fits what was there before.
fn is_right(outcome: &ReadingOutcome, there: &BTreeSet<ReadingId>) -> bool {
    let was_there = there.contains(&reading_of(outcome));
    match outcome {
        ReadingOutcome::Duplicate { .. } | ReadingOutcome::Conflict { .. } => was_there,
        ReadingOutcome::Stored { .. } | ReadingOutcome::Unassigned { .. } => !was_there,
        // Nobody's record ends in these.
        ReadingOutcome::Erased { .. } => false,
    }
}
