//! The people of the register; and how they came there from the table they had before there was one.

use super::{
    bytes::era,
    digest::Keys,
    fault::Fault,
    items,
    journal::{self, Draft},
    names::{Class, Names, No},
    readings::Whom,
    record::{self, Subject},
    rows::{Tx, View, all, intact, verify},
    tally::Tally,
};
use chrono::{DateTime, Utc};
use register::{Item, ItemKind, ItemRef, Patient, Written};
use rules::Person;
use rusqlite::{Connection, Row};
use vitals::PatientId;

/// People, by id, or damage where one of them is missing.
pub(super) fn list(view: &View<'_>, whom: &Whom<PatientId>, limit: usize) -> Result<Vec<Person>, Fault> {
    let damaged = Fault::Damaged { table: items::TABLE, row: 0 };
    let found = match whom {
        Whom::All => items::of_kind(view, ItemKind::Patient, view.count().people, limit)?,
        Whom::Only(these) => {
            let mut found = Vec::new();
            for id in these.iter().take(limit) {
                if let Some((_, record)) = record::find(view, Class::Person, id.as_str())?
                    && record.is_registered
                {
                    let kept = items::find(view, &ItemRef::Patient(id.clone()))?;
                    let kept = kept.ok_or(Fault::Damaged { table: items::TABLE, row: 0 })?;
                    found.push(kept.into_item().item);
                }
            }
            found
        }
    };
    let person = |item| if let Item::Patient(person) = item { Some(*person) } else { None };
    let mut people = found.into_iter().map(person).collect::<Option<Vec<Person>>>().ok_or(damaged)?;
    people.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(people)
}

/// The table that people had.
const BEFORE: &str = "person";

/// Moves everybody into the register, each with an entry that holds their first version; then their old table goes.
/// One damaged row stops it, and the store stays as it was.
pub(super) fn move_into_register(conn: &Connection, keys: &Keys) -> Result<(), Fault> {
    let tally = Tally::read(conn, keys)?;
    let names = Names::read(conn, keys, tally.names)?;
    let view = View::new(conn, keys, &names, tally);
    let at = newest(&view)?;
    let tx = Tx { view: &view, at };
    let people =
        all(conn, "SELECT no, body, digest FROM person NOT INDEXED ORDER BY no", [], |row| before(row, &view))?;
    if u64::try_from(people.len()) != Ok(tally.people) {
        return Err(Fault::Damaged { table: BEFORE, row: 0 });
    }
    tx.tally(|tally| tally.people = 0);
    for (no, person) in people {
        let mut subject = Subject { no, is_new: false, record: record::read(&view, no)? };
        subject.record.is_registered = false;
        let mut draft = Draft::new(&tx);
        items::put(&tx, &mut draft, &mut subject, &Written::by_service(person))?;
        draft.append(&tx, &mut subject)?;
        subject.put(&tx)?;
    }
    view.count().put(conn, keys)?;
    conn.execute_batch("DROP TABLE person")?;
    Ok(())
}

/// A row of the table that people had.
fn before(row: &Row<'_>, view: &View<'_>) -> Result<(No, Patient), Fault> {
    intact(BEFORE, row, || {
        let (no, body): (No, String) = (row.get(0)?, row.get(1)?);
        verify(view.keys, BEFORE, &[i64::from(no).into(), body.as_str().into()], row.get(2)?)?;
        let person: Patient = serde_json::from_str(&body)?;
        let is_theirs = view.names.find(Class::Person, person.id.as_str()) == Some(no);
        if is_theirs { Ok((no, person)) } else { Err(super::rows::Unsound) }
    })
}

/// When the newest entry was written that can be read: nobody tells the time while a store is opened.
fn newest(view: &View<'_>) -> Result<DateTime<Utc>, Fault> {
    for seq in (1..=view.count().entries).rev() {
        match journal::entry(view, seq) {
            Ok(entry) => return Ok(entry.at),
            Err(Fault::Damaged { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(era())
}
