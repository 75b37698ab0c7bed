//! A planted bug: the embedded store with `synchronous=NORMAL`, set behind its back once it has seen FULL set.
//!
//! Never a feature of a product crate; only the harness builds it, through the disk's seam, to show that a power cut
//! would be noticed.

use faults::SecondHandle;
use ingest::{
    disk::{DATABASE_FILE, Disk, Folder},
    store::{
        Store,
        embedded::{EmbeddedStore, OpenError, StoreKeys},
    },
};
use rusqlite::{Connection, OpenFlags};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

/// The store's folder, with a second hand on the writer's connection.
struct Watched {
    folder: Folder,
    path: PathBuf,
    hand: OnceLock<SecondHandle>,
}

impl Disk for Watched {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_FULL_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        let hand = SecondHandle::of(&conn)?;
        self.hand.get_or_init(|| hand);
        Ok(conn)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.folder.open_reader()
    }
}

/// Makes the planted store; for [`ingest::cli::run_with`].
///
/// # Errors
/// [`OpenError`] where the store does not open, or cannot be weakened.
pub fn synchronous_normal(folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    let path = folder.join(DATABASE_FILE);
    let disk = Arc::new(Watched { folder: Folder::new(folder), path, hand: OnceLock::new() });
    let store = EmbeddedStore::open(Arc::<Watched>::clone(&disk), keys)?;
    if let Some(hand) = disk.hand.get() {
        hand.execute("PRAGMA synchronous = NORMAL")
            .map_err(|cause| OpenError::Disk { doing: "weakening the store", cause })?;
    }
    Ok(Arc::new(store))
}
