//! The disk: where the store's files are opened. The seam through which tests put a lying disk.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};

/// Opens the store's database.
pub trait Disk: Send + Sync {
    /// Opens the database for writing, creating it where there is none.
    ///
    /// # Errors
    /// Whatever SQLite says.
    fn open_writer(&self) -> rusqlite::Result<Connection>;

    /// Opens the database for reading only; it exists already.
    ///
    /// # Errors
    /// Whatever SQLite says.
    fn open_reader(&self) -> rusqlite::Result<Connection>;
}

/// A folder on a real disk.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// The database's file within its folder.
pub const DATABASE_FILE: &str = "derwent.sqlite3";

impl Folder {
    /// The store in a folder, which must exist.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.join(DATABASE_FILE) }
    }
}

impl Disk for Folder {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(&self.path, flags)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
    }
}
