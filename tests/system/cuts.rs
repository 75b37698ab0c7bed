//! Would the power cuts see a loss? Their load and their judge, on a service that is killed, so that nobody needs root; the
//! judge is then shown the same store with something missing, something twice, and something from nowhere. The cuts
//! themselves are the program `power-cuts`, which `tests/run` starts where it may mount.

use harness::{
    contents::{Contents, verified},
    cuts::Rehearsal,
};
use ingest::disk::DATABASE_FILE;
use std::path::Path;

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");

#[test]
fn the_judge_of_power_cuts_names_a_loss_a_double_and_a_breach_without_its_one_alert() {
    let rehearsal = Rehearsal::play(Path::new(INGEST), 1).unwrap();
    let sound = rehearsal.contents();
    assert_eq!(rehearsal.broken(sound), Vec::<String>::new());
    assert!(sound.readings.len() > 20 && sound.alerts.len() > 1, "too little was sent: {sound:?}");

    let names = |contents: Contents, expected: &str| {
        let broken = rehearsal.broken(&contents);
        assert!(broken.iter().any(|broken| broken.contains(expected)), "want {expected}, in {broken:?}");
    };
    // The first that was stored was acknowledged before the kill: forty answers came after it.
    names(Contents { readings: sound.readings[1..].to_vec(), ..sound.clone() }, "lost 1");
    let mut twice = sound.clone();
    twice.readings.push(sound.readings[0].clone());
    names(twice, "duplicated 1");
    names(Contents { alerts: sound.alerts[1..].to_vec(), ..sound.clone() }, "and has 0 alerts");
    let mut twice = sound.clone();
    twice.alerts.push(sound.alerts[0].clone());
    names(twice, "and has 2 alerts");
    let mut ghost = sound.clone();
    ghost.alerts[0].patient = vitals::PatientId::parse("pt-nobody").unwrap();
    names(ghost, "pt-nobody has an alert and no breach");
    let mut stored_twice = sound.clone();
    *stored_twice.stored.values_mut().next().unwrap() = 2;
    names(stored_twice, "was stored Some(2) times");

    // After the last check of a run, the store must be sound to `ingest verify`: one whose newest entry is gone is not.
    let found = verified(&rehearsal.data()).unwrap().unwrap();
    assert!(found.readings > 20 && found.alerts > 1, "{found:?}");
    let sqlite = rusqlite::Connection::open(rehearsal.data().join(DATABASE_FILE)).unwrap();
    sqlite.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)", []).unwrap();
    drop(sqlite);
    let wrong = verified(&rehearsal.data()).unwrap().unwrap_err();
    assert!(wrong.contains("(an entry of the journal) is missing"), "{wrong}");
}
