//! The demo's program: one call.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    demo::cli::run(std::env::args_os())
}
