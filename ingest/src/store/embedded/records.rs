//! The rows of a person's record beside the readings: who they are, what the rules remember, alerts and timers.

use super::{
    digest::{Digest, Keys, Part, micros},
    fault::Fault,
    rows::{Tx, all, intact, one, run, sound, verify},
};
use rules::{Alert, PatientState, Person, Timer};
use rusqlite::{Connection, Row, named_params};
use serde::de::DeserializeOwned;
use vitals::{AlertId, PatientId};

/// Reads a row of the form (number, names..., body, digest) once its digest is checked.
fn read_body<T: DeserializeOwned>(
    table: &'static str,
    row: &Row<'_>,
    keys: &Keys,
    names: &[Part<'_>],
    body: usize,
) -> Result<T, Fault> {
    intact(table, row, || {
        let text: String = row.get(body)?;
        let parts: Vec<Part<'_>> = names.iter().copied().chain([text.as_str().into()]).collect();
        verify(keys, table, &parts, row.get(body + 1)?)?;
        Ok(serde_json::from_str(&text)?)
    })
}

/// What the rules remember of a person.
pub(super) fn state(tx: &Tx<'_>, patient: &PatientId) -> Result<Option<PatientState>, Fault> {
    let sql = "SELECT seq, body, digest FROM state WHERE patient = :patient";
    one(tx.conn, sql, named_params! { ":patient": patient.as_str() }, |row| {
        read_body("state", row, tx.keys, &[patient.as_str().into()], 1)
    })
}

/// Keeps what the rules remember of a person.
pub(super) fn put_state(tx: &Tx<'_>, state: &PatientState) -> Result<(), Fault> {
    let (patient, body) = (state.patient.as_str(), serde_json::to_string(state)?);
    let digest = tx.keys.row("state", &[patient.into(), body.as_str().into()]);
    run(
        tx.conn,
        "INSERT INTO state (patient, body, digest) VALUES (:patient, :body, :digest)
         ON CONFLICT (patient) DO UPDATE SET body = excluded.body, digest = excluded.digest",
        named_params! { ":patient": patient, ":body": body, ":digest": digest },
    )?;
    Ok(())
}

/// Keeps a person; nothing where they are kept like this already.
pub(super) fn put_person(tx: &Tx<'_>, person: &Person) -> Result<Option<Digest>, Fault> {
    let (id, body) = (person.id.as_str(), serde_json::to_string(person)?);
    let digest = tx.keys.row("person", &[id.into(), body.as_str().into()]);
    let changed = run(
        tx.conn,
        "INSERT INTO person (id, body, digest) VALUES (:id, :body, :digest)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, digest = excluded.digest WHERE digest <> excluded.digest",
        named_params! { ":id": id, ":body": body, ":digest": digest },
    )?;
    Ok((changed == 1).then_some(digest))
}

/// People on a list (JSON; none means everybody), by id.
pub(super) fn people(conn: &Connection, keys: &Keys, list: Option<&str>, limit: i64) -> Result<Vec<Person>, Fault> {
    let sql = "SELECT seq, id, body, digest FROM person WHERE :list IS NULL OR id IN (SELECT value FROM json_each(:list)) ORDER BY id LIMIT :limit";
    all(conn, sql, named_params! { ":list": list, ":limit": limit }, |row| {
        let id = intact("person", row, || Ok(row.get::<_, String>(1)?))?;
        read_body("person", row, keys, &[id.as_str().into()], 2)
    })
}

const ALERTS: &str = "SELECT seq, id, patient, waiting, body, digest FROM alert";

fn read_alert(row: &Row<'_>, keys: &Keys) -> Result<Alert, Fault> {
    let (id, patient, waiting): ([u8; 16], String, i64) =
        intact("alert", row, || Ok((row.get(1)?, row.get(2)?, row.get(3)?)))?;
    read_body("alert", row, keys, &[(&id).into(), patient.as_str().into(), waiting.into()], 4)
}

/// What keeping an alert came to.
pub(super) enum AlertKept {
    New(Digest),
    Changed(Digest),
    /// It was kept like this already.
    Same,
}

/// Keeps an alert as it now is.
pub(super) fn put_alert(tx: &Tx<'_>, alert: &Alert) -> Result<AlertKept, Fault> {
    let (id, patient, body) = (alert.id.as_bytes(), alert.patient.as_str(), serde_json::to_string(alert)?);
    let waiting = i64::from(alert.is_waiting());
    let digest = tx.keys.row("alert", &[id.into(), patient.into(), waiting.into(), body.as_str().into()]);
    let params =
        named_params! { ":id": id, ":patient": patient, ":waiting": waiting, ":body": body, ":digest": digest };
    let known = one(tx.conn, "SELECT digest FROM alert WHERE id = :id", named_params! { ":id": id }, |row| {
        Ok(row.get::<_, Digest>(0)?)
    })?;
    match known {
        Some(known) if known == digest => Ok(AlertKept::Same),
        Some(_) => {
            run(
                tx.conn,
                "UPDATE alert SET waiting = :waiting, body = :body, digest = :digest WHERE id = :id AND patient = :patient",
                params,
            )?;
            Ok(AlertKept::Changed(digest))
        }
        None => {
            run(
                tx.conn,
                "INSERT INTO alert (id, patient, waiting, body, digest) VALUES (:id, :patient, :waiting, :body, :digest)",
                params,
            )?;
            Ok(AlertKept::New(digest))
        }
    }
}

/// Alerts of these people (a JSON list; none means everybody): those that wait for a person before all others, each the
/// newest first.
pub(super) fn alerts(conn: &Connection, keys: &Keys, people: Option<&str>, limit: i64) -> Result<Vec<Alert>, Fault> {
    let sql = format!(
        "{ALERTS} WHERE :people IS NULL OR patient IN (SELECT value FROM json_each(:people)) ORDER BY waiting DESC, seq DESC LIMIT :limit"
    );
    all(conn, &sql, named_params! { ":people": people, ":limit": limit }, |row| read_alert(row, keys))
}

/// One alert.
pub(super) fn alert(conn: &Connection, keys: &Keys, id: AlertId) -> Result<Option<Alert>, Fault> {
    let sql = format!("{ALERTS} WHERE id = :id");
    one(conn, &sql, named_params! { ":id": id.as_bytes() }, |row| read_alert(row, keys))
}

/// Sets a timer in place of any earlier one of its alert.
pub(super) fn set_timer(tx: &Tx<'_>, patient: &PatientId, timer: &Timer) -> Result<(), Fault> {
    let (alert, due_at, body) = (timer.alert.as_bytes(), micros(timer.due_at), serde_json::to_string(timer)?);
    let digest = tx.keys.row("timer", &[alert.into(), patient.as_str().into(), due_at.into(), body.as_str().into()]);
    run(
        tx.conn,
        "INSERT INTO timer (alert, patient, due_at, body, digest) VALUES (:alert, :patient, :due_at, :body, :digest)
         ON CONFLICT (alert) DO UPDATE SET patient = excluded.patient, due_at = excluded.due_at, body = excluded.body, digest = excluded.digest",
        named_params! { ":alert": alert, ":patient": patient.as_str(), ":due_at": due_at, ":body": body, ":digest": digest },
    )?;
    Ok(())
}

/// Takes a timer away: whenever it is due, or only if it is due at this time.
pub(super) fn end_timer(tx: &Tx<'_>, patient: &PatientId, alert: AlertId, due_at: Option<i64>) -> Result<(), Fault> {
    run(
        tx.conn,
        "DELETE FROM timer WHERE alert = :alert AND patient = :patient AND (:due_at IS NULL OR due_at = :due_at)",
        named_params! { ":alert": alert.as_bytes(), ":patient": patient.as_str(), ":due_at": due_at },
    )?;
    Ok(())
}

/// Timers that are due, the oldest first.
pub(super) fn due_timers(
    conn: &Connection,
    keys: &Keys,
    limit: usize,
    at: i64,
) -> Result<Vec<(PatientId, Timer)>, Fault> {
    let sql = "SELECT seq, alert, patient, due_at, body, digest FROM timer WHERE due_at <= :at ORDER BY due_at, seq";
    sound(conn, sql, named_params! { ":at": at }, limit, |row| {
        let (alert, patient, due_at): ([u8; 16], String, i64) =
            intact("timer", row, || Ok((row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let timer = read_body("timer", row, keys, &[(&alert).into(), patient.as_str().into(), due_at.into()], 4)?;
        Ok((intact("timer", row, || Ok(PatientId::parse(&patient)?))?, timer))
    })
}
