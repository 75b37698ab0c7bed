//! A planted bug: the embedded store with no room set aside, so that a full disk takes the alerts' room too.
//!
//! Never a feature of a product crate; only the harness builds it, through the disk's seam, to show that a full disk would
//! be noticed.

use ingest::{
    disk::{Disk, Folder},
    store::{
        Store,
        embedded::{EmbeddedStore, OpenError, StoreKeys},
    },
};
use rusqlite::Connection;
use std::{path::Path, sync::Arc};

/// A folder that only claims to set room aside, as [`Disk`] does where nobody has thought of it.
struct WithoutReserve(Folder);

impl Disk for WithoutReserve {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        self.0.open_writer()
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.0.open_reader()
    }
}

/// Makes the planted store; for [`ingest::cli::run_as`].
///
/// # Errors
/// [`OpenError`] where the store does not open.
pub fn without_reserve(folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    Ok(Arc::new(EmbeddedStore::open(Arc::new(WithoutReserve(Folder::new(folder))), keys)?))
}
