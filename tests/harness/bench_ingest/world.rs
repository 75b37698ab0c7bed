//! The invented people of a county, their hubs and devices, and what they measure next.
//!
//! Invariants: everything follows from a seed; a person's readings are ever later, each device's at least two seconds
//! apart; a hub sends its requests in the order of its numbers.

use super::frames::{Device, DeviceKind, Dice, ZONE};
use crate::trouble::{Doing, Trouble};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use demo::seed::Seeded;
use hub_agent::{
    admit::{HubContext, admit},
    assign::{Binding, Bindings, User},
    uplink::sign::HubKey,
};
use vitals::{HubId, PatientId, Reading, SourceId, wire::signing::RequestNumber};

/// One hub in so many stands in a care home.
pub(super) const ONE_CARE_HOME_IN: usize = 20;

/// People on the hub of a care home.
pub(super) const PEOPLE_OF_A_CARE_HOME: usize = 6;

/// Time between two readings of one hub in one request. Short, so that a request of any size is of today: rules act on
/// fresh readings, and that is the dear case.
const BETWEEN_READINGS: TimeDelta = TimeDelta::seconds(2);

/// The devices a person has, by what they live with: heart failure; high blood pressure; diabetes; lung disease.
const DEVICES: [&[DeviceKind]; 4] = [
    &[DeviceKind::Cuff, DeviceKind::Scale],
    &[DeviceKind::Cuff, DeviceKind::Oximeter, DeviceKind::Thermometer],
    &[DeviceKind::Meter, DeviceKind::Cuff, DeviceKind::Scale],
    &[DeviceKind::Oximeter, DeviceKind::Cuff],
];

/// A hub with its people and their devices.
pub(super) struct Home {
    pub(super) hub: HubId,
    pub(super) key: HubKey,
    pub(super) people: Vec<PatientId>,
    /// Whether its one person has one device and measures once a day.
    pub(super) is_light: bool,
    devices: Vec<Device>,
    bindings: Bindings,
    context: HubContext,
    sequence: u64,
    newest: DateTime<Utc>,
    next_device: usize,
}

/// A request before it is written: whose, under which number, and its readings.
pub(super) struct Draft {
    pub(super) home: usize,
    pub(super) hub: HubId,
    pub(super) number: RequestNumber,
    pub(super) made_at: DateTime<Utc>,
    pub(super) readings: Vec<Reading>,
}

/// The county.
pub(super) struct World {
    homes: Vec<Home>,
    dice: Dice,
    /// Where the walk over all hubs stands.
    place: usize,
    stride: usize,
}

impl World {
    /// A county of so many hubs.
    pub(super) fn new(hubs: usize, seed: u64) -> Result<Self, Trouble> {
        Self::with_light(hubs, 0, seed)
    }

    /// A county of so many hubs, and so many people more with a hub and one device each.
    pub(super) fn with_light(hubs: usize, light: usize, seed: u64) -> Result<Self, Trouble> {
        let mut people = 0;
        let homes = (0..hubs + light).map(|place| {
            let home = home(place, people, place >= hubs, seed)?;
            people += home.people.len();
            Ok(home)
        });
        let homes = homes.collect::<Result<Vec<_>, Trouble>>()?;
        Ok(Self { stride: stride(homes.len()), homes, dice: Dice::new(seed), place: 0 })
    }

    pub(super) fn homes(&self) -> &[Home] {
        &self.homes
    }

    pub(super) fn people(&self) -> usize {
        self.homes.iter().map(|home| home.people.len()).sum()
    }

    pub(super) fn home(&self, place: usize) -> Result<&Home, Trouble> {
        self.homes.get(place).ok_or_else(|| Trouble::new("find a hub", "there is none at this place"))
    }

    /// Requests of so many readings each: the next hubs of a walk that comes to every one before it comes to any again.
    pub(super) fn drafts(&mut self, count: usize, readings: usize, now: DateTime<Utc>) -> Result<Vec<Draft>, Trouble> {
        (0..count)
            .map(|_| {
                let place = self.place;
                self.place = (self.place + self.stride) % self.homes.len().max(1);
                self.draft(place, readings, now)
            })
            .collect()
    }

    /// One request of every hub: one reading of each device.
    pub(super) fn one_of_each(&mut self, now: DateTime<Utc>) -> Result<Vec<Draft>, Trouble> {
        (0..self.homes.len())
            .map(|place| {
                let devices = self.home(place)?.devices.len();
                self.draft(place, devices, now)
            })
            .collect()
    }

    /// The next request of one hub.
    pub(super) fn draft(&mut self, place: usize, readings: usize, now: DateTime<Utc>) -> Result<Draft, Trouble> {
        let Self { homes, dice, .. } = self;
        let home = homes.get_mut(place).ok_or_else(|| Trouble::new("find a hub", "there is none at this place"))?;
        home.sequence += 1;
        let number = RequestNumber { epoch: 1, sequence: home.sequence };
        let steps = i32::try_from(readings).doing("count the readings")?;
        home.newest = home.newest.max(now.trunc_subsecs(0) - BETWEEN_READINGS * (steps + 1));
        let readings = (0..readings).map(|_| home.measure(dice)).collect::<Result<_, _>>()?;
        Ok(Draft { home: place, hub: home.hub.clone(), number, made_at: now, readings })
    }
}

impl Home {
    /// The next reading: the devices take turns.
    fn measure(&mut self, dice: &mut Dice) -> Result<Reading, Trouble> {
        self.newest += BETWEEN_READINGS;
        let place = self.next_device % self.devices.len().max(1);
        self.next_device = place + 1;
        let device = self.devices.get_mut(place).ok_or_else(|| Trouble::new("find a device", "there is none"))?;
        let frame = device.frame(self.newest, dice)?;
        let decoded = device_codecs::decode(&frame);
        Ok(admit(&frame, decoded, &self.bindings, &self.context))
    }
}

fn home(place: usize, first_person: usize, is_light: bool, seed: u64) -> Result<Home, Trouble> {
    let is_care_home = place % ONE_CARE_HOME_IN == ONE_CARE_HOME_IN - 1 && !is_light;
    let people = if is_care_home { PEOPLE_OF_A_CARE_HOME } else { 1 };
    let mut dice = Dice::new(seed ^ u64::try_from(place).unwrap_or(0).wrapping_mul(0x5851_f42d_4c95_7f2d));
    let (mut ids, mut devices, mut bindings) = (Vec::new(), Vec::new(), Vec::new());
    for person in first_person..first_person + people {
        let id = PatientId::parse(&format!("pt-{person:06}")).doing("name a person")?;
        let kinds = DEVICES.get(person % DEVICES.len()).copied().unwrap_or_default();
        for kind in kinds.iter().take(if is_light { 1 } else { kinds.len() }) {
            let device = device(*kind, person, &mut dice)?;
            bindings.push(Binding { source: device.source.clone(), user: User::Any, patient: id.clone() });
            devices.push(device);
        }
        ids.push(id);
    }
    let hub = HubId::parse(&format!("hub-{place:06}")).doing("name a hub")?;
    Ok(Home {
        key: HubKey::from_seed(Seeded::new(seed, &format!("bench {hub}")).key()).doing("make a hub's key")?,
        context: HubContext { hub: hub.clone(), boot: [0; 8], zone: ZONE },
        hub,
        people: ids,
        is_light,
        devices,
        bindings: Bindings::new(bindings).doing("bind the devices")?,
        sequence: 0,
        newest: DateTime::UNIX_EPOCH,
        next_device: 0,
    })
}

fn device(kind: DeviceKind, person: usize, dice: &mut Dice) -> Result<Device, Trouble> {
    let (maker, serial) = kind.maker();
    Ok(Device {
        kind,
        source: SourceId::device(maker, &format!("{serial}-{person:06}")).doing("name a device")?,
        ahead_secs: i64::try_from(dice.below(4)).unwrap_or(0),
        record: 0,
        half_kilograms: 100 + u16::try_from(dice.below(120)).unwrap_or(0),
    })
}

/// A step that comes to every hub before it comes to any again, and to neighbours far apart.
fn stride(hubs: usize) -> usize {
    let is_coprime = |step: &usize| {
        let (mut a, mut b) = (*step, hubs);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    (hubs / 3 + 1..=hubs.max(1)).find(is_coprime).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use vitals::Who;

    /// Readings are whole, of somebody, and none is the same as another: otherwise the service would store fewer than sent.
    #[test]
    fn a_county_measures_what_can_be_stored() {
        let now = "2026-06-01T08:00:00Z".parse().unwrap();
        let mut world = World::new(40, 1).unwrap();
        assert_eq!(world.people(), 38 + 2 * PEOPLE_OF_A_CARE_HOME);
        let mut drafts = world.drafts(40, 50, now).unwrap();
        drafts.extend(world.drafts(40, 50, now).unwrap());
        assert_eq!(drafts.iter().map(|draft| (draft.home, draft.number)).collect::<BTreeSet<_>>().len(), 80);
        let readings: Vec<&Reading> = drafts.iter().flat_map(|draft| &draft.readings).collect();
        assert_eq!(readings.iter().map(|reading| reading.id).collect::<BTreeSet<_>>().len(), readings.len());
        for reading in readings {
            assert!(matches!(reading.who, Who::Patient(_)), "{reading:?}");
            assert!(reading.value.measured().is_some() && reading.quality.flags().next().is_none(), "{reading:?}");
        }
    }

    #[test]
    fn a_walk_comes_to_every_hub_before_it_comes_to_any_again() {
        for hubs in [1, 2, 3, 20, 52_500] {
            let step = stride(hubs);
            let places: BTreeSet<usize> = (0..hubs).map(|turn| turn * step % hubs).collect();
            assert_eq!(places.len(), hubs);
        }
    }
}
