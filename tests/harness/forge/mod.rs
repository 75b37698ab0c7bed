//! Requests that the hub they name never sent: good ones are recorded, each is spoilt in every way somebody thought of, and
//! none may be taken.
//!
//! What is spoilt is good and was never sent, so that nothing but the spoiling can be what it is refused for; at the end the
//! same requests are sent as they were, and all must be taken. The service is the real one with its real store, asked
//! within this process. That the forger would find a hole is shown with verifiers that each leave one check out.

mod corpus;
mod model;
mod service;
mod spoil;

pub use model::Skips;

use crate::{
    signed_client::Call,
    trouble::{Doing, Trouble},
};
use corpus::Corpus;
use demo::seed::Seeded;
use model::Model;
use service::InProcess;
use spoil::{Kind, Spoilt, spoil};
use std::{collections::BTreeMap, fmt, thread};
use vitals::ErrorCode;

/// Most spoilt requests that a verifier with a hole is offered before the forger counts as blind.
const TRIES_FOR_A_HOLE: u64 = 20_000;

/// Most spoilt requests that one service is sent: fewer than it takes of one hub at once.
const SPOILT_FOR_A_SERVICE: u64 = 2_500;

/// Most accepted requests that are shown.
const SHOWN_MAX: usize = 5;

/// How much to try.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// How many spoilt requests.
    pub mutations: u64,
    /// What is drawn is drawn from this.
    pub seed: u64,
    /// By how many threads, each with services of its own.
    pub threads: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many spoilt requests the service was sent, by what was spoilt.
    pub tried: BTreeMap<&'static str, u64>,
    /// How each was refused: by code.
    pub refused: BTreeMap<String, u64>,
    /// How many were taken: none may be.
    pub accepted: u64,
    /// Some of those.
    pub shown: Vec<String>,
    /// After how many tries each verifier with a hole took one; none where it never did, which means that the forger is blind.
    pub holes: BTreeMap<&'static str, Option<u64>>,
}

impl Summary {
    /// How many spoilt requests the service was sent.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.tried.values().sum()
    }

    /// Whether nothing was taken, everything was tried, and every hole was found.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.accepted == 0
            // Refused for their number, they would show nothing of the checks.
            && !self.refused.contains_key(ErrorCode::HubTooFast.code())
            && Kind::ALL.iter().all(|kind| self.tried.contains_key(kind.name()))
            && self.holes.len() == Skips::ALL.len()
            && self.holes.values().all(Option::is_some)
    }

    fn add(&mut self, other: Self) {
        let Self { tried, refused, accepted, shown, holes } = other;
        tried.into_iter().for_each(|(kind, count)| *self.tried.entry(kind).or_default() += count);
        refused.into_iter().for_each(|(code, count)| *self.refused.entry(code).or_default() += count);
        self.accepted += accepted;
        self.shown.extend(shown);
        self.shown.truncate(SHOWN_MAX);
        self.holes.extend(holes);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} spoilt requests sent, {} taken.", self.count(), self.accepted)?;
        for (what, count) in &self.tried {
            writeln!(f, "  spoilt: {what}: {count}")?;
        }
        for (code, count) in &self.refused {
            writeln!(f, "  refused: {code}: {count}")?;
        }
        for call in &self.shown {
            writeln!(f, "  TAKEN: {call}")?;
        }
        for (hole, found) in &self.holes {
            match found {
                Some(tries) => writeln!(f, "  a verifier that {hole}: caught after {tries}")?,
                None => writeln!(f, "  a verifier that {hole}: NOT CAUGHT")?,
            }
        }
        write!(f, "{}", if self.holds() { "It holds." } else { "IT DOES NOT HOLD." })
    }
}

/// Forges as many requests as asked for, and shows for each check that leaving it out would be seen.
///
/// # Errors
/// [`Trouble`] where the service could not be started, or a good request was not taken.
pub fn run(numbers: &Numbers) -> Result<Summary, Trouble> {
    let threads = numbers.threads.max(1);
    let mut summary = Summary { holes: holes(numbers.seed)?, ..Summary::default() };
    let shares = thread::scope(|scope| {
        let start = |share: u64| {
            let extra = u64::from(share < numbers.mutations % threads);
            let seed = numbers.seed.wrapping_mul(1_000).wrapping_add(share);
            scope.spawn(move || against_services(numbers.mutations / threads + extra, seed))
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        running
            .into_iter()
            .map(|share| share.join().map_err(|_panic| Trouble::new("forge", "a thread panicked")))
            .collect::<Vec<_>>()
    });
    for share in shares {
        summary.add(share??);
    }
    Ok(summary)
}

fn against_services(mutations: u64, seed: u64) -> Result<Summary, Trouble> {
    let (corpus, draw) = (Corpus::new()?, Draw(Seeded::new(seed, "forge")));
    let mut summary = Summary::default();
    while summary.count() < mutations {
        let left = mutations - summary.count();
        summary.add(against_one_service(&corpus, &draw, left.min(SPOILT_FOR_A_SERVICE))?);
    }
    Ok(summary)
}

fn against_one_service(corpus: &Corpus, draw: &Draw, mutations: u64) -> Result<Summary, Trouble> {
    InProcess::run(async |service| {
        for sent in corpus.sent() {
            let answer =
                service.send(sent).await?.ok_or_else(|| Trouble::new("send a good request", "it is no HTTP"))?;
            if answer != "200" {
                return Err(Trouble::new("send a good request", answer));
            }
        }
        let before = service.changes().await?;
        let mut summary = Summary::default();
        while summary.count() < mutations {
            let Some(Spoilt { kind, call, .. }) = spoil(corpus, draw)? else { continue };
            let Some(answer) = service.send(&call).await? else { continue };
            *summary.tried.entry(kind.name()).or_default() += 1;
            if answer.starts_with('2') {
                summary.accepted += 1;
                if summary.shown.len() < SHOWN_MAX {
                    summary.shown.push(format!("{}: {}", kind.name(), shown(&call)));
                }
            }
            *summary.refused.entry(answer).or_default() += 1;
        }
        if service.changes().await? != before && summary.accepted == 0 {
            return Err(Trouble::new("look at the store", "something was written although nothing was taken"));
        }
        if summary.accepted == 0 {
            for fresh in corpus.fresh() {
                let answer = service.send(&fresh.call).await?;
                if answer.as_deref() != Some("200") {
                    return Err(Trouble::new("send what was only spoilt so far", format!("{answer:?}")));
                }
            }
        }
        Ok(summary)
    })
}

/// After how many tries each verifier with a hole takes something; and the one without takes the good ones alone.
fn holes(seed: u64) -> Result<BTreeMap<&'static str, Option<u64>>, Trouble> {
    let corpus = Corpus::new()?;
    let mut whole = Model::new(&corpus, None)?;
    for fresh in corpus.fresh() {
        if !whole.takes(&fresh.call, &fresh.call) {
            return Err(Trouble::new("verify a good request", "the model of a verifier refuses it"));
        }
    }
    let find = |skips: Skips| {
        let draw = Draw(Seeded::new(seed, skips.name()));
        let mut model = Model::new(&corpus, Some(skips))?;
        for tries in 1..=TRIES_FOR_A_HOLE {
            let Some(Spoilt { original, call, .. }) = spoil(&corpus, &draw)? else { continue };
            if model.takes(&original, &call) {
                return Ok((skips.name(), Some(tries)));
            }
        }
        Ok((skips.name(), None))
    };
    Skips::ALL.iter().map(|skips| find(*skips)).collect()
}

fn shown(call: &Call) -> String {
    format!("{} {} {:?}, {} bytes", call.method, call.target, call.headers, call.body.len())
}

/// What is drawn.
struct Draw(Seeded);

impl Draw {
    fn below(&self, limit: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.next(&mut bytes);
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(u64::from_le_bytes(bytes) % limit).unwrap_or(0)
    }

    fn one<'a, T>(&self, of: &'a [T]) -> Result<&'a T, Trouble> {
        of.get(self.below(of.len())).ok_or_else(|| Trouble::new("draw", "there is nothing to draw from"))
    }

    fn byte(&self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or(0)
    }
}

/// A text for a message, where an error has none of its own.
fn named<T, E: fmt::Display>(result: Result<T, E>, doing: &str) -> Result<T, Trouble> {
    result.map_err(|error| error.to_string()).doing(doing)
}
