//! Whether a heartbeat is the service's and is new: the one thing that lets a hub say that it is connected.
//!
//! Invariant: with a pinned key, nothing but a document signed by it for this use counts; an old one, sent again, counts for
//! nothing.

use crate::config::ServiceKey;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use thiserror::Error;
use vitals::wire::{
    hello::{Heartbeat, StoreStanding},
    sealed::{Sealed, SealedFor},
};

/// Why a heartbeat counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotTaken {
    /// The answer held none.
    #[error("read a heartbeat: there is none")]
    Missing,
    /// It does not have the form of one.
    #[error("read a heartbeat: it does not have the form of one")]
    Malformed,
    /// It is not signed by the key that is pinned.
    #[error("check a heartbeat: it is not signed by the service's key")]
    NotSigned,
    /// It is older than one taken before.
    #[error("check a heartbeat: it is older than the last")]
    Old,
}

impl NotTaken {
    /// A stable word for events.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::NotSigned => "not_signed",
            Self::Old => "old",
        }
    }
}

/// A heartbeat that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// When the service made it.
    pub made_at: DateTime<Utc>,
    /// Every reading acknowledged before this moment has its verdict.
    pub rules_evaluated_up_to: Option<DateTime<Utc>>,
    /// How the service's store stands.
    pub store: StoreStanding,
}

/// Takes a heartbeat that is not older than the last one taken, and says which of these keys signed it. Without any key its
/// signature is not looked at.
pub(super) fn take<'k>(
    sealed: Option<&Sealed>,
    keys: &'k [ServiceKey],
    last: Option<DateTime<Utc>>,
) -> Result<(Taken, Option<&'k ServiceKey>), NotTaken> {
    let sealed = sealed.ok_or(NotTaken::Missing)?;
    let document = STANDARD.decode(&sealed.document).map_err(|_not_base64| NotTaken::Malformed)?;
    let mut signed_by = None;
    if !keys.is_empty() {
        let signature = STANDARD.decode(&sealed.signature).map_err(|_not_base64| NotTaken::Malformed)?;
        let to_sign = SealedFor::Heartbeat.to_sign(&document);
        signed_by = Some(keys.iter().find(|key| key.signed(&to_sign, &signature)).ok_or(NotTaken::NotSigned)?);
    }
    let heartbeat: Heartbeat = serde_json::from_slice(&document).map_err(|_cause| NotTaken::Malformed)?;
    let moment = |text: &str| text.parse::<DateTime<Utc>>().map_err(|_not_a_time| NotTaken::Malformed);
    let made_at = moment(&heartbeat.made_at)?;
    if last.is_some_and(|last| made_at < last) {
        return Err(NotTaken::Old);
    }
    let rules_evaluated_up_to = heartbeat.rules_evaluated_up_to.as_deref().map(moment).transpose()?;
    Ok((Taken { made_at, rules_evaluated_up_to, store: heartbeat.store }, signed_by))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{test_parts::noon, uplink::sign::HubKey};
    use chrono::TimeDelta;
    use httpsig::prelude::SigningKey;
    use vitals::wire::v1;

    fn sealed(seed: u8, what: SealedFor, made_at: DateTime<Utc>) -> Sealed {
        let document = serde_json::to_vec(&Heartbeat {
            made_at: v1::moment(made_at),
            sequence: 1,
            rules_evaluated_up_to: Some(v1::moment(noon())),
            store: StoreStanding::Ready,
        });
        let document = document.unwrap();
        // Any Ed25519 key signs alike; the hub has this one's maker at hand.
        let key = HubKey::from_seed([seed; 32]).unwrap();
        let signature = key.sign(&what.to_sign(&document)).unwrap();
        Sealed { key: "sk-".to_owned(), document: STANDARD.encode(document), signature: STANDARD.encode(signature) }
    }

    fn pinned(seed: u8) -> ServiceKey {
        ServiceKey::from_bytes(HubKey::from_seed([seed; 32]).unwrap().public_key().unwrap()).unwrap()
    }

    #[test]
    fn only_the_pinned_keys_own_and_newest_heartbeat_counts() {
        let good = sealed(7, SealedFor::Heartbeat, noon());
        let check = |sealed: &Sealed, last: i64| {
            let last = Some(noon() + TimeDelta::seconds(last));
            take(Some(sealed), &[pinned(7)], last).map(|(taken, _key)| taken)
        };
        let taken = check(&good, -10).unwrap();
        assert_eq!((taken.made_at, taken.rules_evaluated_up_to), (noon(), Some(noon())));
        assert!(check(&good, 0).is_ok(), "the same again, before the next is made");
        let other_document = sealed(7, SealedFor::Heartbeat, noon() + TimeDelta::hours(1)).document;
        for (what, sealed, last, expected) in [
            ("sent again", good.clone(), 1, NotTaken::Old),
            ("another key's", sealed(8, SealedFor::Heartbeat, noon()), -10, NotTaken::NotSigned),
            ("signed for another use", sealed(7, SealedFor::Root, noon()), -10, NotTaken::NotSigned),
            ("another document", Sealed { document: other_document, ..good.clone() }, -10, NotTaken::NotSigned),
            ("no signature", Sealed { signature: String::new(), ..good.clone() }, -10, NotTaken::NotSigned),
            (
                "half a signature",
                Sealed { signature: STANDARD.encode([1; 32]), ..good.clone() },
                -10,
                NotTaken::NotSigned,
            ),
            ("no base64", Sealed { signature: "?".into(), ..good.clone() }, -10, NotTaken::Malformed),
            ("no base64", Sealed { document: "?".into(), ..good.clone() }, -10, NotTaken::Malformed),
        ] {
            assert_eq!(check(&sealed, last), Err(expected), "{what}");
        }
        assert_eq!(take(None, &[pinned(7)], None).err(), Some(NotTaken::Missing));
        let forged = sealed(8, SealedFor::Heartbeat, noon());
        assert!(take(Some(&forged), &[], None).is_ok(), "without a pinned key nothing can be told of the signature");
    }
}
