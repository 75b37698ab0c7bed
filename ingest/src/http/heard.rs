//! The hubs that have said hello, and how each stands: in memory, one entry for each hub the service knows.
//!
//! Pages that show it to staff come later; until then it is in the events and in `/metrics`. What was heard before a restart is
//! forgotten, and heard again within 40 s.

use crate::{events::ServiceEvent, store::Witness};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};
use vitals::{HubId, PatientId, wire::hello::HEARD_FOR};

/// A kind of link between a hub and its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkKind {
    /// Bluetooth.
    Bluetooth,
    /// A serial line.
    Serial,
}

impl LinkKind {
    /// The kind of a name on the wire; none for one this service does not know.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bluetooth, Self::Serial].into_iter().find(|kind| kind.name() == name)
    }

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bluetooth => "bluetooth",
            Self::Serial => "serial",
        }
    }
}

/// What a hello said, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// How many readings wait on the hub.
    pub(super) waiting: u64,
    /// When the one that has waited longest was taken.
    pub(super) oldest_at: Option<DateTime<Utc>>,
    /// The links over which it hears nothing.
    pub(super) deaf: BTreeSet<LinkKind>,
}

/// The hubs that have said hello.
#[derive(Debug, Default)]
pub struct HubsHeard(Mutex<BTreeMap<HubId, Standing>>);

#[derive(Debug)]
struct Standing {
    heard_at: DateTime<Utc>,
    is_silent: bool,
    said: Said,
    /// Heads that the store does not know, each said once: by person, the head, and whether the record has it.
    disagreements: BTreeMap<PatientId, (Witness, bool)>,
}

/// How the hubs stand, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HubTotals {
    /// Heard within [`HEARD_FOR`].
    pub heard: u64,
    /// Heard since the start, and not within [`HEARD_FOR`].
    pub silent: u64,
    /// With readings that wait.
    pub with_waiting: u64,
    /// How many readings wait on all of them.
    pub waiting: u64,
    /// Deaf on some link.
    pub deaf: u64,
    /// When the reading that has waited longest was taken.
    pub oldest_at: Option<DateTime<Utc>>,
}

impl HubsHeard {
    /// Notes a hello. What it changed comes back as events, each change once.
    pub(super) fn hello(&self, hub: &HubId, said: Said, at: DateTime<Utc>) -> Vec<ServiceEvent> {
        let mut hubs = self.lock();
        let standing = hubs.entry(hub.clone()).or_insert_with(|| Standing {
            heard_at: at,
            is_silent: false,
            said: Said { waiting: 0, oldest_at: None, deaf: BTreeSet::new() },
            disagreements: BTreeMap::new(),
        });
        let mut events = Vec::new();
        if std::mem::take(&mut standing.is_silent) {
            events.push(ServiceEvent::HubHeardAgain { hub: hub.clone() });
        }
        let deaf = |link: &LinkKind| ServiceEvent::HubDeaf { hub: hub.clone(), link: *link };
        let hears = |link: &LinkKind| ServiceEvent::HubHears { hub: hub.clone(), link: *link };
        events.extend(said.deaf.difference(&standing.said.deaf).map(deaf));
        events.extend(standing.said.deaf.difference(&said.deaf).map(hears));
        standing.heard_at = at;
        standing.said = said;
        events
    }

    /// Notes a batch: the hub lives. One that never says hello is of an older kind, and nobody waits for its next word.
    pub(super) fn batch(&self, hub: &HubId, at: DateTime<Utc>) -> Option<ServiceEvent> {
        let mut hubs = self.lock();
        let standing = hubs.get_mut(hub)?;
        standing.heard_at = at;
        std::mem::take(&mut standing.is_silent).then(|| ServiceEvent::HubHeardAgain { hub: hub.clone() })
    }

    /// Hubs that have fallen silent since this was last asked.
    pub(crate) fn fallen_silent(&self, at: DateTime<Utc>) -> Vec<ServiceEvent> {
        let mut events = Vec::new();
        for (hub, standing) in self.lock().iter_mut() {
            if !standing.is_silent && is_past(standing.heard_at, at) {
                standing.is_silent = true;
                events.push(ServiceEvent::HubSilent { hub: hub.clone() });
            }
        }
        events
    }

    /// Notes that a head a hub returned is not the store's. True where that was not said before.
    pub(super) fn disagrees(&self, hub: &HubId, patient: &PatientId, head: Witness) -> bool {
        let mut hubs = self.lock();
        let Some(standing) = hubs.get_mut(hub) else { return false };
        match standing.disagreements.get(patient) {
            Some((said, _)) if *said == head => false,
            _ => {
                standing.disagreements.insert(patient.clone(), (head, false));
                true
            }
        }
    }

    /// Whether a disagreement still has to go into the person's record.
    pub(super) fn is_to_be_recorded(&self, hub: &HubId, patient: &PatientId) -> bool {
        let hubs = self.lock();
        hubs.get(hub).and_then(|standing| standing.disagreements.get(patient)).is_some_and(|(_, recorded)| !recorded)
    }

    /// Notes that a disagreement is in the person's record, or can never be.
    pub(super) fn recorded(&self, hub: &HubId, patient: &PatientId) {
        let mut hubs = self.lock();
        let disagreement = hubs.get_mut(hub).and_then(|standing| standing.disagreements.get_mut(patient));
        if let Some((_, is_recorded)) = disagreement {
            *is_recorded = true;
        }
    }

    /// How they stand, all together.
    pub(crate) fn totals(&self, at: DateTime<Utc>) -> HubTotals {
        let mut totals = HubTotals::default();
        for standing in self.lock().values() {
            let (silent, deaf) = (is_past(standing.heard_at, at), !standing.said.deaf.is_empty());
            totals.heard += u64::from(!silent);
            totals.silent += u64::from(silent);
            totals.with_waiting += u64::from(standing.said.waiting > 0);
            totals.waiting = totals.waiting.saturating_add(standing.said.waiting);
            totals.deaf += u64::from(deaf);
            if standing.said.waiting > 0 {
                totals.oldest_at = totals.oldest_at.into_iter().chain(standing.said.oldest_at).min();
            }
        }
        totals
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HubId, Standing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_past(heard_at: DateTime<Utc>, at: DateTime<Utc>) -> bool {
    at - heard_at > TimeDelta::from_std(HEARD_FOR).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> HubId {
        HubId::parse("hub-1").unwrap()
    }

    fn said(waiting: u64, deaf: &[LinkKind]) -> Said {
        Said { waiting, oldest_at: Some(DateTime::UNIX_EPOCH), deaf: deaf.iter().copied().collect() }
    }

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(secs)
    }

    #[test]
    fn each_change_of_a_hub_is_said_once() {
        let (hubs, hub) = (HubsHeard::default(), hub());
        let (bluetooth, serial) = (LinkKind::Bluetooth, LinkKind::Serial);
        let deaf = |link| ServiceEvent::HubDeaf { hub: hub.clone(), link };
        let hears = |link| ServiceEvent::HubHears { hub: hub.clone(), link };
        assert_eq!(hubs.hello(&hub, said(0, &[bluetooth]), at(0)), [deaf(bluetooth)]);
        assert_eq!(hubs.hello(&hub, said(0, &[bluetooth]), at(1)), []);
        assert_eq!(hubs.hello(&hub, said(0, &[serial]), at(2)), [deaf(serial), hears(bluetooth)]);
        assert_eq!(hubs.fallen_silent(at(122)), []);
        assert_eq!(hubs.fallen_silent(at(123)), [ServiceEvent::HubSilent { hub: hub.clone() }]);
        assert_eq!(hubs.fallen_silent(at(200)), []);
        assert_eq!(hubs.batch(&hub, at(201)), Some(ServiceEvent::HubHeardAgain { hub: hub.clone() }));
        assert_eq!(hubs.batch(&hub, at(202)), None);
        assert_eq!(hubs.fallen_silent(at(400)).len(), 1);
        assert_eq!(
            hubs.hello(&hub, said(0, &[]), at(401)),
            [ServiceEvent::HubHeardAgain { hub: hub.clone() }, hears(serial)]
        );
    }

    #[test]
    fn a_hub_that_never_said_hello_is_not_waited_for() {
        let hubs = HubsHeard::default();
        assert_eq!(hubs.batch(&hub(), at(0)), None);
        assert_eq!((hubs.fallen_silent(at(1000)), hubs.totals(at(1000))), (vec![], HubTotals::default()));
    }

    #[test]
    fn the_totals_count_what_waits_and_since_when() {
        let (hubs, other) = (HubsHeard::default(), HubId::parse("hub-2").unwrap());
        hubs.hello(&hub(), said(0, &[]), at(0));
        assert_eq!(hubs.totals(at(0)), HubTotals { heard: 1, ..HubTotals::default() });
        hubs.hello(&other, Said { oldest_at: Some(at(5)), ..said(7, &[LinkKind::Serial]) }, at(100));
        let both = HubTotals { heard: 1, silent: 1, with_waiting: 1, waiting: 7, deaf: 1, oldest_at: Some(at(5)) };
        assert_eq!(hubs.totals(at(200)), both);
    }

    #[test]
    fn a_disagreement_is_said_once_for_each_head_and_recorded_once() {
        let (hubs, hub, ada) = (HubsHeard::default(), hub(), PatientId::parse("pt-ada").unwrap());
        hubs.hello(&hub, said(0, &[]), at(0));
        let head = |place| Witness { place, head: [7; 16] };
        assert!(hubs.disagrees(&hub, &ada, head(1)) && !hubs.disagrees(&hub, &ada, head(1)));
        assert!(hubs.is_to_be_recorded(&hub, &ada));
        hubs.recorded(&hub, &ada);
        assert!(!hubs.is_to_be_recorded(&hub, &ada));
        assert!(hubs.disagrees(&hub, &ada, head(2)) && hubs.is_to_be_recorded(&hub, &ada), "another head");
    }
}
