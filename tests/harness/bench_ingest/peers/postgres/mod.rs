//! PostgreSQL 15 and a minimal rule worker: what a team would build first.
//!
//! Readings go in by prepared statements, `unnest` for more than one, each only once by source and record; commits of
//! several connections share a sync by themselves. A worker in a process of its own takes what is committed, runs the same
//! protocol, and writes everybody's rule state and alerts. Its CPU counts, and a window lasts until it has caught up.
//!
//! It leaves out: signatures, checks of what a reading is, a verdict for each reading, the hash chain, and notifications. It
//! acknowledges before the rules have run.

mod cluster;
mod load;
mod minimal;
mod worker;

pub(in crate::bench_ingest) use cluster::NOT_INSTALLED;
pub use worker::{WORK, work};

use super::{
    super::{
        machine,
        ours::Shape,
        settings::RULES_A_READING_MIN,
        stats::real,
        world::{Draft, World},
    },
    PeerSample, Process,
};
use crate::{
    clock::{self, wait_until},
    trouble::{Doing, Trouble},
};
use chrono::{DateTime, Utc};
use cluster::Cluster;
use load::{Loader, Rows};
use std::{path::Path, process::Command, time::Duration};

/// Connections while everybody's first readings are sent.
const FIRST_CONNECTIONS: usize = 64;

/// Longest the worker may take to catch up after a window.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(120);

/// The tables: everything that a hub says of a reading. Source, record, person and hub are whole numbers, which is
/// generous: ours come as texts and digests. The worker finds what is new by the transaction that wrote it, because a serial
/// number is not in the order of commits.
const TABLES: &str = "
    CREATE TABLE reading (
        source int NOT NULL, record bigint NOT NULL, patient int NOT NULL, hub int NOT NULL,
        kind smallint NOT NULL, frame smallint NOT NULL,
        taken bigint NOT NULL, device_time bigint, heard bigint NOT NULL, ahead int, flags int NOT NULL,
        a int, b int, c int, raw bytea NOT NULL,
        received timestamptz NOT NULL DEFAULT now(),
        tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
        PRIMARY KEY (source, record)
    );
    CREATE INDEX reading_tx ON reading (tx);
    CREATE TABLE state (patient int PRIMARY KEY, memory bytea NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE alert (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient int NOT NULL, rule smallint NOT NULL,
        opened bigint NOT NULL, cleared bigint
    );
    CREATE INDEX alert_open ON alert (patient, rule) WHERE cleared IS NULL;
    CREATE TABLE progress (upto text NOT NULL, judged bigint NOT NULL, rules bigint NOT NULL);
    INSERT INTO progress VALUES ('0', 0, 0);
";

/// PostgreSQL with its worker.
pub(in crate::bench_ingest) struct Postgres {
    cluster: Cluster,
    worker: Process,
    load: Loader,
    /// Readings sent so far.
    sent: usize,
}

impl Postgres {
    /// Starts both; nothing where PostgreSQL is not installed.
    pub(in crate::bench_ingest) fn start(
        program: &Path,
        folder: &Path,
        world: &mut World,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>, Trouble> {
        let Some(cluster) = Cluster::start(folder)? else { return Ok(None) };
        let load = Loader::new(cluster.config())?;
        load.execute(TABLES)?;
        let mut command = Command::new(program);
        command.arg(WORK).arg(cluster.folder());
        let worker = Process::start(&mut command, None, &folder.join("worker.log"))?;
        let mut postgres = Self { cluster, worker, load, sent: 0 };
        let rows = rows(&world.one_of_each(now)?)?;
        postgres.sent = rows.iter().map(Rows::len).sum();
        postgres.load.send(rows, FIRST_CONNECTIONS, Duration::MAX)?;
        postgres.catch_up()?;
        Ok(Some(postgres))
    }

    /// What it says of its version.
    pub(in crate::bench_ingest) fn version(&self) -> &str {
        &self.cluster.version
    }

    /// The processes: the server's first, and the worker.
    pub(in crate::bench_ingest) fn pids(&self) -> [u32; 2] {
        [self.cluster.pid(), self.worker.pid()]
    }

    fn cpu(&self) -> Result<Duration, Trouble> {
        Ok(machine::cpu_of_tree(self.cluster.pid())? + machine::cpu_of(self.worker.pid())?)
    }

    /// One window at the top rate, and what the worker then still has to do.
    pub(in crate::bench_ingest) fn sample(
        &mut self,
        world: &mut World,
        shape: Shape,
        requests: usize,
        lasts: Duration,
        now: DateTime<Utc>,
    ) -> Result<PeerSample, Trouble> {
        let rows = rows(&world.drafts(requests, shape.size, now)?)?;
        self.load.connect(shape.connections)?;
        let (start, before) = (clock::instant(), self.cpu()?);
        let top = self.load.send(rows, shape.connections, lasts)?;
        let readings = top.count() * shape.size;
        self.sent += readings;
        self.catch_up()?;
        let (lasted, cpu) = (clock::instant() - start, self.cpu()?.saturating_sub(before));
        Ok(PeerSample {
            readings_a_second: real(readings) / lasted.as_secs_f64(),
            readings_a_cpu_second: real(readings) / cpu.as_secs_f64(),
            top,
        })
    }

    /// Waits until the worker has judged everything that was sent.
    fn catch_up(&mut self) -> Result<(), Trouble> {
        let mut seen = Ok((0, 0));
        let (load, worker, sent) = (&self.load, &mut self.worker, i64::try_from(self.sent).unwrap_or(i64::MAX));
        let waited = wait_until(CATCHES_UP_WITHIN, "the worker has judged everything", || {
            seen = load.progress();
            worker.has_ended() || !matches!(seen, Ok((judged, _)) if judged < sent)
        });
        let (judged, rules) = seen?;
        waited.doing("wait for the rule worker")?;
        if judged != sent || rules < sent * i64::from(RULES_A_READING_MIN) {
            let what = format!("{judged} readings judged by {rules} rules, of {sent} sent");
            return Err(Trouble::new("count a void run of the rule worker", what));
        }
        Ok(())
    }
}

fn rows(drafts: &[Draft]) -> Result<Vec<Rows>, Trouble> {
    drafts.iter().map(Rows::of).collect()
}
