//! `faults`: power cuts at any point, every storage call failed, every bit flipped, on the real store.

use clap::Parser;
use harness::{
    faults::{Bits, Numbers, Part, run},
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
    /// Only one of so many parts of the bits, as in 3/16.
    #[arg(long, value_name = "K/N", value_parser = part)]
    part: Option<Part>,
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

fn part(text: &str) -> Result<Part, String> {
    let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match numbers {
        Some((number, of)) if (1..=of).contains(&number) => Ok(Part { number, of }),
        _ => Err("want K/N, with K from 1 to N".to_owned()),
    }
}

fn main() -> ExitCode {
    let Arguments { crash_images, fail_each, flips, quick, part, seed, threads } = Arguments::parse();
    let done = run(&Numbers {
        crash_images,
        fail_each,
        flips,
        is_quick: quick,
        part: part.unwrap_or(Part::WHOLE),
        seed,
        threads,
    });
    say::ended(done.map(|summary| {
        say::line(summary.to_string().trim_end());
        summary.holds
    }))
}
