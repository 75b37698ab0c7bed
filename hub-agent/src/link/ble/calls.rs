//! The calls that a conversation asks for, each as a future with its limit.
//!
//! Invariants: every call ends, with what came or with a reason; nothing here decides what comes next.

use super::{
    Shared,
    bus::{is_there_already, tell, tell_bluez},
    way::{self, Names, Values, Way},
};
use crate::session::{Action, Attribute, Event, Listed, Trouble};
use bluez_async::{BleUuid, BluetoothSession, DeviceId};
use btleplug::{
    api::{CharPropFlags, Characteristic, Peripheral as _, WriteType},
    platform::Peripheral,
};
use futures_util::future::BoxFuture;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;

/// A device waits this long for its turn to be connected; then it has probably stopped advertising.
const TURN_WITHIN: Duration = Duration::from_secs(15);

/// The link itself may take this long, and nobody else is connected meanwhile: a device that advertises is reached within
/// a few seconds. One that has gone would hold the adapter until the service gives up, for half a minute.
const LINK_WITHIN: Duration = Duration::from_secs(8);

/// How often it is asked whether the link is there. Listing the services, which takes longer, holds up nobody.
const LINK_POLL: Duration = Duration::from_millis(250);

/// What a device lists, by the numbers we know it by.
pub(super) type Table = BTreeMap<Attribute, Characteristic>;

/// What a call brought.
pub(super) struct Done {
    /// What the conversation is told.
    pub(super) event: Event,
    /// What the device lists, where that was asked.
    pub(super) listed: Option<(Table, Names)>,
    /// What it sends, where that is heard from now on.
    pub(super) values: Option<Values>,
}

impl Done {
    fn event(event: Event) -> Self {
        Self { event, listed: None, values: None }
    }
}

/// The call that an action asks for; `None` where it asks for none.
pub(super) fn of(action: Action, way: &Way, listed: &Table, shared: &Arc<Shared>) -> Option<BoxFuture<'static, Done>> {
    let limit = action.limit();
    let (peripheral, session, id) = (way.peripheral.clone(), way.session.clone(), way.id.clone());
    let find = |attribute: &Attribute| listed.get(attribute).cloned();
    Some(match action {
        Action::Connect => Box::pin(connect(peripheral, Arc::clone(shared), limit)),
        Action::Discover => Box::pin(discover(peripheral, session, id, limit)),
        Action::OpenNotifications if way.is_open() => now(Event::NotificationsOpen(Ok(()))),
        Action::OpenNotifications => Box::pin(open(session, id)),
        Action::Read(attribute) => match find(&attribute) {
            Some(characteristic) => Box::pin(async move {
                let read = tell(limit, peripheral.read(&characteristic)).await;
                Done::event(Event::Read(attribute, read))
            }),
            None => now(Event::Read(attribute, Err(Trouble::Refused))),
        },
        Action::Write(attribute, bytes) => match find(&attribute) {
            Some(characteristic) => Box::pin(async move {
                let write = peripheral.write(&characteristic, &bytes, WriteType::WithResponse);
                Done::event(Event::Wrote(attribute, tell(limit, write).await))
            }),
            None => now(Event::Wrote(attribute, Err(Trouble::Refused))),
        },
        Action::Subscribe(attribute) => match find(&attribute) {
            Some(characteristic) => Box::pin(async move {
                let subscribe = async {
                    match peripheral.subscribe(&characteristic).await {
                        Err(error) if is_there_already(&error) => Ok(()),
                        answer => answer,
                    }
                };
                Done::event(Event::Subscribed(attribute, tell(limit, subscribe).await))
            }),
            None => now(Event::Subscribed(attribute, Err(Trouble::Refused))),
        },
        Action::AskMemory(device, kind) => {
            let memory = Arc::clone(&shared.memory);
            Box::pin(async move {
                // A memory that cannot say is as good as none: then all is asked for.
                let place = timeout(limit, memory.last_kept(&device, kind)).await.unwrap_or_default();
                Done::event(Event::LastKept(kind, place))
            })
        }
        Action::Disconnect => Box::pin(async move {
            // Nothing hangs on it: a device that is gone cannot be hung up on.
            tell(limit, peripheral.disconnect()).await.ok();
            Done::event(Event::Disconnected)
        }),
        Action::Met { .. }
        | Action::Heard(_)
        | Action::MemoryRead(..)
        | Action::Parted { .. }
        | Action::SetTimer(_)
        | Action::Report(_)
        | Action::Over(_) => return None,
    })
}

fn now(event: Event) -> BoxFuture<'static, Done> {
    Box::pin(std::future::ready(Done::event(event)))
}

/// One link is made at a time: adapters refuse or drop the second of two. The turn ends with the link, so that a device
/// that takes long to list its services keeps nobody waiting.
async fn connect(peripheral: Peripheral, shared: Arc<Shared>, limit: Duration) -> Done {
    let turn = timeout(TURN_WITHIN, shared.connecting.acquire()).await;
    let Ok(Ok(turn)) = turn else { return Done::event(Event::ConnectFailed(Trouble::WaitedTooLong)) };
    let connecting = tell(limit, peripheral.connect());
    tokio::pin!(connecting);
    let is_linked = async {
        while tell(LINK_WITHIN, peripheral.is_connected()).await != Ok(true) {
            tokio::time::sleep(LINK_POLL).await;
        }
    };
    let connected = tokio::select! {
        connected = &mut connecting => Some(connected),
        linked = timeout(LINK_WITHIN, is_linked) => linked.is_err().then_some(Err(Trouble::TimeLimit)),
    };
    drop(turn);
    let connected = match connected {
        Some(connected) => connected,
        None => connecting.await,
    };
    Done::event(connected.map_or_else(Event::ConnectFailed, |()| Event::Connected))
}

/// What the device lists: once for the calls, by btleplug, and once for the names by which its values come.
async fn discover(peripheral: Peripheral, session: BluetoothSession, id: DeviceId, limit: Duration) -> Done {
    let discovered = tell(limit, peripheral.discover_services()).await;
    let names = match discovered {
        Ok(()) => tell_bluez(limit, way::names(&session, &id)).await,
        Err(trouble) => Err(trouble),
    };
    let names = match names {
        Ok(names) => names,
        Err(trouble) => return Done::event(Event::Discovered(Err(trouble))),
    };
    let services = peripheral.services();
    let characteristics = services.into_iter().flat_map(|service| service.characteristics);
    let listed: Table = characteristics
        .filter_map(|characteristic| {
            let (service, uuid) = (characteristic.service_uuid.to_ble_u16()?, characteristic.uuid.to_ble_u16()?);
            Some((Attribute { service, uuid }, characteristic))
        })
        .collect();
    let list = listed.iter().map(|(attribute, characteristic)| Listed {
        attribute: *attribute,
        can_read: characteristic.properties.contains(CharPropFlags::READ),
        can_write: characteristic.properties.contains(CharPropFlags::WRITE),
        can_notify: characteristic.properties.intersects(CharPropFlags::NOTIFY | CharPropFlags::INDICATE),
    });
    Done { event: Event::Discovered(Ok(list.collect())), listed: Some((listed, names)), values: None }
}

async fn open(session: BluetoothSession, id: DeviceId) -> Done {
    match way::listen(session, id).await {
        Ok(values) => Done { event: Event::NotificationsOpen(Ok(())), listed: None, values: Some(values) },
        Err(trouble) => Done::event(Event::NotificationsOpen(Err(trouble))),
    }
}
