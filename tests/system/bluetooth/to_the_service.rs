//! One script end to end: from the cuff over Bluetooth through the hub's outbox to the real service, which stores, judges
//! and alerts, and whose receipt the hub keeps.

use super::{HUB, script};
use demo::seed::Seeded;
use harness::{
    bluez::{home::Hub, runner::Rig},
    clock::wait_until,
    contents::Contents,
    footprint::Footprint,
    ingest_process::IngestProcess,
};
use rules::Verdict;
use std::{collections::BTreeSet, path::Path, time::Duration};
use vitals::wire::v1::Urgency;

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");

/// The footprint's hub signs with the key of this seed.
const SEED: u64 = 0;

const SETTLED_WITHIN: Duration = Duration::from_secs(40);

#[test]
fn a_dangerous_reading_from_a_cuff_is_alerted_by_the_service() {
    let script = script("whole/to-the-service");
    let footprint = Footprint::new(SEED).unwrap();
    let log = footprint.folder().join("ingest.log");
    let service = IngestProcess::start(Path::new(INGEST), &footprint.settings(), &log).unwrap();
    let key = Seeded::new(SEED, "hub key").key();
    let hub = Hub { key, server: format!("http://{}", service.address()), ..Hub::default() };
    let rig = Rig::start(Path::new(HUB), &script, &hub).unwrap();
    let readings = script.expect.rows().len();
    wait_until(SETTLED_WITHIN, "the service has every reading", || {
        rig.home.settled().is_ok_and(|settled| settled.len() == readings)
    })
    .unwrap_or_else(|late| panic!("{late}: {}\n{}", rig.agent.log(), service.log()));
    let sent: BTreeSet<String> = rig.home.settled().unwrap().into_iter().map(|reading| reading.id).collect();
    let run = rig.finish(&script, SETTLED_WITHIN).unwrap();
    assert!(run.findings.is_empty(), "{:?}\n{}\n{}", run.findings, run.shown(), run.log);
    assert!(service.stop().unwrap().0.success());

    let contents = Contents::read(&footprint.data()).unwrap();
    let stored: BTreeSet<String> = contents.readings.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(stored, sent, "what the hub was told is stored is what is stored");
    assert!(
        contents.readings.iter().all(|(_, verdict)| matches!(verdict, Some(Verdict::Evaluated { late: false, .. }))),
        "judged, and not as late: {:?}",
        contents.readings
    );
    let urgencies: Vec<Urgency> = contents.alerts.iter().map(|alert| alert.urgency).collect();
    assert_eq!((urgencies, contents.halves()), (vec![Urgency::ActNow], vec![]));
}
