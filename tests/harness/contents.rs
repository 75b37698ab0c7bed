//! What a store holds, read from its SQLite file and not through the code under test.
//!
//! The files are copied first: looking must not mend what a kill left behind, and the next start must find it untouched.

use crate::trouble::{Doing, Trouble};
use ingest::disk::DATABASE_FILE;
use rules::{Alert, Condition, Job, Verdict};
use rusqlite::Connection;
use serde::de::DeserializeOwned;
use std::{collections::BTreeMap, fs, path::Path};
use vitals::{Admitted, AlertId, ReadingId, wire::v1::Urgency};

/// Readings with their verdicts, alerts and notification jobs, in the order of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every reading with its verdict; none where it is nobody's yet.
    pub readings: Vec<(ReadingId, Option<Verdict>)>,
    /// Every alert.
    pub alerts: Vec<Alert>,
    /// Every notification job.
    pub jobs: Vec<Job>,
}

impl Contents {
    /// Reads the store of a data folder, as it lies there now, its log included.
    ///
    /// # Errors
    /// [`Trouble`] where it cannot be read, or SQLite finds it damaged.
    pub fn read(data: &Path) -> Result<Self, Trouble> {
        let copy = tempfile::tempdir().doing("make a folder")?;
        for name in [DATABASE_FILE.to_owned(), format!("{DATABASE_FILE}-wal")] {
            if data.join(&name).exists() {
                fs::copy(data.join(&name), copy.path().join(&name)).doing("copy the store")?;
            }
        }
        let store = Connection::open(copy.path().join(DATABASE_FILE)).doing("open the copy")?;
        let check: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).doing("check the copy")?;
        if check != "ok" {
            return Err(Trouble::new("check the copy", check));
        }
        let admitted: Vec<Admitted> = rows(&store, "SELECT body FROM reading ORDER BY seq")?;
        let verdicts: Vec<Option<Verdict>> =
            rows(&store, "SELECT coalesce(verdict, 'null') FROM reading ORDER BY seq")?;
        let readings = admitted.iter().map(|admitted| admitted.reading.id).zip(verdicts).collect();
        let alerts = rows(&store, "SELECT body FROM alert ORDER BY seq")?;
        let jobs = rows(&store, "SELECT body FROM job ORDER BY seq")?;
        Ok(Self { readings, alerts, jobs })
    }

    /// How often each reading is there, for [`crate::history::History::judge`].
    #[must_use]
    pub fn counts(&self) -> Vec<(ReadingId, usize)> {
        self.readings.iter().map(|(id, _)| (*id, 1)).collect()
    }

    /// Every half of a commit that is there without its other half: a reading without a verdict, a verdict without its
    /// alert, an alert that was raised without its job, and each of these the other way round.
    #[must_use]
    pub fn halves(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, verdict) in &self.readings {
            match verdict {
                Some(Verdict::Evaluated { alerts, .. }) => found.extend(
                    alerts
                        .iter()
                        .filter(|alert| self.alerts_with(**alert) != 1)
                        .map(|alert| format!("{id} raised {alert}, which is not there once")),
                ),
                Some(Verdict::Unevaluated { .. }) | None => found.push(format!("{id} was not judged")),
            }
        }
        for alert in &self.alerts {
            let jobs = self.jobs.iter().filter(|job| job.alert == alert.id).count();
            // One for each time it was raised; one that only ever awaited a repeat was raised to nobody.
            let was_raised = alert.urgency == Urgency::ActNow || alert.condition == Condition::Active;
            let due = if was_raised { usize::try_from(alert.occasions).unwrap_or(usize::MAX) } else { 0 };
            if jobs != due {
                found.push(format!("{} has {jobs} jobs, not {due}", alert.id));
            }
            for evidence in
                alert.evidence.iter().filter(|evidence| !self.readings.iter().any(|(id, _)| *id == evidence.reading))
            {
                found.push(format!("{} rests on {}, which is not there", alert.id, evidence.reading));
            }
        }
        found.extend(
            self.jobs
                .iter()
                .filter(|job| self.alerts_with(job.alert) != 1)
                .map(|job| format!("{} is about no alert", job.id)),
        );
        found
    }

    fn alerts_with(&self, id: AlertId) -> usize {
        self.alerts.iter().filter(|alert| alert.id == id).count()
    }

    /// Everything decided, in words that do not depend on ids or times, so that two runs of one story can be compared:
    /// a reading is known by its place among those heard, an alert by its person, rule and first reading.
    #[must_use]
    pub fn decided(&self, heard: &[ReadingId]) -> Vec<String> {
        let places: BTreeMap<ReadingId, usize> = heard.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let place = |id: &ReadingId| places.get(id).map_or_else(|| id.to_string(), ToString::to_string);
        let names: BTreeMap<AlertId, String> = self
            .alerts
            .iter()
            .map(|alert| {
                let first = alert.evidence.first().map(|evidence| place(&evidence.reading)).unwrap_or_default();
                (alert.id, format!("{} of {} since {first}", alert.made_by.rule, alert.patient))
            })
            .collect();
        let name = |id: &AlertId| names.get(id).cloned().unwrap_or_else(|| id.to_string());
        let mut decided: Vec<String> = Vec::new();
        for (id, verdict) in &self.readings {
            let Some(Verdict::Evaluated { late, alerts, prompts }) = verdict else {
                decided.push(format!("reading {} was not judged", place(id)));
                continue;
            };
            let alerts: Vec<String> = alerts.iter().map(name).collect();
            let prompts: Vec<&str> = prompts.iter().map(|prompt| prompt.text.as_str()).collect();
            decided.push(format!("reading {}: late {late}, alerts {alerts:?}, prompts {prompts:?}", place(id)));
        }
        for alert in &self.alerts {
            let evidence: Vec<String> = alert.evidence.iter().map(|evidence| place(&evidence.reading)).collect();
            let words = (alert.occasions, alert.late, word(alert.condition), evidence);
            decided.push(format!("alert {}: {words:?}", name(&alert.id)));
        }
        decided.extend(
            self.jobs
                .iter()
                .map(|job| format!("job {} by {} for {}", job.why.name(), job.channel.name(), name(&job.alert))),
        );
        decided.sort();
        decided
    }
}

/// A condition without the id of what superseded it.
fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Pending => "pending",
        Condition::Active => "active",
        Condition::Cleared(_) => "cleared",
    }
}

/// Rows of one column of JSON.
fn rows<T: DeserializeOwned>(store: &Connection, sql: &str) -> Result<Vec<T>, Trouble> {
    let mut statement = store.prepare(sql).doing("read the copy")?;
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).doing("read the copy")?;
    texts.map(|text| serde_json::from_str(&text.doing("read a row")?).doing("read a row")).collect()
}
