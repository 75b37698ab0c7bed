//! The tables beside the journal: each row sound, as many as there must be, and each as the journal says it was written last.

use super::{
    super::{
        account, alerts, damage,
        digest::erased_start,
        fault::Fault,
        inbox, items, jobs, journal,
        names::{self, Class, No},
        readings,
        record::{self, Record},
        root,
        rows::{Unsound, View, one},
        tally, timers,
    },
    Budget, ITEM_UNITS, Inspection,
    accounts::Sum,
    first_eight,
    known::of_number,
};
use crate::store::evidence::Wrong;
use rules::PatientState;
use rusqlite::params;
use vitals::PatientId;

impl Inspection {
    /// The number after the last one looked at; none once all names were.
    fn next_number(&mut self, view: &View<'_>) -> Option<No> {
        let next = u64::try_from(self.place).unwrap_or(0) + 1;
        if next > view.count().names {
            return None;
        }
        self.place = i64::try_from(next).unwrap_or(i64::MAX);
        No::try_from(next).ok()
    }

    pub(super) fn names(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        while budget.is_left() {
            view.go_on()?;
            let Some(no) = self.next_number(view) else {
                let beyond = "SELECT no FROM name WHERE no < 1 OR no > ?1 LIMIT 1";
                self.none_beyond(view, "name", beyond, view.count().names)?;
                return Ok(true);
            };
            self.found.take(names::check(view, no))?;
            budget.spend(1);
        }
        Ok(false)
    }

    /// No row may stand beyond those that are counted.
    fn none_beyond(&mut self, view: &View<'_>, table: &'static str, sql: &str, count: u64) -> Result<(), Fault> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        if let Some(row) = one(view.conn, sql, params![count], |row| Ok(row.get::<_, i64>(0)?))? {
            self.found.bad_row(table, row, Wrong::Extra);
        }
        Ok(())
    }

    pub(super) fn no_entry_beyond(&mut self, view: &View<'_>) -> Result<bool, Fault> {
        if let Some(entry) = self.walk.ends.uncovered() {
            self.found.bad(journal::TABLE, entry, Wrong::NotCovered);
        }
        let beyond = "SELECT seq FROM entry WHERE seq < 1 OR seq > ?1 LIMIT 1";
        self.none_beyond(view, journal::TABLE, beyond, view.count().entries)?;
        Ok(true)
    }

    /// The records.
    pub(super) fn records(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        while budget.is_left() {
            view.go_on()?;
            let Some(no) = self.next_number(view) else {
                let beyond = "SELECT no FROM record WHERE no < 1 OR no > ?1 LIMIT 1";
                self.none_beyond(view, record::TABLE, beyond, view.count().names)?;
                return Ok(true);
            };
            budget.spend(1);
            // A name that is damaged was told before.
            let Some((class, name)) = view.names.name(no) else { continue };
            if class == Class::Person && self.walk.ends.has_ended(no) && erased_start(&name).is_none() {
                self.found.bad("name", no.into(), Wrong::NotNewest);
            }
            if class.has_record() {
                if let Some(record) = self.found.take(record::read(view, no))? {
                    self.record(view, no, class, &name, &record)?;
                }
            } else {
                // A device or a word has no record.
                self.none_beyond(view, record::TABLE, "SELECT no FROM record WHERE no = ?1", no.into())?;
            }
        }
        Ok(false)
    }

    fn record(&mut self, view: &View<'_>, no: No, class: Class, name: &str, record: &Record) -> Result<(), Fault> {
        let wrong = self.compare(view, no, record).unwrap_or(Some(Wrong::Disagrees));
        if let Some(wrong) = wrong {
            self.found.bad(record::TABLE, no.into(), wrong);
        }
        let is_person = class == Class::Person;
        if is_person && !record.state.is_empty() {
            let state = PatientId::parse(name).map(|patient| PatientState::from_bytes(&patient, &record.state).is_ok());
            if !matches!(state, Ok(true)) {
                self.found.bad(record::TABLE, no.into(), Wrong::Content);
            }
        }
        Ok(())
    }

    /// What is wrong with a record beside the journal.
    fn compare(&mut self, view: &View<'_>, no: No, record: &Record) -> Result<Option<Wrong>, Unsound> {
        let account = *self.walk.accounts.subject(view, no)?;
        if record.n > account.n {
            // The end of the chain cannot be read: this row names it.
            return if self.walk.bridge(view, no, account, record.last, record.n + 1)? {
                Ok(None)
            } else {
                Ok(Some(Wrong::Disagrees))
            };
        }
        if (record.n, record.last) != (account.n, account.last) || account.head.is_some_and(|head| head != record.head)
        {
            return Ok(Some(Wrong::NotNewest));
        }
        // Refusals are told of in other chains, too.
        let alerts_agree = account.has_gap || record.alerts == account.alerts;
        let items_agree =
            account.has_gap || (record.items, record.is_registered) == (account.items, account.is_registered);
        let refusals_agree = !self.walk.is_whole() || record.refusals == account.refused.count + account.emptied;
        Ok((!(alerts_agree && items_agree && refusals_agree)).then_some(Wrong::Disagrees))
    }

    pub(super) fn known(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        while budget.is_left() {
            view.go_on()?;
            let Some(no) = self.next_number(view) else {
                let beyond = "SELECT source FROM known WHERE source < 1 OR source > ?1 LIMIT 1";
                self.none_beyond(view, "known", beyond, view.count().names)?;
                let beyond = "SELECT hub FROM refusal WHERE hub < 1 OR hub > ?1 LIMIT 1";
                self.none_beyond(view, inbox::TABLE, beyond, view.count().names)?;
                self.walk.settle(&self.missing);
                let stated = self.walk.ends.stated();
                let is_stated = (self.emptied.records, self.emptied.refusals) == (stated.records, stated.refusals);
                if self.walk.is_whole() && (self.joined != self.walk.joined || !is_stated) {
                    self.found.bad("known", 0, Wrong::Disagrees);
                }
                return Ok(true);
            };
            budget.spend(1);
            if let Some((class, _)) = view.names.name(no) {
                of_number(self, view, no, class, budget)?;
            }
        }
        Ok(false)
    }

    pub(super) fn alerts(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let is_over = alerts::each_after(view, self.place, |seq, alert| {
            view.go_on()?;
            budget.spend(1);
            self.in_turn(alerts::TABLE, seq, view.count().alerts);
            if let Some(alert) = self.found.take(alert)? {
                if alert.is_emptied {
                    self.emptied.alerts += 1;
                    self.must_have_ended(alerts::TABLE, seq, alert.person);
                    return Ok(budget.is_left());
                }
                self.alerts += 1;
                if !self.walk.is_latest(view, &alert.id, &alert.digest, alert.person) {
                    self.found.bad_row(alerts::TABLE, seq, Wrong::NotNewest);
                } else if !alerts::is_indexed(view, &alert)? {
                    self.found.bad_row(alerts::TABLE, seq, Wrong::Disagrees);
                }
            }
            Ok(budget.is_left())
        })?;
        if is_over {
            self.all_there(alerts::TABLE, view.count().alerts);
            self.emptied_agrees(alerts::TABLE, self.emptied.alerts, self.walk.ends.stated().alerts);
        }
        Ok(is_over)
    }

    pub(super) fn items(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let is_over = items::each_after(view, self.place, |seq, item| {
            view.go_on()?;
            budget.spend(ITEM_UNITS);
            self.in_turn(items::TABLE, seq, view.count().items);
            if let Some(item) = self.found.take(item)? {
                if item.is_emptied {
                    self.emptied.items += 1;
                    self.must_have_ended(items::TABLE, seq, item.subject);
                } else if !self.walk.is_latest(view, &item.id, &item.digest, item.subject) {
                    self.found.bad_row(items::TABLE, seq, Wrong::NotNewest);
                } else if !items::is_indexed(view, &item)? {
                    self.found.bad_row(items::TABLE, seq, Wrong::Disagrees);
                }
            }
            Ok(budget.is_left())
        })?;
        if is_over {
            self.all_there(items::TABLE, view.count().items);
            self.emptied_agrees(items::TABLE, self.emptied.items, self.walk.ends.stated().items);
        }
        Ok(is_over)
    }

    /// Accounts are as many as staff, and looked at in one snapshot.
    pub(super) fn accounts(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        for (seq, kept) in account::every(view)? {
            budget.spend(1);
            self.in_turn(account::TABLE, seq, view.count().accounts);
            if let Some(kept) = self.found.take(kept)?
                && !self.walk.is_latest_account(view, &kept)
            {
                self.found.bad_row(account::TABLE, seq, Wrong::NotNewest);
            }
        }
        self.all_there(account::TABLE, view.count().accounts);
        Ok(true)
    }

    /// A row that was emptied must be of somebody whose record has ended.
    fn must_have_ended(&mut self, table: &'static str, row: i64, person: No) {
        if !self.walk.ends.has_ended(person) {
            self.found.bad_row(table, row, Wrong::NotCovered);
        }
    }

    /// As many rows must be empty as the statements say.
    fn emptied_agrees(&mut self, table: &'static str, emptied: u64, stated: u64) {
        if self.walk.is_whole() && emptied != stated {
            self.found.bad(table, 0, Wrong::NotCovered);
        }
    }

    /// A row must have the number after the one before it.
    fn in_turn(&mut self, table: &'static str, seq: i64, count: u64) {
        let expected = self.place.max(0) + 1;
        self.place = seq;
        if seq > expected && u64::try_from(expected).is_ok_and(|expected| expected <= count) {
            self.found.bad_row(table, expected, Wrong::Missing);
        } else if seq < expected || u64::try_from(seq).is_ok_and(|seq| seq > count) {
            self.found.bad_row(table, seq, Wrong::Extra);
        }
    }

    /// The last row looked at must be the last there is.
    fn all_there(&mut self, table: &'static str, count: u64) {
        let last = u64::try_from(self.place).unwrap_or(0);
        if last < count {
            self.found.bad(table, last + 1, Wrong::Missing);
        }
    }

    /// Timers come and go without an entry, so all of them are looked at in one snapshot, against their tally.
    pub(super) fn timers(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let mut seen = tally::Set::default();
        let mut is_sound = true;
        for (seq, timer) in timers::all(view)? {
            view.go_on()?;
            budget.spend(1);
            match self.found.take(timer)? {
                Some(timer) => {
                    seen.add(&timer.digest);
                    if !alerts::exists(view, &timer.alert)? {
                        self.found.bad_row(timers::TABLE, seq, Wrong::Disagrees);
                    }
                }
                None => is_sound = false,
            }
        }
        self.set_agrees(timers::TABLE, is_sound, seen, view.count().timers);
        Ok(true)
    }

    /// Rows that come and go: those that are there must be those that are counted. Where one was told as damaged, the
    /// rest cannot be compared.
    fn set_agrees(&mut self, table: &'static str, is_sound: bool, seen: tally::Set, counted: tally::Set) {
        if is_sound && seen != counted {
            let wrong = if seen.count > counted.count { Wrong::Extra } else { Wrong::Missing };
            self.found.bad(table, 0, wrong);
        }
    }

    pub(super) fn jobs(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let is_over = jobs::each_after(view, self.place, |seq, job| {
            view.go_on()?;
            budget.spend(1);
            self.in_turn(jobs::TABLE, seq, view.count().jobs);
            if let Some(job) = self.found.take(job)? {
                if job.is_emptied {
                    self.emptied.notifications += 1;
                    self.must_have_ended(jobs::TABLE, seq, job.person);
                    return Ok(budget.is_left());
                }
                // A lease has no entry: what the journal knows is the row without it.
                if !self.walk.is_latest(view, &job.id, &job.digest_without_lease, job.person) {
                    self.found.bad_row(jobs::TABLE, seq, Wrong::NotNewest);
                }
            }
            Ok(budget.is_left())
        })?;
        if !is_over {
            return Ok(false);
        }
        self.all_there(jobs::TABLE, view.count().jobs);
        self.emptied_agrees(jobs::TABLE, self.emptied.notifications, self.walk.ends.stated().notifications);
        let mut seen = tally::Set::default();
        let mut is_sound = true;
        for (_, open) in jobs::all_open(view)? {
            budget.spend(1);
            match open {
                Ok(digest) => seen.add(&digest),
                Err(Fault::Damaged { .. }) => is_sound = false,
                Err(other) => return Err(other),
            }
        }
        self.set_agrees(jobs::TABLE, is_sound, seen, view.count().open_jobs);
        Ok(true)
    }

    pub(super) fn unjudged(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let (mut waiting, mut is_sound) = (tally::Set::default(), true);
        for (_, digest) in readings::all_unjudged(view)? {
            budget.spend(1);
            match self.found.take(digest)? {
                Some(digest) => waiting.add(&digest),
                None => is_sound = false,
            }
        }
        self.set_agrees(readings::UNJUDGED, is_sound, waiting, view.count().unjudged);
        let (mut judged, mut is_sound) = (Sum::default(), true);
        for (_, digest) in readings::all_judged(view)? {
            view.go_on()?;
            budget.spend(1);
            match self.found.take(digest)? {
                Some(digest) => judged.add(first_eight(&digest)),
                None => is_sound = false,
            }
        }
        if is_sound && self.walk.is_whole() && judged != self.walk.judged {
            let wrong = if judged.count > self.walk.judged.count { Wrong::Extra } else { Wrong::Missing };
            self.found.bad(readings::JUDGED, 0, wrong);
        }
        Ok(true)
    }

    pub(super) fn roots(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        let Some(roots) = self.found.take(root::all(view))? else { return Ok(true) };
        let mut previous = [0; 32];
        for root in &roots {
            budget.spend(1);
            if !root.is_signed() {
                self.found.bad(root::TABLE, root.n, Wrong::Signature);
            }
            if root.previous != previous {
                self.found.bad(root::TABLE, root.n, Wrong::Chain);
            }
            previous = root.root;
        }
        self.roots = u64::try_from(roots.len()).unwrap_or(u64::MAX);
        Ok(true)
    }

    pub(super) fn marks(&mut self, view: &View<'_>, budget: &mut Budget) -> Result<bool, Fault> {
        budget.spend(1);
        self.found.take(damage::marks(view).map(drop))?;
        Ok(true)
    }
}
