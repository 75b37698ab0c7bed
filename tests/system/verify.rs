//! `ingest verify` as a program: beside a service that runs, after one that was killed, and on a store that somebody changed.

use demo::seed::Seeded;
use harness::{
    footprint::Footprint,
    ingest_process::IngestProcess,
    service::{ADA, MORNING, reading},
    signed_client::{TestHub, batch},
};
use ingest::disk::DATABASE_FILE;
use std::{
    path::Path,
    process::{Command, Output},
};

const INGEST: &str = env!("CARGO_BIN_EXE_ingest-under-test");

fn verify(settings: &Path) -> (bool, String, String) {
    let mut command = Command::new(INGEST);
    let Output { status, stdout, stderr } =
        command.args(["verify", "--indexes", "--config"]).arg(settings).output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_program_says_that_a_store_is_sound_or_which_row_is_not() {
    let footprint = Footprint::new(7).unwrap();
    let (passed, _, said) = verify(&footprint.settings());
    assert!(!passed && said.contains("there is no chain.key"), "{said}");
    assert!(!footprint.data().join(DATABASE_FILE).exists(), "a check makes nothing");

    let process =
        IngestProcess::start(Path::new(INGEST), &footprint.settings(), &footprint.folder().join("log")).unwrap();
    let hub = TestHub::new("hub-test", Seeded::new(7, "hub key").key()).unwrap();
    for number in 1..=20 {
        let sent = vec![serde_json::to_value(reading(ADA, number, "182/118", MORNING).unwrap()).unwrap()];
        let answer = hub.signed(batch(&sent, MORNING), MORNING).unwrap().send(process.address()).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let (passed, said, log) = verify(&footprint.settings());
    assert!(passed, "beside the service: {said}{log}");
    assert!(said.starts_with("The store is sound: ") && said.contains(" with 20 readings in "), "{said}");
    assert!(said.contains("There is no signed root yet."), "{said}");
    process.kill().unwrap();
    let (passed, said, log) = verify(&footprint.settings());
    assert!(passed && said.contains(" with 20 readings in "), "after a kill, its log not folded: {said}{log}");

    let sqlite = rusqlite::Connection::open(footprint.data().join(DATABASE_FILE)).unwrap();
    let entry: i64 = sqlite.query_row("SELECT max(seq) FROM entry", [], |row| row.get(0)).unwrap();
    sqlite.execute("DELETE FROM entry WHERE seq = ?1", [entry]).unwrap();
    drop(sqlite);
    let (passed, said, log) = verify(&footprint.settings());
    let expected = format!("verify the store: entry row {entry} (an entry of the journal) is missing. ");
    assert!(!passed && said.is_empty() && log.contains(&expected), "{said}{log}");
    assert!(harness::service::personal_words_in(&log).is_none(), "{log}");
}
