//! Readings that a service has kept: each person's own history, with the numbers that count for them now: of their places and of
//! their care plan.
//!
//! Invariant: that a person's history is read stands in their own record before it is.

use super::{
    super::{CommandError, stopped::Stopped},
    ProtocolsError,
};
use crate::{
    access::{Access, Purpose},
    decide::overrides,
    store::{Care, NoLonger, RegisterPlace, Slice, Subject},
};
use register::{Item, Place, PlacePlan};
use rules::{
    Event,
    event::{Audit, AuditKind},
    pack::Override,
};
use std::{collections::BTreeMap, sync::Arc};
use vitals::{Admitted, PatientId, bounded::Text};

/// Things of the register, or entries of a record, read at once; people in whose records is noted at once that they are read.
pub(super) const PAGE: usize = 1_000;

/// What the register says of everybody, as far as numbers depend on it.
#[derive(Default)]
struct Everybody {
    people: BTreeMap<PatientId, Care>,
    places: BTreeMap<Place, Arc<PlacePlan>>,
}

impl Everybody {
    fn take(&mut self, item: Item) {
        match item {
            Item::Patient(patient) => {
                let care = self.people.entry(patient.id).or_default();
                (care.team, care.home) = (patient.team, patient.home);
            }
            Item::Plan(plan) => {
                let care = self.people.entry(plan.patient.clone()).or_default();
                care.plan = Some(plan);
            }
            Item::PlacePlan(plan) => {
                self.places.insert(plan.place.clone(), Arc::new(*plan));
            }
            Item::Organisation(_)
            | Item::Team(_)
            | Item::Home(_)
            | Item::Staff(_)
            | Item::Device(_)
            | Item::Hub(_)
            | Item::Health(_)
            | Item::Carer(_)
            | Item::Assignment(_)
            | Item::Consent(_)
            | Item::Objection(_)
            | Item::Emergency(_)
            | Item::Erasure(_)
            | Item::Hold(_) => {}
        }
    }
}

/// Everybody of the register, with what is set for them by their footprint, team, home and care plan.
pub(super) fn people(stopped: &Stopped) -> Result<BTreeMap<PatientId, Vec<Override>>, CommandError> {
    let who = Access::system(Purpose::Directory);
    let (mut everybody, mut after) = (Everybody::default(), RegisterPlace::default());
    loop {
        let page = stopped.wait(stopped.store.register(&who, after, PAGE));
        let (kept, place) = page.map_err(ProtocolsError::from)?;
        let is_last = kept.len() < PAGE;
        kept.into_iter().for_each(|kept| everybody.take(kept.item));
        if is_last {
            break;
        }
        after = place;
    }
    let Everybody { people, places } = everybody;
    let of = |(id, mut care): (PatientId, Care)| {
        let named = Care::of_places(care.team.as_ref(), care.home.as_ref());
        care.places = named.iter().filter_map(|place| places.get(place).cloned()).collect();
        (id, overrides(&care, stopped.at))
    };
    Ok(people.into_iter().map(of).collect())
}

/// Everything that was judged of a person and still counts, in the order in which it arrived.
pub(super) fn readings_of(stopped: &Stopped, person: &PatientId) -> Result<Vec<Admitted>, CommandError> {
    let who = Access::system(Purpose::Export);
    let (mut readings, mut before, mut no_longer) = (Vec::new(), None, NoLonger::default());
    loop {
        let page = stopped.wait(stopped.store.entries_of(&who, person, before, PAGE));
        let (mut entries, next) = page.map_err(ProtocolsError::from)?;
        let is_last = next.is_none() || entries.is_empty();
        entries.iter_mut().for_each(|entry| no_longer.mark(entry));
        let counting = entries.into_iter().flat_map(|entry| entry.readings).filter(|one| one.withdrawn.is_none());
        readings.extend(counting.map(|reading| reading.admitted));
        if is_last {
            break;
        }
        before = next;
    }
    readings.sort_by_key(|admitted| (admitted.server_received, admitted.event_time(), admitted.reading.id));
    Ok(readings)
}

/// Says in the records of some people that their histories are read, before they are.
pub(super) fn note<'a>(stopped: &Stopped, people: impl Iterator<Item = &'a PatientId>) -> Result<(), CommandError> {
    let about: Text<200> = Text::new("back-test by command").map_err(ProtocolsError::from)?;
    let slice = |person: &PatientId| {
        let audit = Audit { what: AuditKind::Read, about: about.clone(), by: None };
        Slice { subject: Subject::Patient(person.clone()), events: vec![Event::Audited(audit)] }
    };
    let who = Access::system(Purpose::Audit);
    let slices = people.map(slice).collect();
    for answer in stopped.wait(stopped.store.apply(&who, slices, Stopped::decide(), stopped.at)) {
        drop(answer.map_err(ProtocolsError::from)?);
    }
    Ok(())
}
