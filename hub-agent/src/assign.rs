//! Whose reading it is: an explicit binding of device and user index to a person, or nobody yet.
//!
//! Invariant: never a guess. An unbound device, an unbound user and "user unknown" (index 255) all go to the
//! unassigned inbox, where a person can assign them. Source: devices.md section 1.3, "User index".

use std::collections::BTreeMap;
use thiserror::Error;
use vitals::{PatientId, SourceId, Who, WhyUnassigned};

/// The user index with which a device says that it does not know (GATT Specification Supplement, "User Index").
pub const USER_UNKNOWN: u8 = 255;

/// Most bindings of one hub: 60 beds with ten devices each.
pub const BINDINGS_MAX: usize = 600;

/// Which of a device's users a binding is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum User {
    /// Whoever uses it: one person's own device.
    Any,
    /// This user of several.
    Index(u8),
}

/// One explicit binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The device.
    pub source: SourceId,
    /// Which of its users.
    pub user: User,
    /// The person.
    pub patient: PatientId,
}

/// Why a list of bindings was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BindingRefused {
    /// The same device and user are bound twice.
    #[error("bind {device}: this user of it is bound twice")]
    Twice {
        /// The device.
        device: SourceId,
    },
    /// A device is bound to one person for any user and to another for one user.
    #[error("bind {device}: it is bound for any user and for one user as well")]
    AnyAndOne {
        /// The device.
        device: SourceId,
    },
    /// Index 255 names nobody.
    #[error("bind {device}: user index 255 means \"unknown\" and cannot be bound")]
    UserUnknown {
        /// The device.
        device: SourceId,
    },
    /// More than [`BINDINGS_MAX`].
    #[error("take the bindings: there are more than {BINDINGS_MAX}")]
    TooMany,
}

/// The bindings of one hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bindings(BTreeMap<(SourceId, User), PatientId>);

impl Bindings {
    /// Takes a list of bindings.
    ///
    /// # Errors
    /// [`BindingRefused`] where two bindings could claim one reading, one names user 255, or there are too many.
    pub fn new(list: impl IntoIterator<Item = Binding>) -> Result<Self, BindingRefused> {
        let mut bindings = BTreeMap::new();
        for Binding { source, user, patient } in list {
            if user == User::Index(USER_UNKNOWN) {
                return Err(BindingRefused::UserUnknown { device: source });
            }
            if bindings.len() == BINDINGS_MAX {
                return Err(BindingRefused::TooMany);
            }
            if bindings.insert((source.clone(), user), patient).is_some() {
                return Err(BindingRefused::Twice { device: source });
            }
        }
        let any = bindings.keys().filter(|(_, user)| *user == User::Any);
        let in_both = any
            .map(|(source, _)| source)
            .find(|source| bindings.keys().filter(|(other, _)| other == *source).count() > 1);
        match in_both {
            Some(source) => Err(BindingRefused::AnyAndOne { device: source.clone() }),
            None => Ok(Self(bindings)),
        }
    }

    /// Whose reading it is.
    #[must_use]
    pub fn who(&self, source: &SourceId, user_index: Option<u8>) -> Who {
        if user_index == Some(USER_UNKNOWN) {
            return Who::Unassigned(WhyUnassigned::UserUnknown);
        }
        let bound = |user: User| self.0.get(&(source.clone(), user));
        let patient = user_index.and_then(|index| bound(User::Index(index))).or_else(|| bound(User::Any));
        patient.map_or(Who::Unassigned(WhyUnassigned::NotBound), |patient| Who::Patient(patient.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuff(serial: &str) -> SourceId {
        SourceId::device("A&D Medical", serial).unwrap()
    }

    fn binding(serial: &str, user: User, patient: &str) -> Binding {
        Binding { source: cuff(serial), user, patient: PatientId::parse(patient).unwrap() }
    }

    #[test]
    fn only_an_explicit_binding_names_a_person() {
        let bindings = Bindings::new([
            binding("1", User::Any, "pt-a"),
            binding("2", User::Index(1), "pt-b"),
            binding("2", User::Index(2), "pt-c"),
        ])
        .unwrap();
        let patient = |id: &str| Who::Patient(PatientId::parse(id).unwrap());
        let nobody = Who::Unassigned;
        for (serial, user_index, who) in [
            ("1", None, patient("pt-a")),
            ("1", Some(1), patient("pt-a")),
            ("1", Some(255), nobody(WhyUnassigned::UserUnknown)),
            ("2", Some(1), patient("pt-b")),
            ("2", Some(2), patient("pt-c")),
            ("2", Some(3), nobody(WhyUnassigned::NotBound)),
            ("2", None, nobody(WhyUnassigned::NotBound)),
            ("2", Some(255), nobody(WhyUnassigned::UserUnknown)),
            ("3", None, nobody(WhyUnassigned::NotBound)),
        ] {
            assert_eq!(bindings.who(&cuff(serial), user_index), who, "cuff {serial}, user {user_index:?}");
        }
    }

    #[test]
    fn bindings_that_could_claim_one_reading_twice_are_refused() {
        let device = cuff("1");
        for (list, refused) in [
            (
                vec![binding("1", User::Any, "pt-a"), binding("1", User::Any, "pt-b")],
                BindingRefused::Twice { device: device.clone() },
            ),
            (
                vec![binding("1", User::Any, "pt-a"), binding("1", User::Index(2), "pt-b")],
                BindingRefused::AnyAndOne { device: device.clone() },
            ),
            (vec![binding("1", User::Index(255), "pt-a")], BindingRefused::UserUnknown { device }),
        ] {
            assert_eq!(Bindings::new(list), Err(refused));
        }
        let many = (0..=BINDINGS_MAX).map(|serial| binding(&serial.to_string(), User::Any, "pt-a"));
        assert_eq!(Bindings::new(many), Err(BindingRefused::TooMany));
    }
}
