//! The journal, from its first entry to its newest: each entry sound, each chain without a break, and what all of them
//! tell of the other tables.
//!
//! An entry that cannot be read leaves a gap. Whose it is, the next sound entry of its chain tells, or the record that says
//! where the chain ends: it names the entry before it, and that is the one.

use super::{
    super::{
        account,
        damage::{Mark, Missing},
        fates,
        fault::Fault,
        items::Told,
        journal::{self, Entry, EntryKind, Thing},
        kept::KeptReading,
        known,
        names::{Class, No},
        readings::{self, Place},
        rows::{Unsound, View},
    },
    Budget, Found, ITEM_UNITS,
    accounts::{Account, Accounts, Sum},
    ends::Ends,
    gaps::{Gap, Gaps},
};
use crate::store::{SignedRoot, Tombstone, evidence::Wrong};
use register::Item;
use rules::Verdict;
use rusqlite::params;
use std::collections::{BTreeMap, HashMap};
use vitals::{AlertId, JobId};

/// What the journal tells.
#[derive(Default)]
pub(super) struct Walk {
    /// The next entry to be read.
    next: u64,
    pub(super) accounts: Accounts,
    /// The newest row of each alert, notification and thing of the register: the first eight bytes of its id and of its
    /// digest.
    latest: HashMap<u64, u64>,
    /// The newest row of each account, by whose it is.
    sign_ins: HashMap<String, u64>,
    /// Entries marked as damaged before.
    pub(super) marks: BTreeMap<u64, Mark>,
    /// Entries found damaged now, of which it is not known yet whose they are.
    pub(super) lost: Gaps,
    /// Roots to be computed again, by the newest entry that they cover.
    roots: BTreeMap<u64, SignedRoot>,
    pub(super) roots_beyond_damage: u64,
    pub(super) readings: u64,
    /// Rows of later verdicts.
    pub(super) judged: Sum,
    /// Records of readings that were joined with one that another hub heard.
    pub(super) joined: Sum,
    /// What was erased, and by which statements.
    pub(super) ends: Ends,
}

impl Walk {
    pub(super) fn new(marks: Vec<Mark>, roots: Vec<SignedRoot>) -> Self {
        Self {
            next: 1,
            marks: marks.into_iter().map(|mark| (mark.entry, mark)).collect(),
            roots: roots.into_iter().map(|root| (root.entries, root)).collect(),
            ..Self::default()
        }
    }

    /// Whether every entry there is has been read.
    pub(super) fn is_at_end(&self, view: &View<'_>) -> bool {
        self.next > view.count().entries
    }

    /// How many entries have been walked over.
    pub(super) fn walked(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// Whether all entries could be read so far.
    pub(super) fn is_whole(&self) -> bool {
        self.marks.is_empty() && self.lost.is_whole()
    }

    /// Whether this entry is known to be damaged.
    pub(super) fn is_damaged(&self, entry: u64) -> bool {
        self.marks.contains_key(&entry) || self.lost.has(entry)
    }

    /// Reads on, as far as the budget goes.
    pub(super) fn go_on(&mut self, view: &View<'_>, found: &mut Found, budget: &mut Budget) -> Result<(), Fault> {
        while !self.is_at_end(view) && budget.is_left() {
            match self.read_run(view, found, budget) {
                Ok(()) => {}
                // A page that cannot be read: one entry at a time shows which are in it.
                Err(fault) if fault.is_corrupt() => self.read_one(view, found, budget)?,
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn read_run(&mut self, view: &View<'_>, found: &mut Found, budget: &mut Budget) -> Result<(), Fault> {
        let sql = format!("SELECT {} FROM entry WHERE seq >= ?1 ORDER BY seq", journal::COLUMNS);
        let mut statement = view.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![i64::try_from(self.next).unwrap_or(i64::MAX)])?;
        while !self.is_at_end(view) && budget.is_left() {
            view.go_on()?;
            let row = rows.next()?;
            let seq = match row {
                Some(row) => u64::try_from(row.get::<_, i64>(0)?).unwrap_or(u64::MAX),
                None => u64::MAX,
            };
            while self.next < seq && !self.is_at_end(view) {
                self.pass_over(view, None, found, Wrong::Missing, budget);
            }
            if let Some(row) = row
                && self.next == seq
                && !self.is_at_end(view)
            {
                match Entry::read(row, view) {
                    Ok(entry) => self.take(view, &entry, found, budget)?,
                    Err(Fault::Damaged { .. }) => {
                        let says = row.get(1).ok().and_then(|says: i64| No::try_from(says).ok());
                        self.pass_over(view, says, found, Wrong::Content, budget);
                    }
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(())
    }

    fn read_one(&mut self, view: &View<'_>, found: &mut Found, budget: &mut Budget) -> Result<(), Fault> {
        let sql = format!("SELECT {} FROM entry WHERE seq = ?1", journal::COLUMNS);
        let mut statement = view.conn.prepare_cached(&sql)?;
        let mut rows = statement.query(params![i64::try_from(self.next).unwrap_or(i64::MAX)])?;
        let entry = match rows.next() {
            Ok(Some(row)) => Entry::read(row, view).ok(),
            Ok(None) | Err(_) => None,
        };
        match entry {
            Some(entry) => self.take(view, &entry, found, budget),
            None => {
                self.pass_over(view, None, found, Wrong::Content, budget);
                Ok(())
            }
        }
    }

    /// Passes over an entry that cannot be read. `says` is whose it claims to be.
    fn pass_over(&mut self, view: &View<'_>, says: Option<No>, found: &mut Found, wrong: Wrong, budget: &mut Budget) {
        let seq = self.next;
        match self.marks.get(&seq).cloned() {
            // Known already, and whose it is.
            Some(mark) => {
                if let Ok(account) = self.accounts.subject(view, mark.subject) {
                    (account.last, account.n, account.head, account.has_gap) = (seq, mark.n, None, true);
                }
            }
            None => {
                found.bad(journal::TABLE, seq, wrong);
                self.lost.add(seq, says);
            }
        }
        self.end_entry(found);
        budget.spend(1);
    }

    fn end_entry(&mut self, found: &mut Found) {
        if let Some(root) = self.roots.remove(&self.next) {
            match self.accounts.root().filter(|_| !self.lost.has_open()) {
                Some((chains, hash)) if (chains, hash) == (root.chains, root.root) => {}
                Some(_) => found.bad(super::super::root::TABLE, root.n, Wrong::Disagrees),
                None => self.roots_beyond_damage += 1,
            }
        }
        self.next += 1;
    }

    /// Takes in a sound entry.
    fn take(&mut self, view: &View<'_>, entry: &Entry, found: &mut Found, budget: &mut Budget) -> Result<(), Fault> {
        if self.marks.contains_key(&entry.seq) {
            // It was damaged once, and its readings may stand elsewhere by now: it stays out.
            self.pass_over(view, None, found, Wrong::Content, budget);
            return Ok(());
        }
        self.ends.take(entry);
        let follows = self.follows(view, entry);
        let told = follows.and_then(|follows| {
            if !follows {
                found.bad(journal::TABLE, entry.seq, Wrong::Chain);
            }
            let account = self.accounts.subject(view, entry.subject)?;
            (account.last, account.n, account.head) = (entry.seq, entry.n, Some(entry.head));
            // What was stored before is known by the entry where it first stood.
            let assigned = fates::assigned_in(entry)?;
            let mut first = entry.readings.iter().filter(|kept| !assigned.contains(&kept.admitted.reading.id));
            first.try_for_each(|kept| self.reading(view, entry.subject, entry.seq, kept))?;
            entry.things.iter().try_for_each(|thing| self.thing(view, entry, thing))
        });
        if let Err(Unsound) = told {
            found.bad(journal::TABLE, entry.seq, Wrong::Disagrees);
        }
        self.later_verdicts(view, entry, found)?;
        let things = entry.things.iter().map(|thing| if thing.kind == EntryKind::ItemWritten { ITEM_UNITS } else { 1 });
        budget.spend(1 + u64::try_from(entry.readings.len()).unwrap_or(0) + things.sum::<u64>());
        self.end_entry(found);
        Ok(())
    }

    /// Whether an entry follows from the one before it of its chain, or from one that cannot be read.
    fn follows(&mut self, view: &View<'_>, entry: &Entry) -> Result<bool, Unsound> {
        let account = *self.accounts.subject(view, entry.subject)?;
        if (entry.n, entry.previous) == (account.n + 1, account.last) {
            return Ok(account.head.is_none_or(|head| entry.follows(view, &head)));
        }
        self.bridge(view, entry.subject, account, entry.previous, entry.n)
    }

    /// Lays entries that could not be read into the gap of a chain, between where it stands and entry `n`, which names
    /// `previous` as the one before it. False where there are none to fill it.
    pub(super) fn bridge(
        &mut self,
        view: &View<'_>,
        subject: No,
        account: Account,
        previous: u64,
        n: u64,
    ) -> Result<bool, Unsound> {
        let gap = Gap { subject, last: account.last, after: account.n, previous, before: n };
        if !self.lost.bridge(gap) {
            return Ok(false);
        }
        let account = self.accounts.subject(view, subject)?;
        (account.last, account.n, account.head, account.has_gap) = (previous, n - 1, None, true);
        Ok(true)
    }

    /// Decides which damaged entry is whose, by whose the devices are that had readings in it.
    pub(super) fn settle(&mut self, missing: &BTreeMap<u64, Vec<Missing>>) {
        let Self { lost, accounts, .. } = self;
        lost.settle(|entry| {
            let sources = missing.get(&entry).into_iter().flatten();
            sources.filter_map(|missing| accounts.owner(missing.source)).next()
        });
    }

    fn reading(&mut self, view: &View<'_>, owner: No, seq: u64, kept: &KeptReading) -> Result<(), Unsound> {
        let reading = &kept.admitted.reading;
        let source = view.names.find(Class::Source, reading.source.as_str()).ok_or(Unsound)?;
        let record = known::key(reading.record.as_bytes());
        let account = self.accounts.source(source)?;
        account.owner = owner;
        account.readings.add(known::place(view, source, record, seq));
        self.readings += 1;
        Ok(())
    }

    fn thing(&mut self, view: &View<'_>, entry: &Entry, thing: &Thing) -> Result<(), Unsound> {
        let digest = first_eight(&thing.digest);
        match thing.kind {
            EntryKind::AlertOpened => {
                let is_new = self.latest.insert(first_eight(AlertId::parse(&thing.what)?.as_bytes()), digest).is_none();
                self.accounts.subject(view, entry.subject)?.alerts += 1;
                if is_new { Ok(()) } else { Err(Unsound) }
            }
            EntryKind::AlertChanged => {
                self.latest.insert(first_eight(AlertId::parse(&thing.what)?.as_bytes()), digest);
                Ok(())
            }
            EntryKind::NotificationMade | EntryKind::NotificationTried => {
                self.latest.insert(first_eight(JobId::parse(&thing.what)?.as_bytes()), digest);
                Ok(())
            }
            EntryKind::ItemWritten => {
                let told = Told::read(&thing.what)?;
                let (item, id) = (&told.written.item, told.written.item.reference().id());
                let is_theirs = item.patient() == entry.whose.person();
                let is_new = self.latest.insert(first_eight(id.as_bytes()), digest).is_none();
                let is_first = told.version() == 1;
                let account = self.accounts.subject(view, entry.subject)?;
                if is_first {
                    account.items += 1;
                    account.is_registered |= matches!(item, Item::Patient(_));
                }
                // Some versions may have been erased, where an entry of the chain told of somebody.
                if is_theirs && (is_first == is_new || account.has_gap) { Ok(()) } else { Err(Unsound) }
            }
            EntryKind::AccountSet => {
                self.sign_ins.insert(thing.what.clone(), digest);
                Ok(())
            }
            EntryKind::RecordEnded => {
                let tombstone: Tombstone = serde_json::from_str(&thing.what)?;
                for (hub, count) in &tombstone.statement.refusals {
                    self.accounts.subject(view, *hub)?.emptied += count;
                }
                if self.ends.state(entry.seq, entry.subject, &tombstone) { Ok(()) } else { Err(Unsound) }
            }
            EntryKind::ReadingConflict | EntryKind::ReadingRefused => {
                let hub = thing.hub.ok_or(Unsound)?;
                let account = self.accounts.subject(view, hub)?;
                account.refused.add(digest);
                Ok(())
            }
            EntryKind::ReadingJudged => {
                self.judged.add(digest);
                Ok(())
            }
            EntryKind::ReadingHeardAlso => {
                // Its digest is made of the two.
                thing.digest.chunks_exact(8).for_each(|place| self.joined.add(first_eight(place)));
                Ok(())
            }
            EntryKind::ReadingStored
            | EntryKind::ReadingUnassigned
            | EntryKind::ReadingRecovered
            | EntryKind::PersonRegistered
            | EntryKind::TimerDue
            | EntryKind::AlertAcknowledged
            | EntryKind::Audit => Ok(()),
            EntryKind::ReadingWithdrawn | EntryKind::ReadingAssigned => fates::Told::of(thing).map(drop),
        }
    }

    /// A reading that could not be judged at first is either still on the list of those, or has a later verdict.
    fn later_verdicts(&mut self, view: &View<'_>, entry: &Entry, found: &mut Found) -> Result<(), Fault> {
        for (place, kept) in (0..).zip(&entry.readings) {
            if matches!(kept.verdict, Some(Verdict::Unevaluated { .. })) {
                let at = Place { entry: entry.seq, place };
                found.take(readings::judged(view, at).map(drop))?;
            }
        }
        Ok(())
    }

    /// Whether a row of an alert or a notification is the one that was written last. `person` is whose it is: where an
    /// entry of theirs cannot be read, that is not known.
    pub(super) fn is_latest(&mut self, view: &View<'_>, id: &[u8; 16], digest: &[u8], person: No) -> bool {
        self.latest.get(&first_eight(id)).is_some_and(|latest| *latest == first_eight(digest))
            || self.has_gap(view, person)
    }

    /// Whether a row of an account is the one that was written last.
    pub(super) fn is_latest_account(&mut self, view: &View<'_>, kept: &account::Kept) -> bool {
        let service = view.names.find(Class::Service, journal::SERVICE);
        self.sign_ins.get(&kept.staff).is_some_and(|latest| *latest == first_eight(&kept.digest))
            || service.is_some_and(|service| self.has_gap(view, service))
    }

    /// Whether an entry of this person's or hub's chain cannot be read.
    pub(super) fn has_gap(&mut self, view: &View<'_>, no: No) -> bool {
        self.accounts.subject(view, no).is_ok_and(|account| account.has_gap)
    }
}

/// The first eight bytes of an id or a digest: both are hashes, so these are as good as any.
pub(super) fn first_eight(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
