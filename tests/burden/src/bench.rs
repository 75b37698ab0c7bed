//! The run: cohorts of several seeds, three services over the same readings, one judge.

use crate::{
    cohort::{Cohort, Reading, Stratum},
    comparators::{self, Comparator},
    judge::{Figures, Foresight, Outcome, Verdict, World, compare, judge},
    lines::{Fate, Stream},
    ours::{
        self, NotPlayed,
        family::Family,
        in_force::{InForce, Meant},
    },
    parameters::{self, Class, NotParameters, Parameters},
    thresholds::{self, Judged, NotJudged},
};
use serde::Serialize;
use std::{collections::BTreeMap, ops::RangeInclusive};
use thiserror::Error;

/// Why a run cannot be made.
#[derive(Debug, Error)]
pub enum NotRun {
    /// The parameters do not read.
    #[error(transparent)]
    Parameters(#[from] NotParameters),
    /// What alerts are judged by does not read.
    #[error(transparent)]
    Judged(#[from] NotJudged),
    /// Our rules could not be played.
    #[error(transparent)]
    Ours(#[from] NotPlayed),
    /// Lines from a file could not be read.
    #[error(transparent)]
    Lines(#[from] crate::lines::NotLines),
}

/// What is made harder than expected, to see what breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Stress {
    /// Nothing.
    None,
    /// Deviations from day to day and from reading to reading, twice as wide.
    NoiseDoubled,
    /// Half as many sittings.
    AdherenceHalved,
    /// Twice as many episodes.
    PrevalenceDoubled,
    /// Half as many episodes.
    PrevalenceHalved,
}

/// Which generator makes the cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Generator {
    /// Courses as curves, deviations as a normal distribution has them.
    #[default]
    First,
    /// Courses as steps between states that last by chance, deviations with heavy tails.
    Second,
}

/// How the cohorts of a run are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// By which generator.
    pub by: Generator,
    /// Under what stress.
    pub stress: Stress,
}

impl Made {
    fn cohort(self, parameters: &Parameters, seed: u64) -> Result<Cohort, NotParameters> {
        match self.by {
            Generator::First => Cohort::generate(parameters, seed),
            Generator::Second => Cohort::generate_second(parameters, seed),
        }
    }
}

/// The parameters of the cohort under a stress.
///
/// # Errors
/// [`NotParameters`] where the file does not read.
pub fn parameters(stress: Stress) -> Result<Parameters, NotParameters> {
    let parameters = Parameters::read(parameters::FILE)?;
    Ok(match stress {
        Stress::None => parameters,
        Stress::NoiseDoubled => parameters.scaled("noise.", "_sd", 2, 1).scaled("sensor.step_sd", "", 2, 1),
        Stress::AdherenceHalved => parameters.scaled("adherence.", ".mean", 1, 2),
        Stress::PrevalenceDoubled => scaled_rates(parameters, 2, 1),
        Stress::PrevalenceHalved => scaled_rates(parameters, 1, 2),
    })
}

fn scaled_rates(parameters: Parameters, times: i64, by: i64) -> Parameters {
    Stratum::ALL.into_iter().fold(parameters, |parameters, stratum| {
        parameters.scaled("cause.", &format!(".rate.{}", stratum.name()), times, by)
    })
}

/// What one service came to over all seeds.
#[derive(Debug, Clone, Default)]
pub struct Came {
    /// The figures of each stratum, one for each seed.
    pub figures: BTreeMap<Stratum, Vec<Figures>>,
    /// What became of every episode of every seed.
    pub outcomes: Vec<Outcome>,
    /// Alerts that void the run.
    pub void: BTreeMap<Foresight, u64>,
}

impl Came {
    fn add(&mut self, verdict: Verdict) {
        for (stratum, figures) in verdict.figures {
            self.figures.entry(stratum).or_default().push(figures);
        }
        self.outcomes.extend(verdict.outcomes);
        for (why, count) in verdict.void {
            *self.void.entry(why).or_default() += count;
        }
    }
}

/// An E episode that we missed, with the readings in which it could have been seen.
#[derive(Debug, Clone, Serialize)]
pub struct Missed {
    /// Whose.
    pub person: String,
    /// Of what.
    pub cause: String,
    /// Whether a comparator found it.
    pub found_by: Vec<&'static str>,
    /// Its readings: hours from onset, kind, numbers.
    pub readings: Vec<String>,
}

/// Readings printed of a missed episode at most: a sensor would fill pages.
const MISSED_READINGS_MAX: usize = 24;

/// Everything a run found.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// The seeds: the first and the last.
    pub seeds: (u64, u64),
    /// How many readings.
    pub readings: u64,
    /// Comparator A.
    pub a: Came,
    /// Comparator B.
    pub b: Came,
    /// Ours: only strata that have a protocol.
    pub ours: Came,
    /// Strata without a protocol of ours.
    pub without: Vec<Stratum>,
    /// Our findings by stratum and rule: shown, told again, and settled, withheld or merged.
    pub by_rule: BTreeMap<(Stratum, String), [u64; 3]>,
    /// Episodes by stratum and cause: that could be seen, and found by us, by A and by B.
    pub by_cause: BTreeMap<(Stratum, String), [u64; 4]>,
    /// Clinical touches that the guard rail on red readings asks for by itself: see [`crate::judge::red_floor`].
    pub red_floor: BTreeMap<Stratum, u64>,
    /// Days that would count as harm if a finding were silenced on them, and all days: see
    /// [`crate::judge::harm_by_chance`].
    pub harm_by_chance: BTreeMap<Stratum, (u64, u64)>,
    /// Ours against the better of A and B.
    pub paired: Vec<compare::Paired>,
    /// Every E episode that we missed.
    pub missed: Vec<Missed>,
}

/// Runs the benchmark over these seeds.
///
/// # Errors
/// [`NotRun`] where parameters, bounds or protocols do not read.
pub fn run(seeds: RangeInclusive<u64>, made: Made, meant: &Meant, has_said: impl Fn(u64)) -> Result<Run, NotRun> {
    let parameters = parameters(made.stress)?;
    let judged = Judged::read(thresholds::FILE, parameters.causes())?;
    let in_force = InForce::new(meant)?;
    let mut run = Run { seeds: (*seeds.start(), *seeds.end()), ..Run::default() };
    run.without.extend(Stratum::ALL.into_iter().filter(|stratum| !in_force.covers(*stratum)));
    for seed in seeds {
        let cohort = made.cohort(&parameters, seed)?;
        let world = World::of(&cohort, &judged);
        for (stratum, touches) in crate::judge::red_floor(&world) {
            *run.red_floor.entry(stratum).or_default() += touches;
        }
        for (stratum, (harm, of)) in crate::judge::harm_by_chance(&world) {
            let (all_harm, all) = run.harm_by_chance.entry(stratum).or_default();
            *all_harm += harm;
            *all += of;
        }
        run.readings += u64::try_from(cohort.readings.len()).unwrap_or(0);
        let a = judge(&world, &comparators::play(Comparator::A, &judged, &cohort, 0), seed);
        let b = judge(&world, &comparators::play(Comparator::B, &judged, &cohort, 0), seed);
        let stream = ours::play(&cohort, &in_force)?;
        run.count(&cohort, &stream);
        let mut ours = judge(&world, &stream, seed);
        let without = run.without.clone();
        let has_protocol = |stratum: &Stratum| !without.contains(stratum);
        ours.figures.retain(|stratum, _| has_protocol(stratum));
        let missed = ours.outcomes.iter().zip(&a.outcomes).zip(&b.outcomes);
        for ((mine, a), b) in missed {
            run.found(&cohort, [mine, a, b]);
            let is_missed = mine.class == Class::E && mine.is_visible && mine.detected.is_none();
            if is_missed && has_protocol(&mine.stratum) {
                run.missed.extend(missed_episode(&cohort, mine, a, b));
            }
        }
        run.a.add(a);
        run.b.add(b);
        run.ours.add(ours);
        has_said(seed);
    }
    let covered = |outcomes: &[Outcome]| -> Vec<Outcome> {
        outcomes.iter().filter(|one| !run.without.contains(&one.stratum)).cloned().collect()
    };
    let (mine, a, b) = (covered(&run.ours.outcomes), covered(&run.a.outcomes), covered(&run.b.outcomes));
    run.paired = compare::compare(&mine, &[("A", &a), ("B", &b)]);
    run.ours.outcomes = mine;
    Ok(run)
}

impl Run {
    /// Counts our findings by rule.
    fn count(&mut self, cohort: &Cohort, stream: &Stream) {
        for alert in &stream.alerts {
            let Some(person) = cohort.person(alert.person) else { continue };
            let [shown, again, silenced] = self.by_rule.entry((person.stratum, alert.rule.clone())).or_default();
            let is_shown = alert.fate == Fate::Shown;
            *shown += u64::from(is_shown);
            *silenced += u64::from(!is_shown);
            *again += u64::try_from(alert.again.len()).unwrap_or(0);
        }
    }

    /// Counts an episode by its cause.
    fn found(&mut self, cohort: &Cohort, by: [&Outcome; 3]) {
        let [mine, ..] = by;
        let Some(label) = cohort.labels.get(mine.label).filter(|_| mine.is_visible) else { return };
        let counts = self.by_cause.entry((mine.stratum, label.cause.clone())).or_default();
        let found = by.map(|one| u64::from(one.detected.is_some()));
        for (count, found) in counts.iter_mut().zip([1].into_iter().chain(found)) {
            *count += found;
        }
    }
}

fn missed_episode(cohort: &Cohort, mine: &Outcome, a: &Outcome, b: &Outcome) -> Option<Missed> {
    let label = cohort.labels.get(mine.label)?;
    let visible = label.first_visible?;
    let is_of_it = |(_, reading): &(u32, &Reading)| (label.onset..=visible.latest_useful).contains(&reading.taken);
    let line = |(_, reading): (u32, &Reading)| {
        let hours = (reading.taken - label.onset) / 360;
        let numbers = reading.kind.signals().iter().zip(reading.values);
        let numbers: Vec<String> = numbers
            .map(|(signal, milli)| format!("{} {}.{}", signal.name(), milli / 1000, milli % 1000 / 100))
            .collect();
        format!("{}.{} h: {}", hours / 10, hours % 10, numbers.join(", "))
    };
    let found_by = [("A", a), ("B", b)].into_iter().filter(|(_, one)| one.detected.is_some()).map(|(name, _)| name);
    Some(Missed {
        person: cohort.person(label.person)?.pseudonym.clone(),
        cause: label.cause.clone(),
        found_by: found_by.collect(),
        readings: cohort.readings_of(label.person).filter(is_of_it).take(MISSED_READINGS_MAX).map(line).collect(),
    })
}

/// One point of the curve: touches a hundred monitored days against the share of U and R episodes detected.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// The service.
    pub service: &'static str,
    /// Where.
    pub stratum: Stratum,
    /// The setting: tenths of the way towards usual values for A and B, steps of the protocol's bounds for ours.
    pub setting: i64,
    /// Touches a hundred monitored days.
    pub touches: f64,
    /// Share detected, in per cent.
    pub detected: f64,
}

/// The settings of the curve: fewer alerts to more.
pub const SETTINGS: [i64; 5] = [-2, -1, 0, 1, 2];

/// Sweeps the one sensitivity setting of each service over the same seeds.
///
/// # Errors
/// As [`run`].
pub fn curve(seeds: RangeInclusive<u64>, made: Made, meant: &Meant) -> Result<Vec<Point>, NotRun> {
    let parameters = parameters(made.stress)?;
    let judged = Judged::read(thresholds::FILE, parameters.causes())?;
    let mut came: BTreeMap<(&'static str, i64), Came> = BTreeMap::new();
    let in_force = |steps| InForce::new(&Meant { steps, ..meant.clone() });
    let ours: Vec<(i64, InForce)> =
        SETTINGS.into_iter().map(|steps| Ok((steps, in_force(steps)?))).collect::<Result<_, NotPlayed>>()?;
    for seed in seeds {
        let cohort = made.cohort(&parameters, seed)?;
        let world = World::of(&cohort, &judged);
        for (setting, in_force) in &ours {
            let by = |comparator| comparators::play(comparator, &judged, &cohort, setting * 100);
            let streams: [(&'static str, Stream); 3] =
                [("A", by(Comparator::A)), ("B", by(Comparator::B)), ("ours", ours::play(&cohort, in_force)?)];
            for (service, stream) in streams {
                came.entry((service, *setting)).or_default().add(judge(&world, &stream, seed));
            }
        }
    }
    let mut points = Vec::new();
    for ((service, setting), came) in came {
        for (stratum, figures) in &came.figures {
            let mut all = Figures::default();
            figures.iter().for_each(|one| all.add(one));
            let touches = crate::judge::limits::per_hundred(all.clinical + all.welfare, all.monitored_days);
            let (_, detected, _) = compare::detection(&came.outcomes, |one| one.stratum == *stratum);
            points.push(Point { service, stratum: *stratum, setting, touches, detected });
        }
    }
    Ok(points)
}

/// Our rules as they are, and with one family of operators off at a time.
///
/// # Errors
/// As [`run`].
pub fn ablation(
    seeds: RangeInclusive<u64>,
    made: Made,
    meant: &Meant,
    has_said: impl Fn(u64),
) -> Result<Vec<(Option<Family>, Came)>, NotRun> {
    let parameters = parameters(made.stress)?;
    let judged = Judged::read(thresholds::FILE, parameters.causes())?;
    let variants = [None].into_iter().chain(Family::ALL.map(Some));
    let variants = variants.map(|without| Ok((without, InForce::new(&Meant { without, ..meant.clone() })?)));
    let variants: Vec<(Option<Family>, InForce)> = variants.collect::<Result<_, NotPlayed>>()?;
    let mut all: Vec<(Option<Family>, Came)> =
        variants.iter().map(|(without, _)| (*without, Came::default())).collect();
    for seed in seeds {
        let cohort = made.cohort(&parameters, seed)?;
        let world = World::of(&cohort, &judged);
        for ((_, in_force), (_, came)) in variants.iter().zip(&mut all) {
            came.add(judge(&world, &ours::play(&cohort, in_force)?, seed));
        }
        has_said(seed);
    }
    Ok(all)
}

/// Judges a service's alert lines over the cohort of one seed.
///
/// # Errors
/// [`NotRun::Lines`] where a line is not in its form.
pub fn judge_lines(text: &str, made: Made, seed: u64) -> Result<Came, NotRun> {
    let parameters = parameters(made.stress)?;
    let judged = Judged::read(thresholds::FILE, parameters.causes())?;
    let cohort = made.cohort(&parameters, seed)?;
    let stream = crate::lines::read(text, &cohort)?;
    let mut came = Came::default();
    came.add(judge(&World::of(&cohort, &judged), &stream, seed));
    Ok(came)
}

/// A cohort of a run.
///
/// # Errors
/// [`NotRun::Parameters`] where parameters do not read.
pub fn cohort(made: Made, seed: u64) -> Result<Cohort, NotRun> {
    Ok(made.cohort(&parameters(made.stress)?, seed)?)
}
