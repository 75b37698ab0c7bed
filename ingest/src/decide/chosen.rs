//! Which protocols judge a person: those that their care plan names, as far as their places have them in force or on trial.

use super::{ByPlan, WithoutPlan};
use crate::store::Care;
use register::Stage;
use rules::pack::{Override, Pack};
use vitals::bounded::Text;

/// A protocol that judges somebody, by its place among those that are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Chosen {
    pub(super) place: usize,
    pub(super) is_on_trial: bool,
}

/// How far a name is for somebody: at most one version is in force, and one on trial.
#[derive(Debug, Default, Clone, Copy)]
struct Standing<'a> {
    active: Option<&'a Text<64>>,
    shadow: Option<&'a Text<64>>,
}

impl<'a> Standing<'a> {
    /// The nearer place has the later word; what it withdraws is withdrawn of every place behind it, and of no version else.
    fn of(care: &'a Care, name: &str) -> Self {
        let mut standing = Self::default();
        let mut retired: Vec<&Text<64>> = Vec::new();
        for plan in care.places.iter().rev() {
            let of_name = || plan.packs.iter().filter(|at| at.pack.as_str() == name);
            let at_stage = |stage: Stage| of_name().filter(move |at| at.stage == stage).map(|at| &at.content_hash);
            retired.extend(at_stage(Stage::Retired));
            standing.active = standing.active.or_else(|| at_stage(Stage::Active).rfind(|hash| !retired.contains(hash)));
            standing.shadow = standing.shadow.or_else(|| at_stage(Stage::Shadow).rfind(|hash| !retired.contains(hash)));
        }
        // What is in force needs no trial.
        standing.shadow = standing.shadow.filter(|_| standing.shadow != standing.active);
        standing
    }
}

impl ByPlan {
    /// A protocol that judges the person in a version that is not here: their place says so, and nobody can.
    pub(super) fn not_here<'a>(&self, care: &'a Care) -> Option<&'a str> {
        let named = care.plan.iter().flat_map(|plan| &plan.packs).map(Text::as_str);
        let is_here = |hash: &str| self.packs().any(|pack| pack.pack().content_hash == hash);
        let is_missing = |name: &&str| Standing::of(care, name).active.is_some_and(|hash| !is_here(hash.as_str()));
        named.into_iter().find(is_missing)
    }

    pub(super) fn chosen(&self, care: &Care, overrides: &[Override]) -> Vec<Chosen> {
        let Some(plan) = &care.plan else {
            let everything = match self.without_plan {
                WithoutPlan::Judged => self.packs.len(),
                WithoutPlan::NotJudged => 0,
            };
            return (0..everything).map(|place| Chosen { place, is_on_trial: false }).collect();
        };
        let mut chosen = Vec::new();
        for (place, pack) in self.packs().map(rules::ActivePack::pack).enumerate() {
            if plan.packs.iter().all(|name| name.as_str() != pack.id) {
                continue;
            }
            let standing = Standing::of(care, &pack.id);
            let is_it = |hash: Option<&Text<64>>| hash.is_some_and(|hash| hash.as_str() == pack.content_hash);
            if is_it(standing.active) {
                chosen.push(Chosen { place, is_on_trial: false });
            }
            // A trial never keeps what is in force from judging.
            if is_it(standing.shadow) && takes(pack, overrides) {
                chosen.push(Chosen { place, is_on_trial: true });
            }
        }
        chosen
    }
}

fn takes(pack: &Pack, overrides: &[Override]) -> bool {
    overrides.iter().filter(|one| one.pack == pack.id).all(|one| one.check(pack).is_ok())
}
