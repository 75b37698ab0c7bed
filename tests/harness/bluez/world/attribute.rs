//! Calls to a characteristic: reads, writes and subscriptions, written down and answered.

use super::{NO_METHOD, World};
use crate::bluez::{effects::Effects, payload, peripheral::RACP, tree::Place, true_local};
use chrono::{NaiveDateTime, TimeDelta};
use std::collections::BTreeMap;
use zbus::{Message, OwnedVariant};

/// Closer than this, a written clock counts as set to the present.
const NOW_WITHIN: TimeDelta = TimeDelta::seconds(120);

impl World {
    pub(super) fn characteristic(&mut self, call: &Message, member: &str, place: &Place, effects: &mut Effects) {
        let name = self.name(place);
        let true_now = true_local();
        let found = self.uuid(place).and_then(|(device, uuid)| Some((self.devices.get_mut(device)?, uuid)));
        let Some((device, uuid)) = found else { return effects.fail(call, NO_METHOD, member) };
        let plan = device.plan.characteristics().find(|characteristic| characteristic.uuid == uuid).cloned();
        let has = |flags: &[&str]| plan.as_ref().is_some_and(|plan| flags.iter().any(|flag| plan.has(flag)));
        match member {
            "ReadValue" => {
                self.record.call(format!("Read {name}"));
                let failure = device.react(&format!("read {uuid}"), &[], effects);
                match (failure, device.value(&uuid, true_now)) {
                    (Some(failure), _) => effects.refuse(call, &failure.error, &failure.message),
                    (None, Some(value)) if has(&["read", "encrypt-read"]) => effects.reply(call, &value),
                    (None, _) => effects.refuse(call, "NotPermitted", "Read not permitted"),
                }
            }
            "WriteValue" => {
                let body = call.body();
                let written = body.deserialize::<(Vec<u8>, BTreeMap<String, OwnedVariant>)>();
                let bytes = written.map(|(bytes, _options)| bytes).unwrap_or_default();
                self.record.call(format!("Write {name} {}", written_words(&uuid, &bytes, true_now)));
                if !has(&["write", "write-without-response", "encrypt-write"]) {
                    return effects.refuse(call, "NotPermitted", "Write not permitted");
                }
                device.set_clock(&uuid, &bytes, true_now);
                let asked = if uuid == RACP { device.ask(&bytes, effects) } else { None };
                match asked.or_else(|| device.react(&format!("write {uuid}"), &bytes, effects)) {
                    Some(failure) => effects.refuse(call, &failure.error, &failure.message),
                    None => effects.reply(call, &()),
                }
            }
            "StartNotify" => {
                self.record.call(format!("StartNotify {name}"));
                if !has(&["notify", "indicate"]) {
                    return effects.refuse(call, "NotSupported", "Operation is not supported");
                }
                if device.is_notifying(&uuid) {
                    // `characteristic_start_notify` of BlueZ's gatt-client.c: one session for each client.
                    effects.refuse(call, "Failed", "Already notifying");
                    device.react(&format!("subscribe-again {uuid}"), &[], effects);
                    return device.is_used(effects);
                }
                device.subscribe(&uuid, true);
                match device.react(&format!("subscribe {uuid}"), &[], effects) {
                    Some(failure) => {
                        device.subscribe(&uuid, false);
                        effects.refuse(call, &failure.error, &failure.message);
                    }
                    None => effects.reply(call, &()),
                }
            }
            "StopNotify" => {
                self.record.call(format!("StopNotify {name}"));
                device.subscribe(&uuid, false);
                effects.reply(call, &());
            }
            _ => {
                self.record.call(format!("{member} {name}"));
                effects.refuse(call, "NotSupported", "Operation is not supported");
            }
        }
        device.is_used(effects);
    }
}

/// Written bytes for the list of calls: a clock set to the present says so, because its bytes are never the same twice.
fn written_words(uuid: &str, bytes: &[u8], true_now: NaiveDateTime) -> String {
    let is_now = payload::moment(bytes).is_some_and(|moment| (moment - true_now).abs() < NOW_WITHIN);
    if ["2a08", "2a2b"].contains(&uuid) && is_now { "now".to_owned() } else { vitals::hex::encode(bytes) }
}
