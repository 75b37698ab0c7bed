//! Picks readings from a device that streams: an oximeter on a finger brings a value a second, a record needs one a
//! minute.
//!
//! Invariant: what is not picked is counted, and the count is said; a stream that cannot be read hands over its first
//! frame, so that its bytes are kept and somebody can look; one that is never usable hands over a frame that says why.

use chrono::{DateTime, Utc};
use device_codecs::{
    FrameKind, gatt,
    serial::sample::{Live, Sampler},
};

/// The values passed over are said this often at least: once an hour for one a second.
const SAY_EVERY: u64 = 3600;

/// One device's streams at one connection.
#[derive(Debug, Default)]
pub(super) struct Streams {
    oximetry: Sampler,
    heart_rate: Sampler,
    was_unreadable: bool,
    passed_over: u64,
}

impl Streams {
    /// Whether a frame is to be handed over: always, where its kind is no stream.
    pub(super) fn picks(&mut self, kind: FrameKind, bytes: &[u8], at: DateTime<Utc>) -> bool {
        let is_picked = if kind == FrameKind::ContinuousOximetry {
            match gatt::continuous_oximetry::decode(bytes) {
                Ok(moment) => self.oximetry.hear(oximetry(&moment), at).is_some(),
                Err(_) => self.is_first_unreadable(),
            }
        } else if kind == FrameKind::HeartRate {
            match gatt::heart_rate::decode(bytes) {
                Ok(moment) => self.heart_rate.hear(heart_rate(&moment), at).is_some(),
                Err(_) => self.is_first_unreadable(),
            }
        } else {
            is_settled(kind, bytes)
        };
        self.passed_over += u64::from(!is_picked);
        is_picked
    }

    fn is_first_unreadable(&mut self) -> bool {
        !std::mem::replace(&mut self.was_unreadable, true)
    }

    /// How many were passed over, where it is time to say so.
    pub(super) fn take_passed_over(&mut self, is_last: bool) -> Option<u64> {
        let is_time = self.passed_over >= SAY_EVERY || is_last && self.passed_over > 0;
        is_time.then(|| std::mem::take(&mut self.passed_over))
    }
}

fn oximetry(moment: &gatt::continuous_oximetry::ContinuousOximetry) -> Live {
    moment.patient_value().map_or(Live::NOT_USABLE, |person| Live {
        saturation: Some(person.spo2.value()),
        rate: person.pulse.ok().map(|pulse| pulse.value()),
        is_usable: true,
    })
}

fn heart_rate(moment: &gatt::heart_rate::HeartRateMeasurement) -> Live {
    let person = moment.patient_value();
    person.map_or(Live::NOT_USABLE, |rate| Live { saturation: None, rate: Some(rate.value()), is_usable: true })
}

/// Whether a weighing in a maker's own layout is one: settled, and somebody still stands there.
///
/// Such a scale sends every change of weight, and repeats its last weighing from memory when the weight is taken off. Any other kind of frame is,
/// and so is what cannot be read: its bytes are kept.
#[must_use]
pub fn is_settled(kind: FrameKind, bytes: &[u8]) -> bool {
    let weighing = if kind == FrameKind::AdvertisedWeight {
        gatt::xiaomi::decode_weight(bytes)
    } else if kind == FrameKind::AdvertisedBodyComposition {
        gatt::xiaomi::decode_composition(bytes)
    } else {
        return true;
    };
    weighing.is_ok_and(|weighing| weighing.is_stable && !weighing.is_weight_removed) || weighing.is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_parts::noon;
    use chrono::TimeDelta;

    /// 98 % and 72 a minute, once a second for three minutes: the first after ten seconds, then one a minute; and each of
    /// the others is counted.
    #[test]
    fn a_stream_becomes_a_reading_a_minute() {
        let bytes = vitals::hex::decode("0062004800").unwrap();
        let mut streams = Streams::default();
        let second = |second: i64| noon() + TimeDelta::seconds(second);
        let picked: Vec<i64> =
            (0..180).filter(|at| streams.picks(FrameKind::ContinuousOximetry, &bytes, second(*at))).collect();
        assert_eq!(picked, [10, 70, 130]);
        assert_eq!(
            (streams.take_passed_over(false), streams.take_passed_over(true), streams.take_passed_over(true)),
            (None, Some(177), None)
        );
    }

    /// 82 % while an oximeter loses a weak pulse each ninth second (device status: inadequate signal) is a reading a
    /// minute; where it never finds one, a frame that says so is handed over, and one more in an hour.
    #[test]
    fn a_weak_pulse_is_not_passed_over_in_silence() {
        let [found, lost] = ["0852004800000000", "08ff07ff07080000"].map(|hex| vitals::hex::decode(hex).unwrap());
        let second = |second: i64| noon() + TimeDelta::seconds(second);
        let handed_over = |is_lost: fn(i64) -> bool| {
            let mut streams = Streams::default();
            let picks = |at: &i64| {
                let bytes = if is_lost(*at) { &lost } else { &found };
                streams.picks(FrameKind::ContinuousOximetry, bytes, second(*at))
            };
            (0..3_700).filter(picks).collect::<Vec<i64>>()
        };
        let flickering = handed_over(|second| second % 9 == 8);
        assert!(flickering.len() >= 55 && flickering.iter().all(|second| second % 9 != 8), "{flickering:?}");
        assert_eq!(handed_over(|_| true), [60, 3_660]);
    }

    #[test]
    fn a_stream_that_cannot_be_read_hands_over_its_first_frame() {
        let mut streams = Streams::default();
        let picked = (0..5).filter(|_| streams.picks(FrameKind::HeartRate, &[0], noon())).count();
        assert_eq!((picked, streams.take_passed_over(true)), (1, Some(4)));
        assert!((0..5).all(|_| streams.picks(FrameKind::BloodPressure, &[0], noon())), "a cuff is no stream");
    }
}
