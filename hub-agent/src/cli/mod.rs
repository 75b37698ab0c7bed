//! The command line: reads the arguments, puts the parts together, runs the agent, says how it ended.

mod check;
pub mod decode;
mod enrol;
mod links;
mod out;
mod pair;

use crate::{
    Config,
    agent::{Agent, AgentError, Parts},
    clock::{Clock, WallClock},
    config::Server,
    disk::{DiskError, Folder},
    events::LogEvents,
    link::{
        Link, ReplayLink,
        replay::{Recorder, Replay, ReplayError},
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
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use vitals::wire::announced::FingerprintStart;

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
    /// Run the agent as always, and write every frame it hears into a new file that can be replayed. The file holds
    /// people's measurements: treat it as a record.
    Record {
        /// The file to make.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The settings, a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Say what one frame means, as JSON and as a sentence. Exit code 1 where it does not decode.
    Decode {
        /// The characteristic (2a35) or serial format (`nonin_df2`).
        #[arg(value_name = "CHARACTERISTIC")]
        name: String,
        /// Its bytes in hexadecimal; blanks and colons are passed over.
        #[arg(value_name = "HEX")]
        hex: String,
    },
    /// Look at adapter, bus rights, serial ports and clock, and say what to do. Exit code 1 where something is wrong.
    Check {
        /// The settings, a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Pair with a device that asks for it, step by step.
    Pair {
        /// Its address, or a part of the name it shows.
        #[arg(value_name = "ADDRESS-OR-NAME")]
        device: String,
        /// The adapter, for example hci0; left out: the first there is.
        #[arg(long, value_name = "ADAPTER")]
        adapter: Option<String>,
    },
    /// Make this hub's key, enrol it with a code that staff were shown, and write the settings.
    Enrol {
        /// Where the service is: https://HOST:PORT; or http://HOST:PORT on this machine, where a tunnel may begin.
        #[arg(long, value_name = "URL", value_parser = Server::parse)]
        server: Server,
        /// The code, as it was shown.
        #[arg(long, value_name = "CODE")]
        code: String,
        /// The first groups of the service's certificate, at least 20 digits, as they were shown beside the code. No code is sent
        /// to a service with another certificate.
        #[arg(long, value_name = "DIGITS", value_parser = FingerprintStart::parse)]
        fingerprint: Option<FingerprintStart>,
        /// Instead of a fingerprint: the authorities of which one has signed the service's certificate, a PEM file.
        #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
        ca: Option<PathBuf>,
        /// The hub's folder: hub.key and hub.toml are written into it.
        #[arg(long, value_name = "FOLDER")]
        folder: PathBuf,
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
    #[error("make the recording {}", path.display())]
    Recording { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Decode(#[from] decode::NothingToDecode),
    #[error("write what the frame says")]
    Json(#[from] serde_json::Error),
    #[error("name the devices of a serial port")]
    Port(#[from] vitals::record::NotASource),
    #[error(transparent)]
    Pair(#[from] crate::link::ble::pair::PairError),
    #[error(transparent)]
    Enrol(#[from] crate::uplink::enrol::EnrolError),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Replay(_) | Self::ReplayFile { .. } | Self::Recording { .. } | Self::Port(_) => {
                SETTINGS
            }
            Self::Decode(_) => USAGE,
            Self::Disk(_)
            | Self::Agent(_)
            | Self::Key(_)
            | Self::Runtime(_)
            | Self::Json(_)
            | Self::Pair(_)
            | Self::Enrol(_) => FAILED,
        }
    }

    /// What to do, where the error itself does not say.
    fn advice(&self) -> Cow<'static, str> {
        let advice = match self {
            Self::Config(_) => "Correct the settings and start the agent again.",
            Self::Replay(_) | Self::ReplayFile { .. } => "Correct the replay file; nothing of it was played.",
            Self::Disk(_) | Self::Agent(AgentError::Outbox(OutboxError::Disk(_))) => {
                "Check that the data folder can be written."
            }
            Self::Key(_) => "Make a new key.",
            Self::Recording { .. } => "Name a file that is not there yet, in a folder that can be written.",
            Self::Decode(_) | Self::Json(_) => "Nothing was decoded.",
            Self::Port(_) => "Give the port a name of printable letters in the settings.",
            Self::Pair(error) => return error.advice().into(),
            Self::Enrol(_) => "Correct what it says and enrol again, with a new code if this one was used.",
            Self::Agent(_) | Self::Runtime(_) => {
                "What was kept is safe in the data folder. Start the agent again, or ask for help."
            }
        };
        advice.into()
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
        Command::Run { config, replay, at_once } => {
            let source = replay.map_or(Source::Devices, |path| Source::Replay { path, at_once });
            run_agent(&config, &source)
        }
        Command::Record { file, config } => run_agent(&config, &Source::Recorded(file)),
        Command::Decode { name, hex } => print_decoded(&name, &hex),
        Command::Check { config } => {
            Config::load(&config).map_err(Failure::from).and_then(|config| check::run(&config))
        }
        Command::Pair { device, adapter } => pair::run(&device, adapter.as_deref()),
        Command::Enrol { server, code, fingerprint, ca, folder } => {
            enrol::run(server, &code, fingerprint, ca.as_deref(), &folder)
        }
        Command::PublicKey { key_file } => print_public_key(&key_file),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            out::error_line(&format!("hub-agent failed to {}. {}", out::chain(&failure), failure.advice()));
            ExitCode::from(failure.exit_code())
        }
    }
}

fn print_public_key(key_file: &Path) -> Result<ExitCode, Failure> {
    out::line(&STANDARD.encode(crate::config::key(key_file)?.public_key().map_err(Failure::Key)?));
    Ok(ExitCode::SUCCESS)
}

fn print_decoded(name: &str, hex: &str) -> Result<ExitCode, Failure> {
    let spoken = decode::decode(name, hex)?;
    out::line(&spoken.json()?);
    out::line(&spoken.sentence());
    Ok(if spoken.is_decoded() { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Where frames come from.
enum Source {
    /// The devices of the settings.
    Devices,
    /// The devices of the settings, recorded into this file as well.
    Recorded(PathBuf),
    /// A replay.
    Replay { path: PathBuf, at_once: bool },
}

fn run_agent(config: &Path, source: &Source) -> Result<ExitCode, Failure> {
    let config = Config::load(config)?;
    let parts = Parts {
        clock: Arc::new(WallClock),
        randomness: Arc::new(OsRandomness),
        disk: Arc::new(Folder::open(&config.data_folder)?),
        network: Arc::new(TcpNetwork),
        events: Arc::new(LogEvents),
        screen: Arc::new(out::Terminal),
    };
    runtime()?.block_on(async {
        let (stop, shutdown) = shutdown::channel();
        stop_on_signals(stop).map_err(Failure::Runtime)?;
        let agent = Agent::new(parts.clone(), &config).await?;
        let parts = Parts { events: agent.events(), ..parts };
        let mut link: Box<dyn Link> = match source {
            Source::Devices => links::of(&config, &parts, agent.memory())?,
            Source::Recorded(path) => {
                let devices = links::of(&config, &parts, agent.memory())?;
                Box::new(recorded(devices, path, &parts.clock)?)
            }
            Source::Replay { path, at_once } => Box::new(replay_link(path, *at_once, &parts.clock)?),
        };
        agent.run(link.as_mut(), shutdown).await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::Runtime)
}

fn recorded(devices: Box<dyn Link>, path: &Path, clock: &Arc<dyn Clock>) -> Result<Recorder, Failure> {
    let on_trouble = Box::new(|error: &io::Error| {
        out::error_line(&format!("hub-agent stopped recording ({error}). Readings are kept and sent as always."));
    });
    Recorder::new(devices, path, Arc::clone(clock), on_trouble)
        .map_err(|source| Failure::Recording { path: path.to_owned(), source })
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
