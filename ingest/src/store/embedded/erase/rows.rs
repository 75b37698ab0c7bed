//! Rows of a person in the tables beside the journal: emptied where they count without a gap, taken away where they do not.

use crate::store::embedded::{
    alerts,
    digest::Digest,
    fault::Fault,
    inbox, items, jobs, known,
    names::No,
    readings,
    record::Subject,
    rows::{Tx, all},
    timers,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many rows were emptied.
pub(super) struct Emptied {
    pub(super) alerts: u64,
    pub(super) notifications: u64,
    pub(super) items: u64,
}

/// Refused readings of a person that were emptied.
#[derive(Default)]
pub(super) struct Refused {
    /// What the journal knew them by.
    pub(super) digests: BTreeSet<Digest>,
    /// What keeps each content from being taken in again: the hub, and the record.
    pub(super) records: BTreeSet<(No, i64)>,
    /// How many of each hub.
    pub(super) of_hubs: BTreeMap<No, u64>,
}

/// Empties the person's rows; `own` are the entries of their chain.
pub(super) fn empty_all(tx: &Tx<'_>, person: &Subject, own: &BTreeSet<u64>) -> Result<Emptied, Fault> {
    readings::let_go(tx, own)?;
    timers::let_go(tx, person.no)?;
    // Notifications point at alerts, and both change their ids.
    tx.conn.execute_batch("PRAGMA defer_foreign_keys = ON")?;
    let notifications = jobs::empty(tx, person.no)?;
    let alerts = alerts::empty(tx, person.no)?;
    let items = items::empty(tx, person.no)?;
    Ok(Emptied { alerts, notifications, items })
}

/// Empties what hubs had refused of this person: what names them, and what is about one of these readings.
pub(super) fn empty_refusals(tx: &Tx<'_>, id: &str, theirs: &BTreeSet<[u8; 16]>) -> Result<Refused, Fault> {
    let mut refused = Refused::default();
    for (hub, n) in inbox::of_person(tx, id, theirs)? {
        let (digest, record) = inbox::empty(tx, hub, n)?;
        refused.digests.insert(digest);
        refused.records.insert((hub, record));
        *refused.of_hubs.entry(hub).or_default() += 1;
    }
    Ok(refused)
}

/// The records that nothing explains any more but the statement: how many, and the sum over them.
pub(super) fn records(tx: &Tx<'_>, own: &BTreeSet<u64>, refused: &Refused) -> Result<(u64, u64), Fault> {
    let (mut count, mut sum) = (0, 0_u64);
    all(tx.conn, "SELECT source, record, entry FROM known", [], |row| {
        let (source, record, entry): (No, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let entry = u64::try_from(entry).unwrap_or(0);
        if own.contains(&entry) || refused.records.contains(&(source, record)) {
            count += 1;
            sum = sum.wrapping_add(known::place(tx, source, record, entry));
        }
        Ok(())
    })?;
    Ok((count, sum))
}

/// An id for a row that was emptied: nobody else's, and it says nothing.
pub(in super::super) fn empty_id(tx: &Tx<'_>, table: &str, seq: i64) -> Digest {
    tx.keys.row("emptied", &[table.into(), seq.into()])
}
