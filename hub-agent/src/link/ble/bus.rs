//! The way to this machine's Bluetooth service: calls with a time limit, and errors in our words.
//!
//! Invariants: no call is made without a limit, because after the bus has died every call hangs without an error; making
//! a connection blocks its thread inside libdbus, so it has a thread of its own and never one of the runtime's.
//!
//! After the bus has died and come back at its address, new connections are made within the process: they are private
//! ones, which libdbus does not share or keep. The address itself is read once (`DBUS_SYSTEM_BUS_ADDRESS`, or the
//! system's own); a bus that comes back elsewhere needs a new process.

use crate::session::Trouble;
use bluez_async::{AdapterId, BluetoothError, BluetoothSession};
use btleplug::{
    api::{Central, Manager as _},
    platform::{Adapter, Manager},
};
use std::{future::Future, pin::Pin, time::Duration};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};

/// Making a connection to the bus may take this long: it is a local socket and three messages.
const BUS_WITHIN: Duration = Duration::from_secs(5);

/// Asking for the adapters may take this long: one call, which the bus may answer by starting the service.
const ADAPTERS_WITHIN: Duration = Duration::from_secs(5);

/// Any other small call to the service may take this long.
pub(super) const CALL_WITHIN: Duration = Duration::from_secs(5);

/// Starting to scan may take this long: an adapter that is switched off is powered on first.
pub(super) const SCAN_WITHIN: Duration = Duration::from_secs(10);

/// Why nothing is heard over Bluetooth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no system bus.
    NoBus,
    /// The bus is there, the Bluetooth service is not.
    NoService,
    /// There is no adapter, or not the one of the settings, or it is switched off.
    NoAdapter,
    /// A call was not answered in time.
    NoAnswer,
    /// This user may not use Bluetooth.
    NotAllowed,
    /// Nothing was heard from any device for too long.
    Silent,
    /// Anything else.
    Failed,
}

impl Fault {
    /// The stable word for it.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::NoBus => "no_bus",
            Self::NoService => "no_service",
            Self::NoAdapter => "no_adapter",
            Self::NoAnswer => "no_answer",
            Self::NotAllowed => "not_allowed",
            Self::Silent => "silent",
            Self::Failed => "failed",
        }
    }

    /// What an error of the service means.
    pub(super) fn of(error: &BluetoothError) -> Self {
        match dbus_name(error) {
            Some(
                "org.freedesktop.DBus.Error.ServiceUnknown"
                | "org.freedesktop.DBus.Error.NameHasNoOwner"
                | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound"
                | "org.freedesktop.DBus.Error.Spawn.ExecFailed",
            ) => Self::NoService,
            Some("org.freedesktop.DBus.Error.AccessDenied" | "org.bluez.Error.NotAuthorized") => Self::NotAllowed,
            Some(
                "org.freedesktop.DBus.Error.NoReply"
                | "org.freedesktop.DBus.Error.Timeout"
                | "org.freedesktop.DBus.Error.TimedOut"
                | "org.freedesktop.DBus.Error.Disconnected",
            ) => Self::NoAnswer,
            Some(
                "org.freedesktop.DBus.Error.UnknownObject"
                | "org.freedesktop.DBus.Error.UnknownMethod"
                | "org.freedesktop.DBus.Error.UnknownInterface"
                | "org.bluez.Error.NotReady"
                | "org.bluez.Error.Blocked",
            ) => Self::NoAdapter,
            Some(_) | None if matches!(error, BluetoothError::NoBluetoothAdapters) => Self::NoAdapter,
            Some(_) | None => Self::Failed,
        }
    }

    fn of_call(error: &btleplug::Error) -> Self {
        bluez(error).map_or(Self::Failed, Self::of)
    }
}

/// The error of the Bluetooth client beneath btleplug, which is where the service's own words are.
fn bluez(error: &btleplug::Error) -> Option<&BluetoothError> {
    if let btleplug::Error::Other(inner) = error { inner.downcast_ref() } else { None }
}

fn dbus_name(error: &BluetoothError) -> Option<&str> {
    if let BluetoothError::DbusError(error) = error { error.name() } else { None }
}

/// What an error of a call to a device means for the conversation with it.
pub(super) fn trouble(error: &btleplug::Error) -> Trouble {
    bluez(error).map_or(Trouble::Refused, trouble_of)
}

/// BlueZ says of a missing bond "Not paired" (`create_gatt_dbus_error`); older ones and other paths name authentication or
/// encryption; a connection that fails for it has an error of its own.
fn trouble_of(error: &BluetoothError) -> Trouble {
    let BluetoothError::DbusError(error) = error else {
        return if matches!(error, BluetoothError::ServiceDiscoveryTimedOut) {
            Trouble::TimeLimit
        } else {
            Trouble::Refused
        };
    };
    let says = error.message().unwrap_or_default().to_ascii_lowercase();
    let is_about_bond = || ["not paired", "authentic", "encrypt", "key missing"].iter().any(|word| says.contains(word));
    match error.name().unwrap_or_default() {
        "org.bluez.Error.NotConnected" => Trouble::NotConnected,
        "org.freedesktop.DBus.Error.NoReply" | "org.freedesktop.DBus.Error.Timeout" => Trouble::TimeLimit,
        name if name.starts_with("org.bluez.Error.Authentication") => Trouble::PairingLost,
        "org.bluez.Error.NotPermitted" | "org.bluez.Error.NotAuthorized" | "org.bluez.Error.Failed"
            if is_about_bond() =>
        {
            Trouble::PairingLost
        }
        _ if says.contains("not connected") => Trouble::NotConnected,
        _ => Trouble::Refused,
    }
}

/// Whether a subscription was refused because it is there already: the service has put it back for a bonded device.
pub(super) fn is_there_already(error: &btleplug::Error) -> bool {
    let Some(BluetoothError::DbusError(error)) = bluez(error) else { return false };
    matches!(error.name(), Some("org.bluez.Error.InProgress" | "org.bluez.Error.AlreadyExists"))
        || error.message().is_some_and(|says| says.eq_ignore_ascii_case("already notifying"))
}

/// Whether a device wants a bond that is not there.
pub(super) fn is_lost_bond(error: &BluetoothError) -> bool {
    trouble_of(error) == Trouble::PairingLost
}

/// A call about the adapter, with its limit.
pub(super) async fn ask<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, btleplug::Error>> + Send,
) -> Result<T, Fault> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| Fault::of_call(&error)),
        Err(_too_long) => Err(Fault::NoAnswer),
    }
}

/// The same through the client beneath btleplug.
pub(super) async fn ask_bluez<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, BluetoothError>> + Send,
) -> Result<T, Fault> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| Fault::of(&error)),
        Err(_too_long) => Err(Fault::NoAnswer),
    }
}

/// A call to a device, with its limit.
pub(super) async fn tell<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, btleplug::Error>> + Send,
) -> Result<T, Trouble> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| trouble(&error)),
        Err(_too_long) => Err(Trouble::TimeLimit),
    }
}

/// The same through the client beneath btleplug.
pub(super) async fn tell_bluez<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, BluetoothError>> + Send,
) -> Result<T, Trouble> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| trouble_of(&error)),
        Err(_too_long) => Err(Trouble::TimeLimit),
    }
}

/// Runs what connects to the bus on a thread of its own. A bus that hangs holds that thread until libdbus gives up
/// (25 s), and nobody else.
async fn apart<T: Send + 'static>(
    connect: impl FnOnce(Handle) -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let runtime = Handle::current();
    let (done, made) = oneshot::channel();
    std::thread::Builder::new()
        .name("bluetooth-bus".to_owned())
        // Where nobody waits any more, what was made is dropped with the message.
        .spawn(move || {
            let _entered = runtime.enter();
            drop(done.send(connect(runtime.clone())));
        })
        .map_err(|_no_thread| Fault::Failed)?;
    match timeout(BUS_WITHIN, made).await {
        Ok(Ok(made)) => made,
        Ok(Err(_the_thread_panicked)) => Err(Fault::Failed),
        Err(_too_long) => Err(Fault::NoAnswer),
    }
}

/// The bus refuses some users by its rules; any other failure to connect is a bus that is not there.
fn no_bus(error: &BluetoothError) -> Fault {
    match Fault::of(error) {
        Fault::NotAllowed => Fault::NotAllowed,
        Fault::NoAnswer => Fault::NoAnswer,
        Fault::NoBus | Fault::NoService | Fault::NoAdapter | Fault::Silent | Fault::Failed => Fault::NoBus,
    }
}

/// The adapter of this name, or the first there is.
pub(super) async fn adapter(name: Option<&str>) -> Result<Adapter, Fault> {
    let manager =
        apart(|runtime| runtime.block_on(Manager::new()).map_err(|error| bluez(&error).map_or(Fault::NoBus, no_bus)))
            .await?;
    let mut named = Vec::new();
    for adapter in ask(ADAPTERS_WITHIN, manager.adapters()).await? {
        // "hci0 (usb:v1D6Bp0246d0532)": there is no other way to an adapter's name.
        let says = ask(CALL_WITHIN, adapter.adapter_info()).await?;
        named.push((says.split_whitespace().next().unwrap_or_default().to_owned(), adapter));
    }
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    let wanted = named.into_iter().find(|(known, _)| name.is_none_or(|name| name == known));
    wanted.map(|(_, adapter)| adapter).ok_or(Fault::NoAdapter)
}

/// A second way to the same service, for what btleplug cannot say: whether the adapter still scans, whether the bus is
/// still there, and pairing.
pub(super) struct Probe {
    /// The client.
    pub(super) session: BluetoothSession,
    /// Ends when the connection to the bus is lost: the only sign of it there is.
    pub(super) lost: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Probe {
    /// Connects.
    pub(super) async fn new() -> Result<Self, Fault> {
        let (lost, session) = apart(|runtime| {
            let (lost, session) = runtime.block_on(BluetoothSession::new()).map_err(|error| no_bus(&error))?;
            let lost: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
                // However it ended, it ended.
                drop(lost.await);
            });
            Ok((lost, session))
        })
        .await?;
        Ok(Self { session, lost })
    }
}

/// The adapter of this name, or the first there is, for the client beneath btleplug.
pub(super) async fn adapter_id(session: &BluetoothSession, name: Option<&str>) -> Result<AdapterId, Fault> {
    let mut adapters = ask_bluez(ADAPTERS_WITHIN, session.get_adapters()).await?;
    adapters.sort_by_key(|adapter| adapter.id.to_string());
    let wanted = adapters.into_iter().find(|adapter| name.is_none_or(|name| adapter.id.to_string() == name));
    wanted.map(|adapter| adapter.id).ok_or(Fault::NoAdapter)
}

#[cfg(test)]
mod tests {
    //! BlueZ's own words, as they come over the bus.

    use super::*;

    fn error(name: &str, message: &str) -> btleplug::Error {
        let error = dbus::Error::new_custom(name, message);
        btleplug::Error::Other(Box::new(BluetoothError::DbusError(error)))
    }

    #[test]
    fn a_missing_bond_is_told_from_other_refusals() {
        for (name, message, means) in [
            ("org.bluez.Error.NotPermitted", "Not paired", Trouble::PairingLost),
            ("org.bluez.Error.NotPermitted", "Insufficient Authentication", Trouble::PairingLost),
            ("org.bluez.Error.Failed", "Insufficient Encryption", Trouble::PairingLost),
            ("org.bluez.Error.AuthenticationFailed", "Authentication Failed", Trouble::PairingLost),
            ("org.bluez.Error.NotPermitted", "Write not permitted", Trouble::Refused),
            ("org.bluez.Error.Failed", "le-connection-abort-by-local", Trouble::Refused),
            ("org.bluez.Error.Failed", "Operation failed with ATT error: 0x80", Trouble::Refused),
            ("org.bluez.Error.Failed", "Not connected", Trouble::NotConnected),
            ("org.bluez.Error.NotConnected", "Not Connected", Trouble::NotConnected),
            ("org.freedesktop.DBus.Error.NoReply", "", Trouble::TimeLimit),
        ] {
            assert_eq!(trouble(&error(name, message)), means, "{name}: {message}");
        }
        assert_eq!(trouble(&btleplug::Error::NoSuchCharacteristic), Trouble::Refused);
    }

    #[test]
    fn a_fault_names_what_is_missing() {
        for (name, means) in [
            ("org.freedesktop.DBus.Error.ServiceUnknown", Fault::NoService),
            ("org.freedesktop.DBus.Error.AccessDenied", Fault::NotAllowed),
            ("org.freedesktop.DBus.Error.UnknownObject", Fault::NoAdapter),
            ("org.freedesktop.DBus.Error.NoReply", Fault::NoAnswer),
            ("org.bluez.Error.NotReady", Fault::NoAdapter),
            ("org.bluez.Error.Failed", Fault::Failed),
        ] {
            assert_eq!(Fault::of_call(&error(name, "")), means, "{name}");
        }
    }
}
