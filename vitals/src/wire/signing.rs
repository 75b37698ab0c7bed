//! What a hub signs (RFC 9421) and how requests are numbered; the cryptography itself lives in each program.

use std::fmt;
use thiserror::Error;

/// The label of a hub's signature.
pub const LABEL: &str = "hub";

/// The `tag` of a hub's signature: says what the signature is for.
pub const TAG: &str = "derwent-hub-v1";

/// What is signed, in this order. Not `@authority`: a hub may reach the service under several names.
pub const COMPONENTS: [&str; 6] = ["@method", "@path", "@query", "content-type", "content-encoding", "content-digest"];

/// The `@query` component of a request without a query, as RFC 9421 section 2.2.7 spells it.
pub const EMPTY_QUERY: &str = "?";

/// The number of a request: the epoch is raised when a hub's outbox is created, the sequence with every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber {
    /// How often this hub's memory was set up.
    pub epoch: u32,
    /// The request within the epoch, from 1.
    pub sequence: u64,
}

/// A nonce is not a request number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a request number: want EPOCH.SEQUENCE")]
pub struct NotARequestNumber;

impl RequestNumber {
    /// Reads a nonce.
    ///
    /// # Errors
    /// [`NotARequestNumber`] unless it is two whole numbers without leading noughts, joined by a point.
    ///
    /// ```
    /// use vitals::wire::signing::RequestNumber;
    /// assert_eq!(RequestNumber::parse("3.42").unwrap(), RequestNumber { epoch: 3, sequence: 42 });
    /// assert!(RequestNumber::parse("3.042").is_err(), "one number, one spelling");
    /// ```
    pub fn parse(nonce: &str) -> Result<Self, NotARequestNumber> {
        let (epoch, sequence) = nonce.split_once('.').ok_or(NotARequestNumber)?;
        let number = Self {
            epoch: epoch.parse().map_err(|_not_a_number| NotARequestNumber)?,
            sequence: sequence.parse().map_err(|_not_a_number| NotARequestNumber)?,
        };
        if number.to_string() == nonce { Ok(number) } else { Err(NotARequestNumber) }
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.sequence)
    }
}

/// How far back a request number may lie behind the highest seen.
pub const WINDOW: u64 = 64;

/// The request numbers of one hub and epoch already received: the highest, and the [`WINDOW`] below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayWindow {
    /// The highest sequence received; 0 before the first.
    pub highest: u64,
    /// Bit n is set where sequence `highest - n` was received.
    pub seen: u64,
}

impl ReplayWindow {
    /// Takes a sequence, or says that it was taken before or is too old to tell. Sequence 0 is never taken.
    ///
    /// ```
    /// use vitals::wire::signing::ReplayWindow;
    /// let mut window = ReplayWindow::default();
    /// assert!(window.take(5));
    /// assert!(window.take(3), "late, but not seen");
    /// assert!(!window.take(5), "replayed");
    /// assert!(window.take(100));
    /// assert!(!window.take(4), "too old to tell");
    /// ```
    #[must_use]
    pub fn take(&mut self, sequence: u64) -> bool {
        if sequence == 0 {
            return false;
        }
        if sequence > self.highest {
            let steps = u32::try_from(sequence - self.highest).unwrap_or(u32::MAX);
            self.seen = self.seen.checked_shl(steps).unwrap_or(0) | 1;
            self.highest = sequence;
            return true;
        }
        let bit = self.highest - sequence;
        if bit >= WINDOW || self.seen >> bit & 1 == 1 {
            return false;
        }
        self.seen |= 1 << bit;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain set: nothing is taken twice, and nothing within the window that is new is refused.
        #[test]
        fn the_window_agrees_with_a_plain_set(sequences in proptest::collection::vec(0_u64..200, 1..300)) {
            let mut window = ReplayWindow::default();
            let mut taken = std::collections::BTreeSet::new();
            for sequence in sequences {
                let highest = taken.last().copied().unwrap_or(0);
                let expected = sequence > 0 && !taken.contains(&sequence) && (sequence > highest || highest - sequence < WINDOW);
                prop_assert_eq!(window.take(sequence), expected, "sequence {} after {:?}", sequence, taken);
                if expected {
                    taken.insert(sequence);
                }
            }
        }
    }
}
