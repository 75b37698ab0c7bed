//! A PostgreSQL of its own: made in a folder, on a socket there, gone with it.

use super::super::{super::machine, Owner, Process, as_owner, found};
use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use std::{
    fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use tokio_postgres::Config;

/// Where Debian puts it, and how to get it.
const FOLDERS: [&str; 1] = ["/usr/lib/postgresql/15/bin"];
pub(in crate::bench_ingest) const NOT_INSTALLED: &str = "PostgreSQL 15 is not installed: apt install postgresql-15";

/// Who it runs as where the bench is root, which it refuses to be.
const OWNERS: [&str; 2] = ["postgres", "nobody"];

/// The database's first user.
const USER: &str = "bench";

/// Longest it may take to start.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Longest it may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

/// What is set for speed without giving up anything: room for what is read, and no checkpoint that a larger log puts off.
/// `fsync`, `synchronous_commit` and `full_page_writes` are on, as they come, and so is the time between checkpoints.
const SETTINGS: [&str; 8] = [
    "listen_addresses=",
    "shared_buffers=1GB",
    "max_wal_size=8GB",
    "wal_buffers=16MB",
    "max_connections=100",
    "jit=off",
    "fsync=on",
    "synchronous_commit=on",
];

/// A running PostgreSQL.
pub(super) struct Cluster {
    process: Process,
    folder: PathBuf,
    pub(super) version: String,
}

impl Cluster {
    pub(super) fn start(folder: &Path) -> Result<Option<Self>, Trouble> {
        let (Some(initdb), Some(server)) = (found("initdb", &FOLDERS), found("postgres", &FOLDERS)) else {
            return Ok(None);
        };
        let folder = folder.join("postgres");
        fs::create_dir_all(&folder).doing("make PostgreSQL's folder")?;
        let is_root = fs::metadata("/proc/self").doing("ask who we are")?.uid() == 0;
        let owner = if is_root { OWNERS.iter().find_map(|name| Owner::named(name)) } else { None };
        if let Some(owner) = owner {
            chown(&folder, Some(owner.user), Some(owner.group)).doing("give PostgreSQL its folder")?;
        }
        let data = folder.join("data");
        let mut command = Command::new(initdb);
        command.args(["--auth=trust", "--no-locale", "--encoding=UTF8", "--username", USER, "-D"]).arg(&data);
        command.current_dir(&folder);
        as_owner(&mut command, owner);
        let made = command.output().doing("make a PostgreSQL")?;
        if !made.status.success() {
            return Err(Trouble::new("make a PostgreSQL", String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        let said = Command::new(&server).arg("--version").output().doing("ask PostgreSQL for its version")?;
        let mut command = Command::new(server);
        command.arg("-D").arg(&data).arg("-k").arg(&folder).current_dir(&folder);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let log = folder.join("log");
        let mut process = Process::start(&mut command, owner, &log)?;
        // The file is there, and says so, once connections are taken.
        let is_ready = || {
            let file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            process.has_ended() || file.lines().any(|line| line.trim() == "ready")
        };
        wait_until(STARTS_WITHIN, "PostgreSQL takes connections", is_ready).doing("start PostgreSQL")?;
        if process.has_ended() {
            return Err(Trouble::new("start PostgreSQL", fs::read_to_string(log).unwrap_or_default()));
        }
        let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        Ok(Some(Self { process, folder, version }))
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where its socket is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn config(&self) -> Config {
        config(&self.folder)
    }
}

impl Drop for Cluster {
    /// In order, so that it leaves nothing in the machine's shared memory.
    fn drop(&mut self) {
        let told = machine::tell("INT", &[self.process.pid()]);
        let ended = wait_until(STOPS_WITHIN, "PostgreSQL has stopped", || told.is_err() || self.process.has_ended());
        // Where it has not, the process is killed.
        drop(ended);
    }
}

/// How to reach it.
pub(super) fn config(folder: &Path) -> Config {
    let mut config = Config::new();
    config.host_path(folder).user(USER).dbname("postgres");
    config
}
