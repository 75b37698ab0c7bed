//! Real captures as readings, then a table for each choice `admit` makes.

use super::*;
use crate::assign::{Binding, User};
use crate::test_parts::{CAPTURE_NAN, CAPTURE_RESERVED_BITS, CAPTURE_UA651, at, frame, noon, patient};
use chrono::DateTime;
use proptest::prelude::*;
use vitals::{ClockOffset, DeviceTime, TakenAt, measure::Kind};

const READ: ClockOffset = ClockOffset::ReadAtConnection { device_ahead_secs: 0 };

fn hub() -> HubContext {
    HubContext { hub: HubId::parse("hub-a").unwrap(), boot: [1; 8], zone: chrono_tz::Europe::London }
}

fn admitted(frame: &Frame) -> Reading {
    let bindings =
        Bindings::new([Binding { source: frame.device.clone(), user: User::Any, patient: patient() }]).unwrap();
    let reading = admit(frame, device_codecs::decode(frame), &bindings, &hub());
    assert!(reading.has_own_id());
    assert_eq!(reading.raw.bytes, frame.bytes.as_slice(), "the bytes are always kept");
    reading
}

fn numbers(reading: &Reading) -> String {
    match &reading.value {
        Value::Measured(Measure::BloodPressure(pressure)) => format!(
            "{}/{} mean {} pulse {}",
            pressure.systolic.value(),
            pressure.diastolic.value(),
            pressure.mean.map_or("none".to_owned(), |mean| mean.value().to_string()),
            pressure.pulse.map_or("none".to_owned(), |pulse| pulse.value().to_string()),
        ),
        Value::NotMeasured(reason) => reason.code().code().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn flags(reading: &Reading) -> Vec<&'static str> {
    reading.quality.flags().map(Flag::name).collect()
}

/// A 2A35 frame of 120/80 with seven time bytes.
fn dated(time: [u8; 7], seen_at: &str, clock: ClockOffset) -> Reading {
    let hex = format!("0278005000ff07{}", vitals::hex::encode(&time));
    admitted(&frame(&hex, at(seen_at), clock))
}

fn bytes_of(text: &str) -> [u8; 7] {
    DeviceTime::parse(text).unwrap().to_bytes()
}

#[test]
fn the_real_captures_become_what_their_cuffs_said() {
    for (hex, expected, taken, expected_flags) in [
        (CAPTURE_UA651, "134/77 mean 100 pulse 61", "2017-01-16T13:00:24Z", vec![]),
        (CAPTURE_NAN, "value_not_a_number", "2017-01-16T00:57:28Z", vec![]),
        (CAPTURE_RESERVED_BITS, "116.0/80.0 mean none pulse 70.0", "2020-01-19T22:55:00Z", vec!["irregular_pulse"]),
    ] {
        let reading = admitted(&frame(hex, noon(), READ));
        assert_eq!(numbers(&reading), expected, "{hex}");
        assert_eq!(reading.times.taken, TakenAt::DeviceClock(at(taken)), "{hex}");
        assert_eq!(flags(&reading), expected_flags, "{hex}");
        assert_eq!((reading.kind, reading.raw.service.as_str()), (Kind::BloodPressure, "1810"));
    }
}

#[test]
fn pressures_stand_or_fall_together_and_the_rest_may_be_missing() {
    for (hex, expected) in [
        ("0078005000ff07", "120/80 mean none pulse none"),
        ("00ff075000ff07", "value_not_a_number"),
        ("007800000800 00", "value_not_at_this_resolution"),
        ("00fe075000ff07", "value_too_high_to_tell"),
        ("0078000208ff07", "value_too_low_to_tell"),
        ("0001085000ff07", "value_reserved"),
        ("00fff75000ff07", "204.7/80 mean none pulse none"),
        ("0478005000ff07ff07", "120/80 mean none pulse none"),
        ("04780050006400fe07", "120/80 mean 100 pulse none"),
        // 18.9 and 11.0 kPa: one unit for every cuff.
        ("01bdf06ef0ff07", "141.8/82.5 mean none pulse none"),
    ] {
        assert_eq!(numbers(&admitted(&frame(&hex.replace(' ', ""), noon(), READ))), expected, "{hex}");
    }
}

#[test]
fn status_bits_become_flags_and_reserved_bits_do_not() {
    for (status, expected) in [
        (0x0000_u16, vec![]),
        (0x0027, vec!["body_movement", "cuff_too_loose", "irregular_pulse", "improper_position"]),
        (0x0008, vec!["pulse_above_range"]),
        (0x0010, vec!["pulse_below_range"]),
        (0x0018, vec![]),
        (0xffc0, vec![]),
    ] {
        let [low, high] = status.to_le_bytes();
        let reading = admitted(&frame(&format!("1078005000ff07{low:02x}{high:02x}"), noon(), READ));
        let of_status: Vec<_> = flags(&reading).into_iter().filter(|flag| !flag.starts_with("device_")).collect();
        assert_eq!(of_status, expected, "{status:04x}");
    }
}

/// Device time, the hub's receipt, the offset in seconds where it was read; then when it was taken and what was noticed.
#[test]
fn the_devices_clock_is_believed_only_as_far_as_it_can_be() {
    let device = |text: &str| TakenAt::DeviceClock(at(text));
    let hub = |text: &str| TakenAt::HubClock(at(text));
    let read = |device_ahead_secs| ClockOffset::ReadAtConnection { device_ahead_secs };
    let noon = "2026-06-01T12:00:00Z";
    for (time, seen_at, clock, taken, noticed) in [
        // Summer time: the cuff's 12:55 is 11:55 in UTC.
        ("2026-06-01T12:55:00", noon, read(0), device("2026-06-01T11:55:00Z"), None),
        ("2026-01-05T11:55:00", "2026-01-05T12:00:00Z", read(0), device("2026-01-05T11:55:00Z"), None),
        // A cuff an hour behind, and one two days ahead.
        ("2026-06-01T11:55:00", noon, read(-3600), device("2026-06-01T11:55:00Z"), None),
        ("2026-06-03T12:55:00", noon, read(172_800), device("2026-06-01T11:55:00Z"), None),
        // Not read: the cuff's own word, uncorrected.
        ("2026-06-01T12:55:00", noon, ClockOffset::NotRead, device("2026-06-01T11:55:00Z"), None),
        // Never set, or in part.
        ("????-06-01T12:55:00", noon, read(0), hub(noon), Some(Flag::DeviceClockNotSet)),
        ("2026-??-01T12:55:00", noon, read(0), hub(noon), Some(Flag::DeviceClockNotSet)),
        ("2014-12-31T23:59:59", noon, read(0), hub(noon), Some(Flag::DeviceClockNotSet)),
        // Ten minutes ahead is drift, a second more is not.
        ("2026-06-01T13:10:00", noon, read(0), device("2026-06-01T12:10:00Z"), None),
        ("2026-06-01T13:10:01", noon, read(0), hub(noon), Some(Flag::DeviceTimeInFuture)),
        ("2026-06-01T13:10:01", noon, read(1), device("2026-06-01T12:10:00Z"), None),
        // 25 October 2026, 01:30 occurs twice: the latest that is possible, so that what was just taken is not an hour old.
        (
            "2026-10-25T01:30:00",
            "2026-10-25T12:00:00Z",
            read(0),
            device("2026-10-25T01:30:00Z"),
            Some(Flag::DeviceTimeAmbiguous),
        ),
        (
            "2026-10-25T01:30:00",
            "2026-10-25T00:31:00Z",
            read(0),
            device("2026-10-25T00:30:00Z"),
            Some(Flag::DeviceTimeAmbiguous),
        ),
        // 29 March 2026, 01:30 is skipped: moved on by the gap to 02:30 summer time.
        (
            "2026-03-29T01:30:00",
            "2026-03-29T12:00:00Z",
            read(0),
            device("2026-03-29T01:30:00Z"),
            Some(Flag::DeviceTimeAmbiguous),
        ),
        // An offset beyond any calendar.
        ("2026-06-01T12:55:00", noon, read(i64::MAX), hub(noon), Some(Flag::DeviceClockNotSet)),
        ("2026-06-01T12:55:00", noon, read(i64::MIN), hub(noon), Some(Flag::DeviceClockNotSet)),
    ] {
        let reading = dated(bytes_of(time), seen_at, clock);
        assert_eq!(reading.times.taken, taken, "{time} {clock:?}");
        assert_eq!(flags(&reading), noticed.into_iter().map(Flag::name).collect::<Vec<_>>(), "{time} {clock:?}");
        assert_eq!(reading.times.device.unwrap().to_string(), time, "as it said it");
        assert_eq!((reading.times.hub_received, reading.times.offset), (at(seen_at), clock));
    }
}

#[test]
fn a_missing_or_impossible_time_is_said_and_the_hubs_clock_stands_in() {
    let missing = admitted(&frame("0078005000ff07", noon(), READ));
    assert_eq!((missing.times.taken, flags(&missing)), (TakenAt::HubClock(noon()), vec!["device_time_missing"]));
    let impossible = dated([0xea, 0x07, 2, 30, 8, 0, 0], "2026-06-01T12:00:00Z", READ);
    assert_eq!(
        (impossible.times.taken, flags(&impossible)),
        (TakenAt::HubClock(noon()), vec!["device_time_impossible"])
    );
    assert_eq!((missing.times.device, impossible.times.device), (None, None));
}

/// The id is the same wherever and whenever a dated frame is heard; an undated one is another reading at each receipt.
#[test]
fn ids_depend_on_the_devices_own_words_and_never_on_corrected_time() {
    let id = |hex: &str, seen_at: &str, ahead: i64| {
        admitted(&frame(hex, at(seen_at), ClockOffset::ReadAtConnection { device_ahead_secs: ahead })).id
    };
    let (early, late) = ("2026-06-01T12:00:00Z", "2026-06-01T12:09:00Z");
    assert_eq!(id(CAPTURE_NAN, early, 0), id(CAPTURE_NAN, late, 77), "repeated after a reconnect");
    for undated in
        ["0078005000ff07", "027800 5000ff07 0000 06 01 080210", "02780050 00ff07 de07 06 01 080210", "16ff07"]
    {
        let undated = undated.replace(' ', "");
        assert_eq!(id(&undated, early, 0), id(&undated, early, 5));
        assert_ne!(id(&undated, early, 0), id(&undated, late, 0), "{undated}");
    }
}

#[test]
fn a_frame_that_does_not_decode_is_a_reading_without_a_value() {
    let from_memory = vec!["undated_from_memory"];
    for (characteristic, hex, expected, kind, expected_flags) in [
        (0x2a35, "16", "frame_truncated", Kind::BloodPressure, vec![]),
        (0x2a35, "", "frame_truncated", Kind::BloodPressure, vec![]),
        (0x2a35, "0078005000ff0700", "frame_too_long", Kind::BloodPressure, vec![]),
        (0x2a18, "00", "frame_truncated", Kind::Glucose, from_memory),
    ] {
        let mut frame = frame(hex, noon(), READ);
        frame.kind = device_codecs::FrameKind::of_characteristic(characteristic).unwrap();
        let reading = admitted(&frame);
        assert_eq!((numbers(&reading).as_str(), reading.kind), (expected, kind), "{hex}");
        assert_eq!(
            (reading.times.taken, flags(&reading)),
            (TakenAt::HubClock(noon()), expected_flags),
            "nothing is known of its time"
        );
    }
}

proptest! {
    /// Whatever a device sends and whatever its clock does, there is a reading, and it is its own.
    #[test]
    fn every_frame_is_a_reading(
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        secs in 0_i64..4_000_000_000,
        ahead in proptest::option::of(any::<i64>()),
    ) {
        let clock = ahead.map_or(ClockOffset::NotRead, |device_ahead_secs| ClockOffset::ReadAtConnection { device_ahead_secs });
        admitted(&frame(&vitals::hex::encode(&bytes), DateTime::from_timestamp_secs(secs).unwrap(), clock));
    }
}
