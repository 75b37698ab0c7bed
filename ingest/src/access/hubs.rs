//! The hubs this service knows: their keys and the people on them. Keys are pre-shared for now; enrolment comes later.

use super::VerifiedHub;
use std::collections::{BTreeMap, BTreeSet};
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
pub struct HubRegistry(BTreeMap<HubId, HubEntry>);

impl HubRegistry {
    /// The hubs of the settings.
    #[must_use]
    pub fn new(hubs: BTreeMap<HubId, HubEntry>) -> Self {
        Self(hubs)
    }

    /// A hub's public key, where the hub is known.
    #[must_use]
    pub fn public_key(&self, hub: &HubId) -> Option<&[u8; 32]> {
        self.0.get(hub).map(|entry| &entry.public_key)
    }

    /// The hub as one whose signature was verified. Called where that happened, and nowhere else.
    pub(crate) fn verified(&self, hub: &HubId) -> Option<VerifiedHub> {
        self.0.get(hub).map(|entry| VerifiedHub::new(hub.clone(), entry.patients.clone()))
    }
}
