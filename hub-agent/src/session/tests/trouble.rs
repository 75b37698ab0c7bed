//! Devices that hang up, refuse, forget their bond, or say nothing.

use super::{super::ends::*, *};
use crate::test_parts::CAPTURE_UA651;

/// Objects appear after the service says that all are there: the list is read again, a bounded number of times.
#[test]
fn an_empty_list_is_read_again() {
    let mut device = Device::new(cuff_list());
    device.lists = VecDeque::from([vec![], list(&[(at(0x180a, listed::MAKER), "r")]), cuff_list()]);
    device.meet();
    assert_eq!((device.count("discover"), device.timers.clone()), (1, vec![DISCOVER_PAUSES[0]]));
    device.after(1).after(1);
    assert_eq!((device.count("discover"), device.count("subscribe 2a35")), (3, 1));

    let mut device = Device::new(vec![]);
    device.meet();
    for _ in 0..20 {
        device.after(1);
    }
    assert_eq!(device.count("discover"), DISCOVER_PAUSES.len() + 1);
    assert_eq!((device.failures(), device.over), (vec!["discover empty".into()], Some(PAUSE_AFTER_FAILURE)));

    let mut lamp = Device::new(list(&[(at(0x180f, listed::BATTERY), "rn")]));
    lamp.meet();
    for _ in 0..20 {
        lamp.after(1);
    }
    assert_eq!((lamp.failures(), lamp.over), (vec!["discover nothing_to_hear".into()], Some(PAUSE_AFTER_NOTHING)));
}

/// Wherever the device first says that the bond is gone: once, and then it is left alone.
#[test]
fn a_lost_bond_ends_the_conversation_and_is_not_retried() {
    for call in ["connect", "discover", "read 2a29", "subscribe 2a35"] {
        let mut device = Device::new(cuff_list()).failing(call, Trouble::PairingLost);
        device.meet();
        let times = device.calls.len();
        device.after(1).after(1).meet();
        assert_eq!(device.calls.len(), times, "{call}");
        assert_eq!(device.failures().len(), 1, "{call}");
        assert!(device.failures()[0].ends_with("pairing_lost"), "{call}");
        assert_eq!((device.over, device.count(call)), (Some(PAUSE_AFTER_LOST_PAIRING), 1), "{call}");
        assert_eq!(device.calls.last().map(String::as_str), Some("disconnect"), "{call}");
    }
}

/// Hanging up before anything can be heard: the next advertisement is waited for, and after a few times in a row longer.
#[test]
fn a_device_that_hangs_up_midway_is_met_again_when_it_advertises() {
    for (call, step) in [
        ("discover", "discover"),
        ("open", "open_notifications"),
        ("read 2a25", "read_identity"),
        ("read 2a08", "read_clock"),
        ("subscribe 2a35", "subscribe"),
    ] {
        let mut remembered = Remembered::default();
        for times in 1..=5 {
            let mut device =
                Device::with(cuff_list(), Session::new(facts(None), remembered)).failing(call, Trouble::NotConnected);
            device.meet();
            assert_eq!((device.count("connect"), device.count("disconnect")), (1, 0), "{call}");
            assert_eq!(device.failures(), [format!("{step} disconnected")], "{call}");
            let pause = if times <= HANG_UPS_MAX { CONNECT_PAUSE } else { PAUSE_AFTER_HANG_UPS };
            assert_eq!(device.over, Some(pause), "{call}, {times} times in a row");
            remembered = device.session.remembered();
        }
        let mut device = Device::with(cuff_list(), Session::new(facts(None), remembered));
        device.meet().tell(Event::Disconnected);
        assert_eq!((device.over, device.session.remembered().hang_ups), (Some(Duration::ZERO), 0), "{call}");
    }
}

/// A bonded cuff whose subscription was put back sends and hangs up before anything is listed; or it is listed, and the
/// hub's own subscription is refused. Its readings are there, and nothing is wrong.
#[test]
fn a_cuff_that_sent_before_it_was_asked_has_done_its_part() {
    let mut device = Device::new(cuff_list()).failing("subscribe 2a35", Trouble::Refused);
    assert_eq!(device.session.on(Event::Advertised, noon()), [Action::Connect]);
    device.sends(CUFF, &bytes(CAPTURE_UA651)).tell(Event::Connected);
    assert_eq!((device.frames.len(), device.over), (1, None), "it is listened to on");

    let mut gone = Session::new(facts(None), Remembered::default());
    for event in [Event::Advertised, Event::Value(CUFF, bytes(CAPTURE_UA651)), Event::Connected] {
        drop(gone.on(event, noon()));
    }
    let parted = gone.on(Event::Disconnected, noon());
    assert!(matches!(parted.as_slice(), [Action::Heard(_), Action::Over(Duration::ZERO)]), "{parted:?}");
}

/// Refused connections are retried at once, but not for ever.
#[test]
fn a_refused_connection_is_tried_three_more_times() {
    let mut device = Device::new(cuff_list()).failing("connect", Trouble::Refused);
    device.meet();
    for _ in 0..10 {
        device.after(1);
    }
    assert_eq!(device.count("connect"), 1 + usize::from(CONNECT_RETRIES_MAX));
    assert_eq!((device.failures().len(), device.over), (4, Some(PAUSE_AFTER_FAILURE)));
    let mut queued = Device::new(cuff_list()).failing("connect", Trouble::WaitedTooLong);
    queued.meet();
    assert_eq!((queued.count("disconnect"), queued.over), (0, Some(Duration::ZERO)), "nothing was begun");
    // Without a stream of values nothing is asked for; that is no reason to hurry.
    let mut deaf = Device::new(cuff_list()).failing("open", Trouble::Refused);
    deaf.meet();
    assert_eq!((deaf.count("connect"), deaf.over), (1, Some(PAUSE_AFTER_FAILURE)));
    let mut refused = Device::new(cuff_list()).failing("connect", Trouble::Refused);
    refused.meet();
    assert_eq!((refused.count("connect"), refused.timers.clone()), (1, vec![CONNECT_PAUSE]));
    refused.fails.clear();
    refused.after(1);
    assert_eq!(refused.count("subscribe 2a35"), 1, "the second try came through");
}

/// Each step alone takes longer than it may.
#[test]
fn every_step_may_take_too_long() {
    let calls = ["connect", "discover", "open", "read 2a29", "read 2a08", "set clock", "subscribe 2a35", "read 2a19"];
    for call in calls {
        let mut device = Device::new(cuff_list()).failing(call, Trouble::TimeLimit);
        device.reads.insert(listed::DATE_TIME, bytes("ea07 06 01 0c 2c 00"));
        device.meet();
        for _ in 0..20 {
            device.after(1);
        }
        let reaches_the_cuff = matches!(call, "read 2a29" | "read 2a08" | "set clock" | "read 2a19");
        assert_eq!(device.over.is_none(), reaches_the_cuff, "{call}");
        assert!(device.calls.len() < 20, "{call}: {:?}", device.calls);
    }
    for action in [Action::Connect, Action::Discover, Action::Disconnect, Action::Read(CUFF), Action::Subscribe(CUFF)] {
        assert!(action.limit() > Duration::ZERO && action.limit() <= Duration::from_secs(35));
    }
}

/// The hub hangs up only after a long silence; every value begins it anew.
#[test]
fn an_idle_device_is_hung_up_on() {
    let mut device = Device::new(cuff_list());
    device.meet().after(600);
    device.sends(CUFF, &bytes(CAPTURE_UA651)).after(600);
    assert_eq!((device.over, device.timers.last().copied()), (None, Some(Duration::from_secs(60))));
    device.after(61);
    assert_eq!((device.over, device.count("disconnect"), device.parted), (Some(Duration::ZERO), 1, 1));
}

#[test]
fn events_out_of_order_change_nothing() {
    let mut session = Session::new(facts(None), Remembered::default());
    let strays = [
        Event::Connected,
        Event::Discovered(Ok(cuff_list())),
        Event::NotificationsOpen(Ok(())),
        Event::Read(CUFF_CLOCK, Ok(vec![])),
        Event::Wrote(CUFF_CLOCK, Ok(())),
        Event::Subscribed(CUFF, Ok(())),
        Event::LastKept(FrameKind::Glucose, None),
        Event::TimerFired,
        Event::Disconnected,
    ];
    for stray in &strays {
        assert_eq!(session.on(stray.clone(), noon()), [], "{stray:?}");
    }
    assert_eq!(session.on(Event::Advertised, noon()), [Action::Connect]);
    assert_eq!(session.on(Event::Advertised, noon()), []);
    for stray in &strays[1..] {
        assert_eq!(session.on(stray.clone(), noon()), [], "{stray:?}");
    }
    assert_eq!(session.on(Event::Connected, noon()), [Action::Discover]);
}
