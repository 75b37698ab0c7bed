//! The tables, as a list of migrations that only goes forward.
//!
//! Invariants: a migration that was ever released never changes; the store's `user_version` is how many of them it has
//! had; every table is STRICT; times are microseconds since 1970 UTC, name ids are text, derived ids are sixteen bytes.

/// Marks a file as ours: "Drwt" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x4472_7774;

/// Every migration, in order.
pub(super) const MIGRATIONS: &[&str] = &[FIRST];

/// Columns named `digest` are keyed checksums of the rest of their row (but not of `seq`), verified at every read.
const FIRST: &str = "
-- What the store says of itself: `keys` marks the keys it was written with.
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- `body` is the admitted reading as it came. `patient`, `verdict` and `judged` are null while it belongs to nobody;
-- `judged` is 0 where the rules failed.
CREATE TABLE reading (
    seq INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    record BLOB NOT NULL,
    patient TEXT,
    hub TEXT NOT NULL,
    kind TEXT NOT NULL,
    event_time INTEGER NOT NULL,
    judged INTEGER CHECK (judged IN (0, 1)),
    body TEXT NOT NULL,
    verdict TEXT,
    digest BLOB NOT NULL,
    UNIQUE (source, record),
    CHECK ((patient IS NULL) = (verdict IS NULL) AND (verdict IS NULL) = (judged IS NULL))
) STRICT;
CREATE INDEX reading_of_person ON reading (patient, kind, event_time) WHERE patient IS NOT NULL;
CREATE INDEX reading_of_nobody ON reading (hub, seq) WHERE patient IS NULL;
CREATE INDEX reading_unevaluated ON reading (seq) WHERE judged = 0;

-- The same source and record with other contents: kept beside the first, once for each content.
CREATE TABLE conflict (
    seq INTEGER PRIMARY KEY,
    reading INTEGER NOT NULL REFERENCES reading (seq),
    content BLOB NOT NULL,
    patient TEXT,
    hub TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (reading, content)
) STRICT;

-- Refused readings, once for each hub and content.
CREATE TABLE refusal (
    seq INTEGER PRIMARY KEY,
    hub TEXT NOT NULL,
    id BLOB,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (hub, content)
) STRICT;

CREATE TABLE person (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;

CREATE TABLE state (seq INTEGER PRIMARY KEY, patient TEXT NOT NULL UNIQUE, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;

-- `waiting` is 1 while the alert waits for a person, so that a list that is cut keeps those.
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    patient TEXT NOT NULL,
    waiting INTEGER NOT NULL CHECK (waiting IN (0, 1)),
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX alert_of_person ON alert (patient, waiting, seq);

-- `due_at` finds a timer; the time itself is in `body`.
CREATE TABLE timer (
    seq INTEGER PRIMARY KEY,
    alert BLOB NOT NULL UNIQUE REFERENCES alert (id),
    patient TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX timer_by_time ON timer (due_at);

-- Open until `done_at`; tried from `next_try_at` on, and nobody else's until `leased_until`.
CREATE TABLE job (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    alert BLOB NOT NULL REFERENCES alert (id),
    patient TEXT NOT NULL,
    done_at INTEGER,
    next_try_at INTEGER NOT NULL,
    leased_until INTEGER,
    attempts INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX job_open ON job (next_try_at, seq) WHERE done_at IS NULL;

-- `highest` and `seen` hold the bits of unsigned numbers.
CREATE TABLE replay (hub TEXT PRIMARY KEY, epoch INTEGER NOT NULL, highest INTEGER NOT NULL, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The change log and the chains: one row for every committed event and what came of it. `n` counts within a person.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    patient TEXT,
    n INTEGER,
    hub TEXT,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    head BLOB NOT NULL,
    CHECK ((patient IS NULL) = (n IS NULL))
) STRICT;
CREATE UNIQUE INDEX entry_of_person ON entry (patient, n) WHERE patient IS NOT NULL;
";
