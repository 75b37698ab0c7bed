//! The service's program with a planted bug: its store acknowledges before it commits. The kill test must catch it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ingest::cli::run_with(std::env::args_os(), harness::kill::early_store::acknowledges_early)
}
