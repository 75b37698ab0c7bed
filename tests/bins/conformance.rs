//! `conformance FILE.jsonl…`: runs public cases against codecs, vitals and rules; a line for each kind, exit 1 on any mismatch.

use harness::{conformance::Report, say};
use std::{env, process::ExitCode};

/// Exit code for a call that names no file.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        say::error_line("usage: conformance FILE.jsonl…");
        return ExitCode::from(USAGE);
    }
    let report = Report::over_files(&files);
    say::line(report.to_string().trim_end());
    if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
