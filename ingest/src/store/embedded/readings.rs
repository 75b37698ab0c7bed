//! Reading rows: stored once for each source and record, with their verdict; what differs is kept beside them.
//!
//! Invariants: what two hubs may see differently (who, hub, receipt times, quality) does not make a conflict; a verdict
//! is replaced only where the rules had failed.

use super::{
    digest::{Digest, Keys, Part, micros},
    fault::Fault,
    rows::{Tx, Unsound, all, intact, one, run, sound, verify},
};
use crate::store::StoredReading;
use rules::Verdict;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use vitals::{Admitted, Kind, PatientId, RawFrame, Reading, RecordNumber, SourceId, record::identity};

const TABLE: &str = "reading";

/// Every column, its number first and its digest last.
const COLUMNS: &str = "seq, source, record, patient, hub, kind, event_time, judged, body, verdict, digest";

/// A reading as it was found, its digest checked.
pub(super) struct Found {
    pub(super) patient: Option<PatientId>,
    pub(super) admitted: Admitted,
    pub(super) verdict: Option<Verdict>,
}

/// The columns a digest covers.
struct Columns<'a> {
    source: &'a str,
    record: &'a [u8; 8],
    patient: Option<&'a str>,
    hub: &'a str,
    kind: &'a str,
    event_time: i64,
    judged: Option<i64>,
    body: &'a str,
    verdict: Option<&'a str>,
}

impl Columns<'_> {
    fn parts(&self) -> [Part<'_>; 9] {
        [
            self.source.into(),
            self.record.into(),
            self.patient.into(),
            self.hub.into(),
            self.kind.into(),
            self.event_time.into(),
            self.judged.into(),
            self.body.into(),
            self.verdict.into(),
        ]
    }
}

impl Found {
    fn read(row: &Row<'_>, keys: &Keys) -> Result<Self, Fault> {
        intact(TABLE, row, || {
            let (source, record, kind, body): (String, [u8; 8], String, String) =
                (row.get(1)?, row.get(2)?, row.get(5)?, row.get(8)?);
            let (patient, hub, verdict): (Option<String>, String, Option<String>) =
                (row.get(3)?, row.get(4)?, row.get(9)?);
            let columns = Columns {
                source: &source,
                record: &record,
                patient: patient.as_deref(),
                hub: &hub,
                kind: &kind,
                event_time: row.get(6)?,
                judged: row.get(7)?,
                body: &body,
                verdict: verdict.as_deref(),
            };
            verify(keys, TABLE, &columns.parts(), row.get(10)?)?;
            Kind::from_name(&kind).ok_or(Unsound)?;
            Ok(Self {
                patient: patient.map(|id| PatientId::parse(&id)).transpose()?,
                admitted: serde_json::from_str(&body)?,
                verdict: verdict.map(|verdict| serde_json::from_str(&verdict)).transpose()?,
            })
        })
    }

    fn into_stored(self) -> StoredReading {
        let Admitted { reading, hub, server_received, .. } = self.admitted;
        StoredReading { reading, hub, server_received, verdict: self.verdict }
    }
}

/// The stored reading of a source and record.
pub(super) fn find(tx: &Tx<'_>, source: &SourceId, record: RecordNumber) -> Result<Option<Found>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM reading WHERE source = :source AND record = :record");
    one(tx.conn, &sql, named_params! { ":source": source.as_str(), ":record": record.as_bytes() }, |row| {
        Found::read(row, tx.keys)
    })
}

/// Stores a reading: for its person with its verdict, or for nobody with none.
pub(super) fn insert(tx: &Tx<'_>, admitted: &Admitted, whose: Option<(&PatientId, &Verdict)>) -> Result<Digest, Fault> {
    let reading = &admitted.reading;
    let body = serde_json::to_string(admitted)?;
    let verdict = whose.map(|(_, verdict)| serde_json::to_string(verdict)).transpose()?;
    let columns = Columns {
        source: reading.source.as_str(),
        record: reading.record.as_bytes(),
        patient: whose.map(|(patient, _)| patient.as_str()),
        hub: admitted.hub.as_str(),
        kind: reading.kind.name(),
        event_time: micros(admitted.event_time()),
        judged: whose.map(|(_, verdict)| judged(verdict)),
        body: &body,
        verdict: verdict.as_deref(),
    };
    let digest = tx.keys.row(TABLE, &columns.parts());
    run(
        tx.conn,
        "INSERT INTO reading (source, record, patient, hub, kind, event_time, judged, body, verdict, digest)
         VALUES (:source, :record, :patient, :hub, :kind, :event_time, :judged, :body, :verdict, :digest)",
        named_params! {
            ":source": columns.source, ":record": columns.record, ":patient": columns.patient, ":hub": columns.hub, ":kind": columns.kind,
            ":event_time": columns.event_time, ":judged": columns.judged, ":body": columns.body, ":verdict": columns.verdict, ":digest": digest,
        },
    )?;
    Ok(digest)
}

/// Gives a reading that could not be judged its new verdict.
pub(super) fn judge_again(
    tx: &Tx<'_>,
    admitted: &Admitted,
    patient: &PatientId,
    verdict: &Verdict,
) -> Result<Digest, Fault> {
    let reading = &admitted.reading;
    let (body, verdict, judged) = (serde_json::to_string(admitted)?, serde_json::to_string(verdict)?, judged(verdict));
    let columns = Columns {
        source: reading.source.as_str(),
        record: reading.record.as_bytes(),
        patient: Some(patient.as_str()),
        hub: admitted.hub.as_str(),
        kind: reading.kind.name(),
        event_time: micros(admitted.event_time()),
        judged: Some(judged),
        body: &body,
        verdict: Some(&verdict),
    };
    let digest = tx.keys.row(TABLE, &columns.parts());
    // The body is written with the verdict, so that the digest covers these very words.
    let changed = run(
        tx.conn,
        "UPDATE reading SET body = :body, verdict = :verdict, judged = :judged, digest = :digest
         WHERE source = :source AND record = :record AND patient = :patient AND judged = 0",
        named_params! {
            ":body": columns.body, ":verdict": columns.verdict, ":judged": columns.judged, ":digest": digest,
            ":source": columns.source, ":record": columns.record, ":patient": columns.patient,
        },
    )?;
    if changed == 1 { Ok(digest) } else { Err(Fault::Missing(format!("{} without a verdict", reading.id))) }
}

fn judged(verdict: &Verdict) -> i64 {
    match verdict {
        Verdict::Evaluated { .. } => 1,
        Verdict::Unevaluated { .. } => 0,
    }
}

/// Whether two readings of one source and record say the same. What a device puts around a record when it tells it again
/// is no other content ([`identity`]).
pub(super) fn is_same(one: &Reading, other: &Reading) -> bool {
    let content = |reading: &Reading| (reading.kind, reading.times.device, reading.user_index, record_bytes(reading));
    content(one) == content(other) && one.value == other.value
}

/// The bytes of the record itself, and where they came from.
fn record_bytes(reading: &Reading) -> RawFrame {
    let RawFrame { service, characteristic, bytes } = &reading.raw;
    let bytes = identity(characteristic, bytes).to_vec();
    RawFrame { service: service.clone(), characteristic: characteristic.clone(), bytes }
}

/// Keeps a reading that says something else than the stored one of its source and record. Nothing where these same
/// contents are already kept: a hub may send them again and again.
pub(super) fn keep_conflict(
    tx: &Tx<'_>,
    admitted: &Admitted,
    patient: Option<&PatientId>,
) -> Result<Option<Digest>, Fault> {
    let reading = &admitted.reading;
    let said = serde_json::to_string(&(
        reading.kind,
        &reading.value,
        reading.times.device,
        reading.user_index,
        record_bytes(reading),
    ))?;
    let digest = tx.keys.row("conflict", &[reading.id.as_bytes().into(), said.as_str().into()]);
    let first = tx
        .conn
        .prepare("SELECT seq FROM reading WHERE source = :source AND record = :record")?
        .query_row(named_params! { ":source": reading.source.as_str(), ":record": reading.record.as_bytes() }, |row| {
            row.get::<_, i64>(0)
        })
        .optional()?
        .ok_or_else(|| Fault::Missing(reading.id.to_string()))?;
    let kept = run(
        tx.conn,
        "INSERT INTO conflict (reading, content, patient, hub, at, body) VALUES (:reading, :content, :patient, :hub, :at, :body) ON CONFLICT DO NOTHING",
        named_params! {
            ":reading": first, ":content": digest, ":patient": patient.map(PatientId::as_str), ":hub": admitted.hub.as_str(),
            ":at": micros(tx.at), ":body": serde_json::to_string(admitted)?,
        },
    )?;
    Ok((kept == 1).then_some(digest))
}

/// Readings of these people (a JSON list; none means everybody), the newest first.
pub(super) fn of_people(
    conn: &Connection,
    keys: &Keys,
    people: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredReading>, Fault> {
    let whose = if people.is_some() {
        "patient IN (SELECT value FROM json_each(:whose))"
    } else {
        "patient IS NOT NULL AND :whose IS NULL"
    };
    newest(conn, keys, whose, people, limit)
}

/// Readings of nobody yet from these hubs (a JSON list; none means all), the newest first.
pub(super) fn of_nobody(
    conn: &Connection,
    keys: &Keys,
    hubs: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredReading>, Fault> {
    let whose = if hubs.is_some() {
        "patient IS NULL AND hub IN (SELECT value FROM json_each(:whose))"
    } else {
        "patient IS NULL AND :whose IS NULL"
    };
    newest(conn, keys, whose, hubs, limit)
}

fn newest(
    conn: &Connection,
    keys: &Keys,
    whose: &str,
    list: Option<&str>,
    limit: i64,
) -> Result<Vec<StoredReading>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM reading WHERE {whose} ORDER BY seq DESC LIMIT :limit");
    all(conn, &sql, named_params! { ":whose": list, ":limit": limit }, |row| {
        Found::read(row, keys).map(Found::into_stored)
    })
}

/// Readings the rules failed on, the oldest first.
pub(super) fn unevaluated(conn: &Connection, keys: &Keys, limit: usize) -> Result<Vec<Admitted>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM reading WHERE judged = 0 ORDER BY seq");
    sound(conn, &sql, [], limit, |row| Found::read(row, keys).map(|found| found.admitted))
}
