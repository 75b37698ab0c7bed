//! `bench-admit`: what a request costs the service between the socket and the store.

use clap::Parser;
use harness::{bench::Asked, bench_admit::measure};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    about = "What a request costs between the socket and the store, in microseconds, beside probes of the same run."
)]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
}

fn main() -> ExitCode {
    let Arguments { asked } = Arguments::parse();
    asked.tell(measure(asked.quick))
}
