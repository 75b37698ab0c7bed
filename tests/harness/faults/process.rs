//! Planted in a service of its own: the disk fails a sync, as one does whose cells wear out. For
//! [`ingest::cli::run_with`]; the store lives in memory, so nothing of it is left to look at.

use super::disk::StoreDisk;
use faults::Failure;
use ingest::store::{
    Store,
    embedded::{EmbeddedStore, OpenError, StoreKeys},
};
use std::{path::Path, sync::Arc};

/// So many syncs succeed once the store is open: enough that the service starts and takes some requests.
const SYNCS_THAT_SUCCEED: u64 = 12;

/// Makes the store; its folder stays empty.
///
/// # Errors
/// [`OpenError`] where it does not open.
pub fn fails_a_sync(_folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    let disk = StoreDisk::default();
    let store = EmbeddedStore::open(Arc::new(disk.clone()), keys)?;
    disk.memory.fail_sync(SYNCS_THAT_SUCCEED, Failure::SyncDrops);
    Ok(Arc::new(store))
}
