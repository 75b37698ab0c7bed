//! The one place that writes to the terminal. A terminal that has gone is no reason to stop keeping readings.

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// Writes a line to standard output.
pub fn line(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Writes a line to standard error.
pub(super) fn error_line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// The first line of output: where the service listens.
pub(super) fn listening(address: SocketAddr, has_tls: bool) {
    let scheme = if has_tls { "https" } else { "http" };
    line(&format!("The service listens on {scheme}://{address}."));
}

/// What a program failed to do, and the whole chain of why.
pub fn failed(program: &str, error: &dyn Error) {
    error_line(&format!("{program} failed to {error}."));
    let mut cause = error.source();
    while let Some(error) = cause {
        error_line(&format!("  because it failed to {error}"));
        cause = error.source();
    }
}

/// How the command is used; an asked-for help is no failure.
pub fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        error_line(text.trim_end());
        ExitCode::from(2)
    } else {
        line(text.trim_end());
        ExitCode::SUCCESS
    }
}

/// Logs go to standard error; `DERWENT_LOG` sets how much, `default` where it is not set.
pub fn start_log(default: &str) {
    let filter = EnvFilter::try_from_env("DERWENT_LOG").unwrap_or_else(|_not_set| EnvFilter::new(default));
    // Where a log was started before (a test, another half in the same process), that one stays.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init());
}
