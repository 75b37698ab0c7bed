//! How long to wait before the next try: exponential with full jitter, never less than the service asked for.
//!
//! What it asked for is spread as well, so that hubs told the same moment do not come back in it together.

use crate::rng::{self, Randomness};
use std::time::Duration;

/// The first wait is at most this long.
pub const WAIT_FIRST: Duration = Duration::from_secs(1);

/// No wait of our own choosing is longer: a hub is never silent for much longer than its 40-second hello.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// A longer Retry-After is not obeyed: a slip of the service's clock must not silence a hub for a day.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// The wait after `failures` failures in a row (at least one).
pub(super) fn wait(failures: u32, retry_after: Option<Duration>, randomness: &dyn Randomness) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = WAIT_FIRST.saturating_mul(1 << doublings).min(WAIT_MAX);
    let asked = retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
    let ceiling = ceiling.max(asked.min(WAIT_MAX));
    // Without randomness the longest wait is the kindest to the service.
    let jittered = rng::number(randomness).map_or(ceiling, |number| share(ceiling, number));
    if asked.is_zero() { jittered } else { asked + jittered }
}

/// The part of `whole` that `number` is of all numbers of 64 bits, to the millisecond.
pub(super) fn share(whole: Duration, number: u64) -> Duration {
    let millis = (whole.as_millis() * u128::from(number)) >> 64;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::NoRandomness;

    struct Always(u8);

    impl Randomness for Always {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    struct Never;

    impl Randomness for Never {
        fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
            Err(NoRandomness)
        }
    }

    #[test]
    fn waits_double_up_to_the_limit_and_heed_the_service() {
        let millis = |failures, retry_after: Option<u64>, randomness: &dyn Randomness| {
            wait(failures, retry_after.map(Duration::from_secs), randomness).as_millis()
        };
        for (failures, ceiling) in [(1, 1000), (2, 2000), (6, 32_000), (7, 60_000), (u32::MAX, 60_000)] {
            assert_eq!(millis(failures, None, &Never), ceiling, "{failures} failures");
            assert!(millis(failures, None, &Always(0xff)) < ceiling);
            assert_eq!(millis(failures, None, &Always(0)), 0, "full jitter reaches down to nought");
        }
        assert_eq!(millis(1, Some(30), &Always(0)), 30_000);
        assert_eq!(millis(1, Some(30), &Never), 60_000, "spread over as long again");
        assert_eq!(millis(1, Some(86_400), &Always(0)), 600_000);
        assert_eq!(millis(1, Some(86_400), &Never), 660_000, "and over no more than our own longest wait");
    }
}
