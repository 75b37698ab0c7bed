//! The hubs this service knows: their keys and the people on them. Keys are pre-shared for now; enrolment comes later.
//! The one module that touches the `ed25519-dalek` crate.
//!
//! Invariant: a key is taken apart once, when the registry is made, and never while a request waits.

use super::VerifiedHub;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use thiserror::Error;
use vitals::{HubId, PatientId};

/// One hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubEntry {
    /// Its Ed25519 public key.
    pub public_key: [u8; 32],
    /// The people it may send readings of.
    pub patients: BTreeSet<PatientId>,
}

/// Every hub the service knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HubRegistry(HashMap<HubId, KnownHub>);

/// A hub whose requests can be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownHub {
    /// None where the settings name 32 bytes that are no point of the curve, or one of small order: nothing is signed with
    /// such a key.
    key: Option<VerifyingKey>,
    hub: VerifiedHub,
}

/// The signature is not one of this hub's over these bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("verify a signature: it is not this hub's over these bytes")]
pub(crate) struct NotSigned;

impl HubRegistry {
    /// The hubs of the settings.
    #[must_use]
    pub fn new(hubs: BTreeMap<HubId, HubEntry>) -> Self {
        let known = hubs.into_iter().map(|(id, HubEntry { public_key, patients })| {
            let key = VerifyingKey::from_bytes(&public_key).ok().filter(|key| !key.is_weak());
            (id.clone(), KnownHub { key, hub: VerifiedHub::new(id, patients) })
        });
        Self(known.collect())
    }

    /// A hub, where it is known.
    pub(crate) fn known(&self, hub: &HubId) -> Option<&KnownHub> {
        self.0.get(hub)
    }
}

impl KnownHub {
    /// The hub as one whose signature was verified, where `signature` is its over `base`.
    ///
    /// Strictly: no key and no commitment of small order, and one encoding for each number. What the crate's
    /// `verify_strict` says, by looking at the commitment's bytes where that takes the point apart, which is an eighth of
    /// its time; the tests hold the two together.
    ///
    /// # Errors
    /// [`NotSigned`] where it is not, whatever the reason.
    pub(crate) fn verify(&self, base: &[u8], signature: &[u8]) -> Result<VerifiedHub, NotSigned> {
        let key = self.key.as_ref().ok_or(NotSigned)?;
        let signature = Signature::from_slice(signature).map_err(|_other_length| NotSigned)?;
        if is_of_small_order(*signature.r_bytes()) {
            return Err(NotSigned);
        }
        key.verify(base, &signature).map_err(|_cause| NotSigned)?;
        Ok(self.hub.clone())
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
    use curve25519_dalek::{EdwardsPoint, Scalar, constants::EIGHT_TORSION, edwards::CompressedEdwardsY};
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;
    use sha2::{Digest, Sha512};

    fn known(public_key: [u8; 32]) -> KnownHub {
        let id = HubId::parse("hub-1").unwrap();
        let hubs = HubRegistry::new([(id.clone(), HubEntry { public_key, patients: BTreeSet::new() })].into());
        hubs.known(&id).unwrap().clone()
    }

    /// What the crate's strict verification says.
    fn strictly(public_key: [u8; 32], base: &[u8], signature: &[u8]) -> bool {
        let key = VerifyingKey::from_bytes(&public_key);
        let signature = Signature::from_slice(signature);
        key.is_ok_and(|key| signature.is_ok_and(|signature| key.verify_strict(base, &signature).is_ok()))
    }

    fn check(public_key: [u8; 32], base: &[u8], signature: &[u8]) -> bool {
        let is_taken = known(public_key).verify(base, signature).is_ok();
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
