//! The one task that owns the adapter: scans for ever, takes every event, and sends for the devices it knows.
//!
//! The events come from the client beneath btleplug, whose own stream asks the service about the device for each single
//! event: a house full of phones brings more of them than there is time to ask, and a cuff would be met when it is long
//! gone. Invariants: the events are always being taken, so nothing in this loop waits for a device; what is decided about
//! a fault is decided in [`super::watchdog`].

use super::{
    Fault, Shared,
    advertised::readings,
    bus::{self, CALL_WITHIN, Probe, SCAN_WITHIN, ask, ask_bluez},
    known::Devices,
    watchdog::{self, Alarm, Deafness, Polled, Watch},
    way::Service,
};
use crate::{events::HubEvent, link::Heard, session::Facts};
use bluez_async::{AdapterEvent, BluetoothEvent, DeviceEvent};
use btleplug::{
    api::{Central, ScanFilter},
    platform::Adapter,
};
use chrono::{DateTime, Utc};
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture};
use std::{pin::Pin, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};

/// Waits before the connection to the service is made anew, the last for as long as it takes: a try is a few small
/// calls, and a cuff advertises for half a minute only.
const REBUILD_AFTER: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

type Events = Pin<Box<dyn Stream<Item = BluetoothEvent> + Send>>;

struct Radio {
    shared: Arc<Shared>,
    adapter_name: Option<String>,
    devices: Devices,
    watch: Watch,
    deafness: Deafness,
}

/// One connection to the service, scanning.
struct Ear {
    service: Service,
    events: Events,
    polls: mpsc::Receiver<Result<Polled, Fault>>,
    /// The watchdog's task, which ends with this.
    _watching: JoinSet<()>,
}

/// Why listening ended.
enum Stop {
    Rebuild(Fault),
    End,
}

/// Listens until the link is dropped, or nothing helps any more.
pub(super) async fn run(adapter_name: Option<String>, devices: Vec<Facts>, shared: Arc<Shared>) {
    let mut radio = Radio {
        adapter_name,
        devices: Devices::new(devices, Arc::clone(&shared)),
        watch: Watch::new(shared.clock.now()),
        deafness: Deafness::default(),
        shared,
    };
    let mut tries = 0_usize;
    loop {
        // When the service was known to be there for the last time.
        let mut well_at = radio.shared.clock.now();
        let stop = match radio.open().await {
            Ok(mut ear) => {
                tries = 0;
                radio.hears_service();
                let stop = radio.listen(&mut ear, &mut well_at).await;
                radio.devices.part().await;
                stop
            }
            Err(fault) => Stop::Rebuild(fault),
        };
        match stop {
            Stop::Rebuild(fault) => {
                let since = if fault == Fault::Silent { radio.watch.heard_at() } else { well_at };
                let said = radio.deafness.begin(fault, since);
                radio.emit(said);
            }
            Stop::End => {
                let failed = Heard::Failed { link: "bluetooth", why: Fault::Silent.why() };
                // Where nobody listens any more the agent is stopping already.
                drop(radio.shared.heard.send(failed).await);
                return;
            }
        }
        let wait = REBUILD_AFTER.get(tries).or(REBUILD_AFTER.last()).copied().unwrap_or_default();
        tries += 1;
        radio.shared.clock.sleep(wait).await;
    }
}

impl Radio {
    fn emit(&self, event: Option<HubEvent>) {
        if let Some(event) = event {
            self.shared.events.emit(&event);
        }
    }

    /// The service is there and scans. Where it was silence that made us begin anew, only a device ends that.
    fn hears_service(&mut self) {
        let at = self.shared.clock.now();
        self.watch.rebuilt();
        self.watch.hears_again(at);
        if !self.watch.is_silent() {
            let said = self.deafness.end(at);
            self.emit(said);
        }
    }

    /// Some device was heard.
    fn heard(&mut self, at: DateTime<Utc>) {
        let was_silent = self.watch.is_silent();
        self.watch.heard(at);
        if was_silent {
            let said = self.deafness.end(at);
            self.emit(said);
        }
    }

    /// Connects to the service, takes its events, and only then starts the scan.
    async fn open(&mut self) -> Result<Ear, Fault> {
        let adapter = bus::adapter(self.adapter_name.as_deref()).await?;
        let probe = Probe::new().await?;
        let id = bus::adapter_id(&probe.session, self.adapter_name.as_deref()).await?;
        let events = ask_bluez(CALL_WITHIN, probe.session.adapter_event_stream(&id)).await?;
        let listed = ask_bluez(CALL_WITHIN, probe.session.get_devices_on_adapter(&id)).await?;
        let service = Service { adapter: adapter.clone(), session: probe.session.clone() };
        self.devices.look_through(listed, &service);
        ask(SCAN_WITHIN, adapter.start_scan(ScanFilter::default())).await?;
        let (sender, polls) = mpsc::channel(1);
        let mut watching = JoinSet::new();
        let clock = Arc::clone(&self.shared.clock);
        watching.spawn(watchdog::watch(adapter, probe, id, clock, sender));
        Ok(Ear { service, events: Box::pin(events), polls, _watching: watching })
    }

    /// Takes events until the connection to the service is of no more use. `well_at` follows the last good sign.
    async fn listen(&mut self, ear: &mut Ear, well_at: &mut DateTime<Utc>) -> Stop {
        let mut restart: Option<BoxFuture<'static, Result<(), Fault>>> = None;
        loop {
            tokio::select! {
                event = ear.events.next() => match event {
                    Some(event) => {
                        if let Some(fault) = self.take_event(event, &ear.service) {
                            return Stop::Rebuild(fault);
                        }
                    }
                    None => return Stop::Rebuild(Fault::NoBus),
                },
                polled = ear.polls.recv() => {
                    let polled = polled.unwrap_or(Err(Fault::NoBus));
                    if polled.is_ok() {
                        *well_at = self.shared.clock.now();
                    }
                    match self.take_poll(polled) {
                        Alarm::None => {}
                        Alarm::RestartScan => restart = Some(scan_again(ear.service.adapter.clone()).boxed()),
                        Alarm::Rebuild(fault) => return Stop::Rebuild(fault),
                        Alarm::End => return Stop::End,
                    }
                }
                restarted = done(&mut restart) => {
                    restart = None;
                    if let Err(fault) = restarted {
                        return Stop::Rebuild(fault);
                    }
                }
                () = self.devices.take_outcome() => {}
            }
        }
    }

    fn take_poll(&mut self, polled: Result<Polled, Fault>) -> Alarm {
        // A device that is connected does not advertise, and is heard all the same.
        if let Some(value_at) = self.shared.value_at().filter(|value_at| *value_at > self.watch.heard_at()) {
            self.heard(value_at);
        }
        let alarm = self.watch.polled(polled, self.shared.clock.now());
        if alarm == Alarm::RestartScan && self.watch.is_silent() {
            let said = self.deafness.begin(Fault::Silent, self.watch.heard_at());
            self.emit(said);
        }
        alarm
    }

    /// Takes one event; says why the connection is of no more use, where it is not.
    fn take_event(&mut self, event: BluetoothEvent, service: &Service) -> Option<Fault> {
        match event {
            BluetoothEvent::Device { id, event } => match event {
                // Presence is a fresh advertisement. That a device is listed is not: the service lists every device it
                // ever met, and connecting to one that is not there blocks the adapter for half a minute.
                DeviceEvent::Rssi { .. } | DeviceEvent::ManufacturerData { .. } => {
                    self.heard(self.shared.clock.now());
                    self.devices.advertises(&id, Vec::new(), service);
                }
                DeviceEvent::ServiceData { service_data } => {
                    self.heard(self.shared.clock.now());
                    self.devices.advertises(&id, readings(&service_data), service);
                }
                // Perhaps without our doing: by the service, for a bonded device.
                DeviceEvent::Connected { connected: true } => self.devices.is_connected(&id, service),
                DeviceEvent::Connected { connected: false } => self.devices.hung_up(&id),
                DeviceEvent::Discovered | DeviceEvent::Services { .. } | DeviceEvent::ServicesResolved | _ => {}
            },
            BluetoothEvent::Adapter { event: AdapterEvent::Powered { powered: false }, .. } => {
                return Some(Fault::NoAdapter);
            }
            BluetoothEvent::Adapter { .. } | BluetoothEvent::Characteristic { .. } => {}
        }
        None
    }
}

/// What a call brings; for ever, where none is under way.
async fn done(call: &mut Option<BoxFuture<'static, Result<(), Fault>>>) -> Result<(), Fault> {
    match call {
        Some(call) => call.await,
        None => std::future::pending().await,
    }
}

async fn scan_again(adapter: Adapter) -> Result<(), Fault> {
    // A scan that was not running cannot be stopped; that is what is mended here.
    ask(CALL_WITHIN, adapter.stop_scan()).await.ok();
    ask(SCAN_WITHIN, adapter.start_scan(ScanFilter::default())).await
}
