//! Hubs: where each stands, whose readings it may send, and its keys.

use crate::{NotInOrder, Place, Span, contact::check_count};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use vitals::{HubId, PatientId, bounded::Text};

/// Most keys one hub has or had.
pub const KEYS_MAX: usize = 40;

/// Most people on one hub: a large care home has 120 beds.
const PEOPLE_MAX: usize = 500;

/// A key of a hub, from when until when it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubKey {
    /// The Ed25519 public key: 32 bytes as hexadecimal digits.
    #[serde(with = "hex_key")]
    pub public_key: [u8; 32],
    /// From when until when: a key that was revoked ends then.
    pub span: Span,
}

/// A code with which a hub may be given a key, once.
///
/// The register keeps no code, only a hash of it, keyed with what is not in the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentCode {
    /// The keyed hash: 32 bytes as hexadecimal digits.
    #[serde(with = "hex_key")]
    pub hash: [u8; 32],
    /// From when until when it may be used.
    pub span: Span,
}

/// A hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// Its id.
    pub id: HubId,
    /// What staff call it, such as "first floor".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<120>>,
    /// The care home or team it stands for, where it is not one person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The people whose readings it may send.
    #[serde(default)]
    pub patients: BTreeSet<PatientId>,
    /// Its keys, the newest last.
    #[serde(default)]
    pub keys: Vec<HubKey>,
    /// The code with which it may be given its next key, while there is one. The version that has the new key has it no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<EnrolmentCode>,
}

impl Hub {
    pub(crate) fn check(&self) -> Result<(), NotInOrder> {
        check_count(self.keys.len(), KEYS_MAX, "keys")?;
        check_count(self.patients.len(), PEOPLE_MAX, "patients")?;
        self.code.iter().try_for_each(|code| code.span.check("code"))?;
        self.keys.iter().try_for_each(|key| key.span.check("keys"))
    }
}

/// Thirty-two bytes as hexadecimal digits.
mod hex_key {
    use serde::{Deserialize, Deserializer, Serializer};
    use vitals::hex;

    pub(super) fn serialize<S: Serializer>(key: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(key))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode_array(&text).map_err(|_cause| serde::de::Error::custom("want 64 hexadecimal digits"))
    }
}
