//! What the service does with a county's readings, beside a probe of the same minute and others in the same run.
//!
//! Measured is how many a second and for how much CPU, how soon they are acknowledged, and how much room they take. Figures are for reading and comparing; only a run that did not do the work is refused. Invariants: rules and signatures
//! are on, and the service itself counts both; every receipt is read, and one that does not say "stored" for every reading
//! voids the run; what a request holds and how it is signed is what a hub makes of a device's bytes.

mod activate;
mod bytes;
mod client;
mod figures;
mod frames;
mod machine;
mod ours;
mod peers;
mod probe;
mod request;
mod server;
mod settings;
mod sides;
mod stats;
mod table;
mod targets;
mod world;

pub use activate::{Activation, RATE, measure_activation};
pub use peers::postgres::{WORK, work};
pub use request::Encoding;
pub use table::Table;

use crate::{
    say, tree,
    trouble::{Doing, Trouble},
};
use figures::Row;
use ours::Shape;
use sides::Sides;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};
use world::World;

/// Hubs of the county.
pub const HUBS: usize = 52_500;

/// Readings a request, and down how many connections such requests come.
const SIZES: [(usize, usize); 4] = [(1, 64), (10, 16), (100, 8), (1000, 4)];

/// The size that is also sent compressed.
const GZIP_SIZE: usize = 100;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Side {
    /// The service.
    Ours,
    /// PostgreSQL with a minimal rule worker.
    Postgres,
    /// InfluxDB 1.6.
    Influx,
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// A program that serves as `ingest` does, and is the rule worker where its first word is [`WORK`].
    pub program: PathBuf,
    /// Where everything is written; the target folder of the source tree where none is named.
    pub folder: Option<PathBuf>,
    /// How many hubs there are.
    pub hubs: usize,
    /// From what the county follows.
    pub seed: u64,
    /// Only this side.
    pub only: Option<Side>,
    /// Only this many readings a request.
    pub size: Option<usize>,
    /// How long each window lasts.
    pub window: Duration,
    /// Readings by which the rate of each size is first found.
    pub first_readings: usize,
    /// How often everything is measured; the median counts.
    pub runs: usize,
    /// Whether the protocol is active. Without it every run is void, which is how a test sees that it would be.
    pub has_rules: bool,
}

impl Options {
    /// What is measured where nothing else is said: the whole, or one short run of it.
    #[must_use]
    pub fn usual(program: PathBuf, is_quick: bool) -> Self {
        Self {
            program,
            folder: None,
            hubs: HUBS,
            seed: 1,
            only: None,
            size: None,
            window: if is_quick { Duration::from_secs(1) } else { Duration::from_secs(3) },
            first_readings: 4_000,
            runs: if is_quick { 1 } else { 5 },
            has_rules: true,
        }
    }

    fn has(&self, side: Side) -> bool {
        self.only.is_none_or(|only| only == side)
    }

    fn shapes(&self) -> Vec<Shape> {
        let identity = SIZES.map(|(size, connections)| Shape { size, encoding: Encoding::Identity, connections });
        let gzip = identity.iter().filter(|shape| shape.size == GZIP_SIZE);
        let gzip: Vec<Shape> = gzip.map(|shape| Shape { encoding: Encoding::Gzip, ..*shape }).collect();
        let all = identity.into_iter().chain(gzip);
        all.filter(|shape| self.size.is_none_or(|size| size == shape.size)).collect()
    }

    /// A folder of its own, gone with what is returned. PostgreSQL, which is somebody else, must be able to pass.
    fn make_folder(&self) -> Result<tempfile::TempDir, Trouble> {
        let under = self.folder.clone().unwrap_or_else(|| tree::root().join("target"));
        fs::create_dir_all(&under).doing("make a folder")?;
        let folder = tempfile::Builder::new().prefix("bench-ingest-").tempdir_in(&under).doing("make a folder")?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).doing("open the folder")?;
        Ok(folder)
    }
}

/// Measures.
///
/// # Errors
/// [`Trouble`] where something could not be put in place, and where a run is void.
pub fn measure(options: &Options) -> Result<Table, Trouble> {
    let folder = options.make_folder()?;
    let load_before = machine::load();
    let mut world = World::new(options.hubs, options.seed)?;
    say::error_line(&format!("{} hubs and {} people; starting", options.hubs, world.people()));
    let mut sides = Sides::start(options, folder.path(), &mut world)?;
    say::error_line(&format!("the processes are {:?}", sides.pids()));
    let mut rows: Vec<Row> = options.shapes().into_iter().map(Row::new).collect();
    for run in 1..=options.runs {
        for row in &mut rows {
            let turn = sides.turn(&mut world, row.shape, options, folder.path())?;
            say::error_line(&format!("run {run} of {}: {}", options.runs, turn.line(row.shape)));
            row.add(turn);
        }
    }
    let versions = sides.versions();
    let missing = sides.missing(options);
    sides.stop()?;
    Ok(Table {
        machine: machine::about(),
        filesystem: machine::filesystem(folder.path()),
        load: (load_before, machine::load()),
        versions,
        missing,
        county: Some((options.hubs, world.people())),
        rows,
        room: None,
    })
}

/// Measures only the room that so many readings take.
///
/// # Errors
/// [`Trouble`] where something could not be put in place, or a reading was not stored.
pub fn measure_bytes(options: &Options, readings: usize) -> Result<Table, Trouble> {
    let folder = options.make_folder()?;
    let load_before = machine::load();
    let hubs = if options.hubs == HUBS { bytes::COUNTY_HUBS } else { options.hubs };
    let room = bytes::measure(readings, hubs, options.seed, folder.path())?;
    Ok(Table {
        machine: machine::about(),
        filesystem: machine::filesystem(folder.path()),
        load: (load_before, machine::load()),
        versions: Vec::new(),
        missing: Vec::new(),
        county: None,
        rows: Vec::new(),
        room: Some(room),
    })
}
