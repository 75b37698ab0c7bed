//! Makes a reading of a frame: one unit, codes by table, the device's and the hub's times, flags, and whose it is.
//!
//! Invariants: pure, and there is a reading for every frame, because nothing a device sent is dropped; no value is
//! filled in and no time invented, and where the hub's clock stands in, [`vitals::TakenAt::HubClock`] and a flag say so;
//! the record number never depends on corrected time; what measured nobody (a control solution, a demonstration) is
//! never a person's.

mod body;
mod gatt;
mod glucose;
mod serial;
mod sound;
mod times;

use crate::assign::Bindings;
use chrono_tz::Tz;
use device_codecs::{DecodeError, Decoded, DeviceTimeField, Frame};
use times::Stated;
use vitals::{
    Flag, HubId, Kind, Measure, NoValue, Quality, RawFrame, Reading, RecordNumber, TakenAt, Value, Who, WhyUnassigned,
    record::{RecordKey, reading_id},
};

pub use times::{DEVICE_TIME_AHEAD_MAX, in_utc};

/// What a hub knows about itself when it makes a reading.
#[derive(Debug, Clone)]
pub struct HubContext {
    /// The hub.
    pub hub: HubId,
    /// This boot of it: random, so that two receipts of two boots never share a record number.
    pub boot: [u8; 8],
    /// The zone in which its devices' clocks are set.
    pub zone: Tz,
}

/// What a frame says, in our words but not yet of anybody or any moment.
struct Said {
    value: Value<Measure>,
    /// What was measured, where there is no value to say it and it is not what such frames mostly hold.
    kind: Option<Kind>,
    /// The device's time.
    taken_at: Stated,
    user_index: Option<u8>,
    /// Whether the device has several users and this frame, unlike its others, cannot say which it is of.
    is_of_unknown_user: bool,
    /// Whether the device has it from its memory, so that without a usable time it may be of any day.
    is_from_memory: bool,
    flags: Vec<Flag>,
    /// The device's own number of the record, where it has one that it does not use again.
    number: Option<u32>,
}

impl Said {
    /// A value at a time, and nothing more.
    fn of(value: Value<Measure>, taken_at: DeviceTimeField) -> Self {
        Self {
            value,
            kind: None,
            taken_at: Stated::Field(taken_at),
            user_index: None,
            is_of_unknown_user: false,
            is_from_memory: false,
            flags: Vec::new(),
            number: None,
        }
    }

    /// Of a frame that did not decode nothing is known but why.
    fn unread(reason: NoValue) -> Self {
        Self { taken_at: Stated::Nothing, ..Self::of(Value::NotMeasured(reason), DeviceTimeField::Absent) }
    }
}

/// The reading that a frame is.
#[must_use]
pub fn admit(frame: &Frame, decoded: Result<Decoded, DecodeError>, bindings: &Bindings, hub: &HubContext) -> Reading {
    let said = match decoded {
        Ok(Decoded::Gatt(measurement)) => gatt::said(&measurement, frame),
        Ok(Decoded::Serial(measurement)) => serial::said(&measurement),
        Err(error) => Said::unread(error.reason()),
    };
    let (value, part_flag) = sound::sound(said.value);
    let (times, time_flag) = times::times(frame, said.taken_at, hub.zone);
    let is_undated = matches!(times.taken, TakenAt::HubClock(_));
    let is_from_memory = said.is_from_memory || frame.kind.is_told_again();
    let memory_flag = (is_undated && is_from_memory).then_some(Flag::UndatedFromMemory);
    let flags = said.flags.into_iter().chain(part_flag).chain(time_flag).chain(memory_flag);
    let user_index = said.user_index;
    let key = match (said.number, times.device.filter(|time| time.set_local().is_some())) {
        (Some(number), _) => RecordKey::Number(number),
        (None, Some(time)) => RecordKey::Time(time),
        (None, None) if frame.kind.is_told_again() => RecordKey::Content,
        (None, None) => RecordKey::Receipt { hub: &hub.hub, boot: hub.boot, at: frame.seen_at },
    };
    let identity = frame.kind.identity(frame.bytes.as_slice());
    let record = RecordNumber::of(frame.kind.service(), key, user_index, identity);
    let bound = if said.is_of_unknown_user {
        Who::Unassigned(WhyUnassigned::UserUnknown)
    } else {
        bindings.who(&frame.device, user_index)
    };
    Reading {
        id: reading_id(&frame.device, record),
        source: frame.device.clone(),
        record,
        user_index,
        who: who(&value, bound),
        // A meter's frame may hold a ketone where it mostly holds a glucose: what was measured says what it is.
        kind: value.measured().map_or(said.kind.unwrap_or(frame.kind.measures()), Measure::kind),
        value,
        times,
        quality: Quality::from_iter(flags),
        raw: RawFrame {
            service: frame.kind.service().to_owned(),
            characteristic: frame.kind.name().to_owned(),
            bytes: frame.bytes.as_slice().to_vec(),
        },
    }
}

/// A value that the device itself doubts is kept and says so: leaving it out could leave out the one that matters.
fn doubts(are_there: bool) -> Vec<Flag> {
    if are_there { vec![Flag::DeviceDoubts] } else { Vec::new() }
}

/// Whose it is: nobody's, where nobody was measured.
fn who(value: &Value<Measure>, bound: Who) -> Who {
    match value {
        Value::NotMeasured(reason) if !reason.is_about_a_person() => Who::Unassigned(WhyUnassigned::NobodyMeasured),
        Value::NotMeasured(_) | Value::Measured(_) => bound,
    }
}

#[cfg(test)]
#[path = "admit_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "kinds_tests.rs"]
mod kinds_tests;

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod receipt_tests;

#[cfg(test)]
#[path = "serial_tests.rs"]
mod serial_tests;

#[cfg(test)]
#[path = "sound_tests.rs"]
mod sound_tests;

#[cfg(test)]
#[path = "times_tests.rs"]
mod times_tests;
