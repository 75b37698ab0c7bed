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
    /// The nearer place has the later word.
    fn of(care: &'a Care, name: &str) -> Self {
        let mut standing = Self::default();
        let of_name = care.places.iter().flat_map(|plan| &plan.packs).filter(|at| at.pack.as_str() == name);
        for at in of_name {
            let hash = Some(&at.content_hash);
            match at.stage {
                Stage::Active => standing.active = hash,
                Stage::Shadow => standing.shadow = hash,
                Stage::Retired => {
                    standing.active = standing.active.filter(|known| Some(*known) != hash);
                    standing.shadow = standing.shadow.filter(|known| Some(*known) != hash);
                }
            }
        }
        // What is in force needs no trial.
        standing.shadow = standing.shadow.filter(|_| standing.shadow != standing.active);
        standing
    }
}

impl ByPlan {
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
