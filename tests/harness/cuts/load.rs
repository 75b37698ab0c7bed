//! What the hubs send until the power goes: signed batches of mixed sizes down several connections, breaches among them,
//! and the same readings again by another hub, also while the first is still waiting for its receipt.

use super::{
    people::{HUBS, People},
    trigger::below,
};
use crate::{
    footprint::{AMBER, NORMAL, RED},
    history::History,
    ingest_process::IngestProcess,
    service::reading_of,
    signed_client::{Answer, TestHub},
    trouble::{Doing, Trouble},
};
use chrono::{DateTime, TimeDelta, Utc};
use demo::seed::Seeded;
use ingest::clock::{Clock, WallClock};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};
use vitals::{
    ReadingId,
    wire::v1::{self, Outcome, Receipt, ReceiptLine, Verdict},
};

/// Connections at a time; each sends for its share of the hubs.
const CONNECTIONS: usize = 4;

/// Sizes of a batch, drawn with equal chances.
const SIZES: [usize; 8] = [1, 1, 1, 2, 5, 10, 25, 60];

/// Of so many batches one is what was sent before, by the other hub.
const ONE_REPEATED: u64 = 4;

/// Of so many readings one breaches, where its person has not breached yet.
const ONE_BREACHES: u64 = 12;

/// How many batches back a repeat may reach.
const REPEATED_FROM: usize = 8;

/// Readings in one request where everything is offered again.
const OFFERED_AGAIN: usize = 500;

/// How long ago the first reading was taken: long enough for none to be of the future, and short enough for all to be
/// acted on.
const TAKEN_AGO: TimeDelta = TimeDelta::minutes(5);

/// What a cut may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// A request is about to be sent.
    Begun,
    /// Its answer was read.
    Acknowledged,
}

/// A reading as it was first offered; ever after the same.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) id: ReadingId,
    /// Whose, by place.
    pub(super) person: usize,
    pub(super) is_breach: bool,
    json: String,
}

type Batch = Arc<Vec<Arc<Offered>>>;

/// A request that was refused whole, as it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) retry_after: Option<String>,
}

/// Everything sent and told, over all cuts of one store.
#[derive(Default)]
struct Book {
    history: History,
    offered: Vec<Arc<Offered>>,
    has_breached: BTreeSet<usize>,
    recent: Vec<Batch>,
    wrong: Vec<String>,
}

/// The hubs at work.
pub(super) struct Load {
    pub(super) people: People,
    book: Mutex<Book>,
    first_taken: DateTime<Utc>,
    is_cut: AtomicBool,
}

impl Load {
    pub(super) fn new(seed: u64) -> Result<Self, Trouble> {
        let first_taken = WallClock.now() - TAKEN_AGO;
        Ok(Self { people: People::new(seed)?, book: Mutex::default(), first_taken, is_cut: AtomicBool::new(false) })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything sent and told so far.
    pub(super) fn history(&self) -> History {
        self.book().history.clone()
    }

    /// Every reading offered so far.
    pub(super) fn offered(&self) -> Vec<Arc<Offered>> {
        self.book().offered.clone()
    }

    /// Answers that no cut explains.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.book().wrong.clone()
    }

    /// The same, since they were last taken.
    pub(super) fn take_wrong(&self) -> Vec<String> {
        std::mem::take(&mut self.book().wrong)
    }

    /// From now on nothing counts as acknowledged: to be said before the cut is ordered.
    pub(super) fn is_about_to_be_cut(&self) {
        self.is_cut.store(true, Ordering::SeqCst);
    }

    /// Sends on all connections until the cut. `wait` waits for its moment, and cuts and kills.
    pub(super) fn run(
        &self,
        process: &IngestProcess,
        seed: u64,
        wait: impl FnOnce(Receiver<Happened>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        self.is_cut.store(false, Ordering::SeqCst);
        let address = process.address();
        std::thread::scope(|scope| {
            let (happened, happens) = channel();
            let sending: Vec<_> = (0..CONNECTIONS)
                .map(|connection| {
                    let (happened, random) = (happened.clone(), Seeded::new(seed, &format!("connection {connection}")));
                    scope.spawn(move || self.send_until_cut(connection, address, &random, &happened))
                })
                .collect();
            drop(happened);
            let waited = wait(happens);
            // Where it failed there was no cut, and nobody else ends them.
            self.is_about_to_be_cut();
            for connection in sending {
                connection.join().unwrap_or_else(|_panicked| Err(Trouble::new("send readings", "it panicked")))?;
            }
            waited
        })
    }

    fn send_until_cut(
        &self,
        connection: usize,
        address: SocketAddr,
        random: &Seeded,
        happened: &Sender<Happened>,
    ) -> Result<(), Trouble> {
        let hubs: Vec<usize> = (0..HUBS).filter(|hub| hub % CONNECTIONS == connection).collect();
        while !self.is_cut.load(Ordering::SeqCst) {
            let repeated = if below(random, ONE_REPEATED) == 0 { self.recent(random) } else { None };
            let (batch, is_repeated) = match repeated {
                Some(batch) => (batch, true),
                None => (self.new_batch(*pick(random, &hubs)?, random)?, false),
            };
            let ways = batch.first().and_then(|first| self.people.ways_of(first.person));
            let (home, other) = ways.ok_or_else(|| Trouble::new("send readings", "a batch of nobody"))?;
            let hub = if is_repeated { other } else { home };
            // Gone only where the wait for a cut has failed, which is told there.
            happened.send(Happened::Begun).unwrap_or(());
            if self.send(connection, hub, &batch, address)? {
                happened.send(Happened::Acknowledged).unwrap_or(());
            }
        }
        Ok(())
    }

    fn recent(&self, random: &Seeded) -> Option<Batch> {
        let book = self.book();
        let reach = u64::try_from(book.recent.len().min(REPEATED_FROM)).ok()?;
        let back = usize::try_from(below(random, reach)).ok()?;
        book.recent.iter().rev().nth(back).cloned()
    }

    /// New readings of the people at home where a hub is.
    fn new_batch(&self, hub: usize, random: &Seeded) -> Result<Batch, Trouble> {
        let (size, at_home) = (*pick(random, &SIZES)?, People::at_home(hub).collect::<Vec<_>>());
        let mut book = self.book();
        let mut batch = Vec::with_capacity(size);
        for _ in 0..size {
            let person = *pick(random, &at_home)?;
            let is_breach = below(random, ONE_BREACHES) == 0 && book.has_breached.insert(person);
            let (systolic, diastolic) = match (is_breach, below(random, 3)) {
                (false, _) => NORMAL,
                (true, 0) => AMBER,
                (true, _) => RED,
            };
            let number = u32::try_from(book.offered.len()).doing("number a reading")?;
            let at = self.first_taken + TimeDelta::milliseconds(i64::from(number));
            let id = self.people.people.get(person).ok_or_else(|| Trouble::new("make a reading", "of nobody"))?;
            let reading = reading_of(id, number, &format!("{systolic}/{diastolic}"), at)?;
            let json = serde_json::to_string(&reading).doing("write a reading")?;
            let id = ReadingId::parse(&reading.id).doing("name a reading")?;
            let offered = Arc::new(Offered { id, person, is_breach, json });
            book.offered.push(Arc::clone(&offered));
            batch.push(offered);
        }
        let batch = Arc::new(batch);
        book.recent.push(Arc::clone(&batch));
        Ok(batch)
    }

    /// Sends one batch, and notes that it was sent.
    fn ask(&self, process: u32, hub: &TestHub, batch: &[Arc<Offered>], to: SocketAddr) -> Result<Asked, Trouble> {
        let now = WallClock.now();
        let readings: Vec<&str> = batch.iter().map(|offered| offered.json.as_str()).collect();
        let body = format!(r#"{{"made_at":"{}","lane":"live","readings":[{}]}}"#, v1::moment(now), readings.join(","));
        let call = hub.signed(body, now).doing("sign a batch")?;
        {
            let mut book = self.book();
            batch.iter().for_each(|offered| book.history.invoke(process, offered.id));
        }
        Ok(call.send(to))
    }

    /// Sends one batch and notes what was told. True where it was acknowledged before a cut.
    fn send(&self, process: usize, hub: &TestHub, batch: &[Arc<Offered>], to: SocketAddr) -> Result<bool, Trouble> {
        let process = u32::try_from(process).doing("number a connection")?;
        let asked = self.ask(process, hub, batch, to)?;
        let answer = asked.map_err(|error| error.to_string()).and_then(|answer| receipt(&answer));
        // The answer was read whole before this is asked: where the cut had not been ordered then, it counts.
        let is_cut = self.is_cut.load(Ordering::SeqCst);
        let mut book = self.book();
        match answer {
            Ok(receipt) if !is_cut => {
                book.acknowledged(process, batch, &receipt);
                Ok(true)
            }
            other => {
                batch.iter().for_each(|offered| book.history.unknown(process, offered.id));
                if let (Err(why), false) = (other, is_cut) {
                    book.wrong.push(format!("no receipt, and no cut: {why}"));
                }
                Ok(false)
            }
        }
    }

    /// Sends one batch to a service that may refuse it whole, and notes what was told.
    fn offer(&self, hub: &TestHub, batch: &[Arc<Offered>], to: SocketAddr) -> Result<Option<Refused>, Trouble> {
        let answer = self.ask(0, hub, batch, to)?.doing("offer readings")?;
        let mut book = self.book();
        if answer.status == 200 {
            let receipt = answer.receipt().doing("read a receipt")?;
            book.acknowledged(0, batch, &receipt);
            return Ok(None);
        }
        // Refused whole: nothing of it may be there, unless it is offered again.
        batch.iter().for_each(|offered| book.history.fail(0, offered.id));
        let code = answer.problem().doing("read a refusal")?.code;
        Ok(Some(Refused { status: answer.status, code, retry_after: answer.header("retry-after").map(str::to_owned) }))
    }

    /// Offers new readings of one home, as [`Load::offer`].
    pub(super) fn offer_new(&self, random: &Seeded, to: SocketAddr) -> Result<Option<Refused>, Trouble> {
        let hubs: Vec<usize> = (0..HUBS).collect();
        let (home, hub) = pick(random, &hubs).and_then(|home| Ok((*home, self.hub(*home)?)))?;
        self.offer(hub, self.new_batch(home, random)?.as_slice(), to)
    }

    /// Offers the first readings again, as [`Load::offer`].
    pub(super) fn offer_first_again(&self, to: SocketAddr) -> Result<Option<Refused>, Trouble> {
        let first = self.offered().into_iter().take(1).collect::<Vec<_>>();
        let home = first.first().map_or(0, |offered| offered.person / super::people::PEOPLE_OF_A_HUB);
        self.offer(self.hub(home)?, &first, to)
    }

    fn hub(&self, number: usize) -> Result<&TestHub, Trouble> {
        self.people.hubs.get(number).ok_or_else(|| Trouble::new("find a hub", "no such hub"))
    }

    /// Offers everything that was ever offered again, and expects that all of it is there now.
    pub(super) fn offer_all_again(&self, process: &IngestProcess) -> Result<(), Trouble> {
        self.is_cut.store(false, Ordering::SeqCst);
        let mut by_home: BTreeMap<usize, Vec<Arc<Offered>>> = BTreeMap::new();
        for offered in self.offered() {
            by_home.entry(offered.person / super::people::PEOPLE_OF_A_HUB).or_default().push(offered);
        }
        for (hub, offered) in by_home {
            let hub = self.hub(hub)?;
            for batch in offered.chunks(OFFERED_AGAIN) {
                self.send(CONNECTIONS, hub, batch, process.address())?;
            }
        }
        Ok(())
    }
}

/// What came of sending.
type Asked = std::io::Result<Answer>;

impl Book {
    fn acknowledged(&mut self, process: u32, batch: &[Arc<Offered>], receipt: &Receipt) {
        for (offered, line) in batch.iter().zip(&receipt.readings) {
            self.history.ok(process, offered.id, Some(line.outcome));
            self.wrong.extend(wrong_with(offered, line));
        }
        if receipt.readings.len() != batch.len() {
            self.wrong.push(format!("a receipt has {} lines for {}", receipt.readings.len(), batch.len()));
        }
    }
}

fn pick<'a, T>(random: &Seeded, from: &'a [T]) -> Result<&'a T, Trouble> {
    let place = u64::try_from(from.len()).ok().and_then(|limit| usize::try_from(below(random, limit)).ok());
    place.and_then(|place| from.get(place)).ok_or_else(|| Trouble::new("draw", "from nothing"))
}

fn receipt(answer: &Answer) -> Result<Receipt, String> {
    if answer.status == 200 { answer.receipt() } else { Err(format!("{answer:?}")) }
}

/// What is wrong with the line of a receipt, if anything: all of these readings are good, and each breach raises one alert.
fn wrong_with(offered: &Offered, line: &ReceiptLine) -> Option<String> {
    let is_judged = match &line.verdict {
        Some(Verdict::Evaluated { alerts, .. }) => !offered.is_breach || alerts.len() == 1,
        Some(Verdict::Unevaluated { .. }) | None => false,
    };
    let is_kept = matches!(line.outcome, Outcome::Stored | Outcome::Duplicate);
    (!is_kept || !is_judged || line.id != offered.id.to_string()).then(|| format!("{}: told {line:?}", offered.id))
}
