//! The register as access sees it, in memory: learned from the store at the start, and from every commit after.
//!
//! Invariant: what was committed opens or closes access at the next request: answers are forgotten with every change that may
//! do either.

use super::{Access, Grant, HubRegistry, Lane, Powers, Relations, looked::Request};
use chrono::{DateTime, Utc};
use register::Item;
use rules::Actor;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};
use vitals::id::StaffId;

/// Most answers kept.
const ANSWERS_MAX: usize = 5_000;

type Answers = HashMap<StaffId, (DateTime<Utc>, Arc<Powers>)>;

/// See the module.
#[derive(Debug, Default)]
pub struct Directory {
    relations: RwLock<Relations>,
    answers: Mutex<Answers>,
    hubs: Arc<HubRegistry>,
}

impl Directory {
    /// A directory that has learned nothing yet but the hubs of the settings.
    #[must_use]
    pub fn with_hubs(hubs: HubRegistry) -> Self {
        Self { hubs: Arc::new(hubs), ..Self::default() }
    }

    /// Takes in things of the register as they now are.
    pub fn learn<'i>(&self, items: impl IntoIterator<Item = &'i Item>) {
        let mut relations = self.relations.write().unwrap_or_else(PoisonError::into_inner);
        let (mut hubs, mut is_changed) = (Vec::new(), false);
        for item in items {
            is_changed |= relations.learn(item);
            if let Item::Hub(hub) = item {
                hubs.push(&**hub);
            }
        }
        // Under the lock, so that of two versions the one learned last is the one that counts here too.
        self.hubs.learn(hubs);
        // Before anybody can ask the new relations: an old answer must not be given after this returns.
        if is_changed {
            self.answers().clear();
        }
    }

    /// The hubs, as requests are verified by them: they follow what is learned here.
    #[must_use]
    pub fn hubs(&self) -> &Arc<HubRegistry> {
        &self.hubs
    }

    /// The register as it now is.
    pub fn relations(&self) -> RwLockReadGuard<'_, Relations> {
        self.relations.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The access of a member of staff who has signed in; none where they are not staff, hold no post now, or have left.
    pub(super) fn access(&self, id: &StaffId, at: DateTime<Utc>) -> Option<Access> {
        let relations = self.relations();
        let who = Actor { id: id.clone(), name: relations.staff(id)?.name.clone() };
        let known = self.answers().get(id).filter(|(until, _)| at < *until).map(|(_, powers)| powers.clone());
        let powers = match known {
            Some(powers) => powers,
            None => {
                let powers = Arc::new(relations.powers(id, at)?);
                let mut answers = self.answers();
                if answers.len() >= ANSWERS_MAX {
                    answers.clear();
                }
                answers.insert(id.clone(), (relations.answered_until(id, at), powers.clone()));
                powers
            }
        };
        Some(Access { grant: Grant::Staff { who, powers, request: Request::default() }, lane: Lane::Live })
    }
}
