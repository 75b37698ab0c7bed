//! What the register has, as a list needs it: everybody in little room, whose number is whose, and the places there are.

use crate::{
    access::{Access, Purpose},
    store::{ReadError, RegisterPlace, Store},
};
use register::{Item, Patient};
use std::collections::{HashMap, HashSet};
use vitals::{
    NhsNumber, PatientId,
    id::{HomeId, TeamId},
};

/// How many things are asked of the store at once.
const PAGE: usize = 1_000;

/// A person as the register has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Their record.
    pub patient: Patient,
    /// Its version.
    pub version: u32,
}

/// A person in little room: a county's people as they are would take half as much again.
struct Packed {
    version: u32,
    number: NhsNumber,
    body: Box<[u8]>,
}

/// Who has an NHS number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// One person, as it should be.
    One(PatientId),
    /// More than one: the register is wrong somewhere, and nobody can tell which is meant.
    Several,
}

/// The people and places of the register at one moment.
#[derive(Default)]
pub struct KnownPeople {
    people: HashMap<PatientId, Packed>,
    holders: HashMap<NhsNumber, Holder>,
    teams: HashSet<TeamId>,
    homes: HashSet<HomeId>,
}

impl KnownPeople {
    /// Reads the register.
    ///
    /// # Errors
    /// [`ReadError`] as the store has it.
    pub async fn read(store: &dyn Store) -> Result<Self, ReadError> {
        let mut known = Self::default();
        let who = Access::system(Purpose::Directory);
        let mut after = RegisterPlace::default();
        loop {
            let (kept, end) = store.register(&who, after, PAGE).await?;
            if kept.is_empty() {
                return Ok(known);
            }
            for kept in &kept {
                known.learn(&kept.item, kept.version)?;
            }
            after = end;
        }
    }

    /// Takes in a thing of the register.
    ///
    /// # Errors
    /// [`ReadError`] where a person cannot be packed; not to be expected.
    pub fn learn(&mut self, item: &Item, version: u32) -> Result<(), ReadError> {
        match item {
            Item::Patient(patient) => {
                let body = serde_json::to_vec(patient).map_err(|error| ReadError::Unavailable(error.to_string()))?;
                let (id, number) = (patient.id.clone(), patient.nhs_number);
                self.holders
                    .entry(number)
                    .and_modify(|holder| {
                        if *holder != Holder::One(id.clone()) {
                            *holder = Holder::Several;
                        }
                    })
                    .or_insert_with(|| Holder::One(id.clone()));
                self.people.insert(id, Packed { version, number, body: body.into() });
            }
            Item::Team(team) => {
                self.teams.insert(team.id.clone());
            }
            Item::Home(home) => {
                self.homes.insert(home.id.clone());
            }
            Item::Organisation(_)
            | Item::Staff(_)
            | Item::Device(_)
            | Item::Hub(_)
            | Item::PlacePlan(_)
            | Item::Health(_)
            | Item::Plan(_)
            | Item::Carer(_)
            | Item::Assignment(_)
            | Item::Erasure(_)
            | Item::Hold(_)
            | Item::Consent(_)
            | Item::Objection(_)
            | Item::Emergency(_) => {}
        }
        Ok(())
    }

    /// A person.
    #[must_use]
    pub fn person(&self, id: &PatientId) -> Option<Known> {
        let packed = self.people.get(id)?;
        // What was packed above reads again.
        Some(Known { patient: serde_json::from_slice(&packed.body).ok()?, version: packed.version })
    }

    /// A person's NHS number.
    #[must_use]
    pub fn number(&self, id: &PatientId) -> Option<NhsNumber> {
        self.people.get(id).map(|packed| packed.number)
    }

    /// Who has a number.
    #[must_use]
    pub fn holder(&self, number: NhsNumber) -> Option<&Holder> {
        self.holders.get(&number)
    }

    /// Whether there is such a team.
    #[must_use]
    pub fn has_team(&self, team: &TeamId) -> bool {
        self.teams.contains(team)
    }

    /// Whether there is such a care home.
    #[must_use]
    pub fn has_home(&self, home: &HomeId) -> bool {
        self.homes.contains(home)
    }

    /// Everybody's id, in order.
    #[must_use]
    pub fn ids(&self) -> Vec<&PatientId> {
        let mut ids: Vec<&PatientId> = self.people.keys().collect();
        ids.sort_unstable();
        ids
    }
}
