//! The Bluetooth part of `hub-agent check`: bus, service, rights, adapter, and the devices of the settings.
//!
//! Invariant: it only looks. Nothing is switched on, scanned or connected.

use super::bus::{CALL_WITHIN, Fault, Probe, ask_bluez};
use crate::{
    check::Finding,
    config::{Bluetooth, BluetoothAddress, KnownDevice},
};
use bluez_async::{AdapterInfo, DeviceInfo};

const SERVICE: &str = "Bluetooth service";

/// Looks at everything that stands between this hub and its Bluetooth devices.
#[must_use]
pub async fn check(config: &Bluetooth) -> Vec<Finding> {
    let Probe { session, lost: _ } = match Probe::new().await {
        Ok(probe) => probe,
        Err(fault) => return vec![bad("system bus", fault)],
    };
    let mut findings = vec![Finding::good("system bus", "It can be reached.")];
    let adapters = match ask_bluez(CALL_WITHIN, session.get_adapters()).await {
        Ok(adapters) => adapters,
        Err(fault) => {
            findings.push(bad(SERVICE, fault));
            return findings;
        }
    };
    findings.push(Finding::good(SERVICE, "It runs, and this user may use it."));
    findings.push(adapter(config.adapter.as_deref(), adapters));
    match ask_bluez(CALL_WITHIN, session.get_devices()).await {
        Ok(known) => findings.extend(config.device.iter().map(|wanted| device(wanted, &known))),
        Err(fault) => findings.push(bad("list of devices", fault)),
    }
    findings
}

fn adapter(wanted: Option<&str>, mut adapters: Vec<AdapterInfo>) -> Finding {
    adapters.sort_by_key(|adapter| adapter.id.to_string());
    let names: Vec<String> = adapters.iter().map(|adapter| adapter.id.to_string()).collect();
    let found = adapters.into_iter().find(|adapter| wanted.is_none_or(|wanted| adapter.id.to_string() == wanted));
    match (found, wanted) {
        (Some(found), _) if found.powered => Finding::good(
            format!("adapter {}", found.id),
            format!("It is switched on; its address is {}.", found.mac_address),
        ),
        (Some(found), _) => Finding::bad(
            format!("adapter {}", found.id),
            "It is switched off.",
            "The agent switches it on when it starts. If it stays off, run `rfkill list bluetooth` and `sudo rfkill unblock \
             bluetooth`.",
        ),
        (None, Some(wanted)) if !names.is_empty() => Finding::bad(
            format!("adapter {wanted}"),
            "It is not there.",
            format!("There is {}: correct `adapter` in the settings, or leave it out.", names.join(", ")),
        ),
        (None, _) => bad("adapter", Fault::NoAdapter),
    }
}

fn device(wanted: &KnownDevice, known: &[DeviceInfo]) -> Finding {
    let label = wanted.label.as_deref().map(|label| format!(" ({label})")).unwrap_or_default();
    let what = format!("device {}{label}", wanted.address);
    let is_it = |device: &&DeviceInfo| BluetoothAddress::parse(&device.mac_address.to_string()) == Ok(wanted.address);
    match known.iter().find(is_it) {
        Some(device) if device.blocked => Finding::bad(
            what,
            "It is blocked: it cannot connect.",
            format!("Run `bluetoothctl unblock {}`.", wanted.address),
        ),
        Some(device) if device.paired && !device.bonded => Finding::bad(
            what,
            "It is paired, but the bond is lost with a restart.",
            format!("Run `hub-agent pair {}` with the device in pairing mode.", wanted.address),
        ),
        Some(device) if device.paired => Finding::good(what, "It is paired, and the hub keeps the bond."),
        Some(_) => Finding::good(
            what,
            format!(
                "It was heard and is not paired. If its readings stay away, run `hub-agent pair {}`.",
                wanted.address
            ),
        ),
        None => Finding::good(
            what,
            format!(
                "It was not heard yet. Take a measurement; if it stays away, run `hub-agent pair {}`.",
                wanted.address
            ),
        ),
    }
}

fn bad(what: &str, fault: Fault) -> Finding {
    let sentence = match fault {
        Fault::NoBus => "There is no system bus (D-Bus) to reach the Bluetooth service by.",
        Fault::NoService => "It does not run.",
        Fault::NoAdapter => "There is no Bluetooth adapter.",
        Fault::NoAnswer => "It does not answer.",
        Fault::NotAllowed => "This user may not use Bluetooth.",
        Fault::Silent => "Nothing was heard for a long time.",
        Fault::Failed => "It answered with an error.",
    };
    Finding::bad(what, sentence, advice(fault))
}

/// What to do about it.
pub(super) fn advice(fault: Fault) -> &'static str {
    match fault {
        Fault::NoBus => {
            "Start it with `sudo systemctl start dbus`; in a container, hand in /run/dbus/system_bus_socket."
        }
        Fault::NoService => {
            "Install it with `sudo apt install bluez` and start it with `sudo systemctl enable --now bluetooth`."
        }
        Fault::NoAdapter => {
            "Plug an adapter in and look for it with `bluetoothctl list`; a built-in one may be blocked, which `rfkill list \
             bluetooth` shows."
        }
        Fault::NoAnswer | Fault::Failed | Fault::Silent => {
            "Start it again with `sudo systemctl restart bluetooth`; if that does not help, start the hub again."
        }
        Fault::NotAllowed => {
            "Add the agent's user to the group bluetooth (`sudo usermod -aG bluetooth USER`) and start the agent again."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_sentence_and_an_advice() {
        for fault in
            [Fault::NoBus, Fault::NoService, Fault::NoAdapter, Fault::NoAnswer, Fault::NotAllowed, Fault::Failed]
        {
            let finding = bad("x", fault);
            assert!(!finding.is_good && finding.sentence.ends_with('.'));
            assert!(finding.advice.is_some_and(|advice| advice.ends_with('.')));
        }
    }

    #[test]
    fn no_adapter_is_found_out() {
        assert!(!adapter(None, Vec::new()).is_good);
        assert!(!adapter(Some("hci1"), Vec::new()).is_good);
    }
}
