//! `bench-roster`: what it costs to take in a roster of a whole county, and to take one in that changes nothing.

use clap::Parser;
use harness::{
    bench::Asked,
    bench_roster::{COUNTY, measure},
};
use std::{path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
    about = "Time, memory and room of taking in a county's roster, beside plain inserts of the same rows in the same run."
)]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Put the stores beneath this folder; left out, in the system's folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    let Arguments { asked, folder } = Arguments::parse();
    let people = if asked.quick { COUNTY / 100 } else { COUNTY };
    asked.tell(measure(people, &folder.unwrap_or_else(std::env::temp_dir)))
}
