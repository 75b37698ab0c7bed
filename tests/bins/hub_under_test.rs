//! The hub's program, for tests: `cargo test --workspace` does not build another package's binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    hub_agent::cli::run()
}
