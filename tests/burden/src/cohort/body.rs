//! The true course of one body: what is usual, how it varies from day to day, and what an episode does to it.

use super::{Person, Signal, course::Episode};
use crate::{
    calendar::DAY,
    parameters::{NotParameters, Parameters},
    rng::Rng,
};

/// One person's body over the days of the cohort.
#[derive(Debug)]
pub(crate) struct Body {
    base: [Option<i64>; 11],
    /// How far each day is from what is usual, by signal.
    days: Vec<[i64; 11]>,
    reading_sd: [i64; 11],
    lowest_glucose: i64,
    episodes: Vec<Episode>,
    /// Whether deviations of readings are those of the second generator.
    is_of_second: bool,
}

impl Body {
    pub(super) fn new(
        parameters: &Parameters,
        person: &Person,
        episodes: Vec<Episode>,
        days: i64,
        rng: &mut Rng,
    ) -> Result<Self, NotParameters> {
        let kept = parameters.milli("noise.kept_overnight")?;
        // What is new each day, so that the deviation of all days stays the one asked for: the root of 1 - kept squared.
        let new = (100_000 * 100_000 - kept * kept).isqrt();
        let (mut base, mut day_sd, mut reading_sd) = ([None; 11], [0; 11], [0; 11]);
        for (((signal, base), day), reading) in Signal::ALL.iter().zip(&mut base).zip(&mut day_sd).zip(&mut reading_sd)
        {
            *base = person.usual(*signal);
            if *signal == Signal::Saturation && person.reads_high {
                *base = base.map(|shown| shown - parameters.milli("oximeter_high.by").unwrap_or_default());
            }
            *day = parameters.milli(&format!("noise.{}.day_sd", signal.name()))?;
            *reading = parameters.milli(&format!("noise.{}.reading_sd", signal.name()))?;
        }
        let mut last = [0; 11];
        let mut all = Vec::new();
        for _ in 0..days {
            for (deviation, sd) in last.iter_mut().zip(day_sd) {
                *deviation = (*deviation * kept + rng.normal(sd) * new) / 100_000;
            }
            all.push(last);
        }
        let lowest_glucose = parameters.milli("glucose.lowest_when_well")?;
        Ok(Self { base, days: all, reading_sd, lowest_glucose, episodes, is_of_second: false })
    }

    /// The same with the deviations of the second generator.
    pub(super) fn of_second(self, days: Vec<[i64; 11]>) -> Self {
        Self { days, is_of_second: true, ..self }
    }

    pub(crate) fn episodes(&self) -> &[Episode] {
        &self.episodes
    }

    /// The episode that is on at a moment, and how far it has come, in thousandths of its peak.
    pub(super) fn episode(&self, at: i64) -> Option<(&Episode, i64)> {
        let after = self.episodes.partition_point(|episode| episode.onset <= at);
        let episode = self.episodes.get(after.checked_sub(1)?)?;
        let share = episode.share(at);
        (share > 0).then_some((episode, share))
    }

    /// A number of the body at a moment: as it is, with what varies from one measurement to the next.
    pub(super) fn at(&self, signal: Signal, day: i64, at: i64, rng: &mut Rng) -> Option<i64> {
        let place = Signal::ALL.iter().position(|one| *one == signal)?;
        let base = self.base.get(place).copied().flatten()?;
        let today = usize::try_from(day).ok().and_then(|day| self.days.get(day)).or(self.days.last());
        let drift = today.and_then(|today| today.get(place)).copied().unwrap_or_default();
        let sd = self.reading_sd.get(place).copied().unwrap_or_default();
        let varies = if self.is_of_second { super::second::deviation(sd, rng) } else { rng.normal(sd) };
        let well = self.kept_in_bounds(signal, base + drift + varies);
        Some(self.with_episode(signal, well, at))
    }

    /// What an episode makes of a number that was well.
    pub(super) fn with_episode(&self, signal: Signal, well: i64, at: i64) -> i64 {
        let Some((episode, share)) = self.episode(at) else { return well };
        match episode.peak(signal) {
            Some(super::course::Peak::By(by)) => well + by * share / 1000,
            Some(super::course::Peak::To(to)) => well + (to - well) * share / 1000,
            None => well,
        }
    }

    /// Chance alone makes nobody ill: a low glucose is an episode with a label, or a wrong measurement.
    pub(super) fn kept_in_bounds(&self, signal: Signal, value: i64) -> i64 {
        if signal == Signal::Glucose {
            value.max(self.lowest_glucose)
        } else if signal == Signal::Saturation {
            // Nobody is saturated beyond full: an oximeter shows 99.
            value.min(99_400)
        } else {
            value.max(0)
        }
    }

    /// What is usual of a signal in the body, where the person has it.
    pub(super) fn base(&self, signal: Signal) -> Option<i64> {
        Signal::ALL.iter().position(|one| *one == signal).and_then(|place| self.base.get(place).copied().flatten())
    }
}

/// Seconds from hours in thousandths.
pub(super) fn hours(milli: i64) -> i64 {
    milli * (DAY / 24) / 1000
}
