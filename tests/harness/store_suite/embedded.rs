//! The embedded store as a backend: SQLite files in a folder that is gone afterwards.

use super::{Backend, OpenStore};
use crate::trouble::{Doing, Trouble};
use async_trait::async_trait;
use ingest::{
    disk::Folder,
    store::{
        Store,
        embedded::{EmbeddedStore, ROWS_MAX, StoreKeys},
    },
};
use std::sync::Arc;
use tempfile::TempDir;

/// What the embedded store is known not to keep yet.
const PENDING: [&str; 0] = [];

/// The embedded store.
#[derive(Debug, Clone, Copy, Default)]
pub struct Embedded;

struct OnDisk {
    folder: TempDir,
    store: Arc<EmbeddedStore>,
}

fn open(folder: &TempDir) -> Result<Arc<EmbeddedStore>, Trouble> {
    let disk = Arc::new(Folder::new(folder.path()));
    Ok(Arc::new(EmbeddedStore::open(disk, StoreKeys { chain: [7; 32] }).doing("open the embedded store")?))
}

#[async_trait]
impl Backend for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn rows_max(&self) -> usize {
        ROWS_MAX
    }

    fn pending(&self) -> &'static [&'static str] {
        &PENDING
    }

    async fn fresh(&self) -> Result<Box<dyn OpenStore>, Trouble> {
        let folder = tempfile::Builder::new().prefix("derwent-suite-").tempdir().doing("make a folder")?;
        Ok(Box::new(OnDisk { store: open(&folder)?, folder }))
    }
}

#[async_trait]
impl OpenStore for OnDisk {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    async fn reopen(&mut self) -> Result<(), Trouble> {
        self.store.close().await;
        self.store = open(&self.folder)?;
        Ok(())
    }

    async fn beside(&self) -> Result<Arc<dyn Store>, Trouble> {
        let beside: Arc<dyn Store> = open(&self.folder)?;
        Ok(beside)
    }
}
