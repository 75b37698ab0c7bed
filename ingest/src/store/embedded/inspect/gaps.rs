//! Entries that cannot be read, and the chains that miss them.
//!
//! A chain that goes on after a gap says how many of its entries are missing, and which is the last of them. Which are the
//! others, where several chains miss some of the same time, is told by whose the devices are that had readings in an entry,
//! or by what the entry itself says as far as it can be read. What nothing tells of has no readings to be asked for.

use super::super::{damage::Mark, names::No};
use std::collections::{BTreeMap, BTreeSet};

/// Most damaged entries of which it is found out whose they are, in one pass.
const LOST_MAX: usize = 1000;

/// The gap in a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    pub(super) subject: No,
    /// The last entry before it, and which of its chain that is.
    pub(super) last: u64,
    pub(super) after: u64,
    /// The last entry in it, and which of its chain comes after that.
    pub(super) previous: u64,
    pub(super) before: u64,
}

impl Gap {
    /// How many entries are missing, but for the last.
    fn others(&self) -> usize {
        usize::try_from(self.before.saturating_sub(self.after + 2)).unwrap_or(usize::MAX)
    }

    fn can_have(&self, entry: u64) -> bool {
        entry > self.last && entry < self.previous
    }
}

/// Whether an entry fits a chain: whose it would be, whose chain it is in, and what it says itself.
type Fit = fn(No, Option<No>, Option<No>) -> bool;

/// How well an entry fits a chain, the best first.
const FITS: [Fit; 4] = [
    |subject, owner, _says| owner == Some(subject),
    |subject, owner, says| owner.is_none() && says == Some(subject),
    |_subject, owner, _says| owner.is_none(),
    |_subject, _owner, _says| true,
];

/// What is lost, and what is known of it.
#[derive(Default)]
pub(super) struct Gaps {
    /// Entries of which it is not known whose they are, each with whose it says it is.
    open: BTreeMap<u64, Option<No>>,
    /// Gaps of more than one entry. The last of each is no longer open.
    gaps: Vec<Gap>,
    bridged: Vec<Mark>,
}

impl Gaps {
    pub(super) fn add(&mut self, entry: u64, says: Option<No>) {
        if self.open.len() < LOST_MAX {
            self.open.insert(entry, says);
        }
    }

    /// Whether nothing is lost.
    pub(super) fn is_whole(&self) -> bool {
        !self.has_open() && self.bridged.is_empty()
    }

    /// Whether something is lost of which it is not known whose it is.
    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty() || !self.gaps.is_empty()
    }

    /// The entries of which it is not known whose they are.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        self.open.keys().copied().chain(self.gaps.iter().map(|gap| gap.previous))
    }

    pub(super) fn has(&self, entry: u64) -> bool {
        self.open.contains_key(&entry)
            || self.gaps.iter().any(|gap| gap.previous == entry)
            || self.bridged.iter().any(|mark| mark.entry == entry)
    }

    /// What is known by now.
    pub(super) fn bridged(&self) -> &[Mark] {
        &self.bridged
    }

    /// Takes note of a gap; false where nothing that is lost can fill it.
    pub(super) fn bridge(&mut self, gap: Gap) -> bool {
        let can_fill = self.open.contains_key(&gap.previous)
            && gap.previous > gap.last
            && gap.before > gap.after + 1
            && self.open.keys().filter(|entry| gap.can_have(**entry)).count() >= gap.others();
        if can_fill {
            self.open.remove(&gap.previous);
            if gap.others() == 0 {
                self.fill(gap, &BTreeSet::new());
            } else {
                self.gaps.push(gap);
            }
        }
        can_fill
    }

    /// Decides which entries fill which gaps. `owner` says whose the devices are that had readings in an entry.
    pub(super) fn settle(&mut self, owner: impl Fn(u64) -> Option<No>) {
        let gaps = std::mem::take(&mut self.gaps);
        let mut filled: Vec<BTreeSet<u64>> = gaps.iter().map(|_| BTreeSet::new()).collect();
        for fits in FITS {
            for (gap, entries) in gaps.iter().zip(&mut filled) {
                let mut fitting = self.open.iter().filter(|(entry, _)| gap.can_have(**entry));
                while entries.len() < gap.others()
                    && let Some((entry, says)) = fitting.next()
                {
                    if fits(gap.subject, owner(*entry), *says) {
                        entries.insert(*entry);
                    }
                }
                self.open.retain(|entry, _| !entries.contains(entry));
            }
        }
        for (gap, entries) in gaps.into_iter().zip(filled) {
            self.fill(gap, &entries);
        }
    }

    fn fill(&mut self, gap: Gap, entries: &BTreeSet<u64>) {
        let (mut previous, mut n) = (gap.last, gap.after);
        for entry in entries.iter().copied().chain([gap.previous]) {
            // Where some are not to be found, the last still stands where it must.
            n = if entry == gap.previous { gap.before - 1 } else { n + 1 };
            self.bridged.push(Mark { entry, subject: gap.subject, n, previous, at: 0, missing: None });
            previous = entry;
        }
    }
}
