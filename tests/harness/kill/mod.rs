//! The kill loop: the service's process is killed with SIGKILL while a hub sends, started again, and judged.
//!
//! Each run is judged twice by the history checker: right after the kill, before the hub could send anything again, and
//! once everything is sent and the service has stopped in order. It is also set beside a run of the same story that
//! nobody killed: the same verdicts, alerts and notification jobs must have come of it.

pub mod early_store;
pub mod hub;
pub mod line;

use crate::{
    clock::wait_until,
    contents::Contents,
    footprint::{AMBER, Footprint, NORMAL, Pressure, RED},
    history::{History, Verdict},
    ingest_process::IngestProcess,
    trouble::{Doing, Trouble},
};
use demo::seed::Seeded;
use hub::Hub;
use ingest::disk::DATABASE_FILE;
use line::{Line, Moment};
use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How many frames each run hears.
pub const FRAMES: usize = 40;

/// What stands out among them: place, systolic and diastolic. Even places are one person's, odd ones another's. Two reds
/// in a row; an amber that its repeat settles; a red that clears and comes back.
const STANDS_OUT: [(usize, (u16, u16)); 5] = [(4, RED), (6, RED), (11, RED), (24, AMBER), (31, RED)];

/// Runs side by side: as many as the smallest machine has cores.
const SIDE_BY_SIDE: usize = 2;

/// How long a hub may take to send everything, and to notice that the service is gone.
const SENT_WITHIN: Duration = Duration::from_secs(60);

/// Largest of the byte counts after which a kill falls: about a request and a half.
const REQUEST_BYTES: u64 = 2500;

/// Most readings unsettled at a time: from one request at a time to several readings in one.
const AHEAD_MAX: u64 = 4;

/// The story that every run plays.
#[must_use]
pub fn story() -> Vec<Pressure> {
    let stands_out = |place: usize| STANDS_OUT.iter().find(|(at, _)| *at == place).map(|(_, pressure)| *pressure);
    (0..FRAMES).map(|place| (place % 2, stands_out(place).unwrap_or(NORMAL))).collect()
}

/// Where a kill falls and how the hub sends, drawn from a seed.
#[derive(Debug, Clone, Copy)]
struct Draw {
    after: usize,
    moment: Moment,
    ahead: usize,
}

impl Draw {
    fn from(seed: u64) -> Self {
        let bytes = Seeded::new(seed, "where the kill falls");
        let below = |limit: u64| {
            let mut number = [0; 8];
            bytes.next(&mut number);
            usize::try_from(u64::from_le_bytes(number) % limit).unwrap_or(0)
        };
        let frames = u64::try_from(FRAMES).unwrap_or(u64::MAX);
        let (after, ahead) = (1 + below(frames - 2), 1 + below(AHEAD_MAX));
        let moment = match below(4) {
            0 => Moment::AtAcknowledgement,
            1 => Moment::InRequest { bytes: 1 + below(REQUEST_BYTES) },
            2 => Moment::InCommit,
            _ => Moment::InAnswer,
        };
        Self { after, moment, ahead }
    }
}

/// One run, judged.
struct Run {
    acknowledged_at_kill: usize,
    acknowledged: usize,
    right_after: Verdict,
    at_end: Verdict,
    /// What was broken right after the kill or at the end, apart from the history.
    broken: Vec<String>,
    decided: Vec<String>,
}

impl Run {
    fn is_between(&self) -> bool {
        (1..self.acknowledged).contains(&self.acknowledged_at_kill)
    }

    fn holds(&self) -> bool {
        self.right_after.holds() && self.at_end.holds()
    }
}

/// What came of many runs with one program.
#[derive(Debug, Default)]
pub struct Tally {
    /// Runs, each with one kill.
    pub kills: usize,
    /// Kills with an acknowledgement before and one after them, counted in the histories.
    pub between: usize,
    /// Readings acknowledged, in all runs.
    pub acknowledged: usize,
    /// Runs whose history does not hold, right after the kill or at the end.
    pub caught: usize,
    /// Readings acknowledged and in no store, at the end of all runs.
    pub lost: usize,
    /// Readings stored twice, at the end of all runs.
    pub duplicated: usize,
    /// Kills that caught a reading stored and not yet acknowledged.
    pub after_commit: usize,
    /// Kills that caught a reading sent and not yet stored.
    pub before_commit: usize,
    /// Everything that was broken, each with its seed.
    pub broken: Vec<String>,
}

impl Tally {
    fn add(&mut self, seed: u64, run: &Run, expected: &[String]) {
        self.kills += 1;
        self.between += usize::from(run.is_between());
        self.acknowledged += run.at_end.acked;
        self.caught += usize::from(!run.holds());
        self.lost += run.at_end.lost.len();
        self.duplicated += run.at_end.duplicated.len();
        self.after_commit += usize::from(run.right_after.unknown_present > 0);
        self.before_commit += usize::from(run.right_after.unknown_absent > 0);
        for (when, verdict) in [("right after the kill", &run.right_after), ("at the end", &run.at_end)] {
            if !verdict.holds() {
                self.broken.push(format!("seed {seed}, {when}: {verdict}"));
            }
        }
        self.broken.extend(run.broken.iter().map(|broken| format!("seed {seed}, {broken}")));
        let otherwise = run
            .decided
            .iter()
            .filter(|line| !expected.contains(line))
            .chain(expected.iter().filter(|line| !run.decided.contains(line)));
        self.broken.extend(otherwise.map(|line| format!("seed {seed}, differs from the run without a kill: {line}")));
    }
}

/// As the summary of a gate says it, with a genuine store.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, between, acknowledged, lost, duplicated, .. } = self;
        write!(
            f,
            "kills {kills}, between first and last acknowledgement {between}, acknowledged {acknowledged}, lost {lost}, duplicated {duplicated}"
        )
    }
}

/// Runs the story once for each seed with a program, and once without a kill to compare with.
///
/// # Errors
/// [`Trouble`] of the first run that could not be judged.
pub fn run_all(program: &Path, seeds: u64) -> Result<Tally, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SIDE_BY_SIDE)
        .enable_all()
        .build()
        .doing("start a runtime")?;
    let expected = runtime.block_on(run(program, seeds, None))?.decided;
    let (next, tally) = (AtomicU64::new(0), Mutex::new(Ok(Tally::default())));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return;
            }
            let run = runtime.block_on(run(program, seed, Some(Draw::from(seed))));
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            match (tally.as_mut(), run) {
                (Ok(tally), Ok(run)) => tally.add(seed, &run, &expected),
                (Ok(_), Err(trouble)) => *tally = Err(Trouble::new(&format!("seed {seed}"), trouble)),
                (Err(_), _) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(work);
        }
    });
    tally.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// One run; without a draw nobody is killed.
async fn run(program: &Path, seed: u64, draw: Option<Draw>) -> Result<Run, Trouble> {
    let footprint = Footprint::new(seed)?;
    let start =
        || IngestProcess::start(program, &footprint.settings(), &footprint.folder().join("ingest.log")).map(Arc::new);
    let (moment, after, ahead) =
        draw.map_or((Moment::AtAcknowledgement, usize::MAX, 1), |draw| (draw.moment, draw.after, draw.ahead));
    let line = Line::new(moment, footprint.data().join(format!("{DATABASE_FILE}-wal")));
    let mut process = start()?;
    line.lead_to(&process);
    let mut hub = Hub::start(&footprint, &line, &story(), ahead, after).await?;
    let mut broken = Vec::new();
    let (mut at_kill, mut right_after) = (History::default(), Verdict::default());
    if draw.is_some() {
        await_kill(&line, &hub).await?;
        let status = process.gone()?;
        if status.code().is_some() {
            broken.push(format!("ended by itself before the kill: {status}; {}", process.log()));
        }
        // What was acknowledged and is still in the hub's hands counts as well: it came from the process that is gone.
        wait_until(SENT_WITHIN, "the hub has noticed", || hub.recorder.is_quiet()).doing("wait for the hub")?;
        at_kill = hub.recorder.told().history;
        let contents = Contents::read(&footprint.data())?;
        right_after = at_kill.judge(&contents.counts());
        broken.extend(contents.halves().into_iter().map(|half| format!("right after the kill: {half}")));
        process = start()?;
        line.lead_to(&process);
    }
    hub.ended(SENT_WITHIN).await?;
    let (status, _) = process.stop()?;
    if !status.success() {
        broken.push(format!("did not stop in order: {status}; {}", process.log()));
    }
    let told = hub.recorder.told();
    let contents = Contents::read(&footprint.data())?;
    let at_end = told.history.judge(&contents.counts());
    if at_end.acked != FRAMES {
        broken.push(format!("acknowledged {} of {FRAMES}", at_end.acked));
    }
    broken.extend(contents.halves().into_iter().map(|half| format!("at the end: {half}")));
    let (acknowledged_at_kill, acknowledged) = (at_kill.acknowledgements(), told.history.acknowledgements());
    Ok(Run { acknowledged_at_kill, acknowledged, right_after, at_end, broken, decided: contents.decided(&told.heard) })
}

/// Waits for the kill. Where the hub was done before its moment came, the kill falls then.
async fn await_kill(line: &Line, hub: &Hub) -> Result<(), Trouble> {
    tokio::select! {
        () = line.killed() => {}
        () = hub.done() => line.kill(),
    }
    line.trouble().map_or(Ok(()), Err)
}
