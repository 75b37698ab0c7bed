//! The disk: where the store's files are opened. The seam through which tests put a lying disk.

use rusqlite::{Connection, OpenFlags};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

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

    /// Sets room aside that is given up only when the disk is full, so that alerts still go out; nothing where it is set
    /// aside already. A disk of a test need not.
    ///
    /// # Errors
    /// Whatever the operating system says; [`io::ErrorKind::StorageFull`] where there is no room.
    fn keep_reserve(&self) -> io::Result<()> {
        Ok(())
    }

    /// Gives that room up.
    ///
    /// # Errors
    /// Whatever the operating system says.
    fn give_reserve(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Room set aside for what must be written on a full disk.
///
/// A notification and what came of it take some pages of the log, so this is thousands of alerts.
pub const RESERVE_BYTES: u64 = 32 * 1024 * 1024;

/// The file that holds the room.
const RESERVE_FILE: &str = "reserve";

/// Writes a file that only its owner may read, beside and renamed, so that a power cut leaves the old one or the new one whole.
/// On return it survives power loss.
///
/// # Errors
/// Whatever the operating system says.
pub fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = folder.join(format!("{name}.new"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, folder.join(name))?;
    sync_folder(folder)
}

/// Makes what was renamed within a folder survive power loss.
///
/// # Errors
/// Whatever the operating system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// A folder on a real disk.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    reserve: PathBuf,
}

/// The database's file within its folder.
pub const DATABASE_FILE: &str = "derwent.sqlite3";

impl Folder {
    /// The store in a folder, which must exist.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.join(DATABASE_FILE), reserve: path.join(RESERVE_FILE) }
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

    fn keep_reserve(&self) -> io::Result<()> {
        if fs::metadata(&self.reserve).is_ok_and(|file| file.len() == RESERVE_BYTES) {
            return Ok(());
        }
        let file = fs::File::create(&self.reserve)?;
        // As much must be left beside it: else the room just given up would be taken back, and filled with readings.
        let disk = rustix::fs::fstatvfs(&file)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < 2 * RESERVE_BYTES {
            fs::remove_file(&self.reserve)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let set_aside = rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, RESERVE_BYTES);
        let kept = set_aside.map_err(io::Error::from).and_then(|()| file.sync_all());
        if kept.is_err() {
            // Half of it would look like all of it at the next start, and take what little room there is.
            fs::remove_file(&self.reserve)?;
        }
        kept
    }

    fn give_reserve(&self) -> io::Result<()> {
        match fs::remove_file(&self.reserve) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
