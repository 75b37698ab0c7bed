//! Who works where, who looks after whom, and who may not: what opens and narrows access, as the register says it.
//!
//! Invariants: pure, the moment is an argument; only what is in the register opens anything; a person whose team, home or
//! objection changed is seen by the new rules at the next question, because nothing that was answered is kept longer than
//! [`Relations::answered_until`] says.

use super::{Basis, Caseload, Permission, permission::permissions};
use chrono::{DateTime, TimeDelta, Utc};
use register::{
    Assignment, Device, Emergency, Home, Hub, Item, ItemKind, Objection, Organisation, Patient, Place, PlacePlan, Post,
    Role, Staff, Team, access::Against,
};
use rules::event::By;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map::Entry},
    sync::Arc,
};
use vitals::{
    HubId, PatientId,
    bounded::Text,
    id::{DeviceId, HomeId, OrganisationId, RecordId, StaffId, TeamId},
};

/// Longest an answer holds even where nothing in the register says that it ends.
const ANSWER_HOLDS: TimeDelta = TimeDelta::hours(1);

/// The register, as far as access depends on it.
#[derive(Debug, Clone, Default)]
pub struct Relations {
    organisations: BTreeMap<OrganisationId, Organisation>,
    teams: BTreeMap<TeamId, Team>,
    homes: BTreeMap<HomeId, Home>,
    staff: BTreeMap<StaffId, Staff>,
    hubs: BTreeMap<HubId, Hub>,
    devices: BTreeMap<DeviceId, Device>,
    people: HashMap<PatientId, LivesWith>,
    /// People to whom nothing is said: they have died, moved away or are in hospital.
    untold: HashSet<PatientId>,
    of_team: HashMap<TeamId, BTreeSet<PatientId>>,
    of_home: HashMap<HomeId, BTreeSet<PatientId>>,
    objections: HashMap<PatientId, BTreeMap<RecordId, Objection>>,
    emergencies: BTreeMap<RecordId, Emergency>,
    assignments: HashMap<DeviceId, BTreeMap<RecordId, Assignment>>,
    place_plans: BTreeMap<RecordId, PlacePlan>,
}

/// Whose a person is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct LivesWith {
    team: Option<TeamId>,
    home: Option<HomeId>,
}

/// What one member of staff may do, and for whom, at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Powers {
    /// For each permission the people it is held for, and the hubs of those places.
    held: BTreeMap<Permission, Held>,
    /// What opens people's records, what is nearest to the person first.
    opened: Vec<Opened>,
}

/// Why the records of some people are open.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Opened {
    role: Role,
    organisation: Option<OrganisationId>,
    basis: Basis,
    caseload: Arc<Caseload>,
}

/// Where a permission is held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held {
    /// The people and hubs.
    pub caseload: Arc<Caseload>,
    /// The places of the posts.
    pub places: BTreeSet<Place>,
    /// Those places, and every team and home that is part of one.
    pub covered: Arc<BTreeSet<Place>>,
}

impl Powers {
    /// Every one of these permissions for one caseload: the demo's seeded sign-in.
    pub(super) fn of(permissions: &[Permission], caseload: Caseload) -> Self {
        let held = Held { caseload: Arc::new(caseload), ..Held::default() };
        let caseload = held.caseload.clone();
        let opened = Opened { role: Role::CaseManager, organisation: None, basis: Basis::DirectCare, caseload };
        Self { held: permissions.iter().map(|permission| (*permission, held.clone())).collect(), opened: vec![opened] }
    }

    /// Who looks at a person's record, as what, and why they may; none where nothing opens it.
    pub(super) fn by(&self, staff: &StaffId, patient: &PatientId) -> Option<By> {
        let opened = self.opened.iter().find(|opened| opened.caseload.patients.contains(patient))?;
        Some(By {
            staff: staff.clone(),
            role: opened.role,
            organisation: opened.organisation.clone(),
            basis: Text::new(opened.basis.name()).ok()?,
        })
    }

    /// Where a permission is held; none where it is not.
    #[must_use]
    pub fn held(&self, permission: Permission) -> Option<&Held> {
        self.held.get(&permission)
    }
}

/// The people of several posts together. A caseload may be a whole county, and most permissions are held for the same ones:
/// each union is made once.
#[derive(Default)]
struct Unions(Vec<(Vec<Arc<Caseload>>, Arc<Caseload>)>);

impl Unions {
    fn of(&mut self, parts: Vec<Arc<Caseload>>) -> Arc<Caseload> {
        if let [one] = parts.as_slice() {
            return one.clone();
        }
        let is_same = |known: &[Arc<Caseload>]| {
            known.len() == parts.len() && known.iter().zip(&parts).all(|(known, part)| Arc::ptr_eq(known, part))
        };
        if let Some((_, union)) = self.0.iter().find(|(known, _)| is_same(known)) {
            return union.clone();
        }
        let mut union = Caseload::default();
        for part in &parts {
            union.patients.extend(part.patients.iter().cloned());
            union.hubs.extend(part.hubs.iter().cloned());
        }
        let union = Arc::new(union);
        self.0.push((parts, union.clone()));
        union
    }
}

/// Keeps a thing as it now is. Whether it was not known so before.
fn is_news<K: Ord, T: PartialEq>(known: &mut BTreeMap<K, T>, key: K, now: T) -> bool {
    match known.entry(key) {
        Entry::Occupied(mut before) if *before.get() != now => {
            before.insert(now);
            true
        }
        Entry::Occupied(_) => false,
        Entry::Vacant(place) => {
            place.insert(now);
            true
        }
    }
}

impl Relations {
    /// Takes in a thing of the register as it now is. Whether that may change what somebody may do: answers given before
    /// are then worth nothing.
    pub fn learn(&mut self, item: &Item) -> bool {
        match item {
            Item::Organisation(organisation) => {
                is_news(&mut self.organisations, organisation.id.clone(), (**organisation).clone())
            }
            Item::Team(team) => is_news(&mut self.teams, team.id.clone(), (**team).clone()),
            Item::Home(home) => is_news(&mut self.homes, home.id.clone(), (**home).clone()),
            Item::Staff(staff) => is_news(&mut self.staff, staff.id.clone(), (**staff).clone()),
            Item::Hub(hub) => is_news(&mut self.hubs, hub.id.clone(), (**hub).clone()),
            Item::Patient(patient) => self.learn_person(patient),
            Item::Objection(objection) => {
                let of_person = self.objections.entry(objection.patient.clone()).or_default();
                is_news(of_person, objection.id.clone(), (**objection).clone())
            }
            Item::Emergency(emergency) => is_news(&mut self.emergencies, emergency.id.clone(), (**emergency).clone()),
            Item::Assignment(assignment) => {
                let of_device = self.assignments.entry(assignment.device.clone()).or_default();
                of_device.insert(assignment.id.clone(), (**assignment).clone());
                false
            }
            Item::Device(device) => {
                self.devices.insert(device.id.clone(), (**device).clone());
                false
            }
            Item::PlacePlan(plan) => {
                self.place_plans.insert(plan.id.clone(), (**plan).clone());
                false
            }
            Item::Health(_) | Item::Plan(_) | Item::Carer(_) | Item::Consent(_) | Item::Erasure(_) | Item::Hold(_) => {
                false
            }
        }
    }

    fn learn_person(&mut self, patient: &Patient) -> bool {
        if patient.status.may_be_told() {
            self.untold.remove(&patient.id);
        } else {
            self.untold.insert(patient.id.clone());
        }
        let now = LivesWith { team: patient.team.clone(), home: patient.home.clone() };
        let before = self.people.insert(patient.id.clone(), now.clone());
        if before.as_ref() == Some(&now) {
            return false;
        }
        let before = before.unwrap_or_default();
        if before.team != now.team {
            if let Some(people) = before.team.and_then(|team| self.of_team.get_mut(&team)) {
                people.remove(&patient.id);
            }
            if let Some(team) = now.team {
                self.of_team.entry(team).or_default().insert(patient.id.clone());
            }
        }
        if before.home != now.home {
            if let Some(people) = before.home.and_then(|home| self.of_home.get_mut(&home)) {
                people.remove(&patient.id);
            }
            if let Some(home) = now.home {
                self.of_home.entry(home).or_default().insert(patient.id.clone());
            }
        }
        true
    }

    /// A member of staff, where the register knows them.
    #[must_use]
    pub fn staff(&self, id: &StaffId) -> Option<&Staff> {
        self.staff.get(id)
    }

    /// A hub, where the register knows it.
    #[must_use]
    pub fn hub(&self, id: &HubId) -> Option<&Hub> {
        self.hubs.get(id)
    }

    /// Every hub.
    pub fn hubs(&self) -> impl Iterator<Item = &Hub> {
        self.hubs.values()
    }

    /// Who had a device at a moment; none where nobody had, or where two people had and no user index tells them apart.
    #[must_use]
    pub fn had(&self, device: &DeviceId, user_index: Option<u8>, at: DateTime<Utc>) -> Option<&PatientId> {
        let then = self.assignments.get(device)?.values().filter(|assignment| assignment.span.has(at));
        let mut who = then
            .filter(|assignment| assignment.user_index.is_none() || assignment.user_index == user_index)
            .map(|assignment| &assignment.patient);
        let first = who.next()?;
        who.all(|other| other == first).then_some(first)
    }

    /// What somebody may do at a moment; none where they are not staff, or have left.
    #[must_use]
    pub fn powers(&self, id: &StaffId, at: DateTime<Utc>) -> Option<Powers> {
        let staff = self.staff.get(id)?;
        let mut held: BTreeMap<Permission, (Vec<Arc<Caseload>>, BTreeSet<Place>)> = BTreeMap::new();
        let mut opened: Vec<Opened> = Vec::new();
        for post in staff.posts_at(at) {
            let people = self.people_of(&post.place);
            let is_open = |patient: &&PatientId| !self.is_objected(patient, id, post, at);
            let open: BTreeSet<PatientId> = people.iter().copied().filter(is_open).cloned().collect();
            let hubs = self.hubs_of(&post.place, &open);
            let is_all = open.len() == people.len();
            let open = Arc::new(Caseload { patients: open, hubs: hubs.clone() });
            let all = if is_all {
                open.clone()
            } else {
                Arc::new(Caseload { patients: people.into_iter().cloned().collect(), hubs })
            };
            opened.push(self.opened_by(post, &all, &open));
            for permission in permissions(post.role) {
                let (caseloads, places) = held.entry(*permission).or_default();
                caseloads.push(if permission.is_for_care() { open.clone() } else { all.clone() });
                places.insert(post.place.clone());
            }
        }
        let first = opened.first()?;
        let (role, organisation) = (first.role, first.organisation.clone());
        let emergencies =
            self.emergencies.values().filter(|emergency| emergency.staff == *id && emergency.span.has(at));
        for emergency in emergencies {
            let caseload = Arc::new(Caseload { patients: [emergency.patient.clone()].into(), hubs: BTreeSet::new() });
            let organisation = organisation.clone();
            for permission in Permission::ALL.iter().filter(|permission| permission.opens_in_emergency()) {
                held.entry(*permission).or_default().0.push(caseload.clone());
            }
            opened.push(Opened { role, organisation, basis: Basis::Emergency, caseload });
        }
        let mut unions = Unions::default();
        let held = held.into_iter().map(|(permission, (caseloads, places))| {
            let covered = Arc::new(self.covered(&places));
            (permission, Held { caseload: unions.of(caseloads), places, covered })
        });
        let held = held.collect();
        // Whoever looks after a person looks as that, whatever else they are.
        opened.sort_by_key(|opened| opened.basis);
        Some(Powers { held, opened })
    }

    /// Whose records a post opens, and why.
    fn opened_by(&self, post: &Post, all: &Arc<Caseload>, open: &Arc<Caseload>) -> Opened {
        // Who is not there for somebody's care is there whatever the person objects to.
        let (basis, caseload) = if permissions(post.role).contains(&Permission::SeeReadings) {
            (Basis::DirectCare, open)
        } else {
            (Basis::Duty, all)
        };
        let organisation = self.organisation_of(&post.place);
        Opened { role: post.role, organisation, basis, caseload: caseload.clone() }
    }

    /// Whose place it is; none for the whole footprint, and for a place that the register does not know.
    fn organisation_of(&self, place: &Place) -> Option<OrganisationId> {
        match place {
            Place::Team(team) => self.teams.get(team).map(|team| team.organisation.clone()),
            Place::Home(home) => self.homes.get(home).map(|home| home.organisation.clone()),
            Place::Organisation(organisation) => Some(organisation.clone()),
            Place::Footprint => None,
        }
    }

    /// Whether anything may be said to a person, or asked of them; of whom the register has not, nothing is known against it.
    #[must_use]
    pub fn may_be_told(&self, patient: &PatientId) -> bool {
        !self.untold.contains(patient)
    }

    /// Whether the register has a person.
    #[must_use]
    pub fn has_person(&self, patient: &PatientId) -> bool {
        self.people.contains_key(patient)
    }

    /// Every emergency access to the record of one of these people, the newest first.
    #[must_use]
    pub fn emergencies_of(&self, patients: &BTreeSet<PatientId>) -> Vec<&Emergency> {
        let theirs = self.emergencies.values().filter(|emergency| patients.contains(&emergency.patient));
        let mut theirs: Vec<&Emergency> = theirs.collect();
        theirs.sort_by_key(|emergency| (Reverse(emergency.span.from), &emergency.id));
        theirs
    }

    /// Things of one kind that are nobody's record, in the order of their keys, after a key.
    #[must_use]
    pub fn list(&self, kind: ItemKind, after: &str, limit: usize) -> Vec<Item> {
        fn page<K: Ord, T: Clone + Into<Item>>(
            all: &BTreeMap<K, T>,
            text: fn(&K) -> &str,
            after: &str,
            limit: usize,
        ) -> Vec<Item> {
            let behind = all.iter().filter(|(key, _)| text(key) > after);
            behind.take(limit).map(|(_, item)| item.clone().into()).collect()
        }
        match kind {
            ItemKind::Organisation => page(&self.organisations, OrganisationId::as_str, after, limit),
            ItemKind::Team => page(&self.teams, TeamId::as_str, after, limit),
            ItemKind::Home => page(&self.homes, HomeId::as_str, after, limit),
            ItemKind::Staff => page(&self.staff, StaffId::as_str, after, limit),
            ItemKind::Device => page(&self.devices, DeviceId::as_str, after, limit),
            ItemKind::Hub => page(&self.hubs, HubId::as_str, after, limit),
            ItemKind::PlacePlan => page(&self.place_plans, RecordId::as_str, after, limit),
            ItemKind::Patient
            | ItemKind::Health
            | ItemKind::Plan
            | ItemKind::Carer
            | ItemKind::Assignment
            | ItemKind::Consent
            | ItemKind::Objection
            | ItemKind::Emergency
            | ItemKind::Erasure
            | ItemKind::Hold => Vec::new(),
        }
    }

    /// Until when the powers of somebody are as they are now, if the register stays as it is.
    #[must_use]
    pub fn answered_until(&self, id: &StaffId, at: DateTime<Utc>) -> DateTime<Utc> {
        let posts = self.staff.get(id).into_iter().flat_map(|staff| {
            let spans = staff.posts.iter().flat_map(|post| [Some(post.span.from), post.span.until]);
            spans.chain([staff.left_at])
        });
        let emergencies = self.emergencies.values().filter(|emergency| emergency.staff == *id);
        let emergencies = emergencies.flat_map(|emergency| [Some(emergency.span.from), emergency.span.until]);
        let objections = self.objections.values().flat_map(BTreeMap::values);
        let objections = objections.flat_map(|objection| [Some(objection.span.from), objection.span.until]);
        let changes = posts.chain(emergencies).chain(objections).flatten().filter(|change| *change > at);
        changes.chain([at + ANSWER_HOLDS]).min().unwrap_or(at)
    }

    /// Places, and every team and home that is part of one of them.
    fn covered(&self, places: &BTreeSet<Place>) -> BTreeSet<Place> {
        let parts = self.teams.keys().cloned().map(Place::Team).chain(self.homes.keys().cloned().map(Place::Home));
        let parts = parts.filter(|part| places.iter().any(|place| self.is_within(part, place)));
        parts.chain(places.iter().cloned()).collect()
    }

    /// The people of a place.
    fn people_of(&self, place: &Place) -> BTreeSet<&PatientId> {
        match place {
            Place::Team(team) => self.of_team.get(team).into_iter().flatten().collect(),
            Place::Home(home) => self.of_home.get(home).into_iter().flatten().collect(),
            Place::Organisation(organisation) => {
                let teams = self.teams.values().filter(|team| team.organisation == *organisation);
                let homes = self.homes.values().filter(|home| home.organisation == *organisation);
                let of_teams = teams.filter_map(|team| self.of_team.get(&team.id));
                of_teams.chain(homes.filter_map(|home| self.of_home.get(&home.id))).flatten().collect()
            }
            Place::Footprint => self.people.keys().collect(),
        }
    }

    /// The hubs that stand for a place, and those of its people.
    fn hubs_of(&self, place: &Place, people: &BTreeSet<PatientId>) -> BTreeSet<HubId> {
        let is_theirs = |hub: &&Hub| {
            let stands_there = hub.place.as_ref().is_some_and(|at| self.is_within(at, place));
            stands_there || (!hub.patients.is_empty() && hub.patients.iter().all(|patient| people.contains(patient)))
        };
        self.hubs.values().filter(is_theirs).map(|hub| hub.id.clone()).collect()
    }

    /// Whether a place is the other, or part of it.
    #[must_use]
    pub fn is_within(&self, place: &Place, other: &Place) -> bool {
        match (place, other) {
            (_, Place::Footprint) => true,
            (Place::Team(team), Place::Organisation(organisation)) => {
                self.teams.get(team).is_some_and(|team| team.organisation == *organisation)
            }
            (Place::Home(home), Place::Organisation(organisation)) => {
                self.homes.get(home).is_some_and(|home| home.organisation == *organisation)
            }
            (one, other) => one == other,
        }
    }

    /// Whether a person, or a restriction on their record, keeps somebody in this post from looking.
    fn is_objected(&self, patient: &PatientId, staff: &StaffId, post: &Post, at: DateTime<Utc>) -> bool {
        let objections = self.objections.get(patient).into_iter().flat_map(BTreeMap::values);
        objections.filter(|objection| objection.span.has(at)).any(|objection| match &objection.against {
            Against::Staff(one) => one == staff,
            Against::Team(team) => post.place == Place::Team(team.clone()),
            Against::Home(home) => post.place == Place::Home(home.clone()),
            Against::Organisation(organisation) => {
                self.is_within(&post.place, &Place::Organisation(organisation.clone()))
            }
        })
    }
}

#[cfg(test)]
mod tests;
