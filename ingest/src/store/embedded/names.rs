//! Names that repeat in every row (people, hubs, sources, words of the vocabulary): each is kept once and has a number.
//!
//! Invariants: numbers count from 1 without a gap and never change their meaning; the whole table is read and checked
//! when the store is opened, so that no damage to an index can make a known person look new; what a transaction took
//! back has no number any more.

use super::{
    digest::Keys,
    fault::Fault,
    rows::{Tx, Unsound, View, all, intact, one, run, verify},
};
use rusqlite::{Connection, Row, params};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

const TABLE: &str = "name";

/// Most words that get a number. The vocabulary has a few hundred; what is beyond comes from a hub that makes up names,
/// and is kept at length.
const WORDS_MAX: usize = 4096;

/// Most shapes of readings that get a number, and their longest text, for the same reason. A county's devices have some
/// dozens.
const SHAPES_MAX: usize = 4096;
const SHAPE_BYTES_MAX: usize = 1024;

/// What a name is a name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A person.
    Person,
    /// A hub, and what it sent for nobody yet.
    Hub,
    /// A device, or a hub's port.
    Source,
    /// A word of the vocabulary: a kind, a component, a unit, a flag.
    Word,
    /// The service itself.
    Service,
    /// What many readings have alike, see `shape.rs`.
    Shape,
}

impl Class {
    const ALL: [Self; 6] = [Self::Person, Self::Hub, Self::Source, Self::Word, Self::Service, Self::Shape];

    /// Its number in the table, which never changes.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Person => 1,
            Self::Hub => 2,
            Self::Source => 3,
            Self::Word => 4,
            Self::Service => 5,
            Self::Shape => 6,
        }
    }

    fn place(self) -> usize {
        match self {
            Self::Person => 0,
            Self::Hub => 1,
            Self::Source => 2,
            Self::Word => 3,
            Self::Service => 4,
            Self::Shape => 5,
        }
    }
}

/// The number of a name.
pub(super) type No = u32;

/// Every name of the store, in memory: some hundred bytes for each person, hub and device.
#[derive(Default)]
pub(super) struct Names(RwLock<Known>);

#[derive(Default)]
struct Known {
    in_order: Vec<(Class, Arc<str>)>,
    by_name: [HashMap<Arc<str>, No>; 6],
}

impl Known {
    fn add(&mut self, class: Class, name: &str) -> Option<No> {
        let name: Arc<str> = name.into();
        self.in_order.push((class, Arc::clone(&name)));
        let no = No::try_from(self.in_order.len()).ok()?;
        self.by_name.get_mut(class.place())?.insert(name, no);
        Some(no)
    }
}

impl Names {
    /// Reads and checks every name.
    pub(super) fn read(conn: &Connection, keys: &Keys, count: u64) -> Result<Self, Fault> {
        let mut known = Known::default();
        // In the order of the table itself: an index may be damaged without saying so.
        all(conn, "SELECT no, class, name, digest FROM name NOT INDEXED ORDER BY no", [], |row| {
            let (class, name) = read(row, keys, known.in_order.len() + 1)?;
            known.add(class, &name).map(drop).ok_or(Fault::Damaged { table: TABLE, row: 0 })
        })?;
        if u64::try_from(known.in_order.len()) == Ok(count) {
            Ok(Self(RwLock::new(known)))
        } else {
            Err(Fault::Damaged { table: TABLE, row: i64::try_from(count).unwrap_or(i64::MAX) })
        }
    }

    /// Reads the names that came since, in a program that does not write them itself.
    pub(super) fn read_on(&self, conn: &Connection, keys: &Keys, count: u64) -> Result<(), Fault> {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let here = i64::try_from(known.in_order.len()).unwrap_or(i64::MAX);
        all(conn, "SELECT no, class, name, digest FROM name WHERE no > ?1 ORDER BY no", params![here], |row| {
            let (class, name) = read(row, keys, known.in_order.len() + 1)?;
            known.add(class, &name).map(drop).ok_or(Fault::Damaged { table: TABLE, row: 0 })
        })?;
        if u64::try_from(known.in_order.len()) == Ok(count) {
            Ok(())
        } else {
            Err(Fault::Damaged { table: TABLE, row: i64::try_from(count).unwrap_or(i64::MAX) })
        }
    }

    /// The number of a name, where it has one.
    pub(super) fn find(&self, class: Class, name: &str) -> Option<No> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_name.get(class.place())?.get(name).copied()
    }

    /// The name of a number.
    pub(super) fn name(&self, no: No) -> Option<(Class, Arc<str>)> {
        let place = usize::try_from(no).ok()?.checked_sub(1)?;
        self.0.read().unwrap_or_else(PoisonError::into_inner).in_order.get(place).cloned()
    }

    /// The number of a name; a new one is kept in the transaction.
    pub(super) fn number(&self, tx: &Tx<'_>, class: Class, name: &str) -> Result<(No, IsNew), Fault> {
        match self.find(class, name) {
            Some(no) => Ok((no, IsNew(false))),
            None => self.add(tx, class, name).map(|no| (no, IsNew(true))),
        }
    }

    /// The number of a word, where it has one or may still get one.
    pub(super) fn word(&self, tx: &Tx<'_>, word: &str) -> Result<Option<No>, Fault> {
        match self.find(Class::Word, word) {
            Some(no) => Ok(Some(no)),
            None if self.count_of(Class::Word) >= WORDS_MAX => Ok(None),
            None => self.add(tx, Class::Word, word).map(Some),
        }
    }

    /// The number of a shape, where it has one or may still get one.
    pub(super) fn shape(&self, tx: &Tx<'_>, shape: &str) -> Result<Option<No>, Fault> {
        match self.find(Class::Shape, shape) {
            Some(no) => Ok(Some(no)),
            None if shape.len() > SHAPE_BYTES_MAX || self.count_of(Class::Shape) >= SHAPES_MAX => Ok(None),
            None => self.add(tx, Class::Shape, shape).map(Some),
        }
    }

    fn count_of(&self, class: Class) -> usize {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.by_name.get(class.place()).map_or(0, HashMap::len)
    }

    fn add(&self, tx: &Tx<'_>, class: Class, name: &str) -> Result<No, Fault> {
        let no = self.0.write().unwrap_or_else(PoisonError::into_inner).add(class, name);
        let no = no.ok_or_else(|| Fault::Missing("room for another name".to_owned()))?;
        let digest = tx.keys.row(TABLE, &[i64::from(no).into(), class.code().into(), name.into()]);
        run(
            tx.conn,
            "INSERT INTO name (no, class, name, digest) VALUES (?1, ?2, ?3, ?4)",
            params![no, class.code(), name, digest],
        )?;
        tx.tally(|tally| tally.names += 1);
        Ok(no)
    }

    /// Every name of a class.
    pub(super) fn all(&self, class: Class) -> Vec<Arc<str>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.by_name.get(class.place()).map(|names| names.keys().cloned().collect()).unwrap_or_default()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.read().unwrap_or_else(PoisonError::into_inner).in_order.len()
    }

    /// Forgets the newest names, whose rows were taken back.
    pub(super) fn cut(&self, count: usize) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        while known.in_order.len() > count
            && let Some((class, name)) = known.in_order.pop()
        {
            if let Some(by_name) = known.by_name.get_mut(class.place()) {
                by_name.remove(&name);
            }
        }
    }
}

/// A row, which must have this number.
fn read(row: &Row<'_>, keys: &Keys, expected: usize) -> Result<(Class, String), Fault> {
    intact(TABLE, row, || {
        let (no, class, name): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        verify(keys, TABLE, &[no.into(), class.into(), name.as_str().into()], row.get(3)?)?;
        let class = Class::ALL.into_iter().find(|known| known.code() == class).ok_or(Unsound)?;
        if usize::try_from(no) == Ok(expected) { Ok((class, name)) } else { Err(Unsound) }
    })
}

/// Whether the row of a number is still as it was when it was read at the start.
pub(super) fn check(view: &View<'_>, no: No) -> Result<(), Fault> {
    let damaged = Fault::Damaged { table: TABLE, row: no.into() };
    let sql = "SELECT no, class, name, digest FROM name WHERE no = ?1";
    let expected = usize::try_from(no).unwrap_or(usize::MAX);
    let kept = one(view.conn, sql, params![no], |row| read(row, view.keys, expected))?;
    let here = view.names.name(no);
    match (kept, here) {
        (Some((class, name)), Some((known, here))) if class == known && *name == *here => Ok(()),
        (Some(_) | None, _) => Err(damaged),
    }
}

/// Whether a name had no number before: then nothing of it can be in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IsNew(pub(super) bool);
