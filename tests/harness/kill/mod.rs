//! The kill loop: the service's process is killed with SIGKILL while a hub sends, started again, and judged.
//!
//! The kill falls at something that happens on the line between hub and service, drawn from a seed; or the process kills
//! itself at a step of `apply`, at each in turn ([`points`]).
//!
//! Each run is judged twice by the history checker: right after the kill, before the hub could send anything again, and
//! once everything is sent and the service has stopped in order. It is also set beside a run of the same story that
//! nobody killed: the same verdicts, alerts and notification jobs must have come of it.

pub mod early_store;
pub mod hub;
pub mod line;
pub mod points;
mod run;
mod tally;

pub use tally::Tally;

use crate::{
    footprint::{AMBER, NORMAL, Pressure, RED},
    trouble::{Doing, Trouble},
    under_test::PLANT,
};
use demo::seed::Seeded;
use line::Moment;
use points::{KillAt, POINTS, Point, counted, counting_into};
use run::{Run, run};
use std::{
    ops::Range,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Runtime;

/// How many frames each run hears.
pub const FRAMES: usize = 40;

/// What stands out among them: place, systolic and diastolic. Even places are one person's, odd ones another's. Two reds
/// in a row; an amber that its repeat settles; a red that clears and comes back.
const STANDS_OUT: [(usize, (u16, u16)); 5] = [(4, RED), (6, RED), (11, RED), (24, AMBER), (31, RED)];

/// How many frames the beginning of the story has.
const FRAMES_OF_BEGINNING: usize = 8;

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

/// The beginning of the story, with both reds in a row: for where it is told hundreds of times.
fn beginning() -> Vec<Pressure> {
    story().into_iter().take(FRAMES_OF_BEGINNING).collect()
}

/// When the process is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    /// Never.
    Never,
    /// At a moment on the line.
    OnTheLine(Draw),
    /// By itself, at the step of `apply` that its environment names.
    AtPoint,
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
        let random = Seeded::new(seed, "where the kill falls");
        let below = |limit| usize::try_from(below(&random, limit)).unwrap_or(0);
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

/// A random number below a limit.
fn below(random: &Seeded, limit: u64) -> u64 {
    let mut number = [0; 8];
    random.next(&mut number);
    u64::from_le_bytes(number) % limit.max(1)
}

/// Kills the service once for each seed, at a moment on the line. `plant` is what is planted in it.
///
/// # Errors
/// [`Trouble`] of the first run that could not be judged.
pub fn on_the_line(program: &Path, plant: Option<&str>, seeds: Range<u64>) -> Result<Tally, Trouble> {
    let runtime = runtime()?;
    let (story, environment) = (story(), plant.map(|plant| (PLANT, plant)));
    let tell = |seed, kill| runtime.block_on(run(program, environment.as_slice(), &story, seed, kill));
    let expected = tell(0, Kill::Never)?.decided;
    side_by_side(&seeds.collect::<Vec<_>>(), |seed, tally| {
        let run = tell(*seed, Kill::OnTheLine(Draw::from(*seed)))?;
        tally.add(&format!("seed {seed}"), &run, &expected);
        Ok(())
    })
}

/// Has the service kill itself at every point, so many times each: the first time that it comes there, and at times drawn
/// below how often it comes there in a run without a kill.
///
/// # Errors
/// [`Trouble`] of the first run that could not be judged.
pub fn at_points(program: &Path, times_each: usize, seed: u64) -> Result<Tally, Trouble> {
    let runtime = runtime()?;
    let (story, folder) = (story(), tempfile::tempdir().doing("make a folder")?);
    let file = folder.path().join("points");
    let counting = counting_into(&file);
    let expected = runtime.block_on(run(program, &[(PLANT, counting.as_str())], &story, seed, Kill::Never))?.decided;
    let counted = counted(&file)?;
    let random = Seeded::new(seed, "when the service kills itself");
    let mut kills = Vec::new();
    for point in POINTS {
        let times = counted.get(&point).copied().unwrap_or(0);
        let drawn = (1..times_each).map(|_| 1 + below(&random, times));
        kills.extend(std::iter::once(1).chain(drawn).map(|time| KillAt { point, time }));
    }
    side_by_side(&kills, |kill_at, tally| {
        let run = kill_itself(&runtime, program, &story, *kill_at, seed)?;
        tally.add(&kill_at.to_string(), &run, &expected);
        tally.count(kill_at.point, &run);
        Ok(())
    })
}

/// Has the service kill itself at every point, each time that it comes there, until it has told the beginning of the story
/// without coming there again.
///
/// # Errors
/// [`Trouble`] of the first run that could not be judged.
pub fn at_every_point(program: &Path, seed: u64) -> Result<Tally, Trouble> {
    let runtime = runtime()?;
    let story = beginning();
    let expected = runtime.block_on(run(program, &[], &story, seed, Kill::Never))?.decided;
    side_by_side::<Point>(&POINTS, |point, tally| {
        for time in 1.. {
            let kill_at = KillAt { point: *point, time };
            let run = kill_itself(&runtime, program, &story, kill_at, seed)?;
            tally.add(&kill_at.to_string(), &run, &expected);
            tally.count(*point, &run);
            if !run.was_killed {
                break;
            }
        }
        Ok(())
    })
}

fn kill_itself(
    runtime: &Runtime,
    program: &Path,
    story: &[Pressure],
    kill_at: KillAt,
    seed: u64,
) -> Result<Run, Trouble> {
    let plant = kill_at.to_string();
    let environment = [(PLANT, plant.as_str())];
    let telling = run(program, &environment, story, seed, Kill::AtPoint);
    runtime.block_on(telling).map_err(|trouble| Trouble::new(&plant, trouble))
}

fn runtime() -> Result<Runtime, Trouble> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(SIDE_BY_SIDE).enable_all().build().doing("start a runtime")
}

/// Does a piece of work for each of these, and adds up what came of it.
fn side_by_side<T: Sync>(
    these: &[T],
    work: impl Fn(&T, &mut Tally) -> Result<(), Trouble> + Sync,
) -> Result<Tally, Trouble> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Ok(Tally::default())));
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    let share = || {
        while let Some(this) = these.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut tally = Tally::default();
            let worked = work(this, &mut tally);
            let mut all = lock();
            match (all.as_mut(), worked) {
                (Ok(all), Ok(())) => all.join(tally),
                (Ok(_), Err(trouble)) => *all = Err(trouble),
                (Err(_), _) => return,
            }
        }
    };
    std::thread::scope(|scope| (0..SIDE_BY_SIDE).for_each(|_| drop(scope.spawn(share))));
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}
