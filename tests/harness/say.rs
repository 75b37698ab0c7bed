//! What the harness's tools say: lines on standard output and error. A reader that has gone, such as `head`, is no fault.

use std::io::{self, Write};

/// Writes a line to standard output.
pub fn line(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Writes a line to standard error.
pub fn error_line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
