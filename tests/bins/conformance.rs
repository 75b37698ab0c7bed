//! `conformance FILE.jsonl…`: runs public cases against codecs, vitals and rules; a line for each kind, exit 1 on any mismatch.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool of the tests whose product is its output")]

use harness::conformance::Report;
use std::{env, process::ExitCode};

/// Exit code for a call that names no file.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: conformance FILE.jsonl…");
        return ExitCode::from(USAGE);
    }
    let report = Report::over_files(&files);
    print!("{report}");
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
