//! The service's program: one call.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    ingest::cli::run(std::env::args_os())
}
