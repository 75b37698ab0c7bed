//! `bench-roster`: what it costs to take in a roster of a whole county, and to take one in that changes nothing.

use clap::Parser;
use harness::{bench_roster, say};
use std::{fs, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    about = "Time, memory and room of taking in a county's roster, beside plain inserts of the same rows in the same run."
)]
struct Arguments {
    /// A hundredth of the county, for a first look.
    #[arg(long)]
    quick: bool,
    /// Put the stores beneath this folder; left out, in the system's folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write the figures by name into this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = arguments.folder.unwrap_or_else(std::env::temp_dir);
    let people = if arguments.quick { bench_roster::COUNTY / 100 } else { bench_roster::COUNTY };
    let table = match bench_roster::measure(people, &folder) {
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
