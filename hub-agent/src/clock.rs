//! The hub's clock: the one place that asks the machine what time it is.

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound as _, Utc};
use std::time::Duration;

/// Time, as the hub is given it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> DateTime<Utc>;

    /// Returns when this long has passed on this clock.
    async fn sleep(&self, how_long: Duration);
}

/// Digits after the second that are told. No clock of ours is right to more, and every further digit would be kept with every
/// reading for ever.
const MILLISECONDS: u16 = 3;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct WallClock;

#[async_trait]
impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the hub's one clock module")]
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::from(std::time::SystemTime::now()).trunc_subsecs(MILLISECONDS)
    }

    async fn sleep(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
}
