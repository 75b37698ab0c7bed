//! One device as it is now: what it has done of its script, its clock, its memory, and what it does next.
//!
//! Invariants: what a device does is on one tape, played in order, so that nothing overtakes anything; a tape belongs to
//! one connection and is gone with it; clock and memory outlive every connection and every bluetoothd.

mod attribute;
mod link;

use super::{
    effects::{Effects, Wake},
    payload::{Dial, Payload},
    script::{Connection, Device, Failure, Packet},
    tree::{self, DEVICE, Properties},
};
use chrono::{NaiveDateTime, TimeDelta};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
};
use zbus::{Message, Variant};

/// How long an attempt to connect to a device that is not there lasts: what the kernel and bluetoothd allow together.
const CONNECTS_WITHIN_MS: u64 = 25_000;

/// What an attempt that was given up is told.
const ABORTED: &str = "le-connection-abort-by-local";

/// How long a meter takes between two records.
const RECORD_MS: u64 = 2;

/// The control point of a meter's memory.
pub(in crate::bluez) const RACP: &str = "2a52";

/// The link to a device.
#[derive(Debug, Default)]
enum Link {
    #[default]
    None,
    /// A call waits for its answer; the device has not been heard yet, or the link takes its time.
    Connecting {
        call: Message,
        has_begun: bool,
    },
    Connected {
        is_resolved: bool,
        has_objects: bool,
        notifying: BTreeSet<String>,
    },
}

/// One thing on the tape.
#[derive(Debug)]
enum Act {
    LinkUp,
    Refuse(Failure),
    Resolve,
    Publish,
    Send { uuid: String, value: Vec<Payload> },
    HangUp,
}

/// A device as it is now.
#[derive(Debug)]
pub(in crate::bluez) struct Peripheral {
    /// Its place in the script.
    pub(in crate::bluez) place: usize,
    /// Its script.
    pub(in crate::bluez) plan: Device,
    /// Its path in bluetoothd's tree.
    pub(in crate::bluez) path: String,
    /// Whether bluetoothd knows of it.
    pub(in crate::bluez) is_in_tree: bool,
    /// How often it advertised.
    pub(in crate::bluez) adverts: usize,
    link: Link,
    /// Counts links, so that what was meant for one never reaches the next.
    generation: u64,
    /// Counts what was done at this connection.
    activity: u64,
    /// Whether the hub read, wrote or subscribed at this connection.
    was_used: bool,
    /// How many connections of the script have begun.
    begun: usize,
    is_ticking: bool,
    is_resting: bool,
    is_in_reach: bool,
    packets: usize,
    tape: VecDeque<(u64, Act)>,
    /// Whether a wake for the tape is on its way.
    is_due: bool,
    ahead: TimeDelta,
    start: NaiveDateTime,
    deleted: BTreeSet<usize>,
    /// Subscriptions that bluetoothd puts back by itself.
    kept: BTreeSet<String>,
}

impl Peripheral {
    /// A device before anything has happened; the script begins at this moment of true local time.
    pub(in crate::bluez) fn new(place: usize, plan: Device, start: NaiveDateTime) -> Self {
        let ahead = plan.clock.as_ref().map_or(0, |clock| clock.ahead_secs);
        let ahead = TimeDelta::try_seconds(ahead).unwrap_or_default();
        Self {
            place,
            path: tree::device_path(&plan.address),
            plan,
            is_in_tree: false,
            adverts: 0,
            link: Link::None,
            generation: 0,
            activity: 0,
            was_used: false,
            begun: 0,
            is_ticking: false,
            is_resting: false,
            is_in_reach: false,
            packets: 0,
            tape: VecDeque::new(),
            is_due: false,
            ahead,
            start: start + ahead,
            deleted: BTreeSet::new(),
            kept: BTreeSet::new(),
        }
    }

    /// bluetoothd starts: it knows what is paired, and no link has survived its predecessor.
    pub(in crate::bluez) fn begin_life(&mut self, life: usize) {
        self.link = Link::None;
        self.kept.clear();
        self.begin_generation();
        (self.is_ticking, self.is_resting) = (false, false);
        self.is_in_tree = self.plan.is_paired;
        self.is_in_reach = self.plan.advertises.as_ref().is_some_and(|advertises| advertises.from_life <= life);
    }

    /// Its name in the list of calls.
    pub(in crate::bluez) fn tag(&self) -> &str {
        self.plan.tag()
    }

    pub(in crate::bluez) fn is_connected(&self) -> bool {
        matches!(self.link, Link::Connected { .. })
    }

    pub(in crate::bluez) fn is_connecting(&self) -> bool {
        matches!(self.link, Link::Connecting { .. })
    }

    pub(in crate::bluez) fn is_resolved(&self) -> bool {
        matches!(self.link, Link::Connected { is_resolved: true, .. })
    }

    pub(in crate::bluez) fn has_objects(&self) -> bool {
        !self.kept.is_empty() || matches!(self.link, Link::Connected { has_objects: true, .. })
    }

    pub(in crate::bluez) fn is_notifying(&self, uuid: &str) -> bool {
        matches!(&self.link, Link::Connected { notifying, .. } if notifying.contains(uuid))
    }

    /// Whether it has nothing more to say.
    pub(in crate::bluez) fn is_played_out(&self) -> bool {
        // Somebody may still try to connect; the device will not answer.
        let is_apart = matches!(self.link, Link::None | Link::Connecting { has_begun: false, .. });
        !self.plan.comes_to_an_end() || (is_apart && !self.has_more())
    }

    /// What was heard of it in its last advertisement.
    pub(in crate::bluez) fn heard(&self) -> Properties {
        let mut properties = Properties::new();
        let Some(advertises) = self.plan.advertises.as_ref().filter(|_| self.adverts > 0) else { return properties };
        // The loudness of a radio is never the same twice; one that is would not be told.
        let flutter = i16::from(self.adverts.is_multiple_of(2));
        properties.insert("RSSI", (advertises.rssi + flutter).into());
        if let Some(packet) = self.packets.checked_sub(1).and_then(|sent| self.packet(sent)) {
            let dial = Dial { now: self.start, start: self.start };
            let data = packet.service_data.iter();
            let data: BTreeMap<String, Variant<'static>> =
                data.map(|(uuid, value)| (tree::long_uuid(uuid), value.bytes(dial).into())).collect();
            properties.insert("ServiceData", data.into());
        }
        properties
    }

    /// What was meant for the link before never reaches the one after it.
    fn begin_generation(&mut self) {
        self.generation += 1;
        self.was_used = false;
        self.tape.clear();
        self.is_due = false;
    }

    fn packet(&self, place: usize) -> Option<&Packet> {
        let packets = self.plan.advertises.iter().flat_map(|advertises| &advertises.packet);
        packets.flat_map(|packet| std::iter::repeat_n(packet, packet.times)).nth(place)
    }

    fn has_more(&self) -> bool {
        self.begun < self.plan.connection.len() || self.packet(self.packets).is_some()
    }

    fn is_advertising(&self) -> bool {
        let has_reason = self.has_more() || !self.plan.comes_to_an_end();
        self.is_in_reach && !self.is_resting && has_reason
    }

    fn dial(&self, true_now: NaiveDateTime) -> Dial {
        Dial { now: true_now + self.ahead, start: self.start }
    }

    /// The script of the connection that is under way.
    fn connection(&self) -> Option<&Connection> {
        self.begun.checked_sub(1).and_then(|place| self.plan.connection.get(place))
    }

    /// The device begins to advertise, if it does not yet.
    pub(in crate::bluez) fn tick_from_now(&mut self, effects: &mut Effects) {
        if !mem::replace(&mut self.is_ticking, true) {
            let from_ms = self.plan.advertises.as_ref().map_or(0, |advertises| advertises.from_ms);
            effects.wake(from_ms, Wake::Advertise { device: self.place });
        }
    }

    /// It advertises once, where it has a reason to; somebody may be waiting to connect to it, or somebody may listen.
    pub(in crate::bluez) fn advertise(&mut self, is_heard: bool, effects: &mut Effects) {
        let every_ms = self.plan.advertises.as_ref().map_or(1000, |advertises| advertises.every_ms);
        effects.wake(every_ms, Wake::Advertise { device: self.place });
        if !self.is_advertising() || self.is_connected() {
            return;
        }
        if self.is_connecting() {
            self.take_connection(effects);
        } else if is_heard {
            self.adverts += 1;
            self.packets += usize::from(self.packet(self.packets).is_some());
            if mem::replace(&mut self.is_in_tree, true) {
                effects.changed(&self.path, DEVICE, &self.heard());
            } else {
                effects.added(&self.path, &tree::Interfaces::from([(DEVICE, tree::device(self))]));
            }
        }
    }
}
