//! Who may see and do what: the only maker of access proofs.
//!
//! Invariants: every store call takes an [`Access`], and only this module makes one; deny by default; an access never
//! grows after it was made. Three makers exist so far: a hub's key, the service itself for a named purpose, and the
//! demo's seeded sign-in.

mod hubs;
mod policy;
mod sign_in;

pub use actix_web::dev::RequestHead;
pub use hubs::{HubEntry, HubRegistry};
pub use policy::Scope;
pub use sign_in::{NobodySignsIn, SignIn};

use rules::Actor;
use std::collections::BTreeSet;
use thiserror::Error;
use vitals::{HubId, PatientId};

/// Proof that somebody may call the store, and for what.
///
/// Nobody outside this module can make one by hand:
///
/// ```compile_fail,E0423
/// let access = ingest::access::Access("everything");
/// ```
///
/// while handing one on is open to all:
///
/// ```
/// fn is_staff(access: &ingest::access::Access) -> bool { access.actor().is_some() }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access(Grant);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Grant {
    Hub { id: HubId, patients: BTreeSet<PatientId> },
    System(Purpose),
    Staff { who: Actor, caseload: Caseload },
}

/// What the service itself does in the background, each with what it needs and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Puts people and hubs in place from the settings.
    SetUp,
    /// Applies due timers and judges again what could not be judged.
    Sweep,
    /// Sends notifications and records what came of them.
    Notify,
    /// Reads committed changes for followers.
    Follow,
    /// Reads a hub's replay window before its first request.
    Receive,
}

/// The people and hubs a member of staff looks after.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caseload {
    /// The people.
    pub patients: BTreeSet<PatientId>,
    /// The hubs in their homes.
    pub hubs: BTreeSet<HubId>,
}

/// Not allowed. What was asked for is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use the store: this access does not allow it")]
pub struct Denied;

/// A hub whose signature was verified: made by `http::signature` alone, from the registry of hubs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedHub {
    id: HubId,
    patients: BTreeSet<PatientId>,
}

impl VerifiedHub {
    /// The hub.
    #[must_use]
    pub fn id(&self) -> &HubId {
        &self.id
    }

    /// The people on this hub.
    #[must_use]
    pub fn patients(&self) -> &BTreeSet<PatientId> {
        &self.patients
    }

    /// Made where a signature has been verified, and nowhere else.
    pub(crate) fn new(id: HubId, patients: BTreeSet<PatientId>) -> Self {
        Self { id, patients }
    }
}

impl Access {
    /// The access of a hub that signed its request with its key.
    #[must_use]
    pub fn hub(hub: &VerifiedHub) -> Self {
        Self(Grant::Hub { id: hub.id.clone(), patients: hub.patients.clone() })
    }

    /// The access of the service itself, for one purpose.
    #[must_use]
    pub fn system(purpose: Purpose) -> Self {
        Self(Grant::System(purpose))
    }

    /// The member of staff this access is for, if it is one's.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        match &self.0 {
            Grant::Staff { who, .. } => Some(who),
            Grant::Hub { .. } | Grant::System(_) => None,
        }
    }
}

/// The demo's seeded sign-in: a case manager with a caseload. `clippy.toml` bans this call; only `deploy/demo` and the
/// tests may make it, and a tidy test holds them to it.
#[must_use]
pub fn demo_case_manager(who: Actor, caseload: Caseload) -> Access {
    Access(Grant::Staff { who, caseload })
}
