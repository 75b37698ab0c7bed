//! `store-fixture`: makes the store that later programs must be able to open, once for each version of the schema.

use clap::Parser;
use harness::{say, stored_before};
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(about = "Makes a store with some of everything in a new folder, for later programs to open.")]
struct Arguments {
    /// The new folder, for example tests/fixtures/stores/1.
    folder: PathBuf,
}

fn main() -> ExitCode {
    say::ended(stored_before::make(&Arguments::parse().folder).map(|()| true))
}
