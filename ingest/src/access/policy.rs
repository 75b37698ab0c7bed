//! The policy: who may apply which events, and whose records they may read. Deny by default.

use super::{Access, Denied, Grant, Held, Permission, Purpose, permission::permissions};
use crate::store::{Slice, Subject};
use register::{Hub, Item, ItemKind, Place, Staff, Written};
use rules::{Actor, Event, event::AuditKind};
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

/// Whether somebody holds a post, now or ever, that gives out or erases what others wrote. Their posts and accounts are set with
/// commands only: whoever could make two of them over the interface would be both people that an erasure needs.
fn watches(staff: &Staff) -> bool {
    staff.posts.iter().any(|post| permissions(post.role).contains(&Permission::Erase))
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
            (Grant::System(Purpose::SetUp), _, Event::Written(written)) => is_of(subject, &written.item),
            // Never "whichever version comes next": of two who come with one code the store takes the first.
            (Grant::System(Purpose::Enrol), Subject::Service, Event::Written(written)) => {
                matches!(written.item, Item::Hub(_)) && written.version.is_some() && written.by.is_none()
            }
            (Grant::System(Purpose::Enrol), Subject::Service, Event::Audited(audit)) => {
                audit.what == AuditKind::HubEnrolled && audit.by.is_none()
            }
            (Grant::System(Purpose::SetUp | Purpose::SignIn), Subject::Service, Event::AccountSet(_)) => true,
            (Grant::Account { of, by }, Subject::Service, Event::AccountSet(account)) => {
                account.staff == *of && account.by.as_ref() == Some(by) && account.is_first
            }
            (Grant::Account { .. }, Subject::Service, Event::Audited(audit)) => {
                audit.what == AuditKind::AccountChanged && audit.by.is_none()
            }
            (Grant::Staff { who, .. }, _, Event::Written(written)) => {
                is_of(subject, &written.item) && written.by.as_ref() == Some(&who.id) && self.may_write(who, written)
            }
            (Grant::System(Purpose::Receive), Subject::Service, Event::Received { .. }) => true,
            (
                Grant::System(Purpose::Sweep),
                Subject::Patient(_),
                Event::Due(_) | Event::Reconsider(_) | Event::Expecting,
            ) => true,
            (Grant::System(Purpose::Notify), Subject::Patient(_), Event::Delivered { .. }) => true,
            (Grant::System(Purpose::Audit), Subject::Patient(_) | Subject::Service, Event::Audited(_)) => true,
            (Grant::System(Purpose::Export), Subject::Patient(_), Event::Audited(audit)) => {
                audit.what == AuditKind::Exported && audit.by.is_none()
            }
            (Grant::Staff { who, .. }, Subject::Patient(patient), Event::Acknowledged { by, .. }) => {
                self.may(Permission::TakeAlerts, patient) && by == who
            }
            (Grant::Staff { who, .. }, Subject::Patient(patient), Event::Withdrawn { by, .. }) => {
                self.may(Permission::TakeAlerts, patient) && by == who
            }
            // Both are theirs to act on: nobody gives a reading to a stranger, or takes one from them.
            (Grant::Staff { who, .. }, Subject::Patient(patient), Event::Moved { to, by, .. }) => {
                let may_act_for = |patient: &PatientId| self.may(Permission::TakeAlerts, patient);
                may_act_for(patient) && may_act_for(to) && by == who
            }
            _ => false,
        }
    }

    /// Whether a member of staff may write this version of a thing. What is new must be for a place where they may write; what is
    /// there already, for a person they may write for: so nobody takes over somebody else's person by writing them anew,
    /// because the store refuses a first version of what it has.
    fn may_write(&self, who: &Actor, written: &Written) -> bool {
        // Only the service's own lists say "whichever version comes next".
        let Some(version) = written.version else { return false };
        let kind = written.item.reference().kind();
        // Who looked into it is the only thing that changes afterwards.
        let is_review = kind == ItemKind::Emergency && version > 1;
        let permission = if is_review { Permission::SeeLog } else { to_write(kind) };
        let Some(held) = self.held(permission) else { return false };
        match &written.item {
            Item::Patient(patient) if version == 1 => {
                let team = patient.team.clone().map(Place::Team);
                let home = patient.home.clone().map(Place::Home);
                let places = || [team.as_ref(), home.as_ref()].into_iter().flatten();
                let is_somewhere = places().next().is_some() || held.places.contains(&Place::Footprint);
                is_somewhere && places().all(|place| self.covers(held, place))
            }
            Item::Emergency(emergency) if version == 1 => emergency.staff == who.id && emergency.reviewed_by.is_none(),
            Item::Emergency(emergency) => {
                emergency.reviewed_by.as_ref() == Some(&who.id) && held.caseload.patients.contains(&emergency.patient)
            }
            // Whoever asks says so themselves, and so does whoever agrees: the check refuses one who is both.
            Item::Erasure(erasure) => {
                let theirs = if version == 1 { Some(&erasure.asked_by) } else { erasure.agreed_by.as_ref() };
                let is_new = version > 1 || erasure.agreed_by.is_none();
                version <= 2 && is_new && theirs == Some(&who.id) && self.is_theirs(held, &written.item)
            }
            // Nobody gives themselves another post; and who watches over everybody else is named on the service's own machine.
            Item::Staff(staff) if staff.id == who.id || watches(staff) => false,
            Item::Patient(_)
            | Item::Organisation(_)
            | Item::Team(_)
            | Item::Home(_)
            | Item::Staff(_)
            | Item::Device(_)
            | Item::Hub(_)
            | Item::PlacePlan(_)
            | Item::Health(_)
            | Item::Plan(_)
            | Item::Carer(_)
            | Item::Assignment(_)
            | Item::Consent(_)
            | Item::Objection(_)
            | Item::Hold(_) => self.is_theirs(held, &written.item),
        }
    }

    /// Whether a member of staff may change a thing that stands in the register: nobody takes over what is somebody else's
    /// by writing it as their own. Emergency accesses are changed in their own way.
    #[must_use]
    pub fn may_change(&self, before: &Item) -> bool {
        let held = self.held(to_write(before.reference().kind()));
        let watches = matches!(before, Item::Staff(staff) if watches(staff));
        !watches && held.is_some_and(|held| self.is_theirs(held, before))
    }

    /// The access to set somebody's account, and nothing else: for whoever may write them into the register, all of their
    /// posts included. Nobody gives themselves a password that way.
    ///
    /// # Errors
    /// [`Denied`] for anybody else.
    pub fn for_account_of(&self, staff: &Staff) -> Result<Self, Denied> {
        let by = self.actor().map(|who| who.id.clone()).filter(|by| *by != staff.id).ok_or(Denied)?;
        let held = self.held(Permission::WriteStaff).ok_or(Denied)?;
        // Whoever holds no post is in nobody's reach, but for those who keep the whole footprint.
        let is_theirs = staff.posts.iter().all(|post| self.covers(held, &post.place));
        let is_somewhere = !staff.posts.is_empty() || held.places.contains(&Place::Footprint);
        if watches(staff) || !(is_theirs && is_somewhere) {
            return Err(Denied);
        }
        Ok(Self { grant: Grant::Account { of: staff.id.clone(), by }, lane: self.lane })
    }

    /// Whether a thing is of the places or people that a permission is held for.
    fn is_theirs(&self, held: &Held, item: &Item) -> bool {
        match item {
            Item::Organisation(organisation) => self.covers(held, &Place::Organisation(organisation.id.clone())),
            Item::Team(team) => self.covers(held, &Place::Organisation(team.organisation.clone())),
            Item::Home(home) => self.covers(held, &Place::Organisation(home.organisation.clone())),
            Item::Staff(staff) => staff.posts.iter().all(|post| self.covers(held, &post.place)),
            Item::Hub(hub) => hub.place.as_ref().is_none_or(|place| self.covers(held, place)),
            Item::PlacePlan(plan) => self.covers(held, &plan.place),
            Item::Device(_) => true,
            Item::Emergency(_) => false,
            Item::Patient(_)
            | Item::Health(_)
            | Item::Plan(_)
            | Item::Carer(_)
            | Item::Assignment(_)
            | Item::Consent(_)
            | Item::Objection(_)
            | Item::Erasure(_)
            | Item::Hold(_) => item.patient().is_some_and(|patient| held.caseload.patients.contains(patient)),
        }
    }

    /// Whether a permission is held for a place or one that it is part of.
    fn covers(&self, held: &Held, place: &Place) -> bool {
        held.covered.contains(place) || held.places.contains(&Place::Footprint)
    }

    /// Whether a thing of the register may be shown.
    #[must_use]
    pub fn may_see(&self, item: &Item) -> bool {
        match &self.grant {
            Grant::Hub { .. } | Grant::Account { .. } => false,
            Grant::System(purpose) => matches!(purpose, Purpose::SetUp | Purpose::Directory),
            Grant::Staff { .. } => {
                let permission = to_see(item.reference().kind());
                match (item, item.patient(), self.held(permission)) {
                    (_, _, None) => false,
                    (Item::Hub(hub), _, Some(held)) => sees_hub(held, hub),
                    (_, None, Some(_)) => true,
                    (_, Some(patient), Some(held)) => held.caseload.patients.contains(patient),
                }
            }
        }
    }

    /// Whose readings and alerts may be read.
    #[must_use]
    pub fn patients(&self) -> Scope<'_, PatientId> {
        self.patients_for(Permission::SeeReadings)
    }

    /// Whose records may be read, by staff with this permission.
    #[must_use]
    pub fn patients_for(&self, permission: Permission) -> Scope<'_, PatientId> {
        match &self.grant {
            Grant::Staff { powers, .. } => {
                powers.held(permission).map_or(Scope::None, |held| Scope::Only(&held.caseload.patients))
            }
            Grant::System(Purpose::Sweep | Purpose::Notify | Purpose::Follow) => Scope::All,
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => Scope::None,
        }
    }

    /// Which hubs' unassigned readings and refusals may be read.
    #[must_use]
    pub fn hubs(&self) -> Scope<'_, HubId> {
        match &self.grant {
            Grant::Staff { powers, .. } => {
                powers.held(Permission::SeeReadings).map_or(Scope::None, |held| Scope::Only(&held.caseload.hubs))
            }
            Grant::System(Purpose::Follow) => Scope::All,
            Grant::Hub { .. } | Grant::System(_) | Grant::Account { .. } => Scope::None,
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

/// Whether a hub may be shown: it says who is on it, so it is for those of its place or its people, unless it is nobody's yet.
fn sees_hub(held: &Held, hub: &Hub) -> bool {
    let is_nobodys = hub.place.is_none() && hub.patients.is_empty();
    is_nobodys || held.caseload.hubs.contains(&hub.id) || held.places.contains(&Place::Footprint)
}

/// Whether a thing belongs in a subject's record.
fn is_of(subject: &Subject, item: &Item) -> bool {
    match subject {
        Subject::Patient(patient) => item.patient() == Some(patient),
        Subject::Service => item.patient().is_none(),
        Subject::Unassigned(_) => false,
    }
}

/// What lets somebody see a thing of this kind.
#[must_use]
pub fn to_see(kind: ItemKind) -> Permission {
    match kind {
        ItemKind::Organisation | ItemKind::Team | ItemKind::Home | ItemKind::Staff | ItemKind::PlacePlan => {
            Permission::SeePlaces
        }
        ItemKind::Device | ItemKind::Hub => Permission::SeeDevices,
        ItemKind::Patient => Permission::SeeDetails,
        ItemKind::Health | ItemKind::Plan => Permission::SeePlan,
        ItemKind::Carer | ItemKind::Consent | ItemKind::Objection => Permission::WriteConsent,
        ItemKind::Assignment => Permission::AssignDevices,
        ItemKind::Emergency => Permission::SeeLog,
        ItemKind::Erasure | ItemKind::Hold => Permission::Erase,
    }
}

/// What lets somebody write a thing of this kind.
#[must_use]
pub fn to_write(kind: ItemKind) -> Permission {
    match kind {
        ItemKind::Organisation | ItemKind::Team | ItemKind::Home => Permission::WritePlaces,
        ItemKind::Staff => Permission::WriteStaff,
        ItemKind::Device => Permission::WriteDevices,
        ItemKind::Hub => Permission::WriteHubs,
        ItemKind::Patient => Permission::WriteDetails,
        ItemKind::Health | ItemKind::Plan => Permission::WritePlan,
        ItemKind::PlacePlan => Permission::WriteProtocols,
        ItemKind::Carer | ItemKind::Consent | ItemKind::Objection => Permission::WriteConsent,
        ItemKind::Assignment => Permission::AssignDevices,
        ItemKind::Emergency => Permission::TakeEmergency,
        ItemKind::Erasure | ItemKind::Hold => Permission::Erase,
    }
}
