//! The bluetoothd of these tests is itself tested: it is what BlueZ clients need, and it can die and come back.

use harness::{
    bluez::{Absence, Bluetoothd, bus::Bus, script::Script},
    clock::wait_until,
};
use std::{collections::HashMap, time::Duration};
use zbus::{Connection, Message, OwnedObjectPath, OwnedVariant, connection::Builder};

type Objects = HashMap<OwnedObjectPath, HashMap<String, HashMap<String, OwnedVariant>>>;

const CUFF: &str = r#"
why = "A cuff for looking at bluetoothd."
source = "Invented."
expect = {}

[[device]]
address = "C0:26:DA:00:00:01"
name = "Cuff"
is_paired = true
advertises = { services = ["1810"] }
service = [
    { uuid = "180a", characteristic = [{ uuid = "2a25", flags = ["read"], text = "A-1" }] },
    { uuid = "1810", characteristic = [
        { uuid = "2a35", flags = ["indicate"] },
        { uuid = "2a08", flags = ["read", "write"] },
    ] },
]
clock = { characteristic = "2a08", ahead_secs = -960 }

[[device.connection]]
on = [{ to = "subscribe 2a35", sends = [{ value = "00 7800 5000 ff07" }], hangs_up_ms = 5 }]
"#;

const CUFF_PATH: &str = "/org/bluez/hci0/dev_C0_26_DA_00_00_01";

fn client(bus: &Bus) -> Connection {
    zbus::block_on(Builder::address(bus.address().as_str()).build()).unwrap()
}

fn call<B: serde::Serialize + zbus::DynamicType>(
    client: &Connection,
    path: &str,
    interface: &str,
    member: &str,
    body: &B,
) -> Result<Message, zbus::Error> {
    zbus::block_on(client.call_method(Some("org.bluez"), path, Some(interface), member, body))
}

/// What bluez-async 0.9 takes an object without for none, in silence.
#[test]
fn every_object_has_the_properties_that_clients_cannot_do_without() {
    let script = Script::read("cuff", CUFF).unwrap();
    let bus = Bus::start().unwrap();
    let _bluetoothd = Bluetoothd::start(&script, &bus.address()).unwrap();
    let client = client(&bus);
    let answer = call(&client, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &()).unwrap();
    let objects: Objects = answer.body().deserialize().unwrap();
    for (path, interface, needs) in [
        ("/org/bluez/hci0", "org.bluez.Adapter1", "Address AddressType Name Alias Modalias Powered Discovering"),
        (
            CUFF_PATH,
            "org.bluez.Device1",
            "Address AddressType Paired Trusted Blocked LegacyPairing Connected ServicesResolved Adapter UUIDs",
        ),
    ] {
        let object = &objects[&OwnedObjectPath::try_from(path).unwrap()][interface];
        for property in needs.split(' ') {
            assert!(object.contains_key(property), "{path} has no {property}");
        }
    }
    let cuff = &objects[&OwnedObjectPath::try_from(CUFF_PATH).unwrap()]["org.bluez.Device1"];
    assert!(!cuff.contains_key("RSSI"), "a cached device was not heard yet");
}

/// One conversation by hand, and its list of calls; then bluetoothd dies without a word and is another afterwards.
#[test]
fn a_conversation_is_written_down_and_a_death_is_silent() {
    let script = Script::read("cuff", CUFF).unwrap();
    let bus = Bus::start().unwrap();
    let mut bluetoothd = Bluetoothd::start(&script, &bus.address()).unwrap();
    let client = client(&bus);
    let adapter = |member: &str| call(&client, "/org/bluez/hci0", "org.bluez.Adapter1", member, &());
    let error = |answer: Result<Message, zbus::Error>| match answer {
        Err(zbus::Error::MethodError(name, ..)) => name.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(error(adapter("StartDiscovery")), "org.bluez.Error.NotReady", "it is not powered");
    let powered = ("org.bluez.Adapter1", "Powered", zbus::Variant::from(true));
    call(&client, "/org/bluez/hci0", "org.freedesktop.DBus.Properties", "Set", &powered).unwrap();
    adapter("StartDiscovery").unwrap();
    assert_eq!(error(adapter("StartDiscovery")), "org.bluez.Error.InProgress");
    call(&client, CUFF_PATH, "org.bluez.Device1", "Connect", &()).unwrap();
    let service = format!("{CUFF_PATH}/service0040");
    wait_until(Duration::from_secs(10), "the services are resolved", || {
        call(&client, &service, "org.freedesktop.DBus.Introspectable", "Introspect", &()).is_ok()
    })
    .unwrap();
    let xml = call(&client, &service, "org.freedesktop.DBus.Introspectable", "Introspect", &()).unwrap();
    let xml: String = xml.body().deserialize().unwrap();
    assert_eq!(
        xml,
        r#"<node><interface name="org.bluez.GattService1"/><node name="char0041"/><node name="char0044"/></node>"#
    );
    let subscribe = format!("{service}/char0041");
    call(&client, &subscribe, "org.bluez.GattCharacteristic1", "StartNotify", &()).unwrap();
    let record = std::sync::Arc::clone(bluetoothd.record());
    wait_until(Duration::from_secs(10), "the cuff has hung up", || record.is_played_out()).unwrap();
    let deeds: Vec<String> = harness::bluez::record::deeds(&record.calls()).into_iter().map(str::to_owned).collect();
    assert_eq!(
        deeds,
        [
            "StartDiscovery",
            "Set hci0 Powered true",
            "StartDiscovery",
            "StartDiscovery (in progress)",
            "Connect 01",
            "StartNotify 01 2a35",
            "HungUp 01"
        ]
    );
    bluetoothd.kill_with(Absence::SaidSo, &bus.address()).unwrap();
    match adapter("StopDiscovery") {
        Err(zbus::Error::FDO(error)) => assert!(matches!(*error, zbus::fdo::Error::ServiceUnknown(_)), "{error}"),
        other => panic!("{other:?}"),
    }
    bluetoothd.start_again(&bus.address()).unwrap();
    assert_eq!(error(adapter("StopDiscovery")), "org.bluez.Error.Failed", "the one after it knows of no scan");
}

/// A slip of the pen in a script never passes for a behaviour.
#[test]
fn a_script_with_a_mistake_is_refused() {
    assert!(Script::read("cuff", CUFF).is_ok());
    for (from, to, says) in [
        ("is_paired", "is_pared", "unknown field `is_pared`"),
        ("\"indicate\"", "\"indicates\"", "the flag \"indicates\""),
        ("subscribe 2a35", "subscribe 2a36", "no characteristic 2a36"),
        ("subscribe 2a35", "suscribe 2a35", "\"suscribe\""),
        ("00 7800", "0 7800", "read a value"),
        ("2a08\", ahead", "2a09\", ahead", "no characteristic 2a09"),
        ("expect = {}", "expect = { call = [{ never = 'Connect 02' }] }", "02, which is no device"),
        ("expect = {}", "expect = { call = [{ neber = 'Connect 01' }] }", "call"),
        ("source = \"Invented.\"", "source = \"\"", "no source"),
        ("00:00:01", "00:01", "address"),
    ] {
        let refused = Script::read("cuff", &CUFF.replace(from, to)).unwrap_err();
        assert!(refused.to_string().contains(says), "want {says:?} in {refused}");
    }
}
