//! The hubs this service knows: their keys, and the people on them, as the register has them now.
//!
//! Invariants: a key counts within its span and not a moment longer, whatever was verified with it before; a key is taken apart
//! once, when a version of its hub is learned, and never while a request waits; a key that ended in the register is never
//! revived by the settings.

use super::{Relations, VerifiedHub};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use register::{Hub, HubKey, Span};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};
use thiserror::Error;
use tokio::sync::watch;
use vitals::{ErrorCode, HubId, PatientId};

/// Most keys of one hub that count at once, the newest: the one it has and the one it changes to, and both again where a
/// change broke off. A forger makes us try no more than these.
const KEYS_AT_ONCE_MAX: usize = 4;

/// A hub of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubEntry {
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// The people it may send readings of.
    pub patients: BTreeSet<PatientId>,
}

/// Every hub the service knows: those of the settings until the register says otherwise.
#[derive(Debug)]
pub struct HubRegistry {
    known: RwLock<HashMap<HubId, Arc<KnownHub>>>,
    settings: BTreeMap<HubId, HubEntry>,
    /// How often something was learned: whoever waits with a hub's request looks again.
    learned: watch::Sender<u64>,
}

/// A hub whose requests can be verified.
#[derive(Debug)]
pub(crate) struct KnownHub {
    id: HubId,
    patients: Arc<BTreeSet<PatientId>>,
    /// The newest first. Without those that are no point of the curve, or of small order: nothing is signed with such a key.
    keys: Vec<KnownKey>,
}

#[derive(Debug)]
struct KnownKey {
    public_key: [u8; 32],
    key: VerifyingKey,
    span: Span,
}

/// Why a signature is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NotSigned {
    /// It is not one of this hub's over these bytes.
    #[error("verify a signature: it is not this hub's over these bytes")]
    Invalid,
    /// No key of this hub counts at this moment.
    #[error("verify a signature: no key of this hub counts now")]
    NoKey,
}

impl From<NotSigned> for ErrorCode {
    fn from(why: NotSigned) -> Self {
        match why {
            NotSigned::Invalid => Self::SignatureInvalid,
            NotSigned::NoKey => Self::HubKeyEnded,
        }
    }
}

impl Default for HubRegistry {
    fn default() -> Self {
        Self::new(BTreeMap::new())
    }
}

impl HubRegistry {
    /// The hubs of the settings.
    #[must_use]
    pub fn new(hubs: BTreeMap<HubId, HubEntry>) -> Self {
        let known = hubs.iter().map(|(id, entry)| (id.clone(), Arc::new(KnownHub::of(&entry.as_hub(id)))));
        Self { known: RwLock::new(known.collect()), settings: hubs, learned: watch::Sender::new(0) }
    }

    /// Takes in hubs as the register now has them. From then on their keys and people are these, for requests that are under
    /// way too.
    pub fn learn<'h>(&self, hubs: impl IntoIterator<Item = &'h Hub>) {
        // Keys are taken apart before anybody is made to wait.
        let hubs: Vec<KnownHub> = hubs.into_iter().map(KnownHub::of).collect();
        if hubs.is_empty() {
            return;
        }
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(hubs.into_iter().map(|hub| (hub.id.clone(), Arc::new(hub))));
        self.learned.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// What of the settings is to be written into the register: hubs that it does not have, and keys that it never had.
    ///
    /// Whoever is on a hub that it has is the register's to say: somebody who was taken off a hub must not return to it with
    /// every start.
    #[must_use]
    pub fn to_write(&self, register: &Relations) -> Vec<Hub> {
        self.settings.iter().filter_map(|(id, entry)| entry.beside(id, register.hub(id))).collect()
    }

    /// A hub, where it is known.
    pub(crate) fn known(&self, hub: &HubId) -> Option<Arc<KnownHub>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(hub).cloned()
    }

    /// When the key that a hub's request was verified with counts, as it stands now; none where the hub has it no more.
    pub(crate) fn span(&self, hub: &VerifiedHub) -> Option<Span> {
        let known = self.known(&hub.id)?;
        known.keys.iter().find(|key| key.public_key == hub.key).map(|key| key.span)
    }

    /// Whether the key that a hub's request was verified with still counts.
    ///
    /// # Errors
    /// [`ErrorCode::HubKeyEnded`] where it does not.
    pub(crate) fn still_counts(&self, hub: &VerifiedHub, at: DateTime<Utc>) -> Result<(), ErrorCode> {
        self.span(hub).filter(|span| span.has(at)).map(|_counts| ()).ok_or(ErrorCode::HubKeyEnded)
    }

    /// Tells whenever something is learned.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.learned.subscribe()
    }
}

impl HubEntry {
    /// As the register writes it. Its key has always counted: the settings know no day for it.
    fn as_hub(&self, id: &HubId) -> Hub {
        Hub {
            id: id.clone(),
            name: None,
            place: None,
            patients: self.patients.clone(),
            keys: vec![self.key()],
            code: None,
        }
    }

    fn key(&self) -> HubKey {
        HubKey { public_key: self.public_key, span: Span::since(DateTime::UNIX_EPOCH) }
    }

    /// What is to be written where the register has `hub`; none where there is nothing to write.
    fn beside(&self, id: &HubId, hub: Option<&Hub>) -> Option<Hub> {
        let Some(hub) = hub else { return Some(self.as_hub(id)) };
        if hub.patients != self.patients {
            tracing::warn!(hub.id = %id, "The settings of {id} name other people than the register; the register counts.");
        }
        let is_there = hub.keys.iter().any(|key| key.public_key == self.public_key);
        (!is_there).then(|| Hub { keys: [hub.keys.as_slice(), &[self.key()]].concat(), ..hub.clone() })
    }
}

impl KnownHub {
    fn of(hub: &Hub) -> Self {
        let known = |HubKey { public_key, span }: &HubKey| {
            let key = VerifyingKey::from_bytes(public_key).ok().filter(|key| !key.is_weak())?;
            Some(KnownKey { public_key: *public_key, key, span: *span })
        };
        Self {
            id: hub.id.clone(),
            patients: Arc::new(hub.patients.clone()),
            keys: hub.keys.iter().rev().filter_map(known).collect(),
        }
    }

    /// The hub as one whose signature was verified, where `signature` is over `base` with one of its keys that count.
    ///
    /// Strictly: no key and no commitment of small order, and one encoding for each number. What the crate's
    /// `verify_strict` says, by looking at the commitment's bytes where that takes the point apart, which is an eighth of
    /// its time; the tests hold the two together.
    ///
    /// # Errors
    /// [`NotSigned`] where it is not.
    pub(crate) fn verify(&self, base: &[u8], signature: &[u8], at: DateTime<Utc>) -> Result<VerifiedHub, NotSigned> {
        let signature = Signature::from_slice(signature).map_err(|_other_length| NotSigned::Invalid)?;
        let mut counting = self.keys.iter().filter(|key| key.span.has(at)).take(KEYS_AT_ONCE_MAX).peekable();
        counting.peek().ok_or(NotSigned::NoKey)?;
        if is_of_small_order(*signature.r_bytes()) {
            return Err(NotSigned::Invalid);
        }
        let signer = counting.find(|key| key.key.verify(base, &signature).is_ok()).ok_or(NotSigned::Invalid)?;
        Ok(VerifiedHub { id: self.id.clone(), patients: self.patients.clone(), key: signer.public_key })
    }
}

/// The ordinates of the eight points of small order, little-endian: 1, -1, 0, and the two of the points of order eight. No other
/// encoding of these points can be the commitment of a signature that verifies.
#[rustfmt::skip]
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
    [0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
    [0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05],
    [0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a],
];

/// Whether a commitment is a point of small order; the last bit says which of two.
fn is_of_small_order(mut commitment: [u8; 32]) -> bool {
    if let Some(last) = commitment.last_mut() {
        *last &= 0x7f;
    }
    SMALL_ORDER.contains(&commitment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION, edwards::CompressedEdwardsY};
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;
    use sha2::{Digest, Sha512};

    fn known(public_key: [u8; 32]) -> Arc<KnownHub> {
        let id = HubId::parse("hub-1").unwrap();
        let hubs = HubRegistry::new([(id.clone(), HubEntry { public_key, patients: BTreeSet::new() })].into());
        hubs.known(&id).unwrap()
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    /// A hub whose keys, of these seeds, count from one minute until another.
    fn hub(keys: &[(u8, i64, Option<i64>)]) -> Hub {
        let keys = keys.iter().map(|(seed, from, until)| HubKey {
            public_key: SigningKey::from_bytes(&[*seed; 32]).verifying_key().to_bytes(),
            span: Span { from: at(*from), until: until.map(at) },
        });
        let id = HubId::parse("hub-1").unwrap();
        Hub { id, name: None, place: None, patients: BTreeSet::new(), keys: keys.collect(), code: None }
    }

    fn signed(seed: u8) -> [u8; 64] {
        SigningKey::from_bytes(&[seed; 32]).sign(b"base").to_bytes()
    }

    /// Rows: which key signed, at which minute, and what is said. Two keys count at once while the hub changes from one to the
    /// other.
    #[test]
    fn a_key_counts_within_its_span_and_several_may_at_once() {
        let known = KnownHub::of(&hub(&[(1, 0, Some(20)), (2, 10, Some(30))]));
        let (invalid, no_key) = (Err(NotSigned::Invalid), Err(NotSigned::NoKey));
        for (seed, minute, expected) in [
            (1, 0, Ok(())),
            (2, 0, invalid),
            (1, 10, Ok(())),
            (2, 10, Ok(())),
            (3, 10, invalid),
            (1, 20, invalid),
            (2, 29, Ok(())),
            (1, 30, no_key),
            (2, 30, no_key),
            (1, -1, no_key),
        ] {
            let said = known.verify(b"base", &signed(seed), at(minute)).map(|_hub| ());
            assert_eq!(said, expected, "key {seed} at minute {minute}");
        }
        let many: Vec<_> = (1..=5).map(|seed| (seed, 0, None)).collect();
        let known = KnownHub::of(&hub(&many));
        assert!(known.verify(b"base", &signed(2), at(0)).is_ok());
        assert_eq!(
            known.verify(b"base", &signed(1), at(0)).map(|_hub| ()),
            invalid,
            "no more than four are tried, the newest"
        );
    }

    /// What was verified before a key ended counts no more after it; the hub's other key goes on.
    #[test]
    fn a_key_that_ends_takes_with_it_what_it_had_verified() {
        let registry = HubRegistry::default();
        registry.learn([&hub(&[(1, 0, None), (2, 0, None)])]);
        let known = registry.known(&HubId::parse("hub-1").unwrap()).unwrap();
        let [one, two] = [1, 2].map(|seed| known.verify(b"base", &signed(seed), at(5)).unwrap());
        let mut learned = registry.subscribe();
        assert_eq!((registry.still_counts(&one, at(5)), registry.still_counts(&two, at(5))), (Ok(()), Ok(())));
        registry.learn([&hub(&[(1, 0, Some(5)), (2, 0, None)])]);
        assert!(learned.has_changed().unwrap(), "whoever waits is told");
        learned.mark_unchanged();
        assert_eq!(registry.still_counts(&one, at(5)), Err(ErrorCode::HubKeyEnded));
        assert_eq!(registry.still_counts(&two, at(5)), Ok(()));
        registry.learn([&hub(&[(2, 0, None)])]);
        assert_eq!(registry.still_counts(&one, at(4)), Err(ErrorCode::HubKeyEnded), "a key that is gone counts never");
    }

    /// What the settings name is written once, a key they have anew is added, and one that ended is never revived.
    #[test]
    fn the_settings_add_to_the_register_and_never_take_back_what_it_says() {
        let entry = |seed: u8, patients: &[&str]| HubEntry {
            public_key: SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes(),
            patients: patients.iter().map(|patient| PatientId::parse(patient).unwrap()).collect(),
        };
        let id = HubId::parse("hub-1").unwrap();
        let of = |entry: HubEntry| HubRegistry::new([(id.clone(), entry)].into());
        let mut register = Relations::default();
        let written = of(entry(1, &["pt-1"])).to_write(&register);
        assert_eq!(written.iter().map(|hub| (hub.keys.len(), hub.patients.len())).collect::<Vec<_>>(), [(1, 1)]);
        let mut ended = written[0].clone();
        ended.keys[0].span.until = Some(at(7));
        ended.patients.clear();
        register.learn(&ended.clone().into());
        assert_eq!(of(entry(1, &["pt-1"])).to_write(&register), [], "neither the key nor the person comes back");
        let [added] = of(entry(2, &["pt-1"])).to_write(&register).try_into().unwrap();
        assert_eq!((added.keys.len(), &added.keys[0], added.patients.len()), (2, &ended.keys[0], 0));
    }

    /// What the crate's strict verification says.
    fn strictly(public_key: [u8; 32], base: &[u8], signature: &[u8]) -> bool {
        let key = VerifyingKey::from_bytes(&public_key);
        let signature = Signature::from_slice(signature);
        key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify_strict(base, &signature).is_ok()))
    }

    fn check(public_key: [u8; 32], base: &[u8], signature: &[u8]) -> bool {
        let is_taken = known(public_key).verify(base, signature, at(0)).is_ok();
        assert_eq!(is_taken, strictly(public_key, base, signature), "{public_key:?} {signature:?}");
        is_taken
    }

    #[test]
    fn the_list_is_of_the_points_of_small_order_and_of_no_other() {
        for point in EIGHT_TORSION {
            assert!(is_of_small_order(point.compress().to_bytes()));
        }
        for ordinate in SMALL_ORDER {
            let point = CompressedEdwardsY(ordinate).decompress().unwrap();
            assert!(EIGHT_TORSION.contains(&point));
            assert_eq!(point.compress().to_bytes(), ordinate, "in its one encoding, but for the last bit");
        }
    }

    /// A hub that has a key can make signatures whose commitment is of small order, by a nonce of nought: the equation holds
    /// where the key has a part of small order of its own, or the commitment is the neutral point. None is taken.
    #[test]
    fn a_commitment_of_small_order_is_refused_although_the_equation_holds() {
        let secret = Scalar::from_bytes_mod_order([9; 32]);
        let mut held = 0;
        for part in EIGHT_TORSION {
            let key = EdwardsPoint::mul_base(&secret) + part;
            let public_key = key.compress().to_bytes();
            for commitment in EIGHT_TORSION {
                for number in 0..3_u8 {
                    let base = [b'x', number];
                    let commitment = commitment.compress().to_bytes();
                    let hash = Sha512::new().chain_update(commitment).chain_update(public_key).chain_update(base);
                    let challenge = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
                    let answer = (challenge * secret).to_bytes();
                    let signature = [commitment, answer].concat();
                    let equation = VerifyingKey::from_bytes(&public_key).unwrap();
                    held += usize::from(equation.verify(&base, &Signature::from_slice(&signature).unwrap()).is_ok());
                    assert!(!check(public_key, &base, &signature));
                }
            }
        }
        assert!(held > 8, "the equation held {held} times, so that refusing means something");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn any_signature_is_taken_or_refused_as_the_crate_does_strictly(
            seed: [u8; 32],
            base in proptest::collection::vec(any::<u8>(), 0..200),
            changes in proptest::collection::vec((0_usize..96, 1_u8..), 0..2),
            length in prop_oneof![9 => Just(64_usize), 1 => 0_usize..80],
        ) {
            let signer = SigningKey::from_bytes(&seed);
            let mut key = signer.verifying_key().to_bytes();
            let mut signature = signer.sign(&base).to_bytes().to_vec();
            let is_good = changes.is_empty() && length == 64;
            for (place, mask) in changes {
                match place.checked_sub(64) {
                    None => signature[place] ^= mask,
                    Some(place) => key[place] ^= mask,
                }
            }
            signature.resize(length, 0);
            prop_assert!(check(key, &base, &signature) || !is_good);
        }
    }
}
