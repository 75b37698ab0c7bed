//! Every storage call failed, one at a time.
//!
//! A script is cut into parts; each part starts from the disk as it was after the parts before, so that failing a late call
//! costs no more than an early one. In each part every call is failed, in every way it can fail: opening, acts, closing. A
//! store that ends is opened again, as its service would be. At the end: nothing acknowledged is lost, nothing is twice,
//! and hubs can offer everything again. A failed sync ends the store; a full disk does not, and once there is room it
//! stores again. No thread panics.

use super::{
    cast::{Cast, at},
    crash::{runtime, said},
    disk::StoreDisk,
    load::{Act, Script, Shape, script},
    offer::{held, offer_again},
    play::{Refusal, Stage},
    truth::{Truth, Wrong},
};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, Utc};
use faults::{CallKind, Failure, Image};
use ingest::{
    access::{Access, Purpose},
    store::Store,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

/// What is played: no folding by others, so that every call is the store's own.
pub const SHAPE: Shape = Shape { acts: 500, folds_every: 0, reopens_every: 0, is_in_turn: false, is_crowded: false };

/// The same for the gate.
pub const SHORT: Shape = Shape { acts: 42, ..SHAPE };

/// Acts in one part.
const ACTS_IN_PART: usize = 6;

/// Acts that are played on a full disk before there is room again.
const ACTS_WITHOUT_ROOM: usize = 2;

/// A halted store says so at once; this is for a machine that is busy with something else.
const HALTS_WITHIN: Duration = Duration::from_secs(20);

/// Most violations kept in words.
const WORDS_MAX: usize = 20;

/// Which failures are tried at each call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ways {
    /// All it can have.
    All,
    /// One, in turn; a sync has all.
    InTurn,
    /// Only syncs, dropped in silence: planted.
    Planted,
}

/// What came of all of them.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Acts of the script.
    pub acts: usize,
    /// Calls there were.
    pub calls: usize,
    /// Runs with a failure that was met.
    pub failed: BTreeMap<(CallKind, Failure), usize>,
    /// Runs whose failure was not met.
    pub not_met: usize,
    /// Runs in which the store ended.
    pub halted: usize,
    /// Runs in which it refused to open.
    pub not_opened: usize,
    /// Runs with a full disk, after which it stored again.
    pub stored_again: usize,
    /// Failed syncs in the midst of the acts, and how many of them ended the store.
    pub syncs_in_acts: (usize, usize),
    /// Runs in which something was wrong.
    pub wrong_runs: usize,
    /// What was wrong.
    pub wrong: Wrong,
}

impl Tally {
    /// How many failures were met.
    #[must_use]
    pub fn met(&self) -> usize {
        self.failed.values().sum()
    }

    /// Whether nothing was wrong, and all of it was tried.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.wrong_runs == 0 && self.met() > 0 && self.not_met == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acts, calls, not_met, halted, not_opened, stored_again, wrong_runs, .. } = self;
        let (syncs, ended) = self.syncs_in_acts;
        let Wrong { lost, duplicated, other, alerts, .. } = &self.wrong;
        write!(
            f,
            "storage calls {calls} in {acts} acts, failures {}, not met {not_met}; the store ended in {halted}, did not open in {not_opened}, stored again after a full disk in {stored_again}; syncs failed amid acts {syncs}, ended the store {ended}; wrong runs {wrong_runs}: lost {lost}, duplicated {duplicated}, otherwise wrong {other}, alerts wrong {alerts}",
            self.met(),
        )?;
        let by_kind = self.failed.iter().map(|((kind, failure), runs)| format!("{kind:?}/{failure:?} {runs}"));
        write!(f, " ({})", by_kind.collect::<Vec<_>>().join(", "))
    }
}

/// One part of a script, and the disk it starts on.
struct Part<'a> {
    acts: &'a [(Act, DateTime<Utc>)],
    start: Image,
    truth: Truth,
}

/// Where in a part a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Opening,
    Acts,
    Closing,
}

/// One run of a part with a failure.
struct Run<'a> {
    part: &'a Part<'a>,
    stage: Stage<'a>,
    truth: Truth,
    failure: Failure,
    met_in: Option<Phase>,
    halted: bool,
    not_opened: bool,
    refused: Vec<Refusal>,
    wrong: Wrong,
}

/// Fails every call of a script of this shape.
///
/// # Errors
/// [`Trouble`] where the script is refused although nothing is wrong.
pub fn fail_each(cast: &Cast, seed: u64, shape: Shape, ways: Ways) -> Result<Tally, Trouble> {
    let script = script(cast, seed, shape)?;
    let runtime = runtime()?;
    let mut tally = Tally { acts: script.len(), ..Tally::default() };
    for part in runtime.block_on(parts(cast, &script))? {
        let calls = runtime.block_on(calls(cast, &part))?;
        tally.calls += calls.len();
        for (number, kind) in (0_u64..).zip(&calls) {
            for failure in ways.of(*kind, number) {
                let run = runtime.block_on(run(cast, &part, number, failure))?;
                tally.take(number, *kind, failure, run);
            }
        }
    }
    Ok(tally)
}

impl Ways {
    fn of(self, kind: CallKind, number: u64) -> Vec<Failure> {
        let all = Failure::of(kind);
        match self {
            Self::Planted if kind == CallKind::Sync => vec![Failure::SyncDropsInSilence],
            Self::Planted => Vec::new(),
            Self::InTurn if kind != CallKind::Sync => {
                let turn = usize::try_from(number).unwrap_or(0) % all.len().max(1);
                all.get(turn).copied().into_iter().collect()
            }
            Self::All | Self::InTurn => all.to_vec(),
        }
    }
}

/// Plays the script with nothing wrong, and notes the disk before each part.
async fn parts<'a>(cast: &'a Cast, script: &'a Script) -> Result<Vec<Part<'a>>, Trouble> {
    let disk = StoreDisk::default();
    let mut truth = Truth::default();
    let mut parts = Vec::new();
    for acts in script.chunks(ACTS_IN_PART) {
        parts.push(Part { acts, start: disk.memory.image(), truth: truth.clone() });
        let mut stage = Stage::open(cast, disk.clone(), false).doing("open a store")?;
        for (act, at) in acts {
            offer(&mut truth, act);
            let told = stage.play(act, *at).await?;
            if let Some(refusal) = told.refused.first() {
                return Err(Trouble::new("play a script", format!("refused without a fault: {refusal}")));
            }
            truth.told(&told, 0, 0);
            if let Some(store) = &stage.store {
                truth.see(&held(store).await.doing("look at the store")?.readings);
            }
        }
        stage.close().await;
    }
    Ok(parts)
}

fn offer(truth: &mut Truth, act: &Act) {
    if let Act::Requests(requests) = act {
        truth.offer(requests.iter().flat_map(|request| &request.readings), 0);
    }
}

/// The kinds of the calls of a part, in order, with nothing wrong.
async fn calls(cast: &Cast, part: &Part<'_>) -> Result<Vec<CallKind>, Trouble> {
    let disk = StoreDisk::holding(part.start.clone());
    disk.memory.watch_calls();
    let mut stage = Stage::open(cast, disk.clone(), false).doing("open a store")?;
    for (act, at) in part.acts {
        stage.play(act, *at).await?;
    }
    stage.close().await;
    Ok(disk.memory.calls())
}

async fn run<'a>(cast: &'a Cast, part: &'a Part<'a>, number: u64, failure: Failure) -> Result<Run<'a>, Trouble> {
    let disk = StoreDisk::holding(part.start.clone());
    disk.memory.fail(number, failure);
    let stage = Stage { cast, disk, store: None, is_weak: false };
    let mut run = Run {
        part,
        stage,
        truth: part.truth.clone(),
        failure,
        met_in: None,
        halted: false,
        not_opened: false,
        refused: Vec::new(),
        wrong: Wrong::default(),
    };
    run.open();
    run.play().await?;
    run.end().await?;
    Ok(run)
}

impl Run<'_> {
    fn note(&mut self, phase: Phase) {
        if self.met_in.is_none() && self.stage.disk.memory.failed().is_some() {
            self.met_in = Some(phase);
        }
    }

    /// Opens the store, again where the failure was in the way.
    fn open(&mut self) {
        for attempt in 0..2 {
            match self.stage.disk.try_open_store() {
                Ok(store) => {
                    self.stage.store = Some(store);
                    break;
                }
                Err(error) if attempt == 0 => {
                    self.not_opened = true;
                    self.refused.push(Refusal::NotOpened(error.to_string()));
                    self.stage.disk.memory.make_room();
                }
                Err(error) => self.wrong.add(said(format!("does not open once nothing fails: {error}"))),
            }
        }
        self.note(Phase::Opening);
    }

    async fn play(&mut self) -> Result<(), Trouble> {
        let mut since_met = 0;
        for (act, at) in self.part.acts {
            if self.stage.store.is_none() {
                return Ok(());
            }
            offer(&mut self.truth, act);
            let told = self.stage.play(act, *at).await?;
            self.note(Phase::Acts);
            let is_healed = self.met_in.is_some() && since_met > ACTS_WITHOUT_ROOM;
            if is_healed && !told.is_done() {
                self.wrong.add(said(format!("refused although nothing fails any more: {:?}", told.refused)));
            }
            self.truth.told(&told, 0, 0);
            let odd = told.refused.iter().find(|refusal| matches!(refusal, Refusal::Other(_)));
            if let Some(odd) = odd.filter(|_| self.met_in != Some(Phase::Acts)) {
                self.wrong.add(said(format!("refused without a fault: {odd}")));
            }
            if !told.is_done() {
                self.refused.extend(told.refused);
                if self.has_halted().await? {
                    self.halted = true;
                    // As the process ends: nothing is closed in order.
                    self.stage.store = None;
                    self.stage.disk.memory.make_room();
                    self.open();
                }
            }
            if self.met_in.is_some() {
                since_met += 1;
            }
            if since_met > ACTS_WITHOUT_ROOM {
                self.stage.disk.memory.make_room();
            }
        }
        Ok(())
    }

    /// Whether the store writes no more. Asked by a write that changes nothing, so that no time has to pass.
    async fn has_halted(&self) -> Result<bool, Trouble> {
        let Some(store) = &self.stage.store else { return Ok(false) };
        let (who, long_ago) = (Access::system(Purpose::Notify), DateTime::UNIX_EPOCH);
        if store.lease_jobs(&who, long_ago, 1, long_ago).await.is_ok() {
            return Ok(false);
        }
        match tokio::time::timeout(HALTS_WITHIN, store.halted()).await {
            Ok(()) => Ok(true),
            // A full disk refuses this write as well, and the store goes on.
            Err(_late) if self.failure.is_full() => Ok(false),
            Err(late) => Err(late).doing("wait for the store to say that it has halted"),
        }
    }

    /// Closes, opens again with nothing wrong, and judges.
    async fn end(&mut self) -> Result<(), Trouble> {
        self.stage.close().await;
        self.note(Phase::Closing);
        self.stage.disk.memory.make_room();
        let panics = self.stage.disk.memory.closed_by_panic();
        if panics > 0 {
            self.wrong.add(said(format!("{panics} files were closed by a thread that panicked")));
        }
        let store = match self.stage.disk.try_open_store() {
            Ok(store) => store,
            Err(error) => {
                self.wrong.add(said(format!("does not open again: {error}")));
                return Ok(());
            }
        };
        match held(&store).await {
            Ok(there) => {
                self.wrong.add(self.truth.judge(&there, usize::MAX));
                let later = at(1_000_000);
                self.wrong.add(offer_again(&store, self.stage.cast, &self.truth, &there, later).await?);
            }
            Err(error) => self.wrong.add(said(format!("could not be read: {error}"))),
        }
        store.close().await;
        let is_sync = self.stage.disk.memory.failed() == Some(CallKind::Sync);
        if is_sync && self.met_in == Some(Phase::Acts) && !self.halted && self.failure != Failure::SyncDropsInSilence {
            self.wrong.add(said("a sync failed and the store did not end".to_owned()));
        }
        if self.failure.is_full() && self.halted {
            self.wrong.add(said(format!("a full disk ended the store: {:?}", self.refused)));
        }
        Ok(())
    }
}

impl Tally {
    fn take(&mut self, number: u64, kind: CallKind, failure: Failure, run: Run<'_>) {
        let Some(met_in) = run.met_in else {
            self.not_met += 1;
            return;
        };
        *self.failed.entry((kind, failure)).or_default() += 1;
        self.halted += usize::from(run.halted);
        self.not_opened += usize::from(run.not_opened);
        if kind == CallKind::Sync && met_in == Phase::Acts {
            self.syncs_in_acts.0 += 1;
            self.syncs_in_acts.1 += usize::from(run.halted);
        }
        let mut wrong = run.wrong;
        if wrong.is_any() {
            self.wrong_runs += 1;
            let said =
                format!("call {number} ({kind:?}, {failure:?}, {met_in:?}): {wrong:?}, refused {:?}", run.refused);
            wrong.words = if self.wrong.words.len() < WORDS_MAX { vec![said] } else { Vec::new() };
            self.wrong.add(wrong);
        } else if failure.is_full() {
            self.stored_again += 1;
        }
    }
}

/// The sentences with which stores refused, each once: to be read by people.
#[must_use]
pub fn sentences(refused: &[Refusal]) -> BTreeSet<String> {
    refused.iter().map(ToString::to_string).collect()
}
