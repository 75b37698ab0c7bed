//! The tables, as a list of migrations that only goes forward.
//!
//! Invariants: a migration that was ever released never changes; the store's `user_version` is how many of them it has
//! had; every table is STRICT; times are microseconds since 1970 UTC; derived ids are sixteen bytes; people, hubs and
//! devices stand as the numbers of their names.

/// Marks a file as ours: "Drwt" in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x4472_7774;

/// Every migration, in order.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, SECOND, THIRD, FOURTH];

/// The version with which people moved from a table of their own into the register; see `people.rs`.
pub(super) const PEOPLE_MOVED: i64 = 2;

/// Columns named `digest` are keyed checksums of the rest of their row, verified at every read.
const FIRST: &str = "
-- What the store says of itself: `keys` marks the keys it was written with, `tally` says how many rows there must be.
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL, digest BLOB) STRICT, WITHOUT ROWID;

-- Names that repeat in every row. Read whole at the start, so there is no index to be damaged.
CREATE TABLE name (no INTEGER PRIMARY KEY, class INTEGER NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL) STRICT;

-- The journal, and the chain of each person's record: one row for each committed slice, never changed. `body` holds the
-- slice's readings with their first verdicts, and the digest of every other row it wrote; it names the entry before it
-- of the same subject. `head` is the head of that subject's chain after it.
CREATE TABLE entry (
    seq INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    body BLOB NOT NULL,
    head BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;

-- Where a record of a source stands, so that each is stored once. A source is a device; or a hub, whose records are then
-- what was refused.
CREATE TABLE known (
    source INTEGER NOT NULL,
    record INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (source, record)
) STRICT, WITHOUT ROWID;

-- One row for each person, hub and the service itself: the end of its chain, how many rows of other tables are its own,
-- and what the rules remember of it.
CREATE TABLE record (no INTEGER PRIMARY KEY, body BLOB NOT NULL, digest BLOB NOT NULL) STRICT;

CREATE TABLE person (no INTEGER PRIMARY KEY, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;

-- `n` counts within a person. `waiting` is 1 while the alert waits for somebody, so that a list that is cut keeps those.
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    person INTEGER NOT NULL,
    n INTEGER NOT NULL,
    waiting INTEGER NOT NULL CHECK (waiting IN (0, 1)),
    body BLOB NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (person, n)
) STRICT;

-- `due_at` finds a timer; the time itself is in `body`.
CREATE TABLE timer (
    seq INTEGER PRIMARY KEY,
    alert BLOB NOT NULL UNIQUE REFERENCES alert (id),
    person INTEGER NOT NULL,
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
    person INTEGER NOT NULL,
    done_at INTEGER,
    next_try_at INTEGER NOT NULL,
    leased_until INTEGER,
    attempts INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE INDEX job_open ON job (next_try_at, seq) WHERE done_at IS NULL;

-- Readings the rules failed on and have not judged since, by entry and place within it.
CREATE TABLE unjudged (entry INTEGER NOT NULL, place INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (entry, place)) STRICT, WITHOUT ROWID;

-- What the rules made of such a reading later, in place of what stands in its entry.
CREATE TABLE judged (
    entry INTEGER NOT NULL,
    place INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (entry, place)
) STRICT, WITHOUT ROWID;

-- Refused readings, and readings that say something else than the stored one of their source and record: kept with
-- their reason, once for each content. `n` counts within a hub.
CREATE TABLE refusal (
    hub INTEGER NOT NULL,
    n INTEGER NOT NULL,
    reading BLOB,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (hub, n)
) STRICT;

-- The signed root over the heads of all chains, as they were after an entry. `previous` is the root before it; `key` is
-- the public half of the key that signed it.
CREATE TABLE root (
    n INTEGER PRIMARY KEY,
    entries INTEGER NOT NULL,
    chains INTEGER NOT NULL,
    at INTEGER NOT NULL,
    root BLOB NOT NULL,
    previous BLOB NOT NULL,
    key BLOB NOT NULL,
    signature BLOB NOT NULL,
    digest BLOB NOT NULL
) STRICT;

-- Entries that were found damaged: what can be told of them from elsewhere, so that what is sound is shown beside them;
-- and by which records their readings were known that are not stored again yet.
CREATE TABLE damage (
    entry INTEGER PRIMARY KEY,
    subject INTEGER NOT NULL,
    n INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    at INTEGER NOT NULL,
    missing BLOB,
    digest BLOB NOT NULL
) STRICT;
";

const SECOND: &str = "
-- The register: each thing as it now is. `id` is made of its kind and its own id; `seq` is the order in which they were
-- first written; `n` counts within whoever's record it stands in; `entry` is where its newest version was told. By two
-- indexes, so that a thing is missing only where both say so: a bit in one cannot make it look new.
CREATE TABLE item (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject INTEGER NOT NULL,
    n INTEGER NOT NULL,
    version INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (subject, n)
) STRICT;
CREATE UNIQUE INDEX item_by_kind ON item (kind, id);

-- The accounts that staff sign in with. Read whole: there is no index to be damaged.
CREATE TABLE account (seq INTEGER PRIMARY KEY, staff TEXT NOT NULL, body TEXT NOT NULL, digest BLOB NOT NULL) STRICT;
";

/// The tables stay as they are. From here on an entry may be of the form that is left when what it said was erased, rows of
/// alerts, notifications, things and refusals may be empty for the same reason, and the tally counts records that ended: an
/// earlier program would take all of that for damage, so it must not open the store.
const THIRD: &str = "-- Records may end.";

/// A timer may be of no alert: of readings that are expected and may not come. An earlier program would refuse to write one.
const FOURTH: &str = "
CREATE TABLE timer_of_any (
    seq INTEGER PRIMARY KEY,
    alert BLOB NOT NULL UNIQUE,
    person INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
INSERT INTO timer_of_any SELECT seq, alert, person, due_at, body, digest FROM timer;
DROP TABLE timer;
ALTER TABLE timer_of_any RENAME TO timer;
CREATE INDEX timer_by_time ON timer (due_at);
";
