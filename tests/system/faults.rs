//! Does the store keep what it acknowledged when the power goes at any moment, when any call of the disk fails, and when
//! any bit of its file flips? The real engine on a disk in memory; each question first catches something planted.

use harness::{
    faults::{Bits, Numbers, Part, Summary, run},
    footprint::{AMBER, Footprint, NORMAL, Pressure, RED},
    ingest_process::{Launched, Starting},
    kill::{hub::Hub, line::Line},
    under_test::{FAILS_A_SYNC, PLANT},
};
use std::{fs, path::Path, thread};

/// Moments at which the power goes.
const CRASH_IMAGES: usize = 20_000;

/// Bits that flip.
const FLIPS: usize = 20_000;

/// One seed, so that a failure can be looked at again.
const SEED: u64 = 1;

/// Where `tests/run` finds the counts.
const SUMMARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/faults-summary.txt");

const INGEST: &str = env!("CARGO_BIN_EXE_power-cuts");

const NOTHING: Numbers = Numbers {
    crash_images: None,
    fail_each: false,
    flips: None,
    is_quick: true,
    part: Part::WHOLE,
    seed: SEED,
    threads: 1,
};

#[test]
fn the_store_keeps_what_it_acknowledged_whatever_the_disk_does() {
    // A summary of another day must not stand for this run.
    fs::write(SUMMARY, "the faults have not ended\n").unwrap();
    let cuts = Numbers { crash_images: Some(CRASH_IMAGES), ..NOTHING };
    let damage = Numbers { fail_each: true, flips: Some(Bits::Some(FLIPS)), ..NOTHING };
    let (cuts, damage) = thread::scope(|scope| {
        let cuts = scope.spawn(move || run(&cuts));
        let damage = run(&damage).unwrap();
        (cuts.join().unwrap().unwrap(), damage)
    });
    let lines = |summary: &Summary| summary.lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    fs::write(SUMMARY, lines(&cuts) + &lines(&damage)).unwrap();
    println!("{cuts}{damage}");
    assert!(cuts.holds && damage.holds, "{cuts}{damage}");
}

/// Nobody knows what such a disk holds, so nothing more is acknowledged: the process ends, and says so.
#[test]
fn a_failed_sync_ends_the_service_with_a_sentence() {
    let story: Vec<Pressure> = [NORMAL, AMBER, RED, NORMAL]
        .into_iter()
        .cycle()
        .take(60)
        .zip([0, 1].into_iter().cycle())
        .map(|(pressure, who)| (who, pressure))
        .collect();
    let footprint = Footprint::new(SEED).unwrap();
    let log = footprint.folder().join("ingest.log");
    let starting = Starting::start(Path::new(INGEST), &footprint.settings(), &log, &[(PLANT, FAILS_A_SYNC)]).unwrap();
    let Launched::Listens(process) = starting.listens().unwrap() else { panic!("it ended before it listened") };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = runtime.block_on(async {
        // The hub goes on for as long as there is a service to send to.
        let _hub = Hub::start(&footprint, &Line::to(process.address()), &story, 1, usize::MAX).await.unwrap();
        tokio::task::block_in_place(|| process.gone()).unwrap()
    });
    let said = process.log();
    assert!(!status.success(), "{status}: {said}");
    assert!(said.contains("The store has halted") && said.contains("a part of it has ended"), "{said}");
}
