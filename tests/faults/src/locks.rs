//! Who holds which lock, as SQLite means them: on a database file, and on the slots of its shared memory.

use rusqlite::ffi;
use std::collections::BTreeSet;

/// One open file.
pub(crate) type HandleId = u64;

/// The locks on a database file.
#[derive(Debug, Default)]
pub(crate) struct FileLocks {
    shared: BTreeSet<HandleId>,
    reserved: Option<HandleId>,
    pending: Option<HandleId>,
    exclusive: Option<HandleId>,
}

impl FileLocks {
    /// Raises a handle's lock from one level to another. The level it then has, and the code for SQLite.
    pub(crate) fn raise(&mut self, who: HandleId, from: i32, to: i32) -> (i32, i32) {
        let is_others = |holder: Option<HandleId>| holder.is_some_and(|holder| holder != who);
        if from >= to {
            return (from, ffi::SQLITE_OK);
        }
        if is_others(self.exclusive) || (is_others(self.pending) && from == ffi::SQLITE_LOCK_NONE) {
            return (from, ffi::SQLITE_BUSY);
        }
        if to == ffi::SQLITE_LOCK_SHARED {
            self.shared.insert(who);
            return (to, ffi::SQLITE_OK);
        }
        if is_others(self.reserved) {
            return (from, ffi::SQLITE_BUSY);
        }
        if to == ffi::SQLITE_LOCK_RESERVED {
            self.reserved = Some(who);
            return (to, ffi::SQLITE_OK);
        }
        if is_others(self.pending) {
            return (from, ffi::SQLITE_BUSY);
        }
        self.pending = Some(who);
        if self.shared.iter().any(|holder| *holder != who) {
            return (ffi::SQLITE_LOCK_PENDING, ffi::SQLITE_BUSY);
        }
        self.exclusive = Some(who);
        (ffi::SQLITE_LOCK_EXCLUSIVE, ffi::SQLITE_OK)
    }

    /// Lowers a handle's lock to a level.
    pub(crate) fn lower(&mut self, who: HandleId, to: i32) {
        for lock in [&mut self.reserved, &mut self.pending, &mut self.exclusive] {
            if *lock == Some(who) {
                *lock = None;
            }
        }
        if to == ffi::SQLITE_LOCK_NONE {
            self.shared.remove(&who);
        }
    }

    /// Whether anybody is about to write.
    pub(crate) fn is_reserved(&self) -> bool {
        self.reserved.or(self.pending).or(self.exclusive).is_some()
    }
}

/// One lockable slot of the shared memory.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    shared: BTreeSet<HandleId>,
    exclusive: Option<HandleId>,
}

impl Slot {
    fn may(&self, who: HandleId, is_exclusive: bool) -> bool {
        let is_others = self.exclusive.is_some_and(|holder| holder != who);
        !is_others && (!is_exclusive || self.shared.iter().all(|holder| *holder == who))
    }

    fn take(&mut self, who: HandleId, is_exclusive: bool) {
        if is_exclusive {
            self.exclusive = Some(who);
        } else {
            self.shared.insert(who);
        }
    }

    /// Gives up what a handle holds.
    pub(crate) fn release(&mut self, who: HandleId) {
        self.shared.remove(&who);
        if self.exclusive == Some(who) {
            self.exclusive = None;
        }
    }
}

/// Takes or releases slots, all of them or none; the code for SQLite.
pub(crate) fn slots(slots: &mut [Slot], who: HandleId, flags: i32) -> i32 {
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        slots.iter_mut().for_each(|slot| slot.release(who));
        return ffi::SQLITE_OK;
    }
    let is_exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if !slots.iter().all(|slot| slot.may(who, is_exclusive)) {
        return ffi::SQLITE_BUSY;
    }
    slots.iter_mut().for_each(|slot| slot.take(who, is_exclusive));
    ffi::SQLITE_OK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writes_while_many_read_and_an_exclusive_lock_waits_for_all_of_them() {
        let (shared, reserved, exclusive) =
            (ffi::SQLITE_LOCK_SHARED, ffi::SQLITE_LOCK_RESERVED, ffi::SQLITE_LOCK_EXCLUSIVE);
        let mut locks = FileLocks::default();
        assert_eq!(locks.raise(1, 0, shared), (shared, ffi::SQLITE_OK));
        assert_eq!(locks.raise(2, 0, shared), (shared, ffi::SQLITE_OK));
        assert_eq!(locks.raise(1, shared, reserved), (reserved, ffi::SQLITE_OK));
        assert_eq!(locks.raise(2, shared, reserved), (shared, ffi::SQLITE_BUSY));
        assert_eq!(locks.raise(1, reserved, exclusive), (ffi::SQLITE_LOCK_PENDING, ffi::SQLITE_BUSY));
        assert_eq!(locks.raise(3, 0, shared), (0, ffi::SQLITE_BUSY), "nobody new while one waits to write");
        locks.lower(2, 0);
        assert_eq!(locks.raise(1, ffi::SQLITE_LOCK_PENDING, exclusive), (exclusive, ffi::SQLITE_OK));
        assert!(locks.is_reserved());
        locks.lower(1, shared);
        assert!(!locks.is_reserved());
        assert_eq!(locks.raise(3, 0, shared), (shared, ffi::SQLITE_OK));
    }

    #[test]
    fn slots_are_taken_all_or_none() {
        let mut all: [Slot; 3] = Default::default();
        let [exclusive, shared] =
            [ffi::SQLITE_SHM_EXCLUSIVE, ffi::SQLITE_SHM_SHARED].map(|how| how | ffi::SQLITE_SHM_LOCK);
        assert_eq!(slots(&mut all[1..2], 1, shared), ffi::SQLITE_OK);
        assert_eq!(slots(&mut all, 2, exclusive), ffi::SQLITE_BUSY);
        assert_eq!(slots(&mut all[..1], 2, exclusive), ffi::SQLITE_OK);
        assert_eq!(slots(&mut all[..1], 1, shared), ffi::SQLITE_BUSY);
        assert_eq!(slots(&mut all[1..2], 2, shared), ffi::SQLITE_OK);
        assert_eq!(slots(&mut all, 2, ffi::SQLITE_SHM_UNLOCK), ffi::SQLITE_OK);
        assert_eq!(slots(&mut all[..1], 1, exclusive), ffi::SQLITE_OK);
    }
}
