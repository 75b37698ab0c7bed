//! The newest head of each person's chain that a receipt gave this hub: what makes it a witness.
//!
//! Invariant: a head gives way only to one of a later place in the service's journal. So a service that was rolled back cannot
//! talk a hub out of what it saw: the old head stays, is returned, and is not found.

use super::{OutboxError, Row, doing};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use vitals::wire::v1::ReceiptLine;

/// Most people whose heads are kept: many times the beds of a care home. Beyond it the one that changed longest ago goes.
const PEOPLE_MAX: i64 = 1000;

/// The place a head stands at: the number before its point. A head of a form we do not know has none and gives way.
fn place(head: &str) -> Option<u64> {
    head.split_once('.')?.0.parse().ok()
}

/// Notes the heads of a receipt's lines.
pub(super) fn note(
    transaction: &Transaction<'_>,
    lines: &[(Row, ReceiptLine)],
    at: DateTime<Utc>,
) -> Result<(), OutboxError> {
    let note = doing("note the heads of a receipt");
    let mut last = None;
    for (row, line) in lines {
        let Some(head) = line.chain_head.as_deref().filter(|head| last != Some(*head)) else { continue };
        last = Some(head);
        let patient: Option<String> = transaction
            .query_row("SELECT wire ->> '$.patient' FROM reading WHERE row = ?1 AND wire <> ''", [row.0], |row| {
                row.get(0)
            })
            .optional()
            .map_err(&note)?
            .flatten();
        let Some(patient) = patient else { continue };
        let known: Option<String> = transaction
            .query_row("SELECT head FROM head WHERE patient = ?1", [&patient], |row| row.get(0))
            .optional()
            .map_err(&note)?;
        let gives_way = known.as_deref().is_none_or(|known| match (place(known), place(head)) {
            (Some(known), Some(new)) => new > known,
            (Some(_), None) => false,
            (None, _) => true,
        });
        if gives_way {
            transaction
                .execute(
                    "INSERT INTO head (patient, head, changed_us) VALUES (?1, ?2, ?3)
                     ON CONFLICT (patient) DO UPDATE SET head = ?2, changed_us = ?3",
                    params![patient, head, at.timestamp_micros()],
                )
                .map_err(&note)?;
        }
    }
    transaction
        .execute(
            "DELETE FROM head WHERE patient IN
             (SELECT patient FROM head ORDER BY changed_us DESC, patient LIMIT -1 OFFSET ?1)",
            [PEOPLE_MAX],
        )
        .map_err(&note)?;
    Ok(())
}

/// Heads of the people after this one, in the order of their ids, and from the first again where they end.
pub(super) fn after(
    connection: &Connection,
    patient: &str,
    limit: usize,
) -> Result<BTreeMap<String, String>, OutboxError> {
    let read = doing("read the heads");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement =
        connection.prepare("SELECT patient, head FROM head ORDER BY patient <= ?1, patient LIMIT ?2").map_err(&read)?;
    let rows = statement.query_map(params![patient, limit], |row| Ok((row.get(0)?, row.get(1)?))).map_err(&read)?;
    rows.collect::<rusqlite::Result<_>>().map_err(&read)
}
