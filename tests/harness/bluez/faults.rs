//! Planted faults: devices that do not do what their script says, so that the checks are seen failing.

use super::{payload::Payload, script::Script};

/// What is wrong with the devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One value never arrives, as if the hub had dropped it.
    LosesAValue,
    /// One value arrives with another bit, as if the hub had read it wrongly.
    GarblesAValue,
    /// Everything comes a second time from a device with another name.
    RepeatsUnderAnotherName,
    /// One value arrives once more, a second later by the device's clock.
    RepeatsWithAnotherTime,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 4] =
        [Self::LosesAValue, Self::GarblesAValue, Self::RepeatsUnderAnotherName, Self::RepeatsWithAnotherTime];

    /// The script with this fault in its devices, and the same expectation.
    #[must_use]
    pub fn planted_in(self, script: &Script) -> Script {
        let mut script = script.clone();
        match self {
            Self::LosesAValue => each_first_value(&mut script, |_value| None),
            Self::GarblesAValue => each_first_value(&mut script, |value| Some(vec![value.garbled()])),
            Self::RepeatsWithAnotherTime => {
                each_first_value(&mut script, |value| Some(vec![value.clone(), value.garbled()]));
            }
            Self::RepeatsUnderAnotherName => {
                let twins = script.device.iter().filter(|device| device.is_known).cloned().map(|mut twin| {
                    twin.address.replace_range(12..14, "EE");
                    twin.address.replace_range(15..17, "EE");
                    for characteristic in twin.service.iter_mut().flat_map(|service| &mut service.characteristic) {
                        if characteristic.uuid == "2a25" {
                            characteristic.text = Some("TWIN-1".to_owned());
                        }
                    }
                    twin
                });
                let twins: Vec<_> = twins.take(1).collect();
                script.device.extend(twins);
            }
        }
        script
    }
}

/// Replaces the first value that each device sends.
fn each_first_value(script: &mut Script, change: impl Fn(&Payload) -> Option<Vec<Payload>>) {
    for device in &mut script.device {
        let reactions = device.connection.iter_mut().flat_map(|connection| &mut connection.on);
        let Some(reaction) = reactions.into_iter().find(|reaction| !reaction.sends.is_empty()) else { continue };
        let sending = reaction.sends.remove(0);
        let changed = change(&sending.value).unwrap_or_default().into_iter();
        let changed = changed.map(|value| super::script::Sending { value, ..sending.clone() });
        reaction.sends.splice(0..0, changed);
    }
}
