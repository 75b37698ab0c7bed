//! Readings that a service has kept: each person's own history, with the parameters that their care plan gives them now.

use super::{
    super::{CommandError, stopped::Stopped},
    ProtocolsError,
};
use crate::{
    access::{Access, Purpose},
    store::{RegisterPlace, Slice, Subject},
};
use register::Item;
use rules::{
    Event,
    event::{Audit, AuditKind},
    pack::Override,
};
use std::collections::BTreeMap;
use vitals::{Admitted, PatientId, bounded::Text};

/// Things of the register, or entries of a record, read at once.
const PAGE: usize = 1_000;

/// Everybody of the register, with what their care plan sets for them.
pub(super) fn people(stopped: &Stopped) -> Result<BTreeMap<PatientId, Vec<Override>>, CommandError> {
    let who = Access::system(Purpose::Directory);
    let mut people: BTreeMap<PatientId, Vec<Override>> = BTreeMap::new();
    let mut after = RegisterPlace::default();
    loop {
        let page = stopped.wait(stopped.store.register(&who, after, PAGE));
        let (kept, place) = page.map_err(ProtocolsError::from)?;
        let is_last = kept.len() < PAGE;
        for kept in kept {
            if let Item::Plan(plan) = kept.item {
                let own = plan.parameters.iter().map(Override::from);
                people.entry(plan.patient).or_default().extend(own);
            } else if let Item::Patient(patient) = kept.item {
                people.entry(patient.id).or_default();
            }
        }
        if is_last {
            return Ok(people);
        }
        after = place;
    }
}

/// Everything that was judged of a person, in the order in which it arrived.
pub(super) fn readings_of(stopped: &Stopped, person: &PatientId) -> Result<Vec<Admitted>, CommandError> {
    let who = Access::system(Purpose::Export);
    let (mut readings, mut before) = (Vec::new(), None);
    loop {
        let page = stopped.wait(stopped.store.entries_of(&who, person, before, PAGE));
        let (entries, next) = page.map_err(ProtocolsError::from)?;
        let is_last = next.is_none() || entries.is_empty();
        readings.extend(entries.into_iter().flat_map(|entry| entry.readings).map(|reading| reading.admitted));
        if is_last {
            break;
        }
        before = next;
    }
    readings.sort_by_key(|admitted| (admitted.server_received, admitted.event_time(), admitted.reading.id));
    Ok(readings)
}

/// Says in the service's own record that histories were read, before they are.
pub(super) fn note(stopped: &Stopped, people: usize) -> Result<(), CommandError> {
    let about = Text::new(&format!("back-test by command: {people} people")).map_err(ProtocolsError::from)?;
    let audit = Audit { what: AuditKind::Read, about, by: None };
    let slice = Slice { subject: Subject::Service, events: vec![Event::Audited(audit)] };
    let who = Access::system(Purpose::Audit);
    for answer in stopped.wait(stopped.store.apply(&who, vec![slice], Stopped::decide(), stopped.at)) {
        drop(answer.map_err(ProtocolsError::from)?);
    }
    Ok(())
}
