//! What is in force: the packs that judge, and the channels that tell.

use crate::{job::Channel, pack::ActivePack, state::RuleKey};
use std::collections::{BTreeMap, btree_map::Entry};
use thiserror::Error;
use vitals::Kind;

/// Most packs in force at once: several for every long-term condition there is a protocol for.
pub const PACKS_MAX: usize = 256;

/// What is in force: the packs that judge, and the channels that tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    packs: Vec<ActivePack>,
    channels: Vec<Channel>,
}

/// Why packs cannot be in force together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanRefused {
    /// Two rules would share one memory of each person.
    #[error("put protocols in force: the rules {one} and {other} have one key: rename one, or its pack")]
    OneKey {
        /// One of them, as pack/rule.
        one: String,
        /// The other.
        other: String,
    },
    /// More than [`PACKS_MAX`].
    #[error("put protocols in force: there are {0}, and at most {PACKS_MAX} may be")]
    TooMany(usize),
}

impl Plan {
    /// Puts packs in force, together with the channels a raised alert goes down.
    ///
    /// # Errors
    /// [`PlanRefused`] where two rules have one [`RuleKey`], as those of a pack given twice do, or there are too many packs.
    ///
    /// ```
    /// use rules::{Channel, Plan, pack::demo_pack};
    /// let demo = demo_pack().unwrap();
    /// assert!(Plan::new(vec![demo.clone()], vec![Channel::Console]).is_ok());
    /// assert!(Plan::new(vec![demo.clone(), demo], vec![Channel::Console]).is_err());
    /// ```
    pub fn new(packs: Vec<ActivePack>, channels: Vec<Channel>) -> Result<Self, PlanRefused> {
        if packs.len() > PACKS_MAX {
            return Err(PlanRefused::TooMany(packs.len()));
        }
        let of_pack = |active: &ActivePack| {
            let pack = active.pack();
            pack.rules.iter().map(|rule| (rule.key, format!("{}/{}", pack.id, rule.id))).collect::<Vec<_>>()
        };
        each_its_own(packs.iter().flat_map(of_pack))?;
        Ok(Self { packs, channels })
    }

    /// Nobody judges; technical alerts are told all the same.
    pub(super) fn without_packs(channels: Vec<Channel>) -> Self {
        Self { packs: Vec::new(), channels }
    }

    /// The packs that judge.
    #[must_use]
    pub fn packs(&self) -> &[ActivePack] {
        &self.packs
    }

    /// The channels a raised alert goes down.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// How many rules there are on a measure, in all packs.
    pub(super) fn rules_on(&self, kind: Kind) -> usize {
        self.packs.iter().map(|active| active.count_on(kind)).sum()
    }
}

/// Refuses two rules with one key.
fn each_its_own(rules: impl Iterator<Item = (RuleKey, String)>) -> Result<(), PlanRefused> {
    let mut seen = BTreeMap::new();
    for (key, name) in rules {
        match seen.entry(key) {
            Entry::Vacant(free) => {
                free.insert(name);
            }
            Entry::Occupied(taken) => return Err(PlanRefused::OneKey { one: taken.get().clone(), other: name }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::demo_pack;

    /// No two names with one key are known, so the check is given what it would meet.
    #[test]
    fn two_rules_with_one_key_are_never_in_force_together() {
        let rule = |key: u8, name: &str| (RuleKey::from_bytes([key; 8]), name.to_owned());
        assert_eq!(each_its_own([rule(1, "a/red"), rule(2, "b/red")].into_iter()), Ok(()));
        let refused = each_its_own([rule(1, "a/red"), rule(2, "b/red"), rule(1, "c/red")].into_iter());
        assert_eq!(refused, Err(PlanRefused::OneKey { one: "a/red".into(), other: "c/red".into() }));
    }

    #[test]
    fn a_plan_has_a_limit() {
        let packs = vec![demo_pack().unwrap(); PACKS_MAX + 1];
        assert_eq!(Plan::new(packs, Vec::new()), Err(PlanRefused::TooMany(PACKS_MAX + 1)));
    }
}
