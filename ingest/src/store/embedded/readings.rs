//! Readings as they are found again: in their entries, each with the verdict that holds now.
//!
//! Invariants: what two hubs may see differently (who, hub, receipt times, quality) does not make a conflict; a verdict
//! is replaced only where the rules had failed.

use super::{
    damage,
    digest::Digest,
    fates::Fates,
    fault::Fault,
    journal::{self, From},
    kept::KeptReading,
    names::Class,
    record,
    rows::{self, Tx, Unsound, View, all, intact, one, run, verify},
};
use crate::{access::Scope, store::StoredReading};
use rules::{Because, Verdict};
use rusqlite::params;
use std::collections::{BTreeSet, HashMap};
use vitals::{Admitted, HubId, PatientId, RawFrame, Reading, ReadingId, Who, record::identity};

/// Where a reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) entry: u64,
    pub(super) place: u64,
}

impl Place {
    fn params(self) -> (i64, i64) {
        (i64::try_from(self.entry).unwrap_or(i64::MAX), i64::try_from(self.place).unwrap_or(i64::MAX))
    }
}

/// A reading as it was found, with the verdict that holds now.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) at: Place,
    pub(super) kept: KeptReading,
}

impl Found {
    pub(super) fn patient(&self) -> Option<&PatientId> {
        match &self.kept.admitted.reading.who {
            Who::Patient(patient) => Some(patient),
            Who::Unassigned(_) => None,
        }
    }

    /// As it is given out.
    pub(super) fn into_given(self) -> (Admitted, Option<Verdict>) {
        (self.kept.admitted, self.kept.verdict)
    }

    fn into_stored(self, withdrawn: Option<Because>) -> StoredReading {
        let KeptReading { admitted: Admitted { reading, hub, server_received, .. }, verdict } = self.kept;
        StoredReading { reading, hub, server_received, verdict, withdrawn }
    }
}

/// Entries looked into within one slice: a batch that comes again is mostly of one entry.
#[derive(Default)]
pub(super) struct Lookup {
    last: Option<Looked>,
}

struct Looked {
    entry: u64,
    readings: Vec<Found>,
    by_id: HashMap<ReadingId, usize>,
}

impl Lookup {
    /// The reading of an entry that has this one's source and record, or is the one that it was joined with.
    pub(super) fn in_entry(&mut self, view: &View<'_>, entry: u64, reading: &Reading) -> Result<Found, Fault> {
        let looked = self.look(view, entry)?;
        if let Some(found) = looked.by_id.get(&reading.id).and_then(|place| looked.readings.get(*place)) {
            return Ok(found.clone());
        }
        let may_be_joined = |found: &&Found| {
            let kept = &found.kept.admitted.reading;
            kept.source == reading.source && kept.is_told_apart_by_receipt()
        };
        let is_joined = |found: &&Found| may_be_joined(found) && is_same(&found.kept.admitted.reading, reading);
        // One that says something else by now is in conflict with what it was joined with.
        let damaged = Fault::Damaged { table: "known", row: i64::try_from(entry).unwrap_or(i64::MAX) };
        let found = looked.readings.iter().find(is_joined).or_else(|| looked.readings.iter().find(may_be_joined));
        found.cloned().ok_or(damaged)
    }

    /// The newest reading of an entry of which this is true.
    pub(super) fn find(
        &mut self,
        view: &View<'_>,
        entry: u64,
        is_it: impl Fn(&Reading, &HubId) -> bool,
    ) -> Result<Option<Found>, Fault> {
        let looked = self.look(view, entry)?;
        let is_it = |found: &&Found| is_it(&found.kept.admitted.reading, &found.kept.admitted.hub);
        Ok(looked.readings.iter().rev().find(is_it).cloned())
    }

    fn look(&mut self, view: &View<'_>, entry: u64) -> Result<&Looked, Fault> {
        if self.last.as_ref().is_none_or(|last| last.entry != entry) {
            let readings = of_entry(view, journal::entry(view, entry)?)?;
            let by_id = readings.iter().enumerate().map(|(n, found)| (found.kept.admitted.reading.id, n)).collect();
            self.last = Some(Looked { entry, readings, by_id });
        }
        self.last.as_ref().ok_or_else(|| Fault::Missing(format!("entry {entry}")))
    }
}

/// The readings of an entry, with the verdicts that hold now.
pub(super) fn of_entry(view: &View<'_>, entry: journal::Entry) -> Result<Vec<Found>, Fault> {
    let seq = entry.seq;
    let mut found = Vec::with_capacity(entry.readings.len());
    for (place, mut kept) in (0_u64..).zip(entry.readings) {
        let at = Place { entry: seq, place };
        if matches!(kept.verdict, Some(Verdict::Unevaluated { .. })) {
            kept.verdict = judged(view, at)?.or(kept.verdict);
        }
        found.push(Found { at, kept });
    }
    Ok(found)
}

pub(super) const JUDGED: &str = "judged";
pub(super) const UNJUDGED: &str = "unjudged";

fn place_digest(view: &View<'_>, at: Place) -> Digest {
    let (entry, place) = at.params();
    view.keys.row(UNJUDGED, &[entry.into(), place.into()])
}

/// What the rules made later of a reading that could not be judged at first. It is either still on the list of those, or
/// there is such a verdict.
pub(super) fn judged(view: &View<'_>, at: Place) -> Result<Option<Verdict>, Fault> {
    let (entry, place) = at.params();
    let sql = "SELECT entry, verdict, digest FROM judged WHERE entry = ?1 AND place = ?2";
    let verdict = one(view.conn, sql, params![entry, place], |row| {
        intact(JUDGED, row, || {
            let (verdict, digest): (String, Digest) = (row.get(1)?, row.get(2)?);
            verify(view.keys, JUDGED, &[entry.into(), place.into(), verdict.as_str().into()], digest)?;
            Ok(serde_json::from_str(&verdict)?)
        })
    })?;
    let sql = "SELECT digest FROM unjudged WHERE entry = ?1 AND place = ?2";
    let waits = one(view.conn, sql, params![entry, place], |row| Ok(row.get::<_, Digest>(0)?))?;
    match (verdict, waits) {
        (Some(verdict), None) => Ok(Some(verdict)),
        (None, Some(digest)) if digest == place_digest(view, at) => Ok(None),
        (None | Some(_), _) => Err(Fault::Damaged { table: JUDGED, row: entry }),
    }
}

/// The digest of everything that waits to be judged.
pub(super) fn all_unjudged(view: &View<'_>) -> Result<rows::Numbered<Digest>, Fault> {
    rows::every(view.conn, "SELECT entry, place, digest FROM unjudged ORDER BY entry, place", [], |row| {
        intact(UNJUDGED, row, || {
            let (entry, place, digest): (i64, i64, Digest) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = Place { entry: u64::try_from(entry)?, place: u64::try_from(place)? };
            if place_digest(view, at) == digest { Ok(digest) } else { Err(Unsound) }
        })
    })
}

/// The digest of every later verdict.
pub(super) fn all_judged(view: &View<'_>) -> Result<rows::Numbered<Digest>, Fault> {
    rows::every(view.conn, "SELECT entry, place, verdict, digest FROM judged ORDER BY entry, place", [], |row| {
        intact(JUDGED, row, || {
            let (entry, place, verdict): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let digest = row.get(3)?;
            verify(view.keys, JUDGED, &[entry.into(), place.into(), verdict.as_str().into()], digest)?;
            Ok(digest)
        })
    })
}

/// Whether a reading of an entry waits to be judged; which of them, only the entry could say.
pub(super) fn has_unjudged(view: &View<'_>, entry: u64) -> Result<bool, Fault> {
    let entry = i64::try_from(entry).unwrap_or(i64::MAX);
    Ok(one(view.conn, "SELECT entry FROM unjudged WHERE entry = ?1", params![entry], |_row| Ok(()))?.is_some())
}

/// Puts a reading on the list of those that could not be judged.
pub(super) fn wait_to_be_judged(tx: &Tx<'_>, at: Place) -> Result<(), Fault> {
    let digest = place_digest(tx, at);
    let (entry, place) = at.params();
    run(tx.conn, "INSERT INTO unjudged (entry, place, digest) VALUES (?1, ?2, ?3)", params![entry, place, digest])?;
    tx.tally(|tally| tally.unjudged.add(&digest));
    Ok(())
}

/// Gives a reading that could not be judged its new verdict.
pub(super) fn judge_again(tx: &Tx<'_>, at: Place, verdict: &Verdict) -> Result<Digest, Fault> {
    let (entry, place) = at.params();
    let words = serde_json::to_string(verdict)?;
    let waiting = place_digest(tx, at);
    let taken = run(tx.conn, "DELETE FROM unjudged WHERE entry = ?1 AND place = ?2", params![entry, place])?;
    if taken != 1 {
        return Err(Fault::Missing(format!("entry {entry}, place {place}, without a verdict")));
    }
    tx.tally(|tally| tally.unjudged.take(&waiting));
    let digest = tx.keys.row(JUDGED, &[entry.into(), place.into(), words.as_str().into()]);
    run(
        tx.conn,
        "INSERT INTO judged (entry, place, verdict, digest) VALUES (?1, ?2, ?3, ?4)",
        params![entry, place, words, digest],
    )?;
    Ok(digest)
}

/// Whether two readings of one source and record say the same. What a device puts around a record when it tells it again
/// is no other content ([`identity`]).
pub(super) fn is_same(one: &Reading, other: &Reading) -> bool {
    let content = |reading: &Reading| (reading.kind, reading.times.device, reading.user_index);
    content(one) == content(other)
        && one.value == other.value
        && (&one.raw.service, &one.raw.characteristic) == (&other.raw.service, &other.raw.characteristic)
        && identity(&one.raw.characteristic, &one.raw.bytes) == identity(&other.raw.characteristic, &other.raw.bytes)
}

/// What makes a reading's content, as text: all that [`is_same`] compares.
pub(super) fn content(reading: &Reading) -> Result<String, Fault> {
    let RawFrame { service, characteristic, bytes } = &reading.raw;
    let bytes = identity(characteristic, bytes);
    let said = (reading.kind, &reading.value, reading.times.device, reading.user_index, service, characteristic, bytes);
    Ok(serde_json::to_string(&said)?)
}

/// Readings of these people, the newest first.
pub(super) fn of_people(view: &View<'_>, people: &Whom<PatientId>, limit: usize) -> Result<Vec<StoredReading>, Fault> {
    let from = from(view, people, Class::Person, PatientId::as_str)?;
    listed(view, from, limit, |found| found.patient().is_some())
}

/// Readings of nobody yet from these hubs, the newest first.
pub(super) fn of_nobody(view: &View<'_>, hubs: &Whom<HubId>, limit: usize) -> Result<Vec<StoredReading>, Fault> {
    let from = from(view, hubs, Class::Hub, HubId::as_str)?;
    listed(view, from, limit, |found| found.patient().is_none())
}

/// Whose rows a caller may read, as a question carries it to another thread.
#[derive(Debug, Clone)]
pub(super) enum Whom<T> {
    All,
    Only(Vec<T>),
}

impl<T: Ord + Clone> Whom<T> {
    /// Whether this one is among them.
    pub(super) fn has(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(one),
        }
    }

    pub(super) fn of(scope: &Scope<'_, T>) -> Option<Self> {
        match scope {
            Scope::All => Some(Self::All),
            Scope::Only(these) => Some(Self::Only(these.iter().cloned().collect())),
            Scope::None => None,
        }
    }
}

fn from<T>(view: &View<'_>, whom: &Whom<T>, class: Class, name: impl Fn(&T) -> &str) -> Result<From, Fault> {
    match whom {
        Whom::All => Ok(From::All),
        Whom::Only(these) => {
            let found = these.iter().filter_map(|one| record::find(view, class, name(one)).transpose());
            Ok(From::Only(found.collect::<Result<_, _>>()?))
        }
    }
}

fn listed(
    view: &View<'_>,
    from: From,
    limit: usize,
    is_wanted: impl Fn(&Found) -> bool,
) -> Result<Vec<StoredReading>, Fault> {
    let mut listed = Vec::new();
    if limit == 0 {
        return Ok(listed);
    }
    let mut fates = Fates::default();
    journal::newest_first(view, from, |entry| {
        fates.take(&entry)?;
        if !entry.readings.is_empty() {
            let subject = entry.subject;
            let found = of_entry(view, entry)?.into_iter().rev().filter(|found| is_wanted(found));
            let stored = found.map(|found| {
                let told = fates.of(subject, found.kept.admitted.reading.id);
                found.into_stored(told.and_then(|told| told.because))
            });
            listed.extend(stored.take(limit - listed.len()));
        }
        Ok(listed.len() < limit)
    })?;
    Ok(listed)
}

/// Most readings that wait to be judged whose list is read whole, so that none of them can be missed.
const UNJUDGED_WHOLE_MAX: u64 = 2048;

/// Readings the rules failed on, the oldest first, without so many of the oldest.
pub(super) fn unevaluated(view: &View<'_>, skip: usize, limit: usize) -> Result<Vec<Admitted>, Fault> {
    let tally = view.count().unjudged;
    let sql = "SELECT entry, place, digest FROM unjudged ORDER BY entry, place LIMIT ?1";
    let wanted = if tally.count <= UNJUDGED_WHOLE_MAX { usize::MAX } else { skip.saturating_add(limit) };
    let rows = i64::try_from(wanted).unwrap_or(i64::MAX);
    let mut seen = super::tally::Set::default();
    let waiting = all(view.conn, sql, params![rows], |row| {
        intact(UNJUDGED, row, || {
            let (entry, place, digest): (i64, i64, Digest) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let at = Place { entry: u64::try_from(entry)?, place: u64::try_from(place)? };
            if place_digest(view, at) != digest {
                return Err(Unsound);
            }
            seen.add(&digest);
            Ok(at)
        })
    })?;
    if tally.count <= UNJUDGED_WHOLE_MAX && seen != tally {
        return Err(Fault::Damaged { table: UNJUDGED, row: 0 });
    }
    // Work goes on beside a damaged entry; it is told as soon as nothing else is left.
    let (mut lookup, mut found, mut damaged) = (Lookup::default(), Vec::new(), None);
    for at in waiting.into_iter().skip(skip) {
        if found.len() >= limit {
            break;
        }
        match lookup.look(view, at.entry) {
            Ok(looked) => {
                let reading = looked.readings.iter().find(|found| found.at == at);
                let missing = Fault::Damaged { table: UNJUDGED, row: at.params().0 };
                found.push(reading.ok_or(missing)?.kept.admitted.clone());
            }
            // Told where it was marked, and asked for again.
            Err(Fault::Damaged { .. }) if damage::find(view, at.entry)?.is_some() => {}
            Err(fault @ Fault::Damaged { .. }) => damaged = damaged.or(Some(fault)),
            Err(other) => return Err(other),
        }
    }
    match damaged {
        Some(fault) if found.is_empty() => Err(fault),
        _ => Ok(found),
    }
}

/// Takes away what stands of the readings of these entries beside them.
pub(super) fn let_go(tx: &Tx<'_>, entries: &BTreeSet<u64>) -> Result<(), Fault> {
    for entry in entries {
        let entry = i64::try_from(*entry).unwrap_or(i64::MAX);
        run(tx.conn, "DELETE FROM judged WHERE entry = ?1", params![entry])?;
        let sql = "DELETE FROM unjudged WHERE entry = ?1 RETURNING digest";
        for digest in all(tx.conn, sql, params![entry], |row| Ok(row.get::<_, Digest>(0)?))? {
            tx.tally(|tally| tally.unjudged.take(&digest));
        }
    }
    Ok(())
}
