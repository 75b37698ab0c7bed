//! What a store holds, as the store itself tells it to whoever may ask, and nothing read from its tables by name.
//!
//! The files are copied first: looking must not mend what a kill or a power cut left behind, and the next start must find
//! it untouched.

use crate::trouble::{Doing, Trouble};
use ingest::{
    access::{Access, Purpose},
    disk::{DATABASE_FILE, Folder},
    store::{
        Change, Cursor, Store, StoredReading,
        embedded::{EmbeddedStore, ROWS_MAX, StoreKeys, verify},
        evidence::Verified,
    },
};
use rules::{Alert, Channel, Condition, Job, Verdict, job::Why};
use rusqlite::Connection;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};
use vitals::{AlertId, ReadingId, wire::v1::Urgency};

/// The file of the store's key, beside the database.
const KEY_FILE: &str = "chain.key";

/// The kinds of change that are counted here.
const READING_STORED: &str = "reading-stored";
const NOTIFICATION_MADE: &str = "notification-made";

/// What `ingest verify` says of the store of a data folder: that it is sound, or the first row that is not.
///
/// As it lies there now, its log included; every index is compared with its table too. No process may be writing to it.
///
/// # Errors
/// [`Trouble`] where there is no store, or it cannot be copied.
pub fn verified(data: &Path) -> Result<Result<Verified, String>, Trouble> {
    let copy = tempfile::tempdir().doing("make a folder")?;
    copy_files(data, copy.path()).doing("copy the store")?;
    let key = fs::read(copy.path().join(KEY_FILE)).doing("read the store's key")?;
    let keys = StoreKeys { chain: key.as_slice().try_into().doing("read the store's key")? };
    Ok(verify(&Folder::new(copy.path()), &keys, true, |_progress| {}).map_err(|wrong| wrong.to_string()))
}

/// Readings with their verdicts, alerts and notification jobs, each in the order in which they came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Every reading with its verdict; none where it is nobody's yet.
    pub readings: Vec<(ReadingId, Option<Verdict>)>,
    /// Every alert.
    pub alerts: Vec<Alert>,
    /// Every notification job that was made, sent or not.
    pub jobs: Vec<Job>,
    /// How often the log of changes says that each reading was stored for its person.
    pub stored: BTreeMap<ReadingId, usize>,
    /// Ids in the log of changes that belong to nothing above.
    pub strays: Vec<String>,
}

/// What a store answered.
struct Answered {
    readings: Vec<StoredReading>,
    unassigned: Vec<StoredReading>,
    alerts: Vec<Alert>,
    changes: Vec<Change>,
}

impl Contents {
    /// Asks the store of a data folder, as it lies there now, its log included. No process may be writing to it.
    ///
    /// # Errors
    /// [`Trouble`] where it cannot be opened or read, SQLite finds it damaged, or it holds more than one answer does.
    pub fn read(data: &Path) -> Result<Self, Trouble> {
        let copy = tempfile::tempdir().doing("make a folder")?;
        copy_files(data, copy.path()).doing("copy the store")?;
        let key: [u8; 32] = match fs::read(copy.path().join(KEY_FILE)) {
            Ok(key) => key.as_slice().try_into().doing("read the store's key")?,
            // Ended before there was a key: before there was a store.
            Err(_) if !copy.path().join(DATABASE_FILE).exists() => return Ok(Self::default()),
            Err(cause) => return Err(Trouble::new("read the store's key", cause)),
        };
        check(&copy.path().join(DATABASE_FILE))?;
        // A thread of its own, because the caller may be inside a runtime already.
        let answered = std::thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.doing("start a runtime")?.block_on(ask(copy.path(), key))
            });
            asking.join().unwrap_or_else(|_panicked| Err(Trouble::new("ask the store", "it panicked")))
        })?;
        Ok(Self::of(answered))
    }

    fn of(answered: Answered) -> Self {
        let Answered { mut readings, unassigned, mut alerts, changes } = answered;
        readings.extend(unassigned);
        readings.reverse();
        let told: BTreeMap<&str, usize> =
            changes.iter().enumerate().rev().map(|(place, change)| (change.what.as_str(), place)).collect();
        alerts.sort_by_key(|alert| told.get(alert.id.to_string().as_str()).copied());
        let made_of = |kind: &'static str| changes.iter().filter(move |change| change.kind == kind);
        let mut strays = Vec::new();
        let mut stored: BTreeMap<ReadingId, usize> = BTreeMap::new();
        for change in made_of(READING_STORED) {
            match ReadingId::parse(&change.what) {
                Ok(id) => *stored.entry(id).or_default() += 1,
                Err(_) => strays.push(format!("{READING_STORED} {}", change.what)),
            }
        }
        let known: BTreeMap<String, Job> =
            alerts.iter().flat_map(jobs_of).map(|job| (job.id.to_string(), job)).collect();
        let mut jobs = Vec::new();
        for change in made_of(NOTIFICATION_MADE) {
            match known.get(&change.what) {
                Some(job) => jobs.push(Job { made_at: change.at, ..job.clone() }),
                None => strays.push(format!("{NOTIFICATION_MADE} {}", change.what)),
            }
        }
        let readings = readings.into_iter().map(|stored| (stored.reading.id, stored.verdict)).collect();
        Self { readings, alerts, jobs, stored, strays }
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
        let channels = self.jobs.iter().map(|job| job.channel).collect::<BTreeSet<_>>().len().max(1);
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
            // One for each time it was raised, on each channel; one that only ever awaited a repeat was raised to nobody.
            let was_raised = alert.urgency == Urgency::ActNow || alert.condition == Condition::Active;
            let occasions = usize::try_from(alert.occasions).unwrap_or(usize::MAX);
            let due = if was_raised { occasions.saturating_mul(channels) } else { 0 };
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
        let ids: BTreeSet<_> = self.jobs.iter().map(|job| job.id).collect();
        if ids.len() != self.jobs.len() {
            found.push(format!("{} jobs were made twice", self.jobs.len() - ids.len()));
        }
        // Each row for a person has one entry in the log of changes, and each entry its row.
        let rows: BTreeSet<ReadingId> =
            self.readings.iter().filter(|(_, verdict)| verdict.is_some()).map(|(id, _)| *id).collect();
        found.extend(
            rows.iter()
                .filter(|id| self.stored.get(id) != Some(&1))
                .map(|id| format!("{id} is there, and was stored {:?} times", self.stored.get(id))),
        );
        found.extend(
            self.stored.keys().filter(|id| !rows.contains(id)).map(|id| format!("{id} was stored, and is not there")),
        );
        found.extend(self.strays.iter().map(|stray| format!("{stray} is about nothing")));
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

/// Every notification that an alert may have had: the log of changes says which of them it had.
fn jobs_of(alert: &Alert) -> Vec<Job> {
    let mut jobs = Vec::new();
    for channel in [Channel::Console, Channel::Webhook] {
        for why in [Why::First, Why::Again] {
            for occasion in 1..=alert.occasions {
                jobs.push(Job::new(alert.id, alert.patient.clone(), channel, why, occasion, alert.opened_at));
            }
        }
    }
    jobs
}

/// The files of a folder, without the index of the log: that is only valid beside the process that made it.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() && !name.to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Whether SQLite finds the file sound.
fn check(database: &Path) -> Result<(), Trouble> {
    let store = Connection::open(database).doing("open the copy")?;
    let check: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).doing("check the copy")?;
    if check == "ok" { Ok(()) } else { Err(Trouble::new("check the copy", check)) }
}

async fn ask(folder: &Path, key: [u8; 32]) -> Result<Answered, Trouble> {
    let store = EmbeddedStore::open(Arc::new(Folder::new(folder)), StoreKeys { chain: key }).doing("open the copy")?;
    let who = Access::system(Purpose::Follow);
    let readings = store.readings(&who, ROWS_MAX).await.doing("ask for readings")?;
    let unassigned = store.unassigned(&who, ROWS_MAX).await.doing("ask for readings of nobody")?;
    let alerts = store.alerts(&who, ROWS_MAX).await.doing("ask for alerts")?;
    let most = readings.len().max(unassigned.len()).max(alerts.len());
    if most >= ROWS_MAX {
        return Err(Trouble::new("ask the store", format!("an answer holds {ROWS_MAX} rows, which may not be all")));
    }
    let (mut changes, mut after) = (Vec::new(), Cursor::default());
    loop {
        let (more, next) = store.changes(&who, after, ROWS_MAX).await.doing("ask for changes")?;
        if more.is_empty() {
            break;
        }
        changes.extend(more);
        after = next;
    }
    store.close().await;
    Ok(Answered { readings, unassigned, alerts, changes })
}
