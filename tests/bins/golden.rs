//! `golden [--check]`: writes the golden files for review; with `--check` only compares, and exits 1 on a difference.

use harness::{
    golden::{FILES, differences, regenerate},
    say, tree,
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
            say::error_line("usage: golden [--check]");
            ExitCode::from(USAGE)
        }
    }
}

fn write() -> ExitCode {
    match regenerate(FILES, &tree::root()) {
        Ok(written) => {
            written.iter().for_each(|path| say::line(&format!("written {path}")));
            say::line(&format!("{} golden files, {} written", FILES.len(), written.len()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say::error_line(&format!("write the golden files: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn check() -> ExitCode {
    let found = differences(FILES, &tree::root());
    found.iter().for_each(|difference| say::line(&difference.to_string()));
    say::line(&format!("{} golden files, {} differ", FILES.len(), found.len()));
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
