//! The benchmark of the service does what it says, with a handful of hubs: every request's signature is verified and every
//! reading meets its rules, by the service's own count, and a run without rules is no run.

use harness::{
    bench::Figures as _,
    bench_ingest::{Options, Side, measure, measure_bytes},
};
use std::{path::PathBuf, time::Duration};

/// Requests of ten readings of twenty hubs, for as short a time as shows anything.
fn small() -> Options {
    Options {
        hubs: 20,
        only: Some(Side::Ours),
        size: Some(10),
        window: Duration::from_millis(300),
        first_readings: 100,
        ..Options::usual(PathBuf::from(env!("CARGO_BIN_EXE_bench-ingest")), true)
    }
}

#[test]
fn rules_and_signatures_are_on_by_the_services_own_count() {
    let table = measure(&small()).unwrap();
    let named = table.named();
    let figure = |name: &str| *named.get(name).unwrap_or_else(|| panic!("{name} is not in {named:?}"));
    assert!(figure("ours_10_rules_per_reading") >= 8.0);
    assert!(figure("ours_10_requests") > 0.0);
    assert!((figure("ours_10_signatures_verified") - figure("ours_10_requests")).abs() < 0.5);
    for name in ["readings_per_second", "readings_per_cpu_second", "top_p99_us", "half_p99_us", "p50_to_probe"] {
        assert!(figure(&format!("ours_10_{name}")) > 0.0, "{name}");
    }
    let text = table.to_string();
    assert!(text.contains("not measured") && text.contains("readings/s"), "{text}");
}

/// The plant: the service runs without a protocol, and stores everything just as well.
#[test]
fn a_run_without_rules_is_void() {
    let trouble = measure(&Options { has_rules: false, ..small() }).unwrap_err().to_string();
    assert!(trouble.contains("evaluated 0 rules"), "{trouble}");
}

#[test]
fn the_room_of_a_reading_is_that_of_all_tables_but_the_state() {
    const READINGS: usize = 600;
    let named = measure_bytes(&small(), READINGS).unwrap().named();
    let figure = |name: &str| *named.get(name).unwrap_or_else(|| panic!("{name} is not in {named:?}"));
    assert!(figure("bytes_readings") >= 600.0);
    let tables = named.iter().filter(|(name, _)| name.starts_with("bytes_per_reading_"));
    let all: f64 = tables.map(|(_, bytes)| bytes).sum();
    let without_state = figure("bytes_per_reading");
    assert!(0.0 < without_state && without_state < all, "{named:?}");
}
