//! Request numbers already received: each is used once. The store keeps them; this is its memory.
//!
//! A batch's number is committed with the batch. A hello's lives here and is kept in bulk, every heartbeat and at the stop: a
//! service that is killed may take a hello of its last ten seconds again, which tells it nothing new.

use crate::{
    access::{Access, Purpose},
    store::{ApplyError, Decide, Slice, Store, Subject},
};
use chrono::{DateTime, Utc};
use rules::Event;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use vitals::{
    ErrorCode, HubId,
    wire::signing::{ReplayWindow, RequestNumber, WINDOW},
};

/// Most hubs whose numbers are kept in one write: a write then holds up a batch for some milliseconds and no longer.
const HUBS_IN_A_WRITE: usize = 512;

/// The windows of all hubs heard since the start.
#[derive(Debug, Default)]
pub struct ReplayWindows(Mutex<Windows>);

#[derive(Debug, Default)]
struct Windows {
    of_hubs: HashMap<HubId, (u32, ReplayWindow)>,
    /// Numbers that are not in the store yet, by hub; never more of one than a window is wide.
    not_kept: BTreeMap<HubId, Vec<RequestNumber>>,
}

impl ReplayWindows {
    /// Takes a request's number, or says why it cannot be: used before, too old to tell, or of an epoch that has ended.
    /// Whoever asks commits it.
    pub(super) async fn take(&self, store: &dyn Store, hub: &HubId, number: RequestNumber) -> Result<(), ErrorCode> {
        if let Some(taken) = self.take_known(hub, number) {
            return taken;
        }
        let kept = store
            .replay_window(&Access::system(Purpose::Receive), hub)
            .await
            .map_err(|_cause| ErrorCode::StoreUnavailable)?;
        self.learn_and_take(hub, kept.unwrap_or_default(), number)
    }

    /// As [`ReplayWindows::take`], for a request that writes nothing: its number is kept with the next bulk.
    pub(super) async fn take_to_keep(
        &self,
        store: &dyn Store,
        hub: &HubId,
        number: RequestNumber,
    ) -> Result<(), ErrorCode> {
        self.take(store, hub, number).await?;
        self.note(hub, number);
        Ok(())
    }

    /// Puts the numbers that wait into the store. Where none waits, an empty write: either way the store's writer has
    /// answered when this returns.
    ///
    /// # Errors
    /// [`ApplyError`] where the store did not take some of them; those wait on.
    pub(crate) async fn keep(
        &self,
        store: &dyn Store,
        decide: &Arc<dyn Decide>,
        at: DateTime<Utc>,
    ) -> Result<(), ApplyError> {
        let waiting: Vec<(HubId, Vec<RequestNumber>)> =
            self.lock().not_kept.iter().map(|(hub, numbers)| (hub.clone(), numbers.clone())).collect();
        let mut failed = None;
        let nobody: &[(HubId, Vec<RequestNumber>)] = &[];
        let groups = if waiting.is_empty() { vec![nobody] } else { waiting.chunks(HUBS_IN_A_WRITE).collect() };
        for group in groups {
            let mut slices: Vec<Slice> = group.iter().flat_map(|(hub, numbers)| received(hub, numbers)).collect();
            if slices.is_empty() {
                slices.push(Slice { subject: Subject::Service, events: Vec::new() });
            }
            let answers = store.apply(&Access::system(Purpose::Receive), slices, decide.clone(), at).await;
            let mut answers = answers.into_iter();
            if group.is_empty() {
                failed = answers.find_map(Result::err);
            }
            for (hub, numbers) in group {
                for number in numbers {
                    match answers.next() {
                        // Taken already, or too old to be taken: either way nobody can use it again.
                        Some(Ok(_) | Err(ApplyError::Replayed)) => self.forget(hub, *number),
                        Some(Err(error)) => failed = Some(error),
                        None => failed = Some(ApplyError::Unavailable("a slice was not answered".to_owned())),
                    }
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a number may still be taken, as far as is known since the start; takes nothing.
    pub(super) fn is_not_used(&self, hub: &HubId, number: RequestNumber) -> Result<(), ErrorCode> {
        self.lock().of_hubs.get(hub).map_or(Ok(()), |known| take(&mut known.clone(), number))
    }

    /// None where nothing is known of the hub since the start.
    fn take_known(&self, hub: &HubId, number: RequestNumber) -> Option<Result<(), ErrorCode>> {
        self.lock().of_hubs.get_mut(hub).map(|known| take(known, number))
    }

    /// What another request has learned meanwhile stays: it is newer than what the store said.
    fn learn_and_take(&self, hub: &HubId, kept: (u32, ReplayWindow), number: RequestNumber) -> Result<(), ErrorCode> {
        take(self.lock().of_hubs.entry(hub.clone()).or_insert(kept), number)
    }

    fn note(&self, hub: &HubId, number: RequestNumber) {
        let mut windows = self.lock();
        let numbers = windows.not_kept.entry(hub.clone()).or_default();
        numbers.push(number);
        // What falls out is below the window that the store will keep, so it is refused all the same.
        if u64::try_from(numbers.len()).unwrap_or(u64::MAX) > WINDOW {
            numbers.sort_unstable();
            numbers.remove(0);
        }
    }

    fn forget(&self, hub: &HubId, number: RequestNumber) {
        let mut windows = self.lock();
        if let Some(numbers) = windows.not_kept.get_mut(hub) {
            numbers.retain(|waiting| *waiting != number);
            if numbers.is_empty() {
                windows.not_kept.remove(hub);
            }
        }
    }
}

/// Takes a number of what is known of its hub.
fn take((epoch, window): &mut (u32, ReplayWindow), number: RequestNumber) -> Result<(), ErrorCode> {
    if number.epoch < *epoch {
        return Err(ErrorCode::EpochRetired);
    }
    if number.epoch > *epoch {
        (*epoch, *window) = (number.epoch, ReplayWindow::default());
    }
    if window.take(number.sequence) { Ok(()) } else { Err(ErrorCode::RequestReplayed) }
}

/// A slice for each number, so that one that is refused holds up no other.
fn received(hub: &HubId, numbers: &[RequestNumber]) -> Vec<Slice> {
    let slice = |number: &RequestNumber| Slice {
        subject: Subject::Service,
        events: vec![Event::Received { hub: hub.clone(), number: *number }],
    };
    numbers.iter().map(slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once_and_an_ended_epoch_never() {
        let (windows, hub) = (ReplayWindows::default(), HubId::parse("hub-1").unwrap());
        let number = |epoch, sequence| RequestNumber { epoch, sequence };
        assert_eq!(windows.take_known(&hub, number(1, 1)), None, "the store has not been asked");
        assert_eq!(windows.learn_and_take(&hub, (0, ReplayWindow::default()), number(1, 1)), Ok(()));
        let learned_late = windows.learn_and_take(&hub, (0, ReplayWindow::default()), number(1, 1));
        assert_eq!(learned_late, Err(ErrorCode::RequestReplayed), "what is known is newer than what the store said");
        let take = |epoch, sequence| windows.take_known(&hub, number(epoch, sequence)).unwrap();
        assert_eq!(take(1, 1), Err(ErrorCode::RequestReplayed));
        assert_eq!(take(2, 1), Ok(()));
        assert_eq!(take(1, 2), Err(ErrorCode::EpochRetired));
        assert_eq!(take(2, 0), Err(ErrorCode::RequestReplayed));
    }

    #[test]
    fn numbers_that_wait_to_be_kept_are_never_more_than_a_window() {
        let (windows, hub) = (ReplayWindows::default(), HubId::parse("hub-1").unwrap());
        for sequence in (1..=WINDOW + 6).rev() {
            windows.note(&hub, RequestNumber { epoch: 1, sequence });
        }
        let waiting = windows.lock().not_kept[&hub].clone();
        assert_eq!(waiting.len(), usize::try_from(WINDOW).unwrap());
        assert!(waiting.iter().all(|number| number.sequence > 6), "the lowest fall out");
        waiting.iter().for_each(|number| windows.forget(&hub, *number));
        assert!(windows.lock().not_kept.is_empty());
    }
}
