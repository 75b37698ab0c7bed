//! bluetoothd is killed while one cuff is connected and another waits, and comes back; then the bus is. A hub that hears
//! nothing must say so, and must hear again by itself, or end so that its supervisor starts it anew.

use super::{HUB, script};
use harness::{
    bluez::{
        Absence,
        agent::Agent,
        home::Hub,
        runner::{Rig, Run},
        script::Script,
    },
    clock::wait_until,
};
use std::{fs, path::Path, time::Duration};

/// Where the gate finds how long it took.
const SUMMARY: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/bluetooth-recovery.txt");

/// The first reading comes within tenths of a second; a busy machine may be slower.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// A service that has gone is noticed within two polls and their limits, by the link's own word about ten seconds.
const DEAF_WITHIN: Duration = Duration::from_secs(30);

/// What the script allows from the return of bluetoothd to the last reading.
const HEARS_WITHIN: Duration = Duration::from_secs(90);

/// What a supervisor takes as "start me again".
const FAILED: i32 = 1;

/// Starts everything and waits until the first cuff has sent its reading and is still connected.
fn first_reading(script: &Script) -> Rig {
    let rig = Rig::start(Path::new(HUB), script, &Hub::default()).unwrap();
    let has_it = || rig.home.stored().is_ok_and(|stored| stored.len() == 1);
    wait_until(FIRST_WITHIN, "the first reading is stored", has_it)
        .unwrap_or_else(|late| panic!("{late}: {:?}\n{}", rig.bluetoothd.record().calls(), rig.agent.log()));
    assert!(rig.bluetoothd.record().is_connected("01"), "the first cuff is still connected");
    assert_eq!(rig.agent.said("bluetooth_deaf"), 0, "all is well");
    rig
}

fn all_as_expected(run: &Run) {
    let findings: Vec<String> = run.findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}\n{}\n{}", findings.join("\n"), run.shown(), run.log);
}

/// How long until the hub said that it is deaf, and how long after the return of bluetoothd it had everything.
fn killed_and_returned(absence: Absence) -> (Duration, Duration) {
    let script = script("recovery/two-cuffs");
    let mut rig = first_reading(&script);
    let address = rig.bus.address();
    rig.bluetoothd.kill_with(absence, &address).unwrap();
    let deaf = wait_until(DEAF_WITHIN, "the hub says that it is deaf", || rig.agent.said("bluetooth_deaf") > 0)
        .unwrap_or_else(|late| panic!("{late}: {}", rig.agent.log()));
    assert_eq!(rig.agent.said("bluetooth_hears"), 0, "there is nothing to hear yet: {}", rig.agent.log());
    assert_eq!(rig.home.stored().unwrap().len(), 1, "nothing can have come before bluetoothd returns");
    rig.bluetoothd.start_again(&address).unwrap();
    let recovered = wait_until(HEARS_WITHIN, "all readings are stored", || {
        rig.home.stored().is_ok_and(|stored| stored.len() == script.expect.rows().len())
    })
    .unwrap_or_else(|late| panic!("{late}: {:?}\n{}", rig.bluetoothd.record().calls(), rig.agent.log()));
    let run = rig.finish(&script, HEARS_WITHIN).unwrap();
    all_as_expected(&run);
    assert!(run.log.contains("bluetooth_hears"), "the hub said that it hears again: {}", run.log);
    (deaf, recovered)
}

/// What the hub did about a bus that was killed and came back, in words.
fn bus_killed_and_returned() -> String {
    let script = script("recovery/two-cuffs");
    let mut rig = first_reading(&script);
    rig.bus.kill().unwrap();
    let mut ended = None;
    let noticed = wait_until(DEAF_WITHIN, "the hub says that it is deaf, or ends", || {
        ended = rig.agent.ended().unwrap();
        ended.is_some() || rig.agent.said("bluetooth_deaf") > 0
    })
    .unwrap_or_else(|late| panic!("{late}: {}", rig.agent.log()));
    // bluetoothd has lost its bus and with it its life; its devices have not.
    rig.bluetoothd.kill().unwrap();
    rig.bus.start_again().unwrap();
    let address = rig.bus.address();
    rig.bluetoothd.start_again(&address).unwrap();
    let recovered = wait_until(HEARS_WITHIN, "all readings are stored, or the hub has ended", || {
        ended = ended.or(rig.agent.ended().unwrap());
        ended.is_some() || rig.home.stored().is_ok_and(|stored| stored.len() == script.expect.rows().len())
    })
    .unwrap_or_else(|late| panic!("{late}: {:?}\n{}", rig.bluetoothd.record().calls(), rig.agent.log()));
    let words = match ended {
        None => format!("recovered in {:.1} s after the bus returned", recovered.as_secs_f64()),
        Some(status) => {
            assert_eq!(status.code(), Some(FAILED), "for its supervisor: {}", rig.agent.log());
            rig.agent = Agent::start(Path::new(HUB), &rig.home, &address).unwrap();
            "ended with code 1 for its supervisor, and the agent started anew heard everything".to_owned()
        }
    };
    all_as_expected(&rig.finish(&script, HEARS_WITHIN).unwrap());
    format!("bus killed: noticed in {:.1} s, {words}", noticed.as_secs_f64())
}

#[test]
fn the_hub_says_that_it_is_deaf_and_hears_again() {
    // A summary of another day must not stand for this run.
    fs::write(SUMMARY, "the recoveries have not ended\n").unwrap();
    let [silent, said_so, bus] = std::thread::scope(|scope| {
        let told = |absence: Absence, how: &'static str| {
            scope.spawn(move || {
                let (deaf, recovered) = killed_and_returned(absence);
                format!(
                    "bluetoothd killed ({how}): deaf said in {:.1} s, recovered in {:.1} s after bluetoothd returned",
                    deaf.as_secs_f64(),
                    recovered.as_secs_f64()
                )
            })
        };
        let silent = told(Absence::Silent, "calls unanswered");
        let said_so = told(Absence::SaidSo, "calls refused");
        let bus = scope.spawn(bus_killed_and_returned);
        [silent, said_so, bus].map(|thread| thread.join().unwrap())
    });
    let summary = format!("{silent}\n{said_so}\n{bus}\n");
    println!("{summary}");
    fs::write(SUMMARY, summary).unwrap();
}
