//! The service's program, for tests: `cargo test --workspace` does not build another package's binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingest::cli::run(std::env::args_os())
}
