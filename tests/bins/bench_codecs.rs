//! `bench-codecs`: what it costs to decode one frame of each kind.

use clap::Parser;
use harness::{bench_codecs, say};
use std::{fs, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(about = "Decode cost of each kind of frame, in nanoseconds, beside a probe of the same run.")]
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
    let table = match bench_codecs::measure(arguments.quick) {
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
