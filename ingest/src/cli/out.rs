//! The one place that writes to the terminal.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's one terminal module")]

use std::{error::Error, net::SocketAddr, process::ExitCode};
use tracing_subscriber::EnvFilter;

/// The first line of output: where the service listens.
pub(super) fn listening(address: SocketAddr) {
    println!("The service listens on http://{address}.");
}

/// What a program failed to do, and the whole chain of why.
pub fn failed(program: &str, error: &dyn Error) {
    eprintln!("{program} failed to {error}.");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because it failed to {error}");
        cause = error.source();
    }
}

/// How the command is used; an asked-for help is no failure.
pub fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        eprint!("{text}");
        ExitCode::from(2)
    } else {
        print!("{text}");
        ExitCode::SUCCESS
    }
}

/// Logs go to standard error; `DERWENT_LOG` sets how much, `default` where it is not set.
pub fn start_log(default: &str) {
    let filter = EnvFilter::try_from_env("DERWENT_LOG").unwrap_or_else(|_not_set| EnvFilter::new(default));
    if tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init().is_err() {
        eprintln!("The log was started before.");
    }
}
