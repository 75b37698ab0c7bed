//! What a list would change: each row beside the register, before anything is written.
//!
//! Invariant: what is found is all of the list: of two rows about one person neither counts, because nobody can tell which
//! is right.

use super::{
    known::{Known, KnownPeople},
    sheet::{Row, RowRefused, Sheet, Why},
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use register::{Item, Patient};
use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
};
use vitals::{NhsNumber, PatientId};

/// Most people or rows that are named one by one; beyond it they are only counted.
pub const NAMED_MAX: usize = 1_000;

/// The day a list is read on, which begins in London at most an hour before it begins in UTC.
#[must_use]
pub fn day_of_list(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(1)).date_naive()
}

/// Whom a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their id.
    pub id: PatientId,
    /// Their NHS number, where the row says it.
    pub number: Option<NhsNumber>,
}

/// A kind of list: what its columns are, whom a row is about, and what it makes of them.
pub trait List {
    /// Its columns.
    const COLUMNS: &'static [&'static str];
    /// Those without which nothing can be read.
    const NEEDED: &'static [&'static str];
    /// Whether whoever is not in it is worth telling.
    const IS_WHOLE: bool;

    /// Whom a row is about.
    ///
    /// # Errors
    /// [`RowRefused`] where nobody can tell.
    fn who(&self, row: &Row<'_>, known: &KnownPeople) -> Result<Who, RowRefused>;

    /// The person as they are after this row.
    ///
    /// # Errors
    /// [`RowRefused`] with the first cell that is wrong.
    fn after(
        &self,
        row: &Row<'_>,
        who: &Who,
        before: Option<&Known>,
        known: &KnownPeople,
    ) -> Result<Patient, RowRefused>;
}

/// What a row comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What it says is so already.
    Unchanged,
    /// Somebody new, or somebody changed.
    Write {
        /// The person as they will be.
        item: Item,
        /// Which version that makes.
        version: u32,
        /// Which fields change; none of somebody new.
        changed: Vec<&'static str>,
    },
}

/// A list that was read through once: who is in it, and who is twice.
pub struct Looked {
    /// The line of each person.
    lines: HashMap<PatientId, u64>,
    /// People who are there more than once, with the second line.
    again: HashMap<PatientId, u64>,
    /// The line of each number.
    numbers: HashMap<NhsNumber, u64>,
    /// Numbers that are there more than once, with the second line.
    numbers_again: HashMap<NhsNumber, u64>,
}

impl Looked {
    /// Reads a list through.
    pub fn at<L: List>(list: &L, sheet: &Sheet<'_>, known: &KnownPeople) -> Self {
        let mut looked = Self {
            lines: HashMap::new(),
            again: HashMap::new(),
            numbers: HashMap::new(),
            numbers_again: HashMap::new(),
        };
        for row in sheet.rows().flatten() {
            // A row that nobody can be told from is refused when its turn comes.
            let Ok(Who { id, number }) = list.who(&row, known) else { continue };
            if let Some(number) = number {
                meet(&mut looked.numbers, &mut looked.numbers_again, number, row.line());
            }
            meet(&mut looked.lines, &mut looked.again, id, row.line());
        }
        looked
    }

    fn refuse_again(&self, row: &Row<'_>, who: &Who) -> Result<(), RowRefused> {
        let by_id = self.again.get(&who.id).map(|again| (self.lines.get(&who.id), again));
        let by_number = || {
            let number = who.number.as_ref()?;
            Some((self.numbers.get(number), self.numbers_again.get(number)?))
        };
        let Some((first, again)) = by_id.or_else(by_number) else { return Ok(()) };
        let other = if *again == row.line() { first } else { Some(again) };
        let advice = match other.filter(|other| **other != row.line()) {
            Some(other) => format!("the same person is in line {other} as well: keep the one that is right"),
            None => "the same person is there more than once: keep the one that is right".to_owned(),
        };
        Err(row.refused("row", Why::Twice, advice))
    }

    /// Whether a person is in the list.
    #[must_use]
    pub fn has(&self, id: &PatientId) -> bool {
        self.lines.contains_key(id)
    }
}

/// Notes where something stands, and where it stands again.
fn meet<K: Eq + Hash + Clone>(first: &mut HashMap<K, u64>, again: &mut HashMap<K, u64>, what: K, line: u64) {
    match first.entry(what) {
        Entry::Occupied(known) => {
            again.insert(known.key().clone(), line);
        }
        Entry::Vacant(new) => {
            new.insert(line);
        }
    }
}

/// What each row of a list comes to, in the order of the list.
pub fn steps<'a, L: List>(
    list: &'a L,
    sheet: &'a Sheet<'a>,
    looked: &'a Looked,
    known: &'a KnownPeople,
) -> impl Iterator<Item = Result<(PatientId, Step), RowRefused>> + 'a {
    sheet.rows().map(move |row| {
        let row = row?;
        let who = list.who(&row, known)?;
        looked.refuse_again(&row, &who)?;
        let before = known.person(&who.id);
        let after = list.after(&row, &who, before.as_ref(), known)?;
        let step = match &before {
            Some(before) if before.patient == after => Step::Unchanged,
            _ => {
                let changed = before.as_ref().map(|before| changed(&before.patient, &after)).unwrap_or_default();
                let version = before.map_or(1, |before| before.version.saturating_add(1));
                let item = Item::from(after);
                item.check().map_err(|refused| row.refused(refused.field, Why::Cell, refused.advice))?;
                Step::Write { item, version, changed }
            }
        };
        Ok((who.id, step))
    })
}

/// Which fields are not the same.
fn changed(before: &Patient, after: &Patient) -> Vec<&'static str> {
    let fields = [
        ("name", before.name != after.name),
        ("nhs_number", before.nhs_number != after.nhs_number),
        ("born", before.born != after.born),
        ("team", before.team != after.team),
        ("home", before.home != after.home),
        ("status", before.status != after.status),
        ("stratum", before.stratum != after.stratum),
        ("pathway", before.pathway != after.pathway),
        ("practice", before.practice != after.practice),
        ("telephones", before.telephones != after.telephones),
        ("contacts", before.contacts != after.contacts),
        ("choices", before.choices != after.choices),
        ("needs", before.needs != after.needs),
        ("access_notes", before.access_notes != after.access_notes),
    ];
    fields.into_iter().filter_map(|(field, is_changed)| is_changed.then_some(field)).collect()
}

/// How a list is to be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Only look.
    pub dry_run: bool,
    /// Take in the good rows although others are refused.
    pub accept_refused: bool,
}

/// What is done with a list that was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing: it was only to be looked at.
    LookedAt,
    /// Nothing: rows are refused.
    RowsRefused,
    /// Nothing: the register says all of it already.
    NothingNew,
    /// It is written.
    Write,
}

/// What a list would change, or changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Rows with something in them.
    pub rows: u64,
    /// People who are new.
    pub new: u64,
    /// People who change.
    pub changed: u64,
    /// People of whom the register says the same.
    pub unchanged: u64,
    /// How many rows are refused, by why.
    pub refused: BTreeMap<Why, u64>,
    /// How many people change in each field.
    pub fields: BTreeMap<&'static str, u64>,
    /// The first [`NAMED_MAX`] people who change, with the fields.
    pub changes: Vec<(PatientId, Vec<&'static str>)>,
    /// The first [`NAMED_MAX`] refusals.
    pub refusals: Vec<RowRefused>,
    /// How many people are in the register and not in the list; they stay.
    pub absent: u64,
    /// The first [`NAMED_MAX`] of them.
    pub absentees: Vec<PatientId>,
}

impl Findings {
    /// Looks a list through and writes nothing.
    pub fn of<L: List>(list: &L, sheet: &Sheet<'_>, looked: &Looked, known: &KnownPeople) -> Self {
        let mut findings = Self::default();
        for step in steps(list, sheet, looked, known) {
            findings.add(step);
        }
        if L::IS_WHOLE {
            for id in known.ids().into_iter().filter(|id| !looked.has(id)) {
                findings.absent += 1;
                if findings.absentees.len() < NAMED_MAX {
                    findings.absentees.push(id.clone());
                }
            }
        }
        findings
    }

    fn add(&mut self, step: Result<(PatientId, Step), RowRefused>) {
        self.rows += 1;
        match step {
            Ok((_, Step::Unchanged)) => self.unchanged += 1,
            Ok((_, Step::Write { version: 1, .. })) => self.new += 1,
            Ok((id, Step::Write { changed, .. })) => {
                self.changed += 1;
                for field in &changed {
                    *self.fields.entry(field).or_default() += 1;
                }
                if self.changes.len() < NAMED_MAX {
                    self.changes.push((id, changed));
                }
            }
            Err(refused) => {
                *self.refused.entry(refused.why).or_default() += 1;
                if self.refusals.len() < NAMED_MAX {
                    self.refusals.push(refused);
                }
            }
        }
    }

    /// How many rows are refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// What is done with the list.
    #[must_use]
    pub fn turn(&self, wanted: Wanted) -> Turn {
        match wanted {
            Wanted { dry_run: true, .. } => Turn::LookedAt,
            Wanted { accept_refused: false, .. } if self.refused() > 0 => Turn::RowsRefused,
            Wanted { .. } if self.new + self.changed == 0 => Turn::NothingNew,
            Wanted { .. } => Turn::Write,
        }
    }
}
