//! `bench-rules`: what it costs to judge a reading, and to keep what the rules remember.

use clap::Parser;
use harness::{bench::Asked, bench_rules::measure};
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Cost of judging a reading by eight rules, in nanoseconds, beside a probe of the same run.")]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
}

fn main() -> ExitCode {
    let Arguments { asked } = Arguments::parse();
    asked.tell(measure(asked.quick))
}
