//! Records that ended: which entries were emptied by which statement, and whether each statement says so.
//!
//! An entry that was emptied stands before the statement that covers it. So whoever empties one without a statement, or one
//! more than a statement covers, is found when the journal has been walked.

use super::{super::erase::Covered, super::journal::Entry, super::names::No, Emptied, accounts::Sum};
use crate::store::{Statement, Tombstone};
use std::collections::{BTreeMap, HashMap, HashSet};

/// See the module.
#[derive(Default)]
pub(super) struct Ends {
    /// What each statement must cover, by the entry it stands in, with the first entry that names it.
    open: BTreeMap<u64, (u64, Covered)>,
    /// Entries of which nothing is left.
    hollow: HashSet<u64>,
    /// Entries of which something was taken out.
    touched: HashSet<u64>,
    /// Those whose records have ended.
    ended: HashMap<No, u64>,
    stated: Emptied,
    /// Whose keys signed the statements, each with the first entry it signed.
    keys: BTreeMap<[u8; 32], u64>,
}

impl Ends {
    /// Takes in an entry.
    pub(super) fn take(&mut self, entry: &Entry) {
        for by in &entry.erased_by {
            let (_, covered) = self.open.entry(*by).or_insert_with(|| (entry.seq, Covered::default()));
            covered.add(entry.seq, &entry.content);
        }
        if entry.is_hollow() {
            self.hollow.insert(entry.seq);
        }
        if !entry.erased_by.is_empty() {
            self.touched.insert(entry.seq);
        }
    }

    /// Takes in a statement: whether it is signed, and covers what names it.
    pub(super) fn state(&mut self, seq: u64, subject: No, tombstone: &Tombstone) -> bool {
        let Statement { entries, others, covered, alerts, notifications, items, refusals, records, .. } =
            &tombstone.statement;
        let (count, hash) =
            self.open.remove(&seq).map_or_else(|| Covered::default().end(), |(_, covered)| covered.end());
        self.ended.insert(subject, seq);
        if let Ok(key) = vitals::hex::decode_array(&tombstone.key) {
            self.keys.entry(key).or_insert(seq);
        }
        self.stated.alerts += alerts;
        self.stated.notifications += notifications;
        self.stated.items += items;
        self.stated.refusals += refusals.iter().map(|(_, count)| count).sum::<u64>();
        self.stated.records = self.stated.records.with(Sum::of(*records));
        tombstone.is_signed() && entries.checked_add(*others) == Some(count) && hash == *covered
    }

    /// The first entry that was emptied and that no statement covers.
    pub(super) fn uncovered(&self) -> Option<u64> {
        self.open.values().map(|(first, _)| *first).min()
    }

    /// Whether nothing is left of this entry.
    pub(super) fn is_hollow(&self, entry: u64) -> bool {
        self.hollow.contains(&entry)
    }

    /// Whether something was taken out of this entry.
    pub(super) fn is_touched(&self, entry: u64) -> bool {
        self.touched.contains(&entry)
    }

    /// Whether the record of this person has ended.
    pub(super) fn has_ended(&self, person: No) -> bool {
        self.ended.contains_key(&person)
    }

    /// Whose keys signed the statements, each with the first entry it signed.
    pub(super) fn keys(&self) -> &BTreeMap<[u8; 32], u64> {
        &self.keys
    }

    /// What all statements say was emptied.
    pub(super) fn stated(&self) -> Emptied {
        self.stated
    }
}
