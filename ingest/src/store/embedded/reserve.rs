//! Room on the disk that is kept for alerts.
//!
//! Invariants: when the disk is full, readings wait at their hubs, which keep them, and the room set aside is given up so
//! that notifications, acknowledgements and timers are still written; readings are taken again only once the room is set
//! aside anew.

use crate::disk::{Disk, RESERVE_BYTES};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// How often to try whether there is room again. Somebody has to make it, so this is soon enough.
const TRIED_EVERY: TimeDelta = TimeDelta::seconds(5);

/// The room set aside.
pub(super) struct Reserve {
    disk: Arc<dyn Disk>,
    is_kept: Arc<AtomicBool>,
    /// When it was last tried to set the room aside again.
    tried_at: Option<DateTime<Utc>>,
}

impl Reserve {
    /// Sets the room aside. A disk without it is full already, and one that has no such thing is only told so.
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        let reserve = Self { disk, is_kept: Arc::default(), tried_at: None };
        reserve.keep();
        reserve
    }

    fn keep(&self) {
        let is_kept = match self.disk.keep_reserve() {
            Ok(()) => true,
            Err(error) if is_full(&error) => false,
            Err(error) => {
                tracing::warn!(%error, "Could not set room aside for alerts on a full disk: {error}. Watch the disk.");
                true
            }
        };
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    /// Whether it is kept, for whoever only looks.
    pub(super) fn watch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_kept)
    }

    /// Whether what somebody else keeps too may be written.
    pub(super) fn may_take_more(&mut self, at: DateTime<Utc>) -> bool {
        if self.is_kept.load(Ordering::Relaxed) {
            return true;
        }
        if self.tried_at.is_none_or(|tried| (at - tried).abs() >= TRIED_EVERY) {
            self.tried_at = Some(at);
            self.keep();
            if self.is_kept.load(Ordering::Relaxed) {
                tracing::info!("The disk has room again: readings are taken.");
            }
        }
        self.is_kept.load(Ordering::Relaxed)
    }

    /// The disk is full.
    pub(super) fn give(&mut self) {
        if !self.is_kept.swap(false, Ordering::Relaxed) {
            return;
        }
        match self.disk.give_reserve() {
            Ok(()) => tracing::error!(
                "The disk is full. No more readings are taken; hubs keep them and try again. Alerts still go out from the room kept for them. Make room on the disk."
            ),
            Err(error) => {
                tracing::error!(%error, "The disk is full, and the room kept for alerts could not be given up: {error}. Make room on the disk.")
            }
        }
    }
}

/// Bytes kept.
pub(super) fn bytes(is_kept: &AtomicBool) -> u64 {
    if is_kept.load(Ordering::Relaxed) { RESERVE_BYTES } else { 0 }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
