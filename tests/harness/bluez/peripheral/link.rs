//! The link to a device: asked for, made, resolved, used and ended, as the script has it.

use super::{ABORTED, Act, CONNECTS_WITHIN_MS, Link, Peripheral};
use crate::bluez::{
    effects::{Effects, Wake},
    payload::Payload,
    tree::{self, DEVICE, Properties},
};
use chrono::NaiveDateTime;
use std::{collections::BTreeSet, mem};
use zbus::Message;

impl Peripheral {
    /// Somebody asks to connect.
    pub(in crate::bluez) fn connect(&mut self, call: &Message, effects: &mut Effects) {
        match self.link {
            Link::Connected { .. } => effects.refuse(call, "AlreadyConnected", "Already Connected"),
            Link::Connecting { .. } => effects.refuse(call, "InProgress", "Operation already in progress"),
            Link::None => {
                self.begin_generation();
                self.link = Link::Connecting { call: call.clone(), has_begun: false };
                effects.wake(CONNECTS_WITHIN_MS, Wake::GiveUp { device: self.place, generation: self.generation });
                if self.is_advertising() {
                    self.take_connection(effects);
                } else {
                    self.tick_from_now(effects);
                }
            }
        }
    }

    /// The next connection of the script begins, if one is left.
    pub(super) fn take_connection(&mut self, effects: &mut Effects) {
        let Link::Connecting { has_begun: has_begun @ false, .. } = &mut self.link else { return };
        let Some(plan) = self.plan.connection.get(self.begun) else { return };
        *has_begun = true;
        self.begun += 1;
        let (link_ms, resolve_ms, objects_ms) = (plan.link_ms, plan.resolve_ms, plan.objects_ms);
        match plan.refused.clone() {
            Some(failure) => self.put(link_ms, Act::Refuse(failure), effects),
            None => {
                self.put(link_ms, Act::LinkUp, effects);
                if objects_ms.is_none() {
                    self.put(resolve_ms, Act::Publish, effects);
                }
                self.put(if objects_ms.is_none() { 0 } else { resolve_ms }, Act::Resolve, effects);
                if let Some(later) = objects_ms {
                    self.put(later, Act::Publish, effects);
                }
            }
        }
    }

    /// An attempt that nobody answered ends.
    pub(in crate::bluez) fn give_up(&mut self, generation: u64, effects: &mut Effects) {
        if self.generation == generation
            && let Link::Connecting { call, .. } = mem::take(&mut self.link)
        {
            effects.refuse(&call, "Failed", ABORTED);
        }
    }

    pub(in crate::bluez) fn rested(&mut self) {
        self.is_resting = false;
    }

    /// Puts something at the end of the tape.
    pub(super) fn put(&mut self, after_ms: u64, act: Act, effects: &mut Effects) {
        self.tape.push_back((after_ms, act));
        self.wake_for_tape(effects);
    }

    pub(super) fn wake_for_tape(&mut self, effects: &mut Effects) {
        if let Some((after_ms, _)) = self.tape.front()
            && !mem::replace(&mut self.is_due, true)
        {
            effects.wake(*after_ms, Wake::Tape { device: self.place, generation: self.generation });
        }
    }

    /// Plays the next thing on the tape. Whether the device hung up.
    pub(in crate::bluez) fn play(&mut self, generation: u64, true_now: NaiveDateTime, effects: &mut Effects) -> bool {
        if self.generation != generation {
            return false;
        }
        self.is_due = false;
        let Some((_, act)) = self.tape.pop_front() else { return false };
        match act {
            Act::LinkUp => self.link_up(effects),
            Act::Refuse(failure) => {
                if let Link::Connecting { call, .. } = mem::take(&mut self.link) {
                    effects.refuse(&call, &failure.error, &failure.message);
                }
                self.rest(effects);
            }
            Act::Resolve => {
                if let Link::Connected { is_resolved, notifying, .. } = &mut self.link {
                    *is_resolved = true;
                    notifying.clone_from(&self.kept);
                }
                for uuid in self.kept.clone() {
                    self.react(&format!("subscribe {uuid}"), &[], effects);
                }
                let resolved = [("ServicesResolved", true.into()), ("UUIDs", tree::uuids(self).into())];
                effects.changed(&self.path, DEVICE, &Properties::from(resolved));
                self.react("resolved", &[], effects);
            }
            Act::Publish => {
                let were_there = self.has_objects();
                if let Link::Connected { has_objects, .. } = &mut self.link {
                    *has_objects = true;
                }
                let new = if were_there { Vec::new() } else { tree::gatt(self.place, self) };
                new.iter().for_each(|(path, _, interfaces)| effects.added(path, interfaces));
            }
            Act::Send { uuid, value } => self.send(&uuid, &value, true_now, effects),
            Act::HangUp => {
                self.hang_up(effects);
                return true;
            }
        }
        self.is_active(effects);
        self.wake_for_tape(effects);
        false
    }

    pub(super) fn link_up(&mut self, effects: &mut Effects) {
        let up = Link::Connected { is_resolved: false, has_objects: false, notifying: BTreeSet::new() };
        if let Link::Connecting { call, .. } = mem::replace(&mut self.link, up) {
            effects.changed(&self.path, DEVICE, &Properties::from([("Connected", true.into())]));
            effects.reply(&call, &());
        }
    }

    pub(super) fn send(&self, uuid: &str, value: &[Payload], true_now: NaiveDateTime, effects: &mut Effects) {
        // What nobody subscribed to cannot be sent.
        let Some(path) = self.path_of(uuid).filter(|_| self.is_notifying(uuid)) else { return };
        let bytes: Vec<u8> = value.iter().flat_map(|value| value.bytes(self.dial(true_now))).collect();
        effects.changed(&path, tree::CHARACTERISTIC, &Properties::from([("Value", bytes.into())]));
    }

    pub(super) fn path_of(&self, uuid: &str) -> Option<String> {
        let gatt = self.plan.service.iter().enumerate();
        gatt.flat_map(|(at, service)| {
            service.characteristic.iter().enumerate().map(move |(within, has)| (at, within, has))
        })
        .find(|(_, _, has)| has.uuid == uuid)
        .map(|(at, within, _)| tree::characteristic_path(&self.path, at, within))
    }

    /// The link ends, whoever ended it.
    pub(in crate::bluez) fn hang_up(&mut self, effects: &mut Effects) {
        self.begin_generation();
        let had_objects = self.has_objects();
        let gatt = tree::gatt(self.place, self);
        match mem::take(&mut self.link) {
            Link::Connecting { call, .. } => effects.refuse(&call, "Failed", ABORTED),
            Link::Connected { notifying, .. } => {
                if self.plan.keeps_subscriptions {
                    self.kept = notifying;
                }
                let down = [("Connected", false.into()), ("ServicesResolved", false.into())];
                effects.changed(&self.path, DEVICE, &Properties::from(down));
            }
            Link::None => {}
        }
        let are_gone = had_objects && !self.has_objects();
        for (path, _, interfaces) in gatt.iter().rev().filter(|_| are_gone) {
            interfaces.keys().for_each(|interface| effects.removed(path, interface));
        }
        self.rest(effects);
    }

    pub(super) fn rest(&mut self, effects: &mut Effects) {
        self.is_resting = true;
        let again_ms = self.connection().map_or(0, |connection| connection.again_ms);
        effects.wake(again_ms, Wake::Rested { device: self.place });
    }

    /// The hub did something to the device, and from now on the device may be bored: a hub that is still listing what there
    /// is, which never reaches the radio, is not kept waiting for.
    pub(in crate::bluez) fn is_used(&mut self, effects: &mut Effects) {
        self.was_used = true;
        self.is_active(effects);
    }

    /// Something was done: a device that hangs up when it is bored begins to wait anew.
    pub(in crate::bluez) fn is_active(&mut self, effects: &mut Effects) {
        self.activity += 1;
        if !self.was_used {
            return;
        }
        if let Some(idle_ms) = self.connection().and_then(|connection| connection.idle_hangs_up_ms) {
            let (device, generation, activity) = (self.place, self.generation, self.activity);
            effects.wake(idle_ms, Wake::Idle { device, generation, activity });
        }
    }

    /// Nothing was done for a while: whether that was long enough for the device to hang up, which it then does.
    pub(in crate::bluez) fn is_bored(&mut self, generation: u64, activity: u64, effects: &mut Effects) -> bool {
        let is_bored = self.is_connected() && (self.generation, self.activity) == (generation, activity);
        if is_bored {
            self.hang_up(effects);
        }
        is_bored
    }
}
