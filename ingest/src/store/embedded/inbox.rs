//! What a hub sent that is not a stored reading: refused readings, and those that say something else than the stored one;
//! and the numbers of its requests.
//!
//! Invariants: each content is kept once, however often it is sent; a hub's refusals count without a gap, and its record
//! says how far, so a list of them is whole or refused.

use super::{
    digest::{Digest, micros},
    fault::Fault,
    known,
    names::{Class, No},
    readings::{self, Whom},
    record::{self, Record, Subject},
    rows::{self, Tx, Unsound, View, all, intact, moment, run, verify},
};
use crate::store::StoredRefusal;
use rules::event::RefusedReading;
use rusqlite::{Row, params};
use std::{cmp::Reverse, collections::BTreeSet};
use vitals::{
    Admitted, ErrorCode, HubId, ReadingId,
    wire::signing::{ReplayWindow, RequestNumber},
};

pub(super) const TABLE: &str = "refusal";

/// Something a hub sent, to be kept beside the readings.
struct Kept<'a> {
    reading: Option<&'a [u8; 16]>,
    code: &'static str,
    body: &'a str,
}

/// What makes a refused reading's content: not its time, because a hub may send it again and again.
fn content_of_refusal(view: &View<'_>, reading: Option<&[u8; 16]>, code: &str, body: &str) -> Digest {
    view.keys.row("refused", &[reading.into(), code.into(), body.into()])
}

fn content_of_conflict(view: &View<'_>, admitted: &Admitted) -> Result<Digest, Fault> {
    let content = readings::content(&admitted.reading)?;
    Ok(view.keys.row("conflict", &[admitted.reading.id.as_bytes().into(), content.as_str().into()]))
}

/// The record under which a content is known.
fn key_of(content: &Digest) -> i64 {
    content.first_chunk().map_or(0, known::key)
}

/// Keeps it, once for each content: nothing where `content` is kept already.
fn keep(
    tx: &Tx<'_>,
    hub: &mut Subject,
    entry: u64,
    content: &Digest,
    kept: &Kept<'_>,
) -> Result<Option<Digest>, Fault> {
    let record = key_of(content);
    if known::claim(tx, hub.no, record, entry)?.is_some() {
        return Ok(None);
    }
    hub.record.refusals += 1;
    let n = i64::try_from(hub.record.refusals).unwrap_or(i64::MAX);
    let (no, at) = (i64::from(hub.no), micros(tx.at));
    let parts = [no.into(), n.into(), kept.reading.into(), kept.code.into(), at.into(), kept.body.into()];
    let digest = tx.keys.row(TABLE, &parts);
    run(
        tx.conn,
        "INSERT INTO refusal (hub, n, reading, code, at, body, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![no, n, kept.reading, kept.code, at, kept.body, digest],
    )?;
    Ok(Some(digest))
}

/// Keeps a refused reading with its reason; nothing where it is already kept.
pub(super) fn keep_refusal(
    tx: &Tx<'_>,
    hub: &mut Subject,
    entry: u64,
    refused: &RefusedReading,
) -> Result<Option<Digest>, Fault> {
    let (reading, code) = (refused.id.as_ref().map(ReadingId::as_bytes), refused.code.code());
    let content = content_of_refusal(tx, reading, code, &refused.body);
    keep(tx, hub, entry, &content, &Kept { reading, code, body: &refused.body })
}

/// Keeps a reading that says something else than the stored one of its source and record; nothing where these same
/// contents are already kept.
pub(super) fn keep_conflict(
    tx: &Tx<'_>,
    hub: &mut Subject,
    entry: u64,
    admitted: &Admitted,
) -> Result<Option<Digest>, Fault> {
    let reading = admitted.reading.id.as_bytes();
    let content = content_of_conflict(tx, admitted)?;
    let body = serde_json::to_string(admitted)?;
    let code = ErrorCode::ReadingConflict.code();
    keep(tx, hub, entry, &content, &Kept { reading: Some(reading), code, body: &body })
}

/// Refused readings, and those in conflict with a stored one, from these hubs, the newest first.
pub(super) fn refusals(view: &View<'_>, hubs: &Whom<HubId>, limit: usize) -> Result<Vec<StoredRefusal>, Fault> {
    let hubs = match hubs {
        Whom::All => view.names.all(Class::Hub),
        Whom::Only(these) => these.iter().map(|hub| hub.as_str().into()).collect(),
    };
    let mut found = Vec::new();
    for hub in hubs {
        if let Some((no, record)) = record::find(view, Class::Hub, &hub)? {
            found.extend(of_hub(view, no, &record, limit)?);
        }
    }
    found.sort_by_key(|(at, n, _)| Reverse((*at, *n)));
    found.truncate(limit);
    Ok(found.into_iter().map(|(_, _, refusal)| refusal).collect())
}

fn of_hub(view: &View<'_>, hub: No, record: &Record, limit: usize) -> Result<Vec<(i64, i64, StoredRefusal)>, Fault> {
    if record.refusals == 0 {
        return Ok(Vec::new());
    }
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT n, hub, reading, code, at, body, digest FROM refusal WHERE hub = ?1 ORDER BY n DESC LIMIT ?2";
    let found = all(view.conn, sql, params![hub, rows], |row| read(row, view))?;
    let newest = i64::try_from(record.refusals).unwrap_or(i64::MAX);
    let wanted = usize::try_from(record.refusals).unwrap_or(usize::MAX).min(limit);
    let is_whole =
        found.len() == wanted && found.iter().zip((1..=newest).rev()).all(|((_, n, _), expected)| *n == expected);
    if is_whole { Ok(found) } else { Err(Fault::Damaged { table: TABLE, row: newest }) }
}

/// A refusal's row, as the inspection looks at it: its digest, and the record under which its content is known.
pub(super) struct Sound {
    pub(super) digest: Digest,
    pub(super) record: i64,
    /// Whether it was erased.
    pub(super) is_emptied: bool,
}

/// Everything that a hub had refused, or that is in conflict, by its number.
pub(super) fn all_of(view: &View<'_>, hub: No) -> Result<rows::Numbered<Sound>, Fault> {
    let sql = "SELECT n, hub, reading, code, at, body, digest FROM refusal WHERE hub = ?1 ORDER BY n";
    rows::every(view.conn, sql, params![hub], |row| {
        let (_, _, StoredRefusal { code, .. }) = read(row, view)?;
        intact(TABLE, row, || {
            let (reading, body): (Option<[u8; 16]>, String) = (row.get(2)?, row.get(5)?);
            let content = if code == ErrorCode::ReadingConflict
                && let Ok(admitted) = serde_json::from_str(&body)
            {
                content_of_conflict(view, &admitted).map_err(|_unreadable| Unsound)?
            } else {
                content_of_refusal(view, reading.as_ref(), code.code(), &body)
            };
            let is_emptied = code == ErrorCode::ReadingErased && body.is_empty();
            Ok(Sound { digest: row.get(6)?, record: key_of(&content), is_emptied })
        })
    })
}

fn read(row: &Row<'_>, view: &View<'_>) -> Result<(i64, i64, StoredRefusal), Fault> {
    intact(TABLE, row, || {
        let (n, hub, reading): (i64, i64, Option<[u8; 16]>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (code, at, body): (String, i64, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
        let parts =
            [hub.into(), n.into(), reading.as_ref().into(), code.as_str().into(), at.into(), body.as_str().into()];
        verify(view.keys, TABLE, &parts, row.get(6)?)?;
        let hub = super::kept::name_of(view.names, No::try_from(hub)?, Class::Hub)?;
        let refusal = StoredRefusal {
            hub: HubId::parse(&hub)?,
            at: moment(at)?,
            code: ErrorCode::from_code(&code).ok_or(Unsound)?,
        };
        Ok((at, n, refusal))
    })
}

/// The request numbers already received from a hub.
pub(super) fn replay_window(view: &View<'_>, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, Fault> {
    Ok(record::find(view, Class::Hub, hub.as_str())?.and_then(|(_, record)| record.replay))
}

/// Takes a request number, or refuses one that was taken before or is of an earlier epoch. This is the authority: the
/// window in memory only saves the way here.
pub(super) fn take_number(tx: &Tx<'_>, hub: &HubId, number: RequestNumber) -> Result<(), Fault> {
    let mut subject = Subject::open(tx, Class::Hub, hub.as_str())?;
    let mut window = match subject.record.replay {
        Some((epoch, _)) if epoch > number.epoch => return Err(Fault::Replayed),
        Some((epoch, window)) if epoch == number.epoch => window,
        Some(_) | None => ReplayWindow::default(),
    };
    if !window.take(number.sequence) {
        return Err(Fault::Replayed);
    }
    subject.record.replay = Some((number.epoch, window));
    subject.put(tx)
}

/// What hubs had refused that names this person, or is about one of these readings: the hub, and its number there.
pub(super) fn of_person(tx: &Tx<'_>, id: &str, readings: &BTreeSet<[u8; 16]>) -> Result<Vec<(No, i64)>, Fault> {
    let mut found = Vec::new();
    all(tx.conn, "SELECT n, hub, reading, body FROM refusal ORDER BY hub, n", [], |row| {
        let (n, hub): (i64, No) = (row.get(0)?, row.get(1)?);
        intact(TABLE, row, || {
            let (reading, body): (Option<[u8; 16]>, &str) = (row.get(2)?, row.get_ref(3)?.as_str()?);
            if reading.is_some_and(|reading| readings.contains(&reading)) || names(body, id) {
                found.push((hub, n));
            }
            Ok(())
        })
    })?;
    Ok(found)
}

/// Whether a text names somebody: their id as a word of its own.
fn names(text: &str, id: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').any(|word| word == id)
}

/// Empties one: the row keeps its number. What it was known by in the journal, and the record of its content.
pub(super) fn empty(tx: &Tx<'_>, hub: No, n: i64) -> Result<(Digest, i64), Fault> {
    let damaged = || Fault::Damaged { table: TABLE, row: n };
    let (_, sound) = all_of(tx, hub)?.into_iter().find(|(number, _)| *number == n).ok_or_else(damaged)?;
    let Sound { digest, record, .. } = sound?;
    let (no, at, code) = (i64::from(hub), 0_i64, ErrorCode::ReadingErased.code());
    let parts = [no.into(), n.into(), None::<&[u8; 16]>.into(), code.into(), at.into(), "".into()];
    let emptied = tx.keys.row(TABLE, &parts);
    let sql = "UPDATE refusal SET reading = NULL, code = ?1, at = 0, body = '', digest = ?2 WHERE hub = ?3 AND n = ?4";
    run(tx.conn, sql, params![code, emptied, no, n])?;
    Ok((digest, record))
}
