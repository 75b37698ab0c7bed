//! The inspection: the whole store against itself, in steps. Verifying takes them one after another; the scrubber, one now
//! and then, for ever.
//!
//! Each step has a snapshot of its own. It reads first what was added to the journal since the last, so that whatever else
//! it looks at is compared with the journal of that very commit.
//!
//! Invariants: nothing is written; nothing is believed that another row contradicts; how much one step does is bounded, but
//! for what must be compared within one snapshot: the records of one device, and the lists of timers, open notifications
//! and unjudged readings.

mod accounts;
mod ends;
mod gaps;
mod known;
mod tables;
mod walk;

use super::{damage, fault::Fault, root, rows::View};
use crate::store::evidence::{BadRow, Progress, SignedRoot, Verified, Wrong};
use accounts::Sum;
use std::collections::BTreeMap;
use walk::Walk;

use walk::first_eight;

/// Most damaged rows told in one pass: whoever has more has to restore a backup.
const FOUND_MAX: usize = 1000;

/// What a thing of the register costs, in rows: it is read as JSON, and three indexes are asked for it.
const ITEM_UNITS: u64 = 4;

/// What is looked at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Stage {
    #[default]
    Begin,
    Names,
    Entries,
    Records,
    Known,
    Alerts,
    Items,
    Accounts,
    Timers,
    Jobs,
    Unjudged,
    Roots,
    Damage,
    Over,
}

impl Stage {
    fn next(self) -> Self {
        match self {
            Self::Begin => Self::Names,
            Self::Names => Self::Entries,
            Self::Entries => Self::Records,
            Self::Records => Self::Known,
            Self::Known => Self::Alerts,
            Self::Alerts => Self::Items,
            Self::Items => Self::Accounts,
            Self::Accounts => Self::Timers,
            Self::Timers => Self::Jobs,
            Self::Jobs => Self::Unjudged,
            Self::Unjudged => Self::Roots,
            Self::Roots => Self::Damage,
            Self::Damage | Self::Over => Self::Over,
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Begin => "about",
            Self::Names => "name",
            Self::Entries => "entry",
            Self::Records => "record",
            Self::Known => "known",
            Self::Alerts => "alert",
            Self::Items => "item",
            Self::Accounts => "account",
            Self::Timers => "timer",
            Self::Jobs => "job",
            Self::Unjudged => "unjudged",
            Self::Roots => "root",
            Self::Damage | Self::Over => "damage",
        }
    }
}

/// How much one step may do, in rows and readings.
pub(super) struct Budget {
    left: u64,
    spent: u64,
}

impl Budget {
    fn new(units: u64) -> Self {
        Self { left: units, spent: 0 }
    }

    fn is_left(&self) -> bool {
        self.left > 0
    }

    fn spend(&mut self, units: u64) {
        self.left = self.left.saturating_sub(units);
        self.spent += units;
    }
}

/// What was found wrong.
#[derive(Default)]
pub(super) struct Found(Vec<BadRow>);

impl Found {
    fn bad(&mut self, table: &'static str, row: u64, wrong: Wrong) {
        self.bad_row(table, i64::try_from(row).unwrap_or(i64::MAX), wrong);
    }

    fn bad_row(&mut self, table: &'static str, row: i64, wrong: Wrong) {
        if self.0.len() < FOUND_MAX {
            self.0.push(BadRow { table, row, wrong });
        }
    }

    /// Takes what was read, or notes that it is damaged.
    fn take<T>(&mut self, read: Result<T, Fault>) -> Result<Option<T>, Fault> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(Fault::Damaged { table, row }) => {
                self.bad_row(table, row, Wrong::Content);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }
}

/// One pass over the store, as far as it has come.
#[derive(Default)]
pub(super) struct Inspection {
    stage: Stage,
    /// The last row looked at of the stage's table.
    place: i64,
    walk: Walk,
    found: Found,
    missing: BTreeMap<u64, Vec<damage::Missing>>,
    newest_root: Option<SignedRoot>,
    root_keys: BTreeMap<[u8; 32], u64>,
    alerts: u64,
    roots: u64,
    checked: u64,
    /// Records that name an entry for a reading that it was joined with, and for its other hearer: two for each join.
    joined: Sum,
    /// Rows that were emptied, and records that nothing but a statement explains.
    emptied: Emptied,
    /// How many records had ended when this pass began: where one ends meanwhile, it begins anew.
    ended: u64,
}

/// Rows that were emptied when records ended, as they stand in the tables.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Emptied {
    alerts: u64,
    notifications: u64,
    items: u64,
    refusals: u64,
    records: Sum,
}

impl Inspection {
    /// Looks at so many more rows.
    pub(super) fn step(&mut self, view: &View<'_>, units: u64) -> Result<(), Fault> {
        if self.ended != view.count().ended {
            *self = Self { ended: view.count().ended, ..Self::default() };
        }
        let mut budget = Budget::new(units);
        let done = self.go_on(view, &mut budget);
        self.checked += budget.spent;
        match done {
            // Not to be read at all, from here to the end of this table.
            Err(fault) if fault.is_corrupt() => {
                self.found.bad_row(self.stage.table(), self.place.saturating_add(1), Wrong::Content);
                self.end_stage();
                Ok(())
            }
            done => done,
        }
    }

    fn go_on(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<(), Fault> {
        while budget.is_left() && self.stage != Stage::Over {
            if self.stage == Stage::Begin {
                let marks = self.found.take(damage::marks(view))?.unwrap_or_default();
                let roots = self.found.take(root::all(view))?.unwrap_or_default();
                self.newest_root = roots.last().cloned();
                // The first root of each key is the one that stays.
                self.root_keys = roots.iter().rev().map(|root| (root.key, root.n)).collect();
                self.walk = Walk::new(marks, roots);
                self.end_stage();
                continue;
            }
            // What came meanwhile goes first, so that the journal is known as of this snapshot.
            if self.stage > Stage::Names && !self.walk.is_at_end(view) {
                self.walk.go_on(view, &mut self.found, budget)?;
                continue;
            }
            let is_over = match self.stage {
                Stage::Names => self.names(view, budget)?,
                Stage::Records => self.records(view, budget)?,
                Stage::Known => self.known(view, budget)?,
                Stage::Alerts => self.alerts(view, budget)?,
                Stage::Items => self.items(view, budget)?,
                Stage::Accounts => self.accounts(view, budget)?,
                Stage::Timers => self.timers(view, budget)?,
                Stage::Jobs => self.jobs(view, budget)?,
                Stage::Unjudged => self.unjudged(view, budget)?,
                Stage::Roots => self.roots(view, budget)?,
                Stage::Damage => self.marks(view, budget)?,
                Stage::Entries => self.no_entry_beyond(view)?,
                Stage::Begin | Stage::Over => true,
            };
            if is_over {
                self.end_stage();
            }
        }
        Ok(())
    }

    fn end_stage(&mut self) {
        (self.stage, self.place) = (self.stage.next(), i64::MIN);
    }

    pub(super) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Entries found damaged of which it is not known yet whose they are.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        self.walk.lost.open()
    }

    /// Whether this entry is known to be damaged.
    pub(super) fn is_damaged(&self, entry: u64) -> bool {
        self.walk.is_damaged(entry)
    }

    /// How many entries were walked over.
    pub(super) fn walked(&self) -> u64 {
        self.walk.walked()
    }

    /// Marked entries of which nobody has listed the readings yet.
    pub(super) fn unlisted(&self) -> impl Iterator<Item = u64> {
        let marked = self.walk.marks.values().chain(self.walk.lost.bridged());
        marked.filter(|mark| mark.missing.is_none()).map(|mark| mark.entry)
    }

    /// What was found wrong since it was last asked.
    pub(super) fn take_found(&mut self) -> Vec<BadRow> {
        std::mem::take(&mut self.found.0)
    }

    /// Entries found damaged of which it is known by now whose they are.
    pub(super) fn bridged(&self) -> &[damage::Mark] {
        self.walk.lost.bridged()
    }

    /// The readings of damaged entries, once the records have all been looked at.
    pub(super) fn missing(&self) -> Option<&BTreeMap<u64, Vec<damage::Missing>>> {
        (self.stage > Stage::Known).then_some(&self.missing)
    }

    /// The first entry that is marked as damaged since before this pass.
    pub(super) fn first_mark(&self) -> Option<(u64, u64)> {
        let marks = u64::try_from(self.walk.marks.len()).unwrap_or(u64::MAX);
        self.walk.marks.keys().next().map(|first| (*first, marks))
    }

    pub(super) fn progress(&self, view: &View<'_>) -> Progress {
        Progress {
            table: self.stage.table(),
            entries: self.walk.walked(),
            entries_all: view.count().entries,
            checked: self.checked,
        }
    }

    /// How many rows and readings were looked at.
    pub(super) fn checked(&self) -> u64 {
        self.checked
    }

    /// What it came to.
    pub(super) fn verified(&self) -> Verified {
        Verified {
            entries: self.walk.walked(),
            readings: self.walk.readings,
            chains: self.walk.accounts.chains(),
            alerts: self.alerts,
            checked: self.checked,
            roots: self.roots,
            roots_beyond_damage: self.walk.roots_beyond_damage,
            newest_root: self.newest_root.clone(),
            root_keys: self.root_keys.clone(),
            statement_keys: self.walk.ends.keys().clone(),
        }
    }
}
