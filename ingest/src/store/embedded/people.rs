//! The people of the store, as far as this version knows people.

use super::{
    digest::Digest,
    fault::Fault,
    names::{Class, No},
    readings::Whom,
    record,
    rows::{Tx, View, all, intact, one, run, verify},
};
use rules::Person;
use rusqlite::{Row, params};
use vitals::PatientId;

pub(super) const TABLE: &str = "person";

/// Keeps a person; nothing where they are kept like this already.
pub(super) fn put(tx: &Tx<'_>, no: No, person: &Person) -> Result<Option<Digest>, Fault> {
    let body = serde_json::to_string(person)?;
    let digest = tx.keys.row(TABLE, &[i64::from(no).into(), body.as_str().into()]);
    let changed = run(
        tx.conn,
        "INSERT INTO person (no, body, digest) VALUES (?1, ?2, ?3)
         ON CONFLICT (no) DO UPDATE SET body = excluded.body, digest = excluded.digest WHERE digest <> excluded.digest",
        params![no, body, digest],
    )?;
    Ok((changed == 1).then_some(digest))
}

fn read(row: &Row<'_>, view: &View<'_>) -> Result<Person, Fault> {
    intact(TABLE, row, || {
        let (no, body): (i64, String) = (row.get(0)?, row.get(1)?);
        verify(view.keys, TABLE, &[no.into(), body.as_str().into()], row.get(2)?)?;
        Ok(serde_json::from_str(&body)?)
    })
}

/// A person's details with their digest; none where there are none.
pub(super) fn find(view: &View<'_>, no: No) -> Result<Option<(Person, Digest)>, Fault> {
    one(view.conn, "SELECT no, body, digest FROM person WHERE no = ?1", params![no], |row| {
        Ok((read(row, view)?, row.get(2)?))
    })
}

/// People, by id, or damage where one of them is missing.
pub(super) fn list(view: &View<'_>, whom: &Whom<PatientId>, limit: usize) -> Result<Vec<Person>, Fault> {
    let mut people = match whom {
        Whom::All => {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let people: Vec<Person> = all(
                view.conn,
                "SELECT no, body, digest FROM person NOT INDEXED ORDER BY no LIMIT ?1",
                params![limit],
                |row| read(row, view),
            )?;
            let expected = usize::try_from(view.count().people)
                .unwrap_or(usize::MAX)
                .min(usize::try_from(limit).unwrap_or(usize::MAX));
            if people.len() != expected {
                return Err(Fault::Damaged { table: TABLE, row: 0 });
            }
            people
        }
        Whom::Only(these) => {
            let mut people = Vec::new();
            for id in these.iter().take(limit) {
                if let Some((no, record)) = record::find(view, Class::Person, id.as_str())?
                    && record.is_registered
                {
                    let found =
                        one(view.conn, "SELECT no, body, digest FROM person WHERE no = ?1", params![no], |row| {
                            read(row, view)
                        })?;
                    let found = found.filter(|person| person.id == *id);
                    people.push(found.ok_or(Fault::Damaged { table: TABLE, row: no.into() })?);
                }
            }
            people
        }
    };
    people.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(people)
}
