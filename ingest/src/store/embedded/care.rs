//! What the register says of a person, kept in memory for the next decision about them.
//!
//! Invariants: what is kept was committed when it was read; whatever changes it in a transaction is read anew from then on,
//! and nothing that a transaction has changed is kept before the next one.

use super::{fault::Fault, items, names::No, record::Record, rows::View};
use crate::store::Care;
use register::{CarePlan, Item, ItemRef, NotInOrder, Place, PlacePlan};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Most people kept: about 50 MB. With more of them the rest is read again, which costs two look-ups a slice.
const KEPT_MAX: usize = 65_536;

/// What each place says; a place that says nothing is kept too.
type Places = BTreeMap<Place, Option<Arc<PlacePlan>>>;

/// See the module. The writer's own: nothing else decides.
#[derive(Default)]
pub(super) struct Cared {
    people: RefCell<HashMap<No, Arc<Care>>>,
    places: RefCell<Places>,
    /// Whether the transaction under way has written into the register.
    is_changing: Cell<bool>,
}

impl Cared {
    /// A transaction begins: what came of the one before is settled.
    pub(super) fn begin(&self) {
        self.is_changing.set(false);
    }

    /// Something is about to be written into the register.
    pub(super) fn forget(&self, person: Option<No>, item: &Item) {
        match item {
            Item::Patient(_) | Item::Plan(_) => {
                self.is_changing.set(true);
                person.map(|person| self.people.borrow_mut().remove(&person));
            }
            Item::PlacePlan(_) => {
                self.is_changing.set(true);
                self.places.borrow_mut().clear();
                self.people.borrow_mut().clear();
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

    /// What the register says of a person.
    pub(super) fn of(&self, view: &View<'_>, no: No, record: &Record) -> Result<Arc<Care>, Fault> {
        if let Some(care) = self.people.borrow().get(&no) {
            return Ok(Arc::clone(care));
        }
        let care = Arc::new(self.read(view, no, record)?);
        if !self.is_changing.get() {
            let mut people = self.people.borrow_mut();
            if people.len() >= KEPT_MAX {
                people.clear();
            }
            people.insert(no, Arc::clone(&care));
        }
        Ok(care)
    }

    fn read(&self, view: &View<'_>, no: No, record: &Record) -> Result<Care, Fault> {
        let mut care = Care::default();
        for kept in items::of_record(view, no, record)? {
            match kept.item {
                Item::Patient(patient) => {
                    (care.team, care.home, care.status) = (patient.team, patient.home, patient.status);
                }
                // Of several that were written before a second one was refused, the last counts.
                Item::Plan(plan) => care.plan = Some(plan),
                Item::Organisation(_)
                | Item::Team(_)
                | Item::Home(_)
                | Item::Staff(_)
                | Item::Device(_)
                | Item::Hub(_)
                | Item::PlacePlan(_)
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
        for place in Care::of_places(care.team.as_ref(), care.home.as_ref()) {
            care.places.extend(self.place(view, place)?);
        }
        Ok(care)
    }

    fn place(&self, view: &View<'_>, place: Place) -> Result<Option<Arc<PlacePlan>>, Fault> {
        if let Some(plan) = self.places.borrow().get(&place) {
            return Ok(plan.clone());
        }
        let plan = match PlacePlan::id_of(&place).map(ItemRef::PlacePlan) {
            Some(which) => items::find(view, &which)?.map(|kept| kept.into_item().item),
            None => None,
        };
        let plan = plan.and_then(|item| if let Item::PlacePlan(plan) = item { Some(Arc::new(*plan)) } else { None });
        if !self.is_changing.get() {
            self.places.borrow_mut().insert(place, plan.clone());
        }
        Ok(plan)
    }
}

/// A person has one care plan: a second would be a second word on which protocols judge them.
pub(super) fn must_be_their_only(care: &Care, plan: &CarePlan) -> Result<(), Fault> {
    let is_other = care.plan.as_ref().is_some_and(|known| known.id != plan.id);
    if is_other {
        return Err(NotInOrder::new("id", "the person has a care plan already: write its next version").into());
    }
    Ok(())
}
