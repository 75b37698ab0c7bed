//! The service's randomness: the one place that asks the operating system for it.

use thiserror::Error;

/// The operating system gave no randomness.
#[derive(Debug, Error)]
#[error("get randomness from the operating system: {0}")]
pub struct NoRandomness(String);

/// Bytes nobody can guess.
pub trait Randomness: Send + Sync {
    /// Fills a buffer.
    ///
    /// # Errors
    /// [`NoRandomness`] where there is none to be had; nothing may stand in for it.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the service's one rng module")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|error| NoRandomness(error.to_string()))
    }
}
