//! The hub's disk: where the outbox lies, and the seam at which a test puts a disk that lies.
//!
//! Invariant: when `write_note` returns, the note survives power loss (file and folder were both synced).

use rusqlite::{Connection, OpenFlags};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Longest note in bytes: a note is one number.
pub const NOTE_BYTES_MAX: u64 = 64;

/// What went wrong with the disk.
#[derive(Debug, Error)]
pub enum DiskError {
    /// The folder could not be made.
    #[error("make the data folder")]
    MakeFolder(#[source] io::Error),
    /// A database could not be opened.
    #[error("open the database {name}")]
    Open {
        /// The file's name.
        name: String,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A note could not be read.
    #[error("read the note {name}")]
    ReadNote {
        /// The file's name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A note could not be written so that it survives power loss.
    #[error("write the note {name}")]
    WriteNote {
        /// The file's name.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A place for databases and small notes.
pub trait Disk: Send + Sync {
    /// Opens a SQLite database, making an empty one where there is none.
    ///
    /// # Errors
    /// [`DiskError`] where it cannot be opened.
    fn open_database(&self, name: &str) -> Result<Connection, DiskError>;

    /// Reads a note, `None` where there is none.
    ///
    /// # Errors
    /// [`DiskError`] where it cannot be read.
    fn read_note(&self, name: &str) -> Result<Option<String>, DiskError>;

    /// Replaces a note; on return it survives power loss.
    ///
    /// # Errors
    /// [`DiskError`] where that cannot be promised.
    fn write_note(&self, name: &str, text: &str) -> Result<(), DiskError>;
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// The SQLite VFS to open databases with, where it is not the usual one: a test's lying disk is registered by name.
    pub vfs: Option<String>,
}

impl Folder {
    /// A folder, made where there is none, readable by this user only; once made it survives power loss.
    ///
    /// # Errors
    /// [`DiskError::MakeFolder`] where it cannot be made.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DiskError> {
        let path = path.into();
        let is_new: Vec<PathBuf> =
            path.ancestors().take_while(|ancestor| !ancestor.exists()).map(PathBuf::from).collect();
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&path).map_err(DiskError::MakeFolder)?;
        // A folder survives power loss only once the folder that names it is synced.
        for parent in is_new.iter().filter_map(|made| made.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(DiskError::MakeFolder)?;
        }
        Ok(Self { path, vfs: None })
    }

    /// The same folder, its databases opened through a named VFS.
    #[must_use]
    pub fn with_vfs(mut self, name: &str) -> Self {
        self.vfs = Some(name.to_owned());
        self
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Folder {
    fn open_database(&self, name: &str) -> Result<Connection, DiskError> {
        let path = self.path.join(name);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs.as_str()),
            None => Connection::open_with_flags(path, flags),
        };
        opened.map_err(|source| DiskError::Open { name: name.to_owned(), source })
    }

    fn read_note(&self, name: &str) -> Result<Option<String>, DiskError> {
        let path = self.path.join(name);
        let read = || -> io::Result<Option<String>> {
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let mut text = String::new();
            io::Read::read_to_string(&mut io::Read::take(file, NOTE_BYTES_MAX), &mut text)?;
            Ok(Some(text))
        };
        read().map_err(|source| DiskError::ReadNote { name: name.to_owned(), source })
    }

    /// Written beside the old note, synced, renamed over it, and the folder synced: a cut leaves the old or the new.
    fn write_note(&self, name: &str, text: &str) -> Result<(), DiskError> {
        let write = || -> io::Result<()> {
            let beside = self.path.join(format!("{name}.new"));
            let mut file = File::create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, self.path.join(name))?;
            self.sync()
        };
        write().map_err(|source| DiskError::WriteNote { name: name.to_owned(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Folder::open(folder.path().join("new/data")).unwrap();
        assert_eq!(disk.read_note("epoch").unwrap(), None);
        for text in ["41", "7"] {
            disk.write_note("epoch", text).unwrap();
            assert_eq!(disk.read_note("epoch").unwrap().as_deref(), Some(text));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_says_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "in the way").unwrap();
        assert!(matches!(Folder::open(folder.path().join("file")), Err(DiskError::MakeFolder(_))));
    }
}
