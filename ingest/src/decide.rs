//! Rules meet the store: the decision that runs inside every write, with the packs and channels in force, by what the register
//! says of the person.
//!
//! Invariants: a protocol judges a person only where their care plan names it and it is in force at one of their places; what
//! cannot be used as it is set is never replaced by something else unsaid.

mod chosen;
mod expected;
mod refused;
mod reviews;

pub use refused::{PackRefused, Unusable};
pub use reviews::{Asked, Review, reviews};

use crate::store::{Care, Decide, PlanRefused};
use chosen::Chosen;
use chrono::{DateTime, Utc};
use expected::expected;
use register::{Item, Place, PlacePlan, Stage};
use rules::{
    ActivePack, Channel, Decisions, Event, PatientState, Plan,
    pack::{Level, Override, Pack, Settings},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};
use vitals::{ErrorCode, Kind};

/// Most choices of protocols kept ready: people of a county share a few hundred.
const READY_MAX: usize = 1_000;

/// Whether people without a care plan are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutPlan {
    /// No protocol judges them.
    #[default]
    NotJudged,
    /// Every protocol here does.
    Judged,
}

/// Decides by the packs that are here and what the register says of each person.
#[derive(Debug, Clone, Default)]
pub struct ByPlan {
    /// Every pack that was approved, and the same on trial.
    packs: Arc<Vec<(ActivePack, ActivePack)>>,
    channels: Vec<Channel>,
    without_plan: WithoutPlan,
    /// What was chosen before for others.
    ready: Arc<RwLock<HashMap<Vec<Chosen>, Plan>>>,
}

impl ByPlan {
    /// The packs of a real service.
    ///
    /// # Errors
    /// [`PackRefused`] for a demo pack, and for one that fails its own tests.
    pub fn for_service(
        packs: Vec<ActivePack>,
        channels: Vec<Channel>,
        without_plan: WithoutPlan,
    ) -> Result<Self, PackRefused> {
        if let Some(pack) = packs.iter().map(ActivePack::pack).find(|pack| pack.is_demo_only) {
            return Err(PackRefused::DemoOnly(pack.id.clone()));
        }
        Self::tested(packs, channels, without_plan)
    }

    /// The demo's packs: its people have no care plans.
    ///
    /// # Errors
    /// [`PackRefused`] for a pack that fails its own tests.
    pub fn for_demo(packs: Vec<ActivePack>, channels: Vec<Channel>) -> Result<Self, PackRefused> {
        Self::tested(packs, channels, WithoutPlan::Judged)
    }

    fn tested(packs: Vec<ActivePack>, channels: Vec<Channel>, without_plan: WithoutPlan) -> Result<Self, PackRefused> {
        for pack in packs.iter().map(ActivePack::pack) {
            let failed = pack.failed_tests();
            if !failed.is_empty() {
                return Err(PackRefused::OwnTests { pack: pack.id.clone(), failed });
            }
        }
        match without_plan {
            WithoutPlan::Judged => {
                refused::contested(packs.iter().map(ActivePack::pack))?;
                drop(Plan::new(packs.clone(), Vec::new())?);
            }
            // Of each name one at most will be in force for a person: only that each can be is known yet.
            WithoutPlan::NotJudged => {
                for pack in &packs {
                    drop(Plan::new(vec![pack.clone()], Vec::new())?);
                }
                refused::must_differ(packs.iter().map(ActivePack::pack))?;
            }
        }
        let packs = packs.into_iter().map(|pack| {
            let on_trial = pack.on_trial();
            (pack, on_trial)
        });
        Ok(Self { packs: Arc::new(packs.collect()), channels, without_plan, ready: Arc::default() })
    }

    /// The packs that are here: in force where a place says so.
    pub fn packs(&self) -> impl Iterator<Item = &ActivePack> {
        self.packs.iter().map(|(pack, _)| pack)
    }

    /// The plan for somebody, with the settings that count for them at a moment.
    ///
    /// # Errors
    /// [`Unusable`] where a parameter that counts for them may not be set as it is, a protocol is in force at their place in a
    /// version that is not here, or what is in force cannot be together.
    pub fn plan_for(&self, care: &Care, at: DateTime<Utc>) -> Result<Plan, Unusable> {
        let overrides = overrides(care, at);
        let chosen = self.chosen(care, &overrides)?;
        let settings = match overrides.as_slice() {
            [] => Settings::default(),
            some => Settings::new(self.set_by(&chosen), some, at)?,
        };
        Ok(self.plan_of(chosen)?.with(settings.expecting(expected(care))))
    }

    /// Whose parameters the settings are checked by: what is in force, and what is on trial where nothing of the name is.
    fn set_by<'a>(&'a self, chosen: &'a [Chosen]) -> impl Iterator<Item = &'a Pack> {
        // The last of one name counts.
        let in_order = [true, false]
            .into_iter()
            .flat_map(|is_on_trial| chosen.iter().filter(move |chosen| chosen.is_on_trial == is_on_trial));
        in_order.filter_map(|chosen| self.packs.get(chosen.place)).map(|(pack, _)| pack.pack())
    }

    fn plan_of(&self, chosen: Vec<Chosen>) -> Result<Plan, rules::PlanRefused> {
        if let Some(plan) = self.ready.read().unwrap_or_else(PoisonError::into_inner).get(&chosen) {
            return Ok(plan.clone());
        }
        let pack = |chosen: &Chosen| {
            let (in_force, on_trial) = self.packs.get(chosen.place)?;
            Some(if chosen.is_on_trial { on_trial } else { in_force }.clone())
        };
        let together = |is_wanted: fn(&Chosen) -> bool| {
            let packs = chosen.iter().filter(|one| is_wanted(one)).filter_map(pack).collect();
            Plan::new(packs, self.channels.clone())
        };
        let plan = together(|_| true).or_else(|refused| {
            // A trial never keeps what is in force from judging.
            tracing::warn!(error = %refused, "Protocols on trial are left out where they are dear beside those in force.");
            together(|one| !one.is_on_trial)
        })?;
        // Without any protocol here the log has said so at the start; nobody needs to be told of each person.
        let is_unwatched = !self.packs.is_empty() && chosen.iter().all(|one| one.is_on_trial);
        let plan = if is_unwatched { plan.unwatched() } else { plan };
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.insert(chosen, plan.clone());
        Ok(plan)
    }

    /// What judges nobody's readings and ends nothing, where what the register says cannot be used: people still take alerts, and
    /// the windows of repeats still end. Numbers that cannot be used leave the protocols' own, in hospital or not.
    fn plan_meanwhile(&self, care: &Care, why: &Unusable) -> Plan {
        let nothing = || Plan::new(Vec::new(), self.channels.clone()).unwrap_or_default();
        match why {
            Unusable::Parameter(_) => {
                let chosen = self.chosen(care, &[]).unwrap_or_default();
                let plan = self.plan_of(chosen).unwrap_or_else(|_refused| nothing());
                plan.with(Settings::default().expecting(expected(care)))
            }
            Unusable::NotHere(_) | Unusable::Together(_) => nothing(),
        }
    }

    /// Every version here of a name.
    fn versions<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Pack> {
        self.packs().map(ActivePack::pack).filter(move |pack| pack.id == name)
    }

    /// Checks parameters against every version of their protocols that is here.
    fn may_be_set(&self, parameters: &[register::plan::Parameter], level: Level) -> Result<(), PlanRefused> {
        for parameter in parameters {
            self.must_be_here(parameter.pack.as_str())?;
            let one = Override::of(parameter, level);
            self.versions(parameter.pack.as_str()).try_for_each(|pack| one.check(pack))?;
        }
        Ok(())
    }

    fn must_be_here(&self, name: &str) -> Result<(), PlanRefused> {
        let is_here = self.versions(name).next().is_some();
        if is_here { Ok(()) } else { Err(PlanRefused::NotHere { pack: name.to_owned(), is_other: false }) }
    }

    /// A measure on which no person can have both, in any of their versions that are here.
    fn contested(&self, one: &str, other: &str) -> Option<Kind> {
        self.versions(one).find_map(|one| self.versions(other).find_map(|other| one.contests(other)))
    }

    fn may_stand_for_person(&self, plan: &register::CarePlan) -> Result<(), PlanRefused> {
        for (place, one) in plan.packs.iter().enumerate() {
            self.must_be_here(one.as_str())?;
            for other in plan.packs.iter().take(place) {
                if let Some(kind) = self.contested(one.as_str(), other.as_str()) {
                    let (one, other) = (one.as_str().to_owned(), other.as_str().to_owned());
                    return Err(PlanRefused::Together { one, other, kind });
                }
            }
        }
        self.may_be_set(&plan.parameters, Level::Patient)
    }

    fn may_stand_for_place(&self, plan: &PlacePlan) -> Result<(), PlanRefused> {
        for at in plan.packs.iter().filter(|at| at.stage != Stage::Retired) {
            self.must_be_here(at.pack.as_str())?;
            if !self.versions(at.pack.as_str()).any(|pack| pack.content_hash == at.content_hash.as_str()) {
                return Err(PlanRefused::NotHere { pack: at.pack.as_str().to_owned(), is_other: true });
            }
        }
        let level = if plan.place == Place::Footprint { Level::Footprint } else { Level::Team };
        self.may_be_set(&plan.parameters, level)
    }
}

/// What is set for somebody otherwise than the packs have it, at every level. Team and home are one level: where both set a
/// parameter, the home's counts, because it is nearer to the person.
pub(crate) fn overrides(care: &Care, at: DateTime<Utc>) -> Vec<Override> {
    let mut overrides: Vec<Override> = Vec::new();
    for plan in &care.places {
        let level = if plan.place == Place::Footprint { Level::Footprint } else { Level::Team };
        for one in plan.parameters.iter().map(|parameter| Override::of(parameter, level)) {
            let is_same = |other: &Override| (&other.pack, &other.name, other.level) == (&one.pack, &one.name, level);
            match overrides.iter_mut().find(|other| is_same(other)) {
                Some(of_team) if one.value_at(at).is_some() => *of_team = one,
                Some(_) => {}
                None => overrides.push(one),
            }
        }
    }
    let own = care.plan.iter().flat_map(|plan| &plan.parameters);
    overrides.extend(own.map(Override::from));
    overrides
}

impl Decide for ByPlan {
    fn decide(&self, care: &Care, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        // What no longer counts changes what was judged, as much as a reading does.
        let is_reading = |event: &Event| event.to_judge().is_some() || matches!(event, Event::Corrected(_));
        match self.plan_for(care, at) {
            Ok(plan) => rules::decide(&plan, before, events, at),
            Err(_) if events.iter().any(is_reading) => {
                rules::unevaluated(&self.channels, before, events, ErrorCode::RuleSettingsUnusable, at)
            }
            // What people did, and what was awaited.
            Err(why) => rules::decide(&self.plan_meanwhile(care, &why), before, events, at),
        }
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        rules::unevaluated(&self.channels, before, events, reason, at)
    }

    fn not_kept_of(&self, care: &Care, before: &PatientState, at: DateTime<Utc>) -> BTreeSet<Kind> {
        self.plan_for(care, at).map(|plan| plan.not_kept_of(before)).unwrap_or_default()
    }

    fn may_stand(&self, item: &Item) -> Result<(), PlanRefused> {
        match item {
            // Before any protocol is here nothing is known of their names; what is written waits, and is looked at again when
            // the service starts with some.
            _ if self.packs.is_empty() => Ok(()),
            Item::Plan(plan) => self.may_stand_for_person(plan),
            Item::PlacePlan(plan) => self.may_stand_for_place(plan),
            Item::Organisation(_)
            | Item::Team(_)
            | Item::Home(_)
            | Item::Staff(_)
            | Item::Device(_)
            | Item::Hub(_)
            | Item::Patient(_)
            | Item::Health(_)
            | Item::Carer(_)
            | Item::Assignment(_)
            | Item::Consent(_)
            | Item::Objection(_)
            | Item::Emergency(_)
            | Item::Erasure(_)
            | Item::Hold(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
