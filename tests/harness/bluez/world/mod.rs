//! bluetoothd's side of the bus: every call is written down, and answered from the state of the adapter and the devices.
//!
//! Nothing here waits or sends: a call or a wake in, effects out. The state outlives bluetoothd, as devices do.

mod attribute;

use super::{
    effects::{Effects, Wake},
    peripheral::Peripheral,
    record::Record,
    script::Script,
    tree::{self, Interfaces, Place},
    true_local,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use zbus::{Message, ObjectPath, OwnedVariant, message::Type};

const NO_OBJECT: &str = "org.freedesktop.DBus.Error.UnknownObject";
const NO_METHOD: &str = "org.freedesktop.DBus.Error.UnknownMethod";
const NO_PROPERTY: &str = "org.freedesktop.DBus.Error.InvalidArgs";

/// The adapter, the devices, and what was asked of them.
pub(super) struct World {
    is_powered: bool,
    life: usize,
    scanners: BTreeSet<String>,
    devices: Vec<Peripheral>,
    record: Arc<Record>,
}

impl World {
    /// The devices of a script, before anything has happened.
    pub(super) fn new(script: &Script, record: Arc<Record>) -> Self {
        let start = true_local();
        let devices = script.device.iter().enumerate();
        let devices = devices.map(|(place, plan)| Peripheral::new(place, plan.clone(), start)).collect();
        Self { is_powered: false, life: 0, scanners: BTreeSet::new(), devices, record }
    }

    /// bluetoothd starts.
    pub(super) fn begin_life(&mut self) {
        self.life += 1;
        self.scanners.clear();
        for device in &mut self.devices {
            device.begin_life(self.life);
        }
        self.note_progress();
    }

    fn note_progress(&self) {
        let adverts = self.devices.iter().map(|device| (device.tag().to_owned(), device.adverts)).collect();
        let connected = self.devices.iter().filter(|device| device.is_connected());
        let connected = connected.map(|device| device.tag().to_owned()).collect();
        self.record.progress(self.devices.iter().all(Peripheral::is_played_out), adverts, connected);
    }

    fn objects(&self) -> Vec<(String, Place, Interfaces)> {
        tree::objects(self.is_powered, !self.scanners.is_empty(), &self.devices)
    }

    /// Takes a message from the bus.
    pub(super) fn message(&mut self, message: &Message, effects: &mut Effects) {
        match message.message_type() {
            Type::MethodCall => self.call(message, effects),
            Type::Signal => self.signal(message, effects),
            Type::MethodReturn | Type::Error => {}
        }
        self.note_progress();
    }

    /// A client that has left no longer scans.
    fn signal(&mut self, message: &Message, effects: &mut Effects) {
        let header = message.header();
        if header.member().is_some_and(|member| member.as_str() == "NameOwnerChanged")
            && let Ok((name, _old, new)) = message.body().deserialize::<(String, String, String)>()
            && new.is_empty()
            && self.scanners.remove(&name)
        {
            self.say_discovering(effects);
        }
    }

    fn say_discovering(&self, effects: &mut Effects) {
        let properties = tree::Properties::from([("Discovering", (!self.scanners.is_empty()).into())]);
        effects.changed(tree::HCI0, tree::ADAPTER, &properties);
    }

    fn call(&mut self, call: &Message, effects: &mut Effects) {
        let header = call.header();
        let path = header.path().map(ToString::to_string).unwrap_or_default();
        let interface = header.interface().map(ToString::to_string).unwrap_or_default();
        let member = header.member().map(ToString::to_string).unwrap_or_default();
        let objects = self.objects();
        let Some((place, interfaces)) = tree::find(&objects, &path) else {
            self.record.call(format!("{member} {path} (no such object)"));
            return effects.fail(call, NO_OBJECT, &path);
        };
        match interface.as_str() {
            "org.freedesktop.DBus.Introspectable" => {
                self.record.call(format!("Introspect {}", self.name(&place)));
                effects.reply(call, &tree::introspection(&objects, &path, interfaces));
            }
            "org.freedesktop.DBus.ObjectManager" => {
                self.record.call(member);
                let managed =
                    objects.iter().filter_map(|(path, _, has)| Some((ObjectPath::try_from(path.as_str()).ok()?, has)));
                effects.reply(call, &managed.collect::<BTreeMap<_, _>>());
            }
            "org.freedesktop.DBus.Properties" => self.properties(call, &member, &place, interfaces, effects),
            "org.freedesktop.DBus.Peer" => effects.reply(call, &()),
            tree::ADAPTER => self.adapter(call, &member, effects),
            tree::AGENTS => {
                self.record.call(member);
                effects.reply(call, &());
            }
            tree::DEVICE => self.device(call, &member, &place, effects),
            tree::CHARACTERISTIC => self.characteristic(call, &member, &place, effects),
            _ => {
                self.record.call(format!("{interface}.{member}"));
                effects.fail(call, NO_METHOD, &member);
            }
        }
    }

    /// What a place is called in the list of calls.
    fn name(&self, place: &Place) -> String {
        let named = |device: &usize| self.devices.get(*device).map(Peripheral::tag).unwrap_or_default().to_owned();
        match place {
            Place::Adapter => "hci0".to_owned(),
            Place::Root | Place::Between => "/".to_owned(),
            Place::Device(device) => named(device),
            Place::Service(device, service) => {
                let service = self.devices.get(*device).and_then(|device| device.plan.service.get(*service));
                format!("{} {}", named(device), service.map_or("?", |service| &service.uuid))
            }
            Place::Characteristic(device, ..) => {
                format!("{} {}", named(device), self.uuid(place).map(|(_, uuid)| uuid).unwrap_or_default())
            }
        }
    }

    /// The device and the number of a characteristic.
    fn uuid(&self, place: &Place) -> Option<(usize, String)> {
        let Place::Characteristic(device, service, within) = place else { return None };
        let service = self.devices.get(*device)?.plan.service.get(*service)?;
        Some((*device, service.characteristic.get(*within)?.uuid.clone()))
    }

    fn properties(
        &mut self,
        call: &Message,
        member: &str,
        place: &Place,
        interfaces: Option<&Interfaces>,
        effects: &mut Effects,
    ) {
        let has = |interface: &str| interfaces.and_then(|interfaces| interfaces.get(interface));
        let body = call.body();
        let name = self.name(place);
        if let ("GetAll", Ok(interface)) = (member, body.deserialize::<String>()) {
            self.record.call(format!("GetAll {name}"));
            match has(&interface) {
                Some(properties) => effects.reply(call, properties),
                None => effects.fail(call, NO_PROPERTY, &interface),
            }
        } else if let ("Get", Ok((interface, property))) = (member, body.deserialize::<(String, String)>()) {
            self.record.call(format!("Get {name} {property}"));
            match has(&interface).and_then(|properties| properties.get(property.as_str())) {
                Some(value) => effects.reply(call, value),
                None => effects.fail(call, NO_PROPERTY, &property),
            }
        } else if let ("Set", Ok((_, property, value))) = (member, body.deserialize::<(String, String, OwnedVariant)>())
        {
            let is_on = bool::try_from(value).ok();
            self.record
                .call(format!("Set {name} {property} {}", is_on.map_or_else(|| "?".to_owned(), |on| on.to_string())));
            match (place, property.as_str(), is_on) {
                (Place::Adapter, "Powered", Some(is_on)) => {
                    effects.reply(call, &());
                    if std::mem::replace(&mut self.is_powered, is_on) != is_on {
                        let properties = tree::Properties::from([("Powered", is_on.into())]);
                        effects.changed(tree::HCI0, tree::ADAPTER, &properties);
                    }
                }
                (Place::Device(_), "Trusted", _) => effects.reply(call, &()),
                _ => effects.fail(call, NO_PROPERTY, &property),
            }
        } else {
            self.record.call(format!("{member} {name}"));
            effects.fail(call, NO_METHOD, member);
        }
    }

    fn adapter(&mut self, call: &Message, member: &str, effects: &mut Effects) {
        let sender = call.header().sender().map(ToString::to_string).unwrap_or_default();
        let is_again = member == "StartDiscovery" && self.scanners.contains(&sender);
        self.record.call(if is_again { format!("{member} (in progress)") } else { member.to_owned() });
        match member {
            "StartDiscovery" if !self.is_powered => effects.refuse(call, "NotReady", "Resource Not Ready"),
            "StartDiscovery" if is_again => effects.refuse(call, "InProgress", "Operation already in progress"),
            "StartDiscovery" => {
                self.scanners.insert(sender);
                effects.reply(call, &());
                self.say_discovering(effects);
                self.devices.iter_mut().for_each(|device| device.tick_from_now(effects));
            }
            "StopDiscovery" if !self.scanners.remove(&sender) => effects.refuse(call, "Failed", "No discovery started"),
            "StopDiscovery" => {
                effects.reply(call, &());
                self.say_discovering(effects);
            }
            "SetDiscoveryFilter" => effects.reply(call, &()),
            _ => effects.fail(call, NO_METHOD, member),
        }
    }

    fn device(&mut self, call: &Message, member: &str, place: &Place, effects: &mut Effects) {
        self.record.call(format!("{member} {}", self.name(place)));
        let is_powered = self.is_powered;
        let device = if let Place::Device(device) = place { self.devices.get_mut(*device) } else { None };
        let Some(device) = device else { return effects.fail(call, NO_METHOD, member) };
        match member {
            "Connect" if !is_powered => effects.refuse(call, "NotReady", "Resource Not Ready"),
            "Connect" => device.connect(call, effects),
            "Disconnect" if !device.is_connected() && !device.is_connecting() => {
                effects.refuse(call, "NotConnected", "Not Connected");
            }
            "Disconnect" => {
                device.hang_up(effects);
                effects.reply(call, &());
            }
            // Nobody is there to confirm anything.
            "Pair" => effects.refuse(call, "AuthenticationFailed", "Authentication Failed"),
            "CancelPairing" => effects.refuse(call, "DoesNotExist", "Does Not Exist"),
            _ => effects.fail(call, NO_METHOD, member),
        }
    }

    /// Wakes a device.
    pub(super) fn wake(&mut self, wake: Wake, effects: &mut Effects) {
        let is_heard = self.is_powered && !self.scanners.is_empty();
        let (Wake::Advertise { device }
        | Wake::Tape { device, .. }
        | Wake::Idle { device, .. }
        | Wake::GiveUp { device, .. }
        | Wake::Rested { device }) = wake;
        let Some(device) = self.devices.get_mut(device) else { return };
        let hung_up = match wake {
            Wake::Advertise { .. } => {
                device.advertise(is_heard, effects);
                false
            }
            Wake::Tape { generation, .. } => device.play(generation, true_local(), effects),
            Wake::Idle { generation, activity, .. } => device.is_bored(generation, activity, effects),
            Wake::GiveUp { generation, .. } => {
                device.give_up(generation, effects);
                false
            }
            Wake::Rested { .. } => {
                device.rested();
                false
            }
        };
        if hung_up {
            self.record.call(format!("HungUp {}", device.tag()));
        }
        self.note_progress();
    }
}
