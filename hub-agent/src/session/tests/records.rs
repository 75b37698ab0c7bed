//! Devices with a memory: meters and continuous sensors.

use super::*;

/// A meter: the places are asked for before anything can come, and only what comes after them is fetched.
#[test]
fn a_meter_is_asked_for_what_comes_after_the_last_kept() {
    let meter = || with_identity(vec![(METER, "n"), (METER_RECORDS, "wn"), (at(0x1808, 0x2a34), "n")]);
    for (kept, command) in [(None, "0101"), (Some(6), "010301 0700"), (Some(65535), "0101"), (Some(99999), "0101")] {
        let mut device = Device::new(meter());
        device.place = kept.map(|number| Place { kind: FrameKind::Glucose, session: None, number, look: None });
        device.meet();
        assert_eq!(
            device.calls[5..],
            [
                "remember 2a18".to_owned(),
                "subscribe 2a52".into(),
                "subscribe 2a34".into(),
                "subscribe 2a18".into(),
                format!("write 2a52 {}", command.replace(' ', ""))
            ],
            "{kept:?}"
        );
        device.sends(METER, &bytes("00 0700 ea07 06 01 08 00 00")).sends(METER_RECORDS, &SUCCESS);
        device.after(1).tell(Event::Disconnected);
        assert_eq!((device.frames.len(), device.failures().len(), device.over), (1, 0, Some(Duration::ZERO)));
        assert_eq!(device.calls.len(), 10, "nothing is asked twice and nothing deleted: {:?}", device.calls);
        assert_eq!(device.read_up_to, [7]);
    }
}

/// What a live record once did: it was remembered as the last, the link dropped, and the stored ones before it were never
/// asked for again. Only a memory that was told to its end moves the place, and only as far as it was told.
#[test]
fn a_live_record_hides_none_of_the_stored_ones() {
    let sensor = with_identity(vec![(SENSOR, "n"), (SENSOR_RECORDS, "wn"), (at(0x181f, listed::SESSION_START), "r")]);
    let session = DeviceTime::parse("2026-06-01T08:00:00").ok();
    let place = Some(Place { kind: FrameKind::Cgm, session, number: 4000, look: None });
    let record = |minute: u16| {
        let [low, high] = minute.to_le_bytes();
        bytes(&format!("06 00 6400 {low:02x}{high:02x}"))
    };
    let met = || {
        let mut device = Device::new(sensor.clone());
        device.place = place;
        device.meet().sends(SENSOR, &record(4005)).sends(SENSOR, &record(5000));
        device
    };
    let mut dropped = met();
    dropped.tell(Event::Disconnected);
    assert_eq!((dropped.frames.len(), dropped.read_up_to.as_slice()), (2, &[][..]), "it broke off");

    let mut told = met();
    told.sends(SENSOR, &record(4010)).sends(SENSOR_RECORDS, &SUCCESS).sends(SENSOR, &record(5005));
    assert_eq!((told.frames.len(), told.read_up_to.as_slice()), (4, &[5000][..]), "5005 came after the end");
}

/// A meter that lost its memory counts anew: nothing above the last kept, but its newest record is below it.
#[test]
fn a_reset_meter_is_asked_for_everything() {
    let meter = with_identity(vec![(METER, "n"), (METER_RECORDS, "wn")]);
    let record = |number: u16| {
        let [low, high] = number.to_le_bytes();
        bytes(&format!("00 {low:02x}{high:02x} ea07 06 01 08 00 00"))
    };
    for (newest, fetched, frames) in [(Some(2), 3, 4), (Some(50), 2, 0), (None, 2, 0)] {
        let mut device = Device::new(meter.clone());
        device.place = Some(Place { kind: FrameKind::Glucose, session: None, number: 50, look: None });
        device.meet().sends(METER_RECORDS, &NO_RECORDS);
        match newest {
            Some(newest) => device.sends(METER, &record(newest)).sends(METER_RECORDS, &SUCCESS),
            None => device.sends(METER_RECORDS, &NO_RECORDS),
        };
        if fetched == 3 {
            for number in 0..=2 {
                device.sends(METER, &record(number));
            }
            device.sends(METER_RECORDS, &SUCCESS);
        }
        let asked: Vec<&str> = device.calls.iter().filter_map(|call| call.strip_prefix("write 2a52 ")).collect();
        assert_eq!(asked, ["0103013300", "0106", "0101"][..fetched], "newest {newest:?}");
        assert_eq!(device.frames.len(), frames, "what comes twice is known by the outbox");
        assert_eq!(device.read_up_to, if fetched == 3 { vec![2] } else { vec![] }, "newest {newest:?}");
        assert_eq!(device.failures(), [""; 0]);
    }
}

/// What was missed once: a meter got a new battery, counts from one again and has passed the last number kept. That
/// number now names another record, and all of them are asked for.
#[test]
fn a_reset_meter_that_has_passed_the_last_kept_is_found_out() {
    let meter = with_identity(vec![(METER, "n"), (METER_RECORDS, "wn")]);
    let record = |number: u8, minute: u8| bytes(&format!("00 {number:02x}00 ea07 06 01 08 {minute:02x} 00"));
    for (there, asked) in [(record(7, 1), &["0103010700"][..]), (record(7, 2), &["0103010700", "0101"][..])] {
        let mut device = Device::new(meter.clone());
        let look = Some(crate::link::Look::of(&record(7, 1)));
        device.place = Some(Place { kind: FrameKind::Glucose, session: None, number: 7, look });
        device.meet().sends(METER, &there).sends(METER, &record(8, 3)).sends(METER_RECORDS, &SUCCESS);
        if asked.len() == 2 {
            for number in 1..=8 {
                device.sends(METER, &record(number, 2));
            }
            device.sends(METER_RECORDS, &SUCCESS);
        }
        let wrote: Vec<&str> = device.calls.iter().filter_map(|call| call.strip_prefix("write 2a52 ")).collect();
        assert_eq!((wrote.as_slice(), device.read_up_to.as_slice()), (asked, &[8][..]));
        assert_eq!(device.frames.len(), if asked.len() == 2 { 10 } else { 1 }, "the one still there is not new");
    }
}

#[test]
fn a_meter_that_cannot_choose_is_asked_for_everything_and_a_silent_one_is_told_to_stop() {
    let meter = with_identity(vec![(METER, "n"), (METER_RECORDS, "wn")]);
    let place = Some(Place { kind: FrameKind::Glucose, session: None, number: 50, look: None });
    let mut plain = Device::new(meter.clone());
    plain.place = place;
    plain.meet().sends(METER_RECORDS, &[6, 0, 1, 4]);
    assert_eq!(plain.calls.last().map(String::as_str), Some("write 2a52 0101"));

    let mut silent = Device::new(meter.clone());
    silent.meet().after(20);
    silent.sends(METER, &bytes("00 0000 ea07 06 01 08 00 00")).after(29);
    assert_eq!(silent.calls.last().map(String::as_str), Some("write 2a52 0101"), "it sent something 29 s ago");
    silent.after(2);
    assert_eq!(silent.calls.last().map(String::as_str), Some("write 2a52 0300"));
    silent.after(31);
    assert_eq!((silent.failures(), silent.over), (vec!["read_records time_limit".into()], None), "it may still speak");

    for (answer, why) in [(&[6, 0, 1, 8][..], "refused"), (&[9, 9][..], "malformed_answer")] {
        let mut odd = Device::new(meter.clone());
        odd.meet().sends(METER_RECORDS, answer);
        assert_eq!(odd.failures(), [format!("read_records {why}")]);
    }
}

/// A continuous sensor: minutes count from its session's begin, and a new session begins at nought.
#[test]
fn a_sensor_of_another_session_is_asked_for_everything() {
    let sensor = with_identity(vec![(SENSOR, "n"), (SENSOR_RECORDS, "wn"), (at(0x181f, listed::SESSION_START), "r")]);
    let began = DeviceTime::parse("2026-06-01T08:00:00").unwrap();
    let before = DeviceTime::parse("2026-05-18T08:00:00").unwrap();
    for (session, command) in [(Some(began), "010301 6500"), (Some(before), "0101"), (None, "0101")] {
        let mut device = Device::new(sensor.clone());
        device.place = Some(Place { kind: FrameKind::Cgm, session, number: 100, look: None });
        device.meet();
        assert_eq!(device.calls.last(), Some(&format!("write 2a52 {}", command.replace(' ', ""))));
        // Two records in one notification, then one that cannot be told apart.
        device.sends(SENSOR, &bytes("06 00 6400 6500 06 00 6500 6600")).sends(SENSOR, &bytes("09 00 6400"));
        let frames: Vec<(usize, Option<DeviceTime>)> = device
            .frames
            .iter()
            .map(|frame| (frame.bytes.as_slice().len(), frame.counts_from.map(|from| from.local)))
            .collect();
        assert_eq!(frames, [(6, Some(began)), (6, Some(began)), (4, Some(began))]);
    }
}

/// A context does not say when it was: its measurement, which comes before it, does. One that was kept before and is asked
/// for again says so too, or its context would be another record at every visit.
#[test]
fn a_context_has_the_time_of_its_measurement() {
    let context = at(0x1808, 0x2a34);
    let meter = with_identity(vec![(METER, "n"), (METER_RECORDS, "wn"), (context, "n")]);
    let kept = bytes("10 0100 ea07 06 01 08 01 00");
    let mut device = Device::new(meter);
    let look = Some(crate::link::Look::of(&kept));
    device.place = Some(Place { kind: FrameKind::Glucose, session: None, number: 1, look });
    device.meet();
    device.sends(METER, &kept).sends(context, &bytes("02 0100 01"));
    device.sends(METER, &bytes("10 0200 ea07 06 01 08 02 00")).sends(context, &bytes("02 0200 01"));
    device.sends(METER, &bytes("10 0300 0000 00 00 00 00 00")).sends(context, &bytes("02 0300 01"));
    device.sends(context, &bytes("02 0400 01")).sends(METER_RECORDS, &SUCCESS);
    let of_contexts = device.frames.iter().filter(|frame| frame.kind == FrameKind::GlucoseContext);
    let times: Vec<Option<String>> = of_contexts.map(|frame| frame.counts_from.map(|from| from.to_string())).collect();
    let expected = [Some("2026-06-01T08:01:00"), Some("2026-06-01T08:02:00"), Some("????-??-??T00:00:00"), None];
    assert_eq!(times, expected.map(|time| time.map(str::to_owned)));
}
