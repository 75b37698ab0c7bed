//! The answers of the device to what was read, written and subscribed to.
//!
//! Invariants: an answer that is not waited for changes nothing; a lost bond ends the conversation where the readings need
//! the bond, and only there; the clock, the battery and a consent never stop a reading.

use super::{
    Session, Trouble,
    dial::{self, Reads},
    listed::{self, Attribute},
    plan::Step,
    talk::Action,
};
use crate::events::HubEvent;
use chrono::{DateTime, Utc};
use device_codecs::gatt::{cgm_session, device_information};

/// A text of the device's identity is read twice at most: without it the readings cannot be told to be this device's.
const WORD_TRIES_MAX: u8 = 2;

impl Session {
    pub(super) fn read(
        &mut self,
        attribute: Attribute,
        read: Result<Vec<u8>, Trouble>,
        at: DateTime<Utc>,
        act: &mut Vec<Action>,
    ) {
        let (Step::Word(awaited) | Step::ReadClock(awaited) | Step::SessionStart(awaited) | Step::Battery(awaited)) =
            self.step
        else {
            return;
        };
        if awaited != attribute {
            return;
        }
        match (self.step, read) {
            (_, Err(Trouble::NotConnected)) => return self.hung_up(at, act),
            (Step::Word(_), Err(trouble @ Trouble::PairingLost)) => return self.give_up(trouble, at, act),
            (Step::Word(_), Err(trouble)) => {
                self.report(trouble, act);
                self.words.tries += 1;
                if self.words.tries < WORD_TRIES_MAX {
                    act.push(Action::Read(attribute));
                    return;
                }
                self.words.tries = 0;
                self.words.has_failed |= attribute.uuid != listed::MODEL;
            }
            (Step::Word(_), Ok(bytes)) => {
                self.words.tries = 0;
                let word = match attribute.uuid {
                    listed::MAKER => &mut self.words.maker,
                    listed::SERIAL => &mut self.words.serial,
                    _ => &mut self.words.model,
                };
                *word = text(&bytes);
            }
            (Step::ReadClock(_), Ok(bytes)) => {
                let reads = Reads::of(&bytes, at, self.facts.zone);
                match reads {
                    Reads::Ahead(_) => {}
                    Reads::NotSet => self.say("not_set", act),
                    Reads::NotAClock => self.say("malformed", act),
                }
                self.clock_reads = Some(reads);
                self.clock = reads.offset();
            }
            (Step::SessionStart(_), Ok(bytes)) => {
                let start = cgm_session::decode_session_start(&bytes);
                self.counts_from = start.ok().and_then(|start| start.counts_from());
            }
            // Advisory: cuffs say nought per cent with a fresh battery.
            (Step::Battery(_), Ok(bytes)) => self.battery(&bytes, act),
            (Step::Battery(_), Err(_)) => {}
            (_, Err(trouble)) => self.report(trouble, act),
            (_, Ok(_)) => {}
        }
        self.go_on(at, act);
    }

    pub(super) fn wrote(
        &mut self,
        attribute: Attribute,
        wrote: Result<(), Trouble>,
        at: DateTime<Utc>,
        act: &mut Vec<Action>,
    ) {
        let (Step::SetClock(awaited) | Step::AskConsent(awaited) | Step::History(_, awaited)) = self.step else {
            return;
        };
        if awaited != attribute {
            return;
        }
        match (self.step, wrote) {
            (_, Err(Trouble::NotConnected)) => return self.hung_up(at, act),
            (Step::History(..), Ok(())) => return,
            (Step::SetClock(_), Ok(())) => {
                self.clock_set_at = Some(dial::local_time(at, self.facts.zone));
                let ahead_secs = match self.clock_reads {
                    Some(Reads::Ahead(secs)) => Some(secs),
                    Some(Reads::NotSet | Reads::NotAClock) | None => None,
                };
                act.push(Action::Report(HubEvent::DeviceClockSet { device: self.source(), ahead_secs }));
            }
            (Step::AskConsent(_), Err(trouble)) => {
                self.report(trouble, act);
                // No answer will come.
                self.steps.retain(|step| !matches!(step, Step::AwaitConsent(_)));
            }
            (_, Err(trouble)) => self.report(trouble, act),
            (_, Ok(())) => {}
        }
        self.go_on(at, act);
    }

    pub(super) fn subscribed(
        &mut self,
        attribute: Attribute,
        subscribed: Result<(), Trouble>,
        at: DateTime<Utc>,
        act: &mut Vec<Action>,
    ) {
        let (Step::HearConsent(awaited) | Step::HearRecords(awaited) | Step::Subscribe(awaited)) = self.step else {
            return;
        };
        if awaited != attribute {
            return;
        }
        match (self.step, subscribed) {
            (_, Err(Trouble::NotConnected)) => return self.hung_up(at, act),
            (_, Err(trouble @ Trouble::PairingLost)) => return self.give_up(trouble, at, act),
            (Step::Subscribe(_), Ok(())) => self.subscribed += 1,
            (_, Ok(())) => {}
            (step, Err(trouble)) => {
                self.report(trouble, act);
                // Without its answers nothing is asked of a control point.
                self.steps.retain(|later| !needs(*later, step));
            }
        }
        self.go_on(at, act);
    }

    fn battery(&self, bytes: &[u8], act: &mut Vec<Action>) {
        if let Some(percent) = bytes.first().filter(|percent| **percent <= 100) {
            act.push(Action::Report(HubEvent::DeviceBattery { device: self.source(), percent: *percent }));
        }
    }
}

/// Whether a later step cannot be done without this one.
fn needs(later: Step, step: Step) -> bool {
    match (step, later) {
        (Step::HearConsent(_), Step::AskConsent(_) | Step::AwaitConsent(_)) => true,
        (Step::HearRecords(answers), Step::History(_, control)) => answers == control,
        _ => false,
    }
}

/// A text a device says of itself, where it says any: one that is not text names no device.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    device_information::decode_text(bytes).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that are no text once became a name with a mark for each, the same for two devices.
    #[test]
    fn what_is_no_text_names_no_device() {
        assert_eq!(text(b"A&D Medical\0"), Some("A&D Medical".to_owned()));
        for nothing in [&b"\xff1"[..], b"\xfe1", b"", b" \0\0"] {
            assert_eq!(text(nothing), None, "{nothing:?}");
        }
    }
}
