//! What the service itself makes of a reading without a number, which no pack can judge and which must not be silent.
//!
//! Invariants: a value beyond what the device can tell is told as a red at once; a number that no living person can have is
//! asked for again, and told to staff where no number follows; either is over only by a value of the same thing that is
//! certainly newer, from a device that does not doubt it.

use super::{
    Deciding,
    judge::{self, Hearing},
    standing::Standing,
};
use crate::{
    alert::{Alert, ClearedBecause, Condition, Repeat},
    finding::Evidence,
};
use chrono::TimeDelta;
use std::fmt;
use vitals::{AlertId, Kind, Measure, NoValue, Reading, Value, measure::Specimen, wire::v1::Urgency};

/// A device said that a value is beyond what it can tell. A meter that shows "HI" or "LO" has no number for any rule to
/// judge, and the true value may be the most dangerous of all.
const BEYOND_DEVICE: &str = "value-beyond-device";

/// How long after somebody took such an alert the next one is news again.
const BEYOND_DEVICE_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);

/// What the person is told: no number is known, so the words fit every measure.
const BEYOND_DEVICE_PROMPT: &str = "Your device could not show a number: the value is beyond what it can measure. Take it again now. If you feel unwell, call 999.";

/// The same, where the reading is too old to act on.
const BEYOND_DEVICE_LATE_PROMPT: &str = "An earlier reading of yours was beyond what your device can measure. Please take it again now. If you feel very unwell, call 999.";

/// A device sent a number that no living person can have. Mostly the device is wrong, and now and then the person is that
/// ill: one step milder than what is beyond the device, and never silent (decisions, 0013).
const IMPLAUSIBLE: &str = "value-implausible";

/// How long a number is awaited before staff are told.
const IMPLAUSIBLE_REPEAT_WITHIN: TimeDelta = TimeDelta::minutes(15);

/// A second one this long after the first is one that somebody took again: sooner, a stream or a memory tells one fault
/// many times.
const IMPLAUSIBLE_REPEAT_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How long after somebody took such an alert the next one is news again.
const IMPLAUSIBLE_AGAIN_AFTER: TimeDelta = TimeDelta::hours(24);

/// What the person is told: true whether the device or the person is at fault.
const IMPLAUSIBLE_PROMPT: &str = "The number from your device is outside what people can have. Check how the device sits and take it again now. If you feel unwell, call 999.";

/// The same, where the reading is too old to act on.
const IMPLAUSIBLE_LATE_PROMPT: &str = "An earlier number from your device was outside what people can have. Please check how the device sits and take it again now. If you feel very unwell, call 999.";

/// What the person is told where a reading just taken has no value for another reason: nobody else needs to act.
const NO_VALUE_PROMPT: &str = "Your device could not take the measurement. Please take it again.";

impl Deciding<'_> {
    /// What the service itself has to say of a reading, whatever the packs make of its numbers.
    pub(super) fn judge_without_packs(&mut self, hearing: &mut Hearing<'_>, late: bool) {
        match hearing.admitted.reading.value {
            Value::Measured(_) => self.value_came(hearing),
            Value::NotMeasured(reason @ (NoValue::PositiveInfinity | NoValue::NegativeInfinity)) => {
                self.beyond_device(hearing, reason, late);
            }
            Value::NotMeasured(NoValue::Implausible) => self.implausible(hearing, late),
            // A red instruction stands until a number says otherwise: nothing milder takes its place on a screen.
            Value::NotMeasured(reason) if late || self.has_red() || !reason.is_worth_another_try() => {}
            Value::NotMeasured(_) => {
                hearing.say(Urgency::CheckAgain, Some(NO_VALUE_PROMPT));
            }
        }
    }

    /// A number: what was without one is over, where it is of the same thing and certainly newer.
    fn value_came(&mut self, hearing: &Hearing<'_>) {
        let reading = &hearing.admitted.reading;
        if !reading.may_settle() {
            return;
        }
        for rule in [BEYOND_DEVICE, IMPLAUSIBLE] {
            let open = self.unfinished(Named::of(rule, reading));
            let over = open.filter(|alert| judge::is_newer(hearing.admitted, alert)).map(Standing::of);
            let Some(alert) = over else { continue };
            if alert.awaits_repeat() {
                self.repeat_came(alert.id, Repeat::Improved);
            }
            self.clear(alert.id, ClearedBecause::Improved);
        }
    }

    fn beyond_device(&mut self, hearing: &mut Hearing<'_>, reason: NoValue, late: bool) {
        let admitted = hearing.admitted;
        let rule = Named::of(BEYOND_DEVICE, &admitted.reading);
        let told = if late { BEYOND_DEVICE_LATE_PROMPT } else { BEYOND_DEVICE_PROMPT };
        let patient_told = hearing.say(Urgency::ActNow, Some(told));
        let evidence = judge::evidence(admitted, Vec::new());
        let id = match self.unfinished(rule).map(Standing::of) {
            Some(alert) if !alert.was_taken_before(admitted.event_time(), BEYOND_DEVICE_AGAIN_AFTER) => {
                self.change(alert.id, |alert| alert.add_evidence(evidence.clone()));
                if matches!(alert.condition, Condition::Cleared(_)) {
                    self.raise_again(alert.id);
                }
                alert.id
            }
            taken_long_ago => {
                let title = "A value beyond what the device can tell";
                let alert = self.alert_of_service(&rule.to_string(), title, reason.code(), evidence.clone());
                self.open_after(taken_long_ago, Alert { late, patient_told, ..alert })
            }
        };
        if let Some(milder) = self.unfinished(Named::of(IMPLAUSIBLE, &admitted.reading)).map(Standing::of) {
            self.give_way(milder, id, evidence);
        }
        hearing.note_alert(id);
    }

    fn implausible(&mut self, hearing: &mut Hearing<'_>, late: bool) {
        let admitted = hearing.admitted;
        let rule = Named::of(IMPLAUSIBLE, &admitted.reading);
        let words = if late { IMPLAUSIBLE_LATE_PROMPT } else { IMPLAUSIBLE_PROMPT };
        let words = Some(words).filter(|_| !self.has_red());
        let patient_told = hearing.say(Urgency::CheckAgain, words);
        let evidence = judge::evidence(admitted, Vec::new());
        let id = match self.unfinished(rule).map(Standing::of) {
            Some(alert) if !alert.was_taken_before(admitted.event_time(), IMPLAUSIBLE_AGAIN_AFTER) => {
                self.implausible_again(alert, evidence);
                alert.id
            }
            taken_long_ago => {
                let title = "A value outside what a living person can have";
                let alert = self.alert_of_service(&rule.to_string(), title, NoValue::Implausible.code(), evidence);
                // Too late for a repeat to mean anything: staff are told at once.
                let condition = if late { Condition::Active } else { Condition::Pending };
                let alert = Alert { urgency: Urgency::CheckAgain, condition, late, patient_told, ..alert };
                let id = self.open_after(taken_long_ago, alert);
                if !late {
                    self.await_repeat(id, self.at + IMPLAUSIBLE_REPEAT_WITHIN);
                }
                id
            }
        };
        hearing.note_alert(id);
    }

    fn implausible_again(&mut self, alert: Standing, evidence: Evidence) {
        let is_repeat = alert.is_repeated_at(evidence.event_time, IMPLAUSIBLE_REPEAT_AFTER);
        self.change(alert.id, |alert| alert.add_evidence(evidence));
        if is_repeat {
            self.repeat_came(alert.id, Repeat::Confirmed);
            self.raise(alert.id);
        }
    }

    /// Opens an alert in the place of one that somebody took long ago.
    fn open_after(&mut self, taken: Option<Standing>, alert: Alert) -> AlertId {
        let id = alert.id;
        self.open(alert);
        if let Some(taken) = taken {
            self.clear(taken.id, ClearedBecause::Superseded(id));
        }
        id
    }

    fn unfinished(&self, rule: Named) -> Option<&Alert> {
        self.own_alert(|name| rule.is(name))
    }
}

/// The service's rule for what a reading is of, so that nothing is over by a value of something else. It is asked for at
/// every reading, so its name is put together only for an alert to keep.
#[derive(Clone, Copy)]
struct Named {
    rule: &'static str,
    thing: &'static str,
}

impl Named {
    fn of(rule: &'static str, reading: &Reading) -> Self {
        Self { rule, thing: thing(reading) }
    }

    fn is(self, name: &str) -> bool {
        name.strip_prefix(self.rule).and_then(|rest| rest.strip_prefix('/')) == Some(self.thing)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule, self.thing)
    }
}

/// What a reading is of. Interstitial fluid lags behind blood by minutes, so it is another thing than blood glucose; where
/// there is no value to name its specimen, the characteristic that carried it does: a continuous sensor's is CGM
/// Measurement, 2AA7.
fn thing(reading: &Reading) -> &'static str {
    let is_by_sensor = reading.kind == Kind::Glucose && reading.raw.characteristic.eq_ignore_ascii_case("2aa7");
    let is_of_fluid = match reading.value.measured() {
        Some(Measure::Glucose(glucose)) => glucose.specimen() == Specimen::InterstitialFluid,
        Some(_) | None => false,
    };
    if is_by_sensor || is_of_fluid { "glucose_interstitial" } else { reading.kind.name() }
}
