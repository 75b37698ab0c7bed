//! `faults`: power cuts at any point, every storage call failed, every bit flipped, on the real store.

use clap::Parser;
use harness::{
    faults::{Bits, Numbers, run},
    say,
};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Faults of the disk under the real store: a line for each kind, exit 1 on any violation.")]
struct Arguments {
    /// Cut the power at so many points of recorded loads.
    #[arg(long, value_name = "N")]
    crash_images: Option<usize>,
    /// Fail every storage call, in every way it can fail.
    #[arg(long)]
    fail_each: bool,
    /// Flip so many bits, one at a time; `all` for every bit of the store.
    #[arg(long, value_name = "N|all", value_parser = bits)]
    flips: Option<Bits>,
    /// The numbers of the test run for what is named here, and shorter scripts.
    #[arg(long)]
    quick: bool,
    /// What is drawn is drawn from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Crash images are judged, and bits flipped, by so many threads.
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn bits(text: &str) -> Result<Bits, String> {
    match text {
        "all" => Ok(Bits::All),
        number => number.parse().map(Bits::Some).map_err(|_not_a_number| "want a number, or all".to_owned()),
    }
}

fn main() -> ExitCode {
    let Arguments { crash_images, fail_each, flips, quick, seed, threads } = Arguments::parse();
    match run(&Numbers { crash_images, fail_each, flips, is_quick: quick, seed, threads }) {
        Ok(summary) => {
            say::line(summary.to_string().trim_end());
            if summary.holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(trouble) => {
            say::error_line(&trouble.to_string());
            ExitCode::FAILURE
        }
    }
}
