//! Everything the seed decides: keys, boot ids and the day. Repeatable, so never for anything but the demo and tests.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::{Mutex, PoisonError};

/// The morning on which seed 0 plays: 1 June 2026, 8am in London.
const FIRST_MORNING: DateTime<Utc> = DateTime::from_timestamp_secs(1_780_297_200).expect("a moment of this century");

/// How many mornings the seeds are spread over.
const MORNINGS: u64 = 84;

/// Bytes that follow from a seed.
#[derive(Debug)]
pub struct Seeded(Mutex<blake3::OutputReader>);

impl Seeded {
    /// The bytes of a seed, for one use of them.
    #[must_use]
    pub fn new(seed: u64, used_for: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 demo seed");
        hasher.update(&seed.to_le_bytes());
        hasher.update(used_for.as_bytes());
        Self(Mutex::new(hasher.finalize_xof()))
    }

    /// Fills a buffer with the next bytes.
    pub fn next(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }

    /// The next 32 bytes.
    #[must_use]
    pub fn key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        self.next(&mut key);
        key
    }
}

impl ingest::rng::Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), ingest::rng::NoRandomness> {
        self.next(bytes);
        Ok(())
    }
}

impl hub_agent::rng::Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), hub_agent::rng::NoRandomness> {
        self.next(bytes);
        Ok(())
    }
}

/// When the story of a seed starts: always 8am in London, on one of twelve summer weeks' mornings.
#[must_use]
pub fn start(seed: u64) -> DateTime<Utc> {
    FIRST_MORNING + TimeDelta::days(i64::try_from(seed % MORNINGS).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_0_starts_on_1_june_2026_at_8am_in_london() {
        assert_eq!(start(0).to_rfc3339(), "2026-06-01T07:00:00+00:00");
        assert_ne!(start(1), start(2));
    }

    #[test]
    fn a_seed_gives_the_same_bytes_again_and_another_gives_others() {
        assert_eq!(Seeded::new(1, "a").key(), Seeded::new(1, "a").key());
        assert_ne!(Seeded::new(1, "a").key(), Seeded::new(2, "a").key());
        assert_ne!(Seeded::new(1, "a").key(), Seeded::new(1, "b").key());
    }
}
