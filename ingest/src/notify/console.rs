//! The console channel: staff who watch the service's own log.

use super::{Deliver, NotDelivered};
use crate::store::Committed;
use async_trait::async_trait;
use rules::Job;
use vitals::wire::v1::Urgency;

/// Writes a line to the log for each notification.
#[derive(Debug, Clone, Copy, Default)]
pub struct Console;

#[async_trait]
impl Deliver for Console {
    async fn deliver(&self, job: &Committed<Job>, urgency: Urgency) -> Result<(), NotDelivered> {
        let job = job.get();
        tracing::info!(alert.id = %job.alert, job.id = %job.id, ?urgency, why = job.why.name(), "Alert {} waits on the worklist.", job.alert);
        Ok(())
    }
}
