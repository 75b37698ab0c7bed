//! The way to one device: its handle, and the values it sends, kept between conversations.
//!
//! A bonded device may send as soon as it is connected again, before its services are listed: the service of this machine
//! has put its subscriptions back by itself (BlueZ, `btd_gatt_client_connected`). So values are heard before the
//! connection is made. btleplug's own stream cannot be used for that: it drops the values of what was not listed, and on a
//! bus that keeps equal match rules once (busd does; D-Bus counts them) its short-lived listening during `connect` ends
//! ours. The client beneath it has neither fault on a connection of its own. Invariants: values are given in the order
//! they came; one of a characteristic that has no name yet waits for it, at most [`UNNAMED_MAX`] of them.

use super::bus::{CALL_WITHIN, Fault, ask, tell_bluez};
use crate::session::{Attribute, Trouble};
use bluez_async::{
    BleUuid, BluetoothError, BluetoothEvent, BluetoothSession, CharacteristicEvent, CharacteristicId, DeviceId,
};
use btleplug::{
    api::Central,
    platform::{Adapter, Peripheral},
};
use futures_util::{Stream, StreamExt, future};
use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
};

/// Values that came before their device was listed; a burst is smaller, and a list takes a tenth of a second.
const UNNAMED_MAX: usize = 64;

/// One connection to the Bluetooth service.
#[derive(Clone)]
pub(super) struct Service {
    /// The adapter: scans, and gives the handles of devices.
    pub(super) adapter: Adapter,
    /// The client beneath it, on a connection of its own.
    pub(super) session: BluetoothSession,
}

/// What a device sends, by the service's own names.
pub(super) type Values = Pin<Box<dyn Stream<Item = (CharacteristicId, Vec<u8>)> + Send>>;

/// The numbers behind those names; none where a maker numbers by itself.
pub(super) type Names = BTreeMap<CharacteristicId, Option<Attribute>>;

/// The way to a device.
pub(super) struct Way {
    pub(super) id: DeviceId,
    pub(super) peripheral: Peripheral,
    pub(super) session: BluetoothSession,
    values: Option<Values>,
    names: Option<Names>,
    unnamed: VecDeque<(CharacteristicId, Vec<u8>)>,
}

impl Way {
    pub(super) async fn to(id: DeviceId, service: &Service) -> Result<Self, Fault> {
        let peripheral = ask(CALL_WITHIN, service.adapter.peripheral(&id.clone().into())).await?;
        let session = service.session.clone();
        Ok(Self { id, peripheral, session, values: None, names: None, unnamed: VecDeque::new() })
    }

    /// Whether values are heard.
    pub(super) fn is_open(&self) -> bool {
        self.values.is_some()
    }

    /// Values are heard from now on.
    pub(super) fn open(&mut self, values: Values) {
        self.values = Some(values);
    }

    /// It is known what the device lists.
    pub(super) fn name(&mut self, names: Names) {
        self.names = Some(names);
    }

    /// The next value; for ever, where none are heard. Dropping the wait loses nothing. `None` once the connection to the
    /// bus has gone.
    pub(super) async fn next_value(&mut self) -> Option<(Attribute, Vec<u8>)> {
        loop {
            if let Some(names) = &self.names
                && let Some((id, bytes)) = self.unnamed.pop_front()
            {
                // What the device does not list under a number of Bluetooth's was never subscribed to by us.
                match names.get(&id).copied().flatten() {
                    Some(attribute) => return Some((attribute, bytes)),
                    None => continue,
                }
            }
            let Some(values) = &mut self.values else { return future::pending().await };
            let Some(value) = values.next().await else {
                self.values = None;
                return None;
            };
            if self.unnamed.len() >= UNNAMED_MAX {
                self.unnamed.pop_front();
            }
            self.unnamed.push_back(value);
        }
    }
}

/// Begins to hear a device, connected or not.
pub(super) async fn listen(session: BluetoothSession, id: DeviceId) -> Result<Values, Trouble> {
    let events = tell_bluez(CALL_WITHIN, session.device_event_stream(&id)).await?;
    Ok(Box::pin(events.filter_map(|event| future::ready(value_of(event)))))
}

fn value_of(event: BluetoothEvent) -> Option<(CharacteristicId, Vec<u8>)> {
    match event {
        BluetoothEvent::Characteristic { id, event: CharacteristicEvent::Value { value } } => Some((id, value)),
        BluetoothEvent::Characteristic { .. } | BluetoothEvent::Adapter { .. } | BluetoothEvent::Device { .. } => None,
    }
}

/// The numbers of everything a connected device lists.
pub(super) async fn names(session: &BluetoothSession, id: &DeviceId) -> Result<Names, BluetoothError> {
    let mut names = Names::new();
    for service in session.get_services(id).await? {
        for characteristic in session.get_characteristics(&service.id).await? {
            let numbers = service.uuid.to_ble_u16().zip(characteristic.uuid.to_ble_u16());
            names.insert(characteristic.id, numbers.map(|(service, uuid)| Attribute { service, uuid }));
        }
    }
    Ok(names)
}
