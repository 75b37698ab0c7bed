//! What the service tells its hubs before it changes it: its next key and its next certificate, each signed with a key that
//! they know.
//!
//! Invariant: an announcement names what it is signed with, so that a hub that slept through several can follow them one by
//! one, and takes none on trust.

use crate::hex;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Most announcements of keys in one answer: a hub that slept through more than so many is enrolled again.
pub const NEXT_KEYS_MAX: usize = 8;

/// Fewest hexadecimal digits of a fingerprint that whoever installs a hub may type: 80 bits, which nobody can make another
/// certificate to fit.
pub const TYPED_DIGITS_MIN: usize = 20;

/// How many digits are shown together.
const DIGITS_IN_A_GROUP: usize = 4;

/// The SHA-256 of a certificate, by which a hub knows it again.
///
/// ```
/// use vitals::wire::announced::Fingerprint;
/// let fingerprint = Fingerprint::of([0xab; 32]);
/// assert_eq!(Fingerprint::parse(&fingerprint.to_string()), Ok(fingerprint));
/// assert_eq!(fingerprint.first_groups(), "abab-abab-abab-abab-abab");
/// assert!(Fingerprint::parse("abab").is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// A text is not a fingerprint, or too little of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a certificate's fingerprint: want {TYPED_DIGITS_MIN} to 64 hexadecimal digits, and all 64 in settings")]
pub struct NotAFingerprint;

impl Fingerprint {
    /// The fingerprint with these bytes: the SHA-256 of the certificate's DER form.
    #[must_use]
    pub fn of(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads all 64 digits; blanks, dashes and colons are passed over.
    ///
    /// # Errors
    /// [`NotAFingerprint`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NotAFingerprint> {
        hex::decode_array(&digits(text)?).map(Self).map_err(|_not_hex| NotAFingerprint)
    }

    /// The first [`TYPED_DIGITS_MIN`] digits, in groups that can be read aloud.
    #[must_use]
    pub fn first_groups(&self) -> String {
        let digits = self.to_string();
        let groups = digits.as_bytes().chunks(DIGITS_IN_A_GROUP).take(TYPED_DIGITS_MIN / DIGITS_IN_A_GROUP);
        groups.map(|group| str::from_utf8(group).unwrap_or_default()).collect::<Vec<_>>().join("-")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::Digits(&self.0).fmt(f)
    }
}

/// The beginning of a fingerprint, as somebody copied it from a screen.
///
/// ```
/// use vitals::wire::announced::{Fingerprint, FingerprintStart};
/// let typed = FingerprintStart::parse("ABAB abab:abab-abab-abab").unwrap();
/// assert!(typed.fits(&Fingerprint::of([0xab; 32])) && !typed.fits(&Fingerprint::of([0xac; 32])));
/// assert!(FingerprintStart::parse("abab-abab-abab-abab-aba").is_err(), "too few");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FingerprintStart(String);

impl FingerprintStart {
    /// Reads at least [`TYPED_DIGITS_MIN`] digits; blanks, dashes and colons are passed over.
    ///
    /// # Errors
    /// [`NotAFingerprint`] for fewer, for more than there are, and for anything that is no digit.
    pub fn parse(text: &str) -> Result<Self, NotAFingerprint> {
        let digits = digits(text)?;
        if (TYPED_DIGITS_MIN..=64).contains(&digits.len()) { Ok(Self(digits)) } else { Err(NotAFingerprint) }
    }

    /// Whether a fingerprint begins so.
    #[must_use]
    pub fn fits(&self, fingerprint: &Fingerprint) -> bool {
        fingerprint.to_string().starts_with(&self.0)
    }
}

/// The digits of a text in small letters.
fn digits(text: &str) -> Result<String, NotAFingerprint> {
    let digits = text.trim().bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b':'));
    digits
        .map(|byte| byte.is_ascii_hexdigit().then(|| char::from(byte.to_ascii_lowercase())).ok_or(NotAFingerprint))
        .collect()
}

/// Which certificates the service shows: a document that it signs for all hubs ([`super::sealed::SealedFor::Certificates`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// The fingerprint of the one it shows, 64 hexadecimal digits.
    pub in_use: String,
    /// The fingerprint of the one that will follow, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which key follows which: a document signed with the older of the two ([`super::sealed::SealedFor::NextKey`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextKey {
    /// When it was announced, UTC.
    pub made_at: String,
    /// The public half of the key it is signed with: 32 bytes in base64.
    pub key: String,
    /// The public half of the key that follows: 32 bytes in base64.
    pub next: String,
}
