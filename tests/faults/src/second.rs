#![expect(unsafe_code, reason = "SQLite's own calls on a connection that somebody else owns")]
//! A second hand on a connection that somebody else owns: what a test does behind the owner's back.
//!
//! Sound because SQLite serialises calls on a connection opened with `SQLITE_OPEN_FULL_MUTEX`, which is checked, and
//! tells us when the connection is closed, after which the hand does nothing any more.

use rusqlite::{Connection, ffi};
use std::{
    ffi::{CStr, CString, c_void},
    ptr::{self, NonNull},
    sync::{Arc, Mutex, PoisonError},
};

/// Under this name SQLite keeps our note with a connection.
const NOTE: &CStr = c"faults: second handle";

/// The connection's address until it is closed.
type Shared = Mutex<Option<Address>>;

struct Address(NonNull<ffi::sqlite3>);

// SAFETY: the address is used under the mutex only, and only for calls that SQLite serialises itself (full mutex).
unsafe impl Send for Address {}

/// A second hand on a connection. Not to be used while the owner closes it: the two would wait for each other.
#[derive(Clone)]
pub struct SecondHandle(Arc<Shared>);

/// SQLite calls this when the connection is closed.
unsafe extern "C" fn closed(note: *mut c_void) {
    // SAFETY: `note` is the pointer that `SecondHandle::of` made with `Arc::into_raw`, and SQLite calls this once.
    let shared = unsafe { Arc::from_raw(note.cast::<Shared>().cast_const()) };
    *shared.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

impl SecondHandle {
    /// Takes hold of a connection opened with `SQLITE_OPEN_FULL_MUTEX`.
    ///
    /// # Errors
    /// [`rusqlite::Error`] where it was opened otherwise, or memory ran out.
    ///
    /// ```
    /// use faults::{MemoryDisk, SecondHandle};
    /// use rusqlite::OpenFlags;
    /// let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    /// let disk = MemoryDisk::default();
    /// let conn = disk.open("a.db", flags | OpenFlags::SQLITE_OPEN_FULL_MUTEX)?;
    /// let hand = SecondHandle::of(&conn)?;
    /// hand.execute("PRAGMA synchronous = NORMAL")?;
    /// assert_eq!(conn.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?, 1);
    /// drop(conn);
    /// assert!(hand.execute("PRAGMA synchronous = OFF").is_err(), "closed");
    /// assert!(SecondHandle::of(&disk.open("a.db", flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?).is_err());
    /// # Ok::<(), rusqlite::Error>(())
    /// ```
    pub fn of(conn: &Connection) -> rusqlite::Result<Self> {
        // SAFETY: the handle is only asked for here; `conn` keeps it open until this function returns.
        let db = unsafe { conn.handle() };
        let Some(address) = NonNull::new(db) else { return Err(error(ffi::SQLITE_MISUSE)) };
        // SAFETY: `db` is open; the call only reads which mutex it has.
        if unsafe { ffi::sqlite3_db_mutex(db) }.is_null() {
            return Err(error(ffi::SQLITE_MISUSE));
        }
        let shared = Arc::new(Mutex::new(Some(Address(address))));
        let note = Arc::into_raw(Arc::clone(&shared)).cast_mut().cast::<c_void>();
        // SAFETY: `db` is open and the name is a C string; SQLite hands `note` to `closed` once, also where it fails.
        let code = unsafe { ffi::sqlite3_set_clientdata(db, NOTE.as_ptr(), note, Some(closed)) };
        if code == ffi::SQLITE_OK { Ok(Self(shared)) } else { Err(error(code)) }
    }

    /// Runs a statement on the connection.
    ///
    /// # Errors
    /// Whatever SQLite says; `SQLITE_MISUSE` where it is closed.
    pub fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        let sql = CString::new(sql).map_err(|_nul| error(ffi::SQLITE_MISUSE))?;
        self.with(|db| {
            // SAFETY: `db` is open while the lock is held, and serialises calls; `sql` lives through the call; no
            // callback and no place for a message are given.
            unsafe { ffi::sqlite3_exec(db, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) }
        })
    }

    /// Makes the connection forget the pages it has in memory, so that it reads the disk again. Nothing where a
    /// transaction is open.
    ///
    /// # Errors
    /// Whatever SQLite says; `SQLITE_MISUSE` where it is closed.
    pub fn forget_pages(&self) -> rusqlite::Result<()> {
        self.with(|db| {
            // SAFETY: `db` is open while the lock is held, and serialises calls; this control takes no argument.
            unsafe { ffi::sqlite3_file_control(db, c"main".as_ptr(), ffi::SQLITE_FCNTL_RESET_CACHE, ptr::null_mut()) }
        })
    }

    fn with(&self, act: impl FnOnce(*mut ffi::sqlite3) -> i32) -> rusqlite::Result<()> {
        let shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Address(db)) = shared.as_ref() else { return Err(error(ffi::SQLITE_MISUSE)) };
        match act(db.as_ptr()) {
            ffi::SQLITE_OK => Ok(()),
            code => Err(error(code)),
        }
    }
}

fn error(code: i32) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}
