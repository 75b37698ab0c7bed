//! The demo's command line.

mod out;

pub use out::Paper;

use crate::{
    account::{Account, HubScreen},
    morning::{DemoError, Morning, Wanted},
};
use clap::{CommandFactory, Parser};
use std::{ffi::OsString, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// The whole of Derwent in one process, with simulated patients, on this machine only.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// Decides keys, ids and the day; equal seeds give equal event files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes one JSON line for each event to this file.
    #[arg(long)]
    events: Option<PathBuf>,
    /// Where to listen; this machine only. Port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// How many milliseconds to rest after each step, so that a person can follow.
    #[arg(long, default_value_t = 400)]
    pace_ms: u64,
}

/// Why the demo ended as it should not.
#[derive(Debug, Error)]
enum RunError {
    #[error("run the demo")]
    Demo(#[from] DemoError),
    #[error("run the demo")]
    System(#[from] std::io::Error),
    #[error("keep the demo running: a part of it has ended; set DERWENT_LOG=info to see which")]
    PartEnded,
    #[error("stop the demo: some part did not end in time")]
    NotInTime,
}

/// The commands and their options, for the reference page.
#[must_use]
pub fn commands() -> clap::Command {
    Arguments::command()
}

/// The whole program, from its arguments to its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return ingest::cli::out::usage(&error),
    };
    // The account is enough to watch; the log is there for whoever asks for it.
    ingest::cli::out::start_log("error");
    match play(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ingest::cli::out::failed("The demo", &error);
            ExitCode::FAILURE
        }
    }
}

fn play(arguments: &Arguments) -> Result<(), RunError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(play_until_told(arguments))
}

async fn play_until_told(arguments: &Arguments) -> Result<(), RunError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let pace = Duration::from_millis(arguments.pace_ms);
    let wanted = Wanted { seed: arguments.seed, events: arguments.events.as_deref(), listen: arguments.listen };
    let screen = Arc::new(HubScreen::default());
    let morning = Morning::start(&wanted, screen.clone()).await?;
    let paper = Paper::new();
    paper.title(&morning.page());
    let account = Account::new(paper.clone(), screen);
    let ending = tokio::select! {
        played = morning.play(pace, &account) => match played {
            Ok(()) => {
                paper.ready(&morning.page());
                tokio::select! {
                    _ = interrupt.recv() => Ok(()),
                    _ = terminate.recv() => Ok(()),
                    () = part_ends(&morning) => Err(RunError::PartEnded),
                    broken = morning.keep_in_touch() => broken.map(|never| match never {}).map_err(RunError::from),
                }
            }
            Err(error) => Err(error.into()),
        },
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    let in_time = morning.stop().await;
    paper.goodbye();
    ending?;
    if in_time { Ok(()) } else { Err(RunError::NotInTime) }
}

/// How often to see whether every part still runs.
const LOOK_AFTER_PARTS_EVERY: Duration = Duration::from_secs(1);

async fn part_ends(morning: &Morning) {
    while !morning.has_failed() {
        tokio::time::sleep(LOOK_AFTER_PARTS_EVERY).await;
    }
}
