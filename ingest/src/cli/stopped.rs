//! The store of a service that is stopped, for the commands that work on it directly.

use super::{CommandError, StoreMaker, keys, lock, make_private_folder, read_pack};
use crate::{
    clock::{Clock, WallClock},
    config::Config,
    decide::ByPlan,
    rng::OsRandomness,
    store::{Decide, Store, embedded::StoreKeys},
};
use chrono::{DateTime, Utc};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A store that nobody else has open.
pub(super) struct Stopped {
    /// The settings.
    pub(super) config: Config,
    /// The store.
    pub(super) store: Arc<dyn Store>,
    /// The key of its chains.
    pub(super) chain_key: [u8; 32],
    /// When the command began.
    pub(super) at: DateTime<Utc>,
    runtime: tokio::runtime::Runtime,
    /// Held until the store is closed.
    _only: fs::File,
}

impl Stopped {
    /// Opens the store of these settings; a running service holds its folder, and this says so.
    pub(super) fn open(config: &Path, make_store: StoreMaker) -> Result<Self, CommandError> {
        let config = Config::read(config)?;
        let file = |cause| CommandError::File { path: config.data.clone(), cause };
        make_private_folder(&config.data).map_err(file)?;
        let only = lock(&config.data).map_err(file)?;
        let chain_key = keys::chain_key(&config.data, &OsRandomness).map_err(file)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(CommandError::Run)?;
        let store = {
            let _inside = runtime.enter();
            make_store(&config.data, StoreKeys { chain: chain_key })?
        };
        Ok(Self { config, store, chain_key, at: WallClock.now(), runtime, _only: only })
    }

    /// The folder of these settings for this process alone, and the key of its chains, with the store closed.
    pub(super) fn folder_only(
        config: &Path,
        make_store: StoreMaker,
    ) -> Result<(PathBuf, [u8; 32], fs::File), CommandError> {
        let stopped = Self::open(config, make_store)?;
        stopped.runtime.block_on(stopped.store.close());
        let Self { config, store, chain_key, _only: only, .. } = stopped;
        drop(store);
        Ok((config.data, chain_key, only))
    }

    /// Does something with it, and closes it whatever came of that.
    pub(super) fn work<T>(
        config: &Path,
        make_store: StoreMaker,
        work: impl FnOnce(&Self) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let stopped = Self::open(config, make_store)?;
        let done = work(&stopped);
        stopped.runtime.block_on(stopped.store.close());
        done
    }

    /// Waits for an answer of the store.
    pub(super) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// Who judges by the settings: what is written is held against the protocols that are there.
    pub(super) fn by_settings(&self) -> Result<Arc<dyn Decide>, CommandError> {
        let packs = self.config.packs.iter().map(|path| read_pack(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(ByPlan::for_service(packs, Vec::new(), self.config.without_plan)?))
    }

    /// Who judges: nobody. Without any protocol nothing that is open ends, and what the register now says counts from the next
    /// reading on.
    pub(super) fn decide() -> Arc<dyn Decide> {
        Arc::new(ByPlan::default())
    }
}
