//! The unmodified hub agent as a process of its own, given nothing but its settings and the address of the bus.

use super::home::Home;
use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

/// How long an ordered stop may take: what the agent allows a request under way, and time for a busy machine.
const STOPS_WITHIN: Duration = hub_agent::agent::STOP_WITHIN.saturating_add(Duration::from_secs(7));

/// An agent at work. Killed when dropped, so that a failed test leaves none behind.
pub struct Agent {
    child: Child,
    log: PathBuf,
}

impl Agent {
    /// Starts a program as the agent of a folder, on a bus.
    ///
    /// # Errors
    /// [`Trouble`] where the process does not start.
    pub fn start(program: &Path, home: &Home, bus: &str) -> Result<Self, Trouble> {
        let log = home.log();
        let file = File::options().create(true).append(true).open(&log).doing("open the agent's log")?;
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(home.settings())
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
            .env("DERWENT_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .doing("start the agent")?;
        Ok(Self { child, log })
    }

    /// What it and its predecessors in the same folder logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How long the log is: whether there is anything new.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |file| file.len())
    }

    /// How often it logged an event of a name.
    #[must_use]
    pub fn said(&self, event: &str) -> usize {
        said(&self.log(), event)
    }

    /// Whether it has ended by itself, and how.
    ///
    /// # Errors
    /// [`Trouble`] where the operating system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Trouble> {
        self.child.try_wait().doing("look at the agent")
    }

    /// SIGTERM: asks for an ordered stop, and says how it ended.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it had ended before, or does not end in its time.
    pub fn stop(&mut self) -> Result<ExitStatus, Trouble> {
        if let Some(status) = self.ended()? {
            return Err(Trouble::new("stop the agent", format!("it had ended by itself ({status}): {}", self.log())));
        }
        let pid = self.child.id().to_string();
        let asked =
            Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().doing("ask the agent to stop")?;
        if !asked.success() {
            return Err(Trouble::new("ask the agent to stop", "it is not there"));
        }
        let mut status = Ok(None);
        let waited = wait_until(STOPS_WITHIN, "the agent has ended", || {
            status = self.ended();
            !matches!(status, Ok(None))
        });
        waited.map_err(|late| Trouble::new("stop the agent", format!("{late}; it logged {}", self.log())))?;
        status?.ok_or_else(|| Trouble::new("stop the agent", "it has no exit code"))
    }
}

/// How often a log holds an event of a name.
#[must_use]
pub fn said(log: &str, event: &str) -> usize {
    log.matches(&format!("event=\"{event}\"")).count()
}

impl Drop for Agent {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
