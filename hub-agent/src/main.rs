//! The hub's program: one call.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hub_agent::cli::run()
}
