//! Ports that are missing, busy, no ports at all, stopped, or come and go: each is told apart, tried again at growing
//! distances, and opened when it can be.

use device_codecs::serial::{Hint, LineSettings, Protocol};
use harness::serial::{
    devices::{contec, masimo},
    line::Planted,
    near::{Came, Keeper, Near},
    socket::Socket,
    story::{Plan, Teller},
};
use hub_agent::{
    HubEvent,
    config::SerialPort,
    link::serial::{check::check, open::open_now},
};
use std::fs;

fn gone(came: &Came) -> Vec<&'static str> {
    let why = |event: &HubEvent| if let HubEvent::PortGone { why, .. } = event { Some(*why) } else { None };
    came.events.iter().filter_map(why).collect()
}

async fn near(protocol: Protocol) -> Near {
    Near::start(protocol, Planted::Nothing, Keeper::List).await.unwrap()
}

/// While time stands nothing is tried, and when it passes the tries grow apart up to a limit: no loop is ever busy.
#[tokio::test]
async fn a_missing_port_is_tried_at_growing_distances_and_said_once() {
    let near = near(Protocol::MasimoAscii1).await;
    let mut waits = Vec::new();
    for _try in 0..7 {
        near.clock.all_asleep().await;
        let (before, slept) = (near.clock_now(), near.clock.slept());
        near.clock.pass_to_next().await;
        waits.push((near.clock_now() - before).num_seconds());
        near.clock.sleeps_again(slept).await;
        assert_eq!(near.clock.slept(), slept + 1, "one try, one rest");
    }
    assert_eq!(waits, [1, 2, 4, 8, 10, 10, 10]);
    assert_eq!(gone(&near.end().await.unwrap()), ["missing"]);
}

#[tokio::test]
async fn a_port_that_comes_and_goes_is_opened_each_time() {
    let near = near(Protocol::MasimoAscii1).await;
    near.notes.until(|came| came.said("port_gone") == 1).await;
    let mut teller = Teller::new(&near);
    for day in 0..3 {
        teller.plug().await.unwrap();
        teller.stream(&mut masimo::Rad8::default(), day * 15..day * 15 + 15, Plan::PLAIN).await.unwrap();
        teller.unplug().await.unwrap();
        near.clock.pass_until(near.notes.until(|came| gone(came).len() == 3 + day * 2)).await;
    }
    let came = near.end().await.unwrap();
    assert_eq!(gone(&came), ["missing", "unplugged", "missing", "unplugged", "missing", "unplugged", "missing"]);
    assert_eq!((came.said("port_opened"), came.frames().len()), (3, 3), "a pick each time");
}

#[tokio::test]
async fn a_port_that_another_program_has_is_busy_until_that_lets_go() {
    let near = near(Protocol::MasimoAscii1).await;
    near.notes.until(|came| came.said("port_gone") == 1).await;
    let wire = near.socket.plug().unwrap();
    let theirs = open_now(&near.socket.path(), LineSettings::USUAL).unwrap();
    near.clock.pass_until(near.notes.until(|came| gone(came).contains(&"busy"))).await;
    drop(theirs);
    near.clock.pass_until(near.notes.until(|came| came.said("port_opened") == 1)).await;
    assert!(open_now(&near.socket.path(), LineSettings::USUAL).is_err(), "ours alone");
    let path = near.socket.path();
    let socket = near.socket.clone();
    assert_eq!(gone(&near.end().await.unwrap()), ["missing", "busy"]);
    // With the link gone its task is, and with that the port.
    harness::clock::wait_until(std::time::Duration::from_secs(30), "the port is free again", || {
        open_now(&path, LineSettings::USUAL).is_ok()
    })
    .unwrap();
    drop((socket, wire));
}

#[tokio::test]
async fn what_is_no_port_fails_and_is_not_taken_for_one() {
    let near = near(Protocol::MasimoAscii1).await;
    near.notes.until(|came| came.said("port_gone") == 1).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    near.socket.put(file.path()).unwrap();
    near.clock.pass_until(near.notes.until(|came| gone(came).len() == 2)).await;
    assert_eq!(gone(&near.end().await.unwrap()), ["missing", "failed"]);
    assert_eq!(fs::read(file.path()).unwrap(), b"", "nothing was written to it");
}

/// A stray XOFF stops our side of the line for ever. The write has a limit, and opening the port anew frees the line.
#[tokio::test]
async fn a_line_stopped_by_noise_is_opened_anew() {
    let near = near(Protocol::Cms50V7Live).await;
    let mut teller = Teller::new(&near);
    teller.plug().await.unwrap();
    teller.until_idle().await;
    near.socket.wire().unwrap().send(&[0x13]).await.unwrap();
    near.clock.pass_until(near.notes.until(|came| gone(came).last() == Some(&"failed"))).await;
    teller.next_conversation().await;
    let mut device = contec::NewerLive::default();
    drop(near.socket.wire().unwrap().take());
    let sent = teller.stream(&mut device, 0..60 * 15, Plan::PLAIN).await.unwrap();
    assert_eq!((sent.len(), near.line.seen().records.len()), (900, 900));
}

/// The hints that a device of another dialect gives, or none at all; each is said once an opening.
#[tokio::test]
async fn a_device_of_another_dialect_gives_a_hint_and_no_reading() {
    let near = near(Protocol::Cms50V7Live).await;
    let mut teller = Teller::new(&near);
    for _plug in 0..2 {
        teller.plug().await.unwrap();
        teller.stream(&mut contec::OlderLive::default(), 0..60 * 20, Plan::PLAIN).await.unwrap();
        teller.unplug().await.unwrap();
    }
    let came = near.end().await.unwrap();
    assert_eq!(came.hints(), ["cms50_is_older"; 2]);
    assert_eq!(came.heard, Vec::new());
}

#[tokio::test]
async fn a_silent_device_gives_one_hint_an_opening_however_often_it_is_asked() {
    let near = near(Protocol::OnetouchUltraEasy).await;
    let mut teller = Teller::new(&near);
    teller.plug().await.unwrap();
    for _conversation in 0..4 {
        teller.next_conversation().await;
    }
    assert_eq!(near.line.seen().hints, [Hint::NothingHeard; 4]);
    assert_eq!(near.end().await.unwrap().hints(), ["nothing_heard"]);
}

/// `hub-agent check` tells the same states apart, and opens nothing for longer than a look.
#[tokio::test]
async fn check_says_what_is_wrong_with_each_port() {
    let [good, busy, missing] = [Socket::new().unwrap(), Socket::new().unwrap(), Socket::new().unwrap()];
    let _wires = [good.plug().unwrap(), busy.plug().unwrap()];
    let _theirs = open_now(&busy.path(), LineSettings::USUAL).unwrap();
    let port = |socket: &Socket| SerialPort { port: socket.path(), protocol: Protocol::Cms50V4Live };
    let nowhere = missing.path();
    for _twice in 0..2 {
        let findings = check(&[port(&good), port(&busy), port(&missing)], &nowhere);
        let said: Vec<_> = findings.iter().map(|finding| (finding.is_good, finding.sentence.as_str())).collect();
        let want = [
            (true, "It can be opened at 19200 8O1."),
            (false, "It is in use by another program."),
            (false, "It is not there."),
        ];
        assert_eq!(said, want);
    }
}
