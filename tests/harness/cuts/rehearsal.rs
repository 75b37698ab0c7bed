//! The same load and the same judge without a cut, for which nobody needs root: the service is killed instead. So the judge
//! can be shown a store that lacks something.

use super::{judge::judge, load::Load, trigger::Trigger};
use crate::{
    contents::Contents,
    ingest_process::IngestProcess,
    trouble::{Doing, Trouble},
};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The store's folder.
const DATA: &str = "ingest";

/// After how many answers the service is killed.
const REQUESTS: u64 = 40;

/// A service that was killed under load, and what its store held then.
pub struct Rehearsal {
    load: Load,
    contents: Contents,
    folder: TempDir,
}

impl Rehearsal {
    /// Has the hubs send to a program, and kills it.
    ///
    /// # Errors
    /// [`Trouble`] where it does not start, or its store cannot be read.
    pub fn play(program: &Path, seed: u64) -> Result<Self, Trouble> {
        let folder = tempfile::tempdir().doing("make a folder")?;
        let (data, load) = (folder.path().join(DATA), Load::new(seed)?);
        let settings = load.people.write_settings(folder.path(), &data, "")?;
        let process = IngestProcess::start(program, &settings, &folder.path().join("ingest.log"))?;
        load.run(&process, seed, |happens| {
            Trigger::Acknowledged { requests: REQUESTS }.wait(&happens, &data)?;
            load.is_about_to_be_cut();
            process.kill()
        })?;
        process.gone()?;
        let contents = Contents::read(&data)?;
        Ok(Self { load, contents, folder })
    }

    /// What the store held.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Where the store lies.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// What is broken, had the store held this, and answers that were wrong.
    #[must_use]
    pub fn broken(&self, contents: &Contents) -> Vec<String> {
        let mut broken = judge(&self.load, &self.load.history(), contents).broken;
        broken.extend(self.load.wrong());
        broken
    }
}
