//! `kills`: kills the running service, at every step of a commit and at random moments, and counts what it lost.

use clap::Parser;
use harness::{
    kill::{Tally, at_every_point, on_the_line},
    say,
    trouble::{Doing, Trouble},
    under_test::{self, ACKNOWLEDGES_EARLY},
};
use std::{ffi::OsString, process::ExitCode};

/// Kills after which a store that acknowledges too early must have been caught.
const PLANTED_KILLS: u64 = 20;

#[derive(Parser)]
#[command(
    about = "Kills the running service with SIGKILL, at every step of a commit and at random moments, and judges what is left.",
    after_help = "`kills serve --config FILE` is the service itself, as each run starts it."
)]
struct Arguments {
    /// How many kills: each step of a commit each time it comes, and at random moments what is left of the number.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    kills: u64,
    /// Kills at random moments only.
    #[arg(long)]
    no_points: bool,
    /// Where everything random comes from.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    if under_test::is_asked_for(&given) {
        return under_test::run(given);
    }
    say::ended(kill(&Arguments::parse_from(given)))
}

/// True where everything held and what was planted was caught.
fn kill(wanted: &Arguments) -> Result<bool, Trouble> {
    let program = std::env::current_exe().doing("find this program")?;
    let first = wanted.seed << 32;
    let planted = on_the_line(&program, Some(ACKNOWLEDGES_EARLY), first..first + PLANTED_KILLS)?;
    let mut genuine = if wanted.no_points { Tally::default() } else { at_every_point(&program, first)? };
    let at_points = u64::try_from(genuine.kills).doing("count the kills")?;
    genuine.join(on_the_line(&program, None, first..first + wanted.kills.saturating_sub(at_points))?);
    say::line(&format!(
        "{genuine}; planted acknowledge-before-commit: caught in {} of {} runs, {} readings lost",
        planted.caught, planted.kills, planted.lost
    ));
    say::line(&format!("of the kills at steps of a commit: {}", genuine.points()));
    genuine.broken.iter().for_each(|broken| say::line(broken));
    if planted.lost == 0 {
        say::line("the planted store was not caught");
    }
    Ok(genuine.broken.is_empty() && planted.lost > 0)
}
