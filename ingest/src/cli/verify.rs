//! `ingest verify`: the whole store against itself, from a program of its own.

use super::{CommandError, keys, out};
use crate::{
    clock::{Clock, WallClock},
    config::Config,
    disk::Folder,
    store::{
        embedded::{StoreKeys, verify},
        evidence::{Progress, Verified},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::path::Path;
use vitals::wire::sealed::key_id;

/// How often to say how far it is.
const SAY_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Verifies the store of these settings, and says what came of it.
pub(super) fn run(config: &Path, indexes: bool) -> Result<(), CommandError> {
    let folder = Config::read(config)?.data;
    let file = |cause| CommandError::File { path: folder.clone(), cause };
    let chain = keys::existing_chain_key(&folder).map_err(file)?;
    let ours = keys::existing_server_key(&folder).map_err(file)?.map(|key| key.public());
    let clock = WallClock;
    let started_at = clock.now();
    let mut said_at = started_at;
    let verified = verify(&Folder::new(&folder), &StoreKeys { chain }, indexes, |progress| {
        let now = clock.now();
        if now - said_at >= SAY_EVERY {
            said_at = now;
            say(&progress, started_at, now);
        }
    })?;
    conclude(&verified, ours, started_at, clock.now());
    Ok(())
}

/// How many in each second of a time.
fn a_second(checked: u64, took: TimeDelta) -> u64 {
    let millis = u64::try_from(took.num_milliseconds()).unwrap_or(0).max(1);
    checked.saturating_mul(1000) / millis
}

fn say(progress: &Progress, started_at: DateTime<Utc>, now: DateTime<Utc>) {
    let Progress { table, entries, entries_all, checked } = *progress;
    let rate = a_second(checked, now - started_at);
    tracing::info!(
        table,
        entries,
        entries_all,
        checked,
        rate,
        "Entry {entries} of {entries_all}, table {table}: {checked} rows and readings so far, {rate} a second."
    );
}

fn conclude(verified: &Verified, ours: Option<[u8; 32]>, started_at: DateTime<Utc>, now: DateTime<Utc>) {
    let Verified { entries, readings, chains, alerts, checked, roots, roots_beyond_damage, newest_root } = verified;
    let took = now - started_at;
    out::line(&format!(
        "The store is sound: {entries} entries with {readings} readings in {chains} chains, {alerts} alerts, {roots} roots."
    ));
    let rate = a_second(*checked, took);
    out::line(&format!("Checked {checked} rows and readings in {} ms, {rate} a second.", took.num_milliseconds()));
    if *roots_beyond_damage > 0 {
        out::line(&format!(
            "{roots_beyond_damage} roots could not be computed again, because an entry before them is marked as damaged."
        ));
    }
    match newest_root {
        Some(root) => {
            let whose = if ours == Some(root.key) { "this service's key" } else { "another key than this service's" };
            out::line(&format!("The newest root, signed with {whose} ({}):", key_id(&root.key)));
            out::line(&root.to_string());
        }
        None => out::line("There is no signed root yet."),
    }
}
