//! The hub's randomness: the one place that asks the operating system for it.

use thiserror::Error;

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read random bytes from the operating system")]
pub struct NoRandomness;

/// Random bytes, as the hub is given them.
pub trait Randomness: Send + Sync {
    /// Fills the bytes.
    ///
    /// # Errors
    /// [`NoRandomness`] where there are none to be had.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system's random bytes.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the hub's one rng module")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_why_does_not_matter| NoRandomness)
    }
}

/// One random number, evenly over 64 bits.
pub(crate) fn number(randomness: &dyn Randomness) -> Result<u64, NoRandomness> {
    let mut bytes = [0; 8];
    randomness.fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}
