//! `ingest rules check`: every mistake in protocols, under the very words that are wrong.

use super::{CommandError, PackFile, ProtocolsError, print, said_of};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use rules::{
    Pack,
    pack::{PackError, Problem},
};
use std::fmt;

/// Letters in a line of the report.
const WIDTH: usize = 100;

/// Checks protocols and says what was found.
pub(super) fn run(files: &[PackFile]) -> Result<(), CommandError> {
    let (mut mistakes, mut bad) = (0, 0);
    for file in files {
        match Pack::read(&file.text) {
            Ok(pack) => print(&said_of(&file.name(), &pack)),
            Err(error) => {
                mistakes += error.problems.len();
                bad += 1;
                print(&shown(&file.name(), &file.text, &error));
            }
        }
    }
    if bad == 0 { Ok(()) } else { Err(ProtocolsError::Mistakes { mistakes, files: bad, all: files.len() }.into()) }
}

/// The mistakes of a file, each with its line, the place in it, and what to do.
fn shown(name: &str, text: &str, error: &PackError) -> String {
    let theme = GraphicalTheme::unicode_nocolor();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let source = NamedSource::new(name, text.to_owned());
    let mut shown = String::new();
    for problem in &error.problems {
        let mistake = Mistake { problem, source: &source };
        if handler.render_report(&mut shown, &mistake).is_err() {
            // Nothing writes into a text and fails; but a mistake is never left out.
            shown.push_str(&format!("{name}: {problem}\n"));
        }
    }
    // Where a line of the file is empty, nothing stands behind its number.
    shown.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A mistake as it is shown.
#[derive(Debug)]
struct Mistake<'a> {
    problem: &'a Problem,
    source: &'a NamedSource<String>,
}

impl fmt::Display for Mistake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Mistake<'_> {}

impl Diagnostic for Mistake<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(&self.problem.advice))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some("here".to_owned()), self.problem.span());
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests;
