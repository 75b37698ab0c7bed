#![expect(unsafe_code, reason = "a SQLite VFS is a table of C functions")]
//! Real files, tapped: SQLite's own VFS, with a word to us before and after each write, sync and truncation of the
//! database and of its log.
//!
//! Nothing else is changed: SQLite's VFS opens the file, and of its table of functions three are set in front of its own.
//! So a test can end the process between any two steps of a commit.
//!
//! ```
//! use faults::tapped::{Call, File, When, open};
//! use rusqlite::OpenFlags;
//! use std::sync::atomic::{AtomicUsize, Ordering};
//! static SYNCED: AtomicUsize = AtomicUsize::new(0);
//! fn tap(file: File, call: Call, when: When) {
//!     if (file, call, when) == (File::Log, Call::Sync, When::After) {
//!         SYNCED.fetch_add(1, Ordering::Relaxed);
//!     }
//! }
//! let folder = std::env::temp_dir().join(format!("tapped-{}", std::process::id()));
//! std::fs::create_dir(&folder).unwrap();
//! let conn = open(&folder.join("a.db"), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE, tap)?;
//! conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (x)")?;
//! let before = SYNCED.load(Ordering::Relaxed);
//! conn.execute_batch("INSERT INTO t VALUES (1)")?;
//! assert_eq!(SYNCED.load(Ordering::Relaxed), before + 1, "a commit is one sync of the log");
//! drop(conn);
//! std::fs::remove_dir_all(folder).unwrap();
//! # Ok::<(), rusqlite::Error>(())
//! ```

use rusqlite::{Connection, OpenFlags, ffi};
use std::{
    ffi::{CStr, c_int, c_void},
    path::Path,
    ptr::{self, NonNull},
    sync::OnceLock,
};

/// The name of this VFS.
const NAME: &CStr = c"tapped";

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// The database.
    Database,
    /// Its write-ahead log, or the rollback journal that is there before it.
    Log,
}

/// What is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Some bytes are written.
    Write,
    /// What was written is synced.
    Sync,
    /// The file is cut short.
    Truncate,
}

/// On which side of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is about to be done.
    Before,
    /// It has been done, or has failed.
    After,
}

/// Who is told. Must not panic: SQLite's C code stands between it and whoever could catch that.
pub type Tap = fn(File, Call, When);

/// One for the process, because the functions of a VFS are given nothing of ours.
static TAP: OnceLock<Tap> = OnceLock::new();
static REGISTERED: OnceLock<Option<Registered>> = OnceLock::new();
static DATABASE: OnceLock<Methods> = OnceLock::new();
static LOG: OnceLock<Methods> = OnceLock::new();

/// SQLite's own VFS, that ours stands in front of.
struct Registered(NonNull<ffi::sqlite3_vfs>);

// SAFETY: SQLite's default VFS lives as long as the process, and its functions may be called from any thread.
unsafe impl Send for Registered {}
// SAFETY: as above; nothing is changed through the pointer.
unsafe impl Sync for Registered {}

/// SQLite's functions for a file, and the same with three of ours in front.
struct Methods {
    theirs: ffi::sqlite3_io_methods,
    ours: ffi::sqlite3_io_methods,
}

/// Puts our three functions in front of SQLite's.
type Patch = fn(ffi::sqlite3_io_methods) -> Methods;

/// Opens a real database whose calls are tapped. All connections of a process have the same tap.
///
/// # Errors
/// Whatever SQLite says; `SQLITE_MISUSE` where the process has another tap, `SQLITE_ERROR` where there is no VFS.
pub fn open(path: &Path, flags: OpenFlags, tap: Tap) -> rusqlite::Result<Connection> {
    if !ptr::fn_addr_eq(*TAP.get_or_init(|| tap), tap) {
        return Err(error(ffi::SQLITE_MISUSE));
    }
    if REGISTERED.get_or_init(register).is_none() {
        return Err(error(ffi::SQLITE_ERROR));
    }
    Connection::open_with_flags_and_vfs(path, flags, NAME)
}

fn error(code: c_int) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}

/// Puts our VFS beside SQLite's, not in its place. None where SQLite has none or takes none.
fn register() -> Option<Registered> {
    // SAFETY: asks for the default VFS; initialises SQLite where nobody has.
    let theirs = NonNull::new(unsafe { ffi::sqlite3_vfs_find(ptr::null()) })?;
    // SAFETY: SQLite keeps its VFS for as long as the process lives; the struct is plain data.
    let mut ours = unsafe { theirs.as_ptr().read() };
    ours.pNext = ptr::null_mut();
    ours.zName = NAME.as_ptr();
    ours.xOpen = Some(open_tapped);
    // SAFETY: the struct is never freed, and is a copy of a sound one but for its name and `xOpen`.
    let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 0) };
    (code == ffi::SQLITE_OK).then_some(Registered(theirs))
}

/// `xOpen`: SQLite's own, and then our functions on what it opened.
unsafe extern "C" fn open_tapped(
    _ours: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(Some(Registered(theirs))) = REGISTERED.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: `theirs` is SQLite's VFS, which lives as long as the process.
    let Some(open) = (unsafe { theirs.as_ref() }).xOpen else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: SQLite's own arguments handed on; `file` has room for theirs, as `szOsFile` was copied.
    let code = unsafe { open(theirs.as_ptr(), name, file, flags, out_flags) };
    let methods: Option<(&OnceLock<Methods>, Patch)> = if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
        Some((&DATABASE, patched::<false>))
    } else if flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0 {
        Some((&LOG, patched::<true>))
    } else {
        None
    };
    if code == ffi::SQLITE_OK
        && let Some((methods, patched)) = methods
    {
        // SAFETY: an open that succeeded has filled `file` and its methods in. SQLite chooses the methods by how the
        // file system locks; all files of one process's database are on one, so those of the first are those of all.
        unsafe {
            let ours = methods.get_or_init(|| patched((*file).pMethods.read()));
            (*file).pMethods = &raw const ours.ours;
        }
    }
    code
}

fn patched<const IS_LOG: bool>(theirs: ffi::sqlite3_io_methods) -> Methods {
    let mut ours = theirs;
    ours.xWrite = Some(write::<IS_LOG>);
    ours.xSync = Some(sync::<IS_LOG>);
    ours.xTruncate = Some(truncate::<IS_LOG>);
    Methods { theirs, ours }
}

/// Tells of a call, makes it, and tells of it again.
fn around<const IS_LOG: bool>(call: Call, make: impl FnOnce(&ffi::sqlite3_io_methods) -> Option<c_int>) -> c_int {
    let (file, methods) = if IS_LOG { (File::Log, &LOG) } else { (File::Database, &DATABASE) };
    let (Some(tap), Some(methods)) = (TAP.get(), methods.get()) else { return ffi::SQLITE_MISUSE };
    tap(file, call, When::Before);
    let code = make(&methods.theirs).unwrap_or(ffi::SQLITE_MISUSE);
    tap(file, call, When::After);
    code
}

unsafe extern "C" fn write<const IS_LOG: bool>(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite's own arguments, handed to SQLite's own function for this file.
    around::<IS_LOG>(Call::Write, |theirs| theirs.xWrite.map(|write| unsafe { write(file, bytes, length, offset) }))
}

unsafe extern "C" fn sync<const IS_LOG: bool>(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as for `write`.
    around::<IS_LOG>(Call::Sync, |theirs| theirs.xSync.map(|sync| unsafe { sync(file, flags) }))
}

unsafe extern "C" fn truncate<const IS_LOG: bool>(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as for `write`.
    around::<IS_LOG>(Call::Truncate, |theirs| theirs.xTruncate.map(|truncate| unsafe { truncate(file, size) }))
}
