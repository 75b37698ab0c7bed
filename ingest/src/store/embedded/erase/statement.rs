//! Taking a person out of the journal, and the statement that stands in the place of what they said.

use super::{
    Wanted,
    rows::{self, Emptied},
};
use crate::{
    server_key::ServerKey,
    store::{
        Ended, Statement, Tombstone,
        embedded::{
            apply, damage,
            digest::Content,
            fault::Fault,
            items,
            journal::{self, Draft, Entry, EntryKind, Thing},
            names::{Class, No},
            record::{self, Subject},
            rows::{Tx, View, intact, run},
        },
    },
};
use chrono::{DateTime, Utc};
use register::{Item, ItemKind};
use rusqlite::params;
use std::collections::BTreeSet;
use vitals::{PatientId, hex, wire::sealed::SealedFor};

/// What stands where a person's id stood in somebody else's entry. It is an id of its kind.
const SOMEBODY: &str = "pt-erased";

/// The hash over entries that a statement covers, in the order of their numbers.
pub(in super::super) struct Covered {
    hasher: blake3::Hasher,
    count: u64,
}

impl Default for Covered {
    fn default() -> Self {
        Self { hasher: blake3::Hasher::new_derive_key("derwent 2026 entries that a statement covers"), count: 0 }
    }
}

impl Covered {
    pub(in super::super) fn add(&mut self, seq: u64, content: &Content) {
        self.hasher.update(&seq.to_le_bytes());
        self.hasher.update(&content.0);
        self.count += 1;
    }

    /// How many, and the hash in hexadecimal.
    pub(in super::super) fn end(self) -> (u64, String) {
        (self.count, hex::encode(self.hasher.finalize().as_bytes()))
    }
}

/// An entry to be emptied, whole or in part.
struct ToEmpty {
    entry: Entry,
    is_all: bool,
    left: Vec<u8>,
}

/// Takes everything of a person out, and puts the signed statement in its place.
pub(super) fn put_in_place(
    view: &View<'_>,
    key: &ServerKey,
    patient: &PatientId,
    (how, wanted): (Ended, Wanted),
    at: DateTime<Utc>,
) -> Result<Tombstone, Fault> {
    let tx = &Tx { view, at };
    off_the_hubs(tx, patient)?;
    let mut person = Subject::open(tx, Class::Person, patient.as_str())?;
    let head = hex::encode(&person.record.head);
    let draft = Draft::new(tx);
    let own = own_entries(tx, &person)?;
    let readings = own.iter().flat_map(|entry| &entry.readings).map(|kept| *kept.admitted.reading.id.as_bytes());
    let readings: BTreeSet<[u8; 16]> = readings.collect();
    let refused = rows::empty_refusals(tx, patient.as_str(), &readings)?;
    let own: BTreeSet<u64> = own.iter().map(|entry| entry.seq).collect();
    let mut to_empty = Vec::new();
    let mut covered = Covered::default();
    each_entry(tx, |entry, body| {
        let is_all = own.contains(&entry.seq);
        let is_theirs = |thing: &Thing| {
            let is_refusal = [EntryKind::ReadingRefused, EntryKind::ReadingConflict].contains(&thing.kind);
            is_refusal && refused.digests.contains(&thing.digest)
        };
        let names_them = |thing: &Thing| is_theirs(thing) || without(&thing.what, patient.as_str()).is_some();
        if !is_all && !entry.things.iter().any(names_them) {
            return Ok(());
        }
        let keep = |thing: &Thing| {
            let is_kept = !is_theirs(thing);
            is_kept.then(|| without(&thing.what, patient.as_str()).unwrap_or_else(|| thing.what.clone()))
        };
        let damaged = |_unsound| Fault::Damaged { table: journal::TABLE, row: row(entry.seq) };
        let left = entry.left(tx, draft.seq, body, is_all, keep).map_err(damaged)?;
        covered.add(entry.seq, &entry.content);
        to_empty.push(ToEmpty { entry, is_all, left });
        Ok(())
    })?;
    for ToEmpty { entry, left, .. } in &to_empty {
        run(tx.conn, "UPDATE entry SET body = ?1 WHERE seq = ?2", params![left, row(entry.seq)])?;
    }
    let others = to_empty.iter().filter(|emptied| !emptied.is_all).count();
    damage::let_go(tx, person.no)?;
    let Emptied { alerts, notifications, items } = rows::empty_all(tx, &person, &own)?;
    let records = rows::records(tx, &own, &refused)?;
    let is_registered = std::mem::take(&mut person.record.is_registered);
    (person.record.alerts, person.record.items, person.record.state) = (0, 0, Vec::new());
    tx.tally(|tally| {
        tally.people -= u64::from(is_registered && tally.people > 0);
        tally.ended += 1;
    });
    let Wanted { ground, asked_by, agreed_by } = wanted;
    let (count, covered) = covered.end();
    let others = u64::try_from(others).unwrap_or(u64::MAX);
    let statement = Statement {
        how,
        at,
        ground,
        asked_by,
        agreed_by,
        entries: count - others,
        others,
        head,
        covered,
        alerts,
        notifications,
        items,
        refusals: refused.of_hubs.into_iter().collect(),
        records,
    };
    let signature = key.sign(SealedFor::Tombstone, &serde_json::to_vec(&statement)?);
    let (key, signature) = (hex::encode(&key.public()), hex::encode(&signature));
    let tombstone = Tombstone { statement, key, signature };
    end_chain(tx, draft, person, patient, &tombstone)?;
    Ok(tombstone)
}

fn row(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A new version of every hub that the person is on, without them.
fn off_the_hubs(tx: &Tx<'_>, patient: &PatientId) -> Result<(), Fault> {
    let hubs = items::all_of_kind(tx, ItemKind::Hub)?;
    let mut events = Vec::new();
    for item in hubs {
        if let Item::Hub(mut hub) = item
            && hub.patients.contains(patient)
        {
            hub.patients.retain(|on_it| on_it != patient);
            events.push(rules::Event::written(*hub));
        }
    }
    if events.is_empty() { Ok(()) } else { apply::to_service(tx, events).map(drop) }
}

/// Every entry of a person that is not marked as damaged, with what it says.
fn own_entries(tx: &Tx<'_>, person: &Subject) -> Result<Vec<Entry>, Fault> {
    let mut own = Vec::new();
    journal::newest_first(tx, journal::From::Only(vec![(person.no, person.record.clone())]), |entry| {
        own.push(entry);
        Ok(true)
    })?;
    Ok(own)
}

/// Hands out every entry that is not marked as damaged, with its bytes.
fn each_entry(tx: &Tx<'_>, mut each: impl FnMut(Entry, &[u8]) -> Result<(), Fault>) -> Result<(), Fault> {
    let sql = format!("SELECT {} FROM entry ORDER BY seq", journal::COLUMNS);
    let mut statement = tx.conn.prepare_cached(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get(0)?;
        if damage::find(tx, u64::try_from(seq).unwrap_or(0))?.is_some() {
            continue;
        }
        let entry = Entry::read(row, tx)?;
        let body = intact(journal::TABLE, row, || Ok(row.get_ref(2)?.as_blob()?))?;
        each(entry, body)?;
    }
    Ok(())
}

/// The text with [`SOMEBODY`] wherever this id stands, as a word of its own; none where it does not.
fn without(text: &str, id: &str) -> Option<String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let mut new = String::new();
    let (mut rest, mut is_changed) = (text, false);
    while let Some((before, after)) = rest.split_once(id) {
        let is_word = !before.as_bytes().last().is_some_and(is_part) && !after.as_bytes().first().is_some_and(is_part);
        new.push_str(before);
        new.push_str(if is_word { SOMEBODY } else { id });
        is_changed |= is_word;
        rest = after;
    }
    new.push_str(rest);
    is_changed.then_some(new)
}

/// Puts the statement at the end of the chain, and takes the name away.
fn end_chain(
    tx: &Tx<'_>,
    mut draft: Draft,
    mut person: Subject,
    patient: &PatientId,
    tombstone: &Tombstone,
) -> Result<(), Fault> {
    let said = serde_json::to_string(tombstone)?;
    let digest = tx.keys.row("statement", &[said.as_str().into()]);
    draft.thing(EntryKind::RecordEnded, &said, None, &digest);
    draft.append(tx, &mut person)?;
    person.put(tx)?;
    take_name_away(tx, person.no, patient)
}

/// What stands in the name's place tells nobody whose it was; only of a name that somebody brings can it be told whether it
/// is this one's.
fn take_name_away(tx: &Tx<'_>, no: No, patient: &PatientId) -> Result<(), Fault> {
    let class = Class::Person.code();
    let name = tx.keys.erased_name(class, patient.as_str());
    let digest = tx.keys.row("name", &[i64::from(no).into(), class.into(), name.as_str().into()]);
    run(tx.conn, "UPDATE name SET name = ?1, digest = ?2 WHERE no = ?3", params![name, digest, no])?;
    Ok(())
}

/// The statement at the end of a chain, where the record of this name has ended.
pub(in super::super) fn of_ended(view: &View<'_>, patient: &PatientId) -> Result<Option<Tombstone>, Fault> {
    let name = view.keys.erased_name(Class::Person.code(), patient.as_str());
    let Some((_, record)) = record::find(view, Class::Person, &name)? else { return Ok(None) };
    let damaged = || Fault::Damaged { table: journal::TABLE, row: row(record.last) };
    let entry = journal::entry(view, record.last)?;
    let thing = entry.things.iter().find(|thing| thing.kind == EntryKind::RecordEnded).ok_or_else(damaged)?;
    serde_json::from_str(&thing.what).map(Some).map_err(|_not_one| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_out_where_it_stands_as_a_word() {
        let check = |text: &str, expected: Option<&str>| assert_eq!(without(text, "pt-1").as_deref(), expected);
        check("hub-1 pt-1", Some("hub-1 pt-erased"));
        check(
            r#"["pt-1","pt-10","apt-1","pt-1-2","pt-1"]"#,
            Some(r#"["pt-erased","pt-10","apt-1","pt-1-2","pt-erased"]"#),
        );
        check("pt-10 pt-12", None);
        check("", None);
    }
}
