//! The one place that prints: lines for people on standard output and error, the log on standard error.

use crate::{
    prompt::{Instruction, Screen},
    uplink::hello::Connection,
};
use std::io::{self, Write};

/// What people read while the service does not hear the hub.
const NOT_CONNECTED: &str = "Not connected. Your readings are saved but your team cannot see them yet.";

/// Prints a line on standard output. A closed pipe is no reason to stop keeping readings.
pub(super) fn line(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Prints a line on standard error.
pub(super) fn error_line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// An error with everything that caused it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {}", cause.to_string().trim_end()))
}

/// Starts the log: `DERWENT_LOG` chooses what is in it, `info` by default.
pub(super) fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DERWENT_LOG").unwrap_or_else(|_unset| "info".into());
    // Where a log was started before (a test, another half in the same process), that one stays.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init());
}

/// The screen of a hub without one: instructions appear on standard output.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Terminal;

impl Screen for Terminal {
    fn show(&self, instruction: &Instruction) {
        line(&format!("{}: {}", instruction.patient, instruction.text));
    }

    fn show_connection(&self, connection: Connection) {
        match connection {
            Connection::NotKnown => {}
            Connection::Connected { .. } => line("Connected."),
            Connection::NotConnected { .. } => line(NOT_CONNECTED),
        }
    }
}
