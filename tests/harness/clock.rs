//! The harness's one clock: how long a test waits for something that must become true.
//!
//! A test waits for a condition, never for a length of time, so that a slow machine makes a test slow and not red.

use std::{
    thread,
    time::{Duration, Instant},
};
use thiserror::Error;

/// How long to rest between two looks: short beside any limit, long enough to leave the two cores to what is tested.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a test waited for did not become true in time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("see within {limit:?} that {what}")]
pub struct TooLate {
    /// What was waited for, as a clause: "the alert is on the page".
    pub what: String,
    /// How long the test was ready to wait.
    pub limit: Duration,
}

/// Waits until a condition holds and says how long it took.
///
/// # Errors
/// [`TooLate`] where it does not hold within the limit.
///
/// ```
/// use harness::clock::wait_until;
/// use std::time::Duration;
/// let mut looks = 0;
/// wait_until(Duration::from_secs(5), "it was looked at three times", || {
///     looks += 1;
///     looks == 3
/// })
/// .unwrap();
/// assert!(wait_until(Duration::ZERO, "pigs fly", || false).is_err());
/// ```
#[expect(clippy::disallowed_methods, reason = "the harness's one clock, and its one rest between two looks")]
pub fn wait_until(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Result<Duration, TooLate> {
    let start = Instant::now();
    loop {
        if is_so() {
            return Ok(start.elapsed());
        }
        if start.elapsed() >= limit {
            return Err(TooLate { what: what.to_owned(), limit });
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// How long a piece of work takes, for benchmarks; no test may rest on it.
#[expect(clippy::disallowed_methods, reason = "the harness's one clock")]
pub fn time_of(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// A moment by a clock that only goes forward, for benchmarks; no test may rest on it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the harness's one clock")]
pub fn instant() -> Instant {
    Instant::now()
}
