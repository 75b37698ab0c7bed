//! The records of each source, against the readings in the journal, both ways; and what a hub had refused.
//!
//! Most sources are settled by a sum: their records, as they stand in the table, are those that the journal has. Where the
//! sums differ (a device without numbers or a clock, whose newest frame stands under a second key; or damage), each record's
//! entry is looked up.

use super::{
    super::{
        digest::Digest,
        fault::Fault,
        inbox,
        journal::{self, EntryKind},
        known,
        names::{Class, No},
        rows::{View, all},
    },
    Budget, Inspection,
    accounts::Sum,
    first_eight,
};
use crate::store::{embedded::damage::Missing, evidence::Wrong};
use rusqlite::params;
use std::collections::{BTreeSet, HashMap, HashSet};

const TABLE: &str = "known";

/// What entries say of a source.
#[derive(Default)]
struct Said {
    /// The entry of each record.
    readings: HashMap<i64, u64>,
    /// The entry of the newest frame of each content, where neither number nor time tells frames apart.
    newest: HashMap<i64, u64>,
    /// Entries with such a frame: other hubs' records may stand in them.
    joinable: HashSet<u64>,
}

impl Said {
    fn take(&mut self, view: &View<'_>, entry: &journal::Entry, source: No) {
        for kept in &entry.readings {
            let reading = &kept.admitted.reading;
            if view.names.find(Class::Source, reading.source.as_str()) != Some(source) {
                continue;
            }
            self.readings.insert(known::key(reading.record.as_bytes()), entry.seq);
            if reading.is_told_apart_by_receipt() {
                let newest = self.newest.entry(known::twin_key(reading)).or_default();
                *newest = entry.seq.max(*newest);
                self.joinable.insert(entry.seq);
            }
        }
    }
}

/// Looks at the records of one number.
pub(super) fn of_number(
    it: &mut Inspection,
    view: &View<'_>,
    no: No,
    class: Class,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let sql = "SELECT record, entry FROM known WHERE source = ?1";
    let records = all(view.conn, sql, params![no], |row| {
        Ok((row.get::<_, i64>(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
    })?;
    budget.spend(u64::try_from(records.len()).unwrap_or(u64::MAX));
    // What stands in an entry of which nothing is left is what its statement says it is.
    let (erased, records): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|(_, entry)| class == Class::Source && it.walk.ends.is_hollow(*entry));
    for (record, entry) in erased {
        it.emptied.records.add(known::place(view, no, record, entry));
    }
    // What stands in an entry that cannot be read is what is asked for again.
    let (damaged, records): (Vec<_>, Vec<_>) = records.into_iter().partition(|(_, entry)| it.walk.is_damaged(*entry));
    for (record, entry) in &damaged {
        let (record, entry) = (*record, *entry);
        it.missing.entry(entry).or_default().push(Missing { source: no, record });
    }
    match class {
        Class::Source => of_source(it, view, no, &records, &damaged, budget),
        Class::Hub => of_hub(it, view, no, &records, &damaged, budget),
        Class::Person | Class::Word | Class::Shape | Class::Service => {
            if let Some((_, entry)) = records.first() {
                it.found.bad(TABLE, *entry, Wrong::Extra);
            }
            Ok(())
        }
    }
}

fn of_source(
    it: &mut Inspection,
    view: &View<'_>,
    no: No,
    records: &[(i64, u64)],
    damaged: &[(i64, u64)],
    budget: &mut Budget,
) -> Result<(), Fault> {
    let Ok(told) = it.walk.accounts.source(no).map(|source| source.readings) else {
        it.found.bad(TABLE, no.into(), Wrong::Disagrees);
        return Ok(());
    };
    let mut stand = Sum::default();
    for (record, entry) in records {
        stand.add(known::place(view, no, *record, *entry));
    }
    if stand == told {
        return Ok(());
    }
    let mut said = Said::default();
    for entry in entries(records) {
        match journal::entry(view, entry) {
            Ok(entry) => {
                budget.spend(u64::try_from(entry.readings.len()).unwrap_or(u64::MAX));
                said.take(view, &entry, no);
            }
            // Told where it stands.
            Err(Fault::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    let mut stand = Sum::default();
    for (record, entry) in records {
        match (said.readings.get(record), said.newest.remove(record)) {
            (Some(stands_in), _) if stands_in == entry => stand.add(known::place(view, no, *record, *entry)),
            (None, Some(newest)) if newest == *entry => {}
            (None, None) if said.joinable.contains(entry) => it.joined.add(known::place(view, no, *record, *entry)),
            (Some(_) | None, _) => it.found.bad(TABLE, *entry, Wrong::Disagrees),
        }
    }
    // The newest of its content may have been in an entry that cannot be read.
    for (record, _) in damaged {
        said.newest.remove(record);
    }
    if stand != told || !said.newest.is_empty() {
        it.found.bad(TABLE, no.into(), Wrong::Missing);
    }
    Ok(())
}

/// The entries that records stand in, each once.
fn entries(records: &[(i64, u64)]) -> BTreeSet<u64> {
    records.iter().map(|(_, entry)| *entry).collect()
}

/// What a hub had refused: each once, with its reason, and each told of in the entry that its record names.
fn of_hub(
    it: &mut Inspection,
    view: &View<'_>,
    no: No,
    records: &[(i64, u64)],
    damaged: &[(i64, u64)],
    budget: &mut Budget,
) -> Result<(), Fault> {
    let mut kept = Sum::default();
    let mut digests = HashMap::new();
    let (mut next, mut is_sound) = (1, true);
    for (n, refusal) in inbox::all_of(view, no)? {
        view.go_on()?;
        budget.spend(1);
        if n != next {
            let (row, wrong) = if n > next { (next, Wrong::Missing) } else { (n, Wrong::Extra) };
            it.found.bad_row(inbox::TABLE, row, wrong);
            is_sound = false;
        }
        next = n.saturating_add(1);
        match it.found.take(refusal)? {
            Some(refusal) if refusal.is_emptied => it.emptied.refusals += 1,
            Some(refusal) => {
                kept.add(first_eight(&refusal.digest));
                digests.insert(refusal.record, refusal.digest);
            }
            None => is_sound = false,
        }
    }
    let Ok(refused) = it.walk.accounts.subject(view, no).map(|account| account.refused) else {
        it.found.bad(TABLE, no.into(), Wrong::Disagrees);
        return Ok(());
    };
    if is_sound && it.walk.is_whole() && kept != refused {
        let wrong = if kept.count < refused.count { Wrong::Missing } else { Wrong::Extra };
        it.found.bad_row(inbox::TABLE, next, wrong);
    }
    let mut told_of: HashMap<u64, Vec<Digest>> = HashMap::new();
    for entry in entries(records) {
        let things = match journal::entry(view, entry) {
            Ok(entry) => entry.things,
            Err(Fault::Damaged { .. }) => continue,
            Err(other) => return Err(other),
        };
        budget.spend(u64::try_from(things.len()).unwrap_or(u64::MAX));
        let refused = [EntryKind::ReadingConflict, EntryKind::ReadingRefused];
        let things = things.into_iter().filter(|thing| thing.hub == Some(no) && refused.contains(&thing.kind));
        told_of.insert(entry, things.map(|thing| thing.digest).collect());
    }
    for (record, entry) in records {
        let digest = digests.remove(record);
        if digest.is_none() && it.walk.ends.is_touched(*entry) {
            it.emptied.records.add(known::place(view, no, *record, *entry));
            continue;
        }
        let is_told = digest.is_some_and(|digest| told_of.get(entry).is_some_and(|told| told.contains(&digest)));
        if is_sound && !is_told {
            it.found.bad(TABLE, *entry, Wrong::Disagrees);
        }
    }
    for (record, _) in damaged {
        digests.remove(record);
    }
    if is_sound && !digests.is_empty() {
        it.found.bad(TABLE, no.into(), Wrong::Missing);
    }
    Ok(())
}
