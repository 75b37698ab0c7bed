//! Everything a store answers, as it stands: what the interface and the pages rest on.

use super::{cast::Cast, play::ROWS};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use ingest::{
    access::{Access, Purpose},
    store::{Change, Cursor, KeptItem, Logged, ReadError, RegisterPlace, Store, StoredReading, StoredRefusal, Version},
};
use rules::{Alert, Person, Timer, event::Account};
use serde::Serialize;
use vitals::{Admitted, HubId, PatientId, wire::signing::ReplayWindow};

/// Everything that can be read.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Readings of people.
    pub readings: Vec<StoredReading>,
    /// Readings of nobody.
    pub unassigned: Vec<StoredReading>,
    /// What was refused, and what is in conflict.
    pub refusals: Vec<StoredRefusal>,
    /// Alerts.
    pub alerts: Vec<Alert>,
    /// People.
    pub people: Vec<Person>,
    /// Every timer.
    pub timers: Vec<(PatientId, Timer)>,
    /// What could not be judged.
    pub unevaluated: Vec<Admitted>,
    /// Every change, in order.
    pub changes: Vec<Change>,
    /// The request numbers of each hub.
    pub windows: Vec<Option<(u32, ReplayWindow)>>,
    /// The register.
    pub register: Vec<KeptItem>,
    /// Every version of everything in it.
    pub versions: Vec<Version>,
    /// Who looked at each person's record, or changed it.
    pub logs: Vec<Logged>,
    /// The accounts.
    pub accounts: Vec<Option<Account>>,
}

/// A moment after every timer.
#[must_use]
pub fn far(at: DateTime<Utc>) -> DateTime<Utc> {
    at + TimeDelta::days(3650)
}

/// Every change, page by page.
///
/// # Errors
/// [`ReadError`] of the store.
pub async fn changes(store: &dyn Store, page: usize) -> Result<Vec<Change>, ReadError> {
    let follow = Access::system(Purpose::Follow);
    let (mut all, mut cursor) = (Vec::new(), Cursor::default());
    loop {
        let (some, next) = store.changes(&follow, cursor, page).await?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
        cursor = next;
    }
}

/// The whole register, page by page.
///
/// # Errors
/// [`ReadError`] of the store.
pub async fn register(store: &dyn Store) -> Result<Vec<KeptItem>, ReadError> {
    let directory = Access::system(Purpose::Directory);
    let (mut all, mut place) = (Vec::new(), RegisterPlace::default());
    loop {
        let (some, next) = store.register(&directory, place, ROWS).await?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
        place = next;
    }
}

impl View {
    /// Reads everything.
    ///
    /// # Errors
    /// [`ReadError`] of the first answer that is one.
    pub async fn of(store: &dyn Store, cast: &Cast, at: DateTime<Utc>) -> Result<Self, ReadError> {
        let (follow, sweep) = (Access::system(Purpose::Follow), Access::system(Purpose::Sweep));
        let directory = Access::system(Purpose::Directory);
        let mut windows = Vec::new();
        for hub in cast.hubs.iter().map(|(hub, _)| hub) {
            windows.push(window(store, hub).await?);
        }
        let register = register(store).await?;
        let (mut versions, mut logs, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
        for kept in &register {
            versions.extend(store.versions(&directory, &kept.item.reference(), ROWS).await?);
        }
        for person in &cast.people {
            logs.extend(store.log_of(&cast.privacy_officer, &person.id, ROWS).await?);
        }
        for account in &cast.accounts {
            accounts.push(store.account(&Access::system(Purpose::SignIn), &account.staff).await?);
        }
        Ok(Self {
            register,
            versions,
            logs,
            accounts,
            readings: store.readings(&follow, ROWS).await?,
            unassigned: store.unassigned(&follow, ROWS).await?,
            refusals: in_order(store.refusals(&follow, ROWS).await?),
            alerts: store.alerts(&follow, ROWS).await?,
            people: store.people(&follow).await?,
            timers: store.due_timers(&sweep, ROWS, far(at)).await?,
            unevaluated: store.unevaluated(&sweep, 0, ROWS).await?,
            changes: changes(store, ROWS).await?,
            windows,
        })
    }

    /// A digest of each part: two views with the same digests are the same.
    ///
    /// # Errors
    /// [`Trouble`] where something cannot be written down.
    pub fn digest(&self) -> Result<Digest, Trouble> {
        let stored = |all: &[StoredReading]| {
            digest(all.iter().map(|stored| (&stored.reading, &stored.hub, stored.server_received, &stored.verdict)))
        };
        let refusals = self.refusals.iter().map(|refusal| (&refusal.hub, refusal.at, refusal.code.code()));
        let changes = self.changes.iter();
        let changes = changes.map(|change| (&change.patient, &change.hub, change.kind, &change.what, change.at));
        Ok(Digest([
            ("readings", stored(&self.readings)?),
            ("unassigned", stored(&self.unassigned)?),
            ("refusals", digest(refusals)?),
            ("alerts", digest(&self.alerts)?),
            ("people", digest(&self.people)?),
            ("timers", digest(&self.timers)?),
            ("unevaluated", digest(&self.unevaluated)?),
            ("changes", digest(changes)?),
            ("windows", digest([format!("{:?}", self.windows)])?),
            ("register", digest(self.register.iter().map(|kept| (&kept.item, kept.version)))?),
            ("versions", digest(self.versions.iter().map(|version| (&version.written, version.at)))?),
            ("logs", digest(self.logs.iter().map(|line| (&line.audit, line.at)))?),
            ("accounts", digest(&self.accounts)?),
        ]))
    }
}

/// A digest of each part of a [`View`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([(&'static str, [u8; 32]); 13]);

impl Digest {
    /// The parts in which it differs from another.
    #[must_use]
    pub fn differs_in(&self, other: &Self) -> Vec<&'static str> {
        self.0.iter().zip(&other.0).filter(|(one, other)| one != other).map(|((name, _), _)| *name).collect()
    }
}

fn digest<T: Serialize>(parts: impl IntoIterator<Item = T>) -> Result<[u8; 32], Trouble> {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&serde_json::to_vec(&part).doing("write a view down")?);
    }
    Ok(*hasher.finalize().as_bytes())
}

/// Refusals of one moment in an order of their own: the store promises the newest first and no more.
#[must_use]
pub fn in_order(mut refusals: Vec<StoredRefusal>) -> Vec<StoredRefusal> {
    refusals.sort_by(|one, other| (other.at, &one.hub).cmp(&(one.at, &other.hub)));
    refusals
}

/// The request numbers received from a hub.
///
/// # Errors
/// [`ReadError`] of the store.
pub async fn window(store: &dyn Store, hub: &HubId) -> Result<Option<(u32, ReplayWindow)>, ReadError> {
    store.replay_window(&Access::system(Purpose::Receive), hub).await
}
