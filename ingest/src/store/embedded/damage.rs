//! Entries that were found damaged and marked, so that what is sound is shown beside them, and their readings are asked for
//! again.
//!
//! Invariants: a mark says whose the entry is and which entry came before it, so that lists of readings step over it; a
//! marked entry stays marked, because the proof of that one entry is lost; a reading is missing until it is stored again.

use super::{
    bytes::{Put, Take},
    digest::{Digest, Part},
    fault::Fault,
    journal::{DAMAGED, SERVICE, Whose},
    keep::{audit, noted},
    known,
    names::{Class, No},
    rows::{Tx, Unsound, View, all, intact, moment, one, run},
    tally::Set,
};
use crate::store::{Change, StoredDamage, Subject};
use rules::event::{Audit, AuditKind};
use rusqlite::{Row, params};
use vitals::{HubId, PatientId, ReadingId, RecordNumber, SourceId, record::reading_id};

pub(super) const TABLE: &str = "damage";

const COLUMNS: &str = "entry, subject, n, previous, at, missing, digest";

/// Where a reading of a damaged entry was known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Missing {
    pub(super) source: No,
    pub(super) record: i64,
}

/// What can be told of a damaged entry from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) entry: u64,
    pub(super) subject: No,
    /// Which entry of its chain it is.
    pub(super) n: u64,
    /// The one before it of the same chain.
    pub(super) previous: u64,
    /// When it was marked, in microseconds.
    pub(super) at: i64,
    /// Its readings that are not stored again yet; none while nobody has looked.
    pub(super) missing: Option<Vec<Missing>>,
}

impl Mark {
    fn numbers(&self) -> [i64; 5] {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        [number(self.entry), self.subject.into(), number(self.n), number(self.previous), self.at]
    }

    fn missing_bytes(&self) -> Option<Put> {
        self.missing.as_ref().map(|missing| {
            let mut put = Put::with_room(8 + 12 * missing.len());
            put.count(missing.len());
            for Missing { source, record } in missing {
                put.number((*source).into());
                put.raw(&record.to_be_bytes());
            }
            put
        })
    }

    fn digest(&self, view: &View<'_>) -> Digest {
        let missing = self.missing_bytes();
        let mut parts: Vec<Part<'_>> = self.numbers().into_iter().map(Part::from).collect();
        parts.push(missing.as_ref().map(Put::as_slice).into());
        view.keys.row(TABLE, &parts)
    }

    fn read(row: &Row<'_>, view: &View<'_>) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let missing: Option<Vec<u8>> = row.get(5)?;
            let mark = Self {
                entry: u64::try_from(row.get::<_, i64>(0)?)?,
                subject: No::try_from(row.get::<_, i64>(1)?)?,
                n: u64::try_from(row.get::<_, i64>(2)?)?,
                previous: u64::try_from(row.get::<_, i64>(3)?)?,
                at: row.get(4)?,
                missing: missing.as_deref().map(take_missing).transpose()?,
            };
            if mark.digest(view) == row.get::<_, Digest>(6)? { Ok(mark) } else { Err(Unsound) }
        })
    }

    fn put(&self, tx: &Tx<'_>) -> Result<(), Fault> {
        let [entry, subject, n, previous, at] = self.numbers();
        let (missing, digest) = (self.missing_bytes(), self.digest(tx));
        run(
            tx.conn,
            "INSERT INTO damage (entry, subject, n, previous, at, missing, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (entry) DO UPDATE SET missing = excluded.missing, digest = excluded.digest",
            params![entry, subject, n, previous, at, missing.as_ref().map(Put::as_slice), digest],
        )?;
        tx.tally(|tally| tally.damages.add(&digest));
        Ok(())
    }

    /// Writes it anew with what is missing now.
    fn put_missing(mut self, tx: &Tx<'_>, missing: Vec<Missing>) -> Result<(), Fault> {
        let before = self.digest(tx);
        tx.tally(|tally| tally.damages.take(&before));
        self.missing = Some(missing);
        self.put(tx)
    }

    /// Whether it is an entry of this person, or of this hub's where it is nobody's.
    pub(super) fn is_of(&self, view: &View<'_>, patient: Option<&PatientId>, hub: &HubId) -> bool {
        let (class, name) = match patient {
            Some(patient) => (Class::Person, patient.as_str()),
            None => (Class::Hub, hub.as_str()),
        };
        view.names.find(class, name) == Some(self.subject)
    }

    /// What followers are told in its place.
    pub(super) fn change(&self, view: &View<'_>) -> Result<Change, Fault> {
        let row = i64::try_from(self.entry).unwrap_or(i64::MAX);
        let StoredDamage { whose, entry, at, .. } =
            self.stored(view).map_err(|Unsound| Fault::Damaged { table: TABLE, row })?;
        let (patient, hub) = match whose {
            Subject::Patient(patient) => (Some(patient), None),
            Subject::Unassigned(hub) => (None, Some(hub)),
            Subject::Service => (None, None),
        };
        Ok(Change { patient, hub, kind: DAMAGED, what: format!("entry {entry}"), at })
    }

    fn stored(&self, view: &View<'_>) -> Result<StoredDamage, Unsound> {
        let whose = match Whose::read(view, self.subject)? {
            Whose::Person(person) => Subject::Patient(person),
            Whose::Hub(hub) => Subject::Unassigned(hub),
            Whose::Service => Subject::Service,
        };
        let readings_missing = self.missing.as_ref().map(|missing| u64::try_from(missing.len())).transpose()?;
        Ok(StoredDamage { whose, entry: self.entry, at: moment(self.at)?, readings_missing })
    }
}

fn take_missing(bytes: &[u8]) -> Result<Vec<Missing>, Unsound> {
    let mut take = Take::new(bytes);
    let count = take.count()?;
    let mut missing = Vec::with_capacity(count);
    for _ in 0..count {
        missing.push(Missing { source: No::try_from(take.number()?)?, record: i64::from_be_bytes(take.array()?) });
    }
    take.end()?;
    Ok(missing)
}

/// Whether any entry is marked.
pub(super) fn is_any(view: &View<'_>) -> bool {
    view.count().damages != Set::default()
}

/// The mark of an entry, where it has one: then its readings may be stored again.
pub(super) fn find(view: &View<'_>, entry: u64) -> Result<Option<Mark>, Fault> {
    if !is_any(view) {
        return Ok(None);
    }
    let sql = format!("SELECT {COLUMNS} FROM damage WHERE entry = ?1");
    one(view.conn, &sql, params![i64::try_from(entry).unwrap_or(i64::MAX)], |row| Mark::read(row, view))
}

/// Every mark, in the order of entries.
pub(super) fn marks(view: &View<'_>) -> Result<Vec<Mark>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM damage ORDER BY entry");
    let marks = all(view.conn, &sql, [], |row| Mark::read(row, view))?;
    let mut seen = Set::default();
    marks.iter().for_each(|mark| seen.add(&mark.digest(view)));
    if seen == view.count().damages { Ok(marks) } else { Err(Fault::Damaged { table: TABLE, row: 0 }) }
}

/// Marks an entry, and says so in the record it belongs to. False where it is marked already.
pub(super) fn mark(tx: &Tx<'_>, found: &Mark) -> Result<bool, Fault> {
    if find(tx, found.entry)?.is_some() {
        return Ok(false);
    }
    let mark = Mark { at: super::digest::micros(tx.at), ..found.clone() };
    mark.put(tx)?;
    note(tx, mark.subject, noted(AuditKind::RowDamaged, &format!("entry row {}", mark.entry))?)?;
    Ok(true)
}

/// Keeps which readings of a marked entry are missing: they are asked for from now on.
pub(super) fn ask_for(tx: &Tx<'_>, entry: u64, missing: &[Missing]) -> Result<bool, Fault> {
    let Some(mark) = find(tx, entry)?.filter(|mark| mark.missing.is_none()) else { return Ok(false) };
    let subject = mark.subject;
    // What was sent again since they were listed stands elsewhere by now.
    let mut still = Vec::with_capacity(missing.len());
    for one in missing {
        if known::find(tx, one.source, one.record)? == Some(entry) {
            still.push(*one);
        }
    }
    let missing = still;
    mark.put_missing(tx, missing.clone())?;
    if !missing.is_empty() {
        let about = format!("{} readings of entry row {entry}", missing.len());
        note(tx, subject, noted(AuditKind::ReadingAskedAgain, &about)?)?;
    }
    Ok(true)
}

/// A reading of a marked entry is stored again, or joined with one that is.
pub(super) fn recovered(tx: &Tx<'_>, entry: u64, source: No, record: i64) -> Result<(), Fault> {
    let Some(mark) = find(tx, entry)? else { return Ok(()) };
    let Some(mut missing) = mark.missing.clone() else { return Ok(()) };
    let before = missing.len();
    missing.retain(|one| *one != Missing { source, record });
    if missing.len() == before { Ok(()) } else { mark.put_missing(tx, missing) }
}

/// Says in a record what was found; in the service's own where that record cannot be written.
fn note(tx: &Tx<'_>, subject: No, said: Audit) -> Result<(), Fault> {
    let Some((class, name)) = tx.names.name(subject).filter(|(class, _)| class.has_record()) else {
        return audit(tx, Class::Service, SERVICE, &[said]);
    };
    match audit(tx, class, &name, std::slice::from_ref(&said)) {
        Err(Fault::Damaged { .. }) => audit(tx, Class::Service, SERVICE, &[said]),
        other => other,
    }
}

/// Damaged entries of whoever is asked for, the newest first.
pub(super) fn list(
    view: &View<'_>,
    may_see: impl Fn(&Subject) -> bool,
    limit: usize,
) -> Result<Vec<StoredDamage>, Fault> {
    if !is_any(view) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for mark in marks(view)?.iter().rev() {
        let row = i64::try_from(mark.entry).unwrap_or(i64::MAX);
        let stored = mark.stored(view).map_err(|Unsound| Fault::Damaged { table: TABLE, row })?;
        if found.len() < limit && may_see(&stored.whose) {
            found.push(stored);
        }
    }
    Ok(found)
}

/// Readings that are missing.
pub(super) fn wanted(view: &View<'_>, limit: usize) -> Result<Vec<ReadingId>, Fault> {
    if !is_any(view) {
        return Ok(Vec::new());
    }
    let missing = marks(view)?.into_iter().filter_map(|mark| mark.missing).flatten();
    let id = |Missing { source, record }: Missing| {
        let (class, name) = view.names.name(source)?;
        let source = SourceId::parse(&name).ok().filter(|_| class == Class::Source)?;
        Some(reading_id(&source, RecordNumber::from_bytes(record.to_be_bytes())))
    };
    Ok(missing.filter_map(id).take(limit).collect())
}

/// What a marked entry of a person may still hold goes, and nothing of it is asked for again.
pub(super) fn let_go(tx: &Tx<'_>, subject: No) -> Result<(), Fault> {
    if !is_any(tx) {
        return Ok(());
    }
    for mark in marks(tx)?.into_iter().filter(|mark| mark.subject == subject) {
        let entry = i64::try_from(mark.entry).unwrap_or(i64::MAX);
        run(tx.conn, "UPDATE entry SET body = x'' WHERE seq = ?1", params![entry])?;
        mark.put_missing(tx, Vec::new())?;
    }
    Ok(())
}
