//! The service as a process of its own: started, killed with SIGKILL, or asked to stop with SIGTERM.

use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

/// How long a start may take on a machine that is busy with other tests; it takes tenths of a second.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// How long a killed process may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// How long an ordered stop may take: what the service allows itself, and a second for a busy machine to say so.
pub const STOPS_WITHIN: Duration = ingest::service::STOPS_WITHIN.saturating_add(Duration::from_secs(1));

/// The environment variable of how much is logged.
const LOG_LEVEL: &str = "DERWENT_LOG";

/// What stands before the address in the first line of output.
const LISTENS: &str = "The service listens on ";

/// What became of a start.
pub enum Launched {
    /// It listens.
    Listens(IngestProcess),
    /// It has ended before it listened.
    Ended(ExitStatus),
}

/// A service that runs as a process. Killed when dropped, so that a failed test leaves none behind.
pub struct IngestProcess {
    child: Mutex<Child>,
    address: SocketAddr,
    log: PathBuf,
}

impl IngestProcess {
    /// Starts a program with a settings file and waits until it listens. Its log goes to a file.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does not start.
    pub fn start(program: &Path, settings: &Path, log: &Path) -> Result<Self, Trouble> {
        Self::start_logging(program, settings, log, "warn")
    }

    /// As [`IngestProcess::start`], and says how much it logs.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does not start.
    pub fn start_logging(program: &Path, settings: &Path, log: &Path, level: &str) -> Result<Self, Trouble> {
        Starting::start(program, settings, log, &[(LOG_LEVEL, level)])?.process()
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self.child().try_wait(), Ok(None))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL, at once. Whether it is gone is for [`IngestProcess::gone`] to say.
    ///
    /// # Errors
    /// [`Trouble`] where the operating system refuses.
    pub fn kill(&self) -> Result<(), Trouble> {
        self.child().kill().doing("kill the service")
    }

    /// Waits until it has ended, and says how.
    ///
    /// # Errors
    /// [`Trouble`] where it does not end.
    pub fn gone(&self) -> Result<ExitStatus, Trouble> {
        self.ended(GONE_WITHIN).map(|(status, _)| status)
    }

    /// SIGTERM: asks for an ordered stop, and says how it ended and how long that took.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does not end within [`STOPS_WITHIN`].
    pub fn stop(&self) -> Result<(ExitStatus, Duration), Trouble> {
        let pid = self.child().id().to_string();
        let sent =
            Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status().doing("ask the service to stop")?;
        if !sent.success() {
            return Err(Trouble::new("ask the service to stop", format!("it has ended already: {}", self.log())));
        }
        self.ended(STOPS_WITHIN)
    }

    fn ended(&self, limit: Duration) -> Result<(ExitStatus, Duration), Trouble> {
        let mut ended = Ok(None);
        let took = wait_until(limit, "the service has ended", || {
            ended = self.child().try_wait();
            !matches!(ended, Ok(None))
        });
        let took =
            took.map_err(|late| Trouble::new("wait for the service", format!("{late}; it logged {}", self.log())))?;
        let status = ended.doing("wait for the service")?;
        status.map(|status| (status, took)).ok_or_else(|| Trouble::new("wait for the service", "it has no exit code"))
    }
}

impl Drop for IngestProcess {
    fn drop(&mut self) {
        end(&mut self.child());
    }
}

/// Kills it and waits until it is gone.
fn end(child: &mut Child) {
    // One that has ended already cannot be killed, which is as good.
    drop(child.kill());
    drop(child.wait());
}

/// A service on its way to listening. Killed when dropped.
pub struct Starting {
    child: Option<Child>,
    first_line: mpsc::Receiver<String>,
    said: Option<Result<String, mpsc::RecvTimeoutError>>,
    log: PathBuf,
}

impl Starting {
    /// Starts a program with a settings file, and more environment where something is planted. Does not wait for it.
    ///
    /// # Errors
    /// [`Trouble`] where there is no such program.
    pub fn start(program: &Path, settings: &Path, log: &Path, environment: &[(&str, &str)]) -> Result<Self, Trouble> {
        let file = File::options().create(true).append(true).open(log).doing("open the service's log")?;
        let mut child = Command::new(program)
            .args(["serve", "--config"])
            .arg(settings)
            .env(LOG_LEVEL, "warn")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .doing("start the service")?;
        let first_line = child.stdout.take().map(first_line).unwrap_or_else(|| mpsc::channel().1);
        Ok(Self { child: Some(child), first_line, said: None, log: log.to_owned() })
    }

    /// Whether it has said its first line, or has ended without one.
    pub fn has_spoken(&mut self) -> bool {
        if self.said.is_none() {
            self.said = match self.first_line.try_recv() {
                Ok(line) => Some(Ok(line)),
                Err(mpsc::TryRecvError::Disconnected) => Some(Err(mpsc::RecvTimeoutError::Disconnected)),
                Err(mpsc::TryRecvError::Empty) => None,
            };
        }
        self.said.is_some()
    }

    /// Waits until it listens.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does not.
    pub fn process(self) -> Result<IngestProcess, Trouble> {
        let log = self.log.clone();
        match self.listens()? {
            Launched::Listens(process) => Ok(process),
            Launched::Ended(status) => {
                let log = fs::read_to_string(log).unwrap_or_default();
                Err(Trouble::new("start the service", format!("it ended with {status} and logged {log}")))
            }
        }
    }

    /// Waits until it listens or has ended.
    ///
    /// # Errors
    /// [`Trouble`] with the log where it does neither, or says something else.
    pub fn listens(mut self) -> Result<Launched, Trouble> {
        let line = self.said.take().unwrap_or_else(|| self.first_line.recv_timeout(STARTS_WITHIN));
        let Some(mut child) = self.child.take() else {
            return Err(Trouble::new("start the service", "it was waited for already"));
        };
        let address = line.as_ref().ok().and_then(|line| address_in(line));
        if let Some(address) = address {
            return Ok(Launched::Listens(IngestProcess { child: Mutex::new(child), address, log: self.log.clone() }));
        }
        if line == Err(mpsc::RecvTimeoutError::Disconnected) {
            return child.wait().map(Launched::Ended).doing("wait for a service that did not start");
        }
        end(&mut child);
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        Err(Trouble::new("start the service", format!("it said {line:?} and logged {log}")))
    }

    /// Kills it before it has come so far, and waits until it is gone.
    pub fn kill(mut self) {
        self.child.iter_mut().for_each(end);
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.child.iter_mut().for_each(end);
    }
}

/// The address in the first line of output.
fn address_in(line: &str) -> Option<SocketAddr> {
    let url = line.trim_end().strip_prefix(LISTENS)?.strip_suffix('.')?;
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?.parse().ok()
}

/// The first line of output. The rest is read and dropped, so that the process never waits for a reader.
fn first_line(output: ChildStdout) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Only the first is waited for.
            drop(sender.send(line));
        }
    });
    receiver
}
