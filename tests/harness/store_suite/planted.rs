//! A store of the suite that is open, behind a fault.

use super::OpenStore;
use crate::{
    fault::{Fault, behind},
    trouble::Trouble,
};
use async_trait::async_trait;
use ingest::store::Store;
use std::sync::Arc;

/// See the module.
pub(super) struct Planted {
    pub(super) inner: Box<dyn OpenStore>,
    pub(super) fault: Arc<dyn Fault>,
}

#[async_trait]
impl OpenStore for Planted {
    fn store(&self) -> Arc<dyn Store> {
        behind(self.inner.store(), Arc::clone(&self.fault))
    }

    async fn reopen(&mut self) -> Result<(), Trouble> {
        self.fault.reopened();
        self.inner.reopen().await
    }

    /// Past the fault: what is there, and not what the fault makes of it.
    async fn beside(&self) -> Result<Arc<dyn Store>, Trouble> {
        self.inner.beside().await
    }
}
