//! What is in force: the packs that judge, and the channels that tell.

use crate::{
    job::Channel,
    pack::{ActivePack, Need, Pack, Settings},
    state::{RuleKey, SeriesKey},
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};
use thiserror::Error;
use vitals::Kind;

/// Most packs in force at once: several for every long-term condition there is a protocol for.
pub const PACKS_MAX: usize = 256;

/// What is in force: the packs that judge, and the channels that tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    packs: Arc<Vec<ActivePack>>,
    channels: Vec<Channel>,
    /// What is kept of the readings of each measure, for all packs: each list once, for as long as any of them wants.
    keeps: Arc<BTreeMap<Kind, Vec<Need>>>,
    settings: Settings,
    is_unwatched: bool,
}

/// Most that the rules on one measure may cost, as the budget of a decision counts: one reading is then never more than an
/// eighth of it.
pub const COST_MAX: usize = 1_000_000;

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
    /// More than [`COST_MAX`].
    #[error(
        "put protocols in force: their rules on one measure cost {0}, and at most {COST_MAX} may be: look back less often"
    )]
    TooCostly(usize),
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
        let cost = |kind: &Kind| packs.iter().map(|active| active.cost_on(*kind)).sum::<usize>();
        if let Some(cost) = Kind::ALL.iter().map(cost).find(|cost| *cost > COST_MAX) {
            return Err(PlanRefused::TooCostly(cost));
        }
        let keeps = Arc::new(keeps(&packs));
        Ok(Self { packs: Arc::new(packs), channels, keeps, settings: Settings::default(), is_unwatched: false })
    }

    /// The same of packs that nobody has approved: for back-tests over readings of the past. A service judges by approved packs
    /// only, and takes no plan from here.
    ///
    /// # Errors
    /// [`PlanRefused`] as [`Plan::new`].
    pub fn for_backtest(packs: Vec<Pack>, channels: Vec<Channel>) -> Result<Self, PlanRefused> {
        Self::new(packs.into_iter().map(|pack| ActivePack::of(pack, Vec::new())).collect(), channels)
    }

    /// The same for somebody for whom parameters are set otherwise.
    #[must_use]
    pub fn with(&self, settings: Settings) -> Self {
        Self { settings, ..self.clone() }
    }

    /// The same for somebody whose readings no protocol judges although there are some: whoever keeps the service hears of it.
    #[must_use]
    pub fn unwatched(self) -> Self {
        Self { is_unwatched: true, ..self }
    }

    pub(super) fn is_unwatched(&self) -> bool {
        self.is_unwatched
    }

    /// What is set otherwise than the packs have it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What is kept of the readings of a measure.
    pub(super) fn keeps_of(&self, kind: Kind) -> &[Need] {
        self.keeps.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Nobody judges; technical alerts are told all the same.
    pub(super) fn without_packs(channels: Vec<Channel>) -> Self {
        Self { channels, ..Self::default() }
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

    /// What asking the rules on a measure costs, in all packs.
    pub(super) fn cost_on(&self, kind: Kind) -> usize {
        self.packs.iter().map(|active| active.cost_on(kind)).sum()
    }
}

/// What all packs want kept, by measure: each list once, for the longest that anybody wants it.
fn keeps(packs: &[ActivePack]) -> BTreeMap<Kind, Vec<Need>> {
    let mut by_key: BTreeMap<SeriesKey, Need> = BTreeMap::new();
    for need in packs.iter().flat_map(|active| &active.pack().rules).flat_map(|rule| &rule.needs) {
        let kept = by_key.entry(need.key).or_insert_with(|| need.clone());
        kept.span = kept.span.max(need.span);
    }
    let mut by_kind: BTreeMap<Kind, Vec<Need>> = BTreeMap::new();
    for need in by_key.into_values() {
        by_kind.entry(need.item.kind()).or_default().push(need);
    }
    by_kind
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
    use crate::pack::{Pack, RULES_MAX, demo_pack};

    /// No two names with one key are known, so the check is given what it would meet.
    #[test]
    fn two_rules_with_one_key_are_never_in_force_together() {
        let rule = |key: u8, name: &str| (RuleKey::from_bytes([key; 8]), name.to_owned());
        assert_eq!(each_its_own([rule(1, "a/red"), rule(2, "b/red")].into_iter()), Ok(()));
        let refused = each_its_own([rule(1, "a/red"), rule(2, "b/red"), rule(1, "c/red")].into_iter());
        assert_eq!(refused, Err(PlanRefused::OneKey { one: "a/red".into(), other: "c/red".into() }));
    }

    /// As many of the dearest rules as a pack holds, and one pack more than may be in force.
    #[test]
    fn what_a_plan_may_cost_has_a_limit() {
        let leaf = "{ mean = \"weight\", over = \"1d\", above = 1 }, ".repeat(20);
        let rule = |number: usize| {
            format!(
                "[[rule]]\nid = \"r{number}\"\ntitle = \"R\"\nharm = \"minor\"\nonset = \"delayed\"\nwhen = {{ any = [{leaf}] }}\n\
                 clear = {{ count = 1, when = {{ latest = \"weight\", below = 1 }} }}\nactionable_for = \"1d\"\n\
                 raise_again_after = \"1d\"\nclinician_message = \"m\"\n"
            )
        };
        let rules: String = (0..RULES_MAX).map(rule).collect();
        let active = |number: usize| {
            let head = "version = \"1\"\ntitle = \"P\"\nengine_min = 2\n[[pack.sources]]\nref = \"invented\"\n[message.m]\nen = \"m\"\n";
            let pack = Pack::read(&format!("[pack]\nid = \"p{number}\"\n{head}{rules}")).unwrap();
            let people = [("author", "A"), ("clinical_lead", "B"), ("safety_officer", "C")]
                .map(|(role, name)| format!("[[approval]]\nrole = \"{role}\"\nname = \"{name}\"\n"))
                .concat();
            let hash = pack.content_hash.clone();
            let signed = format!(
                "pack = \"p{number}\"\nversion = \"1\"\ncontent_hash = \"{hash}\"\nstatus = \"approved\"\n{people}"
            );
            ActivePack::new(pack, &signed).unwrap()
        };
        let cost = active(0).cost_on(Kind::Weight);
        let fits = COST_MAX / cost;
        assert!(Plan::new((0..fits).map(active).collect(), Vec::new()).is_ok());
        let refused = Plan::new((0..=fits).map(active).collect(), Vec::new());
        assert_eq!(refused, Err(PlanRefused::TooCostly(cost * (fits + 1))));
    }

    #[test]
    fn a_plan_has_a_limit() {
        let packs = vec![demo_pack().unwrap(); PACKS_MAX + 1];
        assert_eq!(Plan::new(packs, Vec::new()), Err(PlanRefused::TooMany(PACKS_MAX + 1)));
    }
}
