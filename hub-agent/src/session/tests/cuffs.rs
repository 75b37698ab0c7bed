//! Devices as they should be: what they are asked, what is handed over, whose it is and by which clock.

use super::*;
use crate::test_parts::{CAPTURE_UA651, cuff};

/// A cuff that comes with everything it has and hangs up: the order of the calls is the whole point.
#[test]
fn a_cuff_hands_over_its_outbox_and_hangs_up() {
    let mut device = Device::new(cuff_list());
    device.meet();
    assert_eq!(
        device.calls,
        ["connect", "discover", "open", "read 2a29", "read 2a25", "read 2a08", "subscribe 2a35", "read 2a19"],
        "a clock that is right is not set, and pressure while the cuff fills is not asked for"
    );
    assert_eq!(device.met, [(cuff(), ClockOffset::ReadAtConnection { device_ahead_secs: 0 })]);
    let capture = bytes(CAPTURE_UA651);
    for _ in 0..3 {
        device.sends(CUFF, &capture);
    }
    assert_eq!(device.frames.len(), 3, "whether two are one is for the record number to say");
    let frame = &device.frames[0];
    assert_eq!(
        (frame.device.clone(), frame.kind, frame.bytes.as_slice()),
        (cuff(), FrameKind::BloodPressure, &*capture)
    );
    assert_eq!(frame.seen_at, noon());
    assert_eq!(device.reports, [HubEvent::DeviceBattery { device: cuff(), percent: 87 }]);
    device.tell(Event::Disconnected);
    assert_eq!((device.over, device.parted, device.count("disconnect")), (Some(Duration::ZERO), 1, 0));
    assert_eq!(device.session.remembered(), Remembered { source: Some(cuff()), hang_ups: 0 });
}

/// Two people, one cuff: the frames pass unchanged; whose they are is decided later.
#[test]
fn frames_of_two_users_pass_unchanged() {
    let mut device = Device::new(cuff_list());
    device.meet();
    let of_user = |user: u8| bytes(&format!("08 7f00 4f00 ff07 {user:02x}"));
    device.sends(CUFF, &of_user(1)).sends(CUFF, &of_user(2));
    let heard: Vec<&[u8]> = device.frames.iter().map(|frame| frame.bytes.as_slice()).collect();
    assert_eq!(heard, [of_user(1), of_user(2)]);
}

/// The link of an outbox breaks after a few records: what came is there, and the rest comes at the next advertisement.
#[test]
fn a_drop_after_some_records_loses_none_of_them() {
    let mut device = Device::new(cuff_list());
    device.meet().sends(CUFF, &bytes(CAPTURE_UA651)).tell(Event::Disconnected);
    assert_eq!((device.frames.len(), device.over), (1, Some(Duration::ZERO)));
    let mut again = Device::with(cuff_list(), Session::new(facts(None), device.session.remembered()));
    again.meet().sends(CUFF, &bytes(CAPTURE_UA651));
    assert_eq!(again.frames.len(), 1);
}

/// Clocks: read before they are set, set where they are off, and never in the way of a reading.
#[test]
fn a_wrong_clock_is_compared_then_set_and_stops_nothing() {
    let slow = bytes("ea07 06 01 0c 2c 00"); // 12:44 instead of 13:00
    let ahead = |secs| ClockOffset::ReadAtConnection { device_ahead_secs: secs };
    for (clock, fails, sets, says, offset, failures) in [
        (Ok(slow.clone()), None, 1, Some(Some(-960)), ahead(-960), vec![]),
        (Ok(bytes("ea07 06 01 0d 00 02")), None, 0, None, ahead(CLOCK_TOLERANCE_SECS), vec![]),
        (Ok(bytes("0000 00 00 08 00 00")), None, 1, Some(None), ClockOffset::NotRead, vec!["read_clock not_set"]),
        (Ok(vec![1, 2]), None, 1, Some(None), ClockOffset::NotRead, vec!["read_clock malformed"]),
        (Err(Trouble::TimeLimit), None, 1, Some(None), ClockOffset::NotRead, vec!["read_clock time_limit"]),
        (Err(Trouble::PairingLost), None, 1, Some(None), ClockOffset::NotRead, vec!["read_clock pairing_lost"]),
        (Ok(slow.clone()), Some(Trouble::Refused), 1, None, ahead(-960), vec!["set_clock refused"]),
    ] {
        let mut device = Device::new(cuff_list());
        match &clock {
            Ok(clock) => drop(device.reads.insert(listed::DATE_TIME, clock.clone())),
            Err(trouble) => drop(device.fails.insert("read 2a08".into(), *trouble)),
        }
        device.fails.extend(fails.map(|trouble| ("set clock".to_owned(), trouble)));
        device.meet().sends(CUFF, &bytes(CAPTURE_UA651));
        assert_eq!(device.count("set clock"), sets, "{clock:?}");
        assert_eq!(device.failures(), failures, "{clock:?}");
        assert_eq!(device.frames[0].clock, offset, "{clock:?}: the record is older than the setting");
        let said = device.reports.iter().find_map(|event| {
            if let HubEvent::DeviceClockSet { ahead_secs, .. } = event { Some(*ahead_secs) } else { None }
        });
        assert_eq!(said, says, "{clock:?}");
        let order = |call: &str| device.calls.iter().position(|known| known == call);
        assert!(order("read 2a08") < order("subscribe 2a35") && order("set clock") < order("subscribe 2a35"));
    }
}

/// A scale that asks for consent gets it before it is subscribed to; refused or silent, it is subscribed to all the same.
#[test]
fn consent_is_given_before_the_measurement_and_never_in_its_way() {
    let scale = with_identity(vec![(SCALE, "n"), (USERS, "wn")]);
    let consent = Some(Consent { user_index: 3, code: 1234 });
    let session = || Session::new(facts(consent), Remembered::default());
    for (answer, failures) in [
        (Some(&[0x20, 2, 1][..]), vec![]),
        (Some(&[0x20, 2, 5][..]), vec!["consent refused"]),
        (None, vec!["consent time_limit"]),
    ] {
        let mut device = Device::with(scale.clone(), session());
        device.meet();
        assert_eq!(device.calls[5..], ["subscribe 2a9f", "write 2a9f 0203d204"], "{answer:?}");
        match answer {
            Some(answer) => device.sends(USERS, answer),
            None => device.after(6),
        };
        assert_eq!(
            (device.count("subscribe 2a9d"), device.failures()),
            (1, failures.iter().map(|f| (*f).into()).collect())
        );
    }
    let mut deaf = Device::with(scale.clone(), session()).failing("subscribe 2a9f", Trouble::Refused);
    deaf.meet();
    assert_eq!((deaf.count("write 2a9f 0203d204"), deaf.count("subscribe 2a9d")), (0, 1));
    let mut unasked = Device::new(scale);
    unasked.meet();
    assert_eq!(unasked.count("subscribe 2a9f"), 0, "nobody configured a consent");
}

/// A scale with a layout of its own is read as such, and only its settled weighings are frames.
#[test]
fn a_scale_that_sends_every_wobble_gives_one_weighing() {
    let mut device = Device::new(with_identity(vec![(SCALE, "n"), (at(0x180a, listed::MODEL), "r")]));
    device.reads.insert(listed::MAKER, b"Xiaomi".to_vec());
    device.reads.insert(listed::MODEL, b"XMTZC04HM".to_vec());
    device.meet();
    for status in ["02", "22", "a2"] {
        device.sends(SCALE, &bytes(&format!("{status} 9638 ea07 06 01 08 02 0a")));
    }
    let kinds: Vec<FrameKind> = device.frames.iter().map(|frame| frame.kind).collect();
    assert_eq!(kinds, [FrameKind::AdvertisedWeight]);
}

/// Who the device is: what it says; what it said before where it cannot be read now; the port where it does not say.
#[test]
fn a_device_without_an_identity_is_the_hubs_port() {
    let port = SourceId::parse("port/hub-a/bluetooth%2FC0:26:DA:23:8F:68").unwrap();
    let known = Remembered { source: Some(cuff()), hang_ups: 0 };
    for (maker, serial, remembered, source) in [
        (Ok("A&D Medical"), Ok("5161000042\0\0"), Remembered::default(), cuff()),
        (Ok("A&D Medical"), Ok("00000000"), known.clone(), port.clone()),
        (Ok("A&D Medical"), Ok("Serial Number"), Remembered::default(), port.clone()),
        (Ok(""), Ok("5161000042"), Remembered::default(), port.clone()),
        (Ok("A&D Medical"), Err(Trouble::Refused), known.clone(), cuff()),
        (Err(Trouble::TimeLimit), Ok("5161000042"), Remembered::default(), port.clone()),
    ] {
        let mut device = Device::with(cuff_list(), Session::new(facts(None), remembered));
        for (uuid, word) in [(listed::MAKER, maker), (listed::SERIAL, serial)] {
            match word {
                Ok(word) => drop(device.reads.insert(uuid, word.as_bytes().to_vec())),
                Err(trouble) => drop(device.fails.insert(format!("read {uuid:04x}"), trouble)),
            }
        }
        device.meet();
        assert_eq!(device.met[0].0, source, "{maker:?} {serial:?}");
        let failed = [maker, serial].iter().filter(|word| word.is_err()).count();
        assert_eq!(device.failures().len(), 2 * failed, "what cannot be read is tried twice");
    }
}

/// A cuff with a bond sends as soon as it is connected: its values wait until its clock is known, and are not lost where
/// it goes before.
#[test]
fn values_before_the_clock_is_known_wait_for_it() {
    let mut session = Session::new(facts(None), Remembered { source: Some(cuff()), hang_ups: 0 });
    assert_eq!(session.on(Event::Advertised, noon()), [Action::Connect]);
    assert_eq!(session.on(Event::Value(CUFF, bytes(CAPTURE_UA651)), noon()), []);
    let mut device = Device::with(cuff_list(), session);
    device.now += TimeDelta::seconds(1);
    device.tell(Event::Connected);
    assert_eq!((device.frames.len(), device.frames[0].seen_at), (1, noon()), "seen when it came");
    assert_eq!(device.frames[0].clock, ClockOffset::ReadAtConnection { device_ahead_secs: -1 });

    for end in [Event::Disconnected, Event::Gone] {
        let mut session = Session::new(facts(None), Remembered::default());
        drop(session.on(Event::Advertised, noon()));
        drop(session.on(Event::Connected, noon()));
        for _ in 0..HELD_MAX {
            assert_eq!(session.on(Event::Value(CUFF, vec![0; 7]), noon()), []);
        }
        let over = session.on(Event::Value(CUFF, vec![0; 7]), noon());
        assert_eq!(over.len(), HELD_MAX, "no more than that wait");
        let parted = session.on(end, noon());
        assert_eq!(parted.iter().filter(|action| matches!(action, Action::Heard(_))).count(), 1);
    }
}
