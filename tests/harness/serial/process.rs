//! The unmodified hub agent as a process of its own, with serial ports in its settings, and a device that answers it in
//! real time.

use super::{devices::Device, socket::Wire};
use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use std::{
    fs::{self, File, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

/// How long anything may take on a machine that is busy with other tests.
const WITHIN: Duration = Duration::from_secs(60);

/// An agent at work. Killed when dropped, so that a failed test leaves none behind.
pub struct HubProcess {
    child: Child,
    log: PathBuf,
}

impl HubProcess {
    /// Starts a program with one serial port, its settings, key, log and outbox in this folder.
    ///
    /// # Errors
    /// [`Trouble`] where the process does not start.
    pub fn start(program: &Path, folder: &Path, port: &Path, protocol: &str) -> Result<Self, Trouble> {
        Self::start_as(program, &["run"], folder, port, protocol)
    }

    /// As [`HubProcess::start`], with another command than `run`.
    ///
    /// # Errors
    /// As [`HubProcess::start`].
    pub fn start_as(
        program: &Path,
        command: &[&str],
        folder: &Path,
        port: &Path,
        protocol: &str,
    ) -> Result<Self, Trouble> {
        let (settings, key, log) = (folder.join("hub.toml"), folder.join("hub.key"), folder.join("hub.log"));
        // 32 bytes, each 7, in base64.
        fs::write(&key, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=").doing("write the hub's key")?;
        fs::set_permissions(&key, Permissions::from_mode(0o600)).doing("close the hub's key to others")?;
        let text = format!(
            "hub = 'hub-test'\nserver = 'http://127.0.0.1:1'\ndata_folder = 'hub'\nkey_file = 'hub.key'\n\n\
             [[serial]]\nport = '{}'\nprotocol = '{protocol}'\n",
            port.display()
        );
        fs::write(&settings, text).doing("write the hub's settings")?;
        let file = File::options().create(true).append(true).open(&log).doing("open the hub's log")?;
        let child = Command::new(program)
            .args(command)
            .arg("--config")
            .arg(&settings)
            .env("DERWENT_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .doing("start the hub")?;
        Ok(Self { child, log })
    }

    /// What it and its predecessors in the same folder logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How often it logged an event of a name.
    #[must_use]
    pub fn said(&self, event: &str) -> usize {
        said(&self.log, event)
    }

    /// Answers the hub as this device, three bytes at a time, until this many new records are kept.
    ///
    /// # Errors
    /// [`Trouble`] where the line fails or the hub falls silent.
    pub async fn answers(&self, wire: Arc<Wire>, device: &mut dyn Device, records: usize) -> Result<(), Trouble> {
        let log = self.log.clone();
        while said(&log, "reading_kept") < records {
            // What was kept before is kept as well.
            let heard = wire.has_sent(|| said(&log, "reading_kept") + said(&log, "reading_already_kept"));
            if let Ok(heard) = tokio::time::timeout(WITHIN, heard).await {
                heard?;
            } else {
                return Err(Trouble::new("answer the hub", format!("it says nothing more; it logged {}", self.log())));
            }
            for (byte, kept) in wire.take() {
                for answer in device.hears(byte, kept) {
                    for piece in answer.chunks(3) {
                        wire.send(piece).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// [`Trouble`] where the operating system refuses.
    pub fn kill(mut self) -> Result<(), Trouble> {
        self.child.kill().doing("kill the hub")?;
        self.child.wait().doing("wait for the hub").map(drop)
    }

    /// SIGTERM: asks for an ordered stop, and says how it ended.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does not end in its time.
    pub fn stop(mut self) -> Result<(ExitStatus, String), Trouble> {
        let pid = self.child.id().to_string();
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().doing("ask the hub to stop")?;
        let mut status = Ok(None);
        let waited = wait_until(WITHIN, "the hub has ended", || {
            status = self.child.try_wait();
            !matches!(status, Ok(None))
        });
        waited.map_err(|late| Trouble::new("stop the hub", format!("{late}; it logged {}", self.log())))?;
        let status = status.doing("wait for the hub")?;
        status.map(|status| (status, self.log())).ok_or_else(|| Trouble::new("stop the hub", "it has no exit code"))
    }
}

fn said(log: &Path, event: &str) -> usize {
    fs::read_to_string(log).unwrap_or_default().matches(&format!("event=\"{event}\"")).count()
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
