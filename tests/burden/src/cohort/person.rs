//! Who is in the cohort: what is known of each, and what only the cohort knows.

use super::{Signal, Stratum};
use crate::{
    parameters::{NotParameters, Parameters},
    rng::Rng,
};

/// One person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their place in the cohort.
    pub number: u32,
    /// Their pseudonym: `pt-SEED-STRATUM-NUMBER`.
    pub pseudonym: String,
    /// Care level and condition.
    pub stratum: Stratum,
    /// Years.
    pub age: i64,
    /// On oxygen.
    pub on_oxygen: bool,
    /// A clinician recorded a target of 88 to 92%.
    pub scale_2: bool,
    /// The hub they measure at; shared where another has the same.
    pub hub: u32,
    /// Whether others measure at the same hub.
    pub shares_hub: bool,
    /// Whether a device's clock is wrong.
    pub wrong_clock: bool,
    /// Whether their oximeter reads 2 high.
    pub reads_high: bool,
    /// Chance of a sitting on a day without a lapse, in thousandths of a per cent.
    pub adherence: i64,
    /// In the lowest third of adherence of the stratum.
    pub is_least_adherent: bool,
    /// What is usual for them by their own devices, in thousandths; what a clinician writes on the plan.
    usual: [Option<i64>; 11],
    /// Days on which their plan is paused: on holiday or in hospital.
    pub paused: Vec<bool>,
}

impl Person {
    /// What is usual for them by their own devices, in thousandths of the unit.
    #[must_use]
    pub fn usual(&self, signal: Signal) -> Option<i64> {
        Signal::ALL.iter().position(|one| *one == signal).and_then(|at| self.usual.get(at).copied().flatten())
    }

    /// Whether their plan is paused on a day.
    #[must_use]
    pub fn is_paused(&self, day: i64) -> bool {
        usize::try_from(day).ok().and_then(|day| self.paused.get(day)).copied().unwrap_or(true)
    }
}

/// Everybody of a seed.
pub(super) fn everybody(parameters: &Parameters, seed: u64) -> Result<Vec<Person>, NotParameters> {
    let days = usize::try_from(parameters.whole("days")?).unwrap_or_default();
    let mut people = Vec::new();
    let mut hub = 0;
    for stratum in Stratum::ALL {
        let name = stratum.name();
        let first = people.len();
        let is_home = stratum == Stratum::CareHome;
        let together =
            parameters.whole(if is_home { "care_home.beds_per_hub" } else { "shared_hub.people_at_home" })?;
        let (mut beds_left, mut shares_hub) = (0, false);
        for _ in 0..parameters.whole(&format!("people.{name}"))? {
            let number = u32::try_from(people.len()).unwrap_or(u32::MAX);
            let mut rng = Rng::of(seed, &[1, number.into()]);
            if beds_left == 0 {
                hub += 1;
                shares_hub = rng.chance(parameters.milli(&format!("shared_hub.{name}"))?);
                beds_left = if shares_hub { together } else { 1 };
            }
            beds_left -= 1;
            let has = |id: &str, rng: &mut Rng| {
                parameters.maybe(&format!("{id}.{name}")).is_some_and(|rate| rng.chance(rate))
            };
            let mean = |id: &str| parameters.milli(&format!("{id}.{name}.mean"));
            let age = mean("age")? + rng.normal(parameters.milli(&format!("age.{name}.sd"))?);
            let adherence = mean("adherence")? + rng.normal(parameters.milli("adherence.sd")?);
            let reads_high = rng.chance(parameters.milli("oximeter_high.rate")?);
            let (scale_2, on_oxygen) = (has("scale_2", &mut rng), has("on_oxygen", &mut rng));
            people.push(Person {
                number,
                pseudonym: format!("pt-{seed}-{}-{number}", name.replace('_', "-")),
                stratum,
                age: (age / 1000).clamp(18, 104),
                on_oxygen,
                scale_2,
                hub,
                shares_hub,
                wrong_clock: rng.chance(parameters.milli("wrong_clock.rate")?),
                reads_high,
                adherence: adherence.clamp(20_000, 99_000),
                is_least_adherent: false,
                usual: usual(parameters, name, reads_high, scale_2, &mut rng)?,
                paused: vec![false; days],
            });
        }
        // Somebody who is alone at a hub made for two does not share it.
        if shares_hub
            && beds_left == together - 1
            && let Some(last) = people.last_mut()
        {
            last.shares_hub = false;
        }
        if let Some(of_stratum) = people.get_mut(first..) {
            mark_the_lowest_third(of_stratum);
        }
    }
    Ok(people)
}

fn mark_the_lowest_third(people: &mut [Person]) {
    let mut sorted: Vec<i64> = people.iter().map(|person| person.adherence).collect();
    sorted.sort_unstable();
    let third = sorted.get(sorted.len() / 3).copied().unwrap_or_default();
    for person in people {
        person.is_least_adherent = person.adherence < third;
    }
}

/// What is usual for a person by their own devices. A target of 88 to 92% goes with a usual value in it.
fn usual(
    parameters: &Parameters,
    stratum: &str,
    reads_high: bool,
    scale_2: bool,
    rng: &mut Rng,
) -> Result<[Option<i64>; 11], NotParameters> {
    let mut usual = [None; 11];
    for (place, signal) in usual.iter_mut().zip(Signal::ALL) {
        let Some(mean) = parameters.maybe(&format!("base.{stratum}.{}.mean", signal.name())) else { continue };
        let value = mean + rng.normal(parameters.milli(&format!("base.{stratum}.{}.sd", signal.name()))?);
        *place = Some(if signal == Signal::Saturation {
            let high = if reads_high { parameters.milli("oximeter_high.by")? } else { 0 };
            let within = if scale_2 { value.clamp(88_500, 91_500) } else { value.clamp(88_000, 98_500) };
            within + high
        } else {
            value
        });
    }
    Ok(usual)
}
