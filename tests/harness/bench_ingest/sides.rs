//! All that are measured in one run: each in its turn, while the others are stopped where they are.

use super::{
    Options, Side,
    machine::at_rest,
    ours::{Ours, SPARE, Sample, Shape, requests_for},
    peers::{
        PeerSample,
        influx::{self, Influx},
        postgres::{self, Postgres},
    },
    settings,
    world::World,
};
use crate::trouble::Trouble;
use ingest::clock::{Clock, WallClock};
use std::{collections::BTreeMap, path::Path};

/// The service, and what stands beside it.
pub(super) struct Sides {
    ours: Option<Ours>,
    postgres: Option<Postgres>,
    influx: Option<Influx>,
    /// Readings a second found so far of each peer and size.
    rates: BTreeMap<(Side, usize), f64>,
}

/// What one turn of everybody came to.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) ours: Option<Sample>,
    pub(super) postgres: Option<PeerSample>,
    pub(super) influx: Option<PeerSample>,
}

impl Sides {
    /// Starts what was asked for and is installed.
    pub(super) fn start(options: &Options, folder: &Path, world: &mut World) -> Result<Self, Trouble> {
        let settings = settings::write(world, folder, options.has_rules)?;
        let mut sides = Self { ours: None, postgres: None, influx: None, rates: BTreeMap::new() };
        if options.has(Side::Ours) {
            sides.ours = Some(Ours::start(&options.program, &settings, world)?);
        }
        if options.has(Side::Postgres) {
            let (program, now) = (&options.program, WallClock.now());
            sides.postgres = at_rest(&sides.pids(), || Postgres::start(program, folder, world, now))?;
        }
        if options.has(Side::Influx) {
            sides.influx = Influx::start(folder)?;
        }
        Ok(sides)
    }

    /// The processes of all that have started.
    pub(super) fn pids(&self) -> Vec<u32> {
        let ours = self.ours.as_ref().map(Ours::pid);
        let postgres = self.postgres.iter().flat_map(Postgres::pids);
        ours.into_iter().chain(postgres).chain(self.influx.as_ref().map(Influx::pid)).collect()
    }

    /// The versions of the peers that are there.
    pub(super) fn versions(&self) -> Vec<String> {
        let postgres = self.postgres.as_ref().map(|postgres| postgres.version().to_owned());
        postgres.into_iter().chain(self.influx.as_ref().map(|influx| influx.version.clone())).collect()
    }

    /// What was asked for and is not installed, and how to get it.
    pub(super) fn missing(&self, options: &Options) -> Vec<&'static str> {
        let is_missing = |side, is_there: bool| options.has(side) && !is_there;
        let postgres = is_missing(Side::Postgres, self.postgres.is_some()).then_some(postgres::NOT_INSTALLED);
        let influx = is_missing(Side::Influx, self.influx.is_some()).then_some(influx::NOT_INSTALLED);
        postgres.into_iter().chain(influx).collect()
    }

    /// One turn of everybody at one kind of request. Peers take what is not compressed only.
    pub(super) fn turn(
        &mut self,
        world: &mut World,
        shape: Shape,
        options: &Options,
        folder: &Path,
    ) -> Result<Turn, Trouble> {
        let lasts = options.window;
        let all = self.pids();
        let but = |own: &[u32]| all.iter().copied().filter(|pid| !own.contains(pid)).collect::<Vec<u32>>();
        let mut turn = Turn::default();
        if let Some(ours) = &mut self.ours {
            let others = but(&[ours.pid()]);
            turn.ours = Some(at_rest(&others, || ours.sample(world, shape, options, folder))?);
        }
        if !shape.is_compressed() {
            let rates = &mut self.rates;
            if let Some(postgres) = &mut self.postgres {
                let others = but(&postgres.pids());
                let mut sample = |requests| postgres.sample(world, shape, requests, lasts, WallClock.now());
                turn.postgres =
                    Some(at_rest(&others, || at_its_rate(rates, Side::Postgres, shape, options, &mut sample))?);
            }
            if let Some(influx) = &self.influx {
                let others = but(&[influx.pid()]);
                let mut sample = |requests| influx.sample(world, shape, requests, lasts, WallClock.now());
                turn.influx = Some(at_rest(&others, || at_its_rate(rates, Side::Influx, shape, options, &mut sample))?);
            }
        }
        Ok(turn)
    }

    /// Stops the service in order; the others end when they are dropped.
    pub(super) fn stop(self) -> Result<(), Trouble> {
        self.ours.map_or(Ok(()), Ours::stop)
    }
}

/// A window with as many requests as it should need; at first a small one, to find the rate.
fn at_its_rate(
    rates: &mut BTreeMap<(Side, usize), f64>,
    side: Side,
    shape: Shape,
    options: &Options,
    sample: &mut dyn FnMut(usize) -> Result<PeerSample, Trouble>,
) -> Result<PeerSample, Trouble> {
    let key = (side, shape.size);
    let rate = match rates.get(&key) {
        Some(rate) => *rate,
        None => sample(shape.first_requests(options))?.readings_a_second,
    };
    let sample = sample(requests_for(rate * SPARE, shape.size, options.window))?;
    rates.insert(key, sample.readings_a_second);
    Ok(sample)
}
