//! How a hub gets its key known to the service: a code that staff were shown, used once.
//!
//! The hub makes its key itself, and the secret half never leaves it. What it sends is signed with that key, so that nobody
//! enrols a key that is not theirs, and over the code, so that a signature made for one enrolment is worth nothing for
//! another.

use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Where hubs enrol.
pub const ENROL_PATH: &str = "/v1/enrol";

/// Largest body of an enrolment, in bytes.
pub const ENROL_BODY_BYTES_MAX: usize = 4096;

/// What a code is made of: 31 characters, none of which is taken for another when it is read aloud or copied by hand. A prime
/// number of them, so that the check character finds every single mistake and every pair that changed places.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// How many characters carry the secret: 31^8 is 8.5 * 10^11.
pub const CODE_CHARACTERS: usize = 8;

/// A single-use code: eight characters and one that checks them, shown as `XXXX-XXXX-X`.
///
/// ```
/// use vitals::wire::enrol::Code;
/// let code = Code::of([0, 1, 2, 3, 4, 5, 6, 7]).unwrap();
/// assert_eq!(code.shown(), "2345-6789-C");
/// assert_eq!(Code::parse("2345 6789c"), Ok(code));
/// assert!(Code::parse("2345-6798-C").is_err(), "two characters changed places");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; CODE_CHARACTERS]);

/// A text is not a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a code: want eight characters and the one that checks them")]
pub struct NotACode;

/// The place in [`ALPHABET`] of the character that checks these. The weights are different and none is a multiple of 31.
fn check_of(places: [u8; CODE_CHARACTERS]) -> u8 {
    let sum: u16 = (2..).zip(places).map(|(weight, place): (u16, u8)| weight * u16::from(place)).sum();
    u8::try_from(sum % 31).unwrap_or(0)
}

impl Code {
    /// The code of these places in the alphabet; none where one is beyond it.
    #[must_use]
    pub fn of(places: [u8; CODE_CHARACTERS]) -> Option<Self> {
        places.iter().all(|place| usize::from(*place) < ALPHABET.len()).then_some(Self(places))
    }

    /// The code that random bytes make, each character as likely as any other; none where too few of them can be used.
    #[must_use]
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // 248 is eight times 31: what is above would make some characters likelier.
        let mut places = bytes.iter().filter(|byte| **byte < 248).map(|byte| byte % 31);
        let mut code = [0; CODE_CHARACTERS];
        for place in &mut code {
            *place = places.next()?;
        }
        Some(Self(code))
    }

    /// Reads a code as somebody types it: in small letters too, with or without dashes and spaces.
    ///
    /// # Errors
    /// [`NotACode`] for any other length, any other character, and every mistake that the check character finds.
    pub fn parse(text: &str) -> Result<Self, NotACode> {
        let typed = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let mut places = [0_u8; CODE_CHARACTERS + 1];
        let mut count = 0;
        for byte in typed {
            let place = ALPHABET.iter().position(|known| *known == byte.to_ascii_uppercase()).ok_or(NotACode)?;
            *places.get_mut(count).ok_or(NotACode)? = u8::try_from(place).map_err(|_beyond| NotACode)?;
            count += 1;
        }
        let [code @ .., check] = places;
        if count == places.len() && check_of(code) == check { Ok(Self(code)) } else { Err(NotACode) }
    }

    /// As people read it.
    #[must_use]
    pub fn shown(&self) -> String {
        let character = |place: &u8| ALPHABET.get(usize::from(*place)).copied().map_or('?', char::from);
        let (first, second) = self.0.split_at(CODE_CHARACTERS / 2);
        let text = |part: &[u8]| part.iter().map(character).collect::<String>();
        format!("{}-{}-{}", text(first), text(second), character(&check_of(self.0)))
    }

    /// What a hub signs to enrol this public key with this code.
    #[must_use]
    pub fn to_sign(&self, public_key: &[u8; 32]) -> Vec<u8> {
        [b"derwent-enrol-v1\n", self.shown().as_bytes(), b"\n", public_key].concat()
    }
}

/// Debug shows nothing of it: a code opens the door for a quarter of an hour.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(secret)")
    }
}

/// What a hub sends to be enrolled.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrol {
    /// The code, as it was typed.
    pub code: String,
    /// The public half of the key the hub made: 32 bytes in base64.
    pub public_key: String,
    /// Its signature over [`Code::to_sign`], in base64.
    pub signature: String,
    /// The hub's program: its version.
    pub build: String,
}

/// Debug shows nothing of the code.
impl fmt::Debug for Enrol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrol").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

/// What the service answers to a hub that it has enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Which hub it is.
    pub hub: String,
    /// The highest epoch of request numbers that the service has seen of this hub: a hub that lost its memory numbers its
    /// requests in a later one.
    pub epoch: u32,
    /// The key the service signs with: 32 bytes in base64. The hub pins it.
    pub server_key: String,
    /// The SHA-256 of the service's certificate, 64 hexadecimal digits, where it has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<String>,
}

/// A code that was made, for whoever asked for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// For which hub.
    pub hub: String,
    /// The code, as people read it. It is shown this once and kept nowhere.
    pub code: String,
    /// Until when it may be used, UTC.
    pub until: String,
    /// The SHA-256 of the service's certificate, to be compared on the hub, where the service has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_fingerprint: Option<String>,
}

/// Debug shows nothing of the code.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({})", self.hub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever single character is mistyped, and whatever two are swapped, near each other or far: it is found.
        #[test]
        fn a_code_is_read_as_shown_and_every_small_mistake_is_found(places in proptest::array::uniform8(0_u8..31)) {
            let code = Code::of(places).unwrap();
            let shown: Vec<u8> = code.shown().bytes().filter(|byte| *byte != b'-').collect();
            let read = |bytes: &[u8]| Code::parse(str::from_utf8(bytes).unwrap());
            prop_assert_eq!(read(&shown), Ok(code.clone()));
            prop_assert_eq!(read(&shown.to_ascii_lowercase()), Ok(code));
            for place in 0..shown.len() {
                for other in ALPHABET.iter().filter(|other| **other != shown[place]) {
                    let mut mistyped = shown.clone();
                    mistyped[place] = *other;
                    prop_assert!(read(&mistyped).is_err(), "{mistyped:?}");
                }
                for with in (0..shown.len()).filter(|with| shown[*with] != shown[place]) {
                    let mut swapped = shown.clone();
                    swapped.swap(place, with);
                    prop_assert!(read(&swapped).is_err(), "{swapped:?}");
                }
                prop_assert!(read(&[&shown[..place], &shown[place + 1..]].concat()).is_err(), "one left out");
            }
        }

        #[test]
        fn anything_at_all_is_read_or_refused(text in ".{0,20}") {
            if let Ok(code) = Code::parse(&text) {
                prop_assert_eq!(Code::parse(&code.shown()), Ok(code));
            }
        }
    }

    #[test]
    fn random_bytes_make_codes_of_all_characters_alike_or_none() {
        assert_eq!(Code::from_random(&[248; 100]), None);
        assert_eq!(Code::from_random(&[1; 7]), None);
        let mut count = [0; 31];
        (0..248).for_each(|byte: u8| count[usize::from(Code::from_random(&[byte; 8]).unwrap().0[0])] += 1);
        assert_eq!(count, [8; 31]);
        assert_eq!(Code::of([0, 0, 0, 31, 0, 0, 0, 0]), None);
    }
}
