//! Everything held about one person, for the person: as lines of JSON, or as text to read.
//!
//! The first line says whose it is and when it was made; then come `item` (the register), `alert`, `notification` and `entry`
//! (the newest first: readings as they came and what was made of them, every version of the register, and who looked), each
//! an object of one key; the last line counts them. UK GDPR article 15.
//!
//! Invariants: nothing is held back but who a member of staff was: of them role and organisation are told; no more than a
//! page of entries is in memory; a file that was cut off has no last line.

use super::{NotGiven, PAGE, text};
use crate::{
    access::Access,
    store::{KeptItem, NoLonger, Store, WholeRecord},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};
use tokio::sync::mpsc;
use vitals::PatientId;

/// The form of the lines.
const FORM: &str = "derwent-export-1";

/// In which form it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// Lines of JSON.
    #[default]
    Json,
    /// Text to read.
    Text,
}

/// Where the lines go, one after another, as fast as they are taken.
#[async_trait]
pub trait Lines: Send {
    /// Takes a line.
    ///
    /// # Errors
    /// Whatever the operating system says; [`io::ErrorKind::BrokenPipe`] where whoever asked has gone.
    async fn take(&mut self, line: String) -> io::Result<()>;
}

/// Into a file.
#[async_trait]
impl Lines for io::BufWriter<std::fs::File> {
    async fn take(&mut self, line: String) -> io::Result<()> {
        self.write_all(line.as_bytes())
    }
}

/// To somebody who reads meanwhile.
#[async_trait]
impl Lines for mpsc::Sender<String> {
    async fn take(&mut self, line: String) -> io::Result<()> {
        self.send(line).await.map_err(|_gone| io::ErrorKind::BrokenPipe.into())
    }
}

/// How much was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Given {
    /// Things of the register.
    pub items: u64,
    /// Alerts.
    pub alerts: u64,
    /// Notifications.
    pub notifications: u64,
    /// Entries of the record.
    pub entries: u64,
    /// Readings in them.
    pub readings: u64,
}

/// Writes everything held about a person, page by page.
///
/// # Errors
/// [`NotGiven`] where it cannot be read or written; what was written has no last line then.
pub async fn write(
    store: &dyn Store,
    who: &Access,
    patient: &PatientId,
    form: Form,
    to: &mut dyn Lines,
    at: DateTime<Utc>,
) -> Result<Given, NotGiven> {
    let Some(WholeRecord { items, alerts, notifications, .. }) = store.whole_record(who, patient).await? else {
        return Err(NotGiven::Nobody);
    };
    let mut given = Given::default();
    line(to, form, &json!({ "form": FORM, "person": patient, "at": at })).await?;
    for KeptItem { item, version } in &items {
        line(to, form, &json!({ "item": { "version": version, "item": item } })).await?;
        given.items += 1;
    }
    for alert in &alerts {
        line(to, form, &json!({ "alert": alert })).await?;
        given.alerts += 1;
    }
    for notification in &notifications {
        line(to, form, &json!({ "notification": notification })).await?;
        given.notifications += 1;
    }
    let (mut before, mut no_longer) = (None, NoLonger::default());
    loop {
        let (mut entries, next) = store.entries_of(who, patient, before, PAGE).await?;
        for entry in &mut entries {
            no_longer.mark(entry);
            line(to, form, &json!({ "entry": entry })).await?;
            given.entries += 1;
            given.readings += u64::try_from(entry.readings.len()).unwrap_or(0);
        }
        if next.is_none() || entries.is_empty() {
            break;
        }
        before = next;
    }
    line(to, form, &json!({ "end": given })).await?;
    Ok(given)
}

async fn line(to: &mut dyn Lines, form: Form, value: &Value) -> io::Result<()> {
    let value = for_the_person(value);
    match form {
        Form::Json => to.take(format!("{value}\n")).await,
        Form::Text => to.take(format!("{}\n", text::of(&value))).await,
    }
}

/// The same without who a member of staff was, wherever that stands. Their role and organisation stand beside it, where they are
/// known: who, as what and why may be together in one place, of which only the first goes.
fn for_the_person(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !is_staff(value));
            Value::Object(kept.map(|(name, value)| (name.clone(), for_the_person(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(for_the_person).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn is_staff(value: &Value) -> bool {
    let is_id = |value: &Value| value.as_str().is_some_and(|id| id.starts_with("st-"));
    is_id(value) || value.get("id").is_some_and(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_a_member_of_staff_was_is_held_back_and_as_what_they_looked_is_not() {
        let told = json!({ "told": [{ "kind": "audit", "what": {
            "what": "read", "about": "GET /v1/people/{patient}",
            "by": { "staff": "st-ada", "role": "clinician", "organisation": "org-1", "basis": "direct-care" } } },
            { "written": { "by": "st-ada", "why": "new cuff", "author": "st-eve" } }, { "taken": { "by": { "id": "st-ada", "name": "Ada" } } }] });
        let expected = json!({ "told": [{ "kind": "audit", "what": {
            "what": "read", "about": "GET /v1/people/{patient}",
            "by": { "role": "clinician", "organisation": "org-1", "basis": "direct-care" } } },
            { "written": { "why": "new cuff" } }, { "taken": {} }] });
        assert_eq!(for_the_person(&told), expected);
    }
}
