//! Faults of the disk under the real store: power cuts at any point, every call failed once, every bit flipped.
//!
//! The store is judged through its trait alone, never by its tables. Each of the three first shows that it catches a
//! planted fault in the same run.

pub mod ask;
pub mod cast;
pub mod crash;
pub mod disk;
pub mod fail;
pub mod flips;
pub mod load;
pub mod offer;
pub mod play;
pub mod process;
pub mod truth;
pub mod view;

use crate::trouble::Trouble;
use cast::Cast;
use fail::Ways;
pub use flips::Part;
use flips::Plan;
use std::fmt;

/// Which bits are flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// So many, drawn from the seed.
    Some(usize),
    /// Every one.
    All,
}

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    /// How many crash images.
    pub crash_images: Option<usize>,
    /// Whether every call is failed.
    pub fail_each: bool,
    /// Which bits are flipped.
    pub flips: Option<Bits>,
    /// Whether scripts are short, and each call fails in one way.
    pub is_quick: bool,
    /// What is drawn is drawn from this.
    pub seed: u64,
    /// Which part of the bits.
    pub part: Part,
    /// How many threads judge crash images, and flip bits.
    pub threads: usize,
}

/// What came of a run: lines for people, and whether every promise was kept and every plant caught.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The lines, one for each kind of fault.
    pub lines: Vec<String>,
    /// Everything that was found, and tables of where.
    pub details: Vec<String>,
    /// Whether all of it holds.
    pub holds: bool,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().chain(&self.details).try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Runs what is asked for.
///
/// # Errors
/// [`Trouble`] of the harness itself; what is wrong with the store is in the summary.
pub fn run(numbers: &Numbers) -> Result<Summary, Trouble> {
    let mut summary = Summary { holds: true, ..Summary::default() };
    if let Some(points) = numbers.crash_images {
        let report = crash::run(points, numbers.seed, numbers.threads)?;
        summary.lines.push(report.to_string());
        summary.details.extend(report.recorded.clone());
        summary.details.extend(report.genuine.wrong.words.clone());
        summary.holds &= report.holds();
    }
    if numbers.fail_each {
        let cast = Cast::new(2, 2)?;
        let (shape, ways) = if numbers.is_quick { (fail::SHORT, Ways::InTurn) } else { (fail::SHAPE, Ways::All) };
        let genuine = fail::fail_each(&cast, numbers.seed, shape, ways)?;
        let planted = fail::fail_each(&cast, numbers.seed, fail::SHORT, Ways::Planted)?;
        summary.lines.push(format!(
            "{genuine}; planted, a failed sync overlooked: caught in {} of {} runs, {} readings lost",
            planted.wrong_runs,
            planted.met(),
            planted.wrong.lost
        ));
        summary.details.extend(genuine.wrong.words.clone());
        summary.holds &= genuine.holds() && planted.wrong.lost > 0;
    }
    if let Some(bits) = numbers.flips {
        let flips = match bits {
            Bits::Some(flips) => Some(flips),
            Bits::All => None,
        };
        let (threads, part) = (numbers.threads, numbers.part);
        let plan = if numbers.is_quick {
            Plan {
                shape: flips::SHORT,
                flips,
                broad_every: 400,
                both_every: 500,
                planted_every: 200,
                alike_max: 1,
                threads,
                part,
            }
        } else {
            Plan {
                shape: flips::LONG,
                flips,
                broad_every: 2003,
                both_every: 1009,
                planted_every: 997,
                alike_max: 3,
                threads,
                part,
            }
        };
        let tally = flips::flip(numbers.seed, plan)?;
        summary.lines.push(tally.to_string());
        summary.details.push(tally.table());
        summary.details.extend(tally.words.clone());
        summary.holds &= tally.holds();
    }
    Ok(summary)
}
