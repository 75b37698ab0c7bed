//! `bench-activate`: whether putting a protocol in force for a whole county holds up the alerts of readings that come meanwhile.

use clap::Parser;
use harness::{
    bench::Asked,
    bench_ingest::{Activation, Options, RATE, measure_activation},
    trouble::Trouble,
};
use std::{env, path::PathBuf, process::ExitCode, time::Duration};

/// Hubs of 52,500 people.
const HUBS: usize = 42_000;

#[derive(Parser)]
#[command(
    about = "From reading to alert before, while and after a protocol is put in force for a county, beside a probe."
)]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
    /// How many readings come in a second.
    #[arg(long, default_value_t = RATE)]
    rate: f64,
    /// How long each of the three phases lasts.
    #[arg(long)]
    seconds: Option<f64>,
    /// How many hubs there are: of 42,000 there are 52,500 people.
    #[arg(long, default_value_t = HUBS)]
    hubs: usize,
    /// Where everything is written, on the disk to be measured; the target folder where none is named.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// The word by which the bench starts its own program as the service: then it is `ingest`, and nothing else.
const SERVE: &str = "serve";

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(SERVE) {
        return ingest::cli::run(env::args_os());
    }
    let arguments = Arguments::parse();
    arguments.asked.tell(measured(&arguments))
}

fn measured(arguments: &Arguments) -> Result<Activation, Trouble> {
    let program = env::current_exe().map_err(|error| Trouble::new("find this program", error))?;
    let usual = if arguments.asked.quick { 8.0 } else { 30.0 };
    let options = Options {
        folder: arguments.folder.clone(),
        hubs: arguments.hubs,
        window: Duration::from_secs_f64(arguments.seconds.unwrap_or(usual)),
        ..Options::usual(program, arguments.asked.quick)
    };
    measure_activation(&options, arguments.rate)
}
