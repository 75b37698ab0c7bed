//! Readings as they arrive in one slice: which are new, which were stored before, which differ from what was stored.
//!
//! Invariant: whatever is repeated, within a slice or across them, one reading is judged once.

use super::{
    fault::Fault,
    readings::{self, Found},
    rows::Tx,
};
use crate::{access::Denied, store::ReadingOutcome};
use rules::Verdict;
use std::collections::BTreeMap;
use vitals::{Admitted, PatientId, ReadingId, Who};

/// What is new, and what became of the rest.
#[derive(Default)]
pub(super) struct Arrivals {
    arrived: Vec<Arrived>,
    new: Vec<Admitted>,
    new_at: BTreeMap<ReadingId, usize>,
    /// What says something else than the stored reading, to be kept beside it.
    pub(super) conflicts: Vec<Admitted>,
}

enum Arrived {
    New(ReadingId),
    /// New in this very slice, and here again.
    Again(ReadingId),
    Known(ReadingOutcome),
}

impl Arrivals {
    /// Takes in one reading of a slice. `patient` is whose slice it is; none means nobody's.
    pub(super) fn take(&mut self, tx: &Tx<'_>, patient: Option<&PatientId>, admitted: Admitted) -> Result<(), Fault> {
        let id = admitted.reading.id;
        if !is_of(&admitted, patient) {
            return Err(Denied.into());
        }
        let arrived = match self.in_slice(id) {
            Some(first) if readings::is_same(&first.reading, &admitted.reading) => Arrived::Again(id),
            Some(_) => self.conflict(admitted),
            None => match readings::find(tx, &admitted.reading.source, admitted.reading.record)? {
                Some(found) if readings::is_same(&found.admitted.reading, &admitted.reading) => {
                    Arrived::Known(duplicate(id, found, patient))
                }
                Some(_) => self.conflict(admitted),
                None => {
                    self.new_at.insert(id, self.new.len());
                    self.new.push(admitted);
                    Arrived::New(id)
                }
            },
        };
        self.arrived.push(arrived);
        Ok(())
    }

    /// The new readings.
    pub(super) fn take_new(&mut self) -> Vec<Admitted> {
        std::mem::take(&mut self.new)
    }

    /// What became of each reading, in the order they came; none where a new one has no verdict in `judged`.
    pub(super) fn outcomes(self, judged: &BTreeMap<ReadingId, Verdict>) -> Option<Vec<ReadingOutcome>> {
        let outcome = |arrived| match arrived {
            Arrived::New(id) => Some(ReadingOutcome::Stored { id, verdict: judged.get(&id)?.clone() }),
            Arrived::Again(id) => Some(ReadingOutcome::Duplicate { id, verdict: Some(judged.get(&id)?.clone()) }),
            Arrived::Known(outcome) => Some(outcome),
        };
        self.arrived.into_iter().map(outcome).collect()
    }

    /// What became of each reading, where they belong to nobody.
    pub(super) fn outcomes_of_nobody(self) -> Vec<ReadingOutcome> {
        let outcome = |arrived| match arrived {
            Arrived::New(id) => ReadingOutcome::Unassigned { id },
            Arrived::Again(id) => ReadingOutcome::Duplicate { id, verdict: None },
            Arrived::Known(outcome) => outcome,
        };
        self.arrived.into_iter().map(outcome).collect()
    }

    fn in_slice(&self, id: ReadingId) -> Option<&Admitted> {
        self.new.get(*self.new_at.get(&id)?)
    }

    fn conflict(&mut self, admitted: Admitted) -> Arrived {
        let id = admitted.reading.id;
        self.conflicts.push(admitted);
        Arrived::Known(ReadingOutcome::Conflict { id })
    }
}

/// Whether the reading says it is of the slice it came in: a reading never goes to anybody by accident.
fn is_of(admitted: &Admitted, patient: Option<&PatientId>) -> bool {
    match &admitted.reading.who {
        Who::Patient(who) => patient == Some(who),
        Who::Unassigned(_) => patient.is_none(),
    }
}

/// The first verdict again, but only for the person it was about: a hub that offers somebody else's reading learns that
/// it is stored and nothing more.
fn duplicate(id: ReadingId, found: Found, patient: Option<&PatientId>) -> ReadingOutcome {
    let is_theirs = found.patient.as_ref() == patient;
    ReadingOutcome::Duplicate { id, verdict: found.verdict.filter(|_| is_theirs) }
}
