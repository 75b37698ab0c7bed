//! Runs a script: a bus, a bluetoothd with the script's devices, the agent.
//!
//! Waits until what must come of it has come, stops the agent in order, and judges what was asked of bluetoothd and what
//! lies in the outbox.

use super::{
    Bluetoothd,
    agent::Agent,
    bus::Bus,
    expect::{Finding, Outcome},
    home::{Home, Hub},
    record::deeds,
    row::Row,
    script::Script,
};
use crate::{clock::wait_until, trouble::Trouble};
use hub_agent::clock::{Clock, WallClock};
use std::{collections::BTreeMap, fmt::Write, path::Path, time::Duration};

/// Everything that runs for one script.
pub struct Rig {
    /// The bus.
    pub bus: Bus,
    /// bluetoothd, with the devices.
    pub bluetoothd: Bluetoothd,
    /// The hub's folder.
    pub home: Home,
    /// The agent.
    pub agent: Agent,
}

/// A script that was run.
#[derive(Debug, Clone)]
pub struct Run {
    /// What came of it.
    pub outcome: Outcome,
    /// Everything that is wrong with that.
    pub findings: Vec<Finding>,
    /// What the agent logged.
    pub log: String,
}

impl Rig {
    /// Starts everything: the agent last, so that it finds bluetoothd there.
    ///
    /// # Errors
    /// [`Trouble`] where a part does not start. A test without one of them has judged nothing, and fails.
    pub fn start(program: &Path, script: &Script, hub: &Hub) -> Result<Self, Trouble> {
        let bus = Bus::start()?;
        let bluetoothd = Bluetoothd::start(script, &bus.address())?;
        let home = Home::new(script, hub)?;
        let agent = Agent::start(program, &home, &bus.address())?;
        Ok(Self { bus, bluetoothd, home, agent })
    }

    /// What has come of it so far.
    ///
    /// # Errors
    /// [`Trouble`] where the outbox cannot be read, as may be for a moment.
    pub fn outcome(&self) -> Result<Outcome, Trouble> {
        let now = WallClock.now();
        let rows = self.home.stored()?.iter().map(|reading| Row::of(reading, now)).collect();
        let known_again = self.agent.said("reading_already_kept");
        Ok(Outcome { calls: self.bluetoothd.record().calls(), rows, known_again })
    }

    /// Waits until the devices have played their parts and as many readings are stored as the script expects.
    fn wait(&mut self, script: &Script, limit: Duration) -> Result<(), String> {
        let record = self.bluetoothd.record();
        let (mut seen, mut has_all) = (None, false);
        let expected = script.expect.rows().len();
        wait_until(limit, "everything that the script expects has come", || {
            let is_played = record.is_played_out()
                && script.expect.adverts.iter().all(|(tag, adverts)| record.adverts(tag) >= *adverts);
            let bytes = self.agent.log_bytes();
            // The agent logs after it stored: a log that has not grown has nothing to tell.
            if is_played && !has_all && seen.replace(bytes) != Some(bytes) {
                has_all = self.outcome().is_ok_and(|outcome| {
                    outcome.rows.len() >= expected && outcome.known_again >= script.expect.known_again
                });
            }
            is_played && has_all
        })
        .map(drop)
        .map_err(|late| late.to_string())
    }

    /// Waits, stops the agent and judges.
    ///
    /// # Errors
    /// [`Trouble`] where the agent does not stop or the outbox cannot be read.
    pub fn finish(mut self, script: &Script, limit: Duration) -> Result<Run, Trouble> {
        let waited = self.wait(script, limit);
        let status = self.agent.stop()?;
        let outcome = self.outcome()?;
        let mut findings = script.judge(&outcome);
        if !status.success() {
            findings.push(Finding { check: "an ordered stop".to_owned(), says: status.to_string() });
        }
        // Where everything is as expected, that it was late would be the only fault.
        if let (Err(late), true) = (waited, findings.is_empty()) {
            findings.push(Finding { check: "in time".to_owned(), says: late });
        }
        self.bluetoothd.kill()?;
        Ok(Run { outcome, findings, log: self.agent.log() })
    }
}

/// Runs a script from its beginning to its end.
///
/// # Errors
/// [`Trouble`] where a part does not start or stop.
pub fn run(program: &Path, script: &Script) -> Result<Run, Trouble> {
    let limit = Duration::from_secs(script.expect.within_secs);
    Rig::start(program, script, &Hub::default())?.finish(script, limit)
}

impl Run {
    /// The calls that did something and the stored readings, for people. Two scripts that give the same here prove the
    /// same thing.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = format!("  calls: {}\n", deeds(&self.outcome.calls).join(" | "));
        let mut rows: BTreeMap<&Row, usize> = BTreeMap::new();
        self.outcome.rows.iter().for_each(|row| *rows.entry(row).or_default() += 1);
        for (row, times) in rows {
            // Writing to a string does not fail.
            writeln!(text, "  stored {times} x {row}").ok();
        }
        if self.outcome.known_again > 0 {
            writeln!(text, "  known again: {}", self.outcome.known_again).ok();
        }
        text
    }
}
