//! One good reading, and every way to spoil it: each row changes one field and names the code it must give.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use vitals::wire::v1;
use vitals::{
    NoValue, Value,
    record::{RecordKey, reading_id},
};

mod values;

/// As [`super::admit`], of a reading that a test may change.
fn admit(reading: &v1::Reading, hub: &HubId, sent_at: DateTime<Utc>, at: DateTime<Utc>) -> Result<Admitted, ErrorCode> {
    super::admit(&reading.into(), hub, sent_at, at)
}

fn hub() -> HubId {
    HubId::parse("hub-1").unwrap()
}

fn at() -> DateTime<Utc> {
    moment("2026-06-01T08:00:00Z").unwrap()
}

fn good() -> v1::Reading {
    let source = SourceId::device("A&D", "1").unwrap();
    let record = RecordNumber::of("1810", RecordKey::Number(1), Some(1), &[0x1e]);
    let number = |value: &str, unit: &str| v1::Number { value: value.into(), unit: unit.into() };
    v1::Reading {
        id: reading_id(&source, record).to_string(),
        source: source.to_string(),
        record: record.to_string(),
        user_index: Some(1),
        patient: Some("pt-1".into()),
        unassigned: None,
        kind: "blood_pressure".into(),
        measured: Some(
            [("systolic".to_owned(), number("138", "mm[Hg]")), ("diastolic".to_owned(), number("88", "mm[Hg]"))].into(),
        ),
        said: BTreeMap::new(),
        rr_intervals_1024ths: vec![],
        sequence: None,
        not_measured: None,
        posture: None,
        arm: None,
        device_time: Some("2026-06-01T08:59:30".into()),
        hub_received: "2026-06-01T07:59:40Z".into(),
        taken_at: "2026-06-01T07:59:30Z".into(),
        taken_by: "device".into(),
        device_ahead_secs: Some(0),
        quality: vec![],
        raw: v1::Raw { service: "1810".into(), characteristic: "2a35".into(), hex: "1e".into() },
    }
}

fn check(spoil: impl FnOnce(&mut v1::Reading), expected: Result<(), ErrorCode>) {
    let mut reading = good();
    spoil(&mut reading);
    assert_eq!(admit(&reading, &hub(), at(), at()).map(|_| ()), expected, "{reading:?}");
}

fn spoil_number(name: &'static str, value: &'static str, unit: &'static str) -> impl FnOnce(&mut v1::Reading) {
    move |reading| {
        reading.measured.as_mut().unwrap().insert(name.into(), v1::Number { value: value.into(), unit: unit.into() });
    }
}

#[test]
fn every_way_to_spoil_a_reading_has_its_code() {
    use ErrorCode as E;
    check(|_| {}, Ok(()));
    check(|r| r.id = "rd-00".into(), Err(E::ReadingMalformed));
    check(|r| r.id = ReadingId::derive(&[b"another"]).to_string(), Err(E::ReadingIdMismatch));
    check(|r| r.source = "somewhere".into(), Err(E::ReadingMalformed));
    check(|r| r.record = "xyz".into(), Err(E::ReadingMalformed));
    check(|r| r.kind = "mood".into(), Err(E::KindNotSupported));
    check(|r| r.patient = None, Err(E::ReadingMalformed));
    check(|r| r.patient = Some("pt-9990000018".into()), Err(E::ReadingMalformed));
    check(|r| r.unassigned = Some("not_bound".into()), Err(E::ReadingMalformed));
    check(|r| r.measured = None, Err(E::ReadingMalformed));
    check(|r| r.not_measured = Some("value_not_a_number".into()), Err(E::ReadingMalformed));
    check(spoil_number("systolic", "138", "kPa"), Err(E::UnitNotSupported));
    check(spoil_number("systolic", "138", "mmHg"), Err(E::UnitNotSupported));
    check(spoil_number("systolic", "1e2", "mm[Hg]"), Err(E::ValueMalformed));
    check(spoil_number("systolic", "NaN", "mm[Hg]"), Err(E::ValueMalformed));
    check(spoil_number("spo2", "97", "%"), Err(E::KindNotSupported));
    check(|r| drop(r.measured.as_mut().unwrap().remove("diastolic")), Err(E::ReadingMalformed));
    check(|r| r.taken_at = "2026-06-01T08:59:30+01:00".into(), Err(E::TimeMalformed));
    check(|r| r.taken_at = "2026-02-30T08:59:30Z".into(), Err(E::TimeMalformed));
    check(|r| r.device_time = Some("2026-02-30T08:59:30".into()), Err(E::TimeMalformed));
    check(|r| r.device_time = None, Err(E::TimeMalformed));
    check(|r| r.taken_by = "somebody".into(), Err(E::TimeMalformed));
    check(|r| r.raw.hex = "00".repeat(FRAME_BYTES_MAX + 1), Err(E::ReadingMalformed));
    check(|r| r.raw.hex = "0g".into(), Err(E::ReadingMalformed));
    check(|r| r.posture = Some("upside down".into()), Err(E::ReadingMalformed));
}

#[test]
fn a_reading_without_a_value_keeps_its_reason() {
    let mut reading = good();
    (reading.measured, reading.not_measured) = (None, Some("value_not_a_number".into()));
    assert_eq!(admit(&reading, &hub(), at(), at()).unwrap().reading.value, Value::NotMeasured(NoValue::NotANumber));
}

/// Found 2026-11-22: 310/120 was refused as implausible, so no rule saw it and nobody was asked to take it again.
#[test]
fn a_number_nobody_can_have_is_admitted_without_a_value_and_with_its_reason() {
    for (name, value) in
        [("systolic", "310"), ("systolic", "2047"), ("systolic", "0"), ("diastolic", "138"), ("diastolic", "9")]
    {
        let mut reading = good();
        spoil_number(name, value, "mm[Hg]")(&mut reading);
        let admitted = admit(&reading, &hub(), at(), at()).unwrap().reading;
        assert_eq!(admitted.value, Value::NotMeasured(NoValue::Implausible), "{name} {value}");
        assert_eq!(admitted.raw.bytes, [0x1e], "the bytes keep what was sent");
        assert_eq!(admitted.quality, Quality::none());
    }
}

/// Found 2026-11-22: 210/120 with a pulse of nought was refused, and nobody was told of 210/120.
#[test]
fn a_number_beside_the_value_that_nobody_can_have_is_left_out_and_the_value_stands() {
    let value_of = |reading: &v1::Reading| admit(reading, &hub(), at(), at()).unwrap().reading.value;
    let mut sent = good();
    spoil_number("systolic", "210", "mm[Hg]")(&mut sent);
    let alone = value_of(&sent);
    for (name, value, unit) in [("cuff_pulse", "0", "/min"), ("mean", "0", "mm[Hg]")] {
        spoil_number(name, value, unit)(&mut sent);
        let admitted = admit(&sent, &hub(), at(), at()).unwrap().reading;
        assert_eq!(admitted.value, alone, "{name}");
        assert!(admitted.quality.has(Flag::PartImplausible) && admitted.raw.bytes == [0x1e], "{name}");
    }
    sent.quality = vec!["irregular_pulse".into()];
    let quality = admit(&sent, &hub(), at(), at()).unwrap().reading.quality;
    assert!(quality.has(Flag::IrregularPulse) && quality.has(Flag::PartImplausible));
}

/// Found 2026-11-22: a meter's memory without dates counted as fresh.
#[test]
fn what_a_device_took_from_its_memory_without_a_date_is_marked_late() {
    let mut reading = good();
    assert!(!admit(&reading, &hub(), at(), at()).unwrap().reading.quality.has(Flag::ArrivedLate));
    reading.quality = vec!["undated_from_memory".into()];
    assert!(admit(&reading, &hub(), at(), at()).unwrap().reading.quality.has(Flag::ArrivedLate));
}

#[test]
fn a_clock_that_is_ahead_is_noticed_and_nothing_is_restamped() {
    let mut reading = good();
    reading.hub_received = "2026-06-01T10:00:00Z".into();
    reading.taken_at = "2026-06-01T09:59:00Z".into();
    let admitted = admit(&reading, &hub(), at(), at()).unwrap();
    assert!(admitted.reading.quality.has(Flag::HubClockAhead));
    assert_eq!(v1::moment(admitted.reading.times.taken.moment()), "2026-06-01T09:59:00Z");
    assert_eq!(admitted.event_time(), at(), "it must not make the readings after it look old");
}

#[test]
fn a_live_reading_of_a_hub_whose_clock_is_slow_is_not_late() {
    let mut reading = good();
    reading.hub_received = "2026-06-01T07:00:10Z".into();
    reading.taken_at = "2026-06-01T07:00:00Z".into();
    let check = |sent_at, is_late| {
        let admitted = admit(&reading, &hub(), moment(sent_at).unwrap(), at()).unwrap();
        assert_eq!(admitted.reading.quality.has(Flag::ArrivedLate), is_late, "sent at {sent_at}");
    };
    check("2026-06-01T07:00:12Z", false);
    check("2026-06-01T08:00:00Z", true);
}

#[test]
fn a_reading_from_long_ago_is_marked_late() {
    let mut reading = good();
    (reading.device_time, reading.taken_at) = (Some("2017-01-16T13:00:24".into()), "2017-01-16T13:00:24Z".into());
    assert!(admit(&reading, &hub(), at(), at()).unwrap().reading.quality.has(Flag::ArrivedLate));
}

proptest! {
    /// The short way to a moment gives what the general way gives, or nothing.
    #[test]
    fn the_usual_form_of_a_moment_is_read_as_any_other(
        fields in (1_u32..=9999, 0_u32..=13, 0_u32..=32, 0_u32..=24, 0_u32..=60, 0_u32..=61),
        fraction in "(\\.[0-9]{0,11})?",
        change in proptest::option::weighted(0.3, (0_usize..24, "[-+:.TtZz 0-9\u{e9}]")),
    ) {
        let (year, month, day, hour, minute, second) = fields;
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z");
        if let Some((place, letter)) = change && text.is_char_boundary(place) && place < text.len() {
            text.replace_range(place..=place, &letter);
        }
        let general = DateTime::parse_from_rfc3339(&text).ok().filter(|_| text.ends_with('Z')).map(|at| at.with_timezone(&Utc));
        prop_assert_eq!(moment(&text).ok(), general, "{}", text);
        if let Some(usual) = usual_moment(&text) {
            prop_assert_eq!(Some(usual), general, "{}", text);
        }
    }
}

#[test]
fn hubs_write_moments_in_the_usual_form() {
    for micros in [0, 1, 1_000, 123_456, 500_000] {
        let at = at() + TimeDelta::microseconds(micros);
        assert_eq!(usual_moment(&v1::moment(at)), Some(at));
    }
    assert_eq!(usual_moment("2016-12-31T23:59:60Z"), None, "left to the general way");
}
