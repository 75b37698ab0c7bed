//! The devices of the settings: which of them is there, which is being talked to, and which is to be left alone.
//!
//! Invariants: any other device is passed over; a conversation is begun only where none is under way with that device,
//! and not before the pause after the last is over; a scale that says its readings in advertisements is not connected.

use super::{
    Shared,
    advertised::{Advertised, Readings, readings},
    bus::{CALL_WITHIN, tell},
    device::{Ended, Meeting},
    way::{Service, Way},
};
use crate::{
    config::BluetoothAddress,
    link::Heard,
    session::{Facts, Remembered, Session},
};
use bluez_async::{DeviceId, DeviceInfo};
use btleplug::api::Peripheral as _;
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

/// Conversations may take this long to hand over what they have when the adapter is gone.
const PART_WITHIN: Duration = Duration::from_secs(2);

/// What waits for one conversation: hints that its connection may have changed. More say nothing new.
const HINTS_MAX: usize = 1;

/// No pause is longer: one that seems to be comes of a clock that was set back.
const PAUSE_MAX: TimeDelta = TimeDelta::minutes(10);

/// A known device and where it stands.
struct Known {
    facts: Facts,
    remembered: Remembered,
    /// Not before this moment is it connected again.
    not_before: Option<DateTime<Utc>>,
    /// The conversation under way.
    meeting: Option<mpsc::Sender<()>>,
    way: Option<Way>,
}

/// How a device gave a sign of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Advertised,
    Connected,
}

/// How a conversation, or the look before it, ended.
enum Outcome {
    /// It was held.
    Ended(Ended),
    /// The device says its readings in advertisements.
    Advertises(Way, Readings),
    /// The sign was an old one.
    NotThere(Way),
    /// It could not be looked at.
    Unknown,
}

/// Every known device.
pub(super) struct Devices {
    shared: Arc<Shared>,
    known: BTreeMap<BluetoothAddress, Known>,
    /// Devices whose path is not their address: one that was bonded while it used a random one.
    aliases: BTreeMap<DeviceId, BluetoothAddress>,
    advertised: Advertised,
    meetings: JoinSet<(BluetoothAddress, Outcome)>,
}

impl Devices {
    pub(super) fn new(devices: Vec<Facts>, shared: Arc<Shared>) -> Self {
        let known = devices.into_iter().map(|facts| {
            let address = facts.address;
            let remembered = Remembered::default();
            (address, Known { facts, remembered, not_before: None, meeting: None, way: None })
        });
        Self {
            shared,
            known: known.collect(),
            aliases: BTreeMap::new(),
            advertised: Advertised::default(),
            meetings: JoinSet::new(),
        }
    }

    /// Looks through what the service lists: under which path a known device is, and whether one is connected already.
    pub(super) fn look_through(&mut self, listed: Vec<DeviceInfo>, service: &Service) {
        self.aliases.clear();
        let addressed = |device: &DeviceInfo| BluetoothAddress::parse(&device.mac_address.to_string()).ok();
        for device in listed {
            let Some(address) = addressed(&device).filter(|address| self.known.contains_key(address)) else { continue };
            if address_of(&device.id) != Some(address) {
                self.aliases.insert(device.id.clone(), address);
            }
            if device.connected {
                self.is_connected(&device.id, service);
            }
        }
    }

    /// A device advertised, perhaps with readings.
    pub(super) fn advertises(&mut self, id: &DeviceId, readings: Readings, service: &Service) {
        let Some(address) = self.address(id) else { return };
        self.take_readings(address, readings);
        self.approach(address, Sign::Advertised, id, service);
    }

    /// A device is said to be connected.
    pub(super) fn is_connected(&mut self, id: &DeviceId, service: &Service) {
        if let Some(address) = self.address(id) {
            self.approach(address, Sign::Connected, id, service);
        }
    }

    /// A device is said to have hung up.
    pub(super) fn hung_up(&self, id: &DeviceId) {
        if let Some(hint) = self.address(id).and_then(|address| self.known.get(&address)?.meeting.as_ref()) {
            // Full: the same hint waits already. Closed: the conversation is over.
            hint.try_send(()).ok();
        }
    }

    /// The address of a known device.
    fn address(&self, id: &DeviceId) -> Option<BluetoothAddress> {
        let address = self.aliases.get(id).copied().or_else(|| address_of(id))?;
        self.known.contains_key(&address).then_some(address)
    }

    /// Hands over what a scale advertised. It is not waited for a place: the scale says it again.
    fn take_readings(&mut self, address: BluetoothAddress, readings: Readings) {
        let Some(known) = self.known.get(&address) else { return };
        let device = known.remembered.source.as_ref().unwrap_or(&known.facts.port);
        for (kind, bytes) in readings {
            let at = self.shared.clock.now();
            if let Some(frame) = self.advertised.frame(address, kind, &bytes, device, at)
                && self.shared.heard.try_send(Heard::Frame(frame)).is_err()
            {
                self.advertised.forget(address, kind);
            }
        }
    }

    /// Begins a conversation with a device that gave a sign of itself, unless there is a reason not to.
    fn approach(&mut self, address: BluetoothAddress, sign: Sign, id: &DeviceId, service: &Service) {
        let at = self.shared.clock.now();
        let is_broadcaster = self.advertised.knows(address);
        let Some(known) = self.known.get_mut(&address) else { return };
        let is_left_alone = known.not_before.is_some_and(|moment| at < moment && moment - at <= PAUSE_MAX);
        if is_broadcaster || known.meeting.is_some() || is_left_alone {
            return;
        }
        let (hint, hints) = mpsc::channel(HINTS_MAX);
        known.meeting = Some(hint);
        let session = Session::new(known.facts.clone(), known.remembered.clone());
        let (way, id, service, shared) = (known.way.take(), id.clone(), service.clone(), Arc::clone(&self.shared));
        self.meetings.spawn(async move {
            let outcome = match look(way, sign, id, &service).await {
                Ok(way) => Outcome::Ended(Meeting::new(way, session, shared, hints).hold().await),
                Err(outcome) => outcome,
            };
            (address, outcome)
        });
    }

    /// Waits for the end of a conversation and takes what came of it; for ever, where none is under way.
    pub(super) async fn take_outcome(&mut self) {
        match self.meetings.join_next().await {
            Some(Ok((address, outcome))) => self.settle(address, outcome),
            // A conversation that panicked: the devices whose tasks have gone may be met again.
            Some(Err(_)) => {
                for known in self.known.values_mut() {
                    known.meeting = known.meeting.take().filter(|meeting| !meeting.is_closed());
                }
            }
            None => std::future::pending().await,
        }
    }

    fn settle(&mut self, address: BluetoothAddress, outcome: Outcome) {
        let at = self.shared.clock.now();
        let Some(known) = self.known.get_mut(&address) else { return };
        known.meeting = None;
        match outcome {
            Outcome::Ended(Ended { way, remembered, pause }) => {
                known.way = Some(way);
                known.remembered = remembered;
                known.not_before = TimeDelta::from_std(pause).ok().and_then(|pause| at.checked_add_signed(pause));
            }
            Outcome::Advertises(way, readings) => {
                known.way = Some(way);
                self.take_readings(address, readings);
            }
            Outcome::NotThere(way) => known.way = Some(way),
            Outcome::Unknown => {}
        }
    }

    /// Ends every conversation: the adapter is gone, and with it every way to a device.
    pub(super) async fn part(&mut self) {
        for known in self.known.values_mut() {
            known.meeting = None;
        }
        let parting = async {
            while !self.meetings.is_empty() {
                self.take_outcome().await;
            }
        };
        if timeout(PART_WITHIN, parting).await.is_err() {
            self.meetings.shutdown().await;
        }
        for known in self.known.values_mut() {
            known.way = None;
            known.meeting = None;
        }
    }
}

/// Looks at a device before a conversation is begun with it.
async fn look(way: Option<Way>, sign: Sign, id: DeviceId, service: &Service) -> Result<Way, Outcome> {
    let way = match way {
        Some(way) => way,
        None => Way::to(id, service).await.map_err(|_cannot_say| Outcome::Unknown)?,
    };
    // The news may be older than the end of the connection it tells of.
    if sign == Sign::Connected && tell(CALL_WITHIN, way.peripheral.is_connected()).await != Ok(true) {
        return Err(Outcome::NotThere(way));
    }
    let properties = tell(CALL_WITHIN, way.peripheral.properties()).await.ok().flatten().unwrap_or_default();
    let advertised = readings(&properties.service_data);
    if advertised.is_empty() { Ok(way) } else { Err(Outcome::Advertises(way, advertised)) }
}

/// The address in a device's path, `hci0/dev_C0_26_DA_23_8F_68`.
fn address_of(id: &DeviceId) -> Option<BluetoothAddress> {
    let text = id.to_string();
    let (_, address) = text.rsplit_once("dev_")?;
    BluetoothAddress::parse(&address.replace('_', ":")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_devices_path_names_its_address() {
        let id: DeviceId = "hci0/dev_C0_26_DA_23_8F_68".parse().unwrap();
        assert_eq!(address_of(&id).unwrap().to_string(), "C0:26:DA:23:8F:68");
        assert_eq!(address_of(&"hci0/dev_C0_26".parse().unwrap()), None);
    }
}
