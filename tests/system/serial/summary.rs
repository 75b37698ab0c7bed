//! What was tried for each protocol, for the gate to print.

use harness::serial::story::Counts;
use std::{fs, path::PathBuf};

/// Where `tests/run` finds the counts.
const FOLDER: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/serial-summary");

/// A story's place in the summary. What another day left there is taken away at once.
pub(super) struct Summary {
    file: PathBuf,
}

impl Summary {
    pub(super) fn of(story: &str) -> Self {
        fs::create_dir_all(FOLDER).unwrap();
        let file = PathBuf::from(FOLDER).join(story);
        drop(fs::remove_file(&file));
        Self { file }
    }

    /// The story held.
    pub(super) fn held(self, what: &str, counts: Counts) {
        let story = self.file.file_name().unwrap().to_string_lossy().into_owned();
        let line = format!("{story}: {what}; {counts}");
        println!("{line}");
        fs::write(self.file, line + "\n").unwrap();
    }
}
