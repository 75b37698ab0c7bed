#![expect(unsafe_code, reason = "a SQLite VFS is a table of C functions that get raw pointers")]
//! The table of functions through which SQLite reaches a [`crate::MemoryDisk`].
//!
//! One VFS serves all disks: a database's name is `DISK/FILE`, and an open file holds its disk. Everything here only
//! turns C into Rust and back. What SQLite promises, and each function rests on: pointers are valid for the call, buffers
//! are as long as it says, a file is closed once and used by one thread at a time.

use crate::{
    disk::{Inner, SECTOR_BYTES},
    locks::{self, HandleId},
    shm::SLOTS,
};
use rusqlite::ffi::{self, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};
use std::{
    ffi::{CStr, c_char, c_int, c_void},
    ptr, slice,
    sync::{
        Arc, Once,
        atomic::{AtomicI32, Ordering, fence},
    },
    time::Duration,
};

/// The name under which connections ask for it.
pub(crate) const NAME: &CStr = c"faults-memory";

/// Longest name: a disk's number and a short file name.
const NAME_BYTES_MAX: c_int = 512;

/// What SQLite allocates for each open file: its part, then ours.
#[repr(C)]
struct OpenFile {
    base: sqlite3_file,
    ours: *mut Handle,
}

struct Handle {
    disk: Arc<Inner>,
    name: String,
    id: HandleId,
    level: c_int,
    is_mapped: bool,
    is_deleted_on_close: bool,
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Makes the VFS known to SQLite, once.
pub(crate) fn register() -> rusqlite::Result<()> {
    static ONCE: Once = Once::new();
    static CODE: AtomicI32 = AtomicI32::new(ffi::SQLITE_OK);
    ONCE.call_once(|| {
        let vfs = Box::new(sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<OpenFile>()).unwrap_or(c_int::MAX),
            mxPathname: NAME_BYTES_MAX,
            pNext: ptr::null_mut(),
            zName: NAME.as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_millis),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        });
        // SAFETY: the table is leaked, so it outlives every use SQLite makes of it; it is registered once.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(vfs), 0) };
        CODE.store(code, Ordering::SeqCst);
    });
    match CODE.load(Ordering::SeqCst) {
        ffi::SQLITE_OK => Ok(()),
        code => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

/// The disk and the file that a name means.
///
/// # Safety
/// `name` is null or a C string that lives through the call.
unsafe fn named(name: *const c_char) -> Option<(Arc<Inner>, String)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and a C string by this function's own contract.
    let name = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    let (disk, file) = name.split_once('/')?;
    Some((Inner::find(disk.parse().ok()?)?, file.to_owned()))
}

/// Our part of an open file.
///
/// # Safety
/// `file` was opened by [`open`] and is not closed; SQLite uses it from one thread at a time.
unsafe fn ours<'a>(file: *mut sqlite3_file) -> &'a mut Handle {
    // SAFETY: `open` has put a `Handle` there from `Box::into_raw`, and `close` has not taken it back yet; nobody else
    // has a reference, because SQLite makes one call on a file at a time.
    unsafe { &mut *(*file.cast::<OpenFile>()).ours }
}

fn length(bytes: impl TryInto<usize>) -> usize {
    bytes.try_into().unwrap_or(0)
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite has allocated `szOsFile` bytes at `file`; without methods it will not call `close` on it.
    unsafe { (*file).pMethods = ptr::null() };
    // SAFETY: SQLite gives null or a C string.
    let wanted = unsafe { named(name) };
    // A temporary file has no name and no disk of its own: it lives on one that goes with it.
    let (disk, name) = match wanted {
        Some((disk, name)) => (disk, Some(name)),
        None if name.is_null() => (Inner::of_its_own(), None),
        None => return ffi::SQLITE_CANTOPEN,
    };
    let may_create = flags & ffi::SQLITE_OPEN_CREATE != 0;
    let (name, id) = match disk.open(name.as_deref(), may_create) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let is_deleted_on_close = flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0;
    let handle = Handle { disk, name, id, level: ffi::SQLITE_LOCK_NONE, is_mapped: false, is_deleted_on_close };
    // SAFETY: `file` points to `szOsFile` bytes, which is the size of an `OpenFile`; `flags_out` is null or valid.
    unsafe {
        (*file.cast::<OpenFile>()).ours = Box::into_raw(Box::new(handle));
        (*file).pMethods = &raw const METHODS;
        if let Some(out) = flags_out.as_mut() {
            *out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: `open` made the handle with `Box::into_raw`; SQLite closes a file once.
    let handle = unsafe { Box::from_raw((*file.cast::<OpenFile>()).ours) };
    if handle.is_mapped {
        handle.disk.with_shared(&handle.name, |shared| shared.leave(handle.id));
    }
    handle.disk.close(&handle.name, handle.id);
    if handle.is_deleted_on_close {
        // A temporary file is gone with its closing; that it cannot fail is all SQLite wants to know.
        let _code = handle.disk.delete(&handle.name, false);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, bytes: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: an open file, and a buffer of `bytes` bytes that is SQLite's own and initialised or to be filled whole.
    let (handle, into) = unsafe { (ours(file), slice::from_raw_parts_mut(into.cast::<u8>(), length(bytes))) };
    handle.disk.read(&handle.name, into, length(offset))
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, bytes: c_int, offset: sqlite3_int64) -> c_int {
    // SAFETY: an open file, and `bytes` readable bytes.
    let (handle, from) = unsafe { (ours(file), slice::from_raw_parts(from.cast::<u8>(), length(bytes))) };
    handle.disk.write(&handle.name, from, length(offset))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, bytes: sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    handle.disk.truncate(&handle.name, length(bytes))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    handle.disk.sync(&handle.name)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut sqlite3_int64) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    match handle.disk.size(&handle.name) {
        Ok(size) => {
            // SAFETY: SQLite gives a place for the answer.
            unsafe { *out = sqlite3_int64::try_from(size).unwrap_or(sqlite3_int64::MAX) };
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    let (now, code) = handle.disk.raise(&handle.name, handle.id, handle.level, level);
    handle.level = now;
    code
}

unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    if level < handle.level {
        handle.disk.lower(&handle.name, handle.id, level);
        handle.level = level;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: an open file, and a place for the answer.
    unsafe {
        let handle = ours(file);
        *out = c_int::from(handle.disk.is_reserved(&handle.name));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_file: *mut sqlite3_file, _control: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    c_int::try_from(SECTOR_BYTES).unwrap_or(0)
}

/// As SQLite's own VFS for Unix says of every disk: a torn write harms nothing beside what was being written.
unsafe extern "C" fn device_characteristics(_file: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    bytes: c_int,
    extends: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    handle.is_mapped = true;
    let (id, extends) = (handle.id, extends != 0);
    let address =
        handle.disk.with_shared(&handle.name, |shared| shared.map(id, length(region), length(bytes), extends));
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = address };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, first: c_int, slots: c_int, flags: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    let (id, from) = (handle.id, length(first).min(SLOTS));
    let to = (from + length(slots)).min(SLOTS);
    handle
        .disk
        .with_shared(&handle.name, |shared| locks::slots(shared.slots.get_mut(from..to).unwrap_or_default(), id, flags))
}

unsafe extern "C" fn shm_barrier(_file: *mut sqlite3_file) {
    fence(Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, _is_deleted: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { ours(file) };
    handle.is_mapped = false;
    handle.disk.with_shared(&handle.name, |shared| shared.leave(handle.id));
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a C string.
    match unsafe { named(name) } {
        Some((disk, name)) => disk.delete(&name, syncs_folder != 0),
        None => ffi::SQLITE_IOERR_DELETE_NOENT,
    }
}

unsafe extern "C" fn access(_vfs: *mut sqlite3_vfs, name: *const c_char, _flags: c_int, out: *mut c_int) -> c_int {
    // SAFETY: SQLite gives a C string and a place for the answer.
    unsafe { *out = c_int::from(named(name).is_some_and(|(disk, name)| disk.has(&name))) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a C string, and `room` bytes at `out`; the string with its end is no longer than that.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if name.len() > length(room) {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(name.as_ptr().cast::<c_char>(), out, name.len());
    }
    ffi::SQLITE_OK
}

/// Only asked of the default VFS; zeros would do.
unsafe extern "C" fn randomness(_vfs: *mut sqlite3_vfs, bytes: c_int, out: *mut c_char) -> c_int {
    // SAFETY: SQLite gives `bytes` bytes at `out`.
    unsafe { ptr::write_bytes(out, 0, length(bytes)) };
    bytes
}

#[expect(clippy::disallowed_methods, reason = "SQLite asks its disk to wait while another connection holds a lock")]
unsafe extern "C" fn sleep(_vfs: *mut sqlite3_vfs, micros: c_int) -> c_int {
    std::thread::sleep(Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    micros
}

/// No clock: SQLite asks only for its own functions of dates, which the store does not use.
unsafe extern "C" fn current_time(_vfs: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = 0.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_millis(_vfs: *mut sqlite3_vfs, out: *mut sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_vfs: *mut sqlite3_vfs, _room: c_int, _out: *mut c_char) -> c_int {
    0
}

#[cfg(test)]
mod tests {
    use crate::MemoryDisk;
    use rusqlite::{Connection, OpenFlags};

    fn open(disk: &MemoryDisk) -> Connection {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_FULL_MUTEX;
        let conn = disk.open("t.db", flags).unwrap();
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)).unwrap();
        conn
    }

    fn count(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn readers_beside_a_writer_see_whole_commits_and_a_snapshot_stands() {
        let disk = MemoryDisk::default();
        let (writer, reader) = (open(&disk), open(&disk));
        writer.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        reader.execute_batch("BEGIN").unwrap();
        assert_eq!(count(&reader), 1);
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!((count(&reader), count(&open(&disk))), (1, 2));
        reader.execute_batch("COMMIT").unwrap();
        assert_eq!(count(&reader), 2);
        let busy: i64 = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!((busy, count(&reader)), (0, 2));
    }

    #[test]
    fn threads_write_in_turn_and_nothing_is_lost() {
        let disk = MemoryDisk::default();
        open(&disk).execute_batch("CREATE TABLE t (x)").unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let disk = &disk;
                scope.spawn(move || {
                    let conn = open(disk);
                    conn.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
                    for n in 0..50 {
                        conn.execute("INSERT INTO t VALUES (?1)", [thread * 100 + n]).unwrap();
                    }
                });
            }
        });
        let conn = open(&disk);
        assert_eq!(count(&conn), 200);
        let check: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        drop(conn);
        assert_eq!(disk.image().files().map(|(name, _)| name.to_owned()).collect::<Vec<_>>(), ["t.db"]);
    }

    #[test]
    fn a_killed_process_leaves_its_log_and_the_next_one_reads_it() {
        let disk = MemoryDisk::default();
        let conn = open(&disk);
        conn.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let left = disk.image();
        assert!(left.file("t.db-wal").is_some());
        assert_eq!(count(&open(&MemoryDisk::holding(left))), 1);
        drop(conn);
    }
}
