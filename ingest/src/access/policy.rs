//! The policy: who may apply which events, and whose records they may read. Deny by default.

use super::{Access, Denied, Grant, Purpose};
use crate::store::{Slice, Subject};
use rules::Event;
use std::collections::BTreeSet;
use vitals::{HubId, PatientId};

/// Whose rows a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a, T> {
    /// Everybody's.
    All,
    /// These people's or hubs' only.
    Only(&'a BTreeSet<T>),
    /// Nobody's.
    None,
}

impl<T: Ord> Scope<'_, T> {
    /// Whether one is within it.
    #[must_use]
    pub fn has(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(one),
            Self::None => false,
        }
    }
}

impl Access {
    /// Whether this slice may be applied.
    ///
    /// # Errors
    /// [`Denied`] unless every event of the slice is one this access may cause, for this subject.
    pub fn may_apply(&self, slice: &Slice) -> Result<(), Denied> {
        if slice.events.iter().all(|event| self.may_cause(&slice.subject, event)) { Ok(()) } else { Err(Denied) }
    }

    fn may_cause(&self, subject: &Subject, event: &Event) -> bool {
        match (&self.grant, subject, event) {
            (Grant::Hub { id, patients }, Subject::Patient(patient), Event::Reading(admitted)) => {
                patients.contains(patient) && admitted.hub == *id
            }
            (Grant::Hub { id, .. }, Subject::Unassigned(hub), Event::Reading(admitted)) => {
                hub == id && admitted.hub == *id
            }
            (Grant::Hub { id, .. }, Subject::Unassigned(hub), Event::Refused(refused)) => {
                hub == id && refused.hub == *id
            }
            (Grant::Hub { id, .. }, Subject::Service, Event::Received { hub, .. }) => hub == id,
            (Grant::System(Purpose::SetUp), Subject::Patient(patient), Event::Registered(person)) => {
                person.id == *patient
            }
            (Grant::System(Purpose::Receive), Subject::Service, Event::Received { .. }) => true,
            (Grant::System(Purpose::Sweep), Subject::Patient(_), Event::Due(_) | Event::Reconsider(_)) => true,
            (Grant::System(Purpose::Notify), Subject::Patient(_), Event::Delivered { .. }) => true,
            (Grant::System(Purpose::Audit), Subject::Patient(_) | Subject::Service, Event::Audited(_)) => true,
            (Grant::Staff { who, caseload }, Subject::Patient(patient), Event::Acknowledged { by, .. }) => {
                caseload.patients.contains(patient) && by == who
            }
            _ => false,
        }
    }

    /// Whose records may be read.
    #[must_use]
    pub fn patients(&self) -> Scope<'_, PatientId> {
        match &self.grant {
            Grant::Staff { caseload, .. } => Scope::Only(&caseload.patients),
            Grant::System(Purpose::Sweep | Purpose::Notify | Purpose::Follow) => Scope::All,
            Grant::Hub { .. } | Grant::System(Purpose::SetUp | Purpose::Receive | Purpose::Audit | Purpose::Verify) => {
                Scope::None
            }
        }
    }

    /// Which hubs' unassigned readings and refusals may be read.
    #[must_use]
    pub fn hubs(&self) -> Scope<'_, HubId> {
        match &self.grant {
            Grant::Staff { caseload, .. } => Scope::Only(&caseload.hubs),
            Grant::System(Purpose::Follow) => Scope::All,
            Grant::Hub { .. }
            | Grant::System(
                Purpose::SetUp | Purpose::Sweep | Purpose::Notify | Purpose::Receive | Purpose::Audit | Purpose::Verify,
            ) => Scope::None,
        }
    }

    /// Whether this is the service itself, for this purpose.
    ///
    /// # Errors
    /// [`Denied`] for anybody else, and for any other purpose.
    pub fn must_be(&self, purpose: Purpose) -> Result<(), Denied> {
        if self.grant == Grant::System(purpose) { Ok(()) } else { Err(Denied) }
    }
}
