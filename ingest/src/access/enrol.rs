//! Enrolment: a code that is shown once to staff and used once by a hub, which so gets its key known.
//!
//! Invariants: pure but for the counts of tries, the moment is an argument; what is kept of a code is a hash, keyed with what
//! is not in the register; the version of the hub that has the new key has the code no more, so that whoever comes second with
//! it, at once or later, finds that there is none.

use super::Guesses;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::{Signature, VerifyingKey};
use register::{EnrolmentCode, Hub, HubKey, Span, hub::KEYS_MAX};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, PoisonError},
};
use vitals::{ErrorCode, HubId, wire::enrol::Code};

/// How long a code may be used: as long as it takes to walk to the hub and type it.
pub const CODE_LASTS: TimeDelta = TimeDelta::minutes(15);

/// Most codes at once: an installer sets up a care home, not a county.
pub const CODES_MAX: usize = 100;

/// Most wrong codes within [`CODE_LASTS`] from everywhere. With as many codes at once as there may be, somebody who tries them
/// all has a chance of one in 28 million.
const WRONG_MAX: usize = 300;

/// Makes the hashes of codes.
///
/// A code alone has 40 bits, which whoever has a copy of the register could try out in minutes; without this key they cannot.
#[derive(Clone)]
pub struct CodeKey([u8; 32]);

impl CodeKey {
    /// A key of the service's own secret.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn hash(&self, code: &Code) -> blake3::Hash {
        blake3::keyed_hash(&self.0, code.shown().as_bytes())
    }
}

/// Debug shows nothing of it.
impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(secret)")
    }
}

/// How often somebody has come with a code that was none.
#[derive(Debug, Default)]
pub struct Tries {
    by_address: Guesses,
    wrong: Mutex<VecDeque<DateTime<Utc>>>,
}

impl Tries {
    /// Counts one more try.
    ///
    /// # Errors
    /// [`ErrorCode::TooManyCodes`] where there were too many from this address, or wrong ones from everywhere; then the code
    /// is not even looked at.
    pub fn one_more(&self, address: &str, at: DateTime<Utc>) -> Result<(), ErrorCode> {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        while wrong.front().is_some_and(|first| at - *first >= CODE_LASTS) {
            wrong.pop_front();
        }
        let may = wrong.len() < WRONG_MAX && self.by_address.one_more(address, at);
        if may { Ok(()) } else { Err(ErrorCode::TooManyCodes) }
    }

    /// Notes that a well-formed code was none of ours.
    pub fn was_wrong(&self, at: DateTime<Utc>) {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner).push_back(at);
    }

    /// Forgets the tries of somebody who has enrolled a hub.
    pub fn forget(&self, address: &str) {
        self.by_address.forget(address);
    }
}

/// Whether a hub has this code, and it may be used.
#[must_use]
pub fn has_code(hub: &Hub, code: &Code, key: &CodeKey, at: DateTime<Utc>) -> bool {
    let live = hub.code.as_ref().filter(|kept| kept.span.has(at));
    // blake3::Hash compares in constant time.
    live.is_some_and(|kept| blake3::Hash::from_bytes(kept.hash) == key.hash(code))
}

/// The hub with a code, in place of one it had before.
///
/// # Errors
/// [`ErrorCode::TooManyCodes`] where other hubs have as many as there may be.
pub fn with_code<'h>(
    hub: &Hub,
    code: &Code,
    key: &CodeKey,
    all: impl IntoIterator<Item = &'h Hub>,
    at: DateTime<Utc>,
) -> Result<Hub, ErrorCode> {
    let others = all.into_iter().filter(|other| other.id != hub.id);
    if others.filter(|other| other.code.as_ref().is_some_and(|code| code.span.has(at))).count() >= CODES_MAX {
        return Err(ErrorCode::TooManyCodes);
    }
    let kept =
        EnrolmentCode { hash: *key.hash(code).as_bytes(), span: Span { from: at, until: Some(at + CODE_LASTS) } };
    Ok(Hub { code: Some(kept), ..hub.clone() })
}

/// The public key of a hub that signed its enrolment with it.
///
/// # Errors
/// [`ErrorCode::KeyRefused`] where it is no key, one of small order, or did not sign this.
pub fn proven_key(public_key: &[u8], signature: &[u8], code: &Code) -> Result<[u8; 32], ErrorCode> {
    let refused = ErrorCode::KeyRefused;
    let bytes: [u8; 32] = public_key.try_into().map_err(|_other_length| refused)?;
    let key = VerifyingKey::from_bytes(&bytes).map_err(|_no_point| refused)?;
    let signature = Signature::from_slice(signature).map_err(|_other_length| refused)?;
    if key.is_weak() || key.verify_strict(&code.to_sign(&bytes), &signature).is_err() {
        return Err(refused);
    }
    Ok(bytes)
}

/// Whether a key is or was some hub's: one key must never stand for two, nor an ended one come back.
#[must_use]
pub fn is_known<'h>(public_key: &[u8; 32], all: impl IntoIterator<Item = &'h Hub>) -> bool {
    all.into_iter().any(|hub| hub.keys.iter().any(|key| key.public_key == *public_key))
}

/// The hub with its new key: the code is used up, and whatever keys it had end now. A hub that is enrolled again was wiped or
/// replaced, and what signs with an older key is no longer it.
#[must_use]
pub fn enrolled(hub: &Hub, public_key: [u8; 32], at: DateTime<Utc>) -> Hub {
    // The oldest make room; every version of the hub that had them stays in the journal.
    let kept = hub.keys.len().saturating_sub(KEYS_MAX - 1);
    let ended = hub.keys.iter().skip(kept).map(|key| HubKey { span: key.span.ended(at), ..key.clone() });
    let keys = ended.chain([HubKey { public_key, span: Span::since(at) }]).collect();
    Hub { keys, code: None, ..hub.clone() }
}

/// The hub whose every key has ended: it was lost or stolen, or is no longer in use. A code it had is gone as well.
#[must_use]
pub fn revoked(hub: &Hub, at: DateTime<Utc>) -> Hub {
    let keys = hub.keys.iter().map(|key| HubKey { span: key.span.ended(at), ..key.clone() }).collect();
    Hub { keys, code: None, ..hub.clone() }
}

/// A hub that nobody has said anything of yet.
#[must_use]
pub fn new_hub(id: HubId) -> Hub {
    Hub { id, name: None, place: None, patients: [].into(), keys: Vec::new(), code: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn hub(number: usize) -> Hub {
        new_hub(HubId::parse(&format!("hub-{number}")).unwrap())
    }

    fn code(first: u8) -> Code {
        Code::of([first, 1, 2, 3, 4, 5, 6, 7]).unwrap()
    }

    const KEY: CodeKey = CodeKey([7; 32]);

    #[test]
    fn a_code_opens_one_hub_for_a_quarter_of_an_hour_once() {
        let with = with_code(&hub(1), &code(1), &KEY, [], at(0)).unwrap();
        assert!(has_code(&with, &code(1), &KEY, at(0)) && has_code(&with, &code(1), &KEY, at(14)));
        assert!(!has_code(&with, &code(1), &KEY, at(15)), "its time is over");
        assert!(!has_code(&with, &code(2), &KEY, at(1)), "another code");
        assert!(!has_code(&with, &code(1), &CodeKey([8; 32]), at(1)), "of another service");
        assert!(!has_code(&hub(1), &code(1), &KEY, at(1)));
        let done = enrolled(&with, [1; 32], at(2));
        assert!(!has_code(&done, &code(1), &KEY, at(2)), "used up");
        assert!(!has_code(&revoked(&with, at(2)), &code(1), &KEY, at(2)));
    }

    #[test]
    fn a_new_key_ends_the_older_ones_and_the_list_never_grows_beyond_its_limit() {
        let mut hub = hub(1);
        for number in 0..100_u8 {
            hub = enrolled(&hub, [number; 32], at(number.into()));
            let counting: Vec<_> = hub.keys.iter().filter(|key| key.span.has(at(number.into()))).collect();
            assert_eq!(counting.iter().map(|key| key.public_key).collect::<Vec<_>>(), [[number; 32]]);
            assert!(hub.keys.len() <= KEYS_MAX);
            assert!(register::Item::from(hub.clone()).check().is_ok());
        }
        assert!(!revoked(&hub, at(200)).keys.iter().any(|key| key.span.has(at(200))));
        assert!(is_known(&[99; 32], [&hub]) && !is_known(&[200; 32], [&hub]));
    }

    #[test]
    fn there_are_never_more_codes_at_once_than_may_be() {
        let all: Vec<Hub> =
            (0..CODES_MAX).map(|number| with_code(&hub(number), &code(1), &KEY, [], at(0)).unwrap()).collect();
        let another = |at| with_code(&hub(CODES_MAX), &code(1), &KEY, &all, at).map(|_hub| ());
        assert_eq!(another(at(14)), Err(ErrorCode::TooManyCodes));
        assert_eq!(another(at(15)), Ok(()), "theirs are over");
        assert!(with_code(&all[0], &code(2), &KEY, &all[1..], at(1)).is_ok(), "a hub's own is replaced");
    }

    /// Rows: what is spoiled. Nobody enrols a key that did not sign, nor one that signed for another code.
    #[test]
    fn only_the_owner_of_a_key_enrols_it() {
        let signer = SigningKey::from_bytes(&[1; 32]);
        let key = signer.verifying_key().to_bytes();
        let signature = signer.sign(&code(1).to_sign(&key)).to_bytes();
        assert_eq!(proven_key(&key, &signature, &code(1)), Ok(key));
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key().to_bytes();
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut no_commitment = [0; 64];
        no_commitment[0] = 1;
        for (what, key, signature, code) in [
            ("another code", &key[..], &signature[..], code(2)),
            ("another key", &other[..], &signature[..], code(1)),
            ("half a key", &key[..16], &signature[..], code(1)),
            ("half a signature", &key[..], &signature[..32], code(1)),
            ("a key of small order", &identity[..], &no_commitment[..], code(1)),
        ] {
            assert_eq!(proven_key(key, signature, &code), Err(ErrorCode::KeyRefused), "{what}");
        }
    }

    #[test]
    fn tries_are_counted_by_address_and_wrong_ones_from_everywhere() {
        let tries = Tries::default();
        assert!((0..10).all(|_| tries.one_more("192.0.2.1", at(0)).is_ok()));
        assert_eq!(tries.one_more("192.0.2.1", at(1)), Err(ErrorCode::TooManyCodes));
        assert_eq!(tries.one_more("192.0.2.2", at(1)), Ok(()), "another address has its own");
        tries.forget("192.0.2.1");
        assert_eq!(tries.one_more("192.0.2.1", at(1)), Ok(()));
        (0..WRONG_MAX).for_each(|_| tries.was_wrong(at(2)));
        assert_eq!(tries.one_more("192.0.2.3", at(16)), Err(ErrorCode::TooManyCodes));
        assert_eq!(tries.one_more("192.0.2.3", at(17)), Ok(()));
    }
}
