//! Points inside `apply` at which the service kills itself: each await of the call, the decision, and each storage call
//! of its commit.
//!
//! The service is the real one, put together by its own command line. Only its store is handed in: the embedded one, on a
//! disk whose calls are tapped, with a wrapper around `apply`. At the n-th time that it comes to the point it was told,
//! the process sends itself SIGKILL, which nothing in it can see or put off.

use crate::{
    fault::{Answers, Call, Fault, behind},
    trouble::{Doing, Trouble},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use faults::tapped::{self, File, When};
use ingest::{
    disk::{DATABASE_FILE, Disk, Folder},
    store::{
        Care, Decide, Store,
        embedded::{EmbeddedStore, OpenError, StoreKeys},
    },
};
use rules::{Decisions, Event, PatientState};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Signal, getpid, kill_process};
use std::{
    collections::BTreeMap,
    fmt, fs,
    future::poll_fn,
    path::{Path, PathBuf},
    pin::pin,
    str::FromStr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};
use vitals::ErrorCode;

/// Where the service kills itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Point {
    /// `apply` is called; the store has not been asked.
    Called,
    /// `apply` awaits something.
    Awaiting,
    /// The rules are about to decide on a slice.
    Deciding,
    /// They have decided; nothing of it is stored.
    Decided,
    /// `apply` has its answer; nobody was told, and no receipt was written.
    Answered,
    /// Bytes are about to be written to the log.
    LogWriting,
    /// Bytes were written to the log.
    LogWritten,
    /// The log is about to be synced.
    LogSyncing,
    /// The log is synced: the commit stands.
    LogSynced,
    /// The log is about to be cut short.
    LogTruncating,
    /// The log was cut short.
    LogTruncated,
    /// A page is about to be written to the database.
    DatabaseWriting,
    /// A page was written to the database.
    DatabaseWritten,
    /// The database is about to be synced.
    DatabaseSyncing,
    /// The database is synced.
    DatabaseSynced,
}

/// Every point.
pub const POINTS: [Point; 15] = [
    Point::Called,
    Point::Awaiting,
    Point::Deciding,
    Point::Decided,
    Point::Answered,
    Point::LogWriting,
    Point::LogWritten,
    Point::LogSyncing,
    Point::LogSynced,
    Point::LogTruncating,
    Point::LogTruncated,
    Point::DatabaseWriting,
    Point::DatabaseWritten,
    Point::DatabaseSyncing,
    Point::DatabaseSynced,
];

impl Point {
    /// The name, as a summary says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Called => "apply-called",
            Self::Awaiting => "apply-awaiting",
            Self::Deciding => "deciding",
            Self::Decided => "decided",
            Self::Answered => "apply-answered",
            Self::LogWriting => "log-writing",
            Self::LogWritten => "log-written",
            Self::LogSyncing => "log-syncing",
            Self::LogSynced => "log-synced",
            Self::LogTruncating => "log-truncating",
            Self::LogTruncated => "log-truncated",
            Self::DatabaseWriting => "database-writing",
            Self::DatabaseWritten => "database-written",
            Self::DatabaseSyncing => "database-syncing",
            Self::DatabaseSynced => "database-synced",
        }
    }

    fn of(file: File, call: tapped::Call, when: When) -> Option<Self> {
        use tapped::Call;
        Some(match (file, call, when) {
            (File::Log, Call::Write, When::Before) => Self::LogWriting,
            (File::Log, Call::Write, When::After) => Self::LogWritten,
            (File::Log, Call::Sync, When::Before) => Self::LogSyncing,
            (File::Log, Call::Sync, When::After) => Self::LogSynced,
            (File::Log, Call::Truncate, When::Before) => Self::LogTruncating,
            (File::Log, Call::Truncate, When::After) => Self::LogTruncated,
            (File::Database, Call::Write, When::Before) => Self::DatabaseWriting,
            (File::Database, Call::Write, When::After) => Self::DatabaseWritten,
            (File::Database, Call::Sync, When::Before) => Self::DatabaseSyncing,
            (File::Database, Call::Sync, When::After) => Self::DatabaseSynced,
            // A database is cut short by a vacuum only, and nobody asks for one.
            (File::Database, Call::Truncate, _) => return None,
        })
    }
}

/// A point, and which time that it is reached, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillAt {
    /// The point.
    pub point: Point,
    /// Which time.
    pub time: u64,
}

impl fmt::Display for KillAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kill-at:{}:{}", self.point.name(), self.time)
    }
}

/// No such point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("read where to kill: want kill-at:POINT:TIME")]
pub struct NoSuchPoint;

impl FromStr for KillAt {
    type Err = NoSuchPoint;

    fn from_str(text: &str) -> Result<Self, NoSuchPoint> {
        let (point, time) = text.strip_prefix("kill-at:").and_then(|rest| rest.split_once(':')).ok_or(NoSuchPoint)?;
        let point = POINTS.into_iter().find(|known| known.name() == point).ok_or(NoSuchPoint)?;
        Ok(Self { point, time: time.parse().map_err(|_not_a_number| NoSuchPoint)? })
    }
}

/// What this process does at its points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtPoints {
    /// Kills itself at one.
    Kill(KillAt),
    /// Counts how often it comes to each, and writes that into a file as its store is closed.
    Count(PathBuf),
}

impl FromStr for AtPoints {
    type Err = NoSuchPoint;

    fn from_str(text: &str) -> Result<Self, NoSuchPoint> {
        match text.strip_prefix(COUNT) {
            Some(file) => Ok(Self::Count(file.into())),
            None => text.parse().map(Self::Kill),
        }
    }
}

/// Before the file in the environment of a service that counts.
const COUNT: &str = "count-points:";

/// The environment of a service that counts into a file.
#[must_use]
pub fn counting_into(file: &Path) -> String {
    format!("{COUNT}{}", file.display())
}

/// What a service counted: how often it came to each point.
///
/// # Errors
/// [`Trouble`] where it wrote nothing, or something else.
pub fn counted(file: &Path) -> Result<BTreeMap<Point, u64>, Trouble> {
    let text = fs::read_to_string(file).doing("read how often each point was reached")?;
    let line = |line: &str| {
        let (name, times) = line.split_once(' ')?;
        Some((POINTS.into_iter().find(|point| point.name() == name)?, times.parse().ok()?))
    };
    let counted: Option<BTreeMap<Point, u64>> = text.lines().map(line).collect();
    counted.ok_or_else(|| Trouble::new("read how often each point was reached", text))
}

static AT_POINTS: OnceLock<AtPoints> = OnceLock::new();
/// How often each point was reached.
static TIMES: [AtomicU64; POINTS.len()] = [const { AtomicU64::new(0) }; POINTS.len()];

/// Comes to a point: and goes no further, where it is the one.
fn reach(point: Point) {
    let Some(times) = POINTS.iter().position(|known| *known == point).and_then(|place| TIMES.get(place)) else {
        return;
    };
    let time = times.fetch_add(1, Ordering::SeqCst) + 1;
    if AT_POINTS.get() == Some(&AtPoints::Kill(KillAt { point, time })) {
        // Returns only where it failed, which a test notices: nobody died.
        kill_process(getpid(), Signal::KILL).unwrap_or(());
    }
}

fn tap(file: File, call: tapped::Call, when: When) {
    if let Some(point) = Point::of(file, call, when) {
        reach(point);
    }
}

/// The store's folder, with every write and sync of the one writer tapped.
struct Tapped {
    folder: Folder,
    path: PathBuf,
}

impl Disk for Tapped {
    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        tapped::open(&self.path, flags, tap)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.folder.open_reader()
    }
}

/// Comes to the points around `apply`; the storage calls are tapped.
struct Points;

#[async_trait]
impl Fault for Points {
    async fn apply(&self, real: &dyn Store, call: Call) -> Answers {
        reach(Point::Called);
        let decide = Arc::new(PointsOfRules(Arc::clone(&call.decide)));
        let mut applying = pin!(call.by(decide, real));
        let answers = poll_fn(|context| {
            let polled = applying.as_mut().poll(context);
            if polled.is_pending() {
                reach(Point::Awaiting);
            }
            polled
        })
        .await;
        reach(Point::Answered);
        answers
    }

    async fn close(&self, real: &dyn Store) {
        real.close().await;
        let Some(AtPoints::Count(file)) = AT_POINTS.get() else { return };
        let line =
            |(point, times): (&Point, &AtomicU64)| format!("{} {}\n", point.name(), times.load(Ordering::SeqCst));
        let lines: String = POINTS.iter().zip(&TIMES).map(line).collect();
        // Whoever asked for it notices that it is not there.
        fs::write(file, lines).unwrap_or(());
    }
}

struct PointsOfRules(Arc<dyn Decide>);

impl Decide for PointsOfRules {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        reach(Point::Deciding);
        let decisions = self.0.decide(care, before, events, at);
        reach(Point::Decided);
        decisions
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        self.0.unevaluated(before, events, reason, at)
    }
}

/// Says what this process does at its points: once, and before its store is opened.
pub fn arm(at_points: AtPoints) {
    AT_POINTS.get_or_init(|| at_points);
}

/// Makes the store of a service that kills itself or counts; for [`ingest::cli::run_with`].
///
/// # Errors
/// [`OpenError`] where the store does not open.
pub fn with_points(folder: &Path, keys: StoreKeys) -> Result<Arc<dyn Store>, OpenError> {
    let disk = Tapped { folder: Folder::new(folder), path: folder.join(DATABASE_FILE) };
    let store = EmbeddedStore::open(Arc::new(disk), keys)?;
    Ok(behind(Arc::new(store), Arc::new(Points)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_and_a_time_survive_the_environment() {
        for point in POINTS {
            let kill_at = KillAt { point, time: 7 };
            assert_eq!(kill_at.to_string().parse(), Ok(AtPoints::Kill(kill_at)));
        }
        let file = Path::new("/somewhere/counts");
        assert_eq!(counting_into(file).parse(), Ok(AtPoints::Count(file.into())));
        for text in ["", "kill-at:deciding", "kill-at:nowhere:1", "kill-at:deciding:x", "deciding:1"] {
            assert_eq!(text.parse::<AtPoints>(), Err(NoSuchPoint), "{text}");
        }
    }
}
