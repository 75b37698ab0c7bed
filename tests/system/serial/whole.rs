//! The whole agent on a serial line: what was measured is in its outbox once, however often the line broke and the
//! device told it again.

use super::summary::Summary;
use device_codecs::serial::Protocol;
use harness::serial::{
    devices::{Device, Stream, contec, contour, freestyle, masimo, nonin, onetouch},
    line::Planted,
    near::{Came, Keeper, Near},
    noise::{GARBAGE, garbage_before},
    story::{Cut, Plan, Teller, Went},
};
use std::{collections::BTreeSet, time::Duration};

const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// Every reading reached the disk once, and waits there.
fn check(came: &Came, records: usize) {
    let readings = came.readings();
    let distinct: BTreeSet<_> = readings.iter().collect();
    assert_eq!((readings.len(), distinct.len()), (records, records), "kept, and kept once: {:?}", came.events);
    assert_eq!(came.waiting(), u64::try_from(records).ok());
    assert_eq!(came.said("reading_conflicts"), 0);
}

/// Noise and cuts, the plug pulled in the middle, and all of it once more on a clean line.
async fn told_again(protocol: Protocol, mut device: Box<dyn Device>, records: usize) {
    let summary = Summary::of(&format!("{}_whole", protocol.name()));
    let folder = tempfile::tempdir().unwrap();
    let near = Near::start(protocol, Planted::Nothing, Keeper::Agent(folder.path().to_owned())).await.unwrap();
    let mut teller = Teller::new(&near);
    let story = async {
        teller.plug().await.unwrap();
        let plan = Plan { before: GARBAGE, cut: Cut::Everywhere, hangs_up_after: Some(70), ..Plan::PLAIN };
        assert_eq!(teller.hold(device.as_mut(), plan).await.unwrap(), Went::HungUp);
        for _visit in 0..2 {
            device.is_plugged_in();
            teller.plug().await.unwrap();
            let plan = Plan { before: GARBAGE, cut: Cut::Everywhere, ..Plan::PLAIN };
            assert_eq!(teller.hold(device.as_mut(), plan).await.unwrap(), Went::ToItsEnd);
            teller.unplug().await.unwrap();
        }
    };
    tokio::time::timeout(ENDS_WITHIN, story).await.expect("the story ends");
    assert_eq!(device.wrongs(), <[String; 0]>::default());
    let counts = teller.counts;
    check(&near.end().await.unwrap(), records);
    summary.held(&format!("{records} records, each in the outbox once"), counts);
}

#[tokio::test]
async fn spot_checks_are_in_the_outbox_once() {
    told_again(Protocol::NoninDf13, Box::new(nonin::SpotChecker::with(0, 5)), 5).await;
}

#[tokio::test]
async fn contour_results_are_in_the_outbox_once() {
    told_again(Protocol::ContourAstm, Box::new(contour::Contour::with(0, 5)), 5).await;
}

#[tokio::test]
async fn ultra2_results_are_in_the_outbox_once() {
    told_again(Protocol::OnetouchUltra2, Box::new(onetouch::Ultra2::with(0, 5)), 5).await;
}

#[tokio::test]
async fn ultraeasy_results_are_in_the_outbox_once() {
    told_again(Protocol::OnetouchUltraEasy, Box::new(onetouch::UltraEasy::with(0, 5)), 5).await;
}

#[tokio::test]
async fn optium_results_are_in_the_outbox_once() {
    told_again(Protocol::FreestyleOptium, Box::new(freestyle::Optium::with(0, 5)), 5).await;
}

#[tokio::test]
async fn an_older_contec_recording_is_in_the_outbox_once() {
    told_again(Protocol::Cms50V4Recorded, Box::new(contec::OlderRecorder::with(0, 180)), 2).await;
}

#[tokio::test]
async fn a_newer_contec_recording_is_in_the_outbox_once() {
    told_again(Protocol::Cms50V7Recorded, Box::new(contec::NewerRecorder::with(0, 70)), 2).await;
}

/// A meter tells its newest result first: one more, and every other stands in another place and comes under another
/// number. Each is known again all the same.
#[tokio::test]
async fn results_that_moved_in_a_meters_memory_are_known_again() {
    type Make = fn(usize, usize) -> Box<dyn Device>;
    let meters: [(Protocol, Make); 4] = [
        (Protocol::ContourAstm, |first, results| Box::new(contour::Contour::with(first, results))),
        (Protocol::OnetouchUltra2, |first, results| Box::new(onetouch::Ultra2::with(first, results))),
        (Protocol::OnetouchUltraEasy, |first, results| Box::new(onetouch::UltraEasy::with(first, results))),
        (Protocol::FreestyleOptium, |first, results| Box::new(freestyle::Optium::with(first, results))),
    ];
    let mut kept = Vec::new();
    for (protocol, make) in meters {
        let folder = tempfile::tempdir().unwrap();
        let near = Near::start(protocol, Planted::Nothing, Keeper::Agent(folder.path().to_owned())).await.unwrap();
        let mut teller = Teller::new(&near);
        for first in [3, 2, 1, 0] {
            let mut device = make(first, 7 - first);
            teller.plug().await.unwrap();
            assert_eq!(teller.hold(device.as_mut(), Plan::PLAIN).await.unwrap(), Went::ToItsEnd);
            teller.unplug().await.unwrap();
        }
        let came = near.end().await.unwrap();
        assert_eq!(came.waiting(), u64::try_from(came.readings().len()).ok());
        kept.push((protocol.name(), came.readings().len()));
    }
    assert_eq!(kept, meters.map(|(protocol, _)| (protocol.name(), 7)));
}

/// A stream is never told again: each pick is a reading of its own.
async fn streamed(protocol: Protocol, device: &mut dyn Stream) {
    let summary = Summary::of(&format!("{}_whole", protocol.name()));
    let folder = tempfile::tempdir().unwrap();
    let near = Near::start(protocol, Planted::Nothing, Keeper::Agent(folder.path().to_owned())).await.unwrap();
    let mut teller = Teller::new(&near);
    let a_second = usize::try_from(device.a_second()).unwrap();
    let garbage = garbage_before(protocol);
    let story = async {
        teller.plug().await.unwrap();
        let plan = Plan { before: garbage, cut: Cut::After(0), ..Plan::PLAIN };
        teller.stream(device, 0..80 * a_second, plan).await.unwrap();
        teller.pull_out_inside(device, 80 * a_second, Plan::PLAIN).await.unwrap();
        device.is_plugged_in();
        teller.plug().await.unwrap();
        teller.stream(device, 81 * a_second..96 * a_second, plan).await.unwrap();
        teller.unplug().await.unwrap();
    };
    tokio::time::timeout(ENDS_WITHIN, story).await.expect("the story ends");
    assert_eq!(device.wrongs(), <[String; 0]>::default());
    let counts = teller.counts;
    let came = near.end().await.unwrap();
    // The first, one a minute later, and the first after the plug was pulled.
    check(&came, 3);
    summary.held("3 picks, each in the outbox once", counts);
}

#[tokio::test]
async fn picks_of_streams_are_in_the_outbox_once() {
    streamed(Protocol::MasimoAscii1, &mut masimo::Rad8::default()).await;
    streamed(Protocol::NoninDf2, &mut nonin::Onyx::to_be_set_to(2)).await;
    streamed(Protocol::NoninDf7, &mut nonin::Onyx::to_be_set_to(7)).await;
    streamed(Protocol::NoninDf8, &mut nonin::Onyx::to_be_set_to(8)).await;
    streamed(Protocol::Cms50V4Live, &mut contec::OlderLive::default()).await;
    streamed(Protocol::Cms50V7Live, &mut contec::NewerLive::default()).await;
}
