//! What belongs to nobody: refused readings, and the numbers of requests already received.

use super::{
    digest::{Digest, Keys, micros},
    fault::Fault,
    rows::{Tx, Unsound, all, intact, moment, one, run},
};
use crate::store::StoredRefusal;
use rules::event::RefusedReading;
use rusqlite::{Connection, Row, named_params};
use std::cmp::Reverse;
use vitals::{
    ErrorCode, HubId, ReadingId,
    wire::signing::{ReplayWindow, RequestNumber},
};

/// The digest that makes a refusal known again: without its time, because a hub may send it again and again.
fn content(keys: &Keys, hub: &str, id: Option<&[u8; 16]>, code: &str, body: &str) -> Digest {
    keys.row("refusal", &[hub.into(), id.into(), code.into(), body.into()])
}

/// Keeps a refused reading with its reason; nothing where it is already kept.
pub(super) fn keep_refusal(tx: &Tx<'_>, refused: &RefusedReading) -> Result<Option<Digest>, Fault> {
    let (hub, id, code) = (refused.hub.as_str(), refused.id.as_ref().map(ReadingId::as_bytes), refused.code.code());
    let content = content(tx.keys, hub, id, code, &refused.body);
    let kept = run(
        tx.conn,
        "INSERT INTO refusal (hub, id, code, at, body, content) VALUES (:hub, :id, :code, :at, :body, :content) ON CONFLICT DO NOTHING",
        named_params! { ":hub": hub, ":id": id, ":code": code, ":at": micros(tx.at), ":body": refused.body, ":content": content },
    )?;
    Ok((kept == 1).then_some(content))
}

/// Refused readings, and those in conflict with a stored one, from these hubs (a JSON list; none means all), the newest
/// first.
pub(super) fn refusals(
    conn: &Connection,
    keys: &Keys,
    hubs: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredRefusal>, Fault> {
    let sql = "SELECT seq, hub, id, code, at, body, content FROM refusal
        WHERE :hubs IS NULL OR hub IN (SELECT value FROM json_each(:hubs)) ORDER BY seq DESC LIMIT :limit";
    let mut found = all(conn, sql, named_params! { ":hubs": hubs, ":limit": limit }, |row| read_refusal(row, keys))?;
    let sql = "SELECT seq, hub, at FROM conflict
        WHERE :hubs IS NULL OR hub IN (SELECT value FROM json_each(:hubs)) ORDER BY seq DESC LIMIT :limit";
    found.extend(all(conn, sql, named_params! { ":hubs": hubs, ":limit": limit }, read_conflict)?);
    found.sort_by_key(|refusal| Reverse(refusal.at));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

fn read_conflict(row: &Row<'_>) -> Result<StoredRefusal, Fault> {
    intact("conflict", row, || {
        let (hub, at): (String, i64) = (row.get(1)?, row.get(2)?);
        Ok(StoredRefusal { hub: HubId::parse(&hub)?, at: moment(at)?, code: ErrorCode::ReadingConflict })
    })
}

fn read_refusal(row: &Row<'_>, keys: &Keys) -> Result<StoredRefusal, Fault> {
    intact("refusal", row, || {
        let (hub, id, code, at, body): (String, Option<[u8; 16]>, String, i64, String) =
            (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?);
        if content(keys, &hub, id.as_ref(), &code, &body) != row.get::<_, Digest>(6)? {
            return Err(Unsound);
        }
        Ok(StoredRefusal {
            hub: HubId::parse(&hub)?,
            at: moment(at)?,
            code: ErrorCode::from_code(&code).ok_or(Unsound)?,
        })
    })
}

/// The request numbers already received from a hub.
pub(super) fn replay_window(conn: &Connection, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, Fault> {
    let sql = "SELECT epoch, highest, seen FROM replay WHERE hub = :hub";
    one(conn, sql, named_params! { ":hub": hub.as_str() }, |row| {
        let (epoch, highest, seen): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let epoch = u32::try_from(epoch).map_err(|_too_large| Fault::Damaged { table: "replay", row: epoch })?;
        Ok((epoch, ReplayWindow { highest: highest.cast_unsigned(), seen: seen.cast_unsigned() }))
    })
}

/// Takes a request number, or refuses one that was taken before or is of an earlier epoch. This is the authority: the
/// window in memory only saves the way here.
pub(super) fn take_number(tx: &Tx<'_>, hub: &HubId, number: RequestNumber) -> Result<(), Fault> {
    let mut window = match replay_window(tx.conn, hub)? {
        Some((epoch, _)) if epoch > number.epoch => return Err(Fault::Replayed),
        Some((epoch, window)) if epoch == number.epoch => window,
        Some(_) | None => ReplayWindow::default(),
    };
    if !window.take(number.sequence) {
        return Err(Fault::Replayed);
    }
    run(
        tx.conn,
        "INSERT INTO replay (hub, epoch, highest, seen) VALUES (:hub, :epoch, :highest, :seen)
         ON CONFLICT (hub) DO UPDATE SET epoch = excluded.epoch, highest = excluded.highest, seen = excluded.seen",
        named_params! { ":hub": hub.as_str(), ":epoch": number.epoch, ":highest": window.highest.cast_signed(), ":seen": window.seen.cast_signed() },
    )?;
    Ok(())
}
