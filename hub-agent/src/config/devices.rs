//! The part of the settings that names devices: known Bluetooth devices by address, serial ports by path and protocol.

use device_codecs::serial::Protocol;
use serde::{Deserialize, Deserializer};
use std::{collections::BTreeSet, fmt, path::PathBuf};
use thiserror::Error;

/// Most known Bluetooth devices of one hub: 60 beds with ten devices each.
pub const BLUETOOTH_DEVICES_MAX: usize = 600;

/// Most serial ports of one hub: two full USB hubs.
pub const SERIAL_PORTS_MAX: usize = 32;

/// A Bluetooth device's address: six bytes, the identity address where the device is bonded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BluetoothAddress([u8; 6]);

/// A text is not a Bluetooth address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("read a Bluetooth address: want six pairs of hexadecimal digits, such as C0:26:DA:23:8F:68")]
pub struct NotAnAddress;

impl BluetoothAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`NotAnAddress`] for any other form.
    ///
    /// ```
    /// use hub_agent::config::BluetoothAddress;
    /// assert_eq!(BluetoothAddress::parse("c0:26:da:23:8f:68").unwrap().to_string(), "C0:26:DA:23:8F:68");
    /// assert!(BluetoothAddress::parse("C026DA238F68").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAnAddress> {
        let has_form = text.len() == 17 && text.bytes().skip(2).step_by(3).all(|byte| byte == b':');
        let digits: String = text.split(':').collect();
        vitals::hex::decode_array(&digits).ok().filter(|_| has_form).map(Self).ok_or(NotAnAddress)
    }

    /// The six bytes, in the order they are written.
    #[must_use]
    pub fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for BluetoothAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}:{b:02X}:{c:02X}:{d:02X}:{e:02X}:{g:02X}")
    }
}

impl fmt::Debug for BluetoothAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for BluetoothAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Which Bluetooth devices this hub listens to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bluetooth {
    /// The adapter, for example `hci0`; left out: the first there is.
    pub adapter: Option<String>,
    /// The devices it knows. Any other is never connected to.
    #[serde(default)]
    pub device: Vec<KnownDevice>,
}

/// A Bluetooth device that belongs to this hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDevice {
    /// Its address.
    pub address: BluetoothAddress,
    /// What people call it, for the log of an engineer: no person's name.
    pub label: Option<String>,
    /// The user and code with which a scale lets its readings out (User Data Service), where it needs them.
    pub consent: Option<Consent>,
}

/// What a scale asks before it sends a user's readings.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The user's index on the scale, 0 to 254.
    pub user_index: u8,
    /// The consent code, 0 to 9999.
    pub code: u16,
}

/// Debug shows which user, never the code.
impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consent(user {})", self.user_index)
    }
}

/// One serial port and what speaks on it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialPort {
    /// The port's path, best one of `/dev/serial/by-id/`, which stays the same over unplugging.
    pub port: PathBuf,
    /// The protocol.
    #[serde(deserialize_with = "protocol")]
    pub protocol: Protocol,
}

fn protocol<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Protocol, D::Error> {
    let name = String::deserialize(deserializer)?;
    Protocol::parse(&name).map_err(|_not_a_protocol| {
        let known: Vec<&str> = Protocol::ALL.iter().map(|protocol| protocol.name()).collect();
        serde::de::Error::custom(format!("read a serial protocol: want one of {}", known.join(", ")))
    })
}

/// Why a list of devices was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DevicesRefused {
    /// A Bluetooth device is named twice.
    #[error("take Bluetooth device {address}: it is named twice")]
    DeviceTwice {
        /// Its address.
        address: BluetoothAddress,
    },
    /// A port is named twice: two protocols cannot share a line.
    #[error("take serial port {}: it is named twice", port.display())]
    PortTwice {
        /// Its path.
        port: PathBuf,
    },
    /// User 255 means "unknown" and has no consent, and codes have four digits.
    #[error("take Bluetooth device {address}: consent needs a user index of 0 to 254 and a code of 0 to 9999")]
    Consent {
        /// The device's address.
        address: BluetoothAddress,
    },
    /// More than [`BLUETOOTH_DEVICES_MAX`] devices or [`SERIAL_PORTS_MAX`] ports.
    #[error("take the devices: more than {BLUETOOTH_DEVICES_MAX} Bluetooth devices or {SERIAL_PORTS_MAX} serial ports")]
    TooMany,
}

/// Checks what serde cannot: limits, nothing twice, consents that can be.
pub(super) fn check(bluetooth: Option<&Bluetooth>, serial: &[SerialPort]) -> Result<(), DevicesRefused> {
    let devices = bluetooth.map_or(&[][..], |bluetooth| bluetooth.device.as_slice());
    if devices.len() > BLUETOOTH_DEVICES_MAX || serial.len() > SERIAL_PORTS_MAX {
        return Err(DevicesRefused::TooMany);
    }
    let (mut addresses, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for KnownDevice { address, consent, .. } in devices {
        if !addresses.insert(*address) {
            return Err(DevicesRefused::DeviceTwice { address: *address });
        }
        if consent.is_some_and(|consent| consent.user_index == crate::assign::USER_UNKNOWN || consent.code > 9999) {
            return Err(DevicesRefused::Consent { address: *address });
        }
    }
    match serial.iter().find(|line| !ports.insert(&line.port)) {
        Some(line) => Err(DevicesRefused::PortTwice { port: line.port.clone() }),
        None => Ok(()),
    }
}
