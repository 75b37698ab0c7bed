//! `hub-agent pair`: walks an engineer through pairing, one sentence a step.

use super::{Failure, out, runtime};
use crate::{
    clock::WallClock,
    link::ble::pair::{Wanted, pair},
};
use std::{io, process::ExitCode};

/// Pairs, and prints the lines for the settings.
pub(super) fn run(device: &str, adapter: Option<&str>) -> Result<ExitCode, Failure> {
    let wanted = Wanted::parse(device);
    let mut say = |sentence: &str| out::line(sentence);
    let mut ask = |question: &str| {
        out::line(question);
        let mut answer = String::new();
        // An end of input is a refusal.
        io::stdin().read_line(&mut answer).ok().filter(|bytes| *bytes > 0).map(|_| answer.trim().to_owned())
    };
    let paired = runtime()?.block_on(pair(&wanted, adapter, &WallClock, &mut say, &mut ask))?;
    out::line("Add these lines to the hub's settings:");
    out::line("");
    out::line(paired.settings().trim_end());
    Ok(ExitCode::SUCCESS)
}
