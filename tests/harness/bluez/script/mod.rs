//! A script: devices as data. What each advertises, holds and does at each connection, and what must come of it.
//!
//! A script is checked whole when it is loaded; a key it does not know is refused, so that a slip of the pen never passes
//! for a behaviour. A device advertises while it has something to say: while connections or packets of its script are
//! left. One with neither advertises for ever, and nobody should care.

mod read;

use super::{expect::Expect, meter::MeterKind, payload::Payload};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One script.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    /// Why there is this script: one sentence.
    pub why: String,
    /// Where its behaviour and its bytes come from.
    pub source: String,
    /// The hub's bindings.
    #[serde(default)]
    pub binding: Vec<Binding>,
    /// The devices.
    pub device: Vec<Device>,
    /// What must come of it.
    pub expect: Expect,
}

/// Whose readings a device's are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The source, as the hub's settings name it.
    pub source: String,
    /// The device's user; left out: whoever uses it.
    pub user_index: Option<u8>,
    /// The person.
    pub patient: String,
}

/// One device.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// Its address; the last byte is its name in the list of calls.
    pub address: String,
    /// `public` or `random`.
    #[serde(default = "public")]
    pub address_type: String,
    /// The name it advertises.
    pub name: Option<String>,
    /// Whether the hub's settings know it.
    #[serde(default = "yes")]
    pub is_known: bool,
    /// Whether it is paired, and so in bluetoothd's cache before anything was heard of it.
    #[serde(default)]
    pub is_paired: bool,
    /// Whether bluetoothd keeps its services and the hub's subscriptions over a lost link, as it does for bonded devices:
    /// it then subscribes by itself when the device is back, and answers `StartNotify` that this is so already.
    #[serde(default)]
    pub keeps_subscriptions: bool,
    /// What a scale asks for before it speaks, as the hub's settings have it.
    pub consent: Option<Consent>,
    /// How it advertises; left out: it is out of reach.
    pub advertises: Option<Advertises>,
    /// Its clock.
    pub clock: Option<Clock>,
    /// Its memory, asked through the Record Access Control Point.
    pub memory: Option<Memory>,
    /// Its services.
    #[serde(default)]
    pub service: Vec<Service>,
    /// What it does at its first connection, its second, and so on.
    #[serde(default)]
    pub connection: Vec<Connection>,
}

/// A user and a code of the User Data Service.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The user's index on the scale.
    pub user_index: u8,
    /// The code.
    pub code: u16,
}

/// How a device advertises.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advertises {
    /// How long after the scan began.
    #[serde(default)]
    pub from_ms: u64,
    /// How often.
    #[serde(default = "every_ms")]
    pub every_ms: u64,
    /// How loud, in dBm.
    #[serde(default = "rssi")]
    pub rssi: i16,
    /// The services it names.
    #[serde(default)]
    pub services: Vec<String>,
    /// What it says in its advertisements, for devices that nobody connects to.
    #[serde(default)]
    pub packet: Vec<Packet>,
    /// From which life of bluetoothd on it is there: 2 after bluetoothd was killed once.
    #[serde(default = "first")]
    pub from_life: usize,
}

/// One advertisement that says something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packet {
    /// The data of each service.
    pub service_data: BTreeMap<String, Payload>,
    /// How often it is repeated, byte for byte.
    #[serde(default = "first")]
    pub times: usize,
}

/// A device's clock. It is true state: it runs, it is read, and it is set by a write, or only seems to be.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// `2a08` or `2a2b`.
    pub characteristic: String,
    /// How far it is ahead of true time when the script begins.
    pub ahead_secs: i64,
    /// Whether it takes what is written. A clock that does not still answers that all is well.
    #[serde(default = "yes")]
    pub holds: bool,
}

/// A meter's memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// What it keeps.
    pub kind: MeterKind,
    /// How many records go into one notification.
    #[serde(default = "first")]
    pub per_notification: usize,
    /// The records, oldest first.
    pub record: Vec<StoredRecord>,
}

/// One record of a meter's memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRecord {
    /// Its sequence number, or its minutes since the session began.
    pub number: u16,
    /// The measurement, 2A18 or 2AA7.
    pub value: Payload,
    /// What stood beside it, 2A34.
    pub context: Option<Payload>,
    /// From which connection on it is there.
    #[serde(default = "first")]
    pub from_connection: usize,
    /// Up to which connection it is there: a meter that is reset loses its memory.
    pub until_connection: Option<usize>,
}

/// A GATT service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its number, four hexadecimal digits.
    pub uuid: String,
    /// Its characteristics.
    pub characteristic: Vec<Characteristic>,
}

/// A GATT characteristic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Characteristic {
    /// Its number, four hexadecimal digits.
    pub uuid: String,
    /// Its flags, as BlueZ names them.
    pub flags: Vec<String>,
    /// What a read gives.
    pub value: Option<Payload>,
    /// What a read gives, as text.
    pub text: Option<String>,
}

impl Characteristic {
    /// Whether it has a flag.
    #[must_use]
    pub fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|has| has == flag)
    }
}

/// One connection of a device.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The attempt fails with this.
    pub refused: Option<Failure>,
    /// How long the link takes.
    #[serde(default = "link_ms")]
    pub link_ms: u64,
    /// How long the services take to be resolved after that.
    #[serde(default = "link_ms")]
    pub resolve_ms: u64,
    /// How much later than `ServicesResolved` the GATT objects appear.
    pub objects_ms: Option<u64>,
    /// How long after it ended the device advertises again.
    #[serde(default = "link_ms")]
    pub again_ms: u64,
    /// The device hangs up when nothing was done for so long.
    pub idle_hangs_up_ms: Option<u64>,
    /// What it does when something is done to it.
    #[serde(default)]
    pub on: Vec<Reaction>,
}

/// An error as bluetoothd gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The last part of its name, after `org.bluez.Error.`.
    pub error: String,
    /// Its text.
    pub message: String,
}

/// What a device does when something is done to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// What is done: `resolved`, `subscribe 2a35`, `subscribe-again 2a35` (to what is subscribed to already), `read 2a29`, or
    /// `write 2a52 0101` (that the bytes begin with).
    pub to: String,
    /// It fails with this.
    pub fails: Option<Failure>,
    /// What the device sends then, in order.
    #[serde(default)]
    pub sends: Vec<Sending>,
    /// How long after all that the device hangs up.
    pub hangs_up_ms: Option<u64>,
}

/// One value that a device sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// The value.
    pub value: Payload,
    /// The characteristic, where it is another than the one that was subscribed to or written.
    pub characteristic: Option<String>,
    /// How long after the one before.
    #[serde(default)]
    pub after_ms: u64,
    /// How often, byte for byte.
    #[serde(default = "first")]
    pub times: usize,
    /// Where the bytes come from, where that is another source than the script's.
    pub source: Option<String>,
}

fn public() -> String {
    "public".to_owned()
}
fn yes() -> bool {
    true
}
fn every_ms() -> u64 {
    100
}
fn rssi() -> i16 {
    -61
}
fn first() -> usize {
    1
}
fn link_ms() -> u64 {
    20
}

impl Device {
    /// Its name in the list of calls: the last byte of its address.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.address.rsplit(':').next().unwrap_or(&self.address)
    }

    /// Every characteristic.
    pub fn characteristics(&self) -> impl Iterator<Item = &Characteristic> {
        self.service.iter().flat_map(|service| &service.characteristic)
    }

    /// Whether its script ever comes to an end.
    #[must_use]
    pub fn comes_to_an_end(&self) -> bool {
        !self.connection.is_empty() || self.advertises.as_ref().is_some_and(|advertises| !advertises.packet.is_empty())
    }
}
