//! Ids: one type each, so that a hub can never stand where a person should.
//!
//! Two kinds: names given by people or settings (`pt-…`, `hub-…`), and digests derived from what they name
//! (`rd-…`, `al-…`, `jb-…`), which are the same on every retry and on every machine.

use crate::hex::{self, Digits};
use blake3::hazmat::{ContextKey, HasherExt as _, hash_derive_key_context};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};
use thiserror::Error;

/// Why a text is not an id of the wanted kind. The text itself is not repeated: it may be personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read an id: want {prefix} and then {form}")]
pub struct NotAnId {
    /// How an id of this kind starts.
    pub prefix: &'static str,
    /// What follows the prefix.
    pub form: &'static str,
}

/// Longest name id, prefix included: fits a log line and a URL.
const NAME_BYTES_MAX: usize = 48;

/// A name id of ten digits or more in a row could be an NHS number in disguise.
const DIGITS_IN_A_ROW_MAX: usize = 9;

fn parse_name(text: &str, prefix: &'static str) -> Result<Arc<str>, NotAnId> {
    let refused = NotAnId { prefix, form: "up to 43 of a-z, 0-9 and -, fewer than ten digits in a row" };
    let rest = text.strip_prefix(prefix).filter(|rest| !rest.is_empty()).ok_or(refused)?;
    if text.len() > NAME_BYTES_MAX {
        return Err(refused);
    }
    let mut digits_in_a_row = 0;
    for byte in rest.bytes() {
        digits_in_a_row = if byte.is_ascii_digit() { digits_in_a_row + 1 } else { 0 };
        let is_allowed = byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !is_allowed || digits_in_a_row > DIGITS_IN_A_ROW_MAX {
            return Err(refused);
        }
    }
    Ok(text.into())
}

macro_rules! text_form {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&<Cow<'de, str>>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// [`NotAnId`] if the prefix is another, a character is not allowed, it is too long, or it holds ten
            /// digits in a row (which could be an NHS number).
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                parse_name(text, $prefix).map(Self)
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        text_form!($name);
    };
}

macro_rules! digest_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $context:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The id of what `parts` describe: 16 bytes of BLAKE3 over the parts, each with its length, so that
            /// no two lists of parts run together.
            #[must_use]
            pub fn derive(parts: &[&[u8]]) -> Self {
                static CONTEXT: LazyLock<ContextKey> = LazyLock::new(|| hash_derive_key_context($context));
                Self(digest(&CONTEXT, parts))
            }

            /// Reads an id.
            ///
            /// # Errors
            /// [`NotAnId`] unless the text is the prefix and 32 hexadecimal digits.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                let refused = NotAnId { prefix: $prefix, form: "32 hexadecimal digits" };
                let digits = text.strip_prefix($prefix).ok_or(refused)?;
                hex::decode_array(digits).map(Self).map_err(|_not_hex| refused)
            }

            /// The sixteen bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// An id from its sixteen bytes, as a store keeps them.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                Digits(&self.0).fmt(f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        text_form!($name);
    };
}

name_id!(
    /// A person we watch over. Ours, opaque, and never an NHS number.
    ///
    /// ```
    /// use vitals::PatientId;
    /// assert!(PatientId::parse("pt-4c1e").is_ok());
    /// assert!(PatientId::parse("hub-4c1e").is_err());
    /// assert!(PatientId::parse("pt-9990000018").is_err(), "ten digits could be an NHS number");
    /// ```
    PatientId,
    "pt-"
);
name_id!(
    /// A hub in a home or a care home.
    HubId,
    "hub-"
);
name_id!(
    /// A member of staff, or the service itself, as an alert's record names them.
    StaffId,
    "st-"
);
name_id!(
    /// An organisation: a trust, a practice, a council, a care provider.
    OrganisationId,
    "org-"
);
name_id!(
    /// A team of an organisation, with people it looks after.
    TeamId,
    "tm-"
);
name_id!(
    /// A care home.
    HomeId,
    "hm-"
);
name_id!(
    /// A member of a person's family or another carer who is not staff.
    CarerId,
    "cr-"
);
name_id!(
    /// A device, as the register of devices names it.
    DeviceId,
    "dv-"
);
name_id!(
    /// Something recorded about a person, such as a consent or who had a device when.
    RecordId,
    "rc-"
);
digest_id!(
    /// Something in the register: derived from what kind it is and its own id.
    ItemId,
    "it-",
    "derwent 2026 register item id"
);
digest_id!(
    /// A reading, the same id wherever and however often it is heard: derived from its source and record number.
    ///
    /// ```
    /// use vitals::ReadingId;
    /// let id = ReadingId::derive(&[b"a source", b"a record"]);
    /// assert_eq!(ReadingId::parse(&id.to_string()), Ok(id));
    /// ```
    ReadingId,
    "rd-",
    "derwent 2026 reading id"
);
digest_id!(
    /// An alert: derived from the person, the rule and the reading that opened it.
    AlertId,
    "al-",
    "derwent 2026 alert id"
);
digest_id!(
    /// A notification to send: derived from the alert, the channel and the reason.
    JobId,
    "jb-",
    "derwent 2026 job id"
);

/// What [`blake3::Hasher::new_derive_key`] gives, from the context's own key, which never changes.
fn digest(context: &ContextKey, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_from_context_key(context);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(ReadingId::derive(&[b"ab", b"c"]), ReadingId::derive(&[b"a", b"bc"]));
    }

    /// An id is for ever: these were made before the context's key was kept between two ids.
    #[test]
    fn an_id_is_the_one_it_always_was() {
        let parts: [&[u8]; 2] = [b"a source", b"a record"];
        let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 reading id");
        for part in parts {
            hasher.update(&u64::try_from(part.len()).unwrap().to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        assert_eq!(ReadingId::derive(&parts), ReadingId::from_bytes(id));
    }

    #[test]
    fn a_name_id_refuses_what_could_be_an_nhs_number() {
        for text in ["pt-", "pt-9990000018", "pt-A", "pt-a b", "hub-1", "9990000018", "pt-é"] {
            assert!(PatientId::parse(text).is_err(), "{text}");
        }
        assert!(PatientId::parse("pt-999-000-0018").is_ok(), "three digits and hyphens are an ordinary name");
    }
}
