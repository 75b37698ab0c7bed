//! What the harness's tools say: lines on standard output and error. A reader that has gone, such as `head`, is no fault.

use crate::trouble::Trouble;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Writes a line to standard output.
pub fn line(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Writes a line to standard error.
pub fn error_line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// How a tool ends: well where what it looked at holds, and otherwise not; what kept it from looking is said.
#[must_use]
pub fn ended(holds: Result<bool, Trouble>) -> ExitCode {
    match holds {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            error_line(&trouble.to_string());
            ExitCode::FAILURE
        }
    }
}
