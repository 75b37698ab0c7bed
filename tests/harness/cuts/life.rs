//! One store on one file system, from its first start through several cuts to an ordered stop.

use super::{
    judge::{Found, judge},
    load::Load,
    summary::Cuts,
    trigger::Trigger,
    volume::{FileSystem, Volume},
};
use crate::{
    contents::{Contents, verified},
    ingest_process::{IngestProcess, Starting},
    trouble::{Doing, Trouble},
    under_test::{PLANT, SYNCHRONOUS_NORMAL},
};
use demo::seed::Seeded;
use ingest::disk::DATABASE_FILE;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The store's folder on the file system.
const DATA: &str = "ingest";

pub(super) struct Life {
    volume: Volume,
    load: Load,
    program: PathBuf,
    settings: PathBuf,
    log: PathBuf,
    random: Seeded,
    seed: u64,
    is_planted: bool,
    /// How many were acknowledged at the last cut.
    acknowledged: usize,
}

impl Life {
    /// Makes the file system and the settings. `folder` and `mount` are used by one life at a time.
    pub(super) fn begin(
        (folder, mount): (&Path, &Path),
        program: &Path,
        kind: FileSystem,
        seed: u64,
        is_planted: bool,
    ) -> Result<Self, Trouble> {
        let volume = Volume::make(folder, mount, kind)?;
        let load = Load::new(seed)?;
        let settings = load.people.write_settings(folder, &volume.path().join(DATA), "")?;
        let log = folder.join("ingest.log");
        fs::write(&log, "").doing("begin a log")?;
        let (program, random) = (program.to_owned(), Seeded::new(seed, "when the power goes"));
        Ok(Self { volume, load, program, settings, log, random, seed, is_planted, acknowledged: 0 })
    }

    fn data(&self) -> PathBuf {
        self.volume.path().join(DATA)
    }

    fn store_log(&self) -> PathBuf {
        self.data().join(format!("{DATABASE_FILE}-wal"))
    }

    fn starting(&self) -> Result<Starting, Trouble> {
        let planted: &[_] = if self.is_planted { &[(PLANT, SYNCHRONOUS_NORMAL)] } else { &[] };
        Starting::start(&self.program, &self.settings, &self.log, planted)
    }

    fn start(&self) -> Result<IngestProcess, Trouble> {
        self.starting()?.process().doing("start the service after a cut")
    }

    /// Starts the service, offers everything again, sends more, cuts the power, and judges what is left.
    pub(super) fn cut(&mut self, tally: &mut Cuts) -> Result<(), Trouble> {
        let trigger = Trigger::draw(&self.random);
        match trigger {
            Trigger::Starting { log_bytes } => {
                let mut starting = self.starting()?;
                Trigger::wait_for_start(log_bytes, &mut starting, &self.store_log());
                self.volume.cut()?;
                starting.kill();
                tally.while_starting += 1;
            }
            Trigger::Acknowledged { .. } | Trigger::Sent { .. } | Trigger::Writing { .. } => {
                let (process, store_log) = (self.start()?, self.store_log());
                self.load.offer_all_again(&process)?;
                self.seed += 1;
                let (load, volume) = (&self.load, &mut self.volume);
                load.run(&process, self.seed, |happens| {
                    trigger.wait(&happens, &store_log)?;
                    load.is_about_to_be_cut();
                    volume.cut()?;
                    process.kill()
                })?;
                process.gone()?;
            }
        }
        self.volume.mount_again()?;
        let found = self.judged()?;
        tally.add(&found, self.acknowledged, !matches!(trigger, Trigger::Starting { .. }));
        self.acknowledged = found.verdict.acked;
        let which = tally.cuts;
        let when = format!("cut {which}, {trigger:?}");
        tally.broken.extend(found.broken.iter().map(|broken| format!("{when}: {broken}")));
        tally.broken.extend(self.load.take_wrong().into_iter().map(|wrong| format!("{when}: {wrong}")));
        Ok(())
    }

    /// Starts the service once more, offers everything again, stops it in order, and judges.
    pub(super) fn end(self, tally: &mut Cuts) -> Result<(), Trouble> {
        let process = self.start()?;
        self.load.offer_all_again(&process)?;
        let (status, _) = process.stop()?;
        if !status.success() {
            tally.broken.push(format!("the service did not stop in order: {status}; {}", process.log()));
        }
        let found = self.judged()?;
        let Found { verdict, breaches, alerts, broken } = found;
        let at_end = |broken: String| format!("at the end, after cut {}: {broken}", tally.cuts);
        let mut wrong: Vec<String> = broken.into_iter().chain(self.load.take_wrong()).map(at_end).collect();
        if verdict.acked != verdict.invoked {
            wrong.push(at_end(format!("acknowledged {} of {}", verdict.acked, verdict.invoked)));
        }
        match verified(&self.data())? {
            Ok(_sound) => tally.sound += 1,
            Err(what) => wrong.push(at_end(what)),
        }
        tally.broken.append(&mut wrong);
        tally.lost += verdict.lost.len();
        tally.duplicated += verdict.duplicated.len() + verdict.stored_twice.len();
        tally.breaches += breaches;
        tally.alerts += alerts;
        Ok(())
    }

    fn judged(&self) -> Result<Found, Trouble> {
        let data = self.data();
        // Cut before there was a folder: there was no store.
        let contents = if data.exists() { Contents::read(&data)? } else { Contents::default() };
        Ok(judge(&self.load, &self.load.history(), &contents))
    }
}
