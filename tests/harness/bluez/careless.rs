//! A careless hub: a D-Bus client that does everything a hub must not do, so that each rule for calls is seen broken.
//!
//! It connects to whatever advertises and once more than there is reason to, subscribes first and sets a wrong clock
//! afterwards, asks for pairing, ends subscriptions, and hangs up before the device does.

use super::{
    Bluetoothd,
    bus::Bus,
    expect::Outcome,
    peripheral::RACP,
    script::{Characteristic, Device, Script},
    tree,
};
use crate::{
    clock::wait_until,
    trouble::{Doing, Trouble},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use zbus::{Connection, DynamicType, Variant, connection::Builder};

/// How long it waits for an answer: some devices never give one.
const ANSWERS_WITHIN: Duration = Duration::from_millis(300);

/// How long a device may take to be heard.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// How often it does what should be done once.
const TIMES: usize = 3;

/// What holds a clock.
const CLOCKS: [&str; 2] = ["2a08", "2a2b"];

/// The clock it sets: a midnight long ago.
const WRONG_CLOCK: [u8; 7] = [0xda, 0x07, 1, 1, 0, 0, 0];

/// What it tells a meter's memory.
const FORGET_ALL: [u8; 2] = [0x02, 0x01];

/// What comes of a careless hub with the devices of a script.
///
/// # Errors
/// [`Trouble`] where the bus or bluetoothd does not start.
pub fn run(script: &Script) -> Result<Outcome, Trouble> {
    let bus = Bus::start()?;
    let mut script = script.clone();
    for connection in script.device.iter_mut().flat_map(|device| &mut device.connection) {
        // It is not patient, and the devices bear with it, so that it is itself that hangs up.
        (connection.resolve_ms, connection.idle_hangs_up_ms) = (connection.link_ms, None);
        connection.on.iter_mut().for_each(|reaction| reaction.hangs_up_ms = None);
    }
    let mut bluetoothd = Bluetoothd::start(&script, &bus.address())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().doing("start a runtime")?;
    let hub = runtime.block_on(Careless::start(&bus.address())).doing("start a careless hub")?;
    for device in &script.device {
        let record = bluetoothd.record();
        let is_heard = || device.is_paired || device.advertises.is_none() || record.adverts(device.tag()) > 0;
        wait_until(HEARD_WITHIN, "the device is heard", is_heard).doing("wait for a device")?;
        runtime.block_on(hub.visit(device));
    }
    bluetoothd.kill()?;
    Ok(Outcome { calls: bluetoothd.record().calls(), ..Outcome::default() })
}

struct Careless(Connection);

impl Careless {
    async fn start(address: &str) -> zbus::Result<Self> {
        let hub = Self(Builder::address(address).build().await?);
        let powered = (tree::ADAPTER, "Powered", Variant::from(true));
        hub.call(tree::HCI0, "org.freedesktop.DBus.Properties", "Set", &powered).await;
        for _ in 0..2 {
            hub.call(tree::HCI0, tree::ADAPTER, "StartDiscovery", &()).await;
        }
        Ok(hub)
    }

    /// Calls, and does not care for the answer.
    async fn call<B: Serialize + DynamicType + Sync>(&self, path: &str, interface: &str, member: &str, body: &B) {
        let call = self.0.call_method(Some("org.bluez"), path, Some(interface), member, body);
        drop(tokio::time::timeout(ANSWERS_WITHIN, call).await);
    }

    async fn visit(&self, device: &Device) {
        let path = tree::device_path(&device.address);
        let services = device.service.iter().enumerate();
        let characteristics: Vec<(String, &Characteristic)> = services
            .flat_map(|(at, service)| {
                service.characteristic.iter().enumerate().map(move |(within, has)| (at, within, has))
            })
            .map(|(at, within, has)| (tree::characteristic_path(&path, at, within), has))
            .collect();
        for _ in 0..=device.connection.len().max(1) {
            self.call(&path, tree::DEVICE, "Connect", &()).await;
            self.call(&path, tree::DEVICE, "Pair", &()).await;
            self.wait_for_objects(&path).await;
            // It asks control points before it could hear an answer, and sets the clock after it could hear a reading.
            for (path, has) in characteristics.iter().filter(|(_, has)| !CLOCKS.contains(&has.uuid.as_str())) {
                self.write(path, has).await;
            }
            for (path, has) in std::iter::repeat_n(&characteristics, TIMES).flatten() {
                if has.has("notify") || has.has("indicate") {
                    self.call(path, tree::CHARACTERISTIC, "StartNotify", &()).await;
                    self.call(path, tree::CHARACTERISTIC, "StopNotify", &()).await;
                }
            }
            for (path, has) in std::iter::repeat_n(&characteristics, TIMES).flatten() {
                self.write(path, has).await;
            }
            self.call(&path, tree::DEVICE, "Disconnect", &()).await;
        }
    }

    async fn write(&self, path: &str, has: &Characteristic) {
        if has.has("write") {
            let bytes = if has.uuid == RACP { FORGET_ALL.to_vec() } else { WRONG_CLOCK.to_vec() };
            let nothing = BTreeMap::<&str, Variant<'_>>::new();
            self.call(path, tree::CHARACTERISTIC, "WriteValue", &(bytes, nothing)).await;
        }
    }

    /// Gives the device a moment to resolve its services.
    async fn wait_for_objects(&self, path: &str) {
        let service = tree::service_path(path, 0);
        for _ in 0..20 {
            let introspect = self.0.call_method(
                Some("org.bluez"),
                service.as_str(),
                Some("org.freedesktop.DBus.Introspectable"),
                "Introspect",
                &(),
            );
            if introspect.await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
