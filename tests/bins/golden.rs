//! `golden [--check]`: writes the golden files for review; with `--check` only compares, and exits 1 on a difference.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the tests whose product is its output")]

use harness::{
    golden::{FILES, differences, regenerate},
    tree,
};
use std::{env, process::ExitCode};

/// Exit code for a call that is not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => write(),
        ["--check"] => check(),
        _ => {
            eprintln!("usage: golden [--check]");
            ExitCode::from(USAGE)
        }
    }
}

fn write() -> ExitCode {
    match regenerate(FILES, &tree::root()) {
        Ok(written) => {
            written.iter().for_each(|path| println!("written {path}"));
            println!("{} golden files, {} written", FILES.len(), written.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("write the golden files: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> ExitCode {
    let found = differences(FILES, &tree::root());
    found.iter().for_each(|difference| println!("{difference}"));
    println!("{} golden files, {} differ", FILES.len(), found.len());
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
