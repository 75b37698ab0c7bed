//! Crash images: a load is recorded once; then the power goes at any point of the recording, and the real engine opens
//! what is left.
//!
//! Judged at every point: [`Truth::judge`], over all readings and alerts. At every [`FULL_EVERY`]th point besides: every
//! other answer, every change; that the store as a whole stands exactly where it stood after some act (every act is one
//! commit, but for those with several requests at once); and all readings are offered again, as hubs would: known where
//! they are there, stored where they are not, and then all there once, each breach with its alerts.

use super::{
    cast::{Cast, at},
    disk::StoreDisk,
    load::{Act, Script, Shape, script},
    offer::{held, offer_again},
    play::{Refusal, Stage},
    truth::{ActSeen, Held, Truth, Wrong},
    view::View,
};
use crate::trouble::{Doing, Trouble};
use faults::{Operation, Record, Replay, Rng};
use ingest::store::Store;
use std::{
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::runtime::Runtime;

/// Every which point is judged in full.
const FULL_EVERY: usize = 32;

/// After two acts of so many everything the store answers is noted: a cut within the second leaves it as after one of them.
const DIGEST_EVERY: usize = 8;

/// One long life: a store of many pages, in which trees are rebalanced.
const LONG: Shape = Shape { acts: 320, folds_every: 9, reopens_every: 70, is_in_turn: false, is_crowded: true };

/// Short lives, each of another seed: their stores are small, so that many points can be judged.
const SHORT: Shape = Shape { acts: 48, folds_every: 7, reopens_every: 17, is_in_turn: false, is_crowded: true };

/// How many short lives there are.
const SHORT_LIVES: usize = 8;

/// One point in so many is of the long life: it costs ten times the others.
const LONG_EVERY: usize = 40;

/// For so many points of the short lives one is judged on the planted recordings besides.
const PLANTED_EVERY: usize = 20;

/// Most violations kept in words.
const WORDS_MAX: usize = 20;

/// A load, played once with nothing wrong, and all that it did to the disk.
struct Recorded {
    cast: Cast,
    record: Record,
    truth: Truth,
}

/// What came of many points.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Points.
    pub points: usize,
    /// Points judged in full.
    pub full: usize,
    /// Points at which the whole store was compared with what it had answered then.
    pub stood: usize,
    /// Acknowledged readings looked for, over all points.
    pub looked_for: usize,
    /// Readings offered again.
    pub offered_again: usize,
    /// Points at which something was wrong.
    pub wrong_points: usize,
    /// What was wrong.
    pub wrong: Wrong,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.points += other.points;
        self.full += other.full;
        self.stood += other.stood;
        self.looked_for += other.looked_for;
        self.offered_again += other.offered_again;
        self.wrong_points += other.wrong_points;
        let room = WORDS_MAX.saturating_sub(self.wrong.words.len());
        let mut wrong = other.wrong;
        wrong.words.truncate(room);
        self.wrong.add(wrong);
    }

    /// Whether nothing acknowledged was lost, and nothing else was wrong.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.points > 0 && self.wrong_points == 0 && !self.wrong.is_any()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, full, stood, looked_for, offered_again, wrong_points, wrong } = self;
        let Wrong { lost, duplicated, other, alerts, .. } = wrong;
        write!(
            f,
            "crash images {points}, {full} of them judged in full, {stood} as a whole; acknowledged readings looked for {looked_for}, offered again {offered_again}; wrong points {wrong_points}: lost {lost}, duplicated {duplicated}, otherwise wrong {other}, alerts wrong {alerts}"
        )
    }
}

/// What came of all lives, genuine and planted.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// With the store as it is.
    pub genuine: Tally,
    /// With `synchronous=NORMAL` behind its back.
    pub planted: Tally,
    /// What was recorded, in words.
    pub recorded: Vec<String>,
}

impl Report {
    /// Whether the genuine store kept everything and the planted one was caught.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.genuine.holds() && self.planted.wrong.lost > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { genuine, planted, .. } = self;
        write!(
            f,
            "{genuine}; planted synchronous=NORMAL: caught at {} of {} points, {} readings lost",
            planted.wrong_points, planted.points, planted.wrong.lost
        )
    }
}

/// One life to be recorded and cut.
#[derive(Debug, Clone, Copy)]
struct Life {
    seed: u64,
    shape: Shape,
    points: usize,
    is_weak: bool,
}

/// Records lives and cuts the power in them, `threads` side by side.
///
/// # Errors
/// [`Trouble`] of the first life that could not be judged.
pub fn run(points: usize, seed: u64, threads: usize) -> Result<Report, Trouble> {
    let cast = Cast::new(3, 3)?;
    let long = points.div_ceil(LONG_EVERY);
    let short = points.saturating_sub(long);
    let mut lives = vec![Life { seed, shape: LONG, points: long, is_weak: false }];
    for (life, seed) in (0..SHORT_LIVES).zip(seed.wrapping_add(1)..) {
        let points = (short * (life + 1) / SHORT_LIVES) - (short * life / SHORT_LIVES);
        lives.push(Life { seed, shape: SHORT, points, is_weak: false });
    }
    let planted = lives.iter().map(|life| Life { points: life.points.div_ceil(PLANTED_EVERY), is_weak: true, ..*life });
    let lives: Vec<Life> = lives.iter().copied().chain(planted.skip(1)).filter(|life| life.points > 0).collect();
    let (next, report) = (AtomicUsize::new(0), Mutex::new(Ok(Report::default())));
    let work = || {
        while let Some(life) = lives.get(next.fetch_add(1, Ordering::Relaxed)) {
            let cut = record(&cast, life.seed, life.shape, life.is_weak)
                .and_then(|recorded| Ok((recorded.in_words(), recorded.cut(life.points, life.seed, FULL_EVERY)?)));
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            match (cut, report.as_mut()) {
                (Ok((words, tally)), Ok(report)) => {
                    report.recorded.push(format!("seed {}, weak {}: {words}", life.seed, life.is_weak));
                    if life.is_weak { report.planted.add(tally) } else { report.genuine.add(tally) }
                }
                (Err(trouble), Ok(_)) => *report = Err(trouble),
                (_, Err(_)) => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A runtime for one store at a time.
///
/// # Errors
/// [`Trouble`] where it does not start.
pub fn runtime() -> Result<Runtime, Trouble> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().doing("start a runtime")
}

/// Plays a script and records it.
///
/// # Errors
/// [`Trouble`] where something was refused although nothing was wrong.
fn record(cast: &Cast, seed: u64, shape: Shape, is_weak: bool) -> Result<Recorded, Trouble> {
    let script = script(cast, seed, shape)?;
    runtime()?.block_on(play(cast, &script, is_weak))
}

async fn play(cast: &Cast, script: &Script, is_weak: bool) -> Result<Recorded, Trouble> {
    let disk = StoreDisk::default();
    disk.memory.start_recording();
    let mut truth = Truth::whole();
    let mut stage = Stage::open(cast, disk.clone(), is_weak).doing("open a store")?;
    for (act, at) in script {
        let began = disk.memory.recorded();
        if let Act::Requests(requests) = act {
            truth.offer(requests.iter().flat_map(|request| &request.readings), began);
        }
        let told = stage.play(act, *at).await?;
        if let Some(refusal) = told.refused.first() {
            return Err(Trouble::new("record a load", format!("refused without a fault: {refusal:?}")));
        }
        let answered = disk.memory.recorded();
        truth.told(&told, began, answered);
        let Some(store) = &stage.store else { return Err(Trouble::new("record a load", "the store is gone")) };
        truth.see(&held(store).await.doing("look at the store")?.readings);
        let digest = if truth.acts.len() % DIGEST_EVERY < 2 {
            Some(View::of(store, cast, *at).await.doing("look at the store")?.digest()?)
        } else {
            None
        };
        // Taking notifications is a commit of its own, and so is each of the requests that came together.
        let is_many = matches!(act, Act::Notify { .. }) || matches!(act, Act::Requests(requests) if requests.len() > 1);
        truth.acts.push(ActSeen { began, answered, digest, is_many });
    }
    stage.close().await;
    let record = disk.memory.take_record().ok_or_else(|| Trouble::new("record a load", "nothing was recorded"))?;
    Ok(Recorded { cast: cast.clone(), record, truth })
}

impl Recorded {
    /// What was recorded, in words.
    fn in_words(&self) -> String {
        let count = |ending: &'static str, is_one: fn(&Operation) -> bool| {
            self.record.count(move |name, operation| name.ends_with(ending) && is_one(operation))
        };
        let is_sync = |operation: &Operation| matches!(operation, Operation::Sync);
        format!(
            "{} operations: {} syncs of the log, {} of the database; {} acts, {} readings, {} alerts",
            self.record.len(),
            count("-wal", is_sync),
            count("sqlite3", is_sync),
            self.truth.acts.len(),
            self.truth.readings.len(),
            self.truth.alerts.len(),
        )
    }

    /// Cuts the power at so many points drawn from a seed, and judges each.
    ///
    /// # Errors
    /// [`Trouble`] of the harness itself.
    fn cut(&self, points: usize, seed: u64, full_every: usize) -> Result<Tally, Trouble> {
        let runtime = runtime()?;
        let mut draw = Rng::of(seed, 0xc7a5);
        let mut moments: Vec<(usize, usize)> =
            (0..points).map(|point| (draw.below(self.record.len() + 1), point)).collect();
        moments.sort_unstable();
        let mut replay = Replay::of(&self.record);
        let mut tally = Tally::default();
        for (moment, point) in moments {
            replay.advance(moment);
            let image = replay.image(&mut Rng::of(seed, u64::try_from(point).unwrap_or(0)));
            let is_full = point % full_every == 0;
            let left: Vec<String> = image.files().map(|(name, length)| format!("{name} {length}")).collect();
            let disk = StoreDisk::holding(image);
            let wrong = runtime.block_on(self.look(disk, moment, is_full, &mut tally))?;
            tally.points += 1;
            tally.full += usize::from(is_full);
            if wrong.is_any() {
                tally.wrong_points += 1;
                let mut wrong = wrong;
                if tally.wrong.words.len() < WORDS_MAX {
                    let unsafe_here = replay.unsafe_here();
                    let said = format!(
                        "seed {seed}, point {point}, cut after {moment} operations, not safe then {unsafe_here:?}, left {left:?}: {wrong:?}"
                    );
                    wrong.words = vec![said];
                } else {
                    wrong.words.clear();
                }
                tally.wrong.add(wrong);
            }
        }
        Ok(tally)
    }

    /// Opens what a cut left, and judges it.
    async fn look(&self, disk: StoreDisk, moment: usize, is_full: bool, tally: &mut Tally) -> Result<Wrong, Trouble> {
        let store = match disk.try_open_store() {
            Ok(store) => store,
            Err(error) => {
                let why = std::error::Error::source(&error).map(|cause| format!(" ({cause:?})")).unwrap_or_default();
                return Ok(said(format!("did not open: {error}{why}")));
            }
        };
        let wrong = match held(&store).await {
            Ok(held) => {
                tally.looked_for += self
                    .truth
                    .readings
                    .iter()
                    .filter(|known| known.acknowledged.is_some_and(|acknowledged| acknowledged <= moment))
                    .count();
                let mut wrong = self.truth.judge(&held, moment);
                if is_full && !wrong.is_any() {
                    wrong.add(self.look_closely(&store, &held, moment, tally).await?);
                }
                wrong
            }
            Err(error) => said(format!("could not be read: {error}")),
        };
        store.close().await;
        Ok(wrong)
    }

    async fn look_closely(
        &self,
        store: &dyn Store,
        held: &Held,
        moment: usize,
        tally: &mut Tally,
    ) -> Result<Wrong, Trouble> {
        let acts = &self.truth.acts;
        let done = acts.iter().take_while(|act| act.answered <= moment).count();
        let begun = acts.iter().take_while(|act| act.began <= moment).count();
        let now = acts.get(done.saturating_sub(1)).map_or(0, |_| i64::try_from(done).unwrap_or(0));
        let mut wrong = Wrong::default();
        let later = at(now * 40 + 3600);
        match View::of(store, &self.cast, later).await {
            Ok(view) => {
                let under_way = acts.get(done..begun).unwrap_or_default();
                let may_be_between = under_way.iter().any(|act| act.is_many) || done == 0;
                let stood = acts.get(done.saturating_sub(1)..begun).unwrap_or_default();
                // Where one of the places it may stand at was not noted, nothing follows from the others.
                if let Some(stood) = stood.iter().map(|act| act.digest).collect::<Option<Vec<_>>>()
                    && !may_be_between
                {
                    tally.stood += 1;
                    let digest = view.digest()?;
                    let differs: Vec<_> = stood.iter().map(|stood| stood.differs_in(&digest)).collect();
                    if differs.iter().all(|parts| !parts.is_empty()) {
                        wrong
                            .words
                            .push(format!("stands nowhere between acts {done} and {begun}: differs in {differs:?}"));
                    }
                }
            }
            Err(error) => wrong.words.push(format!("could not be read as a whole: {error}")),
        }
        let later = at(40 * i64::try_from(acts.len()).unwrap_or(0) + 7200);
        tally.offered_again += self.truth.readings.len();
        wrong.add(offer_again(store, &self.cast, &self.truth, held, later).await?);
        Ok(wrong)
    }
}

pub(super) fn said(words: String) -> Wrong {
    Wrong { words: vec![words], ..Wrong::default() }
}

/// A refusal in words.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(why) | Self::NotOpened(why) | Self::Other(why) => f.write_str(why),
            Self::Replayed => f.write_str("the number was known"),
        }
    }
}
