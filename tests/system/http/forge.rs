//! Requests that the hub they name never sent: none is taken, whatever was spoilt, and each check that keeps one out is shown
//! to be needed.

use harness::forge::{Numbers, run};

/// What the gate tries. The long run is `forge --mutations 10000000`.
const MUTATIONS: u64 = 100_000;

/// 10^5 spoilt requests against the real service within this process, and, before them, verifiers that each leave one check
/// out: the forger gets a request past every one of those, and none past the service.
#[test]
fn nothing_is_taken_that_its_hub_did_not_send() {
    let summary = run(&Numbers { mutations: MUTATIONS, seed: 1, threads: 2 }).unwrap();
    assert!(summary.holds(), "{summary}");
    assert_eq!((summary.count(), summary.accepted), (MUTATIONS, 0));
    println!("{summary}");
}
