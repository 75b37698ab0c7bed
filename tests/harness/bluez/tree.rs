//! bluetoothd's object tree: the adapter, the devices it knows, and the services and characteristics of those whose
//! services are resolved, with every property that BlueZ clients cannot do without.
//!
//! Source: the manual pages `org.bluez.Adapter(5)`, `org.bluez.Device(5)`, `org.bluez.GattService(5)` and
//! `org.bluez.GattCharacteristic(5)`; what is mandatory is what bluez-async 0.9 refuses to go without.

use super::{
    peripheral::Peripheral,
    script::{Characteristic, Service},
};
use std::{collections::BTreeMap, fmt::Write};
use zbus::{ObjectPath, Variant};

/// An object's interface.
pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
/// An object's interface.
pub(super) const DEVICE: &str = "org.bluez.Device1";
/// An object's interface.
pub(super) const SERVICE: &str = "org.bluez.GattService1";
/// An object's interface.
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
/// An object's interface.
pub(super) const AGENTS: &str = "org.bluez.AgentManager1";

/// Where agents for pairing register.
pub(super) const ROOT: &str = "/org/bluez";
/// The one adapter.
pub(super) const HCI0: &str = "/org/bluez/hci0";

/// The properties of one interface.
pub(super) type Properties = BTreeMap<&'static str, Variant<'static>>;
/// The interfaces of one object.
pub(super) type Interfaces = BTreeMap<&'static str, Properties>;

/// Where in the tree a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The adapter.
    Adapter,
    /// The device of this place in the script.
    Device(usize),
    /// A service of a device.
    Service(usize, usize),
    /// A characteristic: device, service, characteristic.
    Characteristic(usize, usize, usize),
    /// Where agents register.
    Root,
    /// A path on the way to others.
    Between,
}

/// The whole 128 bits of a short number; a long one stays as it is.
pub(super) fn long_uuid(short: &str) -> String {
    if short.len() == 4 { format!("0000{short}-0000-1000-8000-00805f9b34fb") } else { short.to_owned() }
}

/// The path of a device.
pub(super) fn device_path(address: &str) -> String {
    format!("{HCI0}/dev_{}", address.replace(':', "_"))
}

/// The path of a device's service, by its place.
pub(super) fn service_path(device: &str, service: usize) -> String {
    format!("{device}/service{:04x}", (service + 1) * 0x20)
}

/// The path of a service's characteristic, by its place.
pub(super) fn characteristic_path(device: &str, service: usize, characteristic: usize) -> String {
    format!("{}/char{:04x}", service_path(device, service), (service + 1) * 0x20 + characteristic * 3 + 1)
}

fn object(path: &str) -> Option<Variant<'static>> {
    ObjectPath::try_from(path.to_owned()).ok().map(Variant::from)
}

/// The adapter's properties.
pub(super) fn adapter(is_powered: bool, is_discovering: bool) -> Interfaces {
    let properties = Properties::from([
        ("Address", "00:1A:7D:DA:71:13".into()),
        ("AddressType", "public".into()),
        ("Name", "hub".into()),
        ("Alias", "hub".into()),
        ("Class", 0_u32.into()),
        ("Modalias", "usb:v1D6Bp0246d0548".into()),
        ("Powered", is_powered.into()),
        ("Discoverable", false.into()),
        ("Pairable", true.into()),
        ("Discovering", is_discovering.into()),
    ]);
    Interfaces::from([(ADAPTER, properties)])
}

/// A device's properties.
pub(super) fn device(device: &Peripheral) -> Properties {
    let plan = &device.plan;
    let name = plan.name.clone().unwrap_or_else(|| plan.address.replace(':', "-"));
    let mut properties = Properties::from([
        ("Address", plan.address.clone().into()),
        ("AddressType", plan.address_type.clone().into()),
        ("Alias", name.clone().into()),
        ("Paired", plan.is_paired.into()),
        ("Bonded", plan.is_paired.into()),
        ("Trusted", plan.is_paired.into()),
        ("Blocked", false.into()),
        ("LegacyPairing", false.into()),
        ("Connected", device.is_connected().into()),
        ("ServicesResolved", device.is_resolved().into()),
        ("UUIDs", uuids(device).into()),
    ]);
    properties.extend(object(HCI0).map(|path| ("Adapter", path)));
    if plan.name.is_some() {
        properties.insert("Name", name.into());
    }
    properties.extend(device.heard());
    properties
}

/// The services that a device names: those it advertises, and all of them once they are resolved.
pub(super) fn uuids(device: &Peripheral) -> Vec<String> {
    let advertised = device.plan.advertises.iter().flat_map(|advertises| &advertises.services);
    let resolved = device.plan.service.iter().map(|service| &service.uuid).filter(|_| device.is_resolved());
    let mut uuids: Vec<String> = advertised.chain(resolved).map(|uuid| long_uuid(uuid)).collect();
    uuids.sort();
    uuids.dedup();
    uuids
}

fn service(device: &str, service: &Service) -> Interfaces {
    let mut properties = Properties::from([("UUID", long_uuid(&service.uuid).into()), ("Primary", true.into())]);
    properties.extend(object(device).map(|path| ("Device", path)));
    Interfaces::from([(SERVICE, properties)])
}

fn characteristic(service: &str, characteristic: &Characteristic, is_notifying: bool) -> Interfaces {
    let mut properties = Properties::from([
        ("UUID", long_uuid(&characteristic.uuid).into()),
        ("Flags", characteristic.flags.clone().into()),
        ("Value", Vec::<u8>::new().into()),
        ("MTU", 23_u16.into()),
    ]);
    properties.extend(object(service).map(|path| ("Service", path)));
    if characteristic.has("notify") || characteristic.has("indicate") {
        properties.insert("Notifying", is_notifying.into());
    }
    Interfaces::from([(CHARACTERISTIC, properties)])
}

/// The GATT objects of a device, parents first.
pub(super) fn gatt(place: usize, device: &Peripheral) -> Vec<(String, Place, Interfaces)> {
    let mut objects = Vec::new();
    for (at, plan) in device.plan.service.iter().enumerate() {
        let path = service_path(&device.path, at);
        objects.push((path.clone(), Place::Service(place, at), service(&device.path, plan)));
        for (within, plan) in plan.characteristic.iter().enumerate() {
            let own = characteristic_path(&device.path, at, within);
            let interfaces = characteristic(&path, plan, device.is_notifying(&plan.uuid));
            objects.push((own, Place::Characteristic(place, at, within), interfaces));
        }
    }
    objects
}

/// Every object there is now.
pub(super) fn objects(
    is_powered: bool,
    is_discovering: bool,
    devices: &[Peripheral],
) -> Vec<(String, Place, Interfaces)> {
    let mut objects = vec![
        (ROOT.to_owned(), Place::Root, Interfaces::from([(AGENTS, Properties::new())])),
        (HCI0.to_owned(), Place::Adapter, adapter(is_powered, is_discovering)),
    ];
    for (place, peripheral) in devices.iter().enumerate().filter(|(_, peripheral)| peripheral.is_in_tree) {
        let interfaces = Interfaces::from([(DEVICE, device(peripheral))]);
        objects.push((peripheral.path.clone(), Place::Device(place), interfaces));
        if peripheral.has_objects() {
            objects.extend(gatt(place, peripheral));
        }
    }
    objects
}

/// What stands at a path, if anything.
pub(super) fn find<'a>(
    objects: &'a [(String, Place, Interfaces)],
    path: &str,
) -> Option<(Place, Option<&'a Interfaces>)> {
    let found = objects.iter().find(|(at, ..)| at == path).map(|(_, place, has)| (place.clone(), Some(has)));
    let is_on_the_way = || path == "/" || objects.iter().any(|(at, ..)| at.starts_with(&format!("{path}/")));
    found.or_else(|| is_on_the_way().then_some((Place::Between, None)))
}

/// The description of a path: its interfaces and the names of what stands below it.
pub(super) fn introspection(
    objects: &[(String, Place, Interfaces)],
    path: &str,
    interfaces: Option<&Interfaces>,
) -> String {
    let below = if path == "/" { "/".to_owned() } else { format!("{path}/") };
    let names = objects.iter().filter_map(|(at, ..)| at.strip_prefix(&below)?.split('/').next());
    let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    let mut xml = String::from("<node>");
    // Writing to a string does not fail.
    for interface in interfaces.into_iter().flat_map(BTreeMap::keys) {
        write!(xml, "<interface name=\"{interface}\"/>").ok();
    }
    for name in names {
        write!(xml, "<node name=\"{name}\"/>").ok();
    }
    xml.push_str("</node>");
    xml
}
