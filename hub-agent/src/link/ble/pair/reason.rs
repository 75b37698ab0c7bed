//! Why a pairing failed, and what to do: each reason has an advice that somebody beside the device can follow.

use super::super::{bus::Fault, check};
use crate::config::BluetoothAddress;
use bluez_async::BluetoothError;
use thiserror::Error;

/// Why no bond was made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PairError {
    /// Bluetooth itself is not there.
    #[error("use Bluetooth ({})", .0.why())]
    Bluetooth(Fault),
    /// The device was not heard.
    #[error("find the device")]
    NotFound,
    /// More than one device has such a name.
    #[error("choose one of {}", .0.join(", "))]
    Several(Vec<String>),
    /// The device or a person refused.
    #[error("pair: it was refused")]
    Rejected,
    /// Nobody answered in time.
    #[error("pair: it took too long")]
    TimedOut,
    /// The device could not be reached.
    #[error("pair: the device could not be reached")]
    NotReached,
    /// This hub still knows a bond that the device has forgotten.
    #[error("use the bond that is there already: the device does not know it any more")]
    AlreadyPaired(BluetoothAddress),
    /// The device was paired, but this hub may forget the bond.
    #[error("keep the bond: the Bluetooth service has not stored it")]
    NotBonded,
    /// Anything else the Bluetooth service said.
    #[error("pair: the Bluetooth service refused")]
    Failed,
}

impl PairError {
    /// What to do.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Bluetooth(fault) => check::advice(*fault).to_owned(),
            Self::NotFound => "Put the device into pairing mode (for most cuffs: hold its start button until it shows Pr or \
                               the Bluetooth sign blinks), keep it within 2 m of the hub, and try again. A phone nearby that \
                               is paired with it must have Bluetooth switched off."
                .to_owned(),
            Self::Several(_) => "Try again with the address instead of the name.".to_owned(),
            Self::Rejected => "Put the device into pairing mode again and try again. If it shows a code, enter exactly that \
                               one. Some devices must first be told to forget earlier pairings; its leaflet says how."
                .to_owned(),
            Self::TimedOut => "Put the device into pairing mode again and try again; have its code ready.".to_owned(),
            Self::NotReached => "Keep the device within 2 m of the hub and awake, and try again.".to_owned(),
            Self::AlreadyPaired(address) => {
                format!("Run `bluetoothctl remove {address}`, put the device into pairing mode, and try again.")
            }
            Self::NotBonded => "Put the device into pairing mode and try again. If this repeats, the device does not keep \
                                bonds: it may still work without one."
                .to_owned(),
            Self::Failed => "Start the Bluetooth service again (`sudo systemctl restart bluetooth`) and try again.".to_owned(),
        }
    }

    /// What an error of the service means for a pairing.
    pub(super) fn of(error: &BluetoothError) -> Self {
        let BluetoothError::DbusError(dbus) = error else { return PairError::Failed };
        match dbus.name().unwrap_or_default() {
            "org.bluez.Error.AuthenticationRejected"
            | "org.bluez.Error.AuthenticationFailed"
            | "org.bluez.Error.AuthenticationCanceled"
            | "org.bluez.Error.Rejected" => PairError::Rejected,
            "org.bluez.Error.AuthenticationTimeout" | "org.freedesktop.DBus.Error.NoReply" => PairError::TimedOut,
            "org.bluez.Error.ConnectionAttemptFailed"
            | "org.bluez.Error.NotConnected"
            | "org.bluez.Error.DoesNotExist" => PairError::NotReached,
            _ if Fault::of(error) == Fault::Failed => PairError::Failed,
            _ => PairError::Bluetooth(Fault::of(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_says_what_to_do() {
        let address = BluetoothAddress::parse("C0:26:DA:23:8F:68").unwrap();
        let faults =
            [Fault::NoBus, Fault::NoService, Fault::NoAdapter, Fault::NoAnswer, Fault::NotAllowed, Fault::Failed];
        let all = faults.into_iter().map(PairError::Bluetooth).chain([
            PairError::NotFound,
            PairError::Several(vec!["a".into(), "b".into()]),
            PairError::Rejected,
            PairError::TimedOut,
            PairError::NotReached,
            PairError::AlreadyPaired(address),
            PairError::NotBonded,
            PairError::Failed,
        ]);
        for error in all {
            assert!(error.advice().ends_with('.') && error.advice().len() > 30, "{error}");
            assert!(!error.to_string().ends_with('.'), "{error}");
        }
    }

    #[test]
    fn what_bluez_says_becomes_a_reason() {
        for (name, reason) in [
            ("org.bluez.Error.AuthenticationRejected", PairError::Rejected),
            ("org.bluez.Error.AuthenticationTimeout", PairError::TimedOut),
            ("org.bluez.Error.ConnectionAttemptFailed", PairError::NotReached),
            ("org.freedesktop.DBus.Error.ServiceUnknown", PairError::Bluetooth(Fault::NoService)),
            ("org.bluez.Error.Failed", PairError::Failed),
        ] {
            assert_eq!(PairError::of(&BluetoothError::DbusError(dbus::Error::new_custom(name, ""))), reason, "{name}");
        }
    }
}
