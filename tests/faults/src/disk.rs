//! The disk itself: named files in memory, and what every call does to them. Safe code; [`crate::vfs`] calls it.
//!
//! Invariants: a call is counted before it is done, so that "call N fails" means the same in every run of one script;
//! what is recorded is exactly what was done, in order; temporary files are neither counted nor recorded.

use crate::{
    failure::{CallKind, Failure},
    image::Image,
    locks::{FileLocks, HandleId},
    replay::{Operation, Record},
    shm::Shm,
    vfs,
};
use rusqlite::{Connection, OpenFlags, ffi};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

/// What a disk writes whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Inner>);

pub(crate) struct Inner {
    id: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, File>,
    locks: BTreeMap<String, FileLocks>,
    shared: BTreeMap<String, Shm>,
    handles: HandleId,
    calls: u64,
    seen: Option<Vec<CallKind>>,
    failure: Option<(u64, Failure)>,
    syncs_until_failure: Option<u64>,
    failed: Option<CallKind>,
    keeps_synced: bool,
    room: Option<usize>,
    unsynced: Option<String>,
    record: Option<Record>,
    pages_read: Option<(u64, BTreeSet<u64>)>,
    closed_by_panic: usize,
}

#[derive(Default)]
struct File {
    bytes: Arc<Vec<u8>>,
    /// As of the last sync; kept only where a failed sync is to drop what came after it.
    synced: Arc<Vec<u8>>,
    is_temporary: bool,
}

static DISKS: Mutex<BTreeMap<u64, Weak<Inner>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(1);

fn disks() -> MutexGuard<'static, BTreeMap<u64, Weak<Inner>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Inner {
    fn drop(&mut self) {
        disks().remove(&self.id);
    }
}

impl Default for MemoryDisk {
    fn default() -> Self {
        Self::holding(Image::default())
    }
}

impl MemoryDisk {
    /// A disk that holds an image.
    #[must_use]
    pub fn holding(image: Image) -> Self {
        let file = |bytes: Arc<Vec<u8>>| File { synced: Arc::clone(&bytes), bytes, is_temporary: false };
        let files = image.0.into_iter().map(|(name, bytes)| (name, file(bytes))).collect();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::new(Inner { id, state: Mutex::new(State { files, ..State::default() }) });
        disks().insert(id, Arc::downgrade(&inner));
        Self(inner)
    }

    /// Opens a connection to a database on this disk.
    ///
    /// # Errors
    /// Whatever SQLite says.
    pub fn open(&self, name: &str, flags: OpenFlags) -> rusqlite::Result<Connection> {
        vfs::register()?;
        Connection::open_with_flags_and_vfs(format!("{}/{name}", self.0.id), flags, vfs::NAME)
    }

    /// What it holds now, as a process that is killed leaves it: synced or not.
    #[must_use]
    pub fn image(&self) -> Image {
        let state = self.0.state();
        let kept = state.files.iter().filter(|(_, file)| !file.is_temporary);
        Image(kept.map(|(name, file)| (name.clone(), Arc::clone(&file.bytes))).collect())
    }

    /// Puts other bytes in a file's place, behind everybody's back.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.0.state().file(name).bytes = Arc::new(bytes);
    }

    /// Flips one bit of a file, behind everybody's back. Whoever has the page in memory does not notice before
    /// [`crate::SecondHandle::forget_pages`].
    pub fn flip(&self, name: &str, bit: usize) {
        let mut state = self.0.state();
        if let Some(byte) = Arc::make_mut(&mut state.file(name).bytes).get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }

    /// From here on everything that changes a file is recorded; what is there now counts as safe.
    pub fn start_recording(&self) {
        let image = self.image();
        self.0.state().record = Some(Record::starting_from(image));
    }

    /// How many operations were recorded so far.
    #[must_use]
    pub fn recorded(&self) -> usize {
        self.0.state().record.as_ref().map_or(0, |record| record.operations.len())
    }

    /// The recording so far; it ends.
    #[must_use]
    pub fn take_record(&self) -> Option<Record> {
        self.0.state().record.take()
    }

    /// A disk that lies: a sync of files whose name ends so is answered and not done.
    pub fn pretend_to_sync(&self, ending: &str) {
        self.0.state().unsynced = Some(ending.to_owned());
    }

    /// Starts counting calls anew, and notes the kind of each.
    pub fn watch_calls(&self) {
        let mut state = self.0.state();
        state.calls = 0;
        state.seen = Some(Vec::new());
    }

    /// The kinds of the calls since [`MemoryDisk::watch_calls`].
    #[must_use]
    pub fn calls(&self) -> Vec<CallKind> {
        self.0.state().seen.clone().unwrap_or_default()
    }

    /// Fails one call: the one with this number, counted from now on and from 0.
    pub fn fail(&self, number: u64, failure: Failure) {
        let mut state = self.0.state();
        state.calls = 0;
        state.failure = Some((number, failure));
        state.failed = None;
        state.keeps_synced = failure.drops();
        for file in state.files.values_mut() {
            file.synced = Arc::clone(&file.bytes);
        }
    }

    /// Fails one sync: the one with this number, counted from now on and from 0.
    pub fn fail_sync(&self, number: u64, failure: Failure) {
        self.fail(u64::MAX, failure);
        self.0.state().syncs_until_failure = Some(number);
    }

    /// What kind of call was failed; none where it has not come to that yet.
    #[must_use]
    pub fn failed(&self) -> Option<CallKind> {
        self.0.state().failed
    }

    /// The disk is full no longer.
    pub fn make_room(&self) {
        self.0.state().room = None;
    }

    /// Starts noting which pages of this size are read of files that are no log.
    pub fn watch_pages(&self, page_bytes: u64) {
        self.0.state().pages_read = Some((page_bytes.max(1), BTreeSet::new()));
    }

    /// The pages read since [`MemoryDisk::watch_pages`] or the last question, counted from 0.
    #[must_use]
    pub fn pages_read(&self) -> BTreeSet<u64> {
        let mut state = self.0.state();
        state.pages_read.as_mut().map(|(_, pages)| std::mem::take(pages)).unwrap_or_default()
    }

    /// How many files were closed by a thread that was panicking: a panic of the store's own threads, seen from below.
    #[must_use]
    pub fn closed_by_panic(&self) -> usize {
        self.0.state().closed_by_panic
    }
}

impl State {
    fn file(&mut self, name: &str) -> &mut File {
        self.files.entry(name.to_owned()).or_default()
    }

    fn is_temporary(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|file| file.is_temporary)
    }

    /// Counts a call and says whether and how it fails.
    fn call(&mut self, kind: CallKind, name: &str) -> Option<Failure> {
        if self.is_temporary(name) {
            return None;
        }
        let number = self.calls;
        self.calls += 1;
        if let Some(seen) = &mut self.seen {
            seen.push(kind);
        }
        let (mut at, failure) = self.failure?;
        if kind == CallKind::Sync
            && let Some(left) = self.syncs_until_failure
        {
            self.syncs_until_failure = left.checked_sub(1);
            at = if left == 0 { number } else { at };
        }
        if at != number || !failure.fits(kind) {
            return None;
        }
        self.failure = None;
        self.failed = Some(kind);
        if failure == Failure::FullFromHereOn {
            self.room = Some(self.used());
        }
        Some(failure)
    }

    fn used(&self) -> usize {
        self.files.values().filter(|file| !file.is_temporary).map(|file| file.bytes.len()).sum()
    }

    fn note(&mut self, name: &str, operation: Operation) {
        if !self.is_temporary(name)
            && let Some(record) = &mut self.record
        {
            record.add(name, operation);
        }
    }

    fn write(&mut self, name: &str, bytes: &[u8], offset: usize) {
        let file = Arc::make_mut(&mut self.file(name).bytes);
        let end = offset.saturating_add(bytes.len());
        if file.len() < end {
            file.resize(end, 0);
        }
        if let Some(place) = file.get_mut(offset..end) {
            place.copy_from_slice(bytes);
        }
        self.note(name, Operation::Write { offset, bytes: bytes.into() });
    }
}

impl Inner {
    /// A disk of which nobody knows, for a temporary file.
    pub(crate) fn of_its_own() -> Arc<Self> {
        MemoryDisk::default().0
    }

    /// The disk with this id, while anybody has it.
    pub(crate) fn find(id: u64) -> Option<Arc<Self>> {
        disks().get(&id).and_then(Weak::upgrade)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a file: its handle, or the code for SQLite.
    pub(crate) fn open(&self, name: Option<&str>, may_create: bool) -> Result<(String, HandleId), i32> {
        let mut state = self.state();
        state.handles += 1;
        let handle = state.handles;
        let Some(name) = name else {
            let name = format!("temporary-{handle}");
            state.file(&name).is_temporary = true;
            return Ok((name, handle));
        };
        if let Some(failure) = state.call(CallKind::Open, name) {
            return Err(failure.code(CallKind::Open));
        }
        if !state.files.contains_key(name) {
            if !may_create {
                return Err(ffi::SQLITE_CANTOPEN);
            }
            state.file(name);
            state.note(name, Operation::Create);
        }
        Ok((name.to_owned(), handle))
    }

    /// A handle is closed: its locks go with it.
    pub(crate) fn close(&self, name: &str, handle: HandleId) {
        let mut state = self.state();
        if std::thread::panicking() {
            state.closed_by_panic += 1;
        }
        if let Some(locks) = state.locks.get_mut(name) {
            locks.lower(handle, ffi::SQLITE_LOCK_NONE);
        }
        if state.is_temporary(name) {
            state.files.remove(name);
        }
    }

    pub(crate) fn read(&self, name: &str, into: &mut [u8], offset: usize) -> i32 {
        let mut state = self.state();
        if let Some(failure) = state.call(CallKind::Read, name) {
            return failure.code(CallKind::Read);
        }
        if !name.ends_with("-wal")
            && let Some((page_bytes, pages)) = &mut state.pages_read
        {
            let page = |byte: usize| u64::try_from(byte).unwrap_or(u64::MAX) / *page_bytes;
            pages.extend(page(offset)..=page(offset.saturating_add(into.len()).saturating_sub(1)));
        }
        let file = Arc::clone(&state.file(name).bytes);
        drop(state);
        let there = file.get(offset..).unwrap_or_default();
        let length = there.len().min(into.len());
        let (filled, missing) = into.split_at_mut(length);
        filled.copy_from_slice(there.get(..length).unwrap_or_default());
        missing.fill(0);
        if missing.is_empty() { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8], offset: usize) -> i32 {
        let mut state = self.state();
        let failure = state.call(CallKind::Write, name);
        let end = offset.saturating_add(bytes.len());
        let grows = end.saturating_sub(state.file(name).bytes.len());
        if let Some(failure) = failure {
            if matches!(failure, Failure::ShortError | Failure::ShortFull) {
                let stays = ((offset + bytes.len() / 2) / SECTOR_BYTES * SECTOR_BYTES).saturating_sub(offset);
                let stays = bytes.get(..stays).unwrap_or_default().to_vec();
                state.write(name, &stays, offset);
            }
            return failure.code(CallKind::Write);
        }
        if grows > 0 && !state.is_temporary(name) && state.room.is_some_and(|room| state.used() + grows > room) {
            return ffi::SQLITE_FULL;
        }
        state.write(name, bytes, offset);
        ffi::SQLITE_OK
    }

    pub(crate) fn truncate(&self, name: &str, length: usize) -> i32 {
        let mut state = self.state();
        if let Some(failure) = state.call(CallKind::Truncate, name) {
            return failure.code(CallKind::Truncate);
        }
        Arc::make_mut(&mut state.file(name).bytes).resize(length, 0);
        state.note(name, Operation::Truncate { length });
        ffi::SQLITE_OK
    }

    pub(crate) fn sync(&self, name: &str) -> i32 {
        let mut state = self.state();
        let failure = state.call(CallKind::Sync, name);
        if failure.is_some_and(Failure::drops) {
            let file = state.file(name);
            let length = file.bytes.len();
            file.bytes = Arc::clone(&file.synced);
            // The length is kept in another place than the bytes, and what was never written reads as zeros.
            Arc::make_mut(&mut file.bytes).resize(length, 0);
        }
        if let Some(failure) = failure {
            return failure.code(CallKind::Sync);
        }
        if state.unsynced.as_ref().is_some_and(|ending| name.ends_with(ending)) {
            return ffi::SQLITE_OK;
        }
        if state.keeps_synced {
            let file = state.file(name);
            file.synced = Arc::clone(&file.bytes);
        }
        state.note(name, Operation::Sync);
        ffi::SQLITE_OK
    }

    pub(crate) fn size(&self, name: &str) -> Result<usize, i32> {
        let mut state = self.state();
        match state.call(CallKind::Size, name) {
            Some(failure) => Err(failure.code(CallKind::Size)),
            None => Ok(state.file(name).bytes.len()),
        }
    }

    pub(crate) fn delete(&self, name: &str, is_synced: bool) -> i32 {
        let mut state = self.state();
        if !state.files.contains_key(name) {
            return ffi::SQLITE_IOERR_DELETE_NOENT;
        }
        if let Some(failure) = state.call(CallKind::Delete, name) {
            return failure.code(CallKind::Delete);
        }
        state.note(name, Operation::Delete { is_synced });
        state.files.remove(name);
        ffi::SQLITE_OK
    }

    /// Whether a file is there with anything in it, as SQLite's own VFS for Unix answers.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.state().files.get(name).is_some_and(|file| !file.bytes.is_empty())
    }

    pub(crate) fn raise(&self, name: &str, handle: HandleId, from: i32, to: i32) -> (i32, i32) {
        self.state().locks.entry(name.to_owned()).or_default().raise(handle, from, to)
    }

    pub(crate) fn lower(&self, name: &str, handle: HandleId, to: i32) {
        self.state().locks.entry(name.to_owned()).or_default().lower(handle, to);
    }

    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        self.state().locks.get(name).is_some_and(FileLocks::is_reserved)
    }

    /// Does something with a database's shared memory.
    pub(crate) fn with_shared<T>(&self, name: &str, act: impl FnOnce(&mut Shm) -> T) -> T {
        act(self.state().shared.entry(name.to_owned()).or_default())
    }
}
