//! Room for requests: how many bytes of bodies the service holds at once, and how many requests of one hub.
//!
//! Invariants: nothing of a body is held without room for it; a hub that asks too often stands in nobody's way but its own;
//! when room is short, large bodies, which are what a hub held back, go before small ones, which are what was just measured.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vitals::{ErrorCode, HubId};

/// Most bytes of bodies at once, as sent and unpacked: 32 of the largest, or some 80,000 of one reading. What is made of
/// them while they are applied takes about three times as much.
pub const BODIES_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Room that is left to small bodies.
const KEPT_FOR_SMALL: usize = BODIES_BYTES_MAX / 4;

/// A body up to this is small: a hundred readings, more than any home measures between two tries.
const SMALL_BYTES: usize = 64 * 1024;

/// Room is counted in these: a semaphore counts no further than 2^29 on a machine of 32 bits.
const UNIT_BYTES: usize = 64;

/// Most requests of one hub at once. A hub sends one at a time; the others are those whose connection broke and which the
/// service is still busy with.
const OF_ONE_HUB_MAX: usize = 16;

/// The room there is.
#[derive(Debug)]
pub struct Room {
    bytes: Arc<Semaphore>,
    hubs: Mutex<BTreeMap<HubId, usize>>,
}

/// Room that is held; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    _bytes: OwnedSemaphorePermit,
}

/// A request's turn among those of its hub; ends when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    room: &'a Room,
    hub: HubId,
}

impl Default for Room {
    fn default() -> Self {
        Self { bytes: Arc::new(Semaphore::new(BODIES_BYTES_MAX / UNIT_BYTES)), hubs: Mutex::default() }
    }
}

impl Room {
    /// Takes room for a body of this many bytes.
    ///
    /// # Errors
    /// [`ErrorCode::ServiceBusy`] where there is none.
    pub(super) fn hold(&self, bytes: usize) -> Result<Held, ErrorCode> {
        let units = |bytes: usize| bytes.div_ceil(UNIT_BYTES).max(1);
        let spare = if bytes > SMALL_BYTES { KEPT_FOR_SMALL } else { 0 };
        if self.bytes.available_permits() < units(bytes) + spare / UNIT_BYTES {
            return Err(ErrorCode::ServiceBusy);
        }
        let wanted = u32::try_from(units(bytes)).map_err(|_too_many| ErrorCode::ServiceBusy)?;
        let held = Arc::clone(&self.bytes).try_acquire_many_owned(wanted);
        held.map(|_bytes| Held { _bytes }).map_err(|_none_left| ErrorCode::ServiceBusy)
    }

    /// Takes a turn for a request of a hub.
    ///
    /// # Errors
    /// [`ErrorCode::ServiceBusy`] where the hub has [`OF_ONE_HUB_MAX`] under way.
    pub(super) fn enter(&self, hub: &HubId) -> Result<Turn<'_>, ErrorCode> {
        let mut hubs = self.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        match hubs.get_mut(hub) {
            Some(under_way) if *under_way >= OF_ONE_HUB_MAX => return Err(ErrorCode::ServiceBusy),
            Some(under_way) => *under_way += 1,
            None => drop(hubs.insert(hub.clone(), 1)),
        }
        Ok(Turn { room: self, hub: hub.clone() })
    }

    /// How many bytes are held.
    pub(crate) fn held_bytes(&self) -> usize {
        BODIES_BYTES_MAX.saturating_sub(self.bytes.available_permits() * UNIT_BYTES)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut hubs = self.room.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = hubs.get_mut(&self.hub) {
            *under_way -= 1;
            if *under_way == 0 {
                hubs.remove(&self.hub);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_leave_room_for_small_ones_and_all_of_it_comes_back() {
        let room = Room::default();
        let large: Vec<Held> = std::iter::from_fn(|| room.hold(2 * 1024 * 1024).ok()).collect();
        assert_eq!(large.len(), 24, "three quarters of the room");
        let small: Vec<Held> = std::iter::from_fn(|| room.hold(SMALL_BYTES).ok()).collect();
        assert_eq!(small.len(), KEPT_FOR_SMALL / SMALL_BYTES);
        assert_eq!((room.hold(1).err(), room.held_bytes()), (Some(ErrorCode::ServiceBusy), BODIES_BYTES_MAX));
        drop((large, small));
        assert_eq!(room.held_bytes(), 0);
    }

    #[test]
    fn a_hub_has_its_turns_and_another_hub_has_its_own() {
        let (room, one, other) =
            (Room::default(), HubId::parse("hub-one").unwrap(), HubId::parse("hub-other").unwrap());
        let turns: Vec<Turn<'_>> = std::iter::from_fn(|| room.enter(&one).ok()).collect();
        assert_eq!(turns.len(), OF_ONE_HUB_MAX);
        assert!(room.enter(&other).is_ok());
        drop(turns);
        assert!(room.enter(&one).is_ok() && room.hubs.lock().unwrap().is_empty(), "nothing is remembered of who left");
    }
}
