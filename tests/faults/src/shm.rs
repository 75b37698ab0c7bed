#![expect(
    unsafe_code,
    reason = "SQLite keeps pointers into the shared memory of its log, and writes there as it likes"
)]
//! The memory that connections to one database share: the index of its log. On the heap, for one process.

use crate::locks::{HandleId, Slot};
use std::{collections::BTreeSet, ffi::c_void, ptr::NonNull};

/// How many lockable slots SQLite has there.
pub(crate) const SLOTS: usize = 8;

/// The shared memory of one database; gone when nobody has it open, as its file would be made anew.
#[derive(Default)]
pub(crate) struct Shm {
    regions: Vec<Region>,
    /// Who holds which slot.
    pub(crate) slots: [Slot; SLOTS],
    users: BTreeSet<HandleId>,
}

/// A piece of memory of which SQLite has the address.
struct Region(NonNull<[u64]>);

// SAFETY: a region is owned by one `Shm` and touched through raw pointers only: by SQLite, which orders its own accesses
// by the slots' locks and barriers. Moving the owner to another thread moves nothing of the region.
unsafe impl Send for Region {}

impl Region {
    /// Zeroed, and aligned for the 64-bit words SQLite may read there.
    fn new(bytes: usize) -> Self {
        let words = vec![0_u64; bytes.div_ceil(8)].into_boxed_slice();
        Self(NonNull::from(Box::leak(words)))
    }

    fn address(&self) -> *mut c_void {
        self.0.as_ptr().cast()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the pointer came from `Box::leak` in `new` and is given back once, here. No connection uses it any
        // more: `Shm::leave` drops regions only when its last user has unmapped them.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl Shm {
    /// The address of a region of so many bytes, made where it is missing and `extends`; null where it is missing.
    pub(crate) fn map(&mut self, who: HandleId, region: usize, bytes: usize, extends: bool) -> *mut c_void {
        self.users.insert(who);
        while extends && self.regions.len() <= region {
            self.regions.push(Region::new(bytes));
        }
        self.regions.get(region).map_or(std::ptr::null_mut(), Region::address)
    }

    /// A connection has done with it.
    pub(crate) fn leave(&mut self, who: HandleId) {
        self.users.remove(&who);
        self.slots.iter_mut().for_each(|slot| slot.release(who));
        if self.users.is_empty() {
            self.regions.clear();
        }
    }
}
