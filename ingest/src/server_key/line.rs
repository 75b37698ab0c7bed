//! The line of the service's keys: which followed which, each by the word of the one before it.
//!
//! Invariant: a line holds no statement that is not signed by the key it names, and no gap.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey};
use std::sync::Arc;
use thiserror::Error;
use vitals::wire::{
    announced::{NEXT_KEYS_MAX, NextKey},
    sealed::{Sealed, SealedFor},
};

/// Statements that do not follow each other, or are not signed by the keys they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "follow the service's keys from one to the next: a statement does not fit; restore the key files together from one backup"
)]
pub struct NotALine;

/// The public half of a key.
type Public = [u8; 32];

/// Which key followed which. Empty where there was only ever one.
#[derive(Debug, Clone, Default)]
pub struct Line {
    statements: Arc<[Sealed]>,
    /// Every key, oldest first: one more than statements, or none.
    keys: Arc<[Public]>,
}

/// A statement, read and found to be signed by the key it names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Read {
    made_at: String,
    key: Public,
    next: Public,
}

fn read(sealed: &Sealed) -> Option<Read> {
    let document = STANDARD.decode(&sealed.document).ok()?;
    let NextKey { made_at, key, next } = serde_json::from_slice(&document).ok()?;
    let public = |text: &str| -> Option<Public> { STANDARD.decode(text).ok()?.try_into().ok() };
    let (key, next) = (public(&key)?, public(&next)?);
    let signature = Signature::from_slice(&STANDARD.decode(&sealed.signature).ok()?).ok()?;
    let signer = VerifyingKey::from_bytes(&key).ok()?;
    signer.verify_strict(&SealedFor::NextKey.to_sign(&document), &signature).ok()?;
    Some(Read { made_at, key, next })
}

impl Line {
    /// The line that these statements make, oldest first.
    ///
    /// # Errors
    /// [`NotALine`] where one is not signed by the key it names, or does not follow the one before it.
    pub fn of(statements: Vec<Sealed>) -> Result<Self, NotALine> {
        let read: Vec<Read> = statements.iter().map(read).collect::<Option<_>>().ok_or(NotALine)?;
        let follow = read.iter().zip(read.iter().skip(1)).all(|(before, after)| before.next == after.key);
        if !follow {
            return Err(NotALine);
        }
        let first = read.first().map(|read| read.key);
        let keys = first.into_iter().chain(read.iter().map(|read| read.next)).collect();
        Ok(Self { statements: statements.into(), keys })
    }

    /// The statements, oldest first.
    #[must_use]
    pub fn statements(&self) -> &[Sealed] {
        &self.statements
    }

    /// The newest statements, as many as a hub is told.
    #[must_use]
    pub fn told(&self) -> &[Sealed] {
        let from = self.statements.len().saturating_sub(NEXT_KEYS_MAX);
        self.statements.get(from..).unwrap_or_default()
    }

    /// Whether a key was ever in the line. An empty line knows no key.
    #[must_use]
    pub fn has(&self, key: &Public) -> bool {
        self.keys.contains(key)
    }

    /// Whether a key may be the one in use: the newest, or the one before it while the newest is only announced.
    pub(super) fn has_in_use(&self, key: &Public) -> bool {
        self.keys.is_empty() || self.keys.iter().rev().take(2).any(|known| known == key)
    }

    /// When the key that follows this one was announced, where one was.
    #[must_use]
    pub fn announced_after(&self, key: &Public) -> Option<(Public, String)> {
        let last = self.statements.last().and_then(read)?;
        (last.key == *key).then_some((last.next, last.made_at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ServerKey;
    use super::*;
    use chrono::DateTime;

    fn key(seed: u8) -> ServerKey {
        ServerKey::from_seed(&[seed; 32])
    }

    fn hand_over(from: u8, to: u8) -> Sealed {
        key(from).hand_over(&key(to), DateTime::UNIX_EPOCH)
    }

    /// What one key says of another is followed; what is said in its name is not. A reader that skips the signature, planted
    /// in this test, takes the forgery, so the forgery is one.
    #[test]
    fn a_line_is_followed_by_signatures_alone() {
        let line = Line::of(vec![hand_over(1, 2), hand_over(2, 3)]).unwrap();
        assert!([1, 2, 3].iter().all(|seed| line.has(&key(*seed).public())) && !line.has(&key(4).public()));
        assert_eq!(line.announced_after(&key(2).public()).map(|(next, _)| next), Some(key(3).public()));
        assert_eq!(line.announced_after(&key(3).public()), None);
        assert!(key(3).in_line(line.clone()).is_ok() && key(2).in_line(line.clone()).is_ok());
        assert!(key(1).in_line(line.clone()).is_err() && key(4).in_line(line).is_err());

        let forged = Sealed { signature: hand_over(4, 5).signature, ..hand_over(1, 2) };
        let credulous = |sealed: &Sealed| {
            let document = STANDARD.decode(&sealed.document).unwrap();
            serde_json::from_slice::<NextKey>(&document).is_ok()
        };
        assert!(credulous(&forged), "whoever skips the signature takes it");
        let for_another_use = key(1).seal(SealedFor::Heartbeat, &STANDARD.decode(hand_over(1, 2).document).unwrap());
        for (what, statements) in [
            ("signed by another", vec![forged]),
            ("signed for another use", vec![for_another_use]),
            ("a gap", vec![hand_over(1, 2), hand_over(3, 4)]),
            ("out of order", vec![hand_over(2, 3), hand_over(1, 2)]),
            ("no base64", vec![Sealed { document: "?".to_owned(), ..hand_over(1, 2) }]),
            ("no signature", vec![Sealed { signature: String::new(), ..hand_over(1, 2) }]),
        ] {
            assert_eq!(Line::of(statements).err(), Some(NotALine), "{what}");
        }
    }

    #[test]
    fn hubs_are_told_the_newest_statements_and_no_more_than_they_take() {
        let statements: Vec<Sealed> = (1..12).map(|seed| hand_over(seed, seed + 1)).collect();
        let line = Line::of(statements.clone()).unwrap();
        assert_eq!((line.told(), line.statements().len()), (&statements[11 - NEXT_KEYS_MAX..], 11));
        assert!(Line::default().told().is_empty());
    }
}
