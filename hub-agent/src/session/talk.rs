//! What a conversation is told and what it asks for: the words between the state machine and whoever drives it.

use super::listed::{Attribute, Listed};
use crate::{
    config::{BluetoothAddress, Consent},
    events::HubEvent,
    link::Place,
};
use chrono_tz::Tz;
use device_codecs::{Frame, FrameKind};
use std::time::Duration;
use vitals::{ClockOffset, HubId, SourceId, record::NotASource};

/// One call may take this long unless its action says otherwise: a device answers within a tenth of a second; one that
/// must first restore encryption takes some seconds; Bluetooth itself gives up, and the link with it, after 30.
const CALL_WITHIN: Duration = Duration::from_secs(10);

/// Connecting may take this long: the library waits up to 30 s for a device to list its services (some take 7 s and
/// more), and the link itself takes up to 5.
const CONNECT_WITHIN: Duration = Duration::from_secs(35);

/// Reading the list of services may take this long: it is a few calls for each characteristic to the Bluetooth service of
/// this machine, none to the device, and a large device has sixty.
const DISCOVER_WITHIN: Duration = Duration::from_secs(15);

/// Hanging up may take this long. Nothing depends on it: the service drops the link in the end.
const DISCONNECT_WITHIN: Duration = Duration::from_secs(5);

/// What is known of a device before it is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its address.
    pub address: BluetoothAddress,
    /// What a scale asks before it sends a user's readings.
    pub consent: Option<Consent>,
    /// The zone in which devices' clocks are set.
    pub zone: Tz,
    /// The source of its readings where it does not say who it is.
    pub port: SourceId,
}

impl Facts {
    /// The facts of a device of this hub.
    ///
    /// # Errors
    /// [`NotASource`] where hub and address make no source.
    pub fn new(hub: &HubId, address: BluetoothAddress, consent: Option<Consent>, zone: Tz) -> Result<Self, NotASource> {
        let port = SourceId::port(hub, &format!("bluetooth/{address}"))?;
        Ok(Self { address, consent, zone, port })
    }
}

/// What was learnt of a device at earlier connections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Who it said it is. Stands in where it cannot be read this time.
    pub source: Option<SourceId>,
    /// How often in a row it hung up before anything was heard.
    pub hang_ups: u8,
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It took longer than it may.
    TimeLimit,
    /// The device wants a bond that is not there, or not any more.
    PairingLost,
    /// There is no connection.
    NotConnected,
    /// Others were connecting for so long that the device has probably gone.
    WaitedTooLong,
    /// Anything else.
    Refused,
}

impl Trouble {
    /// The stable word for it.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::TimeLimit => "time_limit",
            Self::PairingLost => "pairing_lost",
            Self::NotConnected => "disconnected",
            Self::WaitedTooLong => "waited_too_long",
            Self::Refused => "refused",
        }
    }
}

/// What a conversation is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The device was heard just now.
    Advertised,
    /// It is connected.
    Connected,
    /// It could not be connected.
    ConnectFailed(Trouble),
    /// What it lists; possibly nothing yet.
    Discovered(Result<Vec<Listed>, Trouble>),
    /// From now on values are heard, or cannot be.
    NotificationsOpen(Result<(), Trouble>),
    /// What a characteristic held.
    Read(Attribute, Result<Vec<u8>, Trouble>),
    /// A characteristic was written.
    Wrote(Attribute, Result<(), Trouble>),
    /// A characteristic was subscribed to.
    Subscribed(Attribute, Result<(), Trouble>),
    /// A characteristic sent a value.
    Value(Attribute, Vec<u8>),
    /// The last place of this kind that was kept of this device.
    LastKept(FrameKind, Option<Place>),
    /// The device hung up, or the link broke.
    Disconnected,
    /// The time set with [`Action::SetTimer`] has passed.
    TimerFired,
    /// The hub's own Bluetooth is gone: nothing can be asked any more.
    Gone,
}

/// What a conversation asks for. There is no way to unsubscribe: switching indications off at the end of a session has
/// destroyed the bonds of cuffs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Connect.
    Connect,
    /// Read the list of services.
    Discover,
    /// Begin to hear values.
    OpenNotifications,
    /// Read a characteristic.
    Read(Attribute),
    /// Write a characteristic and wait for its answer.
    Write(Attribute, Vec<u8>),
    /// Subscribe to a characteristic.
    Subscribe(Attribute),
    /// Say where the kept records of this kind end.
    AskMemory(SourceId, FrameKind),
    /// It is known who the device is and how its clock stands.
    Met {
        /// The device.
        device: SourceId,
        /// Its clock against the hub's, before it was set.
        clock: ClockOffset,
    },
    /// Hand this over at once.
    Heard(Frame),
    /// The device's memory of one kind was told to its end: everything up to here was handed over before.
    MemoryRead(SourceId, Place),
    /// The device that was met has gone.
    Parted {
        /// The device.
        device: SourceId,
    },
    /// Say [`Event::TimerFired`] when this has passed; the last one set counts.
    SetTimer(Duration),
    /// Hang up.
    Disconnect,
    /// Say this to whoever looks.
    Report(HubEvent),
    /// The conversation is over. The next begins with a fresh advertisement, but not before this has passed.
    Over(Duration),
}

impl Action {
    /// How long it may take, where it is a call: then it is [`Trouble::TimeLimit`].
    #[must_use]
    pub fn limit(&self) -> Duration {
        match self {
            Self::Connect => CONNECT_WITHIN,
            Self::Discover => DISCOVER_WITHIN,
            Self::Disconnect => DISCONNECT_WITHIN,
            Self::OpenNotifications
            | Self::Read(_)
            | Self::Write(..)
            | Self::Subscribe(_)
            | Self::AskMemory(..)
            | Self::Met { .. }
            | Self::Heard(_)
            | Self::MemoryRead(..)
            | Self::Parted { .. }
            | Self::SetTimer(_)
            | Self::Report(_)
            | Self::Over(_) => CALL_WITHIN,
        }
    }
}
