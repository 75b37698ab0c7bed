//! Rules meet the store: the decision that runs inside every write, with the packs and channels in force.

use crate::store::Decide;
use chrono::{DateTime, Utc};
use rules::{ActivePack, Channel, Decisions, Event, PatientState, Plan, PlanRefused};
use thiserror::Error;
use vitals::ErrorCode;

/// Decides by the packs in force.
#[derive(Debug, Clone, Default)]
pub struct ByPlan {
    plan: Plan,
}

/// Why a pack may not run here.
#[derive(Debug, Error)]
pub enum PackRefused {
    /// A demo pack outside the demo.
    #[error("activate protocol {0}: it is for the demo only, signed by invented people")]
    DemoOnly(String),
    /// It cannot be in force beside the others.
    #[error("activate the protocols")]
    Together(#[from] PlanRefused),
    /// Its own tests fail.
    #[error("activate protocol {pack}: its own tests fail: {}", failed.join("; "))]
    OwnTests {
        /// The pack.
        pack: String,
        /// What failed.
        failed: Vec<String>,
    },
}

impl ByPlan {
    /// The packs of a real service.
    ///
    /// # Errors
    /// [`PackRefused`] for a demo pack, and for one that fails its own tests.
    pub fn for_service(packs: Vec<ActivePack>, channels: Vec<Channel>) -> Result<Self, PackRefused> {
        if let Some(pack) = packs.iter().map(ActivePack::pack).find(|pack| pack.is_demo_only) {
            return Err(PackRefused::DemoOnly(pack.id.clone()));
        }
        Self::tested(packs, channels)
    }

    /// The demo's packs.
    ///
    /// # Errors
    /// [`PackRefused`] for a pack that fails its own tests.
    pub fn for_demo(packs: Vec<ActivePack>, channels: Vec<Channel>) -> Result<Self, PackRefused> {
        Self::tested(packs, channels)
    }

    fn tested(packs: Vec<ActivePack>, channels: Vec<Channel>) -> Result<Self, PackRefused> {
        for pack in packs.iter().map(ActivePack::pack) {
            let failed = pack.failed_tests();
            if !failed.is_empty() {
                return Err(PackRefused::OwnTests { pack: pack.id.clone(), failed });
            }
        }
        Ok(Self { plan: Plan::new(packs, channels)? })
    }

    /// The packs in force.
    #[must_use]
    pub fn packs(&self) -> &[ActivePack] {
        self.plan.packs()
    }
}

impl Decide for ByPlan {
    fn decide(&self, before: &PatientState, events: &[Event], at: DateTime<Utc>) -> Decisions {
        rules::decide(&self.plan, before, events, at)
    }

    fn unevaluated(&self, before: &PatientState, events: &[Event], reason: ErrorCode, at: DateTime<Utc>) -> Decisions {
        rules::unevaluated(self.plan.channels(), before, events, reason, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_refuses_the_demo_pack_that_the_demo_takes() {
        let pack = rules::pack::demo_pack().unwrap();
        assert!(matches!(ByPlan::for_service(vec![pack.clone()], vec![]), Err(PackRefused::DemoOnly(_))));
        assert!(ByPlan::for_demo(vec![pack], vec![]).is_ok());
    }
}
