//! Passwords: how they are kept, and which are refused. The one module that touches the `argon2` crate.
//!
//! Invariants: a password is never kept, logged or shown, only what argon2id makes of it with a salt of its own; two
//! hashes are compared in constant time.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// Fewest characters: three random words, as the National Cyber Security Centre advises, have more.
const CHARACTERS_MIN: usize = 12;

/// Most bytes, so that nobody makes the service hash a book.
const BYTES_MAX: usize = 256;

/// Memory for one hash: 19 MiB, with two passes and one lane.
///
/// Source: OWASP Password Storage Cheat Sheet, the first of its settings for Argon2id below 46 MiB.
const MEMORY_KIB: u32 = 19 * 1024;

/// Passes over that memory.
const PASSES: u32 = 2;

/// Most memory that a stored hash may ask for: a damaged row must not take the machine down.
const MEMORY_KIB_MAX: u32 = 256 * 1024;

/// Most passes that a stored hash may ask for.
const PASSES_MAX: u32 = 16;

/// What everybody tries first. Longer lists are for a service of its own.
const COMMON: [&str; 12] = [
    "password1234",
    "passwordpassword",
    "123456789012",
    "1234567890123",
    "qwertyuiop12",
    "qwertyuiopasdf",
    "letmeinletmein",
    "welcome12345",
    "administrator",
    "changemechangeme",
    "nhspassword123",
    "derwentderwent",
];

/// A password, wiped when it is dropped.
pub struct Password(Zeroizing<String>);

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordRefused {
    /// Too short.
    #[error("choose a password of at least 12 characters: three random words are good")]
    TooShort,
    /// Too long.
    #[error("choose a password of at most 256 bytes")]
    TooLong,
    /// One of those that everybody tries first, or one character again and again.
    #[error("choose a password that others would not guess first")]
    Common,
}

/// Debug shows nothing.
impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// In constant time, as far as their lengths are alike.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.0.as_bytes())
    }
}

impl Eq for Password {}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::given(String::deserialize(deserializer)?))
    }
}

impl Password {
    /// A password that somebody gave to sign in.
    #[must_use]
    pub fn given(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it may be somebody's password from now on.
    ///
    /// # Errors
    /// [`PasswordRefused`] where it is too short, too long, or one that others would guess first.
    pub fn check(&self) -> Result<(), PasswordRefused> {
        if self.0.len() > BYTES_MAX {
            return Err(PasswordRefused::TooLong);
        }
        if self.0.chars().count() < CHARACTERS_MIN {
            return Err(PasswordRefused::TooShort);
        }
        let lower = Zeroizing::new(self.0.to_lowercase());
        let mut characters = lower.chars();
        let first = characters.next();
        let is_one_character = characters.all(|other| Some(other) == first);
        if is_one_character || COMMON.contains(&lower.as_str()) {
            return Err(PasswordRefused::Common);
        }
        Ok(())
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    salt: String,
    hash: String,
}

/// Debug shows nothing.
impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

impl PasswordHash {
    /// What is to be kept of a password; `salt` is random. Takes some 20 ms of one core and 19 MiB: never on a thread that
    /// serves requests. None where there is no memory for it.
    #[must_use]
    pub fn of(password: &Password, salt: [u8; 16]) -> Option<Self> {
        let hash = hashed(password, &salt, MEMORY_KIB, PASSES)?;
        let (salt, hash) = (vitals::hex::encode(&salt), vitals::hex::encode(hash.as_slice()));
        Some(Self { memory_kib: MEMORY_KIB, passes: PASSES, salt, hash })
    }

    /// Whether it is what is kept of this password. As costly as making it.
    #[must_use]
    pub fn fits(&self, password: &Password) -> bool {
        let salt = vitals::hex::decode_array::<16>(&self.salt).ok();
        let kept = vitals::hex::decode_array::<32>(&self.hash).ok();
        let is_bounded = self.memory_kib <= MEMORY_KIB_MAX && self.passes <= PASSES_MAX;
        let (Some(salt), Some(kept), true) = (salt, kept, is_bounded) else { return false };
        let given = hashed(password, &salt, self.memory_kib, self.passes);
        // blake3::Hash compares in constant time.
        given.is_some_and(|given| blake3::Hash::from_bytes(*given) == blake3::Hash::from_bytes(kept))
    }
}

fn hashed(password: &Password, salt: &[u8; 16], memory_kib: u32, passes: u32) -> Option<Zeroizing<[u8; 32]>> {
    if password.0.len() > BYTES_MAX {
        return None;
    }
    let params = Params::new(memory_kib, passes, 1, Some(32)).ok()?;
    let mut hash = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.0.as_bytes(), salt, hash.as_mut_slice()).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::given(text.to_owned())
    }

    #[test]
    fn a_password_fits_its_own_hash_and_no_other() {
        let kept = PasswordHash::of(&password("three random words"), [7; 16]).unwrap();
        assert!(kept.fits(&password("three random words")));
        assert!(!kept.fits(&password("three random word")));
        assert!(!kept.fits(&password("")));
        let other = PasswordHash::of(&password("three random words"), [8; 16]).unwrap();
        assert_ne!(kept, other, "each has a salt of its own");
        let text = format!("{kept:?}{:?}", password("three random words"));
        assert!(!text.contains("random") && !text.contains(&kept.hash), "{text}");
    }

    #[test]
    fn a_damaged_hash_fits_nothing_and_takes_no_memory() {
        let kept = PasswordHash::of(&password("three random words"), [7; 16]).unwrap();
        for damaged in [
            PasswordHash { memory_kib: u32::MAX, ..kept.clone() },
            PasswordHash { passes: u32::MAX, ..kept.clone() },
            PasswordHash { passes: 0, ..kept.clone() },
            PasswordHash { salt: String::new(), ..kept.clone() },
            PasswordHash { hash: kept.hash.to_uppercase().replace('0', "g"), ..kept },
        ] {
            assert!(!damaged.fits(&password("three random words")));
        }
    }

    #[test]
    fn what_others_would_guess_first_is_refused() {
        for (text, expected) in [
            ("three random words", Ok(())),
            ("drei zufällige", Ok(())),
            ("short", Err(PasswordRefused::TooShort)),
            ("aaaaaaaaaaaaaaaa", Err(PasswordRefused::Common)),
            ("PasswordPassword", Err(PasswordRefused::Common)),
        ] {
            assert_eq!(password(text).check(), expected, "{text}");
        }
        assert_eq!(password(&"ab".repeat(200)).check(), Err(PasswordRefused::TooLong));
    }
}
