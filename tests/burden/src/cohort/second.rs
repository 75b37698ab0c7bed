//! The second generator: the same people, devices and lines, and bodies of another make. It judges what was tuned on the
//! first.
//!
//! Where the first has curves, this has steps: somebody is well in two stages that each last by chance, then ill in levels
//! that each last by chance, may turn back on the way up, and may relapse soon after. How ill is drawn for each episode.
//! Deviations from day to day stay and jump, and are another at weekends; from reading to reading they have heavy tails.
//! Rates, lengths and standard deviations are the rows of `cohort.toml`: only the structure is another.

use super::{
    Person, Signal, Stratum,
    body::Body,
    course::{Causes, Course, Episode, holidays, pause},
};
use crate::{
    calendar::{Calendar, DAY},
    parameters::{NotParameters, Parameters},
    rng::Rng,
};

/// The levels of an illness, in thousandths of its worst.
const LEVELS: [i64; 3] = [350, 700, 1000];

/// Chances in 100,000 that an illness at its second level turns back to the first.
const TURNS_BACK: i64 = 15_000;

/// Turns back at most so often.
const TURNS_MAX: u32 = 2;

/// Chances in 100,000 that somebody who has been ill is soon ill again, and within how many days on average.
const RELAPSE: (i64, i64) = (15_000, 10);

/// How ill: from and to, in thousandths of the first generator's peak.
const SEVERITY: (i64, i64) = (750, 1350);

/// Chances in 100,000 that a day's deviation jumps.
const JUMPS: i64 = 30_000;

/// What a weekend adds, in thousandths of a day's standard deviation.
const WEEKEND: i64 = 400;

/// Chances in 100,000 of a wide deviation of one reading, and how wide it and the others are, in thousandths.
const TAIL: (i64, i64, i64) = (10_000, 2_200, 800);

/// Of how many trials a length by chance is made.
const TRIALS: i64 = 8;

/// A length by chance with about this mean: so many trials until one in [`TRIALS`] comes true, never more than five means.
fn lasts(mean: i64, rng: &mut Rng) -> i64 {
    let mut trials = 1;
    while trials < 5 * TRIALS && rng.below(TRIALS) != 0 {
        trials += 1;
    }
    (mean * trials / TRIALS).max(60)
}

/// Days until somebody falls ill whose chances on a day are these, in 100,000: two stages in a row.
fn well_for(rate: i64, rng: &mut Rng) -> i64 {
    if rate <= 0 { i64::from(i32::MAX) } else { lasts(50_000 * DAY / rate, rng) + lasts(50_000 * DAY / rate, rng) }
}

/// Which cause, by their rates.
fn drawn<'a>(causes: &'a Causes, stratum: usize, total: i64, rng: &mut Rng) -> Option<(usize, &'a Course)> {
    let mut left = rng.below(total);
    causes.all().iter().enumerate().find(|(_, cause)| {
        left -= cause.rate(stratum);
        left < 0
    })
}

/// Level after level: when each begins and how far it is, and when the worst is over.
fn steps(cause: &Course, onset: i64, rng: &mut Rng) -> (Vec<(i64, i64)>, i64) {
    let [first, second, third] = LEVELS;
    let (rises, stays, falls) = cause.lengths();
    let mut steps = vec![(onset, first)];
    let mut at = onset + lasts(rises / 2, rng);
    for _ in 0..TURNS_MAX {
        steps.push((at, second));
        at += lasts(rises / 2, rng);
        if !rng.chance(TURNS_BACK) {
            break;
        }
        steps.push((at, first));
        at += lasts(rises / 2, rng);
    }
    steps.push((at, third));
    let peak_ends = at + lasts(stays.max(900), rng);
    let half_way = peak_ends + lasts(falls / 2, rng);
    steps.extend([(peak_ends, second), (half_way, first), (half_way + lasts(falls / 2, rng), 0)]);
    (steps, peak_ends)
}

/// One person's episodes, in order, and on how many days they could have fallen ill. Marks the days their plan is paused.
pub(super) fn course(
    causes: &Causes,
    parameters: &Parameters,
    person: &mut Person,
    calendar: &Calendar,
    days: i64,
    rng: &mut Rng,
) -> Result<(Vec<Episode>, i64), NotParameters> {
    holidays(parameters, person, days, rng)?;
    let stratum = Stratum::ALL.iter().position(|one| *one == person.stratum).unwrap_or_default();
    let total: i64 = causes.all().iter().map(|cause| cause.rate(stratum)).sum();
    let admission = parameters.whole("admission.days")?;
    let (mut episodes, mut at_risk) = (Vec::new(), 0);
    // Nobody begins on the day they became well.
    let mut well_since = calendar.start(0);
    let mut onset = well_since + well_for(total, rng) * (1 + rng.below(1000)) / 1000;
    while calendar.day_of(onset) < days {
        if person.is_paused(calendar.day_of(onset)) {
            onset += DAY;
            continue;
        }
        at_risk += (onset - well_since) / DAY;
        let Some((number, cause)) = drawn(causes, stratum, total, rng) else { break };
        let (steps, peak_ends) = steps(cause, onset, rng);
        let worst = SEVERITY.0 + rng.below(SEVERITY.1 - SEVERITY.0);
        let felt = onset + (peak_ends - onset) * (500 + rng.below(500)) / 1000;
        let measures = rng.chance(cause.unplanned()).then_some(felt);
        let over = steps.last().map_or(peak_ends, |(at, _)| *at);
        episodes.push(Episode::of_steps(number, cause, onset, peak_ends, steps, worst, measures));
        if cause.ends_in_hospital() {
            pause(person, calendar.day_of(peak_ends) + 1, admission);
        }
        well_since = over;
        let (chance, within) = RELAPSE;
        let wait = if rng.chance(chance) { lasts(within * DAY, rng) } else { well_for(total, rng) };
        onset = over + wait.max(DAY);
    }
    at_risk += (calendar.start(days) - well_since).max(0) / DAY;
    Ok((episodes, at_risk))
}

/// How far each day is from what is usual: it stays, it jumps, and weekends are another.
pub(super) fn days(sd: [i64; 11], days: i64, rng: &mut Rng) -> Vec<[i64; 11]> {
    let mut stands = sd.map(|sd| rng.normal(sd));
    let mut all = Vec::new();
    for day in 0..days {
        for (deviation, sd) in stands.iter_mut().zip(sd) {
            if rng.chance(JUMPS) {
                *deviation = rng.normal(sd);
            }
        }
        let mut today = stands;
        // The first day is a Monday.
        if day % 7 >= 5 {
            for (deviation, sd) in today.iter_mut().zip(sd) {
                *deviation += sd * WEEKEND / 1000;
            }
        }
        all.push(today);
    }
    all
}

/// A deviation of one reading: mostly narrow, now and then wide.
pub(super) fn deviation(sd: i64, rng: &mut Rng) -> i64 {
    let (chance, wide, narrow) = TAIL;
    let times = if rng.chance(chance) { wide } else { narrow };
    rng.normal(sd * times / 1000)
}

/// The body of somebody.
pub(super) fn body(
    parameters: &Parameters,
    person: &Person,
    episodes: Vec<Episode>,
    length: i64,
    rng: &mut Rng,
) -> Result<Body, NotParameters> {
    let mut sd = [0; 11];
    for (sd, signal) in sd.iter_mut().zip(Signal::ALL) {
        *sd = parameters.milli(&format!("noise.{}.day_sd", signal.name()))?;
    }
    Ok(Body::new(parameters, person, episodes, length, &mut rng.clone())?.of_second(days(sd, length, rng)))
}
