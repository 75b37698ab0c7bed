//! The command line: reads the arguments, puts the parts together, runs the agent, says how it ended.

mod out;

use crate::{
    Config,
    agent::{Agent, AgentError, Parts},
    clock::{Clock, WallClock},
    disk::{DiskError, Folder},
    events::LogEvents,
    link::{
        Link, NoDevices, ReplayLink,
        replay::{Replay, ReplayError},
    },
    net::TcpNetwork,
    outbox::OutboxError,
    rng::OsRandomness,
    shutdown::{self, Stop},
    uplink::sign::SignError,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use clap::{CommandFactory, Parser, Subcommand};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// The command could not do its work.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// The settings or the replay file are wrong.
const SETTINGS: u8 = 3;

/// Largest replay file in bytes: 250,000 lines of 250 bytes.
const REPLAY_BYTES_MAX: u64 = 64 * 1024 * 1024;

#[derive(Parser)]
#[command(
    name = "hub-agent",
    version,
    about = "Reads devices, keeps every reading, and sends it until the server has it."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the agent until it is told to stop, or until a replay is played and sent.
    Run {
        /// The settings, a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Play a recorded conversation with devices instead of listening to real ones.
        #[arg(long, value_name = "FILE")]
        replay: Option<PathBuf>,
        /// Play the replay without waiting, as if it had just ended.
        #[arg(long, requires = "replay")]
        at_once: bool,
    },
    /// Print the public half of this hub's key, for the service's settings.
    PublicKey {
        /// The key file: 32 bytes as base64, readable by its owner only.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
    },
}

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("read the replay {}", path.display())]
    ReplayFile { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Agent(#[from] AgentError),
    #[error("find the public half of the key")]
    Key(#[source] SignError),
    #[error("start the runtime")]
    Runtime(#[source] io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Replay(_) | Self::ReplayFile { .. } => SETTINGS,
            Self::Disk(_) | Self::Agent(_) | Self::Key(_) | Self::Runtime(_) => FAILED,
        }
    }

    /// What to do, where the error itself does not say.
    fn advice(&self) -> &'static str {
        match self {
            Self::Config(_) => "Correct the settings and start the agent again.",
            Self::Replay(_) | Self::ReplayFile { .. } => "Correct the replay file; nothing of it was played.",
            Self::Disk(_) | Self::Agent(AgentError::Outbox(OutboxError::Disk(_))) => {
                "Check that the data folder can be written."
            }
            Self::Key(_) => "Make a new key.",
            Self::Agent(_) | Self::Runtime(_) => {
                "What was kept is safe in the data folder. Start the agent again, or ask for help."
            }
        }
    }
}

/// The commands and their options, for the reference page.
#[must_use]
pub fn commands() -> clap::Command {
    Arguments::command()
}

/// Runs the hub's program: exit code 0 when it ended as asked, 1 where it failed, 2 for a wrong command line, 3 for
/// wrong settings or a wrong replay file.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            out::error_line(error.to_string().trim_end());
            return ExitCode::from(USAGE);
        }
        Err(help) => {
            out::line(help.to_string().trim_end());
            return ExitCode::SUCCESS;
        }
    };
    out::start_log();
    let done = match arguments.command {
        Command::Run { config, replay, at_once } => run_agent(&config, replay.as_deref(), at_once),
        Command::PublicKey { key_file } => print_public_key(&key_file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::error_line(&format!("hub-agent failed to {}. {}", out::chain(&failure), failure.advice()));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn print_public_key(key_file: &Path) -> Result<(), Failure> {
    out::line(&STANDARD.encode(crate::config::key(key_file)?.public_key().map_err(Failure::Key)?));
    Ok(())
}

fn run_agent(config: &Path, replay: Option<&Path>, at_once: bool) -> Result<(), Failure> {
    let config = Config::load(config)?;
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let mut link: Box<dyn Link> = match replay {
        None => Box::new(NoDevices),
        Some(path) => Box::new(replay_link(path, at_once, &clock)?),
    };
    let parts = Parts {
        clock,
        randomness: Arc::new(OsRandomness),
        disk: Arc::new(Folder::open(&config.data_folder)?),
        network: Arc::new(TcpNetwork),
        events: Arc::new(LogEvents),
        screen: Arc::new(out::Terminal),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)?;
    runtime.block_on(async {
        let (stop, shutdown) = shutdown::channel();
        stop_on_signals(stop).map_err(Failure::Runtime)?;
        let agent = Agent::new(parts, &config).await?;
        Ok(agent.run(link.as_mut(), shutdown).await?)
    })
}

/// A replay played at once ends now, so that none of its readings lies in the future; a paced one begins now.
fn replay_link(path: &Path, at_once: bool, clock: &Arc<dyn Clock>) -> Result<ReplayLink, Failure> {
    let text = read_replay(path).map_err(|source| Failure::ReplayFile { path: path.to_owned(), source })?;
    let now: DateTime<Utc> = clock.now();
    if at_once {
        let lasts = Replay::read(&text, now)?.lasts();
        Ok(ReplayLink::at_once(Replay::read(&text, now - lasts)?))
    } else {
        Ok(ReplayLink::paced(Replay::read(&text, now)?, Arc::clone(clock)))
    }
}

fn read_replay(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > REPLAY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than any replay"));
    }
    fs::read_to_string(path)
}

/// Ctrl-C and SIGTERM ask for an ordered stop.
fn stop_on_signals(stop: Stop) -> io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.ask();
    });
    Ok(())
}
