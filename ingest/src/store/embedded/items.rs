//! The register: each thing as it now is, and every version of it in the journal.
//!
//! Invariants: a version is made from the one before it, and the very same content that nobody asked a version for is none;
//! each version stands whole in an entry of the record it belongs to, which names the entry of the version before it; a
//! list is whole or refused, because things count without a gap, in the store and within each record.

use super::{
    alerts::must_count,
    damage::{self, Mark},
    digest::{Digest, Part},
    erase::empty_id,
    fault::Fault,
    journal::{self, Draft, Entry, EntryKind, From, Whose},
    names::{Class, No},
    record::{self, Record, Subject},
    rows::{self, Tx, Unsound, View, all, intact, one, run},
};
use crate::{
    access::Denied,
    store::{KeptItem, RegisterPlace, Version},
};
use register::{Item, ItemRef, Written};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

pub(super) const TABLE: &str = "item";

const COLUMNS: &str = "seq, id, kind, subject, n, version, entry, body, digest";

/// What an entry holds of a new version: all of it, and where the version before it was told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    pub(super) written: Written,
}

impl Told {
    pub(super) fn read(what: &str) -> Result<Self, Unsound> {
        let told: Self = serde_json::from_str(what)?;
        if told.written.version.is_some_and(|version| version > 0) { Ok(told) } else { Err(Unsound) }
    }

    /// Which version it is, from 1.
    pub(super) fn version(&self) -> u32 {
        self.written.version.unwrap_or(0)
    }
}

/// What followers, and whoever reads a log, are told of a thing.
pub(super) fn named(which: &ItemRef) -> String {
    format!("{} {}", which.kind().name(), which.key())
}

/// Where a thing stands, and in which version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    seq: i64,
    id: [u8; 16],
    subject: No,
    n: i64,
    version: u32,
    entry: i64,
}

impl Place {
    fn digest(&self, view: &View<'_>, kind: &str, body: &str) -> Digest {
        let Self { seq, id, subject, n, version, entry } = self;
        let parts: [Part<'_>; 8] = [
            (*seq).into(),
            id.into(),
            kind.into(),
            i64::from(*subject).into(),
            (*n).into(),
            i64::from(*version).into(),
            (*entry).into(),
            body.into(),
        ];
        view.keys.row(TABLE, &parts)
    }
}

/// A row, checked.
pub(super) struct Kept {
    place: Place,
    item: Item,
    digest: Digest,
}

impl Kept {
    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let place = Place {
                seq: row.get(0)?,
                id: row.get(1)?,
                subject: row.get(3)?,
                n: row.get(4)?,
                version: row.get(5)?,
                entry: row.get(6)?,
            };
            let (kind, body): (&str, &str) = (row.get_ref(2)?.as_str()?, row.get_ref(7)?.as_str()?);
            let digest: Digest = row.get(8)?;
            if place.digest(view, kind, body) != digest {
                return Err(Unsound);
            }
            let item: Item = serde_json::from_str(body)?;
            let which = item.reference();
            let is_theirs = match (Whose::read(view, place.subject)?, item.patient()) {
                (Whose::Person(person), Some(patient)) => person == *patient,
                (Whose::Service, None) => true,
                (Whose::Person(_) | Whose::Hub(_) | Whose::Service, _) => false,
            };
            let is_it = which.kind().name() == kind && *which.id().as_bytes() == place.id;
            if is_it && is_theirs { Ok(Self { place, item, digest }) } else { Err(Unsound) }
        })
    }

    pub(super) fn into_item(self) -> KeptItem {
        KeptItem { item: self.item, version: self.place.version }
    }

    fn damaged(&self) -> Fault {
        Fault::Damaged { table: TABLE, row: self.place.seq }
    }
}

/// A thing as it now is; none where there is no such.
pub(super) fn find(view: &View<'_>, which: &ItemRef) -> Result<Option<Kept>, Fault> {
    let id = which.id();
    let sql = format!("SELECT {COLUMNS} FROM item WHERE id = ?1");
    if let Some(kept) = one(view.conn, &sql, params![id.as_bytes()], |row| Kept::read(row, view))? {
        return if kept.item.reference() == *which { Ok(Some(kept)) } else { Err(kept.damaged()) };
    }
    // That index does not have it. Before this is believed, the other one is asked.
    let sql = "SELECT seq FROM item INDEXED BY item_by_kind WHERE kind = ?1 AND id = ?2";
    match one(view.conn, sql, params![which.kind().name(), id.as_bytes()], |row| Ok(row.get::<_, i64>(0)?))? {
        Some(seq) => Err(Fault::Damaged { table: TABLE, row: seq }),
        None => Ok(None),
    }
}

/// Writes a new version of a thing into the record it belongs to.
pub(super) fn put(tx: &Tx<'_>, draft: &mut Draft, subject: &mut Subject, written: &Written) -> Result<(), Fault> {
    written.item.check()?;
    let which = written.item.reference();
    // Whose record has ended is not named again, not even as somebody who has a hub.
    if let Item::Hub(hub) = &written.item
        && hub.patients.iter().any(|patient| record::has_ended(tx, Class::Person, patient.as_str()))
    {
        return Err(Fault::Ended);
    }
    let known = find(tx, &which)?;
    let current = known.as_ref().map_or(0, |known| known.place.version);
    // A thing stays in the record it was first written into.
    if known.as_ref().is_some_and(|known| known.place.subject != subject.no) {
        return Err(Denied.into());
    }
    match written.version {
        Some(version) if Some(version) != current.checked_add(1) => return Err(Fault::Stale { version: current }),
        None if known.as_ref().is_some_and(|known| known.item == written.item) => return Ok(()),
        Some(_) | None => {}
    }
    let version = current.checked_add(1).ok_or_else(|| Fault::Missing("room for another version".to_owned()))?;
    let entry = i64::try_from(draft.seq).unwrap_or(i64::MAX);
    let place = match &known {
        Some(known) => Place { version, entry, ..known.place },
        None => {
            if matches!(written.item, Item::Patient(_)) {
                register(tx, subject)?;
            }
            subject.record.items += 1;
            tx.tally(|tally| tally.items += 1);
            let seq = i64::try_from(tx.count().items).unwrap_or(i64::MAX);
            let n = i64::try_from(subject.record.items).unwrap_or(i64::MAX);
            Place { seq, id: *which.id().as_bytes(), subject: subject.no, n, version, entry }
        }
    };
    let (kind, body) = (which.kind().name(), serde_json::to_string(&written.item)?);
    let digest = place.digest(tx, kind, &body);
    if known.is_some() {
        let sql = "UPDATE item SET version = ?1, entry = ?2, body = ?3, digest = ?4 WHERE seq = ?5";
        run(tx.conn, sql, params![version, entry, body, digest, place.seq])?;
    } else {
        let sql = "INSERT INTO item (seq, id, kind, subject, n, version, entry, body, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let Place { seq, id, subject, n, .. } = place;
        run(tx.conn, sql, params![seq, id, kind, subject, n, version, entry, body, digest])?;
    }
    let before = known.and_then(|known| u64::try_from(known.place.entry).ok());
    let told = Told { before, written: Written { version: Some(version), ..written.clone() } };
    draft.thing(EntryKind::ItemWritten, &serde_json::to_string(&told)?, None, &digest);
    Ok(())
}

/// A person is written for the first time.
fn register(tx: &Tx<'_>, person: &mut Subject) -> Result<(), Fault> {
    if person.record.is_registered {
        // They are known, and their row is not found.
        return Err(Fault::Damaged { table: TABLE, row: 0 });
    }
    person.record.is_registered = true;
    tx.tally(|tally| tally.people += 1);
    Ok(())
}

/// Things in the order they were first written, after a place, and the place after them.
pub(super) fn in_order(
    view: &View<'_>,
    after: RegisterPlace,
    limit: usize,
) -> Result<(Vec<KeptItem>, RegisterPlace), Fault> {
    let (mut place, mut found) = (after.0, Vec::new());
    if limit == 0 {
        return Ok((found, after));
    }
    // Emptied rows are passed over, and a page is short only where nothing comes after it.
    let sql = format!("SELECT {COLUMNS} FROM item WHERE seq > ?1 ORDER BY seq");
    let mut statement = view.conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params![after.0])?;
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        view.go_on()?;
        place += 1;
        let (seq, kept) = match emptied(row, view)? {
            Some((emptied, _)) => (emptied.seq, None),
            None => Kept::read(row, view).map(|kept| (kept.place.seq, Some(kept)))?,
        };
        if seq != place {
            return Err(Fault::Damaged { table: TABLE, row: place });
        }
        found.extend(kept.map(Kept::into_item));
    }
    let last = i64::try_from(view.count().items).unwrap_or(i64::MAX);
    if found.len() < limit && place < last {
        return Err(Fault::Damaged { table: TABLE, row: place + 1 });
    }
    Ok((found, RegisterPlace(place)))
}

/// Everything of one record, which says how much there is.
pub(super) fn of_record(view: &View<'_>, no: No, record: &Record) -> Result<Vec<KeptItem>, Fault> {
    // Most people have a reading before anybody writes of them, and hubs have nothing here.
    if record.items == 0 {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM item WHERE subject = ?1 ORDER BY n");
    let found = all(view.conn, &sql, params![no], |row| Kept::read(row, view))?;
    must_count(TABLE, found.iter().map(|kept| kept.place.n), record.items)?;
    Ok(found.into_iter().map(Kept::into_item).collect())
}

/// Everything of a kind, as it stands in the table: so many there must be.
pub(super) fn of_kind(view: &View<'_>, kind: register::ItemKind, count: u64, limit: usize) -> Result<Vec<Item>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM item NOT INDEXED WHERE kind = ?1 ORDER BY seq LIMIT ?2");
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let found = all(view.conn, &sql, params![kind.name(), rows], |row| {
        view.go_on()?;
        Kept::read(row, view)
    })?;
    let expected = usize::try_from(count).unwrap_or(usize::MAX).min(limit);
    if found.len() == expected {
        Ok(found.into_iter().map(|kept| kept.item).collect())
    } else {
        Err(Fault::Damaged { table: TABLE, row: 0 })
    }
}

/// Every version of a thing, the newest first. Each names the entry of the one before it; where that entry is marked as
/// damaged, the rest of the record's chain is searched for what is older.
pub(super) fn versions(view: &View<'_>, which: &ItemRef, kept: &Kept, limit: usize) -> Result<Vec<Version>, Fault> {
    let mut found = Vec::new();
    // The version to be found next, and whether it must be that very one.
    let (mut next, mut is_exact) = (kept.place.version, true);
    let mut at = u64::try_from(kept.place.entry).ok();
    while let Some(seq) = at.filter(|_| found.len() < limit) {
        if let Some(mark) = damage::find(view, seq)? {
            (at, is_exact) = (older(view, which, &mark)?, false);
            continue;
        }
        let entry = journal::entry(view, seq)?;
        let damaged = || Fault::Damaged { table: journal::TABLE, row: i64::try_from(seq).unwrap_or(i64::MAX) };
        let mut told = told_in(&entry, which)?;
        if told.is_empty() || entry.subject != kept.place.subject {
            return Err(damaged());
        }
        at = told.first().and_then(|first| first.before);
        if at.is_some_and(|before| before >= seq) {
            return Err(damaged());
        }
        told.reverse();
        for Told { written, .. } in told {
            let version = written.version.unwrap_or(0);
            if version > next || (is_exact && version != next) {
                return Err(damaged());
            }
            (next, is_exact) = (version - 1, true);
            found.push(Version { written, at: entry.at });
        }
        if at.is_none() && next > 0 {
            return Err(damaged());
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// What an entry tells of a thing, in order.
fn told_in(entry: &Entry, which: &ItemRef) -> Result<Vec<Told>, Fault> {
    let damaged = |Unsound| Fault::Damaged { table: journal::TABLE, row: i64::try_from(entry.seq).unwrap_or(i64::MAX) };
    let told = entry.things.iter().filter(|thing| thing.kind == EntryKind::ItemWritten);
    let told = told.map(|thing| Told::read(&thing.what).map_err(damaged)).collect::<Result<Vec<_>, _>>()?;
    Ok(told.into_iter().filter(|told| told.written.item.reference() == *which).collect())
}

/// The newest entry before a marked one, of the same chain, that tells of a thing.
fn older(view: &View<'_>, which: &ItemRef, mark: &Mark) -> Result<Option<u64>, Fault> {
    let mut found = None;
    let Some(n) = mark.n.checked_sub(1).filter(|n| *n > 0 && mark.previous > 0) else { return Ok(None) };
    journal::newest_first(view, From::Before(mark.subject, n, mark.previous), |entry| {
        let is_it = !told_in(&entry, which)?.is_empty();
        if is_it {
            found = Some(entry.seq);
        }
        Ok(!is_it)
    })?;
    Ok(found)
}

/// The kind of a row that was emptied when a record ended. No kind of the register is called so.
const EMPTIED: &str = "erased";

/// A row that was emptied, checked; none where it is not.
fn emptied(row: &Row<'_>, view: &View<'_>) -> Result<Option<(Place, Digest)>, Fault> {
    intact(TABLE, row, || {
        if row.get_ref(2)?.as_str()? != EMPTIED {
            return Ok(None);
        }
        let (subject, n) = (row.get(3)?, row.get(4)?);
        let place = Place { seq: row.get(0)?, id: row.get(1)?, subject, n, version: row.get(5)?, entry: row.get(6)? };
        let (body, digest): (&str, Digest) = (row.get_ref(7)?.as_str()?, row.get(8)?);
        let is_sound = body.is_empty() && place.digest(view, EMPTIED, body) == digest;
        if is_sound { Ok(Some((place, digest))) } else { Err(Unsound) }
    })
}

/// Empties every thing of a record: the row keeps its number, and nothing else.
pub(super) fn empty(tx: &Tx<'_>, subject: No) -> Result<u64, Fault> {
    let mut count = 0;
    let places = all(tx.conn, "SELECT seq, n FROM item WHERE subject = ?1", params![subject], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    })?;
    for (seq, n) in places {
        let place = Place { seq, id: empty_id(tx, TABLE, seq), subject, n, version: 0, entry: 0 };
        let digest = place.digest(tx, EMPTIED, "");
        let sql = "UPDATE item SET id = ?1, kind = ?2, version = 0, entry = 0, body = '', digest = ?3 WHERE seq = ?4";
        run(tx.conn, sql, params![place.id, EMPTIED, digest, seq])?;
        count += 1;
    }
    Ok(count)
}

/// Everything of a kind, each row checked.
pub(super) fn all_of_kind(view: &View<'_>, kind: register::ItemKind) -> Result<Vec<Item>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM item NOT INDEXED WHERE kind = ?1 ORDER BY seq");
    let found = all(view.conn, &sql, params![kind.name()], |row| Kept::read(row, view))?;
    Ok(found.into_iter().map(|kept| kept.item).collect())
}

/// What is sound of a row, for the inspection.
pub(super) struct Sound {
    pub(super) id: [u8; 16],
    pub(super) subject: No,
    pub(super) digest: Digest,
    /// Whether it was erased.
    pub(super) is_emptied: bool,
    seq: i64,
    n: i64,
    kind: &'static str,
}

/// Hands out rows after a number, damaged ones too, until `each` has enough. True where there are no more.
pub(super) fn each_after(
    view: &View<'_>,
    after: i64,
    each: impl FnMut(i64, Result<Sound, Fault>) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM item WHERE seq > ?1 ORDER BY seq");
    let read = |row: &Row<'_>| {
        if let Some((Place { seq, id, subject, n, .. }, digest)) = emptied(row, view)? {
            return Ok(Sound { id, subject, digest, is_emptied: true, seq, n, kind: EMPTIED });
        }
        let Kept { place: Place { seq, id, subject, n, .. }, item, digest } = Kept::read(row, view)?;
        Ok(Sound { id, subject, digest, is_emptied: false, seq, n, kind: item.reference().kind().name() })
    };
    rows::each(view.conn, &sql, params![after], read, each)
}

/// Whether every index leads to a row.
pub(super) fn is_indexed(view: &View<'_>, item: &Sound) -> Result<bool, Fault> {
    let number = |row: &Row<'_>| Ok(row.get::<_, i64>(0)?);
    let Sound { id, subject, seq, n, kind, .. } = item;
    let by_id = one(view.conn, "SELECT seq FROM item WHERE id = ?1", params![id], number)?;
    let sql = "SELECT seq FROM item INDEXED BY item_by_kind WHERE kind = ?1 AND id = ?2";
    let by_kind = one(view.conn, sql, params![kind, id], number)?;
    let sql = "SELECT seq FROM item WHERE subject = ?1 AND n = ?2";
    let by_subject = one(view.conn, sql, params![subject, n], number)?;
    Ok([by_id, by_kind, by_subject] == [Some(*seq); 3])
}
