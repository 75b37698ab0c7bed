//! What every bench takes and tells.

use crate::{
    say,
    trouble::{Doing, Trouble},
};
use clap::Args;
use std::{collections::BTreeMap, fmt::Display, fs, path::PathBuf, process::ExitCode};

/// What a bench measured: a table for people, and each figure by its name.
pub trait Figures: Display {
    /// The figures by name.
    fn named(&self) -> BTreeMap<String, f64>;
}

/// What every bench is asked.
#[derive(Debug, Args)]
pub struct Asked {
    /// Much less of everything, for a first look.
    #[arg(long)]
    pub quick: bool,
    /// Write the figures by name into this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Asked {
    /// Tells the figures, and ends the program.
    pub fn tell(&self, measured: Result<impl Figures, Trouble>) -> ExitCode {
        say::ended(measured.and_then(|figures| {
            say::line(&figures.to_string());
            let Some(path) = &self.json else { return Ok(true) };
            let json = serde_json::to_string_pretty(&figures.named()).doing("write the figures as JSON")?;
            fs::write(path, json).map_err(|error| Trouble::new(&format!("write {}", path.display()), error))?;
            Ok(true)
        }))
    }
}
