//! Scrubbing: the inspection in small steps, for ever, and what is done about damage. An entry that cannot be read is marked,
//! so that reads go on beside it, and its readings are asked for again; whatever else is damaged is told.
//!
//! Invariants: damage is told once in a run of the program, in the log and in the record; an entry is marked only once it is
//! known whose it is; nothing is mended by guessing.

use super::{
    damage,
    fault::Fault,
    inspect::Inspection,
    journal::{self, SERVICE},
    keep::{audit, noted},
    names::Class,
    pool::Pool,
    writer::Writer,
};
use crate::store::{
    ReadError, Scrubbed,
    evidence::{BadRow, Wrong},
};
use chrono::{DateTime, Utc};
use rules::event::AuditKind;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Most rows told of in one run, and most that wait to be looked at: whoever has more has to restore a backup.
const TOLD_MAX: usize = 10_000;

/// Damaged rows that somebody met while reading or writing, for the scrubber to see to.
#[derive(Default)]
pub(super) struct Met {
    rows: Mutex<Rows>,
    wake: Notify,
}

#[derive(Default)]
struct Rows {
    new: Vec<(&'static str, i64)>,
    /// What was ever met: a page that meets the same row every second wakes nobody twice.
    ever: BTreeSet<(&'static str, i64)>,
}

impl Met {
    /// Takes note of damage.
    pub(super) fn note(&self, fault: &Fault) {
        if let Fault::Damaged { table, row } = fault {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            if rows.ever.len() < TOLD_MAX && rows.ever.insert((table, *row)) {
                rows.new.push((table, *row));
                self.wake.notify_one();
            }
        }
    }

    /// Returns once there is something new.
    pub(super) async fn something(&self) {
        self.wake.notified().await;
    }

    fn take(&self) -> Vec<(&'static str, i64)> {
        std::mem::take(&mut self.rows.lock().unwrap_or_else(PoisonError::into_inner).new)
    }
}

/// The scrubber's place in the store, and what it has told of.
#[derive(Default)]
pub(super) struct Scrub {
    inspection: Arc<Mutex<Inspection>>,
    told: BTreeSet<(&'static str, i64)>,
    /// Entries that somebody could not read, and that this pass has not come to.
    met: BTreeSet<u64>,
    /// Entries of this pass that are marked, and those whose readings are asked for.
    marked: BTreeSet<u64>,
    asked_for: BTreeSet<u64>,
    /// Entries of which a whole pass could not tell whose they are: nothing is gained by haste.
    nobodys: BTreeSet<u64>,
}

impl Scrub {
    /// Looks at so many more rows, and does what is to be done about what is damaged.
    pub(super) async fn step(
        &mut self,
        pool: &Pool,
        writer: &Writer,
        met: &Met,
        rows: u64,
        at: DateTime<Utc>,
    ) -> Result<Scrubbed, ReadError> {
        let mut found: Vec<BadRow> =
            met.take().into_iter().map(|(table, row)| BadRow { table, row, wrong: Wrong::Content }).collect();
        self.go_back_for(&found);
        let here = Arc::clone(&self.inspection);
        let (before, step) = {
            let before = here.lock().unwrap_or_else(PoisonError::into_inner).checked();
            let step =
                pool.read_quietly(move |view| here.lock().unwrap_or_else(PoisonError::into_inner).step(view, rows));
            (before, step.await)
        };
        if let Err(error) = step {
            // Where it stopped half-way is not known: it begins anew.
            self.begin_anew();
            let ReadError::Damaged { table, row } = error else { return Err(error) };
            found.push(BadRow { table, row, wrong: Wrong::Content });
            return self.tell(writer, found, Scrubbed::default(), at).await;
        }
        let (checked, to_mark, to_ask) = {
            let mut inspection = self.inspection.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(inspection.take_found());
            let new = inspection.bridged().iter().filter(|mark| !self.marked.contains(&mark.entry));
            let to_mark: Vec<damage::Mark> = new.cloned().collect();
            let to_ask = inspection.missing().map(|missing| {
                let marks = inspection.unlisted().filter(|entry| !self.asked_for.contains(entry));
                let readings = |entry| (entry, missing.get(&entry).cloned().unwrap_or_default());
                marks.map(readings).collect::<Vec<_>>()
            });
            self.met.retain(|entry| *entry > inspection.walked() && !inspection.is_over());
            (inspection.checked() - before, to_mark, to_ask.unwrap_or_default())
        };
        let mut scrubbed = Scrubbed { checked, ..Scrubbed::default() };
        if !to_mark.is_empty() {
            let entries: Vec<u64> = to_mark.iter().map(|mark| mark.entry).collect();
            let mark = move |tx: &super::rows::Tx<'_>| {
                let mut new = Vec::new();
                for mark in &to_mark {
                    if damage::mark(tx, mark)? {
                        new.push(mark.entry);
                    }
                }
                Ok(new)
            };
            match writer.note(at, mark).await {
                Ok(marked) => {
                    scrubbed.marked = marked;
                    self.marked.extend(entries);
                }
                Err(error) => not_written(&error),
            }
        }
        if !to_ask.is_empty() {
            let entries: Vec<u64> = to_ask.iter().map(|(entry, _)| *entry).collect();
            let ask = move |tx: &super::rows::Tx<'_>| {
                to_ask.iter().try_for_each(|(entry, missing)| damage::ask_for(tx, *entry, missing).map(drop))
            };
            match writer.note(at, ask).await {
                Ok(()) => {
                    self.asked_for.extend(entries);
                    scrubbed.is_asking = true;
                }
                Err(error) => not_written(&error),
            }
        }
        self.end_step(&mut scrubbed);
        self.tell(writer, found, scrubbed, at).await
    }

    /// Begins anew where somebody met a damaged entry that this pass found sound, or has come past.
    fn go_back_for(&mut self, met: &[BadRow]) {
        let entries =
            met.iter().filter(|bad| bad.table == journal::TABLE).filter_map(|bad| u64::try_from(bad.row).ok());
        let has_passed = {
            let inspection = self.inspection.lock().unwrap_or_else(PoisonError::into_inner);
            let new: Vec<u64> = entries.filter(|entry| !inspection.is_damaged(*entry)).collect();
            self.met.extend(&new);
            new.iter().any(|entry| *entry <= inspection.walked())
        };
        if has_passed {
            self.begin_anew();
        }
    }

    fn begin_anew(&mut self) {
        self.inspection = Arc::default();
        self.marked.clear();
        self.asked_for.clear();
    }

    fn end_step(&mut self, scrubbed: &mut Scrubbed) {
        let (is_over, is_unsettled, open) = {
            let inspection = self.inspection.lock().unwrap_or_else(PoisonError::into_inner);
            let unlisted = inspection.unlisted().any(|entry| !self.asked_for.contains(&entry));
            let open: BTreeSet<u64> = inspection.open().collect();
            (inspection.is_over(), unlisted || !open.is_subset(&self.nobodys), open)
        };
        scrubbed.is_pass_over = is_over;
        scrubbed.is_urgent = !is_over && (is_unsettled || !self.met.is_empty());
        if is_over {
            self.nobodys = open;
            self.begin_anew();
        }
    }

    /// Tells of what was not told before: in the service's own chain, because whose it is cannot be known from a damaged
    /// row. An entry is told of where it is marked.
    async fn tell(
        &mut self,
        writer: &Writer,
        found: Vec<BadRow>,
        mut scrubbed: Scrubbed,
        at: DateTime<Utc>,
    ) -> Result<Scrubbed, ReadError> {
        let told = &mut self.told;
        let new = |bad: &BadRow| told.len() < TOLD_MAX && told.insert((bad.table, bad.row));
        scrubbed.found = found.into_iter().filter(new).collect();
        let said: Vec<String> = scrubbed
            .found
            .iter()
            .filter(|bad| bad.table != journal::TABLE)
            .map(|BadRow { table, row, .. }| format!("{table} row {row}"))
            .collect();
        if !said.is_empty() {
            let tell = move |tx: &super::rows::Tx<'_>| {
                let audits =
                    said.iter().map(|about| noted(AuditKind::RowDamaged, about)).collect::<Result<Vec<_>, _>>()?;
                audit(tx, Class::Service, SERVICE, &audits)
            };
            if let Err(error) = writer.note(at, tell).await {
                not_written(&error);
            }
        }
        Ok(scrubbed)
    }
}

/// What cannot be written now is in the log all the same, and a mark is tried again with the next step.
fn not_written(error: &ReadError) {
    tracing::error!(%error, "Could not put the damage that was found into the record.");
}
