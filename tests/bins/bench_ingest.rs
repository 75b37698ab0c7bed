//! `bench-ingest`: a county's readings through the whole service, and what they cost.

use clap::Parser;
use harness::{
    bench::Asked,
    bench_ingest::{self, Options, Side, Table, WORK},
    say,
    trouble::Trouble,
};
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

#[derive(Parser)]
#[command(
    about = "A county's readings through the whole service: rate, CPU, acknowledgement and room, beside a probe and others."
)]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// Only one side.
    #[arg(long, value_enum)]
    only: Option<Side>,
    /// Only requests of so many readings: 1, 10, 100 or 1000.
    #[arg(long)]
    size: Option<usize>,
    /// How long each window lasts.
    #[arg(long)]
    seconds: Option<f64>,
    /// How often everything is measured; the median counts.
    #[arg(long)]
    runs: Option<usize>,
    /// How many hubs there are.
    #[arg(long, default_value_t = bench_ingest::HUBS)]
    hubs: usize,
    /// Measure nothing but the room that so many readings take; 20000000 takes some minutes.
    #[arg(long, value_name = "READINGS")]
    bytes: Option<usize>,
    /// Where everything is written, on the disk to be measured; the target folder where none is named.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// The word by which the bench starts its own program as the service: then it is `ingest`, and nothing else.
const SERVE: &str = "serve";

fn main() -> ExitCode {
    let mut words = env::args().skip(1);
    match words.next().as_deref() {
        Some(SERVE) => ingest::cli::run(env::args_os()),
        Some(WORK) => say::ended(bench_ingest::work(Path::new(&words.next().unwrap_or_default())).map(|()| true)),
        Some(_) | None => {
            let arguments = Arguments::parse();
            arguments.asked.tell(measured(&arguments))
        }
    }
}

fn measured(arguments: &Arguments) -> Result<Table, Trouble> {
    let program = env::current_exe().map_err(|error| Trouble::new("find this program", error))?;
    let usual = Options::usual(program, arguments.asked.quick);
    let options = Options {
        folder: arguments.folder.clone(),
        hubs: arguments.hubs,
        only: arguments.only,
        size: arguments.size,
        window: arguments.seconds.map_or(usual.window, Duration::from_secs_f64),
        runs: arguments.runs.unwrap_or(usual.runs),
        ..usual
    };
    match arguments.bytes {
        Some(readings) => bench_ingest::measure_bytes(&options, readings),
        None => bench_ingest::measure(&options),
    }
}
