//! `forge`: requests that the hub they name never sent, spoilt in every way; none may be taken.

use clap::Parser;
use harness::{
    forge::{Numbers, run},
    say,
};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "Forged, replayed, reordered and cross-hub requests: exit 1 where one is taken, or a hole would not be seen."
)]
struct Arguments {
    /// How many spoilt requests.
    #[arg(long, default_value_t = 100_000)]
    mutations: u64,
    /// What is drawn is drawn from this.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// By how many threads, each with services of its own.
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let Arguments { mutations, seed, threads } = Arguments::parse();
    say::ended(run(&Numbers { mutations, seed, threads }).map(|summary| {
        say::line(&summary.to_string());
        summary.holds()
    }))
}
