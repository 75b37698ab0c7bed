//! Single-bit flips: a store, closed in order, has one bit of its file flipped, and is asked everything.
//!
//! An answer must be the true one, or an error that says so; opening may refuse. Anything else is a silent wrong read. Two
//! cases are counted apart, because nobody is shown anything wrong: a list of the service's own work (notifications,
//! timers, readings to be judged again) that is the true one with rows left out, so that a damaged row does not hold back
//! the others; and a reading that a hub offers again and that is not recognised, because what says that it is known is
//! damaged: it is stored again, or kept as a conflict.
//!
//! What can a flip change? A question's way through the store depends on nothing but the pages it reads; so for each
//! question the pages it reads of the sound file are noted first, and a flip is put only to the questions that come by
//! its page. Pages that are read while the store is opened, or kept in mind from then on, are put to a store that is
//! opened anew, and to all questions. Everything else is put to a store that stays open, whose connections are made to
//! read the disk again. Now and then the open store is asked about the sound file, to see that nothing was kept from a
//! flip; and some flips are put to both, which must find the same.
//!
//! Lists of everything, and questions that write, are asked at every [`Plan::broad_every`]th flip only: they read what the
//! narrow ones read (lists by person, pages of changes, single alerts), by other ways. Where no narrow question comes by,
//! writes are asked at every flip: hubs offer everything again, and notifications are taken. Of questions that differ in
//! nothing but whom or which row they ask for, [`Plan::alike_max`] are asked at each flip, in turn; of hubs that offer again, one;
//! and a store opened anew is asked one in [`ANEW_EVERY`] of all questions, in turn.

use super::{
    ask::{Answer, Asking, Question},
    cast::{Cast, at},
    crash::{self, runtime},
    disk::StoreDisk,
    load::{Act, Shape, script},
    play::Stage,
    truth::Truth,
};
use crate::trouble::{Doing, Trouble};
use faults::{Image, Rng};
use ingest::{
    disk::DATABASE_FILE,
    store::{Store, Witness, embedded::EmbeddedStore},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use vitals::PatientId;

/// The page size of the store's database.
const PAGE_BYTES: usize = 4096;

/// The store whose bits are flipped: at least a thousand readings, every kind of row.
pub const LONG: Shape = Shape { acts: 520, folds_every: 0, reopens_every: 0, is_in_turn: true, is_crowded: false };

/// A smaller one, with every kind of row too.
pub const SHORT: Shape = Shape { acts: 120, ..LONG };

/// Acts for each hub; each has one person.
const ACTS_OF_A_HUB: usize = 26;

/// Of all questions one in so many is put to a store opened anew, in turn.
const ANEW_EVERY: usize = 16;

/// A worker takes so many flips, then the next worker.
const IN_A_ROW: usize = 64;

/// After so many flips the open store is asked about the sound file.
const SOUND_EVERY: usize = 4096;

/// Most wrong answers kept in words, for each place.
const WORDS_MAX: usize = 6;

/// Which bits, and how much is asked.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The store.
    pub shape: Shape,
    /// So many, drawn from a seed; none for every one.
    pub flips: Option<usize>,
    /// Every which flip is put to broad questions and writes too.
    pub broad_every: usize,
    /// Every which flip is put to both an open store and one opened anew.
    pub both_every: usize,
    /// Every which flip is read by plain SQL too: planted.
    pub planted_every: usize,
    /// Most questions at one flip that differ in nothing but whom or which row they ask for. A page of entries or alerts is
    /// come by of two or three people's; only pages with a small row for everybody are come by of all.
    pub alike_max: usize,
    /// How many threads flip, each with a store of its own.
    pub threads: usize,
    /// Which part of the bits.
    pub part: Part,
}

/// One of so many parts of the bits, each spread over the whole file: all of them are too many for one sitting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which, counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Whether a flip is one worker's of this part.
    fn has(self, flip: usize, worker: usize, workers: usize) -> bool {
        let row = flip / IN_A_ROW;
        row % self.of + 1 == self.number && row / self.of % workers == worker
    }
}

/// What flips in one place came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Flips.
    pub flips: usize,
    /// All answers were the true ones.
    pub harmless: usize,
    /// Of these, flips that no question comes by.
    pub unread: usize,
    /// Some answer was an error, all others were true.
    pub noticed: usize,
    /// The store did not open.
    pub not_opened: usize,
    /// A list of the service's own work had rows left out, all others were true.
    pub left_out: usize,
    /// A reading that is there was stored again when it was offered again, or kept as a conflict; all else was true.
    pub not_recognised: usize,
    /// Some answer was neither true nor an error.
    pub silent: usize,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.flips += other.flips;
        self.harmless += other.harmless;
        self.unread += other.unread;
        self.noticed += other.noticed;
        self.not_opened += other.not_opened;
        self.left_out += other.left_out;
        self.not_recognised += other.not_recognised;
        self.silent += other.silent;
    }
}

/// What came of all flips.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Readings in the store.
    pub readings: usize,
    /// Bytes of the file.
    pub bytes: usize,
    /// What the file was: parts that are of one store say the same.
    pub file: String,
    /// Questions there are.
    pub questions: usize,
    /// Questions asked.
    pub asked: usize,
    /// By table or index, and kind of page.
    pub places: BTreeMap<String, Seen>,
    /// Wrong answers in words, some for each place.
    pub words: Vec<String>,
    said: BTreeMap<String, usize>,
    /// Flips put to an open store and to one opened anew, and how many of them were judged otherwise.
    pub both: (usize, usize),
    /// Flips read by plain SQL, and how many were read wrong in silence.
    pub planted: (usize, usize),
}

impl Tally {
    /// Everywhere together.
    #[must_use]
    pub fn all(&self) -> Seen {
        let mut all = Seen::default();
        self.places.values().for_each(|seen| all.add(*seen));
        all
    }

    fn add(&mut self, other: Self) {
        self.asked += other.asked;
        for (place, seen) in other.places {
            self.places.entry(place).or_default().add(seen);
        }
        self.words.extend(other.words);
        self.both = (self.both.0 + other.both.0, self.both.1 + other.both.1);
        self.planted = (self.planted.0 + other.planted.0, self.planted.1 + other.planted.1);
    }

    /// Whether nothing was read wrong in silence, and the planted reader was caught.
    #[must_use]
    pub fn holds(&self) -> bool {
        let all = self.all();
        all.flips > 0 && all.silent == 0 && self.both.1 == 0 && self.planted.1 > 0
    }

    /// The table of where.
    #[must_use]
    pub fn table(&self) -> String {
        let mut lines = vec![format!(
            "{:<34} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
            "page of", "flips", "harmless", "unread", "noticed", "no open", "left out", "not known", "SILENT"
        )];
        for (place, seen) in &self.places {
            let Seen { flips, harmless, unread, noticed, not_opened, left_out, not_recognised, silent } = seen;
            lines.push(format!(
                "{place:<34} {flips:>9} {harmless:>9} {unread:>9} {noticed:>9} {not_opened:>9} {left_out:>9} {not_recognised:>9} {silent:>7}"
            ));
        }
        lines.join("\n")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { flips, harmless, unread, noticed, not_opened, left_out, not_recognised, silent } = self.all();
        let Self { readings, bytes, file, questions, asked, both, planted, .. } = self;
        write!(
            f,
            "bit flips {flips} in a store of {readings} readings and {bytes} bytes ({file}), {asked} of {questions} questions asked again: harmless {harmless} (read by no question {unread}), noticed {noticed}, not opened {not_opened}, work lists with rows left out {left_out}, readings not recognised when offered again {not_recognised}, silent wrong reads {silent}; judged otherwise by a store opened anew {} of {}; planted plain SQL: read wrong in silence {} of {}",
            both.1, both.0, planted.1, planted.0
        )
    }
}

/// A store to be damaged, and all there is to know of it.
struct Subject<'a> {
    asking: Asking<'a>,
    sound: Image,
    questions: Vec<(Question, Answer)>,
    /// For each page, the questions that come by it.
    come_by: BTreeMap<u64, Vec<usize>>,
    /// Pages read while opening, or the first time only.
    at_opening: BTreeSet<u64>,
    /// What each page is of.
    pages: BTreeMap<u64, String>,
}

/// What is asked at one flip.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// Which flip it is.
    number: usize,
    /// Whether everything is asked.
    is_broad: bool,
    /// Whether it is of a page that is read at opening.
    is_anew: bool,
    /// Most questions alike.
    alike_max: usize,
}

/// Which page a bit is in, counted from 0.
fn page_of(bit: usize) -> u64 {
    u64::try_from(bit / 8 / PAGE_BYTES).unwrap_or(0)
}

/// What one flip came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Harmless,
    Noticed,
    NotOpened,
    LeftOut,
    NotRecognised,
    Silent,
}

/// Flips bits of a store made from a seed.
///
/// # Errors
/// [`Trouble`] where the sound store does not answer, or an open one keeps damage in mind that is gone.
pub fn flip(seed: u64, plan: Plan) -> Result<Tally, Trouble> {
    let cast = Cast::new(plan.shape.acts / ACTS_OF_A_HUB, 1)?;
    let runtime = runtime()?;
    let (sound, truth, heads) = runtime.block_on(make(&cast, seed, plan.shape))?;
    let asking = Asking::new(&cast, &truth, at(40 * i64::try_from(plan.shape.acts).unwrap_or(0) + 3600));
    let subject = &runtime.block_on(Subject::learn(asking, sound, &heads))?;
    let workers = plan.threads.max(1);
    let all = std::thread::scope(|scope| {
        let work = |worker| move || crash::runtime()?.block_on(subject.flip_some(seed, plan, worker));
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(work(worker))).collect();
        running.into_iter().map(|worker| worker.join().unwrap_or_else(|_panic| Err(broke_down()))).collect::<Vec<_>>()
    });
    let mut tally = Tally {
        readings: subject.asking.truth.readings.len(),
        bytes: subject.sound.file(DATABASE_FILE).map_or(0, <[u8]>::len),
        file: subject.sound.file(DATABASE_FILE).map(blake3::hash).map_or_else(String::new, short),
        questions: subject.questions.len(),
        ..Tally::default()
    };
    for part in all {
        tally.add(part?);
    }
    Ok(tally)
}

/// The first eight digits of a digest.
fn short(digest: blake3::Hash) -> String {
    digest.to_hex().chars().take(8).collect()
}

fn broke_down() -> Trouble {
    Trouble::new("flip bits", "a thread of the harness panicked")
}

/// A store, closed in order: its file, what was offered, and the last head of everybody's chain.
async fn make(cast: &Cast, seed: u64, shape: Shape) -> Result<(Image, Truth, Vec<(PatientId, Witness)>), Trouble> {
    let disk = StoreDisk::default();
    let mut truth = Truth::default();
    let mut heads = BTreeMap::new();
    let mut stage = Stage::open(cast, disk.clone(), false).doing("open a store")?;
    for (act, at) in script(cast, seed, shape)? {
        if let Act::Requests(requests) = &act {
            truth.offer(requests.iter().flat_map(|request| &request.readings), 0);
        }
        let told = stage.play(&act, at).await?;
        if let Some(refusal) = told.refused.first() {
            return Err(Trouble::new("make a store", format!("refused without a fault: {refusal}")));
        }
        heads.extend(told.heads);
    }
    stage.close().await;
    Ok((disk.memory.image(), truth, heads.into_iter().collect()))
}

impl<'a> Subject<'a> {
    /// Asks a sound store everything, and notes which pages each answer comes from.
    async fn learn(asking: Asking<'a>, sound: Image, heads: &[(PatientId, Witness)]) -> Result<Self, Trouble> {
        let page_bytes = u64::try_from(PAGE_BYTES).unwrap_or(1);
        let disk = StoreDisk::holding(sound.clone());
        disk.memory.watch_pages(page_bytes);
        let store = disk.open_store()?;
        let mut at_opening = disk.memory.pages_read();
        let (mut questions, mut come_by) = (Vec::new(), BTreeMap::<u64, Vec<usize>>::new());
        let all = asking.questions(&store, heads).await?;
        for question in all {
            let place = questions.len();
            let (answer, pages) = if question.is_write() {
                // What a write changes must not be there for the next question.
                let disk = StoreDisk::holding(sound.clone());
                let store = disk.open_store()?;
                disk.memory.watch_pages(page_bytes);
                let answer = asking.ask(&store, &question).await.doing("write to a sound store")?;
                let pages = disk.memory.pages_read();
                store.close().await;
                (answer, pages)
            } else {
                disk.forget_pages()?;
                drop(disk.memory.pages_read());
                let first = asking.ask(&store, &question).await.doing("ask a sound store")?;
                let first_time = disk.memory.pages_read();
                disk.forget_pages()?;
                let again = asking.ask(&store, &question).await.doing("ask a sound store")?;
                if again != first {
                    return Err(Trouble::new("ask a sound store", format!("two answers to {question:?}")));
                }
                let pages = disk.memory.pages_read();
                at_opening.extend(first_time.difference(&pages));
                (again, pages)
            };
            for page in pages {
                come_by.entry(page).or_default().push(place);
            }
            questions.push((question, answer));
        }
        store.close().await;
        Ok(Self { asking, pages: pages(&sound)?, sound, questions, come_by, at_opening })
    }

    /// Flips this worker's part of the bits.
    async fn flip_some(&self, seed: u64, plan: Plan, worker: usize) -> Result<Tally, Trouble> {
        let bytes = self.sound.file(DATABASE_FILE).map_or(0, <[u8]>::len);
        let alike_max = plan.alike_max;
        let (mut tally, mut done) = (Tally::default(), 0);
        let plain = plainly(&StoreDisk::holding(self.sound.clone())).doing("read a sound store by plain SQL")?;
        let mut draw = Rng::of(seed, 0xf11b);
        let disk = StoreDisk::holding(self.sound.clone());
        let store = disk.open_store()?;
        for number in 0..plan.flips.unwrap_or(bytes * 8) {
            let bit = if plan.flips.is_some() { draw.below(bytes * 8) } else { number };
            if !plan.part.has(number, worker, plan.threads.max(1)) {
                continue;
            }
            let page = page_of(bit);
            let is_broad = number % plan.broad_every == 0;
            let (verdict, is_read) = if self.at_opening.contains(&page) {
                (self.opened_anew(bit, Asked { number, is_broad, is_anew: true, alike_max }, &mut tally).await?, true)
            } else {
                let asked = Asked { number, is_broad, is_anew: false, alike_max };
                let warm = self.warm(&disk, &store, bit, asked, &mut tally).await?;
                let mut verdict = warm;
                if (is_broad || self.is_for_writes(page)) && verdict != Verdict::Silent {
                    let by_writes = self.by_writes(bit, number, &mut tally).await?;
                    verdict = verdict.max(by_writes);
                }
                if number % plan.both_every == 0 {
                    let anew = self.opened_anew(bit, asked, &mut tally).await?;
                    tally.both.0 += 1;
                    tally.both.1 += usize::from(anew != warm);
                }
                (verdict, self.come_by.contains_key(&page))
            };
            if number % plan.planted_every == 0 {
                tally.planted.0 += 1;
                let flipped = StoreDisk::holding(self.sound.clone().flipped(DATABASE_FILE, bit));
                tally.planted.1 += usize::from(plainly(&flipped).is_ok_and(|read| read != plain));
            }
            let place = self.pages.get(&page).map_or("unused", String::as_str);
            let seen = tally.places.entry(place.to_owned()).or_default();
            seen.flips += 1;
            seen.unread += usize::from(!is_read);
            match verdict {
                Verdict::Harmless => seen.harmless += 1,
                Verdict::Noticed => seen.noticed += 1,
                Verdict::NotOpened => seen.not_opened += 1,
                Verdict::LeftOut => seen.left_out += 1,
                Verdict::NotRecognised => seen.not_recognised += 1,
                Verdict::Silent => seen.silent += 1,
            }
            done += 1;
            if done % SOUND_EVERY == 0 {
                self.is_still_sound(&disk, &store).await?;
            }
        }
        store.close().await;
        Ok(tally)
    }

    /// A flip under a store that stays open.
    async fn warm(
        &self,
        disk: &StoreDisk,
        store: &EmbeddedStore,
        bit: usize,
        asked: Asked,
        tally: &mut Tally,
    ) -> Result<Verdict, Trouble> {
        disk.memory.flip(DATABASE_FILE, bit);
        let mut verdict = Verdict::Harmless;
        disk.forget_pages()?;
        for (question, truth) in self.to_be_asked(bit, asked) {
            verdict = verdict.max(self.put(store, question, truth, bit, tally).await);
        }
        disk.memory.flip(DATABASE_FILE, bit);
        Ok(verdict)
    }

    /// The questions that one flip is put to, but for those that write.
    fn to_be_asked(&self, bit: usize, asked: Asked) -> Vec<&(Question, Answer)> {
        let Asked { number, is_broad, is_anew, .. } = asked;
        let at_most = asked.alike_max;
        let is_asked = |question: &Question| !question.is_write() && (is_broad || !question.is_broad());
        if is_anew {
            let turn = |place: usize| is_broad || place % ANEW_EVERY == number % ANEW_EVERY;
            let all =
                self.questions.iter().enumerate().filter(|(place, (question, _))| turn(*place) && is_asked(question));
            return all.map(|(_, question)| question).collect();
        }
        let come_by = self.come_by.get(&page_of(bit)).into_iter().flatten();
        let asked = come_by.filter_map(|place| self.questions.get(*place)).filter(|(question, _)| is_asked(question));
        if is_broad { asked.collect() } else { in_turn(asked, at_most, number) }
    }

    /// Whether a page is there for writes: no narrow question that only reads comes by.
    fn is_for_writes(&self, page: u64) -> bool {
        let places = self.come_by.get(&page).into_iter().flatten();
        let questions = places.filter_map(|place| self.questions.get(*place));
        !questions.map(|(question, _)| question).any(|question| !question.is_write() && !question.is_broad())
    }

    /// A flip put to the questions that write, each on a store of its own.
    async fn by_writes(&self, bit: usize, number: usize, tally: &mut Tally) -> Result<Verdict, Trouble> {
        let mut verdict = Verdict::Harmless;
        let come_by = self.come_by.get(&page_of(bit)).into_iter().flatten();
        let writes = come_by.filter_map(|place| self.questions.get(*place)).filter(|(question, _)| question.is_write());
        for (question, truth) in in_turn(writes, 1, number) {
            let disk = StoreDisk::holding(self.sound.clone().flipped(DATABASE_FILE, bit));
            let Ok(store) = disk.try_open_store() else { return Ok(Verdict::NotOpened) };
            verdict = verdict.max(self.put(&store, question, truth, bit, tally).await);
            store.close().await;
        }
        Ok(verdict)
    }

    /// A flip under a store that is opened with it.
    async fn opened_anew(&self, bit: usize, asked: Asked, tally: &mut Tally) -> Result<Verdict, Trouble> {
        let disk = StoreDisk::holding(self.sound.clone().flipped(DATABASE_FILE, bit));
        let Ok(store) = disk.try_open_store() else { return Ok(Verdict::NotOpened) };
        let mut verdict = Verdict::Harmless;
        for (question, truth) in self.to_be_asked(bit, asked) {
            verdict = verdict.max(self.put(&store, question, truth, bit, tally).await);
        }
        store.close().await;
        Ok(verdict)
    }

    async fn put(
        &self,
        store: &dyn Store,
        question: &Question,
        truth: &Answer,
        bit: usize,
        tally: &mut Tally,
    ) -> Verdict {
        tally.asked += 1;
        match self.asking.ask(store, question).await {
            Ok(answer) if answer == *truth => Verdict::Harmless,
            Err(_said) => Verdict::Noticed,
            Ok(wrong) => {
                let verdict = if self.whole_of(question).is_some_and(|whole| whole.is_with_rows_left_out(&wrong)) {
                    Verdict::LeftOut
                } else if truth.is_but_not_recognised(&wrong) {
                    Verdict::NotRecognised
                } else {
                    Verdict::Silent
                };
                let (within, page) = (bit / 8 % PAGE_BYTES, page_of(bit));
                let of = self.pages.get(&page).map_or("unused", String::as_str);
                let said = tally.said.entry(format!("{of} {verdict:?}")).or_default();
                *said += 1;
                if *said <= WORDS_MAX {
                    let (how, page) = (how(truth, &wrong), page + 1);
                    let words =
                        format!("{verdict:?}: bit {bit}, page {page} ({of}), byte {within}: {question:?}: {how}");
                    tally.words.push(words);
                }
                verdict
            }
        }
    }

    /// The whole list of which a question about the service's own work has some.
    fn whole_of(&self, question: &Question) -> Option<&Answer> {
        let whole = question.whole()?;
        self.questions.iter().find(|(known, _)| *known == whole).map(|(_, truth)| truth)
    }

    /// A store that stayed open must answer as before, or what it kept of a flip would hide the next.
    async fn is_still_sound(&self, disk: &StoreDisk, store: &EmbeddedStore) -> Result<(), Trouble> {
        disk.forget_pages()?;
        for (question, truth) in &self.questions {
            if question.is_write() || question.is_broad() {
                continue;
            }
            let answer = self.asking.ask(store, question).await.doing("ask a store whose damage is gone")?;
            if answer != *truth {
                return Err(Trouble::new("ask a store whose damage is gone", format!("{question:?} differs")));
            }
        }
        Ok(())
    }
}

/// At most so many of each sort, others at the next flip.
fn in_turn<'a>(
    asked: impl Iterator<Item = &'a (Question, Answer)>,
    at_most: usize,
    number: usize,
) -> Vec<&'a (Question, Answer)> {
    let mut sorts: BTreeMap<(&str, usize), Vec<&(Question, Answer)>> = BTreeMap::new();
    for question in asked {
        sorts.entry(question.0.sort()).or_default().push(question);
    }
    let some = |alike: Vec<&'a (Question, Answer)>| {
        let first = number * at_most % alike.len().max(1);
        alike.into_iter().cycle().skip(first).take(at_most)
    };
    sorts.into_values().flat_map(|alike| if alike.len() <= at_most { alike } else { some(alike).collect() }).collect()
}

impl Verdict {
    /// The worse of two.
    fn max(self, other: Self) -> Self {
        let rank = |verdict: Self| match verdict {
            Self::Harmless => 0,
            Self::Noticed => 1,
            Self::NotOpened => 2,
            Self::LeftOut => 3,
            Self::NotRecognised => 4,
            Self::Silent => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// How a wrong answer differs.
fn how(truth: &Answer, wrong: &Answer) -> String {
    match (truth, wrong) {
        (Answer::Offered(truth), Answer::Offered(wrong)) => {
            let differ = truth.iter().zip(wrong).find(|(truth, wrong)| truth != wrong);
            differ.map_or_else(|| "differs".to_owned(), |(truth, wrong)| format!("{truth:?} became {wrong:?}"))
        }
        _ if truth.rows() != wrong.rows() => format!("{} rows became {}", truth.rows(), wrong.rows()),
        _ => "other contents".to_owned(),
    }
}

/// What each page of a file is of, as SQLite tells.
fn pages(sound: &Image) -> Result<BTreeMap<u64, String>, Trouble> {
    let conn = StoreDisk::holding(sound.clone()).beside()?;
    let mut statement =
        conn.prepare("SELECT pageno - 1, name, pagetype FROM dbstat").doing("ask what the pages are of")?;
    let rows = statement.query_map([], |row| {
        let (page, name, kind): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((u64::try_from(page).unwrap_or(0), format!("{name} {kind}")))
    });
    rows.doing("ask what the pages are of")?.collect::<Result<_, _>>().doing("ask what the pages are of")
}

/// Planted: every value of every table, read by plain SQL, with no check but SQLite's own.
fn plainly(disk: &StoreDisk) -> Result<Vec<String>, Trouble> {
    let conn = disk.beside()?;
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut tables = conn.prepare(names).doing("list the tables")?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).doing("list the tables")?;
    let mut all = Vec::new();
    for table in tables {
        let table = table.doing("list the tables")?;
        let mut statement = conn.prepare(&format!("SELECT * FROM \"{table}\"")).doing("read a table")?;
        let columns = statement.column_count();
        let mut rows = statement.query([]).doing("read a table")?;
        while let Some(row) = rows.next().doing("read a row")? {
            for column in 0..columns {
                all.push(format!("{:?}", row.get_ref(column).doing("read a value")?));
            }
        }
    }
    Ok(all)
}
