//! What entries say of readings that stand in others: which of them no longer count, as a person's chain is read from its newest
//! entry back.
//!
//! Invariant: what an entry says is taken in before its readings are looked at, so that the newest word on a reading counts.

use super::{
    fault::Fault,
    journal::{self, Draft, Entry, EntryKind, From, Thing},
    names::No,
    record::Subject,
    rows::{Tx, Unsound},
};
use rules::{Actor, Because, Mistake, alert::Note};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use vitals::ReadingId;

/// What an entry says of a reading: that it no longer counts for the person, or that it does from now on. Neither says whose else
/// it was or is: that is no part of this person's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    pub(super) reading: ReadingId,
    /// Why it no longer counts; none where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<Because>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mistake: Option<Mistake>,
    /// Whether it counts for somebody else from now on: then it is theirs to give back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_moved: bool,
    by: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Note>,
}

impl Told {
    /// That it no longer counts.
    pub(super) fn withdrawn(
        reading: ReadingId,
        (because, mistake): (Because, Option<Mistake>),
        by: Actor,
        note: Option<Note>,
    ) -> Self {
        Self { reading, because: Some(because), mistake, is_moved: false, by, note }
    }

    /// That it counts from now on.
    pub(super) fn assigned(reading: ReadingId, by: Actor, note: Option<Note>) -> Self {
        Self { reading, because: None, mistake: None, is_moved: false, by, note }
    }

    /// The other end of the same move.
    pub(super) fn leaves(&self) -> Self {
        Self { because: Some(Because::AnotherPersons), is_moved: true, ..self.clone() }
    }

    pub(super) fn read(what: &str) -> Result<Self, Unsound> {
        Ok(serde_json::from_str(what)?)
    }

    /// What a thing of an entry says of a reading, if it does.
    pub(super) fn of(thing: &Thing) -> Result<Option<Self>, Unsound> {
        let is_one = matches!(thing.kind, EntryKind::ReadingWithdrawn | EntryKind::ReadingAssigned);
        is_one.then(|| Self::read(&thing.what)).transpose()
    }

    pub(super) fn keep(&self, tx: &Tx<'_>, draft: &mut Draft) -> Result<(), Fault> {
        let what = serde_json::to_string(self)?;
        let (kind, name) = match self.because {
            Some(_) => (EntryKind::ReadingWithdrawn, "withdrawn"),
            None => (EntryKind::ReadingAssigned, "assigned"),
        };
        draft.thing(kind, &what, None, &tx.keys.row(name, &[what.as_str().into()]));
        Ok(())
    }

    /// What the log of the record says of it: ids and no value.
    pub(super) fn line(&self) -> String {
        let Self { reading, because, by, .. } = self;
        match because {
            Some(because) => format!("reading {reading} withdrawn ({}) by {}", because.name(), by.id),
            None => format!("reading {reading} assigned by {}", by.id),
        }
    }

    /// Whether it may be said that it counts after all: not while it counts for somebody else.
    pub(super) fn may_count_again(&self) -> bool {
        self.because.is_some() && !self.is_moved
    }
}

/// The readings that an entry holds although they were stored before.
pub(super) fn assigned_in(entry: &Entry) -> Result<BTreeSet<ReadingId>, Unsound> {
    let mut assigned = BTreeSet::new();
    for thing in entry.things.iter().filter(|thing| thing.kind == EntryKind::ReadingAssigned) {
        assigned.insert(Told::read(&thing.what)?.reading);
    }
    Ok(assigned)
}

/// What is known so far, by the subject of the chain and the reading.
#[derive(Default)]
pub(super) struct Fates(BTreeMap<(No, ReadingId), Told>);

impl Fates {
    /// Takes in what an entry says. That a reading counts from now on is said where it stands again: that copy counts until an
    /// entry that came later says otherwise, and what is older than it was withdrawn before.
    pub(super) fn take(&mut self, entry: &Entry) -> Result<(), Fault> {
        for told in said(entry)?.into_iter().filter(|told| told.because.is_some()) {
            self.0.insert((entry.subject, told.reading), told);
        }
        Ok(())
    }

    /// Why a reading of an entry no longer counts; none where it does.
    pub(super) fn of(&self, subject: No, reading: ReadingId) -> Option<&Told> {
        self.0.get(&(subject, reading))
    }
}

/// The newest word on each reading in the entries of a person's chain from one on.
pub(super) fn newest_words(tx: &Tx<'_>, person: &Subject, since: u64) -> Result<BTreeMap<ReadingId, Told>, Fault> {
    let mut newest = BTreeMap::new();
    journal::newest_first(tx, From::Only(vec![(person.no, person.record.clone())]), |entry| {
        for told in said(&entry)? {
            newest.entry(told.reading).or_insert(told);
        }
        Ok(entry.seq > since)
    })?;
    Ok(newest)
}

fn said(entry: &Entry) -> Result<Vec<Told>, Fault> {
    let damaged = |Unsound| Fault::Damaged { table: journal::TABLE, row: i64::try_from(entry.seq).unwrap_or(i64::MAX) };
    entry.things.iter().filter_map(|thing| Told::of(thing).transpose()).collect::<Result<_, _>>().map_err(damaged)
}
