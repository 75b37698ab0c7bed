//! `bench-admit`: what a request costs the service between the socket and the store.

use clap::Parser;
use harness::{bench_admit, say};
use std::{fs, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    about = "What a request costs between the socket and the store, in microseconds, beside probes of the same run."
)]
struct Arguments {
    /// A tenth of the time, for a first look.
    #[arg(long)]
    quick: bool,
    /// Write the figures by name into this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let table = match bench_admit::measure(arguments.quick) {
        Ok(table) => table,
        Err(trouble) => {
            say::error_line(&trouble.to_string());
            return ExitCode::FAILURE;
        }
    };
    say::line(&table.to_string());
    if let Some(path) = arguments.json
        && let Err(error) = fs::write(&path, table.json())
    {
        say::error_line(&format!("write {}: {error}", path.display()));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
