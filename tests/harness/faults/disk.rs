//! The store's disk in memory, and a hand on each of its connections.

use crate::trouble::{Doing, Trouble};
use faults::{Image, MemoryDisk, SecondHandle};
use ingest::{
    disk::{DATABASE_FILE, Disk},
    store::embedded::{EmbeddedStore, OpenError, StoreKeys},
};
use rusqlite::{Connection, OpenFlags};
use std::sync::{Arc, Mutex, PoisonError};

/// The keys of every store here.
pub const KEYS: StoreKeys = StoreKeys { chain: [0xf; 32] };

/// A [`MemoryDisk`] as the store opens it. Clones are the same disk.
#[derive(Clone, Default)]
pub struct StoreDisk {
    /// The disk.
    pub memory: MemoryDisk,
    hands: Arc<Mutex<Vec<SecondHandle>>>,
}

impl StoreDisk {
    /// A disk that holds an image.
    #[must_use]
    pub fn holding(image: Image) -> Self {
        Self { memory: MemoryDisk::holding(image), hands: Arc::default() }
    }

    /// Opens the store, as the service would.
    ///
    /// # Errors
    /// [`OpenError`] where the store refuses.
    pub fn try_open_store(&self) -> Result<EmbeddedStore, OpenError> {
        self.hands().clear();
        EmbeddedStore::open(Arc::new(self.clone()), KEYS)
    }

    /// Opens the store where nothing stands in its way.
    ///
    /// # Errors
    /// [`Trouble`] where it does not open.
    pub fn open_store(&self) -> Result<EmbeddedStore, Trouble> {
        self.try_open_store().doing("open a store in memory")
    }

    /// Planted: everything is synced as seldom as with `synchronous=NORMAL`, behind the store's back.
    ///
    /// # Errors
    /// [`Trouble`] where a connection does not take it.
    pub fn weaken(&self) -> Result<(), Trouble> {
        let hands = self.hands();
        hands.iter().try_for_each(|hand| hand.execute("PRAGMA synchronous = NORMAL")).doing("weaken a connection")
    }

    /// Makes every connection read the disk again.
    ///
    /// # Errors
    /// [`Trouble`] where one is closed.
    pub fn forget_pages(&self) -> Result<(), Trouble> {
        self.hands().iter().try_for_each(SecondHandle::forget_pages).doing("make a connection read again")
    }

    /// Another program's connection to the same database, such as a backup's.
    ///
    /// # Errors
    /// [`Trouble`] where it does not open.
    pub fn beside(&self) -> Result<Connection, Trouble> {
        self.memory.open(DATABASE_FILE, OpenFlags::SQLITE_OPEN_READ_WRITE).doing("open a connection beside the store")
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Vec<SecondHandle>> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let conn = self.memory.open(DATABASE_FILE, flags | OpenFlags::SQLITE_OPEN_FULL_MUTEX)?;
        self.hands().push(SecondHandle::of(&conn)?);
        Ok(conn)
    }
}

impl Disk for StoreDisk {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.open(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }
}
