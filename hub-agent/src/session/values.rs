//! What the device sends by itself: measurements, and the answers of its control points.
//!
//! Invariant: a measurement is handed over, held until it is known whose it is, or counted as passed over; it is never
//! dropped.

use super::{
    HELD_MAX, Held, Session, dial,
    history::{History, Last, Next},
    listed::{self, Attribute},
    plan::Step,
    talk::Action,
};
use crate::{events::HubEvent, link::Place};
use chrono::{DateTime, Utc};
use device_codecs::{
    CountsFrom, Frame, FrameBytes, FrameKind,
    gatt::{cgm, glucose, glucose_context, quirk},
};
use std::time::Duration;
use vitals::DeviceTime;

/// The answer to a consent comes at once; a person does nothing for it.
pub(super) const CONSENT_WITHIN: Duration = Duration::from_secs(5);

/// Neither record nor answer for this long: the device has lost the question (Glucose Service 1.0.1, 3.4.4: 30 s).
pub(super) const RECORDS_QUIET_MAX: Duration = Duration::from_secs(30);

/// The User Data Service's control point: consent, and its answer (User Data Service 1.1, 3.2.2).
pub(super) const CONSENT: u8 = 0x02;

pub(super) const CONTROL_ANSWER: u8 = 0x20;

pub(super) const CONTROL_SUCCESS: u8 = 0x01;

impl Session {
    pub(super) fn value(&mut self, attribute: Attribute, bytes: Vec<u8>, at: DateTime<Utc>, act: &mut Vec<Action>) {
        self.heard_at = Some(at);
        match (attribute.uuid, self.step) {
            (listed::RECORD_ACCESS, Step::History(_, control)) if control == attribute => {
                let next = self.history.as_mut().map_or(Next::Wait, |history| history.answer(&bytes));
                self.follow(next, control, at, act);
            }
            (listed::USER_CONTROL, Step::AskConsent(_)) => self.consent_answer = Some(bytes),
            (listed::USER_CONTROL, Step::AwaitConsent(_)) => {
                self.consent_answer = Some(bytes);
                self.judge_consent(act);
                self.go_on(at, act);
            }
            (uuid, _) => match listed::kind_of(uuid) {
                Some(FrameKind::Cgm) => {
                    for record in split(&bytes) {
                        self.record(FrameKind::Cgm, record, at, act);
                    }
                }
                Some(kind) => self.record(kind, bytes, at, act),
                None => {}
            },
        }
    }

    /// Takes one record: hands it over, or holds it until it is known whose it is.
    fn record(&mut self, kind: FrameKind, bytes: Vec<u8>, at: DateTime<Utc>, act: &mut Vec<Action>) {
        self.has_heard = true;
        self.measured_at.extend(measured_at(kind, &bytes));
        let kind = quirk::read_as(kind, self.words.maker.as_deref(), self.words.model.as_deref());
        let is_probe = self.history.as_mut().is_some_and(|history| history.kind() == kind && !history.hears(&bytes));
        if is_probe || !self.streams.picks(kind, &bytes, at) {
            return self.say_passed_over(false, act);
        }
        if self.is_met || self.step == Step::Over {
            act.extend(self.frame(Held { kind, bytes, seen_at: at }, at));
            return;
        }
        if self.held.len() >= HELD_MAX {
            self.hand_over_held(at, act);
        }
        self.held.push(Held { kind, bytes, seen_at: at });
    }

    pub(super) fn hand_over_held(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        for held in std::mem::take(&mut self.held) {
            act.extend(self.frame(held, at));
        }
    }

    fn frame(&self, held: Held, at: DateTime<Utc>) -> Option<Action> {
        let Held { kind, bytes, seen_at } = held;
        let now = dial::local_time(at, self.facts.zone);
        let clock = dial::of_frame(kind, &bytes, self.clock, self.clock_set_at, now);
        let counts_from = self.counts_from(kind, &bytes);
        match FrameBytes::new(bytes) {
            Ok(bytes) => Some(Action::Heard(Frame { device: self.source(), kind, bytes, seen_at, clock, counts_from })),
            Err(_) => Some(Action::Report(HubEvent::DeviceStepFailed {
                address: self.facts.address,
                step: Step::Idle.name(),
                why: "value_too_large",
            })),
        }
    }

    /// The device's time that stands beside a frame: when a sensor's session began, or when the measurement was that a
    /// context belongs to.
    fn counts_from(&self, kind: FrameKind, bytes: &[u8]) -> Option<CountsFrom> {
        if kind == FrameKind::GlucoseContext {
            let number = glucose_context::decode(bytes).ok()?.sequence;
            return self.measured_at.get(&number).copied().map(CountsFrom::of);
        }
        self.counts_from.filter(|_| kind == FrameKind::Cgm)
    }

    pub(super) fn await_consent(&mut self, act: &mut Vec<Action>) -> bool {
        if self.consent_answer.is_some() {
            self.judge_consent(act);
            return false;
        }
        act.push(Action::SetTimer(CONSENT_WITHIN));
        true
    }

    fn judge_consent(&mut self, act: &mut Vec<Action>) {
        match self.consent_answer.take().as_deref() {
            Some([CONTROL_ANSWER, CONSENT, CONTROL_SUCCESS, ..]) => {}
            _ => self.say("refused", act),
        }
    }

    pub(super) fn ask_history(
        &mut self,
        kind: FrameKind,
        control: Attribute,
        at: DateTime<Utc>,
        act: &mut Vec<Action>,
    ) -> bool {
        let session = self.counts_from.filter(|_| kind == FrameKind::Cgm).map(|from| from.local);
        let kept = self.places.get(&kind).copied().flatten().filter(|place| place.session == session);
        let last = kept.and_then(|place| Some(Last { number: u16::try_from(place.number).ok()?, look: place.look }));
        let (history, command) = History::new(kind, last);
        self.history = Some(history);
        self.heard_at = Some(at);
        act.extend([Action::Write(control, command), Action::SetTimer(RECORDS_QUIET_MAX)]);
        true
    }

    pub(super) fn follow(&mut self, next: Next, control: Attribute, at: DateTime<Utc>, act: &mut Vec<Action>) {
        match next {
            Next::Wait => return,
            Next::Write(command) => {
                act.extend([Action::Write(control, command), Action::SetTimer(RECORDS_QUIET_MAX)]);
                return;
            }
            Next::Done => self.memory_read(at, act),
            Next::Failed(why) => self.say(why, act),
        }
        self.history = None;
        self.go_on(at, act);
    }

    /// The device has told everything: what it told is handed over first, then up to where that was.
    fn memory_read(&mut self, at: DateTime<Utc>, act: &mut Vec<Action>) {
        let Some(history) = &self.history else { return };
        let (kind, told_up_to) = (history.kind(), history.told_up_to());
        self.hand_over_held(at, act);
        if let Some(Last { number, look }) = told_up_to {
            let session = self.counts_from.filter(|_| kind == FrameKind::Cgm).map(|from| from.local);
            act.push(Action::MemoryRead(self.source(), Place { kind, session, number: number.into(), look }));
        }
    }

    pub(super) fn say_passed_over(&mut self, is_last: bool, act: &mut Vec<Action>) {
        if let Some(values) = self.streams.take_passed_over(is_last) {
            act.push(Action::Report(HubEvent::LiveValuesPassedOver { device: self.source(), values }));
        }
    }
}

/// A meter's number of a measurement, and when that was by its clock.
fn measured_at(kind: FrameKind, bytes: &[u8]) -> Option<(u16, DeviceTime)> {
    let measurement =
        Some(bytes).filter(|_| kind == FrameKind::Glucose).and_then(|bytes| glucose::decode(bytes).ok())?;
    let time = measurement.measured_at().filter(|_| !measurement.has_time_fault())?;
    Some((measurement.sequence, time))
}

/// The single records of a CGM notification. What cannot be told apart stays one piece: its bytes are kept.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    let mut taken = 0;
    for record in cgm::records(bytes) {
        let record = record.unwrap_or_else(|_| bytes.get(taken..).unwrap_or_default());
        taken += record.len();
        records.push(record.to_vec());
    }
    if records.is_empty() { vec![bytes.to_vec()] } else { records }
}
