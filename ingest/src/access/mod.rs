//! Who may see and do what: the only maker of access proofs.
//!
//! Invariants: every store call takes an [`Access`], and only this module makes one; deny by default; an access never
//! grows after it was made. Four makers exist: a hub's key, the service itself for a named purpose, a session of staff
//! whose posts the register knows, and the demo's seeded sign-in.

mod directory;
pub mod enrol;
mod hubs;
mod looked;
mod password;
mod permission;
mod policy;
mod relations;
mod sessions;
mod sign_in;

pub use actix_web::dev::RequestHead;
pub use directory::Directory;
pub use hubs::{HubEntry, HubRegistry};
pub use password::{Password, PasswordHash, PasswordRefused};
pub use permission::{Permission, permissions};
pub use policy::{Scope, to_see, to_write};
pub use relations::{Held, Powers, Relations};
pub use sessions::{GUESSES_MAX, GUESSES_WITHIN, Guesses, IDLE_AT_MOST, LASTS_AT_MOST, Session, Sessions, Token};
pub use sign_in::{LocalSignIn, NobodySignsIn, SESSION_COOKIE, SignIn, session_token};

use looked::Request;
use register::Place;
use rules::Actor;
use std::{collections::BTreeSet, sync::Arc};
use thiserror::Error;
use vitals::{HubId, PatientId, id::StaffId};

/// Proof that somebody may call the store, and for what.
///
/// Nobody outside this module can make one by hand:
///
/// ```compile_fail,E0451
/// let access = ingest::access::Access { grant: "everything" };
/// ```
///
/// while handing one on is open to all:
///
/// ```
/// fn is_staff(access: &ingest::access::Access) -> bool { access.actor().is_some() }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    grant: Grant,
    lane: Lane,
}

/// Which of two lanes a caller's writes wait in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lane {
    /// What is happening now: always served first.
    #[default]
    Live,
    /// What was measured while the line was down: served when nothing live waits, and shed first.
    Backfill,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Grant {
    Hub {
        id: HubId,
        patients: Arc<BTreeSet<PatientId>>,
    },
    System(Purpose),
    Staff {
        who: Actor,
        powers: Arc<Powers>,
        request: Request,
    },
    /// To set one member of staff's account, and nothing else.
    Account {
        of: StaffId,
        by: StaffId,
    },
}

vitals::named! {
    /// Why somebody may look at a person's record: what is written beside every look.
    ///
    /// Source: UK GDPR articles 6(1)(e) and 9(2)(h) for direct care and its management, 6(1)(d) and 9(2)(c) for vital interests,
    /// 15 for what is owed to the person.
    Basis {
        /// They look after the person.
        DirectCare = "direct-care",
        /// Somebody was in danger: emergency access.
        Emergency = "emergency",
        /// It is their duty to the person or the service, such as the log of who looked.
        Duty = "duty",
    }
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
    /// Reads a hub's replay window before its first request, keeps the numbers of its hellos, compares the chain heads it
    /// returns, and asks for what is wanted of it again.
    Receive,
    /// Notes in the record what the service did or found: the `audit` entries.
    Audit,
    /// Checks the store against itself, and signs its daily root.
    Verify,
    /// Reads the register, to know who works where and who looks after whom.
    Directory,
    /// Reads what is kept of a password, and changes it for its owner.
    SignIn,
    /// Writes the key of a hub that came with a code.
    Enrol,
    /// Gives out what is held about one person, for whoever runs the service and has said why.
    Export,
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

/// A hub whose signature was verified: the registry of hubs gives it out where that happened, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedHub {
    id: HubId,
    patients: Arc<BTreeSet<PatientId>>,
    /// The public key it was verified with.
    key: [u8; 32],
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

    /// For tests of the store, which verify nothing.
    #[cfg(test)]
    pub(crate) fn new(id: HubId, patients: BTreeSet<PatientId>) -> Self {
        Self { id, patients: Arc::new(patients), key: [0; 32] }
    }
}

impl Access {
    fn live(grant: Grant) -> Self {
        Self { grant, lane: Lane::Live }
    }

    /// The same access for what can wait: its writes give way to live ones.
    #[must_use]
    pub fn for_backfill(self) -> Self {
        Self { lane: Lane::Backfill, ..self }
    }

    /// Which lane its writes wait in.
    #[must_use]
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// Whether it is a hub's.
    #[must_use]
    pub fn is_hub(&self) -> bool {
        matches!(self.grant, Grant::Hub { .. })
    }

    /// The access of a hub that signed its request with its key.
    #[must_use]
    pub fn hub(hub: &VerifiedHub) -> Self {
        Self::live(Grant::Hub { id: hub.id.clone(), patients: hub.patients.clone() })
    }

    /// The access of the service itself, for one purpose.
    #[must_use]
    pub fn system(purpose: Purpose) -> Self {
        Self::live(Grant::System(purpose))
    }

    /// The member of staff this access is for, if it is one's.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        match &self.grant {
            Grant::Staff { who, .. } => Some(who),
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => None,
        }
    }

    /// Whether a permission is held by a post in the whole footprint.
    #[must_use]
    pub fn keeps_footprint(&self, permission: Permission) -> bool {
        self.held(permission).is_some_and(|held| held.places.contains(&Place::Footprint))
    }

    /// Where a permission is held by the member of staff this access is for; none where it is not, or it is not one's.
    #[must_use]
    pub fn held(&self, permission: Permission) -> Option<&Held> {
        match &self.grant {
            Grant::Staff { powers, .. } => powers.held(permission),
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => None,
        }
    }

    /// Whether this member of staff may do something for a person.
    #[must_use]
    pub fn may(&self, permission: Permission, patient: &PatientId) -> bool {
        self.held(permission).is_some_and(|held| held.caseload.patients.contains(patient))
    }
}

/// The demo's seeded sign-in: a case manager with a caseload. `clippy.toml` bans this call; only `deploy/demo` and the
/// tests may make it, and a tidy test holds them to it.
#[must_use]
pub fn demo_case_manager(who: Actor, caseload: Caseload) -> Access {
    let powers = Arc::new(Powers::of(permissions(register::Role::CaseManager), caseload));
    Access::live(Grant::Staff { who, powers, request: Request::default() })
}
