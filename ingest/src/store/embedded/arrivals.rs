//! Readings as they arrive in one slice: which are new, which were stored before, which differ from what was stored.
//!
//! Invariant: whatever is repeated, within a slice or across them, one reading is judged once.

use super::{
    damage::{self, Mark},
    digest::Digest,
    fault::Fault,
    journal, known,
    names::{Class, No},
    readings::{self, Found, Lookup},
    rows::Tx,
};
use crate::{access::Denied, store::ReadingOutcome};
use chrono::TimeDelta;
use rules::Verdict;
use std::collections::BTreeMap;
use vitals::{Admitted, HubId, PatientId, Reading, ReadingId, Who};

/// Two equal frames of one source without number or time are one reading where different hubs heard them within this, and
/// have them for the same person (docs/decisions/0004).
const HEARD_TOGETHER_WITHIN: TimeDelta = TimeDelta::seconds(90);

/// What is new, and what became of the rest.
#[derive(Default)]
pub(super) struct Arrivals {
    arrived: Vec<Arrived>,
    new: Vec<(No, Admitted)>,
    new_at: BTreeMap<ReadingId, usize>,
    /// Places among the recovered.
    again_at: BTreeMap<ReadingId, usize>,
    /// What says something else than the stored reading, to be kept beside it.
    pub(super) conflicts: Vec<Admitted>,
    /// Stored readings that another hub heard too.
    pub(super) heard_also: Vec<HeardAlso>,
    /// Readings whose entry was damaged, that are here again.
    pub(super) recovered: Vec<Recovered>,
    lookup: Lookup,
}

/// A stored reading that another hub heard too.
pub(super) struct HeardAlso {
    pub(super) reading: ReadingId,
    pub(super) hub: HubId,
    /// Covers the two records by which it is known: eight bytes of each.
    pub(super) digest: Digest,
}

/// A reading that is here again because its entry is damaged. It was judged before: the rules hear nothing of it.
pub(super) struct Recovered {
    pub(super) source: No,
    pub(super) admitted: Admitted,
    /// Whether the rules had failed on it, as far as can be known.
    pub(super) was_unjudged: bool,
    /// The entry where it stood, which cannot be read.
    pub(super) stood_in: u64,
}

enum Arrived {
    New(ReadingId),
    /// New in this very slice, and here again.
    Again(ReadingId),
    Known(ReadingOutcome),
}

impl Arrivals {
    /// Takes in one reading of a slice, which is to stand in `entry`. `patient` is whose slice it is; none means nobody's.
    pub(super) fn take(
        &mut self,
        tx: &Tx<'_>,
        entry: u64,
        patient: Option<&PatientId>,
        admitted: Admitted,
    ) -> Result<(), Fault> {
        let id = admitted.reading.id;
        if !is_of(&admitted, patient) {
            return Err(Denied.into());
        }
        let arrived = match self.in_slice(id) {
            Some(first) if readings::is_same(&first.reading, &admitted.reading) => Arrived::Again(id),
            Some(_) => self.conflict(admitted),
            None => self.look_up(tx, entry, patient, admitted)?,
        };
        self.arrived.push(arrived);
        Ok(())
    }

    fn look_up(
        &mut self,
        tx: &Tx<'_>,
        entry: u64,
        patient: Option<&PatientId>,
        admitted: Admitted,
    ) -> Result<Arrived, Fault> {
        let reading = &admitted.reading;
        let (source, _) = tx.names.number(tx, Class::Source, reading.source.as_str())?;
        let record = known::key(reading.record.as_bytes());
        let found = match known::claim(tx, source, record, entry)? {
            None => match self.twin(tx, source, &admitted)? {
                Some(twin) => return self.join(tx, (source, record), twin, patient, &admitted),
                None => {
                    stands_as_newest(tx, source, reading, entry)?;
                    return Ok(self.take_as_new(source, admitted));
                }
            },
            Some(stands_in) => match damage::find(tx, stands_in)? {
                Some(mark) => return self.recover(tx, (source, record), entry, &mark, patient, admitted),
                None if tx.count().ended > 0 && journal::entry(tx, stands_in)?.is_hollow() => {
                    return Ok(Arrived::Known(ReadingOutcome::Erased { id: reading.id }));
                }
                None => self.lookup.in_entry(tx, stands_in, reading)?,
            },
        };
        if readings::is_same(&found.kept.admitted.reading, reading) {
            Ok(Arrived::Known(duplicate(reading.id, found, patient)))
        } else {
            Ok(self.conflict(admitted))
        }
    }

    /// Joins a reading with the one that another hub heard, in the entry where that stands.
    fn join(
        &mut self,
        tx: &Tx<'_>,
        (source, record): (No, i64),
        (twin, stands_in): (Found, u64),
        patient: Option<&PatientId>,
        admitted: &Admitted,
    ) -> Result<Arrived, Fault> {
        let first = twin.kept.admitted.reading.id;
        let mut digest = Digest::default();
        for (part, record) in digest.chunks_exact_mut(8).zip([record, known::hearer_key(first, &admitted.hub)]) {
            stands(tx, source, record, stands_in)?;
            part.copy_from_slice(&known::place(tx, source, record, stands_in).to_le_bytes());
        }
        self.heard_also.push(HeardAlso { reading: first, hub: admitted.hub.clone(), digest });
        Ok(Arrived::Known(duplicate(admitted.reading.id, twin, patient)))
    }

    /// Takes in a reading again whose entry is damaged: into the same record and no other.
    fn recover(
        &mut self,
        tx: &Tx<'_>,
        (source, record): (No, i64),
        entry: u64,
        mark: &Mark,
        patient: Option<&PatientId>,
        admitted: Admitted,
    ) -> Result<Arrived, Fault> {
        let id = admitted.reading.id;
        if !mark.is_of(tx, patient, &admitted.hub) {
            return Ok(Arrived::Known(ReadingOutcome::Duplicate { id, verdict: None }));
        }
        if let Some(twin) = self.twin(tx, source, &admitted)? {
            return self.join(tx, (source, record), twin, patient, &admitted);
        }
        stands(tx, source, record, entry)?;
        stands_as_newest(tx, source, &admitted.reading, entry)?;
        let was_unjudged = patient.is_some() && readings::has_unjudged(tx, mark.entry)?;
        self.again_at.insert(id, self.recovered.len());
        self.recovered.push(Recovered { source, admitted, was_unjudged, stood_in: mark.entry });
        Ok(Arrived::New(id))
    }

    fn take_as_new(&mut self, source: No, admitted: Admitted) -> Arrived {
        let id = admitted.reading.id;
        self.new_at.insert(id, self.new.len());
        self.new.push((source, admitted));
        Arrived::New(id)
    }

    /// The same frame as another hub heard it, where neither number nor time tells frames apart, and the entry it is in.
    fn twin(&mut self, tx: &Tx<'_>, source: No, admitted: &Admitted) -> Result<Option<(Found, u64)>, Fault> {
        let reading = &admitted.reading;
        if !reading.is_told_apart_by_receipt() {
            return Ok(None);
        }
        let Some(stands_in) = known::find(tx, source, known::twin_key(reading))? else { return Ok(None) };
        // Of this very slice: one hub heard both. Or it cannot be read any more.
        if stands_in > tx.count().entries || damage::find(tx, stands_in)?.is_some() {
            return Ok(None);
        }
        let is_twin = |kept: &Reading, hub: &HubId| {
            let apart = (kept.times.hub_received - reading.times.hub_received).abs();
            kept.is_told_apart_by_receipt()
                && kept.source == reading.source
                && whose(kept) == whose(reading)
                && *hub != admitted.hub
                && apart <= HEARD_TOGETHER_WITHIN
                && readings::is_same(kept, reading)
        };
        let Some(found) = self.lookup.find(tx, stands_in, is_twin)? else { return Ok(None) };
        // A hub that heard the one already now hears the next.
        let heard = known::hearer_key(found.kept.admitted.reading.id, &admitted.hub);
        let has_heard = match known::find(tx, source, heard)? {
            Some(entry) => damage::find(tx, entry)?.is_none(),
            None => false,
        };
        Ok((!has_heard).then_some((found, stands_in)))
    }

    /// The new readings, each with the number of its source.
    pub(super) fn take_new(&mut self) -> Vec<(No, Admitted)> {
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
        match self.new_at.get(&id) {
            Some(place) => self.new.get(*place).map(|(_, admitted)| admitted),
            None => self.recovered.get(*self.again_at.get(&id)?).map(|recovered| &recovered.admitted),
        }
    }

    fn conflict(&mut self, admitted: Admitted) -> Arrived {
        let id = admitted.reading.id;
        self.conflicts.push(admitted);
        Arrived::Known(ReadingOutcome::Conflict { id })
    }
}

/// Makes a reading the newest frame of its content, where neither number nor time tells frames apart.
fn stands_as_newest(tx: &Tx<'_>, source: No, reading: &Reading, entry: u64) -> Result<(), Fault> {
    if !reading.is_told_apart_by_receipt() {
        return Ok(());
    }
    stands(tx, source, known::twin_key(reading), entry)
}

/// Makes a record stand in an entry. Where it stood in one that is damaged, it is no longer missing there.
fn stands(tx: &Tx<'_>, source: No, record: i64, entry: u64) -> Result<(), Fault> {
    if damage::is_any(tx)
        && let Some(before) = known::find(tx, source, record)?
    {
        damage::recovered(tx, before, source, record)?;
    }
    known::put(tx, source, record, entry)
}

/// The person a reading is for; none where it is nobody's yet.
fn whose(reading: &Reading) -> Option<&PatientId> {
    match &reading.who {
        Who::Patient(patient) => Some(patient),
        Who::Unassigned(_) => None,
    }
}

/// Whether the reading says it is of the slice it came in: a reading never goes to anybody by accident.
fn is_of(admitted: &Admitted, patient: Option<&PatientId>) -> bool {
    whose(&admitted.reading) == patient
}

/// The first verdict again, but only for the person it was about: a hub that offers somebody else's reading learns that
/// it is stored and nothing more.
fn duplicate(id: ReadingId, found: Found, patient: Option<&PatientId>) -> ReadingOutcome {
    let is_theirs = found.patient().is_some() && found.patient() == patient;
    ReadingOutcome::Duplicate { id, verdict: found.kept.verdict.filter(|_| is_theirs) }
}
