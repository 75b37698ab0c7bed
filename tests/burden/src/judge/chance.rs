//! Luck removed: what another person's alerts of the same pathway would have detected.

use super::{
    Clause, World,
    detect::{Outcome, Said, labels_by_person, matched, said},
};
use crate::{
    cohort::{Label, Stratum},
    lines::Stream,
    rng::Rng,
};
use std::collections::BTreeMap;

/// How often alerts are exchanged at random.
pub(super) const EXCHANGES: u32 = 10;

/// Counts, for each episode, in how many exchanges somebody else's alerts would have detected it.
pub(super) fn exchange(world: &World, stream: &Stream, good: &[usize], outcomes: &mut [Outcome], seed: u64) {
    let said = said(stream, good);
    let nothing = Said::default();
    let labels = labels_by_person(world);
    for exchange in 0..EXCHANGES {
        let other = others(world, &mut Rng::of(seed, &[6, exchange.into()]));
        for (person, labels) in &labels {
            let only: Vec<&Label> = labels.iter().map(|(_, label)| *label).collect();
            let theirs = if world.asks(Clause::AnotherPersons) { other.get(person) } else { Some(person) };
            let Some(theirs) = theirs else { continue };
            let found = matched(world, stream, &only, said.get(theirs).unwrap_or(&nothing));
            for ((place, _), found) in labels.iter().zip(found) {
                if let Some(outcome) = outcomes.get_mut(*place)
                    && found.is_some()
                {
                    outcome.by_luck += 1;
                }
            }
        }
    }
}

/// Another person of the same stratum for everybody: never themselves. Nobody, where a stratum is one person.
fn others(world: &World, rng: &mut Rng) -> BTreeMap<u32, u32> {
    let mut by_stratum: BTreeMap<Stratum, Vec<u32>> = BTreeMap::new();
    for (number, someone) in (0..).zip(&world.people) {
        by_stratum.entry(someone.stratum).or_default().push(number);
    }
    let mut other = BTreeMap::new();
    for people in by_stratum.values_mut().filter(|people| people.len() > 1) {
        for place in (1..people.len()).rev() {
            let with = rng.below(i64::try_from(place + 1).unwrap_or(1));
            people.swap(place, usize::try_from(with).unwrap_or(0));
        }
        // In a ring of random order, everybody gets the alerts of the next.
        let next = people.iter().cycle().skip(1);
        other.extend(people.iter().copied().zip(next.copied()));
    }
    other
}
