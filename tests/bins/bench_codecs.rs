//! `bench-codecs`: what it costs to decode one frame of each kind.

use clap::Parser;
use harness::{bench::Asked, bench_codecs::measure};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Decode cost of each kind of frame, in nanoseconds, beside a probe of the same run.")]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
}

fn main() -> ExitCode {
    let Arguments { asked } = Arguments::parse();
    asked.tell(measure(asked.quick))
}
