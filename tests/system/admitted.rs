//! Every public frame on its whole way: the hub makes a reading of it, the reading goes over the wire, the service admits
//! it. The value that is stored is the one the device sent, digit for digit, or the row is listed below with what became of
//! it and why. A list that is longer than the truth fails as well.
//!
//! First the comparison is shown readings with one thing changed on the way, none of which it may let pass.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use device_codecs::{Frame, FrameBytes, FrameKind, decode};
use harness::{bench_codecs::kind_of, tree};
use hub_agent::{
    admit::{HubContext, admit as made_of},
    assign::{Binding, Bindings, User},
};
use serde::Deserialize;
use std::fs;
use vitals::{ClockOffset, HubId, PatientId, Reading, SourceId, Value, wire::v1};

/// What became of a value on the way, where it did not stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Stored without a value, because nobody can have that number.
    Implausible,
    /// Stored without a part beside it, because nobody can have that number.
    PartLeftOut,
    /// Kept as refused, with this code.
    Refused(&'static str),
}

/// The rows whose value does not stay the same: the file and its line, what becomes of it, and why that is right.
const LISTED: [(&str, Became, &str); 1] = [(
    "devices.jsonl:2",
    Became::Implausible,
    "a library's test of decimals: 18.9/11.0 mmHg, which no living person has",
)];

const FILES: [&str; 2] = ["devices.jsonl", "own_devices.jsonl"];

#[derive(Deserialize)]
struct Case {
    characteristic_or_frame: String,
    hex: String,
}

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 6, 1, 12, 0, 0).unwrap()
}

fn hub() -> HubId {
    HubId::parse("hub-a").unwrap()
}

/// The reading that the hub makes of a frame heard now, from a device that belongs to somebody.
fn heard(kind: FrameKind, hex: &str) -> Reading {
    let device = SourceId::device("Invented", "7").unwrap();
    let frame = Frame {
        device: device.clone(),
        kind,
        bytes: FrameBytes::new(vitals::hex::decode(hex).unwrap()).unwrap(),
        seen_at: now(),
        clock: ClockOffset::ReadAtConnection { device_ahead_secs: 0 },
        counts_from: None,
    };
    let patient = PatientId::parse("pt-1").unwrap();
    let bindings = Bindings::new([Binding { source: device, user: User::Any, patient }]).unwrap();
    let hub = HubContext { hub: hub(), boot: [1; 8], zone: chrono_tz::Europe::London };
    made_of(&frame, decode(&frame), &bindings, &hub)
}

/// What became of a reading that goes over the wire as `sent`; none where it is stored as the hub made it.
fn became(reading: &Reading, sent: &v1::Reading) -> Result<Option<Became>, String> {
    let text = serde_json::to_string(sent).unwrap();
    let read: v1::Reading = serde_json::from_str(&text).unwrap();
    let at = now() + TimeDelta::seconds(2);
    let stored = match ingest::admit::admit(&(&read).into(), &hub(), at, at) {
        Ok(admitted) => admitted.reading,
        Err(code) => return Ok(Some(Became::Refused(code.code()))),
    };
    // Equal by value is not enough: every digit must come through.
    let digits = |reading: &Reading| serde_json::to_string(&reading.value).unwrap();
    let value = match (&reading.value, &stored.value) {
        (was, is) if was == is && digits(reading) == digits(&stored) => None,
        (Value::Measured(_), Value::NotMeasured(vitals::NoValue::Implausible)) => Some(Became::Implausible),
        (Value::Measured(was), Value::Measured(is))
            if vitals::catalogue::without_implausible_parts(was) == (is.clone(), true)
                && stored.quality.has(vitals::Flag::PartImplausible) =>
        {
            Some(Became::PartLeftOut)
        }
        (was, is) => return Err(format!("{was:?} became {is:?}")),
    };
    let rest = |reading: &Reading| {
        let Reading { id, source, record, user_index, who, kind, times, raw, .. } = reading.clone();
        (id, source, record, user_index, who, kind, times, raw)
    };
    let kept = reading.quality.flags().all(|flag| stored.quality.has(flag));
    if rest(reading) == rest(&stored) && kept {
        Ok(value)
    } else {
        Err("something beside the value changed".to_owned())
    }
}

type Change = fn(&mut v1::Reading);

fn number<'a>(sent: &'a mut v1::Reading, name: &str) -> &'a mut v1::Number {
    sent.measured.as_mut().unwrap().get_mut(name).unwrap()
}

/// The planted faults: one thing is another on the way.
#[test]
fn what_changes_on_the_way_is_seen() {
    let reading = heard(FrameKind::BloodPressure, "1e8a00580078000000041114293b3c00012700");
    assert_eq!(became(&reading, &v1::Reading::from(&reading)), Ok(None));
    let changed = |change: Change| {
        let mut sent = v1::Reading::from(&reading);
        change(&mut sent);
        became(&reading, &sent)
    };
    let faults: [(&str, Change); 9] = [
        ("another number", |sent| number(sent, "systolic").value = "139".to_owned()),
        ("a digit more", |sent| number(sent, "systolic").value = "138.0".to_owned()),
        ("a part lost", |sent| drop(sent.measured.as_mut().unwrap().remove("cuff_pulse"))),
        ("a part that could have stayed", |sent| number(sent, "cuff_pulse").value = "0".to_owned()),
        ("a flag lost", |sent| sent.quality.clear()),
        ("a byte changed", |sent| sent.raw.hex.replace_range(..2, "1f")),
        ("another user", |sent| sent.user_index = None),
        ("nobody's", |sent| (sent.patient, sent.unassigned) = (None, Some("not_bound".to_owned()))),
        ("another time", |sent| sent.hub_received = "2026-06-01T11:59:59Z".to_owned()),
    ];
    for (what, change) in faults {
        assert!(changed(change).is_err(), "{what} was not seen");
    }
    let refused = changed(|sent| number(sent, "systolic").unit = "kPa".to_owned());
    assert_eq!(refused, Ok(Some(Became::Refused("unit_not_supported"))));
    let implausible = changed(|sent| number(sent, "systolic").value = "310".to_owned());
    assert_eq!(implausible, Ok(Some(Became::Implausible)));
}

#[test]
fn what_a_public_frame_says_is_what_the_service_admits() {
    let (mut found, mut wrong, mut same) = (Vec::new(), Vec::new(), 0);
    for file in FILES {
        let text = fs::read_to_string(tree::root().join("tests/vectors").join(file)).unwrap();
        for (number, line) in text.lines().enumerate() {
            let Ok(case) = serde_json::from_str::<Case>(line) else { panic!("{file}:{}", number + 1) };
            let Some(kind) = kind_of(&case.characteristic_or_frame) else { continue };
            let reading = heard(kind, &case.hex);
            let place = format!("{file}:{}", number + 1);
            match became(&reading, &v1::Reading::from(&reading)) {
                Ok(None) => same += 1,
                Ok(Some(became)) => found.push((place, became)),
                Err(why) => wrong.push(format!("{place} {kind}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let listed: Vec<_> = LISTED.iter().map(|(place, became, _)| ((*place).to_owned(), *became)).collect();
    assert_eq!(found, listed, "every row whose value does not stay the same is listed, with its reason");
    assert!(same > 60, "only {same} rows were judged");
}
