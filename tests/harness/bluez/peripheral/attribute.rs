//! What a device does with its attributes: answers a read or a write, takes a subscription, and plays what the script
//! has for it.

use super::{Act, Link, Peripheral, RACP, RECORD_MS};
use crate::bluez::{
    effects::Effects,
    meter,
    payload::{self, Payload},
    script::Failure,
};
use chrono::NaiveDateTime;

impl Peripheral {
    /// Does what the script says about this, if anything; the error it says, if one.
    pub(in crate::bluez) fn react(&mut self, done: &str, bytes: &[u8], effects: &mut Effects) -> Option<Failure> {
        let digits = vitals::hex::encode(bytes);
        let is_this = |to: &str| {
            let mut words = to.splitn(3, ' ');
            let does = [words.next(), words.next()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            does == done && words.next().is_none_or(|begins| digits.starts_with(&begins.replace(' ', "")))
        };
        let reaction = self.connection()?.on.iter().find(|reaction| is_this(&reaction.to))?.clone();
        let own = done.split(' ').nth(1).unwrap_or_default();
        for sending in &reaction.sends {
            let uuid = sending.characteristic.clone().unwrap_or_else(|| own.to_owned());
            for _ in 0..sending.times {
                let act = Act::Send { uuid: uuid.clone(), value: vec![sending.value.clone()] };
                self.put(sending.after_ms, act, effects);
            }
        }
        if let Some(after_ms) = reaction.hangs_up_ms {
            self.put(after_ms, Act::HangUp, effects);
        }
        reaction.fails
    }

    /// Subscribes, or ends it.
    pub(in crate::bluez) fn subscribe(&mut self, uuid: &str, is_on: bool) {
        if let Link::Connected { notifying, .. } = &mut self.link {
            if is_on {
                notifying.insert(uuid.to_owned());
            } else {
                notifying.remove(uuid);
            }
        }
    }

    fn is_clock(&self, uuid: &str) -> bool {
        self.plan.clock.as_ref().is_some_and(|clock| clock.characteristic == uuid)
    }

    /// What a read gives.
    pub(in crate::bluez) fn value(&self, uuid: &str, true_now: NaiveDateTime) -> Option<Vec<u8>> {
        let dial = self.dial(true_now);
        if self.is_clock(uuid) {
            let mut bytes = payload::date_time(dial.now).to_vec();
            if uuid == "2a2b" {
                // Day of week not known, no fractions, no reason to have been set.
                bytes.extend([0, 0, 0]);
            }
            return Some(bytes);
        }
        let characteristic = self.plan.characteristics().find(|characteristic| characteristic.uuid == uuid)?;
        let text = characteristic.text.as_ref().map(|text| text.as_bytes().to_vec());
        Some(text.or_else(|| Some(characteristic.value.as_ref()?.bytes(dial))).unwrap_or_default())
    }

    /// A write to the clock: it is set, or only seems to be.
    pub(in crate::bluez) fn set_clock(&mut self, uuid: &str, bytes: &[u8], true_now: NaiveDateTime) {
        let holds = self.is_clock(uuid) && self.plan.clock.as_ref().is_some_and(|clock| clock.holds);
        if let Some(written) = payload::moment(bytes).filter(|_| holds) {
            self.ahead = written - true_now;
        }
    }

    /// A request to the meter's memory; the error it fails with, if it does.
    pub(in crate::bluez) fn ask(&mut self, request: &[u8], effects: &mut Effects) -> Option<Failure> {
        let memory = self.plan.memory.clone()?;
        let refused = |code: &str| {
            Some(Failure { error: "Failed".to_owned(), message: format!("Operation failed with ATT error: 0x{code}") })
        };
        if !self.is_notifying(RACP) {
            // "Client Characteristic Configuration Descriptor improperly configured" (Core Supplement, part B, 1.2).
            return refused("fd");
        }
        let is_there = |place: &usize, from: usize, until: Option<usize>| {
            !self.deleted.contains(place) && from <= self.begun && until.is_none_or(|until| self.begun <= until)
        };
        let all = memory.record.iter().enumerate();
        let there: Vec<usize> = all
            .filter(|(place, record)| is_there(place, record.from_connection, record.until_connection))
            .map(|(place, _)| place)
            .collect();
        let records: Vec<_> = there.iter().filter_map(|place| memory.record.get(*place)).collect();
        let numbers: Vec<u16> = records.iter().map(|record| record.number).collect();
        let answer = meter::answer(request, &numbers);
        let opcode = request.first().copied().unwrap_or(0);
        if !self.tape.is_empty() && answer != meter::Answer::Abort {
            // "Procedure Already in Progress".
            return refused("fe");
        }
        match answer {
            meter::Answer::Abort => {
                self.tape.clear();
                self.say(meter::success(opcode), effects);
            }
            meter::Answer::Says(words) => self.say(words, effects),
            meter::Answer::Delete(places) => {
                self.deleted.extend(places.iter().filter_map(|place| there.get(*place)));
                self.say(meter::success(opcode), effects);
            }
            meter::Answer::Report(places) => {
                let chosen: Vec<_> = places.iter().filter_map(|place| records.get(*place)).collect();
                for together in chosen.chunks(memory.per_notification.max(1)) {
                    let value = together.iter().map(|record| record.value.clone()).collect();
                    self.put(RECORD_MS, Act::Send { uuid: memory.kind.measurement().to_owned(), value }, effects);
                    for context in together.iter().filter_map(|record| record.context.clone()) {
                        self.put(RECORD_MS, Act::Send { uuid: "2a34".to_owned(), value: vec![context] }, effects);
                    }
                }
                self.say(meter::success(opcode), effects);
            }
        }
        None
    }

    fn say(&mut self, words: Vec<u8>, effects: &mut Effects) {
        self.put(RECORD_MS, Act::Send { uuid: RACP.to_owned(), value: vec![Payload::of_bytes(&words)] }, effects);
    }
}
