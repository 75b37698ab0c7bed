//! Where each record of a source stands, so that whatever is repeated is stored once.
//!
//! Invariant: what is claimed here is stored in the entry it was claimed for, or the slice is taken back whole.

use super::{
    fault::Fault,
    names::No,
    rows::{Tx, View, one, run},
};
use rusqlite::params;
use vitals::{HubId, Reading, ReadingId, Who, record::identity};

/// A record as a key: its eight bytes.
pub(super) fn key(record: &[u8; 8]) -> i64 {
    i64::from_be_bytes(*record)
}

/// The key under which the newest frame of this content stands, for a device that gives neither number nor time: the
/// same bytes of the same source for the same person, whoever heard them. Another person's hub that heard the same frame
/// says something else: each of the two stays where its hub put it, and is judged there.
pub(super) fn twin_key(reading: &Reading) -> i64 {
    let bytes = identity(&reading.raw.characteristic, &reading.raw.bytes);
    // No person's id is empty.
    let whose = match &reading.who {
        Who::Patient(patient) => patient.as_str(),
        Who::Unassigned(_) => "",
    };
    let (service, characteristic) = (reading.raw.service.as_bytes(), reading.raw.characteristic.as_bytes());
    let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 frame without number or time");
    for part in [service, characteristic, reading.user_index.as_slice(), bytes, whose.as_bytes()] {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().as_bytes().first_chunk().map_or(0, key)
}

/// The key under which it stands that a hub heard a stored reading too.
pub(super) fn hearer_key(reading: ReadingId, hub: &HubId) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key("derwent 2026 hearer of a stored reading");
    hasher.update(reading.as_bytes());
    hasher.update(hub.as_str().as_bytes());
    hasher.finalize().as_bytes().first_chunk().map_or(0, key)
}

/// A record and where it stands, as a part of a sum over many.
pub(super) fn place(view: &View<'_>, source: No, record: i64, entry: u64) -> u64 {
    view.keys.part([source.into(), record.cast_unsigned(), entry])
}

/// Claims a record for an entry; the entry where it stands already, if it does.
pub(super) fn claim(tx: &Tx<'_>, source: No, record: i64, entry: u64) -> Result<Option<u64>, Fault> {
    let seq = i64::try_from(entry).unwrap_or(i64::MAX);
    let claimed = run(
        tx.conn,
        "INSERT INTO known (source, record, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        params![source, record, seq],
    )?;
    if claimed == 1 { Ok(None) } else { find(tx, source, record) }
}

/// The entry where a record stands.
pub(super) fn find(view: &View<'_>, source: No, record: i64) -> Result<Option<u64>, Fault> {
    one(view.conn, "SELECT entry FROM known WHERE source = ?1 AND record = ?2", params![source, record], |row| {
        let entry: i64 = row.get(0)?;
        u64::try_from(entry).map_err(|_below_nought| Fault::Damaged { table: "known", row: entry })
    })
}

/// Makes a record stand in an entry, wherever it stood.
pub(super) fn put(tx: &Tx<'_>, source: No, record: i64, entry: u64) -> Result<(), Fault> {
    let seq = i64::try_from(entry).unwrap_or(i64::MAX);
    run(
        tx.conn,
        "INSERT INTO known (source, record, entry) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET entry = excluded.entry",
        params![source, record, seq],
    )?;
    Ok(())
}
