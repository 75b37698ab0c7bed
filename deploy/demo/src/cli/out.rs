//! The one place that writes to the terminal.

use crate::people::BANNER;
use ingest::cli::out::line;
use std::io::IsTerminal;
use vitals::wire::v1::Urgency;

/// How far a stage's name reaches, so that what follows stands in one column.
const STAGE_WIDTH: usize = 12;

/// Widest line of a prompt.
const PROMPT_WIDTH: usize = 76;

/// What the account is written on: colours where a person reads it, plain text where a program does.
#[derive(Debug, Clone)]
pub struct Paper {
    has_colours: bool,
}

impl Paper {
    /// Standard output.
    #[must_use]
    pub fn new() -> Self {
        Self { has_colours: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.has_colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn title(&self, page: &str) {
        line(&format!("{}  {BANNER}. Nothing here is about a real person.", self.paint("1", "Derwent")));
        line(&format!("Not a certified medical device. The worklist fills while you watch: {page}"));
    }

    /// A new paragraph.
    pub fn paragraph(&self, text: &str) {
        line(&format!("\n{}", self.paint("1", text)));
    }

    /// A stage of a reading's day.
    pub fn stage(&self, name: &str, text: &str) {
        line(&format!("  {}  {text}", self.paint("2", &format!("{name:<STAGE_WIDTH$}"))));
    }

    /// An alert is raised.
    pub fn alert(&self, urgency: Urgency, text: &str) {
        let colour = match urgency {
            Urgency::ActNow => "1;31",
            Urgency::CheckAgain => "1;33",
            Urgency::AsPlanned => "1",
        };
        line(&format!("  {}  {}", self.paint("2", &format!("{:<STAGE_WIDTH$}", "alert")), self.paint(colour, text)));
    }

    /// What a person is told, in their own words.
    pub fn prompt(&self, name: &str, urgency: &str, text: &str) {
        self.stage(&format!("{name} reads"), &self.paint("1", urgency));
        let mut words = String::new();
        for word in text.split_whitespace() {
            if words.len() + word.len() >= PROMPT_WIDTH {
                line(&format!("  {:STAGE_WIDTH$}  {words}", ""));
                words.clear();
            }
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        line(&format!("  {:STAGE_WIDTH$}  {words}", ""));
    }

    pub(super) fn ready(&self, page: &str) {
        line("\nTwo alerts wait for the case manager. Open the worklist and take one; Ctrl-C ends the demo.");
        line(&self.paint("1;34", page));
    }

    pub(super) fn goodbye(&self) {
        line("\nThe demo has ended; its store is gone.");
    }
}

impl Default for Paper {
    fn default() -> Self {
        Self::new()
    }
}
