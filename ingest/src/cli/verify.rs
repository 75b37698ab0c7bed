//! `ingest verify`: the whole store against itself, from a program of its own.

use super::{CommandError, keys, out};
use crate::{
    clock::{Clock, WallClock},
    config::Config,
    disk::Folder,
    server_key::ServerKey,
    store::{
        embedded::{StoreKeys, verify},
        evidence::{Progress, Verified},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, path::Path};
use thiserror::Error;
use vitals::wire::sealed::key_id;

/// How often to say how far it is.
const SAY_EVERY: TimeDelta = TimeDelta::seconds(5);

/// Verifies the store of these settings, and says what came of it.
pub(super) fn run(config: &Path, indexes: bool) -> Result<(), CommandError> {
    let folder = Config::read(config)?.data;
    let file = |cause| CommandError::File { path: folder.clone(), cause };
    let chain = keys::existing_chain_key(&folder).map_err(file)?;
    let ours = keys::existing_server_key(&folder).map_err(file)?;
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
    conclude(&verified, ours.as_ref(), started_at, clock.now());
    let Some(ours) = ours else { return Ok(()) };
    if let Some((root, key)) = unannounced(&verified.root_keys, &ours) {
        return Err(UnknownKey::OfRoot { root, key }.into());
    }
    match unannounced(&verified.statement_keys, &ours) {
        Some((entry, key)) => Err(UnknownKey::OfStatement { entry, key }.into()),
        None => Ok(()),
    }
}

/// Something is signed by a key for which no key of this service ever vouched.
#[derive(Debug, Error)]
pub enum UnknownKey {
    /// A root.
    #[error(
        "know the key {key} of root {root}: none of this service's keys ever vouched for it. Every row fits; whoever signed this root is not known. Restore server.key and server-keys.json from the backup of that time, or find out who wrote it"
    )]
    OfRoot {
        /// Which.
        root: u64,
        /// The key's id.
        key: String,
    },
    /// The statement in the place of a record that has ended.
    #[error(
        "know the key {key} of the statement in entry {entry}: none of this service's keys ever vouched for it. Every row fits; whoever says that this record was to end is not known. Restore server.key and server-keys.json from the backup of that time; if it was not theirs, somebody has taken a record out: restore the store"
    )]
    OfStatement {
        /// The entry it stands in.
        entry: u64,
        /// The key's id.
        key: String,
    },
}

/// The first root or statement that is signed by a key of which this service's keys say nothing.
fn unannounced(keys: &BTreeMap<[u8; 32], u64>, ours: &ServerKey) -> Option<(u64, String)> {
    let unknown = keys.iter().filter(|(key, _)| **key != ours.public() && !ours.line().has(key));
    unknown.map(|(key, root)| (*root, key_id(key))).min()
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

fn conclude(verified: &Verified, ours: Option<&ServerKey>, started_at: DateTime<Utc>, now: DateTime<Utc>) {
    let Verified { entries, readings, chains, alerts, checked, roots, roots_beyond_damage, newest_root, .. } = verified;
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
            let whose = match ours {
                Some(ours) if ours.public() == root.key => "this service's key",
                Some(ours) if ours.line().has(&root.key) => "a key this service had before",
                Some(_) | None => "another key than this service's",
            };
            out::line(&format!("The newest root, signed with {whose} ({}):", key_id(&root.key)));
            out::line(&root.to_string());
        }
        None => out::line("There is no signed root yet."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_key::Line;

    #[test]
    fn a_root_is_known_by_every_key_of_the_line_and_by_no_other() {
        let key = |seed: u8| ServerKey::from_seed(&[seed; 32]);
        let ours = key(2).in_line(Line::of(vec![key(1).hand_over(&key(2), DateTime::UNIX_EPOCH)]).unwrap()).unwrap();
        let signed = |by: &[(u8, u64)]| by.iter().map(|(seed, root)| (key(*seed).public(), *root)).collect();
        assert_eq!(unannounced(&signed(&[(1, 1), (2, 4)]), &ours), None);
        let named = unannounced(&signed(&[(1, 1), (8, 7), (9, 3), (2, 4)]), &ours);
        assert_eq!(named, Some((3, key(9).id().to_owned())), "the first of them is named");
        assert_eq!(unannounced(&signed(&[(1, 1)]), &key(2)).map(|(root, _)| root), Some(1), "without the line");
    }
}
