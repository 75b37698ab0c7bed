//! The service's clock: the one place that reads it.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use std::time::Duration;

/// What time it is, and waiting for it to pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;

    /// Waits.
    async fn sleep(&self, span: Duration);
}

/// Digits after the second that are told. No clock of ours is right to more, and every further digit would be kept with every
/// reading for ever.
const MILLISECONDS: u16 = 3;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

#[async_trait]
impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the service's one clock module")]
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(std::time::SystemTime::now()).trunc_subsecs(MILLISECONDS)
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}
