//! Which protocols judge a person: those that their care plan names, as far as their places have them in force or on trial.

use super::{ByPlan, Unusable, WithoutPlan};
use crate::store::Care;
use register::Stage;
use rules::{
    ActivePack,
    pack::{Override, Pack},
};
use vitals::bounded::Text;

/// A protocol that judges somebody, by its place among those that are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// What judges somebody, in the order of the protocols here.
    ///
    /// # Errors
    /// [`Unusable::NotHere`] where a place has a version in force that is not here: nobody can judge by it.
    pub(super) fn chosen(&self, care: &Care, overrides: &[Override]) -> Result<Vec<Chosen>, Unusable> {
        let Some(plan) = &care.plan else {
            let everything = match self.without_plan {
                WithoutPlan::Judged => self.packs.len(),
                WithoutPlan::NotJudged => 0,
            };
            return Ok((0..everything).map(|place| Chosen { place, is_on_trial: false }).collect());
        };
        let here = |name: &str, hash: &Text<64>| {
            let mut packs = self.packs().map(ActivePack::pack).enumerate();
            packs.find(|(_, pack)| pack.id == name && pack.content_hash == hash.as_str())
        };
        let mut chosen = Vec::new();
        for name in plan.packs.iter().map(Text::as_str) {
            let standing = Standing::of(care, name);
            if let Some(hash) = standing.active {
                let (place, _) = here(name, hash).ok_or_else(|| Unusable::NotHere(name.to_owned()))?;
                chosen.push(Chosen { place, is_on_trial: false });
            }
            // A trial never keeps what is in force from judging.
            let on_trial = standing.shadow.and_then(|hash| here(name, hash));
            let on_trial = on_trial.filter(|(_, pack)| takes(pack, overrides));
            chosen.extend(on_trial.map(|(place, _)| Chosen { place, is_on_trial: true }));
        }
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen)
    }
}

fn takes(pack: &Pack, overrides: &[Override]) -> bool {
    overrides.iter().filter(|one| one.pack == pack.id).all(|one| one.check(pack).is_ok())
}
