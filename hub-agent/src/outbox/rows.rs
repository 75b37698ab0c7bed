//! The outbox's rows: keep, take for sending, settle. Every function is one transaction.

use super::{Counts, LIVE_FOR, OutboxError, Request, Row, Standing, WAITING_MAX, Waiting, doing, heads};
use chrono::{DateTime, Utc};
use device_codecs::FrameKind;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use vitals::{
    ClockOffset, Reading, ReadingId, TakenAt,
    wire::{
        self,
        signing::RequestNumber,
        v1::{BODY_BYTES_MAX, Lane, ReceiptLine},
    },
};

/// Most bytes of readings in one batch: what the service accepts, less room for the batch's own few fields.
const BATCH_BYTES_MAX: usize = BODY_BYTES_MAX - 4096;

/// What was found when a reading came to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    New,
    Same,
    Other,
}

fn begin<'a>(connection: &'a mut Connection, what: &'static str) -> Result<Transaction<'a>, OutboxError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(doing(what))
}

fn sixteen_bytes(context: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

/// What tells two frames of one id apart: the part that is the same whenever the device tells the record again.
fn frame_digest(reading: &Reading) -> [u8; 16] {
    let raw = &reading.raw;
    let bytes = FrameKind::parse(&raw.characteristic).map_or(raw.bytes.as_slice(), |kind| kind.identity(&raw.bytes));
    sixteen_bytes("derwent 2026 outbox frame", &[raw.service.as_bytes(), raw.characteristic.as_bytes(), bytes])
}

fn checksum(id: &[u8], frame: &[u8], wire: &str, moment_us: i64) -> [u8; 16] {
    sixteen_bytes("derwent 2026 outbox row", &[id, frame, wire.as_bytes(), &moment_us.to_le_bytes()])
}

/// When a reading was taken, where clocks were compared; otherwise when it was heard, the most that is certain.
fn moment(reading: &Reading) -> DateTime<Utc> {
    match (reading.times.taken, reading.times.offset) {
        (TakenAt::DeviceClock(at), ClockOffset::ReadAtConnection { .. }) => at,
        (TakenAt::DeviceClock(_), ClockOffset::NotRead) | (TakenAt::HubClock(_), _) => reading.times.hub_received,
    }
}

/// Keeps a reading that is not kept yet. A damaged row of the same reading is written anew.
pub(super) fn keep(connection: &mut Connection, reading: &Reading) -> Result<Found, OutboxError> {
    const KEEP: &str = "keep a reading";
    let (id, frame, moment_us) = (reading.id.as_bytes(), frame_digest(reading), moment(reading).timestamp_micros());
    let wire = serde_json::to_string(&wire::v1::Reading::from(reading)).map_err(OutboxError::Json)?;
    let transaction = begin(connection, KEEP)?;
    let is_damaged: Option<bool> = transaction
        .query_row("SELECT damaged FROM reading WHERE id = ?1 AND frame = ?2", params![id, frame], |row| row.get(0))
        .optional()
        .map_err(doing(KEEP))?;
    if is_damaged == Some(false) {
        return Ok(Found::Same);
    }
    if waiting(&transaction)? >= WAITING_MAX {
        return Err(OutboxError::Full);
    }
    let others: i64 = transaction
        .query_row("SELECT count(*) FROM reading WHERE id = ?1 AND frame <> ?2", params![id, frame], |row| row.get(0))
        .map_err(doing(KEEP))?;
    transaction
        .execute(
            "INSERT INTO reading (id, frame, wire, moment_us, checksum) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id, frame) DO UPDATE SET wire = ?3, moment_us = ?4, checksum = ?5, damaged = 0",
            params![id, frame, wire, moment_us, checksum(id, &frame, &wire, moment_us)],
        )
        .map_err(doing(KEEP))?;
    transaction.commit().map_err(doing(KEEP))?;
    Ok(if others == 0 { Found::New } else { Found::Other })
}

fn waiting(connection: &Connection) -> Result<i64, OutboxError> {
    connection
        .query_row("SELECT count(*) FROM reading WHERE settled_us IS NULL AND damaged = 0", [], |row| row.get(0))
        .map_err(doing("count the waiting readings"))
}

/// Takes the next readings to send under a new request number, all in one commit.
pub(super) fn next_request(
    connection: &mut Connection,
    readings_max: usize,
    at: DateTime<Utc>,
) -> Result<Option<Request>, OutboxError> {
    const NEXT: &str = "take the next readings";
    let live_since = (at - LIVE_FOR).timestamp_micros();
    let transaction = begin(connection, NEXT)?;
    let mut damaged = Vec::new();
    let (lane, mut readings) = match take(&transaction, (live_since, i64::MAX), readings_max, at, &mut damaged)? {
        live if !live.is_empty() => (Lane::Live, live),
        _none => (Lane::Backfill, take(&transaction, (i64::MIN, live_since - 1), readings_max, at, &mut damaged)?),
    };
    for row in &damaged {
        transaction.execute("UPDATE reading SET damaged = 1 WHERE row = ?1", [row.0]).map_err(doing(NEXT))?;
    }
    if readings.is_empty() && damaged.is_empty() {
        return Ok(None);
    }
    for waiting in &mut readings {
        transaction
            .execute(
                "UPDATE reading SET first_sent_us = coalesce(first_sent_us, ?2) WHERE row = ?1",
                params![waiting.row.0, at.timestamp_micros()],
            )
            .map_err(doing(NEXT))?;
    }
    let number = next_number(&transaction)?;
    transaction.commit().map_err(doing(NEXT))?;
    Ok(Some(Request { number, lane, readings, damaged }))
}

/// The next request's number. In one commit it is given out once.
pub(super) fn next_number(connection: &Connection) -> Result<RequestNumber, OutboxError> {
    let (epoch, sequence): (u32, i64) = connection
        .query_row("UPDATE hub SET sequence = sequence + 1 RETURNING epoch, sequence", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(doing("number a request"))?;
    let sequence = u64::try_from(sequence).map_err(|_negative| OutboxError::NumbersUsedUp)?;
    Ok(RequestNumber { epoch, sequence })
}

/// How the outbox stands, for the service.
pub(super) fn standing(connection: &Connection, at: DateTime<Utc>) -> Result<Standing, OutboxError> {
    const LOOK: &str = "see how the outbox stands";
    const WAITS: &str = "FROM reading WHERE settled_us IS NULL AND damaged = 0";
    let live_since = (at - LIVE_FOR).timestamp_micros();
    let count = |sql: &str| -> Result<u64, OutboxError> {
        let rows: i64 = connection.query_row(sql, [live_since], |row| row.get(0)).map_err(doing(LOOK))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    };
    let oldest: Option<i64> =
        connection.query_row(&format!("SELECT min(moment_us) {WAITS}"), [], |row| row.get(0)).map_err(doing(LOOK))?;
    let live = count(&format!("SELECT count(*) {WAITS} AND moment_us >= ?1"))?;
    let backfill = count(&format!("SELECT count(*) {WAITS} AND moment_us < ?1"))?;
    let room = u64::try_from(WAITING_MAX).unwrap_or(0).saturating_sub(live.saturating_add(backfill));
    Ok(Standing { live, backfill, oldest: oldest.and_then(DateTime::from_timestamp_micros), room })
}

/// Has these readings wait again, where they are settled and still here; how many that were. Whoever was told of one is not
/// told again.
pub(super) fn offer_again(
    connection: &mut Connection,
    ids: &[ReadingId],
    at: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    const OFFER: &str = "offer readings again";
    let transaction = begin(connection, OFFER)?;
    let mut offered = 0;
    for id in ids {
        offered += transaction
            .execute(
                "UPDATE reading SET settled_us = NULL, receipt = NULL, prompts_shown_us = coalesce(prompts_shown_us, ?2)
                 WHERE id = ?1 AND settled_us IS NOT NULL AND damaged = 0 AND wire <> ''",
                params![id.as_bytes(), at.timestamp_micros()],
            )
            .map_err(doing(OFFER))?;
    }
    transaction.commit().map_err(doing(OFFER))?;
    Ok(offered)
}

/// Wipes what readings settled before a moment hold, the oldest first; how many. What tells them apart stays, so that a
/// device that tells its memory again is still known to repeat itself.
pub(super) fn wipe_settled(
    connection: &Connection,
    before: DateTime<Utc>,
    rows_max: usize,
    at: DateTime<Utc>,
) -> Result<usize, OutboxError> {
    connection
        .execute(
            "UPDATE reading SET wire = '', receipt = NULL, prompts_shown_us = coalesce(prompts_shown_us, ?3)
             WHERE row IN (SELECT row FROM reading WHERE settled_us IS NOT NULL AND wire <> '' AND settled_us < ?1
                           ORDER BY settled_us LIMIT ?2)",
            params![before.timestamp_micros(), i64::try_from(rows_max).unwrap_or(i64::MAX), at.timestamp_micros()],
        )
        .map_err(doing("wipe settled readings"))
}

/// The waiting readings of a span of moments, oldest first, within the limits of one batch.
fn take(
    transaction: &Transaction<'_>,
    (from_us, to_us): (i64, i64),
    readings_max: usize,
    at: DateTime<Utc>,
    damaged: &mut Vec<Row>,
) -> Result<Vec<Waiting>, OutboxError> {
    let read = doing("read the waiting readings");
    let mut statement = transaction
        .prepare(
            "SELECT row, id, frame, wire, moment_us, checksum, first_sent_us, prompts_shown_us FROM reading
             WHERE settled_us IS NULL AND damaged = 0 AND moment_us BETWEEN ?1 AND ?2 ORDER BY moment_us, row",
        )
        .map_err(&read)?;
    let mut rows = statement.query(params![from_us, to_us]).map_err(&read)?;
    let (mut readings, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next().map_err(&read)? {
        let number = Row(row.get(0).map_err(&read)?);
        let Some((waiting, wire_bytes)) = whole(row, number, at).map_err(&read)? else {
            damaged.push(number);
            continue;
        };
        // The first always goes, whatever its size: one reading is far below the limit, and it must not wait for ever.
        bytes = bytes.saturating_add(wire_bytes + 1);
        if !readings.is_empty() && (bytes > BATCH_BYTES_MAX || readings.len() >= readings_max) {
            break;
        }
        readings.push(waiting);
    }
    Ok(readings)
}

/// A row as it was written, with the bytes of its reading, or `None` where its checksum or its text is wrong.
fn whole(row: &rusqlite::Row<'_>, number: Row, at: DateTime<Utc>) -> rusqlite::Result<Option<(Waiting, usize)>> {
    let (id, frame, checked): (Vec<u8>, Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(5)?);
    let (wire, moment_us): (String, i64) = (row.get(3)?, row.get(4)?);
    let was_told = row.get::<_, Option<i64>>(7)?.is_some();
    let first_sent = row.get::<_, Option<i64>>(6)?.and_then(DateTime::from_timestamp_micros).unwrap_or(at);
    let is_whole = checksum(&id, &frame, &wire, moment_us).as_slice() == checked;
    let moment = DateTime::from_timestamp_micros(moment_us);
    let reading = serde_json::from_str(&wire).ok();
    Ok(match (is_whole, moment, reading) {
        (true, Some(moment), Some(reading)) => {
            Some((Waiting { row: number, moment, first_sent, was_told, reading }, wire.len()))
        }
        _ => None,
    })
}

/// Stores what the service said of each reading.
pub(super) fn settle(
    connection: &mut Connection,
    lines: &[(Row, ReceiptLine)],
    at: DateTime<Utc>,
) -> Result<(), OutboxError> {
    const SETTLE: &str = "settle readings";
    let transaction = begin(connection, SETTLE)?;
    let now = at.timestamp_micros();
    heads::note(&transaction, lines, at)?;
    for (row, line) in lines {
        let receipt = serde_json::to_string(line).map_err(OutboxError::Json)?;
        let shown = line.prompts.is_empty().then_some(now);
        transaction
            .execute(
                "UPDATE reading SET settled_us = ?2, receipt = ?3, prompts_shown_us = coalesce(prompts_shown_us, ?4)
                 WHERE row = ?1 AND settled_us IS NULL",
                params![row.0, now, receipt, shown],
            )
            .map_err(doing(SETTLE))?;
    }
    transaction.commit().map_err(doing(SETTLE))
}

/// Rows settled since a moment whose prompts wait to be shown.
pub(super) fn prompts_not_shown(
    connection: &Connection,
    since: DateTime<Utc>,
) -> Result<Vec<(Waiting, ReceiptLine)>, OutboxError> {
    let read = doing("read the prompts not shown");
    let mut statement = connection
        .prepare(
            "SELECT row, id, frame, wire, moment_us, checksum, first_sent_us, prompts_shown_us, receipt FROM reading
             WHERE settled_us IS NOT NULL AND prompts_shown_us IS NULL AND settled_us >= ?1 ORDER BY row",
        )
        .map_err(&read)?;
    let mut rows = statement.query([since.timestamp_micros()]).map_err(&read)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(&read)? {
        let number = Row(row.get(0).map_err(&read)?);
        let receipt: String = row.get(8).map_err(&read)?;
        // A damaged row's words are not shown to anybody; the service has the alert.
        if let (Some((waiting, _)), Ok(line)) =
            (whole(row, number, since).map_err(&read)?, serde_json::from_str(&receipt))
        {
            found.push((waiting, line));
        }
    }
    Ok(found)
}

/// Notes that prompts were shown or withheld.
pub(super) fn prompts_shown(connection: &mut Connection, rows: &[Row], at: DateTime<Utc>) -> Result<(), OutboxError> {
    const NOTE: &str = "note that prompts were shown";
    let transaction = begin(connection, NOTE)?;
    for row in rows {
        transaction
            .execute("UPDATE reading SET prompts_shown_us = ?2 WHERE row = ?1", params![row.0, at.timestamp_micros()])
            .map_err(doing(NOTE))?;
    }
    transaction.commit().map_err(doing(NOTE))
}

/// How many readings are in which state.
pub(super) fn counts(connection: &Connection) -> Result<Counts, OutboxError> {
    let count = |sql: &str| -> Result<u64, OutboxError> {
        let rows: i64 = connection.query_row(sql, [], |row| row.get(0)).map_err(doing("count the readings"))?;
        Ok(u64::try_from(rows).unwrap_or(0))
    };
    Ok(Counts {
        waiting: count("SELECT count(*) FROM reading WHERE settled_us IS NULL AND damaged = 0")?,
        settled: count("SELECT count(*) FROM reading WHERE settled_us IS NOT NULL")?,
        damaged: count("SELECT count(*) FROM reading WHERE damaged = 1")?,
    })
}
