//! One run: the story told by a hub to a service that is killed on the way, or not.

use super::{
    Kill, SENT_WITHIN,
    hub::Hub,
    line::{Line, Moment},
};
use crate::{
    clock::wait_until,
    contents::{Contents, verified},
    footprint::{Footprint, Pressure},
    history::{History, Verdict},
    ingest_process::{IngestProcess, Launched, Starting},
    trouble::{Doing, Trouble},
};
use ingest::disk::DATABASE_FILE;
use std::{path::Path, process::ExitStatus, sync::Arc, time::Duration};

/// How often to look whether the service has killed itself.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// One run, judged.
pub(super) struct Run {
    /// Whether the kill fell at all: a point may never be reached.
    pub(super) was_killed: bool,
    acknowledged_at_kill: usize,
    acknowledged: usize,
    pub(super) right_after: Verdict,
    pub(super) at_end: Verdict,
    /// What was broken right after the kill or at the end, apart from the history.
    pub(super) broken: Vec<String>,
    pub(super) decided: Vec<String>,
    /// Whether `ingest verify` finds the store sound at the end.
    pub(super) is_sound: bool,
}

impl Run {
    pub(super) fn is_between(&self) -> bool {
        (1..self.acknowledged).contains(&self.acknowledged_at_kill)
    }

    pub(super) fn holds(&self) -> bool {
        self.right_after.holds() && self.at_end.holds()
    }
}

/// Where a run is played, and what it was told so far.
struct Stage<'a> {
    program: &'a Path,
    footprint: Footprint,
    line: Arc<Line>,
    story: &'a [Pressure],
    after: usize,
    ahead: usize,
    hub: Option<Hub>,
    broken: Vec<String>,
}

/// How the first process of a run ended.
enum Ended {
    /// Killed.
    Killed,
    /// Stopped in order, with everything sent: it was never killed.
    InOrder,
}

/// Tells the story once.
pub(super) async fn run(
    program: &Path,
    environment: &[(&str, &str)],
    story: &[Pressure],
    seed: u64,
    kill: Kill,
) -> Result<Run, Trouble> {
    let footprint = Footprint::new(seed)?;
    let (moment, after, ahead) = match kill {
        Kill::OnTheLine(draw) => (draw.moment, draw.after, draw.ahead),
        Kill::Never | Kill::AtPoint => (Moment::AtAcknowledgement, usize::MAX, 1),
    };
    let line = Line::new(moment, footprint.data().join(format!("{DATABASE_FILE}-wal")));
    let mut stage = Stage { program, footprint, line, story, after, ahead, hub: None, broken: Vec::new() };
    let ended = stage.until_it_ends(environment, kill).await?;
    let (mut at_kill, mut right_after) = (History::default(), Verdict::default());
    let was_killed = matches!(ended, Ended::Killed);
    if was_killed {
        at_kill = stage.history_at_kill()?;
        let contents = Contents::read(&stage.footprint.data())?;
        right_after = at_kill.judge(&contents.counts());
        stage.broken.extend(contents.halves().into_iter().map(|half| format!("right after the kill: {half}")));
        // What is planted may plant a loss, but not a second kill.
        let planted = if matches!(kill, Kill::AtPoint) { &[] } else { environment };
        stage.finish(planted).await?;
    }
    let Stage { footprint, hub, mut broken, .. } = stage;
    let told = hub.ok_or_else(|| Trouble::new("judge a run", "no hub took part"))?.recorder.told();
    let contents = Contents::read(&footprint.data())?;
    let at_end = told.history.judge(&contents.counts());
    if at_end.acked != story.len() {
        broken.push(format!("acknowledged {} of {}", at_end.acked, story.len()));
    }
    broken.extend(contents.halves().into_iter().map(|half| format!("at the end: {half}")));
    let sound = verified(&footprint.data())?;
    let is_sound = sound.is_ok();
    broken.extend(sound.err().map(|wrong| format!("at the end: {wrong}")));
    let (acknowledged_at_kill, acknowledged) = (at_kill.acknowledgements(), told.history.acknowledgements());
    let decided = contents.decided(&told.heard);
    Ok(Run { was_killed, acknowledged_at_kill, acknowledged, right_after, at_end, broken, decided, is_sound })
}

impl Stage<'_> {
    fn start(&self, environment: &[(&str, &str)]) -> Result<Starting, Trouble> {
        let log = self.footprint.folder().join("ingest.log");
        Starting::start(self.program, &self.footprint.settings(), &log, environment)
    }

    async fn start_hub(&mut self) -> Result<(), Trouble> {
        if self.hub.is_none() {
            let hub = Hub::start(&self.footprint, &self.line, self.story, self.ahead, self.after).await?;
            self.hub = Some(hub);
        }
        Ok(())
    }

    fn hub(&mut self) -> Result<&mut Hub, Trouble> {
        self.hub.as_mut().ok_or_else(|| Trouble::new("use the hub", "it was not started"))
    }

    /// The first process, until it is killed or has stopped in order.
    async fn until_it_ends(&mut self, environment: &[(&str, &str)], kill: Kill) -> Result<Ended, Trouble> {
        let process = match self.start(environment)?.listens()? {
            Launched::Listens(process) => Arc::new(process),
            Launched::Ended(status) if matches!(kill, Kill::AtPoint) => {
                self.was_killed(status, "");
                return Ok(Ended::Killed);
            }
            Launched::Ended(status) => {
                return Err(Trouble::new("start the service", format!("it ended with {status}")));
            }
        };
        self.line.lead_to(&process);
        self.start_hub().await?;
        match kill {
            Kill::Never => {}
            Kill::OnTheLine(_) => {
                let line = Arc::clone(&self.line);
                await_kill(&line, self.hub()?).await?;
            }
            Kill::AtPoint => await_own_kill(&process, self.hub()?).await,
        }
        if process.has_ended() || !matches!(kill, Kill::Never | Kill::AtPoint) {
            let status = process.gone()?;
            self.was_killed(status, &process.log());
            // From now on nobody answers at its address.
            self.line.kill();
            return self.line.trouble().map_or(Ok(Ended::Killed), Err);
        }
        self.hub()?.ended(SENT_WITHIN).await?;
        let (status, _) = process.stop()?;
        match (status.success(), kill) {
            (true, _) => Ok(Ended::InOrder),
            (false, Kill::AtPoint) => {
                self.was_killed(status, &process.log());
                Ok(Ended::Killed)
            }
            (false, _) => {
                self.broken.push(format!("did not stop in order: {status}; {}", process.log()));
                Ok(Ended::InOrder)
            }
        }
    }

    /// Whoever is killed has no exit code.
    fn was_killed(&mut self, status: ExitStatus, log: &str) {
        if status.code().is_some() {
            self.broken.push(format!("ended by itself before the kill: {status}; {log}"));
        }
    }

    /// What was acknowledged and is still in the hub's hands counts as well: it came from the process that is gone.
    fn history_at_kill(&self) -> Result<History, Trouble> {
        let Some(hub) = &self.hub else { return Ok(History::default()) };
        wait_until(SENT_WITHIN, "the hub has noticed", || hub.recorder.is_quiet()).doing("wait for the hub")?;
        Ok(hub.recorder.told().history)
    }

    /// The second process: it hears the rest and stops in order.
    async fn finish(&mut self, environment: &[(&str, &str)]) -> Result<(), Trouble> {
        let process = Arc::new(self.start(environment)?.process().doing("start the service after a kill")?);
        self.line.lead_to(&process);
        self.start_hub().await?;
        self.hub()?.ended(SENT_WITHIN).await?;
        let (status, _) = process.stop()?;
        if !status.success() {
            self.broken.push(format!("did not stop in order: {status}; {}", process.log()));
        }
        Ok(())
    }
}

/// Waits for the kill. Where the hub was done before its moment came, the kill falls then.
async fn await_kill(line: &Line, hub: &Hub) -> Result<(), Trouble> {
    tokio::select! {
        () = line.killed() => {}
        () = hub.done() => line.kill(),
    }
    line.trouble().map_or(Ok(()), Err)
}

/// Waits until the service has killed itself, or the hub is done and it has not.
async fn await_own_kill(process: &IngestProcess, hub: &Hub) {
    let mut is_done = false;
    while !is_done && !process.has_ended() {
        tokio::select! {
            () = hub.done() => is_done = true,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
