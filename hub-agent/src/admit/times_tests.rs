//! When a record was measured, where a device counts from a moment or tells its memory: a count goes on while clocks change,
//! and what may be of any day never looks as if it were taken now.

use super::{
    kinds_tests::{heard, made, said},
    *,
};
use crate::test_parts::{at, noon};
use device_codecs::FrameKind as F;
use vitals::{ClockOffset, TakenAt};

const READ: ClockOffset = ClockOffset::ReadAtConnection { device_ahead_secs: 0 };

/// A CGM record of 120 mg/dL so many minutes after the begin of its session.
fn record(minutes: u16) -> String {
    format!("06000c10{}", vitals::hex::encode(&minutes.to_le_bytes()))
}

#[test]
fn a_sensors_record_is_dated_by_its_session_and_known_by_its_time() {
    let start = "2026-06-01T12:00:00";
    let with_session = made(F::Cgm, &record(6), Some(start));
    assert_eq!(said(&with_session), "glucose_interstitial_mg 120 mg/dL");
    assert_eq!(with_session.times.device.unwrap().to_string(), "2026-06-01T12:06:00");
    assert_eq!(with_session.times.taken, TakenAt::DeviceClock(at("2026-06-01T11:06:00Z")));
    assert!(!with_session.quality.has(Flag::UndatedFromMemory));

    let next_session = made(F::Cgm, &record(6), Some("2026-06-11T12:00:00"));
    assert_ne!(with_session.record, next_session.record, "the same minute of another session");
    let told_zone = made(F::Cgm, &record(6), Some("2026-06-01T12:00:00+01:00"));
    assert_eq!(with_session.record, told_zone.record, "the same record, whoever knows the zone");
}

/// Found by reading the code: minutes were added to the session's local begin, so that every record after the clocks changed
/// was an hour wrong until the session ended, ten days later.
#[test]
fn a_count_goes_on_while_clocks_change() {
    let day = 24 * 60;
    for (start, minutes, ahead_secs, taken, noticed) in [
        // Spring, 29 March 2026, 01:00 UTC. Noon on the eve, in winter time.
        ("2026-03-28T12:00:00", 12 * 60, 0, "2026-03-29T00:00:00Z", None),
        ("2026-03-28T12:00:00", 13 * 60 + 30, 0, "2026-03-29T01:30:00Z", None),
        ("2026-03-28T12:00:00", day, 0, "2026-03-29T12:00:00Z", None),
        ("2026-03-28T12:00:00+00:00", day, 0, "2026-03-29T12:00:00Z", None),
        // A sensor set to Berlin.
        ("2026-03-28T13:00:00+01:00", day, 0, "2026-03-29T12:00:00Z", None),
        // It did not follow: it is an hour behind the hub's local time, and its count is right.
        ("2026-03-28T12:00:00", day, -3600, "2026-03-29T12:00:00Z", None),
        // It did not follow, and is 90 s fast.
        ("2026-03-28T12:01:30", day, -3510, "2026-03-29T12:00:00Z", None),
        // Autumn, 25 October 2026, 01:00 UTC. Noon on the eve, in summer time.
        ("2026-10-24T12:00:00", 14 * 60, 0, "2026-10-25T01:00:00Z", None),
        ("2026-10-24T12:00:00", day, 0, "2026-10-25T11:00:00Z", None),
        ("2026-10-24T12:00:00+01:00", day, 0, "2026-10-25T11:00:00Z", None),
        ("2026-10-24T12:00:00", day, 3600, "2026-10-25T11:00:00Z", None),
        ("2026-10-24T12:00:00", day, -30, "2026-10-25T11:00:30Z", None),
        // Begun in the hour that occurs twice: only the hub's zone leaves that open.
        ("2026-10-25T01:30:00", 60, 0, "2026-10-25T02:30:00Z", Some(Flag::DeviceTimeAmbiguous)),
        ("2026-10-25T01:30:00+01:00", 60, 0, "2026-10-25T01:30:00Z", None),
        ("2026-10-25T01:30:00+00:00", 60, 0, "2026-10-25T02:30:00Z", None),
        // Begun in the hour that never was.
        ("2026-03-29T01:30:00", 60, 0, "2026-03-29T02:30:00Z", Some(Flag::DeviceTimeAmbiguous)),
    ] {
        let seen_at = at(taken) + chrono::TimeDelta::hours(30);
        let clock = ClockOffset::ReadAtConnection { device_ahead_secs: ahead_secs };
        let reading = heard(F::Cgm, &record(minutes), Some(start), seen_at, clock);
        assert_eq!(reading.times.taken, TakenAt::DeviceClock(at(taken)), "{start} and {minutes} minutes");
        assert_eq!(
            reading.quality.flags().collect::<Vec<_>>(),
            Vec::from_iter(noticed),
            "{start} and {minutes} minutes"
        );
    }
}

/// A sensor that feels 120 now, heard within the minute, on both sides of both changes.
#[test]
fn what_a_sensor_feels_now_is_of_now() {
    for (start, begun) in [
        ("2026-03-26T12:00:00", "2026-03-26T12:00:00Z"),
        ("2026-10-22T12:00:00", "2026-10-22T11:00:00Z"),
        ("2026-10-22T12:00:00+01:00", "2026-10-22T11:00:00Z"),
    ] {
        for minutes in (0..7 * 24 * 60).step_by(5) {
            let now = at(begun) + chrono::TimeDelta::minutes(minutes.into());
            let reading = heard(F::Cgm, &record(minutes), Some(start), now, ClockOffset::NotRead);
            assert_eq!(reading.times.taken, TakenAt::DeviceClock(now), "{start} and {minutes} minutes");
            assert!(reading.may_settle(), "{start} and {minutes} minutes");
        }
    }
}

/// Found by reading the code: a value from a memory without a time stood under the moment at which it was told, and so put an
/// alert to rest that somebody needed; or, of an oximeter, was thrown away.
#[test]
fn what_may_be_of_any_day_says_so() {
    let future = "2026-07-01T12:00:00";
    for (kind, hex, counts_from, is_undated) in [
        (F::Cgm, record(6).as_str(), None, true),
        (F::Cgm, &record(6), Some("2026-06-01T12:00:00"), false),
        (F::Cgm, &record(6), Some(future), true),
        (F::Cgm, &record(6), Some("2010-06-01T12:00:00"), true),
        (F::Cgm, "0600", None, false),
        // 2A18: a clock that was never set; a time fault; a date and time.
        (F::Glucose, "02 0100 00000000000000 01d0 11", None, true),
        (F::Glucose, "0a 0100 ea070601080000 01d0 11 0008", None, true),
        (F::Glucose, "02 0100 ea070601080000 01d0 11", None, false),
        // PLX: stored without a time, with one, with one of a clock that was never set, and just taken.
        (F::SpotOximetry, "02 5000 4800 0002", None, true),
        (F::SpotOximetry, "03 5000 4800 ea070601080000 0002", None, false),
        (F::SpotOximetry, "13 5000 4800 ea070601080000 0002", None, true),
        (F::SpotOximetry, "00 5000 4800", None, false),
        (F::ContinuousOximetry, "04 5000 4800 0002", None, true),
        (F::ContinuousOximetry, "00 5000 4800", None, false),
        // Nonin's format 13 with a clock of nought: from its memory, and just taken.
        (F::NoninDf13, "0002000d000e 00000000000000 00 0210 0048 00 61 bb03", None, true),
        (F::NoninDf13, "0002000d000e 00000000000000 00 0200 0048 00 61 ab03", None, false),
        (F::BloodPressure, "00 7800 5000 ff07", None, false),
    ] {
        let reading = heard(kind, hex, counts_from, noon(), READ);
        assert_eq!(reading.quality.has(Flag::UndatedFromMemory), is_undated, "{kind} {hex} {counts_from:?}");
        assert_eq!(reading.value.measured().is_some(), hex != "0600", "{kind} {hex}: {}", said(&reading));
        if is_undated {
            assert_eq!(reading.times.taken, TakenAt::HubClock(noon()), "no time is invented");
            assert!(!reading.may_settle(), "{kind} {hex}");
        }
    }
}

/// Found by reading the code: an oximeter whose clock was never set sent the same bytes eight days apart, and the second
/// spot check was taken for the first, told again.
#[test]
fn two_spot_checks_without_a_clock_are_two() {
    let check = |day: i64| {
        let seen_at = noon() + chrono::TimeDelta::days(day);
        let hex = "0002000d000e 00000000000000 00 0200 0048 00 61 ab03";
        heard(F::NoninDf13, hex, None, seen_at, ClockOffset::NotRead).id
    };
    assert_ne!(check(0), check(8));
    assert_eq!(check(0), check(0));
}

/// A meter that lost its memory counts from one again, and "before a meal" has the same bytes as before: the time of its
/// measurement tells the two apart, and knows again one that is told twice.
#[test]
fn two_contexts_of_one_number_are_told_apart_by_their_measurements() {
    let context = |measured: Option<&str>, day: i64| {
        let seen_at = noon() + chrono::TimeDelta::days(day);
        heard(F::GlucoseContext, "02 0100 01", measured, seen_at, READ)
    };
    let (first, later) = (Some("2026-05-01T08:00:00"), Some("2026-06-01T08:00:00"));
    assert_ne!(context(first, 0).id, context(later, 0).id);
    assert_eq!(context(first, 0).id, context(first, 8).id);
    assert_eq!(context(later, 0).times.taken, TakenAt::DeviceClock(at("2026-06-01T07:00:00Z")));
    let alone = context(None, 0);
    assert_eq!(alone.id, context(None, 8).id, "its number must do");
    assert!(alone.quality.has(Flag::UndatedFromMemory));
}

#[test]
fn a_clock_that_was_never_set_is_not_believed() {
    // PLX flag bit 4, with a time all the same.
    let reading = made(F::SpotOximetry, "1162006400ea070601080000", None);
    assert_eq!(said(&reading), "spo2 98 %, oximeter_pulse 100 /min");
    assert_eq!(reading.times.taken, TakenAt::HubClock(noon()));
    assert!(reading.quality.has(Flag::DeviceClockNotSet) && !reading.quality.has(Flag::UndatedFromMemory));
}
