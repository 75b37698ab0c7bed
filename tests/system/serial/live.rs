//! Live streams: every record is found at every split, and the sampler's picks are records as the device sent them.

use super::summary::Summary;
use chrono::{DateTime, TimeDelta, Utc};
use device_codecs::serial::{Protocol, sample};
use harness::serial::{
    devices::{Stream, contec, masimo, nonin},
    line::Planted,
    near::{Came, Keeper, Near},
    noise::garbage_before,
    story::{Cut, Plan, Teller},
};
use hub_agent::HubEvent;
use std::time::Duration;

const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// How long a stream is heard: long enough for the first pick and two more.
const HEARD_SECS: usize = 150;

/// How long it is heard again after the plug was pulled inside a record: long enough for one pick.
const AGAIN_SECS: usize = 15;

/// What a stream's story came to.
struct Told {
    sent: Vec<(DateTime<Utc>, Vec<u8>)>,
    found: Vec<Vec<u8>>,
    came: Came,
}

impl Told {
    /// How many values were passed over, as the events say.
    fn passed_over(&self) -> usize {
        let count = |event: &HubEvent| {
            if let HubEvent::LiveValuesPassedOver { values, .. } = event { usize::try_from(*values).ok() } else { None }
        };
        self.came.events.iter().filter_map(count).sum()
    }
}

/// Streams after noise, each record cut at another place; the line hangs up inside a record and comes back.
async fn tell(protocol: Protocol, device: &mut dyn Stream, planted: Planted, summary: Option<Summary>) -> Told {
    let garbage = garbage_before(protocol);
    let near = Near::start(protocol, planted, Keeper::List).await.unwrap();
    let mut teller = Teller::new(&near);
    teller.plug().await.unwrap();
    let a_second = usize::try_from(device.a_second()).unwrap();
    let records = HEARD_SECS * a_second;
    let plan = Plan { cut: Cut::After(0), before: garbage, ..Plan::PLAIN };
    let mut sent = teller.stream(device, 0..records, plan).await.unwrap();
    let mut found = near.line.seen().records;
    teller.pull_out_inside(device, records, Plan::PLAIN).await.unwrap();
    device.is_plugged_in();
    teller.plug().await.unwrap();
    let plan = Plan { cut: Cut::Everywhere, before: garbage, ..Plan::PLAIN };
    let again = records + 1..records + 1 + AGAIN_SECS * a_second;
    sent.extend(teller.stream(device, again, plan).await.unwrap());
    found.extend(near.line.seen().records);
    teller.unplug().await.unwrap();
    if let Some(summary) = summary {
        summary.held(&format!("{} records, each found once", sent.len()), teller.counts);
    }
    let came = near.end().await.unwrap();
    Told { sent, found, came }
}

/// Every record is found once, and picks follow the sampler's rule.
fn check(told: &Told) {
    let sent: Vec<&Vec<u8>> = told.sent.iter().map(|(_, bytes)| bytes).collect();
    let found: Vec<&Vec<u8>> = told.found.iter().collect();
    assert_eq!(found.len(), sent.len(), "records found and sent");
    assert!(found == sent, "the records found are those that were sent, in order");
    let frames = told.came.frames();
    assert_eq!(told.passed_over() + frames.len(), sent.len(), "every record is picked or passed over");
    assert_eq!(told.came.kept, frames.len());
    for frame in &frames {
        let is_sent = |(at, bytes): &(DateTime<Utc>, Vec<u8>)| *at == frame.seen_at && bytes == frame.bytes.as_slice();
        assert!(told.sent.iter().any(is_sent), "a pick is a record as it was sent, stamped when it came");
    }
    let first = told.sent[0].0;
    let picked: Vec<TimeDelta> = frames.iter().map(|frame| frame.seen_at - first).collect();
    assert_eq!(picked.len(), 4, "the first, two a minute apart, and the first after the plug: {picked:?}");
    assert!(picked[0] >= sample::SETTLED_AFTER && picked[0] < sample::SETTLED_AFTER + TimeDelta::seconds(2));
    assert!(picked[..3].windows(2).all(|pair| pair[1] - pair[0] >= sample::EVERY));
}

async fn holds(protocol: Protocol, mut device: impl Stream) {
    let summary = Summary::of(protocol.name());
    let story = tell(protocol, &mut device, Planted::Nothing, Some(summary));
    let told = tokio::time::timeout(ENDS_WITHIN, story).await.expect("the story ends");
    assert_eq!(device.wrongs(), <[String; 0]>::default());
    check(&told);
}

#[tokio::test]
async fn masimo_lines_are_found_at_every_split() {
    holds(Protocol::MasimoAscii1, masimo::Rad8::default()).await;
}

#[tokio::test]
async fn nonin_packets_are_found_at_every_split() {
    holds(Protocol::NoninDf2, nonin::Onyx::to_be_set_to(2)).await;
}

#[tokio::test]
async fn nonin_packets_with_a_fine_wave_are_found_at_every_split() {
    holds(Protocol::NoninDf7, nonin::Onyx::to_be_set_to(7)).await;
}

#[tokio::test]
async fn nonin_seconds_are_found_at_every_split() {
    holds(Protocol::NoninDf8, nonin::Onyx::to_be_set_to(8)).await;
}

#[tokio::test]
async fn older_contec_records_are_found_at_every_split() {
    holds(Protocol::Cms50V4Live, contec::OlderLive::default()).await;
}

#[tokio::test]
async fn newer_contec_packets_are_found_at_every_split() {
    holds(Protocol::Cms50V7Live, contec::NewerLive::default()).await;
}

/// A reader that takes what a read brought for whole records loses them, and this is where it shows.
#[tokio::test]
async fn a_framer_that_loses_what_a_read_broke_off_is_caught() {
    let told = tell(Protocol::MasimoAscii1, &mut masimo::Rad8::default(), Planted::LosesAtSplits, None).await;
    assert!(told.found.len() < told.sent.len());
    assert!(std::panic::catch_unwind(|| check(&told)).is_err());
}

/// The factory setting is told from noise, and no reading is made of it.
#[tokio::test]
async fn a_masimo_in_ascii_2_gives_a_hint_and_no_reading() {
    let near = Near::start(Protocol::MasimoAscii1, Planted::Nothing, Keeper::List).await.unwrap();
    let mut teller = Teller::new(&near);
    teller.plug().await.unwrap();
    teller.stream(&mut masimo::Rad8Ascii2::default(), 0..120, Plan::PLAIN).await.unwrap();
    teller.unplug().await.unwrap();
    let came = near.end().await.unwrap();
    assert_eq!((came.hints(), came.kept), (vec!["masimo_ascii2"], 0));
    assert_eq!(came.heard, Vec::new());
    assert!((2..=3).contains(&came.said("bytes_dropped")), "said once a minute: {:?}", came.events);
}
