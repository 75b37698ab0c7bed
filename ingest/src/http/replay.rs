//! Request numbers already received: each is used once. The store keeps them; this is its memory.

use crate::{
    access::{Access, Purpose},
    store::Store,
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use vitals::{
    ErrorCode, HubId,
    wire::signing::{ReplayWindow, RequestNumber},
};

/// The windows of all hubs heard since the start.
#[derive(Debug, Default)]
pub struct ReplayWindows(Mutex<BTreeMap<HubId, (u32, ReplayWindow)>>);

impl ReplayWindows {
    /// Takes a request's number, or says why it cannot be: used before, too old to tell, or of an epoch that has ended.
    pub(super) async fn take(&self, store: &dyn Store, hub: &HubId, number: RequestNumber) -> Result<(), ErrorCode> {
        if !self.knows(hub) {
            let kept = store
                .replay_window(&Access::system(Purpose::Receive), hub)
                .await
                .map_err(|_cause| ErrorCode::StoreUnavailable)?;
            self.learn(hub, kept.unwrap_or_default());
        }
        self.take_known(hub, number)
    }

    fn knows(&self, hub: &HubId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(hub)
    }

    /// What another request has learned meanwhile stays: it is newer than what the store said.
    fn learn(&self, hub: &HubId, kept: (u32, ReplayWindow)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(hub.clone()).or_insert(kept);
    }

    fn take_known(&self, hub: &HubId, number: RequestNumber) -> Result<(), ErrorCode> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (epoch, window) = windows.entry(hub.clone()).or_default();
        if number.epoch < *epoch {
            return Err(ErrorCode::EpochRetired);
        }
        if number.epoch > *epoch {
            (*epoch, *window) = (number.epoch, ReplayWindow::default());
        }
        if window.take(number.sequence) { Ok(()) } else { Err(ErrorCode::RequestReplayed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_once_and_an_ended_epoch_never() {
        let (windows, hub) = (ReplayWindows::default(), HubId::parse("hub-1").unwrap());
        let take = |epoch, sequence| windows.take_known(&hub, RequestNumber { epoch, sequence });
        assert_eq!(take(1, 1), Ok(()));
        assert_eq!(take(1, 1), Err(ErrorCode::RequestReplayed));
        assert_eq!(take(2, 1), Ok(()));
        assert_eq!(take(1, 2), Err(ErrorCode::EpochRetired));
        assert_eq!(take(2, 0), Err(ErrorCode::RequestReplayed));
    }
}
