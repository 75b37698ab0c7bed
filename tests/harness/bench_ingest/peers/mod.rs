//! Others in the same run: what people would put together instead, on the same machine, with the same readings.
//!
//! Neither does what the service does; each says what it leaves out. All answer only when what they took is on the disk.

pub(super) mod influx;
pub(super) mod postgres;

use super::stats::Spread;
use crate::trouble::{Doing, Trouble};
use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What one window came to.
#[derive(Debug, Clone)]
pub(super) struct PeerSample {
    pub(super) readings_a_second: f64,
    pub(super) readings_a_cpu_second: f64,
    pub(super) top: Spread,
}

/// A program where one of the folders has it.
pub(super) fn found(name: &str, folders: &[&str]) -> Option<PathBuf> {
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// A program of another's as a process of its own. Killed when dropped.
pub(super) struct Process(Child);

impl Process {
    /// Starts a program, as somebody else where named; it logs into a file.
    pub(super) fn start(command: &mut Command, owner: Option<Owner>, log: &Path) -> Result<Self, Trouble> {
        let out = fs::File::create(log).doing("make a log")?;
        let error = out.try_clone().doing("make a log")?;
        command.stdin(Stdio::null()).stdout(out).stderr(error);
        as_owner(command, owner);
        command.spawn().doing("start a peer").map(Self)
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Who a process is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
}

impl Owner {
    /// Somebody of this machine by name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let text = fs::read_to_string("/etc/passwd").ok()?;
        let row: Vec<&str> =
            text.lines().map(|line| line.split(':').collect()).find(|row: &Vec<&str>| row.first() == Some(&name))?;
        Some(Self { user: row.get(2)?.parse().ok()?, group: row.get(3)?.parse().ok()? })
    }
}

/// Runs a command as somebody else.
pub(super) fn as_owner(command: &mut Command, owner: Option<Owner>) {
    if let Some(owner) = owner {
        command.gid(owner.group).uid(owner.user);
    }
}
